//! What this node has for a case: licences handed in, and those that the people of the case hold here.

use std::collections::BTreeSet;

use licence_spec::catalogue::ServiceItem;
use licence_spec::status::Status;
use licence_spec::suite::Digest;

use super::case::Handed;
use super::{CheckError, ItemRequest, ItemSubject, visible};
use crate::access::caller::Caller;
use crate::node::Node;
use crate::node::encoding::from_base64url;
use crate::node::holder::holder_key;

/// Most licences in force of one holder that are looked at: the newest.
const MAX_HELD: u32 = 256;
/// Most suspended or ended ones beside them, of each: they meet nothing, but they are the reason why.
const MAX_ENDED: u32 = 16;

/// What this node has for a case.
pub(super) struct Held {
    pub(super) handed: Vec<Handed>,
    /// Whether somebody holds more than was looked at.
    pub(super) is_cut: bool,
}

/// The licences handed in, then those that the people hold here: of types that the item accepts and the client may see, the newest first.
pub(super) fn gather(
    node: &Node,
    caller: &Caller,
    item: &ServiceItem,
    request: &ItemRequest,
) -> Result<Held, CheckError> {
    let mut handed = Vec::new();
    for text in &request.credentials {
        handed.push(Handed::whole(from_base64url(text).ok_or(CheckError::Field("credentials"))?));
    }
    let types: Vec<&str> = visible(caller, item).collect();
    let key = |one: &ItemSubject| holder_key(&node.holder_secret, &one.code_type, &one.code);
    let holders: BTreeSet<Digest> = request.subjects.iter().map(key).collect();
    let (read, mut is_cut, mut seen) = (node.store.read()?, false, BTreeSet::new());
    for holder in &holders {
        let mut rows = read.newest_of_holder(holder, &types, Status::Valid, MAX_HELD + 1)?;
        is_cut |= rows.len() > MAX_HELD as usize;
        rows.truncate(MAX_HELD as usize);
        for ended in [Status::Suspended, Status::Invalid] {
            rows.extend(read.newest_of_holder(holder, &types, ended, MAX_ENDED)?);
        }
        rows.retain(|row| seen.insert(row.digest));
        // None was lost: such rows are left out by the store.
        let whole = rows.iter().filter_map(|row| row.credential.whole());
        handed.extend(whole.map(|bytes| Handed::whole(bytes.to_vec())));
    }
    Ok(Held { handed, is_cut })
}
