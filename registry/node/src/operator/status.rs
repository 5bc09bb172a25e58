//! What an operator may do to the status lists of this node: end an entry that no licence has.

use serde_json::{Value, json};

use super::Refusal;
use crate::node::Node;
use crate::trips::end_index::end_index;
use crate::trips::reason::Reason;

/// Ends the entry of a licence that was signed beside the system.
pub(super) fn end(node: &Node, credential: &[u8], reason: &Reason) -> Result<Value, Refusal> {
    let ended = end_index(node, credential, reason).map_err(|error| match error.is_usage() {
        true => Refusal::usage(error),
        false => Refusal::failed(error),
    })?;
    Ok(json!(ended))
}
