//! Identifiers: is this code well formed, and do its check digits agree?
//! In scope: the national licence identifier 电子证照标识, the numbers of persons, organisations and divisions,
//! licence type codes and their `vct`, node ids, holder code types, Guangdong's own codes.
//! Out of scope: whether a code is *assigned* to anybody (registers answer that), which authority may use it
//! (`trust`), how fields carry it (`credential`).
//! Format: spec/identifiers.md; vectors in spec/vectors/identifiers/.
//!
//! Every type here exists only after its parse has passed. `Debug` never prints the digits of a person's or a
//! holder's number; `Display` is missing where the text is personal, and [`ResidentId::expose`] or
//! [`HolderCode::expose`] says at the call site what is being done.

mod asked;
mod check_digits;
mod credit_code;
mod division;
mod guangdong;
mod holder_code;
mod licence_id;
mod licence_id_flags;
mod node_id;
mod normal;
mod organisation_code;
mod resident_id;
mod type_code;

pub use asked::{AskedCode, AskedFault, SameHolder, is_holder_code};
pub use check_digits::{mod37_36_check, mod37_36_passes};
pub use credit_code::{CreditCode, CreditCodeError};
pub use division::{DIVISIONS, Division, DivisionCode, DivisionLevel, division_named};
pub use guangdong::{ImplementationCode, ImplementationCodeError, ProvincialLicenceCode};
pub use holder_code::{HOLDER_CODE_TYPES, HolderCode, HolderCodeError, HolderCodeType};
pub use licence_id::{LICENCE_ID_ROOT, LicenceId, LicenceIdError, MAX_LICENCE_ID_CHARS};
pub use licence_id_flags::{LicenceIdFlag, LicenceIdFlags};
pub use node_id::{NodeId, SPECIAL_AREAS, SpecialArea};
pub use normal::{NAME_SEPARATOR, NAME_SEPARATOR_VARIANTS, normal_code, normal_name, same_name};
pub use organisation_code::OrganisationCode;
pub use resident_id::{ResidentId, Sex};
pub use type_code::{
    CatalogueCode, NationalTypeCode, ProvisionalTypeCode, TypeCode, TypeCodeError, VCT_PREFIX,
};
pub use type_code::{type_code_of_vct, vct_of_type_code};

use core::fmt;

/// Why a plain code was refused. Positions count characters from 0. The refused text itself is never repeated,
/// because it may be a person's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodeError {
    /// The code has another number of characters than its rule says.
    Length {
        /// Characters found.
        found: usize,
    },
    /// The character at this position is outside the alphabet of its place.
    Character {
        /// Position of the first such character, from 0.
        at: usize,
    },
    /// The check character does not fit the others.
    CheckDigit,
    /// The eight digits of the birth date name no day of the calendar, or one before 1800.
    BirthDate,
}

impl fmt::Display for CodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CodeError::Length { found } => write!(f, "{found} characters are not the length of this code"),
            CodeError::Character { at } => write!(f, "character {at} (from 0) is not allowed at its place"),
            CodeError::CheckDigit => f.write_str("the check digit does not fit"),
            CodeError::BirthDate => f.write_str("the birth date is not a day of the calendar"),
        }
    }
}

impl core::error::Error for CodeError {}

/// Refuses a text of another length, then the first character that `allowed` does not take.
/// Lengths count bytes; every code here is ASCII, and a byte outside ASCII is no allowed character.
fn shaped(text: &str, length: usize, allowed: impl Fn(usize, u8) -> bool) -> Result<(), CodeError> {
    if text.len() != length {
        return Err(CodeError::Length { found: text.chars().count() });
    }
    match text.bytes().enumerate().position(|(at, byte)| !allowed(at, byte)) {
        Some(at) => Err(CodeError::Character { at }),
        None => Ok(()),
    }
}

fn is_code_character(byte: u8) -> bool {
    byte.is_ascii_digit() || byte.is_ascii_uppercase()
}
