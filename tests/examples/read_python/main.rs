//! Reads with our library alone what the independent writer (`tests/interop/write.py`) made, and compares each answer
//! with the one that the writer expects.
//!
//! Usage: `read_python DIR`. In scope: running the cases of `expected.json`. Out of scope: making the folder, and the
//! other direction (`tests/interop/read.py`); `cargo xtask test` runs both.

mod cases;
mod log;
mod objects;
mod world;

use std::collections::BTreeMap;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};
use cases::{Case, Expected};
use world::World;

fn main() -> ExitCode {
    let Some(folder) = std::env::args_os().nth(1) else {
        eprintln!("usage: read_python DIR");
        return ExitCode::from(64);
    };
    match run(folder.as_ref()) {
        Ok(wrong) if wrong.is_empty() => ExitCode::SUCCESS,
        Ok(wrong) => {
            wrong.iter().for_each(|line| eprintln!("WRONG {line}"));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The cases that came out otherwise.
fn run(folder: &std::path::Path) -> Result<Vec<String>> {
    let text = std::fs::read(folder.join("expected.json")).context("expected.json")?;
    let expected: Expected = serde_json::from_slice(&text).context("expected.json")?;
    let world = World::read(folder, &expected)?;
    let (mut wrong, mut counts) = (Vec::new(), BTreeMap::new());
    for case in &expected.cases {
        *counts.entry(case.kind()).or_insert(0_usize) += 1;
        let judged = judge(&world, case);
        if let Err(error) = judged {
            wrong.push(format!("{} {}: {error:#}", case.kind(), case.name()));
        }
    }
    // A writer that makes nothing of a kind would let the reader pass without having read it.
    for kind in cases::KINDS {
        ensure!(counts.contains_key(kind), "the writer made no case of the kind {kind}");
    }
    let (total, listed) = (expected.cases.len(), counts.iter());
    let listed: Vec<String> = listed.map(|(kind, count)| format!("{count} {kind}")).collect();
    println!("{} of {total} as expected: {}", total - wrong.len(), listed.join(", "));
    Ok(wrong)
}

fn judge(world: &World, case: &Case) -> Result<()> {
    match case {
        Case::Verdict(case) => objects::verdict(world, case),
        Case::Changed(case) => objects::changed(world, case),
        Case::Token(case) => objects::token(world, case),
        Case::Trust(case) => objects::trust(world, case),
        Case::Catalogue(case) => objects::catalogue(world, case),
        Case::Receipt(case) => objects::receipt(world, case),
        Case::Bundle(case) => objects::bundle(world, case),
        Case::Http(case) => objects::http(world, case),
        Case::Identifier(case) => objects::identifier(case),
        Case::Tiles(case) => log::tiles(world, case),
        Case::Consistency(case) => log::consistency(world, case),
        Case::Witness(case) => log::witness(case),
        Case::Change(case) => log::change(world, case),
    }
}
