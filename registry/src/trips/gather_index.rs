//! Gather the index of another log (归集): its records fetched in log order, compared with the mirrored entries, kept or rejected.
//!
//! Order: page fetched → compared with the mirrored entries of the same leaves → rows, rejects, counts and cursor in one transaction →
//! next page. A run that is cut off goes on at the cursor; what the mirror does not hold yet waits for it.
//! In scope: what is kept of a page. Out of scope: where it comes from (`fetch`), when (`jobs`), the mirror (`trips::mirror`).
//! Codes of holders are not kept: only their keyed hash is (`trips::holder`).

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::vec::IntoIter;

use licence_spec::log::entry::{Entry, Op};
use licence_store::{
    Conflict, INDEX_CHANGE, INDEX_LICENCE, IndexChangeRow, IndexDay, IndexLicenceRow, IndexRejectRow,
    IndexStretch, StoreError, transact,
};

use super::holder::holder_key;
use super::index_record::{IndexPage, IndexRecord, IndexedChange, IndexedLicence, parse_digest};
use super::mirror::{self, MirrorError};
use super::report_index::told;
use crate::node::Node;

/// Most leaves that are looked at in one transaction, whatever a page says.
const MAX_LEAVES: u64 = 16_384;
/// Longest text of a record, characters; identifiers and numbers are far shorter.
const MAX_TEXT: usize = 512;
/// Most holders of a licence.
const MAX_HOLDERS: usize = 64;

/// The log has a leaf, and nothing was told of it.
pub const MISSING: &str = "missing";
/// What was told is not what the log says.
pub const DIFFERS: &str = "differs";
/// The log has no licence and no change there.
pub const NOT_IN_LOG: &str = "not_in_log";
/// The log has it, and a part of the record is too long or does not read.
pub const UNREADABLE: &str = "unreadable";

/// Fetches the page that begins at a log index.
pub type FetchPage<'a> = &'a mut dyn FnMut(u64) -> Result<IndexPage, String>;

/// Why the index was not gathered; what came before stays.
#[derive(Debug, thiserror::Error)]
pub enum GatherError {
    /// The other node cannot be reached or answers wrongly.
    #[error("{0}")]
    Fetch(String),
    /// The page breaks the rules of pages.
    #[error("索引页不合规定：{0} / the page of index records breaks the rules: {0}")]
    Page(&'static str),
    /// The mirror cannot be read.
    #[error(transparent)]
    Mirror(#[from] MirrorError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Gathers the records of a mirrored log up to its verified head; answers how far they were told.
///
/// # Errors
/// [`GatherError`].
pub fn gather(node: &Node, origin: &str, fetch: FetchPage<'_>) -> Result<u64, GatherError> {
    loop {
        let read = node.store.read()?;
        let (from, size) = (told(&*read, origin)?, mirror::held(&*read, origin)?.size);
        drop(read);
        if from >= size {
            return Ok(from);
        }
        let page = fetch(from).map_err(GatherError::Fetch)?;
        check(&page, origin, from)?;
        let to = page.next.min(size).min(from.saturating_add(MAX_LEAVES));
        let leaves = mirror::leaves(&*node.store.read()?, origin, from, to)?;
        let stretch = compare(node, origin, (from, to), &leaves, page.records);
        let added =
            transact::<_, StoreError>(&*node.store, "gather_index", |write| write.add_index(&stretch));
        match added {
            // Another process of this node was quicker, or the operator had the index forgotten: the next turn goes on.
            Err(StoreError::Conflict(Conflict::IndexMoved { .. })) => return Ok(from),
            added => added?,
        }
    }
}

fn check(page: &IndexPage, origin: &str, from: u64) -> Result<(), GatherError> {
    if page.origin != origin {
        return Err(GatherError::Page("origin"));
    }
    if page.next <= from {
        return Err(GatherError::Page("next"));
    }
    let indexes: Vec<u64> = page.records.iter().map(IndexRecord::log_index).collect();
    let inside = indexes.iter().all(|index| (from..page.next).contains(index));
    if inside && indexes.is_sorted_by(|one, other| one < other) {
        Ok(())
    } else {
        Err(GatherError::Page("log_index"))
    }
}

/// Compares the records with the leaves of the same stretch.
fn compare(
    node: &Node,
    origin: &str,
    (from, next): (u64, u64),
    leaves: &[Option<Entry>],
    records: Vec<IndexRecord>,
) -> IndexStretch {
    let (licences, changes, rejects) = (Vec::new(), Vec::new(), Vec::new());
    let stretch = IndexStretch {
        origin: origin.to_owned(),
        from,
        next,
        licences,
        changes,
        rejects,
        logged: Vec::new(),
    };
    let mut sorted = Sorted { node, stretch, days: BTreeMap::new() };
    let mut records = records.into_iter().peekable();
    for (index, leaf) in (from..next).zip(leaves) {
        sorted.take(index, leaf.as_ref(), at(&mut records, index));
    }
    let Sorted { mut stretch, days, .. } = sorted;
    stretch.logged = days.into_iter().map(|((day, kind), logged)| IndexDay { day, kind, logged }).collect();
    stretch
}

/// The record of this leaf, if it comes next.
fn at(records: &mut Peekable<IntoIter<IndexRecord>>, index: u64) -> Option<IndexRecord> {
    records.next_if(|record| record.log_index() == index)
}

/// Records on their way into the index.
struct Sorted<'a> {
    node: &'a Node,
    stretch: IndexStretch,
    days: BTreeMap<(i64, u8), u64>,
}

impl Sorted<'_> {
    fn take(&mut self, index: u64, leaf: Option<&Entry>, record: Option<IndexRecord>) {
        let expected = leaf.and_then(|entry| kind_of(entry.op).map(|kind| (entry, kind)));
        let Some((entry, kind)) = expected else {
            if let Some(record) = record {
                let day = leaf.map_or(self.node.clock.now(), |entry| entry.time).civil_date().days();
                self.reject(index, day, kind_told(&record), NOT_IN_LOG);
            }
            return;
        };
        let day = entry.time.civil_date().days();
        *self.days.entry((day, kind)).or_default() += 1;
        match record {
            None => self.reject(index, day, kind, MISSING),
            Some(record) if record.entry().as_ref() != Some(entry) => {
                self.reject(index, day, kind, DIFFERS);
            }
            Some(record) => {
                if self.keep(day, record).is_none() {
                    self.reject(index, day, kind, UNREADABLE);
                }
            }
        }
    }

    fn keep(&mut self, day: i64, record: IndexRecord) -> Option<()> {
        match record {
            IndexRecord::Licence(told) => {
                let row = self.licence(day, told)?;
                self.stretch.licences.push(row);
            }
            IndexRecord::StatusChange(told) => {
                let row = self.change(day, &told)?;
                self.stretch.changes.push(row);
            }
        }
        Some(())
    }

    fn licence(&self, day: i64, told: IndexedLicence) -> Option<IndexLicenceRow> {
        let texts = [&told.id, &told.vct, &told.number, &told.authority, &told.area_code, &told.status_list];
        let codes = told.holders.iter().flat_map(|holder| [&holder.code_type, &holder.code]);
        if told.holders.len() > MAX_HOLDERS || !texts.into_iter().chain(codes).all(|text| is_plain(text)) {
            return None;
        }
        let secret = &self.node.holder_secret;
        let holders = told.holders.iter().map(|holder| holder_key(secret, &holder.code_type, &holder.code));
        Some(IndexLicenceRow {
            origin: self.stretch.origin.clone(),
            log_index: told.log_index,
            day,
            digest: parse_digest(&told.digest)?,
            holders: holders.collect(),
            id: told.id,
            vct: told.vct,
            number: told.number,
            version: told.version,
            authority: told.authority,
            area: told.area_code,
            issued_at: told.issued_at,
            valid_from: told.valid_from,
            expires_at: told.expires_at,
            status_list: told.status_list,
            status_index: told.status_index,
            predecessor: told
                .predecessor
                .as_deref()
                .map_or(Some(None), |text| parse_digest(text).map(Some))?,
            status: 0,
            successor: None,
        })
    }

    fn change(&self, day: i64, told: &IndexedChange) -> Option<IndexChangeRow> {
        let record = told.parse()?;
        Some(IndexChangeRow {
            origin: self.stretch.origin.clone(),
            log_index: told.log_index,
            day,
            licence: record.licence,
            value: record.act.new_status(),
            successor: record.successor,
            record: record.to_bytes(),
        })
    }

    fn reject(&mut self, log_index: u64, day: i64, kind: u8, reason: &str) {
        self.stretch.rejects.push(IndexRejectRow {
            origin: self.stretch.origin.clone(),
            log_index,
            day,
            kind,
            logged: reason != NOT_IN_LOG,
            reason: reason.to_owned(),
            told_at: self.node.clock.now().0,
        });
    }
}

/// Whether a text is short and holds nothing that only a fault or a joke would put there.
fn is_plain(text: &str) -> bool {
    text.chars().count() <= MAX_TEXT && !text.chars().any(char::is_control)
}

const fn kind_of(op: Op) -> Option<u8> {
    match op {
        Op::Issued => Some(INDEX_LICENCE),
        Op::StatusChange => Some(INDEX_CHANGE),
        Op::StatusToken | Op::TrustFile | Op::Catalogue => None,
    }
}

const fn kind_told(record: &IndexRecord) -> u8 {
    match record {
        IndexRecord::Licence(_) => INDEX_LICENCE,
        IndexRecord::StatusChange(_) => INDEX_CHANGE,
    }
}
