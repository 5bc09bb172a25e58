//! What a lenient reading of a 电子证照标识 noticed. Flags, not errors: the value is kept.

use core::fmt;

use super::{CreditCode, DivisionCode, LicenceId, NationalTypeCode};

/// One departure of an imported identifier from the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LicenceIdFlag {
    /// The first 18 characters of the type code fail GB 32100.
    TypeCheckWrong,
    /// The issuer is a division code of 6, 9 or 12 digits in place of a 统一社会信用代码.
    IssuerIsDivision,
    /// The issuer is neither a division code nor a 统一社会信用代码 that passes its checks.
    IssuerCheckWrong,
    /// The serial is shorter than 7 or longer than 32 characters: nobody is known to write such.
    SerialLengthUnusual,
    /// The check character is not the one that MOD 37,36 gives.
    CheckDigitWrong,
}

const ALL: [LicenceIdFlag; 5] = [
    LicenceIdFlag::TypeCheckWrong,
    LicenceIdFlag::IssuerIsDivision,
    LicenceIdFlag::IssuerCheckWrong,
    LicenceIdFlag::SerialLengthUnusual,
    LicenceIdFlag::CheckDigitWrong,
];

/// The flags of one reading, in the order of the parts. Empty means: as our own issue would write it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LicenceIdFlags(u8);

impl LicenceIdFlags {
    /// Whether nothing was noticed.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether this was noticed.
    pub fn contains(self, flag: LicenceIdFlag) -> bool {
        self.0 & bit(flag) != 0
    }

    /// What was noticed, in the order of the parts.
    pub fn iter(self) -> impl Iterator<Item = LicenceIdFlag> {
        ALL.into_iter().filter(move |flag| self.contains(*flag))
    }
}

fn bit(flag: LicenceIdFlag) -> u8 {
    match flag {
        LicenceIdFlag::TypeCheckWrong => 1,
        LicenceIdFlag::IssuerIsDivision => 2,
        LicenceIdFlag::IssuerCheckWrong => 4,
        LicenceIdFlag::SerialLengthUnusual => 8,
        LicenceIdFlag::CheckDigitWrong => 16,
    }
}

pub(super) fn find_flags(id: &LicenceId) -> LicenceIdFlags {
    let mut flags = LicenceIdFlags::default();
    let mut note = |noticed: bool, flag| {
        if noticed {
            flags.0 |= bit(flag);
        }
    };
    let division = DivisionCode::parse(id.issuer_text()).is_ok();
    let credit = CreditCode::parse(id.issuer_text()).is_ok();
    note(NationalTypeCode::parse(id.type_text()).is_err(), LicenceIdFlag::TypeCheckWrong);
    note(division, LicenceIdFlag::IssuerIsDivision);
    note(!division && !credit, LicenceIdFlag::IssuerCheckWrong);
    note(!(7..=32).contains(&id.serial().len()), LicenceIdFlag::SerialLengthUnusual);
    note(id.computed_check() != Some(id.check()), LicenceIdFlag::CheckDigitWrong);
    flags
}

impl fmt::Display for LicenceIdFlag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LicenceIdFlag::TypeCheckWrong => "the type code fails its check digits",
            LicenceIdFlag::IssuerIsDivision => "the issuer is a division code, not a credit code",
            LicenceIdFlag::IssuerCheckWrong => "the issuer code fails its check digits",
            LicenceIdFlag::SerialLengthUnusual => "the serial is shorter than 7 or longer than 32 characters",
            LicenceIdFlag::CheckDigitWrong => "the check character does not fit (ISO 7064 MOD 37,36)",
        })
    }
}
