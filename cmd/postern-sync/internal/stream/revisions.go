package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"
)

// SignatureHeader is the header that has the signature of a revision.
const SignatureHeader = "Postern-Signature"

// Message is a message of the stream of revisions. Its sequence says where in the stream
// it stands, and nothing about its order among revisions.
type Message struct {
	Data      []byte
	Signature string
	Sequence  uint64
}

var (
	// ErrNone says that there is no such message.
	ErrNone = errors.New("there is no such message")
	// ErrOvertaken says that a revision was refused as another came first.
	ErrOvertaken = errors.New("another revision came first")
	// ErrNoStream says that the streams are not there.
	ErrNoStream = errors.New("the streams are not there; run postern-sync init once")
)

// Leader returns the newest revision that the stream's leader has. It returns ErrNone if
// there is none.
func (c *Conn) Leader(ctx context.Context) (*Message, error) {
	m, err := c.js.GetLastMsg(c.stream("REV"), c.rev(), nats.Context(ctx))
	return message(m, err)
}

// Newest returns the newest revision that whichever replica answers has, which may be
// older than the leader's.
func (c *Conn) Newest(ctx context.Context) (*Message, error) {
	m, err := c.js.GetLastMsg(c.stream("REV"), c.rev(), nats.Context(ctx), nats.DirectGet())
	return message(m, err)
}

// At returns the revision with that sequence.
func (c *Conn) At(ctx context.Context, sequence uint64) (*Message, error) {
	m, err := c.js.GetMsg(c.stream("REV"), sequence, nats.Context(ctx), nats.DirectGet())
	return message(m, err)
}

func message(m *nats.RawStreamMsg, err error) (*Message, error) {
	if err != nil {
		return nil, meant(err)
	}
	return &Message{m.Data, m.Header.Get(SignatureHeader), m.Sequence}, nil
}

// meant returns the error of this package that err means, or err.
func meant(err error) error {
	var api *nats.APIError
	switch {
	case errors.Is(err, nats.ErrMsgNotFound):
		return ErrNone
	case errors.Is(err, nats.ErrStreamNotFound), errors.Is(err, nats.ErrNoStreamResponse), errors.Is(err, nats.ErrNoResponders):
		return fmt.Errorf("%w (%w)", ErrNoStream, err)
	case errors.As(err, &api) && (api.ErrorCode == nats.JSErrCodeStreamWrongLastSequence || api.ErrorCode == nats.JSErrCodeStreamWrongLastSequenceConstant):
		return ErrOvertaken
	}
	return err
}

// Unanswered reports whether err says that no server can answer for now, as while they
// choose a leader: the same call may succeed later. It is false for an account or a
// server without JetStream, which stays so.
func Unanswered(err error) bool {
	var api *nats.APIError
	switch {
	case errors.Is(err, nats.ErrJetStreamNotEnabled), errors.Is(err, nats.ErrJetStreamNotEnabledForAccount):
		return false
	case errors.As(err, &api):
		return api.Code == 503 // a code of HTTP, as the servers write it
	}
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) || errors.Is(err, nats.ErrNoResponders) || errors.Is(err, nats.ErrNoStreamResponse)
}

// Publish stores a revision behind the one with that sequence, 0 if it is the first. It
// returns ErrOvertaken if another one is there. After any other error it is not known
// whether it was stored.
func (c *Conn) Publish(ctx context.Context, data []byte, signature string, behind uint64) (sequence uint64, err error) {
	m := nats.NewMsg(c.rev())
	m.Data = data
	m.Header.Set(SignatureHeader, signature)
	ack, err := c.store(ctx, m, nats.ExpectLastSequencePerSubject(behind))
	if err != nil {
		return 0, meant(err)
	}
	return ack.Sequence, nil
}

// Follow calls each with every revision that is stored from now on, as soon as it is,
// from one goroutine. It may miss any of them.
func (c *Conn) Follow(each func(*Message)) (stop func(), err error) {
	s, err := c.nc.Subscribe(c.live(), func(m *nats.Msg) {
		sequence, err := strconv.ParseUint(m.Header.Get(nats.JSSequence), 10, 64)
		if err != nil {
			return // whoever published this, it is not the stream
		}
		each(&Message{m.Data, m.Header.Get(SignatureHeader), sequence})
	})
	if err != nil {
		return nil, err
	}
	return func() { s.Unsubscribe() }, nil
}
