"""The play, act by act."""

import json
from pathlib import Path

from . import disk, hours, lesson, pulls, strangers, timing
from .checks import attempt, say
from .room import Room

ACTS = {"lesson": lesson.play, "hours": hours.play, "strangers": strangers.play, "pulls": pulls.play,
        "disk": disk.play, "timing": timing.play}


def main() -> None:
    options = json.loads(Path("/in/options.json").read_text())
    room = Room()
    for name, act in ACTS.items():
        if options["acts"] and name not in options["acts"]:
            continue
        say(f"--- {name}")
        act(room, options)
        attempt(f"{name}: the box is in order at the end", room.disorder)


main()
