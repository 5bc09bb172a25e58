"""Rows of the audit and their chain (spec/audit.md): an independent reading of the vectors, without any library of this project.

    python3 tests/interop/audit.py spec/vectors/audit/audit.json
"""

import hashlib
import json
import sys

# Member: how it must read.
TEXT, UINT, BYTES32, BYTES16 = "text", "uint", 32, 16
MEMBERS = {1: UINT, 2: UINT, 3: UINT, 4: TEXT, 5: TEXT, 6: UINT, 7: TEXT, 8: TEXT, 9: TEXT, 10: BYTES32, 11: BYTES32, 12: BYTES16,
           13: TEXT, 14: TEXT, 15: UINT}
NEEDED = {1, 2, 3, 4, 6, 14}
ACTS = ["issued", "new_version", "status_changed", "entry_ended", "read", "read_by_reference", "shown_to_node", "located", "verdict_told",
        "checked", "filed", "verified", "client_added", "client_revoked", "trust_taken", "catalogue_taken", "command", "restored", "dropped"]


class Bad(Exception):
    """Not the one encoding of a row."""


def head(data, at):
    """Major type, value, next place; only the shortest form."""
    if at >= len(data):
        raise Bad("cut short")
    major, info = data[at] >> 5, data[at] & 31
    if info < 24:
        return major, info, at + 1
    if info > 27:
        raise Bad("an indefinite or reserved head")
    width = 1 << (info - 24)
    if at + 1 + width > len(data):
        raise Bad("cut short")
    value = int.from_bytes(data[at + 1:at + 1 + width], "big")
    if value < (24 if width == 1 else 1 << (4 * width)):
        raise Bad("a head that is too long")
    return major, value, at + 1 + width


def item(data, at, kind):
    major, value, at = head(data, at)
    if kind == UINT:
        if major != 0:
            raise Bad("no number")
        return value, at
    end = at + value
    if major != (3 if kind == TEXT else 2) or end > len(data):
        raise Bad("another kind")
    if kind == TEXT:
        text = data[at:end].decode("utf-8")
        if not 1 <= len(text) <= 200 or "\n" in text:
            raise Bad("a text that may not stand there")
        return text, end
    if value != kind:
        raise Bad("a digest of another length")
    return data[at:end], end


def row(data):
    major, count, at = head(data, 0)
    if major != 5:
        raise Bad("no map")
    read, last = {}, 0
    for _ in range(count):
        key, at = item(data, at, UINT)
        if key <= last or key not in MEMBERS:
            raise Bad("a member that is unknown, twice or out of order")
        read[key], at = item(data, at, MEMBERS[key])
        last = key
    if at != len(data):
        raise Bad("bytes after it")
    if not NEEDED <= set(read):
        raise Bad("a member is missing")
    if read[1] < 1 or not 1 <= read[3] <= 5 or not 1 <= read[6] <= len(ACTS) or read.get(15, 1) < 1:
        raise Bad("a number outside its range")
    return read


def link(before, data):
    return hashlib.sha256(b"elic-audit\n" + before + data).digest()


def main(path):
    with open(path, encoding="utf-8") as file:
        vectors = json.load(file)
    done, before = 0, bytes(32)
    for number, case in enumerate(vectors["rows"], 1):
        data = bytes.fromhex(case["row"])
        read = row(data)
        before = link(before, data)
        assert read[1] == number and ACTS[read[6] - 1] == case["act"], case["what"]
        assert before.hex() == case["after"], case["what"]
        done += 1
    entry = bytes.fromhex(vectors["anchor"]["entry"])
    # [1, 6, time, digest]
    assert entry[:3] == bytes([0x84, 1, 6]) and entry[-32:] == before, "the anchor is the head"
    lines = vectors["dropped"]["note"].split("\n")
    assert lines[0] == "elic-audit-dropped/v1" and lines[2] == "2" and lines[3] == vectors["rows"][1]["after"], "the statement"
    done += 2
    for case in vectors["refused"]:
        try:
            row(bytes.fromhex(case["row"]))
        except (Bad, UnicodeDecodeError):
            done += 1
        else:
            raise AssertionError(case["what"])
    wanted = len(vectors["rows"]) + 2 + len(vectors["refused"])
    assert done == wanted >= 15, (done, wanted)
    print(f"audit: {done} of {wanted}")


if __name__ == "__main__":
    main(sys.argv[1])
