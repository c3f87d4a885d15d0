"""The machine that runs the tests: its tools, its cache, and what the user reads."""

import os
import shutil
import subprocess
import time
from pathlib import Path

# Command -> the Debian package that brings it.
TOOLS = {
    "mmdebstrap": "mmdebstrap",
    "mkfs.ext4": "e2fsprogs",
    "qemu-img": "qemu-utils",
    "qemu-system-x86_64": "qemu-system-x86",
    "ffmpeg": "ffmpeg",
    "ffprobe": "ffmpeg",
    "age": "age",
    "gcc": "gcc",
}

_started = time.monotonic()


class Failure(Exception):
    """Something outside the tests themselves went wrong; its text is for the person at the terminal."""


def progress(text: str) -> None:
    print(f"[{time.monotonic() - _started:6.1f} s] {text}", flush=True)


def cache_directory() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "lenscap"


def call(*command: str | Path, **options) -> str:
    """Runs a command to its end and returns its output; a failure carries what it said."""
    done = subprocess.run([str(part) for part in command], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip()
        raise Failure(f"{command[0]} ended with {done.returncode}: {tail_of(said)}")
    return done.stdout


def tail_of(text: str, lines: int = 25) -> str:
    return "\n".join(text.splitlines()[-lines:])


def tail(path: Path, lines: int = 25) -> str:
    """The last lines of a log, or a word that it is missing: used where something has already failed."""
    try:
        return tail_of(path.read_text(errors="replace"), lines)
    except OSError:
        return "(nothing was written)"


def require_tools() -> None:
    """Installs the Debian packages of missing tools, or says which ones to install."""
    # mkfs lives in /usr/sbin, which an ordinary user's PATH leaves out.
    os.environ["PATH"] = os.environ.get("PATH", "/usr/bin:/bin") + ":/usr/sbin:/sbin"
    missing = sorted({package for tool, package in TOOLS.items() if not shutil.which(tool)})
    if not missing:
        return
    names = " ".join(missing)
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise Failure(f"these Debian packages are missing; install them and run again: apt-get install {names}")
    progress(f"installing {names}")
    environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive")
    install = ["apt-get", "install", "--yes", "--no-install-recommends", *missing]
    try:
        call(*install, env=environment)
    except Failure:
        # The package lists of a fresh machine are empty or old.
        call("apt-get", "update", env=environment)
        call(*install, env=environment)
