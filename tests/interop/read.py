"""An independent reader: decodes and verifies what our node wrote, with cbor2 and cryptography alone.

Usage: read.py DIR, where DIR is the data directory of `licence-registry demo --once`.
In scope: trust list (two of three signatures), licences, status tokens, log proofs. It shares no code with the project.
"""

import base64
import hashlib
import pathlib
import sys
import zlib

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def thumbprint(x):
    return hashlib.sha256(bytes.fromhex("a301012006215820") + x).digest()


def verify(x, message, signature):
    Ed25519PublicKey.from_public_bytes(x).verify(signature, message)  # raises when it is wrong


def open_signed(data, roles, role):
    """A COSE_Sign: at least the threshold of the role's keys signed it."""
    tag = cbor2.loads(data)
    assert tag.tag == 98
    body, headers, payload, signatures = tag.value
    assert headers == {}
    threshold, keys = roles[role]
    by_kid = {thumbprint(key[-2])[:8]: key[-2] for key in keys}
    good = 0
    for protected, _, signature in signatures:
        kid = cbor2.loads(protected)[4]
        if kid in by_kid:
            verify(by_kid[kid], cbor2.dumps(["Signature", body, protected, b"", payload]), signature)
            good += 1
    assert good >= threshold, f"{good} of {threshold} signatures"
    return cbor2.loads(payload)


def open_sign1(data, keys):
    """A COSE_Sign1 under one of the keys; returns claims, the key's entry and the log proof."""
    tag = cbor2.loads(data)
    assert tag.tag == 18
    protected, unprotected, payload, signature = tag.value
    header = cbor2.loads(protected)
    assert header[1] == -19
    x, iss, roles = keys[header[4]]
    verify(x, cbor2.dumps(["Signature1", protected, b"", payload]), signature)
    statement = bytes.fromhex("d284") + b"".join(
        [cbor2.dumps(protected), b"\xa0", cbor2.dumps(payload), cbor2.dumps(signature)]
    )
    return cbor2.loads(payload), iss, roles, unprotected.get(-70002), hashlib.sha256(statement).digest()


def check_proof(proof, leaf):
    head, note = proof.decode().split("\n\n", 1)
    lines = head.split("\n")
    assert lines[0] == "c2sp.org/tlog-proof@v1"
    index, hashes = int(lines[1].removeprefix("index ")), [base64.b64decode(line) for line in lines[2:]]
    origin, size, root = note.split("\n")[:3]
    node, last = index, int(size) - 1
    for sibling in hashes:  # RFC 9162 section 2.1.3.2
        assert last > 0
        if node & 1 or node == last:
            leaf = hashlib.sha256(b"\x01" + sibling + leaf).digest()
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            leaf = hashlib.sha256(b"\x01" + leaf + sibling).digest()
        node, last = node >> 1, last >> 1
    assert last == 0 and leaf == base64.b64decode(root), "the proof does not lead to the root"
    return origin


def main(folder):
    bundle = folder / "bundle"
    tag = cbor2.loads((bundle / "trust/root_1.cbor").read_bytes())
    roles = cbor2.loads(tag.value[2])[5]
    open_signed((bundle / "trust/root_1.cbor").read_bytes(), roles, 1)
    stamp = open_signed((bundle / "trust/timestamp.cbor").read_bytes(), roles, 3)
    data = (bundle / "trust/list.cbor").read_bytes()
    assert stamp[4][1:] == [len(data), hashlib.sha256(data).digest()]
    entries = open_signed(data, roles, 2)[4]
    keys = {
        thumbprint(key[1][-2])[:8]: (key[1][-2], entry[1], {scope[0] for scope in key[2]})
        for entry in entries
        for key in entry[5]
    }
    tokens = {}
    for path in sorted((bundle / "status").iterdir()):
        claims, iss, signer_roles, _, _ = open_sign1(path.read_bytes(), keys)
        assert 2 in signer_roles and path.stem == hashlib.sha256(claims[2].encode()).hexdigest()
        tokens[claims[2]] = (iss, zlib.decompress(claims[65533]["lst"]))
    count = 0
    for path in sorted((folder / "licences").glob("*.elic")):
        claims, iss, signer_roles, proof, digest = open_sign1(path.read_bytes(), keys)
        assert 1 in signer_roles and claims[1] == iss
        place = claims[65535]["status_list"]
        signer, array = tokens[place["uri"]]
        value = array[place["idx"] // 4] >> (place["idx"] % 4 * 2) & 3
        assert signer == iss and value == 0, path
        entry = cbor2.dumps([1, 1, claims[6], digest])
        check_proof(proof, hashlib.sha256(b"\x00" + entry).digest())
        text = path.with_suffix(".qr.txt").read_text()
        assert text.startswith(("EL1:", "EL1R:"))
        count += 1
    assert count >= 12, count
    print(f"{count} licences, {len(tokens)} status tokens and the trust list verified by the independent reader")


main(pathlib.Path(sys.argv[1]))
