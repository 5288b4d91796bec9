// Verifies a running server's ledger with the Go tools of the transparency-log world.
//
// Usage: ledger-go BASE_URL VKEY
//
// BASE_URL is the prefix of C2SP tlog-tiles. Checks the checkpoint's signature, every leaf through
// the tiles up to the root, the proof files and the consistency proofs that the server gives.
// Prints one line of JSON; ends with 1 at the first thing that does not verify.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const tileHeight = 8

// No answer of the ledger is larger.
const answerBytesMax = 1 << 20

type server struct{ prefix string }

func (s server) get(path string) ([]byte, error) {
	answer, err := http.Get(s.prefix + "/" + path)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, answerBytesMax))
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s: %s", path, answer.Status, body)
	}
	return body, nil
}

func (s server) Height() int { return tileHeight }

// ReadTiles fetches tiles; C2SP paths are those of the Go checksum database without the height.
func (s server) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", tileHeight), "tile/", 1)
		body, err := s.get(path)
		if err != nil {
			return nil, err
		}
		if len(body) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s has %d bytes", path, len(body))
		}
		data[i] = body
	}
	return data, nil
}

func (s server) SaveTiles([]tlog.Tile, [][]byte) {}

// signedTree opens a checkpoint with the key and reads it.
func signedTree(checkpoint []byte, vkey string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(checkpoint, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("unexpected text of the checkpoint: %q", opened.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: root}, err
}

func hashes(lines []string) ([]tlog.Hash, error) {
	var found []tlog.Hash
	for _, line := range lines {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return nil, err
		}
		found = append(found, hash)
	}
	return found, nil
}

func lines(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == '\n' })
}

// entries are the leaves' data by the bundles of entries.
func (s server) entries(size int64) ([][]byte, error) {
	var all [][]byte
	for tile := int64(0); int64(len(all)) < size; tile++ {
		width := int(size - tile*256)
		if width > 256 {
			width = 256
		}
		shape := tlog.Tile{H: tileHeight, L: 0, N: tile, W: width}
		path := strings.Replace(shape.Path(), fmt.Sprintf("tile/%d/0/", tileHeight), "tile/entries/", 1)
		bundle, err := s.get(path)
		if err != nil {
			return nil, err
		}
		for len(bundle) > 0 {
			length := int(binary.BigEndian.Uint16(bundle))
			all = append(all, bundle[2:2+length])
			bundle = bundle[2+length:]
		}
	}
	return all, nil
}

func (s server) checkRecord(tree tlog.Tree, position int64, entry []byte, reader tlog.HashReader, vkey string) error {
	proof, err := tlog.ProveRecord(tree.N, position, reader)
	if err != nil {
		return err
	}
	leaf := tlog.RecordHash(entry)
	if err := tlog.CheckRecord(proof, tree.N, tree.Hash, position, leaf); err != nil {
		return fmt.Errorf("record %d by tiles: %w", position, err)
	}
	file, err := s.get(fmt.Sprintf("proof/%d", position))
	if err != nil {
		return err
	}
	head, checkpoint, _ := strings.Cut(string(file), "\n\n")
	rows := lines(head)
	if len(rows) < 3 || rows[0] != "c2sp.org/tlog-proof@v1" || rows[2] != fmt.Sprintf("index %d", position) {
		return fmt.Errorf("proof %d: unexpected head %q", position, head)
	}
	digest, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(rows[1], "extra "))
	if err != nil || tlog.RecordHash(digest) != leaf {
		return fmt.Errorf("proof %d: extra is not the entry", position)
	}
	// The log may have grown since: the proof is up to its own checkpoint.
	later, err := signedTree([]byte(checkpoint), vkey)
	if err != nil {
		return err
	}
	given, err := hashes(rows[3:])
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(given, later.N, later.Hash, position, leaf); err != nil {
		return fmt.Errorf("proof %d: %w", position, err)
	}
	return nil
}

func (s server) checkTree(tree tlog.Tree, size int64, reader tlog.HashReader) error {
	old, err := tlog.TreeHash(size, reader)
	if err != nil {
		return err
	}
	body, err := s.get(fmt.Sprintf("consistency?from=%d&to=%d", size, tree.N))
	if err != nil {
		return err
	}
	given, err := hashes(lines(string(body)))
	if err != nil {
		return err
	}
	if err := tlog.CheckTree(given, tree.N, tree.Hash, size, old); err != nil {
		return fmt.Errorf("consistency from %d: %w", size, err)
	}
	return nil
}

func verify(prefix, vkey string) (tlog.Tree, error) {
	s := server{prefix}
	checkpoint, err := s.get("checkpoint")
	if err != nil {
		return tlog.Tree{}, err
	}
	tree, err := signedTree(checkpoint, vkey)
	if err != nil {
		return tree, err
	}
	reader := tlog.TileHashReader(tree, s)
	entries, err := s.entries(tree.N)
	if err != nil {
		return tree, err
	}
	if int64(len(entries)) != tree.N {
		return tree, fmt.Errorf("%d entries for %d leaves", len(entries), tree.N)
	}
	for position := range entries {
		if err := s.checkRecord(tree, int64(position), entries[position], reader, vkey); err != nil {
			return tree, err
		}
	}
	for size := int64(1); size <= tree.N; size++ {
		if err := s.checkTree(tree, size, reader); err != nil {
			return tree, err
		}
	}
	return tree, nil
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: ledger-go BASE_URL VKEY")
		os.Exit(2)
	}
	tree, err := verify(strings.TrimRight(os.Args[1], "/"), os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(map[string]any{"ok": true, "size": tree.N})
}
