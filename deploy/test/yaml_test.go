package test

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// Envoy and Traefik are in no Debian package and cannot be built here, so that their
// configurations do not run in any test. What is held of them is read: that they are
// YAML in which no key stands twice, and that what they say names the endpoint, the
// headers and the bounds that specification 7.2 asks for. That Envoy and Traefik take
// them, and do what they say, is not shown.

// A node is a place in a document of YAML.
type node struct {
	t    *testing.T
	path string
	of   any
}

// document reads a shipped configuration.
func document(t *testing.T, name string) node {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "proxies", name))
	if err != nil {
		t.Fatal(err)
	}
	n := node{t: t, path: name}
	if err := yaml.Unmarshal(data, &n.of); err != nil { // a key twice is an error
		t.Fatal(err)
	}
	return n
}

// at follows keys, and places in lists, into a document.
func (n node) at(path ...any) node {
	n.t.Helper()
	for _, step := range path {
		n.path += fmt.Sprint(" > ", step)
		ok := false
		switch k := step.(type) {
		case string:
			var of map[string]any
			if of, ok = n.of.(map[string]any); ok {
				n.of, ok = of[k]
			}
		case int:
			var of []any
			if of, ok = n.of.([]any); ok && k < len(of) {
				n.of = of[k]
			} else {
				ok = false
			}
		}
		if !ok {
			n.t.Fatalf("there is no %s", n.path)
		}
	}
	return n
}

// is holds a value.
func (n node) is(want any) {
	n.t.Helper()
	if n.of != want {
		n.t.Errorf("%s is %v, want %v", n.path, n.of, want)
	}
}

func (n node) text() string { return fmt.Sprint(n.of) }

func (n node) list() []node {
	n.t.Helper()
	of, ok := n.of.([]any)
	if !ok {
		n.t.Fatalf("%s is no list", n.path)
	}
	var out []node
	for i := range of {
		out = append(out, n.at(i))
	}
	return out
}

// asked are headers of which a policy's condition or a question of specification 7.1
// comes, so that one that does not reach postern is missed.
var asked = []string{"Authorization", "User-Agent", "Referer", "X-Amz-Date", "X-Amz-Content-Sha256", "X-Amz-Security-Token", "X-Amz-Copy-Source", "X-Amz-Tagging",
	"X-Amz-Tagging-Directive", "X-Amz-Acl", "X-Amz-Grant-Read", "X-Amz-Grant-Write", "X-Amz-Grant-Read-Acp", "X-Amz-Grant-Write-Acp", "X-Amz-Grant-Full-Control",
	"X-Amz-Object-Lock-Mode", "X-Amz-Object-Lock-Retain-Until-Date", "X-Amz-Object-Lock-Legal-Hold", "X-Amz-Bypass-Governance-Retention",
	"X-Amz-Bucket-Object-Lock-Enabled", "X-Amz-Object-Ownership", "X-Minio-Force-Delete"}

// believed are headers that postern believes, so that no client may bring them.
var believed = []string{"X-Postern-Secret", "X-Postern-Org", "X-Postern-Principal", "X-Postern-Principals", "X-Postern-Groups", "X-Client-Cert", "X-Client-Verify"}

// TestEnvoyConfiguration reads the shipped configuration of Envoy.
func TestEnvoyConfiguration(t *testing.T) {
	d := document(t, "envoy.yaml")
	chain := d.at("static_resources", "listeners", 0, "filter_chains", 0)
	chain.at("transport_socket", "name").is("envoy.transport_sockets.tls")
	manager := chain.at("filters", 0, "typed_config")
	manager.at("use_remote_address").is(true)
	manager.at("skip_xff_append").is(false)
	manager.at("normalize_path").is(false)
	manager.at("merge_slashes").is(false)
	manager.at("path_with_escaped_slashes_action").is("KEEP_UNCHANGED")
	manager.at("common_http_protocol_options", "headers_with_underscores_action").is("REJECT_REQUEST")
	var order []string
	var check, script node
	for _, f := range manager.at("http_filters").list() {
		name := f.at("name").text()
		order = append(order, strings.TrimPrefix(name, "envoy.filters.http."))
		switch name {
		case "envoy.filters.http.ext_authz":
			check = f.at("typed_config")
		case "envoy.filters.http.lua":
			script = f.at("typed_config", "default_source_code", "inline_string")
		}
	}
	if got := strings.Join(order, " "); got != "lua ext_authz router" {
		t.Fatalf("the filters are %s", got)
	}
	check.at("failure_mode_allow").is(false)
	service := check.at("http_service")
	service.at("path_prefix").is("/authorize")
	service.at("server_uri", "cluster").is("postern")
	if u, err := url.Parse(service.at("server_uri", "uri").text()); err != nil || u.Scheme != "http" || u.Path != "" {
		t.Errorf("the server is %v, %v", u, err)
	}
	added := map[string]string{}
	for _, h := range service.at("authorization_request", "headers_to_add").list() {
		added[h.at("key").text()] = h.at("value").text()
	}
	if len(added) != 2 || len(added["x-postern-secret"]) < 32 || added["x-postern-org"] == "" {
		t.Errorf("the headers that are added are %q", added)
	}
	// What reaches postern of a client's headers: all that is asked, and of what is
	// believed only what the script has set.
	passes := func(name string) bool {
		for _, p := range check.at("allowed_headers", "patterns").list() {
			of := p.of.(map[string]any)
			if exact, ok := of["exact"]; ok && exact == name {
				return true
			}
			if prefix, ok := of["prefix"].(string); ok && strings.HasPrefix(name, prefix) {
				return true
			}
		}
		return false
	}
	for _, name := range append(slices.Clone(asked), "X-Forwarded-For", "X-Forwarded-Proto", "X-Postern-Principal", "X-Amz-Meta-A", "X-Amz-New-Thing", "X-Minio-New-Thing") {
		if !passes(strings.ToLower(name)) {
			t.Errorf("%s does not reach postern", name)
		}
	}
	for _, name := range believed {
		if name != "X-Postern-Principal" && passes(strings.ToLower(name)) {
			t.Errorf("a client's %s reaches postern", name)
		}
		if !strings.Contains(script.text(), `"`+strings.ToLower(name)+`"`) {
			t.Errorf("the script does not take %s away", name)
		}
	}
	runScript(t, script.text())
	hosts := manager.at("route_config", "virtual_hosts")
	if len(hosts.list()) != 1 {
		t.Error("there are several virtual hosts")
	}
	hosts.at(0, "request_headers_to_remove", 0).is("x-postern-principal")
	own := regexp.MustCompile("^(?:" + hosts.at(0, "routes", 0, "match", "safe_regex", "regex").text() + ")$") // Envoy matches all of a path
	hosts.at(0, "routes", 0, "direct_response", "status").is(404)
	for path, want := range map[string]bool{"/admin": true, "/admin/usage": true, "/minio/health": true, "/swift/v1": true, "/auth/1.0": true, "/administration/k": false, "/b/admin": false} {
		if own.MatchString(path) != want {
			t.Errorf("%s is the store's own: %v", path, !want)
		}
	}
	hosts.at(0, "routes", 1, "route", "cluster").is("store")
	clusters := map[string]string{}
	for _, c := range d.at("static_resources", "clusters").list() {
		socket := c.at("load_assignment", "endpoints", 0, "lb_endpoints", 0, "endpoint", "address", "socket_address")
		c.at("load_assignment", "cluster_name").is(c.at("name").text())
		clusters[c.at("name").text()] = net.JoinHostPort(socket.at("address").text(), socket.at("port_value").text())
	}
	if clusters["postern"] != "127.0.0.1:8180" || clusters["store"] == "" || len(clusters) != 2 {
		t.Errorf("the clusters are %q", clusters)
	}
}

// envoyHandle is what Envoy's script asks of Envoy, and requests with the principals
// that it is to find in them; it ends with an error if it finds others.
const envoyHandle = `
local function ask(path, authorization, want)
  local h = { [":path"] = path, ["authorization"] = authorization, ["x-postern-principal"] = "saml/mallory", ["x-postern-groups"] = "admins", ["x-client-verify"] = "SUCCESS" }
  local headers = {}
  function headers:get(name) return h[name] end
  function headers:remove(name) h[name] = nil end
  function headers:add(name, value)
    if h[name] then error(name .. " is there twice") end
    h[name] = value
  end
  envoy_on_request({ headers = function() return headers end })
  if h["x-postern-principal"] ~= want or h["x-postern-groups"] or h["x-client-verify"] then
    error(path .. ", " .. tostring(authorization) .. ": the principal is " .. tostring(h["x-postern-principal"]))
  end
end
local other = "AWS4-HMAC-SHA256 Credential=OTHER/20261201/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
ask("/b/k", "AWS4-HMAC-SHA256 Credential=AKEXAMPLE/20261201/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0", "saml/jean")
ask("/b/k", "AWS AKEXAMPLE:sig", "saml/jean")
ask("/b/k?X-Amz-Credential=AKEXAMPLE%2F20261201&X-Amz-Signature=0", nil, "saml/jean")
ask("/b/k?a=b&X-Amz-Credential=AKEXAMPLE/20261201", nil, "saml/jean")
ask("/b/k?AWSAccessKeyId=AKEXAMPLE&Expires=1", nil, "saml/jean")
ask("/b/k", nil, nil)
ask("/b/k", other, nil)
ask("/b/k", "Bearer AKEXAMPLE:x", nil)
ask("/b/k&X-Amz-Credential=AKEXAMPLE/x", other, nil)
ask("/b/k&AWSAccessKeyId=AKEXAMPLE", other, nil)
ask("/b?prefix=a?X-Amz-Credential=AKEXAMPLE/x", other, nil)
ask("/b?prefix=a?AWSAccessKeyId=AKEXAMPLE&delimiter=x", other, nil)
ask("/b?prefix=a%26X-Amz-Credential=AKEXAMPLE/x", other, nil)
`

// runScript runs Envoy's script on the requests of envoyHandle, by HAProxy's Lua,
// which loads scripts when it checks its configuration.
func runScript(t *testing.T, text string) {
	t.Helper()
	dir := t.TempDir()
	script := write(t, filepath.Join(dir, "script.lua"), text+envoyHandle)
	config := write(t, filepath.Join(dir, "haproxy.cfg"), "global\n    lua-load "+script+"\ndefaults\n    mode http\n    timeout connect 1s\n    timeout client 1s\n    timeout server 1s\nfrontend f\n    bind 127.0.0.1:1\n    http-request deny\n")
	output(t, 30*time.Second, nil, "haproxy", "-c", "-f", config)
}

// TestTraefikConfiguration reads the shipped configuration of Traefik.
func TestTraefikConfiguration(t *testing.T) {
	d := document(t, "traefik.yaml").at("http")
	check := d.at("middlewares", "postern", "forwardAuth")
	check.at("trustForwardHeader").is(false)
	if u, err := url.Parse(check.at("address").text()); err != nil || u.Path != "/authorize" || u.RawQuery != "" {
		t.Errorf("the address is %v, %v", u, err)
	}
	passed := map[string]bool{}
	for _, name := range check.at("authRequestHeaders").list() {
		if passed[name.text()] {
			t.Errorf("%s stands twice", name.text())
		}
		passed[name.text()] = true
	}
	for _, name := range append(slices.Clone(asked), "X-Postern-Secret", "X-Postern-Org", "X-Postern-Principal") {
		if !passed[name] {
			t.Errorf("%s does not reach postern", name)
		}
	}
	// Traefik says these itself, and only where they are not named.
	for name := range passed {
		if strings.HasPrefix(name, "X-Forwarded-") {
			t.Errorf("a client's %s reaches postern", name)
		}
	}
	for name, of := range d.at("routers").of.(map[string]any) {
		router := node{t, name, of}
		router.at("tls")
		if got := fmt.Sprint(router.at("middlewares").of); !regexp.MustCompile(`^\[of-\S+ postern not-for-the-store\]$`).MatchString(got) {
			t.Errorf("the middlewares of %s are %s", name, got)
		}
		whose := d.at("middlewares", router.at("middlewares", 0).text(), "headers", "customRequestHeaders")
		for _, header := range believed {
			value := whose.at(header).text()
			switch header {
			case "X-Postern-Secret":
				if len(value) < 32 {
					t.Errorf("%s: the secret is %q", name, value)
				}
			case "X-Postern-Org", "X-Postern-Principal":
				if value == "" {
					t.Errorf("%s: %s is empty", name, header)
				}
			default: // an empty one is taken away
				if value != "" {
					t.Errorf("%s: %s is %q", name, header, value)
				}
			}
		}
		d.at("services", router.at("service").text(), "loadBalancer", "servers", 0, "url")
		d.at("services", router.at("service").text(), "loadBalancer", "passHostHeader").is(true)
	}
	for _, header := range []string{"X-Postern-Secret", "X-Postern-Org", "X-Postern-Principal"} {
		d.at("middlewares", "not-for-the-store", "headers", "customRequestHeaders", header).is("")
	}
}
