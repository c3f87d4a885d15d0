"""A box in a folder of its own, with its processes, its school and its teacher."""

import fcntl
import json
import os
import shutil
import signal
import struct
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from .consent import School, Teacher
from .varlink import Client, Refused
from .watch import Watcher

LED = "lamp"
BUTTON = "stop-button"
KEY_STOP = 128
USB_PORT = "1-1"

CONFIGURATION = """\
[encoder]
preset = "ultrafast"
bitrate = 100_000
audio-bitrate = 32_000
threads = 1

[source.front]
device = "test:?hold={camera}"
width = 160
height = 120
frame-rate = 5

[source.desk]
device = "test:?hold={microphone}"

[spool]
reserve = 1_000_000
"""


@dataclass(frozen=True)
class Equipment:
    """What the room record names besides the sources."""

    lamp: bool = False
    button: bool = False
    usb: bool = False

    @classmethod
    def named(cls, names: str) -> "Equipment":
        """From `lamp,button,usb`, any of them."""
        known = cls.__dataclass_fields__
        parts = [part for part in names.split(",") if part]
        for part in parts:
            if part not in known:
                raise ValueError(f"{part} is none of {', '.join(known)}")
        return cls(**dict.fromkeys(parts, True))


class Failure(Exception):
    """Why a trial cannot be made."""


class Box:
    """Thread-bound; several boxes may share one watcher."""

    def __init__(self, programs: Path, watcher: Watcher, equipment: Equipment = Equipment()):
        self.programs = programs
        self.watcher = watcher
        self.equipment = equipment
        # Short: the path of a socket ends at 107 bytes.
        self.root = Path(tempfile.mkdtemp(prefix="lenscap-stop-"))
        self.authority = None
        self.sequence = 1
        self.is_borrowed = False
        self._is_ending = False
        try:
            self._furnish()
            self.start_authority()
            self._enrol()
        except BaseException:
            self.close()
            raise

    # Files

    @property
    def camera(self) -> str:
        return str(self.root / "dev/video0")

    @property
    def microphone(self) -> str:
        return str(self.root / "dev/snd/pcmC0D0c")

    @property
    def nodes(self) -> list:
        return [self.camera, self.microphone]

    @property
    def brightness(self) -> str:
        return str(self.root / "sys/class/leds" / LED / "brightness")

    @property
    def authorized(self) -> str:
        return str(self.root / "sys/bus/usb/devices" / USB_PORT / "authorized")

    @property
    def event_node(self) -> str:
        return str(self.root / "dev/input/event0")

    def socket(self, name: str) -> str:
        return str(self.root / f"run/lenscap/{name}.sock")

    def write(self, path: str, content) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        part.write_bytes(content if isinstance(content, bytes) else content.encode())
        part.rename(target)

    def _furnish(self) -> None:
        for node in self.nodes:
            self.write(os.path.relpath(node, self.root), b"")
        self.write("etc/lenscap/lenscap.toml",
                   CONFIGURATION.format(camera=self.camera, microphone=self.microphone))
        if self.equipment.lamp:
            folder = f"sys/class/leds/{LED}"
            self.write(f"{folder}/brightness", "0\n")
            self.write(f"{folder}/max_brightness", "255\n")
            self.write(f"{folder}/trigger", "[none] timer heartbeat\n")
        if self.equipment.button:
            self.write("sys/class/input/event0/device/name", BUTTON + "\n")
            Path(self.event_node).parent.mkdir(parents=True, exist_ok=True)
            os.mkfifo(self.event_node)
            self._button = os.open(self.event_node, os.O_RDWR)
        if self.equipment.usb:
            folder = f"sys/bus/usb/devices/{USB_PORT}"
            for name, text in [("authorized", "0"), ("idVendor", "1d6b"), ("idProduct", "0102"),
                               ("serial", "0001"), ("busnum", "1"), ("devnum", "2")]:
                self.write(f"{folder}/{name}", text + "\n")
            self.write("sys/bus/usb/devices/usb1/authorized_default", "0\n")

    # Records

    def _enrol(self) -> None:
        shown = self._lenscap("box", "show").stdout
        now = int(time.time())
        self.school = School(f"file://{self.root}/account", now)
        camera = {"kind": "camera", "name": "front"}
        if self.equipment.usb:
            camera |= {"port": USB_PORT, "vendor": "1d6b", "product": "0102", "serial": "0001"}
        stop = [{"kind": "key", "device": BUTTON, "code": KEY_STOP}] if self.equipment.button else []
        self.record = self.school.record(
            json.loads(shown), [{"kind": "microphone", "name": "desk"}, camera],
            led=LED if self.equipment.lamp else "none", stop=stop)
        self.write("etc/lenscap/trust/authorities.json", self.school.authorities)
        self.write("etc/lenscap/trust/room.json", self.school.signed(self.record))
        self.card = None
        self.enrol_teacher()

    def enrol_teacher(self) -> None:
        """A new teacher with a card, in place of the one before."""
        before = self.card
        self.teacher = Teacher(self.school)
        self.card = f"etc/lenscap/trust/cards/{self.teacher.key.thumbprint}.json"
        self.write(self.card, self.teacher.card)
        if before:
            (self.root / before).unlink()

    def change_record(self, **changes) -> None:
        """Installs a newer room record."""
        self.sequence += 1
        self.record |= {"sequence": self.sequence, "issued": int(time.time()), **changes}
        self.write("etc/lenscap/trust/room.json", self.school.signed(self.record))

    @property
    def needs(self) -> dict:
        """The switches that must be on while a node is open, as the room record says."""
        lamp = [] if self.record["indicator"]["led"] == "none" else [self.brightness]
        gated = {source["name"] for source in self.record["sources"] if "port" in source}
        return {self.camera: lamp + ([self.authorized] if "front" in gated else []),
                self.microphone: list(lamp)}

    @property
    def switches(self) -> list:
        return sorted({switch for switches in self.needs.values() for switch in switches})

    # Processes

    def _lenscap(self, *arguments: str) -> subprocess.CompletedProcess:
        done = subprocess.run([self.programs / "lenscap", *arguments, "--root", self.root],
                              capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise Failure(f"lenscap {' '.join(arguments)}: {done.stderr}")
        return done

    def start_authority(self, wait: bool = True) -> None:
        with open(self.root / "lenscapd.output", "ab") as log:
            self.authority = subprocess.Popen([self.programs / "lenscapd", "--root", self.root],
                                              stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if wait:
            self.wait_for("lenscapd's sockets", self._answers)

    def end_authority(self, number: int) -> None:
        """Sends it a signal that ends it; `recover` starts the next one."""
        self._is_ending = True
        self.authority.send_signal(number)

    def _answers(self) -> bool:
        if self.authority.poll() is not None:
            raise Failure(f"lenscapd ended: {self.said()}")
        try:
            with Client(self.socket("audit")) as client:
                client.call("org.varlink.service.GetInfo")
            return True
        except OSError:
            return False

    def said(self) -> str:
        return (self.root / "lenscapd.output").read_text()[-2000:]

    def processes(self, program: str) -> list:
        """The processes of this box whose program has that name, whoever started them."""
        found = []
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if words[0].endswith(b"/" + program.encode()) and os.fsencode(self.root) in words:
                found.append(int(entry.name))
        return found

    def recorder(self) -> int:
        found = self.processes("lenscap-recorder")
        if len(found) != 1:
            raise Failure(f"there are {len(found)} recorders")
        return found[0]

    def is_recorder_gone(self) -> bool:
        """Whether the lock that a recorder holds for life is free."""
        try:
            with open(self.root / "run/lenscap/recorder.lock", "r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
        except FileNotFoundError:
            return True
        except BlockingIOError:
            return False

    def wait_for(self, what: str, condition, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise Failure(f"waited {seconds:g} s for {what}; lenscapd said: {self.said()}")
            time.sleep(0.005)

    # Sessions

    def start(self, duration: int = 60) -> int:
        """Starts a session with the teacher's signature.

        Returns when it records, with the time (CLOCK_MONOTONIC, ns) at which the box said so.
        """
        with Client(self.socket("teacher"), 60) as client:
            challenge = client.call("org.lenscap.Teacher.Challenge")["challenge"]
            client.call("org.lenscap.Teacher.Start",
                        self.teacher.start(challenge, ["front"], ["desk"], duration))
            return time.monotonic_ns()

    def state(self) -> str:
        with Client(self.socket("teacher")) as client:
            return client.call("org.lenscap.Teacher.Monitor")["session"]["state"]

    def wait_idle(self) -> None:
        self.wait_for("the end of the session", self._is_idle)

    def _is_idle(self) -> bool:
        try:
            return self.state() == "idle"
        except (Refused, ConnectionError):
            # A crowd that has just left still holds its places.
            return False

    def start_when_ready(self, seconds: float = 60) -> None:
        """Starts a session as soon as the box takes one, after its authority began anew."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.start()
                return
            except Refused as refused:
                if not refused.name.endswith(".Busy") or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def stop(self) -> None:
        with Client(self.socket("teacher")) as client:
            client.call("org.lenscap.Teacher.Stop")

    def press(self) -> None:
        """Presses the button: key down, key up, each with its SYN (struct input_event)."""
        entry = struct.Struct("llHHi")
        for value in (1, 0):
            for kind, code, content in ((1, KEY_STOP, value), (0, 0, 0)):
                os.write(self._button, entry.pack(0, 0, kind, code, content))

    def recover(self) -> None:
        """After a trial: an authority that runs and is idle."""
        if self._is_ending:
            self.authority.wait(60)
            self._is_ending = False
        if self.authority.poll() is not None:
            self.start_authority()
        self.wait_idle()
        self.wait_for("the end of the recorder", self.is_recorder_gone)

    def forget_recordings(self) -> None:
        """Removes what was recorded, so that hundreds of trials leave the disk as it was."""
        for entry in (self.root / "var/lib/lenscap/spool").iterdir():
            shutil.rmtree(entry, ignore_errors=True)

    def close(self) -> None:
        if self.authority and self.authority.poll() is None:
            self.authority.terminate()
            try:
                self.authority.wait(20)
            except subprocess.TimeoutExpired:
                self.authority.kill()
                self.authority.wait()
        for identifier in self.processes("lenscap-recorder"):
            os.kill(identifier, signal.SIGKILL)
        if self.equipment.button and hasattr(self, "_button"):
            os.close(self._button)
        shutil.rmtree(self.root, ignore_errors=True)
