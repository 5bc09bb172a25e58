//! 电子证照标识 (GB/T 36904): `1.2.156.3005.2.<type>.<issuer>.<serial>.<version>.<check>`.
//! Written strictly, read leniently: of seven published identifiers one has a wrong check character, so a reader
//! of imported data flags what is wrong and keeps the value, while our own writes are refused (spec/domain.md §1.1).

use alloc::format;
use alloc::string::String;
use core::fmt;
use core::ops::Range;

use super::{
    CreditCode, LicenceIdFlag, LicenceIdFlags, NationalTypeCode, check_digits::mod37_36_check,
    is_code_character, licence_id_flags::find_flags,
};

/// 电子证照根代码. It contains dots itself, so it is stripped before the rest is split.
pub const LICENCE_ID_ROOT: &str = "1.2.156.3005.2";

/// The longest identifier that is read or written: the width of the field in GB/T 36903 (spec/domain.md §1.1).
pub const MAX_LICENCE_ID_CHARS: usize = 128;

/// The serials that are written: lengths 7 to 32 have been met in the field (spec/domain.md §1.1).
const SERIAL_CHARS: core::ops::RangeInclusive<usize> = 7..=32;

/// A licence identifier, 电子证照标识, the `id` of the API. `Display` gives the whole text; `Debug` hides serial and
/// check, which single out one person's licence.
#[derive(Clone)]
pub struct LicenceId {
    text: String,
    issuer: Range<usize>,
    serial: Range<usize>,
    version: u16,
}

/// Why a licence identifier was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LicenceIdError {
    /// More than 128 characters.
    TooLong,
    /// It does not begin with `1.2.156.3005.2.`.
    Root,
    /// The rest has not exactly five parts.
    Parts,
    /// The type is not 21 characters `[0-9A-Z]`.
    Type,
    /// The issuer is not 6 to 32 characters `[0-9A-Z]`.
    Issuer,
    /// The serial is empty, too short or too long to be written, or has a character outside `[0-9A-Z]`.
    Serial,
    /// The version is not three digits from `001` on.
    Version,
    /// The check is not one character `[0-9A-Z]`.
    Check,
    /// Strict reading only: the identifier is readable but departs from the rule in this respect.
    Flagged(LicenceIdFlag),
}

impl LicenceId {
    /// Composes an identifier for our own issue: all parts checked by type, the check character computed.
    /// # Errors
    /// [`LicenceIdError::Serial`] unless it is 7 to 32 of `[0-9A-Z]`; [`LicenceIdError::Version`] unless 1 to 999.
    pub fn compose(
        licence_type: &NationalTypeCode,
        issuer: &CreditCode,
        serial: &str,
        version: u16,
    ) -> Result<LicenceId, LicenceIdError> {
        if !SERIAL_CHARS.contains(&serial.len()) {
            return Err(LicenceIdError::Serial);
        }
        if !(1..=999).contains(&version) {
            return Err(LicenceIdError::Version);
        }
        let check = mod37_36_check(&format!("{licence_type}{issuer}{serial}{version:03}"))
            .ok_or(LicenceIdError::Serial)?;
        read(&format!("{LICENCE_ID_ROOT}.{licence_type}.{issuer}.{serial}.{version:03}.{check}"))
    }

    /// Reads an identifier and takes it only if nothing about it is wrong.
    /// # Errors
    /// A breach of shape, or [`LicenceIdError::Flagged`] with the first flag that [`LicenceId::read_lenient`] gives.
    pub fn parse(text: &str) -> Result<LicenceId, LicenceIdError> {
        let (id, flags) = LicenceId::read_lenient(text)?;
        match flags.iter().next() {
            Some(flag) => Err(LicenceIdError::Flagged(flag)),
            None => Ok(id),
        }
    }

    /// Reads an identifier from elsewhere: the value, and what departs from the rule. For import and display;
    /// never for our own writes.
    /// # Errors
    /// A breach of shape, in the order of the parts.
    pub fn read_lenient(text: &str) -> Result<(LicenceId, LicenceIdFlags), LicenceIdError> {
        let id = read(text)?;
        let flags = find_flags(&id);
        Ok((id, flags))
    }

    /// The same licence in its next version: version + 1, everything before it kept, a new check character.
    /// # Errors
    /// [`LicenceIdError::Version`] after 999.
    pub fn next_version(&self) -> Result<LicenceId, LicenceIdError> {
        let version = self.version + 1;
        if version > 999 {
            return Err(LicenceIdError::Version);
        }
        let body = format!("{}{}{}{version:03}", self.type_text(), self.issuer_text(), self.serial());
        let check = mod37_36_check(&body).ok_or(LicenceIdError::Serial)?;
        read(&format!("{}{version:03}.{check}", &self.text[..self.serial.end + 1]))
    }

    /// The whole identifier with its dots.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// 证照类型代码, 21 characters. After a lenient reading its check digits may be wrong.
    pub fn type_text(&self) -> &str {
        &self.text[LICENCE_ID_ROOT.len() + 1..self.issuer.start - 1]
    }

    /// 证照颁发机构代码. After a lenient reading it may be a division code or fail its check digits.
    pub fn issuer_text(&self) -> &str {
        &self.text[self.issuer.clone()]
    }

    /// 流水号.
    pub fn serial(&self) -> &str {
        &self.text[self.serial.clone()]
    }

    /// 版本号, 1 to 999.
    pub fn version(&self) -> u16 {
        self.version
    }

    /// 校验位 as it stands in the text.
    pub fn check(&self) -> char {
        char::from(self.text.as_bytes()[self.text.len() - 1])
    }

    /// The check character that the rule gives: over type, issuer, serial and version, without dots and root.
    pub fn computed_check(&self) -> Option<char> {
        mod37_36_check(&format!(
            "{}{}{}{:03}",
            self.type_text(),
            self.issuer_text(),
            self.serial(),
            self.version
        ))
    }
}

/// Splits and shapes; decides nothing about check digits.
fn read(text: &str) -> Result<LicenceId, LicenceIdError> {
    if text.len() > MAX_LICENCE_ID_CHARS {
        return Err(LicenceIdError::TooLong);
    }
    let rest = text.strip_prefix(LICENCE_ID_ROOT).and_then(|rest| rest.strip_prefix('.'));
    let mut parts = rest.ok_or(LicenceIdError::Root)?.split('.');
    let mut next = || parts.next().ok_or(LicenceIdError::Parts);
    let (licence_type, issuer, serial, version, check) = (next()?, next()?, next()?, next()?, next()?);
    if parts.next().is_some() {
        return Err(LicenceIdError::Parts);
    }
    let coded = |part: &str, lengths: core::ops::RangeInclusive<usize>| {
        lengths.contains(&part.len()) && part.bytes().all(is_code_character)
    };
    let refuse = |wrong: bool, error| if wrong { Err(error) } else { Ok(()) };
    refuse(!coded(licence_type, 21..=21), LicenceIdError::Type)?;
    refuse(!coded(issuer, 6..=32), LicenceIdError::Issuer)?;
    refuse(!coded(serial, 1..=MAX_LICENCE_ID_CHARS), LicenceIdError::Serial)?;
    let digits = version.len() == 3 && version.bytes().all(|byte| byte.is_ascii_digit());
    let version = version.parse().ok().filter(|v| digits && *v > 0).ok_or(LicenceIdError::Version)?;
    refuse(!coded(check, 1..=1), LicenceIdError::Check)?;
    let issuer_start = LICENCE_ID_ROOT.len() + 1 + licence_type.len() + 1;
    let issuer = issuer_start..issuer_start + issuer.len();
    let serial = issuer.end + 1..issuer.end + 1 + serial.len();
    Ok(LicenceId { text: text.into(), issuer, serial, version })
}

// Two identifiers are the same if their text is: the other members follow from it.
impl PartialEq for LicenceId {
    fn eq(&self, other: &LicenceId) -> bool {
        self.text == other.text
    }
}

impl Eq for LicenceId {}

impl core::hash::Hash for LicenceId {
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        self.text.hash(state);
    }
}

impl fmt::Display for LicenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for LicenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LicenceId({}.{}.…{:03}…)", self.type_text(), self.issuer_text(), self.version)
    }
}

impl fmt::Display for LicenceIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LicenceIdError::TooLong => "a licence identifier has at most 128 characters",
            LicenceIdError::Root => "a licence identifier begins with 1.2.156.3005.2.",
            LicenceIdError::Parts => "a licence identifier has five parts after its root",
            LicenceIdError::Type => "the type code has 21 characters [0-9A-Z]",
            LicenceIdError::Issuer => "the issuer code has 6 to 32 characters [0-9A-Z]",
            LicenceIdError::Serial => "the serial has 7 to 32 characters [0-9A-Z]",
            LicenceIdError::Version => "the version is 001 to 999",
            LicenceIdError::Check => "the check is one character [0-9A-Z]",
            LicenceIdError::Flagged(flag) => return fmt::Display::fmt(flag, f),
        })
    }
}

impl core::error::Error for LicenceIdError {}
