//! The file form of a licence of this node (`.elic`): its statement with a fresh proof that it is in the log.
//!
//! In scope: which head the proof is made for: the newest that witnesses have cosigned, if it covers the licence, else the newest one.
//! Out of scope: who may have it (`http`, `exchange`).

use licence_spec::cose::with_log_proof;
use licence_spec::log::checkpoint::SignedCheckpoint;
use licence_spec::numbers::MAX_LICENCE;
use licence_store::{LicenceRow, StoreError};

use crate::node::Node;
use crate::node::log::{LogError, Proofs};
use crate::trips::cut;

/// The proof file of a licence of this node: in the tree of the cut if its key is compromised and it stands there.
///
/// # Errors
/// [`LogError`] if the log cannot be read.
pub fn proof(node: &Node, row: &LicenceRow) -> Result<String, LogError> {
    if let Some(proof) = cut::own_proof(node, row)? {
        return Ok(proof);
    }
    let log_index = row.log_index;
    // The heads first: what is read afterwards holds the tiles of both.
    let (newest, (size, cosigned)) = (node.log.checkpoint(), node.log.cosigned());
    let newest_size = SignedCheckpoint::parse(newest.as_bytes()).map_or(0, |signed| signed.head().size);
    let (size, checkpoint) = if size > log_index { (size, cosigned) } else { (newest_size, newest) };
    let read = node.store.read()?;
    Proofs::new(&*read, size).file(log_index, &checkpoint)
}

/// The licence with its proof; without it where the two are longer than a file may be.
///
/// # Errors
/// [`LogError`] if the log cannot be read, or the stored bytes are no statement, or lost: whoever asks has to look before.
pub fn file_form(node: &Node, row: &LicenceRow) -> Result<Vec<u8>, LogError> {
    let lost = || StoreError::Corrupt("a licence whose bytes were lost".to_owned());
    let statement = row.credential.whole().ok_or_else(lost)?;
    let proof = proof(node, row)?;
    if statement.len() + proof.len() + ROOM > MAX_LICENCE {
        return Ok(statement.to_vec());
    }
    with_log_proof(statement, MAX_LICENCE, proof.as_bytes())
        .map_err(|_| StoreError::Corrupt("a stored credential".to_owned()).into())
}

/// Most bytes that a header needs beside the proof: the map, its key, the length of the text.
const ROOM: usize = 16;
