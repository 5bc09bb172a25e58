//! Checks all that a node has stored: is the log the tree that its head says, and does every row have its leaf, and every
//! leaf its row?
//!
//! In scope: log entries, hashes, tiles and root; licences, status changes, status tokens against the log, against their own
//! bytes and signatures, and against each other. Out of scope: repair (a restore from a backup and the mirrors), the file
//! format of the database. Where the log came back from a mirror (`restore`), bytes of licences and older status tokens may be
//! missing.
//! Reads in pages, so a log of any size needs the same memory; only licences that are not in force are remembered.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use licence_spec::credential::Credential;
use licence_spec::log::change::{ChangeRecord, ListEntry};
use licence_spec::log::entry::{Entry, Op};
use licence_spec::log::tile::Tile;
use licence_spec::log::tiled_tree::TileEdge;
use licence_spec::status::{Status, StatusToken};
use licence_spec::suite::Digest;
use licence_spec::time::UnixTime;
use licence_spec::trust::TrustList;
use licence_store::{
    EndedIndexRow, LeafRow, LicenceRow, Read, StatusChangeRow, StatusTokenRow, Store, StoreError, TileKey,
};
use serde::Serialize;

use crate::access::audit;
use crate::upkeep::restore::stretches;

/// Leaves of one page: four full tiles.
const PAGE: u32 = 1_024;
/// Findings that are told; more are counted only.
const MAX_FINDINGS: usize = 100;

/// What was looked at, and what is wrong.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Report {
    /// Leaves of the log.
    pub leaves: u64,
    /// Licences.
    pub licences: u64,
    /// Changes of status.
    pub status_changes: u64,
    /// Entries of status lists that were ended though no licence has them.
    pub ended_indexes: u64,
    /// Status tokens.
    pub status_tokens: u64,
    /// Trust files and catalogues in the log.
    pub documents: u64,
    /// Rows of the audit.
    pub audit_rows: u64,
    /// How much is wrong.
    pub faults: u64,
    /// The first 100 faults, in log order. They name places and digests, never people.
    pub findings: Vec<String>,
}

impl Report {
    fn fault(&mut self, text: impl Into<String>) {
        self.faults += 1;
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(text.into());
        }
    }

    fn check(&mut self, holds: bool, text: impl FnOnce() -> String) {
        if !holds {
            self.fault(text());
        }
    }
}

/// Checks a store. `trust` is the trust list in force, if there is one: with it, signatures are checked too.
/// `progress` is told how many of how many leaves have been read.
///
/// # Errors
/// [`StoreError`] if the store cannot be read on; what it holds is never an error, but a finding.
pub fn fsck(
    store: &dyn Store,
    trust: Option<&TrustList>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Report, StoreError> {
    let read = store.read()?;
    let mut walk = Walk {
        trust,
        restored: stretches(&*read)?,
        report: Report::default(),
        edge: TileEdge::default(),
        ended: BTreeMap::new(),
        last: HashMap::new(),
    };
    let Some(head) = read.log_head()? else {
        walk.report.fault("没有日志 / there is no log");
        return Ok(walk.report);
    };
    let mut next = 0;
    while next < head.size {
        let leaves = read.log_leaves(next, PAGE)?;
        if leaves.is_empty() {
            walk.report.fault(format!("叶 {next} 起缺失 / leaves from {next} on are missing"));
            break;
        }
        let end = next + leaves.len() as u64;
        walk.page(&*read, &leaves, next, end)?;
        next = end;
        progress(next, head.size);
    }
    walk.partial_tiles(&*read)?;
    walk.report.leaves = walk.edge.size();
    let same = walk.edge.size() == head.size && walk.edge.root() == head.root;
    walk.report.check(same, || "日志的叶算不出所存的根 / the leaves do not give the stored root".to_owned());
    walk.statuses(&*read)?;
    let audit = audit::check(&*read, &walk.restored)?;
    walk.report.audit_rows = audit.rows;
    audit.faults.into_iter().for_each(|fault| walk.report.fault(fault));
    Ok(walk.report)
}

/// A row that has a leaf.
enum Row {
    Licence(LicenceRow),
    Change(StatusChangeRow),
    Ended(EndedIndexRow),
    Token(StatusTokenRow),
}

struct Walk<'a> {
    trust: Option<&'a TrustList>,
    /// Stretches of the log that came from a mirror.
    restored: Vec<Range<u64>>,
    report: Report,
    edge: TileEdge,
    /// Status of each entry that is not in force, by list and index.
    ended: BTreeMap<(u64, u32), Status>,
    /// By digest: the status of the row, and that after the last change that the log has.
    last: HashMap<Digest, (Status, Status)>,
}

impl Walk<'_> {
    fn page(&mut self, read: &dyn Read, leaves: &[LeafRow], from: u64, end: u64) -> Result<(), StoreError> {
        let mut rows = rows(read, from, end)?;
        for (leaf, index) in leaves.iter().zip(from..) {
            self.report.check(leaf.index == index, || format!("叶 {index} 缺失 / leaf {index} is missing"));
            let mut full = Vec::new();
            self.edge.push(&leaf.hash, |tile, bytes| full.push((tile, bytes)));
            for (tile, bytes) in full {
                self.tile(read, tile, &bytes)?;
            }
            match Entry::parse(&leaf.entry) {
                Err(_) => self
                    .report
                    .fault(format!("叶 {index} 无法读取 / the entry of leaf {index} cannot be read")),
                Ok(entry) => {
                    let hash = entry.leaf_hash();
                    self.report.check(hash == leaf.hash, || {
                        format!("叶 {index} 的哈希不符 / leaf {index} has another hash")
                    });
                    self.entry(index, &entry, rows.remove(&index));
                }
            }
        }
        for index in rows.keys() {
            self.report.fault(format!(
                "叶 {index} 与两行数据相关，或不存在 / a row names leaf {index}, which is not its own"
            ));
        }
        Ok(())
    }

    fn entry(&mut self, index: u64, entry: &Entry, row: Option<Row>) {
        match (entry.op, row) {
            (Op::Issued, Some(Row::Licence(row))) => self.licence(index, entry, &row),
            (Op::StatusChange, Some(Row::Change(row))) => self.change(index, entry, &row),
            (Op::StatusChange, Some(Row::Ended(row))) => self.end(index, entry, &row),
            (Op::StatusToken, Some(Row::Token(row))) => self.token(index, entry, &row),
            // Of these only the newest of each name is stored; older ones live on in the archive of those who took them.
            (Op::TrustFile | Op::Catalogue, None) => self.report.documents += 1,
            // Its rows are looked at afterwards, all in one chain.
            (Op::AuditHead, None) => {}
            // A mirror holds the newest token of each list.
            (Op::StatusToken, None) if self.is_restored(index) => {}
            _ => self.report.fault(format!("叶 {index} 没有相应数据 / leaf {index} has no row of its kind")),
        }
    }

    fn is_restored(&self, index: u64) -> bool {
        self.restored.iter().any(|stretch| stretch.contains(&index))
    }

    fn licence(&mut self, index: u64, entry: &Entry, row: &LicenceRow) {
        self.report.licences += 1;
        let (digest, time) = (row.digest, UnixTime(row.issued_at));
        self.report.check((entry.digest, entry.time) == (digest, time), || {
            format!("叶 {index} 与证照不符 / leaf {index} is not that of its licence")
        });
        if row.status != Status::Valid {
            self.ended.insert((row.status_list, row.status_index), row.status);
            self.last.entry(digest).or_default().0 = row.status;
        }
        let whole = row.credential.whole();
        if whole.is_none() && self.is_restored(index) {
            return;
        }
        let Some(Ok(credential)) = whole.map(Credential::parse) else {
            return self
                .report
                .fault(format!("叶 {index} 的证照无法读取 / the licence of leaf {index} cannot be read"));
        };
        let status = credential.status.as_ref();
        let same = credential.object.statement_digest() == digest
            && credential.fields.text(1) == Some(row.id.as_str())
            && credential.fields.text(2) == Some(row.number.as_str())
            && credential.iss == row.authority
            && credential.vct == row.vct
            && status.is_some_and(|status| status.index == u64::from(row.status_index));
        self.report.check(same, || {
            format!("叶 {index} 的证照与其数据不符 / the licence of leaf {index} is not what its row says")
        });
        let entry = self.trust.and_then(|list| list.entry(credential.iss));
        // An authority that is not listed (yet) cannot be judged; its licences are not accepted anywhere either.
        let signed = entry.is_none_or(|entry| {
            entry.keys_with(credential.object.kid()).any(|key| key.signed(&credential.object))
        });
        self.report.check(signed, || {
            format!("叶 {index} 的证照签名无效 / the signature of leaf {index}'s licence is wrong")
        });
    }

    fn change(&mut self, index: u64, entry: &Entry, row: &StatusChangeRow) {
        self.report.status_changes += 1;
        self.last.entry(row.licence).or_default().1 = row.value;
        let record = ChangeRecord::parse(&row.record);
        let same = record.is_ok_and(|record| {
            record.entry() == *entry
                && record.licence == row.licence
                && record.act.new_status() == row.value
                && record.act.number() == u64::from(row.act)
                && record.successor == row.successor
                && record.ends.is_none()
        });
        self.report.check(same, || {
            format!("叶 {index} 与状态变更不符 / leaf {index} is not that of its change of status")
        });
    }

    fn end(&mut self, index: u64, entry: &Entry, row: &EndedIndexRow) {
        self.report.ended_indexes += 1;
        let held = self.ended.insert((row.list, row.index), Status::Invalid);
        let ends = Some(ListEntry { list: row.list, index: u64::from(row.index) });
        let same = ChangeRecord::parse(&row.record).is_ok_and(|record| {
            record.entry() == *entry
                && (record.licence, record.ends) == (row.licence, ends)
                && record.act.number() == u64::from(row.act)
        });
        self.report.check(same && held.is_none(), || {
            format!(
                "叶 {index} 与作废的状态位不符 / leaf {index} is not that of its ended entry of a status list"
            )
        });
    }

    fn token(&mut self, index: u64, entry: &Entry, row: &StatusTokenRow) {
        self.report.status_tokens += 1;
        let token = StatusToken::parse(&row.bytes);
        let same = token.is_ok_and(|token| {
            *token.digest() == row.digest
                && (entry.digest, entry.time) == (row.digest, token.iat())
                && (token.iat().0, token.exp().0) == (row.iat, row.exp)
        });
        self.report.check(same, || {
            format!("叶 {index} 与状态列表不符 / leaf {index} is not that of its status token")
        });
    }

    fn tile(&mut self, read: &dyn Read, tile: Tile, bytes: &[u8]) -> Result<(), StoreError> {
        let key = TileKey { level: tile.level(), index: tile.index() };
        let stored = read.log_tiles(&[key])?.into_iter().next().flatten();
        let same = stored.is_some_and(|stored| stored == bytes);
        self.report.check(same, || {
            format!(
                "日志瓦片 {}/{} 不符 / tile {}/{} is missing or damaged",
                key.level, key.index, key.level, key.index
            )
        });
        Ok(())
    }

    fn partial_tiles(&mut self, read: &dyn Read) -> Result<(), StoreError> {
        let partial: Vec<(Tile, Vec<u8>)> =
            self.edge.partial_tiles().map(|(tile, bytes)| (tile, bytes.to_vec())).collect();
        partial
            .iter()
            .filter(|(_, bytes)| !bytes.is_empty())
            .try_for_each(|(tile, bytes)| self.tile(read, *tile, bytes))
    }

    /// What the log says of each licence, what its row says, and what its list says, must be one.
    fn statuses(&mut self, read: &dyn Read) -> Result<(), StoreError> {
        for (digest, (row, log)) in std::mem::take(&mut self.last) {
            self.report.check(row == log, || {
                format!(
                    "证照 {} 的状态 {row:?} 与日志 {log:?} 不符 / its status is not that of the log",
                    hex::encode(digest)
                )
            });
        }
        let mut listed = BTreeMap::new();
        for list in read.status_lists()? {
            let Some(revision) = read.list_revision(list.id)? else { continue };
            listed.extend(revision.values.iter().map(|value| ((list.id, value.index), value.value)));
        }
        self.report.check(listed == self.ended, || {
            "状态列表与证照状态不符 / the status lists are not what the licences say".to_owned()
        });
        Ok(())
    }
}

/// All rows whose leaves lie in `from..end`, by the index of the leaf.
fn rows(read: &dyn Read, from: u64, end: u64) -> Result<BTreeMap<u64, Row>, StoreError> {
    let mut rows = BTreeMap::new();
    let licences = read.licences_from(from, PAGE)?.into_iter().map(|row| (row.log_index, Row::Licence(row)));
    let changes =
        read.status_changes_from(from, PAGE)?.into_iter().map(|row| (row.log_index, Row::Change(row)));
    let tokens = read.status_tokens_from(from, PAGE)?.into_iter().map(|row| (row.log_index, Row::Token(row)));
    let ended = read.ended_indexes_from(from, PAGE)?.into_iter().map(|row| (row.log_index, Row::Ended(row)));
    rows.extend(licences.chain(changes).chain(ended).chain(tokens).filter(|(index, _)| *index < end));
    Ok(rows)
}
