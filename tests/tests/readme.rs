//! The commands of the README, run as they stand there: an example that does not work is worse than none.
//!
//! A comment after a command is what its output must hold. Only programs, ports and folders are put in the place of those
//! that a reader has.
#![allow(missing_docs)]
#![allow(clippy::unwrap_used, clippy::panic, dead_code, reason = "a test ends where it cannot go on")]

#[path = "node/harness.rs"]
mod harness;

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use harness::{private, program, until};
use serde_json::{Map, Value};

const README: &str = include_str!("../../README.md");

/// The `sh` blocks below a heading.
fn blocks(heading: &str) -> Vec<&'static str> {
    let section = README.split(&format!("\n## {heading}\n")).nth(1).expect("the heading is there");
    let section = section.split("\n## ").next().unwrap();
    section.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap()).collect()
}

/// Commands with what must be in their output; lines that end in a backslash go on.
fn commands(block: &str) -> Vec<(String, String)> {
    let joined = block.replace("\\\n", " ");
    joined
        .lines()
        .map(|line| match line.rsplit_once("  # ") {
            Some((command, expected)) => (command.to_owned(), expected.trim().to_owned()),
            None => (line.to_owned(), String::new()),
        })
        .filter(|(command, _)| !command.trim().is_empty())
        .collect()
}

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended already.
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

/// A port that is free, with the two after it, as far as one can tell.
fn base_port() -> u16 {
    let free = |port| TcpListener::bind(("127.0.0.1", port)).is_ok();
    (20_000..29_000).step_by(7).find(|port| (*port..port + 3).all(free)).expect("three free ports")
}

#[test]
fn the_tour_shows_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let port = base_port();
    let mut demo = Command::new(program());
    demo.args(["demo", "--base-port", &port.to_string()]).current_dir(folder.path());
    let mut demo = Ended(demo.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap());
    let said = BufReader::new(demo.0.stderr.take().unwrap()).lines();
    let serving = said.map_while(Result::ok).any(|line| line.contains("keep serving"));
    assert!(serving, "the demo serves after its tour");
    assert_refused(folder.path());
    for block in blocks("A tour in five minutes") {
        let mut before = String::new();
        for (command, expected) in commands(block) {
            let script = here(&format!("{before}{command}"), port);
            let output = Command::new("bash")
                .args(["-euo", "pipefail", "-c", &script])
                .current_dir(folder.path())
                .output()
                .unwrap();
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{command}: {text}{}", String::from_utf8_lossy(&output.stderr));
            assert!(text.contains(&expected), "{command}: {expected} is not in {text}");
            if command.contains("/v1/verifications") {
                assert_shows(&example(), &serde_json::from_str(&text).unwrap(), "the answer");
            }
            if command.starts_with("TOKEN=") {
                before = format!("{command}\n");
            }
        }
    }
}

/// What the demo calls refused is refused by the evidence beside it, for the reason in the file's name; none is ACCEPT.
fn assert_refused(folder: &Path) {
    let data = folder.join("demo-data");
    let mut count = 0;
    for file in std::fs::read_dir(data.join("refused")).unwrap() {
        let (file, mut check) =
            (file.unwrap().path(), Command::new(program().with_file_name("licence-verify")));
        check.arg("check").arg(&file).arg("--bundle").arg(data.join("bundle"));
        let output = check.arg("--root").arg(data.join("root_1.cbor")).output().unwrap();
        let (text, name) =
            (String::from_utf8_lossy(&output.stdout), file.file_stem().unwrap().to_str().unwrap());
        assert!(matches!(output.status.code(), Some(1 | 2)), "{name}: {text}");
        let code = match name {
            "tampered_byte" => "SIGNATURE_INVALID".to_owned(),
            "unlisted_issuer" => "ISSUER_NOT_LISTED".to_owned(),
            "log_fork" => "LOG_SPLIT_VIEW".to_owned(),
            _ => name.trim_start_matches("issuer_").to_uppercase(),
        };
        assert!(text.lines().next().unwrap().contains(&code), "{name}: {text}");
        count += 1;
    }
    assert!(count >= 10, "{count} files");
}

/// The answer that the README shows.
fn example() -> Value {
    let block = README.split("```json\n").nth(1).expect("an answer is shown").split("\n```").next().unwrap();
    serde_json::from_str(block).expect("it is JSON")
}

/// The README shows the whole answer: the same members, and the same values up to where it says "…". An age differs.
fn assert_shows(shown: &Value, real: &Value, place: &str) {
    match (shown, real) {
        (Value::Object(shown), Value::Object(real)) => {
            let names = |map: &Map<String, Value>| map.keys().cloned().collect::<Vec<_>>();
            assert_eq!(names(shown), names(real), "members of {place}");
            shown
                .iter()
                .for_each(|(name, value)| assert_shows(value, &real[name], &format!("{place}.{name}")));
        }
        (Value::Array(shown), Value::Array(real)) => {
            assert_eq!(shown.len(), real.len(), "{place}");
            shown.iter().zip(real).for_each(|(shown, real)| assert_shows(shown, real, place));
        }
        (Value::String(shown), Value::String(real)) => match shown.split_once('…') {
            Some((before, _)) => assert!(real.starts_with(before), "{place}: {real}"),
            None => assert_eq!(shown, real, "{place}"),
        },
        _ if place.ends_with(".age_s") => assert_eq!(shown.is_number(), real.is_number(), "{place}"),
        _ => assert_eq!(shown, real, "{place}"),
    }
}

/// The command with the built programs and the ports of this run.
fn here(command: &str, port: u16) -> String {
    let tool = program().with_file_name("licence-verify");
    command
        .replace("cargo run -p verifier-cli --", tool.to_str().unwrap())
        .replace("cargo run -p licence-registry --", program().to_str().unwrap())
        .replace(":8400", &format!(":{port}"))
        .replace(":8401", &format!(":{}", port + 1))
        .replace(":8402", &format!(":{}", port + 2))
}

#[test]
fn a_node_of_ones_own_is_made_and_serves() {
    let folder = tempfile::tempdir().unwrap();
    let port = base_port() + 3_500;
    private(folder.path().join("secret").to_str().unwrap(), "words of the officers\n");
    let blocks = blocks("A node of one's own");
    let mut serving = Vec::new();
    for (command, _) in commands(blocks[0]) {
        let command = here(&command.replacen("licence-registry", program().to_str().unwrap(), 1), port);
        if command.contains(" serve ") {
            serving.push(serve(&command, folder.path()));
            continue;
        }
        let output =
            Command::new("bash").args(["-euc", &command]).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
    }
    assert_eq!(serving.len(), 2);
    let ready = |port: u16| {
        let mut answer = ureq::get(format!("http://127.0.0.1:{port}/readyz")).call().ok()?;
        answer.body_mut().read_to_string().ok()
    };
    until("both nodes are ready", || {
        [port, port + 1].into_iter().all(|port| ready(port).is_some_and(|text| text.contains("true")))
    });
}

fn serve(command: &str, folder: &Path) -> Ended {
    let words: Vec<&str> = command.split_whitespace().collect();
    let mut node = Command::new(words[0]);
    node.args(&words[1..]).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    Ended(node.spawn().unwrap())
}

#[test]
fn the_two_commands_are_those_of_the_demo_and_of_ci() {
    let block = blocks("Two commands").concat();
    assert!(block.contains("cargo run -p licence-registry -- demo"));
    assert!(block.contains("cargo xtask test"));
    assert!(include_str!("../../.ci/run").contains("cargo xtask test"), "CI calls the README's command");
}
