package host

import "time"

// Target says where a server is. Fields that are set win over ssh_config.
type Target struct {
	Name    string // inventory name, for messages
	Address string // DNS name or IP address; also the name looked up in ssh_config
	Port    int    // 0: ssh_config's, else 22
	User    string // "": ssh_config's, else the local user
	// Jump is an inventory name or [user@]address[:port], or several of them separated by commas, to connect through. "":
	// ssh_config's ProxyJump; "none": a direct connection.
	Jump string
}

// Options say how servers are reached. The zero value is OpenSSH's behaviour with strict host keys.
type Options struct {
	// ConfigFile is an ssh_config file; "": the user's and the system's; "none": no file and no defaults but these options.
	ConfigFile string
	// IdentityFiles are tried instead of the default key files, as ssh -i.
	IdentityFiles []string
	// AgentSocket is the ssh-agent's socket; "": ssh_config's or the one in SSH_AUTH_SOCK; "none": no agent.
	AgentSocket string
	// KnownHosts are known_hosts files instead of ssh_config's. New keys are written to the first one.
	KnownHosts []string
	// AcceptNew records the key of a server that is not known yet, as OpenSSH's StrictHostKeyChecking=accept-new. A key that
	// differs from the recorded one is always refused.
	AcceptNew bool
	// Notice, if set, is told what people should know, such as a recorded host key. It may be called concurrently.
	Notice func(text string)

	ConnectTimeout    time.Duration // one attempt, from TCP to the end of the handshake; 0: 20 s
	KeepaliveInterval time.Duration // 0: 15 s
	KeepaliveMissed   int           // unanswered keepalives that end a connection; 0: 3
	StartTimeout      time.Duration // from a script's sending to its first sign of life; 0: 60 s
	ReadTimeout       time.Duration // of a query or question whose context has no deadline; 0: 60 s
	Heartbeat         time.Duration // between the bytes that keep a lease alive; 0: 15 s
	MaxSessions       int           // commands at once on one connection; 0: 10, OpenSSH's own limit
	MaxDials          int           // connections that a Pool opens at once; 0: 32
}

// filled is o with the defaults in place of zeros.
func (o Options) filled() Options {
	orDuration(&o.ConnectTimeout, 20*time.Second)
	orDuration(&o.KeepaliveInterval, 15*time.Second)
	orDuration(&o.StartTimeout, 60*time.Second)
	orDuration(&o.ReadTimeout, 60*time.Second)
	orDuration(&o.Heartbeat, 15*time.Second)
	orInt(&o.KeepaliveMissed, 3)
	orInt(&o.MaxSessions, 10)
	orInt(&o.MaxDials, 32)
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
	return o
}

func orDuration(d *time.Duration, otherwise time.Duration) {
	if *d == 0 {
		*d = otherwise
	}
}

func orInt(n *int, otherwise int) {
	if *n == 0 {
		*n = otherwise
	}
}
