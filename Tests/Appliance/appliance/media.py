"""Judges of pictures and sound: ffprobe and ffmpeg decode, the arithmetic is here. No Lenscap code takes part."""

import cmath
import json
import math
import subprocess
from array import array
from dataclasses import dataclass
from pathlib import Path

from .host import Failure, call


def streams(file: Path) -> list[dict]:
    """ffprobe's description of every stream."""
    return json.loads(call("ffprobe", "-v", "error", "-show_streams", "-of", "json", file))["streams"]


def frame_count(file: Path, stream: str = "v:0") -> int:
    """How many pictures of a stream decode."""
    answer = json.loads(call("ffprobe", "-v", "error", "-select_streams", stream, "-count_frames",
                             "-show_entries", "stream=nb_read_frames", "-of", "json", file))
    return int(answer["streams"][0]["nb_read_frames"])


def frame_times(file: Path, stream: str = "v:0") -> list[float]:
    """Presentation times of a stream's decoded pictures, in seconds."""
    answer = call("ffprobe", "-v", "error", "-select_streams", stream,
                  "-show_entries", "frame=pts_time", "-of", "csv=p=0", file)
    return [float(line.strip(",")) for line in answer.split()]


def decodes_without_error(file: Path) -> None:
    """Raises unless every stream decodes from the first to the last byte without a complaint.

    Pictures keep their own times: rounded to the frame rate, two of them may meet in one place.
    """
    done = subprocess.run(["ffmpeg", "-v", "error", "-xerror", "-i", str(file), "-fps_mode", "passthrough",
                           "-enc_time_base:v", "1/90000", "-f", "null", "-"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0 or done.stdout.strip():
        raise Failure(f"ffmpeg ended with {done.returncode}: {done.stdout.strip()[-500:]}")


def distinct_frames(file: Path, *input_options: str) -> tuple[int, int]:
    """How many pictures there are and how many of them differ: a camera that hangs repeats itself."""
    hashes = [line.split(",")[-1].strip()
              for line in call("ffmpeg", "-v", "error", *input_options, "-i", file, "-map", "0:v:0",
                               "-f", "framemd5", "-").splitlines() if not line.startswith("#")]
    return len(hashes), len(set(hashes))


CELL, CELL_COLUMNS, CELL_ROWS = 32, 8, 5


@dataclass(frozen=True)
class Picture:
    """What the virtual camera drew (usb/pictures.c says how): its counter, and whether it flashed."""

    counter: int
    flash: bool

    @classmethod
    def of(cls, grey: bytes, width: int) -> "Picture":
        def white(x: int, y: int) -> bool:
            return grey[y * width + x] > 127

        rows = []
        for row in range(CELL_ROWS):
            cells = [white(column * CELL + CELL // 2, row * CELL + CELL // 2) for column in range(CELL_COLUMNS)]
            rows.append(sum(cell << (CELL_COLUMNS - 1 - i) for i, cell in enumerate(cells)))
        *number, check = rows
        if number[0] ^ number[1] ^ number[2] ^ number[3] ^ 0xA5 != check:
            raise Failure(f"a picture's counter cannot be read: {bytes(rows).hex()}")
        height = len(grey) // width
        # Outside the counter only a flash is white in all of the bars.
        flash = all(white(x, height - 8) for x in range(8, width, width // 16))
        return cls(int.from_bytes(bytes(number), "big"), flash)


def pictures(file: Path, width: int, height: int, *input_options: str, stream: str = "v:0") -> list[Picture]:
    """A virtual camera's pictures, in their order in the file; raises when one cannot be read."""
    done = subprocess.run(["ffmpeg", "-v", "error", *input_options, "-i", str(file), "-map", f"0:{stream}",
                           "-vsync", "0", "-f", "rawvideo", "-pix_fmt", "gray", "-"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    size = width * height
    if done.returncode != 0 or len(done.stdout) % size:
        raise Failure(f"ffmpeg cannot decode {file}: {done.stderr.decode(errors='replace').strip()[-500:]}")
    return [Picture.of(done.stdout[at:at + size], width) for at in range(0, len(done.stdout), size)]


class Sound:
    """Decoded sound of one stream, mixed to one channel: full scale is ±1."""

    def __init__(self, samples: list[float], rate: int):
        self.samples = samples
        self.rate = rate

    @classmethod
    def of(cls, file: Path, stream: str = "a:0", rate: int = 48000) -> "Sound":
        done = subprocess.run(["ffmpeg", "-v", "error", "-i", str(file), "-map", f"0:{stream}", "-ac", "1",
                               "-ar", str(rate), "-f", "s16le", "-"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if done.returncode != 0:
            raise Failure(f"ffmpeg cannot decode {file}: {done.stderr.decode(errors='replace').strip()[-500:]}")
        integers = array("h", done.stdout[:len(done.stdout) // 2 * 2])
        return cls([value / 32768 for value in integers], rate)

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.rate

    def part(self, start: float, end: float) -> "Sound":
        return Sound(self.samples[int(start * self.rate):int(end * self.rate)], self.rate)

    @property
    def loudness(self) -> float:
        """Root mean square."""
        return math.sqrt(sum(value * value for value in self.samples) / len(self.samples)) if self.samples else 0

    def beeps(self, frequency: float, step: float = 0.01) -> list[float]:
        """When the beeps of a frequency begin, in seconds: steps that it fills after steps that it does not."""
        heard = [part.loudness > 0.05 and part.share_at(frequency) > 0.8
                 for part in (self.part(i * step, (i + 1) * step) for i in range(int(self.seconds / step)))]
        return [i * step for i in range(1, len(heard)) if heard[i] and not heard[i - 1]]

    def strongest_frequency(self) -> float:
        """The strongest frequency in the middle of the sound, in Hz, by a Hann-windowed FFT of up to 2¹⁵ samples."""
        size = 1 << min(15, max(1, len(self.samples)).bit_length() - 1)
        if size < 16:
            raise Failure(f"only {len(self.samples)} samples of sound")
        start = (len(self.samples) - size) // 2
        window = [self.samples[start + i] * (0.5 - 0.5 * math.cos(2 * math.pi * i / size)) for i in range(size)]
        power = [abs(value) ** 2 for value in _fft(window)[:size // 2]]
        peak = max(range(1, size // 2 - 1), key=power.__getitem__)
        # Between two bins: the parabola through the logarithms of the peak and its neighbours.
        below, at, above = (math.log(power[k] + 1e-30) for k in (peak - 1, peak, peak + 1))
        curvature = below - 2 * at + above
        offset = 0.5 * (below - above) / curvature if curvature else 0
        return (peak + offset) * self.rate / size

    def share_at(self, frequency: float) -> float:
        """How much of the sound's energy is at one frequency, 0…1, by the Goertzel algorithm."""
        energy = sum(value * value for value in self.samples)
        if not energy:
            return 0
        turn = 2 * math.cos(2 * math.pi * frequency / self.rate)
        last, before = 0.0, 0.0
        for value in self.samples:
            last, before = value + turn * last - before, last
        power = last * last + before * before - turn * last * before
        return 2 * power / (energy * len(self.samples))

    def steady_share_at(self, frequency: float, step: float = 0.25, slip: float = 0) -> float:
        """The smallest `share_at` of all whole steps: what a tone must keep up from beginning to end.

        Each step may have it up to `slip` (a share) beside its frequency, as sound that follows another clock has.
        """
        count = int(self.seconds / step)
        if count == 0:
            return 0
        beside = [frequency * (1 + slip * quarter / 4) for quarter in range(-4, 5)] if slip else [frequency]
        parts = (self.part(i * step, (i + 1) * step) for i in range(count))
        return min(max(map(part.share_at, beside)) for part in parts)


def _fft(values: list[float]) -> list[complex]:
    """Radix-2 fast Fourier transform; the length is a power of two."""
    size = len(values)
    bits = size.bit_length() - 1
    result = [complex(values[int(f"{i:0{bits}b}"[::-1], 2)]) for i in range(size)]
    half = 1
    while half < size:
        turns = [cmath.exp(-1j * math.pi * k / half) for k in range(half)]
        for start in range(0, size, 2 * half):
            for k in range(half):
                even, odd = result[start + k], turns[k] * result[start + half + k]
                result[start + k], result[start + half + k] = even + odd, even - odd
        half *= 2
    return result


def write_tone(file: Path, frequency: float, rate: int = 48000, channels: int = 2, amplitude: float = 0.4) -> None:
    """One second of a sine as raw 16-bit samples; a whole number of Hz repeats without a seam."""
    samples = array("h")
    for i in range(rate):
        value = round(32767 * amplitude * math.sin(2 * math.pi * frequency * i / rate))
        samples.extend([value] * channels)
    file.write_bytes(samples.tobytes())
