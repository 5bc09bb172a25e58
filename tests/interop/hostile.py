"""What must be refused: one breach each of the strict encoding (spec/cbor.md, spec/qr.md), well signed all the same.

In scope: licences and QR texts that are wrong in their bytes. Out of scope: what is wrong in its meaning (write.py).
"""

import zlib

import cbor2

from wire import PREFIX, base45, enc, sign1, with_proof

# Common items of a licence in another form than the standard gives them (spec/credential.md): key and value.
MALFORMED = (
    (1, "2.16.156.1"),
    (2, " "),
    (3, [" "]),
    (4, ["112"]),
    (5, ["440 100"]),
    (5, []),
    (7, "4401x6"),
    (7, "44010"),
    (8, "2026-02-30"),
)

# Files that are none of our objects (spec/verify.md §6): name and bytes.
NONE_OF_OURS = (
    ("picture", b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"),
    ("document", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"),
    ("office_document", b"PK\x03\x04\x14\x00\x06\x00\x08\x00"),
    ("utf_16", "\ufeffEL1:NCF".encode("utf-16-be")),
    ("noise", bytes((7 * n * n + 3 * n + 5) % 256 for n in range(400))),
    ("another_cose_object", enc(cbor2.CBORTag(18, [enc({1: -7, 4: b"12345678"}), {}, enc({1: "DE"}), bytes(64)]))),
    ("another_cbor_object", enc({1: [2, 3], "a": "application/elicence+cwt"})),
)


def sign_raw(protected, unprotected, payload, key):
    signature = key.sign(enc(["Signature1", protected, b"", payload]))
    return enc(cbor2.CBORTag(18, [protected, unprotected, payload, signature]))


def breaches(claims, key, good):
    """Pairs of a name that says what is wrong, and the licence."""
    payload = enc(claims)
    exp = claims[4].to_bytes(4, "big")
    nested = 1
    for _ in range(9):
        nested = [nested]
    with_field = lambda number, value: {**claims, -70001: {**claims[-70001], number: value}}
    tag, first = enc({1: -19, 4: key.kid, 16: PREFIX + "+cwt"}), cbor2.loads(good).value
    bad = {
        "doubled_claim": bytes([payload[0] + 1]) + payload[1:] + enc(4) + enc(claims[4]),
        "indefinite_map": b"\xbf" + payload[1:] + b"\xff",
        "long_integer": payload.replace(b"\x04\x1a" + exp, b"\x04\x1b\0\0\0\0" + exp, 1),
        "unsorted_claims": payload[:1] + payload[1:].replace(enc(1) + enc(claims[1]), b"", 1) + enc(1) + enc(claims[1]),
        "float": enc(with_field(2, 1.5)),
        "null": enc(with_field(2, None)),
        "undefined": enc(with_field(2, cbor2.undefined)),
        "bignum": enc(with_field(2, 1 << 70)),
        "integer_over_53_bits": enc(with_field(2, 1 << 53)),
        "nine_levels": enc(with_field(2, nested)),
        "text_not_in_nfc": enc(with_field(2, "e\u0301")),
        "bidirectional_text": enc(with_field(2, "a\u202eb")),
        "control_character": enc(with_field(2, "a\tb")),
        "unknown_claim": enc({**claims, 8: {1: 1}}),
        "missing_cti": enc({k: v for k, v in claims.items() if k != 7}),
        "short_cti": enc({**claims, 7: bytes(15)}),
        "vct_of_another_shape": enc({**claims, 11: "urn:elic:cn:x"}),
        "http_status_uri": enc({**claims, 65535: {"status_list": {"idx": 1, "uri": "http://gz.elic.example/1"}}}),
        "end_before_begin": enc({**claims, 4: claims[5]}),
        "65_fields": enc({**claims, -70001: {k: "x" for k in range(65)}}),
        "field_of_4097_bytes": enc(with_field(2, "x" * 4097)),
        "bare_field_array": enc({**claims, -70001: [1]}),
    }
    assert all(data != payload for data in bad.values())
    made = [(name, sign1("+cwt", data, key)) for name, data in bad.items()]
    made += [
        ("kid_unprotected", sign_raw(enc({1: -19, 16: PREFIX + "+cwt"}), {4: key.kid}, payload, key)),
        ("kid_in_both", sign_raw(tag, {4: key.kid}, payload, key)),
        ("content_type_too", sign_raw(enc({1: -19, 3: 60, 4: key.kid, 16: PREFIX + "+cwt"}), {}, payload, key)),
        ("typ_of_another_object", sign1("+cbor", payload, key)),
        ("critical_header", sign_raw(enc({1: -19, 2: [16], 4: key.kid, 16: PREFIX + "+cwt"}), {}, payload, key)),
        ("unknown_unprotected", sign_raw(tag, {-70009: b"x"}, payload, key)),
        ("cwt_tag_around", b"\xd8\x3d" + good),
        ("without_tag", good[1:]),
        ("trailing_byte", good + b"\x00"),
        ("signature_of_63_bytes", enc(cbor2.CBORTag(18, [*first[:3], first[3][:63]]))),
        ("detached_payload", enc(cbor2.CBORTag(18, [first[0], {}, None, first[3]]))),
        ("empty_payload", enc(cbor2.CBORTag(18, [first[0], {}, b"", first[3]]))),
        ("over_64_kib", with_proof(good, b"x" * 65536)),
    ]
    return made


def texts(good, text):
    """Name, QR text, outcome, code."""
    packed = zlib.compress(good, 9)
    dictionary = zlib.compressobj(9, zdict=b"application/elicence+cwt")
    unreadable = ("NO_CREDENTIAL", "UNREADABLE")
    return [
        ("lower_case_prefix", "el1:" + text[4:], *unreadable),
        ("blank_inside", text[:10] + "  " + text[10:], *unreadable),
        ("line_end_inside", text[:10] + "\n" + text[10:], *unreadable),
        ("lower_case_letter", text[:10] + "a" + text[11:], *unreadable),
        ("triplet_over_65535", "EL1:GGW", *unreadable),
        ("pair_over_255", "EL1:::", *unreadable),
        ("one_character_left", "EL1:A", *unreadable),
        ("not_zlib", "EL1:" + base45(good), *unreadable),
        ("bytes_after_zlib", "EL1:" + base45(packed + b"\x00\x00"), *unreadable),
        ("cut_zlib", "EL1:" + base45(packed[:-2]), *unreadable),
        ("wrong_adler", "EL1:" + base45(packed[:-1] + bytes([packed[-1] ^ 1])), *unreadable),
        ("with_dictionary", "EL1:" + base45(dictionary.compress(good) + dictionary.flush()), *unreadable),
        ("inflates_over_64_kib", "EL1:" + base45(zlib.compress(bytes(65537), 9)), "REJECT", "NOT_CONFORMANT"),
        ("longer_than_version_30", "EL1:" + "0" * 1991, "REJECT", "NOT_CONFORMANT"),
        (
            "log_proof_inside",
            "EL1:" + base45(zlib.compress(with_proof(good, b"c2sp.org/tlog-proof@v1\n"), 9)),
            "REJECT",
            "NOT_CONFORMANT",
        ),
        (
            "reference_of_a_later_version",
            "EL1R:" + base45(enc([2, bytes(16), bytes(32), "gz.elic.example"])),
            "INDETERMINATE",
            "VERSION_UNSUPPORTED",
        ),
        (
            "reference_with_user_information",
            "EL1R:" + base45(enc([1, bytes(16), bytes(32), "a@gz.elic.example"])),
            "REJECT",
            "NOT_CONFORMANT",
        ),
    ]
