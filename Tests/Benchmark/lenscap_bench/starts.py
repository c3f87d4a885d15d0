"""How long a start takes, from the token to the first picture, with the real programs."""

import base64
import json
import os
import secrets
import socket
import subprocess
import time


class Connection:
    """One connection to a Varlink socket."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.buffer = b""

    def call(self, method, parameters=None):
        message = {"method": f"org.lenscap.Teacher.{method}", "parameters": parameters or {}}
        self.socket.sendall(json.dumps(message).encode() + b"\0")
        while b"\0" not in self.buffer:
            part = self.socket.recv(1 << 16)
            assert part, "lenscapd closed the connection"
            self.buffer += part
        reply, self.buffer = self.buffer.split(b"\0", 1)
        answer = json.loads(reply)
        assert "error" not in answer, answer
        return answer["parameters"]


def measure(workplace, runs):
    """Milliseconds of each start.

    The test camera writes into each picture when it was taken, on the clock that is read here when
    the token goes out.
    """
    root = workplace.new("box")
    program = os.path.join(workplace.programs, "lenscap")
    subprocess.run([program, "demo", "--folder", root, "--seconds", "4"], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    authority = subprocess.Popen([os.path.join(workplace.programs, "lenscapd"), "--root", root])
    try:
        path = os.path.join(root, "run/lenscap/teacher.sock")
        times = []
        for _ in range(runs):
            times.append(one(program, root, path))
        return times
    finally:
        authority.terminate()
        authority.wait()


def connect(path):
    limit = time.monotonic() + 20
    while True:
        try:
            return Connection(path)
        except OSError:
            if time.monotonic() > limit:
                raise
            time.sleep(0.05)


def one(program, root, path):
    connection = connect(path)
    details = {"purpose": "reflection",
               "salt": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")}
    request = {"cameras": ["front"], "challenge": connection.call("Challenge")["challenge"],
               "details": details, "duration": 60, "microphones": []}
    signed = subprocess.run(
        [program, "sign", "--yes", "--root", root], check=True, capture_output=True, text=True,
        input=json.dumps(request, sort_keys=True, separators=(",", ":")))
    sent = time.clock_gettime(time.CLOCK_MONOTONIC)
    recording = connection.call("Start", {"token": signed.stdout.strip(), "details": details})
    time.sleep(3)
    connection.call("Stop")
    # The recorder has its last segments to seal.
    time.sleep(1)
    return taken(root, recording["recording"]) - sent * 1000


def taken(root, recording):
    """When the recording's first picture was taken, milliseconds of CLOCK_MONOTONIC."""
    spool = os.path.join(root, "var/lib/lenscap/spool", recording)
    identity = next(os.path.join(folder, "identity.txt") for folder, _, names in os.walk(root)
                    if "identity.txt" in names)
    film = b""
    for name in ("000000.init.age", "000001.m4s.age"):
        film += subprocess.run(["age", "-d", "-i", identity, os.path.join(spool, name)],
                               check=True, capture_output=True).stdout
    picture = subprocess.run(
        ["ffmpeg", "-nostdin", "-v", "error", "-i", "-", "-frames:v", "1", "-pix_fmt", "gray",
         "-f", "rawvideo", "-"], input=film, check=True, capture_output=True).stdout
    width, height = (1280, 720)
    assert len(picture) == width * height, len(picture)
    # TestTimeCode: the lower row of two at the bottom, 34 cells, the first two a mark.
    cell = width // 80 * 2
    line = ((height - 2 * cell) // 2 * 2 + cell + cell // 2) * width
    bits = [picture[line + position * cell + cell // 2] >= 128 for position in range(34)]
    assert bits[:2] == [True, False], "no time code"
    return int("".join("1" if bit else "0" for bit in bits[2:]), 2)
