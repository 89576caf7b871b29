package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/wneessen/go-mail"
	"trikk.dev/engine/plan"
)

// mailer sends a mail with a text and an HTML part. Its Message-ID is the same when the same is sent again, so that mailboxes can drop
// the second one.
type mailer struct {
	config              plan.Mail
	tls                 *tls.Config
	password            string
	subject, text, html executer
}

const ownSubject = "[{{.Env}}] {{.Headline}}"

func newMail(n plan.Notifier, config *tls.Config, password string) (notifier, error) {
	subject := n.Mail.Subject
	if subject == "" {
		subject = ownSubject
	}
	m := &mailer{config: *n.Mail, tls: config, password: password}
	var errs [3]error
	m.subject, errs[0] = parseText("subject", subject, plain)
	m.text, errs[1] = textTemplate(n, n.Mail.Text, "plain.tmpl", plain)
	m.html, errs[2] = htmlTemplate(n, n.Mail.HTML, "mail.html.tmpl")
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return m, nil
}

// parts are the subject and the two bodies.
func (m *mailer) parts(r Report) (subject, text, html string, err error) {
	if subject, err = render(m.subject, r); err != nil {
		return
	}
	if text, err = render(m.text, r); err != nil {
		return
	}
	html, err = render(m.html, r)
	return line(subject), text, html, err
}

func (m *mailer) show(r Report) (string, error) {
	subject, text, html, err := m.parts(r)
	return fmt.Sprintf("From: %s\nTo: %s\nSubject: %s\n\n%s\n%s", m.config.From, strings.Join(m.config.To, ", "), subject, text, html), err
}

func (m *mailer) send(ctx context.Context, r Report, memo *memo) ([]string, error) {
	msg, err := m.message(r)
	if err != nil {
		return nil, err
	}
	client, err := m.client()
	if err != nil {
		return nil, &Error{Doing: "mail: making it ready", Err: err, Final: true}
	}
	return nil, memo.once("mail", func(bool) (string, error) {
		if err := client.DialAndSendWithContext(ctx, msg); err != nil && !accepted(msg) {
			return "", m.wrong(err)
		}
		return "", nil
	})
}

// accepted reports that the server took the mail over, whatever went wrong after it.
func accepted(msg *mail.Msg) bool { return msg.IsDelivered() }

func (m *mailer) message(r Report) (*mail.Msg, error) {
	subject, text, html, err := m.parts(r)
	if err != nil {
		return nil, err
	}
	msg := mail.NewMsg()
	if err := errors.Join(msg.From(m.config.From), msg.To(m.config.To...)); err != nil {
		return nil, &Error{Doing: "mail: an address can't be used", Err: err, Final: true}
	}
	msg.Subject(subject)
	msg.SetDate()
	msg.SetMessageIDWithValue(strings.Map(idLetter, delivery(r)) + "@trikk")
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nobody's holiday answers it
	msg.SetBodyString(mail.TypeTextPlain, text)
	msg.AddAlternativeString(mail.TypeTextHTML, html)
	return msg, nil
}

// idLetter keeps what a Message-ID may hold.
func idLetter(r rune) rune {
	if r == '-' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
		return r
	}
	return '-'
}

func (m *mailer) client() (*mail.Client, error) {
	config := m.tls.Clone()
	config.ServerName = m.config.Server
	options := []mail.Option{mail.WithPort(m.config.Port), mail.WithTimeout(callTimeout), mail.WithTLSConfig(config)}
	switch m.config.TLS {
	case plan.MailImplicit:
		options = append(options, mail.WithSSL())
	case plan.MailPlain:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if m.config.Auth != nil {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(m.config.Auth.User), mail.WithPassword(m.password))
	}
	return mail.NewClient(m.config.Server, options...)
}

// wrong words an error of the server, or of the way to it. Codes 4xx of SMTP pass, 5xx stay (RFC 5321, 4.2.1).
func (m *mailer) wrong(err error) error {
	fail := &Error{Doing: "mail: sending through " + m.config.Server, Err: errors.New(line(err.Error()))}
	var sent *mail.SendError
	var reply *textproto.Error
	switch {
	case errors.As(err, &sent):
		fail.Final = !sent.IsTemp() && sent.ErrorCode() >= 500
	case errors.As(err, &reply):
		fail.Final = reply.Code >= 500
		if reply.Code == 530 || reply.Code == 534 || reply.Code == 535 { // RFC 4954, 6
			fail.Hint = "check user and password"
		}
	case strings.Contains(err.Error(), "STARTTLS"):
		fail.Final, fail.Hint = true, "the server offers no STARTTLS; tls: \"implicit\" is for port 465"
	case strings.Contains(err.Error(), "SMTP AUTH"):
		fail.Final, fail.Hint = true, "the server takes no user and password, or not in this way"
	default:
		return unreachable(fail, &url.URL{Host: net.JoinHostPort(m.config.Server, fmt.Sprint(m.config.Port))}, err)
	}
	return fail
}
