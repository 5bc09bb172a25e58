//! What the tests of the standard share: vectors, and evidence made of them.
#![allow(dead_code, missing_docs, unreachable_pub, clippy::panic)]

use std::path::PathBuf;
use std::sync::Arc;

use licence_spec::catalogue;
use licence_spec::evidence::{Evidence, Trust};
use licence_spec::status::StatusToken;
use licence_spec::time::UnixTime;
use licence_spec::trust::{Root, TrustFiles};
use serde_json::Value;

/// The clock of all generated examples: 2026-11-23T10:00:00Z.
pub const CLOCK: UnixTime = UnixTime(1_795_428_000);

pub fn vector(path: &str) -> Vec<u8> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors").join(path);
    std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

pub fn example(path: &str) -> Vec<u8> {
    vector(&format!("generated-examples/{path}"))
}

pub fn json(path: &str) -> Value {
    serde_json::from_slice(&vector(path)).expect("vectors are JSON")
}

pub fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "hex of odd length");
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Root 1, which everybody trusts, and its successors up to this one: how the test world begins.
pub fn root(path: &str) -> Root {
    let first = Root::open_first(&example("trust/root_1.cbor")).expect("root 1 is good");
    let mut files = TrustFiles::new(first);
    let last = path.strip_prefix("trust/root_").and_then(|rest| rest.strip_suffix(".cbor"));
    let last: u64 = last.and_then(|last| last.parse().ok()).unwrap_or_else(|| panic!("no root {path}"));
    for version in 2..=last {
        files.take_root(&example(&format!("trust/root_{version}.cbor"))).expect("each root follows");
    }
    files.root().clone()
}

/// Every member of a case must be one that the runner looks at: one that it drops would say nothing. `members` are those of
/// the case, `overrides` those of its context.
pub fn only_known(case: &Value, members: &[&str], overrides: &[&str]) {
    let names = |value: &Value| {
        value.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    const TOLD: [&str; 5] = ["id", "outcome", "code", "codes", "reason"];
    let unknown = |name: &String| !TOLD.contains(&name.as_str()) && !members.contains(&name.as_str());
    let own: Vec<_> = names(case).into_iter().filter(|name| name != "context" && unknown(name)).collect();
    assert!(own.is_empty(), "{}: the runner does not know {own:?}", case["id"]);
    let context = names(&case["context"]);
    let own: Vec<_> =
        context.iter().filter(|name| *name != "codes" && !overrides.contains(&name.as_str())).collect();
    assert!(own.is_empty(), "{}: the runner does not know {own:?} of a context", case["id"]);
}

/// Evidence as the `context` of a hostile file names it; `null` means not at hand.
pub fn evidence(context: &Value) -> Evidence {
    let path = |key: &str| context[key].as_str();
    let trust = path("trust").map_or(Trust::Unavailable, |list| {
        let timestamp = path("timestamp").map(example);
        let files = TrustFiles::load(
            root(path("root").expect("a root")),
            &[],
            timestamp.as_deref(),
            Some(&example(list)),
        );
        Trust::Held(Arc::new(files.expect("the trust files of the examples are good")))
    });
    let mut evidence = Evidence::new(trust);
    if let (Some(bytes), Some(list)) = (path("catalogue").map(example), evidence.trust_list().cloned()) {
        let opened = catalogue::open(&bytes, &*list, CLOCK).expect("the catalogue of the examples is good");
        evidence.set_catalogue(Arc::new(opened));
    }
    if let Some(bytes) = path("status").map(example) {
        evidence.add_token(Arc::new(StatusToken::parse(&bytes).expect("the token of the examples is good")));
    }
    evidence
}

/// The context of a file with the overrides of one case.
pub fn context(file: &Value, case: &Value) -> Value {
    let mut context = file["context"].clone();
    if let Some(overrides) = case["context"].as_object() {
        for (key, value) in overrides {
            context[key] = value.clone();
        }
    }
    context
}

pub fn clock(context: &Value) -> UnixTime {
    UnixTime(context["clock"].as_i64().expect("a clock"))
}

/// The context of the licence examples.
pub fn good_context() -> Value {
    json("generated-examples/negative/licence.json")["context"].clone()
}
