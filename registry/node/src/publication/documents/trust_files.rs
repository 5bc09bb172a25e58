//! Trust files: pinning the first root, taking newer ones, loading what is stored.
//!
//! Out of scope: fetching them (`exchange::pull`), making and signing them (`ceremony`, `timestamp`).

use std::sync::Arc;

use licence_spec::evidence::{Evidence, Trust};
use licence_spec::log::entry::Op;
use licence_spec::trust::{Root, Taken, TrustFiles};
use licence_spec::verdict::Code;
use licence_store::Read;

use super::{Effects, TakeError, effect, keep, keep_effects, row};
use crate::node::Node;
use crate::node::commit::Effect;
use crate::node::shelf::Kind;

/// Kind of the trust roots; each is named by its version.
pub const ROOT: &str = Kind::TrustRoot.name();
/// Kind and name of the other documents.
pub const LIST: (&str, &str) = (Kind::Trust.name(), "list");
/// The timestamp.
pub const TIMESTAMP: (&str, &str) = (Kind::Trust.name(), "timestamp");
/// Pins the first root: a deliberate act, made once when a node is set up. Again the same changes nothing.
///
/// # Errors
/// [`TakeError::Refused`] if the root is not good, [`TakeError::Pinned`] if there is another one.
pub fn pin_root(node: &Node, bytes: &[u8]) -> Result<(), TakeError> {
    let root = Root::open_first(bytes).map_err(|_| TakeError::Refused(Code::TrustListSignatureInvalid))?;
    let (version, iat) = (root.content().version, root.content().iat.0);
    let pinned = node.store.read()?.documents(ROOT)?;
    if let Some(held) = pinned.iter().map(|row| row.version).max() {
        let is_same = pinned.iter().any(|row| row.version == version && row.bytes == bytes);
        return if is_same { Ok(()) } else { Err(TakeError::Pinned { held }) };
    }
    let row = row(node, ROOT, &version.to_string(), version, iat, bytes);
    let leaf = (Op::TrustFile, row.digest);
    keep(node, row, Some(leaf))?;
    let files = TrustFiles::new(root);
    node.evidence.change(|evidence| {
        if evidence.trust_files().is_none() {
            *evidence = Evidence::new(Trust::Held(Arc::new(files)));
        }
    });
    Ok(())
}

/// Takes newer trust files: roots in order, then timestamp and list. All that is good goes into one transaction, so that no crash
/// leaves a root whose keys have changed beside files that they did not sign, or an old root without the list that it was to keep.
/// A root counts from when it is stored, whatever comes after it.
///
/// # Errors
/// [`TakeError`]; nothing goes backwards, and what was held stays in force, but for what a new root has ended.
pub fn take_trust(node: &Node, roots: &[&[u8]], timestamp: &[u8], list: &[u8]) -> Result<Taken, TakeError> {
    let held = node.evidence.snapshot().trust_files().cloned();
    let mut files = TrustFiles::clone(&*held.ok_or(TakeError::Refused(Code::TrustListUnavailable))?);
    let mut effects = Effects::new();
    let outcome = take_roots(node, &mut files, roots, &mut effects).and_then(|()| {
        let mut next = files.clone();
        let (taken, more) = take_list(node, &mut next, timestamp, list)?;
        files = next;
        effects.extend(more);
        Ok(taken)
    });
    if !effects.is_empty() {
        keep_effects(node, effects)?;
        swap_trust(node, files);
    }
    outcome
}

fn take_roots(
    node: &Node,
    files: &mut TrustFiles,
    roots: &[&[u8]],
    effects: &mut Effects,
) -> Result<(), TakeError> {
    let first = usize::try_from(files.root().content().version).unwrap_or(usize::MAX);
    for bytes in roots.iter().skip(first).take(licence_spec::numbers::MAX_ROOT_STEPS) {
        let (_, keys_changed) = files.take_root(bytes).map_err(TakeError::Refused)?;
        let content = files.root().content();
        let row = row(node, ROOT, &content.version.to_string(), content.version, content.iat.0, bytes);
        let leaf = (Op::TrustFile, row.digest);
        effects.push(effect(node, row, Some(leaf)));
        if keys_changed {
            effects.extend(
                [TIMESTAMP, LIST]
                    .map(|(kind, name)| (Effect::Forget(kind.to_owned(), name.to_owned()), None)),
            );
        }
    }
    Ok(())
}

/// Timestamp and list together: a stored timestamp that names another list than the stored one could not be
/// loaded again, and whoever hands out the files could keep the node from starting.
fn take_list(
    node: &Node,
    files: &mut TrustFiles,
    timestamp: &[u8],
    list: &[u8],
) -> Result<(Taken, Effects), TakeError> {
    let (now, mut effects, mut taken) = (node.clock.now(), Effects::new(), Taken::Same);
    if files.take_timestamp(timestamp, now).map_err(TakeError::Refused)? == Taken::New
        && let Some(held) = files.timestamp()
    {
        let content = held.content();
        let row = row(node, TIMESTAMP.0, TIMESTAMP.1, content.version, content.iat.0, timestamp);
        effects.push(effect(node, row, None));
    }
    if files.wanted_list().is_some() {
        taken = files.take_list(list, now).map_err(TakeError::Refused)?;
        if files.wanted_list().is_some() {
            // The list that is held already, and not the one that the timestamp names.
            return Err(TakeError::Refused(Code::TrustListUnavailable));
        }
        if let Some(held) = files.list() {
            let content = held.content();
            let row = row(node, LIST.0, LIST.1, content.version, content.iat.0, list);
            let leaf = (Op::TrustFile, row.digest);
            effects.push(effect(node, row, Some(leaf)));
        }
    }
    Ok((taken, effects))
}

/// Replaces the trust files in the evidence, unless newer ones are there by now; tokens are judged anew against the new list.
pub(super) fn swap_trust(node: &Node, files: TrustFiles) {
    node.evidence.change(|evidence| {
        if evidence.trust_files().is_none_or(|held| versions(held) <= versions(&files)) {
            *evidence = evidence.with_trust(Trust::Held(Arc::new(files)));
        }
    });
}

/// The stored trust files; `None` if no root is pinned yet. Of those `held` only tables of keys are used.
pub(super) fn load_trust(
    read: &dyn Read,
    held: Option<&TrustFiles>,
) -> Result<Option<TrustFiles>, TakeError> {
    let mut roots = read.documents(ROOT)?;
    roots.sort_by_key(|row| row.version);
    let bytes: Vec<&[u8]> = roots.iter().map(|row| row.bytes.as_slice()).collect();
    let [first, later @ ..] = bytes.as_slice() else { return Ok(None) };
    let root = Root::open_first(first).map_err(|_| TakeError::Refused(Code::TrustListSignatureInvalid))?;
    let timestamp = read.document(TIMESTAMP.0, TIMESTAMP.1)?.map(|row| row.bytes);
    let list = read.document(LIST.0, LIST.1)?.map(|row| row.bytes);
    let files = TrustFiles::load_over(held, root, later, timestamp.as_deref(), list.as_deref());
    Ok(Some(files.map_err(TakeError::Refused)?))
}

/// The stored trust files, if they are newer than those held.
pub(super) fn newer_trust(read: &dyn Read, evidence: &Evidence) -> Result<Option<TrustFiles>, TakeError> {
    let roots = read.documents(ROOT)?;
    let timestamp = read.document(TIMESTAMP.0, TIMESTAMP.1)?;
    let stored =
        (roots.iter().map(|row| row.version).max().unwrap_or(0), timestamp.map_or(0, |row| row.version));
    if roots.is_empty() || stored <= evidence.trust_files().map_or((0, 0), |held| versions(held)) {
        return Ok(None);
    }
    load_trust(read, evidence.trust_files().map(|files| &**files))
}

/// Versions of the root and of the timestamp; 0 for none.
fn versions(files: &TrustFiles) -> (u64, u64) {
    (files.root().content().version, files.timestamp().map_or(0, |held| held.content().version))
}
