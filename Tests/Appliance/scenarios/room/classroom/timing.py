"""How long a stop takes, from outside: cause by cause, load by load, in round trips of this machine."""

import json
import os
import random
import subprocess
import time
from contextlib import contextmanager, nullcontext

from trials.bench import Result
from trials.varlink import Client, Refused

from .causes import CAUSES
from .checks import attempt, say
from .disk import hanging
from .room import Room
from .session import Session


@contextmanager
def busy():
    spinning = [subprocess.Popen(["sh", "-c", "while :; do :; done"]) for _ in range(2 * os.cpu_count())]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


# The context, whether it is for each session, and how long it takes to be felt.
LOADS = {"idle": (nullcontext, True, 0), "busy": (busy, False, 0), "disk": (hanging, True, 2.5)}


def round_trip(count: int = 200) -> float:
    """The median of connect, GetInfo, reply on an idle box; ms."""
    times = []
    for _ in range(count):
        since = time.monotonic_ns()
        with Client("/run/lenscap/status.sock") as client:
            client.call("org.varlink.service.GetInfo")
        times.append((time.monotonic_ns() - since) / 1e6)
    return sorted(times)[count // 2]


def play(room: Room, options: dict) -> None:
    trials = options["trials"]
    unit = round_trip()
    say(f"idle round trip: {unit:.3f} ms")
    rows = []
    for load in options["loads"] or LOADS:
        for cause in CAUSES:
            if not cause.is_timed or cause.name not in (options["causes"] or [cause.name]):
                continue
            result = Result(cause.name, load)
            attempt(f"{trials} times {cause.name} × {load}: all closed, none open under a dark lamp",
                    lambda cause=cause, result=result, load=load: _measure(room, cause, load, trials, result))
            rows.append(result.summary(unit))
            say(json.dumps({key: rows[-1][key] for key in ("cause", "load", "n", "ms", "round_trips")}))
    with open("/out/timing.json", "w", encoding="utf-8") as file:
        json.dump({"round_trip": unit, "rows": rows}, file)


def _measure(room: Room, cause, load: str, trials: int, result: Result) -> list:
    context, is_each, lead = LOADS[load]
    found = []
    with nullcontext() if is_each else context():
        for number in range(trials):
            try:
                problems = _trial(room, cause, context if is_each else nullcontext, lead, result)
            except Refused as refused:
                problems = [f"it could not be made: {refused}"]
            found += [f"trial {number + 1}: {problem}" for problem in problems]
    room.forget_recordings()
    return found


def _trial(room: Room, cause, context, lead: float, result: Result) -> list:
    session = Session(room)
    cause.prepare(room)
    with context():
        time.sleep(lead + random.random() / 5)
        since = session.end_by(cause)
        result.latencies.append((session.wait_harmless(since) - since) / 1e6)
    room.wait_idle()
    found = room.judge(session.events, session.excused)
    cause.restore(room)
    return found
