// Package pull keeps a policy directory at the newest revision of a fleet (specification
// 9.2, steps 4 and 5): it follows what is published, looks for what it missed, and
// applies what it has verified.
package pull
