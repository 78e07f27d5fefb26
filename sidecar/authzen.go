package sidecar

import (
	"time"

	"postern/policy"
)

// authzen is what the endpoints of AuthZEN's API have in common (specification
// 3.1, 3.2).
type authzen struct{}

// refuse returns the answer as the standard has it: an error has no decision.
func (authzen) refuse(status int, message string) reply { return failure(status, message) }

// head checks what holds for every question: whether it may be explained, and
// that it says it is JSON. The status is 0 if it is not refused.
func (authzen) head(x *exchange) (status int, message string) {
	if x.headers.explain != nil && x.server.config.ExplainOff {
		return 403, "explanations are switched off; ask without X-Postern-Explain"
	}
	if !isJSON(x.head.ContentType()) {
		return 400, "the body has to be JSON, and say so: send Content-Type: application/json"
	}
	return 0, ""
}

// explained reports that the answer is to have its grounds.
func (authzen) explained(x *exchange) bool { return string(x.headers.explain) == "true" }

// one answers a body that is one evaluation.
func (a authzen) one(x *exchange, r *policy.Request) reply {
	x.buf = x.buf[:0]
	if a.explained(x) {
		return a.explain(x, r)
	}
	appendAnswer(x, r)
	return x.json(200)
}

// explain is one with the grounds.
func (authzen) explain(x *exchange, r *policy.Request) reply {
	if !x.task.turn(r.Principal.Org, time.Now()) {
		return x.unfinished()
	}
	e := x.explain(r)
	x.buf = appendExplanation(x.buf, &e, explainBytes)
	return x.json(200)
}

// appendAnswer decides a request and appends the answer. It is the one step of
// the plain path, whether the request came by itself, with a kept head
// (repeat.go), or as an item of a batch.
func appendAnswer(x *exchange, r *policy.Request) policy.Decision {
	d := x.decide(r)
	x.buf = appendDecision(x.buf, d)
	return d
}

// evaluationDoor is the door of single evaluations.
type evaluationDoor struct{ authzen }

func (e evaluationDoor) ask(x *exchange) reply {
	if status, message := e.head(x); status != 0 {
		return e.refuse(status, message)
	}
	if e.explained(x) && !x.work() {
		return x.unfinished()
	}
	r, err := x.decoder.Evaluation(x.body, x.now)
	if err != nil {
		return e.refuse(400, err.Error())
	}
	return e.one(x, r)
}
