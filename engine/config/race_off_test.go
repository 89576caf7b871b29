//go:build !race

package config_test

// memoryFactor is 1: the tests run without the race detector.
const memoryFactor = 1
