"""What is measured. Each case adds its figures to the table."""

import json
import os
import re
import statistics
import subprocess

from . import spool, starts
from .clips import RAW, SIZE, ffmpeg
from .processes import run


class Settings:
    def __init__(self, workplace, runs, seconds, endurance):
        self.workplace = workplace
        self.runs = runs
        self.seconds = seconds
        self.endurance = endurance

    def clip(self, form):
        return self.workplace.path(f"clip.{form}")

    def camera(self, name, form):
        return f"{name}=test:clip?file={self.clip(form)}&format={form}@{SIZE}"

    def record(self, seconds, *sources):
        """Our pipeline: usage, and what the program says of the lesson."""
        out = self.workplace.new("lesson")
        usage, = run([self.workplace.benchmark, "record", str(seconds), out, *sources])
        said = json.loads(usage.output)
        assert said["failure"] is None, said
        return usage, said

    def record_whole(self, seconds, *sources):
        """The same; a run in which other work on the machine cost pictures is made again."""
        for _ in range(10):
            usage, said = self.record(seconds, *sources)
            if not any(source["dropped"] + source["lost"] for source in said["sources"]):
                return usage
        raise RuntimeError("the machine is too busy: every run lost pictures")

    def input(self, form, *options):
        form_options = RAW if form == "yuyv" else ["-f", "mjpeg", "-framerate", "30"]
        return [*options, "-stream_loop", "-1", *form_options, "-i", self.clip(form)]

    def peer(self, form, pixels):
        """`ffmpeg … | age` on the same pictures and sound in real time: the usage of both."""
        sound = ["-re", "-stream_loop", "-1", "-f", "s16le", "-ar", "48000", "-ac", "1",
                 "-i", self.workplace.path("sound.raw")]
        return run(
            ["ffmpeg", "-nostdin", "-v", "error", *self.input(form, "-re"), *sound,
             "-t", str(self.seconds), "-map", "0:v", "-map", "1:a",
             "-c:v", "libx264", "-preset", "superfast", "-bf", "0", "-threads", "2",
             "-b:v", "4M", "-maxrate", "4M", "-bufsize", "8M", "-g", "60", "-pix_fmt", pixels,
             "-c:a", "aac", "-b:a", "96k", "-f", "mp4",
             "-movflags", "frag_keyframe+empty_moov+default_base_moof", "-"],
            ["age", "-r", self.workplace.recipient],
            output=self.workplace.path("peer.age"))

    def opened(self, sources, identity, name):
        """Sealed files in order, opened and put together."""
        path = self.workplace.path(name)
        with open(path, "wb") as file:
            for source in sources:
                subprocess.run(["age", "-d", "-i", identity, source], stdout=file, check=True)
        return path

    def ours(self):
        folder = self.workplace.path("lesson")
        names = sorted(os.listdir(os.path.join(folder, "recording")))
        files = [os.path.join(folder, "recording", name) for name in names]
        return self.opened(files, os.path.join(folder, "identity"), "ours.mp4")

    def theirs(self):
        return self.opened([self.workplace.path("peer.age")], self.workplace.path("identity"),
                           "theirs.mp4")

    def similarity(self, film, form):
        """SSIM of a film's pictures with those of the clip."""
        pixels = "yuv420p" if form == "yuyv" else "yuvj420p"
        chain = ";".join(
            f"[{index}:v]format={pixels},settb=1/30,setpts=N[{index}]" for index in (0, 1)
        ) + ";[0][1]ssim=shortest=1"
        command = ["ffmpeg", "-nostdin", "-hide_banner", "-i", film, *self.input(form),
                   "-filter_complex", chain, "-f", "null", "-"]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stderr
        return float(re.search(r"All:([0-9.]+)", said)[1])


def spread(values):
    return f"{min(values):.3f}…{max(values):.3f}"


def paired(settings, ours, *others):
    """Interleaved runs: for each of `others` the list of ratios of processor time."""
    ratios = [[] for _ in others]
    for _ in range(settings.runs):
        spent = ours()
        for position, other in enumerate(others):
            ratios[position].append(spent / other())
    return ratios


def add_ratio(table, name, ratios, target, note=""):
    table.add(name, statistics.median(ratios), target, note=f"{spread(ratios)} {note}".strip())


def against_ffmpeg(settings, table, form, peers):
    memory = {"ours": [], "theirs": []}

    def ours():
        usage = settings.record_whole(settings.seconds, settings.camera("front", form),
                                      "desk=test:sound")
        memory["ours"].append(usage.resident)
        return usage.processor

    def theirs(pixels):
        usages = settings.peer(form, pixels)
        memory["theirs"].append(usages[0].resident)
        return sum(usage.processor for usage in usages)

    others = [lambda pixels=pixels: theirs(pixels) for pixels, _ in peers]
    for (pixels, target), ratios in zip(peers, paired(settings, ours, *others)):
        add_ratio(table, f"{form} 1080p30, CPU of ffmpeg -pix_fmt {pixels} | age", ratios, target)
    table.add(
        f"{form} 1080p30, resident memory of ffmpeg",
        statistics.median(memory["ours"]) / statistics.median(memory["theirs"]), 0.70,
        note=f"{statistics.median(memory['ours']):.0f} MiB")
    # The same picture as the peer's first one only without a microphone, which sets the start.
    settings.record_whole(settings.seconds, settings.camera("front", form))
    settings.peer(form, peers[0][0])
    mine = settings.similarity(settings.ours(), form)
    other = settings.similarity(settings.theirs(), form)
    table.add(f"{form} 1080p30, SSIM below ffmpeg's", max(0, other - mine), 0.002,
              note=f"{mine:.4f} and {other:.4f}")


def mjpeg(settings, table):
    against_ffmpeg(settings, table, "mjpeg", [("yuvj420p", 0.78), ("yuv420p", 0.70)])


def yuyv(settings, table):
    against_ffmpeg(settings, table, "yuyv", [("yuv420p", 0.97)])


def bare(settings, table):
    """The pipeline over nothing but libx264 and the AAC encoder, both in real time."""
    # Starting the programs is no part of what is compared.
    seconds = 2 * settings.seconds

    def ours():
        usage = settings.record_whole(seconds, settings.camera("front", "yuyv"), "desk=test:sound")
        return usage.processor

    def encoders():
        usage, = run([settings.workplace.benchmark, "encode", settings.clip("yuyv"), "yuyv", SIZE,
                      str(seconds * 30), settings.workplace.path("sound.raw")])
        return float(usage.output)

    ratios, = paired(settings, ours, encoders)
    add_ratio(table, "yuyv 1080p30, CPU of libx264 and AAC alone", ratios, 1.08)


def sealing(settings, table):
    """1 GB from memory to memory, whole processes."""
    workplace = settings.workplace
    plain = workplace.path("plain")
    ffmpeg("-f", "lavfi", "-i", "anoisesrc=r=48000:d=1", "-f", "s16le", plain)
    with open(plain, "rb") as file:
        content = file.read()
    with open(plain, "wb") as file:
        for _ in range(10 ** 9 // len(content)):
            file.write(content)
    ratios = []
    for _ in range(settings.runs):
        ours, = run([workplace.sealing, plain, workplace.new("sealed")])
        age, = run(["age", "-r", workplace.recipient, "-o", workplace.path("plain.age"), plain])
        ratios.append(age.processor / ours.processor)
    workplace.new("sealed")
    os.remove(plain)
    os.remove(workplace.path("plain.age"))
    table.add("sealing 1 GB, CPU of age over ours", statistics.median(ratios), 1.5, most=False,
              note=spread(ratios))


def latency(settings, table):
    """From a segment's end to its file being durable."""
    delays = []
    for form in ("mjpeg", "yuyv"):
        _, said = settings.record(max(20, settings.endurance // 5), settings.camera("front", form),
                                  "desk=test:sound")
        delays += said["delays"]
    delays.sort()
    worst = delays[min(len(delays) - 1, int(len(delays) * 0.99))] / 1e6
    table.add("captured → durable beyond the segment, p99", worst, 150, unit=" ms",
              note=f"median {statistics.median(delays) / 1e6:.0f} ms, {len(delays)} segments")


def start(settings, table):
    """From a valid token to the first picture, with the real programs."""
    times = starts.measure(settings.workplace, settings.runs)
    table.add("valid token → first picture captured", statistics.median(times), 100, unit=" ms",
              note=spread(times))


def two_cameras(settings, table):
    sources = [settings.camera(name, "mjpeg") for name in ("back", "front")]
    usage, said = settings.record(settings.endurance, *sources, "desk=test:sound",
                                  "wall=test:sound")
    missing = sum(source["dropped"] + source["lost"] for source in said["sources"])
    table.add("two mjpeg cameras, two microphones: frames missing", missing, 0,
              note=f"{settings.endurance} s, {usage.processor / settings.endurance:.2f} cores")


ALL = {"mjpeg": mjpeg, "yuyv": yuyv, "bare": bare, "sealing": sealing, "latency": latency,
       "start": start, "two-cameras": two_cameras, **spool.ALL}
