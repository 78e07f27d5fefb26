// Package natstest starts real NATS servers in the process of a test.
package natstest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"postern/cmd/postern-sync/internal/stream"
)

// Start starts one server with JetStream and returns it. change, if it is not nil, may
// change its options.
func Start(t testing.TB, change func(*server.Options)) *server.Server {
	t.Helper()
	o := &server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true}
	if change != nil {
		change(o)
	}
	s, err := Run(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	return s
}

// Run starts a server with these options.
func Run(o *server.Options) (*server.Server, error) {
	s, err := server.NewServer(o)
	if err != nil {
		return nil, err
	}
	s.Start()
	if !s.ReadyForConnections(30 * time.Second) {
		return nil, fmt.Errorf("the server does not accept connections")
	}
	return s, nil
}

// Cluster starts a cluster of n servers, whose streams can be stored on each. It returns
// the options of each, with which one can be started again.
func Cluster(t testing.TB, n int) (servers []*server.Server, options []*server.Options) {
	t.Helper()
	dir := t.TempDir()
	routes := ""
	var ports []int
	for i := range n {
		ports = append(ports, FreePort(t))
		if i > 0 {
			routes += ","
		}
		routes += fmt.Sprintf("nats://127.0.0.1:%d", ports[i])
	}
	for i := range n {
		o := &server.Options{
			ServerName: fmt.Sprintf("n%d", i+1), Host: "127.0.0.1", Port: FreePort(t), JetStream: true,
			StoreDir: filepath.Join(dir, fmt.Sprint(i)), NoLog: true, NoSigs: true,
			Cluster: server.ClusterOpts{Name: "test", Host: "127.0.0.1", Port: ports[i]},
			Routes:  server.RoutesFromStr(routes),
		}
		options = append(options, o)
		s, err := Run(o.Clone())
		if err != nil {
			t.Fatal(err)
		}
		servers = append(servers, s)
	}
	t.Cleanup(func() {
		for _, s := range servers {
			s.Shutdown()
		}
		for _, s := range servers {
			s.WaitForShutdown()
		}
	})
	return servers, options
}

// FreePort returns a port of loopback that nobody listens on. It lies below those that
// the system gives to the near ends of connections, so that none of them takes it before
// a server does.
func FreePort(t testing.TB) int {
	for range 1000 {
		l, err := net.Listen("tcp", fmt.Sprint("127.0.0.1:", 20_000+rand.IntN(12_000)))
		if err == nil {
			defer l.Close()
			return l.Addr().(*net.TCPAddr).Port
		}
	}
	t.Fatal("no port is free")
	return 0
}

// Connect connects to servers, and makes the streams if replicas is above 0.
func Connect(t testing.TB, replicas int, servers ...*server.Server) *stream.Conn {
	t.Helper()
	c := stream.Config{Prefix: "test"}
	for _, s := range servers {
		c.Servers = append(c.Servers, s.ClientURL())
	}
	conn, err := stream.Connect(c, false)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	if replicas == 0 {
		return conn
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(200 * time.Millisecond) { // a cluster elects its leader first
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		err := conn.Create(ctx, replicas)
		cancel()
		if err == nil {
			return conn
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}
