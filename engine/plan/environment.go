package plan

// Environment names the servers and proxies of one stage of an organisation: dev, test, prod.
type Environment struct {
	Name string `json:"name"`
	// Protected: applying asks to type the environment's name, or needs --confirm ENV.
	Protected bool `json:"protected,omitempty"`
	// Batch: more than one app may be applied in one run although the environment is protected.
	Batch bool `json:"batch,omitempty"`
	// RequireDigest: an artifact without a digest of its content is refused.
	RequireDigest bool `json:"requireDigest,omitempty"`
	// Approval: only saved plans that these people signed are applied; nil: any plan is. It is never in a plan, which could
	// bring rules of its own.
	Approval *Approval `json:"approval,omitempty"`
	// Notify are those who are told how runs ended, by name. Like Approval they are never in a plan: they change nothing that is done.
	Notify map[string]Notifier `json:"notify,omitempty"`
	// Freeze is when nothing is deployed, by name. It is never in a plan either.
	Freeze map[string]Freeze `json:"freeze,omitempty"`
	// Promote: only versions that another environment has proven are applied; nil: any. It is never in a plan either.
	Promote *Promote `json:"promote,omitempty"`
	// Limits are not in a plan either: its lanes take what they say.
	Limits  Limits           `json:"limits,omitzero"`
	Servers map[string]Host  `json:"servers,omitempty"`
	Proxies map[string]Proxy `json:"proxies,omitempty"`
	Pos     Pos              `json:"-"`
}

// Approval says whose signatures a plan needs before it may be applied.
type Approval struct {
	Signers map[string][]string `json:"signers"` // public keys by the name of the person: those who approve
	// Authors are those who may make plans and approve none; signers may be authors too.
	Authors map[string][]string `json:"authors,omitempty"`
	// NotAuthor: the author signs too, and does not count as an approver.
	NotAuthor bool `json:"notAuthor,omitempty"`
	Count     int  `json:"count"` // how many people must approve
	// ExemptRollback: trikk rollback needs no approval; it goes only to releases that were good there.
	ExemptRollback bool `json:"exemptRollback,omitempty"`
}

// Host is a machine that is reached over SSH. Hosts are known by their inventory name, which is unique in an
// environment over servers and proxies together.
type Host struct {
	Name    string `json:"name"`
	Address string `json:"address"`        // DNS name or IP address; also the name looked up in ssh_config
	Port    int    `json:"port,omitempty"` // 0: ssh_config's, else 22
	User    string `json:"user,omitempty"` // login user; "": ssh_config's, else the local user
	// Jump is the inventory name of a host, or [user@]address[:port], to connect through. "": ssh_config's.
	Jump   string            `json:"jump,omitempty"`
	Labels map[string]string `json:"labels,omitempty"`
	// Turns is how many turns the host gives at once that stop or start something; 0: as many as the environment says.
	Turns int `json:"turns,omitempty"`
	Pos   Pos `json:"-"`
}

// Proxy is a reverse proxy on a host, with the driver that takes servers out of its rotation and back.
type Proxy struct {
	Host
	Driver Driver `json:"driver"`
	// Reload is the shell command that reloads the proxy gracefully, run by its login user; "": never reloaded.
	Reload string `json:"reload,omitempty"`
}

// Driver is a one-key union: exactly one field is set.
type Driver struct {
	HAProxy *HAProxy `json:"haproxy,omitempty"`
	HTTPD   *HTTPD   `json:"httpd,omitempty"`
	Nginx   *Nginx   `json:"nginx,omitempty"`
	Caddy   *Caddy   `json:"caddy,omitempty"`
	Marker  *Marking `json:"marker,omitempty"`
	Command *Command `json:"command,omitempty"`
}

// HAProxy drives a proxy through its runtime API (HAProxy management guide, 9.3).
type HAProxy struct {
	// Socket is the absolute path of the admin-level stats socket on the proxy's host, or HOST:PORT.
	Socket string `json:"socket"`
	// StateFile is the absolute path of HAProxy's server-state-file, which is there for a reload by trikk; "": none.
	StateFile string `json:"stateFile,omitempty"`
}

// HTTPD drives Apache httpd through its balancer-manager or by a file. A one-key union of URL and Include.
type HTTPD struct {
	// URL of the balancer-manager as seen from the proxy's host, e.g. http://127.0.0.1/balancer-manager.
	URL string `json:"url,omitempty"`
	// Include is the file.
	Include *HTTPDInclude `json:"include,omitempty"`
}

// HTTPDInclude drives httpd by a file that its configuration includes, and graceful reloads. {backend} stands for the balancer's name, as
// BalancerName gives it, in Members and Generation.
type HTTPDInclude struct {
	Members    string `json:"members"`    // file with the members of the balancer; beside it NAME.generation
	Generation string `json:"generation"` // URL that answers with the generation, as seen from the proxy's host
	PidFile    string `json:"pidFile"`    // httpd's PidFile, on the proxy's host
	Test       string `json:"test"`       // shell command that checks the configuration
	Reload     string `json:"reload"`     // shell command that reloads gracefully
}

// Nginx drives nginx by a file that its configuration includes, and graceful reloads. {backend} stands for the name in Servers and
// Generation.
type Nginx struct {
	Servers    string `json:"servers"`    // file with the servers of the upstream; beside it NAME.generation
	Generation string `json:"generation"` // URL that answers with the generation, as seen from the proxy's host
	Test       string `json:"test"`       // shell command that checks the configuration
	Reload     string `json:"reload"`     // shell command that reloads gracefully
}

// Caddy drives Caddy through its admin API. {backend} stands for the name in ID.
type Caddy struct {
	Admin string `json:"admin"` // URL of the admin API, as seen from the proxy's host
	ID    string `json:"id"`    // "@id" of the reverse_proxy handler
}

// Marking rotates a server by a marker file that a health check looks at: present means out of rotation.
type Marking struct {
	// File is where the marker lives on the host that is taken out: absolute, ~/path, or relative to <root>/shared.
	File string `json:"file"`
	// Watch says how the balancer is asked what it made of the marker; without it trikk waits Settle.
	Watch *Watch `json:"watch,omitempty"`
	// Settle is waited after each change when there is no Watch: at least fall × interval + timeout of the balancer's check.
	Settle Duration `json:"settle,omitempty"`
}

// Watch asks a balancer for the state of one member. A one-key union of HAProxy, HTTPD and HTTP.
type Watch struct {
	HAProxy *WatchHAProxy `json:"haproxy,omitempty"`
	HTTPD   *WatchHTTPD   `json:"httpd,omitempty"`
	HTTP    *WatchHTTP    `json:"http,omitempty"`
}

// WatchHAProxy reads `show stat` from a runtime socket.
type WatchHAProxy struct {
	On     string `json:"on,omitempty"` // inventory name of the host that is asked; "": the proxy itself
	Socket string `json:"socket"`
}

// WatchHTTPD reads httpd's balancer-manager (GET ?xml=1 with a Referer).
type WatchHTTPD struct {
	On  string `json:"on,omitempty"`
	URL string `json:"url"` // as seen from the asked host, e.g. http://127.0.0.1/balancer-manager
}

// WatchHTTP reads a status page: the member is up when the answer to URL contains Up, and else out when it contains Out; a page with
// neither says nothing. {backend} and {member} stand for the names in URL, Up and Out.
type WatchHTTP struct {
	On  string `json:"on,omitempty"`
	URL string `json:"url"`
	Up  string `json:"up"`
	Out string `json:"out,omitempty"` // "": {member}
}

// Command drives a proxy by four shell commands, run by the login user of the proxy's host with BACKEND,
// MEMBER, SERVER and ADDRESS in their environment. The is-commands answer by exit status 0 (yes) or 1 (no) and
// must not change anything: planning runs them.
type Command struct {
	Drain      string `json:"drain"`
	IsDrained  string `json:"isDrained"`
	Admit      string `json:"admit"`
	IsAdmitted string `json:"isAdmitted"`
}

// Pos is a place in a user's CUE file. The zero value means that no place is known.
type Pos struct {
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
	Column int    `json:"column,omitempty"`
}
