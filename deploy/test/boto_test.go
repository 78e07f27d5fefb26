package test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"sync"
	"testing"
)

// A task is one operation for client.py.
type task struct {
	Endpoint string         `json:"endpoint"`
	CA       string         `json:"ca,omitempty"`
	Access   string         `json:"access"`
	Secret   string         `json:"secret"`
	Do       string         `json:"do"`
	Args     map[string]any `json:"args"`
}

// An outcome is what the client saw: the HTTP status, the error's code, and of a
// read the content.
type outcome struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Body   string `json:"body"`
}

// python is one that has boto3, "" if there is none.
var python = sync.OnceValue(func() string {
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import boto3").Run() == nil {
			return name
		}
	}
	return ""
})

// run has boto3 do the tasks.
func run(t testing.TB, tasks []task) []outcome {
	t.Helper()
	in, err := json.Marshal(tasks)
	if err != nil {
		t.Fatal(err)
	}
	if python() == "" {
		t.Fatal("no python3 has boto3; .ci/run installs it")
	}
	cmd := exec.Command(python(), "client.py")
	cmd.Stdin = bytes.NewReader(in)
	cmd.Env = append(os.Environ(), "PYTHONWARNINGS=ignore", "AWS_EC2_METADATA_DISABLED=true")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("client.py: %v\n%s", err, errs.String())
	}
	var outcomes []outcome
	if err := json.Unmarshal(out.Bytes(), &outcomes); err != nil || len(outcomes) != len(tasks) {
		t.Fatalf("client.py: %v, %d outcomes for %d tasks: %.500s", err, len(outcomes), len(tasks), out.String())
	}
	return outcomes
}
