"""The judges judged: python3 -m unittest discover -s Tests/Appliance -t Tests/Appliance"""

import math
import random
import tempfile
import unittest
from pathlib import Path

from appliance import media
from appliance.host import Failure
from appliance.verdict import Verdict


def tone(frequency: float, seconds: float, rate: int = 48000, amplitude: float = 0.3) -> media.Sound:
    return media.Sound([amplitude * math.sin(2 * math.pi * frequency * i / rate) for i in range(int(seconds * rate))], rate)


def picture(counter: int, width: int = 320, height: int = 180, light: int = 70) -> bytearray:
    """The grey of a picture of the virtual camera, drawn by another hand than usb/pictures.c."""
    grey = bytearray([light]) * (width * height)
    rows = list(counter.to_bytes(4, "big"))
    rows.append(rows[0] ^ rows[1] ^ rows[2] ^ rows[3] ^ 0xA5)
    for y in range(160):
        for x in range(256):
            grey[y * width + x] = 235 if rows[y // 32] >> (7 - x // 32) & 1 else 16
    return grey


class PictureTests(unittest.TestCase):
    def test_the_counter_is_read(self):
        for counter in (0, 1, 0x80000001, 0xFFFFFFFF, 1234567):
            self.assertEqual(media.Picture.of(bytes(picture(counter)), 320), media.Picture(counter, flash=False))

    def test_a_flash_shows(self):
        self.assertEqual(media.Picture.of(bytes(picture(7, light=235)), 320), media.Picture(7, flash=True))

    def test_a_spoilt_counter_is_no_number(self):
        grey = picture(7)
        for y in range(32):
            grey[y * 320:y * 320 + 32] = bytes([235]) * 32
        with self.assertRaises(Failure):
            media.Picture.of(bytes(grey), 320)


class BeepTests(unittest.TestCase):
    def test_beeps_are_found_where_they_begin(self):
        sound = media.Sound([0.0] * 48000 * 3, 48000)
        beep = tone(1000, 0.1).samples
        for start in (0.5, 1.51):
            at = round(start * 48000)
            sound.samples[at:at + len(beep)] = beep
        self.assertEqual([round(time, 2) for time in sound.beeps(1000)], [0.5, 1.51])
        self.assertEqual(sound.beeps(2000), [])


class ToneTests(unittest.TestCase):
    def test_the_frequency_of_a_tone_is_found_between_bins(self):
        for frequency in (97.3, 440, 1000, 3999.9, 12345.6):
            self.assertAlmostEqual(tone(frequency, 1).strongest_frequency(), frequency, delta=0.1)

    def test_a_tone_in_noise_is_still_found(self):
        dice = random.Random(1)
        sound = tone(1000, 1)
        sound.samples = [value + dice.gauss(0, 0.2) for value in sound.samples]
        self.assertAlmostEqual(sound.strongest_frequency(), 1000, delta=1)

    def test_the_share_of_a_tone_is_one_there_and_none_elsewhere(self):
        sound = tone(1000, 0.5)
        self.assertAlmostEqual(sound.share_at(1000), 1, delta=0.001)
        self.assertLess(sound.share_at(1100), 0.001)

    def test_a_hole_in_a_tone_shows(self):
        sound = tone(1000, 3)
        self.assertGreater(sound.steady_share_at(1000), 0.99)
        sound.samples[48000:60000] = [0.0] * 12000
        self.assertLess(sound.steady_share_at(1000), 0.01)

    def test_the_written_tone_repeats_without_a_seam(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "tone.raw"
            media.write_tone(file, 1000, channels=1)
            samples = [value / 32768 for value in media.array("h", file.read_bytes())]
            self.assertGreater(media.Sound((samples * 2)[36000:60000], 48000).share_at(1000), 0.999)


class VerdictTests(unittest.TestCase):
    def test_checks_inside_the_tolerance_pass_and_others_fail(self):
        verdict = Verdict()
        verdict.near("inside", 98.1, 100, 0.02)
        verdict.near("outside", 97.9, 100, 0.02)
        self.assertEqual(verdict.summary(), "1 passed, 1 failed")

    def test_a_scenario_that_stopped_halfway_fails(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "checks"
            file.write_text("pass\tone\t\n")
            verdict = Verdict()
            verdict.guest_checks(file, count=2)
            self.assertEqual((verdict.passed, verdict.failed), (1, 1))

    def test_an_action_that_throws_is_a_failed_check(self):
        verdict = Verdict()
        self.assertIsNone(verdict.attempt("divides", lambda: 1 / 0))
        self.assertEqual(verdict.failed, 1)


if __name__ == "__main__":
    unittest.main()
