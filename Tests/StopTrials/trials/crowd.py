"""Many clients of one socket that all want something and never go away: crowd.py SOCKET COUNT

Says `connected` when each has tried once; those that are sent away come again until it is killed.
"""

import resource
import select
import socket
import sys
import time

CALL = b'{"method":"org.lenscap.Teacher.Monitor","parameters":{},"more":true}\0'


def connect(path: str) -> socket.socket | None:
    client = socket.socket(socket.AF_UNIX)
    client.setblocking(False)
    try:
        client.connect(path)
        client.send(CALL)
        return client
    except OSError:
        client.close()
        return None


def main(path: str, count: int) -> None:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(limit, count + 64), limit))
    ready = select.epoll()
    clients = {}
    tried = 0
    announced = False
    while True:
        # A listening socket holds few who wait: come in groups.
        for _ in range(min(32, count - len(clients))):
            tried += 1
            client = connect(path)
            if client is None:
                break
            clients[client.fileno()] = client
            ready.register(client, select.EPOLLIN | select.EPOLLHUP)
        for number, _ in ready.poll(0.001):
            try:
                gone = not clients[number].recv(1 << 16)
            except BlockingIOError:
                gone = False
            except OSError:
                gone = True
            if gone:
                ready.unregister(number)
                clients.pop(number).close()
        if tried >= count and not announced:
            print("connected", flush=True)
            announced = True
        if announced:
            time.sleep(0.01)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
