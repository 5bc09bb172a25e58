//! `authorities/*.toml` to [`Authority`].

use licence_spec::catalogue::{LicenceType, is_region};
use licence_spec::identifiers::{CreditCode, NodeId};
use licence_spec::time::CivilDate;

use super::Check;
use crate::source::{AuthoritiesFile, AuthorityEntry, File};
use crate::{Authority, Finding, KeyRole};

/// All authorities, in the order of files.
pub(super) fn resolve(
    files: &[File<AuthoritiesFile>],
    types: &[LicenceType],
    findings: &mut Vec<Finding>,
) -> Vec<Authority> {
    let mut authorities: Vec<Authority> = Vec::new();
    for file in files {
        let mut check = Check { file, findings };
        let AuthoritiesFile { node, host, authorities: entries } = &file.content;
        if NodeId::parse(node.get_ref()).is_err() {
            check.at(node, "node", "not a node id", "a division code such as 440100 (spec/domain.md §11)");
        }
        if !is_host(host.get_ref()) {
            check.at(host, "host", "not a host name", "[a-z0-9.-], optional :port");
        }
        for entry in entries {
            authority(&mut check, entry, types);
            if authorities.iter().any(|a| a.code == *entry.code.get_ref()) {
                check.at(
                    &entry.code,
                    "duplicate-authority",
                    "the code stands twice",
                    "one entry an authority",
                );
            }
            let catalogue = |a: &Authority| a.has(KeyRole::Catalogue);
            if entry.roles.contains(&KeyRole::Catalogue) && authorities.iter().any(catalogue) {
                check.at(&entry.code, "publisher", "a second catalogue publisher", "the province has one");
            }
            authorities.push(build(node.get_ref(), host.get_ref(), entry, types));
        }
    }
    for file in files {
        let mut check = Check { file, findings };
        for entry in &file.content.authorities {
            succession(&mut check, entry, &authorities);
            rivals(&mut check, entry, &authorities);
        }
    }
    authorities
}

/// Within one node, a type is issued for a place by one authority at a time.
fn rivals(check: &mut Check<'_, AuthoritiesFile>, entry: &AuthorityEntry, all: &[Authority]) {
    let Some(at) = all.iter().position(|a| a.code == *entry.code.get_ref()) else { return };
    let Some((own, before)) = all.get(at).zip(all.get(..at)) else { return };
    for rival in before.iter().filter(|rival| rival.node == own.node && at_one_time(rival, own)) {
        let within = |a: &String, b: &String| a == "*" || b.starts_with(a.as_str());
        let meet = own.regions.iter().any(|a| rival.regions.iter().any(|b| within(a, b) || within(b, a)));
        for vct in own.vcts.iter().filter(|vct| meet && rival.vcts.contains(vct)) {
            let message = format!("{vct} is issued by {} for the same place, too", rival.name);
            check.at(
                &entry.code,
                "rival-issuers",
                message,
                "one authority of a node issues a type for a place",
            );
        }
    }
}

fn at_one_time(a: &Authority, b: &Authority) -> bool {
    let ends_before = |a: &Authority, b: &Authority| a.until.is_some_and(|end| Some(end) < b.in_force);
    !ends_before(a, b) && !ends_before(b, a)
}

/// Dates in force, and that nobody is in force together with the authority that it succeeded.
fn succession(check: &mut Check<'_, AuthoritiesFile>, entry: &AuthorityEntry, all: &[Authority]) {
    let mut from = None;
    for (day, is_start) in [(&entry.in_force, true), (&entry.until, false)] {
        let Some(day) = day else { continue };
        let date = CivilDate::parse(day.get_ref());
        if date.is_none() || (!is_start && date < from) {
            check.at(day, "dates", "not a real day, or until lies before in_force", "YYYY-MM-DD");
        }
        from = if is_start { date } else { from };
    }
    let Some(predecessor) = &entry.predecessor else { return };
    match all.iter().find(|a| a.code == *predecessor.get_ref()) {
        None => {
            let message = format!("no authority {}", predecessor.get_ref());
            check.at(predecessor, "unknown-authority", message, "keep the entry of the predecessor");
        }
        Some(old) if old.until.is_none() || from.is_none() || old.until >= from => {
            let message = "the predecessor is still in force when this authority begins";
            check.at(
                predecessor,
                "overlapping-dates",
                message,
                "end the predecessor the day before in_force",
            );
        }
        Some(_) => {}
    }
}

fn authority(check: &mut Check<'_, AuthoritiesFile>, entry: &AuthorityEntry, types: &[LicenceType]) {
    if let Err(error) = CreditCode::parse(entry.code.get_ref()) {
        check.at(&entry.code, "authority-code", error.to_string(), "18 characters, both check digits right");
    }
    if entry.name.is_empty() || entry.en.is_empty() || entry.source.is_empty() {
        check.at(&entry.code, "name-missing", "name, en or source is missing", "give all three");
    }
    // A signed licence shows the name alone: an invented code must not stand beside a real office.
    if entry.synthetic && !entry.name.contains("示例") {
        check.at(
            &entry.code,
            "synthetic-name",
            "a synthetic code under a real name",
            "put 示例 into the name",
        );
    }
    let issues = entry.roles.contains(&KeyRole::Licence);
    if entry.roles.is_empty()
        || issues == entry.issues.is_empty()
        || issues != entry.roles.contains(&KeyRole::Status)
    {
        let hint = "who issues has the roles licence and status and a list of types; others have neither";
        check.at(&entry.code, "roles", "the roles do not fit the types that it issues", hint);
    }
    if entry.regions.is_empty() {
        check.at(&entry.code, "region", "no region", "give area-code prefixes");
    }
    for region in entry.regions.iter().filter(|r| !is_region(r.get_ref())) {
        check.at(region, "region", "not a prefix of an area code", "2 to 12 digits, or *");
    }
    for code in &entry.issues {
        match types.iter().find(|t| t.code() == code.get_ref()) {
            None => {
                check.at(code, "unknown-type", format!("no type {}", code.get_ref()), "add its file first")
            }
            Some(t) if t.is_reference_only() => {
                check.at(code, "reference-only", format!("{} is issued elsewhere", t.name), "take it out");
            }
            Some(_) => {}
        }
    }
}

fn build(node: &str, host: &str, entry: &AuthorityEntry, types: &[LicenceType]) -> Authority {
    let owned =
        |texts: &[toml::Spanned<String>]| texts.iter().map(|t| t.get_ref().clone()).collect::<Vec<_>>();
    let codes = owned(&entry.issues);
    let date =
        |day: &Option<toml::Spanned<String>>| day.as_ref().and_then(|day| CivilDate::parse(day.get_ref()));
    Authority {
        code: entry.code.get_ref().clone(),
        synthetic: entry.synthetic,
        name: entry.name.clone(),
        en: entry.en.clone(),
        node: node.into(),
        host: host.into(),
        roles: entry.roles.clone(),
        in_force: date(&entry.in_force),
        until: date(&entry.until),
        predecessor: entry.predecessor.as_ref().map(|code| code.get_ref().clone()),
        regions: owned(&entry.regions),
        vcts: types.iter().filter(|t| codes.iter().any(|c| c == t.code())).map(|t| t.vct.clone()).collect(),
    }
}

/// A host of the trust list (spec/trust-list.md): first and last character a letter or digit, optional port.
fn is_host(host: &str) -> bool {
    let (name, port) = host.split_once(':').unwrap_or((host, "1"));
    let edge = |b: Option<&u8>| b.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    edge(bytes.first())
        && edge(bytes.last())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-')
        && port.parse::<u16>().is_ok_and(|port| port > 0)
}
