//! The last step: no number, id, status index or list name that may have been given out after the backup is given out again.
//!
//! What was acknowledged and came to no mirror is known to nobody. So it is not enough to go past what was restored: lists are closed,
//! and serial numbers skip more than a node issues between two visits of its mirror.

use std::collections::BTreeMap;

use licence_spec::audit::AuditAct;
use licence_spec::time::UnixTime;
use licence_store::{LicenceRow, Read, StoreError, Write, transact};

use crate::access::audit;
use crate::access::caller::Caller;
use crate::node::Node;
use crate::node::audit::append;
use crate::node::numbers::serial_counter;
use crate::trips::issue::serial_of;
use crate::upkeep::restore::{Caught, MARK, RESTORED, RestoreError, row};

/// Serial numbers of each authority and year that are skipped, of 10 million: at a visit of the mirror every minute, 1,600 licences a
/// second of one authority.
const SKIPPED: u64 = 100_000;
/// Names of status lists that are skipped.
const SKIPPED_LISTS: u64 = 16;
/// Rows of one read.
const PAGE: u32 = 1_000;

/// Advances the counters, closes the lists, notes the stretch and takes the mark away, all in one transaction.
pub(super) fn finish(node: &Node, from: u64, last: UnixTime) -> Result<Caught, RestoreError> {
    let now = node.clock.now();
    let (mut wanted, licences, changes) = seen(&*node.store.read()?, from)?;
    // An authority may have begun its year after the backup.
    for authority in node.authorities.iter().filter(|authority| !authority.vcts.is_empty()) {
        wanted.entry(serial_counter(&authority.code, now.civil_date().year())).or_insert(0);
    }
    let draft = audit::draft(node, &Caller::Operator, AuditAct::Restored);
    transact(&*node.store, "restore_finish", |write| {
        for list in write.status_lists()? {
            write.close_status_list(list.id)?;
        }
        let counters: BTreeMap<String, u64> =
            write.counters()?.into_iter().map(|counter| (counter.name, counter.next)).collect();
        let begun = counters.iter().filter(|(name, _)| name.starts_with("serial."));
        let mut targets: BTreeMap<String, u64> = begun.map(|(name, next)| (name.clone(), *next)).collect();
        for (name, next) in &wanted {
            let target = targets.entry(name.clone()).or_insert(0);
            *target = (*target).max(*next);
        }
        for (name, target) in targets {
            advance(write, &name, counters.get(&name).copied(), target.saturating_add(SKIPPED))?;
        }
        let lists = write.status_lists()?.iter().map(|list| list.id + 1).max().unwrap_or(0);
        let next = counters.get("status_list").copied();
        advance(write, "status_list", next, lists.max(next.unwrap_or(0)).saturating_add(SKIPPED_LISTS))?;
        let size = write.log_head()?.map_or(0, |head| head.size);
        if size > from {
            write.put_documents(&[row((RESTORED, &format!("{from:020}")), size, b"", now)])?;
        }
        write.delete_document(MARK.0, MARK.1)?;
        append(write, std::slice::from_ref(&draft))?;
        Ok(Caught { from, size, licences, changes, last })
    })
}

/// Moves a counter forward, never back.
fn advance(write: &mut dyn Write, name: &str, next: Option<u64>, target: u64) -> Result<(), StoreError> {
    let mut left = target.saturating_sub(next.unwrap_or(0));
    while left > 0 {
        let step = u32::try_from(left).unwrap_or(u32::MAX);
        write.lease(name, step)?;
        left -= u64::from(step);
    }
    Ok(())
}

/// The next serial of each counter of which a restored licence has one; how many licences and changes were restored.
fn seen(read: &dyn Read, from: u64) -> Result<(BTreeMap<String, u64>, u64, u64), StoreError> {
    let (mut next, mut licences, mut changes, mut at) = (BTreeMap::new(), 0, 0, from);
    loop {
        let rows = read.licences_from(at, PAGE)?;
        let Some(last) = rows.last() else { break };
        at = last.log_index + 1;
        for (name, serial) in rows.iter().filter_map(counter_of) {
            let held: &mut u64 = next.entry(name).or_insert(0);
            *held = (*held).max(serial + 1);
        }
        licences += rows.len() as u64;
    }
    at = from;
    loop {
        let rows = read.status_changes_from(at, PAGE)?;
        let Some(last) = rows.last() else { break };
        at = last.log_index + 1;
        changes += rows.len() as u64;
    }
    at = from;
    loop {
        let rows = read.ended_indexes_from(at, PAGE)?;
        let Some(last) = rows.last() else { break };
        at = last.log_index + 1;
        changes += rows.len() as u64;
    }
    Ok((next, licences, changes))
}

/// Counter and serial of a licence: its 流水号 is the year and the serial.
fn counter_of(row: &LicenceRow) -> Option<(String, u64)> {
    let serial = serial_of(&row.id);
    let (year, serial) = serial.split_at_checked(4)?;
    // What a mirror invents must not use up the counter: ids have room for seven digits.
    let serial = serial.parse().ok().filter(|serial| *serial < 10_000_000)?;
    Some((serial_counter(&row.authority, year.parse().ok()?), serial))
}
