//! The built programs, never old ones, and never built a second time with other features.
//!
//! Cargo is asked what `cargo test --workspace` made: there all is fresh after the tests. A plain `cargo build -p …` would
//! select other features and build half of the tree again.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The program or example of this name.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    static BUILT: OnceLock<Vec<(String, PathBuf)>> = OnceLock::new();
    let built = BUILT.get_or_init(build);
    let found = built.iter().find(|(own, _)| own == name).map(|(_, path)| path.clone());
    if found.is_none() {
        eprintln!("没有程序 {name} / cargo made no program {name}");
    }
    found
}

/// A command of the program of this name.
pub(crate) fn command(name: &str) -> Option<Command> {
    find(name).map(Command::new)
}

fn build() -> Vec<(String, PathBuf)> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["test", "--workspace", "--locked", "--no-run", "--quiet", "--message-format", "json"]);
    let output = cargo.stderr(Stdio::inherit()).output();
    let messages =
        output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    messages.lines().filter(|line| line.contains("\"test\":false")).filter_map(program).collect()
}

/// Name and path of an executable, from a line in which cargo tells of it.
fn program(line: &str) -> Option<(String, PathBuf)> {
    let path = PathBuf::from(member(line, "executable")?);
    let kind = line.contains("\"kind\":[\"bin\"]") || line.contains("\"kind\":[\"example\"]");
    let target = line.split_once("\"target\":{")?.1;
    kind.then_some((member(target, "name")?.to_owned(), path))
}

/// The text of a member. Paths and names of this project hold nothing that JSON escapes.
fn member<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let rest = line.split_once(&format!("\"{name}\":\""))?.1;
    rest.split_once('"').map(|(text, _)| text)
}
