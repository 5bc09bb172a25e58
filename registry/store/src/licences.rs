//! Issued licences of this node: one row each, never deleted, found by digest, id, cti, number or holder.
//! Out of scope: changes of their status (`status`), the leaves that prove them (`log`).

use licence_spec::status::Status;

use crate::{Digest, Result, Short};

/// One issued licence. All but `status` and `successor` stay as they were written.
#[derive(Clone, PartialEq, Eq)]
pub struct LicenceRow {
    /// SHA-256 of the statement; unique.
    pub digest: Digest,
    /// 电子证照标识, dotted; unique.
    pub id: String,
    /// Claim 7, 16 random bytes; unique. The ticket of the reference QR.
    pub cti: [u8; 16],
    /// Licence type as in the credential, `urn:elic:<space>:<code>`.
    pub vct: String,
    /// 证照编号 as printed on the face; unique with `authority`, `vct` and `version`.
    pub number: String,
    /// 证照版本号, 1 for the first.
    pub version: u32,
    /// Code of the issuing authority.
    pub authority: String,
    /// 属地 area code, 6 to 12 digits.
    pub area: String,
    /// Keyed hashes of the holders' codes. A set: read back ascending, each once.
    pub holders: Vec<Digest>,
    /// Claim 6, Unix seconds.
    pub issued_at: i64,
    /// Claim 4, Unix seconds.
    pub expires_at: i64,
    /// The credential in statement form (empty unprotected header).
    pub credential: StoredCredential,
    /// Id of the status list, which must exist.
    pub status_list: u64,
    /// Entry in that list; given out once.
    pub status_index: u32,
    /// Index of its leaf in this node's log; unique.
    pub log_index: u64,
    /// Changed only by [`crate::WriteStatus::change_statuses`].
    pub status: Status,
    /// Digest of the licence that this one replaces.
    pub predecessor: Option<Digest>,
    /// Id of the API client that had it issued; `None` where nobody recorded it.
    pub client: Option<String>,
    /// Digest of the licence that replaces this one. Set by [`crate::WriteStatus::change_statuses`].
    pub successor: Option<Digest>,
}

/// Shows where the row is, nothing of the licence.
impl std::fmt::Debug for LicenceRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LicenceRow")
            .field("digest", &Short(&self.digest))
            .field("log_index", &self.log_index)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// The bytes of a licence.
#[derive(Clone, PartialEq, Eq)]
pub enum StoredCredential {
    /// All of them.
    Whole(Vec<u8>),
    /// Lost in a restore: only whoever holds the licence has them.
    Lost,
}

impl StoredCredential {
    /// The bytes, if they are there.
    #[must_use]
    pub fn whole(&self) -> Option<&[u8]> {
        match self {
            StoredCredential::Whole(bytes) => Some(bytes),
            StoredCredential::Lost => None,
        }
    }

    /// What its column holds: nothing, where the bytes are lost.
    #[must_use]
    pub fn as_column(&self) -> &[u8] {
        self.whole().unwrap_or_default()
    }

    /// What stands in its column.
    #[must_use]
    pub fn of_column(bytes: Vec<u8>) -> StoredCredential {
        if bytes.is_empty() { StoredCredential::Lost } else { StoredCredential::Whole(bytes) }
    }
}

/// Shows nothing of the licence.
impl std::fmt::Debug for StoredCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.whole().is_some() { "Whole(…)" } else { "Lost" })
    }
}

/// How many licences of one type have one status.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LicenceCount {
    /// Licence type.
    pub vct: String,
    /// The status.
    pub status: Status,
    /// How many.
    pub licences: u64,
}

/// Which unique name of a licence is taken already; answer of [`ReadLicences::taken_licences`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// The same authority has issued this number of this type in this version.
    Number,
    /// The 电子证照标识 is in use.
    Id,
}

/// Reading licences.
pub trait ReadLicences {
    /// The licence with this entry of a status list.
    /// # Errors
    /// As [`ReadLicences::licence`].
    fn licence_by_status_index(&self, list: u64, index: u32) -> Result<Option<LicenceRow>>;

    /// The licence with this statement digest.
    /// # Errors
    /// Those of the connection; an unknown licence is `None`. So it is with every read below.
    fn licence(&self, digest: &Digest) -> Result<Option<LicenceRow>>;

    /// The licence with this 电子证照标识, compared byte by byte.
    /// # Errors
    /// As [`ReadLicences::licence`].
    fn licence_by_id(&self, id: &str) -> Result<Option<LicenceRow>>;

    /// The licence with this cti.
    /// # Errors
    /// As [`ReadLicences::licence`].
    fn licence_by_cti(&self, cti: &[u8; 16]) -> Result<Option<LicenceRow>>;

    /// The newest version of the licence that `authority` issued as `vct` under `number`.
    /// # Errors
    /// As [`ReadLicences::licence`].
    fn licence_by_number(&self, authority: &str, vct: &str, number: &str) -> Result<Option<LicenceRow>>;

    /// Licences of one holder of these types that have this status and whose bytes are there, newest first, at most `limit`: what a case
    /// looks at. Ask for one more than is looked at, to know whether there are more.
    /// # Errors
    /// As [`ReadLicences::licence`].
    fn newest_of_holder(
        &self,
        holder: &Digest,
        types: &[&str],
        status: Status,
        limit: u32,
    ) -> Result<Vec<LicenceRow>>;

    /// Licences with a log index of at least `from`, in log order, at most `limit`: the feed of the index, and of `fsck`.
    /// # Errors
    /// As [`ReadLicences::licence`].
    fn licences_from(&self, from: u64, limit: u32) -> Result<Vec<LicenceRow>>;

    /// How many licences there are.
    /// # Errors
    /// As [`ReadLicences::licence`].
    fn licence_count(&self) -> Result<u64>;

    /// How many licences there are of each type and status, ascending; what there is none of is left out.
    ///
    /// Reads all rows of an index: for an operator's command, not for requests.
    /// # Errors
    /// As [`ReadLicences::licence`].
    fn licence_counts(&self) -> Result<Vec<LicenceCount>>;

    /// For each row, in order, whether its number or id is taken by a stored licence or by an earlier row of the slice.
    ///
    /// Asked inside the group commit, so that one request that issues twice is refused alone. The other unique columns are
    /// random or leased; if they clash, [`WriteLicences::add_licences`] fails.
    /// # Errors
    /// As [`ReadLicences::licence`].
    fn taken_licences(&self, rows: &[LicenceRow]) -> Result<Vec<Option<Taken>>>;
}

/// Writing licences.
pub trait WriteLicences {
    /// Adds licences with their holders.
    /// # Errors
    /// [`crate::Conflict::LicenceExists`] if anything unique is taken, or the status index was ended ([`crate::WriteStatus::end_indexes`]); [`crate::Conflict::Dangling`] if the status list does not exist.
    fn add_licences(&mut self, rows: &[LicenceRow]) -> Result<()>;
}
