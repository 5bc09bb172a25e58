//! A code that somebody names: which code is it, and is it the holder's?
//!
//! In scope: the normal form, the type where it is left out, what is no possible code, and the one comparison with a
//! holder of a licence. Out of scope: searching (the node hashes [`AskedCode::kind`] and text).
//! Format: spec/identifiers.md §5.1; vectors in spec/vectors/identifiers/asked.json.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use super::normal::{is_unseen, normal_code};
use super::{HolderCode, HolderCodeError, HolderCodeType};

/// Digits of a number of the time before 1999: division 6, birth date 6, sequence 3, no check character.
const OLD_RESIDENT_DIGITS: usize = 15;
/// Characters of a 统一社会信用代码 and of a 公民身份号码.
const LONG_CODE_CHARS: usize = 18;

/// A code that was asked about, in its normal form, possible by the rule of its type. `Debug` shows the type alone.
#[derive(Clone, PartialEq, Eq)]
pub struct AskedCode {
    kind: Option<HolderCodeType>,
    text: String,
    /// Whether somebody named the type, so that the same characters of another type are another code.
    is_named: bool,
    /// Whether it is a number of 15 digits.
    is_old: bool,
}

/// Why what was named is no code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AskedFault {
    /// The type is none of the 16.
    Kind,
    /// Nothing is left without the blanks.
    Empty,
    /// By the rule of its type it is no code.
    Code(HolderCodeError),
    /// Eighteen letters and digits that are neither a 统一社会信用代码 nor a 公民身份号码, and no type was named.
    CheckDigit,
}

/// Whether a holder of a licence is the one who is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SameHolder {
    /// One person's code and one organisation's: neither says anything about the other.
    Apart,
    /// Certainly another one: two possible codes of one type that differ.
    No,
    /// It cannot be told: other types of one person, an old number of 15 digits, a holder's code that is none.
    Unclear,
    /// The same code.
    Yes,
}

impl AskedCode {
    /// Reads a code as somebody typed it. The type may be left out: eighteen characters with right check digits tell
    /// theirs. A number of 15 digits is taken as an old 公民身份号码, which nothing proves or disproves.
    ///
    /// # Errors
    /// [`AskedFault`]: no possible code, so nothing can be said about whose it is.
    pub fn parse(code_type: Option<&str>, code: &str) -> Result<AskedCode, AskedFault> {
        let named =
            code_type.map(|kind| HolderCodeType::from_code(&normal_code(kind)).ok_or(AskedFault::Kind));
        let named = named.transpose()?;
        let text = normal_code(code);
        if text.is_empty() {
            return Err(AskedFault::Empty);
        }
        let is_number = text.len() == OLD_RESIDENT_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
        let is_old = is_number && named.is_none_or(|kind| kind == HolderCodeType::ResidentId);
        let kind = match named {
            _ if is_old => named,
            Some(kind) => {
                HolderCode::parse(kind, &text).map_err(AskedFault::Code)?;
                Some(kind)
            }
            None => derived(&text)?,
        };
        Ok(AskedCode { kind, text, is_named: named.is_some(), is_old })
    }

    /// The type, as named or as the check digits tell it.
    #[must_use]
    pub const fn kind(&self) -> Option<HolderCodeType> {
        self.kind
    }

    /// The code in its normal form. The name is a reminder: it may be a person's number.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Whether a holder, as fields 4 and 5 of a licence state it, is the one asked about. Where the licence leaves out the
    /// type, the check digits may tell it.
    #[must_use]
    pub fn is_held_by(&self, held_type: Option<&str>, held_code: &str) -> SameHolder {
        let held = normal_code(held_code);
        let is_same = held == self.text;
        let held_kind = match held_type {
            Some(kind) => HolderCodeType::from_code(kind),
            None => derived(&held).ok().flatten(),
        };
        match (self.kind, held_kind) {
            _ if is_same && (held_kind.is_none() || !self.is_named) => SameHolder::Yes,
            (Some(asked), Some(other)) if asked == other => match is_same {
                true => SameHolder::Yes,
                // Old and new number of one person differ; and what is no code proves nothing.
                false if self.is_old || HolderCode::parse(other, &held).is_err() => SameHolder::Unclear,
                false => SameHolder::No,
            },
            (Some(asked), Some(other)) if asked.is_organisation() != other.is_organisation() => {
                SameHolder::Apart
            }
            _ => SameHolder::Unclear,
        }
    }

    /// Whether one of these holders is the one asked about, and which: yes, certainly none of them, or it cannot be told.
    /// The lists are fields 4 and 5 of a licence; without any code nothing can be told.
    #[must_use]
    pub fn is_among(&self, types: &[&str], codes: &[&str]) -> (SameHolder, Option<usize>) {
        let of = |(at, code): (usize, &&str)| self.is_held_by(types.get(at).copied(), code);
        let answers: Vec<SameHolder> = codes.iter().enumerate().map(of).collect();
        match answers.iter().max() {
            Some(SameHolder::Yes) => {
                (SameHolder::Yes, answers.iter().position(|one| *one == SameHolder::Yes))
            }
            Some(SameHolder::No) => (SameHolder::No, None),
            _ => (SameHolder::Unclear, None),
        }
    }
}

/// The type that the check digits of eighteen characters tell; other codes keep theirs to themselves.
fn derived(text: &str) -> Result<Option<HolderCodeType>, AskedFault> {
    let fits = |kind| HolderCode::parse(kind, text).is_ok();
    match (fits(HolderCodeType::CreditCode), fits(HolderCodeType::ResidentId)) {
        (true, false) => Ok(Some(HolderCodeType::CreditCode)),
        (false, true) => Ok(Some(HolderCodeType::ResidentId)),
        (true, true) => Ok(None),
        (false, false) => {
            let is_long = text.len() == LONG_CODE_CHARS && text.bytes().all(|b| b.is_ascii_alphanumeric());
            if is_long {
                return Err(AskedFault::CheckDigit);
            }
            HolderCode::parse(HolderCodeType::OtherPerson, text).map_err(AskedFault::Code)?;
            Ok(None)
        }
    }
}

/// Whether this can be a code of a type without an own rule.
pub(super) fn is_plain_code(text: &str, most_chars: usize) -> bool {
    !text.is_empty() && text.chars().count() <= most_chars && !text.contains(is_unseen)
}

/// Whether a text can stand in field 5 of a licence: 1 to 64 characters, all of them seen. Check digits are not asked.
#[must_use]
pub fn is_holder_code(text: &str) -> bool {
    is_plain_code(text, super::holder_code::MAX_OTHER_CHARS)
}

impl AskedFault {
    /// Words in Chinese, without the code.
    #[must_use]
    pub const fn zh(&self) -> &'static str {
        match self {
            AskedFault::Kind => "证件类型代码不在 GB/T 36903 的 16 种之内",
            AskedFault::Empty => "证件号码为空",
            AskedFault::Code(HolderCodeError::Credit(_)) => "不是统一社会信用代码（长度、字符或校验位不符）",
            AskedFault::Code(HolderCodeError::Resident(_)) => {
                "不是公民身份号码（长度、字符、出生日期或校验位不符）"
            }
            AskedFault::Code(HolderCodeError::Other) => {
                "证件号码须为 1 至 64 个字符，其中不得有空白或不可见字符"
            }
            AskedFault::CheckDigit => "18 位号码既不是统一社会信用代码，也不是公民身份号码（校验位不符）",
        }
    }
}

impl fmt::Display for AskedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AskedFault::Kind => f.write_str("the code type is none of the 16 of GB/T 36903"),
            AskedFault::Empty => f.write_str("the code is empty"),
            AskedFault::Code(error) => error.fmt(f),
            AskedFault::CheckDigit => f.write_str(
                "18 characters that are neither a unified social credit code nor a resident's number: a check digit does not fit",
            ),
        }
    }
}

impl core::error::Error for AskedFault {}

impl fmt::Debug for AskedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AskedCode({}, …)", self.kind.map_or("?", HolderCodeType::code))
    }
}
