//! Cosign the checkpoint of another log: once it is known to extend the one cosigned before, lies in the mirror, and is stored.
//!
//! Order: stored head read → decided → mirror brought up to it and asked → new head stored, in one transaction, fsynced → cosignature
//! made. A crash in between costs a cosignature, never a second tree. Nothing is cosigned that is not mirrored: what a witness has signed
//! of a log, a node that is lost can come back from (spec/log.md §9).
//! In scope: the C2SP call. Out of scope: who may call it (`http`), how the mirror is brought up (`follow`).

use licence_spec::log::checkpoint::SignedCheckpoint;
use licence_spec::log::merkle::TreeHead;
use licence_spec::log::note::LogKey;
use licence_spec::log::witness::{AddCheckpoint, Refusal};
use licence_spec::log::witness_time::{self, Nonce};
use licence_spec::suite::{SignError, name_digest};
use licence_store::{DocumentRow, StoreError, transact};

use crate::exchange::mirror::MirrorError;
use crate::exchange::mirror::fork_cases::{self, keep_fork};
use crate::exchange::mirror::tree;
use crate::node::Node;
use crate::node::compared::ClockAhead;
use crate::node::keys::Usage;
use crate::node::shelf::Kind;

/// Kind of the newest cosigned heads; named by origin, version is the size.
const WITNESSED: &str = Kind::WitnessHead.name();

/// Why nothing was cosigned.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// Nothing is signed by a clock that is ahead.
    #[error(transparent)]
    ClockAhead(#[from] ClockAhead),
    /// The request is refused, as C2SP tlog-witness says.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// This node does not hold the offered leaves: it does not follow the log, or not so far yet.
    #[error(
        "本节点未将该日志镜像至此，不予联署：请稍后再试，或请其运维人员加入 [pull] peers / the log is not mirrored here so far: try again, or have this node follow it ([pull] peers)"
    )]
    NotMirrored,
    /// The log has forked once, and people have not looked at it yet.
    #[error(
        "该日志有分叉案件未结，不予联署 / a case of a fork of this log is open: nothing of it is cosigned until officers have closed it"
    )]
    CaseOpen,
    /// The mirror cannot be read.
    #[error(transparent)]
    Mirror(#[from] MirrorError),
    /// This node is no witness, or has no trust list.
    #[error("本节点不作见证 / this node is no witness: {0}")]
    NotReady(&'static str),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key gave no signature.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// What the clock of the witness says to whoever asks with a nonce: one cosignature line (spec/log.md §9); `None` if this node is no
/// witness. Waits for no comparison of the own clock: two nodes that begin at once would wait for each other.
///
/// # Errors
/// [`WitnessError::ClockAhead`] if this clock is known to be ahead: it would vouch for another that is.
pub fn time(node: &Node, nonce: Nonce) -> Result<Option<String>, WitnessError> {
    let Some((key, signer)) = node.witness_key().zip(node.keys.signer(&node.authority, Usage::Witness))
    else {
        return Ok(None);
    };
    if let Some(ahead) = node.compared.ahead() {
        return Err(ahead.into());
    }
    Ok(Some(witness_time::answer(&key, &node.host, nonce, node.clock.now(), &*signer)?))
}

/// Answers `add-checkpoint`: the cosignature line. `follow` brings the mirror of a log up to so many leaves, if this node follows it and it
/// can be reached: it is called for a head that could be cosigned and is not mirrored yet. What counts is what is mirrored afterwards.
///
/// # Errors
/// [`WitnessError`]; nothing is stored then, except the evidence of a fork.
pub fn add_checkpoint(node: &Node, body: &[u8], follow: &dyn Fn(&str, u64)) -> Result<String, WitnessError> {
    let key = node.witness_key().ok_or(WitnessError::NotReady("witness key"))?;
    let signer =
        node.signer(&node.authority, Usage::Witness)?.ok_or(WitnessError::NotReady("witness key"))?;
    let request = AddCheckpoint::parse(body)?;
    let evidence = node.evidence.snapshot();
    let list = evidence.trust_list().ok_or(WitnessError::NotReady("trust list"))?;
    let origin = request.origin();
    let in_use = list.logs_at(node.clock.now()).map(|(_, log)| &log.key);
    let mut keys: Vec<&LogKey> = in_use.filter(|key| key.name() == origin).collect();
    keys.dedup();
    if fork_cases::is_open(&*node.store.read()?, origin)? {
        return Err(WitnessError::CaseOpen);
    }
    let note = request.note();
    let stored = node.store.read()?.document(WITNESSED, origin)?.map(|row| head_of(&row)).transpose()?;
    // Not before it is known to be a good head; what is refused is refused below, where a fork leaves evidence.
    if request.decide(keys.iter().copied(), stored).is_ok() {
        check_mirror(node, &request, follow)?;
    }
    let decided = transact(&*node.store, "witness", |write| {
        let stored = write.document(WITNESSED, origin)?.map(|row| head_of(&row)).transpose()?;
        let accepted = request.decide(keys.iter().copied(), stored)?;
        let head = accepted.head();
        write.put_documents(&[DocumentRow {
            kind: WITNESSED.to_owned(),
            name: origin.to_owned(),
            version: head.size,
            iat: node.clock.now().0,
            digest: name_digest(&[&head.root]),
            bytes: note.as_bytes().to_vec(),
            stored_at: node.clock.now().0,
        }])?;
        Ok::<_, WitnessError>(accepted)
    });
    match decided {
        Ok(accepted) => Ok(accepted.cosign(&key, node.clock.now(), &*signer)?),
        Err(error) => {
            if matches!(error, WitnessError::Refused(Refusal::Fork)) {
                keep_fork(node, origin, &request.head(), note.as_bytes())?;
            }
            Err(error)
        }
    }
}

/// The offered head, signed by the log's key, must lie in the mirror. One that contradicts the mirror is a fork.
fn check_mirror(
    node: &Node,
    request: &AddCheckpoint<'_>,
    follow: &dyn Fn(&str, u64),
) -> Result<(), WitnessError> {
    let (origin, head) = (request.origin(), request.head());
    let lies = || tree::contains(&*node.store.read()?, origin, &head);
    let known = match lies()? {
        None => {
            follow(origin, head.size);
            lies()?
        }
        known => known,
    };
    match known {
        Some(true) => Ok(()),
        None => Err(WitnessError::NotMirrored),
        Some(false) => {
            keep_fork(node, origin, &head, request.note().as_bytes())?;
            Err(Refusal::Fork.into())
        }
    }
}

fn head_of(row: &DocumentRow) -> Result<TreeHead, StoreError> {
    let checkpoint = SignedCheckpoint::parse(&row.bytes);
    checkpoint.map(|own| own.head()).map_err(|_| StoreError::Corrupt("a cosigned head".to_owned()))
}
