//! 组织机构代码 (GB 11714): the nine characters inside a 统一社会信用代码 and in Guangdong's 实施码.

use alloc::string::String;
use core::fmt;

use super::{CodeError, check_digits, is_code_character, shaped};

/// An organisation code of GB 11714: nine characters `[0-9A-Z]`, the last one the check character.
/// Written without the hyphen that some papers print before the check character.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrganisationCode(String);

impl OrganisationCode {
    /// Parses nine characters and checks the last.
    /// # Errors
    /// [`CodeError::Length`], [`CodeError::Character`] or [`CodeError::CheckDigit`], in this order.
    pub fn parse(text: &str) -> Result<OrganisationCode, CodeError> {
        shaped(text, 9, |_, byte| is_code_character(byte))?;
        if !passes(text.as_bytes()) {
            return Err(CodeError::CheckDigit);
        }
        Ok(OrganisationCode(text.into()))
    }

    /// The nine characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether the ninth byte is the check character of the first eight.
pub(super) fn passes(code: &[u8]) -> bool {
    code.len() == 9 && check_digits::gb11714_check(code) == code.last().copied()
}

impl fmt::Display for OrganisationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for OrganisationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OrganisationCode(…)")
    }
}
