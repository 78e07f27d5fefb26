package conformance_test

import (
	"testing"

	"postern/internal/conformance"
	"postern/internal/reference"
)

// TestReference holds the reference evaluator to the corpus.
func TestReference(t *testing.T) {
	conformance.Run(t, func(t *testing.T, w *conformance.World) conformance.Evaluate {
		return reference.New(w.Directory).Evaluate
	})
}
