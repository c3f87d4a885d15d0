"""Makes many trials and says what they came to."""

import queue
import random
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from . import order
from .box import Box, Equipment, Failure
from .causes import CAUSES, SECOND, Cause, Trial
from .loads import LOADS, Load
from .varlink import Client, Refused
from .watch import Watcher

# Longer than this no device may stay open, whatever the machine is busy with.
LIMIT = 5.0


@dataclass
class Result:
    """All trials of one cause under one load."""

    cause: str
    load: str
    # From the cause until every device was closed, ms.
    latencies: list = field(default_factory=list)
    failures: list = field(default_factory=list)
    # Sentences about what the watcher could not see.
    unclear: list = field(default_factory=list)

    def quantile(self, share: float) -> float:
        """The nearest rank: the smallest that `share` of all do not exceed."""
        ranked = sorted(self.latencies)
        return ranked[max(0, -int(-share * len(ranked) // 1) - 1)] if ranked else float("nan")

    def summary(self, round_trip: float) -> dict:
        figures = {"p50": self.quantile(0.5), "p99": self.quantile(0.99), "max": self.quantile(1)}
        return {"cause": self.cause, "load": self.load, "n": len(self.latencies),
                "ms": {name: round(value, 3) for name, value in figures.items()},
                "round_trips": {name: round(value / round_trip, 1) for name, value in figures.items()},
                "failures": self.failures, "unclear": self.unclear,
                "latencies": [round(value, 3) for value in self.latencies]}


class Bench:
    """Boxes that are used again for trial after trial, below one watcher."""

    def __init__(self, programs: Path, equipment: Equipment, progress=lambda text: None):
        self.programs = programs
        self.equipment = equipment
        self.progress = progress
        self.watcher = Watcher()
        self._boxes = []
        self._lock = threading.Lock()

    def close(self) -> None:
        for box in self._boxes:
            box.close()
        self.watcher.close()

    def round_trip(self, count: int = 300) -> float:
        """The median of a call that asks for nothing, on an idle box: connect, GetInfo, reply; ms."""
        times = []
        with self._borrowed() as box:
            for _ in range(count):
                since = time.monotonic_ns()
                with Client(box.socket("status")) as client:
                    client.call("org.varlink.service.GetInfo")
                times.append((time.monotonic_ns() - since) / 1e6)
        return sorted(times)[count // 2]

    def measure(self, cause: Cause, load_type: type, count: int) -> Result:
        result = Result(cause.name, load_type.name)
        work = queue.SimpleQueue()
        for _ in range(count):
            work.put(None)
        with load_type() as load:
            at_once = min(count, max(cause.at_once, load.at_once), load.at_most)
            workers = [threading.Thread(target=self._work, args=(work, cause, load, result))
                       for _ in range(at_once)]
            for worker in workers:
                worker.start()
            for worker in workers:
                worker.join()
        return result

    def _borrowed(self):
        return _Borrowed(self)

    def _work(self, work: queue.SimpleQueue, cause: Cause, load: Load, result: Result) -> None:
        with self._borrowed() as box:
            while True:
                try:
                    work.get_nowait()
                except queue.Empty:
                    return
                try:
                    self._trial(box, cause, load, result)
                except (Failure, Refused, OSError) as error:
                    load.end(box)
                    with self._lock:
                        result.failures.append(f"the trial could not be made: {error}")
                        # Whatever state it is in, the next trial has nothing to do with it.
                        self._boxes.remove(box)
                    box.close()
                    return self._work(work, cause, load, result)
                with self._lock:
                    self.progress(f"{cause.name} × {load.name}: {len(result.latencies)}")

    def _trial(self, box: Box, cause: Cause, load: Load, result: Result) -> None:
        events = self.watcher.add(box.nodes, box.switches)
        trial = Trial(lead=load.lead)
        cause.prepare(box, trial)
        trial.called = time.monotonic_ns()
        trial.started = box.start(trial.duration)
        load.begin(box)
        # Anywhere in the beat of pictures and seconds.
        time.sleep(random.random() / 5)
        since = cause.trigger(box, trial)
        closed = self._await_closed(box, events, since)
        load.end(box)
        box.recover()
        cause.restore(box, trial)
        box.forget_recordings()
        # The watcher's thread may be a step behind what the files already say.
        self.watcher.wait(lambda: not order.judge(events, box.needs).left_on, LIMIT)
        self.watcher.remove([*box.nodes, *box.switches])
        with self._lock:
            self._judge(box, events, since, closed, cause, trial, result)

    def _await_closed(self, box: Box, events: list, since: int) -> int | None:
        self.watcher.wait(lambda: order.closed_at(events, box.nodes, since), LIMIT + 10)
        return order.closed_at(events, box.nodes, since)

    def _judge(self, box, events, since, closed, cause, trial, result) -> None:
        excused = {box.brightness: since} if cause.tampers else {}
        if cause.name == "authority-killed":
            # The next one withdraws USB devices first, which cuts off whoever still holds one.
            excused[box.authorized] = since
        findings = order.judge(events, box.needs, excused)
        number = len(result.latencies) + 1
        failures = [f"trial {number}: {text}" for text in findings.violations]
        failures += [f"trial {number}: {node} was opened {count} times"
                     for node, count in findings.opened.items() if count != 1]
        failures += [f"trial {number}: {switch} was never seen to go on" for switch in box.switches
                     if not any(event.path == switch and event.kind == order.ON for event in events)]
        failures += [f"trial {number}: {path} was still open in the end" for path in findings.left_open]
        failures += [f"trial {number}: {path} was still on in the end" for path in findings.left_on]
        if closed is not None:
            latency = (closed - since) / 1e6
            result.latencies.append(latency)
            if latency > LIMIT * 1000:
                failures.append(f"trial {number}: a device stayed open for {latency / 1000:.1f} s")
            # A session that ends by itself counts from a moment between the call and its answer.
            if closed < since - (trial.started - trial.called):
                failures.append(f"trial {number}: the devices closed {-latency:.1f} ms before the cause; "
                                f"the log says: {box.last_entry()}")
        elif not findings.left_open:
            failures.append(f"trial {number}: the devices closed before the cause; the log says: {box.last_entry()}")
        result.failures += failures
        result.unclear += [f"trial {number}: {text}" for text in findings.unclear]


class _Borrowed:
    """A box that nobody else uses meanwhile."""

    def __init__(self, bench: Bench):
        self._bench = bench

    def __enter__(self) -> Box:
        with self._bench._lock:
            for box in self._bench._boxes:
                if not box.is_borrowed:
                    box.is_borrowed = True
                    self._box = box
                    return box
        box = Box(self._bench.programs, self._bench.watcher, self._bench.equipment)
        box.is_borrowed = True
        with self._bench._lock:
            self._bench._boxes.append(box)
        self._box = box
        return box

    def __exit__(self, *_):
        self._box.is_borrowed = False


def possible(names: list, equipment: Equipment) -> list:
    """The causes of that name that this equipment allows, in their own order."""
    return [cause for cause in CAUSES.values()
            if cause.name in names and (not cause.equipment or getattr(equipment, cause.equipment))]
