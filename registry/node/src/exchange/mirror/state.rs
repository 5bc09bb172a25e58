//! What is to be known of a mirrored log beside its leaves: how much was taken today, what stopped it, which old heads were shown.
//!
//! In scope: the one row of each log, and the bounds. Out of scope: who asks for it (`trips::mirror`), what an operator is told (`doctor`).

use std::collections::BTreeMap;

use licence_spec::suite::name_digest;
use licence_spec::time::UnixTime;
use licence_store::{DocumentRow, Read, StoreError, Write, transact};
use serde::{Deserialize, Serialize};

use crate::exchange::mirror::{MirrorError, Mirrored};
use crate::node::Node;
use crate::node::shelf::Kind;

/// Kind of the rows; named by origin.
const STATE: &str = Kind::MirrorState.name();
/// Seconds of a day.
const DAY_S: i64 = 86_400;
/// Bytes that stay free on the disk whatever other logs claim: the own register goes on for days on them.
pub const KEPT_FREE: u64 = 256 << 20;

/// How much of one log is fetched at most, leaves. A log may claim any size: what it is let grow here is bounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Growth {
    /// In one run, which a witness makes while a city waits.
    pub run: u64,
    /// On one day of UTC.
    pub day: u64,
}

/// 2^22 leaves a day, about 200 MiB on the disk: a new city's first days are taken in one; and 2^18 in a run, about half a minute.
impl Default for Growth {
    fn default() -> Growth {
        Growth { run: 1 << 18, day: 1 << 22 }
    }
}

/// Why a log is not followed as far as it claims to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// What may be taken in a day is taken.
    Day,
    /// The disk has no room.
    Room,
    /// This leaf is no entry of the profile (spec/log.md §1).
    Profile(u64),
}

/// The row of one log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// Day of [`State::taken`], in days since 1970.
    day: i64,
    /// Leaves taken on that day.
    taken: u64,
    /// Size of a signed head that is not reached yet.
    pub claimed: Option<u64>,
    /// What stands in the way of it.
    pub stop: Option<Stop>,
    /// How many times an old head was shown.
    pub old_heads: u64,
    /// Size of the old head that was shown last, and since when no newer one came.
    pub old: Option<(u64, i64)>,
}

impl State {
    /// Leaves that may still be taken today.
    #[must_use]
    pub fn left(&self, growth: Growth, now: UnixTime) -> u64 {
        let taken = if self.day == day(now) { self.taken } else { 0 };
        growth.day.saturating_sub(taken)
    }

    fn end(&mut self, claimed: u64, outcome: &Result<Mirrored, MirrorError>, now: UnixTime) {
        match outcome {
            Ok(Mirrored::Whole(_)) => (self.claimed, self.stop, self.old) = (None, None, None),
            Ok(Mirrored::Part { .. }) => (self.claimed, self.stop, self.old) = (Some(claimed), None, None),
            Ok(Mirrored::Old { shown, .. }) => {
                self.old_heads += 1;
                self.old = Some((*shown, self.old.map_or(now.0, |(_, since)| since)));
            }
            Err(MirrorError::Day { .. }) => (self.claimed, self.stop) = (Some(claimed), Some(Stop::Day)),
            Err(MirrorError::Room { .. }) => (self.claimed, self.stop) = (Some(claimed), Some(Stop::Room)),
            Err(MirrorError::Profile { index }) => {
                (self.claimed, self.stop) = (Some(claimed), Some(Stop::Profile(*index)));
            }
            Err(_) => {}
        }
    }
}

const fn day(now: UnixTime) -> i64 {
    now.0.div_euclid(DAY_S)
}

/// The row of a log; as new if there is none.
///
/// # Errors
/// [`StoreError`].
pub fn state(read: &dyn Read, origin: &str) -> Result<State, StoreError> {
    Ok(read.document(STATE, origin)?.map(|row| of_row(&row)).unwrap_or_default())
}

/// The rows of all logs that have one.
///
/// # Errors
/// [`StoreError`].
pub fn states(read: &dyn Read) -> Result<BTreeMap<String, State>, StoreError> {
    Ok(read.documents(STATE)?.into_iter().map(|row| (row.name.clone(), of_row(&row))).collect())
}

/// A row that does not read is one without a past: nothing is decided by it but how much is taken.
fn of_row(row: &DocumentRow) -> State {
    serde_json::from_slice(&row.bytes).unwrap_or_default()
}

/// Counts leaves that are taken, in the transaction that keeps them.
pub(crate) fn count(
    write: &mut dyn Write,
    origin: &str,
    leaves: u64,
    now: UnixTime,
) -> Result<(), StoreError> {
    let mut state = state(write, origin)?;
    if state.day != day(now) {
        (state.day, state.taken) = (day(now), 0);
    }
    state.taken = state.taken.saturating_add(leaves);
    put(write, origin, &state, now)
}

/// Notes how a run ended; nothing is written if that is no news.
pub(crate) fn note(
    node: &Node,
    origin: &str,
    claimed: u64,
    outcome: &Result<Mirrored, MirrorError>,
) -> Result<(), StoreError> {
    let (now, held) = (node.clock.now(), state(&*node.store.read()?, origin)?);
    let mut next = held.clone();
    next.end(claimed, outcome, now);
    if next == held {
        return Ok(());
    }
    transact(&*node.store, "mirror_state", |write| {
        let mut next = state(write, origin)?;
        next.end(claimed, outcome, now);
        put(write, origin, &next, now)
    })
}

fn put(write: &mut dyn Write, origin: &str, state: &State, now: UnixTime) -> Result<(), StoreError> {
    let bytes = serde_json::to_vec(state).map_err(|error| StoreError::Corrupt(error.to_string()))?;
    let row = DocumentRow {
        kind: STATE.to_owned(),
        name: origin.to_owned(),
        // A state is no document that may not go back: one version, and the newest bytes of it.
        version: 1,
        iat: now.0,
        digest: name_digest(&[origin.as_bytes()]),
        bytes,
        stored_at: now.0,
    };
    write.put_documents(&[row]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_taken_begins_anew_with_the_day() {
        let growth = Growth { run: 5, day: 10 };
        let state = State { day: 3, taken: 8, ..State::default() };
        assert_eq!(state.left(growth, UnixTime(4 * DAY_S - 1)), 2);
        assert_eq!(state.left(growth, UnixTime(4 * DAY_S)), 10);
        // A clock that was a year ahead for a moment keeps nothing from being taken afterwards.
        assert_eq!(State { day: 400, ..state }.left(growth, UnixTime(4 * DAY_S)), 10);
    }
}
