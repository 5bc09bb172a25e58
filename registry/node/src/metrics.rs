//! What a node counts and measures, for `/metrics` (OpenMetrics).
//!
//! In scope: counters that requests and jobs raise, gauges that are read from the node when somebody asks.
//! Out of scope: alarms (the operator's monitoring). Labels are routes, statuses, codes and job names, never anything of a person
//! or a client.

use std::fmt::Write as _;
use std::sync::atomic::AtomicI64;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::exchange::mirror::{fork_cases, state};
use crate::exchange::{look_up, mirror};
use crate::node::Node;
use crate::publication::ceremony::is_half_over;

/// All metrics of one node.
pub struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    seconds: Histogram,
    verdicts: Family<Verdict, Counter>,
    refusals: Family<Refusal, Counter>,
    jobs: Family<Job, Counter>,
    job_success: Family<JobName, Gauge<i64, AtomicI64>>,
    gauges: Family<Named, Gauge<i64, AtomicI64>>,
    mirrors: Family<Origin, Gauge<i64, AtomicI64>>,
    old_heads: Family<Origin, Gauge<i64, AtomicI64>>,
    indexes: Family<Origin, Gauge<i64, AtomicI64>>,
    rejects: Family<Origin, Gauge<i64, AtomicI64>>,
    refused: Family<Sender, Gauge<i64, AtomicI64>>,
    ceilings: Family<Sender, Gauge<i64, AtomicI64>>,
    clocks: Family<Sender, Gauge<i64, AtomicI64>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Request {
    method: Word,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Verdict {
    outcome: Word,
    code: Word,
}

/// Why the edge turned somebody away: quota, crowded, busy, slow_body, batches, connection, connection_shed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Refusal {
    why: Word,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Job {
    job: Word,
    result: Word,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct JobName {
    job: Word,
}

/// The log of another node.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Origin {
    origin: String,
}

/// The node that handed something out.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Sender {
    from: String,
}

/// Gauges that are read when asked share one family, told apart by `what`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Named {
    what: Word,
}

/// A label that is known when the program is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Word(&'static str);

impl EncodeLabelValue for Word {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        encoder.write_str(self.0)
    }
}

/// Upper bounds of the request histogram, seconds.
const SECONDS: [f64; 11] = [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0];

impl Default for Metrics {
    fn default() -> Metrics {
        let mut registry = Registry::with_prefix("licence_registry");
        let metrics = Metrics {
            requests: Family::default(),
            seconds: Histogram::new(SECONDS),
            verdicts: Family::default(),
            refusals: Family::default(),
            jobs: Family::default(),
            job_success: Family::default(),
            gauges: Family::default(),
            mirrors: Family::default(),
            old_heads: Family::default(),
            indexes: Family::default(),
            rejects: Family::default(),
            refused: Family::default(),
            ceilings: Family::default(),
            clocks: Family::default(),
            registry: Registry::default(),
        };
        registry.register("requests", "Requests answered", metrics.requests.clone());
        registry.register(
            "request_seconds",
            "Time from the head of a request to that of its answer",
            metrics.seconds.clone(),
        );
        registry.register("verdicts", "Verdicts given", metrics.verdicts.clone());
        registry.register(
            "refusals",
            "Requests and connections that were turned away at the edge",
            metrics.refusals.clone(),
        );
        registry.register("job_runs", "Runs of jobs", metrics.jobs.clone());
        registry.register(
            "job_last_success_time",
            "When a job last succeeded, Unix seconds",
            metrics.job_success.clone(),
        );
        registry.register("mirror_size", "Verified leaves of mirrored logs", metrics.mirrors.clone());
        registry.register(
            "mirror_old_heads",
            "Old heads of other logs that were shown",
            metrics.old_heads.clone(),
        );
        registry.register(
            "index_size",
            "Leaves of mirrored logs that are told in the index",
            metrics.indexes.clone(),
        );
        registry.register("index_rejects", "Rejected records of the index", metrics.rejects.clone());
        registry.register(
            "evidence_refused",
            "Signed objects refused since the start, by the node that handed them out: their signers may not say so",
            metrics.refused.clone(),
        );
        registry.register(
            "node_questions_refused",
            "Questions of other nodes refused since the start, by the authority that asks: it has asked too much in a day",
            metrics.ceilings.clone(),
        );
        registry.register(
            "clock_ahead_seconds",
            "How far the own clock was ahead of that of a witness when it last answered; negative if behind",
            metrics.clocks.clone(),
        );
        registry.register("state", "State of the node at this moment", metrics.gauges.clone());
        Metrics { registry, ..metrics }
    }
}

impl Metrics {
    /// Counts a request; `route` is the pattern of the router, never the path as sent.
    pub fn request(&self, method: &'static str, route: &str, status: u16, seconds: f64) {
        let labels = Request { method: Word(method), route: route.to_owned(), status };
        self.requests.get_or_create(&labels).inc();
        self.seconds.observe(seconds);
    }

    /// Counts a verdict.
    pub fn verdict(&self, outcome: &'static str, code: Option<&'static str>) {
        self.verdicts
            .get_or_create(&Verdict { outcome: Word(outcome), code: Word(code.unwrap_or("none")) })
            .inc();
    }

    /// Counts a request or a connection that was turned away at the edge.
    pub fn refused(&self, why: &'static str) {
        self.refusals.get_or_create(&Refusal { why: Word(why) }).inc();
    }

    /// Counts a run of a job that ended at `now`, Unix seconds.
    pub fn job(&self, job: &'static str, succeeded: bool, now: i64) {
        let result = Word(if succeeded { "ok" } else { "failed" });
        self.jobs.get_or_create(&Job { job: Word(job), result }).inc();
        if succeeded {
            self.job_success.get_or_create(&JobName { job: Word(job) }).set(now);
        }
    }

    fn set(&self, what: &'static str, value: i64) {
        self.gauges.get_or_create(&Named { what: Word(what) }).set(value);
    }

    /// The OpenMetrics text, with the gauges read from the node now. Reads the store: not for async threads.
    #[must_use]
    pub fn render(&self, node: &Node) -> String {
        self.read_evidence(node);
        self.read_store(node);
        let mut text = String::new();
        // Cannot fail: a String takes everything that is written to it.
        let _never = encode(&mut text, &self.registry);
        let end = text.rfind("# EOF").unwrap_or(text.len());
        text.insert_str(end, &transactions(node));
        text
    }

    fn read_evidence(&self, node: &Node) {
        let (evidence, now) = (node.evidence.snapshot(), node.clock.now());
        let files = evidence.trust_files();
        let list = files.and_then(|files| files.list()).map(|held| held.content());
        let keys = list.map_or(0, |list| list.entries.iter().map(|entry| entry.keys.len()).sum());
        self.set("trust_anchors", i64::try_from(keys).unwrap_or(i64::MAX));
        self.set(
            "trust_list_version",
            list.map_or(0, |list| i64::try_from(list.version).unwrap_or(i64::MAX)),
        );
        self.set("trust_list_expires_s", list.map_or(0, |list| list.exp.since(now)));
        let timestamp = files.and_then(|files| files.timestamp()).map(|held| held.content());
        self.set("trust_timestamp_age_s", timestamp.map_or(-1, |content| now.since(content.iat)));
        self.set("trust_timestamp_expires_s", timestamp.map_or(0, |content| content.exp.since(now)));
        let half = timestamp.is_some_and(|content| is_half_over(content, now));
        self.set("trust_timestamp_half_life", i64::from(half));
        self.set("trust_fresh", i64::from(files.is_some_and(|files| files.is_fresh(now, 0))));
        let version = evidence.catalogue().map_or(0, |held| held.content().version);
        self.set("catalogue_version", i64::try_from(version).unwrap_or(i64::MAX));
        let (mut count, mut oldest, mut stale) = (0, 0, 0);
        for held in evidence.tokens() {
            count += 1;
            oldest = oldest.max(now.since(held.token().iat()));
            stale += i64::from(now >= held.token().exp());
        }
        for (from, asked) in node.ceilings.all() {
            self.ceilings
                .get_or_create(&Sender { from })
                .set(i64::try_from(asked.refused).unwrap_or(i64::MAX));
        }
        for (from, seconds) in node.compared.leads() {
            self.clocks.get_or_create(&Sender { from }).set(seconds);
        }
        for (from, refused) in node.refusals.all() {
            self.refused
                .get_or_create(&Sender { from })
                .set(i64::try_from(refused.count).unwrap_or(i64::MAX));
        }
        self.set("status_tokens", count);
        self.set("status_tokens_stale", stale);
        self.set("status_oldest_age_s", oldest);
    }

    fn read_store(&self, node: &Node) {
        let Ok(read) = node.store.read() else { return self.set("store_readable", 0) };
        self.set("store_readable", 1);
        if let Ok(Some(head)) = read.log_head() {
            self.set("log_size", i64::try_from(head.size).unwrap_or(i64::MAX));
        }
        let count = |kind| read.documents(kind).map(|rows| rows.len()).unwrap_or_default();
        self.set("log_forks", i64::try_from(count(fork_cases::FORK)).unwrap_or(i64::MAX));
        self.set("log_entries_missing", i64::try_from(count(look_up::MISSING)).unwrap_or(i64::MAX));
        for row in read.documents(mirror::HEAD).unwrap_or_default() {
            let size = i64::try_from(row.version).unwrap_or(i64::MAX);
            self.mirrors.get_or_create(&Origin { origin: row.name }).set(size);
        }
        let states = state::states(&*read).unwrap_or_default();
        let stopped = states.values().filter(|state| state.stop.is_some()).count();
        self.set("mirrors_stopped", i64::try_from(stopped).unwrap_or(i64::MAX));
        for (origin, state) in states {
            let count = i64::try_from(state.old_heads).unwrap_or(i64::MAX);
            self.old_heads.get_or_create(&Origin { origin }).set(count);
        }
        // Gone from the index, gone from here: an origin that was forgotten has no rejects.
        self.rejects.clear();
        let labelled = |origin: String| Origin { origin };
        for cursor in read.index_cursors().unwrap_or_default() {
            let next = i64::try_from(cursor.next).unwrap_or(i64::MAX);
            self.indexes.get_or_create(&labelled(cursor.origin.clone())).set(next);
            self.rejects.get_or_create(&labelled(cursor.origin)).set(0);
        }
        for (origin, count) in read.index_reject_counts().unwrap_or_default() {
            self.rejects.get_or_create(&labelled(origin)).set(i64::try_from(count).unwrap_or(i64::MAX));
        }
        self.set("log_cosigned_size", i64::try_from(node.log.cosigned().0).unwrap_or(i64::MAX));
        if let Ok(lists) = read.status_lists() {
            let dirty = lists.iter().filter(|list| list.dirty_since.is_some()).count();
            let silent = lists.iter().filter(|list| list.token_iat.is_none()).count();
            self.set("status_lists_unpublished", i64::try_from(silent).unwrap_or(i64::MAX));
            self.set("status_lists_dirty", i64::try_from(dirty).unwrap_or(i64::MAX));
            let free =
                lists.iter().filter(|list| list.open).map(|list| i64::from(list.size - list.next_counter));
            self.set("status_indexes_free", free.sum());
        }
    }
}

/// Counts and times of the named transactions of the store.
fn transactions(node: &Node) -> String {
    let timings = node.store.timings();
    let mut text = String::new();
    let family = |text: &mut String,
                  name: &str,
                  help: &str,
                  value: &dyn Fn(&licence_store::Timing) -> String| {
        // Cannot fail: a String takes everything that is written to it.
        let _never =
            write!(text, "# HELP licence_registry_{name} {help}.\n# TYPE licence_registry_{name} counter\n");
        for timing in &timings {
            let _never =
                writeln!(text, "licence_registry_{name}_total{{name=\"{}\"}} {}", timing.name, value(timing));
        }
    };
    family(&mut text, "transactions", "Transactions of the store", &|timing| timing.count.to_string());
    family(&mut text, "transactions_failed", "Transactions that failed", &|timing| timing.failed.to_string());
    family(&mut text, "transaction_seconds", "Time in transactions", &|timing| {
        format!("{:.6}", timing.total.as_secs_f64())
    });
    text
}
