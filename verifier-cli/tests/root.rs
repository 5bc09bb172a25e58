//! The pinned root: whoever brings a bundle, its root and its memory brings nothing that makes this tool say ACCEPT.
#![allow(missing_docs)]

mod common;

use std::fs;
use std::process::Output;

use common::{Counter, answer, bundle_file, example, is, newest, text, write_parts};
use licence_spec::suite::{SeedSigner, Signer, sha256};
use licence_spec::time::UnixTime;
use licence_spec::trust::{RoleKeys, RootContent};

/// The digest of the root of the examples, in hex.
fn own_root() -> String {
    hex::encode(sha256(&[&fs::read(example("trust/root_1.cbor")).expect("the example")]))
}

/// The first root of another trust scheme, properly signed.
fn foreign_root() -> Vec<u8> {
    let keys = [1, 2, 3].map(|seed| SeedSigner::from_seed(&[seed; 32]).expect("a key"));
    let role = |key: &SeedSigner| RoleKeys { threshold: 1, keys: vec![*key.public_key()] };
    let content = RootContent {
        version: 1,
        iat: UnixTime(1_790_000_000),
        exp: UnixTime(1_990_000_000),
        name: "another".to_owned(),
        root: role(&keys[0]),
        list: role(&keys[1]),
        timestamp: role(&keys[2]),
    };
    let signer: &dyn Signer = &keys[0];
    content.sign(&[signer]).expect("a root")
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

const NOT_PINNED: &str = "无法确认 INDETERMINATE ROOT_NOT_PINNED";

/// Here the examples are the stranger's: a whole bundle, its own root, a licence that is good by it.
#[test]
fn a_strangers_bundle_is_never_accepted_before_a_root_was_compared() {
    let counter = Counter::new();
    let small = example("licence/small.cbor");
    for verdict in [1, 2].map(|_| counter.run_without_root(&["check", text(&small)])) {
        assert_eq!(answer(&verdict), is(2, NOT_PINNED), "the second time is as the first");
        assert!(
            told(&verdict).contains(&format!("licence-verify pin sha-256:{}", own_root())),
            "{verdict:?}"
        );
    }
    let receipt = example("receipt/receipt_accept.cbor");
    assert_eq!(answer(&counter.run_without_root(&["receipt", text(&receipt)])), is(2, NOT_PINNED));
    let doctor = counter.run_without_root(&["doctor"]);
    assert_eq!(doctor.status.code(), Some(2));
    assert!(told(&doctor).contains(&own_root()), "{doctor:?}");
}

/// The stranger brings the memory as well, in which that root is noted: under the bundle's name, and as an older version
/// of this tool wrote it.
#[test]
fn a_strangers_memory_beside_the_bundle_pins_nothing() {
    let counter = Counter::new();
    let small = example("licence/small.cbor");
    assert_eq!(answer(&counter.check(&small)), is(0, "有效 ACCEPT"));
    let memory = fs::read_to_string(counter.path("bundle.seen.json")).expect("the memory");
    assert!(memory.contains(&own_root()), "it names the root: {memory}");
    fs::write(counter.path("pinned-root"), format!("sha-256:{}\n", own_root())).expect("a file");
    assert_eq!(answer(&counter.run_without_root(&["check", text(&small)])), is(2, NOT_PINNED));
}

#[test]
fn a_strangers_bundle_is_refused_where_the_right_root_is_pinned() {
    let counter = Counter::new();
    let (right, small) = (counter.path("right.cbor"), example("licence/small.cbor"));
    fs::write(&right, foreign_root()).expect("a file");
    let refused = is(2, "无法确认 INDETERMINATE TRUST_LIST_SIGNATURE_INVALID");
    let given = counter.run(&["check", text(&small), "--root", text(&right)]);
    assert_eq!(answer(&given), refused, "{given:?}");
    assert!(told(&given).contains("alarm"), "{given:?}");
    let pinned = counter.tool(&["pin", text(&right)]).output().expect("the tool runs");
    assert_eq!(pinned.status.code(), Some(0), "{pinned:?}");
    assert_eq!(answer(&counter.run_without_root(&["check", text(&small)])), refused);
    let receipt = example("receipt/receipt_accept.cbor");
    assert_eq!(counter.run_without_root(&["receipt", text(&receipt)]).status.code(), Some(2));
    // Nor does a sync put anything of it in the place of what is there.
    let stick = counter.path("stick");
    fs::write(&stick, bundle_file(&newest())).expect("a file");
    fs::remove_dir_all(counter.bundle()).expect("removed");
    assert_eq!(counter.run_without_root(&["sync", text(&stick)]).status.code(), Some(2));
    assert!(!counter.bundle().exists());
}

#[test]
fn a_sync_without_a_pinned_root_takes_nothing_and_tells_what_to_compare() {
    let counter = Counter::empty();
    let stick = counter.path("stick");
    write_parts(&stick, &newest());
    let output = counter.run_without_root(&["sync", text(&stick)]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(told(&output).contains("ROOT_NOT_PINNED") && told(&output).contains(&own_root()), "{output:?}");
    assert!(!counter.bundle().exists());
}

#[test]
fn a_root_that_was_compared_is_pinned_once_and_replaced_only_on_purpose() {
    let counter = Counter::new();
    let small = example("licence/small.cbor");
    let check = || answer(&counter.run_without_root(&["check", text(&small)]));
    let pin = |arguments: &[&str]| {
        let all = [&["pin"], arguments].concat();
        counter.tool(&all).output().expect("the tool runs")
    };
    let own = format!("SHA-256:{}", own_root().to_uppercase());
    assert_eq!(answer(&pin(&[&own])), is(0, &format!("已固定 PINNED sha-256:{}", own_root())));
    assert_eq!(check(), is(0, "有效 ACCEPT"));
    let other = counter.path("other.cbor");
    fs::write(&other, foreign_root()).expect("a file");
    assert_eq!(pin(&[text(&other)]).status.code(), Some(74));
    assert_eq!(check(), is(0, "有效 ACCEPT"), "what was pinned stays");
    assert_eq!(pin(&[text(&other), "--replace"]).status.code(), Some(0));
    assert_eq!(check().0, Some(2));
    for wrong in ["5e5e", "no-such-file", text(&small)] {
        assert!(matches!(pin(&[wrong]).status.code(), Some(64 | 74)), "{wrong}");
    }
}

/// Any root of the chain may be the pinned one: in the file, by digest, and in the folder that `--state` names.
#[test]
fn a_later_root_of_the_chain_may_be_pinned() {
    let counter = Counter::new();
    let (state, second) = (counter.path("state"), example("trust/root_2.cbor"));
    let small = example("licence/small.cbor");
    let given = counter.run(&["check", text(&small), "--root", text(&second)]);
    assert_eq!(answer(&given), is(0, "有效 ACCEPT"));
    let pin = ["pin", text(&second), "--state", text(&state)];
    assert_eq!(counter.tool(&pin).output().expect("the tool runs").status.code(), Some(0));
    let kept = counter.run_without_root(&["check", text(&small), "--state", text(&state)]);
    assert_eq!(answer(&kept), is(0, "有效 ACCEPT"), "{kept:?}");
    // A bundle that does not hold it is refused, though its first root leads to it.
    counter.fill(&common::older());
    let early =
        counter.run(&["check", text(&small), "--root", text(&second), "--state", text(&counter.path("s2"))]);
    assert_eq!(answer(&early), is(2, "无法确认 INDETERMINATE TRUST_LIST_SIGNATURE_INVALID"));
}

#[test]
fn a_damaged_pin_is_a_fault_and_no_verdict() {
    let counter = Counter::new();
    let state = counter.path("state");
    fs::create_dir(&state).expect("a folder");
    fs::write(state.join("pinned-root"), b"sha-256:5e").expect("a file");
    let small = example("licence/small.cbor");
    let output = counter.run_without_root(&["check", text(&small), "--state", text(&state)]);
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(74), true), "{output:?}");
}
