//! Whatever comes in, no parser of the standard panics: bytes that mean nothing, objects of the vectors with some bytes
//! changed, and payloads that nobody should sign under good signatures.

use std::sync::{Arc, LazyLock};

use licence_spec::bundle::{self, Bundle};
use licence_spec::catalogue;
use licence_spec::cose::{self, Sign1, Signed, sign1};
use licence_spec::credential::{Credential, FieldMap};
use licence_spec::enrolment::{Applicant, Enrolment, KeyUsage, request};
use licence_spec::evidence::{Evidence, Trust};
use licence_spec::http_signature::{IdempotencyKey, Request};
use licence_spec::log::change::ChangeRecord;
use licence_spec::log::checkpoint::{Checkpoint, SignedCheckpoint};
use licence_spec::log::cosignature::WitnessKey;
use licence_spec::log::entry::Entry;
use licence_spec::log::note::{LogKey, Note};
use licence_spec::log::proof::LogProof;
use licence_spec::log::tile::TilePath;
use licence_spec::log::witness::AddCheckpoint;
use licence_spec::numbers::*;
use licence_spec::policy::Policy;
use licence_spec::status::StatusToken;
use licence_spec::suite::{PublicKey, SeedSigner, Signer, Suite, sha256};
use licence_spec::time::{CivilDate, UnixTime};
use licence_spec::trust::{Proposal, Role, Root, TimestampContent, TrustFiles};
use licence_spec::verify::{verify, verify_qr};
use licence_spec::view::View;
use licence_spec::{http_signature, identifiers, log, qr, receipt, zlib};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::cases;
use super::format::{Presented, Set};
use super::keys::Keys;
use super::load;

const NOW: UnixTime = UnixTime(1_795_428_000);
const STATUS_LIST: &str = "https://gz.elic.example/v1/status-lists/17";

static SET: LazyLock<Set> = LazyLock::new(Set::read);
static KEYS: LazyLock<Keys> = LazyLock::new(Keys::read);
static EVIDENCE: LazyLock<Evidence> = LazyLock::new(|| load::evidence(&SET.bundles["good"], None, NOW));
static RECEIPT: &[u8] =
    include_bytes!("../../../spec/vectors/generated-examples/receipt/receipt_accept.cbor");

fn good(path: &str) -> &'static [u8] {
    SET.bundles["good"].part(path).expect("the good bundle has every part")
}

/// One real object of every kind.
fn seeds() -> Vec<Vec<u8>> {
    let object = |name: &str| match &SET.objects[name] {
        Presented::Hex(text) => hex::decode(text).expect("hex"),
        Presented::Qr(text) => text.clone().into_bytes(),
        other => panic!("{name} is {other:?}"),
    };
    let status = bundle::status_path(STATUS_LIST);
    let checkpoint = bundle::checkpoint_path("gz.elic.example/log");
    let root = bundle::root_path(1);
    let parts = [&root, bundle::TIMESTAMP, bundle::LIST, bundle::CATALOGUE, &status, &checkpoint];
    let mut seeds: Vec<Vec<u8>> = parts.iter().map(|path| good(path).to_vec()).collect();
    seeds.extend(["premises", "premises-logged", "view", "qr", "reference"].map(object));
    seeds.push(SET.proofs["premises"].clone().into_bytes());
    seeds.push(RECEIPT.to_vec());
    seeds.extend([enrolment(), Proposal::of_file(good(bundle::LIST)).expect("a list").payload().to_vec()]);
    seeds.push(SET.bundles["good"].to_bytes());
    seeds.push(b"old 3\nXZu3lLJXn3datLmIwKHVCLs3UHC7dZIFXX8y0b8my74=\n\n".to_vec());
    seeds.push(b"1.2.156.3005.2.11440000X00000051Q201.11440100X00000027D.20260034581.001.K".to_vec());
    seeds
}

/// A request of one authority.
fn enrolment() -> Vec<u8> {
    let [a, b] = [1, 2].map(|seed| SeedSigner::from_seed(&[seed; 32]).expect("a key"));
    let applicant = Applicant { region: "440100", host: "gz.elic.example", nonce: [0; 16], iat: NOW };
    let authority = "11440100X00000027D";
    let keys: [(&str, KeyUsage, &dyn Signer); 2] =
        [(authority, KeyUsage::Role(Role::Licence), &a), (authority, KeyUsage::Log, &b)];
    request(&applicant, &keys).expect("signed")
}

/// A real object with some bytes changed, put in or taken out, or cut short; or bytes of no object at all.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let changes = vec((any::<Index>(), any::<u8>(), 0..4_u8), 0..6);
    let changed =
        (proptest::sample::select(seeds()), changes).prop_map(|(bytes, changes)| change(bytes, &changes));
    prop_oneof![4 => changed, 1 => vec(any::<u8>(), 0..300)]
}

fn change(mut bytes: Vec<u8>, changes: &[(Index, u8, u8)]) -> Vec<u8> {
    for (at, byte, how) in changes {
        if bytes.is_empty() {
            break;
        }
        let at = at.index(bytes.len());
        match how {
            0 => bytes[at] = *byte,
            1 => bytes.insert(at, *byte),
            2 => drop(bytes.remove(at)),
            _ => bytes.truncate(at),
        }
    }
    bytes
}

/// Every parser that takes bytes. What they answer is not the question here.
fn parse_bytes(bytes: &[u8]) {
    let list = EVIDENCE.trust_list().expect("a list");
    let _ = Sign1::parse(bytes, MAX_LICENCE).map(|object| (object.statement(), object.statement_digest()));
    for typ in [TYP_ROOT, TYP_LIST, TYP_TIMESTAMP] {
        let _ = Signed::parse(bytes, MAX_LIST, typ);
    }
    let _ = (Credential::parse(bytes).is_ok(), View::parse(bytes).is_ok(), FieldMap::parse(bytes).is_ok());
    let _ = StatusToken::parse(bytes).map(|token| token.array().get(u64::MAX));
    let _ = (Root::open_first(bytes).is_ok(), catalogue::open(bytes, &**list, NOW).is_ok());
    let _ = (receipt::open(bytes).is_ok(), receipt::check(bytes, list, &receipt::Archive::default()).is_ok());
    let _ = Bundle::parse(bytes).map(|bundle| load::evidence(&bundle, Some(&SET.bundles["good"]), NOW));
    let _ =
        (LogProof::parse(bytes).is_ok(), Note::parse(bytes).is_ok(), SignedCheckpoint::parse(bytes).is_ok());
    let _ = (
        Entry::parse(bytes).is_ok(),
        ChangeRecord::parse(bytes).is_ok(),
        AddCheckpoint::parse(bytes).is_ok(),
    );
    let _ = (Enrolment::open(bytes).is_ok(), Proposal::open(bytes).is_ok(), Proposal::of_file(bytes).is_ok());
    let _ = (zlib::inflate(bytes, 1_000).is_ok(), PublicKey::import(Suite::Ed25519, bytes).is_ok());
    let verdict = verify(bytes, &EVIDENCE, &Policy::approval(), NOW);
    serde_json::to_string(&verdict).expect("every verdict can be written");
    take_trust_files(bytes);
}

/// The update client, offered the bytes as each kind of file.
fn take_trust_files(bytes: &[u8]) {
    let root = Root::open_first(good(&bundle::root_path(1))).expect("the root is good");
    let mut files = TrustFiles::new(root);
    let _ = files.take_root(bytes);
    let _ = files.take_timestamp(bytes, NOW);
    let _ = files.take_timestamp(good(bundle::TIMESTAMP), NOW);
    let _ = files.take_list(bytes, NOW);
}

/// Every parser that takes text.
fn parse_text(text: &str) {
    let verdict = verify_qr(text, &EVIDENCE, &Policy::approval(), NOW);
    serde_json::to_string(&verdict).expect("every verdict can be written");
    let _ = (qr::read(text).is_ok(), qr::base45_decode(text), Checkpoint::parse(text).is_ok());
    let _ = (log::policy::Policy::parse(text).is_ok(), TilePath::parse(text).is_ok());
    let _ = (LogKey::parse(text).is_ok(), WitnessKey::parse(text).is_ok(), bundle::is_path(text));
    let _ = (UnixTime::parse_rfc3339(text), CivilDate::parse(text), IdempotencyKey::parse(text).is_ok());
    let _ = (identifiers::LicenceId::read_lenient(text).is_ok(), identifiers::LicenceId::parse(text).is_ok());
    let _ = (identifiers::CreditCode::parse(text).is_ok(), identifiers::ResidentId::parse(text).is_ok());
    let _ = (identifiers::TypeCode::parse(text).is_ok(), identifiers::DivisionCode::parse(text).is_ok());
    for method in ["GET", "POST"] {
        let request = Request {
            method,
            target_uri: text,
            content_type: Some(text),
            content_digest: Some(text),
            idempotency_key: Some(text),
            signature_input: Some(text),
            signature: Some(text),
            body: text.as_bytes(),
        };
        let key = |_: &[u8; 32]| Some(*KEYS.signer("node").public_key());
        let _ = http_signature::verify(&request, NOW, key, |_, _| true);
    }
}

/// The payloads of real objects, each with what signs it and the type under which it is signed.
fn payloads() -> Vec<(&'static str, Vec<u8>)> {
    let status = bundle::status_path(STATUS_LIST);
    let one = |typ, bytes: &[u8]| (typ, Sign1::parse(bytes, MAX_CATALOGUE).expect("good").payload().to_vec());
    let many =
        |typ, bytes: &[u8]| (typ, Signed::parse(bytes, MAX_LIST, typ).expect("good").payload().to_vec());
    let object = |name: &str| match &SET.objects[name] {
        Presented::Hex(text) => hex::decode(text).expect("hex"),
        other => panic!("{name} is {other:?}"),
    };
    vec![
        many(TYP_ROOT, good(&bundle::root_path(1))),
        many(TYP_LIST, good(bundle::LIST)),
        many(TYP_TIMESTAMP, good(bundle::TIMESTAMP)),
        one(TYP_CATALOGUE, good(bundle::CATALOGUE)),
        one(TYP_STATUS, good(&status)),
        one(TYP_LICENCE, &object("premises")),
        one(TYP_VIEW, &object("view")),
        one(TYP_RECEIPT, RECEIPT),
    ]
}

/// The payload under the signatures of those who may, taken as what it says it is, and a good licence judged by it.
fn use_signed(typ: &str, payload: &[u8]) {
    let signed = |key: &str| sign1(typ, payload, KEYS.signer(key)).expect("signed");
    let officers = |names: &[&str]| cose::sign(typ, payload, &KEYS.signers(names)).expect("signed");
    let mut evidence = EVIDENCE.clone();
    match typ {
        TYP_ROOT => evidence = replacing([(bundle::root_path(1), officers(&["root 1", "root 2"]))]),
        TYP_TIMESTAMP => evidence = replacing([(bundle::TIMESTAMP.to_owned(), officers(&["timestamp 1"]))]),
        TYP_LIST => {
            let list = officers(&["list 1", "list 2"]);
            let timestamp = timestamp_of(&list);
            let parts = [(bundle::TIMESTAMP, timestamp), (bundle::LIST, list)];
            evidence = replacing(parts.map(|(path, bytes)| (path.to_owned(), bytes)));
        }
        TYP_CATALOGUE => {
            let list = evidence.trust_list().expect("a list");
            if let Ok(opened) = catalogue::open(&signed("province catalogue"), &**list, NOW) {
                evidence.set_catalogue(Arc::new(opened));
            }
        }
        TYP_STATUS => {
            let token = StatusToken::parse(&signed("status"));
            token.into_iter().for_each(|token| evidence.add_token(Arc::new(token)));
        }
        TYP_LICENCE => return parse_bytes(&signed("issuer")),
        TYP_VIEW => return parse_bytes(&signed("view")),
        _ => return parse_bytes(&signed("receipt")),
    }
    let Presented::Hex(licence) = &SET.objects["premises"] else { panic!("a file") };
    let verdict = verify(&hex::decode(licence).expect("hex"), &evidence, &Policy::approval(), NOW);
    serde_json::to_string(&verdict).expect("every verdict can be written");
}

/// The evidence in the good bundle with these parts in their places.
fn replacing<const N: usize>(parts: [(String, Vec<u8>); N]) -> Evidence {
    let held = SET.bundles["good"].parts().filter(|(path, _)| parts.iter().all(|(own, _)| own != path));
    let parts = held.map(|(path, bytes)| (path.to_owned(), bytes.to_vec())).chain(parts.clone());
    load::evidence(&Bundle::new(parts).expect("the same paths"), None, NOW)
}

fn timestamp_of(list: &[u8]) -> Vec<u8> {
    let content = TimestampContent {
        version: 2,
        iat: NOW,
        exp: NOW.plus(3_600),
        list_version: 2,
        list_length: list.len() as u64,
        list_digest: sha256(&[list]),
    };
    content.sign(&KEYS.signers(&["timestamp 1"])).expect("signed")
}

proptest! {
    #![proptest_config(cases(1_200))]

    #[test]
    fn no_parser_of_bytes_panics(bytes in hostile()) {
        parse_bytes(&bytes);
    }

    #[test]
    fn no_parser_of_text_panics(bytes in hostile(), any in "\\PC{0,200}") {
        parse_text(&String::from_utf8_lossy(&bytes));
        parse_text(&any);
    }
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn no_payload_under_a_good_signature_makes_anything_panic(
        (typ, payload) in proptest::sample::select(payloads()),
        changes in vec((any::<Index>(), any::<u8>(), 0..3_u8), 1..4),
    ) {
        let payload = change(payload, &changes);
        prop_assume!(!payload.is_empty());
        use_signed(typ, &payload);
    }
}

/// Every byte of every payload once, so that no member is left out.
#[test]
fn no_changed_byte_under_a_good_signature_makes_anything_panic() {
    for (typ, payload) in payloads() {
        for at in 0..payload.len() {
            let mut changed = payload.clone();
            changed[at] ^= 1 << (at % 7);
            use_signed(typ, &changed);
        }
    }
}

/// The seeds are good, so that changing them leads past the first check.
#[test]
fn what_the_properties_start_from_is_accepted() {
    for (typ, payload) in payloads() {
        use_signed(typ, &payload);
    }
    let held = EVIDENCE.trust_files().map(Arc::as_ref).and_then(TrustFiles::list);
    assert!(held.is_some() && EVIDENCE.catalogue().is_some() && EVIDENCE.token(STATUS_LIST).is_some());
    assert!(matches!(EVIDENCE.trust(), Trust::Held(_)));
}
