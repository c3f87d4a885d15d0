#!/usr/bin/env python3
"""Checks a delivered recording against its box's signature, with nothing of Lenscap's own.

    verify_recording.py FOLDER BOXKEY

FOLDER  the recording's folder, as an account holds it (name-sha256) or as the box does (name)
BOXKEY  the box's public key: the JWK that `lenscap box show` prints, or a room record

What is checked: the box that the token names signed the largest checkpoint (C2SP signed-note); a log
here begins with exactly the lines that it stands for (RFC 6962 section 2.1) and has no others; every
file that these lines name is here with its hash, but for segments that a later line takes out; there
is an end; no other sealed file lies here. Nothing is opened. Exit status 0 only if all of it holds.
Needs Python 3 and, for Ed25519, the openssl command.
"""

import base64
import hashlib
import json
import re
import sys
from pathlib import Path

from verify_log import Refused, is_canonical, read_checkpoint, read_key, tree_hash


def unbase64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def box_key(path):
    """The box's identifier and the 32 bytes of its key."""
    value = json.loads(Path(path).read_bytes())
    if "payload" in value:
        value = json.loads(unbase64url(value["payload"]))["key"]
    if (value.get("kty"), value.get("crv")) != ("OKP", "Ed25519"):
        raise Refused("the box's key is no Ed25519 key")
    members = {name: value[name] for name in ("crv", "kty", "x")}
    canonical = json.dumps(members, sort_keys=True, separators=(",", ":")).encode()
    thumbprint = base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=")
    return thumbprint.decode(), unbase64url(value["x"])


class Files:
    """The files of a folder by name and hash; each is read when it is asked for."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.names = {entry.name for entry in self.folder.iterdir() if not entry.is_symlink()}

    def versions(self, name):
        found = sorted(n for n in self.names if re.fullmatch(re.escape(name) + "-[0-9a-f]{64}", n))
        return [self.folder / n for n in found or ([name] if name in self.names else [])]

    def place(self, name, sha256):
        own = f"{name}-{sha256.hex()}"
        return own if own in self.names else name if name in self.names else None

    def hash(self, place):
        with open(self.folder / place, "rb") as file:
            return hashlib.file_digest(file, "sha256").digest() if hasattr(
                hashlib, "file_digest") else hashlib.sha256(file.read()).digest()


def signed_lines(files, recording, key):
    """The lines of the log that the largest checkpoint stands for."""
    checkpoints = []
    for path in files.versions("checkpoint"):
        checkpoints.append(read_checkpoint(path, key))
    if not checkpoints:
        raise Refused("there is no checkpoint")
    size, root = max(checkpoints)
    lengths = []
    for path in files.versions("log"):
        *lines, rest = path.read_bytes().split(b"\n")
        lengths.append(len(lines))
        if tree_hash(lines[:size]) == root and len(lines) == size and not rest:
            return lines
    raise Refused(f"{recording}: the box signed for {size} lines, and no log here has just these "
                  f"(lines here: {lengths})")


def removed(leaves):
    """Names of the segments that a later line takes out."""
    names = set()
    for index, leaf in enumerate(leaves):
        if leaf["type"] == "cut":
            names |= {s["name"] for s in leaves[:index] if s["type"] == "seg"
                      and s["start"] < leaf["to"] and leaf["from"] < s["start"] + s["duration"]}
    return names


def named(leaves):
    """Name, hash and length (or None) of every file that the leaves vouch for."""
    begin = leaves[0]
    if begin["type"] != "begin":
        raise Refused("the log does not begin with its beginning")
    for member, name in (("token", "token.jws"), ("card", "card.json"),
                         ("receipt", "receipt.json.age")):
        yield name, unbase64url(begin[member]), None
    for leaf in leaves[1:]:
        item = leaf.get("summary", leaf)
        if "name" in item:
            yield item["name"], unbase64url(item["sha256"]), item["bytes"]


def verify(folder, key_path):
    files = Files(folder)
    box, public = box_key(key_path)
    logs = files.versions("log")
    if not logs:
        raise Refused("there is no log")
    first = json.loads(logs[0].read_bytes().split(b"\n")[0])
    token_place = files.place("token.jws", unbase64url(first["token"]))
    if token_place is None:
        raise Refused("there is no token")
    token = json.loads(unbase64url((files.folder / token_place).read_text().split(".")[1]))
    if token["aud"] != box:
        raise Refused("the token is for another box")
    recording = unbase64url(token["jti"]).hex()
    name = f"lenscap/{box}/recording/{recording}"
    encoded = b"\x01" + public
    identifier = hashlib.sha256(name.encode() + b"\n" + encoded).digest()[:4].hex()
    key = read_key(f"{name}+{identifier}+{base64.b64encode(encoded).decode()}")
    lines = signed_lines(files, recording, key)
    for number, line in enumerate(lines, 1):
        if not is_canonical(line):
            raise Refused(f"line {number} is not a canonical JSON object")
    leaves = [json.loads(line) for line in lines]
    gone, problems, places = removed(leaves), [], set()
    for name, sha256, count in named(leaves):
        place = files.place(name, sha256)
        places.add(place)
        if name in gone:
            continue
        if place is None:
            problems.append(f"{name} is missing")
        elif count is not None and (files.folder / place).stat().st_size != count:
            problems.append(f"{name} has another length")
        elif files.hash(place) != sha256:
            problems.append(f"{name} has another content")
    if "end" not in {leaf["type"] for leaf in leaves}:
        problems.append("there is no end")
    for name in sorted(files.names - places):
        if not name.startswith(".") and name.split("-")[0].endswith(".age"):
            problems.append(f"{name} is foreign")
    if problems:
        raise Refused("; ".join(problems))
    segments = sum(leaf["type"] == "seg" for leaf in leaves)
    return f"recording {recording}: {segments} segments, {len(gone)} taken out, {len(lines)} lines"


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        print("GOOD:", verify(*sys.argv[1:]))
    except (Refused, OSError, ValueError, KeyError, IndexError) as refusal:
        print("REFUSED:", f"{type(refusal).__name__}: {refusal}"
              if not isinstance(refusal, Refused) else refusal)
        sys.exit(1)
