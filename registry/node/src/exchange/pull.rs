//! Pulling another node's evidence over HTTP: one bundle, every part verified before it is kept.
//!
//! A URI in a signed object is a name; here a name has been mapped to an address already. Authenticity never rests on
//! the connection.

use licence_spec::bundle::{self, Bundle};
use licence_spec::catalogue;
use licence_spec::log::checkpoint::SignedCheckpoint;
use licence_spec::numbers::{MAX_BUNDLE, MAX_CATALOGUE};
use licence_spec::verdict::Code;

use crate::exchange::error::ExchangeError;
use crate::exchange::fetch::{Fetched, Peer};
use crate::exchange::mirror::Fetch;
use crate::exchange::paths::{BUNDLE, CATALOGUE};
use crate::node::Node;
use crate::publication::documents::{TakeError, take_catalogue, take_token, take_trust};

/// Why a pull brought nothing.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// The other node cannot be reached or answers wrongly.
    #[error("无法取得证据 / cannot pull from {0}")]
    Fetch(#[from] ExchangeError),
    /// A part was refused.
    #[error(transparent)]
    Take(#[from] TakeError),
}

/// Fetches the peer's bundle and takes what is newer: trust files and catalogue if `authoritative`, and in any case the
/// status tokens of licences of other nodes, and the heads of their logs. Nothing is done if the bundle is the last one.
///
/// # Errors
/// [`PullError`]; what was taken before the fault stays, and the bundle is fetched again next time.
pub fn pull(node: &Node, peer: &Peer, authoritative: bool) -> Result<(), PullError> {
    pull_after(node, peer, authoritative, &|| {})
}

/// As [`pull`]; `first` is done when a new bundle is at hand and before anything of it is taken.
///
/// # Errors
/// As [`pull`].
pub fn pull_after(node: &Node, peer: &Peer, authoritative: bool, first: &dyn Fn()) -> Result<(), PullError> {
    match peer.get_if_new(BUNDLE, MAX_BUNDLE).map_err(PullError::Fetch)? {
        Fetched::Same => Ok(()),
        Fetched::New(bytes) => {
            first();
            let mut fetch = |path: &str, cap: usize| peer.get(path, cap);
            take(node, &bytes, authoritative, peer.host(), &mut fetch).inspect_err(|_| peer.forget(BUNDLE))
        }
    }
}

/// Takes what is newer in the bundle of another node, as [`pull`] does. `from` is its host, for the alarm if somebody signed in it who
/// may not speak: that part is refused, and the others are taken, as a neighbour only passes on what it was told. `fetch` brings what a bundle does not hold: the
/// versions of the catalogue that this node missed.
///
/// # Errors
/// As [`pull`].
pub fn take(
    node: &Node,
    bytes: &[u8],
    authoritative: bool,
    from: &str,
    fetch: Fetch<'_>,
) -> Result<(), PullError> {
    let bundle = Bundle::parse(bytes).map_err(|fault| ExchangeError::NotOurs(fault.what.to_owned()))?;
    if authoritative {
        if let (Some(timestamp), Some(list)) = (bundle.part(bundle::TIMESTAMP), bundle.part(bundle::LIST)) {
            take_trust(node, &bundle.roots(), timestamp, list)?;
        }
        if let Some(newest) = bundle.part(bundle::CATALOGUE) {
            take_catalogues(node, newest, fetch)?;
        }
    }
    if node.evidence.snapshot().trust_list().is_some() {
        take_tokens(node, &bundle, from)?;
        take_heads(node, &bundle, from);
    }
    Ok(())
}

/// Takes the catalogue, and before it the versions that this node missed: each is chained to the one before.
fn take_catalogues(node: &Node, newest: &[u8], fetch: Fetch<'_>) -> Result<(), PullError> {
    let held = node.catalogue().map_or(0, |held| held.version());
    let evidence = node.evidence.snapshot();
    let list = evidence.trust_list().ok_or(TakeError::Refused(Code::TrustListUnavailable))?;
    let offered = catalogue::open(newest, &**list, node.clock.now());
    let offered = offered.map_err(|fault| TakeError::Refused(fault.code()))?.version();
    // A node without any takes the newest as its first.
    let missed = if held == 0 { offered..offered } else { held + 1..offered };
    for version in missed {
        let path = format!("{CATALOGUE}?version={version}");
        take_catalogue(node, &fetch(&path, MAX_CATALOGUE).map_err(PullError::Fetch)?)?;
    }
    Ok(take_catalogue(node, newest)?)
}

/// Tokens that are as new as the held ones are passed over; an older one is only how the other node lags behind.
fn take_tokens(node: &Node, bundle: &Bundle, from: &str) -> Result<(), TakeError> {
    for (path, bytes) in bundle.parts().filter(|(path, _)| path.starts_with("status/")) {
        match take_token(node, bytes) {
            Err(TakeError::Refused(Code::StatusRollback)) | Ok(()) => {}
            Err(TakeError::Stranger(fault)) => node.refusals.note(from, path, &fault),
            Err(TakeError::Refused(code)) => node.refusals.note(from, path, &code),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Remembers the heads of logs that the trust list names and that are in use, so that a second tree of one size is noticed; those that a
/// quorum of the list's witnesses has cosigned apart from those of which only the log itself says that they are of one tree.
fn take_heads(node: &Node, bundle: &Bundle, from: &str) {
    let (evidence, now) = (node.evidence.snapshot(), node.clock.now());
    let Some(list) = evidence.trust_list() else { return };
    for (path, bytes) in bundle.parts().filter(|(path, _)| path.starts_with("log/")) {
        let Ok(checkpoint) = SignedCheckpoint::parse(bytes) else { continue };
        let (origin, head) = (checkpoint.origin(), checkpoint.head());
        if list.speaker_of_checkpoint(&checkpoint, now).is_none() {
            // A log that the list does not know yet, or that has ended, is no attack.
            if list.logs_at(now).any(|(_, log)| log.key.name() == origin) {
                node.refusals.note(from, path, &"并非该日志所签 / this log did not sign it");
            }
            continue;
        }
        let cosigners = list.policy().cosigners(checkpoint.note());
        let vouched = cosigners.is_ok_and(|own| own.count() > 0 && list.policy().is_met_by(own));
        match vouched {
            _ if evidence.head(origin, head.size).is_some() => {}
            true => node.evidence.change(|evidence| evidence.add_head(origin, head)),
            false => node.evidence.change(|evidence| evidence.add_shown_head(origin, head)),
        }
    }
}
