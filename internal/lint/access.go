package lint

import "postern/policy"

// access looks at an iam document.
func access(path string, data []byte, doc *policy.AccessDocument) []policy.Diagnostic { return nil }
