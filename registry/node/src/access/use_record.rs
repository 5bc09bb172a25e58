//! The record of use: who asked for licences of somebody, for which case and on what ground. Never whose they are.
//!
//! Out of scope: the ground itself (`authorisation`), when the record is written (it is durable before what it is about leaves the node), how
//! long it is kept.

use licence_spec::suite::sha256;
use licence_store::DocumentRow;
use serde_json::Value;

use crate::node::Node;
use crate::node::rng::RngError;
use crate::node::shelf::Kind;

/// Kind of the stored records of use.
const USE: &str = Kind::Use.name();

/// The row of a record, and its id. `content` must hold nothing of a person.
///
/// # Errors
/// [`RngError`].
pub fn row(node: &Node, content: &Value) -> Result<(String, DocumentRow), RngError> {
    let mut id = [0; 16];
    node.rng.fill(&mut id)?;
    let (record, now) = (hex::encode(id), node.clock.now().0);
    let bytes = content.to_string().into_bytes();
    let row = DocumentRow {
        kind: USE.to_owned(),
        name: record.clone(),
        version: 1,
        iat: now,
        digest: sha256(&[&bytes]),
        bytes,
        stored_at: now,
    };
    Ok((record, row))
}
