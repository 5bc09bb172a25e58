//! The offline bundle: everything that a node publishes, in one file (spec/bundle.md).

use licence_spec::bundle::{self, Bundle};
use licence_store::StoreError;

use super::{CATALOGUE, LIST, ROOT, TIMESTAMP};
use crate::node::Node;

/// The offline bundle of all evidence that the node holds.
///
/// # Errors
/// [`StoreError`] if the store fails or the bundle would be too large.
pub fn bundle(node: &Node) -> Result<Bundle, StoreError> {
    let read = node.store.read()?;
    let mut parts: Vec<(String, Vec<u8>)> =
        read.documents(ROOT)?.into_iter().map(|row| (bundle::root_path(row.version), row.bytes)).collect();
    for ((kind, name), path) in
        [(TIMESTAMP, bundle::TIMESTAMP), (LIST, bundle::LIST), (CATALOGUE, bundle::CATALOGUE)]
    {
        parts.extend(read.document(kind, name)?.map(|row| (path.to_owned(), row.bytes)));
    }
    // Handed on is only what counts here.
    for held in node.evidence.snapshot().tokens().filter(|held| held.signer().is_some()) {
        parts.push((bundle::status_path(held.token().uri()), held.token().bytes().to_vec()));
    }
    let origin = node.origin();
    parts.push((bundle::checkpoint_path(&origin), node.log.served().as_bytes().to_vec()));
    Bundle::new(parts).map_err(|fault| StoreError::Unavailable(fault.what.to_owned()))
}
