//! Public vectors of the primitives: strict CBOR (RFC 8949), strict Ed25519, COSE structures, status lists.
#![allow(missing_docs)]

mod common;

use common::{CLOCK, evidence, example, good_context, json, unhex, vector};
use licence_spec::cbor::Reader;
use licence_spec::cose::{Sign1, signature_message};
use licence_spec::policy::{LogLookUp, Policy, Question};
use licence_spec::status::{Status, StatusArray, StatusToken};
use licence_spec::suite::{KeyTable, PublicKey, SeedSigner, SignatureBytes, Signer, Suite};
use licence_spec::verdict::Outcome;
use licence_spec::verify;
use serde_json::Value;

fn strict(bytes: &[u8]) -> bool {
    let mut reader = Reader::new(bytes);
    reader.skip().and_then(|()| reader.end()).is_ok()
}

#[test]
fn the_examples_of_rfc_8949_are_taken_or_refused_as_marked() {
    let file = json("rfc8949/appendix_a.json");
    let items = file["items"].as_array().unwrap();
    assert_eq!(items.len(), 82);
    for item in items {
        let hex = item["hex"].as_str().unwrap();
        assert_eq!(strict(&unhex(hex)), item["strict_decoder"] == "accept", "{hex}");
    }
}

#[test]
fn what_is_not_well_formed_or_not_deterministic_is_refused() {
    let broken = json("rfc8949/appendix_f1_not_well_formed.json");
    let broken = broken["not_well_formed_hex"].as_array().unwrap();
    assert_eq!(broken.len(), 94);
    for hex in broken {
        assert!(!strict(&unhex(hex.as_str().unwrap())), "{hex}");
    }
    let other = json("rfc8949/deterministic_negative.json");
    let other = other["must_reject"].as_array().unwrap();
    assert_eq!(other.len(), 23);
    for item in other {
        assert!(!strict(&unhex(item["hex"].as_str().unwrap())), "{item}");
    }
}

/// `verify_strict` of the library and our table give one answer; keys that fail the import check have no table.
fn verify_both(key: &[u8], message: &[u8], signature: &[u8]) -> Option<bool> {
    let key = PublicKey::import(Suite::Ed25519, key).ok()?;
    let Some(signature) = SignatureBytes::new(Suite::Ed25519, signature) else { return Some(false) };
    let strict = key.verify_strict(message, &signature);
    assert_eq!(
        strict,
        KeyTable::new(key).verify_strict(&[message], &signature),
        "table and verify_strict differ"
    );
    Some(strict)
}

/// `verify_strict` of ed25519-dalek on a key that was not import-checked.
fn bare_strict(key: &[u8], message: &[u8], signature: &[u8]) -> bool {
    let (Ok(key), Ok(signature)) = (key.try_into(), signature.try_into()) else { return false };
    let signature = ed25519_dalek::Signature::from_bytes(signature);
    ed25519_dalek::VerifyingKey::from_bytes(key)
        .is_ok_and(|key| key.verify_strict(message, &signature).is_ok())
}

#[test]
fn cctv_has_43_strict_accepts_of_which_the_import_check_leaves_one() {
    let file: Value = serde_json::from_slice(&vector("ed25519/cctv/ed25519vectors.json")).unwrap();
    let rows = file.as_array().unwrap();
    let (mut strict, mut imported, mut keys_refused) = (0, 0, 0);
    for row in rows {
        let (key, signature) = (unhex(row["key"].as_str().unwrap()), unhex(row["sig"].as_str().unwrap()));
        let message = row["msg"].as_str().unwrap().as_bytes();
        strict += usize::from(bare_strict(&key, message, &signature));
        match verify_both(&key, message, &signature) {
            None => keys_refused += 1,
            Some(accepted) => imported += usize::from(accepted),
        }
    }
    assert_eq!((rows.len(), strict, imported, keys_refused), (914, 43, 1, 886));
}

#[test]
fn wycheproof_and_speccheck_agree() {
    let file = json("ed25519/wycheproof/ed25519_test.json");
    let mut count = 0;
    for group in file["testGroups"].as_array().unwrap() {
        let key = unhex(group["publicKey"]["pk"].as_str().unwrap());
        for test in group["tests"].as_array().unwrap() {
            let (message, signature) =
                (unhex(test["msg"].as_str().unwrap()), unhex(test["sig"].as_str().unwrap()));
            let accepted = verify_both(&key, &message, &signature).unwrap_or(false);
            assert_eq!(accepted, test["result"] == "valid", "{}", test["tcId"]);
            count += 1;
        }
    }
    assert_eq!(count, 151);
    let cases = json("ed25519/speccheck/cases.json");
    for (at, case) in cases.as_array().unwrap().iter().enumerate() {
        let part = |name: &str| unhex(case[name].as_str().unwrap());
        assert_eq!(bare_strict(&part("pub_key"), &part("message"), &part("signature")), at == 3, "case {at}");
        assert_eq!(
            PublicKey::import(Suite::Ed25519, &part("pub_key")).is_ok(),
            at == 6 || at == 7,
            "key of case {at}"
        );
    }
}

#[test]
fn the_128_signatures_of_dalek_are_reproduced_byte_for_byte() {
    let text = String::from_utf8(vector("ed25519/dalek/TESTVECTORS")).unwrap();
    let mut count = 0;
    for line in text.lines().filter(|line| !line.is_empty()) {
        let parts: Vec<Vec<u8>> = line.split(':').take(4).map(unhex).collect();
        let signer = SeedSigner::from_seed(parts[0][..32].try_into().unwrap()).unwrap();
        assert_eq!(signer.public_key().bytes(), parts[1]);
        assert_eq!(signer.sign(&parts[2]).unwrap().as_bytes(), &parts[3][..64]);
        assert_eq!(verify_both(&parts[1], &parts[2], &parts[3][..64]), Some(true));
        count += 1;
    }
    assert_eq!(count, 128);
}

#[test]
fn our_own_hostile_keys_and_signatures_answer_as_written() {
    let file = json("generated-examples/negative/ed25519.json");
    for key in file["keys"].as_array().unwrap() {
        let imported = PublicKey::import(Suite::Ed25519, &unhex(key["public_hex"].as_str().unwrap())).is_ok();
        assert_eq!(imported, key["import"] != "refuse", "{}", key["id"]);
    }
    for case in file["signatures"].as_array().unwrap() {
        let part = |name: &str| unhex(case[name].as_str().unwrap());
        let (key, message, signature) = (part("public_hex"), part("message_hex"), part("signature_hex"));
        assert_eq!(bare_strict(&key, &message, &signature), case["verify_strict"] == true, "{}", case["id"]);
        verify_both(&key, &message, &signature);
    }
}

/// A hundred thousand changed signatures: the table never answers otherwise than `verify_strict`, which `verify_both`
/// asserts. Every bit of signature and message is turned, over keys and messages of growing length.
#[test]
fn the_table_and_verify_strict_agree_on_changed_signatures() {
    let mut changed = 0;
    for seed in 1..=24_u8 {
        let signer = SeedSigner::from_seed(&[seed; 32]).unwrap();
        let key = *signer.public_key();
        let table = KeyTable::new(key);
        let message = vec![seed; usize::from(seed)];
        let signature = signer.sign(&message).unwrap();
        assert!(table.verify_strict(&[&message], &signature) && key.verify_strict(&message, &signature));
        for bit in 0..512 {
            let mut wrong = *signature.as_bytes();
            wrong[bit / 8] ^= 1 << (bit % 8);
            let wrong = SignatureBytes::Ed25519(wrong);
            assert_eq!(
                table.verify_strict(&[&message], &wrong),
                key.verify_strict(&message, &wrong),
                "bit {bit}"
            );
            changed += 1;
        }
    }
    assert_eq!(changed, 24 * 512);
}

/// RFC 9052 §4.4: the two structures that are signed, against the examples of the COSE working group, which carry the
/// older algorithm number -8. The production reader refuses every one of them.
#[test]
fn the_cose_working_groups_examples_sign_our_structures_and_are_refused_by_our_reader() {
    let mut refused = 0;
    for folder in ["eddsa-examples", "sign1-tests", "sign-tests", "CWT"] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/cose").join(folder);
        for file in std::fs::read_dir(path).unwrap() {
            let case: Value = serde_json::from_slice(&std::fs::read(file.unwrap().path()).unwrap()).unwrap();
            let object = unhex(case["output"]["cbor"].as_str().unwrap());
            assert!(Sign1::parse(&object, 65_536).is_err(), "{}", case["title"]);
            refused += 1;
        }
    }
    assert_eq!(refused, 28);
    let case = json("cose/eddsa-examples/eddsa-01.json");
    let signed = &case["intermediates"]["signers"][0]["ToBeSign_hex"];
    let to_be_signed = unhex(signed.as_str().unwrap());
    let mut reader = Reader::new(&to_be_signed);
    reader.array_of(5).unwrap();
    assert_eq!(reader.text(), Ok("Signature"));
    let (body, sign) = (reader.bytes().unwrap(), reader.bytes().unwrap());
    assert_eq!(reader.bytes(), Ok(&[][..]));
    let payload = reader.bytes().unwrap();
    assert_eq!(signature_message(body, sign, payload), to_be_signed);
}

#[test]
fn the_status_list_of_the_draft_holds_exactly_its_entries() {
    let file = json("token-status-list/status_list_vectors.json");
    let list = file["long"].as_array().unwrap().iter().find(|list| list["bits"] == 2).unwrap();
    let encoded = unhex(list["cbor_hex"].as_str().unwrap());
    // The draft writes "bits" before "lst", which our reader refuses: take the byte string by hand.
    let mut lenient = Reader::new(&encoded[7..]);
    assert_eq!(lenient.text(), Ok("lst"));
    let inflated = licence_spec::zlib::inflate(lenient.bytes().unwrap(), 4_194_304).unwrap();
    let mut array = StatusArray::new(1 << 20);
    for (index, value) in list["nonzero"].as_object().unwrap() {
        let status = Status::from_value(u8::try_from(value.as_u64().unwrap()).unwrap());
        assert!(array.set(index.parse().unwrap(), status));
    }
    let signer = SeedSigner::from_seed(&[7; 32]).unwrap();
    let uri = "https://gz.elic.example/v1/status-lists/1";
    let token = licence_spec::status::sign(uri, CLOCK, CLOCK.plus(60), 60, &array, &signer).unwrap();
    let token = StatusToken::parse(&token).unwrap();
    assert_eq!(token.array().len(), 1 << 20);
    for index in 0..(1 << 20) {
        let expected = inflated[index / 4] >> (index % 4 * 2) & 3;
        assert_eq!(token.array().get(index as u64).map(Status::value), Some(expected), "{index}");
    }
    assert_eq!(token.array().get(1 << 20), None);
}

/// The good examples: what they are judged to be, with and without their log proofs.
#[test]
fn the_good_examples_are_judged_as_the_manifest_says() {
    let evidence = evidence(&good_context());
    let judge = |name: &str, proof: Option<&str>| {
        let proof = proof.map(|proof| example(&format!("log/{proof}.tlog-proof")));
        let log = Some(LogLookUp::Pending);
        let question = Question { log_proof: proof.as_deref(), log, ..Question::default() };
        let policy = Policy::approval().asking(question);
        let verdict = verify(&example(&format!("licence/{name}.cbor")), &evidence, &policy, CLOCK);
        (verdict.outcome(), verdict.code().map(|code| code.as_str()))
    };
    for name in ["small", "business", "person_no_sub", "small_with_proof", "retired_key_good"] {
        assert_eq!(judge(name, None), (Outcome::Accept, None), "{name}");
    }
    for (name, code) in [("revoked", "REVOKED"), ("suspended", "SUSPENDED"), ("superseded", "SUPERSEDED")] {
        assert_eq!(judge(name, None), (Outcome::Reject, Some(code)));
    }
    // The list of the examples is from before the tree of a cut was named, and its witnesses cosigned after the theft: nothing dates
    // the licence (spec/trust-list.md §7).
    for proof in [None, Some("compromised_before_cut")] {
        let before = judge("compromised_before_cut", proof);
        assert_eq!(before, (Outcome::Indeterminate, Some("KEY_COMPROMISED_NO_PROOF")), "{proof:?}");
    }
    let after = judge("compromised_after_cut", Some("compromised_after_cut"));
    assert_eq!(after, (Outcome::Reject, Some("KEY_COMPROMISED_AFTER_CUT")));
}

/// Flipping any one byte of an accepted licence never gives an accepted licence.
#[test]
fn no_single_changed_byte_is_accepted() {
    let evidence = evidence(&good_context());
    let good = example("licence/small.cbor");
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 0x20;
        let asking = Question { log: Some(LogLookUp::Pending), ..Question::default() };
        let verdict = verify(&changed, &evidence, &Policy::approval().asking(asking), CLOCK);
        assert_ne!(verdict.outcome(), Outcome::Accept, "byte {at}");
        assert!(verdict.licence().is_none(), "byte {at}: data of a licence that nobody signed");
    }
}
