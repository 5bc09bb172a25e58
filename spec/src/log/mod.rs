//! The transparency log: append-only Merkle trees, their signed heads, witnesses and proofs.
//!
//! In scope: the bytes of every format of the log and the pure decisions over them. Out of scope: storing, serving
//! and fetching (the node), which log belongs to which authority (`trust`), what a fault means for a licence
//! (`verify`). C2SP formats are used unchanged; the profile is spec/log.md, vectors in spec/vectors/log/.
//!
//! | question | module |
//! |---|---|
//! | which root, does a proof hold? | [`merkle`] |
//! | where do hashes and entries lie? | [`tile`], [`tiled_tree`] |
//! | who signed this text? | [`note`], [`checkpoint`], [`cosignature`] |
//! | which leaf belongs to this object? | [`entry`], [`change`] |
//! | is this object in the log, and who saw it? | [`proof`], [`policy`] |
//! | may a witness sign this? | [`witness`] |
//! | what time is it at a witness? | [`witness_time`] |

pub mod change;
pub mod checkpoint;
pub mod cosignature;
pub mod entry;
pub mod merkle;
pub mod note;
pub mod policy;
pub mod proof;
mod text;
pub mod tile;
pub mod tiled_tree;
pub mod witness;
pub mod witness_time;
