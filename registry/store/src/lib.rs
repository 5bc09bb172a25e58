//! Storage of a node: what is kept, in which transactions, and what must never happen to it.
//!
//! In scope: the traits [`Store`], [`Read`] and [`Write`], plain rows, errors, the [`mod@conformance`] suite that every
//! backend passes, and [`copy`] from one backend to another.
//! Out of scope: SQL (`store-sqlite`, `store-postgres`), decisions (`registry/node/src/trips`), bytes of signed objects (`spec`).
//!
//! Rows are plain data: times are Unix seconds (`i64`), digests SHA-256 (`[u8; 32]`), signed objects opaque bytes. What a row
//! *means* has been checked before it comes here; the store checks what only the store can know: that it is new, that it
//! follows on, that it does not go backwards.
//!
//! # Transactions
//!
//! - [`Store::read`] gives one moment: all calls on it see the same committed state, at least as new as every write that had
//!   returned before. Drop it before you write: a store may have only one connection.
//! - [`Store::write`] is all or nothing, serialisable, and on disk (fsynced) when it returns `Ok`. Its body may be run more than once
//!   (a PostgreSQL transaction that lost a race is repeated), so it must do nothing but read, decide and write through the
//!   given [`Write`]; [`transact`] hands its result out.
//! - Once a method of [`Write`] has failed, that transaction cannot commit, even if the body hides the error.
//! - Methods that write take slices: one statement, or one round trip, a table and call.
//!
//! # The order of durable steps
//!
//! Each step is durable before the next one starts; a crash between two of them leaves what stands in brackets.
//!
//! 1. **Lease** numbers and status indexes: [`WriteNode::lease`], [`WriteStatus::lease_status_indexes`], in a transaction of their own
//!    [a gap in the numbers, never a number twice].
//! 2. **Sign** the credential, change record or status token, outside any transaction \[no trace at all\].
//! 3. **Group commit**, one transaction for all waiting requests: [`ReadAnswers::idempotent_answers`] and
//!    [`ReadLicences::taken_licences`] say which of them to leave out; then rows, [`WriteLog::append_log`] with leaves, tiles and head,
//!    [`WriteAudit::append_audit`], [`WriteAnswers::add_idempotent_answers`] [all of it or nothing; if the process dies before it has answered, the client repeats
//!    its request with the same key and gets the stored answer].
//! 4. **Sign the checkpoint** of the stored head and keep it with [`WriteDocuments::put_documents`] [the old checkpoint is served until
//!    the next start signs the stored head].
//! 5. **Answer**. Nothing that is signed leaves the process before its transaction has returned.
//!
//! Status lists: read the list's revision and values in one snapshot, build and sign, then in one transaction append the token's
//! leaf and [`WriteStatus::add_status_tokens`], and only then serve it. A change that came in between leaves the list dirty.

mod answers;
mod audit;
pub mod conformance;
mod copy;
mod documents;
mod error;
mod index;
mod licences;
mod log;
mod node;
mod status;
mod timings;

pub use answers::{AnswerKey, ClientRow, IdempotentAnswer, ReadAnswers, ReceiptRow, WriteAnswers};
pub use audit::{AuditFilter, AuditRow, ReadAudit, WriteAudit};
pub use copy::{Copied, CopyError, copy};
pub use documents::{DocumentRow, ReadDocuments, WriteDocuments};
pub use error::{Conflict, StoreError};
pub use index::{
    INDEX_CHANGE, INDEX_LICENCE, IndexChangeRow, IndexCount, IndexCursor, IndexDay, IndexLicenceRow,
    IndexRejectRow, IndexStretch, ReadIndex, WriteIndex,
};
pub use licences::{LicenceCount, LicenceRow, ReadLicences, StoredCredential, Taken, WriteLicences};
pub use log::{LeafRow, LogHead, ReadLog, TileKey, TileRow, WriteLog};
pub use node::{CounterRow, JobLease, NodeRow, ReadNode, WriteNode};
pub use status::{
    EndedIndexRow, IndexLease, ListRevision, ReadStatus, StatusChangeRow, StatusListRow, StatusTokenRow,
    StatusValue, WriteStatus,
};
pub use timings::{Stopwatch, Timing, Timings};

/// SHA-256, 32 bytes.
pub type Digest = [u8; 32];

/// A `Result` whose error is a [`StoreError`].
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// A database of one node. Blocking: call it from a thread that may wait, never from an async task.
pub trait Store: Send + Sync {
    /// A read-only view of one moment; see the module's word on transactions. Keep it short: it holds a connection.
    /// # Errors
    /// [`StoreError::Unavailable`] if no connection comes free in time, or this thread holds the only one.
    fn read(&self) -> Result<Box<dyn Read + '_>>;

    /// A view that may lie some seconds behind, of a copy that takes load off the database; `None` if there is no copy, or it cannot be
    /// reached. Nothing may be decided by it that a newer state would decide otherwise; see [`read_copy_first`].
    fn replica(&self) -> Option<Box<dyn Read + '_>> {
        None
    }

    /// Runs `body` in one transaction named `name`: kept whole and durable if it answers `Ok`, else without any trace.
    ///
    /// `body` may run several times. To carry a result or an error of your own out of it, use [`transact`].
    /// # Errors
    /// That of `body`; that of a [`Write`] method which `body` hid; [`StoreError::Unavailable`] or [`StoreError::Full`] if the transaction
    /// could not be committed, and then nothing of it is kept, with one exception: a disk or connection that fails while the end of
    /// the commit is awaited may have kept it. So whoever writes on reads the stored state first, and requests carry idempotency keys.
    fn write(&self, name: &'static str, body: &mut dyn FnMut(&mut dyn Write) -> Result<()>) -> Result<()>;

    /// How often each named transaction ran, failed, and how long it took, since the store was opened. For `/metrics`.
    fn timings(&self) -> Vec<Timing>;

    /// Bytes that are free where the data lies; `None` if the store cannot tell, as with a database on another machine.
    fn room(&self) -> Option<u64> {
        None
    }

    /// What opening the store did to its schema.
    fn migrated(&self) -> Migrated;
}

/// Schema versions, which count migrations; 0 is an empty database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migrated {
    /// Version that was found.
    pub from: i64,
    /// Version that it was brought to: the newest that this program knows.
    pub to: i64,
}

/// All that can be read, at one moment.
pub trait Read:
    ReadLicences + ReadStatus + ReadLog + ReadDocuments + ReadAnswers + ReadNode + ReadIndex + ReadAudit
{
}

impl<T: ReadLicences + ReadStatus + ReadLog + ReadDocuments + ReadAnswers + ReadNode + ReadIndex + ReadAudit>
    Read for T
{
}

/// All that can be written, in one transaction, which also reads its own writes. A `&mut dyn Write` coerces to `&dyn Read`.
pub trait Write:
    Read
    + WriteLicences
    + WriteStatus
    + WriteLog
    + WriteDocuments
    + WriteAnswers
    + WriteNode
    + WriteIndex
    + WriteAudit
{
}

impl<
    T: Read
        + WriteLicences
        + WriteStatus
        + WriteLog
        + WriteDocuments
        + WriteAnswers
        + WriteNode
        + WriteIndex
        + WriteAudit,
> Write for T
{
}

/// Runs `body` in one transaction and hands out what it answers; an error of any type rolls back.
///
/// The surprise: `body` may run several times, so let it build its answer afresh each time and touch nothing outside.
///
/// ```
/// # use licence_store::{transact, Store, StoreError};
/// # fn example(store: &dyn Store) -> Result<(), StoreError> {
/// let first: u64 = transact(store, "lease numbers", |write| write.lease("numbers", 100))?;
/// # Ok(()) }
/// ```
/// # Errors
/// That of `body`, or the store's own, turned into `E`.
pub fn transact<T, E: From<StoreError>>(
    store: &dyn Store,
    name: &'static str,
    mut body: impl FnMut(&mut dyn Write) -> std::result::Result<T, E>,
) -> std::result::Result<T, E> {
    let mut answer = None;
    let done = store.write(name, &mut |write| {
        let outcome = body(write);
        let verdict = if outcome.is_ok() { Ok(()) } else { Err(StoreError::Aborted) };
        answer = Some(outcome);
        verdict
    });
    match (done, answer) {
        (Ok(()), Some(answer)) | (Err(StoreError::Aborted), Some(answer @ Err(_))) => answer,
        (Err(error), _) => Err(error.into()),
        (Ok(()), None) => Err(StoreError::Unavailable(format!("transaction {name} never ran")).into()),
    }
}

/// Reads what never changes once it is there: from a copy if it has it, else from the database itself.
///
/// # Errors
/// Those of the database; what is wrong with the copy is passed over.
pub fn read_copy_first<T>(
    store: &dyn Store,
    read: impl Fn(&dyn Read) -> Result<Option<T>>,
) -> Result<Option<T>> {
    if let Some(replica) = store.replica()
        && let Ok(Some(found)) = read(&*replica)
    {
        return Ok(Some(found));
    }
    read(&*store.read()?)
}

/// The first bytes of a digest in hex, for `Debug` texts: enough to find a row, and nothing of its content.
struct Short<'a>(&'a [u8]);

impl std::fmt::Debug for Short<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for byte in self.0.iter().take(4) {
            write!(f, "{byte:02x}")?;
        }
        f.write_str("..")
    }
}
