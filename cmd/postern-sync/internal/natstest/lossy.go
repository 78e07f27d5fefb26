package natstest

import (
	"bytes"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
)

// Loss is what a network loses, once: a message of a client, or the answer to it.
type Loss struct {
	Of      string // what the message begins with, as the client writes it
	Message bool   // the message is lost; else its answer is
	Cut     bool   // the connection ends there, too
	Before  func() // if it is not nil, is called when the message has come, and has not gone on
	After   func() // if it is not nil, is called when it is lost
}

// Lossy starts a proxy of a server, and returns its URL, and whether the loss has come to
// pass.
func Lossy(t testing.TB, s *server.Server, loss Loss) (url string, lost *atomic.Bool) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{loss: loss, to: s.Addr().String()}
	p.all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			p.all.Go(func() { p.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.ends.Range(func(c, _ any) bool { c.(net.Conn).Close(); return true })
		p.all.Wait()
	})
	return "nats://" + l.Addr().String(), &p.lost
}

type proxy struct {
	loss       Loss
	to         string
	come, lost atomic.Bool // the message has come; what is to be lost is lost
	ends       sync.Map    // of net.Conn
	all        sync.WaitGroup
}

func (p *proxy) serve(client net.Conn) {
	s, err := net.Dial("tcp", p.to)
	if err != nil {
		client.Close()
		return
	}
	p.ends.Store(client, true)
	p.ends.Store(s, true)
	var answer atomic.Bool // the next answer of this connection is the one to lose
	p.all.Go(func() {
		defer client.Close()
		defer s.Close()
		pass(s, client, func(data []byte) (goes, on bool) {
			if !bytes.Contains(data, []byte("MSG _INBOX")) || !answer.CompareAndSwap(true, false) {
				return true, true
			}
			return false, p.lose()
		})
	})
	pass(client, s, func(data []byte) (goes, on bool) {
		if !bytes.Contains(data, []byte(p.loss.Of)) || !p.come.CompareAndSwap(false, true) {
			return true, true
		}
		if p.loss.Before != nil {
			p.loss.Before()
		}
		if p.loss.Message {
			return false, p.lose()
		}
		answer.Store(true)
		return true, true
	})
	client.Close()
	s.Close()
}

// lose notes that something is lost, and reports whether the connection goes on.
func (p *proxy) lose() (on bool) {
	if p.loss.After != nil {
		p.loss.After()
	}
	p.lost.Store(true)
	return !p.loss.Cut
}

// pass copies what goes, until the connection does not go on.
func pass(from io.Reader, to io.Writer, each func([]byte) (goes, on bool)) {
	buffer := make([]byte, 1<<20)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		goes, on := each(buffer[:n])
		if goes {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if !on {
			return
		}
	}
}
