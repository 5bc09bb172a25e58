//! The RFC 6962 tree against public vectors, against its definition, and against changed proofs.

mod log_common;

use licence_spec::log::merkle::{
    EMPTY_ROOT, Frontier, Hash, MAX_TREE_SIZE, MerkleError, Node, ProofError, TreeHead, consistency_proof,
    inclusion_proof, root, root_of, verify_consistency, verify_inclusion,
};
use log_common::{hash, hashes, leaf, leaves, tree_root, vector_json};
use proptest::prelude::*;

/// Answers nodes from the definition of the tree.
fn node_of(leaves: &[Hash]) -> impl FnMut(Node) -> Result<Hash, &'static str> {
    move |node| {
        let begin = (node.index << node.level) as usize;
        let part =
            leaves.get(begin..begin + (1 << node.level)).ok_or("a node outside the tree was asked for")?;
        Ok(tree_root(part))
    }
}

/// PATH of RFC 6962 §2.1.1, word for word.
fn path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() == 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (mut path, sibling) =
        if index < left.len() { (path(index, left), right) } else { (path(index - left.len(), right), left) };
    path.push(tree_root(sibling));
    path
}

/// SUBPROOF of RFC 6962 §2.1.2, word for word.
fn subproof(old: usize, leaves: &[Hash], whole: bool) -> Vec<Hash> {
    if old == leaves.len() {
        return if whole { Vec::new() } else { vec![tree_root(leaves)] };
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (mut proof, sibling) = if old <= left.len() {
        (subproof(old, left, whole), right)
    } else {
        (subproof(old - left.len(), right, false), left)
    };
    proof.push(tree_root(sibling));
    proof
}

#[test]
fn every_public_inclusion_case_answers_as_it_says() {
    let cases = vector_json("transparency-dev-merkle/inclusion.json");
    let cases = cases.as_array().expect("an array");
    assert_eq!(cases.len(), 98);
    for case in cases {
        let index = case["leafIdx"].as_u64().expect("an index");
        let size = case["treeSize"].as_u64().expect("a size");
        // Where a hash does not have 32 bytes, our types cannot hold it: that is an error, as the case wants.
        let good = (|| {
            let head = TreeHead { size, root: hash(&case["root"])? };
            verify_inclusion(index, &hash(&case["leafHash"])?, &hashes(&case["proof"])?, &head).ok()
        })();
        assert_eq!(good.is_none(), case["wantErr"] == true, "{}", case["file"]);
    }
}

#[test]
fn every_public_consistency_case_but_the_one_without_real_roots_answers_as_it_says() {
    let cases = vector_json("transparency-dev-merkle/consistency.json");
    let cases = cases.as_array().expect("an array");
    assert_eq!(cases.len(), 98);
    let mut as_said = 0;
    for case in cases {
        let head = |size: &str, root: &str| {
            let size = case[size].as_u64().expect("a size");
            hash(&case[root]).map(|root| TreeHead { size, root })
        };
        let good = (|| {
            let (old, new) = (head("size1", "root1")?, head("size2", "root2")?);
            verify_consistency(&old, &new, &hashes(&case["proof"])?).ok()
        })();
        if good.is_none() == (case["wantErr"] == true) {
            as_said += 1;
        } else {
            assert_eq!(case["desc"], "sizes are equal (one) and proof is empty");
        }
    }
    assert_eq!(as_said, 97);
}

#[test]
fn the_example_log_has_the_roots_and_proofs_of_its_vector() {
    let log = vector_json("log/log.json");
    let entries = log["entries"].as_array().expect("entries");
    let all: Vec<Hash> = entries.iter().map(|entry| hash(&entry["leaf_hash_hex"]).expect("a hash")).collect();
    assert_eq!(all.len(), 14);
    let mut frontier = Frontier::default();
    for size in 0..=all.len() {
        let expected = hash(&log["roots"][size.to_string()]).expect("a root");
        assert_eq!(frontier.root(), expected, "size {size}");
        assert_eq!(root_of(&all[..size]), expected, "size {size}");
        assert_eq!(root(size as u64, node_of(&all)), Ok(expected), "size {size}");
        if let Some(next) = all.get(size) {
            frontier.push(*next);
        }
    }
    let inclusion = hashes(&log["inclusion_index_3_size_14"]).expect("hashes");
    assert_eq!(inclusion_proof(3, 14, node_of(&all)), Ok(inclusion));
    let consistency = hashes(&log["consistency_4_14"]).expect("hashes");
    assert_eq!(consistency_proof(4, 14, node_of(&all)), Ok(consistency));
}

#[test]
fn proofs_of_all_small_trees_are_those_of_the_definition_and_verify() {
    let all = leaves(67);
    for size in 1..=all.len() {
        let tree = &all[..size];
        let head = TreeHead { size: size as u64, root: tree_root(tree) };
        for index in 0..size {
            let proof = inclusion_proof(index as u64, head.size, node_of(tree)).expect("inside the tree");
            assert_eq!(proof, path(index, tree), "index {index} of {size}");
            assert_eq!(
                verify_inclusion(index as u64, &tree[index], &proof, &head),
                Ok(()),
                "index {index} of {size}"
            );
        }
        for old in 1..=size {
            let proof = consistency_proof(old as u64, head.size, node_of(tree)).expect("inside the tree");
            assert_eq!(proof, subproof(old, tree, true), "{old} to {size}");
            let old = TreeHead { size: old as u64, root: tree_root(&tree[..old]) };
            assert_eq!(verify_consistency(&old, &head, &proof), Ok(()), "{old:?} to {head:?}");
        }
    }
}

#[test]
fn the_empty_tree_is_the_beginning_of_every_tree_with_an_empty_proof_only() {
    let head = TreeHead { size: 5, root: tree_root(&leaves(5)) };
    assert_eq!(verify_consistency(&TreeHead::EMPTY, &head, &[]), Ok(()));
    assert_eq!(verify_consistency(&TreeHead::EMPTY, &head, &[leaf(0)]), Err(MerkleError::Length));
    assert_eq!(verify_consistency(&TreeHead::EMPTY, &TreeHead::EMPTY, &[]), Ok(()));
    let false_empty = TreeHead { size: 0, root: leaf(0) };
    assert_eq!(verify_consistency(&false_empty, &head, &[]), Err(MerkleError::Root));
    assert_eq!(verify_consistency(&head, &TreeHead::EMPTY, &[]), Err(MerkleError::OutOfRange));
    assert_eq!(root_of(&[]), EMPTY_ROOT);
}

#[test]
fn questions_outside_the_tree_are_refused_before_any_hash_is_asked_for() {
    let silent = |_: Node| -> Result<Hash, &str> { panic!("no hash is needed to refuse") };
    assert_eq!(inclusion_proof(5, 5, silent), Err(ProofError::OutOfRange));
    assert_eq!(inclusion_proof(0, MAX_TREE_SIZE + 1, silent), Err(ProofError::OutOfRange));
    assert_eq!(consistency_proof(6, 5, silent), Err(ProofError::OutOfRange));
    assert_eq!(root(MAX_TREE_SIZE + 1, silent), Err(ProofError::OutOfRange));
    let leaf_of_all = leaf(0);
    assert_eq!(
        verify_inclusion(7, &leaf_of_all, &[], &TreeHead { size: 7, root: leaf_of_all }),
        Err(MerkleError::OutOfRange)
    );
}

#[test]
fn proofs_of_the_largest_tree_have_63_hashes_at_most() {
    let same = |_: Node| -> Result<Hash, &str> { Ok(leaf(0)) };
    for index in [0, 1, MAX_TREE_SIZE / 2, MAX_TREE_SIZE - 1] {
        let proof = inclusion_proof(index, MAX_TREE_SIZE, same).expect("inside the tree");
        assert!(proof.len() <= 63, "{} hashes for index {index}", proof.len());
    }
    for old in [1, 2, 3, MAX_TREE_SIZE / 2, MAX_TREE_SIZE - 1] {
        let proof = consistency_proof(old, MAX_TREE_SIZE, same).expect("inside the tree");
        assert!(proof.len() <= 63, "{} hashes for old {old}", proof.len());
    }
}

#[test]
fn a_stored_edge_needs_one_hash_for_each_bit_of_its_size() {
    let mut frontier = Frontier::default();
    for leaf in leaves(11) {
        frontier.push(leaf);
    }
    let edge = frontier.edge().to_vec();
    assert_eq!(Frontier::from_parts(11, edge.clone()), Some(frontier));
    assert_eq!(Frontier::from_parts(12, edge.clone()), None);
    assert_eq!(Frontier::from_parts(0, Vec::new()), Some(Frontier::default()));
    assert_eq!(Frontier::from_parts(MAX_TREE_SIZE + 1, vec![leaf(0)]), None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Invariant 1 of ARCHITECTURE.md: a licence counts as logged only with a proof, so no other proof may pass.
    #[test]
    fn an_inclusion_proof_with_any_bit_flipped_or_hash_moved_fails(
        (size, index) in (1_u64..600).prop_flat_map(|size| (Just(size), 0..size)),
        bit in 0_usize..256,
        at in any::<prop::sample::Index>(),
    ) {
        let all = leaves(size);
        let head = TreeHead { size, root: root_of(&all) };
        let proof = inclusion_proof(index, size, node_of(&all)).expect("inside the tree");
        let leaf = all[index as usize];
        prop_assert_eq!(verify_inclusion(index, &leaf, &proof, &head), Ok(()));

        let flip = |hash: &Hash| { let mut hash = *hash; hash[bit / 8] ^= 1 << (bit % 8); hash };
        prop_assert!(verify_inclusion(index, &flip(&leaf), &proof, &head).is_err());
        let other = TreeHead { root: flip(&head.root), ..head };
        prop_assert!(verify_inclusion(index, &leaf, &proof, &other).is_err());
        prop_assert!(verify_inclusion(index ^ 1, &leaf, &proof, &head).is_err());
        let mut longer = proof.clone();
        longer.push(leaf);
        prop_assert!(verify_inclusion(index, &leaf, &longer, &head).is_err());
        if !proof.is_empty() {
            let mut flipped = proof.clone();
            let at = at.index(proof.len());
            flipped[at] = flip(&flipped[at]);
            prop_assert!(verify_inclusion(index, &leaf, &flipped, &head).is_err());
            prop_assert!(verify_inclusion(index, &leaf, &proof[1..], &head).is_err());
            prop_assert!(verify_inclusion(index, &leaf, &proof[..proof.len() - 1], &head).is_err());
        }
    }

    /// Invariant 4 of ARCHITECTURE.md: log heads never go backwards and never fork, so no other growth may pass.
    #[test]
    fn a_consistency_proof_with_any_bit_flipped_or_hash_missing_fails(
        (new, old) in (2_u64..600).prop_flat_map(|new| (Just(new), 1..new)),
        bit in 0_usize..256,
        at in any::<prop::sample::Index>(),
    ) {
        let all = leaves(new);
        let new = TreeHead { size: new, root: root_of(&all) };
        let old = TreeHead { size: old, root: root_of(&all[..old as usize]) };
        let proof = consistency_proof(old.size, new.size, node_of(&all)).expect("inside the tree");
        prop_assert_eq!(verify_consistency(&old, &new, &proof), Ok(()));

        let flip = |hash: &Hash| { let mut hash = *hash; hash[bit / 8] ^= 1 << (bit % 8); hash };
        let mut flipped = proof.clone();
        let at = at.index(proof.len());
        flipped[at] = flip(&flipped[at]);
        prop_assert!(verify_consistency(&old, &new, &flipped).is_err());
        prop_assert!(verify_consistency(&old, &new, &proof[1..]).is_err());
        let other_old = TreeHead { root: flip(&old.root), ..old };
        prop_assert!(verify_consistency(&other_old, &new, &proof).is_err());
        let other_new = TreeHead { root: flip(&new.root), ..new };
        prop_assert!(verify_consistency(&old, &other_new, &proof).is_err());
        let fork = TreeHead { size: old.size, ..new };
        prop_assert!(verify_consistency(&old, &fork, &[]).is_err());
    }
}
