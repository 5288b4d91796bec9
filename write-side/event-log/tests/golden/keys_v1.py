"""Known answers for the keys and the sealing of the log, suite 1.

Written from the description of the formats, on Python's hashlib, hmac and the `cryptography`
package, so that it agrees with the Rust code only if both follow the description. Run it to print keys_v1.txt:

    python3 keys_v1.py > keys_v1.txt

The output is golden: it never changes for suite 1. The CRC-32C of a wrapping key is computed here
bit by bit.
"""

import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def sha256(data):
    return hashlib.sha256(data).digest()


def hmac256(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def node(root, path_bits):
    for bit in path_bits:
        root = sha256(bytes([bit]) + root)
    return root


def bits(index, depth=64):
    return [(index >> (63 - level)) & 1 for level in range(depth)]


def leaf_key(root, tree, leaf):
    return node(root, bits(tree << 32 | leaf))


def hkdf64(ikm, salt, info):
    prk = hmac256(salt, ikm)
    first = hmac256(prk, info + b"\x01")
    return first + hmac256(prk, first + info + b"\x02")


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def show(name, value):
    print(f"{name} = {value.hex()}")


ROOT = bytes(range(32))
LOG_ID = bytes(range(0xA0, 0xB0))
INCARNATION = 3
POSITION = 0x0102030405060708

show("root", ROOT)
for tree, leaf in [(0, 0), (1, 0), (7, 5), (8, 19_000), (0xFFFFFFFF, 0xFFFFFFFF)]:
    show(f"leaf.{tree}.{leaf}", leaf_key(ROOT, tree, leaf))

# Two parts of one entry: the first of no person, the second of the person of tree 8.
stream_1, stream_2 = leaf_key(ROOT, 6, 5), leaf_key(ROOT, 7, 5)
person_2 = leaf_key(ROOT, 8, 19_000)
clear = [b"", b"Good morning, " * 10]
keys = []
for part, ikm in [(1, stream_1 + bytes(32)), (2, stream_2 + person_2)]:
    info = LOG_ID + struct.pack(">IQB", INCARNATION, POSITION, part)
    keys.append(hkdf64(ikm, b"chancery/part-key/1", info))
commitments = [hmac256(k[32:], text) for k, text in zip(keys, clear)]

# A header as facts::EntryHeader encodes it.
header = bytes([1, 1, 2, 0])
header += struct.pack(">QQQIHHQIQQQ", POSITION, 40, 5, INCARNATION, 100, 1, 19_000 * 86_400_000,
                      1, POSITION, 30, 39)
for record_class, trees, text, c in [(4, (6, 0), clear[0], commitments[0]),
                                     (6, (7, 8), clear[1], commitments[1])]:
    header += bytes([record_class, 0, 0, 0]) + struct.pack(">III", *trees, len(text)) + c
show("header", header)

hashes = []
for part, (k, text, c) in enumerate(zip(keys, clear, commitments), start=1):
    nonce = bytes([part] * 12)
    sealed = nonce + AESGCM(k[:32]).encrypt(nonce, text, header + bytes([part]))
    hashes.append(sha256(sealed))
    show(f"part.{part}.clear", text)
    show(f"part.{part}.k_enc", k[:32])
    show(f"part.{part}.k_com", k[32:])
    show(f"part.{part}.commitment", c)
    show(f"part.{part}.nonce", nonce)
    show(f"part.{part}.sealed", sealed)
    show(f"part.{part}.hash", hashes[-1])
show("entry.digest", sha256(b"chancery/entry/1" + header + b"".join(hashes)))
show("entry.digest.of.no.parts", sha256(b"chancery/entry/1" + header[:72]))

# A keyring of two epochs. In epoch 1 leaf 5 of tree 7 is destroyed: its 64 siblings are left,
# the highest first, each marked by which side is whole. Epoch 2 is its root.
holes = b""
path = bits(7 << 32 | 5)
for depth, bit in enumerate(path):
    holes += bytes([4 if bit == 0 else 3]) + node(ROOT, path[:depth] + [1 - bit])
holes += b"\x00"
second_root = sha256(b"second")
whole = b"\x01" + second_root
body = struct.pack(">QI", 77, 2)
body += struct.pack(">IQQ", 1, 1_000, len(holes)) + holes
body += struct.pack(">IQQ", 2, 2_000, len(whole)) + whole
GENERATION = 9
wrapping_key = sha256(b"wrapping key")
tail = bytes([1, 0, 0, 0]) + LOG_ID + struct.pack(">Q", GENERATION)
prefix = b"CHNKEYRG" + tail
nonce = bytes(range(12))
show("keyring.tree.of.epoch.1", holes)
show("keyring.file", prefix + nonce + AESGCM(wrapping_key).encrypt(nonce, body, prefix))
wrap = b"CHNWRAPK" + tail + wrapping_key
show("keyring.wrap-9", wrap + struct.pack(">I", crc32c(wrap)))
show("keyring.epoch.2.leaf.7.5", leaf_key(second_root, 7, 5))
