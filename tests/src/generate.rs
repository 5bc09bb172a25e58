//! Files that are made from the code and kept in the tree, so that a change of what others rely on is seen in a diff.
//!
//! In scope: the description of the API, the schema of the configuration, the help texts, the verdict vectors.
//! `--check` makes them anew and compares; CI does so.

use std::fs;
use std::path::Path;
use std::process::Command;

/// A file, the package whose program prints it, and what the program is told.
type Printed = (&'static str, &'static str, &'static [&'static str]);

const PRINTED: &[Printed] = &[
    ("registry/openapi.json", "licence-registry", &["openapi"]),
    ("registry/config.schema.json", "licence-registry", &["config", "schema"]),
];

/// The help texts: a file, the package, its program, and the verbs.
const HELPS: &[(&str, &str, &str, &[&str])] = &[
    (
        "registry/help.txt",
        "licence-registry",
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
            "trust officers",
            "trust root",
            "trust list",
            "trust pin",
            "trust export",
            "trust show",
            "catalogue publish",
            "client add",
            "client list",
            "client revoke",
            "config check",
            "config example",
            "config schema",
            "openapi",
            "fsck",
        ],
    ),
    (
        "verifier-cli/help.txt",
        "verifier-cli",
        "licence-verify",
        &["", "check", "sync", "show", "receipt", "doctor"],
    ),
];

/// Writes the files, or compares them with what is there; whether all is well.
pub(crate) fn run(check: bool) -> bool {
    let printed = PRINTED.iter().map(|(file, package, arguments)| (*file, output(package, arguments)));
    let helps = HELPS.iter().map(|(file, package, program, verbs)| (*file, help(package, program, verbs)));
    // All are looked at, so that one run tells all that has changed.
    let settled =
        printed.chain(helps).map(|(file, text)| text.is_some_and(|text| settle(file, &text, check)));
    let wrong = settled.filter(|fine| !fine).count();
    let mut vectors =
        cargo(&["run", "--quiet", "--locked", "-p", "licence-tests", "--example", "verdict_vectors", "--"]);
    if check {
        vectors.arg("--check");
    }
    crate::succeeds(&mut vectors) && wrong == 0
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

fn help(package: &str, program: &str, verbs: &[&str]) -> Option<String> {
    let mut text = String::new();
    for verb in verbs {
        let arguments: Vec<&str> = verb.split_whitespace().chain(["--help"]).collect();
        text.push_str(&format!("$ {program} {}\n\n{}\n", arguments.join(" "), output(package, &arguments)?));
    }
    Some(text)
}

fn output(package: &str, arguments: &[&str]) -> Option<String> {
    let output = cargo(&["run", "--quiet", "--locked", "-p", package, "--"]).args(arguments).output().ok()?;
    if !output.status.success() {
        eprintln!("{package} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        return None;
    }
    String::from_utf8(output.stdout).ok()
}

fn cargo(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    // What a developer has set must not show in the files.
    command.args(arguments).env_remove("LICENCE_REGISTRY_DATA").env_remove("XDG_DATA_HOME");
    command
}
