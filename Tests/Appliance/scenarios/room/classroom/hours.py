"""Duration, closed times, and a wall clock that is stepped while a lesson runs."""

import ctypes
import struct
import time

from .checks import attempt
from .room import Room, wait_for
from .session import Session

YEAR = 365 * 86_400
_libc = ctypes.CDLL(None, use_errno=True)
ADJ_MAXERROR, ADJ_ESTERROR, ADJ_STATUS, STA_UNSYNC, STA_PLL = 0x4, 0x8, 0x10, 0x40, 0x1


def set_synchronized(wanted: bool) -> None:
    """What an NTP client does after it has set the clock; the kernel takes it back whenever the clock is stepped."""
    # struct timex on 64 bits: modes, offset, freq, maxerror, esterror, status; 208 bytes in all.
    block = bytearray(208)
    struct.pack_into("=I4xqqqqi", block, 0, ADJ_MAXERROR | ADJ_ESTERROR | ADJ_STATUS, 0, 0, 0, 0,
                     STA_PLL if wanted else STA_UNSYNC)
    buffer = ctypes.create_string_buffer(bytes(block), len(block))
    if _libc.adjtimex(buffer) < 0:
        raise OSError(ctypes.get_errno(), "adjtimex")


def step(seconds: int, synchronized: bool) -> None:
    time.clock_settime(time.CLOCK_REALTIME, time.time() + seconds)
    set_synchronized(synchronized)


def play(room: Room, _options: dict) -> None:
    set_synchronized(True)
    attempt("the clock is trusted once it is synchronised", lambda: [] if room.health()["clockTrusted"] else ["no"])
    attempt("steps of years, both ways, trusted and not, neither end nor lengthen a session of a minute",
            lambda: _steps(room))
    attempt("a closed time ends a session as it begins", lambda: _closes(room))
    attempt("a step into a closed time ends a session", lambda: _stepped_into(room))
    set_synchronized(False)


def _steps(room: Room) -> list:
    session = Session(room, 60)
    started = time.clock_gettime(time.CLOCK_BOOTTIME)
    found = []
    for years in (7, -12, 5):
        for synchronized in (False, True):
            step(years * YEAR // 2, synchronized)
            time.sleep(3)
            if room.recorder() is None:
                found.append(f"it ended after {years} years")
    state = room.health()["state"]
    if state != "recording":
        found.append(f"it is {state}")
    since = time.monotonic_ns()
    session.wait_closed(since)
    lasted = time.clock_gettime(time.CLOCK_BOOTTIME) - started
    # It began to count a moment before it said that it records; the end is as exact as this machine is fast.
    if not 58 < lasted < 75:
        found.append(f"it lasted {lasted:.1f} s")
    return found + session.finish("duration")


def _closes(room: Room) -> list:
    now = int(time.time())
    room.change_record(closed=[{"from": now + 12, "to": now + 3600}])
    try:
        session = Session(room)
        session.wait_closed(time.monotonic_ns())
        early = time.time() < now + 12
        return session.finish("closed-time") + (["before its time"] if early else [])
    finally:
        room.change_record(closed=[])


def _stepped_into(room: Room) -> list:
    now = int(time.time())
    room.change_record(closed=[{"from": now + 3600, "to": now + 7200}])
    try:
        session = Session(room)
        time.sleep(2)
        if room.recorder() is None:
            return ["it ended before the step"]
        since = time.monotonic_ns()
        step(5400, True)
        session.wait_closed(since)
        found = session.finish("closed-time")
        step(-5400, True)
        return found
    finally:
        room.change_record(closed=[])
