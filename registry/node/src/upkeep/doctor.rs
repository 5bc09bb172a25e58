//! Can this node give a right verdict now, and if not, what is the cause and what is to be done?
//!
//! In scope: one list of questions, clock first, that `/readyz` and `doctor` both answer from. Out of scope: what only the
//! command line can see, such as the configuration of a node that does not start (`cli::doctor`).

use std::borrow::Cow;
use std::collections::BTreeSet;

use licence_spec::evidence::Evidence;
use licence_spec::numbers::CLOCK_SKEW_S;
use licence_spec::time::UnixTime;
use licence_spec::trust::{Role, TrustFiles};
use licence_spec::verdict::Code;
use serde::{Deserialize, Serialize};

use crate::exchange::mirror::{fork_cases, state};
use crate::exchange::{look_up, mirror};
use crate::node::Node;
use crate::node::keys::Usage;
use crate::publication::documents;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nothing to do.
    Well,
    /// Something will go wrong if nobody acts.
    Soon,
    /// No right verdict can be given, or nothing issued.
    Wrong,
}

/// The answer to one question.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Diagnosis {
    /// What was looked at.
    pub about: Cow<'static, str>,
    /// How it is.
    pub state: State,
    /// The cause in one English phrase; `/readyz` shows it.
    pub cause: String,
    /// What to do, Chinese and English; empty if nothing is to be done.
    pub remedy: Cow<'static, str>,
}

fn well(about: &'static str, cause: impl Into<String>) -> Diagnosis {
    diagnosis(about, State::Well, cause, "")
}

fn diagnosis(about: &'static str, state: State, cause: impl Into<String>, remedy: &'static str) -> Diagnosis {
    Diagnosis { about: about.into(), state, cause: cause.into(), remedy: remedy.into() }
}

fn wrong(about: &'static str, cause: impl Into<String>, remedy: &'static str) -> Diagnosis {
    diagnosis(about, State::Wrong, cause, remedy)
}

fn soon(about: &'static str, cause: impl Into<String>, remedy: &'static str) -> Diagnosis {
    diagnosis(about, State::Soon, cause, remedy)
}

/// Answers all questions, clock first. Reads the store: not for async threads.
#[must_use]
pub fn diagnose(node: &Node) -> Vec<Diagnosis> {
    let (evidence, now) = (node.evidence.snapshot(), node.clock.now());
    let mut found = Vec::new();
    match evidence.trust_files() {
        None => found.push(wrong(
            "trust",
            "trust list unavailable",
            "钉定信任根：trust pin（市）或 trust root（省） / pin the root",
        )),
        Some(files) => {
            found.push(clock(files, now));
            found.push(trust(files, now));
        }
    }
    found.extend(compared(node, now));
    found.push(match evidence.catalogue() {
        Some(held) => well("catalogue", format!("catalogue version {}", held.version())),
        None => wrong("catalogue", "catalogue unavailable", "省：catalogue publish；市：检查到省节点的连接 / province: publish it; city: check the connection to the province"),
    });
    found.extend(own_tokens(node, now));
    found.extend(refused(node));
    found.extend(store(node));
    found.extend(
        logs(node, now)
            .unwrap_or_else(|error| vec![wrong("log", error, "检查数据库 / check the database: fsck")]),
    );
    found.extend(missing(node));
    found
}

fn clock(files: &TrustFiles, now: UnixTime) -> Diagnosis {
    let newest = files.newest_iat();
    if now.plus(CLOCK_SKEW_S) < newest {
        let cause = format!("clock behind the newest signed time {newest}");
        return wrong("clock", cause, "校正本机时钟（NTP） / set this machine's clock (NTP)");
    }
    well("clock", format!("clock {now}, newest signed time {newest}"))
}

/// Whether the clock agrees with that of others: one that is ahead signs what nobody takes.
fn compared(node: &Node, now: UnixTime) -> Option<Diagnosis> {
    const SET: &str = "校正本机时钟（NTP）；在此之前不签发任何内容，校正后自动恢复 / set this machine's clock (NTP): nothing is signed until then, and it goes on by itself";
    const ALONE: &str = "检查到各见证节点的连接：无人可比，时钟快了也无从发现 / check the connection to the witnesses: a clock that is ahead would not be noticed";
    if let Some(ahead) = node.compared.ahead() {
        return Some(wrong("clock", format!("clock {} s ahead of {}", ahead.seconds, ahead.host), SET));
    }
    let since = node.compared.alone_since(now)?;
    Some(soon("clock", format!("clock compared with nobody since {since}"), ALONE))
}

fn trust(files: &TrustFiles, now: UnixTime) -> Diagnosis {
    const REMEDY: &str = "省：检查时间戳任务与列表有效期；市：检查到省节点的连接 / province: see job renew_timestamp and the list's end; city: check the connection to the province";
    let Some(list) = files.list() else { return wrong("trust", "trust list unavailable", REMEDY) };
    if !files.is_fresh(now, 0) {
        return wrong("trust", "trust list expired", REMEDY);
    }
    let timestamp = files.vouching().map(|held| held.content());
    let half = timestamp.is_some_and(|content| now.since(content.iat) * 2 > content.exp.since(content.iat));
    let list = list.content();
    if half || now.since(list.iat) * 2 > list.exp.since(list.iat) {
        return soon("trust", "more than half of the life of timestamp or list is over", REMEDY);
    }
    well("trust", format!("list {} until {}", list.version, list.exp))
}

/// Whether the lists of this node's authorities are published, trusted and in force: if not, their licences can be judged nowhere. An
/// authority whose key is not listed yet waits; the others go on.
fn own_tokens(node: &Node, now: UnixTime) -> Vec<Diagnosis> {
    const REMEDY: &str = "检查任务 publish_status 的日志与信任列表中的状态密钥 / see the log lines of job publish_status, and the status keys in the trust list";
    let evidence = node.evidence.snapshot();
    let lists = node.store.read().and_then(|read| read.status_lists()).unwrap_or_default();
    let (mut found, mut in_force, mut waiting) = (Vec::new(), 0, BTreeSet::new());
    for list in &lists {
        let standing = standing(node, &evidence, &list.authority, now);
        let cause = match (standing, evidence.token(&list.uri)) {
            (Standing::Unlisted, _) => {
                waiting.insert(list.authority.as_str());
                continue;
            }
            (Standing::Fault(code), _) => {
                found.push(wrong("status", format!("status key may not sign: {code}: {}", list.uri), REMEDY));
                break;
            }
            (Standing::Good, None) => "status list not published yet",
            (_, Some(held)) if held.signer().is_none() => {
                "status list signed by a key that may not speak for it"
            }
            (_, Some(held)) if now >= held.token().exp() => "status list expired",
            (_, Some(_)) => {
                in_force += 1;
                continue;
            }
        };
        found.push(wrong("status", format!("{cause}: {}", list.uri), REMEDY));
        break;
    }
    found.extend(unlisted(&waiting, in_force, found.is_empty()));
    if lists.is_empty() && node.authorities.iter().any(|authority| !authority.vcts.is_empty()) {
        return vec![wrong("status", "no status list yet", REMEDY)];
    }
    found.push(well("status", format!("{in_force} status lists in force")));
    found
}

/// What the trust list says of the status key that this node holds for an authority.
enum Standing {
    /// It may sign, or the key is missing here, which its list shows.
    Good,
    /// The list does not name it.
    Unlisted,
    /// It may not sign now.
    Fault(Code),
}

fn standing(node: &Node, evidence: &Evidence, authority: &str, now: UnixTime) -> Standing {
    let (Some(own), Some(list)) = (node.keys.signer(authority, Usage::STATUS), evidence.trust_list()) else {
        return Standing::Good;
    };
    let mut keys = list.entry(authority).into_iter().flat_map(|entry| &entry.keys);
    match keys.find(|key| key.key == *own.public_key()).map(|key| key.standing(Role::Status, now)) {
        None => Standing::Unlisted,
        Some(Ok(())) => Standing::Good,
        Some(Err(code)) => Standing::Fault(code),
    }
}

/// Authorities that wait for the trust list: soon, unless nothing of this node is listed.
fn unlisted(waiting: &BTreeSet<&str>, in_force: usize, is_well: bool) -> Option<Diagnosis> {
    const REMEDY: &str = "请省节点将其列入信任列表（入网或换钥申请）；在此之前不使用这些密钥，其他机关照常 / have the province list them; until then these keys are not used, and the others go on";
    let some: Vec<&str> = waiting.iter().take(3).copied().collect();
    let cause =
        format!("{} authorities whose status key is not listed yet: {}", waiting.len(), some.join(", "));
    match (waiting.is_empty(), in_force == 0 && is_well) {
        (true, _) => None,
        (false, true) => Some(wrong("status", cause, REMEDY)),
        (false, false) => Some(soon("status", cause, REMEDY)),
    }
}

/// What other nodes handed out and may not say.
fn refused(node: &Node) -> impl Iterator<Item = Diagnosis> {
    const REMEDY: &str = "已拒收，不影响本节点；请通知该节点查明是谁签发、从何而来 / it was refused and does no harm here: tell that node to find out who signed it and whence it came";
    node.refusals.all().into_iter().map(|(from, refused)| {
        soon(
            "evidence",
            format!("{} signed objects from {from} refused, the last: {}", refused.count, refused.last),
            REMEDY,
        )
    })
}

/// What only an operator asks, as it reads and verifies all that is stored of other nodes.
#[must_use]
pub fn diagnose_stored(node: &Node) -> Vec<Diagnosis> {
    const REMEDY: &str =
        "已不采用；清除并留存记录：trust repair / it is not used; clear it and keep a record: trust repair";
    match documents::strangers(node) {
        Ok(found) => found
            .into_iter()
            .map(|one| soon("evidence", format!("stored token of {}: {}", one.uri, one.fault), REMEDY))
            .collect(),
        Err(error) => vec![wrong("store", format!("store unavailable: {error}"), "")],
    }
}

/// Licences with a good signature that are in no log of their issuer: its key may be stolen.
fn missing(node: &Node) -> Option<Diagnosis> {
    const REMEDY: &str = "请联系签发机关核实；如系伪造，应将其密钥列为已泄露并更换 / ask the issuer; if it is forged, have its key marked as compromised and replaced";
    // A store that cannot be read is told by `store`.
    let rows = node.store.read().and_then(|read| read.documents(look_up::MISSING)).unwrap_or_default();
    let newest = rows.iter().max_by_key(|row| row.iat)?;
    Some(soon("log", format!("{} licences are in no log, the newest: {}", rows.len(), newest.name), REMEDY))
}

fn store(node: &Node) -> Vec<Diagnosis> {
    const ROOM: &str = "检查磁盘空间与权限 / check room and permissions of the disk";
    let mut found = Vec::new();
    if !node.writer.is_well() {
        found.push(wrong("store", "store not writable", ROOM));
    }
    let read = node.store.read().and_then(|read| Ok((read.log_head()?, read.index_reject_counts()?)));
    match read {
        Err(error) => found.push(wrong("store", format!("store unavailable: {error}"), ROOM)),
        Ok((head, rejects)) => {
            for (origin, count) in rejects {
                let cause = format!("{count} rejected index records of {origin}");
                found.push(soon("index", cause, "查看：index rejects；该市改正后：index again / see index rejects; once the city has mended it: index again"));
            }
            found.push(well("store", format!("log of {} leaves", head.map_or(0, |head| head.size))));
        }
    }
    found
}

/// What is to be said of the logs of others. None of it keeps this node from giving a right verdict.
fn logs(node: &Node, now: UnixTime) -> Result<Vec<Diagnosis>, String> {
    let read = node.store.read().map_err(|error| error.to_string())?;
    let mut found = Vec::new();
    for case in fork_cases::open_cases(&*read).map_err(|error| error.to_string())? {
        let (log, size) = (&case.log, case.size);
        found.push(match case.false_alarm {
            true => soon("log", format!("false alarm: the head of {size} leaves of {log} lies in the mirror, the log has not forked"), "结案：log close-case / close the case: log close-case"),
            false => soon("log", format!("a log has forked: {log}, at {size} leaves"), "证据已留存，不再联署：请立即调查该节点，勿接受其新证照；查明后 log close-case / evidence is kept, nothing is cosigned: investigate that node now; log close-case afterwards"),
        });
    }
    for (log, state) in state::states(&*read).map_err(|error| error.to_string())? {
        if let Some((size, since)) = state.old {
            let since = UnixTime(since);
            found.push(soon("log", format!("old heads of {log} are shown since {since}, the last of {size} leaves"), "检查途中的缓存或代理；或该节点由备份恢复而未补齐 / look for a cache or proxy on the way, or that node runs on a backup that was not caught up"));
        }
        if let (Some(stop), Some(claimed)) = (state.stop, state.claimed) {
            found.push(stopped(&log, stop, claimed));
        }
    }
    if node.witness_key().is_some() {
        found.extend(unfollowed(node, &*read, now)?);
    }
    Ok(found)
}

fn stopped(log: &str, stop: state::Stop, claimed: u64) -> Diagnosis {
    let claims = format!("{log} claims {claimed} leaves");
    match stop {
        state::Stop::Day => soon(
            "log",
            format!("{claims}: more than is mirrored in a day"),
            "若确有其事，调高 pull.mirror_leaves_per_day；否则请该节点说明 / if it is so, raise pull.mirror_leaves_per_day; else ask that node",
        ),
        state::Stop::Room => soon(
            "log",
            format!("{claims}: the disk has no room to mirror it"),
            "腾出磁盘空间，镜像自行继续 / make room on the disk: it goes on by itself",
        ),
        state::Stop::Profile(index) => soon(
            "log",
            format!("{claims}: leaf {index} is no entry of the profile"),
            "不再镜像与联署；请该节点说明 / it is mirrored and cosigned no further: ask that node",
        ),
    }
}

/// Listed logs of which a witness holds no mirror, or one that does not grow: each node signs its status lists anew every hour.
fn unfollowed(node: &Node, read: &dyn licence_store::Read, now: UnixTime) -> Result<Vec<Diagnosis>, String> {
    const QUIET_S: i64 = 3 * 3_600;
    let (evidence, own) = (node.evidence.snapshot(), node.origin());
    let entries = evidence.trust_list().into_iter().flat_map(|list| &list.content().entries);
    let listed: BTreeSet<&str> =
        entries.flat_map(|entry| &entry.logs).map(|log| log.key.name()).filter(|name| *name != own).collect();
    let mut found = Vec::new();
    for log in listed {
        let row = read.document(mirror::HEAD, log).map_err(|error| error.to_string())?;
        match row.map(|row| UnixTime(row.stored_at)) {
            None => found.push(soon("log", format!("{log} is listed and not mirrored: nothing of it is cosigned"), "将该节点加入 [pull] peers，或检查到它的连接 / add its node to [pull] peers, or check the connection")),
            Some(stored) if now.since(stored) > QUIET_S => found.push(soon("log", format!("the mirror of {log} has not grown since {stored}"), "检查到该节点的连接 / check the connection to that node")),
            Some(_) => {}
        }
    }
    Ok(found)
}
