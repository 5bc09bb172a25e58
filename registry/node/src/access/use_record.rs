//! The record of use: who asked for licences of somebody, for which case and on what ground. Never whose they are.
//!
//! In scope: the form of the record and the purpose that a node names to another one. Out of scope: when it is written (it is
//! durable before what it is about leaves the node), how long it is kept.

use licence_spec::suite::sha256;
use licence_spec::text::{check_line, nfc};
use licence_store::DocumentRow;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::node::Node;
use crate::node::rng::RngError;
use crate::node::shelf::Kind;

/// Kind of the stored records of use.
const USE: &str = Kind::Use.name();
/// Longest part of a purpose, characters.
pub const MAX_TEXT: usize = 64;

/// What licences are wanted for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Purpose {
    /// 事项编码 / code of the service item.
    pub service_item: String,
    /// 办件编号 / case number.
    pub case_number: String,
    /// 授权依据 / on what ground licences may be used.
    pub authorisation: String,
}

impl Purpose {
    /// The first part that is missing, too long, or says nothing.
    #[must_use]
    pub fn fault(&self) -> Option<&'static str> {
        let parts = [("service_item", &self.service_item), ("case_number", &self.case_number)];
        let missing = parts.into_iter().find(|(_, text)| !is_told(text)).map(|(name, _)| name);
        missing.or_else(|| Authorisation::parse(&self.authorisation).is_none().then_some("authorisation"))
    }
}

/// On what ground a licence may be used: one of two forms, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authorisation {
    /// 授权编号 / number of the holder's authorisation: letters, digits and what numbers are written with.
    Holder(String),
    /// 法律依据 / a law or rule by its name, such as 《优化营商环境条例》第三十七条.
    Law(String),
}

/// What a number of an authorisation is written with, beside letters and digits.
const NUMBER_MARKS: &str = "-_./:#()（）〔〕[] ";

impl Authorisation {
    /// Reads an authorisation, without blanks around it; `None` if it is neither form, empty or longer than [`MAX_TEXT`] characters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Authorisation> {
        let text = nfc(text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')).into_owned();
        if !is_told(&text) {
            return None;
        }
        if let Some((name, _)) = text.strip_prefix('《').and_then(|rest| rest.split_once('》')) {
            return (!name.trim().is_empty()).then_some(Authorisation::Law(text));
        }
        let is_mark = |c: char| c.is_alphanumeric() || NUMBER_MARKS.contains(c);
        let is_number = text.chars().all(is_mark) && text.chars().any(char::is_alphanumeric);
        is_number.then_some(Authorisation::Holder(text))
    }

    /// The kind, as records of use name it.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Authorisation::Holder(_) => "holder",
            Authorisation::Law(_) => "law",
        }
    }
}

/// The kind of an authorisation, for a record of use; what is none was refused before.
#[must_use]
pub fn kind_of(authorisation: &str) -> Option<&'static str> {
    Authorisation::parse(authorisation).map(|read| read.kind())
}

/// Whether a text is there, in one line of at most [`MAX_TEXT`] characters, and of characters that are kept (spec/text.md).
#[must_use]
pub fn is_told(text: &str) -> bool {
    check_line(text, MAX_TEXT).is_ok()
}

/// The row of a record, and its id. `content` must hold nothing of a person.
///
/// # Errors
/// [`RngError`].
pub fn row(node: &Node, content: &Value) -> Result<(String, DocumentRow), RngError> {
    let mut id = [0; 16];
    node.rng.fill(&mut id)?;
    let (record, now) = (hex::encode(id), node.clock.now().0);
    let bytes = content.to_string().into_bytes();
    let row = DocumentRow {
        kind: USE.to_owned(),
        name: record.clone(),
        version: 1,
        iat: now,
        digest: sha256(&[&bytes]),
        bytes,
        stored_at: now,
    };
    Ok((record, row))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authorisation_is_a_number_or_a_law() {
        let kind = |text: &str| Authorisation::parse(text).map(|read| read.kind());
        for text in ["a", "a-1", "授权〔2026〕17号", " SQ/2026.0001 "] {
            assert_eq!(kind(text), Some("holder"), "{text}");
        }
        assert_eq!(kind("《优化营商环境条例》第三十七条"), Some("law"));
        let long = "1".repeat(MAX_TEXT + 1);
        for text in ["", "  ", "---", "!!!", "《》", "<script>", "a\u{0}b", "a\u{200b}", "；", long.as_str()]
        {
            assert_eq!(kind(text), None, "{text:?}");
        }
    }
}
