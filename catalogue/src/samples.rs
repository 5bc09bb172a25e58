//! Test licences: valid issue requests of every type, for invented holders, the same for the same seed.
//!
//! In scope: requests as the API takes them, with right check digits, lengths from one character to the limit of the
//! field, rare characters (㛃 𬭎 䶮), and nobody's data: people are born in 1800, names of organisations say 示例. Out of
//! scope: sending them. Not for anything that needs real randomness: the generator is made to be repeatable.

mod holders;
mod values;

use std::fmt::Write as _;

use licence_spec::catalogue::LicenceType;
use licence_spec::time::CivilDate;
use serde::Serialize;

use crate::CatalogueData;
use crate::issue::{Holder, IssueFields, NamedFields, NamedValue};

/// Where issued dates may lie, days before today.
const OLDEST_ISSUE_DAYS: u64 = 365;
/// First key of the face items of a type.
const FIRST_FACE_KEY: u8 = 24;

/// A request to issue, as `POST /v1/licences` takes it.
#[derive(Clone, Debug, Serialize)]
pub struct SampleRequest {
    /// 证照类型代码.
    #[serde(rename = "type")]
    pub licence_type: String,
    /// Code of the issuing authority.
    pub issuer: String,
    /// 证照编号.
    pub number: String,
    /// 属地编码.
    pub area_code: String,
    /// 持证主体.
    pub holders: Vec<Holder>,
    /// 颁发日期.
    pub issued_on: String,
    /// First valid day; the day of issue.
    pub valid_from: Option<String>,
    /// Last valid day; absent = 长期.
    pub valid_until: Option<String>,
    /// Face items by name.
    pub fields: NamedFields,
}

impl SampleRequest {
    /// The request as [`CheckedFields::check`](crate::issue::CheckedFields::check) takes it.
    #[must_use]
    pub fn as_issue_fields<'a>(&'a self, authority_name: &'a str, today: CivilDate) -> IssueFields<'a> {
        IssueFields {
            number: &self.number,
            area_code: &self.area_code,
            holders: &self.holders,
            authority_name,
            issued_on: &self.issued_on,
            valid_from: self.valid_from.as_deref(),
            valid_until: self.valid_until.as_deref(),
            today,
            version: 1,
            replaces: None,
            fields: &self.fields,
        }
    }
}

/// A repeatable source of requests.
#[derive(Clone, Debug)]
pub struct Samples {
    seed: u64,
    rng: SplitMix64,
    made: u64,
}

impl Samples {
    /// A source that gives the same requests for the same seed.
    #[must_use]
    pub const fn new(seed: u64) -> Samples {
        Samples { seed, rng: SplitMix64(seed), made: 0 }
    }

    /// The next request for a licence of this type by this authority in this area (6, 9 or 12 digits), issued within a
    /// year before `today` and still valid then.
    ///
    /// A type for reference only is made up as well; a node refuses it.
    pub fn request(
        &mut self,
        licence_type: &LicenceType,
        issuer: &str,
        area_code: &str,
        today: CivilDate,
    ) -> SampleRequest {
        self.made += 1;
        let issued = CivilDate::from_days(today.days() - self.rng.to(OLDEST_ISSUE_DAYS) as i64);
        let life_days = licence_type.newest().map_or(1, |r| r.longest_life_s / 86_400);
        let until = (!self.rng.one_in(3)).then(|| {
            CivilDate::from_days(today.days() + 1 + self.rng.below(life_days.max(1).unsigned_abs()) as i64)
        });
        SampleRequest {
            licence_type: licence_type.code().to_owned(),
            issuer: issuer.to_owned(),
            number: format!("示例〔2026〕{:x}-{:08}号", self.seed, self.made),
            area_code: area_code.to_owned(),
            holders: holders::make(&mut self.rng, licence_type),
            issued_on: issued.to_string(),
            valid_from: Some(issued.to_string()),
            valid_until: until.map(|day| day.to_string()),
            fields: self.face(licence_type, issued),
        }
    }

    /// Every required face item, and each of the others in two of three requests.
    fn face(&mut self, licence_type: &LicenceType, issued: CivilDate) -> NamedFields {
        let revision = licence_type.newest();
        let face = revision.into_iter().flat_map(|r| &r.fields).filter(|field| field.key >= FIRST_FACE_KEY);
        let mut fields = NamedFields::default();
        for field in face {
            if field.required || !self.rng.one_in(3) {
                fields.push(&field.name, values::make(&mut self.rng, field, issued));
            }
        }
        fields
    }
}

/// Requests without end for one type, by the authorities that may issue it, in turn; `None` if the data have no such
/// type or nobody issues it.
pub fn requests<'a>(
    data: &'a CatalogueData,
    type_code: &str,
    seed: u64,
    today: CivilDate,
) -> Option<impl Iterator<Item = SampleRequest> + 'a> {
    let licence_type = data.types().iter().find(|t| t.code() == type_code)?;
    let issuers: Vec<(&str, String)> = data
        .authorities()
        .iter()
        .filter(|authority| authority.vcts.contains(&licence_type.vct))
        .filter_map(|authority| Some((authority.code.as_str(), area_of(authority.regions.first()?)?)))
        .collect();
    if issuers.is_empty() {
        return None;
    }
    let mut samples = Samples::new(seed);
    Some((0..).map(move |at: usize| {
        let (issuer, area) = &issuers[at % issuers.len()];
        samples.request(licence_type, issuer, area, today)
    }))
}

/// A six-digit area code within a region.
fn area_of(region: &str) -> Option<String> {
    match region {
        "*" => Some("440000".to_owned()),
        digits if digits.len() <= 6 => Some(format!("{digits:0<6}")),
        digits => Some(digits.get(..6)?.to_owned()),
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): small, fast, and the same everywhere. Not for secrets.
#[derive(Clone, Debug)]
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `end` - 1; 0 for an `end` of 0. The bias of the remainder does not matter here.
    fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// 0 to `last`, inclusive.
    fn to(&mut self, last: u64) -> u64 {
        self.below(last.saturating_add(1))
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        // A slice is never longer than a u64 can count.
        items.get(self.below(items.len() as u64) as usize)
    }
}

/// Digits with leading zeros.
fn digits(out: &mut String, value: u64, width: usize) {
    // Cannot fail: writing to a string.
    let _ = write!(out, "{value:0width$}");
}

/// A value as JSON has it, for callers of this module alone.
fn text(text: impl Into<String>) -> NamedValue {
    NamedValue::Text(text.into())
}
