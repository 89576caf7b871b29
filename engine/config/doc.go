// Package config loads a config repository, checks all of it and gives the deployments that it describes. It is the only
// package that knows CUE: what comes out are plan's types, with every default filled in and the places in the user's files.
//
// A mistake is one line, file:line:col: what (hint), at the place in the user's file where it can be mended. One run finds
// all mistakes.
package config
