"""What each play does with a session, from its start to the box in order."""

import re
import time

from trials import order

from .room import PATIENCE, Failure, Room, wait_for
from .watch import LAMP


class Session:
    """One that records, with the watcher's events since before its start."""

    def __init__(self, room: Room, duration: int = 600):
        self.room = room
        self.events = room.watch.begin()
        self.recording = room.start(duration)
        self.excused = {}
        self.was_cut_off = False

    def end_by(self, cause) -> int:
        """Makes it happen; returns the time from which the devices' closing counts."""
        if cause.tampers:
            # The lamp is dark at once, whoever is still there.
            self.room.watch.recorder = None
        since = cause.trigger(self.room)
        if cause.tampers:
            self.excused = {LAMP: since}
        return since

    def wait_closed(self, since: int) -> int:
        """When the last node closed, after `since` (CLOCK_MONOTONIC, ns)."""
        nodes = list(self.room.needs(self.events))
        self.room.watch.wait(lambda: order.closed_at(self.events, nodes, since), PATIENCE)
        closed = order.closed_at(self.events, nodes, since)
        if closed is None:
            raise Failure("the devices did not close")
        return closed

    def wait_harmless(self, since: int) -> int:
        """When the last node closed, or USB was withdrawn from under a process that cannot end.

        A process that is killed while one of its threads waits for the disk keeps its files until the disk answers.
        """
        nodes = list(self.room.needs(self.events))

        def withdrawn():
            late = {event.path: event for event in self.events if event.time >= since}
            found = [late.get(name) for name in self.room.devices]
            return max(event.time for event in found) if all(e and e.kind == order.OFF for e in found) else None

        self.room.watch.wait(lambda: order.closed_at(self.events, nodes, since) or withdrawn(), PATIENCE)
        closed = order.closed_at(self.events, nodes, since)
        if closed is None and (closed := withdrawn()) is None:
            raise Failure("the devices did not close, and USB was not withdrawn")
        self.was_cut_off = order.closed_at(self.events, nodes, since) is None
        if self.was_cut_off:
            self.excused |= dict.fromkeys(self.room.devices, since)
        return closed

    def finish(self, *causes: str, usb: bool = True) -> list:
        """Waits for the end and holds it against what must be; returns what is not so."""
        self.room.wait_idle()
        found = self.room.judge(self.events, self.excused, usb)
        return found + self.ends(*causes)

    def ends(self, *causes: str) -> list:
        """What the recording and `lenscap log` say of the end, where it is none of these."""
        wait_for("the end of the recording", lambda: self.room.end_of(self.recording))
        reason, logged = self.room.end_of(self.recording), logged_cause(self.room)
        if reason in causes and logged == reason:
            return []
        return [f"the recording ended as {reason}, the log says {logged}, not {' or '.join(causes)}"]

    def order_of_end(self) -> list:
        """Nodes closed, USB withdrawn, lamp dark; the watcher itself knows when the recorder was gone."""
        kinds = [(event.path, event.kind) for event in self.events]
        close = max(index for index, (_, kind) in enumerate(kinds) if kind == order.CLOSE)
        usb = [len(kinds) - 1 - kinds[::-1].index((name, order.OFF)) for name in self.room.devices]
        dark = len(kinds) - 1 - kinds[::-1].index((LAMP, order.OFF))
        return [] if close < min(usb) and max(usb) < dark else [f"nodes {close}, USB {usb}, lamp {dark}"]


def logged_cause(room: Room, seconds: float = PATIENCE) -> str | None:
    """The cause of the last session's end; None where the log has no word of it."""
    deadline = time.monotonic() + seconds
    while True:
        for line in reversed(room.log()):
            kind, rest = line.split("\t")[2:4]
            if kind == "stopped":
                return re.search(r"cause ([a-z-]+)", rest)[1]
            if kind == "intent":
                break
        if time.monotonic() > deadline:
            return None
        time.sleep(0.2)
