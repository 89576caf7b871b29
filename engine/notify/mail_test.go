package notify

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
	"trikk.dev/engine/plan"
)

// post is a real SMTP server that keeps what it gets.
type post struct {
	mu     sync.Mutex
	mails  []string
	to     []string
	refuse []error // what it says to the next mails
	user   string
	*smtp.Server
	port  int
	roots *x509.CertPool
}

// smtpServer starts one on loopback. tweak changes it before.
func smtpServer(t *testing.T, implicit bool, tweak func(*post)) *post {
	t.Helper()
	cert, roots := certificate(t)
	p := &post{roots: roots}
	p.Server = smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &session{post: p}, nil }))
	p.Server.Domain, p.Server.TLSConfig = "mx.example", &tls.Config{Certificates: []tls.Certificate{cert}}
	p.Server.ErrorLog = nowhere{}
	tweak(p)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p.port = l.Addr().(*net.TCPAddr).Port
	if implicit {
		l = tls.NewListener(l, p.Server.TLSConfig)
	}
	go func() { _ = p.Server.Serve(l) }()
	t.Cleanup(func() { _ = p.Server.Close() })
	return p
}

type nowhere struct{}

func (nowhere) Printf(string, ...any) {}
func (nowhere) Println(...any)        {}

type session struct{ post *post }

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if password != hush {
			return errors.New("wrong")
		}
		s.post.mu.Lock()
		defer s.post.mu.Unlock()
		s.post.user = user
		return nil
	}), nil
}

func (s *session) Mail(string, *smtp.MailOptions) error { return nil }

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.post.mu.Lock()
	defer s.post.mu.Unlock()
	s.post.to = append(s.post.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.post.mu.Lock()
	defer s.post.mu.Unlock()
	if len(s.post.refuse) > 0 {
		said := s.post.refuse[0]
		s.post.refuse = s.post.refuse[1:]
		return said
	}
	s.post.mails = append(s.post.mails, string(text))
	return nil
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

// got is what the server got so far.
func (p *post) got() (mails, to []string, user string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mails, p.to, p.user
}

// certificate is one for 127.0.0.1 that only the test trusts.
func certificate(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

func mailOf(p *post) plan.Notifier {
	return plan.Notifier{Mail: &plan.Mail{Server: "127.0.0.1", Port: p.port, TLS: plan.MailStartTLS, Auth: &plan.BasicAuth{User: "trikk", Password: token()},
		From: "trikk <trikk@example.com>", To: []string{"ops@example.com", "Anna <anna@example.com>"}}}
}

func (p *post) deliver(t *testing.T, n plan.Notifier, r Report) Delivery {
	t.Helper()
	s := sender()
	s.Roots = p.roots
	_, b := box(t)
	d, _ := deliverBy(t, s, b, Item{Name: "it", Notifier: n}.ready(r, s.Now()))
	return d
}

func TestMail(t *testing.T) {
	for name, implicit := range map[string]bool{"starttls": false, "implicit": true} {
		p := smtpServer(t, implicit, func(*post) {})
		n := mailOf(p)
		n.Mail.TLS = name
		d := p.deliver(t, n, failed())
		mails, to, user := p.got()
		if d.State != Sent || len(mails) != 1 {
			t.Fatalf("%s: %+v", name, d)
		}
		m, err := mail.ReadMessage(bytes.NewReader([]byte(mails[0])))
		if err != nil {
			t.Fatal(err)
		}
		if user != "trikk" || strings.Join(to, " ") != "ops@example.com anna@example.com" || m.Header.Get("Message-ID") != "<20261126T131929-ffa6-reverted-2026-11-26T13-19-48Z@trikk>" {
			t.Errorf("%s: %s %v %v", name, user, to, m.Header)
		}
		wants(t, mails[0], "multipart/alternative", "text/plain", "text/html", "Auto-Submitted: auto-generated", "&lt;!channel&gt;", "not touched, on 1.0-bdc7a1fa")
	}
}

// What passes is tried again, what stays is told once, and nothing is sent in clear.
func TestMailFails(t *testing.T) {
	p := smtpServer(t, false, func(p *post) {
		p.refuse = []error{&smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "come again"}}
	})
	if d := p.deliver(t, mailOf(p), done()); d.State != Sent || d.Attempts != 2 {
		t.Errorf("451: %+v", d)
	}
	if mails, _, _ := p.got(); len(mails) != 1 {
		t.Errorf("%d mails", len(mails))
	}
	p.refuse = []error{&smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "no thanks"}}
	if d := p.deliver(t, mailOf(p), done()); d.State != Failed || d.Attempts != 1 || !strings.Contains(d.Error, "no thanks") {
		t.Errorf("554: %+v", d)
	}
	plainOnly := smtpServer(t, false, func(p *post) { p.Server.TLSConfig = nil; p.Server.AllowInsecureAuth = true })
	if d := plainOnly.deliver(t, mailOf(plainOnly), done()); d.State != Failed || !strings.Contains(d.Error, "offers no STARTTLS") {
		t.Errorf("no STARTTLS: %+v", d)
	}
	if mails, _, user := plainOnly.got(); user != "" || len(mails) != 0 {
		t.Error("it was sent in clear")
	}
	n := mailOf(plainOnly)
	n.Mail.TLS, n.Mail.Auth = plan.MailPlain, nil
	if d := plainOnly.deliver(t, n, done()); d.State != Sent {
		t.Errorf("in clear, as asked: %+v", d)
	}
	p.roots = x509.NewCertPool()
	if d := p.deliver(t, mailOf(p), done()); d.State != Failed || !strings.Contains(d.Error, "SSL_CERT_FILE") {
		t.Errorf("an unknown certificate: %+v", d)
	}
	s := smtpServer(t, false, func(*post) {})
	n = mailOf(s)
	by := sender()
	by.Roots = s.roots
	n.Mail.Auth.Password = plan.Secret{Env: "OTHER"}
	_, b := box(t)
	if d, _ := deliverFor(t, by, b, Item{Name: "it", Notifier: n}.ready(done(), by.Now()), 100*time.Millisecond); d.State != Pending || !strings.Contains(d.Error, "reading secret env OTHER: it is not set") {
		t.Errorf("no secret: %+v", d)
	}
}
