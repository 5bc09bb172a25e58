//! What changed in service items.

use std::collections::BTreeSet;

use licence_spec::catalogue::{Comparison, Content, Material, ServiceItem};
use licence_spec::time::CivilDate;

use super::{Changes, Effect, Entry, Fate, pairs};

/// Every item that differs, ascending by code.
pub(super) fn entries(before: &Content, after: &Content) -> Vec<Entry> {
    let of = |(old, new): (Option<&ServiceItem>, Option<&ServiceItem>)| {
        let named = new.or(old)?;
        let (fate, changes) = match (old, new) {
            (Some(old), Some(new)) => (Fate::Changed, changes((before, old), (after, new))),
            (None, _) => (Fate::Added, Changes::default()),
            (_, None) => (Fate::Removed, Changes::default()),
        };
        let accepted: BTreeSet<&String> =
            old.into_iter().chain(new).flat_map(|item| &item.accepts).map(|accepted| &accepted.vct).collect();
        (fate != Fate::Changed || !changes.0.is_empty()).then(|| Entry {
            id: named.code.clone(),
            name: named.name.clone(),
            fate,
            changes: changes.0,
            touches: accepted.into_iter().cloned().collect(),
        })
    };
    pairs(&before.service_items, &after.service_items, |s| s.code.as_str())
        .into_iter()
        .filter_map(of)
        .collect()
}

fn changes((before, old): (&Content, &ServiceItem), (after, new): (&Content, &ServiceItem)) -> Changes {
    let mut found = Changes::default();
    let mut compare = |path: &str, names, effect, of: fn(&ServiceItem) -> Option<String>| {
        found.compare(path, names, effect, of(old), of(new));
    };
    compare("name", ("名称", "name"), Effect::Words, |s| Some(s.name.clone()));
    compare("purpose", ("用途", "purpose"), Effect::Use, |s| s.purpose.clone());
    compare("method", ("免提交方式", "method"), Effect::Use, |s| s.method.map(|m| m.zh().to_owned()));
    compare("in_force", ("有效期", "period in force"), Effect::Use, |s| period(s.in_force));
    compare("view_life_s", ("加注件有效秒数", "longest view life in seconds"), Effect::Use, |s| {
        Some(s.longest_view_life_s.to_string())
    });
    compare("choices", ("选择", "choices"), Effect::Use, choices);
    found.compare_pairs("metadata", ("元数据", "metadata"), |_| Effect::Words, &old.metadata, &new.metadata);
    let sorted = |item: &ServiceItem| {
        let mut accepts = item.accepts.clone();
        accepts.sort_by(|a, b| a.vct.cmp(&b.vct));
        accepts
    };
    let (old_accepts, new_accepts) = (sorted(old), sorted(new));
    for (was, is) in pairs(&old_accepts, &new_accepts, |accepted| accepted.vct.as_str()) {
        let Some(named) = was.or(is) else { continue };
        let name = after.licence_type(&named.vct).or(before.licence_type(&named.vct)).map_or("", |t| &t.name);
        let names = (format!("可查看的“{name}”信息项"), format!("fields of {name} that may be seen"));
        let path = format!("accepts/{}", named.vct);
        let seen = |content, keys: &[u8]| fields(content, &named.vct, keys);
        let (was, is) = (was.map(|a| seen(before, &a.fields)), is.map(|a| seen(after, &a.fields)));
        found.compare(path, (&names.0, &names.1), Effect::Use, was, is);
    }
    for (was, is) in pairs(&old.materials, &new.materials, |material| material.code.as_str()) {
        material(&mut found, was.map(|m| (before, m)), is.map(|m| (after, m)));
    }
    found
}

fn material(found: &mut Changes, old: Option<(&Content, &Material)>, new: Option<(&Content, &Material)>) {
    let Some((_, named)) = new.or(old) else { return };
    let (path, code) = (format!("materials/{}", named.code), &named.code);
    let (Some((before, was)), Some((after, is))) = (old, new) else {
        let names = (format!("材料 {code} "), format!("material {code}"));
        let name = |side: Option<(&Content, &Material)>| side.map(|(_, m)| m.name.clone());
        found.compare(path, (&names.0, &names.1), Effect::Use, name(old), name(new));
        return;
    };
    let mut compare = |part: &str, zh: &str, en: &str, effect, was: Option<String>, is: Option<String>| {
        let names = (format!("材料 {code} 的{zh}"), format!("{en} of material {code}"));
        found.compare(format!("{path}/{part}"), (&names.0, &names.1), effect, was, is);
    };
    let role = |m: &Material| Some(format!("{:?}", m.holder_role));
    compare("name", "名称", "name", Effect::Words, Some(was.name.clone()), Some(is.name.clone()));
    compare("en", "英文名称", "English name", Effect::Words, was.en.clone(), is.en.clone());
    compare("holder_role", "持证人角色", "holder role", Effect::Use, role(was), role(is));
    let regions = |m: &Material| Some(m.regions.join(" "));
    compare("regions", "接受地区", "regions", Effect::Use, regions(was), regions(is));
    let age = |m: &Material| m.max_age_days.map(|days| days.to_string());
    compare("max_age_days", "最长天数", "greatest age in days", Effect::Use, age(was), age(is));
    compare(
        "any_of",
        "可用证照",
        "licences",
        Effect::Use,
        alternatives(before, was),
        alternatives(after, is),
    );
    compare(
        "constraints",
        "条件",
        "constraints",
        Effect::Use,
        constraints(before, was),
        constraints(after, is),
    );
}

fn period((from, until): (Option<CivilDate>, Option<CivilDate>)) -> Option<String> {
    let end = |day: Option<CivilDate>| day.map_or_else(|| "…".to_owned(), |day| day.to_string());
    (from.is_some() || until.is_some()).then(|| format!("{} – {}", end(from), end(until)))
}

fn choices(item: &ServiceItem) -> Option<String> {
    let way = |way: &Vec<String>| way.join("+");
    let choice = |choice: &licence_spec::catalogue::Choice| {
        format!("{}: {}", choice.name, choice.ways.iter().map(way).collect::<Vec<_>>().join(" | "))
    };
    let all: Vec<_> = item.choices.iter().map(choice).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

fn alternatives(content: &Content, material: &Material) -> Option<String> {
    let one = |a: &licence_spec::catalogue::Alternative| {
        format!("{}（{}）", a.vct, fields(content, &a.vct, &a.required))
    };
    Some(material.alternatives.iter().map(one).collect::<Vec<_>>().join("、"))
}

fn constraints(content: &Content, material: &Material) -> Option<String> {
    let one = |c: &licence_spec::catalogue::Constraint| {
        let what = match &c.comparison {
            Comparison::OneOf(texts) => format!("one of {}", texts.join("|")),
            Comparison::Contains(part) => format!("contains {part}"),
            Comparison::AtLeast(least) => format!(">= {least}"),
            Comparison::AtMost(most) => format!("<= {most}"),
            Comparison::NotBefore(day) => format!(">= {day}"),
            Comparison::NotAfter(day) => format!("<= {day}"),
        };
        format!("{} {} {what}", c.vct, fields(content, &c.vct, &[c.key]))
    };
    let all: Vec<_> = material.constraints.iter().map(one).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

/// Names of fields, as the newest revision that lists them has them.
fn fields(content: &Content, vct: &str, keys: &[u8]) -> String {
    let revisions = content.licence_type(vct).map(|t| t.revisions.as_slice()).unwrap_or_default();
    let name = |key: &u8| {
        let field = revisions.iter().rev().find_map(|r| r.field(*key));
        field.map_or_else(|| key.to_string(), |field| field.name.clone())
    };
    keys.iter().map(name).collect::<Vec<_>>().join("、")
}
