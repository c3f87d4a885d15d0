"""A search for known plaintext in raw bytes, as it is and within whatever is in base64."""

import base64
import os
import subprocess

# Long enough to be nobody else's, short enough to lie within one sector, encoded or not.
PIECE = 48
EVERY = 1024
RUN = "[A-Za-z0-9+/_-]{64,}"
STANDARD = bytes.maketrans(b"-_", b"+/")


class Hunt:
    """`folder` is for what it makes."""

    def __init__(self, folder):
        self._names = {}
        self._decoded = folder / "hunt.decoded"
        self._patterns = folder / "hunt.pieces"

    @property
    def count(self):
        return len(self._names)

    def know(self, name, plaintext):
        """Takes pieces from all over a plaintext."""
        for start in range(0, len(plaintext) - PIECE, EVERY):
            # The first place from there on that grep can be asked for, and that is not even.
            for at in range(start, min(start + EVERY, len(plaintext) - PIECE)):
                piece = plaintext[at:at + PIECE]
                if b"\0" not in piece and b"\n" not in piece and len(set(piece)) >= 6:
                    self._names[piece] = f"{name} at {at}"
                    break
        self._patterns.write_bytes(b"\n".join(self._names) + b"\n")

    def know_phrase(self, name, phrase):
        """Takes a text as it is, which must be nobody else's."""
        self._names[phrase] = name
        self._patterns.write_bytes(b"\n".join(self._names) + b"\n")

    def search(self, path):
        """What of it is in the file."""
        found = self._in(path, "")
        with open(self._decoded, "wb") as decoded:
            for run in _grep(["-E", RUN], path):
                text = run.translate(STANDARD)
                for phase in range(4):
                    part = text[phase:len(text) - ((len(text) - phase) % 4 == 1)]
                    decoded.write(base64.b64decode(part + b"=" * (-len(part) % 4)) + b"\0")
        found += self._in(self._decoded, " in base64")
        self._decoded.unlink()
        return found

    def _in(self, path, how):
        return [self._names[piece] + how for piece in _grep(["-F", "-f", self._patterns], path) if piece in self._names]

    def finds_planted(self, path):
        """Whether a piece is found when it is there: the search itself is put to the test."""
        piece = list(self._names)[self.count // 2]
        for planted in (piece, base64.b64encode(b"?" + piece), base64.urlsafe_b64encode(b"??" + piece)):
            path.write_bytes(b"\0" * 1000 + b"\n" + planted + b"\0" * 1000)
            if not self.search(path):
                return False
        path.write_bytes(b"\0" * 5000)
        return not self.search(path)


def _grep(pattern, path):
    """What matches, bytes as they are; a NUL ends a line, so that lines stay short."""
    done = subprocess.run(["grep", "-z", "-a", "-o", *pattern, path], capture_output=True, check=False,
                          env={**os.environ, "LC_ALL": "C"})
    if done.returncode > 1:
        raise OSError(done.stderr.decode())
    return done.stdout.split(b"\0")[:-1]
