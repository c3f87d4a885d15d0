"""The judge must fail what is wrong: made-up events, and files that are really opened and written."""

import os
import tempfile
import unittest
from pathlib import Path

from . import order
from .order import CLOSE, OFF, ON, OPEN, UNKNOWN, Event, closed_at, judge
from .watch import Watcher

CAMERA, MICROPHONE, LAMP, GATE = "video0", "pcmC0D0c", "brightness", "authorized"
NEEDS = {CAMERA: [LAMP, GATE], MICROPHONE: [LAMP]}
GOOD = [(LAMP, OFF), (GATE, OFF), (LAMP, ON), (GATE, ON), (CAMERA, OPEN), (MICROPHONE, OPEN),
        (MICROPHONE, CLOSE), (CAMERA, CLOSE), (GATE, OFF), (LAMP, OFF)]


def events(pairs):
    return [Event(path, kind, time) for time, (path, kind) in enumerate(pairs)]


def without(pair, at=None):
    """The good order with `pair` taken out, and put back before `at`."""
    rest = [other for other in GOOD if other != pair]
    # The last time that a switch goes off is meant, not its state in the beginning.
    if pair[1] == OFF:
        rest = GOOD[:2] + [other for other in GOOD[2:] if other != pair]
    if at is not None:
        rest.insert(rest.index(at), pair)
    return events(rest)


class Judging(unittest.TestCase):
    def test_the_good_order_is_good(self):
        findings = judge(events(GOOD), NEEDS)
        self.assertEqual(findings, order.Findings(opened={CAMERA: 1, MICROPHONE: 1}))

    def test_a_lamp_that_goes_dark_before_the_last_device_closes(self):
        for at in [(MICROPHONE, CLOSE), (CAMERA, CLOSE)]:
            findings = judge(without((LAMP, OFF), at), NEEDS)
            self.assertIn(f"{LAMP} went off while {CAMERA} was open", findings.violations)

    def test_a_lamp_that_is_lit_after_the_first_device_opened(self):
        findings = judge(without((LAMP, ON), (MICROPHONE, OPEN)), NEEDS)
        self.assertEqual(findings.violations, [f"{CAMERA} opened while {LAMP} was off"])

    def test_a_lamp_that_is_never_lit(self):
        findings = judge(without((LAMP, ON)), NEEDS)
        self.assertEqual(findings.violations, [f"{CAMERA} opened while {LAMP} was off",
                                               f"{MICROPHONE} opened while {LAMP} was off"])

    def test_a_gate_that_opens_late_or_closes_early(self):
        late = judge(without((GATE, ON), (MICROPHONE, OPEN)), NEEDS)
        self.assertEqual(late.violations, [f"{CAMERA} opened while {GATE} was off"])
        early = judge(without((GATE, OFF), (CAMERA, CLOSE)), NEEDS)
        self.assertEqual(early.violations, [f"{GATE} went off while {CAMERA} was open"])

    def test_a_gate_matters_to_its_own_devices_only(self):
        pairs = [pair for pair in GOOD if pair[0] != CAMERA and pair[0] != GATE]
        self.assertEqual(judge(events(pairs), NEEDS).violations, [])

    def test_without_a_lamp_nothing_is_asked_of_it(self):
        pairs = [pair for pair in GOOD if pair[0] in (CAMERA, MICROPHONE)]
        self.assertEqual(judge(events(pairs), {CAMERA: [], MICROPHONE: []}).violations, [])

    def test_a_device_that_opens_again_in_the_dark(self):
        findings = judge(events([*GOOD, (CAMERA, OPEN), (CAMERA, CLOSE)]), NEEDS)
        self.assertEqual(len(findings.violations), 2)
        self.assertEqual(findings.opened[CAMERA], 2)

    def test_what_is_open_and_on_in_the_end(self):
        self.assertEqual(judge(without((CAMERA, CLOSE)), NEEDS).left_open, [CAMERA])
        self.assertEqual(judge(without((LAMP, OFF)), NEEDS).left_on, [LAMP])

    def test_a_close_without_an_open(self):
        self.assertEqual(len(judge(without((CAMERA, OPEN)), NEEDS).violations), 1)

    def test_a_lamp_that_the_trial_puts_out(self):
        dark = without((LAMP, OFF), (MICROPHONE, CLOSE))
        moment = next(event.time for event in reversed(dark) if event.path == LAMP)
        self.assertEqual(judge(events_at(dark), NEEDS, {LAMP: moment}).violations, [])
        self.assertEqual(len(judge(events_at(dark), NEEDS, {LAMP: moment + 1}).violations), 2)
        reopened = [*dark, Event(CAMERA, OPEN, 99)]
        self.assertTrue(judge(events_at(reopened), NEEDS, {LAMP: moment}).violations)

    def test_a_switch_that_was_written_too_fast_is_no_proof(self):
        pairs = [pair if pair != (LAMP, ON) else (LAMP, UNKNOWN) for pair in GOOD]
        findings = judge(events(pairs), NEEDS)
        self.assertEqual(findings.violations, [])
        self.assertEqual(len(findings.unclear), 2)


def events_at(listed):
    """The same events at the times of their places."""
    return [Event(event.path, event.kind, time) for time, event in enumerate(listed)]


class Closing(unittest.TestCase):
    def test_the_last_close_counts(self):
        self.assertEqual(closed_at(events(GOOD), [CAMERA, MICROPHONE], 6), 7)
        self.assertIsNone(closed_at(events(GOOD[:7]), [CAMERA, MICROPHONE], 6))

    def test_a_device_that_is_opened_again_after_the_cause_is_not_closed(self):
        pairs = [*GOOD[:8], (CAMERA, OPEN)]
        self.assertIsNone(closed_at(events(pairs), [CAMERA, MICROPHONE], 6))

    def test_nothing_was_open(self):
        self.assertIsNone(closed_at([], [CAMERA], 0))


class Watching(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.node = str(Path(self.folder.name, CAMERA))
        self.lamp = str(Path(self.folder.name, LAMP))
        Path(self.node).write_text("")
        Path(self.lamp).write_text("0\n")
        self.watcher = Watcher()

    def tearDown(self):
        self.watcher.close()
        self.folder.cleanup()

    def test_files_are_seen_in_order(self):
        seen = self.watcher.add([self.node], [self.lamp])
        Path(self.lamp).write_text("255\n")
        self.assertTrue(self.watcher.wait(lambda: seen[-1].kind == ON, 10))
        with open(self.node, "rb"):
            self.assertTrue(self.watcher.wait(lambda: seen[-1].kind == OPEN, 10))
        self.assertTrue(self.watcher.wait(lambda: seen[-1].kind == CLOSE, 10))
        Path(self.lamp).write_text("0\n")
        self.assertTrue(self.watcher.wait(lambda: seen[-1].kind == OFF, 10))
        findings = judge(seen, {self.node: [self.lamp]})
        self.assertEqual((findings.violations, findings.opened), ([], {self.node: 1}))

    def test_a_node_that_opens_in_the_dark_is_found(self):
        seen = self.watcher.add([self.node], [self.lamp])
        os.close(os.open(self.node, os.O_RDONLY))
        self.assertTrue(self.watcher.wait(lambda: len(seen) == 3, 10))
        self.assertEqual(len(judge(seen, {self.node: [self.lamp]}).violations), 1)

    def test_what_is_no_longer_watched_tells_nothing_later(self):
        for _ in range(200):
            seen = self.watcher.add([self.node])
            os.close(os.open(self.node, os.O_RDONLY))
            self.assertTrue(self.watcher.wait(lambda: len(seen) == 2, 10))
            self.watcher.remove([self.node])
            self.assertEqual([event.kind for event in seen], [OPEN, CLOSE])


if __name__ == "__main__":
    unittest.main()
