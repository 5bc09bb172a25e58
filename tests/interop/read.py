"""An independent reader: decodes and verifies what our node wrote, with cbor2 and cryptography alone.

Usage: read.py DIR [REPORT], where DIR is the data directory of `licence-registry demo`. With REPORT, the file of what
`demo --json` printed, the nodes are still serving: the reader then issues a licence over HTTP, has it verified, and
checks the log before and after. It shares no code with the project.
In scope: trust files (two of three signatures), catalogue, status tokens, licences and their fields, log proofs, QR
texts, receipts, checkpoints, consistency, tiles, the bundle in one file; and that the changed licence does not verify.
"""

import base64
import json
import pathlib
import sys
import urllib.request
import zlib

import cbor2
from cryptography.exceptions import InvalidSignature

from wire import cose_key, enc, entry, key_id, leaf_hash, node, root, sha, unbase45, verify, vkey

GROUPS = ["FORMAT", "CRYPTO", "ISSUER", "TIME", "SCHEMA", "STATUS", "LOG", "SUBJECT", "POLICY"]
BROKEN = (InvalidSignature, AssertionError, KeyError, ValueError, cbor2.CBORDecodeError)
# Python types of the seven kinds of fields.
KINDS = {1: str, 2: str, 3: int, 4: bool, 5: list, 6: bytes, 7: list}


def decode(data):
    """Strictly: the bytes must be the ones that this encoder would have written."""
    value = cbor2.loads(data)
    assert enc(value) == data, "not in deterministic encoding"
    return value


class Reader:
    """What a verifier holds: the keys of the trust list, the catalogue, the status lists."""

    def __init__(self, parts):
        self.parts = parts
        self.open_trust()
        self.open_catalogue()
        self.tokens = {}
        for path in (path for path in parts if path.startswith("status/")):
            claims, signer, _ = self.open_sign1(parts[path], "application/statuslist+cwt", 2)
            assert path == f"status/{sha(claims[2].encode()).hex()}.cbor", path
            assert claims[65533]["bits"] == 2 and 1 <= claims[65534] <= claims[4] - claims[6] <= 604_800
            self.tokens[claims[2]] = (signer[1], zlib.decompress(claims[65533]["lst"]))

    def open_signed(self, data, typ, role):
        """A COSE_Sign: at least the threshold of the role's keys signed it."""
        tag = decode(data)
        body, headers, payload, signatures = tag.value
        assert tag.tag == 98 and headers == {} and decode(body) == {16: f"application/elicence-{typ}+cbor"}
        threshold, keys = role
        by_kid = {sha(cose_key(key[-2]))[:8]: key[-2] for key in keys}
        good = 0
        for protected, _, signature in signatures:
            kid = decode(protected)[4]
            if kid in by_kid:
                verify(by_kid[kid], enc(["Signature", body, protected, b"", payload]), signature)
                good += 1
        assert good >= threshold, f"{good} of {threshold} signatures"
        return decode(payload)

    def open_trust(self):
        first = self.parts["trust/root_1.cbor"]
        roles = decode(decode(first).value[2])[5]
        self.open_signed(first, "root", roles[1])
        stamp = self.open_signed(self.parts["trust/timestamp.cbor"], "timestamp", roles[3])
        data = self.parts["trust/list.cbor"]
        assert stamp[4][1:] == [len(data), sha(data)]
        content = self.open_signed(data, "list", roles[2])
        assert content[1] == stamp[4][0]
        self.list, self.entries = [content[1], sha(data)], {item[1]: item for item in content[4]}
        self.keys, self.logs = {}, {}
        for item in content[4]:
            for key in item[5]:
                x = key[1][-2]
                self.keys[sha(cose_key(x))[:8]] = (x, item[1], {scope[0] for scope in key[2]})
                # A cut stands beside a compromised key, and its tree beside a cut, in a log of the same entry.
                assert (key[3] == 2) == (5 in key)
                if 7 in key:
                    origin, hashed = key[7]
                    assert 5 in key and origin in [log[0] for log in item[4]] and len(hashed) == 32
            for origin, text, _, _ in item[4]:
                x = base64.b64decode(text.split("+", 2)[2])[1:]
                assert vkey(origin, 1, x) == text
                self.logs[origin] = x

    def open_sign1(self, data, typ, role):
        """A COSE_Sign1 by a listed key with this role: claims, the key's entry, the statement's digest."""
        tag = decode(data)
        protected, unprotected, payload, signature = tag.value
        header = decode(protected)
        assert tag.tag == 18 and header[1] == -19 and header[16] == typ
        assert unprotected == {} or (role == 1 and set(unprotected) == {-70002})
        signer = self.keys[header[4]]
        assert role in signer[2], f"the key has the roles {signer[2]}"
        verify(signer[0], enc(["Signature1", protected, b"", payload]), signature)
        return decode(payload), signer, sha(enc(cbor2.CBORTag(18, [protected, {}, payload, signature])))

    def open_catalogue(self):
        data = self.parts["catalogue.cbor"]
        content, _, digest = self.open_sign1(data, "application/elicence-catalogue+cbor", 3)
        self.catalogue = [content[1], digest]
        vcts, codes = [kind[1] for kind in content[5]], [item[1] for item in content[6]]
        assert vcts == sorted(set(vcts)) and codes == sorted(set(codes))
        self.types = {kind[1]: {revision[1]: revision for revision in kind[3]} for kind in content[5]}
        for item in content[6]:
            for vct, keys in item[3]:
                assert vct in self.types and {0, 7} <= set(keys) and keys == sorted(keys)

    def check_fields(self, claims):
        """The fields fit the revision of the type."""
        given, revision = claims[-70001], self.types[claims[11]][claims[-70001][0]]
        known = {field[0]: field for field in revision[2]}
        assert set(given) <= set(known), "a field that the type does not have"
        for key, kind, name, flags, most in revision[2]:
            assert not (flags & 1 and key not in given), f"{name} is required"
            if key in given:
                assert type(given[key]) is KINDS[kind], name
                texts = given[key] if kind == 5 else [given[key]] if kind in (1, 2) else []
                assert all(not most or len(text) <= most for text in texts), name
        assert claims[4] - claims[6] <= revision[3]

    def open_licence(self, data):
        """Claims, digest and log proof of a licence that is good in every respect."""
        claims, signer, digest = self.open_sign1(data, "application/elicence+cwt", 1)
        assert claims[1] == signer[1]
        self.check_fields(claims)
        place = claims[65535]["status_list"]
        issuer, array = self.tokens[place["uri"]]
        assert issuer == claims[1] and array[place["idx"] // 4] >> place["idx"] % 4 * 2 & 3 == 0, "not valid"
        proof = decode(data).value[1].get(-70002)
        if proof:
            self.check_proof(proof, leaf_hash(entry(1, claims[6], digest)))
        return claims, digest, proof

    def open_checkpoint(self, note):
        """Origin, size and root of a checkpoint that a listed log signed."""
        text, lines = note.split("\n\n", 1)
        origin, size, hashed = text.split("\n")
        x = self.logs[origin]
        signed = [base64.b64decode(line.split(" ")[2]) for line in lines.splitlines() if line.split(" ")[1] == origin]
        assert any(blob[:4] == key_id(origin, 1, x) for blob in signed), "no signature of the log"
        for blob in signed:
            if blob[:4] == key_id(origin, 1, x):
                verify(x, (text + "\n").encode(), blob[4:])
        return origin, int(size), base64.b64decode(hashed)

    def check_proof(self, proof, leaf):
        head, note = proof.decode().split("\n\n", 1)
        lines = head.split("\n")
        assert lines[0] == "c2sp.org/tlog-proof@v1"
        index, hashes = int(lines[1].removeprefix("index ")), [base64.b64decode(line) for line in lines[2:]]
        _, size, hashed = self.open_checkpoint(note)
        at, last = index, size - 1
        for sibling in hashes:  # RFC 9162 section 2.1.3.2
            assert last > 0
            if at & 1 or at == last:
                leaf = node(sibling, leaf)
                while not at & 1 and at:
                    at, last = at >> 1, last >> 1
            else:
                leaf = node(leaf, sibling)
            at, last = at >> 1, last >> 1
        assert last == 0 and leaf == hashed, "the proof does not lead to the root"

    def check_qr(self, text, data):
        """The text holds the statement form, or points to it."""
        assert len(text) <= 1994
        if text.startswith("EL1R:"):
            version, cti, digest, host = decode(unbase45(text[5:]))
            claims = decode(decode(data).value[2])
            assert (version, cti, digest) == (1, claims[7], statement_digest(data))
            assert any(host in item[3] for item in self.entries.values())
        else:
            assert text.startswith("EL1:")
            stream = zlib.decompressobj()
            statement = stream.decompress(unbase45(text[4:]), 65_536)
            assert stream.eof and not stream.unused_data and decode(statement).value[1] == {}
            assert sha(statement) == statement_digest(data)

    def check_receipt(self, data):
        """A receipt that is signed and does not contradict itself; its claims."""
        claims, signer, _ = self.open_sign1(data, "application/elicence-receipt+cwt", 5)
        assert claims[1] == signer[1] and set(claims) == {1, 3, 6, 7, -70004}
        body = claims[-70004]
        outcome, code, checks = body[4]
        assert list(dict.fromkeys(check[0] for check in checks)) == GROUPS
        assert all((check[3] is None) == (check[4] is None) for check in checks)
        failed = [check[2] for check in checks if check[1] == "FAIL"]
        unsure = [check[2] for check in checks if check[1] == "INCONCLUSIVE"]
        first = ("REJECT", failed[0]) if failed else ("INDETERMINATE", unsure[0]) if unsure else ("ACCEPT", None)
        assert (outcome, code) == first
        # Of an item check: the materials that are met, and a keyed digest of the holder, once it is known whose licence it is.
        assert set(body) <= set(range(1, 14)) and (12 not in body or len(set(body[12])) == len(body[12]) > 0)
        assert 13 not in body or (len(body[13]) == 32 and ("SUBJECT", "PASS") in [tuple(check[:2]) for check in checks])
        passed = {check[0] for check in checks if check[1] == "PASS"}
        assert outcome != "ACCEPT" or passed >= set(GROUPS[:6])
        # A log is named with a place in it, or by a look-up that said no more than that the licence is there; a proof has a place.
        if body[8] is not None:
            origin, size, root, index, proof = body[8]
            place = (size, root, index)
            assert origin and (None not in place and index < size or place == (None, None, None) and proof is None)
        assert "LOG" not in passed or body[8] is not None
        # A receipt names the list and the catalogue of its time; what has the held version must be what is held.
        for named, held in ((body[6][:2], self.list), (body[10], self.catalogue)):
            assert named[0] < held[0] or named == held
        return claims


def statement_digest(data):
    protected, _, payload, signature = decode(data).value
    return sha(enc(cbor2.CBORTag(18, [protected, {}, payload, signature])))


def read_folder(folder):
    bundle = folder / "bundle"
    return {str(path.relative_to(bundle)): path.read_bytes() for path in bundle.rglob("*") if path.is_file()}


def read_files(reader, folder):
    count = 0
    for path in sorted((folder / "licences").glob("*.elic")):
        data = path.read_bytes()
        _, _, proof = reader.open_licence(data)
        assert proof, f"{path} carries no log proof"
        reader.check_qr(path.with_suffix(".qr.txt").read_text(), data)
        count += 1
    assert count >= 12, count
    receipts = [reader.check_receipt(path.read_bytes()) for path in (folder / "receipts").glob("*.elr")]
    assert receipts, "the demo wrote no receipt"
    for name in ("tampered_byte", "revoked", "unlisted_issuer", "issuer_scope_type", "key_compromised_after_cut"):
        data = (folder / "refused" / f"{name}.elic").read_bytes()
        assert refuses(reader, data) or refuses_scope(reader, data), name
    heads = [reader.open_checkpoint(data.decode()) for path, data in reader.parts.items() if path.startswith("log/")]
    assert heads, "the bundle holds no checkpoint"
    return f"{count} licences with proof and QR text, {len(receipts)} receipts, {len(reader.tokens)} status tokens"


def refuses(reader, data):
    try:
        reader.open_licence(data)
    except BROKEN:
        return True
    return False


def check_that_changes_are_seen(parts):
    """A reader that lets a changed part pass would prove nothing by passing the others."""
    for path in parts:
        at = len(parts[path]) // 2
        changed = parts[path][:at] + bytes([parts[path][at] ^ 1]) + parts[path][at + 1 :]
        try:
            own = Reader({**parts, path: changed})
            assert path.startswith("log/")
            own.open_checkpoint(changed.decode())
        except BROKEN:
            continue
        raise SystemExit(f"a changed byte in {path} went unseen")


def refuses_scope(reader, data):
    """Type, region and the state of the key, which open_licence leaves out."""
    header, claims = decode(decode(data).value[0]), decode(decode(data).value[2])
    for key in reader.entries[claims[1]][5]:
        if sha(cose_key(key[1][-2]))[:8] == header[4]:
            in_type = [scope for scope in key[2] if scope[0] == 1 and (claims[11] in scope[1] or "*" in scope[1])]
            return not in_type or key[3] != 0
    return True


class Node:
    """A serving node."""

    def __init__(self, url, token):
        self.url, self.token = url, token

    def get(self, path):
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            return answer.read()

    def post(self, path, body, key):
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), method="POST")
        request.add_header("Authorization", f"Bearer {self.token}")
        request.add_header("Content-Type", "application/json")
        request.add_header("Idempotency-Key", f'"{key}"')
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def leaves(self, size):
        """All leaf hashes, from the tiles; each must be the hash of its entry."""
        hashes, entries = [], []
        for tile in range((size + 255) // 256):
            width = min(256, size - tile * 256)
            name = f"{tile:03}" + ("" if width == 256 else f".p/{width}")
            data = self.get(f"/log/tile/0/{name}")
            hashes += [data[at : at + 32] for at in range(0, len(data), 32)]
            data = self.get(f"/log/tile/entries/{name}")
            while data:
                length = int.from_bytes(data[:2], "big")
                entries.append(data[2 : 2 + length])
                data = data[2 + length :]
        assert len(hashes) == size and [leaf_hash(own) for own in entries] == hashes
        assert all(decode(own)[0] == 1 for own in entries)
        return hashes


def unpadded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def read_nodes(reader, folder, report):
    assert all(scenario["ok"] for scenario in report["scenarios"]), "a scenario answered otherwise than it must"
    tokens = json.loads((folder / "tokens.json").read_text())
    city = next(found for found in report["nodes"] if found["region"] == "440100")
    guangzhou = Node(city["url"], tokens["440100"])
    parts = decode(guangzhou.get("/v1/bundle"))
    live = Reader(parts)
    assert live.list == reader.list and live.catalogue == reader.catalogue
    origin, size, hashed = live.open_checkpoint(guangzhou.get("/log/checkpoint").decode())
    assert root(guangzhou.leaves(size)) == hashed
    issued = guangzhou.post(
        "/v1/licences",
        {
            "type": "11100000MB0143028R001",
            "issuer": "11440100X00000027D",
            "number": "示例〔2026〕互操作",
            "area_code": "440106",
            "holders": [{"name": "广州示例科技有限公司", "code_type": "001", "code": "91440101MA9XXXXX36"}],
            "issued_on": "2026-11-23",
            "valid_from": "2026-11-23",
            "valid_until": None,
            "fields": {"法定代表人": "示例"},
        },
        "interop-issue",
    )
    data = unpadded(issued["credential"])
    claims, digest, _ = live.open_licence(data)
    assert issued["digest"].removeprefix("sha-256:") == digest.hex()
    live.check_qr(issued["qr"], data)
    live.check_proof(issued["log"]["proof"].encode(), leaf_hash(entry(1, claims[6], digest)))
    later, new_size, new_hashed = live.open_checkpoint(guangzhou.get("/log/checkpoint").decode())
    leaves = guangzhou.leaves(new_size)
    # Consistency: the old tree is a beginning of the new one, and both are the signed ones.
    assert later == origin and new_size > size and root(leaves[:size]) == hashed and root(leaves) == new_hashed
    assert leaves[issued["log"]["index"]] == leaf_hash(entry(1, claims[6], digest))
    answer = guangzhou.post(
        "/v1/verifications",
        {
            "credential": issued["credential"],
            "service_item": "GZ-JT-0401",
            "case_number": "2026-EX-0001",
        },
        "interop-verify",
    )
    verdict, filed = answer["verdict"], live.check_receipt(unpadded(answer["receipt"]))[-70004]
    assert filed[3] == digest and filed[1] == "2026-EX-0001" and filed[4][0] == verdict["outcome"] == "ACCEPT"
    assert filed[7][0] == claims[65535]["status_list"]["uri"]
    return f"a licence issued over HTTP, its receipt, a log of {size} leaves that grew to {new_size}"


def main(folder, report):
    reader = Reader(read_folder(folder))
    check_that_changes_are_seen(reader.parts)
    print(f"{read_files(reader, folder)}: verified by the independent reader")
    if report:
        print(f"{read_nodes(reader, folder, json.loads(report.read_text()))}: verified by the independent reader")


main(*(pathlib.Path(name) for name in sys.argv[1:3]), *([None] * (3 - len(sys.argv))))
