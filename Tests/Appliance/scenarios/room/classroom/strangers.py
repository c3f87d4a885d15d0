"""Other devices in the room's sockets, and a name that leads to another camera."""

import json
import subprocess
import time
from pathlib import Path

from trials.varlink import Refused

from .checks import attempt, check
from .room import DEVICES, Room, run, wait_for
from .session import Session

CONFIGURATION = Path("/etc/lenscap/lenscap.toml")


def play(room: Room, _options: dict) -> None:
    room.unplug("front")
    attempt("without its camera a session is refused: absent", lambda: _refused(room, "absent"))
    room.plug("front", "other")
    attempt("a camera with another serial number in the socket: refused as a stranger, and it stays out",
            lambda: _refused(room, "stranger"))
    room.unplug("front")
    room.plug("front")
    attempt("camera pulled, another one in its place, the right one back: let in again, the other never",
            lambda: _exchange(room))
    attempt("a name that leads to a camera beside the gate: refused as a stranger", lambda: _other_node(room))
    attempt("the next session works", lambda: _works(room))


def _refused(room: Room, reason: str) -> list:
    events = room.watch.begin()
    try:
        room.start()
        return ["it was started"]
    except Refused as refused:
        found = []
        if not refused.name.endswith("DeviceUnavailable") or refused.parameters.get("reason") != reason:
            found.append(f"{refused.name} {refused.parameters}")
    found += [f"{event.path}: {event.kind}" for event in events if event.path not in ("lamp", *DEVICES)]
    if any(event.path == "front" and event.kind != "off" for event in events):
        found.append("it was authorised")
    room.wait_idle()
    return found + room.disorder()


def _exchange(room: Room) -> list:
    found = []
    session = Session(room)
    room.unplug("front")
    if room.recorder() is None:
        found.append("the lesson ended without its camera")
    other = room.plug("front", "other")
    wait_for("word of the stranger in the status",
             lambda: any("serial other" in problem["message"] for problem in room.health()["problems"]))
    if other.is_authorized:
        found.append("the stranger was authorised")
    room.unplug("front")
    back = room.plug("front")
    wait_for("the camera's return", lambda: back.is_authorized)
    room.stop()
    # The camera's own switch went with it and came back.
    return found + session.finish("stopped", usb=False)


def _other_node(room: Room) -> list:
    run("modprobe", "vivid", "n_devs=1", "node_types=0x1", "vid_cap_nr=9")
    run("udevadm", "settle")
    before = CONFIGURATION.read_text()
    CONFIGURATION.write_text(before.replace("[source.front]\n", '[source.front]\ndevice = "/dev/video9"\n'))
    try:
        subprocess.run(["systemctl", "restart", "lenscapd.service"], check=True)
        found = []
        events = room.watch.begin()
        try:
            room.start()
            found.append("it was started")
            room.stop()
        except Refused as refused:
            if not refused.name.endswith("DeviceUnavailable") or refused.parameters.get("reason") != "stranger":
                found.append(f"{refused.name} {json.dumps(refused.parameters)}")
        found += [f"{event.path} was opened" for event in events
                  if event.path.startswith("video") and event.kind == "open"]
        wait_for("the end", lambda: room.is_recorder_gone() and not room.is_lit)
        return found
    finally:
        CONFIGURATION.write_text(before)
        run("modprobe", "-r", "vivid")
        subprocess.run(["systemctl", "restart", "lenscapd.service"], check=True)


def _works(room: Room) -> list:
    session = Session(room)
    time.sleep(1)
    room.stop()
    return session.finish("stopped")
