//! The index of other nodes' licences (归集): what a province was told of the logs that it mirrors.
//!
//! Each log has a cursor: all below it was told, compared with the log, and is here, as a row or as a reject. What a row means was
//! checked before (`registry/node/src/exchange/gather_index.rs`); the store sees to it that no stretch is told twice or left out.
//! Out of scope: this node's own licences (`licences`), the mirrored entries themselves (`documents`).
//! Digests are unique within a log only: what one node claims must not keep another node's record out.

use licence_spec::status::Status;

use crate::{Digest, Result, Short};

/// A licence of another node, as that node told of it.
#[derive(Clone, PartialEq, Eq)]
pub struct IndexLicenceRow {
    /// Name of the log; unique with `log_index`.
    pub origin: String,
    /// Leaf index in that log.
    pub log_index: u64,
    /// Civil day of the leaf's time in the time zone of the state (UTC+8), counted from 1970-01-01.
    pub day: i64,
    /// Statement digest.
    pub digest: Digest,
    /// 电子证照标识.
    pub id: String,
    /// Licence type, `urn:elic:<space>:<code>`.
    pub vct: String,
    /// 证照编号.
    pub number: String,
    /// 证照版本号.
    pub version: u32,
    /// Code of the issuing authority.
    pub authority: String,
    /// 属地 area code.
    pub area: String,
    /// Keyed hashes of the holders' codes. A set: read back ascending, each once.
    pub holders: Vec<Digest>,
    /// Unix seconds.
    pub issued_at: i64,
    /// Unix seconds.
    pub valid_from: i64,
    /// Unix seconds, exclusive.
    pub expires_at: i64,
    /// URI of the status list.
    pub status_list: String,
    /// Entry in that list.
    pub status_index: u32,
    /// Digest of the licence that this one replaces.
    pub predecessor: Option<Digest>,
    /// As added it must be valid, and changes move it.
    pub status: Status,
    /// Digest of the licence that replaces this one; as added it must be `None`.
    pub successor: Option<Digest>,
}

/// Shows where the row is, nothing of the licence.
impl std::fmt::Debug for IndexLicenceRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IndexLicenceRow")
            .field("origin", &self.origin)
            .field("log_index", &self.log_index)
            .field("digest", &Short(&self.digest))
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// A change of status at another node.
#[derive(Clone, PartialEq, Eq)]
pub struct IndexChangeRow {
    /// Name of the log; unique with `log_index`.
    pub origin: String,
    /// Leaf index in that log.
    pub log_index: u64,
    /// As [`IndexLicenceRow::day`].
    pub day: i64,
    /// Digest of the licence. It need not be in the index: its own record may have been refused.
    pub licence: Digest,
    /// The change record, canonical CBOR.
    pub record: Vec<u8>,
    /// New status.
    pub value: Status,
    /// Digest of the licence that takes its place.
    pub successor: Option<Digest>,
}

impl std::fmt::Debug for IndexChangeRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IndexChangeRow")
            .field("origin", &self.origin)
            .field("log_index", &self.log_index)
            .field("licence", &Short(&self.licence))
            .field("value", &self.value)
            .finish_non_exhaustive()
    }
}

/// A leaf without a right record, or a record without a leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexRejectRow {
    /// Name of the log; unique with `log_index`.
    pub origin: String,
    /// Leaf index in that log.
    pub log_index: u64,
    /// As [`IndexLicenceRow::day`].
    pub day: i64,
    /// [`INDEX_LICENCE`] or [`INDEX_CHANGE`].
    pub kind: u8,
    /// Whether the log has a leaf of this kind there.
    pub logged: bool,
    /// Why, in one word.
    pub reason: String,
    /// When it was told, Unix seconds.
    pub told_at: i64,
}

/// Kind of a licence that was issued, as in log entries.
pub const INDEX_LICENCE: u8 = 1;
/// Kind of a change of status, as in log entries.
pub const INDEX_CHANGE: u8 = 2;

/// How far a log has been told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexCursor {
    /// Name of the log.
    pub origin: String,
    /// Everything below this leaf index has been told.
    pub next: u64,
}

/// How many leaves of one kind one day of a log has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexDay {
    /// As [`IndexLicenceRow::day`].
    pub day: i64,
    /// [`INDEX_LICENCE`] or [`INDEX_CHANGE`].
    pub kind: u8,
    /// Leaves of the log.
    pub logged: u64,
}

/// One day of a log, reconciled: `logged` should be `kept + rejected`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexCount {
    /// As [`IndexLicenceRow::day`].
    pub day: i64,
    /// [`INDEX_LICENCE`] or [`INDEX_CHANGE`].
    pub kind: u8,
    /// Leaves of the log, counted when they were compared.
    pub logged: u64,
    /// Rows that are kept, counted now.
    pub kept: u64,
    /// Rejects of leaves, counted now.
    pub rejected: u64,
}

/// What was told of one stretch of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexStretch {
    /// Name of the log, and of all rows.
    pub origin: String,
    /// First leaf of the stretch: the cursor, 0 for a log that nothing has been told of.
    pub from: u64,
    /// First leaf after it: the new cursor.
    pub next: u64,
    /// Licences, ascending by log index.
    pub licences: Vec<IndexLicenceRow>,
    /// Changes, ascending by log index.
    pub changes: Vec<IndexChangeRow>,
    /// Rejects, ascending by log index.
    pub rejects: Vec<IndexRejectRow>,
    /// How many leaves the stretch has of each day and kind; each pair once.
    pub logged: Vec<IndexDay>,
}

/// Reading the index.
pub trait ReadIndex {
    /// How far each log has been told, ascending by the bytes of their names.
    /// # Errors
    /// Those of the connection, here and in every read below.
    fn index_cursors(&self) -> Result<Vec<IndexCursor>>;

    /// Licences of one holder of these types that are valid, as far as the index knows, newest by their issue first, at most `limit`.
    /// # Errors
    /// As [`ReadIndex::index_cursors`].
    fn newest_indexed_of_holder(
        &self,
        holder: &Digest,
        types: &[&str],
        limit: u32,
    ) -> Result<Vec<IndexLicenceRow>>;

    /// Licences of a log with an index of at least `from`, in log order, at most `limit`.
    /// # Errors
    /// As [`ReadIndex::index_cursors`].
    fn index_licences_from(&self, origin: &str, from: u64, limit: u32) -> Result<Vec<IndexLicenceRow>>;

    /// Where a log has the licence with this statement digest, if its record was told.
    /// # Errors
    /// As [`ReadIndex::index_cursors`].
    fn index_place(&self, origin: &str, digest: &Digest) -> Result<Option<u64>>;

    /// Changes of a log with an index of at least `from`, in log order, at most `limit`.
    /// # Errors
    /// As [`ReadIndex::index_cursors`].
    fn index_changes_from(&self, origin: &str, from: u64, limit: u32) -> Result<Vec<IndexChangeRow>>;

    /// Rejects of a log with an index of at least `from`, in log order, at most `limit`.
    /// # Errors
    /// As [`ReadIndex::index_cursors`].
    fn index_rejects_from(&self, origin: &str, from: u64, limit: u32) -> Result<Vec<IndexRejectRow>>;

    /// How many rejects there are of each log that has some, ascending by its name.
    /// # Errors
    /// As [`ReadIndex::index_cursors`].
    fn index_reject_counts(&self) -> Result<Vec<(String, u64)>>;

    /// Each day and kind of a log, ascending by both.
    ///
    /// Counts all rows of the log: for an operator's command, not for requests.
    /// # Errors
    /// As [`ReadIndex::index_cursors`].
    fn index_counts(&self, origin: &str) -> Result<Vec<IndexCount>>;
}

/// Writing the index.
pub trait WriteIndex {
    /// Adds what was told of a stretch and moves the cursor of its log. Changes set `status` and, where given, `successor` of the
    /// indexed licences of the same log, in log order; a change of a licence that is not indexed is kept alone.
    /// # Errors
    /// [`crate::Conflict::IndexMoved`] if the cursor is not at `from`; [`crate::Conflict::IndexExists`] if a row is there already;
    /// [`crate::StoreError::OutOfRange`] if `next` is below `from`.
    fn add_index(&mut self, stretch: &IndexStretch) -> Result<()>;

    /// Forgets all that was told of a log, so that it is told anew from its first leaf; false if there was nothing.
    /// # Errors
    /// Those of the connection.
    fn forget_index(&mut self, origin: &str) -> Result<bool>;
}
