//! The clerk's tool: is this licence good? Offline, in Chinese, from a file, a scanner or a picture.
//!
//! In scope: reading what is presented, loading evidence from a bundle, printing the verdict. Out of scope: the
//! judgement itself (`licence_spec::verify`), which is the same function as on every node.
#![forbid(unsafe_code)]

mod answer;
mod clock;
mod evidence;
mod input;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand, ValueEnum};
use licence_spec::policy::Policy;
use licence_spec::time::UnixTime;
use licence_spec::verdict::{Verdict, Warning};
use licence_spec::verify::{verify, verify_qr};

use input::Presented;

/// 证照核验工具 / judges an electronic licence offline.
#[derive(Parser)]
#[command(
    name = "licence-verify",
    version,
    after_help = "退出码 / exit codes: 0 有效 ACCEPT, 1 无效 REJECT, 2 无法确认 INDETERMINATE, 3 未识别 NO_CREDENTIAL, 64 用法 usage, 74 输入输出 input/output"
)]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// 核验一份证照 / judge one licence
    Check(CheckOptions),
}

#[derive(clap::Args)]
struct CheckOptions {
    /// .elic 文件、二维码文本、PNG/JPEG 图片，或 - 表示标准输入 / .elic file, QR text, PNG or JPEG picture, or - for standard input
    presented: PathBuf,
    /// 离线证据：目录或文件 / offline evidence, a folder or a file
    #[arg(long, value_name = "DIR", default_value = "bundle")]
    bundle: PathBuf,
    /// 以此时刻判断（RFC 3339） / judge at this moment (RFC 3339)
    #[arg(long, value_name = "TIME")]
    at: Option<String>,
    /// 输出格式 / output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// 语言 / language
    #[arg(long, value_enum, default_value_t = Language::ZhCn)]
    lang: Language,
    /// 策略 / policy: counter, approval or archive
    #[arg(long, default_value = "counter")]
    policy: String,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Text,
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Language {
    #[value(name = "zh-CN")]
    ZhCn,
    En,
}

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let code = if error.use_stderr() { 64 } else { 0 };
            // If the terminal is gone, there is nobody left to tell.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let Verb::Check(options) = arguments.verb;
    let Some(policy) = Policy::named(&options.policy) else {
        eprintln!("licence-verify: 没有此策略 / no such policy: {}", options.policy);
        return ExitCode::from(64);
    };
    let now = match options.at.as_deref().map(UnixTime::parse_rfc3339) {
        None => clock::now(),
        Some(Some(time)) => time,
        Some(None) => {
            eprintln!("licence-verify: --at 不是 RFC 3339 时间 / --at is no RFC 3339 time");
            return ExitCode::from(64);
        }
    };
    match check(&options, &policy, now) {
        Ok(verdict) => ExitCode::from(verdict.outcome().exit_code()),
        Err(error) => {
            eprintln!("licence-verify: {error:#}");
            ExitCode::from(74)
        }
    }
}

fn check(options: &CheckOptions, policy: &Policy<'_>, now: UnixTime) -> Result<Verdict> {
    let presented = input::read(&options.presented)?;
    let evidence = evidence::load(&options.bundle, now)?;
    let mut verdict = match &presented {
        Presented::Bytes(bytes) => verify(bytes, &evidence, policy, now),
        Presented::Text(text) => verify_qr(text, &evidence, policy, now),
    };
    verdict.warn(Warning::Offline);
    let text = match options.format {
        Format::Json => serde_json::to_string(&verdict).context("JSON")? + "\n",
        Format::Text => answer::text(&verdict, &evidence, options.lang),
    };
    // Whoever closed the pipe has read enough: the answer is in the exit code as well.
    let _closed = std::io::stdout().write_all(text.as_bytes());
    if verdict.alarm() {
        eprintln!("licence-verify: 警报，请报告 / alarm: report this");
    }
    Ok(verdict)
}
