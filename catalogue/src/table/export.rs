//! The publisher's files to a workbook of the template: the way back of [`super::import`].

use toml::Spanned;

use super::facts::zh;
use super::template::{
    AUTHORITIES, CHOICES, FACTS, FIELDS, ITEMS, MATERIALS, REVISIONS, SHEETS, TYPES, Template,
};
use super::{Cell, Sheet};
use crate::load::Parsed;
use crate::source::{
    AlternativeEntry, AuthoritiesFile, ConstraintEntry, Fact, FieldEntry, File, FlagName, KindName,
    MaterialEntry, ServiceItemFile, State, TypeFile,
};
use crate::{Finding, Findings};

/// Writes types, authorities and service items of these files as sheets. `common-fields.toml` and worked cases stand in
/// no sheet: they stay files.
///
/// # Errors
/// [`Findings`] if a file cannot be read, or holds what the template cannot: a list whose parts contain the separator.
pub fn export<'a>(files: impl IntoIterator<Item = (&'a str, &'a [u8])>) -> Result<Vec<Sheet>, Findings> {
    let mut findings = Vec::new();
    let parsed = Parsed::read(files, &mut findings);
    let mut out = Workbook { sheets: super::template(), findings };
    parsed.types.iter().for_each(|file| out.licence_type(file));
    parsed.authorities.iter().for_each(|file| out.authorities(file));
    parsed.service_items.iter().for_each(|file| out.service_item(file));
    if out.findings.is_empty() { Ok(out.sheets) } else { Err(Findings(out.findings)) }
}

struct Workbook {
    sheets: Vec<Sheet>,
    findings: Vec<Finding>,
}

/// The part of a path that names the file: `licence-types/NAME.toml`.
fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.strip_suffix(".toml").unwrap_or(name)
}

fn yes(set: bool) -> String {
    if set { "是".to_owned() } else { String::new() }
}

fn optional(text: &Option<Spanned<String>>) -> String {
    text.as_ref().map_or_else(String::new, |text| text.get_ref().clone())
}

fn state(state: State) -> String {
    state.zh().to_owned()
}

impl Workbook {
    /// Adds a row; empty texts become empty cells.
    fn row(&mut self, template: &Template, texts: Vec<String>) {
        let cell = |text: String| if text.is_empty() { Cell::Empty } else { Cell::Text(text) };
        let at = SHEETS.iter().position(|own| own.name == template.name);
        if let Some(sheet) = at.and_then(|at| self.sheets.get_mut(at)) {
            sheet.rows.push(texts.into_iter().map(cell).collect());
        }
    }

    /// A list with a separator that no part may contain.
    fn list<'a>(&mut self, path: &str, parts: impl IntoIterator<Item = &'a str>, separator: &str) -> String {
        let parts: Vec<&str> = parts.into_iter().collect();
        if let Some(part) = parts.iter().find(|part| part.contains(separator) || part.contains('\n')) {
            self.findings.push(Finding {
                file: path.to_owned(),
                line: None,
                rule: "not-exportable",
                message: format!("“{part}” contains what separates the parts of a list in a sheet"),
                hint: "keep this file as TOML, or name the part otherwise",
            });
        }
        parts.join(separator)
    }

    fn fact<T>(&mut self, path: &str, item: &str, fact: &Fact<T>) {
        let row = vec![stem(path).to_owned(), item.to_owned(), state(fact.state), fact.source.clone()];
        self.row(&FACTS, row);
    }

    fn licence_type(&mut self, file: &File<TypeFile>) {
        let (path, t) = (&file.path, &file.content);
        let facts = [
            ("证照类型代码", Some(&t.code)),
            ("省目录基本码", t.provincial_code.as_ref()),
            ("证照类型名称", Some(&t.name)),
            ("证照种类", Some(&t.kind)),
            ("定义机构代码", t.defining_code.as_ref()),
            ("定义机构", Some(&t.authority)),
            ("定义机构级别", Some(&t.defining_level)),
            ("持证主体类别", Some(&t.holder)),
            ("有效期规则", Some(&t.validity)),
            ("颁发机构级别", Some(&t.issuing_level)),
            ("持证主体数量", Some(&t.holders)),
            ("法律依据", t.legal_basis.as_ref()),
        ];
        let text = |title: &str| match title {
            "文件" => stem(path).to_owned(),
            "英文名称" => t.en.clone(),
            "仅引用" => yes(t.reference_only),
            _ => {
                let fact = facts.iter().find(|(own, _)| *own == title).and_then(|(_, fact)| *fact);
                fact.map_or_else(String::new, |fact| fact.value.get_ref().clone())
            }
        };
        self.row(&TYPES, TYPES.columns.iter().map(|column| text(column.title)).collect());
        for (title, fact) in facts {
            fact.into_iter().for_each(|fact| self.fact(path, title, fact));
        }
        for revision in &t.revisions {
            let number = revision.number.get_ref().to_string();
            let mandatory =
                self.list(path, revision.mandatory.iter().map(|name| name.get_ref().as_str()), "、");
            self.row(
                &REVISIONS,
                vec![
                    stem(path).to_owned(),
                    number.clone(),
                    revision.common.get_ref().to_string(),
                    revision.in_force.get_ref().clone(),
                    revision.longest_life_days.value.get_ref().to_string(),
                    mandatory,
                ],
            );
            self.fact(path, &format!("最长有效天数 {number}"), &revision.longest_life_days);
            revision.fields.iter().for_each(|field| self.field(path, &number, field));
        }
    }

    fn field(&mut self, path: &str, revision: &str, field: &FieldEntry) {
        let has = |flag: FlagName| yes(field.flags.contains(&flag));
        let options = self.list(path, field.options.iter().map(String::as_str), "\n");
        let row = vec![
            stem(path).to_owned(),
            revision.to_owned(),
            field.key.get_ref().to_string(),
            field.name.clone(),
            field.en.clone(),
            zh(kind(field.kind)).to_owned(),
            field.max.to_string(),
            has(FlagName::Required),
            has(FlagName::Sensitive),
            has(FlagName::Face),
            options,
            state(field.state),
            field.source.clone(),
            field.note.clone().unwrap_or_default(),
        ];
        self.row(&FIELDS, row);
    }

    fn authorities(&mut self, file: &File<AuthoritiesFile>) {
        for entry in &file.content.authorities {
            let texts =
                |texts: &'_ [Spanned<String>]| texts.iter().map(|t| t.get_ref().clone()).collect::<Vec<_>>();
            let (regions, issues) = (texts(&entry.regions), texts(&entry.issues));
            let regions = self.list(&file.path, regions.iter().map(String::as_str), "、");
            let issues = self.list(&file.path, issues.iter().map(String::as_str), "、");
            let roles: Vec<&str> = entry.roles.iter().map(|role| role.as_str()).collect();
            let row = vec![
                stem(&file.path).to_owned(),
                file.content.node.get_ref().clone(),
                file.content.host.get_ref().clone(),
                entry.code.get_ref().clone(),
                yes(entry.synthetic),
                entry.name.clone(),
                entry.en.clone(),
                roles.join("、"),
                regions,
                issues,
                optional(&entry.in_force),
                optional(&entry.until),
                optional(&entry.predecessor),
                state(entry.state),
                entry.source.clone(),
            ];
            self.row(&AUTHORITIES, row);
        }
    }

    fn service_item(&mut self, file: &File<ServiceItemFile>) {
        let (path, item) = (&file.path, &file.content);
        let row = vec![
            stem(path).to_owned(),
            item.code.get_ref().clone(),
            yes(item.synthetic),
            item.name.clone(),
            item.en.clone(),
            item.area.get_ref().clone(),
            item.region.get_ref().clone(),
            item.purpose.get_ref().clone(),
            item.view_life_s.get_ref().to_string(),
            item.method.get_ref().clone(),
            item.legal_basis.as_ref().map_or_else(String::new, |fact| fact.value.get_ref().clone()),
            item.in_force.get_ref().clone(),
            optional(&item.until),
            state(item.state),
            item.source.clone(),
        ];
        self.row(&ITEMS, row);
        item.legal_basis.iter().for_each(|fact| self.fact(path, "法律依据", fact));
        for choice in &item.choices {
            let mut ways = Vec::new();
            for way in &choice.ways {
                ways.push(self.list(path, way.iter().map(|code| code.get_ref().as_str()), "+"));
            }
            let ways = self.list(path, ways.iter().map(String::as_str), "\n");
            self.row(&CHOICES, vec![stem(path).to_owned(), choice.name.get_ref().clone(), ways]);
        }
        for material in &item.materials {
            material.any_of.iter().for_each(|any| self.alternative(path, material, any));
        }
    }

    fn alternative(&mut self, path: &str, material: &MaterialEntry, any: &AlternativeEntry) {
        let regions = self.list(path, material.regions.iter().map(|r| r.get_ref().as_str()), "、");
        let required = self.list(path, any.required.iter().map(|name| name.get_ref().as_str()), "、");
        let permitted = self.list(path, any.permitted.iter().map(|name| name.get_ref().as_str()), "、");
        let reasons: Vec<String> =
            any.reasons.iter().map(|(field, reason)| format!("{field}={reason}")).collect();
        let reasons = self.list(path, reasons.iter().map(String::as_str), "\n");
        let mut constraints = Vec::new();
        for entry in &any.constraints {
            constraints.push(self.constraint(path, entry));
        }
        let constraints = self.list(path, constraints.iter().map(String::as_str), "\n");
        let row = vec![
            stem(path).to_owned(),
            material.code.get_ref().clone(),
            material.name.clone(),
            material.en.clone(),
            zh(role(material)).to_owned(),
            regions,
            material.max_age_days.as_ref().map_or_else(String::new, |days| days.get_ref().to_string()),
            any.type_code.get_ref().clone(),
            required,
            permitted,
            reasons,
            constraints,
        ];
        self.row(&MATERIALS, row);
    }

    fn constraint(&mut self, path: &str, entry: &ConstraintEntry) -> String {
        let mut parts = vec![entry.field.get_ref().clone()];
        if let Some(texts) = &entry.one_of {
            parts.push(zh("one_of").to_owned());
            parts.push(self.list(path, texts.iter().map(String::as_str), "|"));
        }
        let number = |n: &Option<u64>| n.map(|n| n.to_string());
        for (word, value) in [
            ("contains", entry.contains.clone()),
            ("at_least", number(&entry.at_least)),
            ("at_most", number(&entry.at_most)),
            ("not_before", entry.not_before.clone()),
            ("not_after", entry.not_after.clone()),
        ] {
            if let Some(value) = value {
                parts.push(zh(word).to_owned());
                parts.push(value);
            }
        }
        parts.join(" ")
    }
}

const fn kind(kind: KindName) -> &'static str {
    match kind {
        KindName::Text => "text",
        KindName::Date => "date",
        KindName::Uint => "uint",
        KindName::Bool => "bool",
        KindName::List => "list",
        KindName::Digest => "digest",
        KindName::Table => "table",
    }
}

fn role(material: &MaterialEntry) -> &'static str {
    use licence_spec::catalogue::HolderRole;
    match material.holder_role {
        HolderRole::Applicant => "applicant",
        HolderRole::LegalRepresentative => "legal_representative",
        HolderRole::Spouse => "spouse",
        HolderRole::Agent => "agent",
        HolderRole::Staff => "staff",
        HolderRole::OtherParty => "other_party",
    }
}
