//! The index of other nodes' licences: told to the target stretch by stretch, as it once was told.

use licence_spec::status::Status;

use super::{Copied, Copy, CopyError, PAGE};
use crate::{IndexDay, IndexLicenceRow, IndexStretch, Read, Result};

impl Copy<'_> {
    /// Tells the target all that is known of each log.
    pub(super) fn index(&mut self) -> Result<()> {
        let mut done = 0;
        for cursor in self.source.index_cursors()? {
            let mut from = 0;
            loop {
                let mut told = stretch(self.source, &cursor.origin, from, cursor.next)?;
                for row in &mut told.licences {
                    // The changes, which are told too, move them again.
                    *row = IndexLicenceRow { status: Status::Valid, successor: None, ..row.clone() };
                }
                if told.next >= cursor.next {
                    told.logged = days(self.source, &cursor.origin)?;
                }
                self.write(|write| write.add_index(&told))?;
                done += rows(&told);
                (self.progress)("index", done);
                from = told.next;
                if from >= cursor.next {
                    break;
                }
            }
        }
        Ok(())
    }
}

fn rows(stretch: &IndexStretch) -> u64 {
    (stretch.licences.len() + stretch.changes.len() + stretch.rejects.len()) as u64
}

/// How many leaves each day of a log has.
fn days(source: &dyn Read, origin: &str) -> Result<Vec<IndexDay>> {
    let counts = source.index_counts(origin)?.into_iter().filter(|count| count.logged > 0);
    Ok(counts.map(|count| IndexDay { day: count.day, kind: count.kind, logged: count.logged }).collect())
}

/// What is known of a log from `from` on, as much of it as a page of each kind holds, without counts.
fn stretch(read: &dyn Read, origin: &str, from: u64, end: u64) -> Result<IndexStretch> {
    let mut licences = read.index_licences_from(origin, from, PAGE)?;
    let mut changes = read.index_changes_from(origin, from, PAGE)?;
    let mut rejects = read.index_rejects_from(origin, from, PAGE)?;
    // A full page may be followed by more: what the others have beyond its end waits.
    let lasts = [
        (licences.len(), licences.last().map(|row| row.log_index)),
        (changes.len(), changes.last().map(|row| row.log_index)),
        (rejects.len(), rejects.last().map(|row| row.log_index)),
    ];
    let full = lasts.into_iter().filter(|(length, _)| *length >= PAGE as usize);
    let next = full.filter_map(|(_, last)| last).map(|last| last + 1).fold(end, u64::min);
    licences.retain(|row| row.log_index < next);
    changes.retain(|row| row.log_index < next);
    rejects.retain(|row| row.log_index < next);
    let (origin, logged) = (origin.to_owned(), Vec::new());
    Ok(IndexStretch { origin, from, next, licences, changes, rejects, logged })
}

/// Compares the index of both stores, and counts its rows into `copied`.
pub(super) fn compare(
    source: &dyn Read,
    target: &dyn Read,
    copied: &mut Copied,
) -> std::result::Result<(), CopyError> {
    let same = |equal: bool| if equal { Ok(()) } else { Err(CopyError::Differs("index")) };
    let cursors = source.index_cursors()?;
    same(target.index_cursors()? == cursors)?;
    for cursor in &cursors {
        same(source.index_counts(&cursor.origin)? == target.index_counts(&cursor.origin)?)?;
        let mut from = 0;
        loop {
            let told = stretch(source, &cursor.origin, from, cursor.next)?;
            same(stretch(target, &cursor.origin, from, cursor.next)? == told)?;
            copied.index += rows(&told);
            from = told.next;
            if from >= cursor.next {
                break;
            }
        }
    }
    Ok(())
}
