"""What stops a session. Each returns the time (CLOCK_MONOTONIC, ns) from which the devices' closing counts."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from trials.varlink import Client

from .room import PATIENCE, SENSE_LINE, STOP_LINE, Room


def _nothing(_room: Room) -> None:
    pass


@dataclass(frozen=True)
class Cause:
    name: str
    # As the recording and the log name it, both the same.
    word: str
    trigger: Callable[[Room], int]
    # Before the machine is busy with anything.
    prepare: Callable[[Room], None] = _nothing
    # Afterwards, so that the room takes the next session.
    restore: Callable[[Room], None] = _nothing
    # Whether the lamp goes out by it.
    tampers: bool = False
    # Whether it is among those whose time is taken.
    is_timed: bool = True


def _call(room: Room) -> int:
    since = time.monotonic_ns()
    room.stop()
    return since


def _press(room: Room) -> int:
    since = time.monotonic_ns()
    room.move("key", 1)
    return since


def _line(room: Room) -> int:
    since = time.monotonic_ns()
    room.move("line", STOP_LINE, 0)
    return since


def _darken(room: Room) -> int:
    since = time.monotonic_ns()
    room.brightness.write_text("0")
    return since


def _take_lamp(room: Room) -> int:
    since = time.monotonic_ns()
    room.trigger.write_text("kbd-numlock")
    return since


def _cut_sense(room: Room) -> int:
    room.is_wired = False
    since = time.monotonic_ns()
    room.move("line", SENSE_LINE, 0)
    return since


def _restore_sense(room: Room) -> None:
    room.is_wired = True


def _kill(process: Callable[[Room], int | None], number: int) -> Callable[[Room], int]:
    def trigger(room: Room) -> int:
        target = process(room)
        since = time.monotonic_ns()
        os.kill(target, number)
        return since
    return trigger


def _sign_revocation(room: Room) -> None:
    room.client = Client("/run/lenscap/teacher.sock", PATIENCE)
    room.order = room.teacher.revoke(room.client.call("org.lenscap.Teacher.Challenge")["challenge"])


def _revoke(room: Room) -> int:
    since = time.monotonic_ns()
    room.client.send("org.lenscap.Teacher.Revoke", room.order)
    return since


def _enrol_again(room: Room) -> None:
    with room.client:
        # It is answered when it is kept.
        room.client.receive()
    room.enrol_teacher()


def _systemctl(action: str, unit: str) -> Callable[[Room], int]:
    def trigger(_room: Room) -> int:
        since = time.monotonic_ns()
        # Far below what the unit allows it, and far above what it takes.
        subprocess.run(["systemctl", action, unit], check=True, timeout=30)
        return since
    return trigger


def _unplug_key(room: Room) -> int:
    since = time.monotonic_ns()
    room.move("unplug")
    return since


def _plug_key(room: Room) -> None:
    room.move("plug")
    subprocess.run(["udevadm", "settle"], check=True)
    time.sleep(0.5)
    subprocess.run(["udevadm", "settle"], check=True)


CAUSES = [
    Cause("call", "stopped", _call),
    Cause("key", "key", _press, restore=lambda room: room.move("key", 0)),
    Cause("line", "line", _line, restore=lambda room: room.move("line", STOP_LINE, 1)),
    Cause("lamp", "lamp", _darken, tampers=True),
    Cause("authority-killed", "interrupted", _kill(Room.authority, signal.SIGKILL)),
    Cause("recorder-killed", "interrupted", _kill(Room.recorder, signal.SIGKILL)),
    Cause("revoked", "revoked", _revoke, prepare=_sign_revocation, restore=_enrol_again),
    Cause("lamp taken by another trigger", "lamp", _take_lamp, tampers=True, is_timed=False),
    Cause("lamp's sense lost", "lamp", _cut_sense, restore=_restore_sense, is_timed=False),
    Cause("authority suspended", "interrupted", _kill(Room.authority, signal.SIGSTOP), is_timed=False),
    Cause("recorder suspended", "interrupted", _kill(Room.recorder, signal.SIGSTOP), is_timed=False),
    Cause("recorder told to end", "shutdown", _kill(Room.recorder, signal.SIGTERM), is_timed=False),
    Cause("authority stopped by systemctl", "shutdown", _systemctl("stop", "lenscapd.service"), is_timed=False),
    Cause("authority restarted by systemctl", "shutdown", _systemctl("restart", "lenscapd.service"), is_timed=False),
    Cause("key unplugged", "input-lost", _unplug_key, restore=_plug_key, is_timed=False),
]
