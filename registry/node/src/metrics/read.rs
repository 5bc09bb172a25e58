//! Numbers that are read from the node when somebody asks.
//!
//! What is not there (a list, a log) is not shown, rather than shown as zero.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64};

use licence_store::{Read, StoreError};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::table::{self, Kind, Row};
use crate::exchange::mirror::{fork_cases, state};
use crate::exchange::{look_up, mirror};
use crate::node::Node;
use crate::publication::ceremony::is_half_over;

/// A label and its value.
type Label = Vec<(&'static str, String)>;

/// The numbers of this moment.
#[derive(Default)]
struct Reading {
    /// Of which there is one a node.
    single: BTreeMap<&'static str, Gauge<i64, AtomicI64>>,
    gauges: BTreeMap<&'static str, Family<Label, Gauge<i64, AtomicI64>>>,
    counters: BTreeMap<&'static str, Family<Label, Counter>>,
    seconds: Family<Label, Counter<f64, AtomicU64>>,
}

/// All of them, for the encoder.
pub(super) fn all(node: &Node) -> Registry {
    let mut reading = Reading::default();
    reading.evidence(node);
    reading.neighbours(node);
    reading.transactions(node);
    // A store that fails midway shows what was read before, and says so by its own number.
    let readable = reading.store(node).is_ok();
    reading.set(&table::STORE_READABLE, i64::from(readable));
    reading.registry()
}

impl Reading {
    fn registry(mut self) -> Registry {
        let mut registry = Registry::with_prefix(table::PREFIX);
        for row in table::ALL.iter().filter(|row| is_read(row)) {
            if row.name == table::TRANSACTION_SECONDS.name {
                super::register(&mut registry, row, self.seconds.clone());
            } else if row.kind == Kind::Counter {
                super::register(&mut registry, row, self.counters.remove(row.name).unwrap_or_default());
            } else if row.labels.is_empty() {
                // Without a label there is no number that is not there: it is left out.
                self.single
                    .remove(row.name)
                    .into_iter()
                    .for_each(|one| super::register(&mut registry, row, one));
            } else {
                super::register(&mut registry, row, self.gauges.remove(row.name).unwrap_or_default());
            }
        }
        registry
    }

    fn set(&mut self, row: &'static Row, value: i64) {
        self.single.entry(row.name).or_default().set(value);
    }

    fn set_of(&mut self, row: &'static Row, label: (&'static str, &str), value: i64) {
        let label = vec![(label.0, label.1.to_owned())];
        self.gauges.entry(row.name).or_default().get_or_create(&label).set(value);
    }

    fn count_of(&mut self, row: &'static Row, label: (&'static str, &str), count: u64) {
        let label = vec![(label.0, label.1.to_owned())];
        self.counters.entry(row.name).or_default().get_or_create(&label).inc_by(count);
    }

    fn evidence(&mut self, node: &Node) {
        let (evidence, now) = (node.evidence.snapshot(), node.clock.now());
        let files = evidence.trust_files();
        let list = files.and_then(|files| files.list()).map(|held| held.content());
        let keys = list.map_or(0, |list| list.entries.iter().map(|entry| entry.keys.len()).sum());
        self.set(&table::TRUST_KEYS, whole(keys));
        if let Some(list) = list {
            self.set(&table::TRUST_LIST_VERSION, whole(list.version));
            self.set(&table::TRUST_LIST_EXPIRY, list.exp.0);
        }
        if let Some(timestamp) = files.and_then(|files| files.timestamp()).map(|held| held.content()) {
            self.set(&table::TIMESTAMP_SIGNED, timestamp.iat.0);
            self.set(&table::TIMESTAMP_EXPIRY, timestamp.exp.0);
            self.set(&table::TIMESTAMP_HALF_OVER, i64::from(is_half_over(timestamp, now)));
        }
        self.set(&table::TRUST_FRESH, i64::from(files.is_some_and(|files| files.is_fresh(now, 0))));
        if let Some(catalogue) = evidence.catalogue() {
            self.set(&table::CATALOGUE_VERSION, whole(catalogue.content().version));
        }
        let stale = evidence.tokens().filter(|held| now >= held.token().exp()).count();
        self.set(&table::STATUS_TOKENS, whole(evidence.tokens().count()));
        self.set(&table::STATUS_TOKENS_STALE, whole(stale));
        if let Some(oldest) = evidence.tokens().map(|held| held.token().iat()).min() {
            self.set(&table::STATUS_TOKEN_OLDEST, oldest.0);
        }
    }

    fn neighbours(&mut self, node: &Node) {
        for (from, asked) in node.ceilings.all() {
            self.count_of(&table::NODE_QUESTIONS_REFUSED, ("from", &from), asked.refused);
        }
        for (from, refused) in node.refusals.all() {
            self.count_of(&table::EVIDENCE_REFUSED, ("from", &from), refused.count);
        }
        for (from, seconds) in node.compared.leads() {
            self.set_of(&table::CLOCK_AHEAD, ("from", &from), seconds);
        }
    }

    fn transactions(&mut self, node: &Node) {
        for timing in node.store.timings() {
            let label = ("name", timing.name);
            self.count_of(&table::TRANSACTIONS, label, timing.count);
            self.count_of(&table::TRANSACTIONS_FAILED, label, timing.failed);
            let of = vec![(label.0, label.1.to_owned())];
            self.seconds.get_or_create(&of).inc_by(timing.total.as_secs_f64());
        }
    }

    fn store(&mut self, node: &Node) -> Result<(), StoreError> {
        let read = node.store.read()?;
        self.logs(node, &*read)?;
        self.index(&*read)?;
        self.status_lists(&*read)
    }

    fn logs(&mut self, node: &Node, read: &dyn Read) -> Result<(), StoreError> {
        if let Some(head) = read.log_head()? {
            self.set(&table::LOG_LEAVES, whole(head.size));
            self.set(&table::LOG_COSIGNED_LEAVES, whole(node.log.cosigned().0));
        }
        self.set(&table::LOG_FORK_CASES, whole(read.documents(fork_cases::FORK)?.len()));
        self.set(&table::LOG_ENTRIES_MISSING, whole(read.documents(look_up::MISSING)?.len()));
        for row in read.documents(mirror::HEAD)? {
            self.set_of(&table::MIRROR_LEAVES, ("origin", &row.name), whole(row.version));
        }
        let states = state::states(read)?;
        self.set(
            &table::MIRRORS_STOPPED,
            whole(states.values().filter(|state| state.stop.is_some()).count()),
        );
        for (origin, state) in states {
            self.set_of(&table::MIRROR_OLD_HEADS, ("origin", &origin), whole(state.old_heads));
        }
        Ok(())
    }

    fn index(&mut self, read: &dyn Read) -> Result<(), StoreError> {
        for cursor in read.index_cursors()? {
            self.set_of(&table::INDEX_LEAVES, ("origin", &cursor.origin), whole(cursor.next));
            self.set_of(&table::INDEX_REJECTS, ("origin", &cursor.origin), 0);
        }
        for (origin, count) in read.index_reject_counts()? {
            self.set_of(&table::INDEX_REJECTS, ("origin", &origin), whole(count));
        }
        Ok(())
    }

    fn status_lists(&mut self, read: &dyn Read) -> Result<(), StoreError> {
        let lists = read.status_lists()?;
        let dirty = lists.iter().filter(|list| list.dirty_since.is_some()).count();
        let silent = lists.iter().filter(|list| list.token_iat.is_none()).count();
        let open = lists.iter().filter(|list| list.open);
        self.set(&table::STATUS_LISTS_UNPUBLISHED, whole(silent));
        self.set(&table::STATUS_LISTS_DIRTY, whole(dirty));
        let free: i64 = open.map(|list| i64::from(list.size - list.next_counter)).sum();
        self.set(&table::STATUS_INDEXES_FREE, free);
        Ok(())
    }
}

/// Whether a row is read here, and not counted by `Metrics`.
fn is_read(row: &Row) -> bool {
    let counted = [
        &table::REQUESTS,
        &table::REQUEST_DURATION,
        &table::VERDICTS,
        &table::REFUSALS,
        &table::JOB_RUNS,
        &table::JOB_LAST_SUCCESS,
    ];
    !counted.iter().any(|counted| counted.name == row.name)
}

fn whole(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
