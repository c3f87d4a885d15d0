"""Verifies a delivered recording from the description of its format alone.

    delivered.py RECORDING IDENTITY

Prints the number of sealed objects. Uses the standard library, openssl and age.
"""

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile

ED25519_PREFIX = bytes.fromhex("302a300506032b6570032100")


def unbase64url(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def openssl_verifies(jwk, message, signature):
    """Whether openssl accepts an Ed25519 signature by a JWK's key."""
    assert (jwk["kty"], jwk["crv"]) == ("OKP", "Ed25519"), jwk
    with tempfile.TemporaryDirectory() as folder:
        def put(name, content):
            path = os.path.join(folder, name)
            with open(path, "wb") as file:
                file.write(content)
            return path

        result = subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-pubin", "-rawin",
             "-keyform", "DER", "-inkey", put("key", ED25519_PREFIX + unbase64url(jwk["x"])),
             "-in", put("message", message), "-sigfile", put("signature", signature)],
            capture_output=True, check=False)
        return result.returncode == 0


def main(recording, identity):
    files = {}
    for name in os.listdir(recording):
        match = re.fullmatch(r"(.+)-([0-9a-f]{64})", name)
        assert match, f"{name} is no object's name"
        with open(os.path.join(recording, name), "rb") as file:
            content = file.read()
        assert hashlib.sha256(content).hexdigest() == match[2], f"{name} has another hash"
        assert match[1] not in files, f"{match[1]} is there twice"
        files[match[1]] = content

    card = json.loads(files["card.json"])
    claims = json.loads(unbase64url(card["payload"]))
    header, payload, signature = files["token.jws"].split(b".")
    token = json.loads(unbase64url(payload.decode()))
    message = header + b"." + payload
    signed = unbase64url(signature.decode())
    assert openssl_verifies(claims["key"], message, signed), "the token's signature"
    assert not openssl_verifies(claims["key"], message + b"x", signed), "openssl accepts anything"
    assert json.loads(unbase64url(header.decode()))["typ"] == "lenscap-start+jwt"
    assert unbase64url(token["jti"]).hex() == os.path.basename(recording)
    assert unbase64url(token["card"]) == hashlib.sha256(unbase64url(card["payload"])).digest()
    assert token["recipient"] in claims["recipients"]
    assert os.path.basename(os.path.dirname(recording)) == claims["teacher"] == token["sub"]

    lines = files["log"].split(b"\n")
    assert lines.pop() == b"", "the log's last line is whole"
    leaves = [json.loads(line) for line in lines]
    assert leaves[0]["type"] == "begin" and leaves[-1]["type"] == "end"
    named = {"log", "checkpoint"}
    for key, name in [("token", "token.jws"), ("card", "card.json"),
                      ("receipt", "receipt.json.age")]:
        assert unbase64url(leaves[0][key]) == hashlib.sha256(files[name]).digest(), name
        named.add(name)
    for leaf in leaves[1:]:
        item = leaf.get("summary", leaf)
        if "name" in item:
            assert unbase64url(item["sha256"]) == hashlib.sha256(files[item["name"]]).digest()
            assert item["bytes"] == len(files[item["name"]])
            named.add(item["name"])
    assert named == set(files), f"not named by the log: {set(files) - named}"
    assert leaves[-1]["segments"] == sum(leaf["type"] == "seg" for leaf in leaves)

    sealed = [name for name in sorted(files) if name.endswith(".age")]
    for name in sealed:
        opened = subprocess.run(["age", "-d", "-i", identity], input=files[name],
                                capture_output=True, check=False)
        assert opened.returncode == 0, f"{name}: {opened.stderr.decode()}"
        kind = {"init": b"ftyp", "m4s": b"moof"}.get(name.split(".")[1])
        if kind:
            assert opened.stdout[4:8] == kind, f"{name} begins otherwise"
        else:
            json.loads(opened.stdout)
    for name in set(files) - set(sealed):
        assert token["details"] and b"reflection" not in files[name], f"{name} tells the purpose"
    print(len(sealed))


if __name__ == "__main__":
    main(*sys.argv[1:])
