package s3request

import (
	"bytes"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"postern/internal/action"
)

// naive is specification 7.1 once more, read with maps, regular expressions and
// net/url, and sharing nothing with Reader but the table of forms.
type naive struct {
	request *Request
	bucket  string
	keys    []string // the readings of the key
	marks   []string
	params  map[string]string
	plus    map[string]bool // parameters with a raw +
	signed  map[string]string
	headers map[string]string // by lower-case name
	form    *form
	asked   []string
	stated  map[string]string // "?" is unreadable
}

var (
	bucketName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,255}$`)
	badBytes   = regexp.MustCompile(`[^\x21-\x7e]|[#\\]`)
	badQuery   = regexp.MustCompile(`[^\x21-\x7e]|[#\\;]`)
	portEnd    = regexp.MustCompile(`:[0-9]{1,5}$`)
	fewDigits  = regexp.MustCompile(`^[0-9]{1,5}$`)
)

// read returns the questions, sorted, and false if the request is refused.
func (n *naive) read() bool {
	return n.address() && n.query() && n.head() && n.choose() && n.signature() && n.ask()
}

func (n *naive) address() bool {
	host := n.request.Host
	domains := slices.Clone(n.request.Hosts.Domains)
	if len(domains) > 0 {
		isIPv6 := false
		if m := regexp.MustCompile(`^\[([^\]]*)\](:[0-9]{1,5})?$`).FindStringSubmatch(host); m != nil {
			a, err := netip.ParseAddr(m[1])
			if err != nil || !a.Is6() {
				return false
			}
			isIPv6 = true
		}
		if !isIPv6 {
			name := strings.TrimSuffix(portEnd.ReplaceAllString(host, ""), ".")
			lower := strings.ToLower(name)
			sort.Slice(domains, func(i, j int) bool { return len(domains[i]) > len(domains[j]) })
			a, err := netip.ParseAddr(name)
			pathStyle := lower == "localhost" || slices.Contains(n.request.Hosts.Names, lower) || slices.Contains(domains, lower) || err == nil && a.Is4()
			for _, d := range domains {
				if !pathStyle && n.bucket == "" && strings.HasSuffix(lower, "."+d) {
					n.bucket = name[:len(name)-len(d)-1]
				}
			}
			if !pathStyle && (!bucketName.MatchString(n.bucket) || n.bucket != strings.ToLower(n.bucket) || slices.Contains(strings.Split(n.bucket, "."), "")) {
				return false
			}
		}
	}
	path, _, _ := strings.Cut(n.request.Target, "?")
	if !strings.HasPrefix(path, "/") {
		return false
	}
	var ok bool
	n.bucket, n.keys, ok = naivePath(path[1:], n.bucket, n.request.OpaqueKeys)
	return ok
}

func naivePath(path, bucket string, opaque bool) (string, []string, bool) {
	if badBytes.MatchString(path) {
		return "", nil, false
	}
	rawKey := path
	if bucket == "" {
		if path == "" {
			return "", nil, true
		}
		parts := strings.SplitN(path, "/", 2)
		name, err := url.PathUnescape(parts[0])
		if err != nil || !bucketName.MatchString(name) || name == "." || name == ".." {
			return "", nil, false
		}
		bucket = name
		if len(parts) == 1 {
			return bucket, nil, true
		}
		rawKey = parts[1]
	}
	if strings.HasPrefix(strings.ToLower(rawKey), "%2f") {
		return "", nil, false
	}
	if rawKey == "" {
		return bucket, nil, true
	}
	key, err := url.PathUnescape(rawKey)
	if err != nil {
		return "", nil, false
	}
	keys := []string{key}
	if strings.Contains(rawKey, "+") {
		spaced, _ := url.QueryUnescape(rawKey)
		keys = append(keys, spaced)
	}
	for _, key := range keys {
		segments := strings.Split(key, "/")
		if !utf8.ValidString(key) || strings.Contains(key, "\x00") {
			return "", nil, false
		}
		for i, s := range segments {
			if !opaque && (s == "." || s == ".." || s == "" && i < len(segments)-1) {
				return "", nil, false
			}
		}
	}
	return bucket, keys, true
}

func (n *naive) query() bool {
	n.params, n.plus, n.signed = map[string]string{}, map[string]bool{}, map[string]string{}
	_, query, _ := strings.Cut(n.request.Target, "?")
	if query == "" {
		return true
	}
	if badQuery.MatchString(query) {
		return false
	}
	isMark, isParam := map[string]bool{}, map[string]bool{}
	for _, f := range forms {
		for _, m := range strings.Fields(f.marks) {
			isMark[m] = true
		}
		for _, p := range strings.Fields(f.params) {
			isParam[strings.TrimSuffix(p, "!")] = true
		}
	}
	seen := map[string]bool{}
	for _, pair := range strings.Split(query, "&") {
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, err1 := url.PathUnescape(rawName)
		text, err2 := url.QueryUnescape(rawValue)
		if err1 != nil || err2 != nil || seen[name] || !utf8.ValidString(text) || strings.Contains(text, "\x00") {
			return false
		}
		seen[name] = true
		switch name {
		case "uploadId", "versionId", "id", "annotationName", "x-id", "AWSAccessKeyId", "Expires", "Signature", "X-Amz-Algorithm", "X-Amz-Credential",
			"X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Security-Token":
			if text == "" {
				return false
			}
		case "partNumber":
			if !fewDigits.MatchString(text) {
				return false
			}
		case "list-type", "select-type":
			if text != "2" {
				return false
			}
		default:
			if isMark[name] && text != "" {
				return false
			}
		}
		switch {
		case isMark[name]:
			n.marks = append(n.marks, name)
		case isParam[name]:
			n.params[name], n.plus[name] = text, strings.Contains(rawValue, "+")
		case slices.Contains(signatures[:], name):
			n.signed[name] = text
		default:
			return false
		}
	}
	return !n.plus["versionId"]
}

func (n *naive) head() bool {
	n.headers, n.stated = map[string]string{}, map[string]string{}
	for _, h := range n.request.Headers {
		lower := asciiLower(h.Name)
		dashed := strings.ReplaceAll(lower, "_", "-")
		if strings.HasPrefix(lower, "x-amz-meta-") {
			if lower == "x-amz-meta-snowball-auto-extract" {
				return false
			}
			n.headers[lower] = h.Value
			continue
		}
		if strings.HasPrefix(lower, "x-minio-") || strings.Contains(lower, "_") && (strings.HasPrefix(dashed, "x-amz-") || dashed == "user-agent") {
			return false
		}
		known := strings.HasPrefix(lower, "x-amz-") || lower == "authorization" || lower == "user-agent" || lower == "referer"
		if _, twice := n.headers[lower]; twice && known {
			return false
		}
		n.headers[lower] = h.Value
		switch {
		case lower == "user-agent":
			n.stated["aws:UserAgent"] = strconv.Quote(h.Value)
		case lower == "referer":
			n.stated["aws:Referer"] = strconv.Quote(h.Value)
		case slices.Contains(secrets[:], lower):
			n.stated["s3:"+lower] = "?"
		case strings.HasPrefix(lower, "x-amz-"):
			n.stated["s3:"+lower] = strconv.Quote(h.Value)
		}
	}
	return true
}

// asciiLower is strings.ToLower for ASCII alone.
func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func (n *naive) choose() bool {
	at := onService
	if n.bucket != "" {
		at = onBucket
	}
	if len(n.keys) > 0 {
		at = onObject
	}
	_, copies := n.headers["x-amz-copy-source"]
	sort.Strings(n.marks)
	for i := range forms {
		f := &forms[i]
		marks := strings.Fields(f.marks)
		sort.Strings(marks)
		if f.place != at || f.method != n.request.Method || f.copies != copies || !slices.Equal(marks, n.marks) {
			continue
		}
		may := map[string]bool{}
		fits := true
		for _, p := range strings.Fields(f.params) {
			name := strings.TrimSuffix(p, "!")
			may[name] = true
			if _, has := n.params[name]; !has && name != p {
				fits = false
			}
		}
		for p := range n.params {
			fits = fits && may[p]
		}
		if fits {
			n.form = f
		}
	}
	if n.form == nil || n.form.refused != None {
		return false
	}
	id, has := n.signed["x-id"]
	return !has || id == n.form.name
}

// credential is KEY/DATE/REGION/SERVICE/aws4_request.
var credential = regexp.MustCompile(`(?s)^[^/]+/[^/]+/[^/]+/[^/]+/aws4_request$`)

func (n *naive) signature() bool {
	count := func(list ...string) (found int) {
		for _, name := range list {
			if _, ok := n.signed[name]; ok {
				found++
			}
		}
		return found
	}
	six := count("X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature")
	three := count("AWSAccessKeyId", "Expires", "Signature")
	v4q, v2q := six+count("X-Amz-Security-Token", "X-Amz-Content-Sha256") > 0, three > 0
	auth, header := n.headers["authorization"]
	if v4q && v2q || (v4q || v2q) && header {
		return false
	}
	if v4q && (six < 6 || n.signed["X-Amz-Algorithm"] != "AWS4-HMAC-SHA256" || !credential.MatchString(n.signed["X-Amz-Credential"])) || v2q && three < 3 {
		return false
	}
	list, date, v4 := "", "", false
	switch {
	case v4q:
		list, date, v4 = n.signed["X-Amz-SignedHeaders"], n.signed["X-Amz-Date"], true
		n.stated["s3:authType"], n.stated["s3:signatureversion"] = `"REST-QUERY-STRING"`, strconv.Quote(n.signed["X-Amz-Algorithm"])
	case v2q:
		n.stated["s3:authType"], n.stated["s3:signatureversion"], n.stated["s3:signatureAge"] = `"REST-QUERY-STRING"`, `"AWS"`, "?"
	case header && regexp.MustCompile(`(?s)^AWS [^:]+:[^:]+$`).MatchString(auth):
		n.stated["s3:authType"], n.stated["s3:signatureversion"], n.stated["s3:signatureAge"] = `"REST-HEADER"`, `"AWS"`, "?"
	case header && (auth == "AWS4-HMAC-SHA256" || strings.HasPrefix(auth, "AWS4-HMAC-SHA256 ")):
		parts := map[string]string{}
		for _, part := range strings.Split(strings.TrimPrefix(strings.TrimPrefix(auth, "AWS4-HMAC-SHA256"), " "), ",") {
			name, text, _ := strings.Cut(strings.Trim(part, " "), "=")
			_, twice := parts[name]
			if twice || name != "Credential" && name != "SignedHeaders" && name != "Signature" || text == "" {
				return false
			}
			parts[name] = text
		}
		if len(parts) != 3 || !credential.MatchString(parts["Credential"]) {
			return false
		}
		list = parts["SignedHeaders"]
		v4, date = true, n.headers["x-amz-date"]
		n.stated["s3:authType"], n.stated["s3:signatureversion"] = `"REST-HEADER"`, `"AWS4-HMAC-SHA256"`
	case header && strings.HasPrefix(auth, "AWS"):
		return false
	case header:
		n.stated["s3:authType"], n.stated["s3:signatureversion"], n.stated["s3:signatureAge"] = "?", "?", "?"
	}
	if v4 {
		n.stated["s3:signatureAge"] = "?"
		if at, err := time.Parse("20060102T150405Z", date); err == nil {
			n.stated["s3:signatureAge"] = strconv.Quote(strconv.FormatInt((n.request.Now-at.Unix())*1000, 10))
		}
		for _, name := range strings.Split(list, ";") {
			if lower := asciiLower(name); strings.HasPrefix(lower, "x-amz-") {
				if _, came := n.headers[lower]; !came {
					return false
				}
			}
		}
	}
	return !n.request.Filtered || !n.writes() || v4
}

func (n *naive) writes() bool {
	switch n.form.name {
	case "PutObject", "CopyObject", "CreateMultipartUpload", "UploadPart", "UploadPartCopy", "CompleteMultipartUpload":
		return true
	}
	return false
}

func (n *naive) on(name string) {
	if len(n.keys) == 0 {
		resource := n.bucket
		if resource == "" {
			resource = "*"
		}
		n.asked = append(n.asked, "s3:"+name+" "+resource)
	}
	for _, key := range n.keys {
		n.asked = append(n.asked, "s3:"+name+" "+n.bucket+"/"+key)
	}
}

func (n *naive) ask() bool {
	has := func(name string) bool { _, ok := n.headers[name]; return ok }
	begun := func(prefix string) (names []string) {
		for name := range n.headers {
			if strings.HasPrefix(name, prefix) {
				names = append(names, name)
			}
		}
		return names
	}
	for param, key := range map[string]string{"prefix": "s3:prefix", "delimiter": "s3:delimiter", "max-keys": "s3:max-keys", "versionId": "s3:versionid"} {
		if text, ok := n.params[param]; ok {
			n.stated[key] = strconv.Quote(text)
			if n.plus[param] {
				n.stated[key] = "?"
			}
		}
	}
	name := n.form.name
	if n.params["versionId"] != "" {
		plain := strings.Replace(name, "HeadObject", "GetObject", 1)
		versioned := strings.Replace(plain, "Object", "ObjectVersion", 1)
		if id, ok := action.Lookup("s3:" + versioned); ok && action.Needed(id) == id {
			name = versioned
		}
	}
	n.on(name)
	acl := has("x-amz-acl") || len(begun("x-amz-grant-")) > 0
	if has("x-amz-tagging") {
		switch {
		case name != "PutObject" && name != "CopyObject" && name != "CreateMultipartUpload":
			return false
		case name == "CopyObject" && n.headers["x-amz-tagging-directive"] != "REPLACE":
			return false
		}
		if !n.tags() {
			return false
		}
	}
	if name == "CreateBucket" {
		if acl {
			n.on("PutBucketAcl")
		}
		if has("x-amz-bucket-object-lock-enabled") {
			n.on("PutBucketObjectLockConfiguration")
			n.on("PutBucketVersioning")
		}
		if has("x-amz-object-ownership") {
			n.on("PutBucketOwnershipControls")
		}
	}
	if len(n.keys) > 0 && n.request.Method != "GET" && n.request.Method != "HEAD" && has("x-amz-bypass-governance-retention") {
		n.on("BypassGovernanceRetention")
	}
	if n.writes() {
		if has("x-amz-tagging") {
			n.on("PutObjectTagging")
		}
		if acl {
			n.on("PutObjectAcl")
		}
		if has("x-amz-object-lock-legal-hold") {
			n.on("PutObjectLegalHold")
		}
		if locks := len(begun("x-amz-object-lock-")); locks > 1 || locks == 1 && !has("x-amz-object-lock-legal-hold") {
			n.on("PutObjectRetention")
		}
	}
	if !n.form.copies {
		return true
	}
	path, version, versioned := strings.Cut(n.headers["x-amz-copy-source"], "?")
	var ok bool
	if n.bucket, n.keys, ok = naivePath(strings.TrimPrefix(path, "/"), "", n.request.OpaqueKeys); !ok || len(n.keys) == 0 {
		return false
	}
	if !versioned {
		n.on("GetObject")
		return true
	}
	text, ok := strings.CutPrefix(version, "versionId=")
	decoded, err := url.PathUnescape(text)
	if !ok || err != nil || decoded == "" || strings.ContainsAny(text, "&;+#?") || !utf8.ValidString(decoded) || strings.Contains(decoded, "\x00") {
		return false
	}
	n.on("GetObjectVersion")
	return true
}

func (n *naive) tags() bool {
	raw := n.headers["x-amz-tagging"]
	folded := map[string]bool{}
	var names []string
	if raw != "" {
		for _, pair := range strings.Split(raw, "&") {
			rawName, rawValue, _ := strings.Cut(pair, "=")
			name, err1 := url.PathUnescape(rawName)
			text, err2 := url.PathUnescape(rawValue)
			if err1 != nil || err2 != nil || name == "" || strings.Contains(rawName, "+") || folded[asciiLower(name)] || len(names) == maxTags ||
				!utf8.ValidString(name+"\x20"+text) || strings.Contains(name+text, "\x00") {
				return false
			}
			folded[asciiLower(name)] = true
			names = append(names, name)
			n.stated["s3:RequestObjectTag/"+name] = strconv.Quote(text)
			if strings.Contains(rawValue, "+") {
				n.stated["s3:RequestObjectTag/"+name] = "?"
			}
		}
	}
	n.stated["s3:RequestObjectTagKeys"] = strconv.Quote(strings.Join(names, ","))
	return true
}

// sorted are the questions of a reading, each once.
func sorted(list []string) string {
	list = slices.Clone(list)
	sort.Strings(list)
	return strings.Join(slices.Compact(list), "\n")
}

// differ reads a request in both ways, and says how they differ.
func differ(r *Reader, req *Request) string {
	n := naive{request: req}
	ok := n.read()
	reason := r.Read(req)
	if ok != (reason == None) {
		return "reader: " + told(r, reason) + "\nnaive: asked " + strconv.FormatBool(ok) + " " + strings.Join(n.asked, ", ")
	}
	if !ok {
		if len(r.Questions) > 0 {
			return "a refused request has questions"
		}
		return ""
	}
	var asked []string
	for _, q := range r.Questions {
		asked = append(asked, q.Action+" "+q.Resource)
	}
	if got, want := sorted(asked), sorted(n.asked); got != want {
		return "reader:\n" + got + "\nnaive:\n" + want
	}
	var keys []string
	for key, text := range n.stated {
		keys = append(keys, key+"="+text)
	}
	sort.Strings(keys)
	if got, want := keysTold(r.Keys(&r.Questions[0])), strings.Join(keys, "; "); got != want {
		return "reader's keys: " + got + "\nnaive's: " + want
	}
	return ""
}

// TestNaive holds the second reading to the corpus.
func TestNaive(t *testing.T) {
	var r Reader
	for _, c := range corpus(t) {
		if d := differ(&r, &c.request); d != "" {
			t.Errorf("%s: %s %s %q:\n%s", c.where, c.request.Method, c.request.Target, c.request.Headers, d)
		}
	}
}

// FuzzRead reads a request, given as the text of its head, in both ways. The first
// byte chooses the settings.
func FuzzRead(f *testing.F) {
	for i, c := range corpus(f) {
		if i%3 == 0 || strings.HasPrefix(c.where, "hostile") {
			f.Add(headOf(&c.request))
		}
	}
	f.Add([]byte("0PUT /b\nHost: \nx\ramz-copy-sour_: "))
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) == 0 || len(text) > 4096 {
			return
		}
		req := Request{Hosts: &Hosts{}, Now: testNow, OpaqueKeys: text[0]&1 != 0, Filtered: text[0]&2 != 0}
		if text[0]&4 != 0 {
			req.Hosts = &Hosts{Domains: []string{"s3.example", "b.s3.example"}, Names: []string{"storage.internal"}}
		}
		lines := strings.Split(string(text[1:]), "\n")
		req.Method, req.Target, _ = strings.Cut(lines[0], " ")
		for _, line := range lines[1:] {
			name, value, _ := strings.Cut(line, ": ")
			if name == "Host" {
				req.Host = value
				continue
			}
			if name != "" {
				req.Headers = append(req.Headers, Header{name, value})
			}
		}
		var r Reader
		if d := differ(&r, &req); d != "" {
			t.Errorf("%s %q, host %q, headers %q:\n%s", req.Method, req.Target, req.Host, req.Headers, d)
		}
	})
}

// TestTwinOfEachByte puts every byte in every place of a name that begins like one
// of S3's, and holds twin to what folding the name and its underscores says.
func TestTwinOfEachByte(t *testing.T) {
	for _, name := range []string{"x_amz_acl", "x-amz-acl_", "X-AMZ_acl", "user_agent"} {
		for i := range name {
			for c := range 256 {
				b := []byte(name)
				b[i] = byte(c)
				lower := asciiLower(string(b))
				dashed := strings.ReplaceAll(lower, "_", "-")
				want := lower == "user_agent" || strings.Contains(lower, "_") && strings.HasPrefix(dashed, "x-amz-")
				if got := twin(string(b)); got != want {
					t.Errorf("twin(%q): %v, want %v", b, got, want)
				}
			}
		}
	}
}

func headOf(r *Request) []byte {
	var b bytes.Buffer
	flags := byte('0')
	for bit, on := range []bool{r.OpaqueKeys, r.Filtered, len(r.Hosts.Domains) > 0} {
		if on {
			flags |= 1 << bit
		}
	}
	b.WriteByte(flags)
	b.WriteString(r.Method + " " + r.Target + "\nHost: " + r.Host)
	for _, h := range r.Headers {
		b.WriteString("\n" + h.Name + ": " + h.Value)
	}
	return b.Bytes()
}
