//! What the tests of the log share: reading vectors, the public test keys, the tree straight from its definition.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(unreachable_pub, reason = "a module of a test binary")]

use base64::Engine as _;
use licence_spec::log::merkle::{Hash, leaf_hash, node_hash};
use licence_spec::suite::{SeedSigner, sha256};

/// The bytes of a file under `spec/vectors/`.
pub fn vector(path: &str) -> Vec<u8> {
    let path = format!("{}/vectors/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).map_err(|error| format!("{path}: {error}")).expect("a vector")
}

pub fn vector_text(path: &str) -> String {
    String::from_utf8(vector(path)).expect("a text vector")
}

pub fn vector_json(path: &str) -> serde_json::Value {
    serde_json::from_slice(&vector(path)).expect("a JSON vector")
}

pub fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex")).collect()
}

/// A hash in hex or in Base64; `None` if it does not have 32 bytes.
pub fn hash(value: &serde_json::Value) -> Option<Hash> {
    let text = value.as_str().expect("a hash is a text");
    if text.len() == 64 { hex(text).try_into().ok() } else { base64(text).try_into().ok() }
}

pub fn base64(text: &str) -> Vec<u8> {
    base64::engine::general_purpose::STANDARD.decode(text).expect("Base64")
}

/// The hashes of a JSON array, or of null; `None` if one of them does not have 32 bytes.
pub fn hashes(value: &serde_json::Value) -> Option<Vec<Hash>> {
    value.as_array().into_iter().flatten().map(hash).collect()
}

/// The public test key of this name (`keys.json` of the shared vectors).
pub fn test_signer(name: &str) -> SeedSigner {
    SeedSigner::from_seed(&sha256(&[b"elicence example ", name.as_bytes()])).expect("a good key")
}

/// The test log's key: the seed of RFC 8032 §7.1, TEST 3.
pub fn log_signer() -> SeedSigner {
    let seed = hex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7");
    SeedSigner::from_seed(&seed.try_into().expect("32 bytes")).expect("a good key")
}

pub fn leaf(index: u64) -> Hash {
    leaf_hash(&index.to_be_bytes())
}

pub fn leaves(size: u64) -> Vec<Hash> {
    (0..size).map(leaf).collect()
}

/// MTH of RFC 6962 §2.1, word for word.
pub fn tree_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => sha256(&[]),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            node_hash(&tree_root(left), &tree_root(right))
        }
    }
}
