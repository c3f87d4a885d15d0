"""The virtual USB camera and microphone: built from its C sources with this machine's compiler, cached by their hash."""

import hashlib
import os
from pathlib import Path

from .host import cache_directory, call, progress

SOURCES = Path(__file__).resolve().parent.parent / "usb"
# Static, because the guest's libraries are not this machine's.
COMPILE = ["gcc", "-std=gnu17", "-O2", "-static", "-Wall", "-Wextra", "-Werror"]


def virtual_usb() -> Path:
    """The program, compiled first where these sources were not yet."""
    sources = sorted(SOURCES.glob("*.[ch]"))
    digest = hashlib.sha256(" ".join(COMPILE).encode())
    for source in sources:
        digest.update(source.name.encode() + b"\0" + source.read_bytes() + b"\0")
    program = cache_directory() / f"virtual-usb-{digest.hexdigest()[:16]}"
    if not program.exists():
        progress("compiling the virtual USB device")
        cache_directory().mkdir(parents=True, exist_ok=True)
        fresh = program.with_name(f"{program.name}.{os.getpid()}")
        call(*COMPILE, "-o", fresh, *(source for source in sources if source.suffix == ".c"), "-lm")
        for stale in cache_directory().glob("virtual-usb-" + "[0-9a-f]" * 16):
            stale.unlink()
        fresh.rename(program)
    return program
