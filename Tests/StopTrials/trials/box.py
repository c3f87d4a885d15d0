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
from .watch import Watcher, is_on

LED = "lenscap:red:recording"
BUTTON = "Stop button"
KEY_RECORD = 167
CONTROLLER = "sys/devices/pci0000:00/0000:00:14.0"
USB_DEVICE = f"{CONTROLLER}/usb1/1-3"
# The device as the room record and its own attributes name it.
USB_PORT = "pci-0000:00:14.0-usb-0:3"
USB_FACTS = {"vendor": "046d", "product": "0825", "serial": "A0001"}

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

    lamp: bool = True
    button: bool = True
    usb: bool = True

    @classmethod
    def named(cls, names: str) -> "Equipment":
        """From `lamp,button,usb`, any of them."""
        known = cls.__dataclass_fields__
        parts = [part for part in names.split(",") if part]
        for part in parts:
            if part not in known:
                raise ValueError(f"{part} is none of {', '.join(known)}")
        return cls(**{name: name in parts for name in known})


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
        # When a sweep killed the authority (CLOCK_MONOTONIC, ns).
        self.died = None
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
        return str(self.root / USB_DEVICE / "authorized")

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
            for name, text in [("brightness", "0"), ("max_brightness", "255"), ("trigger", "none")]:
                self.write(f"sys/class/leds/{LED}/{name}", text + "\n")
        if self.equipment.button:
            self.write("sys/class/input/event0/device/name", BUTTON + "\n")
            Path(self.event_node).parent.mkdir(parents=True, exist_ok=True)
            os.mkfifo(self.event_node)
        if self.equipment.usb:
            self._plug_in()

    def _plug_in(self) -> None:
        """A gated camera, linked as the kernel links one."""
        for name, text in [("authorized", "0"), ("bDeviceClass", "ef"),
                           ("idVendor", USB_FACTS["vendor"]), ("idProduct", USB_FACTS["product"]),
                           ("serial", USB_FACTS["serial"])]:
            self.write(f"{USB_DEVICE}/{name}", text + "\n")
        self.write(f"{CONTROLLER}/usb1/authorized_default", "0\n")
        for folder in ("sys/bus/pci", "sys/bus/usb/devices"):
            (self.root / folder).mkdir(parents=True)
        for link, target in [(f"{CONTROLLER}/subsystem", "sys/bus/pci"),
                             (f"{CONTROLLER}/usb1/subsystem", "sys/bus/usb"),
                             (f"{USB_DEVICE}/subsystem", "sys/bus/usb"),
                             ("sys/bus/usb/devices/usb1", f"{CONTROLLER}/usb1"),
                             ("sys/bus/usb/devices/1-3", USB_DEVICE)]:
            (self.root / link).symlink_to(self.root / target)

    # Records

    def _enrol(self) -> None:
        shown = self._lenscap("box", "show").stdout
        now = int(time.time())
        self.school = School(f"file://{self.root}/account", now)
        camera = {"kind": "camera", "name": "front"}
        if self.equipment.usb:
            camera |= {"port": USB_PORT, **USB_FACTS}
        stop = [{"kind": "key", "device": BUTTON, "code": KEY_RECORD}] if self.equipment.button else []
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

    def start_authority(self, wrapper: list = (), wait: bool = True) -> None:
        """`wrapper` is a command that runs another one in its own place."""
        with open(self.root / "lenscapd.output", "ab") as log:
            self.authority = subprocess.Popen([*wrapper, self.programs / "lenscapd", "--root", self.root],
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

    def last_entry(self) -> str:
        """The last line of the activation log."""
        return (self.root / "var/lib/lenscap/log/entries").read_text().splitlines()[-1]

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

    def is_in_order(self) -> bool:
        """No recorder, no device, the lamp dark and the gate shut."""
        return self.is_recorder_gone() and not any(is_on(path) for path in self.switches)

    def wait_for(self, what: str, condition, seconds: float = 60) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise Failure(f"waited {seconds:g} s for {what}; lenscapd said: {self.said()}")
            time.sleep(0.005)

    # Sessions

    def start(self, duration: int = 60) -> int:
        """Starts a session with the teacher's signature, as soon as the box is in order.

        Returns when it records, with the time (CLOCK_MONOTONIC, ns) at which the box said so.
        """
        deadline = time.monotonic() + 60
        while True:
            try:
                return self._start(duration)
            except Refused as refused:
                if not refused.name.endswith(".Busy") or time.monotonic() > deadline:
                    raise
                time.sleep(0.01)

    def _start(self, duration: int) -> int:
        with Client(self.socket("teacher"), 60) as client:
            challenge = client.call("org.lenscap.Teacher.Challenge")["challenge"]
            client.call("org.lenscap.Teacher.Start",
                        self.teacher.start(challenge, ["front"], ["desk"], duration))
            return time.monotonic_ns()

    def wait_idle(self) -> None:
        """Waits for the end of the session; a box that does not answer is an error."""
        deadline = time.monotonic() + 60
        while True:
            try:
                with Client(self.socket("teacher"), 60) as client:
                    client.send("org.lenscap.Teacher.Monitor", more=True)
                    while client.receive()["session"]["state"] != "idle":
                        pass
                    return
            except Refused:
                # A crowd that has just left still holds its places.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def stop(self) -> None:
        with Client(self.socket("teacher")) as client:
            client.call("org.lenscap.Teacher.Stop")

    def press(self) -> None:
        """Presses the button: key down, key up, each with its SYN (struct input_event)."""
        entry = struct.Struct("llHHi")
        # What nobody has read is gone when the pipe is closed on both sides.
        pipe = os.open(self.event_node, os.O_RDWR | os.O_NONBLOCK)
        os.write(pipe, b"".join(entry.pack(0, 0, kind, code, value) for kind, code, value in
                                [(1, KEY_RECORD, 1), (0, 0, 0), (1, KEY_RECORD, 0), (0, 0, 0)]))
        os.close(pipe)

    def recover(self) -> None:
        """After a trial: an authority that runs and is idle."""
        if self._is_ending:
            self.authority.wait(60)
            self._is_ending = False
        if self.authority.poll() is not None:
            self.start_authority()
        self.wait_idle()
        self.wait_for("a box in order", self.is_in_order)

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
        shutil.rmtree(self.root, ignore_errors=True)
