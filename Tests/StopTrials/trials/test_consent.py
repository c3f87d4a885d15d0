"""The signed texts are what others make of the same bytes."""

import unittest

from .consent import Key, bech32, canonical, unbase64url


class Consent(unittest.TestCase):
    def test_bech32(self):
        # BIP 173, the shortest of its valid strings, and age's own recipient of 32 zero bytes.
        self.assertEqual(bech32("a", b""), "a12uel5l")
        self.assertEqual(len(bech32("age", bytes(32))), 62)

    def test_canonical(self):
        self.assertEqual(canonical({"b": [1, "x"], "a": {}}), b'{"a":{},"b":[1,"x"]}')

    def test_a_token_has_a_signature_of_64_bytes(self):
        head, body, signature = Key().token("start", {"version": 1}).split(".")
        self.assertEqual(unbase64url(body), b'{"version":1}')
        self.assertIn(b"lenscap-start+jwt", unbase64url(head))
        self.assertEqual(len(unbase64url(signature)), 64)


if __name__ == "__main__":
    unittest.main()
