//! The audit: rows in a chain, each after the one before, none changed and none left out.
//!
//! Out of scope: what a row says and how its digest is made (`licence_spec::audit`), and whether the chain holds, which whoever checks it
//! decides from these rows alone.

use crate::{Digest, Result, Short};

/// One row. What stands beside its bytes is there to be searched, and repeats what they say.
#[derive(Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// 1, 2, …, without a gap.
    pub number: u64,
    /// When, Unix seconds.
    pub time: i64,
    /// The id of the client, the authority code of the node, or the word of the kind of caller.
    pub who: String,
    /// The case.
    pub case_number: Option<String>,
    /// Statement digest of the licence.
    pub licence: Option<Digest>,
    /// Digest of the chain after this row.
    pub digest: Digest,
    /// The row (spec/audit.md).
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for AuditRow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditRow")
            .field("number", &self.number)
            .field("time", &self.time)
            .field("digest", &Short(&self.digest))
            .finish_non_exhaustive()
    }
}

/// Which rows are wanted; what is absent is not asked.
#[derive(Clone, Copy, Debug, Default)]
pub struct AuditFilter<'a> {
    /// At this time or later, Unix seconds.
    pub from: Option<i64>,
    /// Before this time, Unix seconds.
    pub to: Option<i64>,
    /// By this caller.
    pub who: Option<&'a str>,
    /// In this case.
    pub case_number: Option<&'a str>,
    /// About this licence.
    pub licence: Option<&'a Digest>,
}

/// Reading the audit.
pub trait ReadAudit {
    /// Number and digest of the newest row.
    /// # Errors
    /// Those of the connection.
    fn audit_head(&self) -> Result<Option<(u64, Digest)>>;

    /// Rows after this number that fit, ascending, at most `limit`.
    /// # Errors
    /// Those of the connection.
    fn audit_rows(&self, after: u64, filter: &AuditFilter<'_>, limit: u32) -> Result<Vec<AuditRow>>;
}

/// Writing the audit.
pub trait WriteAudit {
    /// Appends rows that follow on the newest one, or on the first of an empty audit, which may have any number: what was before it was
    /// dropped in the store from which it is copied.
    /// # Errors
    /// [`crate::Conflict::AuditMoved`] if they do not follow on without a gap.
    fn append_audit(&mut self, rows: &[AuditRow]) -> Result<()>;

    /// Drops the rows up to this number, but never the newest one; answers how many.
    /// # Errors
    /// Those of the connection.
    fn drop_audit(&mut self, through: u64) -> Result<u64>;
}
