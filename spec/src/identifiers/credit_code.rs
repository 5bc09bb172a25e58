//! 统一社会信用代码 (GB 32100-2015): the code of every organisation, and of every authority that issues licences.

use alloc::string::String;
use core::fmt;

use super::{CodeError, DivisionCode, OrganisationCode, check_digits, organisation_code, shaped};

/// A 统一社会信用代码: 登记管理部门 1 + 机构类别 1 + division 6 + 组织机构代码 9 + check 1.
/// Both check characters agree; unknown prefixes and divisions are taken (spec/domain.md §2).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CreditCode(String);

/// Why a 统一社会信用代码 was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CreditCodeError {
    /// Not 18 characters, or one outside the alphabet of GB 32100 (which has no I, O, S, V, Z).
    Shape(CodeError),
    /// A check character does not fit. Letters have different values in the two rules, so both are told.
    Check {
        /// The inner nine characters (组织机构代码, GB 11714) fail.
        inner: bool,
        /// The whole eighteen (GB 32100) fail.
        outer: bool,
    },
}

impl CreditCode {
    /// Parses eighteen characters and checks the inner and the outer check character, each by its own rule.
    /// # Errors
    /// [`CreditCodeError::Shape`] first, then [`CreditCodeError::Check`] with what failed.
    pub fn parse(text: &str) -> Result<CreditCode, CreditCodeError> {
        let is_division = |at| (2..8).contains(&at);
        shaped(text, 18, |at, byte| match is_division(at) {
            true => byte.is_ascii_digit(),
            false => check_digits::in_gb32100(byte),
        })
        .map_err(CreditCodeError::Shape)?;
        let bytes = text.as_bytes();
        let inner = !organisation_code::passes(&bytes[8..17]);
        let outer = check_digits::gb32100_check(bytes) != bytes.last().copied();
        if inner || outer {
            return Err(CreditCodeError::Check { inner, outer });
        }
        Ok(CreditCode(text.into()))
    }

    /// The eighteen characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The 组织机构代码 inside, characters 9 to 17.
    pub fn organisation_code(&self) -> OrganisationCode {
        // Cannot fail: `parse` has checked these nine characters by the same rule.
        #[expect(clippy::unwrap_used, reason = "checked by parse")]
        OrganisationCode::parse(&self.0[8..17]).unwrap()
    }

    /// The division of registration, characters 3 to 8; `None` where they name none (`000000`).
    /// This is where the organisation was registered, which need not be where it works.
    pub fn division(&self) -> Option<DivisionCode> {
        DivisionCode::parse(&self.0[2..8]).ok()
    }
}

impl fmt::Display for CreditCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Shows the first two characters only: a sole trader's code (92…) stands for a person.
impl fmt::Debug for CreditCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CreditCode({}…)", &self.0[..2])
    }
}

impl fmt::Display for CreditCodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CreditCodeError::Shape(error) => write!(f, "not a unified social credit code: {error}"),
            CreditCodeError::Check { inner: true, outer: true } => {
                f.write_str("the inner organisation code and the whole credit code fail their check digits")
            }
            CreditCodeError::Check { inner: true, .. } => {
                f.write_str("the inner organisation code (characters 9 to 17) fails its check digit")
            }
            CreditCodeError::Check { .. } => f.write_str("the credit code fails its check digit"),
        }
    }
}

impl core::error::Error for CreditCodeError {}
