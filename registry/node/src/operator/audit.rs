//! What an operator may ask of the audit, and how his commands get into it.

use licence_spec::audit::AuditAct;
use serde_json::{Value, json};

use super::{Command, Refusal};
use crate::access::audit::{self, Search, SearchError, draft};
use crate::access::caller::Caller;
use crate::node::Node;
use crate::node::commit::{Effect, Job};
use crate::upkeep::restore;

/// The word of a command, as it is written on the socket.
pub(super) fn word(command: &Command) -> String {
    // Cannot fail: a command is made of texts and numbers, and has its word as a member.
    let value = serde_json::to_value(command).unwrap_or_default();
    value["command"].as_str().unwrap_or("command").to_owned()
}

/// Writes a command down.
pub(super) fn write_down(node: &Node, word: &str, result: &str) -> Result<(), Refusal> {
    let row = draft(node, &Caller::Operator, AuditAct::Command).subject(word).result(result);
    node.writer.write(Job::new(vec![(Effect::Audit(row), None)])).map(drop).map_err(Refusal::failed)
}

/// Rows that fit, in words.
pub(super) fn list(node: &Node, search: &Search, after: u64, limit: u32) -> Result<Value, Refusal> {
    let read = node.store.read().map_err(Refusal::failed)?;
    let rows = search.page(&*read, after, limit).map_err(|error| match error {
        SearchError::NoDigest(_) => Refusal::usage(error),
        SearchError::Store(_) => Refusal::failed(error),
    })?;
    Ok(json!(rows))
}

/// What is wrong with the audit.
pub(super) fn check(node: &Node) -> Result<Value, Refusal> {
    let read = node.store.read().map_err(Refusal::failed)?;
    let restored = restore::stretches(&*read).map_err(Refusal::failed)?;
    Ok(json!(audit::check(&*read, &restored).map_err(Refusal::failed)?))
}
