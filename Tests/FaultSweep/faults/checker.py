"""Judges a spool from the description of its format alone: openssl and age do what is cryptographic."""

import base64
import hashlib
import json
import os
import re
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import verify_log
import verify_recording
from verify_log import Refused, read_checkpoint, read_key, tree_hash
from verify_recording import named, removed, unbase64url

REASONS = {"stopped", "duration", "interrupted", "failed", "space"}
RECORDING = re.compile("[0-9a-f]{32}")


def note_key(name: str, public: bytes) -> str:
    """The text of an Ed25519 key that signs notes under this name (C2SP signed-note)."""
    encoded = b"\x01" + public
    identifier = hashlib.sha256(name.encode() + b"\n" + encoded).digest()[:4].hex()
    return f"{name}+{identifier}+{base64.b64encode(encoded).decode()}"


def digest(path: Path) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


@dataclass
class Recording:
    """What the disk says of one recording."""

    name: str
    # The lines below the checkpoint, read; empty without one.
    leaves: list = field(default_factory=list)
    # Sealed files that these lines name, with their hashes, but for those taken out.
    promised: dict = field(default_factory=dict)
    # Sealed files that no line below the checkpoint names.
    unnamed: list = field(default_factory=list)
    problems: list = field(default_factory=list)

    @property
    def segments(self) -> dict:
        return {name: sha for name, sha in self.promised.items() if name.endswith(".m4s.age")}

    @property
    def end(self) -> dict | None:
        return next((leaf for leaf in self.leaves if leaf["type"] == "end"), None)


class Checker:
    """`root` is the folder of a box, `box_key` a file with its key's JWK."""

    def __init__(self, root: Path, box_key: Path, identity: Path):
        self.root = root
        self.box_key = box_key
        self.identity = identity
        # How many sealed segments may be without a line.
        self.open_segments = 1
        self.spool = root / "var/lib/lenscap/spool"
        self.box, self.public = verify_recording.box_key(box_key)

    # What holds at every moment

    def look(self) -> dict:
        """Every recording by name, as a crash may have left it."""
        return self._at_rest(self._look_at_all)

    @staticmethod
    def _at_rest(judge):
        """What `judge` says when lenscapd is not just removing what was delivered."""
        for _ in range(50):
            try:
                return judge()
            except FileNotFoundError:
                time.sleep(0.1)
        raise TimeoutError("the spool does not come to rest")

    def _look_at_all(self) -> dict:
        acknowledged = self.acknowledged()
        names = sorted(entry.name for entry in self.spool.iterdir() if RECORDING.fullmatch(entry.name))
        return {name: self._look(name, acknowledged) for name in names}

    def acknowledged(self) -> set:
        """Recording, name and hash of each whole line of the journal."""
        journal = self.root / "var/lib/lenscap/outbox/acknowledged"
        found = set()
        for line in journal.read_bytes().split(b"\n") if journal.exists() else []:
            try:
                entry = json.loads(line)
                found.add((entry["recording"], entry["name"], unbase64url(entry["sha256"])))
            except (ValueError, KeyError):
                continue
        return found

    def is_deleted(self, name: str) -> bool:
        return (self.spool / f"{name}.deleted").exists()

    def _look(self, name: str, acknowledged: set) -> Recording:
        found = Recording(name)
        folder = self.spool / name
        sealed = {entry.name for entry in folder.iterdir() if entry.name.endswith(".age")}
        if not (folder / "checkpoint").exists():
            found.unnamed = sorted(sealed - {"receipt.json.age"})
            return found
        try:
            size, root = read_checkpoint(
                folder / "checkpoint",
                read_key(note_key(f"lenscap/{self.box}/recording/{name}", self.public)))
        except (Refused, OSError, ValueError) as error:
            found.problems.append(f"its checkpoint: {error}")
            return found
        is_going = self.is_deleted(name) or self._is_acknowledged(name, "checkpoint", acknowledged)
        if not (folder / "log").exists():
            if not is_going:
                found.problems.append("there is a checkpoint and no log")
            return found
        lines = (folder / "log").read_bytes().split(b"\n")[:-1]
        if len(lines) < size or tree_hash(lines[:size]) != root:
            found.problems.append(f"{size} lines were signed, and the {len(lines)} here do not begin with them")
            return found
        found.leaves = [json.loads(line) for line in lines[:size]]
        gone = removed(found.leaves)
        for item, sha256, count in named(found.leaves):
            sealed.discard(item)
            if item in gone:
                continue
            found.promised[item] = sha256
            if self.is_deleted(name) or (name, item, sha256) in acknowledged:
                continue
            path = folder / item
            if not path.exists():
                found.problems.append(f"{item} was signed for and is missing")
            elif digest(path) != sha256 or count not in (None, path.stat().st_size):
                found.problems.append(f"{item} was signed for and has another content")
        found.unnamed = sorted(sealed)
        return found

    @staticmethod
    def _is_acknowledged(name: str, item: str, acknowledged: set) -> bool:
        return any(entry[:2] == (name, item) for entry in acknowledged)

    # What holds when the box has put itself in order

    def settled(self, is_started: bool = True) -> list:
        """What is wrong with a spool that nobody writes to; empty when all is well.

        Where lenscapd was not started since, a recording that is delivered may lie there half removed.
        """
        return self._at_rest(lambda: self._settled_all(is_started)) + self._activation()

    def _settled_all(self, is_started: bool) -> list:
        problems = []
        acknowledged = self.acknowledged()
        for entry in sorted(self.spool.iterdir()):
            if RECORDING.fullmatch(entry.name):
                if is_started or not self._is_acknowledged(entry.name, "checkpoint", acknowledged):
                    problems += [f"{entry.name}: {text}" for text in self._settled(entry)]
            elif not (entry.name.endswith(".deleted") and RECORDING.fullmatch(entry.name[:-8])):
                problems.append(f"{entry.name} does not belong here")
        return problems

    def _settled(self, folder: Path) -> list:
        if self.is_deleted(folder.name):
            return ["it has a tombstone and is still here"]
        found = self._look(folder.name, self.acknowledged())
        problems = list(found.problems)
        problems += [f"{entry.name} is left over" for entry in sorted(folder.iterdir())
                     if entry.name.startswith(".") or entry.name.endswith(".part")]
        problems += [f"{item} was taken out and is still here" for item in sorted(removed(found.leaves))
                     if (folder / item).exists()]
        if not (folder / "log").exists() or not (folder / "checkpoint").exists():
            return problems + ["it has no log or no checkpoint"]
        if not (folder / "log").read_bytes().endswith(b"\n"):
            problems.append("its log ends in half a line")
        if found.end is None:
            problems.append("it has no end")
        elif found.end["reason"] not in REASONS:
            problems.append(f"it ended for {found.end['reason']}")
        # A file that was written when the process died, and the summary of one that died then. A run's
        # init segment is written just before its first segment, and nobody waits for its line.
        inits = [name for name in found.unnamed if name.endswith(".init.age")]
        lost = [name for name in found.unnamed if name != "summary.json.age" and name not in inits[:1]]
        claims_all = found.end and found.end["reason"] == "stopped" and "summary" in found.end
        if len(lost) > self.open_segments or found.unnamed and claims_all:
            problems.append(f"no line names {', '.join(found.unnamed)}")
        return problems + self._verified(folder, found)

    def _verified(self, folder: Path, found: Recording) -> list:
        """What the published verifier and age say of it."""
        with tempfile.TemporaryDirectory(dir=self.root) as view:
            for entry in folder.iterdir():
                if entry.name not in found.unnamed and entry.name not in removed(found.leaves):
                    os.link(entry, Path(view, entry.name))
            try:
                verify_recording.verify(view, self.box_key)
            except (Refused, OSError, ValueError, KeyError, IndexError) as error:
                return [f"the verifier: {error}"]
        return [f"age does not open {name}" for name in sorted(found.promised)
                if name.endswith(".age") and not self._opens(folder / name)]

    def _opens(self, path: Path) -> bool:
        return subprocess.run(["age", "-d", "-i", self.identity, path], capture_output=True,
                              check=False).returncode == 0

    def delivered(self, name: str) -> list:
        """What is wrong with a recording that an account should hold."""
        for folder in (self.root / "account").glob(f"*/{name}"):
            try:
                verify_recording.verify(folder, self.box_key)
                return []
            except (Refused, OSError, ValueError, KeyError, IndexError) as error:
                return [f"the account: {error}"]
        return ["the account holds nothing"]

    def _activation(self) -> list:
        log = self.root / "var/lib/lenscap/log"
        try:
            verify_log.verify(log / "entries", log / "checkpoint",
                              note_key(f"lenscap/{self.box}/activation", self.public), [])
            return []
        except (Refused, OSError, ValueError) as error:
            return [f"the activation log: {error}"]

    def lost(self, before: dict) -> list:
        """Segments that were signed for in `before` and are not now, nor deleted nor delivered."""
        now = self.look()
        acknowledged = self.acknowledged()
        lost = []
        for name, recording in before.items():
            if self.is_deleted(name):
                continue
            leaves = now[name].leaves if name in now else []
            kept = set(now[name].promised.items()) if name in now and not now[name].problems else set()
            gone = removed(leaves)
            lost += [f"{name}/{item}" for item, sha256 in recording.segments.items()
                     if (item, sha256) not in kept and item not in gone
                     and (name, item, sha256) not in acknowledged]
        return lost
