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
use licence_spec::status::Status;
use licence_spec::time::UnixTime;
use licence_store::{
    Conflict, INDEX_CHANGE, INDEX_LICENCE, IndexChangeRow, IndexDay, IndexLicenceRow, IndexRejectRow,
    IndexStretch, StoreError, transact,
};

use crate::exchange::error::ExchangeError;
use crate::exchange::index_record::{
    IndexPage, IndexRecord, IndexedChange, IndexedHolder, IndexedLicence, parse_digest,
};
use crate::exchange::mirror::{self, MirrorError};
use crate::exchange::report_index::told;
use crate::node::Node;
use crate::node::holder::holder_key;

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
pub type FetchPage<'a> = &'a mut dyn FnMut(u64) -> Result<IndexPage, ExchangeError>;

/// Why the index was not gathered; what came before stays.
#[derive(Debug, thiserror::Error)]
pub enum GatherError {
    /// The other node cannot be reached or answers wrongly.
    #[error("{0}")]
    Fetch(#[from] ExchangeError),
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
        let sorted = Sorted::new(origin, (from, to), &node.holder_secret, node.clock.now());
        let stretch = sorted.compare(&leaves, page.records);
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

/// The record of this leaf, if it comes next.
fn at(records: &mut Peekable<IntoIter<IndexRecord>>, index: u64) -> Option<IndexRecord> {
    records.next_if(|record| record.log_index() == index)
}

/// Records of one stretch on their way into the index.
struct Sorted<'a> {
    secret: &'a [u8; 32],
    now: UnixTime,
    stretch: IndexStretch,
    days: BTreeMap<(i64, u8), u64>,
}

impl<'a> Sorted<'a> {
    fn new(origin: &str, (from, next): (u64, u64), secret: &'a [u8; 32], now: UnixTime) -> Sorted<'a> {
        let (licences, changes, rejects) = (Vec::new(), Vec::new(), Vec::new());
        let (origin, logged) = (origin.to_owned(), Vec::new());
        let stretch = IndexStretch { origin, from, next, licences, changes, rejects, logged };
        Sorted { secret, now, stretch, days: BTreeMap::new() }
    }

    /// Compares the records with the leaves of the same stretch, which are all there.
    fn compare(mut self, leaves: &[Option<Entry>], records: Vec<IndexRecord>) -> IndexStretch {
        let mut records = records.into_iter().peekable();
        for (index, leaf) in (self.stretch.from..self.stretch.next).zip(leaves) {
            self.take(index, leaf.as_ref(), at(&mut records, index));
        }
        let day = |((day, kind), logged)| IndexDay { day, kind, logged };
        self.stretch.logged = self.days.into_iter().map(day).collect();
        self.stretch
    }

    fn take(&mut self, index: u64, leaf: Option<&Entry>, record: Option<IndexRecord>) {
        let expected = leaf.and_then(|entry| kind_of(entry.op).map(|kind| (entry, kind)));
        let Some((entry, kind)) = expected else {
            if let Some(record) = record {
                let day = leaf.map_or(self.now, |entry| entry.time).civil_date().days();
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
        let key = |holder: &IndexedHolder| holder_key(self.secret, &holder.code_type, &holder.code);
        let holders = told.holders.iter().map(key);
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
            status: Status::Valid,
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
            told_at: self.now.0,
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
        Op::StatusToken | Op::TrustFile | Op::Catalogue | Op::AuditHead => None,
    }
}

const fn kind_told(record: &IndexRecord) -> u8 {
    match record {
        IndexRecord::Licence(_) => INDEX_LICENCE,
        IndexRecord::StatusChange(_) => INDEX_CHANGE,
    }
}

#[cfg(test)]
mod tests {
    use licence_spec::log::change::{Act, ChangeRecord};

    use super::*;
    use crate::node::encoding::{base64url, digest_text};

    const LOG: &str = "fs.elic.example/log";
    /// 2026-11-26 23:59:59 in China.
    const LATE: UnixTime = UnixTime(1_795_708_799);

    fn licence(log_index: u64) -> IndexedLicence {
        IndexedLicence {
            log_index,
            id: format!("1.2.156.3005.2.1.{log_index}"),
            vct: "urn:elic:cn:11100000MB0143028R001".to_owned(),
            number: format!("示例〔2026〕{log_index}号"),
            version: 1,
            authority: "11440600X060010123".to_owned(),
            area_code: "440606".to_owned(),
            holders: vec![IndexedHolder {
                code_type: "001".to_owned(),
                code: "91440101MA9XXXXX36".to_owned(),
            }],
            issued_at: LATE.0,
            valid_from: LATE.0,
            expires_at: LATE.0 + 9,
            digest: digest_text(&[log_index as u8; 32]),
            status_list: "https://fs.elic.example/v1/status-lists/1".to_owned(),
            status_index: 3,
            predecessor: None,
        }
    }

    fn change(log_index: u64) -> IndexRecord {
        let act = Act::Revoke;
        let record = ChangeRecord {
            licence: [1; 32],
            act,
            effective: LATE.plus(1),
            successor: None,
            salt: [7; 16],
            ends: None,
        };
        IndexRecord::StatusChange(IndexedChange { log_index, record: base64url(&record.to_bytes()) })
    }

    fn compared(leaves: &[Option<Entry>], records: Vec<IndexRecord>) -> IndexStretch {
        let to = 10 + leaves.len() as u64;
        Sorted::new(LOG, (10, to), &[9; 32], LATE.plus(60)).compare(leaves, records)
    }

    fn reasons(stretch: &IndexStretch) -> Vec<(u64, u8, bool, &str)> {
        let rejects = stretch.rejects.iter();
        rejects.map(|row| (row.log_index, row.kind, row.logged, row.reason.as_str())).collect()
    }

    #[test]
    fn records_that_the_log_bears_out_are_kept_and_counted_by_day() {
        let records = vec![IndexRecord::Licence(licence(10)), change(12)];
        let token = Entry { op: Op::StatusToken, time: LATE, digest: [5; 32] };
        let leaves = [records[0].entry(), Some(token), records[1].entry(), None];
        let kept = compared(&leaves, records);
        assert_eq!((kept.from, kept.next, reasons(&kept)), (10, 14, vec![]));
        assert_eq!(kept.licences[0].holders, [holder_key(&[9; 32], "001", "91440101MA9XXXXX36")]);
        assert_eq!((kept.changes[0].licence, kept.changes[0].value), ([1; 32], Status::Invalid));
        let today = LATE.civil_date().days();
        assert_eq!(
            (kept.licences[0].day, kept.changes[0].day),
            (today, today + 1),
            "days of China's calendar"
        );
        let day = |day, kind| IndexDay { day, kind, logged: 1 };
        assert_eq!(kept.logged, [day(today, INDEX_LICENCE), day(today + 1, INDEX_CHANGE)]);
    }

    #[test]
    fn whatever_the_log_does_not_bear_out_is_rejected_with_its_reason() {
        let honest = |index| IndexRecord::Licence(licence(index)).entry();
        let token = Entry { op: Op::StatusToken, time: LATE, digest: [5; 32] };
        let later = IndexedLicence { issued_at: LATE.0 + 1, ..licence(11) };
        let swapped = IndexedLicence { digest: digest_text(&[77; 32]), ..licence(12) };
        let long = IndexedLicence { number: "长".repeat(MAX_TEXT + 1), ..licence(15) };
        let broken = IndexedLicence { id: "a\u{0}b".to_owned(), ..licence(16) };
        let parent = IndexedLicence { predecessor: Some("sha-256:".to_owned()), ..licence(17) };
        let unreadable = IndexedChange { log_index: 18, record: "AA".to_owned() };
        let mut records: Vec<IndexRecord> =
            [later, swapped, licence(13), licence(14), long, broken, parent].map(IndexRecord::Licence).into();
        records.push(IndexRecord::StatusChange(unreadable));
        let leaves = [
            honest(10),
            honest(11),
            honest(12),
            Some(token),
            None,
            honest(15),
            honest(16),
            honest(17),
            change(18).entry(),
        ];
        let sorted = compared(&leaves, records);
        let expected = [
            (10, INDEX_LICENCE, true, MISSING),
            (11, INDEX_LICENCE, true, DIFFERS),
            (12, INDEX_LICENCE, true, DIFFERS),
            (13, INDEX_LICENCE, false, NOT_IN_LOG),
            (14, INDEX_LICENCE, false, NOT_IN_LOG),
            (15, INDEX_LICENCE, true, UNREADABLE),
            (16, INDEX_LICENCE, true, UNREADABLE),
            (17, INDEX_LICENCE, true, UNREADABLE),
            (18, INDEX_CHANGE, true, DIFFERS),
        ];
        assert_eq!(reasons(&sorted), expected);
        assert_eq!((sorted.licences.len(), sorted.changes.len()), (0, 0));
        let logged: u64 = sorted.logged.iter().map(|day| day.logged).sum();
        assert_eq!(logged, 7, "leaves of licences and changes, whatever was told of them");
    }

    #[test]
    fn a_page_out_of_order_or_range_is_refused() {
        let page = |indexes: &[u64], next| IndexPage {
            origin: LOG.to_owned(),
            records: indexes.iter().map(|index| IndexRecord::Licence(licence(*index))).collect(),
            next,
            size: 99,
        };
        let refused = |page: &IndexPage, from| match check(page, LOG, from) {
            Err(GatherError::Page(what)) => what,
            _ => "",
        };
        assert_eq!(refused(&page(&[10, 12], 13), 10), "");
        assert_eq!(refused(&page(&[], 13), 10), "");
        assert_eq!(
            refused(&page(&[], 10), 10),
            "next",
            "a page that tells nothing new would be asked for for ever"
        );
        assert_eq!(refused(&page(&[9], 13), 10), "log_index");
        assert_eq!(refused(&page(&[13], 13), 10), "log_index");
        assert_eq!(refused(&page(&[12, 11], 13), 10), "log_index");
        assert_eq!(refused(&page(&[11, 11], 13), 10), "log_index");
        let other = IndexPage { origin: "zj.elic.example/log".to_owned(), ..page(&[], 13) };
        assert_eq!(refused(&other, 10), "origin");
    }
}
