//! The signed documents that a node keeps and publishes: trust files, catalogue, status tokens of other nodes, the offline bundle.
//!
//! In scope: storing them, loading them into evidence at start, taking over what another process has stored; each kind has its rules in a
//! file of its own. Out of scope: fetching them from another node (`exchange::pull`).

use std::sync::Arc;

use licence_spec::audit::AuditAct;
use licence_spec::evidence::{Evidence, Trust};
use licence_spec::log::checkpoint::SignedCheckpoint;
use licence_spec::log::entry::{Entry, Op};
use licence_spec::suite::{Digest, name_digest};
use licence_spec::time::UnixTime;
use licence_spec::trust::{SpeakFault, TrustFiles};
use licence_spec::verdict::Code;
use licence_store::{DocumentRow, Store, StoreError};

mod bundle;
mod catalogue;
mod peer_tokens;
mod trust_files;

pub use bundle::bundle;
pub use catalogue::{CATALOGUE, CATALOGUE_VERSION, keep_approvals, take_catalogue};
pub use peer_tokens::{PEER_TOKEN, Stranger, clear_strangers, strangers, take_token};
pub use trust_files::{LIST, ROOT, TIMESTAMP, pin_root, take_trust};

use catalogue::{catalogue_version, newer_catalogue};
use trust_files::{load_trust, newer_trust, swap_trust};

use crate::access::audit;
use crate::node::Node;
use crate::node::audit::AuditDraft;
use crate::node::commit::{Effect, Job, WriteError};
use crate::node::config::Role;
use crate::node::shelf::Kind;
use crate::publication::own_register;

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
        digest: name_digest(&[bytes]),
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

/// The row of the audit about a trust file or a catalogue that comes into force; tokens of other nodes come every few minutes, and each is
/// signed and stands in a log.
fn audit_of(node: &Node, effect: &Effect) -> Option<AuditDraft> {
    let Effect::Document(row) = effect else { return None };
    let act = match row.kind.as_str() {
        kind if kind == Kind::TrustRoot.name() || kind == Kind::Trust.name() => AuditAct::TrustTaken,
        kind if kind == Kind::Catalogue.name() => AuditAct::CatalogueTaken,
        _ => return None,
    };
    let subject = format!("{} {}", row.kind, row.name);
    Some(audit::own(node, act).object(row.digest).subject(&subject))
}

fn effect(node: &Node, row: DocumentRow, logged: Option<(Op, Digest)>) -> (Effect, Option<Entry>) {
    let entry = logged.filter(|_| node.role == Role::Province);
    let entry = entry.map(|(op, digest)| Entry { op, time: UnixTime(row.iat), digest });
    (Effect::Document(row), entry)
}

fn keep_effects(node: &Node, mut effects: Effects) -> Result<(), TakeError> {
    let taken: Vec<_> = effects.iter().filter_map(|(effect, _)| audit_of(node, effect)).collect();
    effects.extend(taken.into_iter().map(|draft| (Effect::Audit(draft), None)));
    let written = node.writer.write(Job::new(effects));
    if matches!(written, Err(WriteError::Unavailable(_) | WriteError::Conflict(_))) {
        // A write that was reported as lost may have been kept: then the next version follows on what is stored. If the store
        // cannot be read either, the next write conflicts with what is stored, and comes here again.
        let _unreadable = refresh(node);
    }
    written?;
    Ok(())
}

/// What a trip writes, each with its leaf, if it has one.
type Effects = Vec<(Effect, Option<Entry>)>;

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
    peer_tokens::load(&*read, &mut evidence)?;
    Ok(evidence)
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
    let taken = peer_tokens::refresh(node, &*read)?;
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
