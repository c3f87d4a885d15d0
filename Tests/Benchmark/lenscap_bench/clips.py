"""The programs under test, and the pictures and sound that both sides get."""

import os
import shutil
import subprocess
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.path.join(ROOT, ".build", "benchmark")
SIZE = "1920x1080"

# A picture with detail that moves and turns slowly, a smaller one that moves over it, and noise.
STILL = ["-f", "lavfi", "-i",
         "mandelbrot=s=1600x900:start_scale=0.02:end_scale=0.02:start_x=-0.745:start_y=0.105"]
MOTION = (
    "[0:v]gblur=2,scale=2400:1350,zoompan=z='1.1+0.2*sin(on/60)':"
    "x='(iw-iw/zoom)*(0.5+0.4*sin(on/45))':y='(ih-ih/zoom)*(0.5+0.4*cos(on/51))':"
    "d=150:s=1920x1080:fps=30[a];"
    "[a][1:v]overlay=x='300+200*sin(t*2)':y=500:shortest=0,noise=alls=3:allf=t:all_seed=1,"
    "format=yuv422p"
)
PICTURES = 150
RAW = ["-f", "rawvideo", "-pixel_format", "yuyv422", "-video_size", SIZE, "-framerate", "30"]


def ffmpeg(*arguments):
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *arguments], check=True)


def machine():
    """What the figures were measured on."""
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        names = [line.split(":")[1].strip() for line in file if line.startswith("model name")]
    version = subprocess.run(["ffmpeg", "-version"], capture_output=True, text=True, check=True)
    age = subprocess.run(["age", "--version"], capture_output=True, text=True, check=True)
    return (f"{os.cpu_count()} × {names[0] if names else os.uname().machine}, load "
            f"{os.getloadavg()[0]:.1f}; {' '.join(version.stdout.split()[:3])}, age {age.stdout.strip()}")


class Workplace:
    """Everything that is made lies in memory (tmpfs) and is removed at the end."""

    def __enter__(self):
        subprocess.run(
            ["swift", "build", "--quiet", "-c", "release", "--static-swift-stdlib",
             "--scratch-path", BUILD],
            cwd=ROOT, env={**os.environ, "LENSCAP_BENCHMARK": "1"}, check=True,
            stdout=subprocess.DEVNULL)
        self.programs = os.path.join(BUILD, "release")
        self.folder = tempfile.mkdtemp(prefix="lenscap-bench-", dir="/dev/shm")
        self._make_clips()
        keys = subprocess.run(["age-keygen"], capture_output=True, text=True, check=True)
        with open(self.path("identity"), "w", encoding="utf-8") as file:
            file.write(keys.stdout)
        self.recipient = keys.stdout.split("public key: ")[1].split()[0]
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def new(self, name):
        """A path where nothing is."""
        shutil.rmtree(self.path(name), ignore_errors=True)
        return self.path(name)

    @property
    def benchmark(self):
        return os.path.join(self.programs, "Benchmark")

    @property
    def sealing(self):
        return os.path.join(self.programs, "Sealing")

    def _make_clips(self):
        """The still takes longest and is kept for the next time."""
        still = os.path.join(BUILD, "still.png")
        if not os.path.exists(still):
            ffmpeg(*STILL, "-frames:v", "1", still + ".part.png")
            os.rename(still + ".part.png", still)
        ffmpeg("-loop", "1", "-i", still, "-f", "lavfi", "-i", "testsrc2=s=480x270:r=30",
               "-filter_complex", MOTION, "-frames:v", str(PICTURES), "-pix_fmt", "yuyv422",
               "-f", "rawvideo", self.path("clip.yuyv"))
        ffmpeg(*RAW, "-i", self.path("clip.yuyv"), "-vf", "scale=out_range=full,format=yuvj422p",
               "-c:v", "mjpeg", "-huffman", "default", "-q:v", "2.6", "-f", "mjpeg", self.path("clip.mjpeg"))
        subprocess.run([self.benchmark, "sound", "10", self.path("sound.raw")], check=True)
