//! The signed documents that a node keeps and publishes: trust files and the catalogue.
//!
//! In scope: their names in the store, loading them into evidence at start, taking newer ones, the offline bundle.
//! Out of scope: fetching them from another node (`pull`).

use std::sync::Arc;

use licence_spec::bundle::{self, Bundle};
use licence_spec::catalogue::{self, Advance, Catalogue, CatalogueFault};
use licence_spec::evidence::{Evidence, Trust};
use licence_spec::log::checkpoint::SignedCheckpoint;
use licence_spec::log::entry::{Entry, Op};
use licence_spec::suite::{Digest, sha256};
use licence_spec::time::UnixTime;
use licence_spec::trust::{Root, SpeakFault, Taken, TrustFiles};
use licence_spec::verdict::Code;
use licence_store::{DocumentRow, Read, Store, StoreError};

mod tokens;

pub use tokens::{PEER_TOKEN, Stranger, clear_strangers, strangers, take_token};

use crate::node::Node;
use crate::node::commit::{Effect, Job, WriteError};
use crate::node::config::Role;
use crate::node::shelf::Kind;
use crate::publication::own_register;

/// Kind of the trust roots; each is named by its version.
pub const ROOT: &str = Kind::TrustRoot.name();
/// Kind and name of the other documents.
pub const LIST: (&str, &str) = (Kind::Trust.name(), "list");
/// The timestamp.
pub const TIMESTAMP: (&str, &str) = (Kind::Trust.name(), "timestamp");
/// The catalogue.
pub const CATALOGUE: (&str, &str) = (Kind::Catalogue.name(), "current");
/// Kind of all versions of the catalogue; each is named by its version.
pub const CATALOGUE_VERSION: &str = Kind::CatalogueVersion.name();
/// Kind of the officers' approvals of catalogue versions; each is named by version and digest.
const APPROVAL: &str = Kind::CatalogueApproval.name();

/// Why a document was not taken. What was held before stays in force.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// The document is refused, with this code.
    #[error("{0}: {text}", text = .0.zh())]
    Refused(Code),
    /// Another root is pinned, and the node goes on from that one.
    #[error(
        "已钉定另一信任根，第 {held} 版：信任根只能按次序更换，不能重新钉定；换信任体系请另建节点 / another root is pinned already, version {held}: a root is followed by the next one and never pinned anew; for another trust scheme set up another node"
    )]
    Pinned {
        /// Version of the newest root.
        held: u64,
    },
    /// Who signed it may not say it.
    #[error(transparent)]
    Stranger(#[from] SpeakFault),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The writer refused or failed.
    #[error(transparent)]
    Write(#[from] WriteError),
}

fn row(node: &Node, kind: &str, name: &str, version: u64, iat: i64, bytes: &[u8]) -> DocumentRow {
    DocumentRow {
        kind: kind.to_owned(),
        name: name.to_owned(),
        version,
        iat,
        digest: sha256(&[bytes]),
        bytes: bytes.to_vec(),
        stored_at: node.clock.now().0,
    }
}

/// Stores a document. The province, whose documents they are, has a leaf for each in its log; cities only keep them.
fn keep(node: &Node, row: DocumentRow, logged: Option<(Op, Digest)>) -> Result<(), TakeError> {
    keep_all(node, vec![(row, logged)])
}

/// As [`keep`], all of them or none.
fn keep_all(node: &Node, rows: Vec<(DocumentRow, Option<(Op, Digest)>)>) -> Result<(), TakeError> {
    keep_effects(node, rows.into_iter().map(|(row, logged)| effect(node, row, logged)).collect())
}

fn effect(node: &Node, row: DocumentRow, logged: Option<(Op, Digest)>) -> (Effect, Option<Entry>) {
    let entry = logged.filter(|_| node.role == Role::Province);
    let entry = entry.map(|(op, digest)| Entry { op, time: UnixTime(row.iat), digest });
    (Effect::Document(row), entry)
}

fn keep_effects(node: &Node, effects: Effects) -> Result<(), TakeError> {
    let written = node.writer.write(Job::new(effects));
    if matches!(written, Err(WriteError::Unavailable(_) | WriteError::Conflict(_))) {
        // A write that was reported as lost may have been kept: then the next version follows on what is stored. If the store
        // cannot be read either, the next write conflicts with what is stored, and comes here again.
        let _unreadable = refresh(node);
    }
    written?;
    Ok(())
}

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

/// What a trip writes, each with its leaf, if it has one.
type Effects = Vec<(Effect, Option<Entry>)>;

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
fn swap_trust(node: &Node, files: TrustFiles) {
    node.evidence.change(|evidence| {
        if evidence.trust_files().is_none_or(|held| versions(held) <= versions(&files)) {
            *evidence = evidence.with_trust(Trust::Held(Arc::new(files)));
        }
    });
}

/// Takes a newer catalogue.
///
/// # Errors
/// [`TakeError`] by the rules of `catalogue::advance`.
pub fn take_catalogue(node: &Node, bytes: &[u8]) -> Result<(), TakeError> {
    let evidence = node.evidence.snapshot();
    let list = evidence.trust_list().ok_or(TakeError::Refused(Code::TrustListUnavailable))?;
    let held = evidence.catalogue().map(|held| &**held);
    match catalogue::advance(held, bytes, &**list, node.clock.now())
        .map_err(|fault| TakeError::Refused(fault.code()))?
    {
        Advance::Unchanged => Ok(()),
        Advance::Taken(next) => {
            let content = next.content();
            let row = row(node, CATALOGUE.0, CATALOGUE.1, content.version, content.issued_at.0, bytes);
            let version = DocumentRow {
                kind: CATALOGUE_VERSION.to_owned(),
                name: content.version.to_string(),
                ..row.clone()
            };
            // Together: a version that is stored and not in force would stand in the way of every other one of its number.
            keep_all(node, vec![(version, None), (row, Some((Op::Catalogue, *next.digest())))])?;
            node.evidence.change(|evidence| evidence.set_catalogue(Arc::new(next)));
            Ok(())
        }
    }
}

/// Keeps the officers' approvals of a version, for auditors.
///
/// # Errors
/// [`TakeError::Write`].
pub fn keep_approvals(node: &Node, version: u64, approvals: &[Vec<u8>]) -> Result<(), TakeError> {
    let now = node.clock.now().0;
    for approval in approvals {
        let name = format!("{version}/{}", hex::encode(sha256(&[approval])));
        keep(node, row(node, APPROVAL, &name, 1, now, approval), None)?;
    }
    Ok(())
}

/// Loads what the store holds into the evidence, when a node starts. Everything is verified again; of what the node may hold
/// already nothing stays but the tables of keys that the stored list has too.
///
/// # Errors
/// [`TakeError`] if a stored file is damaged: the node does not start then.
pub fn load(node: &Node) -> Result<(), TakeError> {
    let held = node.evidence.snapshot();
    let evidence = load_over(&*node.store, held.trust_files().map(|files| &**files))?;
    node.evidence.change(|slot| *slot = evidence);
    Ok(())
}

/// The evidence that a store holds; empty if no root is pinned yet. Everything is verified again, but not against the clock,
/// which may stand wrong when a machine starts. A catalogue whose key the trust list no longer lets sign it is left out: the
/// node starts, says that it is not ready, and can take the next one.
///
/// # Errors
/// [`TakeError`] if a stored file is damaged.
pub fn load_evidence(store: &dyn Store) -> Result<Evidence, TakeError> {
    load_over(store, None)
}

fn load_over(store: &dyn Store, held: Option<&TrustFiles>) -> Result<Evidence, TakeError> {
    let read = store.read()?;
    let Some(files) = load_trust(&*read, held)? else { return Ok(Evidence::default()) };
    let mut evidence = Evidence::new(Trust::Held(Arc::new(files)));
    if let Some(catalogue) = newer_catalogue(&*read, &evidence)? {
        evidence.set_catalogue(Arc::new(catalogue));
    }
    tokens::load(&*read, &mut evidence)?;
    Ok(evidence)
}

/// The stored trust files; `None` if no root is pinned yet. Of those `held` only tables of keys are used.
fn load_trust(read: &dyn Read, held: Option<&TrustFiles>) -> Result<Option<TrustFiles>, TakeError> {
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

/// Takes over what another process of this node has stored since: trust files, catalogue, tokens of the own lists, heads of other logs.
/// Tokens of other nodes are fetched by every process itself.
///
/// # Errors
/// [`TakeError`]; what was held stays in force, as it does while the other process is half-way.
pub fn refresh(node: &Node) -> Result<(), TakeError> {
    let read = node.store.read()?;
    if let Some(files) = newer_trust(&*read, &node.evidence.snapshot())? {
        swap_trust(node, files);
    }
    if let Some(catalogue) = newer_catalogue(&*read, &node.evidence.snapshot())? {
        node.evidence.change(|evidence| {
            if catalogue.content().version > catalogue_version(evidence) {
                evidence.set_catalogue(Arc::new(catalogue));
            }
        });
    }
    let taken = tokens::refresh(node, &*read)?;
    for row in read.documents(Kind::MirrorHead.name())? {
        let Ok(signed) = SignedCheckpoint::parse(&row.bytes) else { continue };
        if node.evidence.snapshot().head(&row.name, row.version).is_none() {
            node.evidence.change(|evidence| evidence.add_head(&row.name, signed.head()));
        }
    }
    drop(read);
    if taken {
        // What was noted of the register before these tokens were signed would speak louder than a later change that they show.
        own_register::refresh(node)?;
    }
    Ok(())
}

/// The stored trust files, if they are newer than those held.
fn newer_trust(read: &dyn Read, evidence: &Evidence) -> Result<Option<TrustFiles>, TakeError> {
    let roots = read.documents(ROOT)?;
    let timestamp = read.document(TIMESTAMP.0, TIMESTAMP.1)?;
    let stored =
        (roots.iter().map(|row| row.version).max().unwrap_or(0), timestamp.map_or(0, |row| row.version));
    if roots.is_empty() || stored <= evidence.trust_files().map_or((0, 0), |held| versions(held)) {
        return Ok(None);
    }
    load_trust(read, evidence.trust_files().map(|files| &**files))
}

/// The stored catalogue, if it is newer than the one held and the trust list lets its key sign it. Not checked against the clock.
fn newer_catalogue(read: &dyn Read, evidence: &Evidence) -> Result<Option<Catalogue>, TakeError> {
    let row = read.document(CATALOGUE.0, CATALOGUE.1)?;
    let row = row.filter(|row| row.version > catalogue_version(evidence));
    let (Some(row), Some(list)) = (row, evidence.trust_list()) else { return Ok(None) };
    match catalogue::open(&row.bytes, &**list, UnixTime(i64::MAX)) {
        Ok(opened) => Ok(Some(opened)),
        Err(fault @ (CatalogueFault::Key(_) | CatalogueFault::IssuerNotListed)) => {
            tracing::warn!(code = %fault.code(), "the trust list refuses the stored catalogue: the node is without one");
            Ok(None)
        }
        Err(fault) => Err(TakeError::Refused(fault.code())),
    }
}

/// Version of the catalogue; 0 for none.
fn catalogue_version(evidence: &Evidence) -> u64 {
    evidence.catalogue().map_or(0, |held| held.content().version)
}

/// Versions of the root and of the timestamp; 0 for none.
fn versions(files: &TrustFiles) -> (u64, u64) {
    (files.root().content().version, files.timestamp().map_or(0, |held| held.content().version))
}

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
