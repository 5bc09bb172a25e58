//! `check`: is this licence good?

use anyhow::Context as _;
use licence_spec::policy::Policy;
use licence_spec::qr::{self, QrContent};
use licence_spec::verdict::Warning;
use licence_spec::verify::{verify, verify_qr};

use crate::arguments::{CheckOptions, Format};
use crate::input::{self, Presented};
use crate::place::Place;
use crate::{Failure, Report, answer, evidence, moment};

/// Judges what is presented; the exit code is that of the outcome.
pub(crate) fn run(options: &CheckOptions) -> Result<Report, Failure> {
    let policy = Policy::named(&options.policy)
        .ok_or_else(|| Failure::Usage(format!("没有此策略 / no such policy: {}", options.policy)))?;
    let now = moment(options.at.as_deref())?;
    let presented = input::read(&options.presented)?;
    let loaded = evidence::load(&Place::of(&options.place)?, now, policy.past_moment)?;
    let (evidence, mut notes) = (loaded.evidence, loaded.notes);
    let mut verdict = match &presented {
        Presented::Bytes(bytes) => verify(bytes, &evidence, &policy, now),
        Presented::Text(text) => {
            if let Ok(QrContent::Reference(reference)) = qr::read(text) {
                let host = reference.host;
                notes.push(format!(
                    "此二维码只是引用，证照在 {host}；离线无法取得，请联网核验或索取 .elic 文件 / this code only refers to a licence on {host}; offline it cannot be fetched: verify online, or ask for the .elic file"
                ));
            }
            verify_qr(text, &evidence, &policy, now)
        }
        Presented::Unclear(note) => {
            notes.push((*note).to_owned());
            verify(&[], &evidence, &policy, now)
        }
    };
    verdict.warn(Warning::Offline);
    if verdict.alarm() {
        notes.push("警报，请报告 / alarm: report this".to_owned());
    }
    let text = match options.output.format {
        Format::Json => serde_json::to_string(&verdict).context("JSON")? + "\n",
        Format::Text => answer::text(&verdict, &evidence, options.output.zh()),
    };
    Ok(Report { text, notes, exit: verdict.outcome().exit_code() })
}
