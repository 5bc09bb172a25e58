//! What a node does by itself, each on its interval: publish status lists, follow other nodes, renew the timestamp, forget
//! old answers.
//!
//! In scope: when, and what is said about it in log and metrics. Out of scope: the work itself (`trips`, `pull`, `operator`). A
//! job that fails is tried again at its next turn; what it was to replace stays in force until its own end. Of several processes on one
//! database (`shared`) one publishes, renews, mirrors, gathers and asks for cosignatures; each follows other nodes by itself.

use std::sync::Arc;
use std::time::Duration;

use licence_spec::http_signature::NONCE_MEMORY_S;
use licence_store::{StoreError, transact};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::access::audit;
use crate::app::App;
use crate::exchange::ask_witness::{ask_by_http, ask_witness};
use crate::exchange::compare_clocks::Clocks;
use crate::exchange::fetch::Peer;
use crate::exchange::follow::{Followed, asked};
use crate::exchange::pull::pull_after;
use crate::node::Node;
use crate::node::config::{Config, Role};
use crate::publication::ceremony::{is_half_over, is_to_be_renewed};
use crate::publication::publish_status::open_lists;
use crate::publication::refresh::{may_do, refresh};
use crate::publication::timestamp::sign_timestamp;

/// How long answers are kept under idempotency keys (spec/http-signature.md: at least 24 h), seconds.
const KEPT_S: i64 = 48 * 3_600;
/// How often old answers are forgotten, and how many at a time.
const PURGE: (Duration, u32) = (Duration::from_secs(600), 5_000);
/// How often the province looks whether its timestamp has to be renewed.
const RENEW: Duration = Duration::from_secs(60);

/// How often acts that are only counted are written down.
const COUNT: Duration = Duration::from_secs(3_600);
/// How often is looked whether the head of the audit is to be anchored.
const ANCHOR: Duration = Duration::from_secs(60);
/// How often is looked whether rows of the audit are past their time.
const DROP: Duration = Duration::from_secs(3_600);
/// How often is looked whether the clock is to be compared with those of others.
const COMPARE: Duration = Duration::from_secs(10);

/// Name of the job that follows a log; its lease adds that of the log.
const MIRROR: &str = "mirror";

/// Starts the jobs of a node; they end when the set is dropped.
#[must_use]
pub fn start(app: &Arc<App>, config: &Config) -> JoinSet<()> {
    let mut jobs = JoinSet::new();
    for job in table(app, config) {
        jobs.spawn(job.run(Arc::clone(app)));
    }
    jobs
}

/// All jobs of a node: what it is called, how often, who does it, what is done.
fn table(app: &Arc<App>, config: &Config) -> Vec<Job> {
    let (publish_every, pull_every) = (config.publish_interval, config.pull_interval);
    let (woken, province) = (Woken::default(), config.province.clone().map(Peer::new));
    let mut table = vec![
        // Before anything is signed: whoever wants to sign waits for the first round.
        Job::new("compare_clock", COMPARE, Who::Each, compare(app, config)).woken(&woken.comparing),
    ];
    if app.node.process.is_some() {
        // What the other processes know already is known before anything is done.
        table.push(Job::new("refresh", publish_every, Who::Each, take_over));
    }
    table.push(Job::new("publish_status", publish_every, Who::One, publish).woken(&woken.publishing));
    let peers = config.peers.iter().cloned().map(Peer::new);
    let followed = province.iter().cloned().map(|peer| (peer, true)).chain(peers.map(|peer| (peer, false)));
    for (peer, authoritative) in followed {
        let work = pull_from(app, peer, authoritative, (&woken, pull_every));
        table.push(Job::new("pull", pull_every, Who::Each, work));
    }
    // The province holds a copy of every city's log, and an index of its licences; a city has its own log cosigned by the province.
    for (origin, log) in app.follows.iter() {
        let log = Arc::clone(log);
        let work = move |node: &Node| log.copy(node);
        table.push(Job::new(MIRROR, pull_every, Who::One, work).of(origin));
    }
    for peer in province.into_iter().chain(config.witnessed_by.iter().cloned().map(Peer::new)) {
        let origin = peer.origin();
        let work = move |node: &Node| asked(node, &peer, |node| cosign(node, &peer));
        table.push(Job::new("cosign", pull_every, Who::One, work).of(&origin));
    }
    if config.role == Role::Province {
        table.push(Job::new("renew_timestamp", RENEW, Who::One, renew));
    }
    table.push(Job::new("count_audit", COUNT, Who::Each, |node: &Node| words(audit::write_counted(node))));
    table
        .push(Job::new("anchor_audit", ANCHOR, Who::One, |node: &Node| words(audit::anchor(node).map(drop))));
    let months = config.audit_months;
    let drop_old = move |node: &Node| words(audit::drop_old(node, months).map(drop));
    table.push(Job::new("drop_audit", DROP, Who::One, drop_old));
    table.push(Job::new("forget_answers", PURGE.0, Who::Each, purge));
    table
}

/// Which processes of a node do a job, where several work on one database.
enum Who {
    /// Each of them.
    Each,
    /// One at a time, by a lease.
    One,
}

/// What is done.
type Work = Arc<dyn Fn(&Node) -> Result<(), String> + Send + Sync>;

/// What brings the next turn of a job forward.
#[derive(Default)]
struct Woken {
    publishing: Arc<Notify>,
    comparing: Arc<Notify>,
}

/// One row of the table.
struct Job {
    name: &'static str,
    interval: Duration,
    who: Who,
    /// Tells jobs of one name apart; may be empty.
    of: String,
    /// Brings the next turn forward.
    woken: Arc<Notify>,
    work: Work,
}

impl Job {
    fn new(
        name: &'static str,
        interval: Duration,
        who: Who,
        work: impl Fn(&Node) -> Result<(), String> + Send + Sync + 'static,
    ) -> Job {
        let woken = Arc::new(Notify::new());
        Job { name, interval, who, of: String::new(), woken, work: Arc::new(work) }
    }

    fn of(self, of: &str) -> Job {
        Job { of: of.to_owned(), ..self }
    }

    fn woken(self, by: &Arc<Notify>) -> Job {
        Job { woken: Arc::clone(by), ..self }
    }

    /// Name under which one process of the node at a time does it; `None` if every process does.
    fn lease(&self) -> Option<String> {
        let name = format!("{} {}", self.name, self.of).trim_end().to_owned();
        matches!(self.who, Who::One).then_some(name)
    }

    /// Does the work now and on every turn; a turn that was missed is not made up for.
    async fn run(self, app: Arc<App>) {
        let (name, interval, lease, own) = (self.name, self.interval, self.lease(), self.work);
        let work = move |node: &Node| match &lease {
            Some(lease) if !may_do(node, lease, interval).map_err(|error| error.to_string())? => Ok(()),
            _ => own(node),
        };
        let mut turns = tokio::time::interval(interval);
        turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! { _ = turns.tick() => {}, () = self.woken.notified() => {} }
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

/// Asks others for their time, if it is time to.
fn compare(app: &App, config: &Config) -> impl Fn(&Node) -> Result<(), String> + Send + Sync + 'static {
    let clocks = Clocks::new(config);
    clocks.expect_round(&app.node);
    move |node: &Node| clocks.compare_if_due(node).map_err(|error| error.to_string())
}

/// Follows another node; after the first trust list the lists of this node mean something to others, and witnesses can be asked for the
/// time.
fn pull_from(
    app: &App,
    peer: Peer,
    authoritative: bool,
    (woken, interval): (&Woken, Duration),
) -> impl Fn(&Node) -> Result<(), String> + Send + Sync + 'static {
    let (publishing, comparing) = (Arc::clone(&woken.publishing), Arc::clone(&woken.comparing));
    let log = app.follows.get(&peer.origin()).cloned();
    move |node: &Node| {
        let before = node.evidence.snapshot().trust_list().is_some();
        let copied = || copy_first(node, log.as_deref(), &peer.origin(), interval);
        asked(node, &peer, |node| follow(node, &peer, authoritative, &copied))?;
        if !before && node.evidence.snapshot().trust_list().is_some() {
            comparing.notify_one();
            publishing.notify_one();
        }
        Ok(())
    }
}

fn words(outcome: Result<(), audit::KeepError>) -> Result<(), String> {
    outcome.map_err(|error| error.to_string())
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
    let asked = ask_witness(node, peer.host(), &mut |body| ask_by_http(node, peer, body));
    asked.map_err(|error| error.to_string())
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
    let seen_before = node.clock.now().plus(-NONCE_MEMORY_S).0;
    let forget = || {
        transact::<_, StoreError>(&*node.store, "forget_nonces", |write| {
            write.purge_nonces(seen_before, PURGE.1)
        })
    };
    while forget().map_err(|error| error.to_string())? == u64::from(PURGE.1) {}
    Ok(())
}
