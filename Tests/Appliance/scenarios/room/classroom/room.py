"""The room: its box as systemd runs it, its devices, its school and its teacher."""

import fcntl
import json
import os
import shutil
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

from trials import order
from trials.consent import School, Teacher
from trials.varlink import Client, Refused
from trials.watch import is_on

from .watch import LAMP, Watch

SPOOL = Path("/var/lib/lenscap/spool")
TRUST = Path("/etc/lenscap/trust")
CHIP, STOP_LINE, SENSE_LINE = "cp2112_gpio", 3, 5
KEY, KEY_STOP = "Appliance key", 128
VENDOR, PRODUCT = "1209", "0001"
# Of a machine that may be many times slower than this one.
PATIENCE = 60.0
DEVICES = {
    "front": ["--camera", "--format", "yuyv", "--size", "256x160", "--rate", "5", "--port", "0"],
    "desk": ["--microphone", "--port", "1"],
}


class Failure(Exception):
    """Why the play cannot go on."""


def wait_for(what: str, condition, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise Failure(f"waited {seconds:g} s for {what}")
        time.sleep(0.01)


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    if done.returncode:
        raise Failure(f"{' '.join(command)}: {done.stderr}")
    return done.stdout.strip()


class USBDevice:
    """A virtual camera or microphone in a port of the gated controller."""

    def __init__(self, name: str, serial: str | None = None):
        self.name = name
        self.serial = serial or name
        self._process = subprocess.Popen(["/usr/lib/appliance/virtual-usb", "--serial", self.serial,
                                          "--report", f"/out/{self.serial}.usb", *DEVICES[name]])
        self.folder = None
        wait_for(f"USB device {self.serial}", self._is_plugged)

    def _is_plugged(self) -> bool:
        for file in Path("/sys/bus/usb/devices").glob("*/serial"):
            with suppress(OSError):
                if file.read_text().strip() == self.serial:
                    self.folder = file.resolve().parent
                    # The group that udev gives it to: its rules are through.
                    return self.authorized.stat().st_gid != 0
        return False

    @property
    def authorized(self) -> Path:
        return self.folder / "authorized"

    @property
    def is_authorized(self) -> bool:
        return is_on(self.authorized) is True

    def pull(self) -> None:
        self._process.kill()

    def wait_gone(self) -> None:
        self._process.kill()
        self._process.wait()
        wait_for(f"{self.serial} to be gone", lambda: not self.folder.exists())


class Room:
    """Thread-bound, but for its watcher."""

    def __init__(self):
        led, = Path("/sys/class/leds").glob("*::scrolllock")
        self.led = led.name
        self.brightness = led / "brightness"
        self.trigger = led / "trigger"
        self._inputs = open("/run/inputs", "w", buffering=1)
        self.move("line", SENSE_LINE, 0)
        self.is_wired = True
        self.watch = Watch(self.brightness)
        threading.Thread(target=self._wire, daemon=True).start()
        # A connection that is ready for an order, and the order.
        self.client = None
        self.order = None
        self.devices = {}
        for name in DEVICES:
            self.plug(name)
        self._enrol()

    # Devices

    def _wire(self) -> None:
        """The lamp's own sense: a line that is high while it is lit."""
        lit = None
        while True:
            self.watch.wait(lambda: is_on(self.brightness) != lit, 1)
            # What the line was last told, and no newer reading: a change in between would wait for the limit.
            lit = is_on(self.brightness)
            if self.is_wired:
                self.move("line", SENSE_LINE, int(lit or False))

    def move(self, *words) -> None:
        """As guest/virtual-inputs understands it."""
        self._inputs.write(" ".join(map(str, words)) + "\n")

    def plug(self, name: str, serial: str | None = None) -> USBDevice:
        device = USBDevice(name, serial)
        self.devices[name] = device
        self.watch.add_switch(name, device.authorized)
        return device

    def unplug(self, name: str) -> None:
        self.devices.pop(name).wait_gone()
        self.watch.forget_switch(name)

    @property
    def is_lit(self) -> bool:
        return is_on(self.brightness) is True

    def needs(self, events: list, usb: bool = True) -> dict:
        """The switches that must be on while a node is open, for every node that occurs."""
        nodes = {event.path for event in events} - {LAMP, *DEVICES}
        return {node: [LAMP] + ([("front" if node.startswith(("video", "media")) else "desk")] if usb else [])
                for node in nodes}

    # Records

    def _enrol(self) -> None:
        key = json.loads(run("lenscap", "box", "show"))
        self.now = int(time.time())
        self.school = School("file:///srv/account", self.now)
        facts = {"vendor": VENDOR, "product": PRODUCT}
        sources = [
            {"kind": "microphone", "name": "desk", "port": "platform-vhci_hcd.0-usb-0:2", "serial": "desk", **facts},
            {"kind": "camera", "name": "front", "port": "platform-vhci_hcd.0-usb-0:1", "serial": "front", **facts}]
        stop = [{"kind": "key", "device": KEY, "code": KEY_STOP},
                {"kind": "line-low", "device": CHIP, "code": STOP_LINE}]
        self.record = self.school.record(key, sources, led=self.led, stop=stop)
        self.record |= {"holdMinutes": 600, "indicator": {"led": self.led, "sensed": 1}}
        self._write("authorities.json", self.school.authorities)
        self._write("room.json", self.school.signed(self.record))
        self.card = None
        self.enrol_teacher()

    def _write(self, path: str, content: bytes) -> None:
        target = TRUST / path
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_suffix(".part")
        part.write_bytes(content)
        part.rename(target)

    def enrol_teacher(self) -> None:
        """A new teacher with a card, in place of the one before."""
        before = self.card
        self.teacher = Teacher(self.school)
        self.card = f"cards/{self.teacher.key.thumbprint}.json"
        self._write(self.card, self.teacher.card)
        if before:
            (TRUST / before).unlink()

    def change_record(self, **changes) -> None:
        """Installs a newer room record."""
        self.record |= {"sequence": self.record["sequence"] + 1, **changes}
        self._write("room.json", self.school.signed(self.record))

    # Processes

    def _process(self, name: str) -> int | None:
        """The process of that name (as the kernel has it: fifteen characters)."""
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    if (entry / "comm").read_text().strip() == name and has_command(entry):
                        return int(entry.name)
        return None

    def recorder(self) -> int | None:
        return self._process("lenscap-recorde")

    def authority(self) -> int | None:
        return self._process("lenscapd")

    def is_recorder_gone(self) -> bool:
        try:
            with open("/run/lenscap/recorder.lock", "r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
        except FileNotFoundError:
            return True
        except BlockingIOError:
            return False

    def disorder(self) -> list:
        """What is not as it must be without a session."""
        found = []
        if not self.is_recorder_gone():
            found.append("a recorder lives")
        if self.is_lit:
            found.append("the lamp is lit")
        for file in Path("/sys/bus/platform/devices/vhci_hcd.0").glob("usb*/*-*/authorized"):
            # An interface, which has a switch of its own, has a colon in its name.
            if ":" not in file.parent.name and is_on(file):
                found.append(f"{file.parent.name} is authorised")
        if nodes := self.nodes():
            found.append(f"there is {' '.join(nodes)}")
        return found

    def nodes(self) -> list:
        return sorted(str(path) for pattern in ("video*", "snd/pcmC*") for path in Path("/dev").glob(pattern))

    # Sessions

    def call(self, socket: str, method: str, parameters: dict | None = None) -> dict:
        with Client(f"/run/lenscap/{socket}.sock", PATIENCE) as client:
            return client.call(f"org.lenscap.{method}", parameters)

    def start(self, duration: int = 600) -> str:
        """Starts a session, as soon as the box is in order; returns the recording's name."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with Client("/run/lenscap/teacher.sock", PATIENCE) as client:
                    challenge = client.call("org.lenscap.Teacher.Challenge")["challenge"]
                    order = self.teacher.start(challenge, ["front"], ["desk"], duration)
                    recording = client.call("org.lenscap.Teacher.Start", order)["recording"]
                    self.watch.recorder = self.recorder()
                    return recording
            except (Refused, ConnectionError) as error:
                is_busy = isinstance(error, ConnectionError) or error.name.endswith(".Busy")
                if not is_busy or time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def stop(self) -> dict:
        return self.call("teacher", "Teacher.Stop")

    def wait_idle(self) -> None:
        """Returns when the session is over and all is in order."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                with Client("/run/lenscap/teacher.sock", PATIENCE) as client:
                    client.send("org.lenscap.Teacher.Monitor", more=True)
                    while client.receive()["session"]["state"] != "idle":
                        pass
                    break
            except ConnectionError:
                time.sleep(0.02)
        wait_for("order", lambda: not self.disorder(), max(1, deadline - time.monotonic()))

    def health(self) -> dict:
        return self.call("status", "Status.Status")["health"]

    def end_of(self, recording: str) -> str | None:
        """The reason in the recording's `end`."""
        with suppress(OSError, IndexError, ValueError):
            leaf = json.loads((SPOOL / recording / "log").read_text().splitlines()[-1])
            return leaf["reason"] if leaf["type"] == "end" else None
        return None

    def log(self) -> list:
        """The activation log as `lenscap log` shows it, a line an entry."""
        return run("lenscap", "log").splitlines()

    def forget_recordings(self) -> None:
        for entry in SPOOL.iterdir():
            if entry.name != "lost+found":
                shutil.rmtree(entry, ignore_errors=True)

    def judge(self, events: list, excused: dict | None = None, usb: bool = True) -> list:
        """What must not have been from the beginning of these events to the end of their session."""
        def findings():
            return order.judge(events, self.needs(events, usb), excused)

        # The watcher may hear of the last one a moment later than the box is in order.
        self.watch.wait(lambda: not findings().left_open and not set(findings().left_on) & {LAMP}, 5)
        seen = findings()
        found = seen.violations + seen.unclear + self.watch.problems
        found += [f"{node} is open in the end" for node in seen.left_open]
        found += [f"{switch} is on in the end" for switch in seen.left_on if usb or switch == LAMP]
        return found + self.disorder()


def has_command(entry: Path) -> bool:
    """Not a zombie."""
    return bool((entry / "cmdline").read_bytes())
