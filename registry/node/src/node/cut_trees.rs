//! Trees of mirrored logs at the cuts of compromised keys, kept in memory: a thief may present any number of licences.
//!
//! Out of scope: making them and looking in them (`trips::cut`).

use std::sync::{Arc, Mutex};

use licence_spec::log::merkle::Hash;

/// The trees of mirrored logs that were made, newest last.
#[derive(Clone, Default)]
pub struct CutTrees(pub(crate) Arc<Mutex<Vec<Arc<Tree>>>>);

/// The tree of the first leaves of a mirrored log.
pub(crate) struct Tree {
    /// Name of the log.
    pub(crate) origin: String,
    /// How many leaves.
    pub(crate) size: u64,
    /// The roots of the full bundles.
    pub(crate) bundles: Vec<Hash>,
    /// The first four bytes of each leaf hash with its index, ascending.
    pub(crate) leaves: Vec<(u32, u32)>,
}
