//! What can go wrong between a trip and its database, in words a trip can act on.
//! In scope: the cause, and whether the same call may succeed later. Out of scope: status codes (`http/problem.rs`).
//! "Not found" is no error: reads answer `None`.

use std::path::PathBuf;

use licence_spec::status::Status;

/// Why a read or a transaction did not happen. Nothing of a failed transaction is kept.
///
/// Texts name tables, paths and sizes, never the content of a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The database did not answer in time, or its files could not be read or written. Trying later may help.
    #[error("数据库不可用 / the database is not available: {0}")]
    Unavailable(String),
    /// No space is left on the disk. Reads still work; writes succeed again when the operator has made room.
    #[error("磁盘空间不足 / no space is left for the database: {0}")]
    Full(String),
    /// The transaction contradicts what is stored already.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// The stored bytes are not what this program wrote. Stop, keep a copy, restore.
    #[error("数据库已损坏或非本程序所写 / the database is damaged or not ours: {0}")]
    Corrupt(String),
    /// The database was written by a newer program; an older one must not touch it.
    #[error(
        "数据库版本 {found} 高于本程序所知的 {known}，请用新版程序 / the database has schema version {found}, this program knows versions up to {known}: use the newer program"
    )]
    Newer {
        /// Schema version found in the database.
        found: i64,
        /// Newest schema version that this program knows.
        known: i64,
    },
    /// Another process holds the data directory.
    #[error("数据目录 {0} 正被另一进程使用{1}，请先停止它 / the data directory {0} is in use by another process{1}: stop it first", path.display(), of_process(*.process))]
    Locked {
        /// The data directory.
        path: PathBuf,
        /// Process id that the holder wrote down, if it could be read.
        process: Option<u32>,
    },
    /// A value does not fit its column: too long, too large, or with a character that separates list items.
    #[error("值超出存储范围 / a value does not fit the store: {0}")]
    OutOfRange(&'static str),
    /// The body of the transaction asked for a roll-back for a reason of its own; see [`crate::transact`].
    #[error("the transaction was given up by its caller")]
    Aborted,
}

impl StoreError {
    /// Whether the whole call, its reads included, may succeed if it is simply made again.
    ///
    /// True for [`StoreError::Unavailable`] and for [`Conflict::LogHeadMoved`], where another writer was quicker.
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Conflict(Conflict::LogHeadMoved { .. }))
    }
}

fn of_process(process: Option<u32>) -> String {
    process.map(|id| format!(" (process {id})")).unwrap_or_default()
}

/// What a transaction contradicts. Each variant is one invariant of the store; the conformance suite has a test for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Conflict {
    /// A licence with this digest, id, cti, status index, log index, or (authority, vct, number, version) exists.
    #[error("this licence, or its identifier, number or status index, exists already")]
    LicenceExists,
    /// The licence's status is no longer the one that the change was decided on, or the licence does not exist.
    #[error("the status of the licence is no longer {expected:?}")]
    StatusMoved {
        /// Status that the change expected.
        expected: Status,
    },
    /// A status change with this digest or log index exists.
    #[error("this status change exists already")]
    StatusChangeExists,
    /// A status list with this id or URI exists.
    #[error("a status list with this id or URI exists already")]
    StatusListExists,
    /// A status token older than the newest one of its list, or of an older revision, or another one of the same second.
    #[error("the status token is not newer than the one of {held} that is kept")]
    TokenNotNewer {
        /// `iat` of the newest token kept, Unix seconds.
        held: i64,
    },
    /// A row names a status list, licence or node that is not there.
    #[error("the row refers to something that is not stored")]
    Dangling,
    /// Another writer has appended to the log since its size was read. Read it again and repeat.
    #[error("the log has {found} leaves, not {expected}")]
    LogHeadMoved {
        /// Size that the appender expected.
        expected: u64,
        /// Size that is stored.
        found: u64,
    },
    /// The log has another origin, or no log exists, or it exists already.
    #[error("the log is not the one that is stored")]
    LogDiffers,
    /// Leaves or head of an append do not follow on from the stored size without a gap.
    #[error("the leaves do not continue the log without a gap")]
    LogGap,
    /// A leaf with this hash is in the log already: one object, one leaf.
    #[error("the log has this leaf already")]
    LeafExists,
    /// A tile does not begin with the hashes that are stored for it.
    #[error("the tile does not extend the stored one")]
    TileRewritten,
    /// A document of a version below the stored one.
    #[error("version {offered} is older than the stored version {held}")]
    DocumentBackwards {
        /// Version stored.
        held: u64,
        /// Version offered.
        offered: u64,
    },
    /// A document of the stored version with another digest.
    #[error("version {version} is stored with another content")]
    DocumentDiffers {
        /// The version that both have.
        version: u64,
    },
    /// An answer for this caller and idempotency key is stored.
    #[error("this idempotency key has been used by this caller")]
    IdempotencyKeyExists,
    /// A client with this id or token exists.
    #[error("a client with this id or token exists already")]
    ClientExists,
    /// A receipt with this id exists.
    #[error("a receipt with this id exists already")]
    ReceiptExists,
    /// Another process has added to the index of this log, or it was forgotten. Read the cursor again and repeat.
    #[error("the index of the log is at {found}, not at {expected}")]
    IndexMoved {
        /// Cursor that the writer expected.
        expected: u64,
        /// Cursor that is stored.
        found: u64,
    },
    /// The index has a row of this log and leaf.
    #[error("the index has a row of this leaf already")]
    IndexExists,
    /// Rows of the audit do not follow on the newest one without a gap. Read the head again and repeat.
    #[error("the next row of the audit is {found}, not {expected}")]
    AuditMoved {
        /// Number of the row that was offered.
        expected: u64,
        /// Number that the next row must have.
        found: u64,
    },
    /// The database belongs to a node of another role or region.
    #[error("the database belongs to another node")]
    NodeDiffers,
}
