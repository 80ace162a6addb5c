#!/usr/bin/env python3
"""Checks the signed records that `unlearn` writes by another implementation, securesystemslib.

For a key of each kind, `unlearn audit` signs the record of an audit. securesystemslib must accept the envelope by the
public key, refuse it by another one and after a change, and find in it an in-toto statement about the unlearned model whose
predicate is the record. Then securesystemslib signs the same statement, and `unlearn audit --verify` must accept that.

    pip install securesystemslib cryptography
    Tests/Validation/Signatures/check_securesystemslib.py [--unlearn .build/release/unlearn]
"""

import argparse
import copy
import hashlib
import json
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import CryptoSigner, SSlibKey


def write_data(folder):
    """IDX files of 4x4 images: each of ten classes has a bright pixel of its own."""
    generator = random.Random(1)
    for prefix, count in [("train", 20), ("t10k", 8)]:
        labels = [n % 10 for n in range(10 * count)]
        pixels = bytes(
            min(255, max(0, int((220 if place == label else 40) + 15 * generator.gauss(0, 1))))
            for label in labels for place in range(16))
        (folder / f"{prefix}-images-idx3-ubyte").write_bytes(
            struct.pack(">4I", 0x803, len(labels), 4, 4) + pixels)
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 0x801, len(labels)) + bytes(labels))


def write_key(folder, name, key):
    private, public = folder / f"{name}.pem", folder / f"{name}-public.pem"
    private.write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))
    return private, public


def verifies(envelope, key, identifier):
    try:
        # from_dict changes what it is given.
        Envelope.from_dict(copy.deepcopy(envelope)).verify([SSlibKey.from_crypto(key.public_key(), identifier)], 1)
        return True
    except VerificationError:
        return False


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--unlearn", default=".build/release/unlearn")
    program = str(pathlib.Path(parser.parse_args().unlearn).resolve())

    def run(*arguments, status=0):
        ending = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
        if ending.returncode != status:
            sys.exit(f"unlearn {' '.join(map(str, arguments))}: {ending.returncode}\n{ending.stdout}{ending.stderr}")
        return ending.stdout

    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_data(folder)
        data = f"fashion-mnist:{folder}"
        original, unlearned, record = folder / "o.safetensors", folder / "u.safetensors", folder / "record.json"
        run("train", "--dataset", data, "--architecture", "allcnn-bn", "--image-size", "4", "--channels", "1",
            "--epochs", "8", "--batch-size", "16", "--output", original)
        run("forget", original, "--classes", "0", "--retain", data, "--output", unlearned)
        for kind, key in [("p256", ec.generate_private_key(ec.SECP256R1())),
                          ("ed25519", ed25519.Ed25519PrivateKey.generate())]:
            private, public = write_key(folder, kind, key)
            ending = subprocess.run(
                [program, "audit", original, unlearned, "--dataset", data, "--forgotten", "0", "--quick",
                 "--record", record, "--sign", private], capture_output=True, text=True)
            assert ending.returncode in (0, 2, 3), ending.stderr
            envelope = json.loads((folder / "record.dsse.json").read_text())
            identifier = envelope["signatures"][0]["keyid"]
            der = key.public_key().public_bytes(
                serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
            assert identifier == hashlib.sha256(der).hexdigest(), "the key's name"
            assert verifies(envelope, key, identifier), "the signature"
            other = ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else ec.generate_private_key(ec.SECP256R1())
            assert not verifies(envelope, other, identifier), "another key"
            changed = copy.deepcopy(envelope)
            payload = Envelope.from_dict(copy.deepcopy(envelope)).payload
            changed["payload"] = Envelope(
                payload.replace(b'"sha256"', b'"sha255"', 1), envelope["payloadType"], {}).to_dict()["payload"]
            assert not verifies(changed, key, identifier), "a changed payload"
            statement = json.loads(payload)
            assert statement["_type"] == "https://in-toto.io/Statement/v1"
            assert statement["subject"][0]["digest"]["sha256"] == hashlib.sha256(unlearned.read_bytes()).hexdigest()
            assert statement["predicate"] == json.loads(record.read_text())

            report = json.loads(run("audit", "--verify", record, unlearned, "--key", public, "--json",
                                    status=ending.returncode))
            assert report["signature"] == "valid", report
            # The other way round.
            theirs = Envelope(payload, envelope["payloadType"], {})
            theirs.sign(CryptoSigner(key))
            (folder / "record.dsse.json").write_text(json.dumps(theirs.to_dict()))
            report = json.loads(run("audit", "--verify", record, unlearned, "--key", public, "--json",
                                    status=ending.returncode))
            assert report["signature"] == "valid", report
            print(f"{kind}: ours verifies there, theirs here")


if __name__ == "__main__":
    main()
