//! Licence type codes, and the `vct` claim that a credential carries for them.
//! Format: spec/identifiers.md §4; spec/credential.md claim 11.

use alloc::string::String;
use core::fmt;

use super::{CodeError, CreditCode, CreditCodeError, shaped};

/// What every `vct` of this project begins with; a space (`cn`, `gd`), a colon and the type code follow.
pub const VCT_PREFIX: &str = "urn:elic:";

/// 证照类型代码: the 统一社会信用代码 of the *defining* authority and three digits, 21 characters (GB/T 36904).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NationalTypeCode(String);

/// 证照目录基本码: Guangdong's nine digits for a licence type. First digit 1 = nationwide, 2 = local (inferred,
/// so not enforced).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CatalogueCode(String);

/// A code for a type whose real one is not confirmed: `ZD` and four digits. No real code can look so: GB 32100 has no Z,
/// and provincial codes are digits. A node in production refuses to issue such a type (spec/decisions/0030).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProvisionalTypeCode(String);

/// The code of a licence type: national, of Guangdong, or provisional.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TypeCode {
    /// 21 characters, space `cn`.
    National(NationalTypeCode),
    /// 9 digits, space `gd`.
    Guangdong(CatalogueCode),
    /// `ZD` and four digits, space `zd`.
    Provisional(ProvisionalTypeCode),
}

/// Why a type code or a `vct` was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TypeCodeError {
    /// Wrong length or character.
    Shape(CodeError),
    /// The first 18 characters of a national code are no 统一社会信用代码.
    Authority(CreditCodeError),
    /// A `vct` that is not `urn:elic:cn:`, `urn:elic:gd:` or `urn:elic:zd:` and a code of that space.
    Vct,
}

impl NationalTypeCode {
    /// Parses 21 characters: a checked 统一社会信用代码 and three digits.
    /// # Errors
    /// [`TypeCodeError::Shape`] or [`TypeCodeError::Authority`].
    pub fn parse(text: &str) -> Result<NationalTypeCode, TypeCodeError> {
        let shape = |at, byte: u8| byte.is_ascii_digit() || (at < 18 && byte.is_ascii_uppercase());
        shaped(text, 21, shape).map_err(TypeCodeError::Shape)?;
        CreditCode::parse(&text[..18]).map_err(TypeCodeError::Authority)?;
        Ok(NationalTypeCode(text.into()))
    }

    /// The 21 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The authority that defined the type, which is usually not the one that issues it.
    pub fn defining_authority(&self) -> CreditCode {
        // Cannot fail: `parse` has checked these 18 characters by the same rule.
        #[expect(clippy::unwrap_used, reason = "checked by parse")]
        CreditCode::parse(&self.0[..18]).unwrap()
    }
}

impl CatalogueCode {
    /// Parses nine digits.
    /// # Errors
    /// [`TypeCodeError::Shape`].
    pub fn parse(text: &str) -> Result<CatalogueCode, TypeCodeError> {
        shaped(text, 9, |_, byte| byte.is_ascii_digit()).map_err(TypeCodeError::Shape)?;
        Ok(CatalogueCode(text.into()))
    }

    /// The nine digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ProvisionalTypeCode {
    /// Parses `ZD` and four digits.
    /// # Errors
    /// [`TypeCodeError::Shape`].
    pub fn parse(text: &str) -> Result<ProvisionalTypeCode, TypeCodeError> {
        let shape = |at, byte: u8| match at {
            0 => byte == b'Z',
            1 => byte == b'D',
            _ => byte.is_ascii_digit(),
        };
        shaped(text, 6, shape).map_err(TypeCodeError::Shape)?;
        Ok(ProvisionalTypeCode(text.into()))
    }

    /// The six characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TypeCode {
    /// Parses a type code: six characters are provisional, nine Guangdong's, everything else is tried as a national one.
    /// # Errors
    /// Those of [`CatalogueCode::parse`], [`NationalTypeCode::parse`] and [`ProvisionalTypeCode::parse`].
    pub fn parse(text: &str) -> Result<TypeCode, TypeCodeError> {
        match text.len() {
            6 => ProvisionalTypeCode::parse(text).map(TypeCode::Provisional),
            9 => CatalogueCode::parse(text).map(TypeCode::Guangdong),
            _ => NationalTypeCode::parse(text).map(TypeCode::National),
        }
    }

    /// The type code that a `vct` names.
    /// # Errors
    /// [`TypeCodeError::Vct`] for another prefix or space, else what the code of that space says.
    pub fn of_vct(vct: &str) -> Result<TypeCode, TypeCodeError> {
        match vct.strip_prefix(VCT_PREFIX).and_then(|rest| rest.split_once(':')) {
            Some(("cn", code)) => NationalTypeCode::parse(code).map(TypeCode::National),
            Some(("gd", code)) => CatalogueCode::parse(code).map(TypeCode::Guangdong),
            Some(("zd", code)) => ProvisionalTypeCode::parse(code).map(TypeCode::Provisional),
            _ => Err(TypeCodeError::Vct),
        }
    }

    /// The code as the API and the catalogue write it.
    pub fn as_str(&self) -> &str {
        match self {
            TypeCode::National(code) => code.as_str(),
            TypeCode::Guangdong(code) => code.as_str(),
            TypeCode::Provisional(code) => code.as_str(),
        }
    }

    /// The `vct` of this type: `urn:elic:cn:`, `urn:elic:gd:` or `urn:elic:zd:` and the code.
    pub fn vct(&self) -> String {
        let space = match self {
            TypeCode::National(_) => "cn:",
            TypeCode::Guangdong(_) => "gd:",
            TypeCode::Provisional(_) => "zd:",
        };
        [VCT_PREFIX, space, self.as_str()].concat()
    }
}

/// The `vct` of a type code as the API writes it, e.g. `urn:elic:cn:11100000MB0143028R001`.
/// # Errors
/// Those of [`TypeCode::parse`].
pub fn vct_of_type_code(code: &str) -> Result<String, TypeCodeError> {
    TypeCode::parse(code).map(|code| code.vct())
}

/// The type code inside a `vct`, as a part of the text given.
/// # Errors
/// Those of [`TypeCode::of_vct`].
pub fn type_code_of_vct(vct: &str) -> Result<&str, TypeCodeError> {
    let code = TypeCode::of_vct(vct)?;
    Ok(&vct[vct.len() - code.as_str().len()..])
}

macro_rules! show {
    ($($name:ident)*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    )*};
}
show!(NationalTypeCode CatalogueCode ProvisionalTypeCode TypeCode);

/// Type codes are public: the text is shown.
impl fmt::Debug for NationalTypeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NationalTypeCode({})", self.0)
    }
}

/// Type codes are public: the text is shown.
impl fmt::Debug for CatalogueCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CatalogueCode({})", self.0)
    }
}

/// Type codes are public: the text is shown.
impl fmt::Debug for ProvisionalTypeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProvisionalTypeCode({})", self.0)
    }
}

impl fmt::Display for TypeCodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TypeCodeError::Shape(error) => write!(f, "not a licence type code: {error}"),
            TypeCodeError::Authority(error) => write!(f, "the defining authority of the type code: {error}"),
            TypeCodeError::Vct => f.write_str("not a vct of the space cn, gd or zd"),
        }
    }
}

impl core::error::Error for TypeCodeError {}
