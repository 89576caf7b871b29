// Package engine holds trikk's rooms, one folder each; it has no code of its own. What each room is for, and what it may
// import, is asserted by architecture_test.go and described in docs/design.
package engine
