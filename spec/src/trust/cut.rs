//! The cut of a compromised key: which licences of it stay good, and what shows that one of them is among these.
//!
//! In scope: the members 5 and 7 of a key, and the rule of spec/trust-list.md §7. Out of scope: verifying log proofs (`log::proof`),
//! finding a licence in a log that is held (the node).
//! Whoever stole the key of an authority may hold the key of its log too: a proof counts only as far as something dates it that
//! neither of them can make, the head that the officers wrote down or a cosignature from before.

use alloc::string::String;

use crate::cbor::{Fault, Reader, Writer};
use crate::log::merkle::{Hash, TreeHead};
use crate::verdict::Code;

/// Where a compromised key stops being good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// First leaf index that is no longer trusted: the size of the tree at the cut.
    pub index: u64,
    /// The tree at the cut. Lists from before this member have none; then only witnesses can date a licence.
    pub tree: Option<CutTree>,
}

/// The tree at a cut, as the officers saw it; its size is the index of the cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CutTree {
    /// Origin of the log, one of the entry's.
    pub origin: String,
    /// Root of its first [`Cut::index`] leaves.
    pub root: Hash,
}

/// What is known of where a licence stands in a log of its issuer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Proved<'a> {
    /// Origin of the log and index of the leaf there.
    pub at: Option<(&'a str, u64)>,
    /// The tree of that log in which the leaf was found.
    pub head: Option<TreeHead>,
    /// A quorum of witnesses, and at least one, cosigned that tree before the key was compromised.
    pub is_witnessed_before: bool,
    /// The licence stands in the tree of the cut: its leaf was found there, whatever proof came with it.
    pub is_in_cut_tree: bool,
}

impl Cut {
    /// Size and root of the tree at the cut, if the list names it.
    #[must_use]
    pub fn head(&self) -> Option<TreeHead> {
        self.tree.as_ref().map(|tree| TreeHead { size: self.index, root: tree.root })
    }

    /// Whether the licence is not shown to be from before the cut; `None` if it is.
    ///
    /// Codes: `KEY_COMPROMISED_NO_PROOF` if nothing shows it, `KEY_COMPROMISED_AFTER_CUT` if it stands in the log behind the cut.
    pub(super) fn fault(&self, proved: Proved<'_>) -> Option<Code> {
        if proved.is_in_cut_tree {
            return None;
        }
        let Some((origin, index)) = proved.at else { return Some(Code::KeyCompromisedNoProof) };
        let is_of_this_log = self.tree.as_ref().is_none_or(|tree| tree.origin == origin);
        if is_of_this_log && index >= self.index {
            return Some(Code::KeyCompromisedAfterCut);
        }
        let is_this_tree = is_of_this_log && proved.head.is_some() && self.head() == proved.head;
        (!is_this_tree && !proved.is_witnessed_before).then_some(Code::KeyCompromisedNoProof)
    }
}

impl CutTree {
    /// `[origin, root]`.
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<CutTree, Fault> {
        reader.array_of(2)?;
        Ok(CutTree { origin: String::from(reader.text()?), root: reader.byte_array()? })
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.array(2).text(&self.origin).bytes(&self.root);
    }
}
