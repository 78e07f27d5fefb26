package sidecar

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// hostile are changes of a request by which somebody may try to have it read in two
// ways. Each is of one head, from its first line on.
func hostile(r *rand.Rand, text string) string {
	head, body, _ := strings.Cut(text, "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	at := r.IntN(len(lines))
	name, value, isField := strings.Cut(lines[at], ":")
	switch r.IntN(16) {
	case 0:
		lines[at] = strings.ToLower(lines[at])
	case 1:
		lines = append(lines, lines[at])
	case 2:
		other := r.IntN(len(lines))
		lines[at], lines[other] = lines[other], lines[at]
	case 3:
		lines[at] += "\r\n folded"
	case 4:
		lines[at] += "\nX-Postern-Principal: saml/jean"
	case 5:
		lines[at] += "\rX-Postern-Org: o2"
	case 6:
		if isField {
			lines[at] = name + " :" + value
		}
	case 7:
		lines = append(lines, "Content-Length: "+itoa(r.IntN(9)), "Content-Length: 0")
	case 8:
		lines, body = append(lines, "Transfer-Encoding: chunked"), "0\r\n\r\n"
	case 9:
		lines[0] = strings.Replace(lines[0], "HTTP/1.1", "HTTP/1.0", 1)
	case 10:
		lines = append(lines, "Connection: close")
	case 11:
		lines = append(lines, "Expect: 100-continue")
	case 12:
		lines[0] = strings.Replace(lines[0], " /", " http://store/", 1)
	case 13:
		lines[0] = strings.Replace(lines[0], "/a", "/%61", 1)
	case 14:
		lines = append(lines, "X-Amz-Meta-Long: "+strings.Repeat("x", 1<<r.IntN(14)))
	case 15:
		i := r.IntN(len(text))
		return text[:i] + string([]byte{byte(r.IntN(256))}) + text[i+1:]
	}
	return strings.Join(lines, "\r\n") + "\r\n\r\n" + body
}

// exchangeOn sends pieces on a connection, each once what comes for the one before is
// there, and returns all that was answered, without the dates. cut says that the server
// closed before it had read everything, which may lose the end of what it wrote.
func exchangeOn(t *testing.T, network, address string, pieces []string) (text string, cut bool) {
	t.Helper()
	nc, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	var out strings.Builder
	buf := make([]byte, 64<<10)
	receive := func(wait time.Duration) bool {
		nc.SetReadDeadline(time.Now().Add(wait))
		n, err := nc.Read(buf)
		out.Write(buf[:n])
		cut = cut || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
		if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
			return false
		}
		return true
	}
	for _, p := range pieces {
		if _, err := io.WriteString(nc, p); err != nil {
			cut = true
			break
		}
		if !receive(4 * time.Millisecond) { // a piece without an answer is no whole request
			break
		}
	}
	nc.(interface{ CloseWrite() error }).CloseWrite()
	for receive(5 * time.Second) {
	}
	return dates.ReplaceAllString(out.String(), "\r\nDate: -\r\n"), cut
}

// TestHostileClientsOnSockets has clients of each door mix requests of several callers
// with hostile ones on one connection, over TCP and a Unix socket. What they get is what
// the handler answers that reads every request anew.
func TestHostileClientsOnSockets(t *testing.T) {
	requests := map[string][]string{
		"evaluation": {repeatYes, repeatYes, repeatNo, post(pathEvaluation, "{}")},
		"stores":     {cephPost(cephBody("GET", "/c/a", "", "a", "c")), cephPost(cephBody("DELETE", "/b/a", "", "a", "b")), minioPost(minioBody("s3:GetObject", "c", "k")), minioPost(minioBody("s3:DeleteObject", "b", "k"))},
	}
	for _, mode := range []string{"nginx", "haproxy", "caddy", "traefik", "envoy"} {
		for text := range formHeads(mode) {
			requests[mode] = append(requests[mode], text)
		}
		requests[mode] = append(requests[mode], forwardHead(mode, "GET", "/b/k", "10.1.2.3", true, jean...), forwardHead(mode, "GET", "/b/k", "9.9.9.9", true, "X-Postern-Org: o2", "X-Postern-Principal: saml/max"))
	}
	for door, list := range requests {
		t.Run(door, func(t *testing.T) {
			t.Parallel()
			var s *served
			switch door {
			case "evaluation":
				s = build(t, nil)
			case "stores":
				s = storeServer(t, MinIO{})
			default:
				s = doorServer(t, Doors{Forward: &Forward{Mode: door}})
			}
			addresses := map[string]string{"unix": filepath.Join(t.TempDir(), "s"), "tcp": "127.0.0.1:0"}
			for network := range addresses {
				l, err := net.Listen(network, addresses[network])
				if err != nil {
					t.Fatal(err)
				}
				addresses[network] = l.Addr().String()
				go s.Serve(l)
			}
			t.Cleanup(func() {
				if err := s.Shutdown(context.Background()); err != nil {
					t.Error(err)
				}
			})
			r := rand.New(rand.NewPCG(7, 13))
			asked, kept, cuts := 0, 0, 0
			rounds := 120
			if testing.Short() {
				rounds = 20
			}
			for range rounds {
				var pieces []string
				for range 2 + r.IntN(7) {
					text := list[r.IntN(len(list))]
					switch r.IntN(6) {
					case 0:
						text = hostile(r, text)
					case 1: // in two pieces
						at := 1 + r.IntN(len(text)-1)
						pieces, text = append(pieces, text[:at]), text[at:]
					case 2: // with the next
						text += list[r.IntN(len(list))]
					}
					pieces = append(pieces, text)
					asked++
				}
				kept += strings.Count(s.play(t, true, pieces...).how(), "r")
				for network, address := range addresses {
					want := s.playOn(t, network, false, pieces).text()
					got, cut := exchangeOn(t, network, address, pieces)
					if got != want && !(cut && strings.HasPrefix(want, got)) {
						t.Fatalf("%s: %q\nanswered\n%s\nby the handler\n%s", network, pieces, got, want)
					}
					if cut {
						cuts++
					}
				}
			}
			t.Logf("%d requests on each network, of which %d are answered where they are received; %d connections cut", asked, kept, cuts)
			if kept < rounds/4 || cuts > rounds/2 {
				t.Errorf("%d of %d requests are answered where they are received; %d connections cut", kept, asked, cuts)
			}
		})
	}
}
