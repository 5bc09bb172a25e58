//! Service items (事项) of a catalogue: what each accepts, asks for and may see.
//!
//! In scope: the types and the questions that one item answers alone. Out of scope: reading and writing (`read`,
//! `write`), the rules across parts (`rules`), and fitting licences to an item (package `licence-catalogue`).
//! Format: spec/catalogue.md §1 and §2.

use alloc::string::String;
use alloc::vec::Vec;

use super::Constraint;
use crate::time::CivilDate;

/// One service item (事项): what it accepts, and what it may see of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceItem {
    /// Code, at most 64 characters.
    pub code: String,
    /// Name.
    pub name: String,
    /// Accepted types, none twice.
    pub accepts: Vec<Accepted>,
    /// Longest exp - iat of a view made for it, seconds, 1 to 86,400.
    pub longest_view_life_s: i64,
    /// Purpose text (用途) that its views carry, at most 200 characters.
    pub purpose: Option<String>,
    /// Materials that an applicant would otherwise hand in, strictly ascending by code; all are wanted, but for those
    /// that a choice names. May be empty: the item then says only which types it accepts.
    pub materials: Vec<Material>,
    /// How licences spare the applicant the papers, where the publisher says so.
    pub method: Option<Method>,
    /// First and last day in force, both inclusive; `None` = no limit on that side.
    pub in_force: (Option<CivilDate>, Option<CivilDate>),
    /// Either-or between materials, strictly ascending by name.
    pub choices: Vec<Choice>,
    /// Facts for people, keyed by the `META_` names; ascending by CBOR encoding of the key.
    pub metadata: Vec<(String, String)>,
}

impl ServiceItem {
    /// What is accepted of this type; `None` gives `TYPE_NOT_ACCEPTED`.
    #[must_use]
    pub fn accepted(&self, vct: &str) -> Option<&Accepted> {
        self.accepts.iter().find(|a| a.vct == vct)
    }

    /// Whether the item is in force on this day.
    #[must_use]
    pub fn is_in_force_on(&self, day: CivilDate) -> bool {
        let (from, until) = self.in_force;
        from.is_none_or(|from| from <= day) && until.is_none_or(|until| day <= until)
    }

    /// The material with this code.
    #[must_use]
    pub fn material(&self, code: &str) -> Option<&Material> {
        let at = self.materials.binary_search_by(|m| m.code.as_str().cmp(code)).ok()?;
        self.materials.get(at)
    }

    /// One metadata value.
    #[must_use]
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }
}

/// One either-or: at least one of the ways must be met whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Name, such as 经营场所证明.
    pub name: String,
    /// Codes of the materials that together make one way, each strictly ascending; two ways at least. No material
    /// stands in two choices.
    pub ways: Vec<Vec<String>>,
}

/// 免提交方式: how licences spare the applicant the papers. The numbers are those of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[repr(u8)]
pub enum Method {
    /// 用证: the office takes the licence from the system and files it.
    #[serde(rename = "用证")]
    Use = 1,
    /// 核验: the office has the facts verified and files the receipt.
    #[serde(rename = "核验")]
    Verify = 2,
    /// 告知承诺: the applicant declares, the office verifies afterwards.
    #[serde(rename = "告知承诺")]
    Declare = 3,
}

impl Method {
    /// The method with this wire number.
    #[must_use]
    pub const fn from_number(number: u64) -> Option<Method> {
        Some(match number {
            1 => Method::Use,
            2 => Method::Verify,
            3 => Method::Declare,
            _ => return None,
        })
    }

    /// The Chinese word.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Method::Use => "用证",
            Method::Verify => "核验",
            Method::Declare => "告知承诺",
        }
    }
}

/// One accepted type and the fields that a view for the item may show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The type.
    pub vct: String,
    /// Field keys, strictly ascending, always with 0 and 7.
    pub fields: Vec<u8>,
}

/// One material (材料) of a service item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Material {
    /// Code within the item, at most 64 characters.
    pub code: String,
    /// Name.
    pub name: String,
    /// Whose licence it must be.
    pub holder_role: HolderRole,
    /// Area-code prefixes (or `*`) one of which field 7 of the licence must begin with.
    pub regions: Vec<String>,
    /// The types that satisfy it, any of them.
    pub alternatives: Vec<Alternative>,
    /// Greatest age, days from 颁发日期 (field 8) to the day of the question; `None` = any.
    pub max_age_days: Option<i64>,
    /// What the values of fields must be; those of the licence's type must all hold.
    pub constraints: Vec<Constraint>,
    /// English name, where the catalogue has one.
    pub en: Option<String>,
}

/// One way to satisfy a material.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alternative {
    /// The type, one that the item accepts.
    pub vct: String,
    /// Keys that the licence must carry, strictly ascending; a subset of the accepted fields. May be empty.
    pub required: Vec<u8>,
}

/// Who, of the people in a case, must hold the licence. The numbers are those of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum HolderRole {
    /// 申请人.
    Applicant = 1,
    /// 法定代表人.
    LegalRepresentative = 2,
    /// 配偶.
    Spouse = 3,
    /// 代理人.
    Agent = 4,
    /// 从业人员: somebody who works for the applicant.
    Staff = 5,
    /// 利害关系人: another party to the case, such as a lessor or mortgagee.
    OtherParty = 6,
}

impl HolderRole {
    /// All roles, ascending by number.
    pub const ALL: [HolderRole; 6] = [
        HolderRole::Applicant,
        HolderRole::LegalRepresentative,
        HolderRole::Spouse,
        HolderRole::Agent,
        HolderRole::Staff,
        HolderRole::OtherParty,
    ];

    /// The role with this wire number.
    #[must_use]
    pub fn from_number(number: u64) -> Option<HolderRole> {
        HolderRole::ALL.into_iter().find(|role| *role as u64 == number)
    }
}
