//! The simulation of a province and three cities, small: some seeds without a fault, and every planted defect is found.
//!
//! The large run is `cargo xtask simulate` (tests/SIMULATION.md).
#![allow(missing_docs)]

#[path = "../simulation/mod.rs"]
mod simulation;

use simulation::{Defect, Settings, Tally, cases, catch_up, run};

/// ARCHITECTURE.md (what must always be true), over some orders of events: nothing that must never be is met, and everything that may be is.
#[test]
fn no_condition_of_failure_holds_in_some_thousand_steps() {
    let mut all = Tally::default();
    for seed in 1..=6 {
        match run(Settings { seed, steps: 1_500, defect: None }) {
            Ok(tally) => all.add(&tally),
            Err(failure) => panic!("{failure}"),
        }
    }
    println!("{all:?}");
    assert!(all.licences > 500, "{all:?}");
    assert_eq!(all.missing(), [], "a run that meets none of these shows nothing");
}

/// A failure can be looked at again: one seed is one run.
#[test]
fn one_seed_is_one_run() {
    let trace =
        |seed| run(Settings { seed, steps: 400, defect: None }).map(|tally| tally.trace).expect("no failure");
    assert_eq!(trace(7), trace(7));
    assert_ne!(trace(7), trace(8));
}

/// Each planted defect is found, and by the condition that it breaks.
#[test]
fn every_planted_defect_is_found() {
    for defect in Defect::ALL {
        let found =
            (1..=12).find_map(|seed| run(Settings { seed, steps: 3_000, defect: Some(defect) }).err());
        let failure = found.unwrap_or_else(|| panic!("{defect:?} was not found in 12 runs"));
        println!("{defect:?}: {failure}");
        let expected = defect.found_by();
        assert!(expected.contains(&failure.broken.condition), "{defect:?} was found by accident: {failure}");
    }
}

/// What the simulation found once stays found.
#[test]
fn a_node_goes_on_after_each_fault_that_once_broke_it() {
    type Case = fn() -> Result<(), simulation::Broken>;
    let cases: [(&str, Case); 9] = [
        ("list cut off", cases::a_list_that_is_cut_off_at_any_step),
        ("root cut off", cases::a_new_root_that_is_cut_off_at_any_step),
        ("second list", cases::a_second_list_of_the_version_in_force),
        ("timestamp kept", cases::a_timestamp_that_was_kept_and_reported_as_lost),
        ("catalogue kept", cases::a_catalogue_that_was_kept_and_reported_as_lost),
        ("token kept", cases::a_token_that_was_kept_and_reported_as_lost),
        ("clock ahead", cases::a_clock_that_was_a_day_ahead_keeps_no_revocation_back),
        ("no room", cases::a_mirror_without_room_goes_on_when_there_is_some),
        ("peer's token kept", cases::a_peers_token_that_was_kept_and_reported_as_lost),
    ];
    for (name, case) in cases {
        case().unwrap_or_else(|broken| panic!("{name}: {broken}"));
    }
}

/// A backup that is put back neither un-revokes nor forks, whatever comes between (spec/decisions/0042).
#[test]
fn a_restored_city_is_caught_up_or_does_not_serve() {
    type Case = fn() -> Result<(), simulation::Broken>;
    let cases: [(&str, Case); 7] = [
        ("goes on", catch_up::a_restored_city_goes_on_where_its_log_ended),
        ("cut off", catch_up::a_catching_up_that_is_cut_off_at_any_page_is_resumed),
        ("lies", catch_up::what_a_mirror_lies_about_is_refused),
        ("clock and witness", catch_up::a_clock_that_is_behind_and_a_witness_that_is_ahead_are_refused),
        ("without a mirror", catch_up::a_restore_without_a_mirror_asks_the_witnesses),
        ("old mirror", catch_up::a_mirror_that_is_behind_the_backup_is_no_obstacle),
        ("token alone", catch_up::a_revocation_that_only_a_token_shows_is_not_undone),
    ];
    for (name, case) in cases {
        case().unwrap_or_else(|broken| panic!("{name}: {broken}"));
    }
}
