//! The trust list: which authority may issue what, where, when, with which keys, and who says so.
//!
//! In scope: the three trust files (root, list, timestamp), their signatures and rules, the update procedure
//! [`TrustFiles`], scopes and key states, and who may speak for what (`speaks`). Out of scope: fetching and storing the files (the node and the clerk's
//! tool), and what an unlisted or stale issuer means for a licence (`verify`).
//! Format: spec/trust-list.md, a profile of TUF 1.0.34 with three roles; vectors in spec/vectors/trust/.

mod advance;
mod cut;
mod list;
mod proposal;
mod root;
mod scope;
mod speaks;

pub use advance::{Taken, TrustFiles};
pub use cut::{Cut, CutTree, Proved};
pub use list::{Entry, Key, KeyState, ListContent, Log, TrustList};
pub use proposal::{Proposal, ProposalError, Proposed, SignatureError};
pub use root::{RoleKeys, Root, RootContent, Timestamp, TimestampContent};
pub use scope::{Names, Role, Scope};
pub use speaks::SpeakFault;

use crate::cbor::{Fault, Reader};
use crate::suite::{PublicKey, Suite};

/// Whether a text is a host: `[a-z0-9.-]+`, first and last character a letter or digit, optionally `:port`.
#[must_use]
pub fn is_host(text: &str) -> bool {
    let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let name_is_good = name.len() <= 253
        && name.bytes().all(|byte| inner(byte) || byte == b'.' || byte == b'-')
        && name.bytes().next().is_some_and(inner)
        && name.bytes().last().is_some_and(inner);
    let port_is_good = |port: &str| {
        !port.starts_with('0')
            && port.bytes().all(|byte| byte.is_ascii_digit())
            && port.parse::<u16>().is_ok_and(|port| port > 0)
    };
    name_is_good && port.is_none_or(port_is_good)
}

/// A COSE_Key: `{1: 1, -1: 6, -2: x}`, exactly, with a key that passes the import check, unless it is known to have passed it.
fn read_cose_key(
    reader: &mut Reader<'_>,
    checked: impl Fn(&[u8]) -> Option<PublicKey>,
) -> Result<PublicKey, Fault> {
    let wrong = Fault::not_conformant("a COSE_Key is not an Ed25519 public key");
    let mut map = reader.map()?;
    let mut x = None;
    let (mut kty, mut crv) = (None, None);
    while let Some(key) = map.next_int(reader)? {
        match key {
            1 => kty = Some(reader.int()?),
            -1 => crv = Some(reader.int()?),
            -2 => x = Some(reader.bytes()?),
            _ => return Err(wrong),
        }
    }
    match (kty, crv, x) {
        (Some(1), Some(6), Some(x)) => checked(x).map_or_else(
            || {
                PublicKey::import(Suite::Ed25519, x)
                    .map_err(|_| Fault::not_conformant("a public key fails the import check"))
            },
            Ok,
        ),
        _ => Err(wrong),
    }
}
