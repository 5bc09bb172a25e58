//! What holds for every verdict and for every parser, not only for the cases that somebody thought of.
//!
//! In scope: the verdict vectors and what lies near them (a byte changed, a part of the evidence gone, a later clock, one
//! more revocation), and arbitrary bytes in every parser of the standard. Out of scope: single cases
//! (`verdict_vectors.rs`) and coverage-guided fuzzing.
#![allow(missing_docs, clippy::panic)]

#[path = "verdict_vectors/format.rs"]
#[allow(dead_code, reason = "the generator writes with it")]
mod format;
#[path = "../examples/verdict_vectors/keys.rs"]
#[allow(dead_code, reason = "the generator uses more of it")]
mod keys;
#[path = "verdict_vectors/library.rs"]
#[allow(dead_code, reason = "the vectors are run with more of it")]
mod library;
#[path = "verdict_vectors/load.rs"]
mod load;
#[path = "properties/parsers.rs"]
mod parsers;
#[path = "properties/verdicts.rs"]
mod verdicts;

use proptest::test_runner::Config;

/// So many cases; what fails is printed in its smallest form and made a vector by hand, so no file remembers it.
fn cases(cases: u32) -> Config {
    Config { cases, failure_persistence: None, ..Config::default() }
}
