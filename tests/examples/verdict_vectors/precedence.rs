//! Two faults at once: which one is the primary code? For every pair of groups and every pair of results there is a row,
//! and for every fault that hides another one. Outcome and code of each row are stated, not computed.

use crate::case::Case;
use crate::format::LookUp;
use crate::licences::Licence;
use crate::world::*;

/// A fault that can be put upon a good licence and question together with a fault of another group.
struct Fault {
    code: &'static str,
    /// What it changes in the licence.
    licence: Option<fn(&mut Licence)>,
    /// What it changes in evidence, policy and question.
    asked: fn(Case) -> Case,
}

const AS_IT_IS: fn(Case) -> Case = |case| case;

/// For every group from ISSUER on, one fault that fails and one that is inconclusive; STATUS has a second failing one,
/// as a value is hidden by a stale trust list.
const FAULTS: [Fault; 16] = [
    Fault { code: "SCOPE_REGION", licence: Some(|licence| licence.area = "440304"), asked: AS_IT_IS },
    Fault { code: "TRUST_LIST_EXPIRED", licence: None, asked: |case| case.given("timestamp-ended") },
    Fault { code: "EXPIRED", licence: Some(|licence| licence.exp = at(-60)), asked: AS_IT_IS },
    Fault { code: "ISSUED_IN_FUTURE", licence: Some(|licence| licence.iat = at(61)), asked: AS_IT_IS },
    Fault { code: "SCHEMA_MISMATCH", licence: Some(|licence| licence.unknown_field = true), asked: AS_IT_IS },
    Fault { code: "SCHEMA_UNAVAILABLE", licence: Some(|licence| licence.revision = 9), asked: AS_IT_IS },
    Fault {
        code: "REVOKED",
        licence: Some(|licence| licence.status = Some((REVOKED, STATUS_LIST))),
        asked: AS_IT_IS,
    },
    Fault { code: "STATUS_MISSING", licence: Some(|licence| licence.status = None), asked: AS_IT_IS },
    Fault {
        code: "STATUS_UNAVAILABLE",
        licence: Some(|licence| licence.status = Some((5, OTHER_LIST))),
        asked: AS_IT_IS,
    },
    Fault { code: "LOG_PROOF_INVALID", licence: None, asked: |case| case.beside("another-licence") },
    Fault { code: "LOG_PROOF_MISSING", licence: None, asked: |case| case.under("archive") },
    Fault {
        code: "LOG_ENTRY_MISSING",
        licence: Some(|licence| licence.iat = EARLIER),
        asked: |case| case.looked_up(LookUp::Missing),
    },
    Fault {
        code: "SUBJECT_MISMATCH",
        licence: None,
        asked: |case| case.of_holder("51440100X00000078H", None),
    },
    Fault {
        code: "SUBJECT_AMBIGUOUS",
        licence: None,
        asked: |case| case.of_holder(CODE, Some("广州示例云颿科技有限公司")),
    },
    Fault { code: "TYPE_NOT_ACCEPTED", licence: None, asked: |case| case.for_item(OTHER_ITEM) },
    Fault { code: "POLICY_UNAVAILABLE", licence: None, asked: |case| case.for_item("GZ-TH-9999") },
];

/// Outcome, primary code, other code.
type Row = (&'static str, &'static str, &'static str);

/// The earlier group fails, and so does the later one: the earlier is primary.
const FAIL_THEN_FAIL: [Row; 21] = [
    ("REJECT", "SCOPE_REGION", "EXPIRED"),
    ("REJECT", "SCOPE_REGION", "SCHEMA_MISMATCH"),
    ("REJECT", "SCOPE_REGION", "REVOKED"),
    ("REJECT", "SCOPE_REGION", "LOG_PROOF_INVALID"),
    ("REJECT", "SCOPE_REGION", "SUBJECT_MISMATCH"),
    ("REJECT", "SCOPE_REGION", "TYPE_NOT_ACCEPTED"),
    ("REJECT", "EXPIRED", "SCHEMA_MISMATCH"),
    ("REJECT", "EXPIRED", "REVOKED"),
    ("REJECT", "EXPIRED", "LOG_PROOF_INVALID"),
    ("REJECT", "EXPIRED", "SUBJECT_MISMATCH"),
    ("REJECT", "EXPIRED", "TYPE_NOT_ACCEPTED"),
    ("REJECT", "SCHEMA_MISMATCH", "REVOKED"),
    ("REJECT", "SCHEMA_MISMATCH", "LOG_PROOF_INVALID"),
    ("REJECT", "SCHEMA_MISMATCH", "SUBJECT_MISMATCH"),
    ("REJECT", "SCHEMA_MISMATCH", "TYPE_NOT_ACCEPTED"),
    ("REJECT", "REVOKED", "LOG_PROOF_INVALID"),
    ("REJECT", "REVOKED", "SUBJECT_MISMATCH"),
    ("REJECT", "REVOKED", "TYPE_NOT_ACCEPTED"),
    ("REJECT", "LOG_PROOF_INVALID", "SUBJECT_MISMATCH"),
    ("REJECT", "LOG_PROOF_INVALID", "TYPE_NOT_ACCEPTED"),
    ("REJECT", "SUBJECT_MISMATCH", "TYPE_NOT_ACCEPTED"),
];

/// The earlier group fails, the later one cannot tell: the failing one is primary.
const FAIL_THEN_INCONCLUSIVE: [Row; 21] = [
    ("REJECT", "SCOPE_REGION", "ISSUED_IN_FUTURE"),
    ("REJECT", "SCOPE_REGION", "SCHEMA_UNAVAILABLE"),
    ("REJECT", "SCOPE_REGION", "STATUS_UNAVAILABLE"),
    ("REJECT", "SCOPE_REGION", "LOG_PROOF_MISSING"),
    ("REJECT", "SCOPE_REGION", "SUBJECT_AMBIGUOUS"),
    ("REJECT", "SCOPE_REGION", "POLICY_UNAVAILABLE"),
    ("REJECT", "EXPIRED", "SCHEMA_UNAVAILABLE"),
    ("REJECT", "EXPIRED", "STATUS_UNAVAILABLE"),
    ("REJECT", "EXPIRED", "LOG_PROOF_MISSING"),
    ("REJECT", "EXPIRED", "SUBJECT_AMBIGUOUS"),
    ("REJECT", "EXPIRED", "POLICY_UNAVAILABLE"),
    ("REJECT", "SCHEMA_MISMATCH", "STATUS_UNAVAILABLE"),
    ("REJECT", "SCHEMA_MISMATCH", "LOG_PROOF_MISSING"),
    ("REJECT", "SCHEMA_MISMATCH", "SUBJECT_AMBIGUOUS"),
    ("REJECT", "SCHEMA_MISMATCH", "POLICY_UNAVAILABLE"),
    ("REJECT", "REVOKED", "LOG_PROOF_MISSING"),
    ("REJECT", "REVOKED", "SUBJECT_AMBIGUOUS"),
    ("REJECT", "REVOKED", "POLICY_UNAVAILABLE"),
    ("REJECT", "LOG_PROOF_INVALID", "SUBJECT_AMBIGUOUS"),
    ("REJECT", "LOG_PROOF_INVALID", "POLICY_UNAVAILABLE"),
    ("REJECT", "SUBJECT_MISMATCH", "POLICY_UNAVAILABLE"),
];

/// The earlier group cannot tell, the later one fails: proof goes before doubt.
const INCONCLUSIVE_THEN_FAIL: [Row; 21] = [
    ("REJECT", "EXPIRED", "TRUST_LIST_EXPIRED"),
    ("REJECT", "SCHEMA_MISMATCH", "TRUST_LIST_EXPIRED"),
    ("REJECT", "STATUS_MISSING", "TRUST_LIST_EXPIRED"),
    ("REJECT", "LOG_PROOF_INVALID", "TRUST_LIST_EXPIRED"),
    ("REJECT", "SUBJECT_MISMATCH", "TRUST_LIST_EXPIRED"),
    ("REJECT", "TYPE_NOT_ACCEPTED", "TRUST_LIST_EXPIRED"),
    ("REJECT", "SCHEMA_MISMATCH", "ISSUED_IN_FUTURE"),
    ("REJECT", "REVOKED", "ISSUED_IN_FUTURE"),
    ("REJECT", "LOG_PROOF_INVALID", "ISSUED_IN_FUTURE"),
    ("REJECT", "SUBJECT_MISMATCH", "ISSUED_IN_FUTURE"),
    ("REJECT", "TYPE_NOT_ACCEPTED", "ISSUED_IN_FUTURE"),
    ("REJECT", "REVOKED", "SCHEMA_UNAVAILABLE"),
    ("REJECT", "LOG_PROOF_INVALID", "SCHEMA_UNAVAILABLE"),
    ("REJECT", "SUBJECT_MISMATCH", "SCHEMA_UNAVAILABLE"),
    ("REJECT", "TYPE_NOT_ACCEPTED", "SCHEMA_UNAVAILABLE"),
    ("REJECT", "LOG_PROOF_INVALID", "STATUS_UNAVAILABLE"),
    ("REJECT", "SUBJECT_MISMATCH", "STATUS_UNAVAILABLE"),
    ("REJECT", "TYPE_NOT_ACCEPTED", "STATUS_UNAVAILABLE"),
    ("REJECT", "SUBJECT_MISMATCH", "LOG_PROOF_MISSING"),
    ("REJECT", "TYPE_NOT_ACCEPTED", "LOG_PROOF_MISSING"),
    ("REJECT", "TYPE_NOT_ACCEPTED", "SUBJECT_AMBIGUOUS"),
];

/// Neither can tell: the earlier is primary.
const INCONCLUSIVE_THEN_INCONCLUSIVE: [Row; 21] = [
    ("INDETERMINATE", "TRUST_LIST_EXPIRED", "ISSUED_IN_FUTURE"),
    ("INDETERMINATE", "TRUST_LIST_EXPIRED", "SCHEMA_UNAVAILABLE"),
    ("INDETERMINATE", "TRUST_LIST_EXPIRED", "STATUS_UNAVAILABLE"),
    ("INDETERMINATE", "TRUST_LIST_EXPIRED", "LOG_PROOF_MISSING"),
    ("INDETERMINATE", "TRUST_LIST_EXPIRED", "SUBJECT_AMBIGUOUS"),
    ("INDETERMINATE", "TRUST_LIST_EXPIRED", "POLICY_UNAVAILABLE"),
    ("INDETERMINATE", "ISSUED_IN_FUTURE", "SCHEMA_UNAVAILABLE"),
    ("INDETERMINATE", "ISSUED_IN_FUTURE", "STATUS_UNAVAILABLE"),
    ("INDETERMINATE", "ISSUED_IN_FUTURE", "LOG_PROOF_MISSING"),
    ("INDETERMINATE", "ISSUED_IN_FUTURE", "SUBJECT_AMBIGUOUS"),
    ("INDETERMINATE", "ISSUED_IN_FUTURE", "POLICY_UNAVAILABLE"),
    ("INDETERMINATE", "SCHEMA_UNAVAILABLE", "STATUS_UNAVAILABLE"),
    ("INDETERMINATE", "SCHEMA_UNAVAILABLE", "LOG_PROOF_MISSING"),
    ("INDETERMINATE", "SCHEMA_UNAVAILABLE", "SUBJECT_AMBIGUOUS"),
    ("INDETERMINATE", "SCHEMA_UNAVAILABLE", "POLICY_UNAVAILABLE"),
    ("INDETERMINATE", "STATUS_UNAVAILABLE", "LOG_PROOF_MISSING"),
    ("INDETERMINATE", "STATUS_UNAVAILABLE", "SUBJECT_AMBIGUOUS"),
    ("INDETERMINATE", "STATUS_UNAVAILABLE", "POLICY_UNAVAILABLE"),
    ("INDETERMINATE", "LOG_PROOF_MISSING", "SUBJECT_AMBIGUOUS"),
    ("INDETERMINATE", "LOG_PROOF_MISSING", "POLICY_UNAVAILABLE"),
    ("INDETERMINATE", "SUBJECT_AMBIGUOUS", "POLICY_UNAVAILABLE"),
];

/// A log that has not the licence, beside faults before and behind it.
const NOT_IN_THE_LOG: [Row; 7] = [
    ("REJECT", "SCOPE_REGION", "LOG_ENTRY_MISSING"),
    ("REJECT", "REVOKED", "LOG_ENTRY_MISSING"),
    ("REJECT", "SUBJECT_MISMATCH", "LOG_ENTRY_MISSING"),
    ("REJECT", "TYPE_NOT_ACCEPTED", "LOG_ENTRY_MISSING"),
    ("INDETERMINATE", "STATUS_UNAVAILABLE", "LOG_ENTRY_MISSING"),
    ("INDETERMINATE", "LOG_ENTRY_MISSING", "SUBJECT_AMBIGUOUS"),
    ("INDETERMINATE", "LOG_ENTRY_MISSING", "POLICY_UNAVAILABLE"),
];

fn fault(code: &str) -> (usize, &'static Fault) {
    let at = FAULTS.iter().position(|fault| fault.code == code).unwrap_or_else(|| panic!("no fault {code}"));
    (at, &FAULTS[at])
}

/// The two faults of a row in the order of their groups.
fn in_order((_, primary, other): &Row) -> [&'static Fault; 2] {
    let mut both = [fault(primary), fault(other)];
    both.sort_by_key(|(at, _)| *at);
    both.map(|(_, fault)| fault)
}

fn rows() -> Vec<Row> {
    let pairs =
        [FAIL_THEN_FAIL, FAIL_THEN_INCONCLUSIVE, INCONCLUSIVE_THEN_FAIL, INCONCLUSIVE_THEN_INCONCLUSIVE]
            .concat();
    [pairs.as_slice(), &NOT_IN_THE_LOG].concat()
}

/// The licence with both faults, and its name; the good one if neither lies in the licence.
fn licence(faults: [&Fault; 2]) -> (String, Licence) {
    let mut licence = Licence::good();
    let mut own = Vec::new();
    for fault in faults {
        if let Some(spoil) = fault.licence {
            spoil(&mut licence);
            own.push(fault.code);
        }
    }
    (if own.is_empty() { "premises".to_owned() } else { own.join("+") }, licence)
}

/// The licences of the pairs, by name; one that several rows share comes once.
pub(crate) fn licences() -> Vec<(String, Licence)> {
    let mut all: Vec<(String, Licence)> =
        rows().iter().map(|row| licence(in_order(row))).filter(|(name, _)| name != "premises").collect();
    all.sort_by(|(a, _), (b, _)| a.cmp(b));
    all.dedup_by(|(a, _), (b, _)| a == b);
    all
}

fn pair(row: &Row) -> Case {
    let (outcome, primary, _) = *row;
    let faults = in_order(row);
    let codes = faults.map(|fault| fault.code);
    let case =
        Case::new(&codes.join("+"), "verdict.md: first failing, else first inconclusive, in group order");
    let case = faults.iter().fold(case, |case, fault| (fault.asked)(case));
    let case = case.presents(&licence(faults).0).answers(outcome, primary, &codes);
    // A proof that was looked at, or asked for, is not pending.
    if codes.iter().any(|code| code.starts_with("LOG_")) { case } else { case.pending() }
}

/// All of them.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = rows().iter().map(pair).collect();
    for more in [stops(), stale_list_hides(), token_hides(), within_a_group(), across_groups()] {
        cases.extend(more);
    }
    cases
}

/// FORMAT not passed, CRYPTO failed or the key not found: nothing later is looked at.
fn stops() -> Vec<Case> {
    let rule = "spec/verify.md: stop";
    vec![
        Case::new("not-conformant-and-forged", rule)
            .presents("long-head-and-forged")
            .rejects("NOT_CONFORMANT"),
        Case::new("not-conformant-without-evidence", rule)
            .presents("long-head")
            .given("empty")
            .rejects("NOT_CONFORMANT"),
        Case::new("unreadable-without-evidence", rule)
            .presents("no-bytes")
            .given("empty")
            .recognises_nothing("UNREADABLE"),
        Case::new("later-version-without-evidence", rule)
            .presents("qr-of-a-later-version")
            .given("empty")
            .cannot_tell("VERSION_UNSUPPORTED"),
        Case::new("eddsa-without-evidence", rule)
            .presents("eddsa")
            .given("empty")
            .rejects("ALGORITHM_FORBIDDEN"),
        Case::new("eddsa-by-stranger", rule).presents("eddsa-by-stranger").rejects("ALGORITHM_FORBIDDEN"),
        Case::new("forged-with-old-list", rule)
            .presents("forged")
            .given("timestamp-ended")
            .rejects("SIGNATURE_INVALID"),
        Case::new("forged-with-refused-list", rule)
            .presents("forged")
            .given("list-of-one-officer")
            .cannot_tell("TRUST_LIST_SIGNATURE_INVALID"),
        Case::new("stranger-without-evidence", rule)
            .presents("by-stranger")
            .given("empty")
            .cannot_tell("TRUST_LIST_UNAVAILABLE"),
        Case::new("reference-without-evidence", "spec/qr.md")
            .presents("reference")
            .given("empty")
            .cannot_tell("TRUST_LIST_UNAVAILABLE"),
        Case::new("reference-with-refused-list", "spec/qr.md")
            .presents("reference")
            .given("list-of-one-officer")
            .cannot_tell("TRUST_LIST_SIGNATURE_INVALID"),
    ]
}

/// An ended trust list proves nothing against an issuer or a licence, and nothing for them.
fn stale_list_hides() -> Vec<Case> {
    let rule = "spec/verify.md: an expired list gives TRUST_LIST_EXPIRED instead of any scope or key code";
    let hidden = [
        ("SCOPE_ROLE", "by-status-key"),
        ("SCOPE_TYPE", "business"),
        ("SCOPE_REGION", "elsewhere"),
        ("SCOPE_TIME", "before-scopes"),
        ("KEY_NOT_VALID_AT_ISSUE", "retired-at"),
        ("KEY_COMPROMISED_NO_PROOF", "stolen-before-cut"),
    ];
    let hide = |(code, object)| {
        let case =
            Case::new(&format!("old-list-hides-{code}"), rule).presents(object).given("timestamp-ended");
        match object {
            "by-status-key" | "business" | "elsewhere" => case.cannot_tell("TRUST_LIST_EXPIRED").pending(),
            // These were issued long ago: the policy wants the log.
            _ => case.answers(
                "INDETERMINATE",
                "TRUST_LIST_EXPIRED",
                &["TRUST_LIST_EXPIRED", "LOG_PROOF_MISSING"],
            ),
        }
    };
    let mut cases: Vec<Case> = hidden.into_iter().map(hide).collect();
    cases.push(
        Case::new("old-list-hides-KEY_COMPROMISED_AFTER_CUT", rule)
            .presents("stolen-after-cut-logged")
            .given("timestamp-ended")
            .cannot_tell("TRUST_LIST_EXPIRED"),
    );
    cases.extend(VALUES.map(|(code, object)| {
        Case::new(&format!("old-list-hides-{code}"), "verify.md §3")
            .presents(object)
            .given("timestamp-ended")
            .answers("INDETERMINATE", "TRUST_LIST_EXPIRED", &["TRUST_LIST_EXPIRED", "STATUS_UNAVAILABLE"])
            .pending()
    }));
    cases
}

/// What a token may say of a licence, and a licence of which it says so.
const VALUES: [(&str, &str); 4] = [
    ("REVOKED", "revoked"),
    ("SUSPENDED", "suspended"),
    ("SUPERSEDED", "superseded"),
    ("STATUS_INDEX_OUT_OF_RANGE", "index-past-the-end"),
];

/// A token that may not be used says nothing, in the order of spec/status.md.
fn token_hides() -> Vec<Case> {
    let rule = "spec/status.md: signer, then now < exp, then roll-back, then the value";
    let over = |fault: &str, code: &str, object: &str, bundle: &str| {
        Case::new(&format!("{fault}-hides-{code}"), rule)
            .presents(object)
            .given(bundle)
            .cannot_tell(fault)
            .pending()
    };
    let mut cases: Vec<Case> =
        VALUES.iter().map(|(code, object)| over("STATUS_STALE", code, object, "token-stale")).collect();
    cases.extend(
        VALUES
            .iter()
            .map(|(code, object)| over("STATUS_SIGNER_UNTRUSTED", code, object, "token-by-other-city")),
    );
    cases.extend(
        VALUES
            .iter()
            .map(|(code, object)| over("STATUS_ROLLBACK", code, object, "good").after_seeing("token-newer")),
    );
    cases.extend([
        over("STATUS_SIGNER_UNTRUSTED", "STATUS_STALE", "premises", "token-by-other-city-stale"),
        over("STATUS_SIGNER_UNTRUSTED", "STATUS_ROLLBACK", "premises", "token-by-other-city")
            .after_seeing("token-newer"),
        over("STATUS_STALE", "STATUS_ROLLBACK", "premises", "token-stale").after_seeing("token-newer"),
        Case::new("STATUS_AS_OF_NOT_COVERED-hides-REVOKED", rule)
            .presents("archived-revoked")
            .under("archive")
            .at(TOKEN_FROM.plus(-1))
            .answers(
                "INDETERMINATE",
                "STATUS_AS_OF_NOT_COVERED",
                &["STATUS_AS_OF_NOT_COVERED", "LOG_PROOF_MISSING"],
            ),
        Case::new("old-list-and-old-token-hide-REVOKED", rule)
            .presents("revoked")
            .given("timestamp-ended-token-stale")
            .answers("INDETERMINATE", "TRUST_LIST_EXPIRED", &["TRUST_LIST_EXPIRED", "STATUS_STALE"])
            .pending(),
    ]);
    cases
}

/// ISSUER, STATUS and LOG name the first fault; TIME and POLICY name all.
fn within_a_group() -> Vec<Case> {
    let scope = "spec/verify.md ISSUER: role, else type, else region, else time; then key state";
    let log = "spec/log.md: inclusion, then the same tree, then quorum";
    vec![
        Case::new("role-before-type", scope)
            .presents("business-by-status-key")
            .rejects("SCOPE_ROLE")
            .pending(),
        Case::new("type-before-region", scope).presents("business-elsewhere").rejects("SCOPE_TYPE").pending(),
        Case::new("region-before-time", scope)
            .presents("elsewhere-before-scopes")
            .under("counter")
            .rejects("SCOPE_REGION")
            .pending(),
        Case::new("time-before-key-state", scope)
            .presents("before-scopes-by-stolen-key")
            .under("counter")
            .rejects("SCOPE_TIME")
            .pending(),
        Case::new("not-yet-valid-by-a-clock-behind", "spec/verify.md TIME")
            .at(ISSUED.plus(-1))
            .answers("REJECT", "NOT_YET_VALID", &["NOT_YET_VALID", "CLOCK_UNTRUSTED"])
            .pending(),
        Case::new("not-yet-valid-and-issued-in-future", "spec/verify.md TIME")
            .presents("takes-effect-later-issued-in-61-s")
            .answers("REJECT", "NOT_YET_VALID", &["NOT_YET_VALID", "ISSUED_IN_FUTURE"])
            .pending(),
        Case::new("proof-invalid-before-fork", log)
            .beside("another-licence")
            .given("forked-log")
            .rejects("LOG_PROOF_INVALID"),
        Case::new("fork-before-quorum", log)
            .beside("premises-one-witness")
            .given("forked-log")
            .cannot_tell("LOG_SPLIT_VIEW"),
        Case::new("proof-beside-goes-before-proof-inside", "policy.rs Question::log_proof")
            .presents("premises-logged")
            .beside("another-licence")
            .rejects("LOG_PROOF_INVALID"),
        Case::new("view-for-nobody-here", "spec/view.md").presents("view-ends-now").answers(
            "REJECT",
            "VIEW_AUDIENCE_MISMATCH",
            &["VIEW_AUDIENCE_MISMATCH", "VIEW_PURPOSE_MISMATCH", "VIEW_EXPIRED"],
        ),
    ]
}

/// One cause that shows in two groups.
fn across_groups() -> Vec<Case> {
    vec![
        Case::new("stolen-with-proof-of-another-licence", "spec/trust-list.md: no valid proof")
            .presents("stolen-before-cut")
            .beside("another-licence")
            .answers("REJECT", "LOG_PROOF_INVALID", &["KEY_COMPROMISED_NO_PROOF", "LOG_PROOF_INVALID"]),
        Case::new(
            "view-of-unlisted-issuer",
            "spec/verify.md: the entry of the licence's issuer must exist too",
        )
        .presents("view-of-unlisted-issuer")
        .asked_by_office()
        .answers("REJECT", "ISSUER_NOT_LISTED", &["ISSUER_NOT_LISTED", "STATUS_SIGNER_UNTRUSTED"]),
        Case::new("view-for-item-of-other-type", "spec/verify.md")
            .presents("view-for-item-of-other-type")
            .asked_by_office()
            .for_item(OTHER_ITEM)
            .answers("REJECT", "SCHEMA_MISMATCH", &["SCHEMA_MISMATCH", "TYPE_NOT_ACCEPTED"]),
        Case::new("view-for-unknown-item", "spec/catalogue.md: a matter not in the catalogue gets no view")
            .presents("view-for-unknown-item")
            .asked_by_office()
            .for_item("GZ-TH-9999")
            .answers("INDETERMINATE", "SCHEMA_UNAVAILABLE", &["SCHEMA_UNAVAILABLE", "POLICY_UNAVAILABLE"]),
        Case::new("item-without-catalogue", "spec/verify.md")
            .given("no-catalogue")
            .for_item(ITEM)
            .answers("INDETERMINATE", "SCHEMA_UNAVAILABLE", &["SCHEMA_UNAVAILABLE", "POLICY_UNAVAILABLE"])
            .pending(),
        Case::new("view-of-revoked-for-another-office", "verdict.md: no licence data is returned")
            .presents("view-of-revoked")
            .answers("REJECT", "REVOKED", &["REVOKED", "VIEW_AUDIENCE_MISMATCH", "VIEW_PURPOSE_MISMATCH"]),
    ]
}
