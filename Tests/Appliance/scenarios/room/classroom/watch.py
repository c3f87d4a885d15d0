"""Watches every camera and sound node of the guest, the lamp and the USB gate with one inotify descriptor.

Their order is the kernel's. Nodes come and go with their devices, so it is their folders that are watched.
"""

import ctypes
import os
import select
import struct
import threading
import time
from pathlib import Path

from trials import order
from trials.watch import IN_CLOSE, IN_IGNORED, IN_MODIFY, IN_OPEN, IN_Q_OVERFLOW, is_on

LAMP = "lamp"
NODES = ("video", "media", "pcmC", "controlC")

_libc = ctypes.CDLL(None, use_errno=True)
_HEAD = struct.Struct("iIII")


def has_open_files(process: int) -> bool:
    """False from the moment at which the kernel has closed all that the process had open."""
    try:
        return bool(os.listdir(f"/proc/{process}/fd"))
    except OSError:
        return False


class Watch:
    """Collects events on a thread of its own; thread-safe. Nodes go by their names, switches by those given here."""

    def __init__(self, brightness: Path):
        self._descriptor = _libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        self._changed = threading.Condition()
        self._folders = set()
        self._switches = {}
        self._events = []
        self._state = {}
        # Whoever must be gone when the lamp goes dark.
        self.recorder = None
        self.problems = []
        for folder in ("/dev", "/dev/snd"):
            self._folders.add(self._watch(folder, IN_OPEN | IN_CLOSE))
        self.add_switch(LAMP, brightness)
        threading.Thread(target=self._run, daemon=True).start()

    def _watch(self, path, mask: int) -> int:
        number = _libc.inotify_add_watch(self._descriptor, os.fsencode(path), mask)
        if number < 0:
            raise OSError(ctypes.get_errno(), "inotify_add_watch", str(path))
        return number

    def add_switch(self, name: str, path: Path) -> None:
        with self._changed:
            self._switches[self._watch(path, IN_MODIFY)] = (name, path)
            self._tell(name, order.ON if is_on(path) else order.OFF, time.monotonic_ns())

    def forget_switch(self, name: str) -> None:
        """Of a device that was pulled: its attribute goes without a word."""
        with self._changed:
            self._switches = {number: switch for number, switch in self._switches.items() if switch[0] != name}
            self._state.pop(name, None)

    def begin(self) -> list:
        """A new list of events, at first what the switches say now."""
        with self._changed:
            now = time.monotonic_ns()
            self._events = [order.Event(name, kind, now) for name, kind in self._state.items()]
            self.problems = []
            return self._events

    def wait(self, condition, seconds: float) -> bool:
        """Waits until `condition()`, looked at after every event, holds; false when it did not come."""
        with self._changed:
            return self._changed.wait_for(condition, seconds)

    def _tell(self, name: str, kind: str, now: int) -> None:
        self._events.append(order.Event(name, kind, now))
        if kind in (order.ON, order.OFF, order.UNKNOWN):
            self._state[name] = kind
            if name == LAMP and kind == order.OFF and self.recorder and has_open_files(self.recorder):
                self.problems.append("the lamp went dark before the recorder was gone")

    def _run(self) -> None:
        pending = []
        while True:
            if not pending:
                select.select([self._descriptor], [], [])
            batch = pending + self._read()
            numbers = {number for number, _, _, _ in batch} & self._switches.keys()
            values = {number: is_on(self._switches[number][1]) for number in numbers}
            # What was written while the values were being read belongs to the same batch.
            pending = self._read()
            late = {number for number, _, _, _ in pending}
            with self._changed:
                for index, (number, mask, name, now) in enumerate(batch):
                    if number in self._folders:
                        if name.startswith(NODES):
                            self._tell(name, order.OPEN if mask & IN_OPEN else order.CLOSE, now)
                    elif number in self._switches and not mask & IN_IGNORED:
                        is_last = number not in late and all(other[0] != number for other in batch[index + 1:])
                        value = values.get(number) if is_last else None
                        kind = order.UNKNOWN if value is None else order.ON if value else order.OFF
                        self._tell(self._switches[number][0], kind, now)
                self._changed.notify_all()

    def _read(self) -> list:
        try:
            content = os.read(self._descriptor, 1 << 16)
        except BlockingIOError:
            return []
        now = time.monotonic_ns()
        found = []
        position = 0
        while position < len(content):
            number, mask, _, length = _HEAD.unpack_from(content, position)
            position += _HEAD.size
            name = content[position:position + length].rstrip(b"\0").decode()
            position += length
            if mask & IN_Q_OVERFLOW:
                self.problems.append("the watcher was too slow: events were lost")
            found.append((number, mask, name, now))
        return found
