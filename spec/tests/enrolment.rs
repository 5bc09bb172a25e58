//! Enrolment requests: a good one, and every way in which one may be wrong.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends where it cannot go on")]

use licence_spec::cbor::{Reader, Writer};
use licence_spec::enrolment::*;
use licence_spec::suite::{KeyError, PublicKey, SeedSigner, Signer, Suite, sha256};
use licence_spec::time::UnixTime;
use licence_spec::trust::Role;

const NOW: UnixTime = UnixTime(1_795_430_000);
const MARKET: &str = "11440100X00000027D";
const OWN: &str = "11440100X010012162";
const LICENCE: KeyUsage = KeyUsage::Role(Role::Licence);
const STATUS: KeyUsage = KeyUsage::Role(Role::Status);

fn signer(seed: u8) -> SeedSigner {
    SeedSigner::from_seed(&[seed; 32]).expect("a key")
}

fn applicant() -> Applicant<'static> {
    Applicant { region: "440100", host: "gz.elic.example", nonce: [7; 16], iat: NOW }
}

fn good() -> Vec<u8> {
    let (licence, status, log) = (signer(1), signer(2), signer(3));
    let keys: [(&str, KeyUsage, &dyn Signer); 3] =
        [(OWN, KeyUsage::Log, &log), (MARKET, STATUS, &status), (MARKET, LICENCE, &licence)];
    request(&applicant(), &keys).expect("signed")
}

/// The parts of a request, to be put together otherwise.
fn parts(request: &[u8]) -> (Vec<u8>, Vec<[u8; 64]>) {
    let mut reader = Reader::new(request);
    reader.array_of(2).unwrap();
    let body = reader.bytes().unwrap().to_vec();
    let proofs = (0..reader.array().unwrap()).map(|_| reader.byte_array().unwrap()).collect();
    (body, proofs)
}

fn together(body: &[u8], proofs: &[[u8; 64]]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.array(2).bytes(body).array(proofs.len());
    for proof in proofs {
        writer.bytes(proof);
    }
    writer.into_bytes()
}

/// A body of its own making, with these keys and without a check, signed by the seeds.
fn made(region: &str, host: &str, vkey: &str, keys: &[(&str, i64, &[u8])], seeds: &[u8]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.map(6).int(1).text(region).int(2).text(host).int(3).text(vkey).int(4).array(keys.len());
    for (authority, usage, key) in keys {
        writer.array(3).text(authority).int(*usage).bytes(key);
    }
    writer.int(5).bytes(&[7; 16]).int(6).int(NOW.0);
    let body = writer.into_bytes();
    let message = [b"elicence-enrolment-v1\0".as_slice(), &sha256(&[&body])].concat();
    let proof = |seed: &u8| *signer(*seed).sign(&message).unwrap().as_bytes();
    let proofs: Vec<_> = seeds.iter().map(proof).collect();
    together(&body, &proofs)
}

fn vkey(host: &str, seed: u8) -> String {
    licence_spec::log::note::LogKey::new(&format!("{host}/log"), *signer(seed).public_key())
        .unwrap()
        .to_string()
}

fn key(seed: u8) -> [u8; 32] {
    signer(seed).public_key().bytes().try_into().unwrap()
}

/// As [`made`], of 广州 with a licence key, a status key and a log key of these bytes.
fn of_guangzhou(licence: &[u8], status: &[u8]) -> Vec<u8> {
    let keys: [(&str, i64, &[u8]); 3] = [(MARKET, 1, licence), (MARKET, 2, status), (OWN, 7, &key(3))];
    made("440100", "gz.elic.example", &vkey("gz.elic.example", 3), &keys, &[1, 2, 3])
}

fn refused(request: &[u8]) -> EnrolmentError {
    Enrolment::open(request).expect_err("refused")
}

#[test]
fn a_request_says_what_it_was_made_of_and_every_key_signed_it() {
    let opened = Enrolment::open(&good()).unwrap();
    assert_eq!((opened.region().as_str(), opened.host(), opened.iat()), ("440100", "gz.elic.example", NOW));
    assert_eq!(opened.log().to_string(), vkey("gz.elic.example", 3));
    let keys: Vec<_> = opened.keys().iter().map(|own| (own.authority.as_str(), own.usage, own.key)).collect();
    let public = |seed| PublicKey::import(Suite::Ed25519, &key(seed)).unwrap();
    assert_eq!(
        keys,
        [(MARKET, LICENCE, public(1)), (MARKET, STATUS, public(2)), (OWN, KeyUsage::Log, public(3))]
    );
    assert_eq!(*opened.digest(), sha256(&[&parts(&good()).0]));
    assert_eq!(good(), of_guangzhou(&key(1), &key(2)), "the test makes what the library makes");
}

#[test]
fn a_request_is_good_for_fourteen_days_and_not_from_the_future() {
    let opened = Enrolment::open(&good()).unwrap();
    let at = |seconds| opened.check_time(NOW.plus(seconds));
    assert_eq!([at(-60), at(0), at(14 * 86_400)], [Ok(()), Ok(()), Ok(())]);
    assert_eq!(at(-61), Err(EnrolmentError::InFuture(NOW)));
    assert_eq!(at(14 * 86_400 + 1), Err(EnrolmentError::TooOld(NOW)));
}

#[test]
fn a_missing_proof_or_one_too_many_is_refused() {
    let (body, proofs) = parts(&good());
    for count in [0, 2] {
        let expected = EnrolmentError::ProofMissing { keys: 3, proofs: count };
        assert_eq!(refused(&together(&body, &proofs[..count])), expected);
    }
    let four = [proofs.as_slice(), &proofs[..1]].concat();
    assert_eq!(refused(&together(&body, &four)), EnrolmentError::ProofMissing { keys: 3, proofs: 4 });
}

#[test]
fn one_changed_key_spoils_the_request_and_the_error_names_the_key() {
    // Key 4 belongs to somebody else: the applicant cannot sign with it.
    let error = refused(&of_guangzhou(&key(4), &key(2)));
    assert_eq!(error, EnrolmentError::Proof(MARKET.to_owned(), LICENCE));
    let (body, proofs) = parts(&of_guangzhou(&key(1), &key(4)));
    let (_, own) = parts(&good());
    // The proofs of another request of the same keys do not help.
    assert_eq!(
        refused(&together(&body, &[own[0], proofs[1], own[2]])),
        EnrolmentError::Proof(MARKET.to_owned(), LICENCE)
    );
    let swapped = [own[1], own[0], own[2]];
    let (body, _) = parts(&good());
    assert_eq!(refused(&together(&body, &swapped)), EnrolmentError::Proof(MARKET.to_owned(), LICENCE));
}

#[test]
fn every_byte_of_a_request_counts() {
    let good = good();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        assert!(Enrolment::open(&bad).is_err(), "byte {at}");
        assert!(Enrolment::open(&good[..at]).is_err(), "cut at {at}");
    }
    assert!(Enrolment::open(&[good.as_slice(), &[0]].concat()).is_err());
}

#[test]
fn a_code_whose_check_digits_do_not_agree_is_refused_by_name() {
    let wrong = "11440100X000000271";
    let keys: [(&str, i64, &[u8]); 2] = [(wrong, 1, &key(1)), (OWN, 7, &key(3))];
    let request = made("440100", "gz.elic.example", &vkey("gz.elic.example", 3), &keys, &[1, 3]);
    assert_eq!(refused(&request), EnrolmentError::Code(wrong.to_owned()));
}

#[test]
fn weak_keys_are_refused_with_their_fault() {
    let mut neutral = [0; 32];
    neutral[0] = 1;
    assert_eq!(refused(&of_guangzhou(&neutral, &key(2))), EnrolmentError::Key(0, KeyError::SmallOrder));
    assert_eq!(refused(&of_guangzhou(&key(1), &[0; 32])), EnrolmentError::Key(1, KeyError::SmallOrder));
    assert_eq!(refused(&of_guangzhou(&key(1), &[1; 31])), EnrolmentError::Key(1, KeyError::Length));
}

#[test]
fn one_key_in_two_places_is_refused() {
    assert_eq!(refused(&of_guangzhou(&key(1), &key(1))), EnrolmentError::KeyTwice(MARKET.to_owned(), STATUS));
    assert_eq!(
        refused(&of_guangzhou(&key(1), &key(3))),
        EnrolmentError::KeyTwice(OWN.to_owned(), KeyUsage::Log)
    );
}

#[test]
fn region_host_and_log_must_be_what_they_say() {
    let keys: [(&str, i64, &[u8]); 2] = [(MARKET, 1, &key(1)), (OWN, 7, &key(3))];
    let with = |region, host, vkey: &str| refused(&made(region, host, vkey, &keys, &[1, 3]));
    let right = vkey("gz.elic.example", 3);
    assert_eq!(with("4401", "gz.elic.example", &right), EnrolmentError::Region);
    assert_eq!(with("0044ab", "gz.elic.example", &right), EnrolmentError::Region);
    assert!(matches!(with("4401001", "gz.elic.example", &right), EnrolmentError::Format(_)));
    assert!(matches!(with("440100", "GZ.example", &right), EnrolmentError::Format(_)));
    assert_eq!(with("440100", "sz.elic.example", &right), EnrolmentError::Log);
    assert_eq!(with("440100", "gz.elic.example", &vkey("gz.elic.example", 1)), EnrolmentError::Log);
    let two: [(&str, i64, &[u8]); 2] = [(MARKET, 7, &key(1)), (OWN, 7, &key(3))];
    assert_eq!(refused(&made("440100", "gz.elic.example", &right, &two, &[1, 3])), EnrolmentError::Log);
    assert_eq!(
        refused(&made("440100", "gz.elic.example", &right, &keys[..1], &[1])),
        EnrolmentError::Log,
        "no log key"
    );
}

#[test]
fn order_usage_and_size_are_bounded() {
    let (key1, key2, log) = (key(1), key(2), key(3));
    let with = |keys: &[(&str, i64, &[u8])], seeds: &[u8]| {
        refused(&made("440100", "gz.elic.example", &vkey("gz.elic.example", 3), keys, seeds))
    };
    let format = |error| matches!(error, EnrolmentError::Format(_));
    assert!(format(with(&[(MARKET, 2, &key2), (MARKET, 1, &key1), (OWN, 7, &log)], &[2, 1, 3])), "order");
    assert!(format(with(&[(MARKET, 1, &key1), (MARKET, 1, &key2), (OWN, 7, &log)], &[1, 2, 3])), "doubled");
    assert!(format(with(&[(MARKET, 8, &key1), (OWN, 7, &log)], &[1, 3])), "an unknown usage");
    assert!(format(with(&[(MARKET, 0, &key1), (OWN, 7, &log)], &[1, 3])), "an unknown usage");
    assert!(format(with(&[], &[])), "no key");
    assert!(format(refused(&vec![0x80; MAX_ENROLMENT + 1])), "over the cap");
    let many = together(&parts(&good()).0, &vec![[0; 64]; MAX_ENROLMENT_KEYS + 1]);
    assert!(format(refused(&many)), "too many proofs");
}

#[test]
fn a_request_without_a_log_key_is_not_made() {
    let licence = signer(1);
    let keys: [(&str, KeyUsage, &dyn Signer); 1] = [(MARKET, LICENCE, &licence)];
    assert!(request(&applicant(), &keys).is_err());
}
