"""Runs processes and knows what each of them used."""

import os
import re
import subprocess
import threading


class Usage:
    def __init__(self, processor, resident, output):
        #: User and system seconds.
        self.processor = processor
        #: The most MiB resident at once, without the clip that is mapped.
        self.resident = resident
        self.output = output


class Watch(threading.Thread):
    """Samples what a process holds in memory, ten times a second."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process = process
        self.most = 0
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(0.1):
            self.most = max(self.most, resident(self.process.pid))


def resident(pid):
    """MiB, without files of the clip."""
    total = 0
    counts = True
    try:
        with open(f"/proc/{pid}/smaps", encoding="utf-8") as smaps:
            for line in smaps:
                if re.match(r"[0-9a-f]+-[0-9a-f]+ ", line):
                    counts = "/clip." not in line
                elif counts and line.startswith("Rss:"):
                    total += int(line.split()[1])
    except (OSError, IndexError):
        return 0
    return total / 1024


def run(*commands, output=None):
    """Runs commands as a pipe, the last one's output into the file `output`.

    Gives the usage of each; fails when one fails.
    """
    processes = []
    source = subprocess.DEVNULL
    for position, command in enumerate(commands):
        is_last = position == len(commands) - 1
        sink = open(output, "wb") if is_last and output else subprocess.PIPE
        process = subprocess.Popen(command, stdin=source, stdout=sink)
        if source is not subprocess.DEVNULL:
            source.close()
        if is_last and output:
            sink.close()
        source = process.stdout
        processes.append(process)
    watches = [Watch(process) for process in processes]
    for watch in watches:
        watch.start()
    said = b"" if output else processes[-1].stdout.read()
    usages = []
    for process, watch in zip(processes, watches):
        _, status, spent = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        watch.over.set()
        watch.join()
        if process.returncode != 0:
            raise RuntimeError(f"{process.args[0]} ended with {process.returncode}")
        usages.append(Usage(spent.ru_utime + spent.ru_stime, watch.most, said))
    return usages
