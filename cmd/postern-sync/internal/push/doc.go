// Package push makes a revision of a policy directory and publishes it (specification
// 9.2, steps 2 and 3).
package push
