//! After healing: the province's mirror of every city is the city's log, and everything that was acknowledged is there.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use licence_spec::log::checkpoint::SignedCheckpoint;
use licence_spec::log::entry::{Entry, Op};
use licence_spec::log::merkle::TreeHead;
use licence_spec::log::tile::{Bundle, TilePath};
use licence_spec::log::tiled_tree::TileEdge;
use serde_json::Value;

use crate::client::Client;
use crate::harness::{now, succeed};
use crate::inside::World;
use crate::ledger::Licence;
use crate::nodes::{CITIES, NODES, PROVINCE};
use crate::report::Report;

/// Longest time until the province has caught up: the pause after failures grows to five minutes and a quarter (`fetch`).
const CATCH_UP: Duration = Duration::from_secs(400);
/// Clients that read all licences of a city.
const READERS: usize = 4;

fn head(client: &Client, path: &str) -> Option<TreeHead> {
    let answer = client.get(path).ok().filter(|answer| answer.status == 200)?;
    SignedCheckpoint::parse(&answer.body).ok().map(|checkpoint| checkpoint.head())
}

/// Waits until the province has mirrored every city's log to its end.
pub(crate) fn caught_up(world: &World, report: &mut Report) {
    report.step("等省节点补齐各市日志镜像 / waiting until the province has caught up with every city's log");
    let (healed, province) = (now(), Client::new(NODES[PROVINCE].url(), ""));
    world.waits("the province answers", CATCH_UP, || {
        province.get("/healthz").is_ok_and(|answer| answer.status == 200)
    });
    report.figure("province_reached", healed.elapsed().as_secs_f64(), "s");
    for at in CITIES {
        let (city, host) = (world.client(at), NODES[at].host);
        let same = || {
            let own = head(&city, "/log/checkpoint");
            own.is_some() && head(&province, &format!("/v1/mirrors/{host}/checkpoint")) == own
        };
        let reached = world.waits("the mirror is the city's log", CATCH_UP, same);
        report.demand(
            reached,
            &format!("省镜像与{}日志同大小同根 / the mirror has size and root of {host}'s log", NODES[at].zh),
        );
        report.figure(format!("caught_up_{}", NODES[at].region), healed.elapsed().as_secs_f64(), "s");
    }
}

/// Compares everything that was acknowledged with the cities, and with the entries that the province holds.
pub(crate) fn all_there(world: &World, report: &mut Report) {
    report.step("逐一核对已确认的签发与变更 / comparing every acknowledged licence and change");
    let (mut licences, mut changes, mut leaves) = (0, 0, 0);
    for at in CITIES {
        let acknowledged = world.ledgers[at].copy();
        licences += stored(world, at, &acknowledged, report);
        match mirrored(world, at) {
            Ok(entries) => {
                leaves += entries.len() as u64;
                changes += in_the_log(at, &acknowledged, &entries, report);
            }
            Err(fault) => report.demand(false, &fault),
        }
    }
    report.figure("licences_found", licences as f64, "licences");
    report.figure("changes_found", changes as f64, "changes");
    report.figure("mirrored_leaves", leaves as f64, "leaves");
    report.demand(licences == world.issued(), "已确认证照全部存在 / every acknowledged licence is there");
    report.demand(changes == world.changes(), "已确认变更全部存在 / every acknowledged change is there");
}

/// Waits until the province was told all that it mirrors, and reconciles: every acknowledged licence and change is in its index.
pub(crate) fn reconciled(world: &World, report: &mut Report) {
    report.step("归集对账 / reconciling the province's index");
    let data = world.nodes.with(PROVINCE, |province| province.data.clone());
    let counts = || -> Value {
        let told = succeed(&["index", "counts", "--data", &data, "--json"]);
        serde_json::from_str(&told).unwrap_or_default()
    };
    let logs = |counts: &Value| counts.as_array().cloned().unwrap_or_default();
    let told = world.waits("the index is told", CATCH_UP, || {
        let logs = logs(&counts());
        logs.len() == CITIES.len() && logs.iter().all(|log| log["told"] == log["mirrored"])
    });
    let counts = counts();
    let days: Vec<Value> =
        logs(&counts).iter().flat_map(|log| log["days"].as_array().cloned()).flatten().collect();
    let sum = |kind: &str, what: &str| -> u64 {
        days.iter().filter(|day| day["kind"] == kind).filter_map(|day| day[what].as_u64()).sum()
    };
    let (licences, changes) = (sum("licence", "kept"), sum("status_change", "kept"));
    report.figure("index_licences", licences as f64, "licences");
    report.figure("index_changes", changes as f64, "changes");
    let whole = (licences, changes) == (world.issued(), world.changes());
    let rejected = sum("licence", "rejected") + sum("status_change", "rejected");
    report.demand(
        told && whole && rejected == 0,
        "索引与已确认者逐日相符，无拒收 / the index has all of them, day by day, and no rejects",
    );
}

/// How many licences the city answers as acknowledged: digest, place in the log, status.
fn stored(world: &World, at: usize, acknowledged: &[Licence], report: &mut Report) -> u64 {
    let (next, found) = (AtomicUsize::new(0), AtomicU64::new(0));
    let read = || {
        let client = world.client(at);
        while let Some(licence) = acknowledged.get(next.fetch_add(1, Ordering::SeqCst)) {
            let answer = client.insist_get(&world.counts, &format!("/v1/licences/{}", licence.id));
            let answer = answer.ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
            let as_told = answer.is_some_and(|answer| {
                answer["digest"] == format!("sha-256:{}", hex::encode(licence.digest))
                    && answer["log_index"] == licence.log_index
                    && answer["status"] == licence.change.map_or(0, |change| change.status)
            });
            found.fetch_add(u64::from(as_told), Ordering::SeqCst);
        }
    };
    std::thread::scope(|scope| (0..READERS).for_each(|_| drop(scope.spawn(read))));
    let (found, all) = (found.into_inner(), acknowledged.len() as u64);
    report.demand(
        found == all,
        &format!("{}：{all} 份证照如数如状 / licences as acknowledged in the city: {found}", NODES[at].zh),
    );
    found
}

/// All entries of a city's log as the province serves them; they make the root of its head.
fn mirrored(world: &World, at: usize) -> Result<Vec<Entry>, String> {
    let (province, host) = (Client::new(NODES[PROVINCE].url(), ""), NODES[at].host);
    let head = head(&province, &format!("/v1/mirrors/{host}/checkpoint")).ok_or("no mirrored head")?;
    let (mut edge, mut entries) = (TileEdge::default(), Vec::new());
    for index in 0..head.size.div_ceil(256) {
        let bundle = Bundle::of_tree(index, head.size).ok_or("outside the tree")?;
        let path = format!("/v1/mirrors/{host}/{}", TilePath::Entries(bundle));
        let bytes = province.insist_get(&world.counts, &path)?;
        for bytes in bundle.entries(&bytes).map_err(|error| format!("{path}: {error}"))? {
            let entry = Entry::parse(bytes).map_err(|fault| format!("{path}: {fault}"))?;
            edge.push(&entry.leaf_hash(), |_, _| {});
            entries.push(entry);
        }
    }
    if edge.root() == head.root {
        Ok(entries)
    } else {
        Err(format!("{host}: the mirrored entries give another root"))
    }
}

/// Looks every acknowledged licence and change up in the entries; how many changes are there. Nothing else was issued or changed: a
/// request that was repeated was done once.
fn in_the_log(at: usize, acknowledged: &[Licence], entries: &[Entry], report: &mut Report) -> u64 {
    let entry = |index: u64| usize::try_from(index).ok().and_then(|index| entries.get(index));
    let issued = |licence: &&Licence| {
        entry(licence.log_index).is_some_and(|entry| entry.op == Op::Issued && entry.digest == licence.digest)
    };
    let changes: BTreeSet<u64> =
        acknowledged.iter().filter_map(|licence| licence.change).map(|change| change.log_index).collect();
    let changed =
        changes.iter().filter(|index| entry(**index).is_some_and(|entry| entry.op == Op::StatusChange));
    let (issued, changed) = (acknowledged.iter().filter(issued).count(), changed.count());
    let of = |op: Op| entries.iter().filter(|entry| entry.op == op).count();
    let (zh, all) = (NODES[at].zh, acknowledged.len());
    report.demand(
        issued == all,
        &format!("{zh}：{all} 份证照在省镜像中 / licences in the province's mirror: {issued}"),
    );
    report.demand(
        (of(Op::Issued), of(Op::StatusChange)) == (all, changed),
        &format!(
            "{zh}：无重复签发或变更 / nothing was done twice: {} issued, {} changed",
            of(Op::Issued),
            of(Op::StatusChange)
        ),
    );
    changed as u64
}
