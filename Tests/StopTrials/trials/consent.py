"""What a teacher and a school sign, written from the description of the formats alone."""

import base64
import ctypes
import hashlib
import json
import os

# OpenSSL's numbers for the key types (obj_mac.h).
X25519 = 1034
ED25519 = 1087

_crypto = ctypes.CDLL("libcrypto.so.3")
for _name in ("EVP_PKEY_new_raw_private_key", "EVP_MD_CTX_new"):
    getattr(_crypto, _name).restype = ctypes.c_void_p


def base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def unbase64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def canonical(value) -> bytes:
    """RFC 8785, for the ASCII strings and integers that are signed here."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def digest(content: bytes) -> str:
    return base64url(hashlib.sha256(content).digest())


def bech32(prefix: str, content: bytes) -> str:
    """BIP 173, as age writes its recipients."""
    alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
    number = int.from_bytes(content, "big") << (-len(content) * 8 % 5)
    count = (len(content) * 8 + 4) // 5
    words = [number >> 5 * (count - 1 - index) & 31 for index in range(count)]
    checksum = 1
    expanded = [ord(c) >> 5 for c in prefix] + [0] + [ord(c) & 31 for c in prefix]
    for word in expanded + words + [0] * 6:
        top = checksum >> 25
        checksum = (checksum & 0x1FFFFFF) << 5 ^ word
        for bit, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            checksum ^= generator if top >> bit & 1 else 0
    words += [(checksum ^ 1) >> 5 * (5 - index) & 31 for index in range(6)]
    return prefix + "1" + "".join(alphabet[word] for word in words)


class Key:
    """An Ed25519 key, or an X25519 one of which only the public half is of use."""

    def __init__(self, kind: int = ED25519):
        seed = os.urandom(32)
        self._handle = ctypes.c_void_p(
            _crypto.EVP_PKEY_new_raw_private_key(kind, None, seed, ctypes.c_size_t(32)))
        public = ctypes.create_string_buffer(32)
        count = ctypes.c_size_t(32)
        assert _crypto.EVP_PKEY_get_raw_public_key(self._handle, public, ctypes.byref(count)) == 1
        self.public = public.raw
        self.jwk = {"crv": "Ed25519", "kty": "OKP", "x": base64url(self.public)}
        self.thumbprint = digest(canonical(self.jwk))

    def sign(self, message: bytes) -> bytes:
        context = ctypes.c_void_p(_crypto.EVP_MD_CTX_new())
        try:
            assert _crypto.EVP_DigestSignInit(context, None, None, None, self._handle) == 1
            signature = ctypes.create_string_buffer(64)
            count = ctypes.c_size_t(64)
            assert _crypto.EVP_DigestSign(context, signature, ctypes.byref(count), message,
                                          ctypes.c_size_t(len(message))) == 1
            return signature.raw
        finally:
            _crypto.EVP_MD_CTX_free(context)

    def header(self, kind: str) -> bytes:
        return canonical({"alg": "EdDSA", "kid": self.thumbprint, "typ": f"lenscap-{kind}+jwt"})

    def token(self, kind: str, claims: dict) -> str:
        """A compact JWS."""
        text = base64url(self.header(kind)) + "." + base64url(canonical(claims))
        return text + "." + base64url(self.sign(text.encode()))


def document(kind: str, payload: dict, *keys: Key) -> bytes:
    """A document under the signatures of `keys` (JWS JSON)."""
    body = base64url(canonical(payload))
    signatures = []
    for key in keys:
        head = base64url(key.header(kind))
        signatures.append({"protected": head,
                           "signature": base64url(key.sign(f"{head}.{body}".encode()))})
    return canonical({"payload": body, "signatures": signatures})


class Teacher:
    """A teacher's keys and the card that a school approved."""

    def __init__(self, school: "School"):
        self.key = Key()
        self.pseudonym = "".join("abcdefghijklmnopqrstuvwxyz234567"[byte & 31] for byte in os.urandom(26))
        self.recipient = bech32("age", Key(X25519).public)
        card = {
            "account": {"kind": "directory", "url": school.account},
            "agreement": {"id": "lenscap-1", "language": "en", "sha256": school.agreement},
            "expires": school.issued + 86_400, "issued": school.issued, "key": self.key.jwk,
            "recipients": [self.recipient], "replaces": "", "teacher": self.pseudonym,
            "trained": school.issued,
        }
        self.card = document("card", card, self.key, school.registrar)
        self.card_hash = digest(canonical(card))

    def start(self, challenge: str, cameras: list, microphones: list, duration: int) -> dict:
        """The parameters of Start for a box's challenge."""
        shown = json.loads(unbase64url(challenge.split(".")[1]))
        details = {"purpose": "reflection", "salt": base64url(os.urandom(32))}
        claims = {
            "aud": shown["box"], "cameras": ",".join(cameras), "card": self.card_hash,
            "challenge": shown["challenge"], "details": digest(canonical(details)),
            "duration": duration, "informed": 1, "jti": base64url(os.urandom(16)),
            "log": shown["log"], "microphones": ",".join(microphones),
            "recipient": self.recipient, "record": shown["record"], "sub": self.pseudonym,
            "version": 1,
        }
        return {"token": self.key.token("start", claims), "details": details}

    def revoke(self, challenge: str) -> dict:
        """The parameters of Revoke: this teacher ends this key."""
        shown = json.loads(unbase64url(challenge.split(".")[1]))
        claims = {"aud": shown["box"], "challenge": shown["challenge"],
                  "jti": base64url(os.urandom(16)), "sub": self.pseudonym, "version": 1}
        return {"token": self.key.token("revoke", claims)}


class School:
    """An authority of one, and what it vouches for."""

    def __init__(self, account: str, now: int):
        self.account = account
        self.issued = now
        self.registrar = Key()
        self.agreement = digest(b"Lessons belong to their teachers.\n")
        self._authorities = {
            "issued": now, "keys": [{"key": self.registrar.jwk, "role": "registrar"}],
            "sequence": 1, "threshold": 1,
        }

    @property
    def authorities(self) -> bytes:
        return document("authorities", self._authorities, self.registrar)

    def record(self, box_key: dict, sources: list, led: str = "none", stop: list = ()) -> dict:
        """The payload of a room record, to be changed and signed."""
        return {
            "agreements": [{"id": "lenscap-1", "last": 0, "sha256": self.agreement}],
            "authorities": digest(canonical(self._authorities)), "closed": [],
            "defaultDuration": 3600, "holdMinutes": 0, "indicator": {"led": led, "sensed": 0},
            "issued": self.issued, "key": box_key, "maxDuration": 5400,
            "purposes": ["reflection"], "room": "Room 12", "sequence": 1, "sources": sources,
            "stop": list(stop), "unsentDays": 0,
        }

    def signed(self, record: dict) -> bytes:
        return document("room", record, self.registrar)
