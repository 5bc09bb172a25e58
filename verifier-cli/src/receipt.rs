//! `receipt`: is this verification receipt genuine, and what did it find?

use std::fmt::Write as _;

use anyhow::Context as _;
use licence_spec::evidence::Trust;
use licence_spec::numbers::{MAX_LICENCE, MAX_RECEIPT, MAX_VIEW};
use licence_spec::receipt::{self, Archive, Receipt};
use licence_spec::time::UnixTime;
use licence_spec::verdict::{Code, Outcome};
use serde_json::{Value, json};

use crate::arguments::{Format, ReceiptOptions};
use crate::place::{Place, read_bounded};
use crate::words::{age, plain};
use crate::{Failure, Report, answer, evidence, moment, pin};

/// Checks a receipt; the exit code is that of the outcome: 0 genuine, 1 not, 2 cannot tell, 3 unreadable.
pub(crate) fn run(options: &ReceiptOptions) -> Result<Report, Failure> {
    let now = moment(options.at.as_deref())?;
    let bytes = read_bounded(&options.receipt, MAX_RECEIPT)?;
    let licence = options.licence.as_ref().map(|path| read_bounded(path, MAX_LICENCE)).transpose()?;
    let view = options.view.as_ref().map(|path| read_bounded(path, MAX_VIEW)).transpose()?;
    // A receipt is a thing of the past: evidence of its time is as good as today's.
    let loaded = evidence::load(&Place::of(&options.place)?, pin::of(&options.place)?, now, true)?;
    let archive = Archive { licence: licence.as_deref(), view: view.as_deref(), ..Archive::default() };
    let list = loaded.evidence.trust_list();
    let found = match list {
        None => Err(match loaded.evidence.trust() {
            Trust::Refused(code) => *code,
            Trust::Held(_) | Trust::Unavailable => Code::TrustListUnavailable,
        }),
        Some(list) => receipt::check(&bytes, list, &archive).and_then(|receipt| {
            // A list that had ended when the receipt was made cannot say who might make it.
            let in_force = receipt.issued_at() < list.content().exp;
            if in_force { Ok(receipt) } else { Err(Code::TrustListExpired) }
        }),
    };
    let outcome = found.as_ref().err().map_or(Outcome::Accept, |code| code.outcome());
    let text = match options.output.format {
        Format::Json => serde_json::to_string(&as_json(&found, outcome)).context("JSON")? + "\n",
        Format::Text => as_text(&found, outcome, &loaded.evidence, now, options.output.zh()),
    };
    let mut notes = loaded.notes.clone();
    notes.extend(loaded.how_to_pin(options.output.zh()));
    Ok(Report { text, notes, exit: outcome.exit_code() })
}

fn as_text(
    found: &Result<Receipt, Code>,
    outcome: Outcome,
    evidence: &licence_spec::evidence::Evidence,
    now: UnixTime,
    zh: bool,
) -> String {
    match found {
        Ok(receipt) => {
            // The verdict in the receipt belongs to the first line: a genuine receipt may well say REJECT.
            let found = receipt.outcome();
            let code = receipt.code().map(|code| format!(" {code}")).unwrap_or_default();
            let first = match zh {
                true => format!("回执真实 GENUINE，所载结论：{} {found}{code}", found.zh()),
                false => format!("GENUINE, it says {found}{code}"),
            };
            let issuer = answer::authority(receipt.issuer(), evidence);
            format!("{first}\n{}", content(receipt, &issuer, now, zh))
        }
        Err(code) if zh => {
            let word = match outcome {
                Outcome::Reject => "回执不可信",
                _ => outcome.zh(),
            };
            format!(
                "{word} {outcome} {code}\n{}。{}\n",
                receipt::words(*code).0,
                answer::advice(code.advice(), zh)
            )
        }
        Err(code) => {
            format!("{outcome} {code}\n{}. {}\n", receipt::words(*code).1, answer::advice(code.advice(), zh))
        }
    }
}

/// What a receipt says, line by line.
fn content(receipt: &Receipt, issuer: &str, now: UnixTime, zh: bool) -> String {
    let label = |in_zh, in_en| if zh { in_zh } else { in_en };
    let mut out = String::new();
    let mut line = |name: &str, value: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(out, "  {name}: {value}");
    };
    if let Some(code) = receipt.code() {
        line(label("原因", "reason"), label(code.zh(), code.en()));
    }
    line(label("核验节点", "node"), issuer);
    let old = age(now.since(receipt.issued_at()), zh);
    line(label("核验时间", "judged at"), &format!("{} ({old})", receipt.issued_at()));
    line(label("申请单位", "for"), &plain(receipt.audience()));
    line(label("办件编号", "case"), &plain(receipt.case_number()));
    line(label("事项", "service item"), &plain(receipt.service_item()));
    let (policy, version) = receipt.policy();
    line(label("策略", "policy"), &format!("{} v{version}", plain(policy)));
    line(label("证照摘要", "licence digest"), &hex::encode(receipt.digests().licence));
    if let Some(view) = receipt.digests().view {
        line(label("加注件摘要", "view digest"), &hex::encode(view));
    }
    out
}

fn as_json(found: &Result<Receipt, Code>, outcome: Outcome) -> Value {
    json!({
        "outcome": outcome,
        "code": found.as_ref().err(),
        "receipt": found.as_ref().ok().map(|receipt| json!({
            "outcome": receipt.outcome(),
            "code": receipt.code(),
            "issuer": receipt.issuer(),
            "audience": receipt.audience(),
            "issued_at": receipt.issued_at(),
            "case_number": receipt.case_number(),
            "service_item": receipt.service_item(),
            "policy": { "id": receipt.policy().0, "version": receipt.policy().1 },
            "licence": format!("sha-256:{}", hex::encode(receipt.digests().licence)),
            "view": receipt.digests().view.map(|view| format!("sha-256:{}", hex::encode(view))),
        })),
    })
}
