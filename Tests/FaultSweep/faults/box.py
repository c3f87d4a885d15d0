"""A box in a folder of its own, with its processes, its school and a teacher who can open recordings."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from trials.box import Failure
from trials.consent import School, Teacher, base64url, canonical, digest, document, unbase64url
from trials.varlink import Client, Refused

from .checker import Checker

CONFIGURATION = """\
[encoder]
preset = "ultrafast"
bitrate = 100_000
audio-bitrate = 32_000
threads = 1

[source.front]
device = "test:"
width = 160
height = 120
frame-rate = 5

[source.desk]
device = "test:"

[spool]
reserve = 1_000_000

[upload]
retry-minimum = 1
retry-maximum = 1
"""

# In the box's folder: how strace is to run the recorder.
OPTIONS = "recorder.options"
WRAPPER = """\
#!/bin/sh
# Runs the recorder below strace where a test wants it so; $2 is the box's folder.
[ -f "$2/{options}" ] || exec '{program}' "$@"
exec strace -D -f -qq $(cat "$2/{options}") '{program}' "$@"
"""


def wrapped(programs: Path, folder: Path) -> Path:
    """A folder of programs in which a recorder can be run below strace.

    lenscapd looks for the recorder beside its own file, so that file is there, too.
    """
    for name in ("lenscapd", "lenscap", "lenscap-uploader"):
        try:
            os.link(programs / name, folder / name)
        except OSError:
            shutil.copy2(programs / name, folder / name)
    wrapper = folder / "lenscap-recorder"
    wrapper.write_text(WRAPPER.format(options=OPTIONS, program=programs / "lenscap-recorder"))
    wrapper.chmod(0o755)
    return folder


def is_ready(socket: str) -> bool:
    """Whether the authority behind this socket decides about starts: it puts its spool in order first."""
    try:
        with Client(socket, 10) as client:
            client.call("org.lenscap.Teacher.Start", {"token": "", "details": {"purpose": "", "salt": ""}})
    except Refused as refused:
        return not refused.name.endswith(".Busy")
    except OSError:
        time.sleep(0.005)
        return False
    raise Failure("an empty token started a session")


class Box:
    """Thread-bound."""

    def __init__(self, programs: Path, configuration: str = CONFIGURATION):
        self.programs = programs
        # Short: the path of a socket ends at 107 bytes.
        self.root = Path(tempfile.mkdtemp(prefix="lenscap-fault-"))
        self.authority = None
        try:
            self.write("etc/lenscap/lenscap.toml", configuration)
            self.write("account/.lenscap-account", "")
            self.start_authority()
            self._enrol()
        except BaseException:
            self.close()
            raise

    @property
    def spool(self) -> Path:
        return self.root / "var/lib/lenscap/spool"

    @property
    def outbox(self) -> Path:
        return self.root / "var/lib/lenscap/outbox"

    def write(self, path: str, content) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())

    def _enrol(self) -> None:
        shown = subprocess.run([self.programs / "lenscap", "box", "show", "--root", self.root],
                               capture_output=True, timeout=60, check=True).stdout
        self.write("box.jwk", shown)
        school = School(f"file://{self.root}/account", int(time.time()))
        record = school.record(json.loads(shown), [{"kind": "microphone", "name": "desk"},
                                                   {"kind": "camera", "name": "front"}])
        self.teacher = Teacher(school)
        self._take_identity(school)
        self.write("etc/lenscap/trust/authorities.json", school.authorities)
        self.write("etc/lenscap/trust/room.json", school.signed(record))
        self.write(f"etc/lenscap/trust/cards/{self.teacher.key.thumbprint}.json", self.teacher.card)
        self.checker = Checker(self.root, self.root / "box.jwk", self.root / "identity.txt")

    def _take_identity(self, school: School) -> None:
        """Gives the teacher a recipient whose recordings age can open here."""
        identity = self.root / "identity.txt"
        subprocess.run(["age-keygen", "-o", identity], capture_output=True, check=True)
        self.teacher.recipient = subprocess.run(["age-keygen", "-y", identity], capture_output=True,
                                                text=True, check=True).stdout.strip()
        card = json.loads(unbase64url(json.loads(self.teacher.card)["payload"]))
        card["recipients"] = [self.teacher.recipient]
        self.teacher.card = document("card", card, self.teacher.key, school.registrar)
        self.teacher.card_hash = digest(canonical(card))

    # Processes

    def start_authority(self, wrapper: list = (), wait: bool = True) -> None:
        """`wrapper` is a command that runs another one in its own place."""
        with open(self.root / "lenscapd.output", "ab") as log:
            self.authority = subprocess.Popen([*wrapper, self.programs / "lenscapd", "--root", self.root],
                                              stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if wait:
            self.wait_for("lenscapd's sockets", self._answers)

    def _answers(self) -> bool:
        if self.authority.poll() is not None:
            raise Failure(f"lenscapd ended: {self.said()}")
        return self.is_ready()

    def is_ready(self) -> bool:
        """Whether an authority answers that has put its spool in order."""
        return is_ready(self.socket("teacher"))

    def said(self) -> str:
        return (self.root / "lenscapd.output").read_text()[-2000:]

    def is_alive(self) -> bool:
        return self.authority.poll() is None

    def end_authority(self, number: int = signal.SIGTERM) -> None:
        if self.is_alive():
            self.authority.send_signal(number)
        try:
            self.authority.wait(60)
        except subprocess.TimeoutExpired:
            self.authority.kill()
            self.authority.wait()
            raise Failure("lenscapd does not end") from None
        self.wait_for("the end of the recorder", self._is_recorder_gone)

    def _is_recorder_gone(self) -> bool:
        try:
            with open(self.root / "run/lenscap/recorder.lock", "r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
        except FileNotFoundError:
            return True
        except BlockingIOError:
            return False

    def restart(self) -> None:
        self.end_authority()
        self.start_authority()

    def upload(self, wrapper: list = ()) -> int:
        return subprocess.run([*wrapper, self.programs / "lenscap-uploader", "--root", self.root, "--once"],
                              capture_output=True, timeout=120, check=False).returncode

    def wait_for(self, what: str, condition, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise Failure(f"waited {seconds:g} s for {what}; lenscapd said: {self.said()}")
            time.sleep(0.005)

    # Calls

    def socket(self, name: str) -> str:
        return str(self.root / f"run/lenscap/{name}.sock")

    def start(self) -> str:
        """Starts a lesson; the recording's identifier."""
        deadline = time.monotonic() + 60
        while True:
            try:
                with Client(self.socket("teacher"), 60) as client:
                    challenge = client.call("org.lenscap.Teacher.Challenge")["challenge"]
                    call = self.teacher.start(challenge, ["front"], ["desk"], 60)
                    return client.call("org.lenscap.Teacher.Start", call)["recording"]
            except Refused as refused:
                if not refused.name.endswith(".Busy") or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def stop(self) -> None:
        with Client(self.socket("teacher"), 60) as client:
            client.call("org.lenscap.Teacher.Stop")
        self.wait_idle()

    def wait_idle(self) -> None:
        with Client(self.socket("teacher"), 90) as client:
            client.send("org.lenscap.Teacher.Monitor", more=True)
            while client.receive()["session"]["state"] != "idle":
                pass
        self.wait_for("the end of the recorder", self._is_recorder_gone)

    def lesson(self, seconds: float) -> str:
        recording = self.start()
        time.sleep(seconds)
        self.stop()
        return recording

    def order(self, recording: str, start: int = 0, end: int = 0) -> None:
        """Takes out a stretch, in nanoseconds, or all of it."""
        with Client(self.socket("teacher"), 60) as client:
            shown = client.call("org.lenscap.Teacher.Challenge")["challenge"]
            claims = json.loads(unbase64url(shown.split(".")[1]))
            order = {"aud": claims["box"], "challenge": claims["challenge"], "from": start,
                     "jti": base64url(os.urandom(16)), "recording": recording,
                     "sub": self.teacher.pseudonym, "to": end, "version": 1}
            client.call("org.lenscap.Teacher.Delete", {"token": self.teacher.key.token("delete", order)})

    # The spool between trials

    def clear(self) -> None:
        """Forgets what was recorded and delivered; the authority is not there."""
        for folder in (self.spool, self.root / "account", self.outbox):
            for entry in folder.iterdir():
                if entry.is_dir():
                    shutil.rmtree(entry)
                elif entry.name != ".lenscap-account":
                    entry.unlink()

    def keep(self, name: str) -> None:
        shutil.copytree(self.spool, self.root / name)

    def lay_out(self, name: str) -> None:
        """Puts a spool that was kept in the place of the present one."""
        self.clear()
        shutil.copytree(self.root / name, self.spool, dirs_exist_ok=True)

    def close(self) -> None:
        if self.authority and self.authority.poll() is None:
            self.authority.terminate()
            try:
                self.authority.wait(20)
            except subprocess.TimeoutExpired:
                self.authority.kill()
                self.authority.wait()
        shutil.rmtree(self.root, ignore_errors=True)
