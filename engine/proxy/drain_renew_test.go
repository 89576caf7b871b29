package proxy

import (
	"testing"
	"testing/synctest"
	"time"

	"trikk.dev/engine/host"
	"trikk.dev/engine/host/hosttest"
)

// TestDrainIsRenewed: a proxy that forgets the drain while another one is waited for is drained again before the drain counts as proven.
func TestDrainIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two, said := newLB(t, "lb1", "b1"), newLB(t, "lb2", "b1"), &log{}
		two.servers["b1"].ends = time.Now().Add(7 * time.Second)
		go func() {
			time.Sleep(4 * time.Second)
			one.set("b1", func(s *lbServer) { s.admin, s.ends = 0, time.Now().Add(5*time.Second) })
		}()
		did, err := Drain(t.Context(), fleet{"lb1": one, "lb2": two}, drainOp(at("lb1"), at("lb2")), said.add)
		if err != nil || one.servers["b1"].admin != 8 || one.servers["b1"].inFlight() != 0 || did.Age > recent {
			t.Errorf("%+v, %v, admin state %d, %d in flight", did, err, one.servers["b1"].admin, one.servers["b1"].inFlight())
		}
		said.has(t, "app1 (app/b1) at lb1: the proxy has forgotten the drain")
	})
}

// TestDrainOfASlowProxy: what a slow answer says is as old as the question; it is asked again a few times, and told how old it is.
func TestDrainOfASlowProxy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, slow := range []int{1, 100} {
			l, asked := newLB(t, "lb1", "b1"), 0
			l.servers["b1"].admin = 8
			fake := hosttest.New(t, "lb1")
			fake.OnAsk("/s", "").Always().Do(func(a hosttest.Asked) (host.Answer, error) {
				answer, err := l.talk(a.Question.Text())
				if asked++; asked >= 3 && asked < 3+slow { // the answer is made, and comes late
					time.Sleep(4 * time.Second)
				}
				return host.Answer(answer), err
			})
			did, err := Drain(t.Context(), fleet{"lb1": &lb{Fake: fake}}, drainOp(at("lb1")), nil)
			if err != nil {
				t.Fatal(err)
			}
			if fresh := did.Age <= recent; fresh != (slow == 1) {
				t.Errorf("%d slow answers: what was seen is %s old", slow, did.Age)
			}
		}
	})
}

// TestDrainIsNotRenewedWithoutEnd: what a proxy can't cut is waited for once, not again because another proxy was done long before.
func TestDrainIsNotRenewedWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := newLB(t, "lb1", "b1"), newLB(t, "lb2", "b1")
		two.servers["b1"].endless = true
		op := drainOp(at("lb1"), at("lb2"))
		op.OnTimeout = onTimeoutCut
		begin := time.Now()
		did, err := Drain(t.Context(), fleet{"lb1": one, "lb2": two}, op, nil)
		if took := time.Since(begin); err != nil || did.Cut != 1 || did.Age > recent || took > 40*time.Second {
			t.Errorf("%+v, %v after %s", did, err, took)
		}
	})
}
