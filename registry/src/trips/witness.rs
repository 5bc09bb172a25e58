//! Cosign the checkpoint of another log: once it is known to extend the one cosigned before, and that is stored.
//!
//! Order: stored head read → decided → new head stored, in one transaction, fsynced → cosignature made. A crash in between
//! costs a cosignature, never a second tree. In scope: the C2SP call. Out of scope: who may call it (`http`).

use licence_spec::log::checkpoint::SignedCheckpoint;
use licence_spec::log::cosignature::WitnessKey;
use licence_spec::log::merkle::TreeHead;
use licence_spec::log::note::LogKey;
use licence_spec::log::witness::{AddCheckpoint, Refusal};
use licence_spec::suite::{SignError, Signer as _, sha256};
use licence_store::{DocumentRow, StoreError, transact};

use crate::keys::Usage;
use crate::node::Node;
use crate::trips::mirror::keep_fork;

/// Kind of the newest cosigned heads; named by origin, version is the size.
const WITNESSED: &str = "witness-head";

/// Why nothing was cosigned.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// The request is refused, as C2SP tlog-witness says.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// This node follows the log, and does not hold the offered leaves yet.
    #[error("该日志尚未镜像至此，请稍后再试 / the log is not mirrored so far yet: try again")]
    NotMirrored,
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

/// Name of the witness on a host.
#[must_use]
pub fn witness_name(host: &str) -> String {
    format!("{host}/w1")
}

/// Name and key of the witness that this node is; `None` if it has no witness key.
#[must_use]
pub fn own_key(node: &Node) -> Option<WitnessKey> {
    let signer = node.keys.signer(&node.authority, Usage::Witness)?;
    WitnessKey::new(&witness_name(&node.host), *signer.public_key()).ok()
}

/// Answers `add-checkpoint`: the cosignature line. `holds` says whether so many leaves of a log are held, if this node follows it: it is
/// asked about a head that could be cosigned, and may fetch what is missing.
///
/// # Errors
/// [`WitnessError`]; nothing is stored then, except the evidence of a fork.
pub fn add_checkpoint(
    node: &Node,
    body: &[u8],
    holds: &dyn Fn(&str, u64) -> bool,
) -> Result<String, WitnessError> {
    let key = own_key(node).ok_or(WitnessError::NotReady("witness key"))?;
    let signer =
        node.keys.signer(&node.authority, Usage::Witness).ok_or(WitnessError::NotReady("witness key"))?;
    let request = AddCheckpoint::parse(body)?;
    let evidence = node.evidence.snapshot();
    let list = evidence.trust_list().ok_or(WitnessError::NotReady("trust list"))?;
    let origin = request.origin();
    let in_use = list.logs_at(node.clock.now()).map(|(_, log)| &log.key);
    let mut keys: Vec<&LogKey> = in_use.filter(|key| key.name() == origin).collect();
    keys.dedup();
    let forked = node.store.read()?.documents(super::mirror::FORK)?;
    if forked.iter().any(|row| row.name.starts_with(&format!("{origin} "))) {
        // What has forked once is never cosigned again; people decide.
        return Err(Refusal::Fork.into());
    }
    let note = request.note();
    let stored = node.store.read()?.document(WITNESSED, origin)?.map(|row| head_of(&row)).transpose()?;
    // Not before it is known to be a good head; what is refused is refused below, where a fork leaves evidence.
    if request.decide(keys.iter().copied(), stored).is_ok() && !holds(origin, request.head().size) {
        return Err(WitnessError::NotMirrored);
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
            digest: sha256(&[&head.root]),
            bytes: note.as_bytes().to_vec(),
            stored_at: node.clock.now().0,
        }])?;
        Ok::<_, WitnessError>(accepted)
    });
    match decided {
        Ok(accepted) => Ok(accepted.cosign(&key, node.clock.now(), &*signer)?),
        Err(error) => {
            if matches!(error, WitnessError::Refused(Refusal::Fork)) {
                keep_fork(node, origin, request.head().size, note.as_bytes())?;
            }
            Err(error)
        }
    }
}

fn head_of(row: &DocumentRow) -> Result<TreeHead, StoreError> {
    let checkpoint = SignedCheckpoint::parse(&row.bytes);
    checkpoint.map(|own| own.head()).map_err(|_| StoreError::Corrupt("a cosigned head".to_owned()))
}
