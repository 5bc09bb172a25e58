"""Trust files and status tokens that must be refused: well signed, one breach each (spec/suite.md, spec/status.md, spec/trust-list.md).

Beside them, one "with nothing wrong" made in the same way, so that a refusal is due to the breach alone.

In scope: what is wrong inside one file. Out of scope: how files follow each other (write.py).
"""

import copy
import zlib

import cbor2

from objects import CLOCK, DAY, TO, list_payload, role, root_payload, stamp_file, token_payload
from wire import PREFIX, Key, enc, sha, sign, sign1, vkey

STATUS = "application/statuslist+cwt"
# Points on the curve that no honest key is: of order 1, of order 4, and p + 3 for the y of 3.
NEUTRAL, SMALL, NOT_CANONICAL = bytes([1]) + bytes(31), bytes(32), bytes([0xF0]) + b"\xff" * 30 + b"\x7f"


def lists(world):
    """Pairs of a name and a list of version 7."""
    base = list_payload(world, 7)

    def changed(work):
        payload = copy.deepcopy(base)
        work(payload, next(entry for entry in payload[4] if entry[4]))
        return payload

    def key(entry, **more):
        entry[5][0].update({int(k[1:]): v for k, v in more.items()})

    cut = lambda payload, entry: entry[5][2].pop(5)
    breaches = {
        "entries out of order": changed(lambda payload, entry: payload[4].reverse()),
        "an entry twice": changed(lambda payload, entry: payload[4].insert(1, payload[4][0])),
        "one public key twice": changed(lambda payload, entry: entry[5].append(copy.deepcopy(entry[5][0]))),
        "a private key": changed(lambda payload, entry: entry[5][0][1].update({-4: bytes(32)})),
        "the neutral point as key": changed(lambda payload, entry: key(entry, _1={1: 1, -1: 6, -2: NEUTRAL})),
        "a key of small order": changed(lambda payload, entry: key(entry, _1={1: 1, -1: 6, -2: SMALL})),
        "a key that is not canonical": changed(lambda payload, entry: key(entry, _1={1: 1, -1: 6, -2: NOT_CANONICAL})),
        "a key without scope": changed(lambda payload, entry: key(entry, _2=[])),
        "an unknown role": changed(lambda payload, entry: key(entry, _2=[[9, ["*"], ["*"], 0, TO]])),
        "an unknown state": changed(lambda payload, entry: key(entry, _3=3)),
        "a cut for an active key": changed(lambda payload, entry: key(entry, _5=4)),
        "a compromised key without a cut": changed(cut),
        "a tree of a cut for an active key": changed(lambda payload, entry: key(entry, _7=[entry[4][0][0], bytes(32)])),
        "a cut in a log that the entry does not name": changed(
            lambda payload, entry: entry[5][2].update({7: ["sz.elic.example/log", bytes(32)]})
        ),
        "a root of a cut that is too short": changed(
            lambda payload, entry: entry[5][2].update({7: [entry[4][0][0], bytes(31)]})
        ),
        "a host in capitals": changed(lambda payload, entry: entry[3].append("GZ.elic.example")),
        "a log key of another name": changed(
            lambda payload, entry: entry[4][0].__setitem__(1, vkey("x.example/log", 1, Key("x").x))
        ),
        "a log that ends before it begins": changed(lambda payload, entry: entry[4][0].__setitem__(3, 1)),
        "a policy with a log line": changed(
            lambda payload, entry: payload.update({5: "log " + entry[4][0][1] + "\nquorum none\n"})
        ),
        "a policy without a quorum": changed(
            lambda payload, entry: payload.update({5: payload[5].replace("quorum", "#")})
        ),
        "an end before its beginning": changed(lambda payload, entry: payload.update({3: payload[2]})),
        "an unknown member": changed(lambda payload, entry: payload.update({6: 1})),
    }
    assert all(payload != base for payload in breaches.values())
    signers = [world.key("list a"), world.key("list b")]
    made = {name: sign("-list+cbor", payload, signers) for name, payload in breaches.items()}
    made["nothing wrong"] = sign("-list+cbor", base, signers)
    made["one signature of two"] = sign("-list+cbor", base, signers[:1])
    made["signed by the timestamp key"] = sign("-list+cbor", base, [world.key("stamp 2"), signers[0]])
    made["typ of a root"] = sign("-root+cbor", base, signers)
    made.update(bad_signatures(base, [world.key(f"list {n}") for n in "abc"]))
    return made


def bad_signatures(payload, keys):
    tag = cbor2.loads(sign("-list+cbor", payload, keys))
    body, headers, inner, signatures = tag.value
    spoilt = [*signatures[:2], [*signatures[2][:2], bytes(64)]]
    same = [signatures[0], signatures[0], signatures[1]]
    again = lambda listed: enc(cbor2.CBORTag(98, [body, headers, inner, listed]))
    return {
        "two good signatures and a bad one": again(spoilt),
        "one signature twice": again([signatures[0], signatures[0]]),
        "a doubled signature beside a second": again(same),
        "signatures out of order": again(signatures[::-1]),
        "without a signature": again([]),
    }


def stamps(world, data):
    """Timestamps of version 13 for the list of version 7."""
    week = {1: 13, 2: CLOCK - 60, 3: CLOCK - 60 + 7 * DAY + 1, 4: [7, len(data), sha(data)]}
    own = [world.key("stamp 2")]
    return {
        "timestamp over seven days": sign("-timestamp+cbor", week, own),
        "timestamp that names version 0": sign("-timestamp+cbor", {**week, 3: CLOCK + DAY, 4: [0, 1, sha(data)]}, own),
        "timestamp by a list key": stamp_file(world, 13, 7, data, "list a"),
    }


def roots(world, officers):
    """Roots of version 2 that follow root 1."""
    base = root_payload(world, 2, officers, "stamp 2")
    named = lambda names: [world.key(name) for name in names]
    roles = lambda number, value: {**base, 5: {**base[5], number: value}}
    breaches = {
        "root with nothing wrong": base,
        "root of another scheme": {**base, 4: "另一体系"},
        "root with threshold 0": roles(3, [0, base[5][3][1]]),
        "root with a threshold over its keys": roles(3, [2, base[5][3][1]]),
        "root with one key in two roles": roles(3, role(1, named(officers[:1]))),
        "root with role keys out of order": roles(2, [2, base[5][2][1][::-1]]),
        "root without a timestamp role": {**base, 5: {1: base[5][1], 2: base[5][2]}},
        "root with a fourth role": roles(4, base[5][3]),
    }
    return {name: sign("-root+cbor", payload, named(officers)) for name, payload in breaches.items()}


def tokens(world):
    """Status tokens, with the code of each."""
    base, key = token_payload(CLOCK - 1200, {6: 1}), world.key("gz status")
    array = zlib.decompress(base[65533]["lst"])
    packed = lambda data: {**base, 65533: {"bits": 2, "lst": data}}
    dictionary = zlib.compressobj(9, zdict=b"00")
    good = zlib.compress(array, 9)
    breaches = {
        "ttl over its life": {**base, 65534: DAY + 1},
        "ttl 0": {**base, 65534: 0},
        "life over seven days": {**base, 4: base[6] + 604_801},
        "without an end": {k: v for k, v in base.items() if k != 4},
        "without ttl": {k: v for k, v in base.items() if k != 65534},
        "with an issuer": {**base, 1: "x"},
        "one bit an entry": {**base, 65533: {"bits": 1, "lst": base[65533]["lst"]}},
        "with aggregation": {**base, 65533: {**base[65533], "aggregation_uri": "https://gz.elic.example/"}},
        "plain http uri": {**base, 2: "http://gz.elic.example/1"},
        "bytes after the list": packed(good + b"\0"),
        "wrong Adler-32": packed(good[:-1] + bytes([good[-1] ^ 1])),
        "cut list": packed(good[:-2]),
        "raw deflate": packed(good[2:-4]),
        "with a dictionary": packed(dictionary.compress(array) + dictionary.flush()),
        "list over 4 MiB": packed(zlib.compress(bytes(4_194_305), 9)),
    }
    made = {name: sign1(STATUS, payload, key) for name, payload in breaches.items()}
    tag = enc({1: -19, 16: STATUS})
    signature = key.sign(enc(["Signature1", tag, b"", enc(base)]))
    made["kid unprotected"] = enc(cbor2.CBORTag(18, [tag, {4: key.kid}, enc(base), signature]))
    made["typ of a licence"] = sign1(PREFIX + "+cwt", base, key)
    return made
