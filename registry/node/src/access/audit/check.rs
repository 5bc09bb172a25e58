//! Has anybody touched the audit, or what it is about?
//!
//! Order: what was dropped, by its signed statement → the anchors in the own log → every row: its number, its place in the chain, what stands
//! beside its bytes, the object that it is about → anchors to which no row has led.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use licence_spec::audit::{AuditAct, AuditRecord, Break, Chain, Dropped};
use licence_spec::log::entry::{Entry, Op};
use licence_spec::log::note::LogKey;
use licence_spec::suite::Digest;
use licence_store::{AuditFilter, AuditRow, ClientRow, Read, StoreError};
use serde::{Deserialize, Serialize};

use crate::node::audit::{change_object, client_object, ended_object, row};
use crate::node::shelf::Kind;

/// Rows and leaves of one read.
const PAGE: u32 = 1_000;
/// Most faults that are told; there may be more.
const MAX_FAULTS: usize = 100;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Checked {
    /// Rows looked at.
    pub rows: u64,
    /// Anchors in the log to which a row has led.
    pub anchored: u64,
    /// Number of the newest row that was dropped after its time; 0 if none was.
    pub dropped: u64,
    /// Anchors whose rows were lost in a restore.
    pub lost: u64,
    /// What is wrong, at most 100; empty if all is well.
    pub faults: Vec<String>,
}

impl Checked {
    fn fault(&mut self, fault: String) {
        if self.faults.len() < MAX_FAULTS {
            self.faults.push(fault);
        }
    }
}

/// Looks at every row. `restored` are the stretches of the own log that came from a mirror: the rows that were anchored there are lost.
///
/// # Errors
/// [`StoreError`]; what is wrong with rows is told in the answer.
pub fn check(read: &dyn Read, restored: &[Range<u64>]) -> Result<Checked, StoreError> {
    let mut found = Checked::default();
    let dropped = dropped(read, &mut found)?;
    let (anchors, mut objects) =
        (anchors(read, restored, dropped.as_ref(), &mut found)?, Objects::new(read)?);
    let all = anchors.len() as u64;
    let mut chain = Chain::new(dropped.map(|told| (told.through, told.head)), anchors);
    let mut after = 0;
    loop {
        let rows = read.audit_rows(after, &AuditFilter::default(), PAGE)?;
        let Some(last) = rows.last() else { break };
        after = last.number;
        for stored in &rows {
            found.rows += 1;
            match chain.take(&stored.bytes, &stored.digest) {
                Ok(record) => {
                    if row(&record, stored.digest, stored.bytes.clone()) != *stored {
                        found.fault(beside(stored));
                    }
                    objects.look(read, &record, &mut found)?;
                }
                Err(broken) => found.fault(words(broken)),
            }
        }
    }
    objects.newest(read, &mut found)?;
    let unmet: Vec<Break> = chain.unmet().collect();
    found.anchored = all - unmet.len() as u64;
    unmet.into_iter().for_each(|broken| found.fault(words(broken)));
    Ok(found)
}

fn words(broken: Break) -> String {
    match broken {
        Break::Number { expected, found } => format!(
            "审计第 {expected} 行处为第 {found} 行：有行被删除或插入 / row {found} stands where row {expected} must: a row was deleted or inserted"
        ),
        Break::Unreadable(number) => {
            format!("审计第 {number} 行无法读取 / row {number} of the audit cannot be read")
        }
        Break::Changed(number) => format!(
            "审计第 {number} 行与链不符：该行或其前的行被改动 / row {number} does not continue the chain: it, or one before it, was changed"
        ),
        Break::Anchor(index) => format!(
            "日志第 {index} 叶所锚定的审计链首不存在：其后的行被改动或截断 / no row leads to the head that leaf {index} of the log anchors: rows were changed, or cut off"
        ),
    }
}

fn beside(row: &AuditRow) -> String {
    format!("审计第 {0} 行的检索列与其内容不符 / what stands beside row {0} is not what it says", row.number)
}

/// What was dropped, if a statement says so that the log's own key has signed.
fn dropped(read: &dyn Read, found: &mut Checked) -> Result<Option<Dropped>, StoreError> {
    let Some(stored) = read.document(Kind::AuditDropped.name(), super::keep::NEWEST)? else {
        return Ok(None);
    };
    let opened = log_key(read)?.and_then(|key| Dropped::open(&stored.bytes, &key).ok());
    match opened {
        Some(told) => found.dropped = told.through,
        None => found.fault(
            "审计清除说明的签名不成立 / the statement about dropped rows is not signed by this node's log key".to_owned(),
        ),
    }
    Ok(opened)
}

/// The key of the own log, as it was written down when the log was begun.
fn log_key(read: &dyn Read) -> Result<Option<LogKey>, StoreError> {
    let Some(head) = read.log_head()? else { return Ok(None) };
    let stored = read.document(Kind::LogKey.name(), &head.origin)?;
    Ok(stored.and_then(|row| LogKey::parse(std::str::from_utf8(&row.bytes).ok()?).ok()))
}

/// The heads that the own log anchors, with their leaves: but for those of rows that were dropped, and of rows that a restore has lost.
fn anchors(
    read: &dyn Read,
    restored: &[Range<u64>],
    dropped: Option<&Dropped>,
    found: &mut Checked,
) -> Result<Vec<(u64, Digest)>, StoreError> {
    let (mut anchors, mut next) = (Vec::new(), 0);
    loop {
        let leaves = read.log_leaves(next, PAGE)?;
        let Some(last) = leaves.last() else { break };
        next = last.index + 1;
        for leaf in &leaves {
            let Ok(Entry { op: Op::AuditHead, time, digest }) = Entry::parse(&leaf.entry) else { continue };
            if restored.iter().any(|stretch| stretch.contains(&leaf.index)) {
                found.lost += 1;
            } else if dropped.is_none_or(|told| time > told.time) {
                anchors.push((leaf.index, digest));
            }
        }
    }
    Ok(anchors)
}

/// What rows are about.
struct Objects {
    clients: BTreeMap<String, ClientRow>,
    ended: BTreeSet<Digest>,
    /// Of each client the last row that made or revoked it, and of each document the digest of the last row that took it.
    made: BTreeMap<String, Digest>,
    revoked: BTreeSet<String>,
    taken: BTreeMap<String, Digest>,
}

impl Objects {
    fn new(read: &dyn Read) -> Result<Objects, StoreError> {
        let clients = read.clients()?.into_iter().map(|row| (row.id.clone(), row)).collect();
        let (mut ended, mut from) = (BTreeSet::new(), 0);
        loop {
            let rows = read.ended_indexes_from(from, PAGE)?;
            let Some(last) = rows.last() else { break };
            from = last.log_index + 1;
            ended.extend(rows.iter().map(ended_object));
        }
        let (made, revoked, taken) = (BTreeMap::new(), BTreeSet::new(), BTreeMap::new());
        Ok(Objects { clients, ended, made, revoked, taken })
    }

    /// Whether what a row is about is there as it was.
    fn look(&mut self, read: &dyn Read, record: &AuditRecord, found: &mut Checked) -> Result<(), StoreError> {
        let subject = record.subject.clone().unwrap_or_default();
        let stands = match (record.act, record.licence, record.object, record.reference) {
            (AuditAct::Issued | AuditAct::NewVersion, Some(licence), ..) => read.licence(&licence)?.is_some(),
            (AuditAct::StatusChanged, Some(licence), Some(object), _) => {
                read.status_changes(&licence)?.iter().any(|row| change_object(row) == object)
            }
            (AuditAct::EntryEnded, _, Some(object), _) => self.ended.contains(&object),
            (AuditAct::Filed, _, Some(object), Some(receipt)) => {
                read.receipt(&receipt)?.is_some_and(|row| row.digest == object)
            }
            (AuditAct::ClientAdded, _, Some(object), _) => {
                self.made.insert(subject, object);
                true
            }
            (AuditAct::ClientRevoked, ..) => {
                self.revoked.insert(subject);
                true
            }
            (AuditAct::TrustTaken | AuditAct::CatalogueTaken, _, Some(object), _) => {
                self.taken.insert(subject, object);
                true
            }
            _ => true,
        };
        if !stands {
            found.fault(format!(
                "审计第 {} 行（{}）所指的数据不存在或被改动 / what row {} ({}) is about is not there, or was changed",
                record.number,
                record.act.name(),
                record.number,
                record.act.name()
            ));
        }
        Ok(())
    }

    /// Clients and documents as the last row about each has left them.
    fn newest(&self, read: &dyn Read, found: &mut Checked) -> Result<(), StoreError> {
        for (id, object) in &self.made {
            let client = self.clients.get(id);
            let same = client.is_some_and(|row| {
                client_object(row) == *object && row.revoked_at.is_some() == self.revoked.contains(id)
            });
            if !same {
                found.fault(format!(
                    "客户端 {id} 与审计不符：权限、令牌或吊销被改动 / client {id} is not as the audit has it: its scope, its token or its revocation was changed"
                ));
            }
        }
        for (subject, object) in &self.taken {
            let Some((kind, name)) = subject.split_once(' ') else { continue };
            let stored = read.document(kind, name)?;
            // What a new root has ended is not there any more.
            if stored.is_some_and(|row| row.digest != *object) {
                found.fault(format!(
                    "文件 {subject} 与审计不符 / document {subject} is not the one that the audit has last"
                ));
            }
        }
        Ok(())
    }
}
