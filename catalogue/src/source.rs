//! The shapes of the publisher's TOML files, as they stand in `data/`. Unknown keys are refused everywhere.

use std::collections::BTreeMap;
use std::ops::Range;

use licence_spec::catalogue::{FieldKind, HolderRole};
use serde::Deserialize;
use toml::Spanned;

use crate::authority::KeyRole;
use crate::fit::FitResult;

/// How well a fact is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Stated by a document or implementation that spec/domain.md §16 lists.
    Sourced,
    /// Concluded by the project from sourced material.
    Inferred,
    /// Put here so that work can go on; to be checked against the standard of the type or with the city.
    Provisional,
}

impl State {
    /// The word that the signed catalogue carries.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            State::Sourced => "有出处",
            State::Inferred => "推断",
            State::Provisional => "暂定",
        }
    }
}

/// Where one fact of the shipped or loaded data is from.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Note {
    /// Path as it was handed in.
    pub file: String,
    /// The fact.
    pub what: String,
    /// How well it is known.
    pub state: State,
    /// Section and source key of spec/domain.md, or this project.
    pub source: String,
}

/// A value with its source.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fact<T> {
    pub(crate) value: T,
    pub(crate) state: State,
    pub(crate) source: String,
}

/// One parsed file with what is needed to name a line in it.
#[derive(Clone, Debug)]
pub(crate) struct File<T> {
    pub(crate) path: String,
    pub(crate) text: String,
    pub(crate) content: T,
}

impl<T> File<T> {
    /// The line, from 1, on which this span begins.
    pub(crate) fn line(&self, span: &Range<usize>) -> usize {
        line_at(&self.text, span.start)
    }
}

/// The line, from 1, that holds this byte.
pub(crate) fn line_at(text: &str, byte: usize) -> usize {
    1 + text.bytes().take(byte).filter(|b| *b == b'\n').count()
}

/// `common-fields.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommonFile {
    pub(crate) sets: Vec<CommonSet>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommonSet {
    pub(crate) number: u64,
    pub(crate) fields: Vec<FieldEntry>,
}

/// `licence-types/*.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TypeFile {
    pub(crate) code: Fact<Spanned<String>>,
    pub(crate) provincial_code: Option<Fact<Spanned<String>>>,
    pub(crate) name: Fact<Spanned<String>>,
    pub(crate) en: String,
    pub(crate) kind: Fact<Spanned<String>>,
    pub(crate) defining_code: Option<Fact<Spanned<String>>>,
    pub(crate) authority: Fact<Spanned<String>>,
    pub(crate) defining_level: Fact<Spanned<String>>,
    pub(crate) holder: Fact<Spanned<String>>,
    pub(crate) validity: Fact<Spanned<String>>,
    pub(crate) issuing_level: Fact<Spanned<String>>,
    pub(crate) holders: Fact<Spanned<String>>,
    pub(crate) legal_basis: Option<Fact<Spanned<String>>>,
    #[serde(default)]
    pub(crate) reference_only: bool,
    pub(crate) revisions: Vec<RevisionEntry>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RevisionEntry {
    pub(crate) number: Spanned<u64>,
    pub(crate) common: Spanned<u64>,
    pub(crate) in_force: Spanned<String>,
    pub(crate) longest_life_days: Fact<Spanned<i64>>,
    /// Common items, by name, that this type requires beyond those that every type does.
    #[serde(default)]
    pub(crate) mandatory: Vec<Spanned<String>>,
    pub(crate) fields: Vec<FieldEntry>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FieldEntry {
    pub(crate) key: Spanned<u8>,
    pub(crate) name: String,
    pub(crate) en: String,
    pub(crate) kind: KindName,
    pub(crate) max: u16,
    pub(crate) flags: Vec<FlagName>,
    #[serde(default)]
    pub(crate) options: Vec<String>,
    pub(crate) state: State,
    pub(crate) source: String,
    #[serde(default)]
    pub(crate) note: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KindName {
    Text,
    Date,
    Uint,
    Bool,
    List,
    Digest,
    Table,
}

impl KindName {
    pub(crate) const fn kind(self) -> FieldKind {
        match self {
            KindName::Text => FieldKind::Text,
            KindName::Date => FieldKind::Date,
            KindName::Uint => FieldKind::Uint,
            KindName::Bool => FieldKind::Bool,
            KindName::List => FieldKind::List,
            KindName::Digest => FieldKind::Digest,
            KindName::Table => FieldKind::Table,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum FlagName {
    Required,
    Sensitive,
    Face,
}

/// `authorities/*.toml`: the authorities that one node serves.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuthoritiesFile {
    pub(crate) node: Spanned<String>,
    pub(crate) host: Spanned<String>,
    pub(crate) authorities: Vec<AuthorityEntry>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AuthorityEntry {
    pub(crate) code: Spanned<String>,
    #[serde(default)]
    pub(crate) synthetic: bool,
    pub(crate) name: String,
    pub(crate) en: String,
    pub(crate) roles: Vec<KeyRole>,
    pub(crate) regions: Vec<Spanned<String>>,
    pub(crate) issues: Vec<Spanned<String>>,
    pub(crate) in_force: Option<Spanned<String>>,
    pub(crate) until: Option<Spanned<String>>,
    pub(crate) predecessor: Option<Spanned<String>>,
    pub(crate) state: State,
    pub(crate) source: String,
}

/// `service-items/*.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServiceItemFile {
    pub(crate) code: Spanned<String>,
    #[serde(default)]
    pub(crate) synthetic: bool,
    pub(crate) name: String,
    pub(crate) en: String,
    pub(crate) area: Spanned<String>,
    pub(crate) region: Spanned<String>,
    pub(crate) purpose: Spanned<String>,
    pub(crate) view_life_s: Spanned<i64>,
    pub(crate) method: Spanned<String>,
    pub(crate) legal_basis: Option<Fact<Spanned<String>>>,
    pub(crate) in_force: Spanned<String>,
    pub(crate) until: Option<Spanned<String>>,
    pub(crate) state: State,
    pub(crate) source: String,
    pub(crate) materials: Vec<MaterialEntry>,
    #[serde(default)]
    pub(crate) choices: Vec<ChoiceEntry>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChoiceEntry {
    pub(crate) name: Spanned<String>,
    pub(crate) ways: Vec<Vec<Spanned<String>>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct MaterialEntry {
    pub(crate) code: Spanned<String>,
    pub(crate) name: String,
    pub(crate) en: String,
    pub(crate) holder_role: HolderRole,
    pub(crate) regions: Vec<Spanned<String>>,
    pub(crate) max_age_days: Option<Spanned<i64>>,
    pub(crate) any_of: Vec<AlternativeEntry>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlternativeEntry {
    #[serde(rename = "type")]
    pub(crate) type_code: Spanned<String>,
    pub(crate) required: Vec<Spanned<String>>,
    pub(crate) permitted: Vec<Spanned<String>>,
    #[serde(default)]
    pub(crate) reasons: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) constraints: Vec<ConstraintEntry>,
}

/// One comparison; exactly one of the members beside `field` is given.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConstraintEntry {
    pub(crate) field: Spanned<String>,
    pub(crate) one_of: Option<Vec<String>>,
    pub(crate) contains: Option<String>,
    pub(crate) at_least: Option<u64>,
    pub(crate) at_most: Option<u64>,
    pub(crate) not_before: Option<String>,
    pub(crate) not_after: Option<String>,
}

/// `service-cases/*.toml`: worked cases of one service item.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CasesFile {
    pub(crate) service_item: Spanned<String>,
    pub(crate) cases: Vec<CaseEntry>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CaseEntry {
    pub(crate) name: Spanned<String>,
    /// The day of the question.
    pub(crate) today: Spanned<String>,
    pub(crate) subjects: Vec<SubjectEntry>,
    pub(crate) licences: Vec<CaseLicence>,
    pub(crate) expected: ExpectedFit,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SubjectEntry {
    pub(crate) role: HolderRole,
    pub(crate) code_type: String,
    pub(crate) code: String,
}

/// A licence that is good but for what the case says of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CaseLicence {
    #[serde(rename = "type")]
    pub(crate) type_code: Spanned<String>,
    pub(crate) area_code: String,
    pub(crate) issued_on: String,
    /// Codes of the holders, each with its code type before a colon: `001:91440101MA9XXXXX36`.
    pub(crate) holders: Vec<Spanned<String>>,
    /// Face items by name; required ones that are not given are filled in.
    #[serde(default)]
    pub(crate) fields: BTreeMap<String, toml::Value>,
    /// Names of fields to leave out, common ones included.
    #[serde(default)]
    pub(crate) without: Vec<String>,
    /// Code of the verdict, if it is not ACCEPT.
    pub(crate) verdict: Option<Spanned<String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedFit {
    pub(crate) result: FitResult,
    /// Result of each material by its code; with a colon and the first reason's code if it has one: `NOT_MET:EXPIRED`.
    pub(crate) materials: BTreeMap<String, Spanned<String>>,
}
