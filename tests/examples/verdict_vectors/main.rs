//! Writes `spec/vectors/verdict/`, or with `--check` compares what it would write with what is there.
//!
//! In scope: the keys, evidence and objects of the vectors, and the tables that state what a right implementation
//! answers. Out of scope: running them (`tests/tests/verdict_vectors.rs`). Nothing is random and no clock is read: every
//! run writes the same bytes. An answer of the library that differs from the tables ends the run.
#![allow(missing_docs, clippy::panic)]

mod case;
mod codes;
mod evidence;
#[path = "../../tests/verdict_vectors/format.rs"]
#[allow(dead_code, reason = "the generator writes, the tests read")]
mod format;
#[allow(dead_code, reason = "the property tests use more of it")]
mod keys;
#[path = "../../tests/verdict_vectors/library.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod library;
mod licences;
#[path = "../../tests/verdict_vectors/load.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod load;
mod log;
mod objects;
mod precedence;
mod world;

use std::collections::BTreeMap;
use std::fs;
use std::process::ExitCode;

use format::{Set, VECTOR_FILES, Vector};
use licence_spec::verdict::Verdict;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [] => write(&generate()),
        ["--check"] => check(&generate()),
        _ => {
            eprintln!("usage: cargo run -p licence-tests --example verdict_vectors [-- --check]");
            ExitCode::from(64)
        }
    }
}

/// The files and their content.
fn generate() -> Vec<(String, String)> {
    let keys = keys::Keys::read();
    let statements = objects::Statements::sign(precedence::licences(), &keys);
    let tree = statements.tree();
    let tables = [codes::cases(), precedence::cases()]
        .map(|cases| cases.into_iter().map(|case| case.0).collect::<Vec<Vector>>());
    let mut set = Set {
        vectors: tables.concat(),
        objects: objects::objects(&statements, &tree, &keys),
        proofs: objects::proofs(&tree, &keys),
        bundles: evidence::bundles(&keys, &tree),
        verdicts: BTreeMap::new(),
    };
    let mut wrong = Vec::new();
    for vector in &set.vectors {
        let verdict = library::judge(&set, vector);
        wrong.extend(difference(vector, &verdict));
        let before = set.verdicts.insert(vector.name.clone(), library::json(&verdict));
        assert!(before.is_none(), "two vectors are called {}", vector.name);
    }
    assert!(wrong.is_empty(), "the library answers otherwise than the tables state:\n{}", wrong.join("\n"));
    drop_unused(&mut set);
    let files: Vec<(&str, &[Vector])> =
        VECTOR_FILES.into_iter().zip(tables.iter().map(Vec::as_slice)).collect();
    format::write(&files, &set)
}

/// What was stated of a vector, against what the library says.
fn difference(vector: &Vector, verdict: &Verdict) -> Option<String> {
    let texts = |all: &mut dyn Iterator<Item = &'static str>| all.map(str::to_owned).collect::<Vec<_>>();
    let answer = (
        verdict.outcome().to_string(),
        verdict.code().map(|code| code.to_string()),
        texts(&mut verdict.codes().map(|code| code.as_str())),
        texts(&mut verdict.warnings().iter().map(|warning| warning.as_str())),
    );
    let stated = (vector.outcome.clone(), vector.code.clone(), vector.codes.clone(), vector.warnings.clone());
    (answer != stated).then(|| format!("{}: {answer:?}, not {stated:?}", vector.name))
}

/// What no vector names is not written.
fn drop_unused(set: &mut Set) {
    let Set { vectors, objects, proofs, bundles, .. } = set;
    objects.retain(|name, _| vectors.iter().any(|vector| vector.presented == *name));
    proofs.retain(|name, _| vectors.iter().any(|vector| vector.question.log_proof.as_ref() == Some(name)));
    bundles.retain(|name, _| {
        vectors.iter().any(|vector| vector.evidence == *name || vector.seen.as_ref() == Some(name))
    });
}

fn write(files: &[(String, String)]) -> ExitCode {
    for (name, content) in files {
        if let Err(error) = fs::write(format::folder().join(name), content) {
            eprintln!("{name}: {error}");
            return ExitCode::from(74);
        }
    }
    ExitCode::SUCCESS
}

fn check(files: &[(String, String)]) -> ExitCode {
    let is_there = |name: &str, content: &str| {
        fs::read_to_string(format::folder().join(name)).is_ok_and(|held| held == content)
    };
    let differing: Vec<&str> = files
        .iter()
        .filter(|(name, content)| !is_there(name, content))
        .map(|(name, _)| name.as_str())
        .collect();
    if differing.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!(
        "spec/vectors/verdict: {} differ; write them again with cargo run -p licence-tests --example verdict_vectors",
        differing.join(", ")
    );
    ExitCode::FAILURE
}
