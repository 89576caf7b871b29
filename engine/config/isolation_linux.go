package config

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"
)

// dieWithParent ends the evaluation when the process that wanted it is killed.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

// usage is what a process has taken.
type usage struct {
	memory int64 // resident, in bytes
	cpu    time.Duration
}

// tick is the unit of CPU times in /proc: USER_HZ is 100 on Linux, whatever the kernel's clock.
const tick = 10 * time.Millisecond

// usageOf reads /proc; of a process that has ended it is zero.
func usageOf(pid int) usage {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return usage{}
	}
	fields := bytes.Fields(text[bytes.LastIndexByte(text, ')')+1:]) // from field 3 on: the name may hold anything
	number := func(field int) int64 {
		if field-3 >= len(fields) {
			return 0
		}
		n, _ := strconv.ParseInt(string(fields[field-3]), 10, 64)
		return n
	}
	return usage{memory: number(24) * int64(os.Getpagesize()), cpu: time.Duration(number(14)+number(15)) * tick}
}
