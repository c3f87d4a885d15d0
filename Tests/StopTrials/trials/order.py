"""Judges what a watcher saw: which devices were open when, and under which lamp and gate.

Pure: a list of events in, findings out, so that the judge itself can be tested with made-up lists.
"""

from dataclasses import dataclass, field

OPEN = "open"
CLOSE = "close"
ON = "on"
OFF = "off"
# The switch was written twice before it could be read: what the first writing said is not known.
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Event:
    """Something happened to a file; the order in a list of them is the kernel's."""

    path: str
    kind: str
    # CLOCK_MONOTONIC, ns, when the watcher heard of it.
    time: int


@dataclass
class Findings:
    # Sentences that say what must not be.
    violations: list = field(default_factory=list)
    # Where the watcher could not see what a switch said.
    unclear: list = field(default_factory=list)
    # How often each node was opened.
    opened: dict = field(default_factory=dict)
    # Nodes that are open at the end.
    left_open: list = field(default_factory=list)
    # Switches that are on at the end.
    left_on: list = field(default_factory=list)


def judge(events: list, needs: dict, excused: dict | None = None) -> Findings:
    """Holds events against the rule: a node is open only while all its switches are on.

    `needs` names the nodes, and for each the switches (lamp, gate) that must be on from before it
    opens until after it closed. A switch in `excused` may go off from that time (ns) on whatever is
    open: a lamp that the trial puts out, or a gate that a new authority shuts before all else. Then
    too no device may open.
    """
    excused = excused or {}
    findings = Findings(opened=dict.fromkeys(needs, 0))
    count = dict.fromkeys(needs, 0)
    state = {}
    for event in events:
        if event.path in count:
            if event.kind == OPEN:
                count[event.path] += 1
                findings.opened[event.path] += 1
                _open(event.path, needs, state, findings)
            elif event.kind == CLOSE:
                if count[event.path] == 0:
                    findings.violations.append(f"{event.path} closed and was never seen to open")
                else:
                    count[event.path] -= 1
            continue
        state[event.path] = event.kind
        is_excused = event.path in excused and event.time >= excused[event.path]
        for node, switches in needs.items():
            if event.path not in switches or not count[node] or event.kind == ON or is_excused:
                continue
            if event.kind == OFF:
                findings.violations.append(f"{event.path} went off while {node} was open")
            else:
                findings.unclear.append(f"{event.path} was written twice while {node} was open")
    findings.left_open = [node for node, number in count.items() if number]
    findings.left_on = [switch for switch, kind in state.items() if kind != OFF]
    return findings


def _open(node: str, needs: dict, state: dict, findings: Findings) -> None:
    for switch in needs[node]:
        kind = state.get(switch, OFF)
        if kind == OFF:
            findings.violations.append(f"{node} opened while {switch} was off")
        elif kind == UNKNOWN:
            findings.unclear.append(f"{node} opened when {switch} had been written twice")


def closed_at(events: list, nodes: list, since: int) -> int | None:
    """When the last of the nodes that were open at `since` (ns) closed; None while one is open."""
    count = dict.fromkeys(nodes, 0)
    last = None
    for event in events:
        if event.path not in count:
            continue
        if event.kind == OPEN:
            count[event.path] += 1
            last = None if event.time >= since else last
        elif event.kind == CLOSE:
            count[event.path] = max(0, count[event.path] - 1)
            if not any(count.values()):
                last = event.time
    return last if last is not None and not any(count.values()) else None
