package policyjson

// fixer is an argument of a message that says what to write, where it can be written
// as it is. The diagnostic's Fix is made of it: fix returns the JSON that takes the
// place of the string, number or literal that the message is about.
type fixer interface{ fix() string }

// instead is a string to write.
type instead string

func (i instead) String() string { return quote(string(i)) }
func (i instead) fix() string    { return String(string(i)) }

// insteadIf is instead where the text is whole, and not only a form with words to
// fill in.
func insteadIf(whole bool, text string) any {
	if whole {
		return instead(text)
	}
	return quote(text)
}

// insteadPrincipal is a principal to write in an object.
type insteadPrincipal string

func (i insteadPrincipal) String() string { return quote(string(i)) }
func (i insteadPrincipal) fix() string    { return `{"AWS": ` + String(string(i)) + `}` }
