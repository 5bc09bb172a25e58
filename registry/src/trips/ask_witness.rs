//! Have the newest checkpoint of the own log cosigned, and serve it with the cosignature.
//!
//! Order: newest checkpoint → proof from the size that the witness holds → asked → cosignature served. In scope: one witness.
//! Out of scope: how it is reached (`fetch`), when (`jobs`), what the witness decides (`trips::witness`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use licence_spec::log::checkpoint::SignedCheckpoint;

use crate::log::consistency;
use crate::node::Node;
use crate::shared::keep_cosigned;

/// What a witness answers, if it does not refuse.
pub enum Reply {
    /// The cosignature lines.
    Cosignature(String),
    /// It holds a head of this size, and not of the one that was told.
    Holds(u64),
}

/// Brings the body of `add-checkpoint` (C2SP tlog-witness) to a witness.
pub type Ask<'a> = &'a mut dyn FnMut(&str) -> Result<Reply, String>;

/// Has the newest checkpoint cosigned, unless it is empty or cosigned already.
///
/// # Errors
/// What went wrong, in words; what is served stays as it is.
pub fn ask_witness(node: &Node, ask: Ask<'_>) -> Result<(), String> {
    let checkpoint = node.log.checkpoint();
    let signed = SignedCheckpoint::parse(checkpoint.as_bytes()).map_err(|error| error.to_string())?;
    let size = signed.head().size;
    if size == 0 || node.log.served().len() > checkpoint.len() {
        return Ok(());
    }
    let mut old = node.log.cosigned().0;
    // The second attempt is for a witness that has seen another size than this process remembers.
    for _ in 0..2 {
        match ask(&request(node, old, size, &checkpoint)?)? {
            Reply::Cosignature(lines) => {
                let kept = keep_cosigned(node, size, &checkpoint, &format!("{checkpoint}{lines}"));
                return kept.map_err(|error| error.to_string());
            }
            Reply::Holds(held) => old = held,
        }
    }
    Err("the witness keeps changing its size".to_owned())
}

/// How many leaves of the own log the witness has cosigned, at least as far as the newest checkpoint goes.
///
/// # Errors
/// What went wrong, in words.
pub fn seen_by_witness(node: &Node, ask: Ask<'_>) -> Result<u64, String> {
    let checkpoint = node.log.checkpoint();
    let signed = SignedCheckpoint::parse(checkpoint.as_bytes()).map_err(|error| error.to_string())?;
    let size = signed.head().size;
    // A witness that holds another size than the one it is told answers with it.
    match ask(&request(node, size, size, &checkpoint)?)? {
        Reply::Holds(held) => Ok(held),
        Reply::Cosignature(lines) => {
            let kept = keep_cosigned(node, size, &checkpoint, &format!("{checkpoint}{lines}"));
            kept.map(|()| size).map_err(|error| error.to_string())
        }
    }
}

fn request(node: &Node, old: u64, size: u64, checkpoint: &str) -> Result<String, String> {
    if old > size {
        return Err(format!(
            "the witness has seen {old} leaves, this log has {size}: was a backup restored?"
        ));
    }
    let read = node.store.read().map_err(|error| error.to_string())?;
    let proof = match old {
        0 => Vec::new(),
        _ => consistency(&*read, old, size).map_err(|error| error.to_string())?,
    };
    let hashes: String = proof.iter().map(|hash| format!("{}\n", STANDARD.encode(hash))).collect();
    Ok(format!("old {old}\n{hashes}\n{checkpoint}"))
}
