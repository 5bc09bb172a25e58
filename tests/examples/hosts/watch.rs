//! Samples of cross-city verdicts while the load runs: good licences stay good, and changed ones stop being accepted.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::client::{Client, Counts, Request};
use crate::inside::World;
use crate::ledger::Licence;
use crate::nodes::{CITIES, NODES};
use crate::report::Report;

/// A good licence is judged for every so many that are issued.
const EVERY: u64 = 20;
/// Threads that judge all changed licences.
const JUDGES: usize = 6;
/// Longest time for a changed status to reach another city, links and processes failing meanwhile.
const LONGEST: Duration = Duration::from_secs(60);

/// Outcome and code of a verdict on a licence.
///
/// # Errors
/// Why there was none.
pub(crate) fn judge(client: &Client, counts: &Counts, licence: &Licence) -> Result<(String, String), String> {
    let body = json!({"credential": licence.credential, "receipt": false}).to_string();
    let answer =
        client.insist(counts, 200, &Request { path: "/v1/verifications", body: &body, key: None })?;
    let word = |name: &str| answer["verdict"][name].as_str().unwrap_or_default().to_owned();
    Ok((word("outcome"), word("code")))
}

/// What a sampler saw.
pub(crate) struct Seen {
    name: &'static str,
    count: u64,
    /// Milliseconds, where times were measured.
    times: Vec<f64>,
}

impl Seen {
    pub(crate) fn tell(mut self, report: &mut Report) {
        report.figure(self.name, self.count as f64, "verdicts");
        report.demand(self.count > 0, &format!("{}: 至少一次 / at least one", self.name));
        self.times.sort_by(f64::total_cmp);
        if let (Some(middle), Some(last)) = (self.times.get(self.times.len() / 2), self.times.last()) {
            report.figure("change_reaches_other_city_p50", *middle, "ms");
            report.figure("change_reaches_other_city_max", *last, "ms");
        }
    }
}

/// Every changed licence, and one that was not for each of them, judged in another city: refused under its code, and accepted.
pub(crate) fn all_changed(world: &World, report: &mut Report) {
    report.step("在另一市核验全部已变更证照 / judging every changed licence in another city");
    let work: Vec<(usize, Licence)> = CITIES
        .into_iter()
        .flat_map(|at| {
            // A changed licence, and its neighbour, which is good.
            let all = world.ledgers[at].copy();
            let chosen =
                |place: usize| all[place].change.is_some() || (place > 0 && all[place - 1].change.is_some());
            let places = (0..all.len()).filter(|place| chosen(*place));
            places.map(|place| (at, all[place].clone())).collect::<Vec<_>>()
        })
        .collect();
    let (next, right) = (AtomicUsize::new(0), [AtomicU64::new(0), AtomicU64::new(0)]);
    let judging = || {
        let clients: Vec<Client> = (0..NODES.len()).map(|at| world.client(at)).collect();
        while let Some((at, licence)) = work.get(next.fetch_add(1, Ordering::SeqCst)) {
            let to = CITIES[*at % CITIES.len()];
            let expected = expected(licence);
            let what = format!("{expected:?} of {} in {}", licence.id, NODES[to].zh);
            let told =
                || judge(&clients[to], &world.counts, licence).is_ok_and(|told| is_as(&told, expected));
            if world.waits(&what, LONGEST, told) {
                right[usize::from(expected.is_some())].fetch_add(1, Ordering::SeqCst);
            }
        }
    };
    std::thread::scope(|scope| (0..JUDGES).for_each(|_| drop(scope.spawn(judging))));
    let [good, changed] = right.map(AtomicU64::into_inner);
    report.figure("good_accepted_elsewhere", good as f64, "verdicts");
    report.figure("changed_rejected_elsewhere", changed as f64, "verdicts");
    let all = changed == world.changes() && good + changed == work.len() as u64;
    report.demand(all, "已变更者在另一市无效，其余有效 / every changed licence is rejected in another city, others are accepted");
}

/// The code under which a licence is rejected; `None` if it is good.
fn expected(licence: &Licence) -> Option<&'static str> {
    licence.change.map(|change| if change.status == 2 { "SUSPENDED" } else { "REVOKED" })
}

fn is_as((outcome, code): &(String, String), expected: Option<&str>) -> bool {
    expected.map_or(outcome == "ACCEPT", |expected| outcome == "REJECT" && code == expected)
}

/// The `n`-th pair of different cities.
fn pair(n: u64) -> (usize, usize) {
    let (n, cities) = (usize::try_from(n % 6).unwrap_or_default(), CITIES.len());
    (CITIES[n % cities], CITIES[(n % cities + 1 + n / cities) % cities])
}

/// Judges good licences of one city in another, until the load is over.
pub(crate) fn good(world: &World, over: &AtomicBool) -> Seen {
    let clients: Vec<Client> = (0..NODES.len()).map(|at| world.client(at)).collect();
    let (mut count, mut next) = (0, world.issued());
    while !over.load(Ordering::SeqCst) && !world.stopped() {
        world.waits("more licences", LONGEST * 3, || world.issued() >= next || over.load(Ordering::SeqCst));
        next = world.issued() + EVERY;
        let (from, to) = pair(count);
        let Some(licence) = world.ledgers[from].good(usize::try_from(count * 7_919).unwrap_or_default())
        else {
            continue;
        };
        match judge(&clients[to], &world.counts, &licence) {
            Ok((outcome, _)) if outcome == "ACCEPT" => count += 1,
            other => {
                world.fail(format!("{} of {} in {}: {other:?}", licence.id, NODES[from].zh, NODES[to].zh))
            }
        }
    }
    Seen { name: "accepted_without_province", count, times: Vec::new() }
}

/// Waits until the newest change of one city is what another city answers, again and again, until the load is over.
pub(crate) fn changed(world: &World, over: &AtomicBool) -> Seen {
    let clients: Vec<Client> = (0..NODES.len()).map(|at| world.client(at)).collect();
    let (mut count, mut times, mut after) = (0, Vec::new(), None::<Instant>);
    while !over.load(Ordering::SeqCst) && !world.stopped() {
        let (from, to) = pair(count);
        let newer = |licence: &Licence| {
            licence.change.is_some_and(|change| after.is_none_or(|after| change.at > after))
        };
        let found = world.ledgers[from].last_changed().filter(newer);
        let Some((licence, change)) =
            found.and_then(|licence| licence.change.map(|change| (licence, change)))
        else {
            let known = world.changes();
            world.waits("more changes", LONGEST * 3, || {
                world.changes() > known || over.load(Ordering::SeqCst)
            });
            count += u64::from(world.ledgers[from].changes() >= world.share().1);
            continue;
        };
        let expected = expected(&licence);
        let mut last = Ok(Default::default());
        let what = format!("{expected:?} of {} in {}", NODES[from].zh, NODES[to].zh);
        let reached = world.waits(&what, LONGEST, || {
            last = judge(&clients[to], &world.counts, &licence);
            last.as_ref().is_ok_and(|told| is_as(told, expected))
        });
        if !reached {
            eprintln!("{what}: {last:?}");
            break;
        }
        times.push(change.at.elapsed().as_secs_f64() * 1e3);
        after = Some(crate::harness::now());
        count += 1;
    }
    Seen { name: "rejected_without_province", count: times.len() as u64, times }
}
