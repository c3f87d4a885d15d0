"""Each unit's sandbox: a probe in the place of each program tries what it may and what it must not.

The units are the shipped ones with another ExecStart=. The sockets, the groups that open them and the
paths that wake the services are tried on the way.
"""

GUEST_CHECKS = 55
TIME_LIMIT = 180


def check(stage, verdict):
    """Everything is judged in the guest."""
