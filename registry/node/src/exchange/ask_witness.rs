//! Have the newest checkpoint of the own log cosigned, and serve it with the cosignature.
//!
//! Order: newest checkpoint → proof from the size that the witness holds → asked → cosignature checked, stored beside those of other
//! witnesses, served. In scope: one witness at a time; a witness can spoil neither the log's own signature nor that of another one.
//! Out of scope: how it is reached (`fetch`), when (`jobs`), what the witness decides (`trips::witness`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use licence_spec::log::checkpoint::SignedCheckpoint;
use licence_spec::log::note::Note;
use licence_spec::log::policy::Policy;
use licence_spec::numbers::MAX_CHECKPOINT;

use crate::exchange::error::ExchangeError;
use crate::exchange::fetch::Peer;
use crate::exchange::paths::ADD_CHECKPOINT;
use crate::node::Node;
use crate::node::log::consistency;
use crate::node::log::witness_name;
use crate::publication::refresh::keep_cosigned;

/// What a witness answers, if it does not refuse.
pub enum Reply {
    /// The cosignature lines.
    Cosignature(String),
    /// It holds a head of this size, and not of the one that was told.
    Holds(u64),
}

/// Brings the body of `add-checkpoint` (C2SP tlog-witness) to a witness.
pub type Ask<'a> = &'a mut dyn FnMut(&str) -> Result<Reply, ExchangeError>;

/// Brings the body of `add-checkpoint` to a peer that is a witness.
///
/// # Errors
/// That of the connection; what the witness says if it refuses.
pub fn ask_by_http(node: &Node, peer: &Peer, body: &str) -> Result<Reply, ExchangeError> {
    let wrong = |what: &str| ExchangeError::NotOurs(what.to_owned());
    let answer = peer.post(node, ADD_CHECKPOINT, "text/plain", body.as_bytes(), MAX_CHECKPOINT)?;
    let text = String::from_utf8(answer.body).map_err(|_| wrong("the witness's answer is no text"))?;
    match answer.status {
        200 => Ok(Reply::Cosignature(text)),
        409 => text.trim().parse().map(Reply::Holds).map_err(|_| wrong("the witness tells no size")),
        status => Err(ExchangeError::Refuses(format!("the witness answers {status}: {}", text.trim()))),
    }
}

/// Has the newest checkpoint cosigned by the witness on this host, unless it is empty or has its cosignature already.
///
/// # Errors
/// What went wrong, in words; what is served stays as it is.
pub fn ask_witness(node: &Node, host: &str, ask: Ask<'_>) -> Result<(), ExchangeError> {
    let checkpoint = node.log.checkpoint();
    let signed = SignedCheckpoint::parse(checkpoint.as_bytes()).map_err(ExchangeError::cannot_ask)?;
    let size = signed.head().size;
    let line = format!("— {} ", witness_name(host));
    if size == 0 || node.log.served().lines().any(|own| own.starts_with(&line)) {
        return Ok(());
    }
    let mut old = node.log.cosigned().0;
    // The second attempt is for a witness that has seen another size than this process remembers.
    for _ in 0..2 {
        match ask(&request(node, old, size, &checkpoint)?)? {
            Reply::Cosignature(lines) => {
                let evidence = node.evidence.snapshot();
                if !is_good(evidence.trust_list().map(|list| list.policy()), &line, &checkpoint, &lines) {
                    return Err(ExchangeError::NotOurs(
                        "见证签名不成立 / what the witness sent is no good cosignature of it".to_owned(),
                    ));
                }
                return keep_cosigned(node, size, &checkpoint, &lines).map_err(ExchangeError::cannot_ask);
            }
            Reply::Holds(held) => old = held,
        }
    }
    Err(ExchangeError::NotOurs("the witness keeps changing its size".to_owned()))
}

/// How many leaves of the own log the witness has cosigned, at least as far as the newest checkpoint goes.
///
/// # Errors
/// What went wrong, in words.
pub fn seen_by_witness(node: &Node, ask: Ask<'_>) -> Result<u64, ExchangeError> {
    let checkpoint = node.log.checkpoint();
    let signed = SignedCheckpoint::parse(checkpoint.as_bytes()).map_err(ExchangeError::cannot_ask)?;
    let size = signed.head().size;
    // A witness that holds another size than the one it is told answers with it.
    match ask(&request(node, size, size, &checkpoint)?)? {
        Reply::Holds(held) => Ok(held),
        // Not kept: the job that has checkpoints cosigned asks again.
        Reply::Cosignature(_) => Ok(size),
    }
}

/// Whether what a witness sent are lines of its own, of which none spoils the note: those of witnesses that the list knows verify.
fn is_good(policy: Option<&Policy>, line: &str, checkpoint: &str, lines: &str) -> bool {
    let cosigned = format!("{checkpoint}{lines}");
    let Ok(note) = Note::parse(cosigned.as_bytes()) else { return false };
    !lines.is_empty()
        && lines.lines().all(|own| own.starts_with(line))
        && policy.is_none_or(|policy| policy.cosigners(&note).is_ok())
}

fn request(node: &Node, old: u64, size: u64, checkpoint: &str) -> Result<String, ExchangeError> {
    if old > size {
        return Err(ExchangeError::CannotAsk(format!(
            "the witness has seen {old} leaves, this log has {size}: was a backup restored?"
        )));
    }
    let read = node.store.read().map_err(ExchangeError::cannot_ask)?;
    let proof = match old {
        0 => Vec::new(),
        _ => consistency(&*read, old, size).map_err(ExchangeError::cannot_ask)?,
    };
    let hashes: String = proof.iter().map(|hash| format!("{}\n", STANDARD.encode(hash))).collect();
    Ok(format!("old {old}\n{hashes}\n{checkpoint}"))
}

#[cfg(test)]
mod tests {
    use licence_spec::log::checkpoint::Checkpoint;
    use licence_spec::log::cosignature::WitnessKey;
    use licence_spec::log::merkle::TreeHead;
    use licence_spec::log::note::LogKey;
    use licence_spec::suite::{SeedSigner, Signer as _};
    use licence_spec::time::UnixTime;

    use super::*;

    fn witness(host: &str, seed: u8) -> (WitnessKey, SeedSigner) {
        let signer = SeedSigner::from_seed(&[seed; 32]).unwrap();
        (WitnessKey::new(&witness_name(host), *signer.public_key()).unwrap(), signer)
    }

    #[test]
    fn a_witness_adds_its_own_good_lines_and_no_others() {
        let signer = SeedSigner::from_seed(&[1; 32]).unwrap();
        let log = LogKey::new("gz.elic.example/log", *signer.public_key()).unwrap();
        let head = TreeHead { size: 7, root: [3; 32] };
        let checkpoint = Checkpoint { origin: log.name(), head }.sign(&log, &signer).unwrap();
        let text = Note::parse(checkpoint.as_bytes()).unwrap().text().to_owned();
        let (key, own) = witness("fs.elic.example", 2);
        let (other_key, other) = witness("gd.elic.example", 3);
        let policy = format!("witness w1 {key}\nwitness w2 {other_key}\nquorum none\n");
        let policy = Policy::parse_without_logs(&policy).unwrap();
        let line = format!("— {} ", witness_name("fs.elic.example"));
        let good = |lines: &str| is_good(Some(&policy), &line, &checkpoint, lines);
        let now = UnixTime(1_795_700_000);
        let lines = key.cosign(&text, now, &own).unwrap();
        assert!(good(&lines));
        assert!(!good(""));
        assert!(!good("nonsense\n"));
        // Of another tree, by another key under its name, and a line in another's name.
        let elsewhere = key.cosign(&text.replace("7\n", "8\n"), now, &own).unwrap();
        assert!(!good(&elsewhere));
        let mut broken = lines.clone();
        let at = broken.len() - 20;
        broken.replace_range(at..=at, if broken.as_bytes()[at] == b'A' { "B" } else { "A" });
        assert!(!good(&broken) && !good(&format!("{lines}{broken}")));
        let foreign = other_key.cosign(&text, now, &other).unwrap();
        assert!(!good(&foreign) && !good(&format!("{lines}{foreign}")));
        let spoiled = checkpoint.replace(&text, "").trim_start().to_owned();
        assert!(!good(&format!("{lines}{spoiled}")), "a second line in the log's name could spoil its own");
    }
}
