"""Devices that fail: one lesson through cameras and a microphone that are pulled, frozen, unbound and plugged back.

`LENSCAP_OUTAGES` is how often, 8 unless told. A second camera, vivid, has each of its own faults meanwhile.
The virtual cameras, one of YUYV and one of MJPEG, count their pictures, so that the host can hold every gap of the
signed log against what is missing. They come back over bulk and isochronous endpoints in turn.
"""

import os
from statistics import median

from appliance import media
from appliance.recording import Recording

ROUNDS = int(os.environ.get("LENSCAP_OUTAGES", "8"))
GUEST_CHECKS = 10
TIME_LIMIT = 300 + ROUNDS * 40
PROGRAMS = ["lenscapd", "lenscap-recorder", "lenscap-uploader", "lenscap"]
VIRTUAL_USB = True
CAMERAS = ["front", "back"]

WIDTH, HEIGHT, RATE = 320, 240, 15
# A gap begins with the last picture or block before it, and pulling takes the kernel a moment.
BEGIN_TOLERANCE = 1.0
RETURN_LIMIT = 5.0
SYNC = 0.010


def prepare(stage):
    (stage.incoming / "rounds").write_text(f"{ROUNDS}\n")


def check(stage, verdict):
    recording = verdict.attempt("one recording was delivered", lambda: Recording(stage.outgoing))
    if not recording:
        return
    kinds = [leaf["type"] for leaf in recording.leaves]
    verdict.equal("it is whole: one run, and an end mark", (kinds.count("run"), kinds[-1]), (1, "end"))
    verdict.equal("every object is there with its hash", recording.wrong_objects(), [])
    lesson = verdict.attempt("age opens it", recording.open)
    if not lesson:
        return
    verdict.attempt("it decodes without an error", lambda: media.decodes_without_error(lesson))
    segments = recording.of("seg")
    holes = [after["name"] for leaf, after in zip(segments, segments[1:])
             if after["start"] != leaf["start"] + leaf["duration"]]
    verdict.equal("its segments follow each other without a hole", holes, [])
    outages = verdict.attempt("the guest wrote down what it did", lambda: _outages(stage.outgoing / "outages"))
    if outages:
        _check_outages(recording, outages, verdict)
    for source in CAMERAS:
        _check_pictures(recording, lesson, source, verdict)
    _check_sound(recording, lesson, verdict)
    _check_vivid(recording, verdict)


def _outages(file):
    lines = [line.split(" ", 2) for line in file.read_text().splitlines()]
    return [(float(began), float(ended), what.split()) for began, ended, what in lines]


def _gaps(recording, source, *reasons):
    """From and to of a source's gaps, in seconds."""
    return sorted((leaf["from"] / 1e9, leaf["to"] / 1e9) for leaf in recording.of("gap")
                  if leaf["source"] == source and (not reasons or leaf["reason"] in reasons))


def _joined(gaps):
    """Gaps that touch are one: silence is said in pieces of ten seconds."""
    result = []
    for begin, end in gaps:
        if result and begin <= result[-1][1] + 0.1:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((begin, end))
    return result


def _touch(gap, begin, end):
    return gap[0] < end + 0.001 and gap[1] > begin - 0.001


def _check_outages(recording, outages, verdict):
    """Each thing that was done is a gap at its time, and what came back was taken again soon."""
    verdict.equal("every outage took place", len(outages), ROUNDS)
    # The lesson's first instant on the guest's clock: the first pull is the first gap.
    zero = outages[0][0] - _joined(_gaps(recording, outages[0][2][0], "gone", "stalled"))[0][0]
    for source in (*CAMERAS, "desk"):
        gaps = _joined(_gaps(recording, source, "gone", "stalled"))
        missed, late, returns = [], [], []
        for began, ended, what in outages:
            if source not in what:
                continue
            near = [gap for gap in gaps if abs(gap[0] - (began - zero)) < BEGIN_TOLERANCE]
            if not near:
                missed.append((round(began - zero, 2), *what))
                continue
            returns.append(near[0][1] - (ended - zero))
            if returns[-1] > RETURN_LIMIT:
                late.append((round(began - zero, 2), *what, round(returns[-1], 2)))
        verdict.that(f"each outage of {source} is a gap at its time", not missed, f"missed {missed}, gaps {gaps}"
                     if missed else f"{len(returns)} of them")
        verdict.that(f"{source} delivers again within {RETURN_LIMIT:g} s of its return", not late,
                     str(late) if late else f"the slowest after {max(returns, default=0):.2f} s")


def _check_pictures(recording, lesson, source, verdict):
    tracks = [track["source"] for track in recording.of("run")[0]["tracks"] if track["kind"] == "video"]
    stream = f"v:{tracks.index(source)}"
    pictures = verdict.attempt(f"every picture of {source} can be read",
                               lambda: media.pictures(lesson, WIDTH, HEIGHT, stream=stream))
    if not pictures:
        return
    times = media.frame_times(lesson, stream)
    if not verdict.equal(f"every picture of {source} has a time", len(times), len(pictures)):
        return
    fresh = [(time, picture.counter) for i, (time, picture) in enumerate(zip(times, pictures))
             if i == 0 or picture.counter != pictures[i - 1].counter]
    gaps = _gaps(recording, source)
    long = _joined(_gaps(recording, source, "gone", "stalled"))
    unsaid, counted = [], 0
    for (before, last), (time, counter) in zip(fresh, fresh[1:]):
        if counter == last + 1:
            continue
        if not any(_touch(gap, before, time) for gap in gaps):
            unsaid.append((round(before, 3), last, round(time, 3), counter))
        # Nobody counts what a camera takes while it is away.
        if counter > last and not any(_touch(gap, before, time) for gap in long):
            counted += counter - last - 1
    verdict.that(f"wherever the counter of {source} leaps, a gap is signed", not unsaid, str(unsaid[:5]) if unsaid
                 else f"{len(fresh)} pictures, {len(times) - len(fresh)} repeated")
    inside = [round(time, 3) for time, _ in fresh for begin, end in long if begin + 0.001 < time < end - 0.001]
    verdict.equal(f"no picture of {source} lies inside a gap", inside, [])
    summary = next(entry for entry in recording.summary()["sources"] if entry["name"] == source)
    said = summary["lost"] + summary["dropped"] + summary["damaged"]
    away = sum(end - begin for begin, end in long)
    silent = sum(later - earlier - 1 / RATE for (earlier, _), (later, _) in zip(fresh, fresh[1:])
                 if later - earlier > 1)
    verdict.that(f"the gaps of {source} add up to the time without a picture",
                 abs(away - silent) < 0.1 * len(long) + 0.1, f"{away:.2f} s against {silent:.2f} s")
    verdict.that(f"no more of {source} is missing than was counted", counted <= said, f"{counted} of {said}: {summary}")


def _check_sound(recording, lesson, verdict):
    """The microphone beeps at each whole second of the guest's clock, so the lesson's beeps share one fraction."""
    sound = verdict.attempt("the sound can be read", lambda: media.Sound.of(lesson, rate=8000))
    if not sound:
        return
    verdict.that("the sound is as long as the lesson", abs(sound.seconds - recording.seconds) < 0.1,
                 f"{sound.seconds:.2f} s of {recording.seconds:.2f} s")
    beeps = sound.beeps(1000, step=0.005)
    quiet = _joined(_gaps(recording, "desk"))
    # Just begun, a microphone's first samples may be late ones: where they lie is seen with those after them.
    begins = [0] + [end for _, end in _joined(_gaps(recording, "desk", "gone", "stalled"))]

    def has_just_begun(time):
        return any(begin - 0.5 < time < begin + 1 for begin in begins)

    others = [gap for gap in _gaps(recording, "desk", "jump", "overrun", "overload") if not has_just_begun(gap[0])]
    verdict.that("the sound has no other gaps than those of its outages", not others, str(others[:3]) if others else "")
    # A beep that silence cuts begins anywhere.
    whole = [beep for beep in beeps if not any(begin - 0.05 < beep < end + 0.2 for begin, end in quiet)]
    middle = median(beep % 1 for beep in whole) if whole else 0
    # Around the median, so that 0.99 and 0.01 are neighbours.
    worst = max((abs((beep - middle + 0.5) % 1 - 0.5) for beep in whole if not has_just_begun(beep)), default=9)
    # A beep is found within 5 ms.
    verdict.that("every beep is at its second", worst <= SYNC + 0.005,
                 f"{len(whole)} beeps, worst {worst * 1000:.0f} ms")
    heard = recording.seconds - sum(end - begin for begin, end in quiet)
    verdict.that("no beep is missing outside the gaps", len(whole) >= heard - 2 * len(quiet) - 3,
                 f"{len(whole)} in {heard:.0f} s")


def _check_vivid(recording, verdict):
    reasons = {leaf["reason"] for leaf in recording.of("gap") if leaf["source"] == "side"}
    side = next(source for source in recording.summary()["sources"] if source["name"] == "side")
    verdict.that("vivid delivered to the end", side["delivered"] > recording.seconds * RATE / 2, str(side))
    for reason in ("damaged", "lost", "gone") if ROUNDS >= 8 else ():
        verdict.that(f"vivid's faults are gaps: {reason}", reason in reasons, str(sorted(reasons)))
