"""One QEMU guest: boots the image on a throw-away overlay, shares two folders, and ends within a hard limit."""

import os
import shutil
import subprocess
import time
from pathlib import Path

from .host import Failure, call, progress, tail
from .image import Image

MEMORY = "2G"
PROBE_LIMIT = 40
# Generous because emulation shares the machine with whatever else runs on it; a boot takes 15 s on an idle one.
BOOT_LIMIT = 240


class Guest:
    """A guest and what it leaves behind. `start → wait (or cut) → close`; safe to close at any time.

    The folder gets `disk.qcow2` (kept over several boots of one guest), `serial.log`, `qemu.log` and
    the two shared folders: `in`, which the guest can only read, and `out`, which it writes.
    """

    def __init__(self, image: Image, folder: Path, patience: float = 1):
        self.image = image
        self.folder = folder
        self.patience = patience
        self.incoming = folder / "in"
        self.outgoing = folder / "out"
        self.incoming.mkdir(parents=True, exist_ok=True)
        self.outgoing.mkdir(parents=True, exist_ok=True)
        self._boots = 0
        self._process: subprocess.Popen | None = None
        self._qemu_log = None

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def serial(self) -> Path:
        return self.folder / f"serial-{self._boots}.log"

    @property
    def control_socket(self) -> Path:
        """QEMU's machine protocol (QMP), for scenarios that pull a cable or press a key."""
        return self.folder / "qmp"

    def start(self, kernel_arguments: str = "", disk_cache: str = "unsafe", devices: list[str] | None = None) -> None:
        """Boots. `devices` are further QEMU arguments; `disk_cache` matters to scenarios that cut the power."""
        disk = self.folder / "disk.qcow2"
        if not disk.exists():
            call("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", self.image.disk, disk)
        self._boots += 1
        for old in ("booted", "exit-status"):
            (self.outgoing / old).unlink(missing_ok=True)
        command = [
            *_machine(accelerator(self.image)),
            "-kernel", str(self.image.kernel), "-initrd", str(self.image.initrd),
            "-append", f"{KERNEL_ARGUMENTS} appliance.boot={self._boots} {kernel_arguments}".strip(),
            "-drive", f"file={disk},format=qcow2,if=virtio,cache={disk_cache}",
            "-virtfs", f"local,path={self.incoming},mount_tag=in,security_model=none,readonly=on,id=in",
            "-virtfs", f"local,path={self.outgoing},mount_tag=out,security_model=none,id=out",
            "-serial", f"file:{self.serial}",
            "-qmp", f"unix:{self.control_socket},server=on,wait=off",
            *(devices or []),
        ]
        self._qemu_log = open(self.folder / "qemu.log", "a")
        # A run that is killed takes its guests along.
        self._process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command], stdin=subprocess.DEVNULL,
                                         stdout=self._qemu_log, stderr=subprocess.STDOUT, start_new_session=True)
        _prefer(self._process.pid)
        self._began = time.monotonic()

    def wait_until_booted(self) -> None:
        """Returns when the scenario has begun inside the guest."""
        limit = BOOT_LIMIT * self.patience
        while not (self.outgoing / "booted").exists():
            self._expect_running("before its scenario began")
            self._expect_within(limit, "to boot")
            time.sleep(0.2)
        progress(f"{self.name}: up after {time.monotonic() - self._began:.0f} s")

    def wait_for(self, file: str, limit: float) -> None:
        """Returns when the guest has written `out/<file>`: the way a scenario says that it is ready for the host."""
        began = time.monotonic()
        while not (self.outgoing / file).exists():
            self._expect_running(f"before it wrote {file}")
            if time.monotonic() - began > limit * self.patience:
                raise Failure(self._report(f"did not write {file} within {limit * self.patience:.0f} s"))
            time.sleep(0.1)

    def wait(self, limit: float) -> int:
        """Waits for the power-off and returns the scenario's exit status."""
        beat = time.monotonic()
        while self._process.poll() is None:
            self._expect_within((BOOT_LIMIT + limit) * self.patience, "to finish")
            if time.monotonic() - beat > 20:
                beat = time.monotonic()
                progress(f"  … {tail(self.outgoing / 'scenario.log', 1)[:100]}")
            time.sleep(0.2)
        if self._process.returncode != 0:
            raise Failure(self._report(f"QEMU ended with {self._process.returncode}"))
        try:
            status = int((self.outgoing / "exit-status").read_text())
        except (OSError, ValueError):
            raise Failure(self._report("powered off without an exit status: it crashed or shut down early")) from None
        progress(f"{self.name}: powered off after {time.monotonic() - self._began:.0f} s")
        return status

    def cut_power(self) -> None:
        """Ends the guest as a pulled plug would: nothing inside it gets to run."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._qemu_log:
            self._qemu_log.close()
        (self.folder / "disk.qcow2").unlink(missing_ok=True)

    def _expect_running(self, when: str) -> None:
        if self._process.poll() is not None:
            raise Failure(self._report(f"ended with {self._process.returncode} {when}"))

    def _expect_within(self, limit: float, what: str) -> None:
        if time.monotonic() - self._began > limit:
            self.cut_power()
            raise Failure(self._report(f"took longer than {limit:.0f} s {what} and was ended"))

    def _report(self, sentence: str) -> str:
        parts = [f"guest {self.name} {sentence}"]
        for title, path in (("QEMU", self.folder / "qemu.log"), ("serial console", self.serial),
                            ("journal", self.outgoing / "journal.txt"), ("scenario", self.outgoing / "scenario.log")):
            parts.append(f"--- end of its {title} log ({path}):\n{tail(path, 40)}")
        return "\n".join(parts)


KERNEL_ARGUMENTS = ("root=/dev/vda rw console=ttyS0 panic=-1 oops=panic quiet loglevel=4 "
                    "systemd.show_status=auto net.ifnames=0")


def _machine(accelerator: str) -> list[str]:
    processor = ["-accel", "kvm", "-cpu", "host"] if accelerator == "kvm" else \
        ["-accel", "tcg,thread=multi", "-cpu", "max"]
    return ["qemu-system-x86_64", "-machine", "pc", *processor, "-smp", "2", "-m", MEMORY,
            "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-device", "virtio-rng-pci"]


def _prefer(process: int) -> None:
    """Puts a guest ahead of what else runs here, as far as this user may.

    Its devices run in real time: beside a compiler, an emulated camera falls behind its own rate.
    Where the scheduler groups processes by session, the nice value of the group is the one that counts.
    """
    try:
        os.setpriority(os.PRIO_PROCESS, process, -10)
        Path(f"/proc/{process}/autogroup").write_text("-10")
    except OSError:
        pass


def accelerator(image: Image) -> str:
    """`kvm` or `tcg`: LENSCAP_APPLIANCE_ACCEL when set, else what a probe boot found since this host started.

    The probe is needed because some hosts offer /dev/kvm and then hang in the guest's kernel.
    """
    wanted = os.environ.get("LENSCAP_APPLIANCE_ACCEL", "")
    if wanted in ("kvm", "tcg"):
        return wanted
    if wanted:
        raise Failure(f"LENSCAP_APPLIANCE_ACCEL is {wanted!r}; it can be kvm or tcg")
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    found = image.folder / "accelerator"
    if found.exists() and found.read_text().split()[:1] == [boot]:
        return found.read_text().split()[1]
    progress(f"trying whether KVM boots a guest here (at most {PROBE_LIMIT} s, once)")
    result = "kvm" if _kvm_boots(image) else "tcg"
    progress(f"guests will run under {result}")
    fresh = image.folder / f"accelerator.{os.getpid()}"
    fresh.write_text(f"{boot} {result}\n")
    fresh.replace(found)
    return result


def _kvm_boots(image: Image) -> bool:
    # A program that is no init ends at once and the kernel panics: the shortest boot that went all the way.
    command = [*_machine("kvm"), "-kernel", str(image.kernel), "-initrd", str(image.initrd),
               "-append", "root=/dev/vda ro console=ttyS0 panic=-1 init=/bin/true",
               "-drive", f"file={image.disk},format=raw,if=virtio,snapshot=on", "-serial", "stdio"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=PROBE_LIMIT)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0 and b"Attempted to kill init" in done.stdout


def copy_into(source: Path, target: Path) -> None:
    """Copies a file or a folder into a shared folder."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copy2(source, target)
