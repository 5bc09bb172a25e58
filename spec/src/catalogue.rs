//! The signed catalogue: which licence types exist, with which fields, and which service item may see what of them.
//!
//! In scope: read and write the payload, its content rules, `advance` from a held version to the next one, and the
//! check of a credential's fields against a revision. Out of scope: the data files of the publisher, their linting,
//! and whether a set of licences is what a service item asks for (package `licence-catalogue`).
//! Format: spec/catalogue.md; vectors in spec/vectors/catalogue/.

mod advance;
mod common;
mod constraint;
mod demand;
mod fields;
mod item;
mod read;
mod rules;
mod write;

pub use advance::{
    Advance, Candidate, CatalogueFault, CatalogueKeys, CatalogueSignError, advance, open, sign,
};
pub use constraint::{Comparison, Constraint};
pub use demand::Lack;
pub use fields::{FieldFault, FieldFaultKind};
pub use item::{Accepted, Alternative, Choice, HolderRole, Material, Method, ServiceItem};
pub use rules::is_region;

use alloc::string::String;
use alloc::vec::Vec;

use crate::credential::type_code;
use crate::suite::Digest;
use crate::time::{CivilDate, UnixTime};

/// Most licence types in a catalogue. China's national catalogue counts in the hundreds; spec/catalogue.md §5.
pub const MAX_TYPES: usize = 4_096;
/// Most service items in a catalogue.
pub const MAX_SERVICE_ITEMS: usize = 16_384;
/// Most revisions of one type.
pub const MAX_REVISIONS: usize = 64;
/// Most pairs in the metadata of one type.
pub const MAX_METADATA: usize = 64;
/// Longest name of a type, field, service item or material, and longest metadata key, characters.
pub const MAX_NAME: usize = 200;
/// Longest metadata value, characters.
pub const MAX_METADATA_TEXT: usize = 1_000;
/// Most licence types that one service item accepts.
pub const MAX_ACCEPTED: usize = 64;
/// Most materials of one service item.
pub const MAX_MATERIALS: usize = 64;
/// Most regions of one material.
pub const MAX_REGIONS: usize = 64;
/// Most options of one field.
pub const MAX_OPTIONS: usize = 64;
/// Longest option of a field and longest value of a constraint, characters.
pub const MAX_OPTION: usize = 100;
/// Most constraints of one material.
pub const MAX_CONSTRAINTS: usize = 64;
/// Most values of one constraint.
pub const MAX_CONSTRAINT_VALUES: usize = 64;
/// Most choices of one service item, ways of one choice, and materials of one way.
pub const MAX_CHOICES: usize = 16;
/// Greatest age that a material may ask for, days: a hundred years.
pub const MAX_AGE_DAYS: i64 = 36_525;
/// Longest `longest_life_s` of a revision, seconds: a hundred years.
pub const MAX_LIFE_S: i64 = 3_155_760_000;
/// The field keys that every revision lists (spec/catalogue.md).
pub const ALWAYS_LISTED: [u8; 7] = [0, 1, 2, 3, 5, 7, 8];
/// The field keys that every view shows: revision and area code (spec/view.md).
pub const ALWAYS_SHOWN: [u8; 2] = [0, 7];

/// Metadata key: English name of the type.
pub const META_EN: &str = "英文名称";
/// Metadata key: one of 证件执照, 证明文件, 批文批复, 鉴定报告, 办事结果.
pub const META_KIND: &str = "证照种类";
/// Metadata key: code of the defining authority.
pub const META_DEFINING_CODE: &str = "定义机构代码";
/// Metadata key: level of the defining authority.
pub const META_DEFINING_LEVEL: &str = "定义机构级别";
/// Metadata key: name of the defining authority, or of its branch of administration.
pub const META_DEFINING: &str = "定义机构";
/// Metadata key: level of the issuing authority.
pub const META_ISSUING_LEVEL: &str = "颁发机构级别";
/// Metadata key: how many holders a licence has: `1`, `2` or a range such as `1-64`.
pub const META_HOLDERS: &str = "持证主体数量";
/// Metadata key: how long a licence is valid, in words.
pub const META_VALIDITY: &str = "有效期规则";
/// Metadata key: what the type, or a service item, rests on in law.
pub const META_LEGAL_BASIS: &str = "法律依据";
/// Metadata key of a service item: 民生服务, 投资审批 or 工商登记.
pub const META_AREA: &str = "事项领域";
/// Metadata key of a service item: division code of the office.
pub const META_REGION: &str = "实施地区";
/// Metadata key: how well a service item is founded: 有出处, 推断 or 暂定.
pub const META_ITEM_STATE: &str = "事项依据";
/// Metadata key: who may hold it.
pub const META_HOLDER: &str = "持证主体类别";
/// Metadata key: provincial catalogue code, 9 digits.
pub const META_PROVINCIAL_CODE: &str = "省目录基本码";
/// Metadata key: how well the least known face item is founded: 有出处, 推断 or 暂定.
pub const META_FACE_STATE: &str = "照面信息项依据";
/// Metadata key that is present, with the value [`META_REFERENCE_ONLY`], on types that no node may issue.
pub const META_ISSUE: &str = "签发方式";
/// Value of [`META_ISSUE`]: service items may name the type, nobody here issues it.
pub const META_REFERENCE_ONLY: &str = "仅引用";

/// What the vct of every type without a confirmed code begins with: the one reserved namespace for them. `zd` is 暂定;
/// such codes are `ZD` and digits, which no national code (GB 32100 has no Z) and no provincial one (digits) can be.
pub const PROVISIONAL_PREFIX: &str = "urn:elic:zd:";

/// The content of one catalogue version: what a publisher signs.
///
/// [`Content::check`] holds for every value that came out of [`open`] or [`advance`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// 1, 2, 3 ... without gaps.
    pub version: u64,
    /// Signing time; also the time in the log leaf.
    pub issued_at: UnixTime,
    /// Statement digest of the version before; `None` in version 1 alone.
    pub previous: Option<Digest>,
    /// From when nodes issue by this version. Older revisions stay readable, so judging needs no switch.
    pub in_force_from: UnixTime,
    /// Licence types, strictly ascending by vct.
    pub types: Vec<LicenceType>,
    /// Service items, strictly ascending by code.
    pub service_items: Vec<ServiceItem>,
}

impl Content {
    /// The type with this vct.
    #[must_use]
    pub fn licence_type(&self, vct: &str) -> Option<&LicenceType> {
        let at = self.types.binary_search_by(|t| t.vct.as_str().cmp(vct)).ok()?;
        self.types.get(at)
    }

    /// The type with this type code, the part of the vct behind the last colon: the `type` of the API.
    #[must_use]
    pub fn type_of_code(&self, code: &str) -> Option<&LicenceType> {
        self.types.iter().find(|t| t.code() == code)
    }

    /// The service item with this code.
    #[must_use]
    pub fn service_item(&self, code: &str) -> Option<&ServiceItem> {
        let at = self.service_items.binary_search_by(|s| s.code.as_str().cmp(code)).ok()?;
        self.service_items.get(at)
    }
}

/// A catalogue whose signature, role and content have been checked: only [`open`] and [`advance`] make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    content: Content,
    digest: Digest,
}

impl Catalogue {
    /// The statement digest of the signed object, which the next version, receipts and the log name.
    #[must_use]
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }

    /// The whole content.
    #[must_use]
    pub const fn content(&self) -> &Content {
        &self.content
    }

    /// Version number, from 1.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.content.version
    }

    /// The type with this vct; `None` gives `SCHEMA_UNAVAILABLE` in a verdict.
    #[must_use]
    pub fn licence_type(&self, vct: &str) -> Option<&LicenceType> {
        self.content.licence_type(vct)
    }

    /// The type with this type code, the `type` of the API.
    #[must_use]
    pub fn type_of_code(&self, code: &str) -> Option<&LicenceType> {
        self.content.type_of_code(code)
    }

    /// The service item with this code; a matter that is not in the catalogue gets no view.
    #[must_use]
    pub fn service_item(&self, code: &str) -> Option<&ServiceItem> {
        self.content.service_item(code)
    }
}

/// One licence type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LicenceType {
    /// `urn:elic:<space>:<type code>`.
    pub vct: String,
    /// Official name.
    pub name: String,
    /// Field lists, numbered 1, 2, 3 ... without gaps. A published one never changes and never goes.
    pub revisions: Vec<Revision>,
    /// Facts for people and for issue rules, keyed by the `META_` names; ascending by CBOR encoding of the key.
    pub metadata: Vec<(String, String)>,
}

impl LicenceType {
    /// The type code: the part of the vct behind the last colon.
    #[must_use]
    pub fn code(&self) -> &str {
        type_code(&self.vct)
    }

    /// The revision with this number, from 1; `None` gives `SCHEMA_UNAVAILABLE` in a verdict.
    #[must_use]
    pub fn revision(&self, number: u64) -> Option<&Revision> {
        let at = usize::try_from(number).ok()?.checked_sub(1)?;
        self.revisions.get(at)
    }

    /// The newest revision, by which licences are issued.
    #[must_use]
    pub fn newest(&self) -> Option<&Revision> {
        self.revisions.last()
    }

    /// Whether the type has no confirmed code: its vct stands in the space `zd` (spec/catalogue.md §2). A node in
    /// production refuses to issue it.
    #[must_use]
    pub fn is_provisional(&self) -> bool {
        self.vct.starts_with(PROVISIONAL_PREFIX)
    }

    /// How few and how many holders a licence may have; 1 to 64 where the type does not say.
    #[must_use]
    pub fn holders(&self) -> (usize, usize) {
        let any = (1, crate::numbers::MAX_FIELD_ITEMS);
        let Some(text) = self.metadata(META_HOLDERS) else { return any };
        let (few, many) = text.split_once('-').unwrap_or((text, text));
        match (few.parse::<usize>(), many.parse::<usize>()) {
            (Ok(few), Ok(many)) if 1 <= few && few <= many && many <= any.1 => (few, many),
            _ => any,
        }
    }

    /// One metadata value.
    #[must_use]
    pub fn metadata(&self, key: &str) -> Option<&str> {
        self.metadata.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// Whether no node may issue this type: it is issued elsewhere and only named here.
    #[must_use]
    pub fn is_reference_only(&self) -> bool {
        self.metadata(META_ISSUE) == Some(META_REFERENCE_ONLY)
    }
}

/// One published field list of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// From 1; field 0 of a credential names it.
    pub number: u64,
    /// Fields, strictly ascending by key.
    pub fields: Vec<Field>,
    /// Longest exp - iat of a credential, seconds.
    pub longest_life_s: i64,
    /// From which day licences are issued by it, where the publisher says so; judging needs no date.
    pub in_force_from: Option<CivilDate>,
}

impl Revision {
    /// The field with this key.
    #[must_use]
    pub fn field(&self, key: u8) -> Option<&Field> {
        let at = self.fields.binary_search_by_key(&key, |f| f.key).ok()?;
        self.fields.get(at)
    }

    /// The field with this name, as the API names it.
    #[must_use]
    pub fn field_named(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|f| f.name == name)
    }
}

/// One field of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// 0-23 mean the same in every type, 24-255 are the face items of this one.
    pub key: u8,
    /// What a value looks like.
    pub kind: FieldKind,
    /// Name in Chinese, as the API names it.
    pub name: String,
    /// Every licence must carry it (views need not).
    pub required: bool,
    /// Personal or confidential: masked by default.
    pub sensitive: bool,
    /// 照面信息项: printed on the face.
    pub on_face: bool,
    /// Longest text in characters, for lists each item, for tables each cell; 0 sets no limit of its own.
    pub max: u16,
    /// English name, where the catalogue has one.
    pub en: Option<String>,
    /// The only values that a text, or an item of a list, may take; empty = any.
    pub options: Vec<String>,
}

/// The kinds of values. The numbers are those of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FieldKind {
    /// Text.
    Text = 1,
    /// A real day, `YYYY-MM-DD`.
    Date = 2,
    /// An integer that is not negative.
    Uint = 3,
    /// `true` or `false`.
    Bool = 4,
    /// Array of text.
    List = 5,
    /// 32 bytes.
    Digest = 6,
    /// Array of arrays of text.
    Table = 7,
}

impl FieldKind {
    /// The kind with this wire number.
    #[must_use]
    pub const fn from_number(number: u64) -> Option<FieldKind> {
        Some(match number {
            1 => FieldKind::Text,
            2 => FieldKind::Date,
            3 => FieldKind::Uint,
            4 => FieldKind::Bool,
            5 => FieldKind::List,
            6 => FieldKind::Digest,
            7 => FieldKind::Table,
            _ => return None,
        })
    }
}
