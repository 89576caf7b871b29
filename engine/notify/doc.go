// Package notify tells others how runs ended. What it tells is made of a run's final outcome. It goes through an outbox on disk, so that it is
// told when the other side is back, and whatever fails here changes nothing about the run.
//
// A notifier is one file: jira, confluence, slack, mattermost, teams, webhook, mail. All that speak HTTP use site, which keeps
// credentials at home and knows which failures pass.
package notify
