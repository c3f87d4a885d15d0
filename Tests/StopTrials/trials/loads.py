"""What the machine and the box are busy with while a session is stopped."""

import os
import subprocess
import sys
import time
from pathlib import Path

from .box import Box, Failure


class Load:
    """One for all trials of a combination; `begin` and `end` are called for each session."""

    name = "idle"
    # Seconds that `begin` may take.
    lead = 0.0
    # Boxes at a time: so many even where a cause needs no more, and never more.
    at_once = 1
    at_most = 50

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def begin(self, box: Box) -> None:
        pass

    def end(self, box: Box) -> None:
        pass


class Busy(Load):
    """Processes that compute, two for each processor."""

    name = "busy"

    def __enter__(self):
        self._spinning = [subprocess.Popen(["sh", "-c", "while :; do :; done"])
                          for _ in range(2 * (os.cpu_count() or 1))]
        return self

    def __exit__(self, *_):
        for process in self._spinning:
            process.kill()
            process.wait()


class Crowd(Load):
    """A thousand clients of the teacher socket, four times what it takes, each with a call open."""

    name = "clients"
    lead = 3.0
    at_most = 20

    def __init__(self):
        self._crowds = {}

    def begin(self, box: Box) -> None:
        crowd = subprocess.Popen([sys.executable, str(Path(__file__).with_name("crowd.py")),
                                  box.socket("teacher"), "1000"], stdout=subprocess.PIPE)
        self._crowds[box] = crowd
        if crowd.stdout.readline() != b"connected\n":
            raise Failure("the crowd did not reach the box")

    def end(self, box: Box) -> None:
        crowd = self._crowds.pop(box, None)
        if crowd:
            crowd.kill()
            crowd.wait()
            crowd.stdout.close()


def thread(process: int, name: str) -> Path | None:
    """The thread of that name, as its folder in /proc."""
    for task in Path(f"/proc/{process}/task").iterdir():
        try:
            if (task / "comm").read_text().strip() == name:
                return task
        except OSError:
            pass
    return None


def trace(task: Path, *options: str) -> subprocess.Popen:
    """Lets strace trace one thread, and what it starts not; returns when it does."""
    tracer = subprocess.Popen(["strace", "-qq", *options, "-p", task.name],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while "TracerPid:\t0\n" in (task / "status").read_text():
        if time.monotonic() > deadline or tracer.poll() is not None:
            raise Failure("strace cannot attach: is tracing allowed here?")
        time.sleep(0.002)
    return tracer


def _is_held(process: int, name: str) -> bool:
    task = thread(process, name)
    # In proc(5) t is stopped by a tracer.
    return task is not None and (task / "stat").read_text().rsplit(")", 1)[1].split()[0] == "t"


class Held(Load):
    """Threads that do not go on, since a tracer holds them."""

    def __init__(self):
        self._tracers = {}

    def _hold(self, box: Box, kind: str, number) -> None:
        tracer = subprocess.Popen([sys.executable, str(Path(__file__).with_name("hold.py")), kind, str(number)],
                                  stdout=subprocess.PIPE)
        self._tracers.setdefault(box, []).append(tracer)
        if tracer.stdout.readline() != b"attached\n":
            raise Failure("a thread could not be held: is tracing allowed here?")

    def _await_held(self, process: int, name: str) -> None:
        """Waits until a thread of that name is held for good."""
        held = 0
        deadline = time.monotonic() + 15
        while held < 6:
            held = held + 1 if _is_held(process, name) else 0
            if time.monotonic() > deadline:
                raise Failure(f"thread {name} of process {process} was never held")
            time.sleep(0.02)

    def end(self, box: Box) -> None:
        for tracer in self._tracers.pop(box, []):
            # The kernel lets go of whom a dead tracer held.
            tracer.kill()
            tracer.wait()
            tracer.stdout.close()


class StalledDisk(Held):
    """No fsync of the authority and the recorder returns."""

    name = "disk"
    lead = 8.0
    at_once = 4
    at_most = 16

    def begin(self, box: Box) -> None:
        authority = box.authority.pid
        recorder = box.recorder()
        self._hold(box, "sync", authority)
        self._await_held(authority, "disk")
        self._hold(box, "sync", recorder)
        self._await_held(recorder, "write")


class HungEncoder(Held):
    """The encoder's thread does nothing any more."""

    name = "encoder"
    lead = 2.0

    def begin(self, box: Box) -> None:
        recorder = box.recorder()
        box.wait_for("the encoder's thread", lambda: thread(recorder, "enc-front"), 10)
        self._hold(box, "thread", thread(recorder, "enc-front").name)
        self._await_held(recorder, "enc-front")


LOADS = {load.name: load for load in [Load, StalledDisk, Crowd, HungEncoder, Busy]}
