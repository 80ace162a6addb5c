#!/usr/bin/env python3
"""Writes the keys and envelopes of the signature tests by other implementations than ours.

The keys are for these tests alone. The envelopes are signed by securesystemslib (1.6), which the in-toto and TUF projects
use, over a statement whose predicate is a record of Tests/Fixtures/Records.

    pip install securesystemslib cryptography
    python3 Tests/Fixtures/Signatures/make_fixtures.py
"""

import json
import pathlib

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner

here = pathlib.Path(__file__).parent
record = json.loads((here.parent / "Records" / "audit-version-1.json").read_text())
statement = {
    "_type": "https://in-toto.io/Statement/v1",
    "subject": [{"name": "unlearned.safetensors", "digest": {"sha256": record["models"]["unlearned"]["sha256"]}}],
    "predicateType": "urn:unlearning:audit-record:v1",
    "predicate": record,
}


def write(name, key, encryption=serialization.NoEncryption()):
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (here / f"{name}.pem").write_bytes(private)
    (here / f"{name}-public.pem").write_bytes(public)


p256, ed, p384 = ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate(), \
    ec.generate_private_key(ec.SECP384R1())
write("p256", p256)
write("ed25519", ed)
# Kinds that are refused.
write("p384", p384)
write("rsa", rsa.generate_private_key(65537, 2048))
write("encrypted", ec.generate_private_key(ec.SECP256R1()), serialization.BestAvailableEncryption(b"secret"))

for name, key in [("p256", p256), ("ed25519", ed)]:
    envelope = Envelope(json.dumps(statement).encode(), "application/vnd.in-toto+json", {})
    envelope.sign(CryptoSigner(key))
    (here / f"{name}.dsse.json").write_text(json.dumps(envelope.to_dict()) + "\n")
