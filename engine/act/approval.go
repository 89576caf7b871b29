package act

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"al.essio.dev/pkg/shellescape"

	"trikk.dev/engine/host"
	"trikk.dev/engine/plan"
	"trikk.dev/engine/proxy"
)

// A run that needs a person's yes writes `RUN asked` into <root>/.trikk/approval of the server that waits; trikk approve, on whatever machine,
// makes it `RUN approved WHO` or `RUN rejected WHO: WHY`. A run that does not wait any more makes it `RUN ended`.

// approvalInterval is how often a waiting run looks for its answer; approvalTime bounds asking and answering, and withdrawTime taking a
// question back.
const (
	approvalInterval = 2 * time.Second
	approvalTime     = 30 * time.Second
	withdrawTime     = 5 * time.Second
)

// What a run that waits says, and the answers to it.
const (
	asked     = "asked"
	approved  = "approved"
	rejected  = "rejected"
	withdrawn = "ended"
)

// approval asks, and waits for the answer. A question that nobody answered is taken back, so that nobody answers it in vain.
func (d *doing) approval(ctx context.Context, s plan.Step, op plan.ApproveOp) (plan.Result, error) {
	if err := d.leaveApproval(ctx, op, asked); err != nil {
		return plan.Result{}, err
	}
	r := d.answer(ctx, s, op)
	if r.Status != plan.Failed {
		return r, nil
	}
	beyond, cancel := context.WithTimeout(context.WithoutCancel(ctx), withdrawTime)
	defer cancel()
	_ = d.leaveApproval(beyond, op, withdrawn) // where that can't be done, an answer comes to nothing
	return r, nil
}

// answer waits for the answer. A connection that breaks meanwhile is made anew.
func (d *doing) answer(ctx context.Context, s plan.Step, op plan.ApproveOp) plan.Result {
	until := d.o.Now().Add(op.Within.D())
	ctx, cancel := context.WithTimeoutCause(ctx, op.Within.D(), fmt.Errorf("nobody approved it within %v", op.Within.D()))
	defer cancel()
	said := ""
	for {
		answer, err := d.once(ctx, approvalTime, func(ctx context.Context, h host.Host) (string, error) {
			return readApproval(ctx, h, ApprovalTarget{As: d.seg.As, Root: op.Root}, op.Plan)
		})
		verb, by, _ := strings.Cut(answer, " ")
		switch {
		case ctx.Err() != nil:
			return failed(ended(ctx))
		case verb == approved:
			return plan.Result{Status: plan.Unchanged, Output: "approved by " + by}
		case verb == rejected:
			return failed(fmt.Errorf("rejected by %s", by))
		}
		line := fmt.Sprintf("until %s for: trikk approve %s", until.Format("15:04"), op.Plan)
		if err != nil {
			line += "; last: " + err.Error()
		}
		if line != said {
			said = line
			d.o.Progress(s, line)
		}
		if err := waiting(ctx, approvalInterval); err != nil {
			return failed(err)
		}
	}
}

// leaveApproval writes that the run waits, or that it does not any more; an answer that is there already stays.
func (d *doing) leaveApproval(ctx context.Context, op plan.ApproveOp, what string) error {
	h, err := d.o.Hosts.Host(ctx, d.seg.Host)
	if err != nil {
		return err
	}
	s := approvalScript(ApprovalTarget{Host: d.seg.Host, As: d.seg.As, Root: op.Root}, op.Plan, what)
	s.Guard = d.held().guard(d.seg)
	return runApproval(ctx, h, d.seg.Host, s)
}

// ApprovalTarget is where a run may wait for approval.
type ApprovalTarget struct {
	App, Host, As, Root string
}

// ApprovalTargets are where a plan waits for approval, in its order.
func ApprovalTargets(p plan.Plan) []ApprovalTarget {
	var out []ApprovalTarget
	for _, a := range p.Apps {
		for _, w := range a.Waves {
			for _, l := range w.Lanes {
				for _, s := range l.Steps {
					if op, ok := s.Op.(plan.ApproveOp); ok {
						out = append(out, ApprovalTarget{App: a.App, Host: s.Host, As: s.As, Root: op.Root})
					}
				}
			}
		}
	}
	return out
}

// AppApprovals are where a run of apps could wait for approval.
func AppApprovals(env plan.Environment, apps []plan.App) []ApprovalTarget {
	var out []ApprovalTarget
	for _, a := range apps {
		if r := a.Rollout.Rolling; r == nil || r.Canary == nil || !r.Canary.Approve {
			continue
		}
		for _, s := range a.Servers {
			out = append(out, ApprovalTarget{App: a.Name, Host: s, As: a.As(env, s), Root: a.Layout.Root})
		}
	}
	return out
}

// Approval is a place where a run asked for approval.
type Approval struct {
	ApprovalTarget
	// Answer is "" as long as nobody answered, else "approved WHO" or "rejected WHO: WHY".
	Answer string
}

// Said is the answer for people, with the one who gave it.
func (a Approval) Said() string {
	verb, by, _ := strings.Cut(strings.TrimSpace(a.Answer), " ")
	return verb + " by " + by
}

// HoldsLocks tells of each place whether the run that asks there holds the app's lock now: one that does not was cut off, or can do nothing more.
func HoldsLocks(ctx context.Context, rs proxy.Readers, places []Approval, run string) ([]bool, error) {
	var targets []LockTarget
	for _, a := range places {
		targets = append(targets, LockTarget{Host: a.Host, As: a.As, Root: a.Root, App: a.App})
	}
	states, err := ReadLocks(ctx, rs, targets)
	out := make([]bool, len(states))
	for i, s := range states {
		out[i] = s.Holder != nil && s.Holder.Alive && s.Holder.Run == run
	}
	return out, err
}

// ReadApprovals asks all places at once, and gives those where the run asked, in their order. Hosts that can't be read are all told in the
// error.
func ReadApprovals(ctx context.Context, rs proxy.Readers, targets []ApprovalTarget, run string) ([]Approval, error) {
	answers, errs := make([]string, len(targets)), make([]error, len(targets))
	var all sync.WaitGroup
	for i, t := range targets {
		all.Go(func() {
			r, err := rs.Reader(ctx, t.Host)
			if err != nil {
				errs[i] = err
				return
			}
			answers[i], errs[i] = readApproval(ctx, r, t, run)
		})
	}
	all.Wait()
	var out []Approval
	for i, t := range targets {
		if answers[i] != "" {
			out = append(out, Approval{ApprovalTarget: t, Answer: strings.TrimPrefix(answers[i], asked)})
		}
	}
	return out, errors.Join(errs...)
}

// readsApproval tells what is written in the root $1.
const readsApproval = `case $1 in
'~' | '~/'*) state=$HOME${1#'~'}/.trikk ;;
*) state=$1/.trikk ;;
esac
head -n 1 "$state/approval" 2>/dev/null
exit 0`

// readApproval gives what follows the run's name: "" where it is not about that run.
func readApproval(ctx context.Context, r host.Reader, t ApprovalTarget, run string) (string, error) {
	out, err := r.Query(ctx, host.NewQuery(t.As, readsApproval, t.Root))
	if err != nil {
		return "", err
	}
	answer, ours := strings.CutPrefix(strings.TrimSpace(string(out.Stdout)), run+" ")
	if !ours || !slices.Contains([]string{asked, approved, rejected}, strings.SplitN(answer, " ", 2)[0]) {
		return "", nil
	}
	return answer, nil
}

// Approve answers a run that waits: the run goes on.
func Approve(ctx context.Context, hosts proxy.Hosts, t ApprovalTarget, run, who string) error {
	return answerApproval(ctx, hosts, t, run, approved+" "+who)
}

// Reject answers a run that waits: the server's turn is undone.
func Reject(ctx context.Context, hosts proxy.Hosts, t ApprovalTarget, run, who, why string) error {
	return answerApproval(ctx, hosts, t, run, rejected+" "+who+": "+why)
}

func answerApproval(ctx context.Context, hosts proxy.Hosts, t ApprovalTarget, run, answer string) error {
	h, err := hosts.Host(ctx, t.Host)
	if err != nil {
		return err
	}
	return runApproval(ctx, h, t.Host, approvalScript(t, run, answer))
}

func approvalScript(t ApprovalTarget, run, answer string) host.Script {
	text := "run=" + shellescape.Quote(run) + "\nanswer=" + shellescape.Quote(shortLine(answer)) + "\nroot=" + plan.QuotePath(t.Root) + "\n" + shApproval
	return host.Script{As: t.As, Steps: []host.ScriptStep{{ID: "approval", Text: text, Timeout: approvalTime}}}
}

// shApproval asks, or answers or takes back what was asked; nothing is answered twice.
const shApproval = `file=$root/.trikk/approval
now=$(head -n 1 "$file" 2>/dev/null) || now=
case $answer:$now in
asked:"$run ended") ;;
asked:"$run "*) same "it is asked for already" ;;
asked:*) ;;
ended:"$run asked") ;;
ended:*) same "nobody is asked" ;;
*:"$run asked") ;;
*:"$run ended") fail "it does not wait any more" ;;
*:"$run "*) fail "it was ${now#"$run "} already" ;;
*) fail "it does not wait here" ;;
esac
printf '%s %s\n' "$run" "$answer" >"$file.new" && mv -f "$file.new" "$file" || fail "$(id -un) can't write $file"
`

// runApproval runs a script of one step.
func runApproval(ctx context.Context, h host.Host, name string, s host.Script) error {
	records, err := h.Run(ctx, s, nil)
	if err != nil {
		return err
	}
	if len(records) != 1 {
		return &host.Error{Host: name, Kind: host.Protocol, Doing: "asking for approval", Err: errors.New("the script ended without a record")}
	}
	if r := records[0]; r.Exit != 0 {
		return fmt.Errorf("%s: %s", name, shortLine(lastLine(r.Output)))
	}
	return nil
}
