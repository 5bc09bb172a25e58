//! Division codes (GB/T 2260 and its 9- and 12-digit extensions) and the table of Guangdong.

use alloc::string::String;
use core::fmt;

use super::{CodeError, shaped};

/// A division code: 6 digits down to a district or county, 9 to a town or street, 12 to a village.
/// The first two digits are not `00`. Whether the code is assigned is not asked: codes come and go.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DivisionCode(String);

/// How deep a division code reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DivisionLevel {
    /// 省级, `NN0000`.
    Province,
    /// 地级, `NNNN00`.
    City,
    /// 县级, six digits.
    District,
    /// 乡级, nine digits. 东莞 and 中山 have towns directly below the city.
    Town,
    /// 村级, twelve digits.
    Village,
}

impl DivisionCode {
    /// Parses 6, 9 or 12 digits.
    /// # Errors
    /// [`CodeError::Length`] or [`CodeError::Character`] (also at 0 if the code starts with `00`).
    pub fn parse(text: &str) -> Result<DivisionCode, CodeError> {
        let length = if matches!(text.len(), 9 | 12) { text.len() } else { 6 };
        shaped(text, length, |_, byte| byte.is_ascii_digit())?;
        if text.starts_with("00") {
            return Err(CodeError::Character { at: 0 });
        }
        Ok(DivisionCode(text.into()))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How deep this code reaches.
    pub fn level(&self) -> DivisionLevel {
        match self.0.len() {
            12 => DivisionLevel::Village,
            9 => DivisionLevel::Town,
            _ if self.0.ends_with("0000") => DivisionLevel::Province,
            _ if self.0.ends_with("00") => DivisionLevel::City,
            _ => DivisionLevel::District,
        }
    }

    /// Whether this code begins with `region`, a prefix as scopes write it: `44` the province, `4401` the city,
    /// `440106` the district, `*` everything.
    /// The surprise: `440000` as a *prefix* is the province's own level only, not all of Guangdong.
    pub fn within(&self, region: &str) -> bool {
        region == "*" || (!region.is_empty() && self.0.starts_with(region))
    }

    /// The significant digits, as a scope writes this division and all below it: `44`, `4401`, `440106`, …
    pub fn prefix(&self) -> &str {
        match self.level() {
            DivisionLevel::Province => &self.0[..2],
            DivisionLevel::City => &self.0[..4],
            _ => &self.0,
        }
    }

    /// Whether `other` is this division or lies below it: 440000 contains 440106, 440106 contains 440106001.
    pub fn contains(&self, other: &DivisionCode) -> bool {
        other.within(self.prefix())
    }

    /// The six-digit code of the city above (or itself), e.g. `440100` for `440106001`.
    /// A province has none.
    pub fn city(&self) -> Option<DivisionCode> {
        let digits = &self.0[..4];
        (!digits.ends_with("00")).then(|| DivisionCode([digits, "00"].concat()))
    }
}

impl fmt::Display for DivisionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Divisions are public: the digits are shown.
impl fmt::Debug for DivisionCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DivisionCode({})", self.0)
    }
}

/// One row of the table of Guangdong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Division {
    /// Six digits.
    pub code: &'static str,
    /// Chinese name, short form.
    pub zh: &'static str,
    /// English name.
    pub en: &'static str,
    /// First year of the code with this meaning, where known to the project.
    pub from_year: Option<u16>,
    /// Last year of the code, for codes that have retired.
    pub until_year: Option<u16>,
}

const fn city(code: &'static str, zh: &'static str, en: &'static str) -> Division {
    Division { code, zh, en, from_year: None, until_year: None }
}

/// The province, its 21 cities, the districts that spec/domain.md §11 names, and one retired code, ascending.
/// The gaps 4410, 4411 and the jump from 4420 to 4451 are right. Source: spec/domain.md §11 (GB/T 2260 with years).
pub const DIVISIONS: &[Division] = &[
    city("440000", "广东省", "Guangdong"),
    city("440100", "广州", "Guangzhou"),
    Division { from_year: Some(2005), ..city("440115", "南沙", "Nansha") },
    city("440200", "韶关", "Shaoguan"),
    city("440300", "深圳", "Shenzhen"),
    city("440305", "南山", "Nanshan"),
    city("440306", "宝安", "Bao'an"),
    city("440400", "珠海", "Zhuhai"),
    city("440402", "香洲", "Xiangzhou"),
    city("440500", "汕头", "Shantou"),
    city("440600", "佛山", "Foshan"),
    Division { from_year: Some(2002), ..city("440606", "顺德", "Shunde") },
    city("440700", "江门", "Jiangmen"),
    city("440800", "湛江", "Zhanjiang"),
    city("440900", "茂名", "Maoming"),
    Division { until_year: Some(1987), ..city("441000", "海口", "Haikou") },
    city("441200", "肇庆", "Zhaoqing"),
    city("441300", "惠州", "Huizhou"),
    city("441400", "梅州", "Meizhou"),
    city("441500", "汕尾", "Shanwei"),
    city("441600", "河源", "Heyuan"),
    city("441700", "阳江", "Yangjiang"),
    city("441800", "清远", "Qingyuan"),
    city("441900", "东莞", "Dongguan"),
    city("442000", "中山", "Zhongshan"),
    city("445100", "潮州", "Chaozhou"),
    city("445200", "揭阳", "Jieyang"),
    city("445300", "云浮", "Yunfu"),
];

/// The row of the table with exactly this six-digit code; retired codes are found too, with their last year.
pub fn division_named(code: &str) -> Option<&'static Division> {
    DIVISIONS.binary_search_by(|row| row.code.cmp(code)).ok().map(|at| &DIVISIONS[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_ascending_and_holds_the_province_and_its_21_cities_of_today() {
        assert!(DIVISIONS.is_sorted_by(|a, b| a.code < b.code));
        let level = |row: &Division| DivisionCode::parse(row.code).unwrap().level();
        let cities =
            DIVISIONS.iter().filter(|row| level(row) == DivisionLevel::City && row.until_year.is_none());
        assert_eq!(cities.count(), 21);
        assert_eq!(division_named("440000").map(|row| row.zh), Some("广东省"));
        assert_eq!(division_named("441100"), None, "a gap of the numbering");
    }

    #[test]
    fn a_region_matches_by_prefix_and_a_province_contains_its_villages() {
        let village = DivisionCode::parse("440106001002").unwrap();
        for (region, expected) in
            [("44", true), ("4401", true), ("440106", true), ("4403", false), ("*", true), ("", false)]
        {
            assert_eq!(village.within(region), expected, "region {region:?}");
        }
        assert!(DivisionCode::parse("440000").unwrap().contains(&village));
        assert!(!DivisionCode::parse("440300").unwrap().contains(&village));
        assert_eq!(village.city().unwrap().as_str(), "440100");
        assert_eq!(DivisionCode::parse("440000").unwrap().city(), None);
    }
}
