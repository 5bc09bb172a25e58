//! Test licences as NDJSON on stdout, one issue request a line, the same for the same seed:
//! `cargo run --release -p licence-catalogue --example make-licences -- --type ZD1004 --count 1000 --seed 7 [--today DATE]`.
//! `--type all` takes every type that somebody may issue, in turn.
#![allow(missing_docs)]

use std::io::{BufWriter, Write as _};
use std::process::ExitCode;

use licence_catalogue::embedded;
use licence_catalogue::samples::{SampleRequest, requests};
use licence_spec::time::CivilDate;

const USAGE: &str = "用法 / usage: make-licences --type CODE|all --count N --seed S [--today YYYY-MM-DD]";
/// Licences are made up as if it were this day, so that a seed gives the same lines for ever.
const TODAY: &str = "2026-11-23";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((kind, count, seed, today)) = parse(&arguments) else {
        eprintln!("{USAGE}");
        return ExitCode::from(64);
    };
    match write(&kind, count, seed, today) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("没有机关签发此类证照 / nobody issues this type: {kind}");
            ExitCode::from(64)
        }
        // Whoever closed the pipe has read enough.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(74)
        }
    }
}

fn parse(arguments: &[String]) -> Option<(String, usize, u64, CivilDate)> {
    let (mut kind, mut count, mut seed, mut today) = (None, None, None, CivilDate::parse(TODAY));
    for pair in arguments.chunks(2) {
        let [name, value] = pair else { return None };
        match name.as_str() {
            "--type" => kind = Some(value.clone()),
            "--count" => count = value.parse().ok(),
            "--seed" => seed = value.parse().ok(),
            "--today" => today = CivilDate::parse(value),
            _ => return None,
        }
    }
    Some((kind?, count?, seed?, today?))
}

fn write(kind: &str, count: usize, seed: u64, today: CivilDate) -> std::io::Result<bool> {
    let data = embedded().map_err(|findings| std::io::Error::other(findings.to_string()))?;
    let codes: Vec<&str> =
        data.types().iter().map(|t| t.code()).filter(|c| kind == "all" || *c == kind).collect();
    let mut sources: Vec<_> = codes.iter().filter_map(|code| requests(&data, code, seed, today)).collect();
    let mut out = BufWriter::new(std::io::stdout().lock());
    let many = sources.len();
    for at in 0..count {
        let request: Option<SampleRequest> = sources.get_mut(at % many.max(1)).and_then(Iterator::next);
        let Some(request) = request else { return Ok(false) };
        serde_json::to_writer(&mut out, &request)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    Ok(many > 0)
}
