//! Receipts: the four examples, made again from the verdicts of the reference library, and all that may not be signed.
#![allow(missing_docs)]

mod common;

use common::{CLOCK, evidence, example, good_context, json, unhex};
use licence_spec::catalogue::HolderRole;
use licence_spec::cose;
use licence_spec::evidence::{Evidence, Trust};
use licence_spec::numbers::MAX_LICENCE;
use licence_spec::policy::{Policy, Question, Subject, Wanted};
use licence_spec::receipt::{self, Archive, Filing, Receipt, ReceiptError};
use licence_spec::suite::SeedSigner;
use licence_spec::time::UnixTime;
use licence_spec::trust::TrustList;
use licence_spec::verdict::{Code, Outcome, Verdict};
use licence_spec::verify::{self, verify, verify_qr};
use std::sync::Arc;

const NODE: &str = "11440100X00000027D";
const OFFICE: &str = "11440400X00000035P";

fn filing() -> Filing<'static> {
    Filing {
        materials: &[],
        holder: None,
        node: NODE,
        audience: OFFICE,
        case_number: "2026-TH-0009137",
        service_item: "GZ-TH-0101",
        cti: [7; 16],
    }
}

fn signer(name: &str) -> SeedSigner {
    let seed =
        unhex(json("generated-examples/keys.json")["keys"][name]["seed_hex"].as_str().expect("a seed"));
    SeedSigner::from_seed(&seed.try_into().expect("32 bytes")).expect("a good key")
}

fn list() -> Arc<TrustList> {
    evidence(&good_context()).trust_list().expect("a list").clone()
}

fn judge(file: &str, evidence: &Evidence, question: Question<'_>) -> Verdict {
    verify(&example(file), evidence, &Policy::approval().asking(question), CLOCK)
}

fn example_receipt(name: &str) -> Receipt {
    let bytes = example(&format!("receipt/{name}.cbor"));
    receipt::check(&bytes, &list(), &Archive::default()).expect(name)
}

#[test]
fn the_four_examples_are_good_and_say_what_they_should() {
    for (name, outcome, code, case) in [
        ("receipt_accept", Outcome::Accept, None, "2026-TH-0009137"),
        ("receipt_of_view", Outcome::Accept, None, "2026-TH-0009137"),
        ("receipt_reject_revoked", Outcome::Reject, Some(Code::Revoked), "2026-TH-0009138"),
        ("receipt_indeterminate", Outcome::Indeterminate, Some(Code::StatusUnavailable), "2026-TH-0009139"),
    ] {
        let receipt = example_receipt(name);
        assert_eq!(
            (receipt.outcome(), receipt.code(), receipt.case_number()),
            (outcome, code, case),
            "{name}"
        );
        assert_eq!(
            (receipt.issuer(), receipt.audience(), receipt.issued_at()),
            (NODE, OFFICE, CLOCK),
            "{name}"
        );
        assert_eq!(receipt.digests().view.is_some(), name == "receipt_of_view");
        assert_eq!(receipt.checks().len(), 9);
    }
}

fn archive<'a>(files: [&'a Vec<u8>; 6]) -> Archive<'a> {
    let [licence, view, trust_list, status_token, log_proof, catalogue] =
        files.map(|file| Some(file.as_slice()));
    Archive { licence, view, trust_list, status_token, log_proof, catalogue }
}

#[test]
fn an_example_names_its_archived_objects_and_no_others() {
    let bytes = example("receipt/receipt_of_view.cbor");
    let files = [
        "licence/business.cbor",
        "view/view.cbor",
        "trust/list_2.cbor",
        "status/token.cbor",
        "log/licence_business.tlog-proof",
        "catalogue/catalogue_1.cbor",
    ]
    .map(example);
    let others = [
        "licence/small.cbor",
        "licence/business.cbor",
        "trust/list_1.cbor",
        "status/token_previous.cbor",
        "log/licence_revoked.tlog-proof",
        "catalogue/catalogue_2.cbor",
    ]
    .map(example);
    let check = |archive: Archive<'_>| receipt::check(&bytes, &list(), &archive).map(drop);
    assert_eq!(check(archive(files.each_ref())), Ok(()));
    for at in 0..6 {
        let mut mixed = files.each_ref();
        mixed[at] = &others[at];
        assert_eq!(check(archive(mixed)), Err(Code::DigestMismatch), "object {at}");
    }
    let with_proof = cose::with_log_proof(&files[0], MAX_LICENCE, &files[4]).expect("good");
    assert_eq!(check(Archive { licence: Some(&with_proof), ..Archive::default() }), Ok(()));
    // A receipt that names no view was not made for one.
    let accept = example("receipt/receipt_accept.cbor");
    let view = Archive { view: Some(&files[1]), ..Archive::default() };
    assert_eq!(receipt::check(&accept, &list(), &view), Err(Code::DigestMismatch));
}

/// Judges what an example is about and compares all but warnings.
fn assert_remade(name: &str, verdict: &Verdict) {
    let wanted = example_receipt(name);
    let filing = Filing { case_number: wanted.case_number(), cti: *wanted.cti(), ..filing() };
    let bytes = receipt::sign(verdict, &filing, &signer("receipt")).expect("signed");
    let made = receipt::check(&bytes, &list(), &Archive::default()).expect("own receipts are good");
    assert_eq!((made.outcome(), made.code()), (wanted.outcome(), wanted.code()), "{name}");
    assert_eq!(made.digests(), wanted.digests(), "{name}");
    assert_eq!(made.trust_list(), wanted.trust_list(), "{name}");
    assert_eq!(made.status_list(), wanted.status_list(), "{name}");
    assert_eq!(made.log(), wanted.log(), "{name}");
    assert_eq!(made.catalogue(), wanted.catalogue(), "{name}");
    assert_eq!((made.service_item(), made.cti()), (wanted.service_item(), wanted.cti()), "{name}");
    assert_eq!(made.checks(), wanted.checks(), "{name}");
}

#[test]
fn receipts_made_of_own_verdicts_say_the_same_as_the_examples() {
    let proof = example("log/licence_business.tlog-proof");
    let question = Question {
        log_proof: Some(&proof),
        subject: Some(Subject {
            role: HolderRole::Applicant,
            name: None,
            code_type: None,
            code: "91440101MA9XXXXX36",
        }),
        service_item: Some("GZ-TH-0101"),
        ..Question::default()
    };
    let good = evidence(&good_context());
    assert_remade("receipt_accept", &judge("licence/business.cbor", &good, question));
    let view = Question {
        wanted: Wanted::View,
        audience: Some(OFFICE),
        case_number: Some("2026-TH-0009137"),
        ..question
    };
    assert_remade("receipt_of_view", &judge("view/view.cbor", &good, view));
    let mut context = good_context();
    context["status"] = serde_json::Value::Null;
    assert_remade("receipt_indeterminate", &judge("licence/business.cbor", &evidence(&context), question));
    let proof = example("log/licence_revoked.tlog-proof");
    assert_remade(
        "receipt_reject_revoked",
        &judge("licence/revoked.cbor", &good, Question { log_proof: Some(&proof), ..question }),
    );
}

#[test]
fn equal_verdicts_give_equal_bytes() {
    let verdict = judge("licence/small.cbor", &evidence(&good_context()), Question::default());
    let sign = || receipt::sign(&verdict, &filing(), &signer("receipt")).expect("signed");
    assert_eq!(sign(), sign());
}

#[test]
fn every_hostile_licence_that_is_judged_gets_a_receipt_that_opens() {
    let file = json("generated-examples/negative/licence.json");
    let (mut made, mut unjudged) = (0, 0);
    for case in file["cases"].as_array().expect("cases") {
        let context = common::context(&file, case);
        let bytes = unhex(case["hex"].as_str().expect("hex"));
        let mut policy = Policy::approval();
        policy.log_proof_required = context["log_proof"] == "required";
        let verdict = verify(&bytes, &evidence(&context), &policy, common::clock(&context));
        match receipt::sign(&verdict, &filing(), &signer("receipt")) {
            Ok(bytes) => {
                let receipt = receipt::open(&bytes).expect("what is signed opens");
                assert_eq!(
                    (receipt.outcome(), receipt.code()),
                    (verdict.outcome(), verdict.code()),
                    "{}",
                    case["id"]
                );
                assert_eq!(receipt.checks(), verdict.checks());
                made += 1;
            }
            Err(error) => {
                assert_eq!(error, ReceiptError::NoCredential, "{}", case["id"]);
                assert_eq!(verdict.outcome(), Outcome::NoCredential, "{}", case["id"]);
                unjudged += 1;
            }
        }
    }
    assert!(made > 90 && unjudged > 0, "{made} made, {unjudged} unjudged");
}

#[test]
fn what_was_presented_is_named_by_its_bytes_if_it_was_not_conformant() {
    let mut broken = example("licence/small.cbor");
    broken.push(0);
    let verdict = verify(&broken, &evidence(&good_context()), &Policy::approval(), CLOCK);
    assert_eq!(verdict.code(), Some(Code::NotConformant));
    let bytes = receipt::sign(&verdict, &filing(), &signer("receipt")).expect("a rejection is filed as well");
    let check = |licence: &[u8]| {
        receipt::check(&bytes, &list(), &Archive { licence: Some(licence), ..Archive::default() })
    };
    assert!(check(&broken).is_ok());
    assert_eq!(check(&example("licence/small.cbor")), Err(Code::DigestMismatch));
}

#[test]
fn without_any_evidence_the_receipt_names_none() {
    let nothing = Evidence::new(Trust::Unavailable);
    let verdict = judge("licence/small.cbor", &nothing, Question::default());
    let bytes = receipt::sign(&verdict, &filing(), &signer("receipt")).expect("signed");
    let receipt = receipt::open(&bytes).expect("good");
    assert_eq!(
        (receipt.outcome(), receipt.code()),
        (Outcome::Indeterminate, Some(Code::TrustListUnavailable))
    );
    assert!(
        receipt.trust_list().is_none() && receipt.status_list().is_none() && receipt.catalogue().is_none()
    );
}

#[test]
fn a_token_from_the_future_is_not_what_the_receipt_rests_on() {
    // 3,700 s before the clock of the examples the token is not signed yet.
    let early = UnixTime(1_795_420_800 - 100);
    let verdict =
        verify(&example("licence/small.cbor"), &evidence(&good_context()), &Policy::approval(), early);
    let bytes = receipt::sign(&verdict, &filing(), &signer("receipt")).expect("signed");
    assert_eq!(receipt::open(&bytes).expect("good").status_list(), None);
}

#[test]
fn no_receipt_where_there_was_nothing_to_judge() {
    let good = evidence(&good_context());
    let refused = |verdict: &Verdict| receipt::sign(verdict, &filing(), &signer("receipt")).err();
    assert_eq!(refused(&verify(&[], &good, &Policy::approval(), CLOCK)), Some(ReceiptError::NoCredential));
    assert_eq!(
        refused(&verify_qr("HC1:", &good, &Policy::approval(), CLOCK)),
        Some(ReceiptError::NoCredential)
    );
    assert_eq!(
        refused(&verify::not_found(&good, &Policy::approval(), CLOCK)),
        Some(ReceiptError::NoCredential)
    );
}

#[test]
fn texts_that_no_reader_takes_are_not_signed() {
    let verdict = judge("licence/small.cbor", &evidence(&good_context()), Question::default());
    let long = "字".repeat(65);
    let (at_most, good) = ("字".repeat(64), filing());
    for filing in [
        Filing { case_number: "", ..good },
        Filing { case_number: &long, ..good },
        Filing { case_number: "e\u{301}", ..good },
        Filing { case_number: "a\u{202e}b", ..good },
        Filing { service_item: "", ..good },
        Filing { case_number: "a\u{200b}b", ..good },
        Filing { case_number: "a ", ..good },
        Filing { service_item: "\u{fffd}", ..good },
        Filing { audience: &long, ..good },
    ] {
        let signed = receipt::sign(&verdict, &filing, &signer("receipt"));
        assert!(matches!(signed, Err(ReceiptError::Text(..))), "{signed:?}");
    }
    let signed = receipt::sign(&verdict, &Filing { node: "", ..good }, &signer("receipt"));
    assert!(matches!(signed, Err(ReceiptError::NotConformant(_))));
    assert!(receipt::sign(&verdict, &Filing { case_number: &at_most, ..good }, &signer("receipt")).is_ok());
}

#[test]
fn only_a_listed_key_of_the_node_with_role_5_signs_receipts() {
    let subject = Some(Subject {
        role: HolderRole::Applicant,
        name: None,
        code_type: None,
        code: "91350100M000100Y43",
    });
    let verdict =
        judge("licence/small.cbor", &evidence(&good_context()), Question { subject, ..Question::default() });
    let check = |node, key| {
        let bytes = receipt::sign(&verdict, &Filing { node, ..filing() }, &signer(key)).expect("signed");
        receipt::check(&bytes, &list(), &Archive::default()).map(|receipt| receipt.outcome())
    };
    assert_eq!(check(NODE, "receipt"), Ok(Outcome::Reject));
    assert_eq!(check(NODE, "issuer"), Err(Code::ScopeRole));
    assert_eq!(check(NODE, "node"), Err(Code::ScopeRole));
    assert_eq!(check(NODE, "rogue"), Err(Code::IssuerNotListed));
    assert_eq!(check("11440300X00000019W", "receipt"), Err(Code::IssuerNotListed));
    assert_eq!(check("nobody", "receipt"), Err(Code::IssuerNotListed));
}

#[test]
fn a_key_signs_receipts_only_in_its_time() {
    let verdict = verify(
        &example("licence/small.cbor"),
        &evidence(&good_context()),
        &Policy::approval(),
        UnixTime(1_858_492_800),
    );
    let bytes = receipt::sign(&verdict, &filing(), &signer("receipt")).expect("signed");
    assert_eq!(receipt::check(&bytes, &list(), &Archive::default()), Err(Code::ScopeTime));
}

#[test]
fn a_receipt_does_not_print_its_case() {
    assert!(!format!("{:?}", example_receipt("receipt_accept")).contains("0009137"));
}
