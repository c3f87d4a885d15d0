"""Gate, lamp, stop inputs, and virtual USB devices on the real kernel; how systemd ends authority and recorder.

No Lenscap program takes part: the shipped rules and units are tried with shell and small stand-ins, and the virtual
USB camera and microphone (usb/) under the real uvcvideo and snd-usb-audio. Two boots: the first installs.
"""

import re

from appliance import media

GUEST_CHECKS = 68
TIME_LIMIT = 300
VIRTUAL_USB = True

# A controller with a sound card behind a hub and a tablet, plugged in before the kernel starts.
DEVICES = ["-device", "qemu-xhci", "-device", "usb-hub,port=1", "-audiodev", "none,id=silence",
           "-device", "usb-audio,audiodev=silence,port=1.1", "-device", "usb-tablet,port=2"]

BEEP = 1000


def drive(stage):
    for _ in range(2):
        stage.guest.start(devices=DEVICES)
        stage.guest.wait_until_booted()
        status = stage.guest.wait(stage.time_limit)
        if status:
            break
    return status


def check(stage, verdict):
    out = stage.outgoing
    yuyv = ("-f", "rawvideo", "-pixel_format", "yuyv422", "-video_size", "640x360")
    for name, width, height, rate, count, options in (
            ("yuyv-bulk", 640, 360, 15, 45, yuyv),
            ("yuyv-isochronous", 640, 360, 15, 45, yuyv),
            ("mjpeg-bulk", 1280, 720, 30, 90, ("-f", "mjpeg")),
            ("mjpeg-isochronous", 1280, 720, 30, 90, ("-f", "mjpeg"))):
        pictures = _check_pictures(out, name, width, height, options, count, verdict)
        if pictures:
            _check_report(name, (out / f"{name}.usb").read_text(), pictures, rate, verdict)
    # Thirty were sent; a slow reader misses some.
    _check_pictures(out, "pulled-out", 640, 360, yuyv, 15, verdict)
    for name, seconds, ppm in (("mono", 6, 0), ("stereo", 6, 10000), ("beside", 3, 0)):
        sound = verdict.attempt(f"{name}: the sound can be read", lambda: media.Sound.of(out / f"{name}.wav"))
        if sound:
            _check_sound(name, sound, (out / f"{name}.usb").read_text(), seconds, ppm, verdict)


def _check_pictures(out, name, width, height, options, count, verdict):
    pictures = verdict.attempt(f"{name}: the counter of every picture can be read",
                               lambda: media.pictures(out / name, width, height, *options))
    if not pictures:
        return None
    counters = [picture.counter for picture in pictures]
    verdict.that(f"{name}: there are as many as were asked for", len(counters) >= count, f"{len(counters)}")
    # Its numbers tell what the driver dropped for want of a free buffer. It copies pictures in parallel and hands over
    # first what is ready first.
    numbers = [int(number) for number in re.findall(r"\bseq: *(\d+)", (out / f"{name}.frames").read_text())]
    verdict.that(f"{name}: each is the one that its sequence number says",
                 [number - min(numbers) for number in numbers] == [counter - min(counters) for counter in counters],
                 f"{len(counters)} of {max(counters) - min(counters) + 1}, "
                 f"{'in order' if counters == sorted(counters) else 'not in order'}")
    return pictures


def _check_report(name, report, pictures, rate, verdict):
    """The device's own side: it streamed once, sent at least what arrived, and flashed each second."""
    streams = re.findall(r"video streaming-off pictures=(\d+) skipped=(\d+)", report)
    verdict.that(f"{name}: the device reports one stream with these pictures",
                 len(streams) == 1 and int(streams[0][0]) >= len(pictures) and report.count("video streaming-on") == 1,
                 f"{streams}")
    flashes = sorted(picture.counter for picture in pictures if picture.flash)
    apart = [after - before for before, after in zip(flashes, flashes[1:])]
    # Where the guest is slow the device leaves pictures out.
    skipped = sum(int(skipped) for _, skipped in streams)
    verdict.that(f"{name}: it flashes each second", apart and all(abs(gap - rate) <= 1 + skipped for gap in apart),
                 f"at {flashes}")


def _check_sound(name, sound, report, seconds, ppm, verdict):
    verdict.near(f"{name}: the sound is as long as asked", sound.seconds, seconds, 0.001, "s")
    beeps = sound.beeps(BEEP)
    if verdict.that(f"{name}: it beeps each second", seconds - 1 <= len(beeps) <= seconds,
                    ", ".join(f"{beep:.2f}" for beep in beeps)):
        # By the recording's own count of samples: a fast clock puts more of them between two beeps.
        verdict.near(f"{name}: its clock is as asked", (beeps[-1] - beeps[0]) / (len(beeps) - 1), 1 + ppm / 1e6,
                     0.006, "s")
    lost = re.findall(r"microphone streaming-off samples=\d+ lost=(\d+)", report)
    verdict.equal(f"{name}: the device lost no sample", lost[-1:], ["0"])
