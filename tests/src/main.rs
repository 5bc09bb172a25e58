//! `cargo xtask`: what a developer and CI run. Standard library only, so that it compiles at once.
//!
//! In scope: `test`, which makes every check that CI makes. Out of scope: what the checks are about (each package).
#![forbid(unsafe_code)]

mod api;
mod demo;
mod field;
mod generate;
mod interop;
mod programs;
mod python;

use std::process::{Command, ExitCode};
use std::time::Instant;

const HELP: &str = "\
用法 / usage: cargo xtask test | interop | field | api | generate [--check] | make-licences … | bench | simulate … | hosts …

  test    安装测试所需并执行全部检查 / install what the tests need and make every check that CI makes:
          formatting, lints, all tests, documentation without warnings, both directions with Python
  interop 仅与独立的 Python 实现互相读写 / the part of `test` that reads and writes with the independent Python alone
  field [CASE…] 仅运行现场用例（tests/field/README.md） / the part of `test` that runs inputs from the field, all of them or those named
  api [--seconds N] [--record FILE]
          仅试接口描述：校验、生成客户端走一遍、按描述发出好坏请求 / the part of `test` that tries the description of the API: valid,
          a client made from it walks the tour, good and bad requests made from it; --record writes its examples
  generate 由代码生成接口描述、配置模式、帮助文本与判定向量；--check 只比较 / make API description, configuration schema,
          help texts and verdict vectors from the code; --check compares only
  make-licences --type CODE --count N --seed S
          生成合规的签发请求（NDJSON） / valid requests to issue, as NDJSON, with synthetic holders
  simulate [--seeds N] [--steps S] [--seed X] [--defect NAME]
          模拟一省三市及其故障，检查不变量（tests/SIMULATION.md） / a province, three cities and their faults, by chance from
          a seed: do the invariants hold? (200 seeds of 10,000 steps)
  hosts [--licences N] [--changes N] [--minutes N] [--seed N] [--json]
          一省三市以真实进程运行于网络命名空间，断省、杀进程、坏链路后逐一核对（tests/HOSTS.md；需 root） / a province and
          three cities as real processes in network namespaces, the province cut off, a process killed, a bad link; then
          everything acknowledged is compared (needs root)
  bench   在同一次运行中与参照比较，逐行输出 ratio 名称 数值 / figures, each with its reference from the same run:
          a line `ratio NAME VALUE` each
";

/// One check: its name, the arguments of cargo, and environment variables.
type Check = (&'static str, &'static [&'static str], &'static [(&'static str, &'static str)]);

const CHECKS: &[Check] = &[
    ("formatting", &["fmt", "--all", "--check"], &[]),
    (
        "lints",
        &["clippy", "--workspace", "--all-targets", "--locked", "--quiet", "--", "--deny", "warnings"],
        &[],
    ),
    // Backtraces of panics that tests provoke on purpose would hide the results; a snapshot that differs is a failure,
    // and no new file.
    ("tests", &["test", "--workspace", "--locked"], &[("RUST_BACKTRACE", "0"), ("INSTA_UPDATE", "no")]),
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
        ["generate"] => exit(generate::run(false)),
        ["generate", "--check"] => exit(generate::run(true)),
        ["interop"] => exit(interop::run()),
        ["api", rest @ ..] => exit(api::run(rest)),
        ["field", cases @ ..] => exit(field::run(cases)),
        ["make-licences", rest @ ..] => make_licences(rest),
        ["simulate", rest @ ..] => simulate(rest),
        ["hosts", rest @ ..] => hosts(rest),
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

fn exit(passed: bool) -> ExitCode {
    if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// PostgreSQL's own programs, of which tests start clusters of their own.
fn has_postgresql() -> bool {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    versions.map(|version| version.path().join("bin/initdb")).any(|initdb| initdb.is_file())
}

fn test() -> ExitCode {
    if !has_postgresql() && !install(&["postgresql"]) {
        eprintln!("请安装 postgresql / install postgresql");
        return ExitCode::from(74);
    }
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
    eprintln!("== generated files");
    let generated = generate::run(true);
    eprintln!("== field cases");
    let fields = generated && field::run(&[]);
    eprintln!("== description of the API");
    exit(fields && api::run(&[]) && interop::run())
}

pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.status().is_ok_and(|status| status.success())
}

fn make_licences(arguments: &[&str]) -> ExitCode {
    let run = [
        "run",
        "--release",
        "--quiet",
        "--locked",
        "-p",
        "licence-catalogue",
        "--example",
        "make-licences",
        "--",
    ];
    exit(succeeds(Command::new(env!("CARGO")).args(run).args(arguments)))
}

fn simulate(arguments: &[&str]) -> ExitCode {
    let run =
        ["run", "--release", "--quiet", "--locked", "-p", "licence-tests", "--example", "simulate", "--"];
    exit(succeeds(Command::new(env!("CARGO")).args(run).args(arguments)))
}

/// The exit code is that of the run: 69 says that this machine gives no network namespaces.
fn hosts(arguments: &[&str]) -> ExitCode {
    let cargo = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO"));
        command.args(words).args(["--release", "--quiet", "--locked"]);
        command
    };
    if !succeeds(&mut cargo(&["build", "-p", "licence-registry"])) {
        return ExitCode::FAILURE;
    }
    let mut run = cargo(&["run", "-p", "licence-tests", "--example", "hosts"]);
    let code = run.arg("--").args(arguments).status().ok().and_then(|status| status.code());
    code.and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from)
}

fn measure() -> ExitCode {
    let cargo = |arguments: &[&str]| {
        succeeds(Command::new(env!("CARGO")).args(arguments).args(["--release", "--quiet"]))
    };
    exit(
        cargo(&["run", "-p", "licence-spec", "--example", "verdict_ratio"])
            && cargo(&["build", "-p", "licence-registry"])
            && cargo(&["run", "-p", "licence-tests", "--example", "node_ratio"])
            && cargo(&["run", "-p", "licence-tests", "--example", "mirror_ratio"]),
    )
}

#[expect(
    clippy::disallowed_methods,
    reason = "a developer's tool tells how long a check took; nothing depends on it"
)]
fn now() -> Instant {
    Instant::now()
}

/// Installs Debian packages, as root or through sudo.
pub(crate) fn install(packages: &[&str]) -> bool {
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
