"""What the machine and the box are busy with while a session is stopped."""

import os
import subprocess
import sys
import time
from pathlib import Path

from .box import Box, Failure

# Longer than a trial: whoever is delayed does not come back by itself.
STUCK = 600_000_000


class Load:
    """One for all trials of a combination; `begin` and `end` are called for each session."""

    name = "idle"
    # Seconds that `begin` may take.
    lead = 0.0
    at_once = 1

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def begin(self, box: Box) -> None:
        pass

    def killed(self, box: Box, process: int) -> None:
        """The trial has just killed that process."""

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


def _is_held(process: int, name: str) -> bool:
    task = thread(process, name)
    return task is not None and _state(task) == "t"


def _state(task: Path) -> str:
    """As in proc(5): t is stopped by a tracer, Z is dead; X when there is no such task."""
    try:
        return (task / "stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "X"


class Traced(Load):
    """System calls that do not come back, of threads that strace holds on to.

    strace would hold on to a killed thread, too, and with it to all that its process has open; it
    is killed as soon as the process is dead, and the thread dies where it was held.
    """

    def __init__(self):
        self._tracers = {}

    def _attach(self, box: Box, process: int, calls: str, *options: str) -> None:
        tracer = subprocess.Popen(
            ["strace", "-qq", "-o", "/dev/null", "-e", f"trace={calls}",
             "-e", f"inject={calls}:delay_enter={STUCK}", *options], stderr=subprocess.PIPE)
        self._tracers.setdefault(box, {})[process] = tracer

    def _wait_stuck(self, box: Box, process: int, name: str) -> None:
        """Waits until a thread of that name is held for good."""
        held = 0
        deadline = time.monotonic() + 15
        while held < 6:
            held = held + 1 if _is_held(process, name) else 0
            for tracer in self._tracers[box].values():
                if tracer.poll() is not None:
                    raise Failure(f"strace ended: {tracer.stderr.read().decode()}")
            if time.monotonic() > deadline:
                raise Failure(f"thread {name} of process {process} never got stuck")
            time.sleep(0.02)

    def end(self, box: Box) -> None:
        for tracer in self._tracers.pop(box, {}).values():
            self._release(tracer)

    def killed(self, box: Box, process: int) -> None:
        tracer = self._tracers[box].pop(process, None)
        if tracer:
            deadline = time.monotonic() + 1
            while _state(Path(f"/proc/{process}")) not in "ZX" and time.monotonic() < deadline:
                pass
            self._release(tracer)

    def _release(self, tracer: subprocess.Popen) -> None:
        # The kernel lets go of whom a dead tracer held; told to end, strace would wait first.
        tracer.kill()
        tracer.wait()
        tracer.stderr.close()


class StalledDisk(Traced):
    """No fsync of the authority and the recorder returns."""

    name = "disk"
    lead = 8.0
    at_once = 4

    def begin(self, box: Box) -> None:
        authority = box.authority.pid
        recorder = box.recorder()
        self._attach(box, authority, "fsync,fdatasync", "-f", "-p", str(authority))
        self._wait_stuck(box, authority, "disk")
        self._attach(box, recorder, "fsync,fdatasync", "-f", "-p", str(recorder))
        self._wait_stuck(box, recorder, "write")


class HungEncoder(Traced):
    """The encoder's thread never comes back from its next wait."""

    name = "encoder"
    lead = 2.0

    def begin(self, box: Box) -> None:
        recorder = box.recorder()
        box.wait_for("the encoder's thread", lambda: thread(recorder, "enc-front"), 10)
        self._attach(box, recorder, "futex,poll,ppoll", "-p", thread(recorder, "enc-front").name)
        self._wait_stuck(box, recorder, "enc-front")


LOADS = {load.name: load for load in [Load, StalledDisk, Crowd, HungEncoder, Busy]}
