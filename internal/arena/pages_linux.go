package arena

import "syscall"

// The advice of madvise(2), and the size of a big page.
const (
	adviseBig   = 14 // MADV_HUGEPAGE
	adviseSmall = 15 // MADV_NOHUGEPAGE
	bigPage     = 2 << 20
)

// bigPages advises the system to have memory of the heap on big pages, or no
// longer so. The pages at the ends reach beyond it, into the heap. It is advice:
// false if it was not taken, and nothing else is different.
func bigPages(from, to uintptr, big bool) bool {
	advice := uintptr(adviseSmall)
	if big {
		advice = adviseBig
	}
	from = from / bigPage * bigPage
	to = (to + bigPage - 1) / bigPage * bigPage
	_, _, err := syscall.Syscall(syscall.SYS_MADVISE, from, to-from, advice)
	return err == 0
}
