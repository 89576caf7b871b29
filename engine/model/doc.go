// Package model is a fleet in memory: what servers have of each app, what proxies think of each server, and what each op of a plan
// does to them, also where it fails half way.
//
// It is made from the facts of a plan, or drawn by a test. Rehearse runs a plan on it, failing each step in turn; its hosts
// implement host.Host, so that the code that deploys to real servers runs against it, in virtual time. What the model does not know
// is an error: a script, a query or a question that is new is never answered by a guess.
package model
