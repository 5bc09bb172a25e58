//! 公民身份号码 (GB 11643): the number of a natural person. Never in `sub`, never in a log, never in `Debug`.

use alloc::format;
use alloc::string::String;
use core::fmt;

use super::{CodeError, check_digits, shaped};
use crate::time::CivilDate;

/// A 公民身份号码: division 6 + birth date 8 + sequence 3 + check 1 (a digit or `X`).
/// The birth date is a real day from 1800 on. `Debug` hides it all and there is no `Display`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResidentId {
    text: String,
    born: CivilDate,
}

/// The sex that the sequence of a 公民身份号码 stands for: odd male, even female.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sex {
    /// 女, even sequence.
    Female,
    /// 男, odd sequence.
    Male,
}

impl ResidentId {
    /// Parses eighteen characters: shape, birth date, check character.
    /// # Errors
    /// [`CodeError::Length`], [`CodeError::Character`] (a lower-case `x` too), [`CodeError::BirthDate`] or
    /// [`CodeError::CheckDigit`], in this order.
    pub fn parse(text: &str) -> Result<ResidentId, CodeError> {
        shaped(text, 18, |at, byte| byte.is_ascii_digit() || (at == 17 && byte == b'X'))?;
        let bytes = text.as_bytes();
        let born = birth_date(text).filter(|day| day.year() >= 1800).ok_or(CodeError::BirthDate)?;
        if check_digits::gb11643_check(bytes) != bytes.last().copied() {
            return Err(CodeError::CheckDigit);
        }
        Ok(ResidentId { text: text.into(), born })
    }

    /// The eighteen characters. The name is a reminder: this is a person's number.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// The day of birth, as the number states it.
    pub fn birth_date(&self) -> CivilDate {
        self.born
    }

    /// The sex that the sequence states.
    pub fn sex(&self) -> Sex {
        match self.text.as_bytes()[16] % 2 {
            0 => Sex::Female,
            _ => Sex::Male,
        }
    }
}

/// The day that the eight digits from position 6 name; the caller has checked that they are digits.
fn birth_date(text: &str) -> Option<CivilDate> {
    CivilDate::parse(&format!("{}-{}-{}", &text[6..10], &text[10..12], &text[12..14]))
}

impl fmt::Debug for ResidentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResidentId(…)")
    }
}
