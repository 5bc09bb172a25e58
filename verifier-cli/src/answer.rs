//! The verdict for a person: the answer first and in words, then why, then what the licence says.

use std::fmt::{Result, Write as _};

use licence_spec::catalogue::Revision;
use licence_spec::credential::FieldMap;
use licence_spec::evidence::Evidence;
use licence_spec::verdict::{Advice, Basis, Check, CheckResult, Group, LicenceData, Verdict, Warning};

use crate::act;
use crate::words::{self, COVERED, age, plain};

/// The whole text; its first line is the answer. `reason` stands in for the sentence of the verdict, where the tool
/// knows better why there is none.
pub(crate) fn text(verdict: &Verdict, reason: Option<&str>, evidence: &Evidence, zh: bool) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = lines(&mut out, verdict, reason, evidence, zh);
    out
}

fn lines(out: &mut String, verdict: &Verdict, reason: Option<&str>, evidence: &Evidence, zh: bool) -> Result {
    let outcome = verdict.outcome();
    let code = verdict.code().map(|code| format!(" {code}")).unwrap_or_default();
    let act = act::known_to_issuer(verdict, evidence, zh);
    let (which, ask) = act.map_or_else(Default::default, |act| (format!(" {}", act.which), act.ask));
    if zh {
        writeln!(out, "{} {outcome}{code}{which}", outcome.zh())?;
    } else {
        writeln!(out, "{outcome}{code}{which}")?;
    }
    let sentence = if zh { verdict.zh() } else { verdict.en() };
    writeln!(out, "{}", advised(reason.unwrap_or(&sentence), advice(verdict.advice(), zh), zh))?;
    out.push_str(&ask);
    for check in verdict.checks() {
        check_line(out, check, verdict.basis(), zh)?;
    }
    for warning in verdict.warnings() {
        let (label, words) =
            if zh { ("提示", warning_zh(*warning)) } else { ("warning", warning_en(*warning)) };
        writeln!(out, "{label}: {warning} {words}")?;
    }
    basis(out, verdict.basis(), zh)?;
    match verdict.licence() {
        Some(licence) => content(out, licence, evidence, zh),
        None => Ok(()),
    }
}

/// A sentence and what to do, which is not said twice.
fn advised(sentence: &str, advice: &str, zh: bool) -> String {
    if sentence.to_lowercase().ends_with(&advice.to_lowercase()) {
        return sentence.to_owned();
    }
    format!("{sentence}{}{advice}", if zh { "。" } else { ". " })
}

/// One check: group, result, code in words, and how old the evidence is that decided.
pub(crate) fn check_line(out: &mut String, check: &Check, basis: &Basis, zh: bool) -> Result {
    write!(out, "  {:<8} {}", check.group.as_str(), if zh { group_zh(check.group) } else { "" })?;
    write!(out, "{}{}", if zh { " " } else { "" }, result(check.result, zh))?;
    if let Some(code) = check.code {
        write!(out, " {code} {}", if zh { code.zh() } else { code.en() })?;
    }
    if let Some((_, time)) = check.source {
        let old = age(basis.now.since(time), zh);
        write!(
            out,
            "{}",
            if zh { format!("（依据 {old}的数据）") } else { format!(" (evidence of {old})") }
        )?;
    }
    writeln!(out)
}

fn basis(out: &mut String, basis: &Basis, zh: bool) -> Result {
    let (policy, version) = &basis.policy;
    let label = |in_zh, in_en| if zh { in_zh } else { in_en };
    writeln!(out, "{}: {}", label("核验时间", "judged at"), basis.now)?;
    writeln!(out, "{}: {policy} v{version}", label("策略", "policy"))?;
    if let Some((version, _, time)) = &basis.trust_list {
        let old = age(basis.now.since(*time), zh);
        writeln!(out, "{}: v{version} {time} ({old})", label("信任列表", "trust list"))?;
    }
    if let Some((uri, time, _)) = &basis.status_list {
        let old = age(basis.now.since(*time), zh);
        writeln!(out, "{}: {uri} {time} ({old})", label("状态列表", "status list"))?;
    }
    if let Some(log) = &basis.log {
        let place = log.place.map(|place| format!(" #{} / {}", place.index, place.size)).unwrap_or_default();
        writeln!(out, "{}: {}{place}", label("日志", "log"), plain(&log.origin))?;
    }
    if let Some((version, _)) = &basis.catalogue {
        writeln!(out, "{}: v{version}", label("目录", "catalogue"))?;
    }
    Ok(())
}

fn content(out: &mut String, licence: &LicenceData, evidence: &Evidence, zh: bool) -> Result {
    let kind = evidence.catalogue().and_then(|catalogue| catalogue.licence_type(&licence.vct));
    let name = kind.map_or(licence.vct.as_str(), |kind| &kind.name);
    let label = |in_zh, in_en| if zh { in_zh } else { in_en };
    let noun = if licence.is_view { label("加注件", "view") } else { label("证照", "licence") };
    writeln!(out, "{noun}: {}", plain(name))?;
    writeln!(out, "  {}: {}", label("签发机构", "issuer"), authority(&licence.issuer, evidence))?;
    let Ok(map) = FieldMap::parse(&licence.fields) else { return Ok(()) };
    fields(out, &map, kind.and_then(|kind| kind.revision(map.revision())), true)
}

/// An authority by its name in the trust list, with its code.
pub(crate) fn authority(id: &str, evidence: &Evidence) -> String {
    match evidence.trust_list().and_then(|list| list.entry(id)) {
        Some(entry) => format!("{} ({})", plain(&entry.name), plain(id)),
        None => plain(id),
    }
}

/// The fields by their names in the catalogue; by number where the catalogue is not at hand. Without `full`, personal
/// ones are covered.
pub(crate) fn fields(
    out: &mut String,
    map: &FieldMap<'_>,
    revision: Option<&Revision>,
    full: bool,
) -> Result {
    for (key, value) in map.iter() {
        let field = revision.and_then(|revision| revision.field(key));
        let name = field.map_or_else(|| format!("#{key}"), |field| plain(&field.name));
        let covered = !full && words::is_personal(key, revision);
        writeln!(out, "  {name}: {}", if covered { COVERED.to_owned() } else { words::value(value) })?;
    }
    Ok(())
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

const fn group_zh(group: Group) -> &'static str {
    match group {
        Group::Format => "格式",
        Group::Crypto => "签名",
        Group::Issuer => "签发权限",
        Group::Time => "时间",
        Group::Schema => "内容规范",
        Group::Status => "状态",
        Group::Log => "日志",
        Group::Subject => "持证主体",
        Group::Policy => "事项要求",
    }
}

/// What to do next, as a sentence.
pub(crate) const fn advice(advice: Advice, zh: bool) -> &'static str {
    match (advice, zh) {
        (Advice::Rely, true) => "可以采信",
        (Advice::DoNotRely, true) => "请勿采信",
        (Advice::RefreshAndRetry, true) => "请先更新离线证据（sync）再核验",
        (Advice::Rescan, true) => "请重新扫描",
        (Advice::ReferToIssuer, true) => "请向签发机构核实",
        (Advice::ManualReview, true) => "请人工审核",
        (Advice::Rely, false) => "You may rely on it",
        (Advice::DoNotRely, false) => "Do not rely on it",
        (Advice::RefreshAndRetry, false) => "Refresh the evidence (sync) and try again",
        (Advice::Rescan, false) => "Scan again",
        (Advice::ReferToIssuer, false) => "Ask the issuing authority",
        (Advice::ManualReview, false) => "A person has to decide",
    }
}

const fn warning_zh(warning: Warning) -> &'static str {
    match warning {
        Warning::ExpiresSoon => "证照即将到期",
        Warning::Offline => "离线核验",
        Warning::StatusAge => "状态列表较旧",
        Warning::GraceUsed => "信任列表时间戳已过期，在宽限期内",
        Warning::LogPending => "没有日志证明",
        Warning::IssuerSucceeded => "签发机构已由其他机构承继",
        Warning::NewerVersion => "证照已有新版本",
        Warning::AlgorithmSunsetSoon => "签名算法即将停用",
        Warning::LogNotAsked => "未能查询签发机关的日志",
    }
}

const fn warning_en(warning: Warning) -> &'static str {
    match warning {
        Warning::ExpiresSoon => "the licence expires soon",
        Warning::Offline => "judged offline",
        Warning::StatusAge => "the status list is getting old",
        Warning::GraceUsed => "the trust timestamp has ended, within its grace",
        Warning::LogPending => "no log proof at hand",
        Warning::IssuerSucceeded => "another authority has succeeded the issuer",
        Warning::NewerVersion => "a newer version of the licence exists",
        Warning::AlgorithmSunsetSoon => "the algorithm will be switched off soon",
        Warning::LogNotAsked => "the log of the issuer could not be asked",
    }
}
