package revision

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
)

// context is put before the bytes that are signed, so that a signature that the same key
// made for another purpose is none here.
const context = "postern revision 1\n"

// Sign returns the text of the header that signs a message: the key's short name and the
// signature.
func Sign(key ed25519.PrivateKey, data []byte) string {
	signature := ed25519.Sign(key, append([]byte(context), data...))
	return keyName(key.Public().(ed25519.PublicKey)) + ":" + base64.StdEncoding.EncodeToString(signature)
}

// keyName is the beginning of the sum of a public key, which says which key to try.
func keyName(key ed25519.PublicKey) string {
	sum := SumOf(key)
	return hex.EncodeToString(sum[:6])
}

// Verify returns an error unless one of the keys signed the message.
func Verify(keys []ed25519.PublicKey, data []byte, header string) error {
	name, text, ok := strings.Cut(header, ":")
	if !ok {
		return errors.New("the revision is not signed")
	}
	signature, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(signature) != ed25519.SignatureSize {
		return errors.New("the revision's signature is no signature")
	}
	signed := append([]byte(context), data...)
	known := false
	for _, key := range keys {
		if keyName(key) == name {
			if known = true; ed25519.Verify(key, signed, signature) {
				return nil
			}
		}
	}
	if !known {
		return fmt.Errorf("the revision is signed by the key %.12q, which is none of -verify-key", name)
	}
	return errors.New("the revision's signature does not fit: it was forged or damaged")
}

const (
	privateBlock = "PRIVATE KEY"
	publicBlock  = "PUBLIC KEY"
)

// NewKey makes a key, and returns its private part (PKCS 8) and its public part (PKIX) as
// PEM, the forms that other tools write too.
func NewKey() (private, public []byte, err error) {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	k, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	p, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: privateBlock, Bytes: k}), pem.EncodeToMemory(&pem.Block{Type: publicBlock, Bytes: p}), nil
}

// ReadSignKey reads the private key of a file. The file must be its owner's alone.
func ReadSignKey(name string) (ed25519.PrivateKey, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s can be read or written by others (mode %04o): run chmod 600 on it", name, info.Mode().Perm())
	}
	block, err := readBlock(name, privateBlock)
	if err != nil {
		return nil, err
	}
	k, err := x509.ParsePKCS8PrivateKey(block)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	key, ok := k.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%s holds another key than one of Ed25519", name)
	}
	return key, nil
}

// ReadVerifyKey reads the public key of a file.
func ReadVerifyKey(name string) (ed25519.PublicKey, error) {
	block, err := readBlock(name, publicBlock)
	if err != nil {
		return nil, err
	}
	k, err := x509.ParsePKIXPublicKey(block)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	key, ok := k.(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%s holds another key than one of Ed25519", name)
	}
	return key, nil
}

func readBlock(name, kind string) ([]byte, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("%s holds no %s in PEM", name, strings.ToLower(kind))
	}
	return block.Bytes, nil
}
