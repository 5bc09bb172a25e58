//! What an operator may ask of the logs of others: cases of forks, and to close one.

use super::Refusal;
use super::answers::Cases;
use crate::exchange::mirror::fork_cases::{self, CaseError, Closed};
use crate::node::Node;

/// Open and closed cases.
pub(super) fn cases(node: &Node) -> Result<Cases, Refusal> {
    let read = node.store.read().map_err(Refusal::failed)?;
    let open = fork_cases::open_cases(&*read).map_err(Refusal::failed)?;
    let closed = fork_cases::closed_cases(&*read).map_err(Refusal::failed)?;
    Ok(Cases { open, closed })
}

/// Closes a case; its record.
pub(super) fn close(
    node: &Node,
    log: &str,
    size: u64,
    officer: &str,
    reason: &str,
) -> Result<Closed, Refusal> {
    fork_cases::close(node, log, size, officer, reason).map_err(|error| match error {
        CaseError::Unknown(..) | CaseError::Text(_) => Refusal::usage(error),
        _ => Refusal::failed(error),
    })
}
