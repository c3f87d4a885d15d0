"""The checker must find what is wrong: a sound spool is broken in each way, and it has to say so."""

import base64
import hashlib
import json
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

from trials.consent import Key, base64url
from verify_log import tree_hash

from .checker import Checker

BOX_KEY = Key()
NAME = "00112233445566778899aabbccddeeff"


def note(origin: str, lines: list) -> bytes:
    """A signed note over a log (C2SP signed-note, tlog-checkpoint)."""
    encoded = b"\x01" + BOX_KEY.public
    identifier = hashlib.sha256(origin.encode() + b"\n" + encoded).digest()[:4]
    text = f"{origin}\n{len(lines)}\n{base64.b64encode(tree_hash(lines)).decode()}\n".encode()
    signature = base64.b64encode(identifier + BOX_KEY.sign(text)).decode()
    return text + f"\n\u2014 {origin} {signature}\n".encode()


class Spool:
    """A box's folder with one recording of two segments, put together from the format's description."""

    def __init__(self):
        self.root = Path(tempfile.mkdtemp(prefix="lenscap-checker-"))
        self.folder = self.root / "var/lib/lenscap/spool" / NAME
        self.outbox = self.root / "var/lib/lenscap/outbox"
        for folder in (self.folder, self.outbox, self.root / "var/lib/lenscap/log"):
            folder.mkdir(parents=True)
        (self.root / "box.jwk").write_text(json.dumps(BOX_KEY.jwk))
        subprocess.run(["age-keygen", "-o", self.root / "identity.txt"], capture_output=True, check=True)
        self.recipient = subprocess.run(["age-keygen", "-y", self.root / "identity.txt"], check=True,
                                        capture_output=True, text=True).stdout.strip()
        self._record()
        self.activation(['{"type":"boot"}'])
        self.checker = Checker(self.root, self.root / "box.jwk", self.root / "identity.txt")

    def _record(self) -> None:
        token = Key().token("start", {"aud": BOX_KEY.thumbprint, "jti": base64url(bytes.fromhex(NAME))})
        (self.folder / "token.jws").write_text(token)
        (self.folder / "card.json").write_text("{}")
        self.seal("receipt.json.age")
        begin = {"type": "begin"} | {member: self.digest(name) for member, name in (
            ("token", "token.jws"), ("card", "card.json"), ("receipt", "receipt.json.age"))}
        self.leaves = [begin, {"type": "run", "tracks": [{"kind": "video", "source": "front"}],
                               **self.seal("000000.init.age")}]
        for number in (1, 2):
            self.leaves.append({"type": "seg", "start": 2 * number - 2, "duration": 2,
                                **self.seal(f"00000{number}.m4s.age")})
        self.leaves.append({"type": "end", "reason": "stopped", "segments": 2, "time": 7,
                            "summary": self.seal("summary.json.age")})
        self.sign()

    def digest(self, name: str) -> str:
        return base64url(hashlib.sha256((self.folder / name).read_bytes()).digest())

    def seal(self, name: str) -> dict:
        subprocess.run(["age", "-r", self.recipient, "-o", self.folder / name], input=name.encode(), check=True)
        return {"name": name, "bytes": (self.folder / name).stat().st_size, "sha256": self.digest(name)}

    def lines(self) -> list:
        return [json.dumps(leaf, sort_keys=True, separators=(",", ":")).encode() for leaf in self.leaves]

    def sign(self, count: int | None = None) -> None:
        (self.folder / "log").write_bytes(b"".join(line + b"\n" for line in self.lines()))
        (self.folder / "checkpoint").write_bytes(
            note(f"lenscap/{BOX_KEY.thumbprint}/recording/{NAME}", self.lines()[:count]))

    def activation(self, lines: list) -> None:
        folder = self.root / "var/lib/lenscap/log"
        encoded = [line.encode() for line in lines]
        (folder / "entries").write_bytes(b"".join(line + b"\n" for line in encoded))
        (folder / "checkpoint").write_bytes(note(f"lenscap/{BOX_KEY.thumbprint}/activation", encoded))

    def acknowledge(self, *names: str) -> None:
        with open(self.outbox / "acknowledged", "a") as journal:
            for name in names:
                journal.write(json.dumps({"recording": NAME, "name": name, "sha256": self.digest(name)}) + "\n")

    def found(self) -> list:
        return self.checker.look()[NAME].problems


class Judging(unittest.TestCase):
    def setUp(self):
        self.spool = Spool()
        self.checker = self.spool.checker
        self.before = self.checker.look()

    def tearDown(self):
        shutil.rmtree(self.spool.root)

    def assert_found(self, problems: list, *words: str) -> None:
        for word in words:
            self.assertTrue(any(word in text for text in problems), f"{word}: {problems}")

    def test_a_sound_spool_is_sound(self):
        self.assertEqual(self.checker.settled(), [])
        self.assertEqual(self.checker.lost(self.before), [])
        self.assertEqual(len(self.before[NAME].segments), 2)

    def test_a_segment_that_is_missing(self):
        (self.spool.folder / "000002.m4s.age").unlink()
        self.assert_found(self.spool.found(), "000002.m4s.age was signed for and is missing")
        self.assert_found(self.checker.settled(), "is missing")
        self.assertEqual(self.checker.lost(self.before), [f"{NAME}/000001.m4s.age", f"{NAME}/000002.m4s.age"])

    def test_a_segment_that_is_torn_or_another(self):
        path = self.spool.folder / "000001.m4s.age"
        path.write_bytes(path.read_bytes()[:-1])
        self.assert_found(self.spool.found(), "another content")
        self.assertEqual(len(self.checker.lost(self.before)), 2)

    def test_a_recording_that_is_gone(self):
        shutil.rmtree(self.spool.folder)
        self.assertEqual(len(self.checker.lost(self.before)), 2)

    def test_a_recording_that_was_deleted(self):
        (self.spool.folder.parent / f"{NAME}.deleted").write_text("order")
        self.assert_found(self.checker.settled(), "tombstone")
        shutil.rmtree(self.spool.folder)
        self.assertEqual((self.checker.lost(self.before), self.checker.settled()), ([], []))

    def test_a_recording_that_is_delivered_in_part(self):
        self.spool.acknowledge("000001.m4s.age")
        (self.spool.folder / "000001.m4s.age").unlink()
        self.assertEqual((self.spool.found(), self.checker.lost(self.before)), ([], []))
        shutil.rmtree(self.spool.folder)
        self.assertEqual(self.checker.lost(self.before), [f"{NAME}/000002.m4s.age"])

    def test_a_delivered_recording_may_lie_half_removed_only_until_the_box_starts(self):
        names = [entry.name for entry in self.spool.folder.iterdir()]
        (self.spool.folder / "000001.m4s.age").rename(self.spool.root / "aside")
        self.assert_found(self.checker.settled(is_started=False), "is missing")
        (self.spool.root / "aside").rename(self.spool.folder / "000001.m4s.age")
        self.spool.acknowledge(*names)
        (self.spool.folder / "log").unlink()
        self.assertEqual(self.checker.settled(is_started=False), [])
        self.assert_found(self.checker.settled(), "no log")

    def test_an_acknowledgement_cut_short_is_none(self):
        self.spool.acknowledge("000001.m4s.age")
        journal = self.spool.outbox / "acknowledged"
        journal.write_bytes(journal.read_bytes()[:-9])
        (self.spool.folder / "000001.m4s.age").unlink()
        self.assert_found(self.spool.found(), "is missing")

    def test_a_log_that_is_shorter_or_changed(self):
        log = self.spool.folder / "log"
        whole = log.read_bytes()
        log.write_bytes(whole[:-1])
        self.assert_found(self.spool.found(), "5 lines were signed")
        log.write_bytes(whole.replace(b'"start":2', b'"start":3'))
        self.assert_found(self.spool.found(), "5 lines were signed")

    def test_a_log_or_a_checkpoint_that_is_gone(self):
        (self.spool.folder / "log").unlink()
        self.assert_found(self.spool.found(), "no log")
        (self.spool.folder / "checkpoint").unlink()
        self.assert_found(self.checker.settled(), "no log or no checkpoint")
        self.assertEqual(len(self.checker.lost(self.before)), 2)

    def test_a_checkpoint_of_another_key(self):
        path = self.spool.folder / "checkpoint"
        text = path.read_bytes()
        path.write_bytes(text.replace(b"\n5\n", b"\n4\n"))
        self.assert_found(self.spool.found(), "its checkpoint")

    def test_half_a_line_and_files_that_are_left_over(self):
        with open(self.spool.folder / "log", "ab") as log:
            log.write(b'{"by')
        (self.spool.folder / ".checkpoint.part").write_bytes(b"")
        self.assertEqual(self.spool.found(), [])
        self.assert_found(self.checker.settled(), "half a line", ".checkpoint.part is left over")
        (self.spool.folder.parent / "what").write_bytes(b"")
        self.assert_found(self.checker.settled(), "does not belong here")

    def test_an_end_that_is_not_signed_or_says_something_else(self):
        self.spool.sign(count=4)
        self.assert_found(self.checker.settled(), "it has no end", "the verifier")
        for reason in ("stopped", "duration", "interrupted", "failed", "space"):
            self.spool.leaves[-1]["reason"] = reason
            self.spool.sign()
            self.assertEqual(self.checker.settled(), [])
        self.spool.leaves[-1]["reason"] = "bored"
        self.spool.sign()
        self.assert_found(self.checker.settled(), "bored")

    def test_more_than_the_open_segment_is_not_named(self):
        del self.spool.leaves[-1]["summary"]
        self.spool.sign()
        self.assertEqual(self.checker.settled(), [])
        self.spool.seal("000003.m4s.age")
        self.assertEqual(self.checker.settled(), [])
        self.spool.seal("000004.m4s.age")
        self.assert_found(self.checker.settled(), "no line names 000003.m4s.age, 000004.m4s.age")
        self.checker.open_segments = 2
        self.spool.seal("000003.init.age")
        self.assertEqual(self.checker.settled(), [])
        self.spool.seal("000005.init.age")
        self.assert_found(self.checker.settled(), "no line names 000003.init.age, 000003.m4s.age, 000004.m4s.age")

    def test_a_lesson_that_claims_to_be_whole_and_is_not(self):
        self.spool.seal("000003.m4s.age")
        self.assert_found(self.checker.settled(), "no line names 000003.m4s.age")
        self.spool.leaves[-1]["reason"] = "failed"
        self.spool.sign()
        self.assertEqual(self.checker.settled(), [])

    def test_a_cut_whose_files_are_gone_or_not_yet(self):
        self.spool.leaves.append({"type": "cut", "from": 0, "to": 1, "order": base64url(bytes(32))})
        self.spool.sign()
        self.assertEqual(self.spool.found(), [])
        self.assert_found(self.checker.settled(), "000001.m4s.age was taken out and is still here")
        (self.spool.folder / "000001.m4s.age").unlink()
        self.assertEqual((self.checker.settled(), self.checker.lost(self.before)), ([], []))

    def test_a_file_that_age_does_not_open(self):
        path = self.spool.folder / "000001.m4s.age"
        path.write_bytes(b"no age file")
        self.spool.leaves[2] |= {"bytes": 11, "sha256": self.spool.digest("000001.m4s.age")}
        self.spool.sign()
        self.assert_found(self.checker.settled(), "age does not open 000001.m4s.age")

    def test_an_activation_log_that_is_cut(self):
        entries = self.spool.root / "var/lib/lenscap/log/entries"
        entries.write_bytes(b"")
        self.assert_found(self.checker.settled(), "the activation log")

    def test_an_account_that_holds_less(self):
        self.assert_found(self.checker.delivered(NAME), "nothing")
        account = self.spool.root / "account/teacher" / NAME
        account.mkdir(parents=True)
        for entry in self.spool.folder.iterdir():
            shutil.copy(entry, account / f"{entry.name}-{hashlib.sha256(entry.read_bytes()).hexdigest()}")
        self.assertEqual(self.checker.delivered(NAME), [])
        next(account.glob("000001*")).unlink()
        self.assert_found(self.checker.delivered(NAME), "000001.m4s.age is missing")


if __name__ == "__main__":
    unittest.main()
