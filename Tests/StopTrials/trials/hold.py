"""Holds threads of another process, so that nothing they were to do comes about (ptrace(2)).

    hold.py thread TID          the one thread, wherever it is
    hold.py sync PID            each thread of the process, from when it calls fsync or fdatasync

Says `attached` and holds until it is killed; then the threads go on. A thread that is held can be killed
with its process, as one that waits for nothing in particular, which strace would not let it.
"""

import ctypes
import os
import platform
import signal
import sys

SEIZE, INTERRUPT, SYSCALL, LISTEN, GET_SYSCALL_INFO = 0x4206, 0x4207, 24, 0x4208, 0x420E
TRACE_SYSGOOD, TRACE_CLONE = 0x1, 0x8
EVENT_STOP = 128
WAIT_ALL = 0x40000000

# The numbers of fsync and fdatasync.
SYNC = {"x86_64": {74, 75}, "aarch64": {82, 83}}

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_libc.ptrace.restype = ctypes.c_long


def ptrace(request: int, thread: int, address=None, data=None) -> int:
    result = _libc.ptrace(request, thread, address, data)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def entered(thread: int) -> int | None:
    """The system call that a stopped thread is about to make; None when it has just made one."""
    info = ctypes.create_string_buffer(88)
    ptrace(GET_SYSCALL_INFO, thread, len(info), ctypes.cast(info, ctypes.c_void_p))
    # struct ptrace_syscall_info: PTRACE_SYSCALL_INFO_ENTRY is 1, its number begins at 24.
    return int.from_bytes(info.raw[24:32], "little") if info.raw[0] == 1 else None


def resume(thread: int, status: int, held: set) -> None:
    """Lets a stopped thread go on, or not, as what it stopped for says."""
    number = os.WSTOPSIG(status)
    if number == signal.SIGTRAP | 0x80:
        if entered(thread) not in held:
            ptrace(SYSCALL, thread)
    elif status >> 16 == EVENT_STOP and number != signal.SIGTRAP:
        ptrace(LISTEN, thread)
    elif status >> 16:
        ptrace(SYSCALL, thread)
    else:
        ptrace(SYSCALL, thread, None, number)


def hold_calls(process: int, held: set) -> None:
    for name in os.listdir(f"/proc/{process}/task"):
        ptrace(SEIZE, int(name), None, TRACE_SYSGOOD | TRACE_CLONE)
        ptrace(INTERRUPT, int(name))
    print("attached", flush=True)
    while True:
        thread, status = os.waitpid(-1, WAIT_ALL)
        if os.WIFSTOPPED(status):
            try:
                resume(thread, status, held)
            except ProcessLookupError:
                # Killed meanwhile.
                pass


def main(kind: str, number: str) -> None:
    try:
        if kind == "thread":
            ptrace(SEIZE, int(number))
            ptrace(INTERRUPT, int(number))
            print("attached", flush=True)
            signal.pause()
        hold_calls(int(number), SYNC[platform.machine()])
    except ChildProcessError:
        # Nobody is left to be held.
        pass


if __name__ == "__main__":
    main(*sys.argv[1:])
