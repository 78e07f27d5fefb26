package stream

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
)

// TestUnanswered: what passes once a leader is chosen is tried again, and nothing else.
func TestUnanswered(t *testing.T) {
	api := func(code int, which nats.ErrorCode) error {
		return fmt.Errorf("blob x: %w", &nats.APIError{Code: code, ErrorCode: which, Description: "d"})
	}
	for _, x := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{api(503, nats.JSErrCodeJetStreamNotAvailable), true},
		{api(503, nats.JSErrCodeInsufficientResourcesErr), true},
		{api(503, nats.JSErrCodeJetStreamNotEnabled), false},
		{api(503, nats.JSErrCodeJetStreamNotEnabledForAccount), false},
		{api(404, nats.JSErrCodeStreamNotFound), false},
		{api(400, nats.JSErrCodeStreamWrongLastSequence), false},
		{nats.ErrTimeout, true},
		{meant(nats.ErrNoResponders), true},
		{context.DeadlineExceeded, true},
		{context.Canceled, false},
		{errors.New("another"), false},
	} {
		if got := Unanswered(x.err); got != x.want {
			t.Errorf("%v: %v, want %v", x.err, got, x.want)
		}
	}
	for _, which := range []nats.ErrorCode{nats.JSErrCodeStreamWrongLastSequence, nats.JSErrCodeStreamWrongLastSequenceConstant} {
		if err := meant(api(400, which)); !errors.Is(err, ErrOvertaken) {
			t.Errorf("code %d: %v", which, err)
		}
	}
}
