package host

import (
	"fmt"

	"al.essio.dev/pkg/shellescape"
)

// A script that works holds the lock of its Busy file, so that nobody takes over what it works on. It has the lock before its first
// guard looks, and does nothing where it can't have it: who takes over changes what the guard reads while nobody has the lock.

// takeBusy is the shell that has the script's own shell take the lock, or wait for the holder beside it to say that it did.
func takeBusy(s Script) string {
	switch {
	case s.Busy == "":
		return ""
	case s.BusyOwner == "":
		return "trikk_busy=" + s.Busy + "\n" + ownBusy + unlessHeld
	}
	return "IFS= read -r trikk_held || :\n" + unlessHeld
}

// ownBusy locks the file for as long as the script's own shell lives.
const ownBusy = `trikk_held=$( { : <"$trikk_busy"; } 2>&1) && exec 9<"$trikk_busy" && flock -s -w 10 9 && trikk_held=held
`

// unlessHeld ends the script as a guard does.
const unlessHeld = `[ "$trikk_held" = held ] || {
	printf '%s\n' "the script could not tell others that it works: ${trikk_held:-no lock within 10 s}"
	printf '%s guard 0 1\n' "$trikk_nonce"
	exit 0
}
`

// beside is what runs beside the script and holds the lock for it, where the file is another user's: its home, and so what ~ means, is
// its own, and may be closed to all others. It says "held", and goes on writing: its output is the script's input, which nobody reads
// after the first line. So it waits, and ends with the script, whatever ends that.
func beside(s Script) string {
	if s.Busy == "" || s.BusyOwner == "" {
		return ""
	}
	hold := "command -v yes >/dev/null || exec echo 'yes is not installed'; exec 9<" + s.Busy + " && flock -s -w 10 9 && echo held && exec yes"
	return fmt.Sprintf("sudo -n -H -u %s /bin/sh -c %s </dev/null 2>&1 | ", s.BusyOwner, shellescape.Quote(hold))
}
