"""Makes one system call after another fail, in each thing that a box does with its spool."""

import re
import shutil
import signal
import subprocess
import threading
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from trials.loads import thread, trace
from trials.varlink import Refused

from .box import OPTIONS, Box, Failure

DISK = ("ENOSPC", "EIO", "EDQUOT", "EINTR")
# What is made to fail, and in which ways besides SIGKILL.
ERRORS = {
    "write": DISK, "pwrite64": DISK, "fsync": DISK, "fdatasync": DISK, "ftruncate": ("EIO", "EINTR"),
    "openat": (*DISK, "EMFILE"), "mkdirat": DISK[:3], "renameat": DISK[:3], "renameat2": DISK[:3],
    "linkat": DISK[:3], "unlinkat": ("EIO",), "fchmod": ("EIO",), "sendto": (), "sendmsg": (),
}
STEPS = ",".join(ERRORS)
# Of an open that only reads.
READING = ("EIO", "EMFILE")

# A line of strace: caller (where several are traced), call, arguments.
_LINE = re.compile(r"(?:(\d+)(?:<[^>]*>)? +)?(\w+)\((.*)")


def _is_loading(said: str) -> bool:
    """Whether an open of the dynamic linker was made to fail, which does not repeat it."""
    begun = {}
    for line in said.splitlines():
        caller = line.split(" ", 1)[0]
        if "<unfinished" in line:
            begun[caller] = line
        elif "(INJECTED)" in line and "openat" in line:
            text = begun.get(caller, "") if "resumed>" in line else line
            if "/ld.so." in text or re.search(r"\.so[.\d]*\"", text):
                return True
    return False


@dataclass(frozen=True)
class Point:
    """The `number`th call of `step` in an operation, of the thread that comes to it first."""

    operation: str
    step: str
    number: int
    fault: str
    # Whether every later call of this kind fails, too.
    lasts: bool = False

    def __str__(self) -> str:
        return f"{self.operation}: {self.fault}{' from' if self.lasts else ' at'} {self.step} {self.number}"

    @property
    def options(self) -> list:
        kind = "signal=SIGKILL" if self.fault == "SIGKILL" else f"error={self.fault}"
        # A call that is interrupted for ever never returns: every second one is.
        later = "" if not self.lasts else "+2" if self.fault == "EINTR" else "+"
        return ["-e", f"trace={self.step}", "-e", f"inject={self.step}:{kind}:when={self.number}{later}"]


@dataclass
class Trial:
    """What came of one point."""

    is_hit: bool = False
    lost: list = field(default_factory=list)
    problems: list = field(default_factory=list)
    # How the recording ended, where there is one.
    reason: str = ""
    # Whether the next lesson had to wait for a new lenscapd.
    needed_restart: bool = False


class Operation:
    """One thing that a box does, in a process that can be traced."""

    def __init__(self, name: str, spool: str, tracing: str, act):
        self.name = name
        # The spool that it begins with.
        self.spool = spool
        # `disk` (the thread of lenscapd), `lenscapd` (from its start), `recorder` or `uploader`.
        self.tracing = tracing
        self.act = act


# A lesson with a whole segment and a last one.
LESSON = 2.3
STRETCH = 1_000_000_000


def _lesson(box: Box, _) -> None:
    box.lesson(LESSON)


def _cut(box: Box, _) -> None:
    box.order(box.kept, 0, STRETCH)


def _delete(box: Box, _) -> None:
    box.order(box.kept)


def _upload(box: Box, wrapper: list) -> None:
    box.upload(wrapper)


def _remove(box: Box, _) -> None:
    box.upload()
    deadline = time.monotonic() + 5
    while any(box.spool.iterdir()) and box.is_alive() and time.monotonic() < deadline:
        time.sleep(0.01)


def _recover(box: Box, wrapper: list) -> None:
    box.start_authority(wrapper, wait=False)
    deadline = time.monotonic() + 20
    while box.is_alive() and not box.is_ready():
        if time.monotonic() > deadline:
            # Where every write fails, lenscapd cannot wake its own threads either.
            box.end_authority(signal.SIGKILL)
    time.sleep(0.05)


OPERATIONS = {operation.name: operation for operation in (
    Operation("record and seal", "empty", "recorder", _lesson),
    Operation("leaves and checkpoints", "empty", "disk", _lesson),
    Operation("recover", "open", "lenscapd", _recover),
    Operation("cut", "ended", "disk", _cut),
    Operation("delete", "ended", "disk", _delete),
    Operation("acknowledge", "ended", "uploader", _upload),
    Operation("remove", "ended", "disk", _remove),
)}


class Sweep:
    """`programs` is a folder that `wrapped` has made."""

    def __init__(self, programs: Path, progress=lambda text: None):
        self.programs = programs
        self.progress = progress

    def new_box(self) -> Box:
        box = Box(self.programs)
        try:
            (box.root / "empty").mkdir()
            box.kept = box.lesson(LESSON)
            box.keep("ended")
            box.start()
            time.sleep(LESSON)
            box.end_authority(signal.SIGKILL)
            shutil.rmtree(box.spool / box.kept)
            self._wound(box)
            box.keep("open")
            return box
        except BaseException:
            box.close()
            raise

    @staticmethod
    def _wound(box: Box) -> None:
        """What else a power cut leaves: half a line, a file half written, a checkpoint half written."""
        folder = next(entry for entry in box.spool.iterdir() if entry.is_dir())
        with open(folder / "log", "ab") as log:
            log.write(b'{"bytes":17,"dur')
        (folder / ".000009.m4s.age.part").write_bytes(b"age-encryption.org/v1\n")
        (folder / ".checkpoint.part").write_bytes(b"lenscap/")

    # What there is to fail

    def points(self, operations: list) -> list:
        """Counts the calls of each operation once, without a fault."""
        box = self.new_box()
        try:
            return [point for operation in operations for point in self._counted(box, operation)]
        finally:
            box.close()

    def _counted(self, box: Box, operation: Operation) -> list:
        log = box.root / "dry.trace"
        self._run(box, operation, ["-y", "-o", str(log), "-e", f"trace={STEPS}"])
        found = {}
        seen = Counter()
        for line in log.read_text(errors="replace").splitlines():
            match = _LINE.match(line)
            if not match:
                continue
            caller, step, rest = match.groups()
            seen[caller, step] += 1
            if step in ("sendto", "sendmsg") or f"{box.root}/var" in rest or f"{box.root}/account" in rest:
                is_reading = step == "openat" and "O_WRONLY" not in rest and "O_RDWR" not in rest
                found[step, seen[caller, step]] = READING if is_reading else ERRORS[step]
        if not found:
            raise Failure(f"{operation.name} makes no call: is tracing allowed here?")
        return [Point(operation.name, step, number, fault, lasts)
                for (step, number), errors in found.items() for fault in ("SIGKILL", *errors)
                for lasts in ((False,) if fault == "SIGKILL" else (False, True))]

    # Failing

    def walk(self, points: list, workers: int, told, seconds: float = float("inf")) -> None:
        """Tries each point; `told(point, trial)` is called from the workers, one at a time.

        After `seconds` no other point is begun.
        """
        rest = list(reversed(points))
        lock = threading.Lock()
        deadline = time.monotonic() + seconds

        def work() -> None:
            box = None
            while True:
                with lock:
                    if not rest or time.monotonic() > deadline:
                        break
                    point = rest.pop()
                trial = Trial()
                try:
                    box = box or self.new_box()
                    self._try(box, point, trial)
                except (Failure, Refused, OSError, subprocess.TimeoutExpired) as error:
                    where = traceback.extract_tb(error.__traceback__)
                    at = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(where))
                    said = box.said().strip() if box else ""
                    trial.problems.append(f"{type(error).__name__}: {error}; in {at}; lenscapd said: {said}")
                if trial.problems and box:
                    box.close()
                    box = None
                with lock:
                    told(point, trial)
                    self.progress(f"{len(points) - len(rest)} of {len(points)}")
            if box:
                box.close()

        threads = [threading.Thread(target=work) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _try(self, box: Box, point: Point, trial: Trial) -> None:
        operation = OPERATIONS[point.operation]
        log = box.root / "fault.trace"
        log.unlink(missing_ok=True)
        # The one that is open; and the one whose line the disk refused for good, or whose line lenscapd was
        # killed at, if the recorder closes its segment before it finds out.
        is_line_cut = point.fault == "SIGKILL" and operation.tracing == "disk"
        box.checker.open_segments = 2 if point.lasts or is_line_cut else 1
        self._run(box, operation, ["-y", "-o", str(log), *point.options])
        said = log.read_text(errors="replace") if log.exists() else ""
        trial.is_hit = "killed by SIGKILL" in said if point.fault == "SIGKILL" else "INJECTED" in said
        before = box.checker.look()
        for recording in before.values():
            trial.problems += [f"left: {recording.name}: {text}" for text in recording.problems]
        ours = set(before)
        if box.is_alive() and operation.tracing != "uploader":
            trial.needed_restart = not self._records(box, before, trial)
        box.end_authority()
        box.start_authority()
        box.lesson(0.1)
        self._judge(box, before, trial)
        if operation.tracing == "uploader":
            self._deliver(box, trial)
        self._judge_purpose(box, point, trial)
        looked = box.checker.look()
        trial.reason = next((looked[name].end["reason"] for name in sorted(ours & set(looked))
                             if looked[name].end), "")
        if (point.fault == "EINTR" and operation.act is _lesson and trial.reason != "stopped"
                and not _is_loading(said)):
            trial.problems.append(f"an interrupted call ended the lesson: {trial.reason or 'it is gone'}")

    def _records(self, box: Box, before: dict, trial: Trial) -> bool:
        """Whether the same lenscapd records a lesson, now that the disk works again."""
        try:
            box.lesson(0.1)
        except (Refused, OSError):
            return False
        self._judge(box, before, trial, is_started=False)
        return True

    @staticmethod
    def _judge(box: Box, before: dict, trial: Trial, is_started: bool = True) -> None:
        trial.lost += box.checker.lost(before)
        trial.problems += [text for text in box.checker.settled(is_started) if text not in trial.problems]

    @staticmethod
    def _deliver(box: Box, trial: Trial) -> None:
        if box.upload() != 0:
            trial.problems.append("the recording is not delivered when the disk works again")
        box.wait_for("the removal of what was delivered", lambda: not any(box.spool.iterdir()))

    @staticmethod
    def _judge_purpose(box: Box, point: Point, trial: Trial) -> None:
        """What an account holds in the end is a whole recording."""
        if point.operation in ("acknowledge", "remove"):
            trial.problems += box.checker.delivered(box.kept)

    def _run(self, box: Box, operation: Operation, options: list) -> None:
        """Lets the operation run below strace, as far as the processes live."""
        box.end_authority()
        box.lay_out(operation.spool)
        if operation.tracing != "lenscapd":
            box.start_authority()
        tracer = None
        wrapper = ["strace", "-D", "-f", "-qq", "-b", "execve", *options]
        if operation.tracing == "recorder":
            box.write(OPTIONS, " ".join(options))
        elif operation.tracing == "disk":
            tracer = attach(box, options)
        try:
            operation.act(box, wrapper)
        except (Refused, OSError):
            pass
        finally:
            (box.root / OPTIONS).unlink(missing_ok=True)
            if tracer:
                detach(tracer)
        if operation.tracing == "lenscapd":
            box.end_authority(signal.SIGKILL)
        elif box.is_alive():
            self._wait_quiet(box)

    @staticmethod
    def _wait_quiet(box: Box) -> None:
        try:
            box.wait_idle()
        except OSError:
            # It is dying; then it has no session either.
            try:
                box.authority.wait(5)
            except subprocess.TimeoutExpired:
                raise Failure("lenscapd neither answers nor ends") from None


def attach(box: Box, options: list) -> subprocess.Popen:
    """Traces the one thread of lenscapd that touches the disk."""
    task = thread(box.authority.pid, "disk")
    if not task:
        raise Failure("lenscapd has no thread for the disk")
    return trace(task, *options)


def detach(tracer: subprocess.Popen) -> None:
    tracer.terminate()
    try:
        tracer.wait(10)
    except subprocess.TimeoutExpired:
        tracer.kill()
        tracer.wait()
