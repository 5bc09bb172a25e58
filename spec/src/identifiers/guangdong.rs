//! Codes of Guangdong's running system, carried beside the national ones (spec/domain.md §1.2).
//! Only shapes are known: no check fits the last eight characters of a `license_code`, so none is asked for.

use alloc::string::String;
use core::fmt;

use super::{
    CatalogueCode, CodeError, DivisionCode, OrganisationCode, TypeCodeError, is_code_character, shaped,
};

/// 电子证照唯一标识码, `license_code`: division 6 + year 4 + 8 of `[0-9A-Z]`, the last eight opaque.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProvincialLicenceCode(String);

impl ProvincialLicenceCode {
    /// Parses 18 characters by shape alone.
    /// # Errors
    /// [`CodeError::Length`] or [`CodeError::Character`].
    pub fn parse(text: &str) -> Result<ProvincialLicenceCode, CodeError> {
        shaped(text, 18, |at, byte| match at {
            0..10 => byte.is_ascii_digit(),
            _ => is_code_character(byte),
        })?;
        DivisionCode::parse(&text[..6])?;
        Ok(ProvincialLicenceCode(text.into()))
    }

    /// The 18 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ProvincialLicenceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Shows division and year; the rest identifies one licence.
impl fmt::Debug for ProvincialLicenceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProvincialLicenceCode({}…)", &self.0[..10])
    }
}

/// 目录实施码: 基本码 9 + the issuer's 组织机构代码 9 + division 6: who issues this type where.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ImplementationCode(String);

/// Which part of a 目录实施码 was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ImplementationCodeError {
    /// Not 24 characters of `[0-9A-Z]`.
    Shape(CodeError),
    /// Characters 1 to 9, the 基本码.
    Catalogue(TypeCodeError),
    /// Characters 10 to 18, the 组织机构代码.
    Organisation(CodeError),
    /// Characters 19 to 24, the division.
    Division(CodeError),
}

impl ImplementationCode {
    /// Parses 24 characters, each part by its own rule.
    /// # Errors
    /// The first part that is refused, from left to right.
    pub fn parse(text: &str) -> Result<ImplementationCode, ImplementationCodeError> {
        use ImplementationCodeError::{Catalogue, Division, Organisation, Shape};
        shaped(text, 24, |_, byte| is_code_character(byte)).map_err(Shape)?;
        CatalogueCode::parse(&text[..9]).map_err(Catalogue)?;
        OrganisationCode::parse(&text[9..18]).map_err(Organisation)?;
        DivisionCode::parse(&text[18..]).map_err(Division)?;
        Ok(ImplementationCode(text.into()))
    }

    /// The 24 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ImplementationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Implementation codes are public: the text is shown.
impl fmt::Debug for ImplementationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ImplementationCode({})", self.0)
    }
}

impl fmt::Display for ImplementationCodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ImplementationCodeError::Shape(error) => write!(f, "implementation code: {error}"),
            ImplementationCodeError::Catalogue(error) => write!(f, "catalogue code, characters 1-9: {error}"),
            ImplementationCodeError::Organisation(error) => {
                write!(f, "organisation code, characters 10-18: {error}")
            }
            ImplementationCodeError::Division(error) => write!(f, "division, characters 19-24: {error}"),
        }
    }
}

impl core::error::Error for ImplementationCodeError {}
