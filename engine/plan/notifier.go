package plan

// Which runs a notifier is told of.
const (
	OnAlways  = "always"
	OnChange  = "change"
	OnFailure = "failure"
)

// Notifier is somebody or something that is told how runs ended: a one-key union of Jira, Confluence, Slack, Mattermost, Teams, Webhook
// and Mail. It is data; engine/notify sends.
type Notifier struct {
	On string `json:"on,omitempty"` // always, change or failure
	// Labels selects the apps that it is told of, as -l does; "": all.
	Labels     string      `json:"labels,omitempty"`
	Jira       *Jira       `json:"jira,omitempty"`
	Confluence *Confluence `json:"confluence,omitempty"`
	Slack      *Slack      `json:"slack,omitempty"`
	Mattermost *Mattermost `json:"mattermost,omitempty"`
	Teams      *Teams      `json:"teams,omitempty"`
	Webhook    *Webhook    `json:"webhook,omitempty"`
	Mail       *Mail       `json:"mail,omitempty"`
	// Dir is the folder of the file that it is written in, absolute: templates are relative to it.
	Dir string `json:"dir,omitempty"`
}

// Jira writes to issues.
type Jira struct {
	URL        string `json:"url"`
	Email      string `json:"email,omitempty"` // the account on Jira Cloud; "": a Data Center
	Token      Secret `json:"token"`
	Comment    bool   `json:"comment,omitempty"`
	Transition string `json:"transition,omitempty"` // name of a transition, or of the status that it leads to
	FixVersion string `json:"fixVersion,omitempty"` // with {app} and {version}
	Changelog  string `json:"changelog,omitempty"`  // URL with {app} and {version}
	// Projects are those that issues of the change log are of; none: all that looks like one.
	Projects []string `json:"projects,omitempty"`
	Template string   `json:"template,omitempty"`
}

// Confluence keeps a table on a page.
type Confluence struct {
	URL   string `json:"url"`
	Email string `json:"email,omitempty"` // the account on Confluence Cloud; "": a Data Center
	Token Secret `json:"token"`
	Page  string `json:"page"` // its ID
}

// Slack posts a message with a bot's token.
type Slack struct {
	Channel  string `json:"channel"` // its ID
	Token    Secret `json:"token"`
	URL      string `json:"url,omitempty"` // of the Web API
	Template string `json:"template,omitempty"`
}

// Mattermost posts a message with a bot's token.
type Mattermost struct {
	URL      string `json:"url"`
	Channel  string `json:"channel"` // its ID, or TEAM/CHANNEL
	Token    Secret `json:"token"`
	Template string `json:"template,omitempty"`
}

// Teams posts a card to a workflow.
type Teams struct {
	URL      Secret `json:"url"` // who knows the address may post
	Template string `json:"template,omitempty"`
}

// Webhook posts signed JSON.
type Webhook struct {
	URL      string `json:"url"`
	Secret   Secret `json:"secret"` // the key of the signature
	Template string `json:"template,omitempty"`
}

// How a mail server is spoken to.
const (
	MailStartTLS = "starttls"
	MailImplicit = "implicit"
	MailPlain    = "none"
)

// Mail sends a mail through an SMTP server.
type Mail struct {
	Server  string     `json:"server"`
	Port    int        `json:"port"`
	TLS     string     `json:"tls"` // starttls, implicit or none
	Auth    *BasicAuth `json:"auth,omitempty"`
	From    string     `json:"from"`
	To      []string   `json:"to"`
	Subject string     `json:"subject,omitempty"` // a template
	Text    string     `json:"text,omitempty"`    // a template's file
	HTML    string     `json:"html,omitempty"`    // a template's file
}

// Kind is the name of the notifier's one key; "" where none is set.
func (n Notifier) Kind() string {
	switch {
	case n.Jira != nil:
		return "jira"
	case n.Confluence != nil:
		return "confluence"
	case n.Slack != nil:
		return "slack"
	case n.Mattermost != nil:
		return "mattermost"
	case n.Teams != nil:
		return "teams"
	case n.Webhook != nil:
		return "webhook"
	case n.Mail != nil:
		return "mail"
	}
	return ""
}

// Secret is the one secret that a notifier needs, and its field. It is nil for a mail server without auth; what is changed in it is kept.
func (n Notifier) Secret() (field string, s *Secret) {
	switch {
	case n.Jira != nil:
		return "jira.token", &n.Jira.Token
	case n.Confluence != nil:
		return "confluence.token", &n.Confluence.Token
	case n.Slack != nil:
		return "slack.token", &n.Slack.Token
	case n.Mattermost != nil:
		return "mattermost.token", &n.Mattermost.Token
	case n.Teams != nil:
		return "teams.url", &n.Teams.URL
	case n.Webhook != nil:
		return "webhook.secret", &n.Webhook.Secret
	case n.Mail != nil && n.Mail.Auth != nil:
		return "mail.auth.password", &n.Mail.Auth.Password
	}
	return "", nil
}

// Templates are the paths of the notifier's templates by field, relative to Dir.
func (n Notifier) Templates() map[string]string {
	out := map[string]string{}
	add := func(field, path string) {
		if path != "" {
			out[field] = path
		}
	}
	switch {
	case n.Jira != nil:
		add("jira.template", n.Jira.Template)
	case n.Slack != nil:
		add("slack.template", n.Slack.Template)
	case n.Mattermost != nil:
		add("mattermost.template", n.Mattermost.Template)
	case n.Teams != nil:
		add("teams.template", n.Teams.Template)
	case n.Webhook != nil:
		add("webhook.template", n.Webhook.Template)
	case n.Mail != nil:
		add("mail.text", n.Mail.Text)
		add("mail.html", n.Mail.HTML)
	}
	return out
}
