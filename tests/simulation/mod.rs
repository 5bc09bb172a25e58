//! A province and three cities in one process, under one clock, driven by chance from a seed, with faults: does what ARCHITECTURE.md (what must always be true)
//! says hold after every step?
//!
//! Real nodes, stores and logs; links are closures over bytes, and one request runs at a time. The conditions are in
//! `conditions.rs`, what is true in `truth.rs`, the operations in the other files. How to run it and how to read a failure:
//! tests/SIMULATION.md. In scope: orders of events and failures of stores, links and processes. Out of scope: sockets, HTTP,
//! requests at once (`tests/tests/node`), PostgreSQL (its own tests).

mod acts;
#[cfg(test)]
pub(crate) mod cases;
#[cfg(test)]
pub(crate) mod catch_up;
mod ceremony;
mod chance;
mod conditions;
mod exchange;
mod faults;
mod heal;
mod judge;
mod place;
mod restore;
mod succession;
mod truth;
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chance::Chance;
use conditions::Allowed;
pub(crate) use conditions::Broken;
pub(crate) use faults::Defect;
use faults::Fault;
use place::Place;
use truth::Truth;

/// What to run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) seed: u64,
    pub(crate) steps: u64,
    /// What is planted.
    pub(crate) defect: Option<Defect>,
}

/// The first condition that was broken, and when.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) seed: u64,
    pub(crate) step: u64,
    pub(crate) act: &'static str,
    pub(crate) broken: Broken,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { seed, step, act, broken } = self;
        write!(f, "seed {seed}, step {step}, {act}: {broken}")
    }
}

/// What a run without a failure met.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) licences: usize,
    /// How often each operation was done.
    pub(crate) acts: BTreeMap<&'static str, u64>,
    /// How often each thing that is no failure was met, by its name.
    pub(crate) allowed: BTreeMap<Allowed, u64>,
    /// A digest over all that was done: two runs of one seed have the same.
    pub(crate) trace: u64,
}

impl Tally {
    /// What no run met.
    pub(crate) fn missing(&self) -> Vec<Allowed> {
        Allowed::ALL.into_iter().filter(|allowed| !self.allowed.contains_key(allowed)).collect()
    }

    pub(crate) fn add(&mut self, other: &Tally) {
        self.licences += other.licences;
        other.acts.iter().for_each(|(act, count)| *self.acts.entry(*act).or_default() += count);
        other.allowed.iter().for_each(|(met, count)| *self.allowed.entry(*met).or_default() += count);
        self.trace ^= other.trace;
    }
}

/// The place of the province; the cities follow.
const PROVINCE: usize = 0;
/// How often everything is looked at, steps.
const WHOLE: u64 = 2_500;

/// The world of one run.
struct World {
    settings: Settings,
    chance: Chance,
    places: Vec<Place>,
    /// Links that are cut, the smaller place first.
    cut: BTreeSet<(usize, usize)>,
    truth: Truth,
    tally: Tally,
    scheme: ceremony::Scheme,
    /// The true time, Unix seconds.
    now: i64,
    /// Cities whose log has been seen to fork: nobody cosigns it until people decide.
    condemned: BTreeSet<usize>,
    /// Places whose process has died in this step.
    crashed: BTreeSet<usize>,
}

type Done = Result<(), Broken>;

/// Runs the simulation.
pub(crate) fn run(settings: Settings) -> Result<Tally, Failure> {
    let fail = |step, act, broken| Failure { seed: settings.seed, step, act, broken };
    let mut world = World::set_up(settings).map_err(|broken| fail(0, "set up", broken))?;
    for step in 1..=settings.steps {
        let (act, done) = world.act();
        done.and_then(|()| world.watch()).map_err(|broken| fail(step, act, broken))?;
        *world.tally.acts.entry(act).or_default() += 1;
        if step % WHOLE == 0 || step == settings.steps {
            let whole = world.heal().and_then(|()| world.watch()).and_then(|()| world.whole());
            whole.map_err(|broken| fail(step, "heal", broken))?;
        }
        world.note(step);
    }
    world.tally.licences = world.truth.licences.len();
    Ok(world.tally)
}

impl World {
    /// One operation, drawn by weight.
    fn act(&mut self) -> (&'static str, Done) {
        let city = 1 + self.chance.below(3);
        let any = self.chance.below(4);
        match self.chance.below(1_000) {
            0..190 => ("issue", self.issue(city)),
            190..230 => ("repeat", self.repeat(city)),
            230..310 => ("change status", self.change(city)),
            310..330 => ("new version", self.new_version(city)),
            330..370 => ("publish", self.publish(city)),
            370..420 => ("pull", self.pull_one(any)),
            420..450 => ("mirror", self.mirror(city)),
            450..480 => ("cosign", self.cosign(city)),
            480..510 => ("cut or heal", self.cut_or_heal()),
            510..640 => ("advance", self.advance()),
            640..655 => ("renew timestamp", self.renew()),
            655..657 => ("publish list", self.publish_list()),
            657..658 => ("publish catalogue", self.publish_catalogue()),
            658..660 => ("restart", self.restart(any)),
            660..664 => ("back up", self.back_up(any)),
            664..667 => ("restore", self.restore(any)),
            667..668 => ("rotate root", self.rotate_root()),
            668..686 => ("offer old", self.offer_old(any)),
            _ => ("verify", self.verify(any)),
        }
    }

    fn allow(&mut self, met: Allowed) {
        *self.tally.allowed.entry(met).or_default() += 1;
    }

    /// Mixes the state after a step into the trace.
    fn note(&mut self, step: u64) {
        let sizes = self.places.iter().map(|place| place.seen.log_size);
        let state = sizes.chain([step, self.truth.event, self.chance.clone().next()]);
        self.tally.trace =
            state.fold(self.tally.trace, |trace, word| (trace ^ word).wrapping_mul(0x0100_0000_01b3));
    }

    /// Perhaps lets the store of a place fail in the operation that follows.
    fn arm(&mut self, at: usize) {
        if !self.chance.one_in(50) {
            return;
        }
        let (fault, after) = (self.chance.pick(&Fault::ALL), self.chance.below(3) as u32);
        if let Some((node, store)) = &self.places[at].up
            // A writer that failed reads by the machine's clock; its reads must not move the plan.
            && (fault != Fault::Read || node.writer.is_well())
        {
            store.arm(after, fault);
        }
    }

    /// Ends the time in which the store may fail; a process that died of it is started again. Whether it failed.
    fn settle(&mut self, at: usize) -> Result<bool, Broken> {
        let Some(store) = self.places[at].store() else { return Ok(false) };
        let (tripped, dead) = store.disarm();
        if tripped {
            self.allow(Allowed::Unavailable);
        }
        if dead {
            self.crash(at)?;
        }
        Ok(tripped)
    }
}
