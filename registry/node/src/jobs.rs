//! What a node does by itself, each on its interval: publish status lists, follow other nodes, renew the timestamp, forget
//! old answers.
//!
//! In scope: when, and what is said about it in log and metrics. Out of scope: the work itself (`trips`, `pull`, `operator`). A
//! job that fails is tried again at its next turn; what it was to replace stays in force until its own end. Of several processes on one
//! database (`shared`) one publishes, renews, mirrors, gathers and asks for cosignatures; each follows other nodes by itself.

use std::sync::Arc;
use std::time::Duration;

use licence_spec::numbers::MAX_CHECKPOINT;
use licence_store::{StoreError, transact};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::app::App;
use crate::exchange::ask_witness::{Reply, ask_witness};
use crate::exchange::compare_clocks::Clocks;
use crate::exchange::fetch::Peer;
use crate::exchange::follow::{Followed, asked};
use crate::exchange::paths::ADD_CHECKPOINT;
use crate::exchange::pull::pull_after;
use crate::node::Node;
use crate::node::config::{Config, Role};
use crate::publication::ceremony::{is_half_over, is_to_be_renewed};
use crate::publication::publish_status::open_lists;
use crate::publication::refresh::{may_do, refresh};
use crate::publication::timestamp::sign_timestamp;

/// How long answers are kept under idempotency keys (FORMATS §12: at least 24 h), seconds.
const KEPT_S: i64 = 48 * 3_600;
/// How often old answers are forgotten, and how many at a time.
const PURGE: (Duration, u32) = (Duration::from_secs(600), 5_000);
/// How often the province looks whether its timestamp has to be renewed.
const RENEW: Duration = Duration::from_secs(60);

/// How often is looked whether the clock is to be compared with those of others.
const COMPARE: Duration = Duration::from_secs(10);

/// Name of the job that follows a log; its lease adds that of the log.
const MIRROR: &str = "mirror";

/// Starts the jobs of a node; they end when the set is dropped.
#[must_use]
pub fn start(app: &Arc<App>, config: &Config) -> JoinSet<()> {
    let mut jobs = JoinSet::new();
    let (publishing, never) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let every =
        |interval, name, early: &Arc<Notify>| Turns { interval, name, early: Arc::clone(early), lease: None };
    // Before anything is signed: whoever wants to sign waits for the first round.
    let (comparing, clocks) = (Arc::new(Notify::new()), Clocks::new(config));
    clocks.expect_round(&app.node);
    let turns = every(COMPARE, "compare_clock", &comparing);
    jobs.spawn(turns.run(Arc::clone(app), move |node: &Node| clocks.compare_if_due(node)));
    if app.node.process.is_some() {
        // First: what the other processes know already is known before anything is done.
        jobs.spawn(every(config.publish_interval, "refresh", &never).run(Arc::clone(app), take_over));
    }
    let turns = every(config.publish_interval, "publish_status", &publishing).alone("");
    jobs.spawn(turns.run(Arc::clone(app), publish));
    let peers: Vec<Peer> = config.peers.iter().cloned().map(Peer::new).collect();
    let province: Option<Peer> = config.province.clone().map(Peer::new);
    let followed = province.iter().map(|peer| (peer, true)).chain(peers.iter().map(|peer| (peer, false)));
    for (peer, authoritative) in followed {
        let (peer, publishing, comparing) = (peer.clone(), Arc::clone(&publishing), Arc::clone(&comparing));
        let (log, interval) = (app.follows.get(&peer.origin()).cloned(), config.pull_interval);
        let work = move |node: &Node| {
            let before = node.evidence.snapshot().trust_list().is_some();
            let copied = || copy_first(node, log.as_deref(), &peer.origin(), interval);
            asked(node, &peer, |node| follow(node, &peer, authoritative, &copied))?;
            if !before && node.evidence.snapshot().trust_list().is_some() {
                // The first trust list: now the lists of this node mean something to others, and witnesses can be asked for the time.
                comparing.notify_one();
                publishing.notify_one();
            }
            Ok(())
        };
        jobs.spawn(every(config.pull_interval, "pull", &never).run(Arc::clone(app), work));
    }
    // The province holds a copy of every city's log, and an index of its licences; a city has its own log cosigned by the province.
    for (origin, log) in app.follows.iter() {
        let (turns, log) = (every(config.pull_interval, MIRROR, &never).alone(origin), Arc::clone(log));
        jobs.spawn(turns.run(Arc::clone(app), move |node: &Node| log.copy(node)));
    }
    for peer in province.into_iter().chain(config.witnessed_by.iter().cloned().map(Peer::new)) {
        let turns = every(config.pull_interval, "cosign", &never).alone(peer.origin());
        let work = move |node: &Node| asked(node, &peer, |node| cosign(node, &peer));
        jobs.spawn(turns.run(Arc::clone(app), work));
    }
    if config.role == Role::Province {
        let turns = every(RENEW, "renew_timestamp", &never).alone("");
        jobs.spawn(turns.run(Arc::clone(app), renew));
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
    /// Name under which one process of the node at a time does it; `None` if every process does.
    lease: Option<String>,
}

impl Turns {
    /// The same, done by one process of the node at a time; `what` tells jobs of one name apart.
    fn alone(self, what: impl std::fmt::Display) -> Turns {
        Turns { lease: Some(format!("{} {what}", self.name).trim_end().to_owned()), ..self }
    }

    /// Does `work` now and on every turn; a turn that was missed is not made up for.
    async fn run<W>(self, app: Arc<App>, work: W)
    where
        W: Fn(&Node) -> Result<(), String> + Clone + Send + 'static,
    {
        let (name, interval, lease) = (self.name, self.interval, self.lease.clone());
        let work = move |node: &Node| match &lease {
            Some(lease) if !may_do(node, lease, interval).map_err(|error| error.to_string())? => Ok(()),
            _ => work(node),
        };
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

fn take_over(node: &Node) -> Result<(), String> {
    refresh(node).map_err(|error| error.to_string())
}

fn publish(node: &Node) -> Result<(), String> {
    // Before a trust list is there, nobody could check a token.
    if node.evidence.snapshot().trust_list().is_none() {
        return Ok(());
    }
    open_lists(node).map_err(|error| error.to_string())
}

/// Before tokens of a city are taken, its log is followed: by the process whose job that is.
fn copy_first(node: &Node, log: Option<&Followed>, origin: &str, interval: Duration) {
    if let Some(log) = log
        && may_do(node, &format!("{MIRROR} {origin}"), interval).is_ok_and(|may| may)
        && let Err(error) = log.copy(node)
    {
        tracing::warn!(origin, error, "the log could not be followed before the tokens were taken");
    }
}

fn follow(node: &Node, peer: &Peer, authoritative: bool, first: &dyn Fn()) -> Result<(), String> {
    if node.evidence.snapshot().trust_files().is_none() {
        return Err("信任根未钉定 / no trust root is pinned: run `trust pin`".to_owned());
    }
    pull_after(node, peer, authoritative, first).map_err(|error| format!("{}: {error}", peer.host()))
}

/// Has the newest checkpoint cosigned by a peer.
fn cosign(node: &Node, peer: &Peer) -> Result<(), String> {
    ask_witness(node, peer.host(), &mut |body| ask_by_http(node, peer, body))
}

/// Brings the body of `add-checkpoint` to a peer that is a witness.
///
/// # Errors
/// That of the connection; what the witness says if it refuses.
pub fn ask_by_http(node: &Node, peer: &Peer, body: &str) -> Result<Reply, String> {
    let answer = peer.post(node, ADD_CHECKPOINT, "text/plain", body.as_bytes(), MAX_CHECKPOINT)?;
    let text = String::from_utf8(answer.body).map_err(|_| "the witness's answer is no text".to_owned())?;
    match answer.status {
        200 => Ok(Reply::Cosignature(text)),
        409 => text.trim().parse().map(Reply::Holds).map_err(|_| "the witness tells no size".to_owned()),
        status => Err(format!("the witness answers {status}: {}", text.trim())),
    }
}

/// Signs a new timestamp once the one held has a third of its life behind it.
///
/// # Errors
/// What went wrong, in words; the timestamp held stays in force.
pub fn renew(node: &Node) -> Result<(), String> {
    let files = node.evidence.snapshot().trust_files().cloned();
    let Some((files, held)) = files.as_ref().and_then(|files| Some((files, files.timestamp()?))) else {
        return Ok(());
    };
    let now = node.clock.now();
    if !is_to_be_renewed(held.content(), now) {
        return Ok(());
    }
    if is_half_over(held.content(), now) {
        tracing::warn!(expires_at = %held.content().exp, "half of the trust timestamp's life is over and it is not renewed");
    }
    let Some(list) = files.list() else {
        return Err("the timestamp names a list that is not held".to_owned());
    };
    let read = node.store.read().map_err(|error| error.to_string())?;
    let row = read.document(crate::publication::documents::LIST.0, crate::publication::documents::LIST.1);
    let row = row.map_err(|error| error.to_string())?.ok_or("the trust list is not stored")?;
    drop(read);
    sign_timestamp(node, list.content().version, &row.bytes).map(drop).map_err(|error| error.to_string())
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
