//! The legal ground of a change of status, as an officer writes it.

use licence_spec::text::{LineFault, check_line};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The legal ground of a change of status.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// 法律依据.
    pub legal_basis: String,
    /// 文书编号.
    pub document_number: String,
    /// 经办人.
    pub officer: String,
}

/// Shows nothing: an officer is named in it.
impl std::fmt::Debug for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reason(..)")
    }
}

/// Longest legal basis, document number or officer, characters.
const MAX_REASON: usize = 200;

/// What is wrong with the legal ground of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("reason.{member}：{fault}")]
pub struct ReasonFault {
    member: &'static str,
    fault: LineFault,
}

impl Reason {
    /// Whether every text is there, in one line of at most 200 characters, and of characters that are kept (spec/text.md).
    ///
    /// # Errors
    /// The first text that is not.
    pub fn check(&self) -> Result<(), ReasonFault> {
        let texts = [
            ("legal_basis", &self.legal_basis),
            ("document_number", &self.document_number),
            ("officer", &self.officer),
        ];
        for (member, text) in texts {
            check_line(text, MAX_REASON).map_err(|fault| ReasonFault { member, fault })?;
        }
        Ok(())
    }
}
