//! Log proofs: the good ones show what they say, the hostile ones fail with the code that they must.

mod log_common;

use licence_spec::log::checkpoint::{Checkpoint, CheckpointError};
use licence_spec::log::merkle::{Hash, MerkleError, TreeHead, leaf_hash};
use licence_spec::log::note::LogKey;
use licence_spec::log::policy::Policy;
use licence_spec::log::proof::{LogFault, LogProof, ProofFault, VerifiedProof, format_proof};
use licence_spec::suite::{Signer as _, sha256};
use log_common::{hash, hex, leaf, log_signer, test_signer, vector, vector_json, vector_text};
use proptest::prelude::*;

const ORIGIN: &str = "gz.elic.example/log";
const SMALL: &str = "log/licence_small.tlog-proof";

fn log_key() -> LogKey {
    LogKey::parse(vector_json("log/log.json")["log_vkey"].as_str().expect("a vkey")).expect("a vkey")
}

fn both_witnesses() -> Policy {
    Policy::parse(&vector_text("log/policy.txt")).expect("a policy")
}

fn example_leaf(index: usize) -> Hash {
    hash(&vector_json("log/log.json")["entries"][index]["leaf_hash_hex"]).expect("a hash")
}

fn verify(proof: &[u8], leaf: &Hash, stored: Option<&TreeHead>) -> Result<VerifiedProof, LogFault> {
    LogProof::parse(proof)?.verify(leaf, [&log_key()], &both_witnesses(), stored)
}

/// The code of spec/verdict.md that a fault has.
fn code(result: &Result<VerifiedProof, LogFault>) -> Option<&'static str> {
    match result {
        Ok(_) => None,
        Err(LogFault::Invalid(_)) => Some("LOG_PROOF_INVALID"),
        Err(LogFault::SplitView { .. }) => Some("LOG_SPLIT_VIEW"),
        Err(LogFault::QuorumMissing(_)) => Some("CHECKPOINT_QUORUM_MISSING"),
    }
}

#[test]
fn the_example_proofs_show_their_leaves_and_are_written_the_same() {
    let log = vector_json("log/log.json");
    let cases = [
        ("licence_small", 3),
        ("licence_business", 4),
        ("compromised_before_cut", 5),
        ("licence_revoked", 6),
        ("compromised_after_cut", 8),
    ];
    for (name, index) in cases {
        let text = vector_text(&format!("log/{name}.tlog-proof"));
        let proof = verify(text.as_bytes(), &example_leaf(index), None).expect("a good proof");
        let root = hash(&log["roots"]["14"]).expect("a root");
        assert_eq!((proof.origin(), proof.index()), (ORIGIN, index as u64), "{name}");
        assert_eq!((proof.head(), proof.cosigners().count()), (TreeHead { size: 14, root }, 2), "{name}");
        assert_eq!(proof.digest(), &sha256(&[text.as_bytes()]), "{name}");
    }
    let hashes = log_common::hashes(&log["inclusion_index_3_size_14"]).expect("hashes");
    assert_eq!(format_proof(3, &hashes, &vector_text("log/checkpoint_14.txt")), vector_text(SMALL));
}

#[test]
fn all_31_hostile_proofs_answer_with_their_codes() {
    let file = vector_json("log/negative.json");
    let cases = file["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 31);
    for case in cases {
        let leaf = match case["leaf_hex"].as_str() {
            Some(entry) => leaf_hash(&hex(entry)),
            None => example_leaf(3),
        };
        let stored = case["context"]["stored_checkpoint"].as_array().map(|stored| TreeHead {
            size: stored[0].as_u64().expect("a size"),
            root: hash(&stored[1]).expect("a root"),
        });
        let proof = case["proof"].as_str().expect("a proof");
        let result = verify(proof.as_bytes(), &leaf, stored.as_ref());
        assert_eq!(code(&result), case["code"].as_str(), "{}: {result:?}", case["id"]);
    }
}

#[test]
fn each_step_of_the_verification_has_its_own_fault() {
    let text = vector_text(SMALL);
    let proof = LogProof::parse(text.as_bytes()).expect("a proof");
    let leaf = example_leaf(3);
    let invalid = |keys: &[LogKey], leaf: &Hash| match proof.verify(leaf, keys, &both_witnesses(), None) {
        Err(LogFault::Invalid(fault)) => fault,
        other => panic!("{other:?}"),
    };
    let not_signed = ProofFault::Checkpoint(CheckpointError::NotSigned);
    assert_eq!(invalid(&[], &leaf), not_signed);
    let renamed = LogKey::new("sz.elic.example/log", *log_key().public_key()).expect("a name");
    assert_eq!(invalid(&[renamed], &leaf), not_signed);
    let other_key = LogKey::new(ORIGIN, *test_signer("rogue").public_key()).expect("a name");
    assert_eq!(invalid(std::slice::from_ref(&other_key), &leaf), not_signed);
    assert_eq!(invalid(&[log_key()], &example_leaf(2)), ProofFault::Inclusion(MerkleError::Root));
    // A log that changed its key: one of its keys signed, the other is not on the note.
    assert!(proof.verify(&leaf, &[other_key, log_key()], &both_witnesses(), None).is_ok());
}

#[test]
fn a_missed_quorum_still_tells_what_was_shown() {
    let text = vector_text(SMALL);
    let one_witness = text.rsplit_once("— ").expect("the second witness").0;
    let Err(LogFault::QuorumMissing(proof)) = verify(one_witness.as_bytes(), &example_leaf(3), None) else {
        panic!("a missed quorum");
    };
    assert_eq!((proof.index(), proof.cosigners().count()), (3, 1));
    let parsed = LogProof::parse(one_witness.as_bytes()).expect("a proof");
    assert!(parsed.verify(&example_leaf(3), [&log_key()], &Policy::none(), None).is_ok());
}

#[test]
fn only_another_root_at_the_same_size_is_a_split_view_and_it_outranks_a_missed_quorum() {
    let log = vector_json("log/log.json");
    let head = |size: u64, root: &str| TreeHead { size, root: hash(&log["roots"][root]).expect("a root") };
    let text = vector_text(SMALL);
    for stored in [head(14, "14"), head(13, "13"), head(13, "14"), head(15, "14")] {
        assert_eq!(code(&verify(text.as_bytes(), &example_leaf(3), Some(&stored))), None, "{stored:?}");
    }
    let other = head(14, "13");
    let one_witness = text.rsplit_once("— ").expect("the second witness").0;
    for proof in [&text, one_witness] {
        let Err(LogFault::SplitView { origin, presented, stored }) =
            verify(proof.as_bytes(), &example_leaf(3), Some(&other))
        else {
            panic!("a split view");
        };
        assert_eq!((origin.as_str(), presented, stored), (ORIGIN, head(14, "14"), other));
    }
    // What is invalid says nothing about the log, so it is no evidence against it.
    let invalid = verify(text.as_bytes(), &example_leaf(2), Some(&other));
    assert_eq!(code(&invalid), Some("LOG_PROOF_INVALID"));
}

#[test]
fn a_proof_in_a_tree_of_one_leaf_has_no_hashes() {
    let head = TreeHead { size: 1, root: leaf(0) };
    let note = Checkpoint { origin: ORIGIN, head }.sign(&log_key(), &log_signer()).expect("a signature");
    let text = format_proof(0, &[], &note);
    let proof = LogProof::parse(text.as_bytes()).expect("a proof");
    assert!(proof.verify(&leaf(0), [&log_key()], &Policy::none(), None).is_ok());
    let with_extra = text.replacen("index", "extra AAAA\nindex", 1);
    let proof = LogProof::parse(with_extra.as_bytes()).expect("an extra line is passed over");
    assert!(proof.verify(&leaf(0), [&log_key()], &Policy::none(), None).is_ok());
}

#[test]
fn a_proof_is_taken_up_to_its_limits_and_refused_one_above() {
    let note = vector_text("log/checkpoint_14.txt");
    let with_hashes = |count: usize| format_proof(0, &vec![leaf(0); count], &note);
    assert!(LogProof::parse(with_hashes(63).as_bytes()).is_ok());
    assert_eq!(LogProof::parse(with_hashes(64).as_bytes()).err(), Some(ProofFault::TooManyHashes));
    let bare = with_hashes(0);
    // "extra ", Base64 in groups of four, LF.
    let of_groups =
        |groups: usize| bare.replacen("index", &format!("extra {}\nindex", "AAAA".repeat(groups)), 1);
    let fitting = (32_768 - bare.len() - 7) / 4;
    assert!(LogProof::parse(of_groups(fitting).as_bytes()).is_ok());
    let above = of_groups(fitting + 1);
    assert!((32_769..=32_772).contains(&above.len()), "{}", above.len());
    assert_eq!(LogProof::parse(above.as_bytes()).err(), Some(ProofFault::TooLong));
    let mut exact = vec![b'x'; 32_768];
    assert_eq!(LogProof::parse(&exact).err(), Some(ProofFault::Syntax));
    exact.push(b'x');
    assert_eq!(LogProof::parse(&exact).err(), Some(ProofFault::TooLong));
    assert_eq!(LogProof::parse(b"").err(), Some(ProofFault::Syntax));
    assert_eq!(LogProof::parse(b"c2sp.org/tlog-proof@v1\n\xff").err(), Some(ProofFault::Syntax));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Invariant 2 of ARCHITECTURE.md: nobody is accepted on a proof that was changed anywhere.
    #[test]
    fn a_proof_with_any_bit_flipped_shows_nothing(at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut proof = vector(SMALL);
        let at = at.index(proof.len());
        proof[at] ^= 1 << bit;
        prop_assert!(verify(&proof, &example_leaf(3), None).is_err(), "byte {at}, bit {bit}");
    }

    /// Invariant 3 of ARCHITECTURE.md: removing evidence never turns a verdict into ACCEPT.
    #[test]
    fn a_proof_without_any_one_line_shows_nothing(line in 0_usize..13) {
        let text = vector_text(SMALL);
        let rest = text.split_inclusive('\n').enumerate().filter(|(at, _)| *at != line).map(|(_, line)| line);
        prop_assert!(verify(rest.collect::<String>().as_bytes(), &example_leaf(3), None).is_err(), "line {line}");
    }
}
