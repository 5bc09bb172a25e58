//! The audit of a node: who is written down how, reading it, and whether anybody has touched it.
//!
//! In scope: drafts of rows from callers, searching, the check of chain, anchors and objects, anchoring the head in the log, dropping what is
//! past its time. Out of scope: the bytes of a row and the rule of the chain (`licence_spec::audit`), numbers and transactions (`node::audit`).

mod check;
mod keep;

pub use check::{Checked, check};
pub use keep::{KeepError, anchor, drop_old, write_counted};

use licence_spec::audit::{AuditAct, AuditRecord, WhoKind};
use licence_spec::suite::Digest;
use licence_store::{AuditFilter, Read, StoreError};
use serde::{Deserialize, Serialize};

use crate::access::authorisation::Purpose;
use crate::access::caller::{Caller, ListedNode};
use crate::node::Node;
use crate::node::audit::AuditDraft;

/// Most rows of one page.
const MAX_PAGE: u32 = 1_000;

/// An act of a caller, now.
#[must_use]
pub fn draft(node: &Node, caller: &Caller, act: AuditAct) -> AuditDraft {
    let kind = match caller {
        Caller::Client(_) => WhoKind::Client,
        Caller::Node(_) => WhoKind::Node,
        Caller::Operator => WhoKind::Operator,
    };
    AuditDraft::new(kind, caller.id(), act, node.clock.now())
}

/// An act of another node, now, for a purpose.
#[must_use]
pub fn of_node(node: &Node, asker: &ListedNode, act: AuditAct) -> AuditDraft {
    AuditDraft::new(WhoKind::Node, &asker.authority, act, node.clock.now())
}

/// An act of the node itself, now.
#[must_use]
pub fn own(node: &Node, act: AuditAct) -> AuditDraft {
    AuditDraft::new(WhoKind::Own, WhoKind::Own.name(), act, node.clock.now())
}

/// The same for a purpose: item, case and ground.
#[must_use]
pub fn for_purpose(draft: AuditDraft, purpose: &Purpose) -> AuditDraft {
    let draft = draft.case(Some(purpose.service_item()), Some(purpose.case_number()));
    draft.ground(purpose.authorisation().text())
}

/// Which rows are wanted, as the command line asks; what is absent is not asked.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Search {
    /// At this time or later, Unix seconds.
    pub from: Option<i64>,
    /// Before this time, Unix seconds.
    pub to: Option<i64>,
    /// Id of a client, or authority code of a node.
    pub who: Option<String>,
    /// Case number.
    pub case_number: Option<String>,
    /// Statement digest, hex.
    pub licence: Option<String>,
}

/// A licence digest of a search is no digest.
#[derive(Debug, thiserror::Error)]
#[error("licence：应为 sha-256: 与 64 位十六进制 / licence: must be sha-256: and 64 hex digits")]
pub struct NoDigest;

impl Search {
    /// Rows after this number that fit, each with its words.
    ///
    /// # Errors
    /// [`SearchError`].
    pub fn page(&self, read: &dyn Read, after: u64, limit: u32) -> Result<Vec<Told>, SearchError> {
        let licence = self.licence.as_deref().map(|text| digest_of(text).ok_or(NoDigest)).transpose()?;
        let filter = AuditFilter {
            from: self.from,
            to: self.to,
            who: self.who.as_deref(),
            case_number: self.case_number.as_deref(),
            licence: licence.as_ref(),
        };
        let rows = read.audit_rows(after, &filter, limit.min(MAX_PAGE))?;
        rows.iter().map(|row| Ok(Told::of(&parse(&row.bytes)?, &row.digest))).collect()
    }
}

/// Why a search has no answer.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// A part of it.
    #[error(transparent)]
    NoDigest(#[from] NoDigest),
    /// The store failed, or a row does not read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn parse(bytes: &[u8]) -> Result<AuditRecord, StoreError> {
    AuditRecord::parse(bytes).map_err(|_| StoreError::Corrupt("a row of the audit".to_owned()))
}

fn digest_of(text: &str) -> Option<Digest> {
    let mut digest = [0; 32];
    hex::decode_to_slice(text.strip_prefix("sha-256:")?, &mut digest).ok()?;
    Some(digest)
}

/// A row in words, as lists and exports give it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// Its number.
    pub number: u64,
    /// When, RFC 3339.
    pub time: String,
    /// client, node, operator, own or anybody.
    pub who: String,
    /// Id of the client, authority code of the node.
    pub id: String,
    /// The person who asks, as the client names him.
    pub operator: Option<String>,
    /// What was done.
    pub act: String,
    /// On what ground.
    pub ground: Option<String>,
    /// Service item.
    pub service_item: Option<String>,
    /// Case.
    pub case_number: Option<String>,
    /// Statement digest, `sha-256:` and hex.
    pub licence: Option<String>,
    /// Digest of the stored object, `sha-256:` and hex.
    pub object: Option<String>,
    /// What rows of one use have in common, or the id of the receipt, hex.
    pub reference: Option<String>,
    /// What else it was about.
    pub subject: Option<String>,
    /// How it came out.
    pub result: String,
    /// How many it stands for.
    pub count: Option<u64>,
    /// Digest of the chain after it, hex.
    pub chain: String,
}

impl Told {
    fn of(record: &AuditRecord, chain: &Digest) -> Told {
        let digest = |digest: &Digest| format!("sha-256:{}", hex::encode(digest));
        Told {
            number: record.number,
            time: record.time.to_string(),
            who: record.who.name().to_owned(),
            id: record.id.clone(),
            operator: record.operator.clone(),
            act: record.act.name().to_owned(),
            ground: record.ground.clone(),
            service_item: record.service_item.clone(),
            case_number: record.case_number.clone(),
            licence: record.licence.as_ref().map(digest),
            object: record.object.as_ref().map(digest),
            reference: record.reference.map(hex::encode),
            subject: record.subject.clone(),
            result: record.result.clone(),
            count: record.count,
            chain: hex::encode(chain),
        }
    }
}
