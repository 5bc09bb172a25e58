//! `show`: what does this file say? Nothing is judged, and every line of output says so by its first.
//!
//! Personal data is covered unless `--full` asks for it: a look at a file is no use of a licence.

use std::fmt::Write as _;

use anyhow::Context as _;
use licence_spec::credential::{Credential, FieldMap, Value};
use licence_spec::evidence::Evidence;
use licence_spec::qr::{self, QrContent};
use licence_spec::receipt;
use licence_spec::status::StatusToken;
use licence_spec::time::UnixTime;
use licence_spec::view::View;
use serde_json::{Map, json};

use crate::arguments::{Format, ShowOptions};
use crate::input::{self, Presented};
use crate::place::Place;
use crate::words::{self, COVERED, plain};
use crate::{Failure, Report, evidence, pin};

/// The last second that the standard knows: nothing held was signed after it.
const ANY_TIME: UnixTime = UnixTime(253_402_300_799);
/// Exit code for something that is none of the known objects.
const UNKNOWN: u8 = 3;

/// Shows a file.
pub(crate) fn run(options: &ShowOptions) -> Result<Report, Failure> {
    let presented = input::read(&options.file)?;
    // The catalogue gives the fields their names; nothing else of the evidence is used, and no clock is asked.
    let loaded = evidence::load(&Place::of(&options.place)?, pin::of(&options.place)?, ANY_TIME, true)?;
    let mut notes = Vec::new();
    let object = match presented {
        Presented::Bytes(bytes) => Shown::of_bytes(&bytes, &loaded.evidence, options.full),
        Presented::Text(text) => match qr::read(&text) {
            Ok(QrContent::Object(bytes)) => Shown::of_bytes(&bytes, &loaded.evidence, options.full),
            Ok(QrContent::Reference(reference)) => {
                let mut shown = Shown::new("reference");
                shown.add("host", "所在节点", &reference.host);
                shown.add("licence", "证照摘要", &hex::encode(reference.digest));
                Some(shown)
            }
            Err(_) => None,
        },
        Presented::Unclear(note) => {
            notes.push(note.to_owned());
            None
        }
    };
    let exit = if object.is_some() { 0 } else { UNKNOWN };
    let object = object.unwrap_or_else(|| Shown::new("unknown"));
    let text = match options.output.format {
        Format::Json => serde_json::to_string(&object.json()).context("JSON")? + "\n",
        Format::Text => object.text(options.output.zh()),
    };
    Ok(Report { text, notes, exit })
}

/// An object as lines: a name for programs, a name for people, a value.
struct Shown {
    kind: &'static str,
    lines: Vec<(String, String, String)>,
    fields: Vec<(u8, String, String)>,
}

impl Shown {
    const fn new(kind: &'static str) -> Shown {
        Shown { kind, lines: Vec::new(), fields: Vec::new() }
    }

    fn of_bytes(bytes: &[u8], evidence: &Evidence, full: bool) -> Option<Shown> {
        Shown::licence(bytes, evidence, full)
            .or_else(|| Shown::view(bytes, evidence, full))
            .or_else(|| Shown::receipt(bytes, full))
            .or_else(|| Shown::token(bytes))
    }

    fn licence(bytes: &[u8], evidence: &Evidence, full: bool) -> Option<Shown> {
        let licence = Credential::parse(bytes).ok()?;
        let mut shown = Shown::new("licence");
        shown.head(licence.vct, licence.iss, evidence);
        shown.times(licence.iat, Some(licence.nbf), licence.exp);
        if let Some(status) = licence.status {
            shown.add("status", "状态列表", &format!("{} #{}", status.uri, status.index));
        }
        let proof = if licence.object.log_proof().is_some() { "yes" } else { "no" };
        shown.add("log_proof", "日志证明", proof);
        shown.add("digest", "证照摘要", &hex::encode(licence.object.statement_digest()));
        shown.add_fields(licence.vct, &licence.fields, evidence, full);
        Some(shown)
    }

    fn view(bytes: &[u8], evidence: &Evidence, full: bool) -> Option<Shown> {
        let view = View::parse(bytes).ok()?;
        let mut shown = Shown::new("view");
        shown.head(view.vct, view.iss, evidence);
        shown.times(view.iat, None, view.exp);
        shown.add("audience", "接收单位", view.aud);
        shown.add("service_item", "事项", view.grounds.service_item);
        shown.add("case_number", "办件编号", if full { view.grounds.case_number } else { COVERED });
        shown.add("licence", "证照摘要", &hex::encode(view.grounds.licence));
        shown.add_fields(view.vct, &view.fields, evidence, full);
        Some(shown)
    }

    fn receipt(bytes: &[u8], full: bool) -> Option<Shown> {
        let receipt = receipt::open(bytes).ok()?;
        let mut shown = Shown::new("receipt");
        let code = receipt.code().map(|code| format!(" {code}")).unwrap_or_default();
        shown.add("verdict", "所载结论", &format!("{}{code}", receipt.outcome()));
        shown.add("issuer", "核验节点", receipt.issuer());
        shown.add("issued_at", "核验时间", &receipt.issued_at().to_string());
        shown.add("audience", "申请单位", receipt.audience());
        shown.add("service_item", "事项", receipt.service_item());
        shown.add("case_number", "办件编号", if full { receipt.case_number() } else { COVERED });
        shown.add("licence", "证照摘要", &hex::encode(receipt.digests().licence));
        Some(shown)
    }

    fn token(bytes: &[u8]) -> Option<Shown> {
        let token = StatusToken::parse(bytes).ok()?;
        let mut shown = Shown::new("status_list");
        shown.add("uri", "列表", token.uri());
        shown.times(token.iat(), None, token.exp());
        shown.add("entries", "条目数", &token.array().len().to_string());
        Some(shown)
    }

    fn add(&mut self, name: &str, zh: &str, value: &str) {
        self.lines.push((name.to_owned(), zh.to_owned(), plain(value)));
    }

    fn head(&mut self, vct: &str, issuer: &str, evidence: &Evidence) {
        let kind = evidence.catalogue().and_then(|catalogue| catalogue.licence_type(vct));
        let name = kind.map(|kind| format!("{} ", kind.name)).unwrap_or_default();
        self.add("type", "类型", &format!("{name}{vct}"));
        self.add("issuer", "所称签发机构", issuer);
    }

    fn times(&mut self, issued: UnixTime, from: Option<UnixTime>, until: UnixTime) {
        self.add("issued_at", "签名时间", &issued.to_string());
        if let Some(from) = from {
            self.add("not_before", "生效", &from.to_string());
        }
        self.add("expires_at", "截止", &until.to_string());
    }

    fn add_fields(&mut self, vct: &str, map: &FieldMap<'_>, evidence: &Evidence, full: bool) {
        let kind = evidence.catalogue().and_then(|catalogue| catalogue.licence_type(vct));
        let revision = kind.and_then(|kind| kind.revision(map.revision()));
        for (key, value) in map.iter() {
            let field = revision.and_then(|revision| revision.field(key));
            let name = field.map_or_else(|| format!("#{key}"), |field| plain(&field.name));
            let covered = !full && words::is_personal(key, revision);
            self.fields.push((key, name, if covered { COVERED.to_owned() } else { shown_value(value) }));
        }
    }

    fn text(&self, zh: bool) -> String {
        let first = if zh { "未核验 NOT VERIFIED" } else { "NOT VERIFIED" };
        let mut out = format!("{first} {}\n", self.kind);
        for (name, in_zh, value) in &self.lines {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "  {}: {value}", if zh { in_zh } else { name });
        }
        for (_, name, value) in &self.fields {
            let _ = writeln!(out, "  {name}: {value}");
        }
        out
    }

    fn json(&self) -> serde_json::Value {
        let lines: Map<_, _> =
            self.lines.iter().map(|(name, _, value)| (name.clone(), json!(value))).collect();
        let fields: Map<_, _> = self
            .fields
            .iter()
            .map(|(key, name, value)| (key.to_string(), json!({"name": name, "value": value})))
            .collect();
        json!({ "verified": "not_verified", "kind": self.kind, "content": lines, "fields": fields })
    }
}

fn shown_value(value: &Value<'_>) -> String {
    words::value(value)
}
