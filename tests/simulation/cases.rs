//! Orders of events that once broke a node, found by the simulation: kept as they are, whatever chance draws.

use licence_node::exchange::error::ExchangeError;
use licence_node::exchange::mirror::MirrorError;
use licence_node::exchange::mirror::state::KEPT_FREE;
use licence_node::exchange::pull::take;
use licence_node::jobs;
use licence_node::publication::documents;
use licence_node::publication::publish_status::{PublishError, publish};

use super::conditions::{Broken, Condition, must};
use super::faults::Fault;
use super::{Done, PROVINCE, Settings, World};

fn world() -> Result<World, Broken> {
    World::set_up(Settings { seed: 1, steps: 0, defect: None })
}

impl World {
    fn fail_next(&self, at: usize, after: u32, fault: Fault) {
        self.places[at].store().into_iter().for_each(|store| store.arm(after, fault));
    }

    /// No list of the old officers is taken by a node that has come to the new root, and the root itself does not go back.
    fn old_lists_are_refused(&mut self, at: usize) -> Done {
        for pick in 0..self.scheme.archive.len().saturating_sub(1) {
            let (timestamp, list) = self.scheme.archive[pick].clone();
            let roots: Vec<&[u8]> = self.scheme.roots.published.iter().map(Vec::as_slice).collect();
            let taken = documents::take_trust(self.node(at), &roots, &timestamp, &list);
            must(taken.is_err(), Condition::WentBackwards, || format!("place {at} took list {pick} again"))?;
        }
        self.watch()
    }

    /// After the fault: all publish, all take, all are equal.
    fn goes_on(&mut self) -> Done {
        self.watch()?;
        self.restart(PROVINCE)?;
        self.heal()?;
        self.whole()
    }
}

/// The timestamp was stored before the list that it names: a crash in between left a province that never started again.
pub(crate) fn a_list_that_is_cut_off_at_any_step() -> Done {
    for fault in [Fault::Lost, Fault::KeptButLost, Fault::CrashBefore, Fault::CrashAfter] {
        for after in 0..3 {
            let mut world = world()?;
            world.turn(60)?;
            world.sign_list();
            world.fail_next(PROVINCE, after, fault);
            world.hand_in_list(false)?;
            world.goes_on()?;
        }
    }
    Ok(())
}

/// The list that the old officers had signed was deleted in one transaction and the new root stored in the next: a crash in between
/// left a province that would have taken an older list again.
pub(crate) fn a_new_root_that_is_cut_off_at_any_step() -> Done {
    for fault in [Fault::Lost, Fault::KeptButLost, Fault::CrashBefore, Fault::CrashAfter] {
        for after in 0..3 {
            let mut world = world()?;
            world.sign_list();
            world.hand_in_list(false)?;
            world.turn(60)?;
            world.sign_root(true)?;
            world.sign_list();
            world.fail_next(PROVINCE, after, fault);
            world.hand_in_list(false)?;
            world.old_lists_are_refused(PROVINCE)?;
            world.goes_on()?;
            (0..4).try_for_each(|at| world.old_lists_are_refused(at))?;
        }
    }
    Ok(())
}

/// Officers signed two drafts of one version: the second was half taken, and the province never started again.
pub(crate) fn a_second_list_of_the_version_in_force() -> Done {
    let mut world = world()?;
    world.turn(60)?;
    world.offer_second_list()?;
    world.goes_on()
}

/// A timestamp that was kept though its write was reported as lost: every later one conflicted, until the list had expired.
pub(crate) fn a_timestamp_that_was_kept_and_reported_as_lost() -> Done {
    let mut world = world()?;
    world.turn(86_400 + 60)?;
    world.fail_next(PROVINCE, 0, Fault::KeptButLost);
    let lost = jobs::renew(world.node(PROVINCE));
    world.settle(PROVINCE)?;
    must(lost.is_err(), Condition::Stuck, || "the fault did not come about".to_owned())?;
    world.note_timestamp()?;
    // Renewed already: the next is due a day later.
    for _ in 0..2 {
        world.renew_quietly()?;
        world.turn(86_400 + 60)?;
    }
    world.goes_on()
}

/// The same for a version of the catalogue.
pub(crate) fn a_catalogue_that_was_kept_and_reported_as_lost() -> Done {
    for after in 0..4 {
        let mut world = world()?;
        world.turn(60)?;
        world.propose_catalogue();
        world.fail_next(PROVINCE, after, Fault::KeptButLost);
        world.hand_in_catalogue(false)?;
        world.goes_on()?;
    }
    Ok(())
}

/// A revocation whose token was kept though its write was reported as lost was served from the store, and for an hour
/// neither judged by nor handed to others.
pub(crate) fn a_token_that_was_kept_and_reported_as_lost() -> Done {
    let mut world = world()?;
    world.turn(3_600)?;
    world.fail_next(1, 0, Fault::KeptButLost);
    world.publish_quietly(1)?;
    world.publish_quietly(1)?;
    world.goes_on()
}

/// A node whose store had kept a city's token, and reported it as lost, refused all that came from nodes with a token from between
/// this one and the one that it held: until the city published again it had neither.
pub(crate) fn a_peers_token_that_was_kept_and_reported_as_lost() -> Done {
    let mut world = world()?;
    world.heal()?;
    for (at, fault) in [(3, None), (2, Some(Fault::KeptButLost))] {
        world.turn(3_600)?;
        world.publish_quietly(1)?;
        fault.into_iter().for_each(|fault| world.fail_next(at, 0, fault));
        world.pull(at, 1, false)?;
    }
    world.pull(2, 3, false)?;
    world.watch()?;
    must(world.places[2].seen.tokens == world.places[1].seen.tokens, Condition::NotCaughtUp, || {
        "what is stored is not what the node judges by".to_owned()
    })?;
    world.goes_on()
}

/// The logs of others are not mirrored into the last room of the disk: the register of this node needs it. Later they are caught up with.
pub(crate) fn a_mirror_without_room_goes_on_when_there_is_some() -> Done {
    let mut world = world()?;
    world.heal()?;
    world.turn(3_600)?;
    world.publish_quietly(1)?;
    let room =
        |world: &World, free| world.places[PROVINCE].store().into_iter().for_each(|own| own.set_room(free));
    room(&world, KEPT_FREE - 1);
    let outcome = world.mirror_outcome(1);
    must(matches!(outcome, Err(MirrorError::Room { .. })), Condition::Stuck, || format!("{outcome:?}"))?;
    let told = licence_node::upkeep::doctor::diagnose(world.node(PROVINCE));
    let named = told.iter().any(|own| own.about == "log" && own.cause.contains("no room"));
    must(named, Condition::Stuck, || format!("{told:?}"))?;
    room(&world, KEPT_FREE);
    world.goes_on()
}

/// A clock that was a day ahead for a moment kept a city from publishing for a day, revocations too. What it signed then gives way, and
/// no other node has taken it.
pub(crate) fn a_clock_that_was_a_day_ahead_keeps_no_revocation_back() -> Done {
    const DAY_S: i64 = 86_400;
    let mut world = world()?;
    (0..3).try_for_each(|_| world.issue(1))?;
    world.heal()?;
    let uri = world.truth.licences[0].uri.clone();
    let held = |world: &World, at: usize| {
        world.node(at).evidence.snapshot().token(&uri).map_or(0, |held| held.token().iat().0)
    };
    world.turn(60)?;
    let before = held(&world, 1);
    world.places[1].clock.advance(DAY_S);
    let stuck = |error: &dyn std::fmt::Display| Broken::new(Condition::Stuck, error.to_string());
    publish(world.node(1), true).map_err(|error| stuck(&error))?;
    must(held(&world, 1) > before + DAY_S, Condition::Stuck, || "nothing was signed ahead".to_owned())?;
    for at in [PROVINCE, 2] {
        let made = documents::bundle(world.node(1)).map_err(|error| stuck(&error))?.to_bytes();
        // What is refused of it is passed over.
        let _taken = take(world.node(at), &made, false, "gz.elic.example", &mut |path, _| {
            Err(ExchangeError::Unreachable(path.to_owned()))
        });
        must(held(&world, at) == before, Condition::WentBackwards, || format!("place {at} took it"))?;
    }
    world.places[1].clock.advance(-DAY_S);
    world.turn(2)?;
    world.revoke(0)?;
    world.publish_quietly(1)?;
    let now = held(&world, 1);
    must(now > before && now < before + DAY_S, Condition::Stuck, || format!("{before} to {now}"))?;
    // A clock that is behind what others have signed replaces nothing: its tokens would be older than what is held elsewhere.
    world.turn(3_600)?;
    (1..3).try_for_each(|city| world.publish_quietly(city))?;
    world.pull(1, 2, false)?;
    world.places[1].clock.advance(-1_800);
    let refused = publish(world.node(1), true);
    must(matches!(refused, Err(PublishError::ClockBehind)), Condition::WentBackwards, || {
        format!("{refused:?}")
    })?;
    world.places[1].clock.advance(1_800);
    world.goes_on()
}
