"""The disk hangs while a lesson runs."""

import os
import signal
import time
from contextlib import contextmanager

from .checks import attempt
from .room import Room, run
from .session import Session


@contextmanager
def hanging():
    # Without a freeze and a flush: what is on its way hangs, as behind a disk that has died.
    run("dmsetup", "suspend", "--nolockfs", "--noflush", "lenscap")
    try:
        yield
    finally:
        run("dmsetup", "resume", "lenscap")


def play(room: Room, _options: dict) -> None:
    attempt("Stop closes the devices while the disk hangs, and the recording is sealed when it is back",
            lambda: _stop(room))
    attempt("Stop says that a device is open when its process cannot end, and USB is withdrawn from it",
            lambda: _kill(room))


def _stop(room: Room) -> list:
    session = Session(room)
    time.sleep(3)
    found = []
    with hanging():
        # Until both have something to write.
        time.sleep(4)
        since = time.monotonic_ns()
        room.stop()
        session.wait_closed(since)
        time.sleep(2)
        if not any(event.path == "front" and event.kind == "off" for event in session.events[-4:]):
            found.append("USB was not withdrawn while the disk hung")
    return found + session.finish("stopped")


def _kill(room: Room) -> list:
    """A killed process keeps its devices while one of its threads waits for the disk."""
    session = Session(room)
    time.sleep(3)
    found = []
    with hanging():
        time.sleep(4)
        os.kill(room.recorder(), signal.SIGKILL)
        since = time.monotonic_ns()
        state = room.stop()["session"]["state"]
        if state != "fault":
            found.append(f"Stop says {state}")
        session.wait_harmless(since)
    return found + session.finish("stopped")
