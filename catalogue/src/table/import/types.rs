//! Sheets 证照类型, 版次 and 信息项 to `licence-types/*.toml`.

use std::collections::BTreeMap;

use super::{by_file, fact, orphans, single};
use crate::table::CellFinding;
use crate::table::facts::{Facts, kind, state};
use crate::table::rows::Row;
use crate::table::toml_text::{TomlText, array, quoted};

/// Title and key of each fact, in the order of the file.
const FACTS: [(&str, &str); 12] = [
    ("证照类型代码", "code"),
    ("省目录基本码", "provincial_code"),
    ("证照类型名称", "name"),
    ("证照种类", "kind"),
    ("定义机构代码", "defining_code"),
    ("定义机构", "authority"),
    ("定义机构级别", "defining_level"),
    ("持证主体类别", "holder"),
    ("有效期规则", "validity"),
    ("颁发机构级别", "issuing_level"),
    ("持证主体数量", "holders"),
    ("法律依据", "legal_basis"),
];

pub(super) fn build(
    made: &mut BTreeMap<String, TomlText>,
    types: &[Row],
    revisions: &[Row],
    fields: &[Row],
    facts: &Facts<'_>,
    findings: &mut Vec<CellFinding>,
) {
    orphans("证照类型", types, revisions, findings);
    orphans("证照类型", types, fields, findings);
    let revisions = by_file(revisions, findings);
    let fields = by_file(fields, findings);
    for (file, rows) in by_file(types, findings) {
        single(&rows, findings);
        let Some(row) = rows.first() else { continue };
        let mut out = TomlText::default();
        FACTS.iter().for_each(|(title, key)| fact(&mut out, facts, row, title, key));
        out.text(row.place("英文名称"), "en", row.text("英文名称"));
        out.line(row.place("仅引用"), &format!("reference_only = {}", row.yes("仅引用")));
        let own = revisions.get(file).map(Vec::as_slice).unwrap_or_default();
        if own.is_empty() {
            out.line(row.place("文件"), "revisions = []");
        }
        let fields = fields.get(file).map(Vec::as_slice).unwrap_or_default();
        let mut known = Vec::new();
        for revision_row in own {
            let number = revision_row.text("版次");
            let of_this = |field: &&&Row| field.text("版次") == number && !known.contains(&number);
            let fields: Vec<&Row> = fields.iter().filter(of_this).copied().collect();
            revision(&mut out, revision_row, &fields, facts);
            known.push(number);
        }
        for field in fields.iter().filter(|field| !known.contains(&field.text("版次"))) {
            let message = format!("{file} has no revision {}", field.text("版次"));
            findings.push(field.place("版次").finding(
                "unknown-revision",
                message,
                "add it to the sheet 版次",
            ));
        }
        made.insert(format!("licence-types/{file}.toml"), out);
    }
}

fn revision(out: &mut TomlText, row: &Row, fields: &[&Row], facts: &Facts<'_>) {
    let number = row.text("版次");
    out.line(row.place("文件"), "[[revisions]]");
    out.line(row.place("版次"), &format!("number = {}", whole(number)));
    out.line(row.place("通用项组"), &format!("common = {}", whole(row.text("通用项组"))));
    out.text(row.place("启用日期"), "in_force", row.text("启用日期"));
    let (item, days) = (format!("最长有效天数 {number}"), whole(row.text("最长有效天数")));
    out.line(row.place("最长有效天数"), &facts.line(row.text("文件"), &item, "longest_life_days", days));
    out.line(row.place("必填通用项"), &format!("mandatory = {}", array(row.list("必填通用项"))));
    out.line(row.place("文件"), "fields = [");
    for field in fields {
        out.line(field.place("键"), &entry(field));
    }
    out.line(row.place("文件"), "]");
}

fn entry(row: &Row) -> String {
    let flags = [("必填", "required"), ("敏感", "sensitive"), ("照面", "face")];
    let flags = flags.iter().filter(|(title, _)| row.yes(title)).map(|(_, flag)| *flag);
    let mut line = format!(
        "    {{ key = {}, name = {}, en = {}, kind = {}, max = {}, flags = {}, options = {}, state = {}, source = {}",
        whole(row.text("键")),
        quoted(row.text("名称")),
        quoted(row.text("英文名称")),
        quoted(kind(row.text("数据类型"))),
        whole(row.text("最大长度")),
        array(flags),
        array(row.lines("可选值")),
        quoted(state(row.text("依据状态"))),
        quoted(row.text("来源")),
    );
    if let Some(note) = row.get("说明") {
        line.push_str(", note = ");
        line.push_str(&quoted(note));
    }
    line.push_str(" },");
    line
}

/// A whole number as TOML writes it: without leading zeros.
pub(super) fn whole(text: &str) -> &str {
    match text.trim_start_matches('0') {
        "" => "0",
        digits => digits,
    }
}
