"""An independent writer: a small world of signed objects, made with cbor2 and cryptography alone, for our library to read.

Usage: write.py DIR. Writes the objects, an offline bundle (DIR/bundle, DIR/bundle.cbor) and DIR/expected.json, which
says of each case what a right reader answers. Everything follows from fixed names and one fixed clock; two runs differ
in nothing but what zlib makes of a text. It shares no code with the project. Codes of authorities and holders are
synthetic, with right check characters.
"""

import json
import pathlib
import sys

import cbor2

import hostile
import hostile_trust
from objects import (
    CASE,
    CLOCK,
    DAY,
    GD,
    HOLDER,
    ITEM,
    OFFICE,
    ORIGIN,
    SAMPLE,
    STOLEN,
    SZ,
    TEST,
    URI,
    GZ,
    World,
    catalogue,
    claims,
    fields,
    licence,
    root_file,
    stamp_file,
    token,
    trust_list,
    view,
)
from wire import (
    b64,
    checkpoint,
    consistency,
    cosign,
    digest,
    enc,
    entry,
    http_request,
    leaf_hash,
    qr,
    reference,
    root,
    sha,
    sign1,
    tlog_proof,
    vkey,
    with_proof,
)

# The parts of the world, each with its cases


def make_trust(world):
    first = root_file(world, 1, ["officer a", "officer b", "officer c"], "stamp 1", ["officer a", "officer b"])
    officers = ["officer a", "officer b", "officer d"]
    second = root_file(world, 2, officers, "stamp 2", officers)
    current, older = trust_list(world, 7), trust_list(world, 6)
    stamp = stamp_file(world, 12, 7, current)
    for path, data in (("root_1", first), ("root_2", second), ("timestamp", stamp), ("list", current)):
        world.part(f"trust/{path}.cbor", data)
    for path, data in {
        "root_2_by_new_keys_only": root_file(world, 2, officers, "stamp 2", ["officer d"]),
        "root_2_below_threshold_of_old": root_file(
            world, 2, ["officer a", "officer d", "officer e"], "stamp 2", ["officer a", "officer d"]
        ),
        "root_3_skips_one": root_file(world, 3, officers, "stamp 2", officers),
        "timestamp_older": stamp_file(world, 11, 7, current),
        "timestamp_same_version": stamp_file(world, 12, 7, current, iat=CLOCK - 3601),
        "timestamp_older_list": stamp_file(world, 13, 6, older),
        "timestamp_by_old_key": stamp_file(world, 13, 7, current, "stamp 1"),
        "timestamp_newer": stamp_file(world, 13, 7, current, iat=CLOCK - 60),
        "timestamp_future": stamp_file(world, 13, 7, current, iat=CLOCK + 61),
        "list_other_bytes": current[:-1] + bytes([current[-1] ^ 1]),
        "list_older": older,
    }.items():
        world.write(f"trust/{path}.cbor", data)
    all_of = ["bundle/trust/root_2.cbor", "bundle/trust/timestamp.cbor", "bundle/trust/list.cbor"]
    bad, back = "TRUST_LIST_SIGNATURE_INVALID", "TRUST_LIST_ROLLBACK"
    for name, steps, code in [
        ("the whole procedure", all_of, None),
        ("a newer timestamp", all_of + ["trust/timestamp_newer.cbor"], None),
        ("root signed by new keys only", ["trust/root_2_by_new_keys_only.cbor"], bad),
        ("root below the threshold of the old", ["trust/root_2_below_threshold_of_old.cbor"], bad),
        ("root skips a version", ["trust/root_3_skips_one.cbor"], back),
        ("timestamp older", all_of + ["trust/timestamp_older.cbor"], back),
        ("timestamp forked", all_of + ["trust/timestamp_same_version.cbor"], back),
        ("timestamp names an older list", all_of + ["trust/timestamp_older_list.cbor"], back),
        ("timestamp by a replaced key", all_of + ["trust/timestamp_by_old_key.cbor"], bad),
        ("timestamp from the future", all_of + ["trust/timestamp_future.cbor"], bad),
        ("list with other bytes", all_of[:2] + ["trust/list_other_bytes.cbor"], bad),
        ("list older than named", all_of[:2] + ["trust/list_older.cbor"], bad),
    ]:
        world.case("trust", name, steps=steps, code=code)
    fault = lambda name: None if "nothing wrong" in name else bad
    put = lambda name, data: world.write(f"trust/hostile/{name.replace(' ', '_')}.cbor", data)
    for name, data in hostile_trust.lists(world).items():
        named = put(f"timestamp for {name}", stamp_file(world, 12, 7, data))
        world.case("trust", f"list: {name}", steps=[all_of[0], named, put(f"list with {name}", data)], code=fault(name))
    for name, data in hostile_trust.stamps(world, current).items():
        world.case("trust", name, steps=[*all_of, put(name, data)], code=bad)
    for name, data in hostile_trust.roots(world, officers).items():
        after = [] if fault(name) else all_of[1:]
        world.case("trust", name, steps=[put(name, data), *after], code=fault(name))
    for name, data in hostile_trust.tokens(world).items():
        world.case("token", f"token: {name}", file=put(f"token {name}", data), good=False)
    world.case("token", "token that is good", file=put("good token", token(world, CLOCK - 1200, {6: 1})), good=True)


def make_catalogue(world):
    first = catalogue(world, 1, None)
    second = catalogue(world, 2, digest(first))
    world.part("catalogue.cbor", second)
    world.write("catalogue/first.cbor", first)
    for name, data, code in [
        ("catalogue next", second, None),
        ("catalogue forked", catalogue(world, 1, None, ("别名（示例）", "样品检验证明（示例）")), "CATALOGUE_ROLLBACK"),
        ("catalogue skips a version", catalogue(world, 3, digest(second)), "NOT_CONFORMANT"),
        ("catalogue of another past", catalogue(world, 2, sha(b"?")), "NOT_CONFORMANT"),
        ("catalogue by a licence key", catalogue(world, 2, digest(first), key="gz issuer"), "SCOPE_ROLE"),
        ("catalogue by an unknown key", catalogue(world, 2, digest(first), key="nobody"), "ISSUER_NOT_LISTED"),
    ]:
        world.case(
            "catalogue",
            name,
            held="catalogue/first.cbor",
            file=world.write(f"catalogue/{name.replace(' ', '_')}.cbor", data),
            code=code,
        )


# The licences in the order of the log; the cut of the compromised key lies before the fifth.
ISSUED = ["compromised_before", "good", "every_kind", "revoked", "compromised_after", "suspended", "superseded"]
CUT = 4


def issued_entries(made):
    return [entry(1, cbor2.loads(cbor2.loads(made[n]).value[2])[6], digest(made[n])) for n in ISSUED]


def proofs_of_the_stolen(world, leaves):
    """Proofs that date a licence before the theft, one that is late, and what whoever stole the log key makes."""

    def both(size, time):
        note = checkpoint(ORIGIN, leaves[:size], world.key("gz log"))
        for name in ("gd", "sz"):
            note = cosign(note, f"{name}.elic.example/w1", time, world.key(f"{name} witness"))
        return note

    alone = checkpoint(ORIGIN, leaves[4:5], world.key("gz log"))
    return {
        "in_the_tree_of_the_cut": tlog_proof(0, leaves[:CUT], both(CUT, CLOCK - 500)),
        "cosigned_before": tlog_proof(0, leaves[:2], both(2, STOLEN - 1)),
        "cosigned_at_the_theft": tlog_proof(0, leaves[:2], both(2, STOLEN)),
        "forged_tree": tlog_proof(0, leaves[4:5], alone),
    }


def make_log(world, made):
    """The log of Guangzhou: what was issued, how states changed, which tokens were signed; and proofs out of it."""
    changes = [
        {1: digest(made["revoked"]), 2: 1, 3: 2, 4: CLOCK - 3 * DAY, 6: sha(b"salt 1")[:16]},
        {1: digest(made["suspended"]), 2: 2, 3: 4, 4: CLOCK - 2 * DAY, 6: sha(b"salt 2")[:16]},
        {1: digest(made["superseded"]), 2: 3, 3: 6, 4: CLOCK - DAY, 5: digest(made["good"]), 6: sha(b"salt 3")[:16]},
    ]
    values = {6: 1, 9: 2, 12: 3}
    tokens = [token(world, CLOCK - DAY, {6: 1}), token(world, CLOCK - 1200, values)]
    entries = issued_entries(made)
    entries += [entry(2, change[4], sha(enc(change))) for change in changes]
    entries += [entry(3, cbor2.loads(cbor2.loads(t).value[2])[6], digest(t)) for t in tokens]
    entries += [entry(1, CLOCK - 1000, sha(b"another licence")), entry(1, CLOCK - 900, sha(b"one more licence"))]
    leaves, key = [leaf_hash(e) for e in entries], world.key("gz log")
    bare = checkpoint(ORIGIN, leaves, key)
    one = cosign(bare, "gd.elic.example/w1", CLOCK - 500, world.key("gd witness"))
    both = cosign(one, "sz.elic.example/w1", CLOCK - 499, world.key("sz witness"))
    small = checkpoint(ORIGIN, leaves[:7], key)
    proofs = {name: tlog_proof(at, leaves, both) for at, name in enumerate(ISSUED)}
    proofs.update(proofs_of_the_stolen(world, leaves))
    world.part(f"log/{sha(ORIGIN.encode()).hex()}/checkpoint", both.encode())
    world.part(f"status/{sha(URI.encode()).hex()}.cbor", tokens[1])
    world.write("status/previous.cbor", tokens[0])
    world.write("status/forked.cbor", token(world, CLOCK - 1200, {}))
    world.write("status/by_another_city.cbor", token(world, CLOCK - 1200, values, "sz status"))
    world.write("log/small", small)
    world.write("log/tile/0/000.p/14", b"".join(leaves))
    world.write("log/tile/entries/000.p/14", b"".join(len(e).to_bytes(2, "big") + e for e in entries))
    for name, proof in proofs.items():
        world.write(f"proofs/{name}.tlog-proof", proof)
    world.write("proofs/one_witness.tlog-proof", tlog_proof(1, leaves, one))
    world.write("proofs/other_leaf.tlog-proof", proofs["revoked"])
    hashes = [b64(h) for h in consistency(7, leaves)]
    log = {"origin": ORIGIN, "vkey": vkey(ORIGIN, 1, key.x)}
    world.case("tiles", "the tiles hold the tree", root=b64(root(leaves)), size=14)
    world.case(
        "consistency",
        "from 7 to 14 leaves",
        **log,
        old="log/small",
        new=f"bundle/log/{sha(ORIGIN.encode()).hex()}/checkpoint",
        proof=hashes,
        holds=True,
    )
    world.case(
        "consistency",
        "with a wrong hash",
        **log,
        old="log/small",
        new=f"bundle/log/{sha(ORIGIN.encode()).hex()}/checkpoint",
        proof=hashes[:-1] + [b64(sha(b"?"))],
        holds=False,
    )
    forked = checkpoint(ORIGIN, leaves[:13] + [sha(b"fork")], key)
    unsigned = cosign(bare.split("\u2014")[0], "gd.elic.example/w1", CLOCK - 500, world.key("gd witness"))
    request = lambda old, proof, note: f"old {old}\n" + "".join(p + "\n" for p in proof) + "\n" + note
    for name, body, stored, status in [
        ("witness takes the next", request(7, hashes, bare), 7, 200),
        ("witness refuses a fork", request(14, [], forked), 14, 422),
        ("witness refuses a wrong proof", request(7, hashes[1:], bare), 7, 422),
        ("witness holds another size", request(7, hashes, bare), 14, 409),
        ("witness sees no signature", request(7, hashes, unsigned), 7, 403),
    ]:
        world.case(
            "witness",
            name,
            **log,
            body=body,
            stored={"size": stored, "root": b64(root(leaves[:stored]))},
            status=status,
        )
    for change, at in zip(changes, range(7, 10)):
        path = world.write(f"changes/{at}.cbor", enc(change))
        world.case(
            "change",
            f"change record {at}",
            file=path,
            status=change[2],
            act=change[3],
            effective=change[4],
            leaf=b64(leaves[at]),
        )
    # A licence that was signed beside the log: its entry is ended, which no leaf of a licence names.
    ended = {1: sha(b"signed beside the log"), 2: 1, 3: 9, 4: CLOCK - DAY, 6: sha(b"salt 4")[:16], 7: [1, 77]}
    world.case(
        "change",
        "change record that ends an entry",
        file=world.write("changes/ended.cbor", enc(ended)),
        status=1,
        act=9,
        effective=CLOCK - DAY,
        leaf=b64(leaf_hash(entry(2, CLOCK - DAY, sha(enc(ended))))),
    )
    for name, wrong in [("suspends an entry", {**ended, 2: 2, 3: 4}), ("ends an entry of no list", {**ended, 7: [77]})]:
        file = world.write(f"changes/{name.replace(' ', '_')}.cbor", enc(wrong))
        world.case("change", f"change record that {name}", file=file, code="NOT_CONFORMANT")
    broken = {**changes[0], 2: 2}
    world.case(
        "change", "status of another act", file=world.write("changes/broken.cbor", enc(broken)), code="NOT_CONFORMANT"
    )
    return proofs, {"size": 14, "root": root(leaves), "forked": root(leaves[:13] + [sha(b"fork")])}


def make_licences(world):
    issue = lambda *arguments, **more: licence(world, "gz issuer", *arguments, **more)
    made = {
        "good": issue(1, 5),
        "every_kind": issue(2, 7, vct=TEST, **{"_-70001": {**fields(2), **SAMPLE}}),
        "revoked": issue(3, 6),
        "suspended": issue(4, 9),
        "superseded": issue(5, 12),
        "compromised_before": licence(world, "gz compromised", 6, 13),
        "compromised_after": licence(world, "gz compromised", 7, 14, iat=CLOCK - 9 * DAY),
    }
    reject = {
        "revoked": "REVOKED",
        "suspended": "SUSPENDED",
        "superseded": "SUPERSEDED",
        "wrong_type": (licence(world, "sz issuer", 20, 1, iss=SZ, **{"_-70001": fields(20, "440305")}), "SCOPE_TYPE"),
        "wrong_region": (issue(21, 15, **{"_-70001": fields(21, "440305")}), "SCOPE_REGION"),
        "by_a_status_key": (licence(world, "gz status", 22, 15), "SCOPE_ROLE"),
        "before_the_scope": (issue(23, 15, iat=CLOCK - 101 * DAY), "SCOPE_TIME"),
        "by_nobody": (licence(world, "nobody", 24, 15), "ISSUER_NOT_LISTED"),
        "by_an_unlisted_authority": (issue(25, 15, iss=OFFICE), "ISSUER_NOT_LISTED"),
        "after_retirement": (licence(world, "gz retired", 26, 15), "KEY_NOT_VALID_AT_ISSUE"),
        "expired": (issue(27, 15, _4=CLOCK), "EXPIRED"),
        "not_yet_valid": (issue(28, 15, _5=CLOCK + 1), "NOT_YET_VALID"),
        "unknown_field": (issue(29, 15, **{"_-70001": {**fields(29), 200: "?"}}), "SCHEMA_MISMATCH"),
        "field_of_wrong_kind": (issue(30, 15, **{"_-70001": {**fields(30), 2: 7}}), "SCHEMA_MISMATCH"),
        **{
            f"form_of_{key}_{at}": (
                issue(29, 15, **{"_-70001": {**fields(29), key: value}}),
                # A place outside the key's region is told first, whatever its form.
                "SCOPE_REGION" if key == 7 and not value.startswith("4401") else "SCHEMA_MISMATCH",
            )
            for at, (key, value) in enumerate(hostile.MALFORMED)
        },
        "lives_too_long": (issue(31, 15, _4=CLOCK + 3700 * DAY), "SCHEMA_MISMATCH"),
        "without_status": (issue(32, 15, **{"_65535": None}), "STATUS_MISSING"),
        "index_out_of_range": (issue(33, 64), "STATUS_INDEX_OUT_OF_RANGE"),
        "changed": (made["good"][:-1] + bytes([made["good"][-1] ^ 1]), "SIGNATURE_INVALID"),
        "by_another_algorithm": (sign1("+cwt", claims(34, 15), world.key("gz issuer"), alg=-8), "ALGORITHM_FORBIDDEN"),
        **{
            name: (data, "NOT_CONFORMANT")
            for name, data in hostile.breaches(claims(35, 15), world.key("gz issuer"), made["good"])
        },
    }
    unsure = {
        "before_retirement": None,
        "unknown_revision": (issue(40, 15, **{"_-70001": {**fields(40), 0: 9}}), "SCHEMA_UNAVAILABLE"),
        "list_not_at_hand": (
            issue(41, 15, **{"_65535": {"status_list": {"idx": 1, "uri": URI + "9"}}}),
            "STATUS_UNAVAILABLE",
        ),
        "from_the_future": (issue(42, 15, iat=CLOCK + 61, _5=CLOCK), "ISSUED_IN_FUTURE"),
    }
    made["before_retirement"] = licence(world, "gz retired", 8, 15, iat=CLOCK - 21 * DAY)
    for name, data in made.items():
        world.write(f"licences/{name}.elic", data)
    accept = ["good", "every_kind", "before_retirement"]
    for name in accept:
        world.verdict(f"licence {name}", f"licences/{name}.elic", "ACCEPT")
    for outcome, group in (("REJECT", reject), ("INDETERMINATE", unsure)):
        for name, what in group.items():
            if what is not None:
                data, code = (made[name], what) if isinstance(what, str) else what
                world.verdict(f"licence {name}", world.write(f"licences/{name}.elic", data), outcome, code)
    nothing = (("empty", b""), ("cut", made["good"][:-1]), ("stray_break", b"\xff"), *hostile.NONE_OF_OURS)
    for name, data in nothing:
        world.verdict(f"licence {name}", world.write(f"licences/{name}.elic", data), "NO_CREDENTIAL", "UNREADABLE")
    return made


def make_evidence_cases(world, made, tree):
    """The good licence, with less or with other evidence."""
    good, status = "licences/good.elic", f"status/{sha(URI.encode()).hex()}.cbor"
    unsure = lambda name, code, **more: world.verdict(name, good, "INDETERMINATE", code, **more)
    unsure("without trust files", "TRUST_LIST_UNAVAILABLE", without=["trust/root_1.cbor"])
    unsure("without a list", "TRUST_LIST_UNAVAILABLE", without=["trust/list.cbor"])
    unsure("without a catalogue", "SCHEMA_UNAVAILABLE", without=["catalogue.cbor"])
    unsure("without a token", "STATUS_UNAVAILABLE", without=[status])
    unsure("after the end of the timestamp", "TRUST_LIST_EXPIRED", now=CLOCK - 3600 + 3 * DAY)
    world.verdict("before the end of the token", good, "ACCEPT", now=CLOCK - 1200 + DAY - 1)
    unsure("after the end of the token", "STATUS_STALE", now=CLOCK - 1200 + DAY)
    world.verdict(
        "revoked by a stale token", "licences/revoked.elic", "INDETERMINATE", "STATUS_STALE", now=CLOCK - 1200 + DAY
    )
    unsure("a clock behind the timestamp", "CLOCK_UNTRUSTED", now=CLOCK - 3600 - 61)
    unsure("a token by another city", "STATUS_SIGNER_UNTRUSTED", replace={status: "status/by_another_city.cbor"})
    seen = {"uri": URI, "iat": CLOCK - 1200, "digest": digest(world.bundle[status]).hex()}
    unsure(
        "an older token than seen",
        "STATUS_ROLLBACK",
        replace={status: "status/previous.cbor"},
        seen=seen,
        now=CLOCK - 1,
    )
    unsure("another token of the time seen", "STATUS_ROLLBACK", replace={status: "status/forked.cbor"}, seen=seen)
    unsure("a proof with one witness of two", "CHECKPOINT_QUORUM_MISSING", proof="proofs/one_witness.tlog-proof")
    head = {"origin": ORIGIN, "size": tree["size"], "root": b64(tree["forked"])}
    unsure("a proof beside a fork", "LOG_SPLIT_VIEW", proof="proofs/good.tlog-proof", head=head)
    world.verdict("a proof of another leaf", good, "REJECT", "LOG_PROOF_INVALID", proof="proofs/other_leaf.tlog-proof")
    world.verdict("archive without a proof", good, "INDETERMINATE", "LOG_PROOF_MISSING", policy="archive")
    unsure("in no log that is known", "LOG_ENTRY_MISSING", look_up="missing")
    unsure("neither proof nor look-up", "LOG_PROOF_MISSING", look_up="none")
    world.verdict("found in the log", good, "ACCEPT", look_up="found")
    world.verdict("neither proof nor look-up at a counter", good, "ACCEPT", policy="counter", look_up="none")
    world.verdict("archive with a proof", good, "ACCEPT", policy="archive", proof="proofs/good.tlog-proof")
    stolen = "licences/compromised_before.elic"
    for name, proof, code in [
        ("in the tree of the cut", "in_the_tree_of_the_cut", None),
        ("cosigned before the theft", "cosigned_before", None),
        ("cosigned at the theft", "cosigned_at_the_theft", "KEY_COMPROMISED_NO_PROOF"),
        ("in another tree than that of the cut", "compromised_before", "KEY_COMPROMISED_NO_PROOF"),
    ]:
        outcome = "INDETERMINATE" if code else "ACCEPT"
        world.verdict(f"compromised, {name}", stolen, outcome, code, proof=f"proofs/{proof}.tlog-proof")
    world.verdict(
        "compromised, in a tree that the log key's thief made",
        "licences/compromised_after.elic",
        "INDETERMINATE",
        "KEY_COMPROMISED_NO_PROOF",
        proof="proofs/forged_tree.tlog-proof",
    )
    world.verdict(
        "compromised, logged after the cut",
        "licences/compromised_after.elic",
        "REJECT",
        "KEY_COMPROMISED_AFTER_CUT",
        proof="proofs/compromised_after.tlog-proof",
    )
    world.verdict(
        "compromised, without a proof", "licences/compromised_before.elic", "INDETERMINATE", "KEY_COMPROMISED_NO_PROOF"
    )
    for name, holder, outcome, code in [
        ("the holder", {"code": HOLDER, "name": "广州示例云帆科技有限公司"}, "ACCEPT", None),
        ("another holder", {"code": OFFICE}, "REJECT", "SUBJECT_MISMATCH"),
        ("the holder in small letters", {"code": "\u3000" + HOLDER.lower() + "\n"}, "ACCEPT", None),
        ("a wrong check digit", {"code": HOLDER[:-1] + ("7" if HOLDER[-1] != "7" else "8")}, "INDETERMINATE", "SUBJECT_AMBIGUOUS"),
        ("a former name", {"code": HOLDER, "name": "广州示例旧名有限公司"}, "INDETERMINATE", "SUBJECT_AMBIGUOUS"),
    ]:
        world.verdict(name, good, outcome, code, question={"subject": {"code_type": "001", **holder}})
    world.verdict("an item that wants this type", good, "ACCEPT", question={"service_item": ITEM})
    world.verdict(
        "an item that the catalogue does not know",
        good,
        "INDETERMINATE",
        "POLICY_UNAVAILABLE",
        question={"service_item": "GZ-EX-0002"},
    )


def make_views(world, made):
    asked = {"audience": OFFICE, "service_item": ITEM, "case_number": CASE}
    views = {
        "good": (view(world, made["good"]), "ACCEPT", None, asked),
        "audience": (None, "REJECT", "VIEW_AUDIENCE_MISMATCH", {**asked, "audience": GD}),
        "purpose": (None, "REJECT", "VIEW_PURPOSE_MISMATCH", {**asked, "case_number": "2026-EX-0000043"}),
        "expired": (view(world, made["good"], iat=CLOCK - 1800), "REJECT", "VIEW_EXPIRED", asked),
        "too_many_fields": (view(world, made["good"], role_fields=(0, 2, 3, 5, 7)), "REJECT", "SCHEMA_MISMATCH", asked),
        "life_over_the_item": (view(world, made["good"], life=1801), "REJECT", "SCHEMA_MISMATCH", asked),
        "life_over_a_day": (view(world, made["good"], life=DAY + 1), "REJECT", "NOT_CONFORMANT", asked),
        "by_a_licence_key": (view(world, made["good"], "gz issuer"), "REJECT", "SCOPE_ROLE", asked),
        "of_a_revoked_licence": (view(world, made["revoked"]), "REJECT", "REVOKED", asked),
    }
    for name, (data, outcome, code, question) in views.items():
        path = world.write(f"views/{name}.elic", data) if data else "views/good.elic"
        world.verdict(f"view {name}", path, outcome, code, question=question)
    world.verdict(
        "view with the licence's proof", "views/good.elic", "ACCEPT", question=asked, proof="proofs/good.tlog-proof"
    )
    return views["good"][0]


def make_qr(world, made, good_view):
    text = qr(made["good"])
    asked = {"audience": OFFICE, "service_item": ITEM, "case_number": CASE}
    for name, content, outcome, code, more in [
        ("good", text, "ACCEPT", None, {}),
        ("every_kind", qr(made["every_kind"]), "ACCEPT", None, {}),
        ("view", qr(good_view), "ACCEPT", None, {"question": asked}),
        ("revoked", qr(made["revoked"]), "REJECT", "REVOKED", {}),
        ("reference", reference(made["good"], "gz.elic.example"), "INDETERMINATE", "NOT_ASKED", {}),
        ("reference_to_a_stranger", reference(made["good"], "x.elic.example"), "REJECT", "ISSUER_NOT_LISTED", {}),
        ("newer_version", "EL2:" + text[4:], "INDETERMINATE", "VERSION_UNSUPPORTED", {}),
        ("as_scanners_type_it", "\ufeff\t]Q1" + qr(made["good"]) + " \r\n", "ACCEPT", None, {}),
        *((name, bad, outcome, code, {}) for name, bad, outcome, code in hostile.texts(made["good"], text)),
    ]:
        path = world.write(f"qr/{name}.txt", content)
        named = {"host": "gz.elic.example", "digest": digest(made["good"]).hex()} if name == "reference" else {}
        world.case("verdict", f"qr {name}", outcome=outcome, code=code, judged={"qr": path, **more}, **named)


def make_receipts(world, made, good_view, proofs, tree):
    """Receipts as a node must have written them: each names the case whose verdict it is, and our node's must be equal."""
    listed_at, token_data, own = (
        CLOCK - 3600,
        world.bundle[f"status/{sha(URI.encode()).hex()}.cbor"],
        sha(world.bundle["trust/list.cbor"]),
    )
    item = digest(world.bundle["catalogue.cbor"])
    sources = {
        "ISSUER": (own, listed_at),
        "SCHEMA": (item, CLOCK - 18 * DAY),
        "STATUS": (digest(token_data), CLOCK - 1200),
    }
    groups = ["FORMAT", "CRYPTO", "ISSUER", "TIME", "SCHEMA", "STATUS", "LOG", "SUBJECT", "POLICY"]

    def receipt(
        name,
        outcome,
        code,
        digests,
        found,
        proof=None,
        warnings=(),
        key="gz receipt",
        token_at_hand=True,
        cti=None,
        looked_up=False,
    ):
        seen = {**sources, **({"LOG": (sha(proof), CLOCK - 499)} if proof else {})}
        if not token_at_hand:
            seen.pop("STATUS")
        checks = []
        for group in groups:
            result, reason = found.get(group, ("PASS", None))
            source = seen.get(group, (None, None)) if result != "SKIPPED" else (None, None)
            checks.append([group, result, reason, *source])
        at = proof and int(proof.split(b"index ")[1].split(b"\n")[0])
        body = {
            1: CASE,
            2: ITEM,
            3: digests[0],
            4: [outcome, code, checks],
            5: ["approval", 2],
            6: [7, own, listed_at],
            7: [URI, CLOCK - 1200, digest(token_data)] if token_at_hand else None,
            8: [ORIGIN, tree["size"], tree["root"], at, sha(proof)] if proof else None,
            10: [2, item],
        }
        if looked_up:
            body[8] = [ORIGIN, None, None, None, None]
        if len(digests) > 1:
            body[9] = digests[1]
        if warnings:
            body[11] = list(warnings)
        return sign1(
            "-receipt+cwt",
            {1: GZ, 3: OFFICE, 6: CLOCK, 7: cti or sha(b"receipt " + name.encode())[:16], -70004: body},
            world.key(key),
        )

    quiet = {"SUBJECT": ("SKIPPED", None), "LOG": ("SKIPPED", None)}
    accept = receipt("accept", "ACCEPT", None, [digest(made["good"])], {"SUBJECT": ("SKIPPED", None)}, proofs["good"])
    asked = {"audience": OFFICE, "service_item": ITEM, "case_number": CASE}
    made_as = {
        "accept": (accept, {"file": "licences/good.elic", "proof": "proofs/good.tlog-proof"}),
        "accept_view": (
            receipt("accept_view", "ACCEPT", None, [digest(made["good"]), digest(good_view)], quiet),
            {"file": "views/good.elic"},
        ),
        "revoked": (
            receipt(
                "revoked",
                "REJECT",
                "REVOKED",
                [digest(made["revoked"])],
                {**quiet, "STATUS": ("FAIL", "REVOKED")},
                warnings=["LOG_PENDING", "LOG_NOT_ASKED"],
            ),
            {"file": "licences/revoked.elic"},
        ),
        "unavailable": (
            receipt(
                "unavailable",
                "INDETERMINATE",
                "STATUS_UNAVAILABLE",
                [digest(made["good"])],
                {**quiet, "STATUS": ("INCONCLUSIVE", "STATUS_UNAVAILABLE")},
                warnings=["LOG_PENDING", "LOG_NOT_ASKED"],
                token_at_hand=False,
            ),
            {"file": "licences/good.elic", "without": [f"status/{sha(URI.encode()).hex()}.cbor"]},
        ),
        "found": (
            receipt(
                "found", "ACCEPT", None, [digest(made["good"])], {"SUBJECT": ("SKIPPED", None)}, looked_up=True
            ),
            {"file": "licences/good.elic", "look_up": "found"},
        ),
        "missing": (
            receipt(
                "missing",
                "INDETERMINATE",
                "LOG_ENTRY_MISSING",
                [digest(made["good"])],
                {"SUBJECT": ("SKIPPED", None), "LOG": ("INCONCLUSIVE", "LOG_ENTRY_MISSING")},
            ),
            {"file": "licences/good.elic", "look_up": "missing"},
        ),
    }
    for name, (data, judged) in made_as.items():
        path = world.write(f"receipts/{name}.elr", data)
        world.case(
            "receipt",
            f"receipt {name}",
            file=path,
            code=None,
            seed=world.key("gz receipt").seed.hex(),
            judged={**judged, "question": asked},
        )
    archive = {
        "licence": "licences/good.elic",
        "trust_list": "bundle/trust/list.cbor",
        "status_token": f"bundle/status/{sha(URI.encode()).hex()}.cbor",
        "log_proof": "proofs/good.tlog-proof",
        "catalogue": "bundle/catalogue.cbor",
    }
    for name, data, filed, code in [
        ("with its archive", accept, archive, None),
        ("with another licence", accept, {**archive, "licence": "licences/revoked.elic"}, "DIGEST_MISMATCH"),
        ("with an older token", accept, {**archive, "status_token": "status/previous.cbor"}, "DIGEST_MISMATCH"),
        ("with a view it does not name", accept, {"view": "views/good.elic"}, "DIGEST_MISMATCH"),
        ("changed", accept[:-1] + bytes([accept[-1] ^ 1]), {}, "SIGNATURE_INVALID"),
        ("by a view key", receipt("x", "ACCEPT", None, [digest(made["good"])], quiet, key="gz view"), {}, "SCOPE_ROLE"),
        (
            "contradicts itself",
            receipt("y", "ACCEPT", None, [digest(made["good"])], {**quiet, "STATUS": ("FAIL", "REVOKED")}),
            {},
            "NOT_CONFORMANT",
        ),
        (
            "accepts without a token",
            receipt("z", "ACCEPT", None, [digest(made["good"])], quiet, token_at_hand=False),
            {},
            "NOT_CONFORMANT",
        ),
    ]:
        world.case(
            "receipt",
            f"receipt {name}",
            file=world.write(f"receipts/{name.replace(' ', '_')}.elr", data),
            code=code,
            archive=filed,
        )


def make_http(world):
    node, uri = world.key("gz node"), "https://gd.elic.example/v1/witness/add-checkpoint"
    post = http_request("POST", uri, node, CLOCK - 10, b'{"a":"\xe7\xa9\x97"}', "interop-1", "post")
    get = http_request("GET", "https://gd.elic.example/v1/index?after=4", node, CLOCK - 10, nonce="get")
    for name, request, now, fault in [
        ("post", post, CLOCK, None),
        ("get", get, CLOCK, None),
        ("post late", post, CLOCK + 60, "signature-time"),
        ("post with another body", {**post, "body": "{}"}, CLOCK, "content-digest"),
        (
            "get elsewhere",
            {**get, "target_uri": "https://gd.elic.example/v1/index?after=5"},
            CLOCK,
            "signature-invalid",
        ),
        ("get by a view key", http_request("GET", uri, world.key("gz view"), CLOCK), CLOCK, "signature-key"),
    ]:
        world.case("http", f"http {name}", request=request, now=now, fault=fault)


def main(folder):
    world = World(folder)
    made = make_licences(world)
    world.cut = (CUT, root([leaf_hash(e) for e in issued_entries(made)[:CUT]]))
    make_trust(world)
    make_catalogue(world)
    proofs, tree = make_log(world, made)
    carried = with_proof(made["good"], proofs["good"])
    world.verdict(
        "licence with its proof", world.write("licences/with_proof.elic", carried), "ACCEPT", policy="archive"
    )
    make_evidence_cases(world, made, tree)
    asked = {"audience": OFFICE, "service_item": ITEM, "case_number": CASE}
    good_view = make_views(world, made)
    make_qr(world, made, good_view)
    make_receipts(world, made, good_view, proofs, tree)
    make_http(world)
    for path, question in (("licences/good.elic", {}), ("licences/with_proof.elic", {}), ("views/good.elic", asked)):
        world.case("changed", f"every byte of {path}", judged={"file": path, "question": question})
    world.case("bundle", "the bundle in one file", file=world.write("bundle.cbor", enc(world.bundle)))
    for serial in (1, 2, 3):
        world.case("identifier", f"identifier {serial}", id=fields(serial)[1], good=True)
    world.case(
        "identifier",
        "identifier with a wrong check",
        id=fields(1)[1][:-1] + ("0" if fields(1)[1][-1] != "0" else "1"),
        good=False,
    )
    world.write("expected.json", json.dumps({"clock": CLOCK, "cases": world.cases}, ensure_ascii=False, indent=1))
    print(f"{len(world.cases)} cases written by the independent writer")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
