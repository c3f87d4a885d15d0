"""The guest's Debian 12 root: built once with mmdebstrap, cached outside the clone, never changed afterwards."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from .host import Failure, cache_directory, call, progress, tail

SUITE = "bookworm"
DISK_SIZE = "4G"
UNUSED_DAYS = 14

PACKAGES = [
    # The system itself.
    "systemd", "systemd-sysv", "udev", "kmod", "dbus", "linux-image-amd64", "initramfs-tools",
    # What the programs are linked with.
    "libasound2", "libavcodec59", "libavformat59", "libavutil57", "libcurl4", "libjpeg62-turbo", "libssl3",
    "libswresample4", "libswscale6", "libturbojpeg0", "libv4l-0", "libyuv0",
    # What the scenarios use.
    "age", "alsa-utils", "dmsetup", "gpiod", "iproute2", "procps", "psmisc", "python3", "strace", "v4l-utils",
]

# MODULES=list keeps the initrd to what mounts the root disk: unpacking a full one costs several
# seconds under emulation.
INITRD_MODULES = ["virtio_pci", "virtio_blk", "ext4"]

BAKED = Path(__file__).resolve().parent.parent / "guest" / "baked"


@dataclass(frozen=True)
class Image:
    """The files a guest boots from; read-only for everyone."""

    folder: Path

    @property
    def disk(self) -> Path:
        return self.folder / "disk.img"

    @property
    def kernel(self) -> Path:
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        return self.folder / "initrd.img"


def recipe_hash() -> str:
    """A hash over everything that decides what is in the image, so that a changed recipe gets a new one."""
    digest = hashlib.sha256()
    for path in [Path(__file__).resolve(), *sorted(BAKED.iterdir())]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def image(rebuild: bool = False) -> Image:
    """The cached image, built first where there is none.

    It is built in a folder of its own and renamed into place as the last step, so a folder with
    the final name is always complete.
    """
    cache = cache_directory()
    cache.mkdir(parents=True, exist_ok=True)
    final = cache / f"appliance-{recipe_hash()}"
    with _only_builder(cache):
        if rebuild and final.exists():
            shutil.rmtree(final)
        if not final.exists():
            _build(cache, final)
        os.utime(final)
        _forget_unused(cache)
    return Image(final)


def _forget_unused(cache: Path) -> None:
    """Removes images that no run has asked for in a while: every changed recipe leaves one behind."""
    for folder in cache.glob("appliance-*"):
        if folder.is_dir() and time.time() - folder.stat().st_mtime > UNUSED_DAYS * 86400:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _only_builder(cache: Path):
    with open(cache / "appliance.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for another run that is building the guest image")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(cache: Path, final: Path) -> None:
    if os.geteuid() != 0:
        raise Failure("the guest image is not built yet, and building it (mmdebstrap, mkfs with owners kept) "
                      "needs root: run this once as root")
    for stale in cache.glob("appliance-*.partial"):
        shutil.rmtree(stale)
    began = time.monotonic()
    partial = Path(f"{final}.partial")
    partial.mkdir()
    try:
        root = partial / "root"
        _bootstrap(root, partial / "mmdebstrap.log")
        progress("writing the guest's disk")
        call("mkfs.ext4", "-q", "-F", "-L", "appliance", "-E", "lazy_itable_init=1,lazy_journal_init=1",
             "-d", root, partial / "disk.img", DISK_SIZE)
        for name, pattern in (("vmlinuz", "vmlinuz-*"), ("initrd.img", "initrd.img-*")):
            newest = sorted((root / "boot").glob(pattern))[-1]
            shutil.copyfile(newest, partial / name)
        shutil.rmtree(root)
        # The log holds what was installed; the disk must be on disk before its name says so.
        os.sync()
        partial.rename(final)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    progress(f"guest image ready after {time.monotonic() - began:.0f} s: {final}")


def _bootstrap(root: Path, log: Path) -> None:
    progress(f"building a Debian {SUITE} root with mmdebstrap (about two minutes)")
    modules = " ".join(INITRD_MODULES)
    command = [
        "mmdebstrap", "--variant=minbase", f"--include={','.join(PACKAGES)}",
        *(f"--aptopt={line}" for line in _host_apt_options()),
        "--aptopt=Acquire::Languages \"none\"",
        "--dpkgopt=path-exclude=/usr/share/doc/*", "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        "--essential-hook=mkdir -p \"$1\"/etc/initramfs-tools/conf.d \"$1\"/usr/share/initramfs-tools/modules.d",
        "--essential-hook=printf 'MODULES=list\\nCOMPRESS=lz4\\nCOMPRESSLEVEL=1\\n' >\"$1\"/etc/initramfs-tools/conf.d/appliance",
        f"--essential-hook=printf '%s\\n' {modules} >\"$1\"/usr/share/initramfs-tools/modules.d/appliance",
        f"--customize-hook={BAKED}/customize \"$1\"",
        SUITE, str(root), "-",
    ]
    with open(log, "w") as out:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.STDOUT, text=True)
        try:
            process.stdin.write("\n".join(_host_sources()) + "\n")
            process.stdin.close()
            beat = time.monotonic()
            while process.poll() is None:
                time.sleep(0.5)
                if time.monotonic() - beat > 20:
                    beat = time.monotonic()
                    progress(f"  … {tail(log, 1)[:100]}")
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if process.returncode != 0:
        raise Failure(f"mmdebstrap ended with {process.returncode}:\n{tail(log)}")


def _host_sources() -> list[str]:
    """The host's own Debian sources as one-line entries, so that its mirror is the one that is asked."""
    lines = _debian_targets()
    if not lines:
        call("apt-get", "update")
        lines = _debian_targets()
    if not lines:
        raise Failure(f"this machine's apt sources offer no Debian {SUITE}; the guest image is built from them")
    return lines


def _debian_targets() -> list[str]:
    targets = call("apt-get", "indextargets", "--format", "$(ORIGIN)|$(CODENAME)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)",
                   "Created-By: Packages")
    lines = []
    for target in targets.splitlines():
        origin, codename, uri, release, component = target.split("|")
        if origin == "Debian" and codename.startswith(SUITE):
            lines.append(f"deb {uri} {release} {component}")
    return sorted(set(lines))


def _host_apt_options() -> list[str]:
    """The host's proxy and date checks: mmdebstrap reads none of its apt configuration by itself."""
    wanted = ("Acquire::http::Proxy", "Acquire::https::Proxy", "Acquire::Check-Valid-Until", "Acquire::Check-Date")
    options = []
    for line in call("apt-config", "dump").splitlines():
        name, _, value = line.partition(" ")
        if name.startswith(wanted) and value != '"";':
            options.append(f"{name} {value.rstrip(';')}")
    return options
