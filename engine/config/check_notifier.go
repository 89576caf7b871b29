package config

import (
	"fmt"
	"maps"
	"net/mail"
	"os"
	"path/filepath"
	"slices"

	"trikk.dev/engine/plan"
)

// notifiers completes those who are told of an environment's runs, and checks what the schema can't: selectors, files, addresses. No
// secret is read.
func (r *reader) notifiers(e plan.Environment, places map[string]plan.Pos) {
	dir := filepath.Join(r.root, filepath.FromSlash(r.folder.dir))
	for _, name := range slices.Sorted(maps.Keys(e.Notify)) {
		n := e.Notify[name]
		n.Dir = dir
		e.Notify[name] = n
		wrong := func(field, message, hint string) {
			path := "notify." + name + "." + field
			r.add(Diagnostic{Pos: nearestPlace(places, path, e.Pos), Path: "environments." + e.Name + "." + path, Message: message, Hint: hint})
		}
		if _, err := parseSelector(n.Labels); err != nil {
			wrong("labels", err.Error(), "")
		}
		if field, s := n.Secret(); s != nil {
			if err := complete(s, dir); err != nil {
				wrong(field, fmt.Sprintf("secret %s: %v", s, err), "")
			}
		}
		templates := n.Templates()
		for _, field := range slices.Sorted(maps.Keys(templates)) {
			if at, err := os.Stat(filepath.Join(dir, templates[field])); err != nil || !at.Mode().IsRegular() {
				wrong(field, fmt.Sprintf("there is no file %s", templates[field]), "a path starts from the folder of this file")
			}
		}
		if n.Mail != nil {
			mailWrong(*n.Mail, wrong)
		}
	}
}

// mailWrong checks the addresses of a mail, and that no password goes over the wire in clear.
func mailWrong(m plan.Mail, wrong func(field, message, hint string)) {
	if _, err := mail.ParseAddress(m.From); err != nil {
		wrong("mail.from", fmt.Sprintf("%q is no mail address", m.From), "")
	}
	for i, to := range m.To {
		if _, err := mail.ParseAddress(to); err != nil {
			wrong(fmt.Sprintf("mail.to.%d", i), fmt.Sprintf("%q is no mail address", to), "")
		}
	}
	if m.Auth != nil && m.TLS == plan.MailPlain {
		wrong("mail.auth", "the password would go over the network in clear", "set tls to \"starttls\" or \"implicit\", or remove auth")
	}
}

// Selects tells whether a label selector, as for -l, fits labels. One that can't be read, which loading tells, fits nothing.
func Selects(selector string, labels map[string]string) bool {
	terms, err := parseSelector(selector)
	return err == nil && terms.match(labels)
}
