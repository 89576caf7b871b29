package manual_test

import (
	"bytes"
	"strings"
	"testing"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/load"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// validator is the JSON Schema of an app or an environment, as a library of its own reads it.
func validator(t *testing.T, root string) *jsonschema.Schema {
	t.Helper()
	text, err := open(t).JSONSchema(root)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func check(t *testing.T, s *jsonschema.Schema, text string) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(doc)
}

// The example apps and environments, exported as JSON, are accepted.
func TestJSONSchemaAcceptsTheExamples(t *testing.T) {
	apps, environments := validator(t, "app"), validator(t, "environment")
	ctx := cuecontext.New()
	count := 0
	for _, in := range load.Instances([]string{"./apps/..."}, &load.Config{Dir: "../.."}) {
		v := ctx.BuildInstance(in)
		if app := v.LookupPath(cue.ParsePath("app")); app.LookupPath(cue.ParsePath("name")).Exists() {
			count++
			if err := check(t, apps, exported(t, app)); err != nil {
				t.Errorf("%s: %v", in.Dir, err)
			}
		}
		it, err := v.LookupPath(cue.ParsePath("environments")).Fields()
		for err == nil && it.Next() {
			count++
			if err := check(t, environments, exported(t, it.Value())); err != nil {
				t.Errorf("%s: %v", it.Selector(), err)
			}
		}
	}
	if count < 19 {
		t.Errorf("only %d examples", count)
	}
}

func exported(t *testing.T, v cue.Value) string {
	t.Helper()
	text, err := v.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestJSONSchemaSamples(t *testing.T) {
	const minimal = `"name": "a", "artifact": {"url": {"url": "https://repo.example/a.zip"}}, "environments": {"prod": {"servers": ["app01"]}}`
	apps, environments := validator(t, "app"), validator(t, "environment")
	for text, want := range map[string]string{ // what the error says; "": it is accepted
		`{` + minimal + `}`: "",
		`{` + minimal + `, "rollout": {"rolling": {"maxUnavailable": 2}, "drainDeadline": "30s"}}`: "",
		`{` + minimal + `, "probes": {"up": {"http": {"port": 80, "status": [200]}}}}`:             "",
		`{` + minimal + `, "files": {"a.json": {"json": {"any": [1, null]}}}}`:                     "",
		`{` + minimal + `, "hooks": {"before": ["make"]}, "ports": {"http": 8080}}`:                "",
		`{"name": "a"}`: "missing property 'environments'",
		`{"environments": {"prod": {"servers": ["app01"]}}}`:                                          "missing property 'name'",
		`{` + minimal + `, "prboes": {}}`:                                                             "'prboes' not allowed",
		`{` + minimal + `, "probes": {"up": {"http": {"port": 80, "pth": "/"}}}}`:                     "'pth' not allowed",
		`{` + minimal + `, "probes": {"up": {"http": {"port": 70000}}}}`:                              "maximum",
		`{` + minimal + `, "probes": {"up": {"http": {"port": "80"}}}}`:                               "want integer",
		`{` + minimal + `, "probes": {"up": {"http": {"port": 80}, "tcp": {"port": 80}}}}`:            "oneOf",
		`{` + minimal + `, "probes": {"up": {}}}`:                                                     "oneOf",
		`{` + minimal + `, "probes": {"Up!": {"tcp": {"port": 80}}}}`:                                 "invalid propertyName",
		`{` + minimal + `, "service": {"systemd": {"unit": "a"}, "process": {"command": "b"}}}`:       "oneOf",
		`{` + minimal + `, "rollout": {"rolling": {}, "recreate": {}}}`:                               "oneOf",
		`{` + minimal + `, "rollout": {"onFailure": "revrt"}}`:                                        "must be one of",
		`{` + minimal + `, "rollout": {"drainDeadline": 30}}`:                                         "want string",
		`{` + minimal + `, "files": {"../a": {"text": ""}}}`:                                          "propertyName",
		`{` + minimal + `, "files": {"a": {"text": "", "env": {}}}}`:                                  "oneOf",
		`{` + minimal + `, "version": 1.0}`:                                                           "version",
		`{"name": "a", "environments": {"prod": {"servers": []}}}`:                                    "minItems",
		`{"name": "a", "environments": {}}`:                                                           "minProperties",
		`{"name": "a", "environments": {"prod": {"servers": ["app01"], "topology": {"shared": {}}}}}`: "missing property 'proxies'",
	} {
		requireSample(t, apps, text, want)
	}
	for text, want := range map[string]string{
		`{}`: "",
		`{"servers": {"app01": {"address": "app01.example", "port": 22}}, "proxies": {"lb": {"address": "lb.example", "driver": {"haproxy": {}}}}}`: "",
		`{"servers": {"app01": {}}}`:                                   "missing property 'address'",
		`{"servers": {"app01": {"address": "a", "prot": 22}}}`:         "'prot' not allowed",
		`{"proxies": {"lb": {"address": "lb.example", "driver": {}}}}`: "oneOf",
		`{"proxies": {"lb": {"address": "lb.example"}}}`:               "missing property 'driver'",
		`{"protected": "yes"}`:                                         "want boolean",
		`{"approval": {"signers": {}}}`:                                "minProperties",
	} {
		requireSample(t, environments, text, want)
	}
	if _, err := open(t).JSONSchema("policy"); err == nil {
		t.Error("there is a JSON Schema of a policy")
	}
}

func requireSample(t *testing.T, s *jsonschema.Schema, text, want string) {
	t.Helper()
	err := check(t, s, text)
	if err == nil && want != "" {
		t.Errorf("%s: accepted", text)
	}
	if err != nil && (want == "" || !strings.Contains(err.Error(), want)) {
		t.Errorf("%s: got %v\nwant %s", text, err, want)
	}
}
