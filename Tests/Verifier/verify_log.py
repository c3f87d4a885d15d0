#!/usr/bin/env python3
"""Checks a Lenscap log against its signed checkpoint, with nothing of Lenscap's own.

    verify_log.py LOGFILE CHECKPOINT VKEY [OLDER_CHECKPOINT ...]

LOGFILE           the log: one entry a line, canonical JSON
CHECKPOINT        the newest signed checkpoint of the log
VKEY              the log's key: the text name+identifier+base64
OLDER_CHECKPOINT  checkpoints that were kept from earlier, in any order

What is checked: the key signed every checkpoint (C2SP signed-note, tlog-checkpoint); the newest one
stands for exactly these lines (RFC 6962 section 2.1); the log begins with what each older one stood
for, so that nothing was changed, removed or moved since. Exit status 0 only if all of it holds.
Needs Python 3 and, for Ed25519, the openssl command.
"""

import base64
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path


class Refused(Exception):
    """Why the log is not believed."""


def sha256(data):
    return hashlib.sha256(data).digest()


def tree_hash(entries):
    """MTH of RFC 6962 section 2.1, word for word."""
    if len(entries) == 0:
        return sha256(b"")
    if len(entries) == 1:
        return sha256(b"\x00" + entries[0])
    k = 1
    while k * 2 < len(entries):
        k *= 2
    return sha256(b"\x01" + tree_hash(entries[:k]) + tree_hash(entries[k:]))


def decode64(text):
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data) != text:
        raise ValueError("not the one spelling of these bytes")
    return data


def read_key(text):
    """The name, the identifier and the 32 bytes of the key."""
    try:
        name, identifier, encoded = text.encode().split(b"+", 2)
        identifier, key = bytes.fromhex(identifier.decode()), decode64(encoded)
    except ValueError:
        raise Refused("the key is not name+identifier+base64") from None
    if key[:1] != b"\x01" or len(key) != 33:
        raise Refused("the key is not an Ed25519 key")
    if sha256(name + b"\n" + key)[:4] != identifier:
        raise Refused("the key's identifier does not belong to it: was it copied whole?")
    return name, identifier, key[1:]


def is_signed(text, signature, key):
    """Asks openssl whether the Ed25519 key signed the text."""
    with tempfile.TemporaryDirectory() as folder:
        # What stands before the 32 bytes of an Ed25519 key in X.509 (RFC 8410 section 4).
        Path(folder, "key").write_bytes(bytes.fromhex("302a300506032b6570032100") + key)
        Path(folder, "text").write_bytes(text)
        Path(folder, "signature").write_bytes(signature)
        openssl = subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER",
             "-inkey", "key", "-sigfile", "signature", "-in", "text"],
            cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return openssl.returncode == 0


def read_checkpoint(path, key):
    """The size and the root that the checkpoint in this file stands for."""
    name, identifier, public = key
    text, gap, signatures = Path(path).read_bytes().rpartition(b"\n\n")
    if not gap or not signatures.endswith(b"\n"):
        raise Refused(f"{path} is no signed note")
    text += b"\n"
    found = False
    for line in signatures[:-1].split(b"\n"):
        try:
            start, signer, encoded = line.split(b" ")
            signature = decode64(encoded)
        except ValueError:
            start = b""
        if start != "\u2014".encode():
            raise Refused(f"{path} has a line that is no signature")
        if signer == name and signature[:4] == identifier:
            if not is_signed(text, signature[4:], public):
                raise Refused(f"{path}: the signature is not by this key, or its text was changed")
            found = True
    if not found:
        raise Refused(f"{path} is not signed by {name.decode(errors='replace')}")
    origin, size, root, *rest = text.split(b"\n")
    if origin != name or rest != [b""] or not size.isdigit() or str(int(size)).encode() != size:
        raise Refused(f"{path} is no checkpoint of this log")
    return int(size), decode64(root)


def is_canonical(line):
    """Whether the line is one JSON object in its one spelling, so that it has one reading only."""
    try:
        again = json.dumps(json.loads(line), sort_keys=True, separators=(",", ":"))
    except (ValueError, RecursionError):
        return False
    return line[:1] == b"{" and again.encode() == line


def verify(log_path, checkpoint_path, key_text, older_paths):
    key = read_key(key_text)
    size, root = read_checkpoint(checkpoint_path, key)
    older = [(path, *read_checkpoint(path, key)) for path in older_paths]
    *entries, rest = Path(log_path).read_bytes().split(b"\n")
    if rest:
        raise Refused("the log's last line is cut off")
    for number, entry in enumerate(entries, 1):
        if not is_canonical(entry):
            raise Refused(f"line {number} is not a canonical JSON object")
    if len(entries) < size:
        raise Refused(f"the log was cut: {size} entries were signed, {len(entries)} are there")
    for path, older_size, older_root in sorted(older, key=lambda item: item[1]):
        if older_size > size:
            raise Refused(f"the log was set back to {size} entries: {path} counted {older_size}")
        if tree_hash(entries[:older_size]) != older_root:
            raise Refused(f"one of the first {older_size} entries is not what {path} stands for")
    if tree_hash(entries[:size]) != root:
        raise Refused(f"the {size} entries are not what the newest checkpoint stands for")
    if len(entries) > size:
        raise Refused(f"{len(entries) - size} entries at the end were never signed")
    return f"{size} entries of {key[0].decode(errors='replace')}, {1 + len(older)} checkpoints"


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    try:
        print("GOOD:", verify(*sys.argv[1:4], sys.argv[4:]))
    except (Refused, OSError, ValueError) as refusal:
        print("REFUSED:", refusal)
        sys.exit(1)
