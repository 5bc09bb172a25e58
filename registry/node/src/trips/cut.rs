//! Whether a licence of a compromised key stood in the log before the cut, looked up where this node holds that log: its own, or a mirror.
//!
//! In scope: root and inclusion proofs of the tree at a cut, judging again with what was found. Out of scope: what a cut means for a
//! verdict (`licence_spec::trust::Cut`, which believes nothing of what is handed to it here), following logs (`mirror`).
//! Rare: only a verdict that would be KEY_COMPROMISED_NO_PROOF comes here. A mirror has entries and no tiles, so its tree is made
//! once for each cut and kept: a thief may present any number of licences.

use std::sync::{Arc, PoisonError};

use licence_spec::credential::Credential;
use licence_spec::evidence::Evidence;
use licence_spec::log::checkpoint::Checkpoint;
use licence_spec::log::entry::{Entry, Op};
use licence_spec::log::merkle::{self, Hash, ProofError, TreeHead, leaf_hash};
use licence_spec::log::note::LogKey;
use licence_spec::log::proof::format_proof;
use licence_spec::log::tile::{Bundle, TileError};
use licence_spec::policy::{CutProof, Policy, Question};
use licence_spec::trust::{CutTree, TrustList};
use licence_spec::verdict::{Code, Verdict};
use licence_store::{LicenceRow, Read, StoreError};

use crate::exchange::mirror;
use crate::node::Node;
use crate::node::cut_trees::{CutTrees, Tree};
use crate::node::keys::Usage;
use crate::node::log::{self, LogError};

/// Most leaves of a mirrored tree that is made in memory: 8 bytes each, 128 MiB.
const MAX_LEAVES: u64 = 1 << 24;
/// Most trees that are kept: keys are seldom stolen.
const MAX_TREES: usize = 4;
/// Leaves of a full bundle, and its height.
const BUNDLE: (u64, u32) = (256, 8);

/// Why a tree could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum CutError {
    /// The own log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored bundle has a wrong shape.
    #[error("日志数据格式有误 / a part of the log has a wrong shape: {0}")]
    Shape(#[from] TileError),
    /// The index lies outside the tree.
    #[error("序号超出日志 / the index lies outside the log")]
    Range,
    /// The log is too long to be looked through in memory.
    #[error(
        "日志过长，无法在内存中查找 / the log has more than {MAX_LEAVES} leaves: too long to be looked through"
    )]
    Long,
}

impl From<ProofError<CutError>> for CutError {
    fn from(error: ProofError<CutError>) -> CutError {
        match error {
            ProofError::OutOfRange => CutError::Range,
            ProofError::Source(error) => error,
        }
    }
}

/// Where a leaf stands.
pub struct Found {
    index: u64,
    hashes: Vec<Hash>,
}

/// Judges what was presented, and once more with a look at the log if a compromised key is all that stands against it there.
/// `bytes` gives the licence itself.
pub fn judge_with_cut(
    node: &Node,
    evidence: &Evidence,
    policy: &Policy<'_>,
    bytes: impl FnOnce() -> Option<Vec<u8>>,
    judge: impl Fn(&Policy<'_>) -> Verdict,
) -> Verdict {
    let verdict = judge(policy);
    if !verdict.codes().any(|code| code == Code::KeyCompromisedNoProof) {
        return verdict;
    }
    let found = bytes().map(|bytes| look_up(node, evidence, &bytes)).transpose();
    let found = found.unwrap_or_else(|error| {
        tracing::warn!(%error, "the log of a compromised key cannot be looked through");
        None
    });
    let Some(found) = found.flatten() else { return verdict };
    let cut_proof = Some(CutProof { index: found.index, hashes: &found.hashes });
    let question = Question { cut_proof, ..policy.question };
    judge(&Policy { id: policy.id.clone(), question, ..*policy })
}

/// Where a licence stands in the tree of its key's cut; `None` if it does not, or if this node does not hold that log.
fn look_up(node: &Node, evidence: &Evidence, bytes: &[u8]) -> Result<Option<Found>, CutError> {
    let (Ok(licence), Some(list)) = (Credential::parse(bytes), evidence.trust_list()) else {
        return Ok(None);
    };
    let Some((size, tree)) = cut_of(list, &licence) else { return Ok(None) };
    let digest = licence.object.statement_digest();
    let leaf = Entry { op: Op::Issued, time: licence.iat, digest }.leaf_hash();
    prove(node, tree, size, &leaf)
}

/// Size and tree of the cut, if the key that signed this licence is compromised and the list names them.
fn cut_of<'a>(list: &'a TrustList, licence: &Credential<'_>) -> Option<(u64, &'a CutTree)> {
    let mut keys = list.entry(licence.iss)?.keys_with(licence.object.kid());
    let cut = keys.find(|key| key.cut().is_some() && key.signed(&licence.object))?.cut()?;
    Some((cut.index, cut.tree.as_ref()?))
}

/// The proof file in the tree of the cut, for a licence of a compromised key that stands there, if that is this node's own log: with
/// it every reader sees what this node sees. The head is signed once more only if it is a part of the own history: no second tree.
///
/// # Errors
/// [`LogError`] if the log cannot be read, or its key gives no signature.
pub fn own_proof(node: &Node, row: &LicenceRow) -> Result<Option<String>, LogError> {
    let (evidence, origin) = (node.evidence.snapshot(), node.origin());
    let licence = row.credential.whole().map(Credential::parse);
    let (Some(Ok(licence)), Some(list)) = (licence, evidence.trust_list()) else { return Ok(None) };
    let found = cut_of(list, &licence).filter(|(size, tree)| tree.origin == origin && row.log_index < *size);
    let Some((size, tree)) = found else { return Ok(None) };
    let read = node.store.read()?;
    if read.log_head()?.is_none_or(|head| head.size < size) || log::root_of(&*read, size)? != tree.root {
        return Ok(None);
    }
    let Some(signer) = node.keys.signer(&node.authority, Usage::Log) else { return Ok(None) };
    let key = LogKey::new(&origin, *signer.public_key()).map_err(|_| LogError::Origin)?;
    let head = TreeHead { size, root: tree.root };
    let checkpoint = Checkpoint { origin: &origin, head }.sign(&key, &*signer)?;
    Ok(Some(format_proof(row.log_index, &log::inclusion(&*read, row.log_index, size)?, &checkpoint)))
}

/// Where a leaf stands in the tree of the first `size` leaves of a log; `None` if it does not, or if this node does not hold it.
///
/// # Errors
/// [`CutError`].
fn prove(node: &Node, tree: &CutTree, size: u64, leaf: &Hash) -> Result<Option<Found>, CutError> {
    let read = node.store.read()?;
    if tree.origin == node.origin() {
        let index = read.leaf_indexes_of(&[*leaf])?.into_iter().next().flatten();
        let stored = read.log_head()?.map_or(0, |head| head.size);
        let Some(index) = index.filter(|index| *index < size && size <= stored) else { return Ok(None) };
        return Ok(Some(Found { index, hashes: log::inclusion(&*read, index, size)? }));
    }
    if mirror::held(&*read, &tree.origin)?.size < size {
        return Ok(None);
    }
    let tree = node.cuts.of(&*read, &tree.origin, size)?;
    let Some(index) = tree.index_of(&*read, leaf)? else { return Ok(None) };
    Ok(Some(Found { index, hashes: merkle::inclusion_proof(index, size, |at| tree.node(&*read, at))? }))
}

/// The root of the first `size` leaves of a log, as this node holds it; `Err` with how many leaves it holds if these are fewer.
///
/// # Errors
/// [`CutError`].
pub fn root_at(node: &Node, origin: &str, size: u64) -> Result<Result<Hash, u64>, CutError> {
    let read = node.store.read()?;
    let own = origin == node.origin();
    let held = match own {
        true => read.log_head()?.map_or(0, |head| head.size),
        false => mirror::held(&*read, origin)?.size,
    };
    if held < size {
        return Ok(Err(held));
    }
    if own {
        return Ok(Ok(log::root_of(&*read, size)?));
    }
    let tree = node.cuts.of(&*read, origin, size)?;
    Ok(Ok(merkle::root(size, |at| tree.node(&*read, at))?))
}

impl CutTrees {
    /// The tree of so many leaves of a mirrored log, made if it is not there. Several that ask at once wait for one.
    fn of(&self, read: &dyn Read, origin: &str, size: u64) -> Result<Arc<Tree>, CutError> {
        // A poisoned lock holds whole trees: they are put in when they are made.
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tree) = held.iter().find(|tree| tree.origin == origin && tree.size == size) {
            return Ok(Arc::clone(tree));
        }
        let tree = Arc::new(Tree::make(read, origin, size)?);
        if held.len() == MAX_TREES {
            held.remove(0);
        }
        held.push(Arc::clone(&tree));
        Ok(tree)
    }
}

impl Tree {
    fn make(read: &dyn Read, origin: &str, size: u64) -> Result<Tree, CutError> {
        if size > MAX_LEAVES {
            return Err(CutError::Long);
        }
        let mut tree = Tree { origin: origin.to_owned(), size, bundles: Vec::new(), leaves: Vec::new() };
        for index in 0..size.div_ceil(BUNDLE.0) {
            let hashes = tree.bundle(read, index)?;
            let first = index * BUNDLE.0;
            // Cannot be cut off: there are at most 2^24 leaves.
            tree.leaves.extend(hashes.iter().zip(first..).map(|(hash, at)| (beginning(hash), at as u32)));
            if hashes.len() as u64 == BUNDLE.0 {
                tree.bundles.push(merkle::root_of(&hashes));
            }
        }
        tree.leaves.sort_unstable();
        Ok(tree)
    }

    /// The leaf hashes of one bundle, as far as the tree has them.
    fn bundle(&self, read: &dyn Read, index: u64) -> Result<Vec<Hash>, CutError> {
        let lost = || StoreError::Corrupt(format!("entries {index} of the mirror of {}", self.origin));
        let bundle = Bundle::of_tree(index, self.size).ok_or_else(lost)?;
        let bytes = mirror::entries(read, &self.origin, bundle)?.ok_or_else(lost)?;
        Ok(bundle.entries(&bytes)?.into_iter().map(leaf_hash).collect())
    }

    /// Where a leaf stands.
    fn index_of(&self, read: &dyn Read, leaf: &Hash) -> Result<Option<u64>, CutError> {
        let from = self.leaves.partition_point(|(own, _)| *own < beginning(leaf));
        let alike = self.leaves.iter().skip(from).take_while(|(own, _)| *own == beginning(leaf));
        for index in alike.map(|(_, index)| u64::from(*index)) {
            let hashes = self.bundle(read, index / BUNDLE.0)?;
            if hashes.get((index % BUNDLE.0) as usize) == Some(leaf) {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    /// The root of a perfect subtree.
    fn node(&self, read: &dyn Read, at: merkle::Node) -> Result<Hash, CutError> {
        let part = |hashes: &[Hash], level: u32, index: u64| {
            let width = 1_usize << level;
            // Cannot be cut off: the tree has at most 2^24 leaves.
            let first = index as usize * width;
            hashes.get(first..first + width).map(merkle::root_of).ok_or(CutError::Range)
        };
        match at.level.checked_sub(BUNDLE.1) {
            Some(level) => part(&self.bundles, level, at.index),
            None => {
                let in_bundle = BUNDLE.1 - at.level;
                let hashes = self.bundle(read, at.index >> in_bundle)?;
                part(&hashes, at.level, at.index & ((1 << in_bundle) - 1))
            }
        }
    }
}

fn beginning(hash: &Hash) -> u32 {
    let [a, b, c, d, ..] = *hash;
    u32::from_be_bytes([a, b, c, d])
}
