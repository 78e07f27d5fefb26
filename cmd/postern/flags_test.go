package main

import (
	"bytes"
	"debug/buildinfo"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestEnvironment(t *testing.T) {
	type values struct {
		name  string
		every time.Duration
		big   size
		on    bool
		hosts list
		rest  []string
	}
	read := func(env map[string]string, args ...string) (values, error) {
		fs := newFlags("x", "x", "")
		var v values
		v.big = 1 << 20
		fs.StringVar(&v.name, "some-name", "default", "")
		fs.DurationVar(&v.every, "every", time.Second, "")
		fs.Var(&v.big, "big", "")
		fs.BoolVar(&v.on, "on", false, "")
		fs.Var(&v.hosts, "host", "")
		var err error
		v.rest, err = fs.parse(args, func(n string) (string, bool) { s, ok := env[n]; return s, ok }, io.Discard)
		return v, err
	}
	env := map[string]string{
		"POSTERN_SOME_NAME": "from env", "POSTERN_EVERY": "3s", "POSTERN_BIG": "2KiB", "POSTERN_ON": "true",
		"POSTERN_HOST": "a\nb\n", "POSTERN_SERVICE_HOST": "10.0.0.1", "POSTERN_PORT": "tcp://10.0.0.1:80",
	}
	v, err := read(env)
	if err != nil || v.name != "from env" || v.every != 3*time.Second || v.big != 2048 || !v.on || !slices.Equal(v.hosts, []string{"a", "b"}) {
		t.Errorf("from the environment: %+v, %v", v, err)
	}
	v, err = read(env, "-some-name", "from flag", "-host", "c", "-host", "d", "-on=false", "-big", "7")
	if err != nil || v.name != "from flag" || v.every != 3*time.Second || v.big != 7 || v.on || !slices.Equal(v.hosts, []string{"c", "d"}) {
		t.Errorf("a flag wins: %+v, %v", v, err)
	}
	v, err = read(map[string]string{"POSTERN_SOME_NAME": "", "POSTERN_HOST": ""})
	if err != nil || v.name != "default" || v.hosts != nil {
		t.Errorf("an empty variable is none: %+v, %v", v, err)
	}
	_, err = read(map[string]string{"POSTERN_EVERY": "often"})
	if err == nil || !strings.Contains(err.Error(), `environment variable POSTERN_EVERY: invalid value "often"`) {
		t.Errorf("a bad variable: %v", err)
	}
	v, err = read(nil, "one", "-on", "two", "--", "-three")
	if err != nil || !v.on || !slices.Equal(v.rest, []string{"one", "two", "-three"}) {
		t.Errorf("flags behind arguments: %+v, %v", v, err)
	}
}

func TestSize(t *testing.T) {
	for text, want := range map[string]size{"1": 1, "1000": 1000, "1KiB": 1 << 10, "16MiB": 16 << 20, "2GiB": 2 << 30} {
		var s size
		if err := s.Set(text); err != nil || s != want || s.String() != text {
			t.Errorf("%q: %d, %v, written %q", text, s, err, s.String())
		}
	}
	for _, text := range []string{"", "0", "-1", "1MB", "KiB", "1.5MiB", "9223372036854775808", "9223372036854775807GiB", "+1", "0MiB", " 1"} {
		var s size
		if err := s.Set(text); err == nil {
			t.Errorf("%q is read as %d", text, s)
		}
	}
}

func TestProgress(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(0, 0)
	p := newProgress(&out, func() time.Time { return now })
	p.step(1, 10)
	p.end()
	if out.Len() != 0 {
		t.Fatalf("a short load shows %q", &out)
	}
	now = now.Add(progressAfter)
	p.step(5, 10)
	p.step(6, 10) // too soon after the last
	now = now.Add(progressEvery)
	p.step(7, 10)
	p.end()
	p.end()
	want := "\r\x1b[Kreading policies: 5 of 10 files (50 %)\r\x1b[Kreading policies: 7 of 10 files (70 %)\r\x1b[K"
	if out.String() != want {
		t.Errorf("got %q, want %q", &out, want)
	}
	now = now.Add(progressEvery)
	p.step(8, 0)
	if !strings.HasSuffix(out.String(), "\x1b[Kreading policies: 8 files") {
		t.Errorf("nobody knows of how many: %q", &out)
	}
}

func TestLoggerForm(t *testing.T) {
	var out bytes.Buffer
	newLogger(&out).Info("hello", "a", 1)
	if !strings.HasPrefix(out.String(), `{"time":`) {
		t.Errorf("not JSON: %q", &out)
	}
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	if isTerminal(null) {
		t.Error("the null device is taken for a terminal")
	}
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("this machine makes no pseudo-terminal:", err)
	}
	defer terminal.Close()
	if !isTerminal(terminal) {
		t.Error("a pseudo-terminal is not taken for a terminal")
	}
}

func TestBuild(t *testing.T) {
	info := &debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "true"}}}
	info.Main.Version = "v1.2.3"
	if got := buildOf(info, true); got != (build{"v1.2.3", "abc+modified"}) {
		t.Errorf("got %+v", got)
	}
	if got := buildOf(nil, false); got != (build{"(devel)", "unknown"}) {
		t.Errorf("got %+v", got)
	}
	real, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	if got := buildOf(real, true); got.version == "" || got.commit == "" {
		t.Errorf("of the real binary: %+v", got)
	}
}
