//! The status tokens of this node that a mirror holds: the newest of each list goes back into the own store, and none of them may
//! show an end that the restored rows do not have.

use std::collections::HashMap;

use licence_spec::bundle::Bundle;
use licence_spec::log::entry::{Entry, Op};
use licence_spec::status::{Status, StatusToken};

use crate::exchange::error::ExchangeError;
use crate::node::Node;
use crate::node::keys::Usage;
use crate::upkeep::restore::RestoreError;
use crate::upkeep::restore::replay::Tokens;

/// Status values that nothing ends: invalid and superseded.
const FINAL: [Status; 2] = [Status::Invalid, Status::Superseded];

/// Whether a token is one that this node has signed, for one of its authorities.
fn is_own(node: &Node, token: &StatusToken) -> bool {
    node.authorities.iter().any(|authority| {
        let named = token.uri().starts_with(&format!("https://{}/", authority.host));
        let signer = node.keys.signer(&authority.code, Usage::STATUS);
        named && signer.is_some_and(|signer| token.verifies_under(signer.public_key()))
    })
}

/// The own tokens in a bundle, by digest.
pub(super) fn own(node: &Node, bundle: &Bundle) -> Tokens {
    let parts = bundle.parts().filter(|(path, _)| path.starts_with("status/"));
    let tokens = parts.filter_map(|(_, bytes)| StatusToken::parse(bytes).ok());
    tokens.filter(|token| is_own(node, token)).map(|token| (*token.digest(), token)).collect()
}

/// The same bundle without tokens of the own lists: what this node says of its licences comes from its own store.
pub(super) fn others(node: &Node, bundle: &Bundle) -> Result<Vec<u8>, RestoreError> {
    let is_others = |path: &str, bytes: &[u8]| {
        !path.starts_with("status/") || !StatusToken::parse(bytes).is_ok_and(|token| is_own(node, &token))
    };
    let parts = bundle.parts().filter(|(path, bytes)| is_others(path, bytes));
    let kept = Bundle::new(parts.map(|(path, bytes)| (path.to_owned(), bytes.to_vec())));
    kept.map(|kept| kept.to_bytes()).map_err(|fault| ExchangeError::NotOurs(fault.what.to_owned()).into())
}

/// Whether the rows have every end that a token shows. A suspension may have been lifted since, if the log has the token; if it has
/// not, the token is newer than everything that could be restored.
pub(super) fn check(node: &Node, tokens: &Tokens) -> Result<(), RestoreError> {
    let read = node.store.read()?;
    for token in tokens.values() {
        let entry = Entry { op: Op::StatusToken, time: token.iat(), digest: *token.digest() };
        let is_logged = read.leaf_indexes_of(&[entry.leaf_hash()])?.first().copied().flatten().is_some();
        let list = read.status_list_by_uri(token.uri())?;
        let revision = list.map(|list| read.list_revision(list.id)).transpose()?.flatten();
        let values = revision.map(|revision| revision.values).unwrap_or_default();
        let rows: HashMap<u64, Status> =
            values.into_iter().map(|value| (u64::from(value.index), value.value)).collect();
        for index in 0..token.array().len() {
            let shown = token.array().get(index).unwrap_or_default();
            let held = rows.get(&index).copied().unwrap_or_default();
            let is_lost = match shown {
                Status::Valid => false,
                Status::Suspended => held == Status::Valid && !is_logged,
                Status::Invalid | Status::Superseded => !FINAL.contains(&held),
            };
            if is_lost {
                return Err(RestoreError::Unrevoked { uri: token.uri().to_owned(), index });
            }
        }
    }
    Ok(())
}
