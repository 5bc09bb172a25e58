//! What the tests of the tool share: the generated examples, bundles made of them, and running the tool.
#![allow(missing_docs, dead_code, unreachable_pub)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use licence_spec::bundle::{self, Bundle};

/// The clock of the generated examples.
pub const NOW: &str = "2026-11-23T18:00:00+08:00";
pub const STATUS_LIST: &str = "https://gz.elic.example/v1/status-lists/17";

pub fn example(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/vectors/generated-examples").join(path)
}

/// The parts of the newest examples, by path and source.
pub fn newest() -> Vec<(String, &'static str)> {
    vec![
        (bundle::root_path(1), "trust/root_1.cbor"),
        (bundle::root_path(2), "trust/root_2.cbor"),
        (bundle::TIMESTAMP.to_owned(), "trust/timestamp_2.cbor"),
        (bundle::LIST.to_owned(), "trust/list_2.cbor"),
        (bundle::CATALOGUE.to_owned(), "catalogue/catalogue_1.cbor"),
        (bundle::status_path(STATUS_LIST), "status/token.cbor"),
    ]
}

/// The parts before the root changed its keys.
pub fn older() -> Vec<(String, &'static str)> {
    vec![
        (bundle::root_path(1), "trust/root_1.cbor"),
        (bundle::TIMESTAMP.to_owned(), "trust/timestamp_1.cbor"),
        (bundle::LIST.to_owned(), "trust/list_1.cbor"),
    ]
}

/// A counter: a folder of its own with a bundle in it, and beside that the tool's memory.
pub struct Counter {
    folder: tempfile::TempDir,
}

impl Counter {
    pub fn new() -> Counter {
        let counter = Counter { folder: tempfile::tempdir().expect("a folder") };
        counter.fill(&newest());
        counter
    }

    pub fn empty() -> Counter {
        Counter { folder: tempfile::tempdir().expect("a folder") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn bundle(&self) -> PathBuf {
        self.path("bundle")
    }

    /// Replaces the content of the bundle.
    pub fn fill(&self, parts: &[(String, &str)]) {
        write_parts(&self.bundle(), parts);
    }

    /// The tool with a home of its own, in which nothing is pinned.
    pub fn tool(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_licence-verify"));
        command.args(arguments).env("HOME", self.path("home")).env_remove("XDG_STATE_HOME");
        command
    }

    /// Runs the tool with `--bundle` and `--at`, and with `--root` if there is no other.
    pub fn run_at(&self, at: &str, arguments: &[&str]) -> Output {
        let mut command = self.tool(arguments);
        if !arguments.contains(&"--root") {
            command.arg("--root").arg(example("trust/root_1.cbor"));
        }
        command.arg("--bundle").arg(self.bundle()).args(["--at", at]).output().expect("the tool runs")
    }

    /// Runs the tool with `--bundle` and `--at`, and without a root.
    pub fn run_without_root(&self, arguments: &[&str]) -> Output {
        let mut command = self.tool(arguments);
        command.arg("--bundle").arg(self.bundle()).args(["--at", NOW]).output().expect("the tool runs")
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.run_at(NOW, arguments)
    }

    pub fn check(&self, presented: &Path) -> Output {
        self.run(&["check", text(presented)])
    }
}

pub fn write_parts(folder: &Path, parts: &[(String, &str)]) {
    if folder.exists() {
        fs::remove_dir_all(folder).expect("removed");
    }
    for (path, source) in parts {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::copy(example(source), path).expect("a copy");
    }
}

/// The file form of a bundle of these parts.
pub fn bundle_file(parts: &[(String, &str)]) -> Vec<u8> {
    let parts =
        parts.iter().map(|(path, source)| (path.clone(), fs::read(example(source)).expect("the example")));
    Bundle::new(parts).expect("a bundle").to_bytes()
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// Exit code and first line of standard output.
pub fn answer(output: &Output) -> (Option<i32>, String) {
    let text = String::from_utf8_lossy(&output.stdout);
    (output.status.code(), text.lines().next().unwrap_or_default().to_owned())
}

pub fn is(code: i32, line: &str) -> (Option<i32>, String) {
    (Some(code), line.to_owned())
}
