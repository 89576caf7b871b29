package notify

import "trikk.dev/engine/plan"

// Sample is a report of a run that never was, for trying notifiers. It is marked as a test, and has something of everything that templates
// can use.
func Sample(env, who, ended string) Report {
	return Report{
		Format: 1, Test: true, Run: "20260101T120000-0000", Env: env, Who: who, Status: plan.Partly, Started: ended, Ended: ended, Seconds: 12.5, Changed: true,
		Apps: []App{{
			App: "example", Intent: plan.Deploy, From: []string{"1.0-0a1b2c3d"}, To: "2.0-4e5f6a7b", Version: "2.0", Status: plan.Partly,
			Reason: "app02: probe http 127.0.0.1:8080/health: not passed within 30s", Cut: 1,
			Servers: []Server{
				{Server: "app01", State: OnNew, Before: "1.0-0a1b2c3d", Now: "2.0-4e5f6a7b"},
				{Server: "app02", State: Back, Before: "1.0-0a1b2c3d", Now: "1.0-0a1b2c3d", Error: "probe http 127.0.0.1:8080/health: not passed within 30s"},
			},
		}},
		Problems: []string{"reload of lb01 was not done: an example of a problem"},
	}
}
