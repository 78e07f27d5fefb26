package decisionlog

import (
	"os"
	"strconv"
	"time"

	"postern/policy"
)

// Lines of another kind have, behind `time`, `seq` and `instance`, a member that
// says which: `start`, `stop`, `reload` or `dropped`.

func instanceMember(started time.Time) string {
	b := append([]byte(nil), `"instance":{`...)
	b = appendMember(b, "host", hostname())
	b = appendNumber(b, "pid", int64(os.Getpid()))
	var t timer
	return string(append(t.append(b, "start", started.UnixNano()), '}'))
}

func flagsMember(flags []Flag) string {
	b := []byte(`"flags":{`)
	for _, f := range flags {
		b = append(appendKey(b, f.Name), ':')
		b = appendString(b, f.Value)
	}
	return string(append(b, '}'))
}

func (l *Log) startText() []byte {
	b := appendMember([]byte(`"start":{`), "version", l.config.Version)
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return append(append(b, l.flags...), '}')
}

func (l *Log) stopText() []byte {
	return append(append([]byte(`"stop":{`), l.flags...), '}')
}

// Reload logs that other policies are in force, or that a unit was quarantined or
// is no more. before is the digest that was in force.
func (l *Log) Reload(s *policy.Status, before policy.Digest) {
	b := append(strconv.AppendUint([]byte(`"reload":{"generation":`), s.Generation, 10), `,"result":`...)
	b = appendString(b, s.Result.String())
	b = appendDigest(b, "old", before)
	b = appendDigest(b, "new", s.Digest)
	b = append(appendName(b, "quarantined"), '[')
	for i, u := range s.Quarantined {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendMember(append(b, '{'), "unit", u.Unit)
		b = strconv.AppendBool(appendName(b, "last_good"), u.LastGood)
		b = append(b, '}')
	}
	b = append(b, ']', ',')
	l.control(control{text: append(append(b, l.flags...), '}')})
}
