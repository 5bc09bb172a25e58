//! Status of licences: lists, the tokens signed for them, and the record of every change.
//!
//! A list has a `revision` that every change of one of its entries raises; a token remembers the revision it was built from.
//! So a change that arrives while a token is being signed leaves the list dirty instead of being forgotten.
//! Out of scope: bits, zlib and signatures (`spec`), when to publish (`jobs`).

use licence_spec::status::{Status, signed_ahead};
use licence_spec::time::UnixTime;

use crate::{Digest, Result, Short};

/// One status list of this node.
#[derive(Clone, PartialEq, Eq)]
pub struct StatusListRow {
    /// Small number, unique; last part of the path in `uri`.
    pub id: u64,
    /// URI as it stands in credentials; unique.
    pub uri: String,
    /// Authority whose licences use the list.
    pub authority: String,
    /// Number of entries; fixed.
    pub size: u32,
    /// Key of the permutation that turns a leased counter into a random index. Never shown.
    pub permutation_secret: [u8; 32],
    /// Next counter to lease; `size` when all are given out. As written by [`WriteStatus::add_status_lists`] it must be 0.
    pub next_counter: u32,
    /// Whether new licences may take indexes from it.
    pub open: bool,
    /// Raised by one with every change of an entry.
    pub revision: u64,
    /// Revision that the newest token was built from; `None` before the first token.
    pub token_revision: Option<u64>,
    /// `iat` of the newest token.
    pub token_iat: Option<i64>,
    /// `exp` of the newest token.
    pub token_exp: Option<i64>,
    /// When the oldest change that no token shows yet was recorded; `None` if the newest token shows them all.
    pub dirty_since: Option<i64>,
}

impl StatusListRow {
    /// A new, open list with nothing given out and no token yet.
    pub fn new(id: u64, uri: String, authority: String, size: u32, permutation_secret: [u8; 32]) -> Self {
        Self {
            id,
            uri,
            authority,
            size,
            permutation_secret,
            next_counter: 0,
            open: true,
            revision: 0,
            token_revision: None,
            token_iat: None,
            token_exp: None,
            dirty_since: None,
        }
    }
}

/// Shows all but the permutation secret.
impl std::fmt::Debug for StatusListRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StatusListRow")
            .field("id", &self.id)
            .field("uri", &self.uri)
            .field("size", &self.size)
            .field("next_counter", &self.next_counter)
            .field("open", &self.open)
            .field("revision", &self.revision)
            .field("token_revision", &self.token_revision)
            .field("token_iat", &self.token_iat)
            .field("dirty_since", &self.dirty_since)
            .finish_non_exhaustive()
    }
}

/// One status token that this node signed. Every one is kept, so that an old receipt can be checked again.
#[derive(Clone, PartialEq, Eq)]
pub struct StatusTokenRow {
    /// Id of its list.
    pub list: u64,
    /// Claim 6, Unix seconds; unique within the list.
    pub iat: i64,
    /// Claim 4, Unix seconds.
    pub exp: i64,
    /// SHA-256 of the token in statement form, as in the log.
    pub digest: Digest,
    /// The token.
    pub bytes: Vec<u8>,
    /// Revision of the list that it shows.
    pub revision: u64,
    /// Index of its leaf in this node's log.
    pub log_index: u64,
}

impl StatusTokenRow {
    /// Whether it may take the place of a token of this time and revision: signed later, or that one by a clock that was ahead (spec/status.md,
    /// rule 5); and never with an older revision, which would undo a change.
    #[must_use]
    pub fn may_follow(&self, iat: i64, revision: u64) -> bool {
        let later = self.iat > iat || signed_ahead(UnixTime(iat), UnixTime(self.iat));
        later && self.revision >= revision
    }
}

impl std::fmt::Debug for StatusTokenRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StatusTokenRow")
            .field("list", &self.list)
            .field("iat", &self.iat)
            .field("exp", &self.exp)
            .field("digest", &Short(&self.digest))
            .field("revision", &self.revision)
            .field("log_index", &self.log_index)
            .finish_non_exhaustive()
    }
}

/// One legal act that changed the status of a licence.
#[derive(Clone, PartialEq, Eq)]
pub struct StatusChangeRow {
    /// SHA-256 of `record`; unique.
    pub digest: Digest,
    /// The change record, canonical CBOR.
    pub record: Vec<u8>,
    /// Digest of the licence, which must exist.
    pub licence: Digest,
    /// 1 to 9, see spec/log.md.
    pub act: u8,
    /// Status that the act was decided on; the change is refused if the licence has another one by now.
    pub previous: Status,
    /// New status.
    pub value: Status,
    /// When it takes effect in law, Unix seconds.
    pub effective_at: i64,
    /// When this node recorded it, Unix seconds.
    pub recorded_at: i64,
    /// Legal basis as the authority states it.
    pub legal_basis: String,
    /// Number of the official document that orders it.
    pub document_number: String,
    /// The officer who entered it.
    pub officer: String,
    /// Digest of the licence that takes its place, for acts that supersede.
    pub successor: Option<Digest>,
    /// Id of the API client that sent it; `None` where nobody recorded it.
    pub client: Option<String>,
    /// Index of its leaf in this node's log; unique.
    pub log_index: u64,
}

/// Shows where the row is and what changed, not who or why.
impl std::fmt::Debug for StatusChangeRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StatusChangeRow")
            .field("licence", &Short(&self.licence))
            .field("act", &self.act)
            .field("previous", &self.previous)
            .field("value", &self.value)
            .field("log_index", &self.log_index)
            .finish_non_exhaustive()
    }
}

/// An entry of a list that was ended though no licence of this node has it: somebody signed a licence beside the system.
#[derive(Clone, PartialEq, Eq)]
pub struct EndedIndexRow {
    /// SHA-256 of `record`; unique.
    pub digest: Digest,
    /// The change record, canonical CBOR; it names list and index.
    pub record: Vec<u8>,
    /// Id of the list, which must exist.
    pub list: u64,
    /// Entry; unique within the list, and no licence's.
    pub index: u32,
    /// Digest of the licence that was signed beside the system. None of this store has it.
    pub licence: Digest,
    /// The act, 1 to 9; it leads to status 1.
    pub act: u8,
    /// When this node recorded it, Unix seconds.
    pub recorded_at: i64,
    /// Legal basis as the authority states it.
    pub legal_basis: String,
    /// Number of the official document that orders it.
    pub document_number: String,
    /// The officer who entered it.
    pub officer: String,
    /// Index of its leaf in this node's log; unique.
    pub log_index: u64,
}

/// Shows where the row is, not who or why.
impl std::fmt::Debug for EndedIndexRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EndedIndexRow")
            .field("licence", &Short(&self.licence))
            .field("list", &self.list)
            .field("index", &self.index)
            .field("log_index", &self.log_index)
            .finish_non_exhaustive()
    }
}

/// One entry of a list that is not 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusValue {
    /// Entry, counted from 0.
    pub index: u32,
    /// Never valid.
    pub value: Status,
}

/// What a list holds at one moment; a token built from it carries its `revision`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRevision {
    /// Revision of the list.
    pub revision: u64,
    /// All entries that are not 0, ascending by index.
    pub values: Vec<StatusValue>,
}

/// A block of counters that nobody else will ever get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexLease {
    /// First counter.
    pub first: u32,
    /// How many; fewer than asked for at the end of the list, 0 if the list is full or closed.
    pub count: u32,
}

/// Reading status.
pub trait ReadStatus {
    /// The list with this id.
    /// # Errors
    /// Those of the connection, here and in every read below.
    fn status_list(&self, id: u64) -> Result<Option<StatusListRow>>;

    /// The list with this URI.
    /// # Errors
    /// As [`ReadStatus::status_list`].
    fn status_list_by_uri(&self, uri: &str) -> Result<Option<StatusListRow>>;

    /// All lists, ascending by id.
    /// # Errors
    /// As [`ReadStatus::status_list`].
    fn status_lists(&self) -> Result<Vec<StatusListRow>>;

    /// Revision and entries of a list, both of this moment.
    /// # Errors
    /// As [`ReadStatus::status_list`].
    fn list_revision(&self, list: u64) -> Result<Option<ListRevision>>;

    /// The newest token of a list.
    /// # Errors
    /// As [`ReadStatus::status_list`].
    fn status_token(&self, list: u64) -> Result<Option<StatusTokenRow>>;

    /// The token that was newest at `time`: the one with the greatest `iat <= time`. Whether `time < exp` is the caller's question.
    /// # Errors
    /// As [`ReadStatus::status_list`].
    fn status_token_at(&self, list: u64, time: i64) -> Result<Option<StatusTokenRow>>;

    /// Tokens of all lists with a log index of at least `from`, in log order, at most `limit`.
    /// # Errors
    /// As [`ReadStatus::status_list`].
    fn status_tokens_from(&self, from: u64, limit: u32) -> Result<Vec<StatusTokenRow>>;

    /// All changes of one licence, in log order.
    /// # Errors
    /// As [`ReadStatus::status_list`].
    fn status_changes(&self, licence: &Digest) -> Result<Vec<StatusChangeRow>>;

    /// Changes of all licences with a log index of at least `from`, in log order, at most `limit`.
    /// # Errors
    /// As [`ReadStatus::status_list`].
    fn status_changes_from(&self, from: u64, limit: u32) -> Result<Vec<StatusChangeRow>>;

    /// The ended entries of a list that no licence has, ascending. They are in its [`ReadStatus::list_revision`], too.
    /// # Errors
    /// As [`ReadStatus::status_list`].
    fn ended_indexes(&self, list: u64) -> Result<Vec<u32>>;

    /// Ended entries of all lists with a log index of at least `from`, in log order, at most `limit`.
    /// # Errors
    /// As [`ReadStatus::status_list`].
    fn ended_indexes_from(&self, from: u64, limit: u32) -> Result<Vec<EndedIndexRow>>;
}

/// Writing status.
pub trait WriteStatus {
    /// Adds lists made with [`StatusListRow::new`].
    /// # Errors
    /// [`crate::Conflict::StatusListExists`].
    fn add_status_lists(&mut self, rows: &[StatusListRow]) -> Result<()>;

    /// Ends the giving out of indexes from a list; false if there is no such list. Repeating it does no harm.
    /// # Errors
    /// Those of the connection.
    fn close_status_list(&mut self, id: u64) -> Result<bool>;

    /// Takes the next `count` counters of a list for good. Do it in a transaction of its own: a crash then costs a gap only.
    /// # Errors
    /// [`crate::Conflict::Dangling`] if there is no such list.
    fn lease_status_indexes(&mut self, list: u64, count: u32) -> Result<IndexLease>;

    /// Records changes; sets the licences' `status` and, where given, `successor`; raises the lists' revisions and marks them
    /// dirty since `recorded_at`. Rows are applied in order, so one licence may change twice in one call.
    /// # Errors
    /// [`crate::Conflict::StatusMoved`] if a licence is unknown or its status is not `previous`; [`crate::Conflict::StatusChangeExists`].
    fn change_statuses(&mut self, rows: &[StatusChangeRow]) -> Result<()>;

    /// Ends entries that no licence has, for good: their status is 1, and no licence is added with one of them any more. Raises the lists'
    /// revisions and marks them dirty since `recorded_at`.
    /// # Errors
    /// [`crate::Conflict::LicenceExists`] if a licence has the entry; [`crate::Conflict::StatusChangeExists`] if it is ended, or digest or log index
    /// are taken; [`crate::Conflict::Dangling`] if there is no such list or entry.
    fn end_indexes(&mut self, rows: &[EndedIndexRow]) -> Result<()>;

    /// Keeps tokens and makes each the newest of its list. The list is clean afterwards if the token shows its latest revision.
    /// A token that is already the newest, with equal digest, is left alone.
    /// # Errors
    /// [`crate::Conflict::TokenNotNewer`] if it may not follow ([`StatusTokenRow::may_follow`]) the newest one, or is equal with another digest, or shows
    /// an older revision than the newest one does; [`crate::Conflict::Dangling`] if there is no such list or it has not
    /// reached the revision; [`crate::Conflict::LeafExists`] if another token has the log index.
    fn add_status_tokens(&mut self, rows: &[StatusTokenRow]) -> Result<()>;
}
