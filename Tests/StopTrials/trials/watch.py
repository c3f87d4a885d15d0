"""Watches device nodes and sysfs files with one inotify descriptor, so that their order is the kernel's.

It works on any node: a plain file that a test device holds, /dev/video0, /dev/snd/pcmC1D0c.
"""

import ctypes
import os
import select
import struct
import threading
import time
from pathlib import Path

from . import order

IN_MODIFY = 0x2
IN_CLOSE = 0x18
IN_OPEN = 0x20
IN_Q_OVERFLOW = 0x4000
IN_IGNORED = 0x8000

_libc = ctypes.CDLL(None, use_errno=True)
_HEAD = struct.Struct("iIII")


def is_on(path: str) -> bool | None:
    """Whether a sysfs switch (brightness, authorized) is on; None while it is being written."""
    try:
        text = Path(path).read_text().split("\n")[0].strip()
        return int(text) != 0 if text else None
    except (OSError, ValueError):
        return None


class Watcher:
    """Collects events on a thread of its own; thread-safe.

    `add` before the files are used; what a switch says at that moment is its first event.
    """

    def __init__(self):
        self._descriptor = _libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        if self._descriptor < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")
        self._changed = threading.Condition()
        self._paths = {}
        self._switches = set()
        self._events = {}
        self._ended = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def add(self, nodes: list, switches: list = ()) -> list:
        """Watches these files from now on; their events are in the list that is returned."""
        events = []
        for path in [*nodes, *switches]:
            mask = IN_MODIFY if path in switches else IN_OPEN | IN_CLOSE
            with self._changed:
                number = _libc.inotify_add_watch(self._descriptor, os.fsencode(path), mask)
                if number < 0:
                    raise OSError(ctypes.get_errno(), "inotify_add_watch", path)
                self._paths[number] = path
                self._events[path] = events
                if path in switches:
                    self._switches.add(path)
                    kind = order.ON if is_on(path) else order.OFF
                    events.append(order.Event(path, kind, time.monotonic_ns()))
        return events

    def remove(self, paths: list) -> None:
        with self._changed:
            for number in [number for number, path in self._paths.items() if path in paths]:
                _libc.inotify_rm_watch(self._descriptor, number)
                del self._events[self._paths.pop(number)]

    def wait(self, condition, seconds: float) -> bool:
        """Waits until `condition()`, looked at after every event, holds; false when it did not come."""
        with self._changed:
            return self._changed.wait_for(condition, seconds)

    def close(self) -> None:
        self._ended = True
        self._thread.join()
        os.close(self._descriptor)

    def _run(self) -> None:
        pending = []
        while not self._ended:
            if not pending and not select.select([self._descriptor], [], [], 0.2)[0]:
                continue
            batch = pending + self._read()
            values = {path: is_on(path) for path in {path for path, _, _ in batch} & self._switches}
            # What was written while the values were being read belongs to the same batch.
            pending = self._read()
            late = {path for path, _, _ in pending}
            with self._changed:
                self._keep(batch, values, late)
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
            position += _HEAD.size + length
            if mask & IN_Q_OVERFLOW:
                raise OverflowError("the watcher was too slow: events were lost")
            if number in self._paths and not mask & IN_IGNORED:
                found.append((self._paths[number], mask, now))
        return found

    def _keep(self, batch: list, values: dict, late: set) -> None:
        for index, (path, mask, now) in enumerate(batch):
            if path not in self._events:
                continue
            if path in self._switches:
                is_last = path not in late and all(other != path for other, _, _ in batch[index + 1:])
                value = values.get(path) if is_last else None
                kind = order.UNKNOWN if value is None else order.ON if value else order.OFF
            else:
                kind = order.OPEN if mask & IN_OPEN else order.CLOSE
            self._events[path].append(order.Event(path, kind, now))
