//! `cargo xtask`: what a developer and CI run. Standard library only, so that it compiles at once.
//!
//! In scope: `test`, which makes every check that CI makes. Out of scope: what the checks are about (each package).
#![forbid(unsafe_code)]

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

const HELP: &str = "\
用法 / usage: cargo xtask test | bench

  test    安装测试所需并执行全部检查 / install what the tests need and make every check that CI makes:
          formatting, lints, all tests, documentation without warnings
  bench   在同一次运行中与参照比较，逐行输出 ratio 名称 数值 / figures, each with its reference from the same run:
          a line `ratio NAME VALUE` each
";

/// What the independent reader is made of.
const READER_NEEDS: &[&str] = &["cbor2==6.3.0", "cryptography==50.0.2"];

/// One check: its name, the arguments of cargo, and environment variables.
type Check = (&'static str, &'static [&'static str], &'static [(&'static str, &'static str)]);

const CHECKS: &[Check] = &[
    ("formatting", &["fmt", "--all", "--check"], &[]),
    (
        "lints",
        &["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "--deny", "warnings"],
        &[],
    ),
    // Backtraces of panics that tests provoke on purpose would hide the results.
    ("tests", &["test", "--workspace", "--locked"], &[("RUST_BACKTRACE", "0")]),
    (
        "documentation",
        &["doc", "--workspace", "--no-deps", "--locked", "--quiet"],
        &[("RUSTDOCFLAGS", "--deny warnings")],
    ),
];

fn main() -> ExitCode {
    // All paths below are those of the workspace, wherever the command was given.
    if let Err(error) = std::env::set_current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/..")) {
        eprintln!("工作目录 / workspace: {error}");
        return ExitCode::from(74);
    }
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["test"] => test(),
        ["bench"] => measure(),
        ["--help" | "-h" | "help"] => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        _ => {
            eprint!("{HELP}");
            ExitCode::from(64)
        }
    }
}

fn test() -> ExitCode {
    for (name, arguments, environment) in CHECKS {
        eprintln!("== {name}: cargo {}", arguments.join(" "));
        let begun = now();
        let status = Command::new(env!("CARGO")).args(*arguments).envs(environment.iter().copied()).status();
        let passed = status.is_ok_and(|status| status.success());
        eprintln!(
            "== {name}: {} in {:.0} s",
            if passed { "ok" } else { "FAILED" },
            begun.elapsed().as_secs_f64()
        );
        if !passed {
            return ExitCode::FAILURE;
        }
    }
    independent_reader()
}

/// What the demo wrote, read again in Python with `cbor2` and `cryptography` alone.
fn independent_reader() -> ExitCode {
    eprintln!("== independent reader: tests/interop/read.py");
    let folder = Path::new("target/interop");
    let (venv, demo) = (folder.join("venv"), folder.join("demo"));
    let make = || succeeds(Command::new("python3").args(["-m", "venv"]).arg(&venv));
    if !(make() || (install(&["python3", "python3-venv"]) && make())) {
        eprintln!("请安装 python3-venv / install python3-venv");
        return ExitCode::from(74);
    }
    // Nothing is there the first time; what is there later is the last run's.
    let _absent = std::fs::remove_dir_all(&demo);
    let passed = succeeds(Command::new(venv.join("bin/pip")).args(["install", "--quiet"]).args(READER_NEEDS))
        && succeeds(
            Command::new(env!("CARGO"))
                .args(["run", "--quiet", "--locked", "-p", "licence-registry", "--", "demo", "--once"])
                .args(["--base-port", "18400", "--data"])
                .arg(&demo)
                .stdout(Stdio::null()),
        )
        && succeeds(Command::new(venv.join("bin/python")).arg("tests/interop/read.py").arg(&demo));
    eprintln!("== independent reader: {}", if passed { "ok" } else { "FAILED" });
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn succeeds(command: &mut Command) -> bool {
    command.status().is_ok_and(|status| status.success())
}

fn measure() -> ExitCode {
    let arguments = ["run", "--release", "--quiet", "-p", "licence-spec", "--example", "verdict_ratio"];
    let status = Command::new(env!("CARGO")).args(arguments).status();
    if status.is_ok_and(|status| status.success()) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a developer's tool tells how long a check took; nothing depends on it"
)]
fn now() -> Instant {
    Instant::now()
}

/// Installs Debian packages, as root or through sudo.
fn install(packages: &[&str]) -> bool {
    let apt = |program: &str, before: &[&str], arguments: &[&str]| {
        succeeds(Command::new(program).args(before).args(arguments).args(["--yes", "--quiet"]))
    };
    let install = [&["install", "--no-install-recommends"], packages].concat();
    let both = |program: &str, before: &[&str]| {
        // A fresh container has no package lists yet.
        apt(program, before, &["update"]) && apt(program, before, &install)
    };
    both("apt-get", &[]) || both("sudo", &["apt-get"])
}
