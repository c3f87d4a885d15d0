"""One lesson looked at closely, and every way to end one."""

import os
import stat
import time
from contextlib import suppress
from pathlib import Path

from trials import order

from .causes import CAUSES
from .checks import attempt, check, differs
from .room import Room
from .session import Session


def holders(node: str) -> set:
    """Who has it open."""
    wanted = os.stat(node).st_rdev
    found = set()
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            for descriptor in os.listdir(f"/proc/{process}/fd"):
                status = os.stat(f"/proc/{process}/fd/{descriptor}")
                if status.st_rdev == wanted and stat.S_ISCHR(status.st_mode):
                    found.add(int(process))
        except OSError:
            continue
    return found


def open_now(nodes: list) -> list:
    """Those that any process has open, also when the node itself is gone."""
    found = set()
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):
            target = os.readlink(descriptor).removesuffix(" (deleted)")
            if target in nodes:
                found.add(target)
    return sorted(found)


def play(room: Room, _options: dict) -> None:
    check("before a session no USB device is authorised, there is no node, and the lamp is dark", room.disorder())
    session = Session(room)
    kinds = [(event.path, event.kind) for event in session.events]
    first = min(index for index, (_, kind) in enumerate(kinds) if kind == order.OPEN)
    steps = [kinds.index(("lamp", order.ON)), kinds.index(("desk", order.ON)), kinds.index(("front", order.ON)), first]
    check("the lamp is lit first, then USB is authorised, then a node is opened",
          [] if steps[0] < min(steps[1:3]) and max(steps[1:3]) < first else [str(kinds[:first + 1])])
    check("in a session both devices are authorised", [name for name, device in room.devices.items()
                                                        if not device.is_authorized])
    nodes = room.nodes()
    microphones = [node for node in nodes if "pcm" in node]
    check("only the recorder holds camera and microphone",
          differs([holders(node) for node in ("/dev/lenscap/front", *microphones)], [{room.recorder()}] * 2))
    check("the status says that the lamp is sensed", differs(room.health()["lamp"], "sensed"))
    check("the nodes are seen to be open",
          differs(open_now(nodes), sorted([*microphones, os.path.realpath("/dev/lenscap/front")])))
    room.stop()
    check("every node is closed when Stop returns", open_now(nodes))
    attempt("the recording and the log say that it was stopped, and all is in order", lambda: session.finish("stopped"))
    check("nodes closed, then USB withdrawn, then recorder gone, then lamp dark",
          session.order_of_end() + room.watch.problems)
    for cause in CAUSES:
        attempt(f"{cause.name}: the session ends as {cause.word}, and no device is open under a dark lamp",
                lambda cause=cause: _end(room, cause))
    room.forget_recordings()


def _end(room: Room, cause) -> list:
    session = Session(room)
    time.sleep(0.3)
    cause.prepare(room)
    since = session.end_by(cause)
    session.wait_closed(since)
    found = session.finish(cause.word)
    cause.restore(room)
    return found
