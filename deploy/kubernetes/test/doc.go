// Package test holds the manifests of deploy/kubernetes to what they promise
// (specification 9.1): kustomize renders them, the types of Kubernetes read them
// strictly, and each overlay runs as its manifest says, with the real binaries, a real
// git and a real NATS server; a kubelet in small lays out volumes, starts containers in
// their order and asks the probes. It is a module of its own, so that the product's
// go.mod stays small:
//
//	cd deploy/kubernetes/test && go test -count=1 ./...
package test
