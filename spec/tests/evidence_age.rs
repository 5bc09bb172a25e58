//! spec/verify.md: only fresh evidence can FAIL. What is newer than the evidence at hand is not rejected by it.
#![allow(missing_docs)]

mod common;

use common::{CLOCK, clock, context, evidence, example, good_context, json, unhex};
use licence_spec::cose::{Sign1, sign1, with_log_proof};
use licence_spec::numbers::{MAX_LICENCE, MAX_VIEW, TYP_VIEW};
use licence_spec::policy::{LogLookUp, Policy, Question};
use licence_spec::suite::SeedSigner;
use licence_spec::time::UnixTime;
use licence_spec::verdict::{Code, Outcome, Verdict, Warning};
use licence_spec::verify;

fn judge(presented: &[u8], policy: &Policy<'_>, now: UnixTime) -> Verdict {
    verify(presented, &evidence(&good_context()), policy, now)
}

/// A proof whose checkpoint is signed by no log of the list at hand.
fn proof_of_an_unlisted_log() -> Vec<u8> {
    let proof = String::from_utf8(example("log/licence_small.tlog-proof")).expect("a text");
    let lines = proof.split_inclusive('\n').filter(|line| !line.starts_with("— gz.elic.example/log"));
    with_log_proof(&example("licence/small.cbor"), MAX_LICENCE, lines.collect::<String>().as_bytes())
        .expect("a licence")
}

/// A licence may be in a log that its issuer opened after the list at hand was signed.
#[test]
fn a_proof_in_a_log_that_only_a_stale_list_lacks_does_not_reject() {
    let files = evidence(&good_context());
    let end = files.trust_files().and_then(|files| files.vouching()).expect("a timestamp").content().exp;
    let presented = proof_of_an_unlisted_log();
    let fresh = judge(&presented, &Policy::approval(), CLOCK);
    assert_eq!((fresh.outcome(), fresh.code()), (Outcome::Reject, Some(Code::LogProofInvalid)));
    let asking = Question { log: Some(LogLookUp::Pending), ..Question::default() };
    let stale = judge(&presented, &Policy::approval().asking(asking), end);
    assert_eq!((stale.outcome(), stale.code()), (Outcome::Indeterminate, Some(Code::TrustListExpired)));
    assert!(stale.warnings().contains(&Warning::LogPending) && !stale.alarm());
    let asked_for = judge(&presented, &Policy::archive(), end);
    assert!(asked_for.codes().any(|code| code == Code::LogProofMissing));
}

/// The example view, showing field 1, which its service item may not see, and made by this version of the catalogue.
fn view_that_shows_too_much(catalogue_version: u8) -> Vec<u8> {
    let view = example("view/view.cbor");
    let mut payload = Sign1::parse(&view, MAX_VIEW).expect("a view").payload().to_vec();
    // Fields begin with {0: 1, 2: …}; the grounds end with {…, 6: 1, 7: purpose}.
    for (from, to) in [([0, 1, 2], [0, 1, 1]), ([6, 1, 7], [6, catalogue_version, 7])] {
        let at = payload.windows(3).position(|window| window == from).expect("the bytes are there");
        payload[at..at + 3].copy_from_slice(&to);
    }
    let seed = json("generated-examples/keys.json")["keys"]["view"]["seed_hex"].clone();
    let seed = unhex(seed.as_str().expect("a seed")).try_into().expect("32 bytes");
    sign1(TYP_VIEW, &payload, &SeedSigner::from_seed(&seed).expect("a key")).expect("signed")
}

/// The newer catalogue, by which the view was made, may allow what the one at hand does not.
#[test]
fn a_view_made_by_a_newer_catalogue_is_not_rejected_by_an_older_one() {
    let file = json("generated-examples/negative/view.json");
    let context = context(&file, &file["cases"][0]);
    let question = Question {
        audience: context["audience"].as_str(),
        service_item: context["service_item"].as_str(),
        case_number: context["case_number"].as_str(),
        ..Question::default()
    };
    let policy = Policy::approval().asking(question);
    let code = |version| judge(&view_that_shows_too_much(version), &policy, clock(&context)).code();
    assert_eq!(code(1), Some(Code::SchemaMismatch));
    assert_eq!(code(2), Some(Code::SchemaUnavailable));
}
