package notify

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	html "html/template"
	"io"
	"os"
	"strings"
	text "text/template"
	"time"

	"trikk.dev/engine/plan"
)

//go:embed template/*.tmpl
var templates embed.FS

const (
	// largestText is how many bytes a template may have, and what it makes.
	largestText = 64 << 10
	// renderTime is how long a template may take.
	renderTime = 2 * time.Second
)

// executer is a parsed template of text or of HTML.
type executer interface {
	Execute(w io.Writer, data any) error
}

// functions are what templates may call beside the built-in ones.
func functions(strong func(string) string) map[string]any {
	return map[string]any{
		"strong": strong,
		"join":   strings.Join,
		"upper":  strings.ToUpper,
		"json": func(v any) (string, error) {
			b, err := json.Marshal(v)
			return string(b), err
		},
	}
}

func plain(s string) string { return s }

// source reads a template: the user's file, or our own of that name.
func source(n plan.Notifier, file, own string) (name, content string, err error) {
	if file == "" {
		b, err := templates.ReadFile("template/" + own)
		return own, string(b), err
	}
	f, err := os.OpenInRoot(n.Dir, file) // a link leads nowhere else
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	if err != nil {
		return file, "", &Error{Doing: "template " + file, Err: err, Final: true}
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, largestText+1))
	if err == nil && len(b) > largestText {
		err = fmt.Errorf("it has more than %d bytes", largestText)
	}
	if err != nil {
		return file, "", &Error{Doing: "template " + file, Err: err, Final: true}
	}
	return file, string(b), nil
}

// textTemplate parses a template of text: a file of the user's, or our own.
func textTemplate(n plan.Notifier, file, own string, strong func(string) string) (executer, error) {
	name, content, err := source(n, file, own)
	if err != nil {
		return nil, err
	}
	return parseText(name, content, strong)
}

func parseText(name, content string, strong func(string) string) (executer, error) {
	t, err := text.New(name).Funcs(functions(strong)).Option("missingkey=error").Parse(content)
	if err != nil {
		return nil, wrongTemplate(err)
	}
	return t, nil
}

// htmlTemplate parses a template of HTML, which escapes by itself.
func htmlTemplate(n plan.Notifier, file, own string) (executer, error) {
	name, content, err := source(n, file, own)
	if err != nil {
		return nil, err
	}
	t, err := html.New(name).Funcs(functions(plain)).Option("missingkey=error").Parse(content)
	if err != nil {
		return nil, wrongTemplate(err)
	}
	return t, nil
}

// render executes a template. One that does not end in time, or makes too much, is an error.
func render(t executer, r Report) (string, error) {
	type result struct {
		text string
		err  error
	}
	done := make(chan result, 1) // a template that never ends keeps its goroutine
	go func() {
		b := &bounded{}
		err := t.Execute(b, r)
		done <- result{b.String(), err}
	}()
	select {
	case got := <-done:
		if got.err != nil {
			return "", wrongTemplate(got.err)
		}
		return strings.TrimRight(got.text, "\n") + "\n", nil
	case <-time.After(renderTime):
		return "", &Error{Doing: fmt.Sprintf("a template did not end within %s", renderTime), Final: true}
	}
}

// wrongTemplate words an error of the template packages: they begin with "template:" and the name already.
func wrongTemplate(err error) error {
	said := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "html/"), "template: ")
	return &Error{Doing: "template " + line(said), Final: true, Hint: "the fields are those of docs/notifications.md"}
}

// bounded is text that refuses to grow beyond largestText.
type bounded struct{ strings.Builder }

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > largestText {
		return 0, fmt.Errorf("it makes more than %d bytes", largestText)
	}
	return b.Builder.Write(p)
}
