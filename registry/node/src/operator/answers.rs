//! What the operator's commands answer, written and read on both sides of the socket by one type each.
//!
//! In scope: answers that somebody reads again. Out of scope: those that are only printed, which are JSON values.

use std::collections::BTreeMap;

use licence_spec::time::UnixTime;
use serde::{Deserialize, Serialize};

use crate::exchange::mirror::fork_cases::{Case, Closed};

/// Of [`super::Command::TrustFiles`]: the files in force, base64url.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct HeldTrustFiles {
    /// The roots, from the first on; empty before one is pinned.
    pub roots: Vec<String>,
    /// The list.
    pub list: Option<String>,
    /// Its timestamp.
    pub timestamp: Option<String>,
}

/// Of [`super::Command::ShowTrust`]: what the trust files say, for people.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct ShownTrust {
    /// Name of the trust scheme; absent before a root is pinned.
    pub name: Option<String>,
    /// Whether the files are fresh.
    pub fresh: bool,
    /// The root.
    pub root: Option<ShownFile>,
    /// The timestamp.
    pub timestamp: Option<ShownFile>,
    /// The list.
    pub list: Option<ShownFile>,
    /// The catalogue.
    pub catalogue: Option<ShownCatalogue>,
    /// The entries of the list.
    pub authorities: Vec<ShownAuthority>,
}

/// One trust file.
#[derive(Debug, Serialize, Deserialize)]
pub struct ShownFile {
    /// Its version.
    pub version: u64,
    /// When it ends, RFC 3339.
    pub expires_at: String,
}

impl ShownFile {
    pub(super) fn new(version: u64, exp: UnixTime) -> ShownFile {
        ShownFile { version, expires_at: exp.to_string() }
    }
}

/// The catalogue in force.
#[derive(Debug, Serialize, Deserialize)]
pub struct ShownCatalogue {
    /// Its version.
    pub version: u64,
}

/// One entry of the list.
#[derive(Debug, Serialize, Deserialize)]
pub struct ShownAuthority {
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its keys.
    pub keys: Vec<ShownKey>,
}

/// One key of an entry.
#[derive(Debug, Serialize, Deserialize)]
pub struct ShownKey {
    /// Key id, 16 hex digits.
    pub kid: String,
    /// Its roles, with commas between.
    pub roles: String,
    /// active, retired or compromised.
    pub state: String,
    /// Since when, RFC 3339.
    pub since: String,
}

/// One token, of [`super::Command::ClearStrangers`].
#[derive(Debug, Serialize, Deserialize)]
pub struct ClearedToken {
    /// Name of the list.
    pub uri: String,
    /// Why its signer may not speak for it.
    pub fault: String,
}

/// Of [`super::Command::LogRoot`].
#[derive(Debug, Serialize, Deserialize)]
pub struct LogRoot {
    /// The root in hex; absent if this node holds fewer leaves.
    pub root: Option<String>,
    /// How many leaves it holds, at least as far as was asked.
    pub held: u64,
}

/// Of [`super::Command::CountVerdicts`].
#[derive(Debug, Serialize, Deserialize)]
pub struct VerdictCounts {
    /// Licences in force.
    pub live: u64,
    /// Those whose verdict would change.
    pub changed: u64,
    /// By the code of the authority.
    pub authorities: BTreeMap<String, VerdictChanges>,
}

/// Of one authority.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct VerdictChanges {
    /// Licences in force.
    pub live: u64,
    /// How many for each change, such as `ACCEPT → KEY_RETIRED`.
    pub changes: BTreeMap<String, u64>,
}

/// Of [`super::Command::Enrolment`].
#[derive(Debug, Serialize, Deserialize)]
pub struct EnrolmentRequest {
    /// The request, base64url.
    pub request: String,
    /// Its digest, `sha-256:` and hex.
    pub digest: String,
    /// How many keys it has.
    pub keys: usize,
}

/// One client, of [`super::Command::ListClients`].
#[derive(Debug, Serialize, Deserialize)]
pub struct ListedClient {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Codes of authorities, or `*`.
    pub authorities: Vec<String>,
    /// Codes of types, or `*`.
    pub types: Vec<String>,
    /// Names of calls, or `*`.
    pub calls: Vec<String>,
    /// RFC 3339.
    pub created_at: String,
    /// RFC 3339.
    pub expires_at: String,
    /// RFC 3339.
    pub revoked_at: Option<String>,
}

/// One log, of [`super::Command::CountIndex`].
#[derive(Debug, Serialize, Deserialize)]
pub struct GatheredLog {
    /// Name of the log.
    pub log: String,
    /// Leaves that are told.
    pub told: u64,
    /// Leaves that are mirrored.
    pub mirrored: u64,
    /// Each day and kind.
    pub days: Vec<GatheredDay>,
}

/// One day of a log.
#[derive(Debug, Serialize, Deserialize)]
pub struct GatheredDay {
    /// YYYY-MM-DD.
    pub day: String,
    /// licence or status_change.
    pub kind: String,
    /// Leaves of the log.
    pub logged: u64,
    /// Rows that are kept.
    pub kept: u64,
    /// Rejects.
    pub rejected: u64,
    /// Whether they add up.
    pub ok: bool,
}

/// One reject, of [`super::Command::ListRejects`].
#[derive(Debug, Serialize, Deserialize)]
pub struct RejectedRecord {
    /// Leaf index.
    pub log_index: u64,
    /// YYYY-MM-DD.
    pub day: String,
    /// licence or status_change.
    pub kind: String,
    /// Why.
    pub reason: String,
    /// RFC 3339.
    pub told_at: String,
}

/// Of [`super::Command::ListCases`].
#[derive(Debug, Serialize, Deserialize)]
pub struct Cases {
    /// Open ones.
    pub open: Vec<Case>,
    /// Closed ones.
    pub closed: Vec<Closed>,
}
