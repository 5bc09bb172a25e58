"""Codes and names that people type (spec/identifiers.md §5.1): an independent reading of the vectors.

    python3 tests/interop/asked.py spec/vectors/identifiers/asked.json
"""

import json
import sys
import unicodedata

SEPARATORS = (
    "\u2022\u2023\u2024\u2027\u2043\u204c\u204d\u2219\u22c4\u22c5\u25aa\u25cf\u25e6\u26ab\u2981"
    "\u2e30\u2e31\u2e33\u3002\u30fb\u318d\u16eb\u1427\ua78f\ufe52\uff0e\uff61\uff65\U00010101"
)
TYPES = "001 099 111 114 115 118 119 120 122 411 412 413 414 511 516 999".split()
ORGANISATIONS = ("001", "099")
CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"
UNSEEN = [(0x200B, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0xE000, 0xF8FF), (0xE0000, 0xE007F), (0xF0000, 0x10FFFF)]


def is_blank(c):
    return c.isspace() or c == "\ufeff"


def strip(text):
    while text and is_blank(text[0]):
        text = text[1:]
    while text and is_blank(text[-1]):
        text = text[:-1]
    return text


def normal_code(text):
    narrow = "".join(" " if c == "\u3000" else chr(ord(c) - 0xFEE0) if "！" <= c <= "～" else c for c in text)
    return "".join(c.upper() if c.isascii() else c for c in strip(narrow))


def normal_name(text):
    return "".join("\u00b7" if c in SEPARATORS else c for c in unicodedata.normalize("NFC", strip(text)))


def is_day(text):
    import datetime

    try:
        return datetime.date(int(text[:4]), int(text[4:6]), int(text[6:])).year >= 1800
    except ValueError:
        return False


def is_resident(code):
    if len(code) != 18 or not code.isascii() or not code[:17].isdigit() or not is_day(code[6:14]):
        return False
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    return "10X98765432"[sum(int(d) * w for d, w in zip(code, weights)) % 11] == code[17]


def is_credit(code):
    if len(code) != 18 or any(c not in CREDIT for c in code) or not code[2:8].isdigit():
        return False
    inner = 11 - sum(int(c, 36) * w for c, w in zip(code[8:16], (3, 7, 9, 10, 5, 8, 4, 2))) % 11
    if {10: "X", 11: "0"}.get(inner, str(inner)) != code[16]:
        return False
    outer = sum(CREDIT.index(c) * pow(3, i, 31) for i, c in enumerate(code[:17]))
    return CREDIT[(31 - outer % 31) % 31] == code[17]


def is_plain(code):
    def unseen(c):
        return (is_blank(c) or unicodedata.category(c) == "Cc" or c in "\u00ad\ufffd"
                or any(low <= ord(c) <= high for low, high in UNSEEN))

    return 1 <= len(code) <= 64 and not any(map(unseen, code))


def possible(kind, code):
    return is_credit(code) if kind == "001" else is_resident(code) if kind == "111" else is_plain(code)


def derived(code):
    kinds = [kind for kind in ("001", "111") if possible(kind, code)]
    if kinds:
        return kinds[0] if len(kinds) == 1 else None
    if len(code) == 18 and code.isascii() and code.isalnum():
        raise ValueError("CheckDigit")
    if not is_plain(code):
        raise ValueError("Other")
    return None


def parse(kind, code):
    """(type or None, code, whether the type was named, whether it is an old number); ValueError names the fault."""
    named = None if kind is None else normal_code(kind)
    if named is not None and named not in TYPES:
        raise ValueError("Kind")
    code = normal_code(code)
    if not code:
        raise ValueError("Empty")
    if len(code) == 15 and code.isascii() and code.isdigit() and named in (None, "111"):
        return named, code, named is not None, True
    if named is None:
        return derived(code), code, False, False
    if not possible(named, code):
        raise ValueError({"001": "Credit", "111": "Resident"}.get(named, "Other"))
    return named, code, True, False


def one(asked, held_kind, held):
    kind, code, named, old = asked
    held = normal_code(held)
    if held_kind is None:
        try:
            held_kind = derived(held)
        except ValueError:
            held_kind = None
    elif held_kind not in TYPES:
        held_kind = None
    same = code == held
    if same and (held_kind is None or not named):
        return "Yes"
    if kind is None or held_kind is None:
        return "Unclear"
    if kind == held_kind:
        return "Yes" if same else "Unclear" if old or not possible(held_kind, held) else "No"
    return "Apart" if (kind in ORGANISATIONS) != (held_kind in ORGANISATIONS) else "Unclear"


def among(asked, held):
    answers = [one(asked, kind, code) for kind, code in held]
    for answer in ("Yes", "Unclear", "No"):
        if answer in answers:
            return answer
    return "Unclear"


def main(path):
    with open(path, encoding="utf-8") as file:
        vectors = json.load(file)
    for text, normal in vectors["normal"]:
        assert normal_code(text) == normal, text
    for case in vectors["codes"]:
        try:
            answer = {"kind": parse(case["type"], case["code"])[0]}
        except ValueError as fault:
            answer = {"fault": str(fault)}
        assert all(case.get(key) == value for key, value in answer.items()) and ("fault" in case) == ("fault" in answer), case
    for case in vectors["holders"]:
        assert among(parse(*case["asked"]), case["held"]) == case["is"], case
    for case in vectors["names"]:
        assert (normal_name(case["a"]) == normal_name(case["b"])) == case["same"], case
    print("asked:", sum(len(cases) for cases in vectors.values()), "cases as written")


if __name__ == "__main__":
    main(sys.argv[1])
