//! The verdict for a person: the answer first and in words, then why, then what the licence says.

use std::fmt::Write as _;

use licence_spec::credential::{FieldMap, Value};
use licence_spec::evidence::Evidence;
use licence_spec::verdict::{CheckResult, LicenceData, Verdict};

use crate::Language;

/// The whole text; its first line is the answer.
pub(crate) fn text(verdict: &Verdict, evidence: &Evidence, language: Language) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = lines(&mut out, verdict, evidence, language == Language::ZhCn);
    out
}

fn lines(out: &mut String, verdict: &Verdict, evidence: &Evidence, zh: bool) -> std::fmt::Result {
    let outcome = verdict.outcome();
    let code = verdict.code().map(|code| format!(" {code}")).unwrap_or_default();
    if zh {
        writeln!(out, "{} {outcome}{code}", outcome.zh())?;
        writeln!(out, "{}", verdict.zh())?;
    } else {
        writeln!(out, "{outcome}{code}")?;
        writeln!(out, "{}", verdict.en())?;
    }
    for check in verdict.checks() {
        write!(out, "  {:<8} {}", check.group.as_str(), result(check.result, zh))?;
        if let Some(code) = check.code {
            write!(out, " {code} {}", if zh { code.zh() } else { code.en() })?;
        }
        if let Some((_, time)) = check.source {
            let age = verdict.basis().now.since(time);
            write!(
                out,
                "{}",
                if zh {
                    format!("（依据 {age} 秒前的数据）")
                } else {
                    format!(" (data of {age} s ago)")
                }
            )?;
        }
        writeln!(out)?;
    }
    let warnings: Vec<_> = verdict.warnings().iter().map(|warning| warning.as_str()).collect();
    if !warnings.is_empty() {
        writeln!(out, "{}: {}", if zh { "提示" } else { "warnings" }, warnings.join(" "))?;
    }
    writeln!(out, "{}: {}", if zh { "核验时间" } else { "judged at" }, verdict.basis().now)?;
    match verdict.licence() {
        Some(licence) => fields(out, licence, evidence, zh),
        None => Ok(()),
    }
}

const fn result(result: CheckResult, zh: bool) -> &'static str {
    match (result, zh) {
        (CheckResult::Pass, true) => "通过",
        (CheckResult::Fail, true) => "不通过",
        (CheckResult::Inconclusive, true) => "无法确认",
        (CheckResult::Skipped, true) => "未查",
        (result, false) => result.as_str(),
    }
}

/// The fields by their names in the catalogue; by number where the catalogue is not at hand.
fn fields(out: &mut String, licence: &LicenceData, evidence: &Evidence, zh: bool) -> std::fmt::Result {
    let kind = evidence.catalogue().and_then(|catalogue| catalogue.licence_type(&licence.vct));
    writeln!(
        out,
        "{}: {}",
        if zh { "证照" } else { "licence" },
        kind.map_or(licence.vct.as_str(), |kind| &kind.name)
    )?;
    let Ok(map) = FieldMap::parse(&licence.fields) else { return Ok(()) };
    let revision = kind.and_then(|kind| kind.revision(map.revision()));
    for (key, value) in map.iter() {
        let name = revision
            .and_then(|revision| revision.field(key))
            .map_or_else(|| key.to_string(), |f| f.name.clone());
        writeln!(out, "  {name}: {}", shown(value))?;
    }
    Ok(())
}

fn shown(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => (*text).to_owned(),
        Value::Int(value) => value.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::Bytes(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        Value::List(items) => items.iter().map(shown).collect::<Vec<_>>().join("、"),
    }
}
