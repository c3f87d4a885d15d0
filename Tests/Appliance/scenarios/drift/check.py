"""A sound card whose clock is 500 millionths slow, in real time: what it heard stays where it was heard.

The card plays itself a beep for each second of its own clock, so that the lesson has one every 1.0005 seconds.
Without a correction they would be one second apart and early by 30 ms after each minute. `LENSCAP_DRIFT` is how many
seconds, 90 unless told.
"""

import json
import math
import os
from array import array

from appliance import media
from appliance.recording import Recording

SECONDS = int(os.environ.get("LENSCAP_DRIFT", "90"))
GUEST_CHECKS = 9
TIME_LIMIT = 300 + SECONDS * 2
PROGRAMS = ["lenscapd", "lenscap-recorder", "lenscap-uploader", "lenscap"]

PPM = -500
SYNC = 0.010


def prepare(stage):
    beep = [round(13000 * math.sin(2 * math.pi * 1000 * i / 48000)) if i < 4800 else 0 for i in range(48000)]
    (stage.incoming / "beeps.raw").write_bytes(array("h", [value for value in beep for _ in "lr"]).tobytes())
    (stage.incoming / "seconds").write_text(f"{SECONDS}\n")


def check(stage, verdict):
    recording = verdict.attempt("one recording was delivered", lambda: Recording(stage.outgoing))
    lesson = recording and verdict.attempt("age opens it", recording.open)
    if not lesson:
        return
    verdict.attempt("it decodes without an error", lambda: media.decodes_without_error(lesson))
    broken = [leaf for leaf in recording.of("gap") if leaf["source"] == "desk"]
    verdict.that("nothing of the sound is missing", not broken, json.dumps(broken[:3]))
    beeps = media.Sound.of(lesson, rate=8000).beeps(1000, step=0.005)
    verdict.that("every beep is there", len(beeps) >= SECONDS - 3, str(len(beeps)))
    if len(beeps) < 2:
        return
    spacing = 1 / (1 + PPM * 1e-6)
    places = [beep - i * spacing for i, beep in enumerate(beeps)]
    # A beep is found within 5 ms.
    worst = max(abs(place - sorted(places)[len(places) // 2]) for place in places)
    verdict.that("each is where it was heard", worst <= SYNC, f"worst {worst * 1000:.1f} ms in {beeps[-1]:.0f} s")
    desk = next(source for source in recording.summary()["sources"] if source["name"] == "desk")
    drift = (desk.get("fast", 0) - desk.get("slow", 0)) / 1000
    # Stamps that an emulated machine brings 10 ms late for a second move the estimate by up to 45 ppm, for a while.
    # How exact it is where time is reliable, the simulated lessons test.
    verdict.near("the recording names the card's clock", drift, PPM, 0.2, "ppm")
    offset = (desk.get("late", 0) - desk.get("early", 0)) / 1e6
    verdict.that("and how far its sound was from its place", abs(offset) < 5, f"{offset:.2f} ms")
