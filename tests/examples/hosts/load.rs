//! The load while the province is away: licences and status changes in three cities, one of which is killed, and one has a bad link.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use licence_catalogue::samples::Samples;
use licence_catalogue::{Authority, CatalogueData};
use licence_spec::catalogue::LicenceType;
use licence_spec::time::CivilDate;
use serde_json::json;

use crate::client::Request;
use crate::harness::now;
use crate::inside::World;
use crate::link::{self, Bad};
use crate::nodes::{CITIES, GUANGZHOU, NODES, ZHANJIANG};
use crate::report::Report;
use crate::watch;

/// Clients of each city that issue, and that change statuses.
const CLIENTS: u64 = 8;
const CHANGERS: u64 = 2;
/// Longest time for the whole load, and for one step of it.
const LONGEST: Duration = Duration::from_secs(420);

/// What a city may issue: type and authority.
pub(crate) fn kinds<'a>(data: &'a CatalogueData, region: &'a str) -> Vec<(&'a LicenceType, &'a Authority)> {
    let of = |authority: &'a Authority| {
        let named = |vct: &String| data.types().iter().find(|kind| kind.vct == *vct);
        authority.vcts.iter().filter_map(move |vct| Some((named(vct)?, authority)))
    };
    data.authorities_of_node(region).flat_map(of).collect()
}

/// Requests to issue, one type after the other, without end; what `make-licences` makes, of one city.
pub(crate) fn requests<'a>(
    data: &'a CatalogueData,
    region: &'a str,
    seed: u64,
    today: CivilDate,
) -> impl Iterator<Item = String> + 'a {
    let (kinds, mut samples) = (kinds(data, region), Samples::new(seed));
    (0..).map(move |at: usize| {
        let (kind, authority) = kinds[at % kinds.len()];
        let area = format!("{:0<6}", authority.regions[0]);
        serde_json::to_string(&samples.request(kind, &authority.code, &area, today))
            .expect("texts and numbers")
    })
}

/// Runs the load to its end, and tells what it was.
pub(crate) fn run(world: &World, report: &mut Report) {
    report.step("断省期间签发、变更、互认 / issuing, changing and judging without the province");
    let (before, begun, over) = (world.issued(), now(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let judging =
            [scope.spawn(|| watch::good(world, &over)), scope.spawn(|| watch::changed(world, &over))];
        let disturbing = [scope.spawn(|| kill_and_restart(world)), scope.spawn(|| bad_link(world))];
        let working: Vec<_> = CITIES
            .iter()
            .flat_map(|at| {
                let issuing = (0..CLIENTS).map(move |client| (*at, client, true));
                issuing.chain((0..CHANGERS).map(move |client| (*at, client, false)))
            })
            .map(|(at, client, issues)| {
                scope.spawn(move || if issues { issue(world, at, client) } else { change(world, at, client) })
            })
            .collect();
        working.into_iter().for_each(|thread| thread.join().unwrap());
        let seconds = begun.elapsed().as_secs_f64();
        over.store(true, Ordering::SeqCst);
        judging.into_iter().for_each(|thread| thread.join().unwrap().tell(report));
        disturbing.into_iter().for_each(|thread| {
            thread.join().unwrap().into_iter().for_each(|line| report.figure(line.0, line.1, line.2))
        });
        let issued = world.issued() - before;
        report.figure("licences_without_province", issued as f64, "licences");
        report.figure("changes_without_province", world.changes() as f64, "changes");
        report.figure("load", seconds, "s");
        report.figure("load_rate", issued as f64 / seconds, "licences/s");
        report.demand(issued >= world.asked.licences, "证照数足够 / enough licences were acknowledged");
        report
            .demand(world.changes() >= world.asked.changes, "变更数足够 / enough changes were acknowledged");
    });
    report.figure("repeats", world.counts.repeats.load(Ordering::SeqCst) as f64, "requests");
    report.figure("repeats_done_before", world.counts.replayed.load(Ordering::SeqCst) as f64, "requests");
}

fn issue(world: &World, at: usize, number: u64) {
    let client = world.client(at);
    let seed = world.asked.seed * 1_000 + at as u64 * 100 + number;
    for (count, body) in requests(&world.data, NODES[at].region, seed, world.today).enumerate() {
        if world.taken[at].fetch_add(1, Ordering::SeqCst) >= world.share().0 || world.stopped() {
            return;
        }
        let key = format!("issue-{number}-{count}");
        let request = Request { path: "/v1/licences", body: &body, key: Some(&key) };
        let answer = client.insist(&world.counts, 201, &request);
        if let Err(fault) = answer.and_then(|answer| world.ledgers[at].issued(&answer)) {
            return world.fail(format!("{} issue: {fault}", NODES[at].zh));
        }
    }
}

fn change(world: &World, at: usize, number: u64) {
    let client = world.client(at);
    let mut n = number;
    while n < world.share().1 {
        let place = usize::try_from(n).unwrap();
        let mut found = None;
        let what = "the next licence that is to be changed";
        world.waits(what, LONGEST, || {
            found = world.ledgers[at].to_change(place);
            found.is_some()
        });
        let Some((place, id)) = found else { return };
        let act = if (n / CHANGERS).is_multiple_of(2) { "revoke" } else { "suspend" };
        let reason = json!({"legal_basis": "示例依据", "document_number": format!("示例〔2026〕{n}号"), "officer": "示例经办人"});
        let (path, key) = (format!("/v1/licences/{id}/status-changes"), format!("change-{n}"));
        let body = json!({"act": act, "reason": reason}).to_string();
        let answer =
            client.insist(&world.counts, 201, &Request { path: &path, body: &body, key: Some(&key) });
        if let Err(fault) = answer.and_then(|answer| world.ledgers[at].changed(place, &answer)) {
            return world.fail(format!("{} change: {fault}", NODES[at].zh));
        }
        n += CHANGERS;
    }
}

/// What a disturbance was: name, value, unit.
type Told = Vec<(&'static str, f64, &'static str)>;

/// Kills 广州 after a third of its licences, and starts it again.
fn kill_and_restart(world: &World) -> Told {
    let ledger = &world.ledgers[GUANGZHOU];
    let third = ledger.count() + world.share().0 / 3;
    if !world.waits("a third of 广州's licences", LONGEST, || ledger.count() >= third) {
        return Vec::new();
    }
    let begun = now();
    world.nodes.kill(GUANGZHOU);
    let (acknowledged, changes) = (ledger.count(), ledger.changes());
    world.nodes.start(GUANGZHOU);
    world.waits("广州 issues again", LONGEST, || ledger.count() > acknowledged);
    vec![
        ("killed_after_licences", acknowledged as f64, "licences"),
        ("killed_after_changes", changes as f64, "changes"),
        ("killed_until_next_licence", begun.elapsed().as_secs_f64() * 1e3, "ms"),
    ]
}

/// Makes the link of 湛江 bad for a tenth of its licences, and cuts it once in that time.
fn bad_link(world: &World) -> Told {
    let (ledger, share) = (&world.ledgers[ZHANJIANG], world.share().0);
    let half = ledger.count() + share / 2;
    if !world.waits("half of 湛江's licences", LONGEST, || ledger.count() >= half) {
        return Vec::new();
    }
    let bad = Bad::make(&world.prefix, ZHANJIANG);
    let (begun, from) = (now(), ledger.count());
    world.waits("licences over a bad link", LONGEST, || ledger.count() >= from + share / 20);
    link::cut(ZHANJIANG);
    let probe = crate::client::Client::patient(NODES[ZHANJIANG].url(), "", Duration::from_millis(300));
    world.waits("湛江 is away", LONGEST, || probe.get("/healthz").is_err());
    link::heal(ZHANJIANG);
    let from = ledger.count();
    world.waits("more licences over a bad link", LONGEST, || ledger.count() >= from + share / 20);
    let (licences, seconds) = (share / 20 * 2, begun.elapsed().as_secs_f64());
    let lost = bad.make_good();
    vec![
        ("bad_link_licences", licences as f64, "licences"),
        ("bad_link_time", seconds, "s"),
        ("bad_link_lost_packets", lost as f64, "packets"),
    ]
}
