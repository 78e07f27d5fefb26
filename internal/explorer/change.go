package explorer

import (
	"context"
	"errors"
)

// changeIn asks what changes from one side to another.
type changeIn struct {
	Old int `json:"old"`
	New int `json:"new"`
}

// change answers what `postern diff -json` prints of two sides.
func (s *Server) change(ctx context.Context, in changeIn) (any, error) {
	switch {
	case s.config.Compare == nil:
		return nil, badRequest{errors.New("there is nothing to compare with; start with -explore-compare NAME=DIR, or with -shadow DIR")}
	case in.Old < 0 || in.Old >= len(s.sides) || in.New < 0 || in.New >= len(s.sides) || in.Old == in.New:
		return nil, badRequest{errors.New("choose two sides")}
	}
	if _, err := s.work.begin(ctx); err != nil {
		return nil, err
	}
	defer s.work.end()
	return s.config.Compare(ctx, in.Old, in.New)
}
