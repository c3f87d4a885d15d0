"""A lesson whose power is cut at many moments, and a search for its plaintext on every disk.

QEMU logs each write to the box's data disk. The log is replayed to random moments of the lesson, in two ways: as the
disk was, and without some of what was not flushed. Each time the file system is repaired, lenscapd puts the spool in
order, and a checker that shares no code with it judges; `lenscap open --check` opens what there is.
`LENSCAP_CUTS` says how many moments (12).
"""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

from appliance import media
from appliance.host import Failure, call, progress

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "FaultSweep"))

from disk import Disk  # noqa: E402
from hunt import Hunt  # noqa: E402
from faults.box import is_ready  # noqa: E402
from faults.checker import Checker  # noqa: E402

GUEST_CHECKS = 21
TIME_LIMIT = 420
PROGRAMS = ["lenscapd", "lenscap-recorder", "lenscap-uploader", "lenscap"]
TONE = 1000
CUTS = int(os.environ.get("LENSCAP_CUTS", "12"))
DISK_BYTES = 256 << 20
UNSIGNED = " is foreign: the box did not sign for it"


def prepare(stage):
    media.write_tone(stage.incoming / "tone.raw", TONE)


def drive(stage):
    data, log = stage.folder / "data.img", stage.folder / "data.log"
    with open(data, "wb") as file:
        file.truncate(DISK_BYTES)
    call("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", data)
    shutil.copy(data, stage.folder / "before.img")
    log.touch()
    stage.guest.start(disk_cache="writethrough", devices=[
        "-blockdev", f"driver=file,filename={data},node-name=data-file",
        "-blockdev", f"driver=file,filename={log},node-name=log-file",
        "-blockdev", "driver=blklogwrites,file=data-file,log=log-file,node-name=data",
        "-device", "virtio-blk-pci,drive=data,serial=lenscap-data,addr=0x1d"])
    stage.guest.wait_until_booted()
    stage.guest.wait_for("recording", TIME_LIMIT)
    stage.began = log.stat().st_size
    stage.guest.wait_for("ended", TIME_LIMIT)
    stage.ended = log.stat().st_size
    return stage.guest.wait(TIME_LIMIT)


def check(stage, verdict):
    disk = verdict.attempt("the log of the data disk's writes can be read",
                           lambda: Disk(stage.folder / "before.img", stage.folder / "data.log"))
    if not disk:
        return
    first, last = disk.entry_at(stage.began), disk.entry_at(stage.ended)
    verdict.that("the lesson wrote to the disk", last - first > 100, f"{last - first} writes and flushes")
    cuts = Cuts(stage, disk)
    for number in sorted(random.SystemRandom().sample(range(first, last + 1), min(CUTS, last - first))):
        for is_torn in (False, True):
            cuts.cut(number, is_torn)
    for problem in cuts.problems:
        verdict.that(problem, False)
    verdict.that(f"after {cuts.count} power cuts every promise holds and every recording opens",
                 cuts.count >= 2 * min(CUTS, 10) and not cuts.problems,
                 f"{cuts.segments} committed segments, {cuts.lost} lost; {cuts.interrupted} interrupted lessons")
    _hunt(stage, disk, cuts, verdict)


class Cuts:
    def __init__(self, stage, disk):
        self.stage = stage
        self.disk = disk
        self.count = self.segments = self.lost = self.interrupted = 0
        self.problems = []

    def root(self, name):
        """A box's folder with the state of the data disk as its own."""
        root = self.stage.folder / name
        shutil.rmtree(root, ignore_errors=True)
        (root / "var/lib").mkdir(parents=True)
        shutil.copytree(self.stage.outgoing / "etc", root / "etc/lenscap")
        shutil.copytree(self.stage.outgoing / "teacher", root / "teacher")
        shutil.copy(self.stage.outgoing / "box.jwk", root / "box.jwk")
        return root

    def cut(self, number, is_torn):
        what = f"power cut at write {number}{', torn' if is_torn else ''}"
        root = self.root("cut")
        # What is safe whatever the disk does with the rest.
        self.disk.extract(self.disk.flushed(number), root / "var/lib/lenscap")
        checker = Checker(root, root / "box.jwk", root / "teacher/identity.txt")
        before = checker.look()
        shutil.rmtree(root / "var/lib/lenscap")
        self.disk.extract(self.disk.state(number, is_torn), root / "var/lib/lenscap")
        found = [f"{name}: {text}" for name, recording in checker.look().items() for text in recording.problems]
        self.recover(root)
        lost = checker.lost(before)
        found += [f"LOST {name}" for name in lost] + checker.settled()
        for name, recording in checker.look().items():
            self.segments += len(recording.segments)
            self.interrupted += recording.end is not None and recording.end["reason"] == "interrupted"
            found += self.open(root, name)
        self.count += 1
        self.lost += len(lost)
        self.problems += [f"{what}: {text}" for text in found]
        progress(f"{what}: {len(found)} problems")

    def recover(self, root):
        program = self.stage.programs / "lenscapd"
        with open(root / "lenscapd.output", "w") as output:
            process = subprocess.Popen([program, "--root", root], stdin=subprocess.DEVNULL, stdout=output,
                                       stderr=output)
        try:
            deadline = time.monotonic() + 60
            while not is_ready(str(root / "run/lenscap/teacher.sock")):
                if time.monotonic() > deadline or process.poll() is not None:
                    raise Failure(f"lenscapd does not recover: {(root / 'lenscapd.output').read_text()}")
        finally:
            process.terminate()
            process.wait(60)

    def open(self, root, name):
        spooled = root / "var/lib/lenscap/spool" / name
        done = subprocess.run([self.stage.programs / "lenscap", "open", spooled, "--check", "--root", root],
                              capture_output=True, text=True, check=False)
        problems = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("problem ")]
        # Sealed and durable, but the power went before its leaf was: the checker has seen that there is no other.
        if done.returncode == 0 or len(problems) == 1 and problems[0].endswith(UNSIGNED):
            return []
        return [f"{name}: lenscap open: {done.stdout}{done.stderr}"]


def _hunt(stage, disk, cuts, verdict):
    """Nothing of a lesson is on a disk but sealed."""
    root = cuts.root("plain")
    disk.extract(disk.state(len(disk), False), root / "var/lib/lenscap")
    hunt = Hunt(stage.folder)
    identity = root / "teacher/identity.txt"
    opened = 0
    for sealed in sorted((root / "var/lib/lenscap/spool").glob("*/*.age")):
        plaintext = subprocess.run(["age", "-d", "-i", identity, sealed], capture_output=True, check=True).stdout
        if sealed.name == "receipt.json.age":
            hunt.know_phrase("the purpose's salt", json.loads(plaintext)["details"]["salt"].encode())
        elif sealed.name != "summary.json.age":
            hunt.know(sealed.name, plaintext)
        opened += 1
    hunt.know("picture of the camera", (stage.outgoing / "picture.raw").read_bytes())
    hunt.know("sound of the microphone", (stage.incoming / "tone.raw").read_bytes()[:1 << 20])
    hunt.know_phrase("the purpose", b'"purpose":"reflection"')
    verdict.that("there are lessons to search for", opened > 10, f"{opened} files, {hunt.count} pieces of plaintext")
    planted = stage.folder / "planted"
    verdict.that("the hunt finds what is planted, plain and in base64", hunt.finds_planted(planted))
    for title, file in (("the raw data disk", stage.folder / "data.img"),
                        ("any write to it, overwritten ones too", stage.folder / "data.log"),
                        ("the root disk with swap, cores and journal", stage.guest.folder / "disk.qcow2"),
                        ("the journal", stage.outgoing / "journal.txt")):
        found = hunt.search(file)
        verdict.that(f"{title} holds no unencrypted frame, sample or purpose", not found, "; ".join(found[:3]))
