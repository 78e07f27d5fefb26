package jsonscan

// What can be wrong with a text. Each is one constant on a line of its own, from
// which the tests of this package, and of those who show its messages, read what
// they must have a case for. The bound follows those that end with a space.
const (
	msgEnds          = "the text ends where a value is due"
	msgNoValue       = "no JSON value begins here; write a string in double quotes, a number, true, false, null, an object or a list"
	msgTrailing      = "something follows the JSON value; remove it"
	msgDepth         = "objects and lists are nested too deeply; the most is "
	msgWantObject    = "want an object here"
	msgWantList      = "want a list here"
	msgEndsInside    = "the text ends inside an object or a list"
	msgNoCommaList   = "want `,` or `]` here"
	msgNoCommaObject = "want `,` or `}` here"
	msgTrailingComma = "remove the comma before this"
	msgWantKey       = "want a key in double quotes here"
	msgDuplicate     = "this key stands twice in one object"
	msgMembers       = "too many members in one object; the most is "
	msgColon         = "want `:` after the key"
	msgWantString    = "want a string here"
	msgUnclosed      = "this string has no closing quote"
	msgControl       = "a control character in a string must be written as an escape, such as \\n, \\t or \\u0000"
	msgUTF8          = "invalid UTF-8; save the text as UTF-8"
	msgCutEscape     = "this escape is cut off"
	msgHex           = "\\u wants four hexadecimal digits, as in \\u00e9"
	msgSurrogate     = "half of a surrogate pair; write both halves, as in \\ud83d\\ude00"
	msgNoEscape      = "there is no such escape; write \\\\ for a backslash"
	msgWantLiteral   = "want true, false or null here"
	msgWantNumber    = "want a number here"
	msgNumber        = "this is no JSON number; write it as in 10, -1.5 or 2e3"
	msgTooLong       = "a JSON text must be shorter than 2 GiB"
)
