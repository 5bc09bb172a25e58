//! On what ground licences may be used, and what for: parsed and checked once. A [`Purpose`] is come by in no other way.
//!
//! Out of scope: where it is written down (`audit`).

use licence_spec::text::{check_line, nfc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Longest part of a purpose, characters.
pub const MAX_TEXT: usize = 64;

/// What licences are wanted for, as a node names it to another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Purpose)]
pub struct PurposeRequest {
    /// 事项编码 / code of the service item.
    pub service_item: String,
    /// 办件编号 / case number.
    pub case_number: String,
    /// 授权依据 / on what ground licences may be used.
    pub authorisation: String,
}

/// What licences are wanted for: a service item, a case and a ground, each of them told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purpose {
    service_item: String,
    case_number: String,
    authorisation: Authorisation,
}

impl Purpose {
    /// Checks what is told.
    ///
    /// # Errors
    /// The name of the first part that is missing, too long, or says nothing.
    pub fn parse(
        service_item: &str,
        case_number: &str,
        authorisation: &str,
    ) -> Result<Purpose, &'static str> {
        let parts = [("service_item", service_item), ("case_number", case_number)];
        if let Some((name, _)) = parts.into_iter().find(|(_, text)| !is_told(text)) {
            return Err(name);
        }
        let authorisation = Authorisation::parse(authorisation).ok_or("authorisation")?;
        Ok(Purpose {
            service_item: service_item.to_owned(),
            case_number: case_number.to_owned(),
            authorisation,
        })
    }

    /// Code of the service item.
    #[must_use]
    pub fn service_item(&self) -> &str {
        &self.service_item
    }

    /// The case.
    #[must_use]
    pub fn case_number(&self) -> &str {
        &self.case_number
    }

    /// The ground.
    #[must_use]
    pub const fn authorisation(&self) -> &Authorisation {
        &self.authorisation
    }

    /// As it is named to another node.
    #[must_use]
    pub fn request(&self) -> PurposeRequest {
        PurposeRequest {
            service_item: self.service_item.clone(),
            case_number: self.case_number.clone(),
            authorisation: self.authorisation.text().to_owned(),
        }
    }
}

impl PurposeRequest {
    /// Checks it.
    ///
    /// # Errors
    /// As [`Purpose::parse`].
    pub fn check(&self) -> Result<Purpose, &'static str> {
        Purpose::parse(&self.service_item, &self.case_number, &self.authorisation)
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

    /// As it was told, without blanks around it.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Authorisation::Holder(text) | Authorisation::Law(text) => text,
        }
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

/// Whether a text is there, in one line of at most [`MAX_TEXT`] characters, and of characters that are kept (spec/text.md).
#[must_use]
pub fn is_told(text: &str) -> bool {
    check_line(text, MAX_TEXT).is_ok()
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
