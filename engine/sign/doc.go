// Package sign makes and checks signatures of saved plans, and decides whether those that are there are the approvals that an
// environment wants. Signatures are OpenSSH's SSHSIG (PROTOCOL.sshsig) with the namespace of Namespace, so that ssh-keygen -Y
// makes and verifies the same ones.
//
// It is about bytes only: it reads no file, asks no agent and knows no clock.
package sign
