"""A delivered recording as an account holds it: its log, and its objects opened with Debian's age."""

import base64
import hashlib
import json
from pathlib import Path

from .host import Failure, call


class Recording:
    """`out` is where guest/school.sh's hand_over left account and identity. Names of objects are without their hash."""

    def __init__(self, out: Path):
        found = [path for path in (out / "account").glob("*/*") if path.is_dir()]
        if len(found) != 1:
            raise Failure(f"{len(found)} recordings were delivered")
        self.out = out
        # Names hold no hyphen; the hash after it may.
        self.objects = {file.name.split("-", 1)[0]: file for file in found[0].iterdir()}
        if "log" not in self.objects:
            raise Failure("its log was not delivered")
        self.leaves = [json.loads(line) for line in self.objects["log"].read_text().splitlines()]

    def of(self, *kinds: str) -> list[dict]:
        return [leaf for leaf in self.leaves if leaf["type"] in kinds]

    @property
    def seconds(self) -> float:
        return sum(leaf["duration"] for leaf in self.of("seg")) / 1e9

    def wrong_objects(self) -> list[str]:
        """The names of objects that are missing or have another hash than the log says."""
        return [leaf["name"] for leaf in self.of("run", "seg")
                if leaf["name"] not in self.objects or _hash(self.objects[leaf["name"]]) != leaf["sha256"]]

    def open(self) -> Path:
        """The lesson: every sealed object decrypted, runs and segments joined."""
        plain = self.out / "plain"
        plain.mkdir()
        for name, file in self.objects.items():
            if name.endswith(".age"):
                call("age", "--decrypt", "--identity", self.out / "identity.txt", "--output", plain / name, file)
        lesson = self.out / "lesson.mp4"
        with open(lesson, "wb") as joined:
            for leaf in self.of("run", "seg"):
                joined.write((plain / leaf["name"]).read_bytes())
        return lesson

    def summary(self) -> dict:
        """What the recorder sealed at the end; after open()."""
        return json.loads((self.out / "plain" / "summary.json.age").read_text())


def _hash(file: Path) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(file.read_bytes()).digest()).decode().rstrip("=")
