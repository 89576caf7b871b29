package sshtest

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// login is one connection that has logged in.
type login struct {
	server   *Server
	conn     *ssh.ServerConn
	works    *sync.WaitGroup
	ended    chan struct{}
	sessions atomic.Int64
}

func (l *login) channel(request ssh.NewChannel) {
	switch request.ChannelType() {
	case "session":
		l.session(request)
	case "direct-tcpip", "direct-streamlocal@openssh.com":
		l.forward(request)
	default:
		_ = request.Reject(ssh.UnknownChannelType, "unknown channel type")
	}
}

func (l *login) session(request ssh.NewChannel) {
	defer l.sessions.Add(-1)
	if l.sessions.Add(1) > int64(l.server.config.MaxSessions) {
		_ = request.Reject(ssh.ConnectionFailed, "open failed")
		return
	}
	channel, requests, err := request.Accept()
	if err != nil {
		return
	}
	defer func() { _ = channel.Close() }()
	for r := range requests {
		start := l.starter(r)
		if r.WantReply {
			_ = r.Reply(start != nil, nil)
		}
		if start == nil {
			continue
		}
		closed := make(chan struct{})
		l.works.Go(func() {
			answer(requests)
			close(closed)
		})
		start(channel, closed)
		return
	}
}

// starter is what a channel request starts, or nil. closed is closed when the client has closed the channel.
func (l *login) starter(r *ssh.Request) func(channel ssh.Channel, closed <-chan struct{}) {
	var payload struct{ Text string }
	if err := ssh.Unmarshal(r.Payload, &payload); err != nil {
		return nil
	}
	switch {
	case r.Type == "exec" && l.server.config.NoShell:
		return noShell
	case r.Type == "exec":
		return func(c ssh.Channel, closed <-chan struct{}) { l.exec(c, closed, payload.Text) }
	case r.Type == "subsystem" && payload.Text == "sftp" && !l.server.config.NoSFTP:
		return l.sftp
	}
	return nil
}

func noShell(channel ssh.Channel, _ <-chan struct{}) {
	_, _ = io.WriteString(channel, "This account is currently not available.\n")
	exitStatus(channel, 1)
}

func (l *login) sftp(channel ssh.Channel, _ <-chan struct{}) {
	server, err := sftp.NewServer(channel, sftp.WithServerWorkingDirectory(l.server.config.Home))
	if err != nil {
		return
	}
	_ = server.Serve()
	_ = server.Close()
	exitStatus(channel, 0)
}

// exec runs a command as sshd does: the exit status when the command ends, the end of the channel when nobody holds its
// output any more or the client has closed it. Processes are not killed then; they read an end and write into the void.
func (l *login) exec(channel ssh.Channel, closed <-chan struct{}, command string) {
	p, err := l.server.start(l.conn.User(), command)
	if err != nil {
		_, _ = io.WriteString(channel.Stderr(), err.Error()+"\n")
		exitStatus(channel, 127)
		return
	}
	l.works.Go(func() {
		_, _ = io.Copy(p.stdin, channel)
		_ = p.stdin.Close()
	})
	var outputs sync.WaitGroup
	outputs.Go(func() { drain(channel, p.stdout) })
	outputs.Go(func() { drain(channel.Stderr(), p.stderr) })
	drained := make(chan struct{})
	l.works.Go(func() {
		outputs.Wait()
		close(drained)
	})
	exited := make(chan struct{})
	l.works.Go(func() {
		defer close(exited)
		exitStatus(channel, l.server.wait(p))
	})
	select {
	case <-drained:
	case <-closed:
	}
	_ = p.stdin.Close()
	_ = p.stdout.Close()
	_ = p.stderr.Close()
	select {
	case <-exited:
	case <-closed:
	}
}

// drain copies until one side ends, and then closes the reading end, so that the command gets SIGPIPE.
func drain(to io.Writer, from io.ReadCloser) {
	_, _ = io.Copy(to, from)
	_ = from.Close()
}

// process is a running command.
type process struct {
	cmd            *exec.Cmd
	stdin          io.WriteCloser
	stdout, stderr io.ReadCloser
}

// start starts a command in a session of its own, in the home, with a clean environment.
func (s *Server) start(user, command string) (*process, error) {
	cmd := exec.Command(s.config.Shell, "-c", command)
	cmd.Dir = s.config.Home
	cmd.Env = slices.Concat([]string{
		"HOME=" + s.config.Home, "USER=" + user, "LOGNAME=" + user, "SHELL=" + s.config.Shell, "PATH=" + os.Getenv("PATH"),
	}, s.config.Env)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var ours, theirs []*os.File
	for range 3 {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll(append(ours, theirs...))
			return nil, err
		}
		ours, theirs = append(ours, r), append(theirs, w)
	}
	ours[0], theirs[0] = theirs[0], ours[0]
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs[0], theirs[1], theirs[2]
	err := s.launch(cmd)
	closeAll(theirs)
	if err != nil {
		closeAll(ours)
		return nil, err
	}
	return &process{cmd: cmd, stdin: ours[0], stdout: ours[1], stderr: ours[2]}, nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

func (s *Server) launch(cmd *exec.Cmd) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errors.New("the server is closed")
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.groups[cmd.Process.Pid] = struct{}{}
	return nil
}

// wait waits for a command and gives its exit status as a shell would.
func (s *Server) wait(p *process) int {
	_ = p.cmd.Wait()
	s.mu.Lock()
	delete(s.groups, p.cmd.Process.Pid)
	s.mu.Unlock()
	if status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return p.cmd.ProcessState.ExitCode()
}

func killGroup(group int) { _ = syscall.Kill(-group, syscall.SIGKILL) }

func exitStatus(channel ssh.Channel, status int) {
	_, _ = channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{uint32(status)}))
}
