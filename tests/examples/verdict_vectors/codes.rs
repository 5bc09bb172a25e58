//! One vector or more for every code that a verdict can have today, and for what is accepted at the same boundary.
//! Outcome, codes and warnings are stated from the pages of spec/, not taken from the code.

use crate::case::Case;
use crate::format::LookUp;
use crate::world::*;

/// All of them, in the order of spec/codes.md.
pub(crate) fn cases() -> Vec<Case> {
    [
        accepted(),
        format(),
        crypto(),
        issuer(),
        trust(),
        time(),
        schema(),
        status(),
        log(),
        look_up(),
        subject(),
        policy(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn accepted() -> Vec<Case> {
    let rule = "codes.md ACCEPT";
    vec![
        Case::new("good", rule).accepts().pending(),
        Case::new("good-logged", "policy.md §2: a log proof at hand is looked at")
            .presents("premises-logged")
            .accepts(),
        Case::new("good-proof-beside", "spec/log.md: the proof may travel beside the licence")
            .beside("premises")
            .accepts(),
        Case::new("good-qr", "spec/qr.md").presents("qr").accepts().pending(),
        Case::new("good-fetched", "spec/qr.md: reference form").presents("fetched").accepts().pending(),
        Case::new("good-at-counter", rule).under("counter").accepts().pending(),
        Case::new("good-from-archive", rule).under("archive").presents("premises-logged").accepts(),
        Case::new("good-where-a-licence-is-wanted", rule).wants("licence").accepts().pending(),
        Case::new("good-view", "spec/view.md").presents("view").asked_by_office().accepts(),
        Case::new("good-view-with-proof", "spec/verify.md: LOG of a view is the licence's proof")
            .presents("view")
            .asked_by_office()
            .beside("premises")
            .accepts(),
        Case::new("issuer-has-a-successor", "codes.md ISSUER_SUCCEEDED")
            .presents("of-succeeded-authority")
            .accepts()
            .warns(&["LOG_PENDING", "ISSUER_SUCCEEDED"]),
    ]
}

fn format() -> Vec<Case> {
    let rule = "spec/cbor.md";
    vec![
        Case::new("no-bytes", "spec/cbor.md rule 1").presents("no-bytes").recognises_nothing("UNREADABLE"),
        Case::new("cut-short", rule).presents("cut-short").recognises_nothing("UNREADABLE"),
        Case::new("qr-of-something-else", "spec/qr.md reader")
            .presents("qr-of-something-else")
            .recognises_nothing("UNREADABLE"),
        Case::new("qr-cut-short", "spec/qr.md reader")
            .presents("qr-cut-short")
            .recognises_nothing("UNREADABLE"),
        Case::new("qr-with-a-space", "qr.md §3: what a scanner adds is taken off")
            .presents("qr-with-a-space")
            .accepts()
            .pending(),
        Case::new("qr-as-scanners-type-it", "qr.md §3: byte order mark, AIM identifier, tab, line end")
            .presents("qr-as-scanners-type-it")
            .accepts()
            .pending(),
        Case::new("qr-with-a-space-inside", "qr.md §3: nothing inside is changed")
            .presents("qr-with-a-space-inside")
            .recognises_nothing("UNREADABLE"),
        Case::new("a-picture", "verify.md §6: none of our objects")
            .presents("a-picture")
            .recognises_nothing("UNREADABLE"),
        Case::new("a-document", "verify.md §6: none of our objects")
            .presents("a-document")
            .recognises_nothing("UNREADABLE"),
        Case::new("another-cose-object", "verify.md §6: none of our objects")
            .presents("another-cose-object")
            .recognises_nothing("UNREADABLE"),
        Case::new("a-status-token", "verify.md §6: one of our objects, and no licence")
            .presents("a-status-token")
            .rejects("NOT_CONFORMANT"),
        Case::new("reference-offline", "spec/qr.md").presents("reference").cannot_tell("NOT_ASKED"),
        Case::new("fetched-another", "spec/qr.md: other bytes than the reference names are thrown away")
            .presents("fetched-another")
            .recognises_nothing("NOT_FOUND"),
        Case::new("unknown-number", "codes.md NOT_FOUND")
            .presents("unknown-number")
            .recognises_nothing("NOT_FOUND"),
        Case::new("trailing-byte", "spec/cbor.md rule 2").presents("trailing-byte").rejects("NOT_CONFORMANT"),
        Case::new("long-head", "spec/cbor.md rule 4").presents("long-head").rejects("NOT_CONFORMANT"),
        Case::new("view-where-a-licence-is-wanted", "spec/cbor.md: typ")
            .presents("view")
            .wants("licence")
            .rejects("NOT_CONFORMANT"),
        Case::new("licence-where-a-view-is-wanted", "spec/cbor.md: typ")
            .wants("view")
            .rejects("NOT_CONFORMANT"),
        Case::new("qr-of-a-later-version", "spec/qr.md reader")
            .presents("qr-of-a-later-version")
            .cannot_tell("VERSION_UNSUPPORTED"),
    ]
}

fn crypto() -> Vec<Case> {
    vec![
        Case::new("forged", "codes.md SIGNATURE_INVALID").presents("forged").rejects("SIGNATURE_INVALID"),
        Case::new("eddsa", "spec/cose.md: alg -19 alone").presents("eddsa").rejects("ALGORITHM_FORBIDDEN"),
    ]
}

fn issuer() -> Vec<Case> {
    let scope = "spec/trust-list.md: type x region x role x time";
    let state = "spec/trust-list.md: state";
    vec![
        Case::new("by-stranger", "spec/verify.md ISSUER")
            .presents("by-stranger")
            .rejects("ISSUER_NOT_LISTED"),
        Case::new("of-unlisted-authority", "spec/verify.md ISSUER")
            .presents("of-unlisted-authority")
            .rejects("ISSUER_NOT_LISTED"),
        Case::new("by-key-of-other-city", "spec/suite.md: kid inside the entry of iss")
            .presents("by-key-of-other-city")
            .rejects("ISSUER_NOT_LISTED"),
        Case::new("reference-to-unlisted-host", "spec/qr.md")
            .presents("reference-to-unlisted-host")
            .rejects("ISSUER_NOT_LISTED"),
        Case::new("by-status-key", scope).presents("by-status-key").rejects("SCOPE_ROLE").pending(),
        Case::new("view-by-licence-key", scope)
            .presents("view-by-licence-key")
            .asked_by_office()
            .rejects("SCOPE_ROLE"),
        Case::new("type-out-of-scope", scope).presents("business").rejects("SCOPE_TYPE").pending(),
        Case::new("region-out-of-scope", scope).presents("elsewhere").rejects("SCOPE_REGION").pending(),
        Case::new("before-scopes", scope)
            .presents("before-scopes")
            .under("counter")
            .rejects("SCOPE_TIME")
            .pending(),
        Case::new("first-moment-of-scopes", "spec/trust-list.md: from <= iat")
            .presents("first-of-scopes")
            .under("counter")
            .accepts()
            .pending(),
        Case::new("retired-at", state)
            .presents("retired-at")
            .under("counter")
            .rejects("KEY_NOT_VALID_AT_ISSUE")
            .pending(),
        Case::new("retired-before", "spec/trust-list.md: good if iat < since")
            .presents("retired-before")
            .under("counter")
            .accepts()
            .pending(),
        Case::new("stolen-at-the-cut", state)
            .presents("stolen-after-cut-logged")
            .rejects("KEY_COMPROMISED_AFTER_CUT"),
        Case::new("stolen-without-proof", state)
            .presents("stolen-before-cut")
            .under("counter")
            .cannot_tell("KEY_COMPROMISED_NO_PROOF")
            .pending(),
        Case::new(
            "stolen-before-the-cut-in-a-later-tree",
            "trust-list.md §7: another tree than that of the cut",
        )
        .presents("stolen-before-cut-logged")
        .cannot_tell("KEY_COMPROMISED_NO_PROOF"),
        Case::new("stolen-before-the-cut", "trust-list.md §7: in the tree of the cut")
            .presents("stolen-in-the-tree-of-the-cut")
            .accepts(),
        Case::new("stolen-cosigned-before", "trust-list.md §7: cosigned before since")
            .presents("stolen-cosigned-before")
            .accepts(),
        Case::new("stolen-cosigned-at-the-theft", "trust-list.md §7: cosigned before since")
            .presents("stolen-cosigned-at-the-theft")
            .cannot_tell("KEY_COMPROMISED_NO_PROOF"),
        Case::new("stolen-with-the-log-key", "trust-list.md §7: another tree than that of the cut")
            .presents("stolen-in-a-forged-tree")
            .answers(
                "INDETERMINATE",
                "KEY_COMPROMISED_NO_PROOF",
                &["KEY_COMPROMISED_NO_PROOF", "CHECKPOINT_QUORUM_MISSING"],
            ),
    ]
}

fn trust() -> Vec<Case> {
    let three = "spec/trust-list.md: not configured, unavailable and expired are three states";
    let fresh = "spec/trust-list.md: fresh while now < exp of list and timestamp";
    vec![
        Case::new("stranger-and-old-list", "codes.md ISSUER_UNKNOWN_LIST_STALE")
            .presents("by-stranger")
            .given("timestamp-ended")
            .cannot_tell("ISSUER_UNKNOWN_LIST_STALE"),
        Case::new("unlisted-host-and-old-list", "codes.md ISSUER_UNKNOWN_LIST_STALE")
            .presents("reference-to-unlisted-host")
            .given("timestamp-ended")
            .cannot_tell("ISSUER_UNKNOWN_LIST_STALE"),
        Case::new("no-evidence", three).given("empty").cannot_tell("TRUST_LIST_UNAVAILABLE"),
        Case::new("no-root", three).given("no-root").cannot_tell("TRUST_LIST_UNAVAILABLE"),
        Case::new("no-timestamp", three).given("no-timestamp").cannot_tell("TRUST_LIST_UNAVAILABLE"),
        Case::new("no-list", three).given("no-list").cannot_tell("TRUST_LIST_UNAVAILABLE"),
        Case::new("timestamp-ended", fresh)
            .given("timestamp-ended")
            .cannot_tell("TRUST_LIST_EXPIRED")
            .pending(),
        Case::new("list-ended", fresh).given("list-ended").cannot_tell("TRUST_LIST_EXPIRED").pending(),
        Case::new("timestamp-ended-at-counter", "spec/trust-list.md: grace on the timestamp")
            .given("timestamp-ended")
            .under("counter")
            .accepts()
            .warns(&["GRACE_USED", "LOG_PENDING"]),
        Case::new("grace-over-at-counter", "policy.md: 86,400 s")
            .given("timestamp-ended")
            .under("counter")
            .at(TIMESTAMP_ENDED.plus(DAY_S))
            .cannot_tell("TRUST_LIST_EXPIRED")
            .warns(&["STATUS_AGE", "LOG_PENDING"]),
        Case::new("list-ended-at-counter", "spec/trust-list.md: never grace on the list")
            .given("list-ended")
            .under("counter")
            .cannot_tell("TRUST_LIST_EXPIRED")
            .pending(),
        Case::new("list-of-one-officer", "spec/trust-list.md: threshold")
            .given("list-of-one-officer")
            .cannot_tell("TRUST_LIST_SIGNATURE_INVALID"),
        Case::new("root-not-pinned", "trust-list.md §3: a root that nobody compared vouches for nothing")
            .pinning("none")
            .cannot_tell("ROOT_NOT_PINNED"),
        Case::new("another-root-pinned", "trust-list.md §3: a stranger's bundle, however good in itself")
            .pinning(&"5e".repeat(32))
            .cannot_tell("TRUST_LIST_SIGNATURE_INVALID"),
        Case::new("later-root-pinned", "trust-list.md §3: any root of the chain may be the pinned one")
            .given("second-root")
            .pinning("trust/root_2.cbor")
            .accepts()
            .pending(),
        Case::new("root-2-missing", "spec/trust-list.md update 1: version exactly +1")
            .given("root-2-missing")
            .cannot_tell("TRUST_LIST_ROLLBACK"),
        Case::new("older-list-than-seen", "spec/trust-list.md update 3")
            .after_seeing("list-3")
            .cannot_tell("TRUST_LIST_ROLLBACK"),
        Case::new("newer-list-than-seen", "spec/trust-list.md update 4")
            .given("list-3")
            .after_seeing("good")
            .accepts()
            .pending(),
    ]
}

fn time() -> Vec<Case> {
    let dates = "spec/verify.md TIME: nbf <= now < exp";
    vec![
        Case::new("takes-effect-later", dates)
            .presents("takes-effect-later")
            .rejects("NOT_YET_VALID")
            .pending(),
        Case::new("takes-effect-now", dates).presents("takes-effect-now").accepts().pending(),
        Case::new("ends-now", dates).presents("ends-now").rejects("EXPIRED").pending(),
        Case::new("ends-next", dates).presents("ends-next").accepts().warns(&["EXPIRES_SOON", "LOG_PENDING"]),
        Case::new("ends-in-30-days", "codes.md EXPIRES_SOON")
            .presents("ends-in-30-days")
            .accepts()
            .warns(&["EXPIRES_SOON", "LOG_PENDING"]),
        Case::new("ends-after-30-days", "codes.md EXPIRES_SOON")
            .presents("ends-after-30-days")
            .accepts()
            .pending(),
        Case::new("clock-behind", "spec/verify.md TIME: now + 60 >= newest iat of the trust files")
            .at(TIMESTAMP_FROM.plus(-61))
            .cannot_tell("CLOCK_UNTRUSTED")
            .pending(),
        Case::new("clock-within-skew", "spec/verify.md: clock skew 60 s")
            .at(TIMESTAMP_FROM.plus(-60))
            .accepts()
            .pending(),
        Case::new("issued-in-61-s", "spec/verify.md TIME: iat <= now + 60")
            .presents("issued-in-61-s")
            .cannot_tell("ISSUED_IN_FUTURE")
            .pending(),
        Case::new("issued-in-60-s", "spec/verify.md: clock skew 60 s")
            .presents("issued-in-60-s")
            .accepts()
            .pending(),
    ]
}

fn schema() -> Vec<Case> {
    let rule = "spec/verify.md SCHEMA";
    let view = "spec/view.md";
    vec![
        Case::new("unknown-field", rule).presents("unknown-field").rejects("SCHEMA_MISMATCH").pending(),
        Case::new("without-names", rule).presents("without-names").rejects("SCHEMA_MISMATCH").pending(),
        Case::new("too-long-a-life", rule).presents("too-long-a-life").rejects("SCHEMA_MISMATCH").pending(),
        Case::new("longest-life", rule).presents("longest-life").accepts().pending(),
        Case::new("view-shows-too-much", view)
            .presents("view-shows-too-much")
            .asked_by_office()
            .rejects("SCHEMA_MISMATCH"),
        Case::new("view-lives-too-long", view)
            .presents("view-lives-too-long")
            .asked_by_office()
            .rejects("SCHEMA_MISMATCH"),
        Case::new("area-is-no-code", "credential.md §4: forms of common items")
            .presents("area-is-no-code")
            .rejects("SCHEMA_MISMATCH")
            .pending(),
        Case::new("unknown-revision", rule)
            .presents("unknown-revision")
            .cannot_tell("SCHEMA_UNAVAILABLE")
            .pending(),
        Case::new("no-catalogue", rule).given("no-catalogue").cannot_tell("SCHEMA_UNAVAILABLE").pending(),
        Case::new("view-of-newer-catalogue", "spec/verify.md: only fresh evidence can FAIL")
            .presents("view-of-newer-catalogue")
            .asked_by_office()
            .cannot_tell("SCHEMA_UNAVAILABLE"),
    ]
}

fn status() -> Vec<Case> {
    let value = "spec/status.md: value";
    let signer = "spec/status.md: role 2 in the same entry";
    vec![
        Case::new("revoked", value).presents("revoked").rejects("REVOKED").pending(),
        Case::new("suspended", value).presents("suspended").rejects("SUSPENDED").pending(),
        Case::new("superseded", value).presents("superseded").rejects("SUPERSEDED").pending(),
        Case::new("view-of-revoked", "spec/view.md: status of the licence")
            .presents("view-of-revoked")
            .asked_by_office()
            .rejects("REVOKED"),
        Case::new("token-ends-now", "spec/status.md: now < exp")
            .given("token-stale")
            .cannot_tell("STATUS_STALE")
            .pending(),
        Case::new("token-ends-next", "spec/status.md: now < exp")
            .given("token-stale")
            .at(at(-1))
            .accepts()
            .warns(&["STATUS_AGE", "LOG_PENDING"]),
        Case::new("token-as-old-as-its-ttl", "spec/status.md: ttl says when to ask again")
            .at(TOKEN_FROM.plus(TOKEN_TTL_S))
            .under("counter")
            .accepts()
            .pending(),
        Case::new("token-older-than-its-ttl", "codes.md STATUS_AGE")
            .at(TOKEN_FROM.plus(TOKEN_TTL_S + 1))
            .under("counter")
            .accepts()
            .warns(&["STATUS_AGE", "LOG_PENDING"]),
        Case::new("no-token", "spec/status.md").given("no-token").cannot_tell("STATUS_UNAVAILABLE").pending(),
        Case::new("token-of-another-list", "spec/status.md: sub == uri")
            .presents("status-elsewhere")
            .cannot_tell("STATUS_UNAVAILABLE")
            .pending(),
        Case::new("token-of-the-future", "spec/status.md: iat <= now + 60")
            .given("token-of-the-future")
            .cannot_tell("STATUS_UNAVAILABLE")
            .pending(),
        Case::new("as-of-before-the-token", "spec/status.md: iat <= time < exp")
            .presents("archived-logged")
            .under("archive")
            .at(TOKEN_FROM.plus(-1))
            .cannot_tell("STATUS_AS_OF_NOT_COVERED"),
        Case::new("as-of-after-the-token", "spec/status.md: iat <= time < exp")
            .presents("archived-logged")
            .under("archive")
            .at(TOKEN_UNTIL)
            .cannot_tell("STATUS_AS_OF_NOT_COVERED"),
        Case::new("as-of-the-token", "spec/status.md: iat <= time < exp")
            .presents("archived-logged")
            .under("archive")
            .at(TOKEN_FROM)
            .accepts(),
        Case::new("token-by-other-city", signer)
            .given("token-by-other-city")
            .cannot_tell("STATUS_SIGNER_UNTRUSTED")
            .pending(),
        Case::new("token-by-licence-key", signer)
            .given("token-by-licence-key")
            .cannot_tell("STATUS_SIGNER_UNTRUSTED")
            .pending(),
        Case::new("view-with-foreign-list", "spec/view.md: on a host of the licence issuer")
            .presents("view-with-foreign-list")
            .asked_by_office()
            .cannot_tell("STATUS_SIGNER_UNTRUSTED"),
        Case::new("licence-with-foreign-list", "status.md §4: on a host of the issuer, else never fetched")
            .presents("with-foreign-list")
            .cannot_tell("STATUS_SIGNER_UNTRUSTED")
            .pending(),
        Case::new("older-token-than-seen", "spec/status.md: not older than the token kept")
            .after_seeing("token-newer")
            .cannot_tell("STATUS_ROLLBACK")
            .pending(),
        Case::new("newer-token-than-seen", "spec/status.md: not older than the token kept")
            .given("token-newer")
            .after_seeing("good")
            .accepts()
            .pending(),
        Case::new("older-token-from-archive", "policy.md: a past moment")
            .presents("premises-logged")
            .after_seeing("token-newer")
            .under("archive")
            .accepts(),
        Case::new("index-past-the-end", "spec/status.md: idx < 4 * length")
            .presents("index-past-the-end")
            .rejects("STATUS_INDEX_OUT_OF_RANGE")
            .pending(),
        Case::new("last-index", "spec/status.md: idx < 4 * length")
            .presents("last-index")
            .accepts()
            .pending(),
        Case::new("without-status", "spec/credential.md")
            .presents("without-status")
            .rejects("STATUS_MISSING")
            .pending(),
    ]
}

fn log() -> Vec<Case> {
    vec![
        Case::new("proof-of-another-licence", "spec/log.md: inclusion")
            .beside("another-licence")
            .rejects("LOG_PROOF_INVALID"),
        Case::new("not-a-proof", "spec/log.md: proof").beside("not-a-proof").rejects("LOG_PROOF_INVALID"),
        Case::new("no-proof-for-the-archive", "policy.md: archive asks for one")
            .under("archive")
            .cannot_tell("LOG_PROOF_MISSING"),
        Case::new("proof-of-one-witness", "spec/log.md: quorum")
            .beside("premises-one-witness")
            .cannot_tell("CHECKPOINT_QUORUM_MISSING"),
        Case::new("proof-in-a-log-that-has-ended", "trust-list.md §6: cosigned after until")
            .presents("premises-logged")
            .given("log-ended")
            .accepts()
            .pending(),
        Case::new("proof-cosigned-before-the-log-ended", "trust-list.md §6: cosigned before until")
            .presents("premises-logged")
            .given("log-ended-after-cosigning")
            .accepts(),
        Case::new("issued-after-the-log-had-ended", "trust-list.md §6: since <= iat < until")
            .presents("premises-logged")
            .given("log-ended-before-issue")
            .rejects("LOG_PROOF_INVALID"),
        Case::new("forked-log", "spec/log.md: same origin and size, another root")
            .presents("premises-logged")
            .given("forked-log")
            .cannot_tell("LOG_SPLIT_VIEW"),
        Case::new("forked-log-without-proof", "spec/log.md: only a proof is compared")
            .given("forked-log")
            .accepts()
            .pending(),
    ]
}

/// What a look-up says where no proof is at hand.
fn look_up() -> Vec<Case> {
    let after = "policy.md §2: from 600 s after the issue on the log is wanted";
    let rule = "policy.md §2: look-up";
    let old = |name: &str, came_to| Case::new(name, rule).presents("archived").looked_up(came_to);
    vec![
        Case::new("no-proof-after-600-s", after).presents("issued-600-s-ago").accepts().pending(),
        Case::new("no-proof-after-601-s", after)
            .presents("issued-601-s-ago")
            .cannot_tell("LOG_PROOF_MISSING"),
        old("found-in-the-log", LookUp::at(ORIGIN, 2, 5, [0x5a; 32])).accepts(),
        old("found-in-the-log-as-told", LookUp::somewhere(ORIGIN)).accepts(),
        old("missing-in-the-log", LookUp::Missing).cannot_tell("LOG_ENTRY_MISSING"),
        old("missing-in-the-log-at-counter", LookUp::Missing).under("counter").accepts().pending(),
        old("log-not-known-so-far", LookUp::Pending).accepts().pending(),
        old("log-not-asked", LookUp::NotAsked).accepts().warns(&["LOG_PENDING", "LOG_NOT_ASKED"]),
        old("found-for-the-archive", LookUp::somewhere(ORIGIN))
            .under("archive")
            .cannot_tell("LOG_PROOF_MISSING"),
        Case::new("young-and-missing-in-the-log", after).looked_up(LookUp::Missing).accepts().pending(),
        Case::new("proof-goes-before-look-up", rule)
            .presents("premises-logged")
            .looked_up(LookUp::Missing)
            .accepts(),
    ]
}

fn subject() -> Vec<Case> {
    let rule = "spec/verify.md SUBJECT";
    vec![
        Case::new("of-the-holder", rule).of_holder(CODE, Some(NAME)).accepts().pending(),
        Case::new("of-somebody-else", rule)
            .of_holder("51440100X00000078H", None)
            .rejects("SUBJECT_MISMATCH")
            .pending(),
        Case::new("of-the-holder-by-another-name", "verdict.md SUBJECT_AMBIGUOUS: former names")
            .of_holder(CODE, Some("广州示例云颿科技有限公司"))
            .cannot_tell("SUBJECT_AMBIGUOUS")
            .pending(),
        Case::new("of-another-kind-of-code", "codes.md SUBJECT_AMBIGUOUS")
            .of_subject(Some("111"), "440100180001010090", None)
            .cannot_tell("SUBJECT_AMBIGUOUS")
            .pending(),
        Case::new("of-the-holder-in-small-letters", "identifiers.md §5.1: full width, blanks, small letters")
            .of_holder(" ９１４４０１０１ma9xxxxx36\n", Some("  广州示例云帆科技有限公司"))
            .accepts()
            .pending(),
        Case::new("of-the-holder-without-a-type", "identifiers.md §5.1: check digits tell the type")
            .of_subject(None, CODE, None)
            .accepts()
            .pending(),
        Case::new("of-somebody-else-without-a-type", "identifiers.md §5.1: check digits tell the type")
            .of_subject(None, "51440100X00000078H", None)
            .rejects("SUBJECT_MISMATCH")
            .pending(),
        Case::new("of-an-old-number", "identifiers.md §5.1: 15 digits prove nothing")
            .of_subject(None, "440100000101002", None)
            .cannot_tell("SUBJECT_AMBIGUOUS")
            .pending(),
        Case::new("of-no-possible-code", "identifiers.md §5.1: a wrong check digit")
            .of_holder("91440101MA9XXXXX37", None)
            .cannot_tell("SUBJECT_AMBIGUOUS")
            .pending(),
        Case::new("of-an-empty-code", "identifiers.md §5.1: no possible code")
            .of_subject(None, "", None)
            .cannot_tell("SUBJECT_AMBIGUOUS")
            .pending(),
        Case::new("item-wants-it-of-another-role", "catalogue.md §2: of whom")
            .for_item(ITEM_OF_OTHER_ROLE)
            .of_the_holder()
            .cannot_tell("SUBJECT_NOT_GIVEN")
            .pending(),
        Case::new("view-without-the-holders-code", "codes.md SUBJECT_AMBIGUOUS")
            .presents("view-without-codes")
            .asked_by_office()
            .of_the_holder()
            .cannot_tell("SUBJECT_AMBIGUOUS"),
    ]
}

fn policy() -> Vec<Case> {
    let item = "spec/verify.md POLICY: what the service item accepts";
    let demand = "catalogue.md §2: what the service item demands is judged in the verdict";
    let view = "spec/view.md: aud, item and case, exp";
    vec![
        Case::new("fit-for-the-item", item).for_item(ITEM).accepts().pending(),
        Case::new("type-not-accepted", item).for_item(OTHER_ITEM).rejects("TYPE_NOT_ACCEPTED").pending(),
        Case::new("field-missing", item)
            .presents("without-address")
            .for_item(ITEM)
            .rejects("FIELD_MISSING")
            .pending(),
        Case::new("no-material-takes-the-type", item)
            .for_item(ITEM_WITHOUT_MATERIAL_OF_TYPE)
            .rejects("TYPE_NOT_ACCEPTED")
            .pending(),
        Case::new("of-another-region-than-the-item-takes", demand)
            .for_item(ITEM_OF_OTHER_REGION)
            .rejects("FIELD_CONSTRAINT_FAILED")
            .pending(),
        Case::new("of-another-value-than-the-item-takes", demand)
            .for_item(ITEM_OF_OTHER_VALUE)
            .rejects("FIELD_CONSTRAINT_FAILED")
            .pending(),
        Case::new("as-old-as-the-item-takes", demand)
            .for_item(ITEM_OF_YOUNG_LICENCES)
            .presents("premises-logged")
            .at(at(DAY_S - 7_200))
            .accepts()
            .warns(&["STATUS_AGE"]),
        Case::new("older-than-the-item-takes", demand)
            .presents("archived-logged")
            .for_item(ITEM_OF_YOUNG_LICENCES)
            .rejects("FIELD_CONSTRAINT_FAILED"),
        Case::new("item-out-of-force", demand)
            .for_item(ITEM_OUT_OF_FORCE)
            .cannot_tell("POLICY_UNAVAILABLE")
            .pending(),
        Case::new("unknown-item", "codes.md POLICY_UNAVAILABLE")
            .for_item("GZ-TH-9999")
            .cannot_tell("POLICY_UNAVAILABLE")
            .pending(),
        Case::new("view-for-another-office", view)
            .presents("view")
            .asked_by_office()
            .change_question(|asked| asked.audience = Some(OTHER_CITY.to_owned()))
            .rejects("VIEW_AUDIENCE_MISMATCH"),
        Case::new("view-for-another-case", view)
            .presents("view")
            .asked_by_office()
            .change_question(|asked| asked.case_number = Some("2026-TH-0009138".to_owned()))
            .rejects("VIEW_PURPOSE_MISMATCH"),
        Case::new("view-ends-now", view).presents("view-ends-now").asked_by_office().rejects("VIEW_EXPIRED"),
    ]
}
