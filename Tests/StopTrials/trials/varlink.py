"""The smallest client of the local protocol: NUL-terminated JSON on a Unix socket."""

import json
import socket
import struct


class Refused(Exception):
    """The box answered with an error."""

    def __init__(self, name: str, parameters: dict):
        super().__init__(f"{name} {parameters}")
        self.name = name
        self.parameters = parameters


class Client:
    def __init__(self, path: str, seconds: float = 30):
        self.socket = socket.socket(socket.AF_UNIX)
        # With Python's own time limit a connect does not wait for a place in a full queue.
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", round(seconds), 0))
        try:
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise
        self.socket.settimeout(seconds)
        self._rest = b""

    def send(self, method: str, parameters: dict | None = None, more: bool = False) -> None:
        call = {"method": method, "parameters": parameters or {}}
        if more:
            call["more"] = True
        self.socket.sendall(json.dumps(call).encode() + b"\0")

    def receive(self) -> dict:
        while b"\0" not in self._rest:
            chunk = self.socket.recv(1 << 16)
            if not chunk:
                raise ConnectionError("the box closed the connection")
            self._rest += chunk
        message, self._rest = self._rest.split(b"\0", 1)
        reply = json.loads(message)
        if "error" in reply:
            raise Refused(reply["error"], reply.get("parameters", {}))
        return reply.get("parameters", {})

    def call(self, method: str, parameters: dict | None = None) -> dict:
        self.send(method, parameters)
        return self.receive()

    def close(self) -> None:
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
