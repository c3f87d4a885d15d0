"""What stops a session, and how a trial makes it happen."""

import ctypes
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .box import Box, Failure
from .varlink import Client

SECOND = 1_000_000_000


@dataclass
class Trial:
    """One session: when it was asked for, when the box said that it records, when it must end by itself (ns)."""

    called: int = 0
    started: int = 0
    due: int = 0
    duration: int = 60
    # How long the load takes to be there, in seconds.
    lead: float = 0
    # A connection that is ready for the order.
    client: Client | None = None
    order: dict | None = None


def _nothing(*_) -> None:
    pass


@dataclass(frozen=True)
class Cause:
    """`trigger` returns the time (CLOCK_MONOTONIC, ns) from which the devices' closing counts."""

    name: str
    trigger: Callable[[Box, Trial], int]
    # Before the session starts.
    prepare: Callable[[Box, Trial], None] = _nothing
    # Afterwards, so that the box takes the next session.
    restore: Callable[[Box, Trial], None] = _nothing
    # What of the box's equipment it needs.
    equipment: str | None = None
    # Sessions at a time: those that last a minute run beside each other.
    at_once: int = 1
    # Whether the trial itself puts the lamp out.
    tampers: bool = False


def _call(box: Box, _trial: Trial) -> int:
    since = time.monotonic_ns()
    while True:
        try:
            box.stop()
            return since
        except ConnectionError as error:
            # Another call of Stop holds the slot: one calls again.
            if time.monotonic_ns() > since + 5 * SECOND:
                raise Failure(f"Stop was not served: {error}") from error


def _kill_authority(box: Box, _trial: Trial) -> int:
    since = time.monotonic_ns()
    box.end_authority(signal.SIGKILL)
    return since


def _kill_recorder(box: Box, _trial: Trial) -> int:
    recorder = box.recorder()
    since = time.monotonic_ns()
    os.kill(recorder, signal.SIGKILL)
    return since


def _end_recorder(box: Box, _trial: Trial) -> int:
    recorder = box.recorder()
    since = time.monotonic_ns()
    os.kill(recorder, signal.SIGTERM)
    return since


def _shut_down(box: Box, _trial: Trial) -> int:
    since = time.monotonic_ns()
    box.end_authority(signal.SIGTERM)
    return since


def _sign_revocation(box: Box, trial: Trial) -> None:
    trial.client = Client(box.socket("teacher"))
    trial.order = box.teacher.revoke(trial.client.call("org.lenscap.Teacher.Challenge")["challenge"])


def _revoke(_box: Box, trial: Trial) -> int:
    since = time.monotonic_ns()
    trial.client.send("org.lenscap.Teacher.Revoke", trial.order)
    return since


def _enrol_again(box: Box, trial: Trial) -> None:
    with trial.client:
        # It is answered when it is kept.
        trial.client.receive()
    box.enrol_teacher()


def _await_duration(_box: Box, trial: Trial) -> int:
    # The box begins to count just before it says that it records: it may seem early by that.
    return _await(trial.started + trial.duration * SECOND)


def _close_soon(box: Box, trial: Trial) -> None:
    """The room is closed from the second after next on, or later where the load takes its time."""
    seconds = 2 + int(trial.lead)
    now = int(time.time())
    trial.due = time.monotonic_ns() + (now + seconds) * SECOND - time.time_ns()
    trial.duration = 600
    if not is_clock_synchronized():
        # The box counts from the newest record's date, which is when it believes to be.
        trial.due = -seconds
    box.change_record(closed=[{"from": now + seconds, "to": now + 86_400}])


def _await_closed_time(_box: Box, trial: Trial) -> int:
    return _await(trial.due if trial.due > 0 else trial.started - trial.due * SECOND)


def _open_again(box: Box, _trial: Trial) -> None:
    box.change_record(closed=[])


def _await(due: int) -> int:
    if due < time.monotonic_ns():
        raise Failure("the session was to end before the trial was ready")
    time.sleep(max(0, due - time.monotonic_ns()) / SECOND)
    return due


def is_clock_synchronized() -> bool:
    """As the kernel says it (adjtimex, STA_UNSYNC)."""
    status = ctypes.create_string_buffer(208)
    ctypes.CDLL(None).adjtimex(status)
    return not int.from_bytes(status.raw[40:44], "little") & 0x40


def _darken(box: Box, _trial: Trial) -> int:
    with open(box.brightness, "r+", encoding="ascii", buffering=1) as file:
        since = time.monotonic_ns()
        file.write("0\n\n\n")
    return since


def _press(box: Box, _trial: Trial) -> int:
    since = time.monotonic_ns()
    box.press()
    return since


CAUSES = {cause.name: cause for cause in [
    Cause("call", _call),
    Cause("authority-killed", _kill_authority),
    Cause("recorder-killed", _kill_recorder),
    Cause("recorder-ended", _end_recorder),
    Cause("shutdown", _shut_down),
    Cause("revoked", _revoke, prepare=_sign_revocation, restore=_enrol_again),
    Cause("closed-time", _await_closed_time, prepare=_close_soon, restore=_open_again, at_once=4),
    Cause("duration", _await_duration, at_once=50),
    Cause("button", _press, equipment="button"),
    Cause("lamp-fault", _darken, equipment="lamp", tampers=True),
]}
