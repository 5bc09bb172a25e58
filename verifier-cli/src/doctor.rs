//! `doctor`: what ails the evidence, and what to do? The clock first, as it is the cause of most odd verdicts.

use anyhow::Context as _;
use licence_spec::bundle;
use licence_spec::evidence::{Evidence, Trust};
use licence_spec::numbers::CLOCK_SKEW_S;
use licence_spec::suite::Digest;
use licence_spec::time::UnixTime;
use serde::Serialize;

use crate::arguments::{DoctorOptions, Format};
use crate::evidence::Loaded;
use crate::place::Place;
use crate::words::{age, duration, plain};
use crate::{Failure, Report, evidence, moment, pin};

/// Exit code when something wants attention.
const AILING: u8 = 2;
/// A part that has lived all but this share of its life is named: there is still time to act.
const LAST_SHARE: i64 = 4;

/// Examines clock and evidence.
pub(crate) fn run(options: &DoctorOptions) -> Result<Report, Failure> {
    let now = moment(options.at.as_deref())?;
    let place = Place::of(&options.place)?;
    let pin = pin::of(&options.place)?;
    let loaded = evidence::load(&place, pin, now, false)?;
    let zh = options.output.zh();
    let findings = Examination { now, zh, pin, findings: Vec::new() }.of(&loaded, &place);
    let ailing = findings.iter().any(|finding| finding.state.ails());
    let text = match options.output.format {
        Format::Json => serde_json::to_string(&findings).context("JSON")? + "\n",
        Format::Text => text(&findings, ailing, zh),
    };
    Ok(Report { text, notes: loaded.notes, exit: if ailing { AILING } else { 0 } })
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Good,
    EndsSoon,
    Ended,
    Missing,
    Refused,
}

impl State {
    const fn ails(self) -> bool {
        !matches!(self, State::Good | State::EndsSoon)
    }

    const fn word(self, zh: bool) -> &'static str {
        match (self, zh) {
            (State::Good, true) => "正常 GOOD",
            (State::EndsSoon, true) => "将到期 ENDS_SOON",
            (State::Ended, true) => "已过期 ENDED",
            (State::Missing, true) => "缺少 MISSING",
            (State::Refused, true) => "被拒 REFUSED",
            (State::Good, false) => "GOOD",
            (State::EndsSoon, false) => "ENDS_SOON",
            (State::Ended, false) => "ENDED",
            (State::Missing, false) => "MISSING",
            (State::Refused, false) => "REFUSED",
        }
    }
}

/// One part, how it is, and what to do.
#[derive(Serialize)]
struct Finding {
    part: String,
    state: State,
    detail: String,
    #[serde(rename = "do")]
    remedy: Option<String>,
}

struct Examination {
    now: UnixTime,
    zh: bool,
    pin: Option<Digest>,
    findings: Vec<Finding>,
}

impl Examination {
    fn of(mut self, loaded: &Loaded, place: &Place) -> Vec<Finding> {
        self.clock(&loaded.evidence);
        self.trust(loaded, place);
        self.catalogue(loaded);
        self.tokens(&loaded.evidence);
        self.findings
    }

    fn word(&self, zh: &str, en: &str) -> String {
        if self.zh { zh.to_owned() } else { en.to_owned() }
    }

    fn add(&mut self, part: &str, state: State, detail: String, remedy: Option<String>) {
        self.findings.push(Finding { part: part.to_owned(), state, detail, remedy });
    }

    fn sync(&self) -> Option<String> {
        Some(self.word("请运行 licence-verify sync", "run licence-verify sync"))
    }

    fn clock(&mut self, evidence: &Evidence) {
        let newest = evidence.trust_files().map(|files| files.newest_iat());
        let behind = newest.filter(|newest| self.now.plus(CLOCK_SKEW_S) < *newest);
        match behind {
            Some(newest) => {
                let detail = self.word(
                    &format!("{}，早于最新签名时间 {newest}", self.now),
                    &format!("{}, behind the newest signed time {newest}", self.now),
                );
                let remedy = self.word("请校准本机时钟", "set this machine's clock");
                self.add("clock", State::Refused, detail, Some(remedy));
            }
            None => self.add("clock", State::Good, self.now.to_string(), None),
        }
    }

    fn trust(&mut self, loaded: &Loaded, place: &Place) {
        let files = match loaded.evidence.trust() {
            Trust::Held(files) => files,
            Trust::Unavailable => {
                return self.add("trust", State::Missing, place.bundle.display().to_string(), self.sync());
            }
            Trust::Refused(code) => {
                let detail = format!("{code} {}", if self.zh { code.zh() } else { code.en() });
                if let Some(remedy) = loaded.how_to_pin(self.zh) {
                    return self.add("trust", State::Refused, detail, Some(remedy));
                }
                let pinned = self.pin.as_ref().map(pin::shown).unwrap_or_default();
                let remedy = self.word(
                    &format!("勿用此证据；固定的信任根为 {pinned}"),
                    &format!("do not use this bundle; the pinned root is {pinned}"),
                );
                return self.add("trust", State::Refused, detail, Some(remedy));
            }
        };
        let root = files.root().content();
        self.dated("trust/root", root.version, root.iat, root.exp);
        match (files.list(), files.vouching()) {
            (Some(list), Some(timestamp)) => {
                let (list, timestamp) = (list.content(), timestamp.content());
                self.dated(bundle::LIST, list.version, list.iat, list.exp);
                self.dated(bundle::TIMESTAMP, timestamp.version, timestamp.iat, timestamp.exp);
            }
            _ => self.add(bundle::LIST, State::Missing, String::new(), self.sync()),
        }
    }

    fn catalogue(&mut self, loaded: &Loaded) {
        match loaded.evidence.catalogue() {
            Some(catalogue) => {
                let old = age(self.now.since(catalogue.content().issued_at), self.zh);
                self.add(bundle::CATALOGUE, State::Good, format!("v{} {old}", catalogue.version()), None);
            }
            None => self.add(bundle::CATALOGUE, State::Missing, String::new(), self.sync()),
        }
    }

    fn tokens(&mut self, evidence: &Evidence) {
        let mut tokens = evidence.tokens().peekable();
        if tokens.peek().is_none() {
            return self.add("status", State::Missing, String::new(), self.sync());
        }
        for held in tokens {
            let token = held.token();
            let part = plain(token.uri());
            if held.signer().is_none() || held.is_rolled_back() {
                let detail = self
                    .word("签名者不可信，或比已见的旧", "untrusted signer, or older than the newest seen");
                self.add(&part, State::Refused, detail, self.sync());
            } else {
                self.ending(&part, String::new(), token.iat(), token.exp());
            }
        }
    }

    fn dated(&mut self, part: &str, version: u64, iat: UnixTime, exp: UnixTime) {
        self.ending(part, format!("v{version} "), iat, exp);
    }

    /// A part with an end: its age, and how long it still lasts.
    fn ending(&mut self, part: &str, version: String, iat: UnixTime, exp: UnixTime) {
        let left = exp.since(self.now);
        let state = match left {
            left if left <= 0 => State::Ended,
            left if left.saturating_mul(LAST_SHARE) <= exp.since(iat) => State::EndsSoon,
            _ => State::Good,
        };
        let span = duration(left, self.zh);
        let end = match (left <= 0, self.zh) {
            (false, true) => format!("还剩 {span}"),
            (false, false) => format!("{span} left"),
            (true, true) => format!("已过期 {span}"),
            (true, false) => format!("ended {span} ago"),
        };
        let old = age(self.now.since(iat), self.zh);
        let comma = if self.zh { "，" } else { ", " };
        let remedy = if state == State::Good { None } else { self.sync() };
        self.add(part, state, format!("{version}{old}{comma}{end}"), remedy);
    }
}

fn text(findings: &[Finding], ailing: bool, zh: bool) -> String {
    let first = match (ailing, zh) {
        (false, true) => "可以核验 READY",
        (true, true) => "需要处理 NOT READY",
        (false, false) => "READY",
        (true, false) => "NOT READY",
    };
    let line = |finding: &Finding| {
        let arrow = finding.remedy.as_ref().map(|remedy| format!(" → {remedy}")).unwrap_or_default();
        format!("  {} {} {}{arrow}\n", finding.state.word(zh), finding.part, finding.detail)
    };
    format!("{first}\n{}", findings.iter().map(line).collect::<String>())
}
