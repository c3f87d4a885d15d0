"""A lesson from start to account: recorded from real devices, sealed, delivered, opened with ordinary tools.

Debian's `age` decrypts, `cat` joins, ffprobe and ffmpeg judge. No Lenscap code takes part on this side.
"""

import json

from appliance import media
from appliance.recording import Recording

GUEST_CHECKS = 42
TIME_LIMIT = 420
PROGRAMS = ["lenscapd", "lenscap-recorder", "lenscap-uploader", "lenscap"]

WIDTH, HEIGHT, RATE = 640, 360, 15
TONE = 1000
LEAST_SECONDS = 20
TOLERANCE = 0.02


def prepare(stage):
    media.write_tone(stage.incoming / "tone.raw", TONE)


def check(stage, verdict):
    out = stage.outgoing
    recording = verdict.attempt("one recording was delivered", lambda: Recording(out))
    if not recording:
        return
    _check_objects(recording, verdict)
    lesson = verdict.attempt("age opens every sealed object with the teacher's identity", recording.open)
    if lesson:
        _check_lesson(lesson, recording, out, verdict)


def _check_objects(recording, verdict):
    objects = recording.objects
    kinds = [leaf["type"] for leaf in recording.leaves]
    verdict.equal("the log begins with its token and ends with its end mark", (kinds[0], kinds[-1]), ("begin", "end"))
    verdict.equal("nothing interrupted the recording", kinds.count("run"), 1)
    # Emulation may starve the driver itself; what it lost is said and the frame count judges it.
    others = [gap for gap in recording.of("gap") if gap["reason"] != "lost"]
    verdict.that("no gap but pictures that the driver lost", not others, json.dumps(others[:3]))
    for name in ("token.jws", "card.json", "receipt.json.age"):
        verdict.that(f"{name} was delivered", name in objects)
    wrong = recording.wrong_objects()
    verdict.that("all objects of the log were delivered with the hashes it names", not wrong, str(wrong[:3]))
    sealed = [file for name, file in objects.items() if name.endswith(".age")]
    bare = [file.name for file in sealed if not file.read_bytes().startswith(b"age-encryption.org/v1\n")]
    verdict.that("every sealed object is an age file", not bare, str(bare[:3]))
    leaks = [file.name for file in objects.values() if any(
        word in file.read_bytes() for word in (b"ftyp", b"moof", b"mdat", b"reflection"))]
    verdict.that("nothing of the lesson is readable in what was delivered", not leaks, str(leaks[:3]))


def _check_lesson(lesson, recording, out, verdict):
    verdict.attempt("the joined lesson decodes without an error", lambda: media.decodes_without_error(lesson))
    found = {stream["codec_type"]: stream for stream in media.streams(lesson)}
    video, audio = found.get("video", {}), found.get("audio", {})
    verdict.equal("its picture is H.264 of the right size",
                  (video.get("codec_name"), video.get("width"), video.get("height")), ("h264", WIDTH, HEIGHT))
    verdict.equal("its sound is AAC at 48 kHz", (audio.get("codec_name"), audio.get("sample_rate")), ("aac", "48000"))

    segments = recording.of("seg")
    recorded = recording.seconds
    verdict.that(f"at least {LEAST_SECONDS} s were recorded", recorded >= LEAST_SECONDS, f"{recorded:.2f} s")
    verdict.equal("the segments follow each other without a hole", [leaf["start"] for leaf in segments[1:]],
                  [leaf["start"] + leaf["duration"] for leaf in segments[:-1]])
    # The teacher's own clock: from `started` to the stop. Opening and closing the devices lie outside.
    asked = verdict.attempt("the guest measured the lesson", lambda: float((out / "seconds").read_text()))
    if asked:
        verdict.that("the recorded duration is the lesson's", abs(recorded - asked) < 2, f"{recorded:.2f} s of {asked:.2f} s")

    frames = media.frame_count(lesson)
    verdict.near("the frame count fits the recorded duration", frames, recorded * RATE, TOLERANCE, "frames")
    times = media.frame_times(lesson)
    verdict.near("the pictures span the recorded duration", times[-1] - times[0] + 1 / RATE, recorded, TOLERANCE, "s")
    total, distinct = media.distinct_frames(lesson)
    verdict.that("the pictures are live", distinct > total * 0.98, f"{distinct} of {total} differ")
    sound = media.Sound.of(lesson)
    verdict.near("the sound is as long as the recorded duration", sound.seconds, recorded, TOLERANCE, "s")
    verdict.near("the strongest frequency is the tone", sound.strongest_frequency(), TONE, 0.002, "Hz")
    # The first and last quarter second hold the encoder's fade and a cut.
    inner = sound.part(0.25, sound.seconds - 0.25)
    # The sound is stretched by at most 0.2 % to follow the lesson's clock.
    share = inner.steady_share_at(TONE, slip=0.002)
    verdict.that("the tone never breaks off", share > 0.95, f"least share of a quarter second {share:.4f}")
