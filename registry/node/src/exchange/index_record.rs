//! Index records (证照索引记录): what a city reports upwards of each licence and each change of its status (归集).
//!
//! In scope: the records as JSON, how one is made of a stored row, and which log entry it must have. Out of scope: sending
//! (`report_index`), checking and keeping (`gather_index`). Fields follow spec/domain.md §8 (`up_lic_data`), less what the registry
//! does not need upwards: no name of a holder, no face item; data and file stay at the source.
//! The log binds digest and time of a licence, and the whole record of a change. What else a record says is a claim of the node that
//! reports it, good for finding a licence; what counts is the credential, which is fetched and judged when it is used.

use licence_spec::credential::Credential;
use licence_spec::log::change::ChangeRecord;
use licence_spec::log::entry::{Entry, Op};
use licence_spec::suite::Digest;
use licence_spec::time::UnixTime;
use licence_store::{EndedIndexRow, IndexChangeRow, IndexLicenceRow, LicenceRow, StatusChangeRow};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::node::encoding::{base64url, digest_text, from_base64url};

/// Keys of the holders' code types and codes in a credential (spec/credential.md §2).
pub(crate) const HOLDER_CODE_TYPES: u8 = 4;
pub(crate) const HOLDER_CODES: u8 = 5;

/// Most records of one page.
pub const PAGE: u32 = 500;
/// Longest page as JSON, bytes: a record has at most 8 KiB.
pub const MAX_PAGE: usize = 4 << 20;

/// One page of the records of a log, in log order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IndexPage {
    /// 日志名称 / name of the log.
    pub origin: String,
    /// The records, ascending by log index; at most 500.
    pub records: Vec<IndexRecord>,
    /// Every record below this log index has been told: ask on with `after` = this.
    pub next: u64,
    /// Size of the log at that moment; equal to `next` if nothing is left.
    pub size: u64,
}

/// One record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum IndexRecord {
    /// 签发 / a licence was issued.
    Licence(IndexedLicence),
    /// 状态变更 / the status of a licence changed.
    StatusChange(IndexedChange),
}

/// A licence, as its record tells of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IndexedLicence {
    /// Leaf index in the log.
    pub log_index: u64,
    /// 电子证照标识.
    pub id: String,
    /// 证照类型, `urn:elic:<space>:<code>`.
    #[serde(rename = "type")]
    pub vct: String,
    /// 证照编号.
    pub number: String,
    /// 证照版本号, 1 for the first.
    pub version: u32,
    /// 颁发机构代码.
    pub authority: String,
    /// 管辖属地编码, 6 to 12 digits.
    pub area_code: String,
    /// 持证主体代码; empty where the record is told to anybody but the province, or the node has lost them.
    pub holders: Vec<IndexedHolder>,
    /// Unix seconds.
    pub issued_at: i64,
    /// Unix seconds.
    pub valid_from: i64,
    /// Technical end, Unix seconds, exclusive.
    pub expires_at: i64,
    /// Statement digest, `sha-256:` and hex.
    pub digest: String,
    /// Name of the status list.
    pub status_list: String,
    /// Index in it.
    pub status_index: u32,
    /// Digest of the licence that this one replaces.
    pub predecessor: Option<String>,
}

/// Shows where the record is, nothing of the licence.
impl std::fmt::Debug for IndexedLicence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IndexedLicence {{ log_index: {}, .. }}", self.log_index)
    }
}

/// A holder's code.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IndexedHolder {
    /// 持证主体代码类型代码, such as 001 or 111.
    pub code_type: String,
    /// 持证主体代码.
    pub code: String,
}

/// Shows the kind of the code, never the code.
impl std::fmt::Debug for IndexedHolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IndexedHolder({}, …)", self.code_type)
    }
}

/// A change of status: the record whose digest is in the log. It names the licence by digest and holds no personal data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IndexedChange {
    /// Leaf index in the log.
    pub log_index: u64,
    /// The change record (spec/log.md §1), base64url.
    pub record: String,
}

impl IndexRecord {
    /// Leaf index in the log.
    #[must_use]
    pub const fn log_index(&self) -> u64 {
        match self {
            IndexRecord::Licence(licence) => licence.log_index,
            IndexRecord::StatusChange(change) => change.log_index,
        }
    }

    /// The entry that the log must have at the record's index; `None` if the record has no digest, or one that does not read.
    #[must_use]
    pub fn entry(&self) -> Option<Entry> {
        match self {
            IndexRecord::Licence(licence) => {
                let digest = parse_digest(&licence.digest)?;
                Some(Entry { op: Op::Issued, time: UnixTime(licence.issued_at), digest })
            }
            IndexRecord::StatusChange(change) => change.parse().map(|record| record.entry()),
        }
    }
}

impl IndexedChange {
    /// The record; `None` if it breaks the format.
    #[must_use]
    pub fn parse(&self) -> Option<ChangeRecord> {
        ChangeRecord::parse(&from_base64url(&self.record)?).ok()
    }
}

/// A digest as `sha-256:` and 64 small hex digits.
#[must_use]
pub fn parse_digest(text: &str) -> Option<Digest> {
    let mut digest = [0; 32];
    hex::decode_to_slice(text.strip_prefix("sha-256:")?, &mut digest).ok()?;
    (digest_text(&digest) == text).then_some(digest)
}

/// The record of a licence of this node. Holders and first valid day stand in the credential; where its bytes are lost, there are
/// none, and the day of issue stands for the other.
#[must_use]
pub fn of_licence(row: &LicenceRow, status_list: &str) -> IndexRecord {
    let credential = row.credential.whole().and_then(|bytes| Credential::parse(bytes).ok());
    let (types, codes) = credential
        .as_ref()
        .map(|credential| (credential.fields.texts(HOLDER_CODE_TYPES), credential.fields.texts(HOLDER_CODES)))
        .unwrap_or_default();
    let holder = |(code_type, code): (&str, &str)| IndexedHolder {
        code_type: code_type.to_owned(),
        code: code.to_owned(),
    };
    IndexRecord::Licence(IndexedLicence {
        log_index: row.log_index,
        id: row.id.clone(),
        vct: row.vct.clone(),
        number: row.number.clone(),
        version: row.version,
        authority: row.authority.clone(),
        area_code: row.area.clone(),
        holders: types.into_iter().zip(codes).map(holder).collect(),
        issued_at: row.issued_at,
        valid_from: credential.as_ref().map_or(row.issued_at, |credential| credential.nbf.0),
        expires_at: row.expires_at,
        digest: digest_text(&row.digest),
        status_list: status_list.to_owned(),
        status_index: row.status_index,
        predecessor: row.predecessor.as_ref().map(digest_text),
    })
}

/// The record of a change of status of this node.
#[must_use]
pub fn of_change(row: &StatusChangeRow) -> IndexRecord {
    IndexRecord::StatusChange(IndexedChange { log_index: row.log_index, record: base64url(&row.record) })
}

/// The record of an entry that was ended at this node though no licence has it.
#[must_use]
pub fn of_ended(row: &EndedIndexRow) -> IndexRecord {
    IndexRecord::StatusChange(IndexedChange { log_index: row.log_index, record: base64url(&row.record) })
}

/// The record of a licence of another node, as it was told, without its holders.
#[must_use]
pub fn of_indexed(row: &IndexLicenceRow) -> IndexRecord {
    IndexRecord::Licence(IndexedLicence {
        log_index: row.log_index,
        id: row.id.clone(),
        vct: row.vct.clone(),
        number: row.number.clone(),
        version: row.version,
        authority: row.authority.clone(),
        area_code: row.area.clone(),
        holders: Vec::new(),
        issued_at: row.issued_at,
        valid_from: row.valid_from,
        expires_at: row.expires_at,
        digest: digest_text(&row.digest),
        status_list: row.status_list.clone(),
        status_index: row.status_index,
        predecessor: row.predecessor.as_ref().map(digest_text),
    })
}

/// The record of a change of status at another node, as it was told.
#[must_use]
pub fn of_indexed_change(row: &IndexChangeRow) -> IndexRecord {
    IndexRecord::StatusChange(IndexedChange { log_index: row.log_index, record: base64url(&row.record) })
}
