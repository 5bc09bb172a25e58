//! What an operator of a province may ask of the index: counts of each day, rejects, and to have a log told again.

use licence_spec::time::{CivilDate, UnixTime};
use licence_store::{INDEX_LICENCE, IndexCount, IndexRejectRow, StoreError, transact};
use serde_json::{Value, json};

use super::Refusal;
use super::answers::{GatheredDay, GatheredLog, RejectedRecord};
use crate::node::Node;

/// Most rejects of one answer.
const REJECTS: u32 = 1_000;

/// Each day and kind of each log, or of one: leaves of the log, rows kept, rejects. `ok` is false if they do not add up.
pub(super) fn counts(node: &Node, origin: Option<&str>) -> Result<Vec<GatheredLog>, Refusal> {
    // It counts every row: a copy that lags some seconds will do, and takes the load.
    let read = node.store.replica().map_or_else(|| node.store.read(), Ok).map_err(Refusal::failed)?;
    let cursors = read.index_cursors().map_err(Refusal::failed)?;
    let wanted = cursors.iter().filter(|cursor| origin.is_none_or(|origin| origin == cursor.origin));
    let mut logs = Vec::new();
    for cursor in wanted {
        let mirrored = crate::exchange::mirror::held(&*read, &cursor.origin).map_err(Refusal::failed)?.size;
        let counts = read.index_counts(&cursor.origin).map_err(Refusal::failed)?;
        let days = counts.iter().map(count).collect();
        logs.push(GatheredLog { log: cursor.origin.clone(), told: cursor.next, mirrored, days });
    }
    match origin {
        Some(_) if logs.is_empty() => Err(unknown()),
        _ => Ok(logs),
    }
}

fn count(count: &IndexCount) -> GatheredDay {
    GatheredDay {
        day: CivilDate::from_days(count.day).to_string(),
        kind: kind(count.kind).to_owned(),
        logged: count.logged,
        kept: count.kept,
        rejected: count.rejected,
        ok: count.logged == count.kept + count.rejected,
    }
}

/// The first rejects of a log, from a log index on.
pub(super) fn rejects(node: &Node, origin: &str, from: u64) -> Result<Vec<RejectedRecord>, Refusal> {
    let read = node.store.read().map_err(Refusal::failed)?;
    let rows = read.index_rejects_from(origin, from, REJECTS).map_err(Refusal::failed)?;
    Ok(rows.iter().map(reject).collect())
}

fn reject(row: &IndexRejectRow) -> RejectedRecord {
    RejectedRecord {
        log_index: row.log_index,
        day: CivilDate::from_days(row.day).to_string(),
        kind: kind(row.kind).to_owned(),
        reason: row.reason.clone(),
        told_at: UnixTime(row.told_at).to_string(),
    }
}

const fn kind(kind: u8) -> &'static str {
    if kind == INDEX_LICENCE { "licence" } else { "status_change" }
}

/// Forgets what was told of a log; the job has it told from its first leaf.
pub(super) fn again(node: &Node, origin: &str) -> Result<Value, Refusal> {
    let known = transact::<_, StoreError>(&*node.store, "forget_index", |write| write.forget_index(origin));
    if known.map_err(Refusal::failed)? { Ok(json!({"log": origin})) } else { Err(unknown()) }
}

fn unknown() -> Refusal {
    Refusal::usage("索引中没有此日志；见 index counts / the index has no such log: see index counts")
}
