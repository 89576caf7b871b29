package schema_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"cuelang.org/go/cue"
	"trikk.dev/engine/plan"
)

// The schema and plan's types say the same: each definition has the fields of its type, no more and no fewer.
func TestDefinitionsHaveTheFieldsOfTheirTypes(t *testing.T) {
	l := language(t)
	for definition, c := range map[string]struct {
		value any
		less  []string // fields that come from the key or the place
	}{
		"#Deployment":    {plan.App{}, []string{"dir"}},
		"#MavenArtifact": {plan.Maven{}, nil},
		"#URLArtifact":   {plan.URLArtifact{}, nil},
		"#FileArtifact":  {plan.FileArtifact{}, []string{"fetch"}},
		"#Artifact":      {plan.Artifact{}, nil},
		"#Auth":          {plan.Auth{}, nil},
		"#BasicAuth":     {plan.BasicAuth{}, nil},
		"#Secret":        {plan.Secret{}, []string{"dir", "digest"}},
		"#AgeSecret":     {plan.AgeSecret{}, nil},
		"#SopsSecret":    {plan.SopsSecret{}, nil},
		"#Layout":        {plan.Layout{}, nil},
		"#Modes":         {plan.Mode{}, nil},
		"#File":          {plan.File{}, nil},
		"#Service":       {plan.Service{}, nil},
		"#Systemd":       {plan.Systemd{}, nil},
		"#Commands":      {plan.Commands{}, nil},
		"#Process":       {plan.Process{}, nil},
		"#Probe":         {plan.Check{}, nil},
		"#Timing":        {plan.Timing{}, nil},
		"#HTTPProbe":     {plan.HTTPCheck{}, nil},
		"#TCPProbe":      {plan.TCPCheck{}, nil},
		"#ExecProbe":     {plan.ExecCheck{}, nil},
		"#Hooks":         {plan.Hooks{}, nil},
		"#Rollout":       {plan.Rollout{}, nil},
		"#Rolling":       {plan.Rolling{}, nil},
		"#Recreate":      {plan.Recreate{}, nil},
		"#Topology":      {plan.Topology{}, nil},
		"#Shared":        {plan.Shared{}, nil},
		"#Pairs":         {plan.Pairs{}, nil},
		"#Outer":         {plan.Outer{}, nil},
		"#Environment":   {plan.Environment{}, []string{"name"}},
		"#Approval":      {plan.Approval{}, nil},
		"#Notifier":      {plan.Notifier{}, []string{"dir"}},
		"#Jira":          {plan.Jira{}, nil},
		"#Confluence":    {plan.Confluence{}, nil},
		"#Slack":         {plan.Slack{}, nil},
		"#Mattermost":    {plan.Mattermost{}, nil},
		"#Teams":         {plan.Teams{}, nil},
		"#Webhook":       {plan.Webhook{}, nil},
		"#Mail":          {plan.Mail{}, nil},
		"#Freeze":        {plan.Freeze{}, nil},
		"#Promote":       {plan.Promote{}, nil},
		"#Server":        {plan.Host{}, []string{"name"}},
		"#Proxy":         {plan.Proxy{}, []string{"name"}},
		"#Driver":        {plan.Driver{}, nil},
		"#HAProxy":       {plan.HAProxy{}, nil},
		"#HTTPD":         {plan.HTTPD{}, nil},
		"#HTTPDInclude":  {plan.HTTPDInclude{}, nil},
		"#Nginx":         {plan.Nginx{}, nil},
		"#Marking":       {plan.Marking{}, nil},
		"#Watch":         {plan.Watch{}, nil},
		"#WatchHAProxy":  {plan.WatchHAProxy{}, nil},
		"#WatchHTTPD":    {plan.WatchHTTPD{}, nil},
		"#WatchHTTP":     {plan.WatchHTTP{}, nil},
		"#Command":       {plan.Command{}, nil},
		"#Live":          {plan.Supposed{}, nil},
		"#LiveServer":    {plan.SupposedServer{}, nil},
	} {
		want := map[string]bool{}
		tags(reflect.TypeOf(c.value), want)
		for _, name := range c.less {
			delete(want, name)
		}
		got := map[string]bool{}
		it, err := l.value.LookupPath(cue.ParsePath(definition)).Fields(cue.Optional(true))
		if err != nil {
			t.Fatalf("%s: %v", definition, err)
		}
		for it.Next() {
			got[strings.TrimRight(it.Selector().String(), "?!")] = true
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s has %v, its type %v", definition, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
		}
	}
}

// What can be said of a plan is what its brief has, and the document; every kind of step is counted.
func TestPlanHasTheFieldsOfABrief(t *testing.T) {
	l := language(t)
	brief := map[string]bool{"document": true}
	tags(reflect.TypeOf(plan.Brief{}), brief)
	kinds := map[string]bool{}
	for _, op := range plan.Kinds() {
		kinds[op.Kind()] = true
	}
	for definition, want := range map[string]map[string]bool{"#Plan": brief, "#Kinds": kinds} {
		it, err := l.value.LookupPath(cue.ParsePath(definition)).Fields(cue.Optional(true))
		if err != nil {
			t.Fatalf("%s: %v", definition, err)
		}
		got := map[string]bool{}
		for it.Next() {
			got[strings.TrimRight(it.Selector().String(), "?!")] = true
		}
		if !maps.Equal(got, want) {
			t.Errorf("%s has %v, not %v", definition, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
		}
	}
}

// tags collects the JSON names of a struct's fields, embedded ones included.
func tags(typ reflect.Type, into map[string]bool) {
	for i := range typ.NumField() {
		f := typ.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "-":
		case f.Anonymous && name == "":
			tags(f.Type, into)
		default:
			into[name] = true
		}
	}
}
