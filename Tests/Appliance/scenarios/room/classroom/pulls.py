"""The camera is pulled at every moment of a start and of a stop."""

import threading
import time

from trials.varlink import Refused

from .checks import attempt, say
from .room import Room
from .session import Session

# Seconds after the order to start or to stop.
MOMENTS = (0.0, 0.1, 0.2, 0.4, 0.7, 1.1, 1.6)


def play(room: Room, _options: dict) -> None:
    for name, pull in (("start", _while_starting), ("stop", _while_stopping)):
        attempt(f"camera pulled at {len(MOMENTS)} moments of a {name}: never open under a dark lamp, nothing left "
                "authorised, the next session works", lambda pull=pull: _all(room, pull))
    room.forget_recordings()


def _all(room: Room, pull) -> list:
    found = []
    for moment in MOMENTS:
        events = room.watch.begin()
        outcome = pull(room, moment)
        room.wait_idle()
        say(f"pulled {moment:g} s after: {outcome}")
        found += [f"at {moment:g} s: {problem}" for problem in room.judge(events, usb=False)]
        room.unplug("front")
        room.plug("front")
    session = Session(room)
    time.sleep(1)
    room.stop()
    return found + session.finish("stopped")


def _later(moment: float, action) -> threading.Thread:
    timer = threading.Timer(moment, action)
    timer.start()
    return timer


def _while_starting(room: Room, moment: float) -> str:
    timer = _later(moment, room.devices["front"].pull)
    try:
        room.start()
        outcome = "started"
    except Refused as refused:
        outcome = f"{refused.name.split('.')[-1]} {refused.parameters.get('reason')}"
    timer.join()
    time.sleep(0.3)
    room.stop()
    return outcome


def _while_stopping(room: Room, moment: float) -> str:
    room.start()
    timer = _later(moment, room.devices["front"].pull)
    room.stop()
    timer.join()
    return "stopped"
