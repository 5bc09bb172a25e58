//! The verdict vectors of `spec/vectors/verdict/`, through every face of the judgement, with equal answers to the byte.
//!
//! In scope: library, command line and HTTP; that every code and every order of two groups has a vector. Out of scope:
//! making the vectors (`tests/examples/verdict_vectors`). A further face is one function that asks it, one that says what
//! it cannot be asked, and one test below.
#![allow(missing_docs, clippy::panic)]

#[path = "verdict_vectors/command_line.rs"]
mod command_line;
#[path = "verdict_vectors/format.rs"]
#[allow(dead_code, reason = "the generator writes with it")]
mod format;
#[path = "verdict_vectors/http.rs"]
mod http;
#[path = "verdict_vectors/library.rs"]
mod library;
#[path = "verdict_vectors/load.rs"]
mod load;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZero;

use format::{Set, Vector};
use licence_spec::verdict::{Code, Group, Warning};
use serde_json::Value;

/// A way to ask for a verdict.
struct Face {
    /// The verdict as this face writes it.
    ask: fn(&Set, &Vector) -> String,
    /// What this face cannot be asked, and why.
    lacks: fn(&Set, &Vector) -> Option<&'static str>,
    /// The warning that this face alone adds.
    adds: Option<Warning>,
}

const LIBRARY: Face =
    Face { ask: |set, vector| library::json(&library::judge(set, vector)), lacks: |_, _| None, adds: None };
const COMMAND_LINE: Face =
    Face { ask: command_line::ask, lacks: command_line::lacks, adds: Some(Warning::Offline) };
/// Log proofs beside the object, look-ups in the log, references, numbers, views without an audience, `wanted`, other roots, codes
/// and items that are none.
const LACKING_OVER_HTTP: usize = 67;
const HTTP: Face = Face { ask: http::ask, lacks: http::lacks, adds: None };

/// Asks a face all that it can be asked, on as many threads as there are cores.
fn run(face: &Face) {
    let set = Set::read();
    let asked: Vec<&Vector> =
        set.vectors.iter().filter(|vector| (face.lacks)(&set, vector).is_none()).collect();
    assert!(!asked.is_empty(), "a face that is asked nothing shows nothing");
    let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let set = &set;
        let chunks = asked.chunks(asked.len().div_ceil(threads));
        let workers: Vec<_> = chunks
            .map(|vectors| scope.spawn(|| vectors.iter().filter_map(|v| difference(face, set, v)).collect()))
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_else(rethrow)).collect()
    });
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), asked.len(), wrong.join("\n"));
}

fn rethrow(fault: Box<dyn std::any::Any + Send>) -> Vec<String> {
    std::panic::resume_unwind(fault)
}

fn difference(face: &Face, set: &Set, vector: &Vector) -> Option<String> {
    let recorded = &set.verdicts[&vector.name];
    let expected = face.adds.map_or_else(|| recorded.clone(), |warning| with_warning(recorded, warning));
    let answer = (face.ask)(set, vector);
    (answer != expected).then(|| format!("{}:\n  answer   {answer}\n  expected {expected}", vector.name))
}

/// The same verdict with one more warning, in the order of spec/verdict.md §4.
fn with_warning(json: &str, warning: Warning) -> String {
    let (before, rest) = json.split_once(r#""warnings":["#).expect("a verdict has warnings");
    let (list, after) = rest.split_once(']').expect("the list ends");
    let own = format!("\"{warning}\"");
    let is_there = |word: &str| word == own || list.split(',').any(|held| held == word);
    let all = Warning::ALL.iter().map(|warning| format!("\"{warning}\"")).filter(|word| is_there(word));
    format!(r#"{before}"warnings":[{}]{after}"#, all.collect::<Vec<_>>().join(","))
}

#[test]
fn the_library_answers_every_vector_to_the_byte() {
    run(&LIBRARY);
}

#[test]
fn the_command_line_answers_every_vector_to_the_byte() {
    run(&COMMAND_LINE);
}

#[test]
fn a_node_answers_every_vector_over_http_to_the_byte() {
    run(&HTTP);
}

/// What a node cannot be asked is little, and counted, so that it does not grow unseen.
#[test]
fn a_node_can_be_asked_nearly_all_vectors() {
    let set = Set::read();
    let lacking = set.vectors.iter().filter(|vector| http::lacks(&set, vector).is_some()).count();
    assert_eq!(lacking, LACKING_OVER_HTTP, "of {}", set.vectors.len());
}

/// The list by name, so that nobody takes a vector for run that was not.
#[test]
fn what_the_command_line_cannot_be_asked_is_listed_by_name() {
    let set = Set::read();
    let lacking = set.vectors.iter().filter_map(|vector| {
        command_line::lacks(&set, vector).map(|option| format!("{option} {}\n", vector.name))
    });
    let lacking: BTreeSet<String> = lacking.collect();
    let listed = include_str!("verdict_vectors/not_asked_of_the_command_line.txt");
    let listed: BTreeSet<String> = listed.lines().map(|line| format!("{line}\n")).collect();
    let missing: String = lacking.difference(&listed).map(String::as_str).collect();
    let extra: String = listed.difference(&lacking).map(String::as_str).collect();
    assert!(missing.is_empty() && extra.is_empty(), "to be added:\n{missing}to be removed:\n{extra}");
    let help = command_line::help();
    assert!(help.contains("--policy"), "this is the help of check");
    for option in command_line::OPTIONS_IT_LACKS {
        assert!(!help.contains(option), "the tool has {option} now: its vectors can be asked");
    }
}

/// Codes that no verdict can have today, and why.
const NOT_MADE: &[(Code, &str)] = &[
    (Code::AlgorithmSunsetNoProof, "there is one suite, and it has no date of sunset"),
    (Code::StatusValueUnknown, "the profile has two bits an entry, and all four values are known"),
    (Code::AuthorisationMissing, "the authorisation to use a licence is asked for by a trip of the node"),
    (Code::AuthorisationExpired, "the authorisation to use a licence is asked for by a trip of the node"),
    (Code::CatalogueRollback, "of update clients: the verdict then says SCHEMA_UNAVAILABLE"),
    (Code::DigestMismatch, "of the receipt check"),
];

/// Warnings that no vector can have today, and why.
const NOT_WARNED: &[(Warning, &str)] = &[
    (Warning::Offline, "added by the command line, where every vector has it"),
    (Warning::NewerVersion, "no preset accepts a superseded licence"),
    (Warning::AlgorithmSunsetSoon, "there is one suite, and it has no date of sunset"),
];

#[test]
fn every_code_is_the_primary_one_of_a_vector_or_stands_in_the_list_with_its_reason() {
    let set = Set::read();
    for code in Code::ALL {
        let is_primary = |vector: &Vector| vector.code.as_deref() == Some(code.as_str());
        let has_a_vector = set.vectors.iter().any(is_primary);
        let listed = NOT_MADE.iter().any(|(not_made, _)| not_made == code);
        assert_ne!(has_a_vector, listed, "{code}: either a vector or a reason");
    }
    for warning in Warning::ALL {
        let has_a_vector =
            set.vectors.iter().any(|vector| vector.warnings.iter().any(|w| w == warning.as_str()));
        let listed = NOT_WARNED.iter().any(|(not_warned, _)| not_warned == warning);
        assert_ne!(has_a_vector, listed, "{warning}: either a vector or a reason");
    }
}

/// spec/verdict.md, conformance: every pair whose precedence matters. FORMAT and CRYPTO end the judgement, so that they pair
/// with nothing.
#[test]
fn every_two_groups_meet_in_every_two_results() {
    let set = Set::read();
    let mut met = BTreeSet::new();
    for json in set.verdicts.values() {
        let verdict: Value = serde_json::from_str(json).expect("JSON");
        let checks = verdict["checks"].as_array().expect("checks");
        let found: Vec<(&str, &str)> = checks
            .iter()
            .filter_map(|check| Some((check["group"].as_str()?, check["result"].as_str()?)))
            .filter(|(_, result)| ["FAIL", "INCONCLUSIVE"].contains(result))
            .map(|(group, result)| {
                (named_group(group), if result == "FAIL" { "FAIL" } else { "INCONCLUSIVE" })
            })
            .collect();
        met.extend(found.iter().flat_map(|a| found.iter().map(|b| (*a, *b))));
    }
    let groups = || Group::ALL.iter().copied().filter(|group| *group > Group::Crypto);
    for (earlier, later) in groups().flat_map(|a| groups().filter(move |b| a < *b).map(move |b| (a, b))) {
        for results in [
            ("FAIL", "FAIL"),
            ("FAIL", "INCONCLUSIVE"),
            ("INCONCLUSIVE", "FAIL"),
            ("INCONCLUSIVE", "INCONCLUSIVE"),
        ] {
            let pair = ((earlier.as_str(), results.0), (later.as_str(), results.1));
            assert!(met.contains(&pair), "no vector has {pair:?}");
        }
    }
}

fn named_group(text: &str) -> &'static str {
    Group::ALL.iter().map(|group| group.as_str()).find(|name| *name == text).expect("a group")
}

/// What is stated by hand and what is recorded cannot drift apart, and nothing is recorded twice or for nobody.
#[test]
fn the_recorded_verdicts_say_what_the_vectors_state() {
    let set = Set::read();
    let names: BTreeMap<&str, &Vector> =
        set.vectors.iter().map(|vector| (vector.name.as_str(), vector)).collect();
    assert_eq!(names.len(), set.vectors.len(), "a name is there twice");
    assert!(names.keys().copied().eq(set.verdicts.keys().map(String::as_str)), "vectors and verdicts differ");
    for (name, vector) in names {
        let verdict: Value = serde_json::from_str(&set.verdicts[name]).expect("JSON");
        let texts = |value: &Value| -> Vec<String> {
            value.as_array().expect("a list").iter().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let checks = verdict["checks"].as_array().expect("checks");
        let codes: Vec<&str> = checks.iter().filter_map(|check| check["code"].as_str()).collect();
        assert_eq!(verdict["outcome"], *vector.outcome, "{name}");
        assert_eq!(verdict["code"].as_str(), vector.code.as_deref(), "{name}");
        assert_eq!(codes, vector.codes, "{name}");
        assert_eq!(texts(&verdict["warnings"]), vector.warnings, "{name}");
        let signed = checks.iter().any(|check| check["group"] == "CRYPTO" && check["result"] == "PASS");
        assert!(
            verdict["licence"].is_null() || signed,
            "{name}: data of an object whose signature did not pass"
        );
    }
}

/// spec/codes.md: "+ alarm".
const ALARMING: [&str; 7] = [
    "TRUST_LIST_SIGNATURE_INVALID",
    "TRUST_LIST_ROLLBACK",
    "STATUS_SIGNER_UNTRUSTED",
    "STATUS_ROLLBACK",
    "LOG_PROOF_INVALID",
    "LOG_SPLIT_VIEW",
    "LOG_ENTRY_MISSING",
];

/// spec/verdict.md, table of outcomes: 核验信息 0 to 6.
fn platform_result(vector: &Vector) -> u64 {
    match (vector.outcome.as_str(), vector.code.as_deref().unwrap_or_default()) {
        ("ACCEPT", _) => 0,
        ("REJECT", "NOT_YET_VALID") => 1,
        ("REJECT", "SUSPENDED") => 2,
        ("REJECT", "REVOKED" | "SUPERSEDED" | "EXPIRED" | "VIEW_EXPIRED") => 3,
        ("REJECT", _) => 6,
        ("NO_CREDENTIAL", "NOT_FOUND") => 5,
        _ => 4,
    }
}

#[test]
fn alarm_platform_result_and_withheld_data_are_those_of_the_table() {
    let set = Set::read();
    for vector in &set.vectors {
        let verdict: Value = serde_json::from_str(&set.verdicts[&vector.name]).expect("JSON");
        let has = |wanted: &[&str]| vector.codes.iter().any(|code| wanted.contains(&code.as_str()));
        assert_eq!(verdict["alarm"], has(&ALARMING), "{}", vector.name);
        assert_eq!(verdict["gb_result"], platform_result(vector), "{}", vector.name);
        let refused = has(&["VIEW_AUDIENCE_MISMATCH", "VIEW_PURPOSE_MISMATCH", "VIEW_EXPIRED"]);
        assert!(!refused || verdict["licence"].is_null(), "{}: no licence data is returned", vector.name);
        assert!(vector.outcome != "ACCEPT" || !verdict["licence"].is_null(), "{}", vector.name);
    }
}
