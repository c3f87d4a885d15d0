"""Kills a process at one system call after another of a session's start and stop."""

import os
import re
import shutil
import signal
import subprocess
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from . import order
from .box import Box, Equipment, Failure
from .loads import trace
from .varlink import Refused
from .watch import Watcher

# What changes something that others see: files, devices, messages, processes, locks.
STEPS = ("clone,clone3,close,connect,execve,fchmod,fdatasync,flock,fsync,ftruncate,ioctl,kill,linkat,mkdirat,"
         "openat,pwrite64,rename,renameat,renameat2,sendmsg,sendto,shutdown,socketpair,symlinkat,unlink,unlinkat,"
         "vfork,wait4,waitid,write").split(",")

AUTHORITY = "lenscapd"
RESTART = "lenscapd, putting in order what it finds"
RECORDER = "lenscap-recorder"

# In the folder of the box that a recorder belongs to: how strace is to run it.
OPTIONS = "recorder.options"
WRAPPER = """\
#!/bin/sh
# Runs the recorder below strace where a test wants it so; $2 is the box's folder.
[ -f "$2/{options}" ] || exec '{program}' "$@"
exec strace -D -f -qq $(cat "$2/{options}") '{program}' "$@"
"""

# How long a session lasts that is to be killed.
LESSON = 0.15
# How long a suspended recorder outlives its authority: the next one must wait for its end.
PATIENCE = 0.3
# A line of strace: caller (where several are traced), call, arguments.
_LINE = re.compile(r"(\d*)(?:<[^>]*>)? *(\w+)\((.*)")


@dataclass(frozen=True)
class Point:
    """The `number`th call of `step`, in one thread of the process or, without a name, in any."""

    process: str
    thread: str
    step: str
    number: int

    def __str__(self) -> str:
        thread = f" of thread {self.thread}" if self.thread else ""
        return f"{self.process}: {self.step} {self.number}{thread}"


@dataclass
class Outcome:
    hit: Counter = field(default_factory=Counter)
    missed: Counter = field(default_factory=Counter)
    failures: list = field(default_factory=list)
    unclear: list = field(default_factory=list)


def wrapped(programs: Path, folder: Path) -> Path:
    """A folder of programs in which a recorder can be run below strace.

    lenscapd looks for the recorder beside its own file, so that file is there, too.
    """
    for name in ("lenscapd", "lenscap"):
        try:
            os.link(programs / name, folder / name)
        except OSError:
            shutil.copy2(programs / name, folder / name)
    wrapper = folder / "lenscap-recorder"
    wrapper.write_text(WRAPPER.format(options=OPTIONS, program=programs / "lenscap-recorder"))
    wrapper.chmod(0o755)
    return folder


class Sweep:
    """Boxes below one watcher; `programs` is a folder that `wrapped` has made."""

    def __init__(self, programs: Path, equipment: Equipment, progress=lambda text: None):
        self.programs = programs
        self.equipment = equipment
        self.progress = progress
        self.watcher = Watcher()

    def close(self) -> None:
        self.watcher.close()

    def _box(self) -> Box:
        return Box(self.programs, self.watcher, self.equipment)

    # What there is to kill at

    def points(self) -> list:
        """Counts the steps of each process once, without killing."""
        box = self._box()
        try:
            self._session(box)
            box.forget_recordings()
            return self._authority_points(box) + self._restart_points(box) + self._recorder_points(box)
        finally:
            box.close()

    def _authority_points(self, box: Box) -> list:
        points = []
        tracers = []
        for task in sorted(Path(f"/proc/{box.authority.pid}/task").iterdir()):
            log = box.root / f"{task.name}.trace"
            name = (task / "comm").read_text().strip()
            tracers.append((self._attach(task, log), log, name))
        self._session(box)
        for tracer, log, name in tracers:
            tracer.terminate()
            tracer.wait()
            points += _counted(log, AUTHORITY, thread=name)
        return points

    def _restart_points(self, box: Box) -> list:
        log = box.root / "restart.trace"
        self._restart(box, "-y", "-o", str(log), "-e", f"trace={','.join(STEPS)}")
        self._await_order(box)
        box.authority.terminate()
        box.authority.wait(60)
        box.start_authority()
        return _counted(log, RESTART, begins=str(box.root))

    def _recorder_points(self, box: Box) -> list:
        log = box.root / "recorder.trace"
        box.write(OPTIONS, f"-y -o {log} -e trace={','.join(STEPS)}")
        self._session(box)
        (box.root / OPTIONS).unlink()
        return _counted(log, RECORDER, begins=str(box.root))

    # Killing

    def walk(self, points: list, workers: int = 2) -> Outcome:
        outcome = Outcome()
        rest = list(reversed(points))
        lock = threading.Lock()

        def work() -> None:
            box = None
            while True:
                with lock:
                    if not rest:
                        break
                    point = rest.pop()
                try:
                    box = box or self._box()
                    failures, unclear, is_hit = self._kill(box, point)
                except (Failure, Refused, OSError, subprocess.TimeoutExpired) as error:
                    failures, unclear, is_hit = [f"{type(error).__name__}: {error}"], [], True
                if failures and box:
                    box.close()
                    box = None
                with lock:
                    (outcome.hit if is_hit else outcome.missed)[point.process, point.step] += 1
                    outcome.failures += [f"{point}: {text}" for text in failures]
                    outcome.unclear += [f"{point}: {text}" for text in unclear]
                    self.progress(f"{len(points) - len(rest)} of {len(points)}, {len(outcome.failures)} failures")
            if box:
                box.close()

        threads = [threading.Thread(target=work) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return outcome

    def _kill(self, box: Box, point: Point) -> tuple:
        events = self.watcher.add(box.nodes, box.switches)
        box.died = None
        if point.process == AUTHORITY:
            is_hit = self._kill_authority(box, point)
        elif point.process == RESTART:
            is_hit = self._kill_restart(box, point)
        else:
            is_hit = self._kill_recorder(box, point)
        excused = {}
        if box.authority.poll() is not None:
            # The next one withdraws USB devices first, which cuts off whoever still holds one.
            excused[box.authorized] = box.died or time.monotonic_ns()
            box.start_authority()
        self._await_order(box)
        self._session_at_last(box)
        # The watcher's thread may be a step behind what the files already say.
        self.watcher.wait(lambda: not _unfinished(order.judge(events, box.needs)), 10)
        findings = order.judge(events, box.needs, excused)
        self.watcher.remove([*box.nodes, *box.switches])
        box.forget_recordings()
        unseen = [f"the watcher saw nothing of {path}" for path in [*box.nodes, *box.switches]
                  if not any(event.path == path and event.kind in (order.OPEN, order.ON) for event in events)]
        return findings.violations + _unfinished(findings) + unseen, findings.unclear, is_hit

    def _kill_authority(self, box: Box, point: Point) -> bool:
        for task in Path(f"/proc/{box.authority.pid}/task").iterdir():
            if (task / "comm").read_text().strip() == point.thread:
                tracer = self._attach(task, Path("/dev/null"), *_kill_option(point))
                break
        else:
            raise Failure(f"lenscapd has no thread {point.thread}")
        self._try_session(box)
        is_hit = _is_killed(box)
        tracer.kill()
        tracer.wait()
        return is_hit

    def _kill_restart(self, box: Box, point: Point) -> bool:
        self._restart(box, "-o", "/dev/null", *_kill_option(point))
        box.wait_for("lenscapd", lambda: box.authority.poll() is not None or box.is_in_order(), 30)
        box.authority.terminate()
        return box.authority.wait(30) == -signal.SIGKILL

    def _kill_recorder(self, box: Box, point: Point) -> bool:
        log = box.root / "recorder.trace"
        log.unlink(missing_ok=True)
        box.write(OPTIONS, " ".join(["-o", str(log), *_kill_option(point)]))
        self._try_session(box)
        (box.root / OPTIONS).unlink()
        box.wait_for("the end of the recorder", box.is_recorder_gone)
        return "+++ killed by SIGKILL +++" in log.read_text()

    # Parts

    def _restart(self, box: Box, *options: str) -> None:
        """An authority dies in a session, and the next one finds a recorder that does not end yet."""
        box.start()
        recorder = box.recorder()
        os.kill(recorder, signal.SIGSTOP)
        box.died = time.monotonic_ns()
        box.authority.kill()
        box.authority.wait()
        box.start_authority(["strace", "-D", "-f", "-qq", "-b", "execve", *options], wait=False)
        time.sleep(PATIENCE)
        os.kill(recorder, signal.SIGCONT)

    def _attach(self, task: Path, log: Path, *options: str) -> subprocess.Popen:
        """Traces one thread; what it starts is not traced."""
        options = options or ("-e", f"trace={','.join(STEPS)}")
        return trace(task, "-y", "-o", str(log), *options)

    def _session(self, box: Box) -> None:
        box.start()
        time.sleep(LESSON)
        box.stop()
        box.wait_idle()
        box.wait_for("the end of the recorder", box.is_recorder_gone)

    def _session_at_last(self, box: Box) -> None:
        """A new session, at the third attempt at the latest: a busy machine may seem to have no lamp."""
        for attempt in range(3):
            try:
                return self._session(box)
            except Refused:
                if attempt == 2:
                    raise
                self._await_order(box)

    def _try_session(self, box: Box) -> None:
        """A session from start to end, as far as the processes live."""
        try:
            box.start()
            time.sleep(LESSON)
            box.stop()
            box.wait_idle()
        except (Refused, OSError):
            # What was killed does not answer; a start that fails is said in an error.
            if box.authority.poll() is None:
                time.sleep(0.05)

    def _await_order(self, box: Box) -> None:
        """Nothing open, the lamp dark, the gate shut, without anybody asking for it."""
        box.wait_for("a box in order", box.is_in_order, 30)


def _kill_option(point: Point) -> list:
    return ["-e", f"trace={point.step}", "-e", f"inject={point.step}:signal=SIGKILL:when={point.number}"]


def _is_killed(box: Box) -> bool:
    """Whether lenscapd was killed; one that is dying is waited for."""
    try:
        return box.authority.wait(0.3) == -signal.SIGKILL
    except subprocess.TimeoutExpired:
        return False


def _unfinished(findings: order.Findings) -> list:
    return ([f"{path} is still open" for path in findings.left_open]
            + [f"{path} is still on" for path in findings.left_on])


def _matters(step: str, rest: str) -> bool:
    """Whether others can see the call: reading files and waking one's own threads is seen by nobody."""
    if step == "openat":
        return any(word in rest for word in ("O_WRONLY", "O_RDWR", "O_CREAT", "/dev/"))
    if step == "close":
        return any(word in rest for word in ("/dev/", ".lock>", "socket:"))
    return not (step == "write" and "[eventfd]" in rest)


def _counted(log: Path, process: str, thread: str = "", begins: str = "") -> list:
    """The points of a dry run's log, from the first line on that has `begins` in it.

    What a program does before it opens a file of the box is loading libraries. strace counts the
    calls of each thread by themselves; where all are traced, the first one to make its `number`th
    call of a step is hit.
    """
    seen = Counter()
    points = {}
    has_begun = not begins
    for line in log.read_text(errors="replace").splitlines():
        match = _LINE.match(line)
        if not match:
            continue
        caller, step, rest = match.groups()
        seen[caller, step] += 1
        has_begun = has_begun or step == "openat" and begins in rest
        if has_begun and _matters(step, rest):
            points[Point(process, thread, step, seen[caller, step])] = None
    return list(points)
