// Package test runs postern behind real proxies in front of a real object store:
// nginx, Caddy and HAProxy with the configurations of deploy/proxies, radosgw of
// Ceph, and the clients boto3, aws, s3cmd and rclone (specification 7.2, 7.3). It
// is a module of its own, so that the product's tests need none of these:
//
//	cd deploy/test && go test -count=1 ./...
//
// MinIO, which no Debian package has, is asked where POSTERN_MINIO names a binary of
// it and POSTERN_MC one of its client; the test is skipped elsewhere.
//
// Envoy and Traefik cannot be had; their configurations are read.
//
// A command that is missing is a failure; .ci/run installs all of them. Every
// process listens on the loopback, and is ended by its own id, whatever a test
// comes to.
package test
