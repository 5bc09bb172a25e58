//! The history of a licence's status: which acts of law changed it, on what ground, when, and what took its place.
//!
//! In scope: the acts of one licence of this node, in the order of the log. Out of scope: who may read them (`http`); the records
//! themselves, which are in the log (`spec/log.md`).

use licence_spec::log::change::Act;
use licence_spec::time::UnixTime;
use licence_store::{LicenceRow, Read, StatusChangeRow, StoreError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::node::encoding::digest_text;

/// The acts that changed the status of a licence.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct History {
    /// 电子证照标识.
    pub id: String,
    /// 0 有效 valid, 1 失效 invalid, 2 暂停 suspended, 3 已换发 superseded.
    pub status: u8,
    /// The acts, in the order in which they were recorded; empty if there was none.
    pub changes: Vec<PastChange>,
}

/// One act.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PastChange {
    /// The act: cancel, revoke, forfeit, suspend, reinstate, supersede, replace, transfer or void.
    pub act: &'static str,
    /// 法律行为 / the same in Chinese, such as 吊销.
    pub act_zh: &'static str,
    /// Status before.
    pub previous: u8,
    /// Status after.
    pub status: u8,
    /// From when on it counts in law, RFC 3339.
    pub effective_at: String,
    /// When it was recorded, RFC 3339.
    pub recorded_at: String,
    /// 法律依据.
    pub legal_basis: String,
    /// 文书编号.
    pub document_number: String,
    /// 经办人.
    pub officer: String,
    /// Id of the API client that sent it; null where an older version did not record it.
    pub client: Option<String>,
    /// 电子证照标识 of the licence that took its place.
    pub successor: Option<String>,
    /// Digest of the change record, `sha-256:` and hex, as in the log.
    pub record: String,
    /// Leaf index in the log of this node.
    pub log_index: u64,
}

/// The history of a licence.
///
/// # Errors
/// [`StoreError`].
pub fn history(read: &dyn Read, licence: &LicenceRow) -> Result<History, StoreError> {
    let changes = read.status_changes(&licence.digest)?;
    let changes = changes.into_iter().map(|row| past(read, row)).collect::<Result<_, _>>()?;
    Ok(History { id: licence.id.clone(), status: licence.status.value(), changes })
}

fn past(read: &dyn Read, row: StatusChangeRow) -> Result<PastChange, StoreError> {
    let act = Act::from_number(u64::from(row.act))
        .ok_or_else(|| StoreError::Corrupt("a change of status without an act".to_owned()))?;
    let successor = match &row.successor {
        Some(digest) => read.licence(digest)?.map(|row| row.id),
        None => None,
    };
    Ok(PastChange {
        act: act.name(),
        act_zh: act.zh(),
        previous: row.previous.value(),
        status: row.value.value(),
        effective_at: UnixTime(row.effective_at).to_string(),
        recorded_at: UnixTime(row.recorded_at).to_string(),
        legal_basis: row.legal_basis,
        document_number: row.document_number,
        officer: row.officer,
        client: row.client,
        successor,
        record: digest_text(&row.digest),
        log_index: row.log_index,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::caller::Caller;
    use crate::testing::{licence, reason, rehearse, request};
    use crate::trips::change_status::{ChangeRequest, change_status};
    use crate::trips::issue::new_version;

    #[test]
    fn the_acts_are_told_in_order_with_their_ground_and_what_took_the_place() {
        let city = rehearse().city;
        let id = licence(&city, 1).id;
        for act in ["suspend", "reinstate"] {
            city.clock.advance(60);
            let change = ChangeRequest { act: act.to_owned(), reason: reason(), effective_at: None };
            change_status(&city, &Caller::Operator, &id, &change, None).unwrap();
        }
        let next = new_version(&city, &Caller::Operator, &id, &request(&city, 1), &reason(), None).unwrap();
        let read = city.store.read().unwrap();
        let told = history(&*read, &read.licence_by_id(&id).unwrap().unwrap()).unwrap();
        let steps: Vec<_> =
            told.changes.iter().map(|change| (change.act, change.previous, change.status)).collect();
        assert_eq!(steps, [("suspend", 0, 2), ("reinstate", 2, 0), ("supersede", 0, 3)]);
        assert_eq!(told.status, 3);
        assert!(told.changes.iter().all(|change| change.legal_basis == reason().legal_basis));
        assert_eq!(told.changes[2].successor.as_deref(), Some(next.id.as_str()));
        assert!(told.changes.is_sorted_by_key(|change| change.log_index));
    }
}
