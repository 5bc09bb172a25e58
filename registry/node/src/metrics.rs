//! What a node counts and measures, for `/metrics` (OpenMetrics).
//!
//! In scope: counters that requests and jobs raise; numbers that are read from the node when somebody asks are in `read`, names and
//! meanings in `table`. Out of scope: alarms (the operator's monitoring). Labels are routes, statuses, codes and job names, never
//! anything of a person or a client.

mod read;
pub mod table;

use std::fmt::Write as _;
use std::sync::atomic::AtomicI64;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

use crate::node::Node;
use table::Row;

/// All metrics of one node.
pub struct Metrics {
    registry: Registry,
    requests: Family<Request, Counter>,
    seconds: Histogram,
    verdicts: Family<Verdict, Counter>,
    refusals: Family<Refusal, Counter>,
    jobs: Family<Job, Counter>,
    job_success: Family<JobName, Gauge<i64, AtomicI64>>,
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
        let mut metrics = Metrics {
            requests: Family::default(),
            seconds: Histogram::new(SECONDS),
            verdicts: Family::default(),
            refusals: Family::default(),
            jobs: Family::default(),
            job_success: Family::default(),
            registry: Registry::with_prefix(table::PREFIX),
        };
        let registry = &mut metrics.registry;
        register(registry, &table::REQUESTS, metrics.requests.clone());
        register(registry, &table::REQUEST_DURATION, metrics.seconds.clone());
        register(registry, &table::VERDICTS, metrics.verdicts.clone());
        register(registry, &table::REFUSALS, metrics.refusals.clone());
        register(registry, &table::JOB_RUNS, metrics.jobs.clone());
        register(registry, &table::JOB_LAST_SUCCESS, metrics.job_success.clone());
        metrics
    }
}

/// The registry puts the full stop behind the explanation itself.
fn register(registry: &mut Registry, row: &Row, metric: impl Metric) {
    registry.register(row.name, row.help(), metric);
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

    /// The OpenMetrics text, with what is read from the node now. Reads the store: not for async threads.
    #[must_use]
    pub fn render(&self, node: &Node) -> String {
        let mut text = String::new();
        // Cannot fail: a String takes everything that is written to it.
        let _never = encode(&mut text, &self.registry);
        // Two texts make one document: only the last has the mark of its end.
        text.truncate(text.rfind("# EOF").unwrap_or(text.len()));
        let _never = encode(&mut text, &read::all(node));
        text
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::node::compared::Told;

    #[test]
    fn the_page_tells_every_family_that_is_shown_and_no_other() {
        let node = crate::testing::rehearse().city;
        let metrics = Metrics::default();
        metrics.request("GET", "/healthz", 200, 0.001);
        metrics.verdict("ACCEPT", None);
        metrics.refused("quota");
        metrics.job("pull", true, 1);
        node.refusals.note("gd.example", "token", &"no");
        node.ceilings.in_vain("gd.example", node.clock.now());
        let (sent, host) = (node.clock.now(), "gd.example".to_owned());
        node.compared.take(&[Told { host, sent, theirs: sent }], true, sent);
        let shown = metrics.render(&node);
        assert!(shown.contains("\nlicence_registry_trust_fresh 1\n"), "{shown}");
        assert!(!shown.contains("{}") && shown.ends_with("# EOF\n"), "{shown}");
        let kinds = shown.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
        let shown: BTreeSet<String> = kinds
            .map(|(name, kind)| format!("{name}{}", if kind == "counter" { "_total" } else { "" }))
            .collect();
        let told: BTreeSet<String> = table::ALL.iter().map(|row| row.shown()).collect();
        assert!(shown.is_subset(&told), "{:?}", shown.difference(&told));
        // What a province alone has, which follows the logs of others: tests/tests/node asks for these.
        let of_others = ["mirror_leaves", "mirror_old_heads", "index_leaves", "index_rejects"];
        let of_others: BTreeSet<String> =
            of_others.into_iter().map(|name| format!("{}_{name}", table::PREFIX)).collect();
        assert_eq!(told.difference(&shown).cloned().collect::<BTreeSet<_>>(), of_others);
    }
}
