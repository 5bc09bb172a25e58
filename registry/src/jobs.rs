//! What a node does by itself, each on its interval: publish status lists, follow other nodes, renew the timestamp, forget
//! old answers.
//!
//! In scope: when, and what is said about it in log and metrics. Out of scope: the work itself (`trips`, `pull`, `operator`). A
//! job that fails is tried again at its next turn; what it was to replace stays in force until its own end.

use std::sync::Arc;
use std::time::Duration;

use licence_store::{StoreError, transact};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::ceremony::TIMESTAMP_RENEWAL_S;
use crate::config::{Config, Role, Source};
use crate::http::App;
use crate::node::Node;
use crate::operator::sign_timestamp;
use crate::pull::pull;
use crate::trips::publish_status::open_lists;

/// How long answers are kept under idempotency keys (FORMATS §12: at least 24 h), seconds.
const KEPT_S: i64 = 48 * 3_600;
/// How often old answers are forgotten, and how many at a time.
const PURGE: (Duration, u32) = (Duration::from_secs(600), 5_000);
/// How often the province looks whether its timestamp has to be renewed.
const RENEW: Duration = Duration::from_secs(60);

/// Starts the jobs of a node; they end when the set is dropped.
#[must_use]
pub fn start(app: &Arc<App>, config: &Config) -> JoinSet<()> {
    let mut jobs = JoinSet::new();
    let (publishing, never) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let every = |interval, name, early: &Arc<Notify>| Turns { interval, name, early: Arc::clone(early) };
    jobs.spawn(every(config.publish_interval, "publish_status", &publishing).run(Arc::clone(app), publish));
    for (source, authoritative) in config
        .province
        .iter()
        .map(|source| (source, true))
        .chain(config.peers.iter().map(|source| (source, false)))
    {
        let (source, publishing) = (source.clone(), Arc::clone(&publishing));
        let work = move |node: &Node| {
            let before = node.evidence.snapshot().trust_list().is_some();
            follow(node, &source, authoritative)?;
            if !before {
                // The first trust list: now the lists of this node mean something to others.
                publishing.notify_one();
            }
            Ok(())
        };
        jobs.spawn(every(config.pull_interval, "pull", &never).run(Arc::clone(app), work));
    }
    if config.role == Role::Province {
        jobs.spawn(every(RENEW, "renew_timestamp", &never).run(Arc::clone(app), renew));
    }
    jobs.spawn(every(PURGE.0, "forget_answers", &never).run(Arc::clone(app), purge));
    jobs
}

/// When a job has its turn.
struct Turns {
    interval: Duration,
    name: &'static str,
    /// Brings the next turn forward.
    early: Arc<Notify>,
}

impl Turns {
    /// Does `work` now and on every turn; a turn that was missed is not made up for.
    async fn run<W>(self, app: Arc<App>, work: W)
    where
        W: Fn(&Node) -> Result<(), String> + Clone + Send + 'static,
    {
        let name = self.name;
        let mut turns = tokio::time::interval(self.interval);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! { _ = turns.tick() => {}, () = self.early.notified() => {} }
            let (node, work) = (Arc::clone(&app.node), work.clone());
            let outcome = tokio::task::spawn_blocking(move || work(&node)).await;
            let outcome = outcome.unwrap_or_else(|_| Err("the job panicked".to_owned()));
            app.metrics.job(name, outcome.is_ok(), app.node.clock.now().0);
            match outcome {
                Ok(()) => tracing::debug!(job = name, "done"),
                Err(error) => tracing::warn!(job = name, error, "failed; tried again at the next turn"),
            }
        }
    }
}

fn publish(node: &Node) -> Result<(), String> {
    // Before a trust list is there, nobody could check a token.
    if node.evidence.snapshot().trust_list().is_none() {
        return Ok(());
    }
    open_lists(node).map_err(|error| error.to_string())
}

fn follow(node: &Node, source: &Source, authoritative: bool) -> Result<(), String> {
    if node.evidence.snapshot().trust_files().is_none() {
        return Err("信任根未钉定 / no trust root is pinned: run `trust pin`".to_owned());
    }
    pull(node, &source.address, authoritative).map_err(|error| error.to_string())
}

fn renew(node: &Node) -> Result<(), String> {
    let files = node.evidence.snapshot().trust_files().cloned();
    let Some((files, held)) = files.as_ref().and_then(|files| Some((files, files.timestamp()?))) else {
        return Ok(());
    };
    let now = node.clock.now();
    if now.since(held.content().iat) < TIMESTAMP_RENEWAL_S {
        return Ok(());
    }
    let Some(list) = files.list() else {
        return Err("the timestamp names a list that is not held".to_owned());
    };
    let read = node.store.read().map_err(|error| error.to_string())?;
    let row = read.document(crate::documents::LIST.0, crate::documents::LIST.1);
    let row = row.map_err(|error| error.to_string())?.ok_or("the trust list is not stored")?;
    drop(read);
    sign_timestamp(node, list.content().version, &row.bytes).map(drop).map_err(|error| error.text)
}

fn purge(node: &Node) -> Result<(), String> {
    let before = node.clock.now().0 - KEPT_S;
    let forget = || {
        transact::<_, StoreError>(&*node.store, "forget_answers", |write| {
            write.purge_idempotent_answers(before, PURGE.1)
        })
    };
    while forget().map_err(|error| error.to_string())? == u64::from(PURGE.1) {}
    Ok(())
}
