//! Offline bundles: the paths, and packing of the example files.
#![allow(missing_docs)]

mod common;

use common::example;
use licence_spec::bundle::{
    Bundle, CATALOGUE, LIST, TIMESTAMP, checkpoint_path, is_path, root_path, status_path,
};

const STATUS_URI: &str = "https://gz.elic.example/v1/status-lists/17";
const ORIGIN: &str = "gz.elic.example/log";

fn good() -> Vec<(String, Vec<u8>)> {
    vec![
        (root_path(1), example("trust/root_1.cbor")),
        (root_path(2), example("trust/root_2.cbor")),
        (TIMESTAMP.into(), example("trust/timestamp_2.cbor")),
        (LIST.into(), example("trust/list_2.cbor")),
        (CATALOGUE.into(), example("catalogue/catalogue_1.cbor")),
        (status_path(STATUS_URI), example("status/token.cbor")),
        (checkpoint_path(ORIGIN), example("log/checkpoint_14.txt")),
    ]
}

#[test]
fn a_bundle_comes_back_as_it_was_packed_whatever_the_order() {
    let packed = Bundle::new(good()).expect("good").to_bytes();
    assert_eq!(Bundle::new(good().into_iter().rev()).expect("good").to_bytes(), packed);
    let read = Bundle::parse(&packed).expect("own bundles are good");
    assert_eq!(read.to_bytes(), packed);
    assert_eq!(read.parts().count(), 7);
    for (path, bytes) in good() {
        assert_eq!(read.part(&path), Some(bytes.as_slice()), "{path}");
    }
    assert_eq!(read.part(&status_path("https://gz.elic.example/v1/status-lists/18")), None);
}

#[test]
fn lists_and_logs_are_named_by_the_sha256_of_their_names() {
    // By `printf %s NAME | sha256sum`.
    let status = "status/5adbc6cdf09c556b0a6aa5880dcc86d0726729f7df831b927f94e2bb0d3ce7f2.cbor";
    let checkpoint = "log/53e89b593d05555110c53e498d6d7f9da66ecb5f397a5d1ee071dec8700aa81e/checkpoint";
    assert_eq!(status_path(STATUS_URI), status);
    assert_eq!(checkpoint_path(ORIGIN), checkpoint);
}

#[test]
fn paths_in_another_spelling_are_refused() {
    let digest = "ab".repeat(32);
    let bad = [
        "catalogue.cbor/".into(),
        "./catalogue.cbor".into(),
        "trust/root_+1.cbor".into(),
        "trust/root_.cbor".into(),
        "trust/root_99999999999999999999.cbor".into(),
        "trust/../catalogue.cbor".into(),
        "Trust/list.cbor".into(),
        format!("status/{}.cbor", digest.to_uppercase()),
        format!("status/{}.cbor", &digest[1..]),
        format!("status/{digest}"),
        format!("status/{}é.cbor", &digest[2..]),
        format!("log/{digest}"),
        format!("log/{digest}/checkpoint/"),
        format!("log/../{digest}/checkpoint"),
    ];
    for text in bad {
        assert!(!is_path(&text), "{text}");
    }
}

#[test]
fn roots_come_in_the_order_of_their_versions_and_end_at_a_gap() {
    let parts = [10, 2, 4, 1, 3].map(|version| (root_path(version), vec![version as u8]));
    let read = Bundle::parse(&Bundle::new(parts).expect("good").to_bytes()).expect("good");
    assert_eq!(read.roots(), [[1], [2], [3], [4]]);
}

#[test]
fn a_bundle_past_its_cap_is_neither_made_nor_read() {
    let parts = |count: usize| (0..count).map(|at| (status_path(&at.to_string()), vec![0; 1 << 20]));
    let packed = Bundle::new(parts(63)).expect("63 MiB fit").to_bytes();
    assert!(packed.len() <= 64 << 20 && Bundle::parse(&packed).is_ok());
    assert!(Bundle::new(parts(64)).is_err());
    assert!(Bundle::parse(&vec![0xa0; (64 << 20) + 1]).is_err());
}

#[test]
fn what_is_not_the_canonical_map_is_refused() {
    let packed = Bundle::new([(TIMESTAMP.into(), vec![7])]).expect("good").to_bytes();
    let mut trailing = packed.clone();
    trailing.push(0);
    let mut unsorted = vec![0xa2, 0x74];
    unsorted.extend(b"trust/timestamp.cbor");
    unsorted.extend([0x41, 7, 0x6e]);
    unsorted.extend(b"catalogue.cbor");
    unsorted.extend([0x41, 7]);
    let mut text_part = packed.clone();
    let at = text_part.len() - 2;
    text_part[at] = 0x61;
    for bytes in
        [trailing, unsorted, text_part, packed[..packed.len() - 1].to_vec(), vec![0xa1, 1, 0x41, 7], vec![]]
    {
        assert!(Bundle::parse(&bytes).is_err());
    }
    assert!(Bundle::parse(&packed).is_ok());
    assert!(Bundle::parse(&[0xa0]).is_ok_and(|bundle| bundle.parts().count() == 0));
    assert!(Bundle::new([(LIST.into(), vec![1]), (LIST.into(), vec![2])]).is_err());
}
