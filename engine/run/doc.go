// Package run walks a plan on this machine: it starts the segments that plan.Machine asks for, saves every event before
// anything depends on it, and turns signals, deadlines and lost locks into events. It decides nothing itself.
//
// A run's directory holds plan.json, run.json, events.jsonl and, after its end, outcome.json.
package run
