"""What durability costs: syncs and bytes of a lesson, recovery of a full spool, opening against age."""

import base64
import hashlib
import json
import os
import re
import resource
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_TESTS = Path(__file__).resolve().parents[2]
sys.path.append(str(_TESTS / "FaultSweep"))

from faults.box import OPTIONS, Box, wrapped  # noqa: E402
from faults.sweep import attach, detach  # noqa: E402
from verify_log import tree_hash  # noqa: E402

CONFIGURATION = """\
[encoder]
preset = "ultrafast"
bitrate = 2_000_000

[source.front]
device = "test:"
width = 640
height = 480
frame-rate = 15

[source.desk]
device = "test:"

[spool]
reserve = 1_000_000
"""
LESSON = 30
RECORDINGS = 1000
SEGMENTS = 200
SEGMENT_BYTES = 1 << 20
_CALL = re.compile(r"(fsync|fdatasync|write|pwrite64)\(\d+<([^>]*)>.*\) += (\d+)")


def new_box(programs, folder):
    return Box(wrapped(Path(programs).resolve(), Path(folder)), CONFIGURATION)


def writes(settings, table):
    """Syncs a minute of lesson, and bytes written for each byte of plaintext."""
    with tempfile.TemporaryDirectory() as folder:
        box = new_box(settings.workplace.programs, folder)
        try:
            logs = [box.root / "recorder.trace", box.root / "disk.trace"]
            options = ["-y", "-e", "trace=fsync,fdatasync,write,pwrite64"]
            box.write(OPTIONS, " ".join([*options, "-o", str(logs[0])]))
            tracer = attach(box, [*options, "-o", str(logs[1])])
            recording = box.lesson(LESSON)
            detach(tracer)
            calls = [match.groups() for log in logs for match in _CALL.finditer(log.read_text())
                     if f"{box.root}/var" in match[2]]
            plain = sum(len(subprocess.run(["age", "-d", "-i", box.root / "identity.txt", file], check=True,
                                           capture_output=True).stdout)
                        for file in (box.spool / recording).glob("*.age"))
            leaves = [json.loads(line) for line in (box.spool / recording / "log").read_text().splitlines()]
            minutes = sum(leaf["duration"] for leaf in leaves if leaf["type"] == "seg") / 60e9
            syncs = sum("sync" in call for call, _, _ in calls)
            written = sum(int(count) for call, _, count in calls if "write" in call)
            table.add("spool: syncs a minute of lesson", syncs / minutes, 210)
            table.add("spool: bytes written over plaintext", written / plain, 1.05,
                      note=f"{plain / 1e6 / minutes:.1f} MB of plaintext a minute")
        finally:
            box.close()


def note(origin, lines, key):
    """A signed note over a log, by the key in a PEM file."""
    der = subprocess.run(["openssl", "pkey", "-in", key, "-pubout", "-outform", "DER"], check=True,
                         capture_output=True).stdout
    identifier = hashlib.sha256(origin.encode() + b"\n\x01" + der[-32:]).digest()[:4]
    text = f"{origin}\n{len(lines)}\n{base64.b64encode(tree_hash(lines)).decode()}\n".encode()
    with tempfile.NamedTemporaryFile() as file:
        file.write(text)
        file.flush()
        signature = subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", file.name],
                                   check=True, capture_output=True).stdout
    return text + f"\n\u2014 {origin} {base64.b64encode(identifier + signature).decode()}\n".encode()


def origin(box, recording):
    return f"lenscap/{box.checker.box}/recording/{recording}"


def recovery(settings, table):
    """From the start of lenscapd to its first answer, with many recordings in the spool."""
    with tempfile.TemporaryDirectory() as folder:
        box = new_box(settings.workplace.programs, folder)
        try:
            recording = box.lesson(4)
            box.end_authority()
            model = box.root / "model"
            shutil.move(box.spool / recording, model)
            for title, kept, target in (("that wait", None, 5), ("that a crash left open", -1, 60)):
                lines = (model / "log").read_bytes().splitlines()[:kept]
                for _ in range(RECORDINGS):
                    made = box.spool / secrets.token_hex(16)
                    shutil.copytree(model, made, copy_function=os.link)
                    for name, content in (("log", b"".join(line + b"\n" for line in lines)),
                                          ("checkpoint", note(origin(box, made.name), lines,
                                                              box.root / "var/lib/lenscap/key/box.pem"))):
                        (made / name).unlink()
                        (made / name).write_bytes(content)
                os.sync()
                began = time.monotonic()
                box.start_authority()
                table.add(f"recovery: {RECORDINGS} recordings {title}", time.monotonic() - began, target, " s")
                box.end_authority()
                box.clear()
        finally:
            box.close()


def opening(settings, table):
    """Processor time and rate of `lenscap open` over `age -d` of the same files."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory(dir="/dev/shm") as shared:
        box = new_box(settings.workplace.programs, folder)
        try:
            recording = box.lesson(2.3)
            box.end_authority()
            made = Path(shared, recording)
            shutil.move(box.spool / recording, made)
            lines = _lengthen(box, made)
            (made / "log").write_bytes(b"".join(line + b"\n" for line in lines))
            (made / "checkpoint").write_bytes(note(origin(box, recording), lines,
                                                   box.root / "var/lib/lenscap/key/box.pem"))
            ours, theirs, rates = [], [], []
            identity = box.root / "identity.txt"
            for _ in range(settings.runs):
                began = time.monotonic()
                ours.append(_processor(lambda: subprocess.run(
                    [box.programs / "lenscap", "open", made, "-o", Path(shared, "lesson.mp4"), "--identity", identity,
                     "--root", box.root], capture_output=True, check=True)))
                rates.append(SEGMENTS * SEGMENT_BYTES / 1e6 / (time.monotonic() - began))
                theirs.append(_processor(lambda: [subprocess.run(
                    ["age", "-d", "-i", identity, "-o", Path(shared, "plain"), made / f"{number:06d}.m4s.age"],
                    check=True) for number in range(1, SEGMENTS + 1)]))
            ratio = statistics.median(our / their for our, their in zip(ours, theirs))
            table.add("open: processor time over age -d", ratio, 1,
                      note=f"{statistics.median(rates):.0f} MB/s with writing, {SEGMENTS} files of 1 MiB")
        finally:
            box.close()


def _lengthen(box, made):
    """Puts many large segments in the place of the lesson's own; the log's lines."""
    lines = [line for line in (made / "log").read_bytes().splitlines() if json.loads(line)["type"] in ("begin", "run")]
    for file in made.glob("*.m4s.age"):
        file.unlink()
    (made / "summary.json.age").unlink()
    first = made / "000001.m4s.age"
    subprocess.run(["age", "-r", box.teacher.recipient, "-o", first], input=os.urandom(SEGMENT_BYTES), check=True)
    content = first.read_bytes()
    sha256 = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
    for number in range(1, SEGMENTS + 1):
        name = f"{number:06d}.m4s.age"
        (made / name).write_bytes(content)
        lines.append(_canonical({"type": "seg", "name": name, "bytes": len(content), "sha256": sha256,
                                 "start": (number - 1) * 2_000_000_000, "duration": 2_000_000_000}))
    lines.append(_canonical({"type": "end", "reason": "stopped", "segments": SEGMENTS, "time": 1}))
    return lines


def _canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _processor(body):
    """Seconds of processor time of the processes that it runs."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    body()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


ALL = {"writes": writes, "recovery": recovery, "opening": opening}
