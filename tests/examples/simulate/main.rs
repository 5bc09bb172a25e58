//! The simulation at large: many seeds, two at a time on each core. Run by `cargo xtask simulate`.
//!
//! A failure prints seed, step and operation; the same `--seed` brings it back. tests/SIMULATION.md tells how to read it.
#![allow(missing_docs)]

#[path = "../../simulation/mod.rs"]
mod simulation;

use std::num::NonZero;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use simulation::{Defect, Failure, Settings, Tally, run};

/// The allocator of the node itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const HELP: &str = "\
用法 / usage: simulate [--seeds N] [--steps S] [--seed X] [--defect NAME]

  --seeds N      种子 1 至 N / seeds 1 to N (200)
  --seed X       仅此种子 / this seed alone
  --steps S      每个种子的步数 / steps of each (10000)
  --defect NAME  预埋缺陷，应被发现 / plant a defect, which must be found
";

struct Asked {
    seeds: std::ops::RangeInclusive<u64>,
    steps: u64,
    defect: Option<Defect>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(asked) = parse(&arguments) else {
        eprint!("{HELP}");
        return ExitCode::from(64);
    };
    let begun = now();
    let (tally, failures) = simulate(&asked);
    let seeds = asked.seeds.clone().count();
    println!("{seeds} seeds of {} steps in {:.1} s", asked.steps, begun.elapsed().as_secs_f64());
    println!("licences {}", tally.licences);
    tally.acts.iter().for_each(|(act, count)| println!("act {act}: {count}"));
    tally.allowed.iter().for_each(|(met, count)| println!("met {met:?}: {count}"));
    for failure in &failures {
        println!(
            "BROKEN {failure}\n  again: cargo xtask simulate --seed {} --steps {}",
            failure.seed, asked.steps
        );
    }
    tally.missing().iter().for_each(|missing| println!("never met: {missing:?}"));
    let right = match asked.defect {
        None => failures.is_empty(),
        Some(defect) => failures.iter().any(|failure| defect.found_by().contains(&failure.broken.condition)),
    };
    if right { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn parse(arguments: &[String]) -> Option<Asked> {
    let mut asked = Asked { seeds: 1..=200, steps: 10_000, defect: None };
    for pair in arguments.chunks(2) {
        let [name, value] = pair else { return None };
        match name.as_str() {
            "--seeds" => asked.seeds = 1..=value.parse().ok()?,
            "--seed" => asked.seeds = value.parse().map(|seed| seed..=seed).ok()?,
            "--steps" => asked.steps = value.parse().ok()?,
            "--defect" => {
                asked.defect = Some(Defect::ALL.into_iter().find(|own| format!("{own:?}") == *value)?);
            }
            _ => return None,
        }
    }
    Some(asked)
}

/// Runs all seeds; what they met, and where each failed.
fn simulate(asked: &Asked) -> (Tally, Vec<Failure>) {
    let next = AtomicU64::new(*asked.seeds.start());
    let outcome = Mutex::new((Tally::default(), Vec::new()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if !asked.seeds.contains(&seed) {
                return;
            }
            let done = run(Settings { seed, steps: asked.steps, defect: asked.defect });
            // Poisoned by a panic elsewhere: that panic ends the program.
            let Ok(mut outcome) = outcome.lock() else { return };
            match done {
                Ok(tally) => outcome.0.add(&tally),
                Err(failure) => outcome.1.push(failure),
            }
        }
    };
    // A world and the writers of its nodes wait for each other: another world uses the core meanwhile.
    let threads = 2 * std::thread::available_parallelism().map_or(1, NonZero::get);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    let (tally, mut failures) = outcome.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    failures.sort_by_key(|failure| failure.seed);
    (tally, failures)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a developer's tool tells how long it took; nothing depends on it"
)]
fn now() -> Instant {
    Instant::now()
}
