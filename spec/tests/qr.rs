//! QR texts: Base45 against its RFC and a second implementation, the examples, the stages of the EU's test data.
#![allow(missing_docs)]

mod common;

use common::{CLOCK, evidence, example, good_context, hex, json, unhex, vector};
use licence_spec::cose::statement_digest;
use licence_spec::evidence::{Evidence, Trust};
use licence_spec::numbers::MAX_LICENCE;
use licence_spec::policy::Policy;
use licence_spec::qr::*;
use licence_spec::verdict::Code;
use licence_spec::verify::verify_qr;
use licence_spec::zlib;
use proptest::prelude::*;

#[test]
fn base45_answers_as_its_rfc_says() {
    let file = json("rfc9285/base45.json");
    for case in file["valid"].as_array().expect("cases") {
        let bytes =
            case["hex"].as_str().map(unhex).or(case["text"].as_str().map(|text| text.as_bytes().to_vec()));
        let (bytes, text) = (bytes.expect("bytes"), case["base45"].as_str().expect("text"));
        assert_eq!(base45_decode(text).as_deref(), Some(bytes.as_slice()), "{text}");
        assert_eq!(base45_encode(&bytes), text);
    }
    for text in file["invalid"].as_array().expect("cases") {
        assert_eq!(base45_decode(text.as_str().expect("text")), None, "{text}");
    }
}

/// Crate base45 3.2 decodes some pairs above 255 and cuts them: our refusal must differ from it there and only there.
#[test]
fn every_pair_and_triplet_decodes_as_the_crate_does_but_for_pairs_above_255() {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
    let digit = |number: usize| char::from(ALPHABET[number % 45]);
    for number in 0..45_usize.pow(3) {
        let triplet: String = [digit(number), digit(number / 45), digit(number / 2025)].iter().collect();
        assert_eq!(base45_decode(&triplet), base45::decode(&triplet).ok(), "{triplet}");
        let pair = &triplet[..2];
        let expected = base45::decode(pair).ok().filter(|_| number % 2025 <= 255);
        assert_eq!(base45_decode(pair), expected, "{pair}");
    }
}

#[test]
fn the_example_texts_hold_the_example_objects() {
    for (name, file) in
        [("small", "licence/small.cbor"), ("business", "licence/business.cbor"), ("view", "view/view.cbor")]
    {
        let text = String::from_utf8(example(&format!("qr/{name}.txt"))).expect("a text");
        let text = text.trim_end_matches('\n');
        assert_eq!(read(text), Ok(QrContent::Object(example(file))), "{name}");
        // Our zlib makes other bytes of the same object, so only what is read back counts.
        let own = write_object(&example(file)).expect("it fits");
        assert_eq!(read(&own), Ok(QrContent::Object(example(file))), "{name}");
        let facts = &json("generated-examples/qr/qr.json")["codes"][name];
        assert_eq!(facts["characters"].as_u64(), Some(text.len() as u64));
        assert_eq!(facts["version_at_M"].as_u64(), version_at_m(text.len()).map(u64::from), "{name}");
    }
}

#[test]
fn the_example_reference_names_the_business_licence() {
    let text = String::from_utf8(example("qr/reference.txt")).expect("a text");
    let text = text.trim_end_matches('\n');
    let QrContent::Reference(reference) = read(text).expect("a good reference") else { panic!("an object") };
    assert_eq!(reference.host, "gz.elic.example");
    let digest = statement_digest(&example("licence/business.cbor"), MAX_LICENCE).expect("a good licence");
    assert_eq!(reference.digest, digest);
    assert_eq!(write_reference(&reference), text);
    assert_eq!((text.len(), version_at_m(text.len())), (109, Some(5)));
    let printed = format!("{reference:?}");
    assert!(!printed.contains(&hex(&reference.cti)) && !printed.contains("cti"), "{printed}");
}

#[test]
fn a_log_proof_is_left_out_of_the_text() {
    let text = write_object(&example("licence/small_with_proof.cbor")).expect("it fits");
    assert_eq!(read(&text), Ok(QrContent::Object(example("licence/small.cbor"))));
}

#[test]
fn an_inflated_object_above_its_cap_is_not_conformant() {
    let text = |bytes: usize| format!("EL1:{}", base45_encode(&zlib::deflate(&vec![0; bytes])));
    assert_eq!(read(&text(MAX_LICENCE)), Ok(QrContent::Object(vec![0; MAX_LICENCE])));
    assert_eq!(read(&text(MAX_LICENCE + 1)), Err(QrFault::NotConformant));
}

#[test]
fn texts_of_other_versions_and_other_schemes_are_told_apart() {
    for (text, fault) in [
        ("EL2:ABC", QrFault::VersionUnsupported),
        ("EL9R:ABC", QrFault::VersionUnsupported),
        ("EL0:ABC", QrFault::Unreadable),
        ("EL1", QrFault::Unreadable),
        ("EL1X:ABC", QrFault::Unreadable),
        ("EL10:ABC", QrFault::Unreadable),
        (" EL1:ABC", QrFault::Unreadable),
        ("https://gz.elic.example/", QrFault::Unreadable),
        ("", QrFault::Unreadable),
        ("EL1:", QrFault::Unreadable),
        ("EL1R:", QrFault::Unreadable),
        ("EL1:粤", QrFault::Unreadable),
    ] {
        assert_eq!(read(text), Err(fault), "{text:?}");
    }
}

#[test]
fn a_code_is_as_small_and_as_robust_as_the_table_says() {
    for (characters, version, level) in [
        (0, 1, Level::Q),
        (16, 1, Level::Q),
        (17, 2, Level::Q),
        (221, 10, Level::Q),
        (702, 20, Level::Q),
        (1_041, 25, Level::Q),
        (1_042, 22, Level::M),
        (1_451, 25, Level::M),
        (1_994, 30, Level::M),
    ] {
        assert_eq!(fit(characters), Some(Fit { version, level }), "{characters}");
    }
    assert_eq!(fit(1_995), None);
    assert_eq!(Fit { version: 30, level: Level::M }.modules(), 137);
}

/// The EU's test data: the first three stages, with HC1: for EL1:. Its COSE and content are of another profile.
#[test]
fn prefix_base45_and_zlib_of_the_eu_test_data_come_out_as_marked() {
    let mut counts = [[0; 2]; 3];
    let mut files: Vec<String> = ["AT", "DE"]
        .iter()
        .flat_map(|land| (1..=4).map(move |at| format!("{land}/2DCode/raw/{at}.json")))
        .collect();
    let common =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/dgc-testdata/common/2DCode/raw");
    for file in std::fs::read_dir(common).expect("the folder is there") {
        let name = file.expect("readable").file_name();
        files.push(format!("common/2DCode/raw/{}", name.to_str().expect("ASCII")));
    }
    assert_eq!(files.len(), 46);
    for file in files {
        let case: serde_json::Value =
            serde_json::from_slice(&vector(&format!("dgc-testdata/{file}"))).expect("JSON");
        let expected = &case["EXPECTEDRESULTS"];
        let mut count = |stage: usize, mark: &str, good: bool| {
            if let Some(marked) = expected[mark].as_bool() {
                assert_eq!(good, marked, "{file}: {mark}");
                counts[stage][usize::from(marked)] += 1;
            }
        };
        let text = case["PREFIX"].as_str().expect("a text");
        let body = text.strip_prefix("HC1:");
        count(0, "EXPECTEDUNPREFIX", body.is_some());
        let stream = body.and_then(base45_decode);
        count(1, "EXPECTEDB45DECODE", stream.is_some());
        let object = stream.and_then(|stream| zlib::inflate(&stream, MAX_LICENCE).ok());
        count(2, "EXPECTEDCOMPRESSION", object.is_some());
    }
    assert_eq!(counts, [[3, 13], [1, 12], [2, 12]], "false and true of prefix, Base45, zlib");
}

proptest! {
    #[test]
    fn bytes_come_back_from_base45(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let text = base45_encode(&bytes);
        prop_assert_eq!(text.len(), 3 * (bytes.len() / 2) + 2 * (bytes.len() % 2));
        prop_assert_eq!(&text, &base45::encode(&bytes));
        prop_assert_eq!(base45_decode(&text), Some(bytes));
    }

    #[test]
    fn a_base45_text_that_is_taken_is_the_only_one_of_its_bytes(text in "[0-9A-Z $%*+./:-]{0,60}") {
        if let Some(bytes) = base45_decode(&text) {
            prop_assert_eq!(base45_encode(&bytes), text);
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "(EL1:|EL1R:|EL2:|)[0-9A-Z $%*+./:-]{0,200}") {
        let _ = read(&text);
    }

    #[test]
    fn no_stream_makes_inflate_panic_or_pass_its_cap(
        bytes in proptest::collection::vec(any::<u8>(), 0..300), flip in 0_usize..300, bit in 0_u8..8, cap in 0_usize..400,
    ) {
        let _ = zlib::inflate(&bytes, cap);
        let mut stream = zlib::deflate(&bytes);
        prop_assert_eq!(zlib::inflate(&stream, bytes.len()), Ok(bytes.clone()));
        let at = flip % stream.len();
        stream[at] ^= 1 << bit;
        if let Ok(other) = zlib::inflate(&stream, cap) {
            prop_assert!(other.len() <= cap);
        }
    }
}

/// spec/verify.md, "only fresh evidence can FAIL": the authority of the host may have joined since the old list was signed.
#[test]
fn a_reference_to_a_host_that_only_a_stale_list_lacks_is_not_rejected() {
    let reference = Reference { cti: [7; 16], digest: [9; 32], host: "new.elic.example".into() };
    let answer = |evidence: &Evidence, now| {
        verify_qr(&write_reference(&reference), evidence, &Policy::approval(), now).code()
    };
    let good = evidence(&good_context());
    let end = good.trust_files().and_then(|files| files.vouching()).expect("a timestamp").content().exp;
    assert_eq!(answer(&good, CLOCK), Some(Code::IssuerNotListed));
    assert_eq!(answer(&good, end), Some(Code::IssuerUnknownListStale));
    let refused = Evidence::new(Trust::Refused(Code::TrustListRollback));
    assert_eq!(answer(&refused, CLOCK), Some(Code::TrustListRollback));
    assert_eq!(answer(&Evidence::default(), CLOCK), Some(Code::TrustListUnavailable));
}

/// Scanners add a line end, a tab or an AIM identifier, editors a byte order mark: the same scan, the same answer.
#[test]
fn what_scanners_and_editors_add_is_taken_off() {
    let text = String::from_utf8(example("qr/small.txt")).expect("a text");
    let text = text.trim_end_matches('\n');
    let plain = read(text).expect("the example is good");
    for (before, after) in [
        ("", "\r\n"),
        ("", "\n\n"),
        ("\n", ""),
        ("\t", "\t\r"),
        ("\u{feff}", "\u{feff}\n"),
        ("]Q1", "\r"),
        ("\t]Q3", ""),
        ("  ", "  "),
    ] {
        let typed = format!("{before}{text}{after}");
        assert_eq!(read(&typed).as_ref(), Ok(&plain), "{before:?} … {after:?}");
        assert!(is_ours(&typed), "{before:?}");
        assert_eq!(scanned(typed.as_bytes()), Some(&*typed), "{before:?} … {after:?}");
    }
    for inside in ["EL1:\r", "E\nL1:", "]QEL1:", "]]1EL1:", "\"EL1:"] {
        assert!(!is_ours(inside) || read(&format!("{inside}{}", &text[4..])).is_err(), "{inside:?}");
    }
}

/// Base45 has the blank among its characters, but nothing encodes to a text that ends with one: taking it off loses nothing.
#[test]
fn no_encoding_ends_with_a_blank() {
    for last in 0..=u16::MAX {
        assert!(!base45_encode(&last.to_be_bytes()).ends_with(' '), "{last}");
        assert!(!base45_encode(&[0, 0, (last >> 8) as u8]).ends_with(' '), "{last}");
    }
}

#[test]
fn a_text_that_merely_begins_like_ours_is_somebody_elses() {
    for (text, ours) in [
        ("EL1:", true),
        ("EL1R:X", true),
        ("EL2:X", true),
        ("ELEVATOR-7F", false),
        ("EL:1", false),
        ("EL1X:", false),
        ("EL12:", false),
        ("el1:", false),
        ("", false),
        ("]Q1", false),
    ] {
        assert_eq!(is_ours(text), ours, "{text:?}");
    }
    assert_eq!(scanned(b"\xff\xfeE\0L\0"), None, "UTF-16");
    assert_eq!(scanned(b"\r\n"), None, "nothing");
    assert_eq!(scanned(b"EL1:\x01"), Some("EL1:\x01"), "damaged, but ours");
}
