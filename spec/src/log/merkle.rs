//! The RFC 6962 tree: which root do these leaves have, and does a proof connect a leaf or an older tree to it?
//!
//! In scope: leaf and node hashes, a growing right edge, both kinds of proof, made and checked, over any source of
//! node hashes. Out of scope: where the hashes are kept (`tile`), who signed the root (`checkpoint`).
//! Format: spec/log.md §2; vectors in spec/vectors/transparency-dev-merkle/ and spec/vectors/log/.

use alloc::vec::Vec;
use core::fmt;

use crate::suite::tree_hash;

/// A hash of the tree: SHA-256 with the prefixes of RFC 6962 §2.1. Everything else that is SHA-256 is a digest.
pub type Hash = [u8; 32];

/// The root of the tree without leaves: SHA-256 of nothing (RFC 6962 §2.1).
pub const EMPTY_ROOT: Hash = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27,
    0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// Largest number of leaves, 2^62: with more, a consistency proof may need more than 63 hashes.
pub const MAX_TREE_SIZE: u64 = 1 << 62;

/// Most hashes in a proof, inclusion or consistency (C2SP tlog-witness).
pub const MAX_PROOF_HASHES: usize = 63;

/// The hash of a leaf: SHA-256(00, entry).
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Hash {
    tree_hash(&[&[0x00], entry])
}

/// The hash of an inner node: SHA-256(01, left, right).
#[must_use]
pub fn node_hash(left: &Hash, right: &Hash) -> Hash {
    tree_hash(&[&[0x01], left, right])
}

/// The root of the tree over these leaf hashes.
#[must_use]
pub fn root_of(leaves: &[Hash]) -> Hash {
    let mut frontier = Frontier::default();
    for leaf in leaves {
        frontier.push(*leaf);
    }
    frontier.root()
}

/// A signed or stored statement about a tree: so many leaves, this root.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TreeHead {
    /// Number of leaves.
    pub size: u64,
    /// Root hash of the tree of that size.
    pub root: Hash,
}

impl TreeHead {
    /// The head of the tree without leaves.
    pub const EMPTY: TreeHead = TreeHead { size: 0, root: EMPTY_ROOT };
}

impl fmt::Debug for TreeHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, ..] = self.root;
        write!(f, "TreeHead({}, {a:02x}{b:02x}{c:02x}{d:02x}…)", self.size)
    }
}

/// The right edge of a growing tree: its size and the roots of its perfect subtrees, the largest first.
/// At most 62 hashes, whatever the size; enough to append and to tell the root.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    edge: Vec<Hash>,
}

impl Frontier {
    /// A stored edge: one hash for every bit that is set in `size`, the largest subtree first. `None` if the number
    /// of hashes differs, or the size is above [`MAX_TREE_SIZE`].
    #[must_use]
    pub fn from_parts(size: u64, edge: Vec<Hash>) -> Option<Frontier> {
        let fits = size <= MAX_TREE_SIZE && edge.len() == size.count_ones() as usize;
        fits.then_some(Frontier { size, edge })
    }

    /// Number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The roots of the perfect subtrees, the largest first.
    #[must_use]
    pub fn edge(&self) -> &[Hash] {
        &self.edge
    }

    /// Appends a leaf by its hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        // Every trailing one bit of the old size is a perfect subtree as high as the new one: they become one.
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.edge.pop() {
                hash = node_hash(&left, &hash);
            }
        }
        self.edge.push(hash);
        self.size += 1;
    }

    /// The root of the tree.
    #[must_use]
    pub fn root(&self) -> Hash {
        fold_right(&self.edge).unwrap_or(EMPTY_ROOT)
    }

    /// Size and root together.
    #[must_use]
    pub fn head(&self) -> TreeHead {
        TreeHead { size: self.size, root: self.root() }
    }
}

/// The root over perfect subtrees of falling height: H(a, H(b, H(c, d))). `None` for none.
pub(super) fn fold_right(edge: &[Hash]) -> Option<Hash> {
    let (last, rest) = edge.split_last()?;
    Some(rest.iter().rev().fold(*last, |right, left| node_hash(left, &right)))
}

/// Why a proof does not hold. The three are told apart for logs only; a verdict treats them alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MerkleError {
    /// The index lies outside the tree, or the old tree is larger than the new one.
    OutOfRange,
    /// The proof has too few or too many hashes for this index and size.
    Length,
    /// The hashes lead to another root.
    Root,
}

impl fmt::Display for MerkleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MerkleError::OutOfRange => "index or size outside the tree",
            MerkleError::Length => "the proof has the wrong number of hashes",
            MerkleError::Root => "the proof leads to another root",
        })
    }
}

impl core::error::Error for MerkleError {}

/// Checks that `leaf` is the leaf at `index`, counted from 0, of the tree `head`. Hashes go from leaf to root.
///
/// # Errors
/// [`MerkleError`], see there. Source: RFC 9162 §2.1.3.2.
pub fn verify_inclusion(index: u64, leaf: &Hash, proof: &[Hash], head: &TreeHead) -> Result<(), MerkleError> {
    if index >= head.size {
        return Err(MerkleError::OutOfRange);
    }
    let (mut node, mut last, mut hash) = (index, head.size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return Err(MerkleError::Length);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            // The right edge may have no sibling for some levels: climb to where this node is a right child.
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(MerkleError::Length);
    }
    if hash == head.root { Ok(()) } else { Err(MerkleError::Root) }
}

/// Checks that the tree `new` begins with all the leaves of the tree `old`.
///
/// Equal sizes need equal roots and an empty proof. An old tree without leaves is the beginning of every tree; its
/// proof is empty (C2SP tlog-witness), and its root must be [`EMPTY_ROOT`].
///
/// # Errors
/// [`MerkleError`], see there. Source: RFC 9162 §2.1.4.2.
pub fn verify_consistency(old: &TreeHead, new: &TreeHead, proof: &[Hash]) -> Result<(), MerkleError> {
    if old.size > new.size {
        return Err(MerkleError::OutOfRange);
    }
    if old.size == new.size || old.size == 0 {
        return verify_trivial(old, new, proof);
    }
    // An old tree that is perfect is itself the first hash, and is left out of the proof.
    let (seed, rest) = if old.size.is_power_of_two() {
        (old.root, proof)
    } else {
        let (first, rest) = proof.split_first().ok_or(MerkleError::Length)?;
        (*first, rest)
    };
    let shift = (old.size - 1).trailing_ones();
    let (mut node, mut last) = ((old.size - 1) >> shift, (new.size - 1) >> shift);
    let (mut old_root, mut new_root) = (seed, seed);
    for hash in rest {
        if last == 0 {
            return Err(MerkleError::Length);
        }
        if node & 1 == 1 || node == last {
            old_root = node_hash(hash, &old_root);
            new_root = node_hash(hash, &new_root);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_root = node_hash(&new_root, hash);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(MerkleError::Length);
    }
    if old_root == old.root && new_root == new.root { Ok(()) } else { Err(MerkleError::Root) }
}

fn verify_trivial(old: &TreeHead, new: &TreeHead, proof: &[Hash]) -> Result<(), MerkleError> {
    if !proof.is_empty() {
        return Err(MerkleError::Length);
    }
    let empty_is_empty = |head: &TreeHead| head.size != 0 || head.root == EMPTY_ROOT;
    let same = old.size != new.size || old.root == new.root;
    if same && empty_is_empty(old) && empty_is_empty(new) { Ok(()) } else { Err(MerkleError::Root) }
}

/// A perfect subtree: 2^`level` leaves, the first of them at `index` * 2^`level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// Height above the leaves, 0 to 62.
    pub level: u32,
    /// Position among the nodes of its level, from 0.
    pub index: u64,
}

/// Why a proof could not be made: the question was wrong, or the source could not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofError<E> {
    /// The index lies outside the tree, or the old tree is empty or larger than the new one.
    OutOfRange,
    /// The source of node hashes failed.
    Source(E),
}

impl<E: fmt::Display> fmt::Display for ProofError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProofError::OutOfRange => f.write_str("index or size outside the tree"),
            ProofError::Source(error) => write!(f, "a hash of the tree cannot be had: {error}"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> core::error::Error for ProofError<E> {}

/// The inclusion proof of the leaf at `index` in the tree of `size` leaves. `nodes` gives the hash of any perfect
/// subtree within that size; it is asked at most about twice 62 times.
///
/// # Errors
/// [`ProofError::OutOfRange`], or what `nodes` answered. Source: RFC 9162 §2.1.3.1.
pub fn inclusion_proof<E>(
    index: u64,
    size: u64,
    mut nodes: impl FnMut(Node) -> Result<Hash, E>,
) -> Result<Vec<Hash>, ProofError<E>> {
    if index >= size || size > MAX_TREE_SIZE {
        return Err(ProofError::OutOfRange);
    }
    let mut proof = Vec::new();
    path(Node { level: 0, index }, size, &mut nodes, &mut proof).map_err(ProofError::Source)?;
    Ok(proof)
}

/// The proof that the tree of `new` leaves begins with the tree of `old` leaves; empty if the sizes are equal or the
/// old tree is empty.
///
/// # Errors
/// [`ProofError::OutOfRange`] if `old` > `new`, or what `nodes` answered. Source: RFC 9162 §2.1.4.1.
pub fn consistency_proof<E>(
    old: u64,
    new: u64,
    mut nodes: impl FnMut(Node) -> Result<Hash, E>,
) -> Result<Vec<Hash>, ProofError<E>> {
    if old > new || new > MAX_TREE_SIZE {
        return Err(ProofError::OutOfRange);
    }
    let mut proof = Vec::new();
    if old == new || old == 0 {
        return Ok(proof);
    }
    // The smallest perfect subtree on the right edge of the old tree, and the way from there to the new root.
    let level = old.trailing_zeros();
    let start = Node { level, index: (old - 1) >> level };
    if start.index != 0 {
        proof.push(nodes(start).map_err(ProofError::Source)?);
    }
    path(start, new, &mut nodes, &mut proof).map_err(ProofError::Source)?;
    Ok(proof)
}

/// The root of the tree of `size` leaves.
///
/// # Errors
/// [`ProofError::OutOfRange`] above [`MAX_TREE_SIZE`], or what `nodes` answered.
pub fn root<E>(size: u64, mut nodes: impl FnMut(Node) -> Result<Hash, E>) -> Result<Hash, ProofError<E>> {
    if size > MAX_TREE_SIZE {
        return Err(ProofError::OutOfRange);
    }
    if size == 0 {
        return Ok(EMPTY_ROOT);
    }
    range(0, size, &mut nodes).map_err(ProofError::Source)
}

/// The siblings from `start` up to the root of the tree of `size` leaves. `start` lies within the tree.
fn path<E>(
    start: Node,
    size: u64,
    nodes: &mut impl FnMut(Node) -> Result<Hash, E>,
    proof: &mut Vec<Hash>,
) -> Result<(), E> {
    let Node { mut level, mut index } = start;
    let mut last = (size - 1) >> level;
    while last != 0 {
        if index & 1 == 1 {
            proof.push(nodes(Node { level, index: index - 1 })?);
        } else if index < last {
            let sibling = index + 1;
            // Only the last node of a level can be imperfect; it has no hash of its own in any tile.
            let hash = if sibling < last {
                nodes(Node { level, index: sibling })?
            } else {
                range(sibling << level, size, nodes)?
            };
            proof.push(hash);
        }
        index >>= 1;
        last >>= 1;
        level += 1;
    }
    Ok(())
}

/// The hash over the leaves `start` .. `end`, not empty; `start` is a multiple of every subtree size that fits.
fn range<E>(start: u64, end: u64, nodes: &mut impl FnMut(Node) -> Result<Hash, E>) -> Result<Hash, E> {
    let mut edge = Vec::with_capacity((end - start).count_ones() as usize);
    let mut begin = start;
    while begin < end {
        let level = (end - begin).ilog2();
        edge.push(nodes(Node { level, index: begin >> level })?);
        begin += 1 << level;
    }
    Ok(fold_right(&edge).unwrap_or(EMPTY_ROOT))
}
