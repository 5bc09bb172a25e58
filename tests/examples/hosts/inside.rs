//! The run, inside the network: start, cross-city acceptance, the province cut off under load, healed, and everything compared.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use licence_catalogue::CatalogueData;
use licence_spec::time::CivilDate;

use crate::client::{Client, Counts, Request};
use crate::harness::{now, until};
use crate::ledger::Ledger;
use crate::load::requests;
use crate::nodes::{CITIES, FOSHAN, NODES, Nodes, PROVINCE, ZHANJIANG};
use crate::report::Report;
use crate::{Asked, check, link, load, watch};

/// Longest time after which a new licence must be accepted in another city.
const ACCEPTED_WITHIN: Duration = Duration::from_secs(5);

/// What the threads of a run share.
pub(crate) struct World {
    pub(crate) asked: Asked,
    pub(crate) prefix: String,
    pub(crate) nodes: Nodes,
    pub(crate) data: CatalogueData,
    pub(crate) today: CivilDate,
    pub(crate) counts: Counts,
    /// By the places of [`NODES`]; the province issues nothing.
    pub(crate) ledgers: [Ledger; 4],
    pub(crate) tokens: [String; 4],
    /// Places in the load that were taken.
    pub(crate) taken: [AtomicU64; 4],
    failures: Mutex<Vec<String>>,
}

impl World {
    fn make(prefix: &str, asked: Asked) -> World {
        let nodes = Nodes::make(prefix);
        (0..NODES.len()).for_each(|at| nodes.start(at));
        nodes.with(PROVINCE, |province| until("the province is ready", || province.get("/readyz").0 == 200));
        CITIES.iter().for_each(|at| nodes.with(*at, |city| city.until_ready()));
        let tokens = std::array::from_fn(|at| match at {
            PROVINCE => String::new(),
            _ => nodes.with(at, |city| city.token("hosts", "*", "*", "*")),
        });
        World {
            asked,
            prefix: prefix.to_owned(),
            nodes,
            data: licence_catalogue::embedded().expect("the program's own catalogue is sound"),
            today: licence_node::node::clock::Clock::system().now().civil_date(),
            counts: Counts::default(),
            ledgers: std::array::from_fn(|_| Ledger::new(asked.licences / asked.changes)),
            tokens,
            taken: Default::default(),
            failures: Mutex::default(),
        }
    }

    pub(crate) fn client(&self, at: usize) -> Client {
        Client::new(NODES[at].url(), &self.tokens[at])
    }

    /// Licences acknowledged so far.
    pub(crate) fn issued(&self) -> u64 {
        self.ledgers.iter().map(Ledger::count).sum()
    }

    /// Status changes acknowledged so far.
    pub(crate) fn changes(&self) -> u64 {
        self.ledgers.iter().map(Ledger::changes).sum()
    }

    /// Licences, and status changes, that each city has to do while the province is away.
    pub(crate) fn share(&self) -> (u64, u64) {
        let cities = CITIES.len() as u64;
        (self.asked.licences.div_ceil(cities), self.asked.changes.div_ceil(cities))
    }

    /// Notes a failure after which the load ends.
    pub(crate) fn fail(&self, what: String) {
        eprintln!("失败 / failed: {what}");
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).push(what);
        self.counts.stop.store(true, Ordering::SeqCst);
    }

    pub(crate) fn stopped(&self) -> bool {
        self.counts.stop.load(Ordering::SeqCst)
    }

    /// Waits until something holds; false if the load has to end, or it does not hold in time, which is a failure.
    pub(crate) fn waits(&self, what: &str, deadline: Duration, mut holds: impl FnMut() -> bool) -> bool {
        let (begun, (_never, tick)) = (now(), std::sync::mpsc::channel::<()>());
        loop {
            if holds() {
                return true;
            }
            if self.stopped() {
                return false;
            }
            if begun.elapsed() > deadline {
                self.fail(format!("waited in vain for: {what}"));
                return false;
            }
            // Nobody ever sends: this is a deadline until the next look.
            let _deadline = tick.recv_timeout(Duration::from_millis(10));
        }
    }
}

/// The whole run; 0 only if everything held.
pub(crate) fn run(prefix: &str, asked: Asked) -> ExitCode {
    let mut report = Report::new(asked.json);
    report.step("制作一省三市并启动 / making and starting a province and three cities");
    let world = World::make(prefix, asked);
    every_type_is_accepted_elsewhere(&world, &mut report);
    a_new_licence_is_accepted_elsewhere(&world, &mut report);
    report.step("断开省节点 / cutting the province off");
    link::cut(PROVINCE);
    let province = Client::patient(NODES[PROVINCE].url(), "", Duration::from_secs(1));
    report.demand(province.get("/healthz").is_err(), "省节点确已断开 / the province is away");
    load::run(&world, &mut report);
    watch::all_changed(&world, &mut report);
    report.demand(province.get("/healthz").is_err(), "省节点仍断开 / the province is still away");
    report.step("恢复省节点 / healing the province's link");
    link::heal(PROVINCE);
    check::caught_up(&world, &mut report);
    check::all_there(&world, &mut report);
    check::reconciled(&world, &mut report);
    report.step("停止各节点并 fsck / stopping the nodes, fsck");
    for (at, node) in NODES.iter().enumerate() {
        let whole = world.nodes.stops_whole(at);
        let told = whole.as_ref().err().map_or_else(String::new, |told| format!(": {told}"));
        report.demand(whole.is_ok(), &format!("{} {} 存储完好 / fsck{told}", node.zh, node.region));
    }
    let failures = world.failures.into_inner().unwrap_or_else(PoisonError::into_inner);
    failures.iter().for_each(|what| report.demand(false, what));
    report.end()
}

/// One licence of every type that a city may issue is accepted in both others: all know the status lists of all.
fn every_type_is_accepted_elsewhere(world: &World, report: &mut Report) {
    report.step(
        "各市各类型各签发一份，在另两市核验 / one licence of every type of every city, judged in both others",
    );
    let mut accepted = 0_u64;
    for at in CITIES {
        let kinds = load::kinds(&world.data, NODES[at].region).len();
        let client = world.client(at);
        let bodies =
            requests(&world.data, NODES[at].region, world.asked.seed * 1_000 + 900 + at as u64, world.today);
        for body in bodies.take(kinds) {
            let answer =
                client.insist(&world.counts, 201, &Request { path: "/v1/licences", body: &body, key: None });
            world.ledgers[at].issued(&answer.unwrap()).unwrap();
        }
        for other in CITIES.into_iter().filter(|other| *other != at) {
            let client = world.client(other);
            for licence in world.ledgers[at].copy() {
                let judged = || watch::judge(&client, &world.counts, &licence).unwrap();
                until("accepted in another city", || judged().0 == "ACCEPT");
                accepted += 1;
            }
        }
    }
    report.figure("accepted_of_every_type", accepted as f64, "verdicts");
}

fn a_new_licence_is_accepted_elsewhere(world: &World, report: &mut Report) {
    let (foshan, zhanjiang) = (world.client(FOSHAN), world.client(ZHANJIANG));
    let seed = world.asked.seed * 1_000 + 999;
    let body = requests(&world.data, NODES[FOSHAN].region, seed, world.today).next().unwrap();
    let request = Request { path: "/v1/licences", body: &body, key: Some("first") };
    let answer = foshan.insist(&world.counts, 201, &request).unwrap();
    let published = now();
    world.ledgers[FOSHAN].issued(&answer).unwrap();
    let licence = world.ledgers[FOSHAN].copy().pop().unwrap();
    until("accepted in 湛江", || watch::judge(&zhanjiang, &world.counts, &licence).unwrap().0 == "ACCEPT");
    let taken = published.elapsed();
    report.figure("cross_city_accept", taken.as_secs_f64() * 1e3, "ms");
    report.demand(
        taken <= ACCEPTED_WITHIN,
        "佛山新证 5 秒内在湛江有效 / a licence of 佛山 is accepted in 湛江 within 5 s",
    );
}
