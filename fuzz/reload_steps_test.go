package fuzz

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

var contents = []string{
	``,
	`{"version":"v1alpha1","name":"allow","statements":[{"name":"s","effect":"Allow","actions":["s3:*"],"resources":["*"],"principals":["*"]}]}`,
	`{"policy":{"version":"v1alpha1","name":"deny","statements":[{"name":"s","effect":"Deny","actions":["s3:*"],"resources":["b1/*"],"principals":["*"]}]}}`,
	`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"*"}]}`,
	`{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}]}`,
	`{"buckets":["b1"]}`,
	`{"buckets":["b1","b2"]}`,
	`{"buckets":[]}`,
	`{"nothing":1}`,
	`{"apiVersion":"postern/v1","kind":"AccessPolicy","metadata":{"name":"groups"},"groups":{"g":{"members":["coreweave/u"]}}}`,
	`{"apiVersion":"postern/v1","kind":"AccessPolicy","metadata":{"name":"bindings"},"bindings":[{"id":"b","roles":["iam-viewer"],"members":["group/g"]}]}`,
	`{"apiVersion":"postern/v1","kind":"AccessPolicy","metadata":{"name":"direct"},"bindings":[{"id":"c","roles":["iam-viewer"],"members":["coreweave/u"]}]}`,
}

// Most paths are where a file belongs; twice where it matters most.
var paths = []string{
	"o1/access-policies/x.json", "o1/access-policies/x.json", "o1/access-policies/y.json", "o1/buckets/b1.json", "o1/buckets/b1.json", "o1/buckets/b2.json",
	"o1/buckets.json", "o1/iam/i.json", "o1/iam/i.json", "o1/iam/j.json", "o2/access-policies/x.json", "o2/buckets/b1.json", "o2/buckets/b3.json", "o2/buckets.json",
	"o1/buckets/note", "o1/access-policies/note", "o1/buckets/bad!.json", "o1/buckets/.b1.json", "o1/odd", "..s/d/x.json", "..s/b1.json", "README", "o.3",
	"o3/buckets/b1.json",
}

var folders = []string{
	"o1", "o1/access-policies", "o1/buckets", "o1/iam", "o2", "o2/access-policies", "o2/buckets", "..s", "..s/d", "o3", "o1/buckets/sub", "o1/access-policies/sub",
}

var targets = []string{
	"..s/b1.json", "..s/d", "..s/d/x.json", "o1/buckets/b1.json", "o1/access-policies", "o1/buckets", "o1", "o2", "nowhere", "../outside/b1.json", "../outside", "", "../policies/..s/d",
}

func (r *reload) note(format string, args ...any) {
	r.done = append(r.done, fmt.Sprintf(format, args...))
}

// step does one operation. Operations that the tree does not allow just now
// (a file where a folder would have to be) do nothing.
//
// What an operation does in several steps between which a look tells a
// difference that lasts is divided by a boundary.
func (r *reload) step() {
	switch hold := filepath.Join(r.root, ".hold"); r.next(5) {
	case 0:
		if os.Remove(hold) == nil {
			r.note("the hold ends")
			r.reached["a hold ended"]++
			r.boundary()
		}
	case 1: // as a fleet's puller ends it
		if os.Rename(hold, filepath.Join(r.root, ".held")) == nil {
			r.note("the hold ends, and is .held")
			r.reached["a hold is .held"]++
			r.boundary()
		}
	}
	op := r.next(36)
	path := func() string { return paths[r.next(len(paths))] }
	at := func(p string) string { return filepath.Join(r.root, p) }
	content := func(p string) string {
		switch k := r.next(4); {
		case k == 0:
			return contents[r.next(len(contents))]
		case strings.Contains(p, "access-policies"), strings.HasPrefix(p, "..s/d"):
			return contents[1+k%2]
		case strings.Contains(p, "iam"):
			return contents[9+k%3]
		case strings.HasSuffix(p, "buckets.json"):
			return contents[5+k%3]
		default:
			return contents[3+k%2]
		}
	}
	parent := func(p string) {
		if !r.lostRoot() && os.MkdirAll(filepath.Dir(at(p)), 0o755) == nil {
			r.boundary()
		}
	}
	switch op {
	case 0, 1, 2: // whole
		p := path()
		c := content(p)
		parent(p)
		err := overwrite(at(p), c)
		r.note("write %s %q: %v", p, c, err)
	case 3: // in pieces, with a look in between
		p := path()
		c := content(p)
		parent(p)
		err := overwrite(at(p), c[:len(c)/2])
		r.note("write half of %s %q: %v", p, c, err)
		r.look(false)
		if err == nil {
			r.note("and the rest: %v", overwrite(at(p), c))
		}
	case 4:
		p := path()
		n := int64(r.next(40))
		if regular(at(p)) {
			r.note("truncate %s to %d: %v", p, n, os.Truncate(at(p), n))
		}
	case 5: // rename over
		p := path()
		c := content(p)
		parent(p)
		tmp := at(p) + ".tmp"
		if overwrite(tmp, c) == nil {
			r.note("rename over %s %q: %v", p, c, os.Rename(tmp, at(p)))
			os.Remove(tmp)
		}
	case 6:
		p := path()
		r.note("remove %s: %v", p, os.Remove(at(p)))
	case 7:
		p := folders[r.next(len(folders))]
		if !r.lostRoot() {
			r.note("mkdir %s: %v", p, os.MkdirAll(at(p), 0o755))
		}
	case 8:
		p := folders[r.next(len(folders))]
		r.note("rm -r %s: %v", p, r.removeAll(at(p)))
	case 9, 10: // a link to something, in one step
		p := path()
		if op == 10 {
			p = folders[r.next(len(folders))]
		}
		target := filepath.Join(r.root, targets[r.next(len(targets))])
		if r.next(2) == 0 {
			if rel, err := filepath.Rel(filepath.Dir(at(p)), target); err == nil {
				target = rel
			}
		}
		parent(p)
		if regular(at(p)) || r.next(2) == 0 {
			r.removeAll(at(p))
			r.boundary()
		}
		tmp := at(p) + ".tmp"
		if os.Symlink(target, tmp) == nil {
			r.note("link %s to %s: %v", p, target, os.Rename(tmp, at(p)))
			os.Remove(tmp)
		}
	case 11:
		p := path()
		if fi, err := os.Lstat(at(p)); err == nil && !fi.IsDir() {
			os.Remove(at(p))
			r.boundary()
			r.note("FIFO %s: %v", p, syscall.Mkfifo(at(p), 0o644))
		}
	case 12:
		p := path()
		if os.Remove(at(p)) == nil {
			r.boundary()
			r.note("folder in place of %s: %v", p, os.Mkdir(at(p), 0o755))
		}
	case 13: // another place: a bucket to another organization, a folder aside and back
		moves := [][2]string{{"o1/buckets/b1.json", "o2/buckets/b1.json"}, {"o2/buckets/b1.json", "o1/buckets/b1.json"}, {"o1/buckets", "..hold"}, {"..hold", "o1/buckets"},
			{"o1", "o2"}, {"o2", "o1"}, {"o2/buckets/b3.json", "o1/buckets/b3.json"}, {"..s", "..t"}, {"..t", "..s"}}
		m := moves[r.next(len(moves))]
		parent(m[1])
		r.note("move %s to %s: %v", m[0], m[1], os.Rename(at(m[0]), at(m[1])))
	case 14: // the same once more, or another time alone
		p := path()
		if !regular(at(p)) {
			break
		}
		switch data, err := os.ReadFile(at(p)); {
		case err != nil:
		case r.next(2) == 0:
			r.note("touch %s: %v", p, overwrite(at(p), string(data)))
		default:
			when := time.Now().Add(time.Duration(r.next(256)-128) * time.Hour)
			r.note("touch %s to %v: %v", p, when, os.Chtimes(at(p), when, when))
		}
	case 15, 16:
		r.look(false)
	case 17:
		r.look(true)
	case 18, 28, 29:
		r.restart(false)
	case 30, 31, 32:
		r.restart(true)
	case 19, 20: // permissions: of a file, of a folder, of the root
		p := path()
		if op == 20 {
			p = append(folders, ".")[r.next(len(folders)+1)]
		}
		mode := []os.FileMode{0o755, 0, 0o755, 0o444, 0o111}[r.next(5)]
		if fi, err := os.Lstat(at(p)); err == nil && fi.Mode()&os.ModeSymlink == 0 {
			if fi.Mode().IsRegular() {
				mode &= 0o644
			}
			r.note("chmod %v %s: %v", mode, p, os.Chmod(at(p), mode))
		}
	case 21:
		by := time.Duration(r.next(256)-128) * time.Minute
		r.clock.Add(int64(by))
		r.note("the clock steps by %v", by)
	case 22: // the policy directory away, and back
		away := r.root + ".away"
		if r.aways++; r.live && r.aways > 4 {
			break // that it is back is noticed within a second
		}
		if err := os.Rename(away, r.root); err == nil {
			r.note("the policy directory is back")
		} else {
			r.note("the policy directory away: %v", os.Rename(r.root, away))
		}
	case 23:
		p := folders[r.next(len(folders))]
		r.note("rmdir %s: %v", p, syscall.Rmdir(at(p)))
	case 24:
		r.overflow()
	case 25: // nothing is published until it is gone
		content := []string{"", "deploying", "transaction 1"}[r.next(3)]
		if overwrite(at(".hold.tmp"), content) == nil { // it is another than the one before
			r.note("hold %q: %v", content, os.Rename(at(".hold.tmp"), at(".hold")))
		}
	case 33, 34:
		r.repoint(r.next(3))
	case 35:
		r.passed.Add(int64(time.Minute))
		r.note("a minute passes")
	case 26: // buckets/ loses all; sometimes others come with it
		dir := []string{"o1/buckets", "o2/buckets"}[r.next(2)]
		if fi, err := os.Lstat(at(dir)); err != nil || !fi.IsDir() {
			break
		}
		next := at(dir) + ".tmp"
		os.RemoveAll(next)
		if os.Mkdir(next, 0o755) == nil && r.next(2) == 0 {
			r.note("with b9.json: %v", overwrite(next+"/b9.json", contents[4]))
		}
		r.note("%s is exchanged: %v", dir, r.exchange(next, at(dir)))
		os.RemoveAll(next)
	case 27: // and has it back
		for _, name := range []string{"b1.json", "b2.json"} {
			if fi, err := os.Lstat(at("o1/buckets")); err == nil && fi.IsDir() {
				r.note("back %s: %v", name, overwrite(at("o1/buckets/"+name), contents[4]))
				r.boundary()
			}
		}
	}
}

// overwrite writes to a regular file or makes one; it follows no link out of
// the test and opens no FIFO.
func overwrite(path, data string) error {
	if fi, err := os.Stat(path); err == nil && !fi.Mode().IsRegular() {
		return fmt.Errorf("not a regular file")
	}
	if real, err := filepath.EvalSymlinks(path); err == nil && strings.Contains(real, "/outside/") {
		return fmt.Errorf("outside")
	}
	return os.WriteFile(path, []byte(data), 0o644)
}

// removeAll is os.RemoveAll, in one step where a look may land inside. It opens
// the folder that path lies in, and would wait for a writer if that is a FIFO.
func (r *reload) removeAll(path string) error {
	if fi, err := os.Stat(filepath.Dir(path)); err != nil || !fi.IsDir() {
		return fmt.Errorf("not in a folder")
	}
	if r.stop == nil {
		return os.RemoveAll(path)
	}
	r.trash++
	return os.Rename(path, filepath.Join(r.base, fmt.Sprint("trash", r.trash)))
}

func regular(path string) bool {
	fi, err := os.Lstat(path)
	return err == nil && fi.Mode().IsRegular()
}

// exchange puts the folder from in the place of the folder at.
func (r *reload) exchange(from, at string) error {
	if err := r.removeAll(at); err != nil {
		return err
	}
	r.boundary()
	return os.Rename(from, at)
}
