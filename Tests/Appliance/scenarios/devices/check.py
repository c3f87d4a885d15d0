"""The guest's devices work: a virtual camera gives live pictures and a virtual microphone a clean tone.

No Lenscap program takes part: when this fails, look at the guest, not at Lenscap. Ordinary recording
tools record once freely and once in the sandbox of lenscap-recorder@.service, which shows that it lets
the devices through and little else.
"""

import re

from appliance import media

GUEST_CHECKS = 28
TIME_LIMIT = 180

FRAMES, RATE = 150, 15
SECONDS = 10
WIDTH, HEIGHT = 640, 360
TONE = 1000


def prepare(stage):
    media.write_tone(stage.incoming / "tone.raw", TONE)


def check(stage, verdict):
    for where in ("plain", "sandbox"):
        _check_pictures(stage.outgoing, where, verdict)
        _check_sound(stage.outgoing / f"{where}.wav", where, verdict)


def _check_pictures(out, where, verdict):
    count = verdict.attempt(f"{where}: the pictures can be read", lambda: media.distinct_frames(
        out / f"{where}.yuv", "-f", "rawvideo", "-pixel_format", "yuyv422", "-video_size", f"{WIDTH}x{HEIGHT}"))
    if count:
        verdict.equal(f"{where}: every picture asked for arrived", count[0], FRAMES)
        verdict.equal(f"{where}: every picture is a new one", count[1], FRAMES)
    times = [float(time) for time in re.findall(r"\bts: ([0-9.]+)", (out / f"{where}.frames").read_text())]
    if verdict.equal(f"{where}: every picture has a time", len(times), FRAMES):
        # Wide: a busy host slows an emulated camera down, and that is not what is looked for.
        verdict.near(f"{where}: the camera runs at the rate asked for", (FRAMES - 1) / (times[-1] - times[0]),
                     RATE, 0.2, "frames/s")


def _check_sound(file, where, verdict):
    sound = verdict.attempt(f"{where}: the sound can be read", lambda: media.Sound.of(file))
    if sound:
        verdict.near(f"{where}: the sound is as long as asked", sound.seconds, SECONDS, 0.001, "s")
        verdict.near(f"{where}: the strongest frequency is the tone", sound.strongest_frequency(), TONE, 0.001, "Hz")
        share = sound.steady_share_at(TONE)
        verdict.that(f"{where}: the tone never breaks off", share > 0.99, f"least share of a quarter second {share:.4f}")
