//! Moments and civil dates, as the formats use them: whole seconds since 1970 (UTC), and days of China's calendar.
//!
//! In scope: conversion, RFC 3339 text (the one reader of every time that people and clients write). Out of scope: reading a
//! clock, which callers do.
//! China keeps one offset, +08:00, without daylight saving, so no time-zone database is needed.

use core::fmt;

/// Seconds between UTC and China's civil time.
const CHINA_OFFSET_S: i64 = 8 * 3_600;
const DAY_S: i64 = 86_400;

/// A moment: whole seconds since 1970-01-01T00:00:00Z.
///
/// `Display` is RFC 3339 with the offset of China, `2026-11-23T18:00:00+08:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixTime(pub i64);

impl UnixTime {
    /// The moment `seconds` later; saturates instead of overflowing.
    #[must_use]
    pub const fn plus(self, seconds: i64) -> UnixTime {
        UnixTime(self.0.saturating_add(seconds))
    }

    /// Seconds from `earlier` to `self`; negative if `self` comes first.
    #[must_use]
    pub const fn since(self, earlier: UnixTime) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The day on which this moment falls in China.
    #[must_use]
    pub fn civil_date(self) -> CivilDate {
        CivilDate::from_days((self.0.saturating_add(CHINA_OFFSET_S)).div_euclid(DAY_S))
    }

    /// Reads RFC 3339 text: any offset or `Z`, `T` and `Z` in capitals or small, a fraction of a second of 1 to 9 digits,
    /// which is cut off. A leap second is the second after it.
    ///
    /// Returns `None` for anything else.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<UnixTime> {
        let bytes = text.as_bytes();
        let date = CivilDate::parse(text.get(..10)?)?;
        if !matches!(bytes.get(10), Some(b'T' | b't'))
            || bytes.get(13) != Some(&b':')
            || bytes.get(16) != Some(&b':')
        {
            return None;
        }
        let (hour, minute, second) = (two_digits(bytes, 11)?, two_digits(bytes, 14)?, two_digits(bytes, 17)?);
        let offset = parse_offset(after_fraction(bytes.get(19..)?)?)?;
        let time = UnixTime(date.days() * DAY_S + hour * 3_600 + minute * 60 + second - offset);
        // RFC 3339 §5.7: a leap second ends a day of UTC.
        let leap = second == 60 && time.0.rem_euclid(DAY_S) == 0;
        (hour <= 23 && minute <= 59 && (second <= 59 || leap)).then_some(time)
    }
}

/// What follows a fraction of a second, or everything if there is none.
fn after_fraction(bytes: &[u8]) -> Option<&[u8]> {
    let [b'.', rest @ ..] = bytes else { return Some(bytes) };
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if (1..=9).contains(&digits) { rest.get(digits..) } else { None }
}

fn two_digits(bytes: &[u8], at: usize) -> Option<i64> {
    let (tens, ones) = (*bytes.get(at)?, *bytes.get(at + 1)?);
    (tens.is_ascii_digit() && ones.is_ascii_digit())
        .then(|| i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
}

fn parse_offset(bytes: &[u8]) -> Option<i64> {
    match bytes {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let (hours, minutes) = (two_digits(bytes, 1)?, two_digits(bytes, 4)?);
            let seconds = hours * 3_600 + minutes * 60;
            (hours <= 23 && minutes <= 59).then_some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => None,
    }
}

impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_day = self.0.saturating_add(CHINA_OFFSET_S).rem_euclid(DAY_S);
        let (hour, minute, second) = (of_day / 3_600, of_day / 60 % 60, of_day % 60);
        write!(f, "{}T{hour:02}:{minute:02}:{second:02}+08:00", self.civil_date())
    }
}

impl serde::Serialize for UnixTime {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A real day of the Gregorian calendar, years 0001 to 9999. `Display` is `YYYY-MM-DD`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CivilDate {
    year: i64,
    month: i64,
    day: i64,
}

impl CivilDate {
    /// Reads exactly `YYYY-MM-DD`; `None` if the text has another shape or names no real day.
    #[must_use]
    pub fn parse(text: &str) -> Option<CivilDate> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes.get(4) != Some(&b'-') || bytes.get(7) != Some(&b'-') {
            return None;
        }
        let year = two_digits(bytes, 0)? * 100 + two_digits(bytes, 2)?;
        let (month, day) = (two_digits(bytes, 5)?, two_digits(bytes, 8)?);
        let real = year >= 1 && (1..=12).contains(&month) && day >= 1 && day <= days_in_month(year, month);
        real.then_some(CivilDate { year, month, day })
    }

    /// Days since 1970-01-01.
    #[must_use]
    pub const fn days(self) -> i64 {
        // Howard Hinnant's days_from_civil: years begin in March, so that the leap day is the last of a year.
        let year = if self.month <= 2 { self.year - 1 } else { self.year };
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let month = (self.month + 9) % 12;
        let of_year = (153 * month + 2) / 5 + self.day - 1;
        era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
    }

    /// The day that lies `days` after 1970-01-01.
    #[must_use]
    pub const fn from_days(days: i64) -> CivilDate {
        let shifted = days.saturating_add(719_468);
        let era = shifted.div_euclid(146_097);
        let of_era = shifted.rem_euclid(146_097);
        let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
        CivilDate { year, month, day }
    }

    /// The moment at which this day begins in China.
    #[must_use]
    pub const fn begins(self) -> UnixTime {
        UnixTime(self.days() * DAY_S - CHINA_OFFSET_S)
    }

    /// The moment at which the day after this one begins in China: an inclusive end date as an exclusive moment.
    #[must_use]
    pub const fn ends(self) -> UnixTime {
        UnixTime((self.days() + 1) * DAY_S - CHINA_OFFSET_S)
    }

    /// The calendar year.
    #[must_use]
    pub const fn year(self) -> i64 {
        self.year
    }
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

impl fmt::Display for CivilDate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn the_clock_of_the_examples_reads_as_in_the_page() {
        assert_eq!(UnixTime(1_795_428_000).to_string(), "2026-11-23T18:00:00+08:00");
        assert_eq!(UnixTime::parse_rfc3339("2026-11-23T10:00:00Z"), Some(UnixTime(1_795_428_000)));
        assert_eq!(UnixTime::parse_rfc3339("2026-11-23T18:00:00+08:00"), Some(UnixTime(1_795_428_000)));
    }

    #[test]
    fn every_day_of_eight_hundred_years_round_trips() {
        for days in -300_000..100_000 {
            let date = CivilDate::from_days(days);
            assert_eq!(date.days(), days);
            assert_eq!(CivilDate::parse(&date.to_string()), Some(date));
        }
    }

    #[test]
    fn days_that_do_not_exist_are_refused() {
        for text in
            ["2026-02-30", "2026-02-29", "1900-02-29", "2026-13-01", "2026-00-10", "2026-1-01", "２026-01-01"]
        {
            assert_eq!(CivilDate::parse(text), None, "{text}");
        }
        assert!(CivilDate::parse("2024-02-29").is_some());
        assert!(CivilDate::parse("2000-02-29").is_some());
    }

    #[test]
    fn an_inclusive_end_date_ends_at_midnight_in_china() {
        let date = CivilDate::parse("2026-11-23").unwrap();
        assert_eq!(date.begins().to_string(), "2026-11-23T00:00:00+08:00");
        assert_eq!(date.ends().to_string(), "2026-11-24T00:00:00+08:00");
        assert_eq!(date.ends().plus(-1).civil_date(), date);
    }

    #[test]
    fn every_form_of_rfc3339_is_the_same_moment() {
        for text in [
            "2026-11-23T10:00:00Z",
            "2026-11-23T10:00:00.000Z",
            "2026-11-23t10:00:00z",
            "2026-11-23T10:00:00.999999999z",
            "2026-11-23T18:00:00.5+08:00",
            "2026-11-23T10:00:00-00:00",
            "2026-11-23T09:30:00.1-00:30",
        ] {
            assert_eq!(UnixTime::parse_rfc3339(text), Some(UnixTime(1_795_428_000)), "{text}");
        }
        let leap = UnixTime::parse_rfc3339("2017-01-01T00:00:00Z");
        assert_eq!(UnixTime::parse_rfc3339("2016-12-31T23:59:60Z"), leap);
        assert_eq!(UnixTime::parse_rfc3339("2017-01-01T07:59:60.7+08:00"), leap);
    }

    #[test]
    fn what_is_no_moment_is_refused() {
        for text in [
            "2026-11-23T10:00:00",
            "2026-11-23T10:00:00.Z",
            "2026-11-23T10:00:00.0000000001Z",
            "2026-11-23T10:00:00,5Z",
            "2026-11-23T10:00:00.5",
            "2026-11-23T10:00:00.５Z",
            "2026-11-23T10:00:60Z",
            "2026-11-23T10:00Z",
            "2026-11-23 10:00:00Z",
            "2026-11-23T24:00:00Z",
            "2026-11-23T10:00:00+24:00",
            "2026-11-23T10:00:00+0800",
            " 2026-11-23T10:00:00Z",
            "2026-11-23T10:00:00Z ",
            "２026-11-23T10:00:00Z",
            "2026-02-29T10:00:00Z",
            "",
        ] {
            assert_eq!(UnixTime::parse_rfc3339(text), None, "{text}");
        }
    }
}
