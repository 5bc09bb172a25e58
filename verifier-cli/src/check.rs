//! `check`: is this licence good?

use anyhow::Context as _;
use licence_spec::policy::Policy;
use licence_spec::qr::{self, QrContent};
use licence_spec::verdict::{Code, Warning};
use licence_spec::verify::{verify, verify_qr};

use crate::arguments::{CheckOptions, Format};
use crate::input::{self, Presented};
use crate::place::Place;
use crate::{Failure, Report, answer, evidence, moment, pin};

/// Judges what is presented; the exit code is that of the outcome.
pub(crate) fn run(options: &CheckOptions) -> Result<Report, Failure> {
    let policy = Policy::named(&options.policy)
        .ok_or_else(|| Failure::Usage(format!("没有此策略 / no such policy: {}", options.policy)))?;
    let now = moment(options.at.as_deref())?;
    let presented = input::read(&options.presented)?;
    let (place, pin) = (Place::of(&options.place)?, pin::of(&options.place)?);
    let loaded = evidence::load(&place, pin, now, policy.past_moment)?;
    let zh = options.output.zh();
    let how_to_pin = loaded.how_to_pin(zh);
    let (evidence, mut notes, mut reason) = (loaded.evidence, loaded.notes, None);
    let mut verdict = match &presented {
        Presented::Bytes(bytes) => verify(bytes, &evidence, &policy, now),
        Presented::Text(text) => {
            let verdict = verify_qr(text, &evidence, &policy, now);
            // Of a host that the trust list does not know nothing is told: nobody should ask it.
            if verdict.code() == Some(Code::NotAsked) {
                reason = unresolved(text, zh);
            }
            verdict
        }
        Presented::Unclear(note) => {
            notes.push((*note).to_owned());
            verify(&[], &evidence, &policy, now)
        }
    };
    if verdict.code() == Some(Code::RootNotPinned) {
        reason = how_to_pin;
    }
    verdict.warn(Warning::Offline);
    notes.extend(reason.clone());
    if verdict.alarm() {
        notes.push("警报，请报告 / alarm: report this".to_owned());
    }
    let text = match options.output.format {
        Format::Json => serde_json::to_string(&verdict).context("JSON")? + "\n",
        Format::Text => answer::text(&verdict, reason.as_deref(), &evidence, zh),
    };
    Ok(Report { text, notes, exit: verdict.outcome().exit_code() })
}

/// What a reference means offline: nobody was asked, so nobody has said that there is no such licence.
fn unresolved(text: &str, zh: bool) -> Option<String> {
    let Ok(QrContent::Reference(reference)) = qr::read(text) else { return None };
    let host = reference.host;
    Some(if zh {
        format!("此二维码只是引用，证照在 {host}；离线未向其查询，请联网核验或索取 .elic 文件")
    } else {
        format!(
            "This code only refers to a licence on {host}, which was not asked offline: verify online, or ask for the .elic file"
        )
    })
}
