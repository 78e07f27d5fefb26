// Package browser tries the explorer in a real browser, Debian's chromium, as a
// person would (specification 10). It is a module of its own, so that what drives
// the browser is no dependency of the product.
package browser
