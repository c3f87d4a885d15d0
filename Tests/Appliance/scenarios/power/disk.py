"""The states that a disk went through, from QEMU's log of its writes (driver blklogwrites, dm-log-writes format)."""

import random
import shutil
import struct
import subprocess

from appliance.host import Failure, call

MAGIC = 0x6A736677736872
FLUSH, FUA, DISCARD = 1, 2, 4


class Disk:
    def __init__(self, before, log):
        self._before = before
        self._log = log
        self._folder = before.parent
        # Of each entry: where its header begins, the place and length of its bytes, flags.
        self._entries = []
        with open(log, "rb") as file:
            magic, _, count, sector = struct.unpack("<QQQI", file.read(28))
            if magic != MAGIC:
                raise ValueError("it is no log of writes")
            position = sector
            for _ in range(count):
                file.seek(position)
                at, sectors, flags, _ = struct.unpack("<QQQQ", file.read(32))
                length = 0 if flags & DISCARD else sectors * sector
                self._entries.append((position, at * sector, position + sector, length, flags))
                position += sector + length

    def __len__(self):
        return len(self._entries)

    def entry_at(self, size):
        """The first entry that was written when the log had this size."""
        return next((index for index, entry in enumerate(self._entries) if entry[0] >= size), len(self))

    def _last_flush(self, number):
        return max((index for index in range(number) if self._entries[index][4] & FLUSH), default=0)

    def flushed(self, number):
        """What no disk may lose at this moment."""
        return self._played(range(self._last_flush(number)))

    def state(self, number, is_torn):
        """After so many entries; torn: without half of what was not flushed, by chance."""
        flush = self._last_flush(number)
        kept = [index for index in range(flush, number)
                if not is_torn or self._entries[index][4] & FUA or random.random() < 0.5]
        return self._played([*range(flush), *kept])

    def _played(self, indices):
        image = self._folder / "moment.img"
        shutil.copy(self._before, image)
        with open(image, "r+b") as disk, open(self._log, "rb") as log:
            for index in indices:
                _, at, start, length, _ = self._entries[index]
                if length:
                    log.seek(start)
                    disk.seek(at)
                    disk.write(log.read(length))
        return image

    def extract(self, image, folder):
        """Repairs the file system as a boot does, and copies out what it holds."""
        done = subprocess.run(["e2fsck", "-f", "-p", image], capture_output=True, text=True, check=False)
        if done.returncode > 1:
            raise Failure(f"the file system is broken: {done.stdout}{done.stderr}")
        folder.mkdir(parents=True)
        call("debugfs", "-R", f"rdump / {folder}", image)
        shutil.rmtree(folder / "lost+found", ignore_errors=True)
