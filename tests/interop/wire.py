"""The wire formats, written a second time: with cbor2 and cryptography alone, and no code of the project.

In scope: keys, COSE, signed notes, the Merkle tree, Base45, HTTP signatures, check characters. Out of scope: what is
said with them (write.py), what our node said (read.py). Sources are the cited texts: RFC 8949, 9052, 6962, 9162, 9285,
9421, C2SP signed-note, tlog-checkpoint, tlog-cosignature and tlog-proof, ISO 7064.
"""

import base64
import hashlib
import zlib

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PREFIX = "application/elicence"
BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
ALPHANUMERIC = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def enc(value):
    """Deterministic CBOR. cbor2 sorts shorter keys first, the older rule; for the keys of our formats that is the same."""
    return cbor2.dumps(value, canonical=True)


def cose_key(x):
    return bytes.fromhex("a301012006215820") + x


class Key:
    """A key of a name: the seed is SHA-256 of "elicence interop NAME"."""

    def __init__(self, name):
        self.seed = sha(b"elicence interop " + name.encode())
        self.secret = Ed25519PrivateKey.from_private_bytes(self.seed)
        self.x = self.secret.public_key().public_bytes_raw()
        self.cose = {1: 1, -1: 6, -2: self.x}
        self.thumbprint = sha(cose_key(self.x))
        self.kid = self.thumbprint[:8]

    def sign(self, message):
        return self.secret.sign(message)


def verify(x, message, signature):
    Ed25519PublicKey.from_public_bytes(x).verify(signature, message)  # raises when it is wrong


def by_kid(keys):
    return sorted(keys, key=lambda key: key.kid)


# COSE (RFC 9052)


def sign1(typ, payload, key, unprotected=None, alg=-19, kid=None):
    """A tagged COSE_Sign1; `payload` is a value, or bytes that are taken as they are."""
    protected = enc({1: alg, 4: kid or key.kid, 16: PREFIX + typ if typ[0] in "+-" else typ})
    payload = payload if isinstance(payload, bytes) else enc(payload)
    signature = key.sign(enc(["Signature1", protected, b"", payload]))
    return enc(cbor2.CBORTag(18, [protected, unprotected or {}, payload, signature]))


def with_proof(data, proof):
    protected, _, payload, signature = cbor2.loads(data).value
    return enc(cbor2.CBORTag(18, [protected, {-70002: proof}, payload, signature]))


def statement(data):
    protected, _, payload, signature = cbor2.loads(data).value
    return enc(cbor2.CBORTag(18, [protected, {}, payload, signature]))


def digest(data):
    return sha(statement(data))


def sign(typ, payload, keys):
    """A tagged COSE_Sign, signatures ascending by kid."""
    body, payload = enc({16: PREFIX + typ}), enc(payload)
    signatures = []
    for key in by_kid(keys):
        own = enc({1: -19, 4: key.kid})
        signatures.append([own, {}, key.sign(enc(["Signature", body, own, b"", payload]))])
    return enc(cbor2.CBORTag(98, [body, {}, payload, signatures]))


# Merkle tree (RFC 6962 section 2.1, RFC 9162 section 2.1.3)


def entry(op, time, object_digest):
    return enc([1, op, time, object_digest])


def leaf_hash(data):
    return sha(b"\x00", data)


def node(left, right):
    return sha(b"\x01", left, right)


def split(count):
    return 1 << (count - 1).bit_length() - 1


def root(leaves):
    if len(leaves) < 2:
        return leaves[0] if leaves else sha()
    at = split(len(leaves))
    return node(root(leaves[:at]), root(leaves[at:]))


def path(index, leaves):
    if len(leaves) == 1:
        return []
    at = split(len(leaves))
    if index < at:
        return path(index, leaves[:at]) + [root(leaves[at:])]
    return path(index - at, leaves[at:]) + [root(leaves[:at])]


def consistency(old, leaves, whole=True):
    if old == len(leaves):
        return [] if whole else [root(leaves)]
    at = split(len(leaves))
    if old <= at:
        return consistency(old, leaves[:at], whole) + [root(leaves[at:])]
    return consistency(old - at, leaves[at:], False) + [root(leaves[:at])]


# Signed notes and what is made of them (C2SP)


def b64(data):
    return base64.b64encode(data).decode()


def key_id(name, kind, x):
    return sha(name.encode(), b"\n", bytes([kind]), x)[:4]


def vkey(name, kind, x):
    return f"{name}+{key_id(name, kind, x).hex()}+{b64(bytes([kind]) + x)}"


def note_line(name, kind, x, signature):
    return f"\u2014 {name} {b64(key_id(name, kind, x) + signature)}\n"


def checkpoint(origin, leaves, key):
    text = f"{origin}\n{len(leaves)}\n{b64(root(leaves))}\n"
    return text + "\n" + note_line(origin, 1, key.x, key.sign(text.encode()))


def cosign(note, name, time, key):
    text = note.split("\n\n", 1)[0] + "\n"
    message = f"cosignature/v1\ntime {time}\n{text}".encode()
    return note + note_line(name, 4, key.x, time.to_bytes(8, "big") + key.sign(message))


def tlog_proof(index, leaves, note):
    lines = "".join(b64(hash_) + "\n" for hash_ in path(index, leaves))
    return f"c2sp.org/tlog-proof@v1\nindex {index}\n{lines}\n{note}".encode()


# QR texts (RFC 9285)


def base45(data):
    out = []
    for at in range(0, len(data), 2):
        chunk = data[at : at + 2]
        value = int.from_bytes(chunk, "big")
        for _ in range(len(chunk) + 1):
            value, digit = divmod(value, 45)
            out.append(BASE45[digit])
    return "".join(out)


def unbase45(text):
    out = b""
    for at in range(0, len(text), 3):
        chunk = text[at : at + 3]
        value = sum(BASE45.index(c) * 45**place for place, c in enumerate(chunk))
        out += value.to_bytes(len(chunk) - 1, "big")
    return out


def qr(data):
    return "EL1:" + base45(zlib.compress(statement(data), 9))


def reference(data, host):
    return "EL1R:" + base45(enc([1, cbor2.loads(cbor2.loads(data).value[2])[7], digest(data), host]))


# HTTP message signatures (RFC 9421)


def http_request(method, uri, key, created, body=None, idempotency=None, nonce="interop", kind="application/json"):
    headers, names = {}, ["@method", "@target-uri"]
    values = {"@method": method, "@target-uri": uri}
    if body is not None:
        headers = {
            "content-digest": f"sha-256=:{b64(sha(body))}:",
            "content-type": kind,
            "idempotency-key": f'"{idempotency}"',
        }
        names += list(headers)
        values.update(headers)
    listed = " ".join(f'"{name}"' for name in names)
    fresh = base64.urlsafe_b64encode(sha(nonce.encode())[:16]).rstrip(b"=").decode()
    parameters = (
        f'({listed});created={created};expires={created + 60};keyid="{key.thumbprint.hex()}"'
        f';alg="ed25519";nonce="{fresh}";tag="elicence"'
    )
    base = "".join(f'"{name}": {values[name]}\n' for name in names) + f'"@signature-params": {parameters}'
    headers["signature-input"] = f"elic={parameters}"
    headers["signature"] = f"elic=:{b64(key.sign(base.encode()))}:"
    return {"method": method, "target_uri": uri, "headers": headers, "body": (body or b"").decode()}


# Check characters


def mod_37_36(body):
    """ISO 7064 MOD 37,36: the last part of a licence identifier."""
    state = 36
    for c in body:
        state = ((state + ALPHANUMERIC.index(c)) % 36 or 36) * 2 % 37
    return ALPHANUMERIC[(37 - state) % 36]


def organisation_code(eight):
    """GB 11714, without its hyphen."""
    check = 11 - sum(ALPHANUMERIC.index(c) * w for c, w in zip(eight, (3, 7, 9, 10, 5, 8, 4, 2))) % 11
    return eight + {10: "X", 11: "0"}.get(check, str(check))


def credit_code(office, division, eight):
    """GB 32100, 统一社会信用代码."""
    letters = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    body = office + division + organisation_code(eight)
    total = sum(letters.index(c) * pow(3, place, 31) for place, c in enumerate(body))
    return body + letters[(31 - total % 31) % 31]


def licence_id(type_code, issuer, serial, version):
    return f"1.2.156.3005.2.{type_code}.{issuer}.{serial}.{version}." + mod_37_36(type_code + issuer + serial + version)
