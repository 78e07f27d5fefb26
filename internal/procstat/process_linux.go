package procstat

import (
	"os"
	"strconv"
	"strings"
	"syscall"
)

// process returns the figures that Linux has about the process.
func process() (out []Figure) {
	gauge := func(name, help string, value float64) {
		out = append(out, Figure{name, "gauge", help, value})
	}
	if status, err := os.ReadFile("/proc/self/status"); err == nil {
		for line := range strings.Lines(string(status)) {
			name, rest, _ := strings.Cut(line, ":")
			fields := strings.Fields(rest)
			if len(fields) == 0 {
				continue
			}
			n, err := strconv.ParseFloat(fields[0], 64)
			if err != nil {
				continue
			}
			switch name { // sizes are in kB of 1,024 bytes
			case "VmRSS":
				gauge("process_resident_memory_bytes", "Bytes of memory that are resident.", n*1024)
			case "VmHWM":
				gauge("process_resident_memory_peak_bytes", "Bytes of memory that were resident at the most.", n*1024)
			case "VmSize":
				gauge("process_virtual_memory_bytes", "Bytes of the address space that are mapped.", n*1024)
			case "Threads":
				gauge("process_threads", "Threads of the operating system.", n)
			}
		}
	}
	if open, err := os.ReadDir("/proc/self/fd"); err == nil {
		gauge("process_open_fds", "File descriptors that are open.", float64(len(open)))
	}
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) == nil {
		gauge("process_max_fds", "File descriptors that may be open.", float64(limit.Cur))
	}
	var use syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &use) == nil {
		seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
		out = append(out, Figure{"process_cpu_seconds_total", "counter", "Time of processors that the process took, its system calls included.", seconds(use.Utime) + seconds(use.Stime)})
	}
	return out
}
