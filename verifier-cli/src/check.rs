//! `check`: is this licence good?

use anyhow::Context as _;
use licence_spec::policy::Policy;
use licence_spec::qr::{self, QrContent, Reference};
use licence_spec::verdict::{Code, Warning};
use licence_spec::verify::{verify, verify_fetched, verify_qr};

use crate::arguments::{CheckOptions, Format};
use crate::input::{self, Presented};
use crate::place::Place;
use crate::{Failure, Report, answer, evidence, fetch, moment, pin};

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
            // A host that the trust list does not know has another code: nobody should ask it.
            match (reference(text), verdict.code()) {
                (Some(reference), Some(Code::NotAsked)) if options.fetch => {
                    match fetch::licence(&reference, &options.network) {
                        Ok(bytes) => verify_fetched(&bytes, &reference.digest, &evidence, &policy, now),
                        Err(Failure::InputOutput(error)) => {
                            notes.push(format!("{error:#}"));
                            verdict
                        }
                        Err(usage) => return Err(usage),
                    }
                }
                (Some(reference), Some(Code::NotAsked)) => {
                    reason = Some(unresolved(&reference, zh));
                    verdict
                }
                _ => verdict,
            }
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

fn reference(text: &str) -> Option<Reference> {
    match qr::read(text) {
        Ok(QrContent::Reference(reference)) => Some(reference),
        _ => None,
    }
}

/// What a reference means offline: nobody was asked, so nobody has said that there is no such licence.
fn unresolved(reference: &Reference, zh: bool) -> String {
    let host = &reference.host;
    if zh {
        format!(
            "此二维码只是引用，证照在 {host}；离线未向其查询，请用 --fetch 联网核验或索取完整证照（.elic 文件）"
        )
    } else {
        format!(
            "This code only refers to a licence on {host}, which was not asked offline: use --fetch, or ask for the full licence (the .elic file)"
        )
    }
}
