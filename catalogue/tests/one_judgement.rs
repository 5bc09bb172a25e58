//! One judgement: what a verdict says of a licence for a service item, and what fit says of the same licence, never differ.
//! All shipped types and items, generated licences and the licences of the worked cases, each signed and verified.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test helper that fails fails the test"
)]

mod common;

use std::collections::BTreeMap;
use std::sync::Arc;

use common::{NOW, data};
use licence_catalogue::fit::{FitResult, Presented, Subject, fit};
use licence_catalogue::issue::CheckedFields;
use licence_catalogue::samples::{SampleRequest, requests};
use licence_spec::catalogue::{HolderRole, ServiceItem, open};
use licence_spec::cbor::Writer;
use licence_spec::credential::{Draft, FieldMap, sign};
use licence_spec::evidence::{Evidence, Trust};
use licence_spec::numbers::{
    CLAIM_CTI, CLAIM_EXP, CLAIM_FIELDS, CLAIM_IAT, CLAIM_ISS, CLAIM_NBF, CLAIM_STATUS, CLAIM_VCT, TYP_LICENCE,
};
use licence_spec::policy::{LogLookUp, Policy, Question};
use licence_spec::status::{self, StatusArray, StatusToken};
use licence_spec::suite::{SeedSigner, Signer, sha256};
use licence_spec::time::{CivilDate, UnixTime};
use licence_spec::trust::{
    Entry, Key, KeyState, ListContent, Names, Role, RoleKeys, Root, RootContent, Scope, TimestampContent,
    TrustFiles,
};
use licence_spec::verdict::{Code, Outcome, Verdict};
use licence_spec::verify::verify;

const ISSUER: &str = "11440100X00000027D";
const LIST: &str = "https://gz.elic.example/v1/status-lists/1";
const DAY_S: i64 = 86_400;

fn signer(seed: u8) -> SeedSigner {
    SeedSigner::from_seed(&[seed; 32]).unwrap()
}

/// One authority that may issue everything everywhere, its status list, and the shipped catalogue.
fn evidence() -> Evidence {
    let (root, list, stamp, all) = (signer(21), signer(22), signer(23), signer(24));
    let from = NOW.plus(-3_000 * DAY_S);
    let until = NOW.plus(3_000 * DAY_S);
    let role = |key: &SeedSigner| RoleKeys { threshold: 1, keys: vec![*key.public_key()] };
    let root_bytes = RootContent {
        version: 1,
        iat: from,
        exp: until,
        name: "elic.example".into(),
        root: role(&root),
        list: role(&list),
        timestamp: role(&stamp),
    };
    let root_bytes = root_bytes.sign(&[&root as &dyn Signer]).unwrap();
    let scope = |role| Scope { role, types: Names::All, regions: Names::All, from, to: until };
    let scopes = [Role::Licence, Role::Status, Role::Catalogue].map(scope).to_vec();
    let entry = Entry {
        id: ISSUER.into(),
        name: "示例机关".into(),
        hosts: vec!["gz.elic.example".into()],
        logs: Vec::new(),
        keys: vec![Key::new(*all.public_key(), scopes, KeyState::Active, from)],
        successor: None,
    };
    let content = ListContent {
        version: 1,
        iat: from,
        exp: until,
        entries: vec![entry],
        witness_policy: "quorum none\n".into(),
    };
    let list_bytes = content.sign(&[&list as &dyn Signer]).unwrap();
    let stamp_bytes = TimestampContent {
        version: 1,
        iat: NOW,
        exp: NOW.plus(DAY_S),
        list_version: 1,
        list_length: list_bytes.len() as u64,
        list_digest: sha256(&[&list_bytes]),
    };
    let stamp_bytes = stamp_bytes.sign(&[&stamp as &dyn Signer]).unwrap();
    let root = Root::open_first(&root_bytes).unwrap();
    let files = TrustFiles::load(root, &[], Some(&stamp_bytes), Some(&list_bytes)).unwrap();
    let mut evidence = Evidence::new(Trust::Held(Arc::new(files)));
    let bytes = data().publish(None, NOW, NOW, &all).unwrap();
    let opened = open(&bytes, &**evidence.trust_list().unwrap(), NOW).unwrap();
    evidence.set_catalogue(Arc::new(opened));
    let token = status::sign(LIST, NOW, NOW.plus(DAY_S), 3_600, &StatusArray::new(64), &all).unwrap();
    evidence.add_token(Arc::new(StatusToken::parse(&token).unwrap()));
    evidence
}

/// A generated licence, issued so many days ago in an area.
fn generated(
    request: &SampleRequest,
    vct: &str,
    evidence: &Evidence,
    days_ago: i64,
    area: &str,
) -> Option<Vec<u8>> {
    let issued = CivilDate::from_days(NOW.civil_date().days() - days_ago);
    let mut request = request.clone();
    (request.issued_on, request.area_code) = (issued.to_string(), area.to_owned());
    (request.valid_from, request.valid_until) = (None, None);
    let kind = evidence.catalogue().unwrap().licence_type(vct).unwrap();
    let checked = CheckedFields::check(kind, &request.as_issue_fields("示例机关", NOW.civil_date())).ok()?;
    let iat = issued.begins();
    let draft = Draft {
        iss: ISSUER,
        sub: checked.sub(),
        exp: checked.exp(iat),
        nbf: checked.nbf(),
        iat,
        cti: [1; 16],
        vct,
        status_index: 0,
        status_uri: LIST,
        fields: &checked.with_id("1.2.156.3005.2.X.Y.Z.001.A"),
    };
    sign(&draft, &signer(24)).ok()
}

/// A licence with this encoded field map, as a worked case has it.
fn worked(vct: &str, fields: &[u8], iat: UnixTime) -> Vec<u8> {
    let mut w = Writer::default();
    w.map(8).int(CLAIM_ISS).text(ISSUER).int(CLAIM_EXP).uint((iat.0 + 400 * DAY_S) as u64);
    w.int(CLAIM_NBF).uint(iat.0 as u64).int(CLAIM_IAT).uint(iat.0 as u64).int(CLAIM_CTI).bytes(&[1; 16]);
    w.int(CLAIM_VCT).text(vct).int(CLAIM_STATUS).map(1).text("status_list").map(2);
    w.text("idx").uint(0).text("uri").text(LIST).int(CLAIM_FIELDS);
    let mut payload = w.into_bytes();
    payload.extend_from_slice(fields);
    licence_spec::cose::sign1(TYP_LICENCE, &payload, &signer(24)).unwrap()
}

/// What was seen, so that a test of nothing is noticed.
#[derive(Default)]
struct Seen {
    codes: BTreeMap<String, usize>,
    results: BTreeMap<FitResult, usize>,
}

/// Judges a licence for an item and a person, and holds fit against it.
fn compare(
    evidence: &Evidence,
    item: &ServiceItem,
    bytes: &[u8],
    subject: Option<Subject<'_>>,
    seen: &mut Seen,
) {
    // Whether the licence is logged is another question: it is.
    let log = Some(LogLookUp::Found { origin: "gz.elic.example/log", place: None });
    let question = Question { service_item: Some(&item.code), subject, log, ..Question::default() };
    // A log proof is another question.
    let mut policy = Policy::approval();
    policy.log_proof_required = false;
    let verdict = verify(bytes, evidence, &policy.asking(question), NOW);
    let presented = Presented::of_verdict(&verdict).expect("the signature is good");
    let fit = fit(evidence.catalogue().unwrap(), item, &[presented], subject.as_slice());
    let (result, meets) = (fit.licences[0].result, !fit.licences[0].meets.is_empty());
    let told = || format!("{} {}: {:?} beside {fit:?}", item.code, verdict.outcome(), verdict.code());
    assert_eq!(result == FitResult::Met, meets, "{}", told());
    match verdict.outcome() {
        Outcome::Accept if subject.is_some() => assert_eq!(result, FitResult::Met, "{}", told()),
        Outcome::Accept => assert_eq!(result, FitResult::Undecided, "nobody was named: {}", told()),
        _ if fit.not_in_force.is_some() => {
            assert_eq!(verdict_policy(&verdict), Some(Code::PolicyUnavailable))
        }
        _ => assert_ne!(result, FitResult::Met, "{}", told()),
    }
    *seen.codes.entry(verdict.code().map_or("ACCEPT", Code::as_str).to_owned()).or_default() += 1;
    *seen.results.entry(result).or_default() += 1;
}

fn verdict_policy(verdict: &Verdict) -> Option<Code> {
    verdict.codes().find(|code| *code == Code::PolicyUnavailable || *code == Code::TypeNotAccepted)
}

/// A licence of every shipped type, in two cities, of two ages, for every shipped item; asked of its holder in every role,
/// of somebody else and of nobody.
#[test]
fn no_generated_licence_is_accepted_for_an_item_that_it_does_not_meet() {
    let evidence = evidence();
    let catalogue = Arc::clone(evidence.catalogue().unwrap());
    let mut seen = Seen::default();
    for kind in catalogue.content().types.iter().filter(|kind| !kind.is_reference_only()) {
        let request = requests(data(), kind.code(), 11, NOW.civil_date()).unwrap().next().unwrap();
        for (days_ago, area) in [(1, "440106"), (1, "440305"), (300, "440106"), (800, "445381")] {
            let Some(bytes) = generated(&request, &kind.vct, &evidence, days_ago, area) else { continue };
            let holder = &request.holders[0];
            let of = |role, code| Subject { role, code_type: Some(&holder.code_type), code, name: None };
            let other = if holder.code_type == "001" { "51440100X00000078H" } else { "440100190505050052" };
            for item in &catalogue.content().service_items {
                for role in [HolderRole::Applicant, HolderRole::Staff, HolderRole::LegalRepresentative] {
                    compare(&evidence, item, &bytes, Some(of(role, &holder.code)), &mut seen);
                }
                compare(&evidence, item, &bytes, Some(of(HolderRole::Applicant, other)), &mut seen);
                compare(&evidence, item, &bytes, None, &mut seen);
            }
        }
    }
    let many = |code: &str| seen.codes.get(code).copied().unwrap_or_default() > 20;
    for code in
        ["ACCEPT", "SUBJECT_MISMATCH", "SUBJECT_NOT_GIVEN", "TYPE_NOT_ACCEPTED", "FIELD_CONSTRAINT_FAILED"]
    {
        assert!(many(code), "{code}: {:?}", seen.codes);
    }
    assert_eq!(seen.results.len(), 3, "{:?}", seen.results);
}

/// The licences of the worked cases, some of them wrong on purpose, for the item of their case and every other one.
#[test]
fn no_licence_of_a_worked_case_is_accepted_for_an_item_that_it_does_not_meet() {
    let evidence = evidence();
    let catalogue = Arc::clone(evidence.catalogue().unwrap());
    let mut seen = Seen::default();
    for case in data().cases() {
        let item = catalogue.service_item(&case.service_item).unwrap();
        for (vct, fields) in case.licences() {
            let issued = FieldMap::parse(fields).unwrap().text(8).and_then(CivilDate::parse);
            let bytes = worked(vct, fields, issued.map_or(NOW, CivilDate::begins).min(NOW));
            let people = case.subjects().map(Some).chain([None]);
            people.for_each(|subject| compare(&evidence, item, &bytes, subject, &mut seen));
        }
    }
    assert!(seen.results.len() == 3 && seen.codes.len() > 4, "{:?} {:?}", seen.results, seen.codes);
}
