//go:build race

package config_test

// memoryFactor is by what the race detector multiplies the memory of a program (Data Race Detector, Runtime Overhead: 5 to 10 times).
const memoryFactor = 5
