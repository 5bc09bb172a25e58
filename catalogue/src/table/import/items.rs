//! Sheets 事项, 材料 and 选择 to `service-items/*.toml`.

use std::collections::BTreeMap;

use super::types::whole;
use super::{by_file, fact, grounds, orphans, same, single};
use crate::table::CellFinding;
use crate::table::facts::{COMPARISON_WORDS, Facts, role};
use crate::table::rows::Row;
use crate::table::toml_text::{TomlText, array, quoted};

pub(super) fn build(
    made: &mut BTreeMap<String, TomlText>,
    items: &[Row],
    materials: &[Row],
    choices: &[Row],
    facts: &Facts<'_>,
    findings: &mut Vec<CellFinding>,
) {
    orphans("事项", items, materials, findings);
    orphans("事项", items, choices, findings);
    let materials = by_file(materials, findings);
    let choices = by_file(choices, findings);
    for (file, rows) in by_file(items, findings) {
        single(&rows, findings);
        let Some(row) = rows.first() else { continue };
        let mut out = TomlText::default();
        head(&mut out, row, facts);
        for choice in choices.get(file).into_iter().flatten() {
            out.line(choice.place("选择名称"), "[[choices]]");
            out.text(choice.place("选择名称"), "name", choice.text("选择名称"));
            let ways: Vec<String> =
                choice.lines("方式").map(|way| array(way.split('+').map(str::trim))).collect();
            out.line(choice.place("方式"), &format!("ways = [{}]", ways.join(", ")));
        }
        for group in groups(materials.get(file).map(Vec::as_slice).unwrap_or_default()) {
            same(&group, &["材料名称", "英文名称", "持证人角色", "接受地区", "最长天数"], findings);
            material(&mut out, &group, findings);
        }
        made.insert(format!("service-items/{file}.toml"), out);
    }
}

fn head(out: &mut TomlText, row: &Row, facts: &Facts<'_>) {
    out.text(row.place("事项编码"), "code", row.text("事项编码"));
    out.line(row.place("合成编码"), &format!("synthetic = {}", row.yes("合成编码")));
    for (title, key) in [
        ("事项名称", "name"),
        ("英文名称", "en"),
        ("事项领域", "area"),
        ("实施地区", "region"),
        ("用途", "purpose"),
        ("免提交方式", "method"),
        ("启用日期", "in_force"),
        ("停用日期", "until"),
    ] {
        if let Some(text) = row.get(title) {
            out.text(row.place(title), key, text);
        }
    }
    out.line(row.place("加注件秒数"), &format!("view_life_s = {}", whole(row.text("加注件秒数"))));
    fact(out, facts, row, "法律依据", "legal_basis");
    grounds(out, row);
}

/// The rows of each material, in the order of their first ones.
fn groups<'a>(rows: &[&'a Row]) -> Vec<Vec<&'a Row>> {
    let mut groups: Vec<Vec<&Row>> = Vec::new();
    for row in rows {
        let code = |group: &&mut Vec<&Row>| {
            group.first().is_some_and(|first| first.text("材料编码") == row.text("材料编码"))
        };
        match groups.iter_mut().find(code) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups
}

fn material(out: &mut TomlText, rows: &[&Row], findings: &mut Vec<CellFinding>) {
    let Some(first) = rows.first() else { return };
    out.line(first.place("材料编码"), "[[materials]]");
    out.text(first.place("材料编码"), "code", first.text("材料编码"));
    out.text(first.place("材料名称"), "name", first.text("材料名称"));
    out.text(first.place("英文名称"), "en", first.text("英文名称"));
    out.text(first.place("持证人角色"), "holder_role", role(first.text("持证人角色")));
    out.line(first.place("接受地区"), &format!("regions = {}", array(first.list("接受地区"))));
    if let Some(days) = first.get("最长天数") {
        out.line(first.place("最长天数"), &format!("max_age_days = {}", whole(days)));
    }
    for row in rows {
        out.line(row.place("证照类型代码"), "[[materials.any_of]]");
        out.text(row.place("证照类型代码"), "type", row.text("证照类型代码"));
        for (title, key) in [("必需信息项", "required"), ("可查看信息项", "permitted")] {
            out.line(row.place(title), &format!("{key} = {}", array(row.list(title))));
        }
        let reasons: Vec<String> =
            row.lines("敏感项理由").filter_map(|line| reason(row, line, findings)).collect();
        out.line(row.place("敏感项理由"), &format!("reasons = {{ {} }}", reasons.join(", ")));
        let all: Vec<String> = row.lines("条件").filter_map(|line| constraint(row, line, findings)).collect();
        out.line(row.place("条件"), &format!("constraints = [{}]", all.join(", ")));
    }
}

/// `信息项=理由` to `"信息项" = "理由"`.
fn reason(row: &Row, line: &str, findings: &mut Vec<CellFinding>) -> Option<String> {
    let parts = line.split_once('=').map(|(field, reason)| (field.trim(), reason.trim()));
    match parts {
        Some((field, reason)) if !field.is_empty() && !reason.is_empty() => {
            Some(format!("{} = {}", quoted(field), quoted(reason)))
        }
        _ => {
            let hint = "one line each: name of the field, =, reason";
            findings.push(row.place("敏感项理由").finding("reason", format!("“{line}”"), hint));
            None
        }
    }
}

/// `信息项 属于 甲|乙` and the like to an inline table.
fn constraint(row: &Row, line: &str, findings: &mut Vec<CellFinding>) -> Option<String> {
    let mut parts = line.splitn(3, ' ');
    let (field, word, value) =
        (parts.next()?, parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let key = COMPARISON_WORDS.iter().find(|(zh, _)| *zh == word).map(|(_, key)| *key);
    let number = !value.is_empty() && value.len() <= 15 && value.bytes().all(|b| b.is_ascii_digit());
    let value = match key {
        Some("one_of") => Some(array(value.split('|'))),
        Some("at_least" | "at_most") => number.then(|| whole(value).to_owned()),
        Some(_) if !value.is_empty() => Some(quoted(value)),
        _ => None,
    };
    let Some((key, value)) = key.zip(value) else {
        let hint = "one line each: field, blank, 属于/包含/不小于/不大于/不早于/不晚于, blank, value (several of 属于 with |)";
        findings.push(row.place("条件").finding("constraint", format!("“{line}”"), hint));
        return None;
    };
    Some(format!("{{ field = {}, {key} = {value} }}", quoted(field)))
}
