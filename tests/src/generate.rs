//! Files that are made from the code and kept in the tree, so that a change of what others rely on is seen in a diff.
//!
//! In scope: the description of the API, the schema of the configuration, the pages of problems and metrics, the help texts, the verdict
//! vectors.
//! `--check` makes them anew and compares; CI does so.

use std::fs;
use std::path::Path;

use crate::programs;

/// A file, the program that prints it, and what the program is told.
type Printed = (&'static str, &'static str, &'static [&'static str]);

const PRINTED: &[Printed] = &[
    ("registry/openapi.json", "licence-registry", &["openapi"]),
    ("registry/config.schema.json", "licence-registry", &["config", "schema"]),
    ("registry/PROBLEMS.md", "licence-registry", &["problems"]),
    ("registry/METRICS.md", "licence-registry", &["metrics"]),
];

/// The help texts: a file, the program, and the verbs.
const HELPS: &[(&str, &str, &[&str])] = &[
    (
        "registry/help.txt",
        "licence-registry",
        &[
            "",
            "demo",
            "init",
            "serve",
            "issue",
            "key list",
            "key export",
            "key make",
            "enrol request",
            "enrol show",
            "enrol approve",
            "trust officers",
            "trust officer",
            "trust root",
            "trust root propose",
            "trust list",
            "trust propose",
            "trust diff",
            "trust sign",
            "trust publish",
            "trust explain",
            "trust pin",
            "trust repair",
            "trust export",
            "trust show",
            "catalogue check",
            "catalogue show",
            "catalogue diff",
            "catalogue propose",
            "catalogue approve",
            "catalogue publish",
            "catalogue import",
            "catalogue export",
            "catalogue template",
            "client add",
            "client list",
            "client revoke",
            "audit list",
            "audit check",
            "audit export",
            "index counts",
            "index rejects",
            "index again",
            "status end",
            "log cases",
            "log close-case",
            "migrate",
            "store copy",
            "backup",
            "restore",
            "config check",
            "config example",
            "config schema",
            "openapi",
            "problems",
            "metrics",
            "doctor",
            "fsck",
        ],
    ),
    ("verifier-cli/help.txt", "licence-verify", &["", "check", "sync", "pin", "show", "receipt", "doctor"]),
];

/// Writes the files, or compares them with what is there; whether all is well.
pub(crate) fn run(check: bool) -> bool {
    let printed = PRINTED.iter().map(|(file, program, arguments)| (*file, output(program, arguments)));
    let helps = HELPS.iter().map(|(file, program, verbs)| (*file, help(program, verbs)));
    // All are looked at, so that one run tells all that has changed.
    let settled =
        printed.chain(helps).map(|(file, text)| text.is_some_and(|text| settle(file, &text, check)));
    let wrong = settled.filter(|fine| !fine).count();
    let vectors = programs::command("verdict_vectors");
    let same = vectors.is_some_and(|mut vectors| crate::succeeds(vectors.args(check.then_some("--check"))));
    same && wrong == 0
}

fn settle(file: &str, text: &str, check: bool) -> bool {
    let path = Path::new(file);
    if !check {
        return fs::write(path, text).map_err(|error| eprintln!("{file}: {error}")).is_ok();
    }
    let same = fs::read_to_string(path).is_ok_and(|held| held == text);
    if !same {
        eprintln!(
            "{file} 已过时，请执行 cargo xtask generate / {file} is out of date: run cargo xtask generate"
        );
    }
    same
}

fn help(program: &str, verbs: &[&str]) -> Option<String> {
    let mut text = String::new();
    for verb in verbs {
        let arguments: Vec<&str> = verb.split_whitespace().chain(["--help"]).collect();
        text.push_str(&format!("$ {program} {}\n\n{}\n", arguments.join(" "), output(program, &arguments)?));
    }
    Some(text)
}

fn output(program: &str, arguments: &[&str]) -> Option<String> {
    // What a developer has set must not show in the files.
    let mut command = programs::command(program)?;
    command.args(arguments).env_remove("LICENCE_REGISTRY_DATA").env_remove("XDG_DATA_HOME");
    let output = command.output().ok()?;
    if !output.status.success() {
        eprintln!("{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    String::from_utf8(output.stdout).ok()
}
