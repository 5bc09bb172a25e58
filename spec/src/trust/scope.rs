//! Scopes: one permission, type × region × role × time.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::cbor::{Fault, Reader, Writer};
use crate::credential::is_vct;
use crate::time::UnixTime;

/// What a key may sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Licences.
    Licence,
    /// Status tokens.
    Status,
    /// The catalogue.
    Catalogue,
    /// Views.
    View,
    /// Receipts.
    Receipt,
    /// HTTP requests between nodes.
    Node,
}

impl Role {
    /// All roles, by their numbers.
    pub const ALL: [Role; 6] =
        [Role::Licence, Role::Status, Role::Catalogue, Role::View, Role::Receipt, Role::Node];

    /// The number on the wire, 1 to 6.
    #[must_use]
    pub const fn number(self) -> i64 {
        self as i64 + 1
    }

    /// The role of a number.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.number() == number)
    }

    /// Its word, in names of files and in the catalogue's data.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Licence => "licence",
            Role::Status => "status",
            Role::Catalogue => "catalogue",
            Role::View => "view",
            Role::Receipt => "receipt",
            Role::Node => "node",
        }
    }

    /// Whether types and regions are matched for this role; the others carry `["*"]` twice.
    #[must_use]
    pub const fn is_scoped(self) -> bool {
        matches!(self, Role::Licence | Role::View)
    }
}

/// A set of names, or all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Names {
    /// `["*"]`.
    All,
    /// These; at least one.
    Some(Vec<String>),
}

/// Most types or regions in one scope: a department issues some dozen types, the province has some 150 regions.
const MAX_NAMES: usize = 512;

impl Names {
    fn read(reader: &mut Reader<'_>, is_name: fn(&str) -> bool) -> Result<Names, Fault> {
        let count = reader.array()?;
        if count == 0 || count > MAX_NAMES {
            return Err(Fault::not_conformant("a scope without names, or with too many"));
        }
        let mut names = Vec::with_capacity(count);
        for _ in 0..count {
            let name = reader.short_text(64)?;
            if name == "*" && count == 1 {
                return Ok(Names::All);
            }
            if !is_name(name) {
                return Err(Fault::not_conformant("a scope names no type or region"));
            }
            names.push(String::from(name));
        }
        Ok(Names::Some(names))
    }

    fn write(&self, writer: &mut Writer) {
        match self {
            Names::All => {
                writer.array(1).text("*");
            }
            Names::Some(names) => {
                writer.array(names.len());
                names.iter().for_each(|name| {
                    writer.text(name);
                });
            }
        }
    }
}

/// One permission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// What may be signed.
    pub role: Role,
    /// Licence types, as vct.
    pub types: Names,
    /// Regions, as beginnings of area codes: "44", "4401", "440106".
    pub regions: Names,
    /// First moment.
    pub from: UnixTime,
    /// First moment that is no longer within.
    pub to: UnixTime,
}

/// Whether a text is the beginning of an area code: 2 to 12 digits.
fn is_region(text: &str) -> bool {
    (2..=12).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl Scope {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Scope, Fault> {
        reader.array_of(5)?;
        let role = Role::from_number(reader.int()?).ok_or(Fault::not_conformant("an unknown role"))?;
        let types = Names::read(reader, is_vct)?;
        let regions = Names::read(reader, is_region)?;
        let (from, to) = (reader.time()?, reader.time()?);
        if to <= from {
            return Err(Fault::not_conformant("a scope that ends before it begins"));
        }
        if !role.is_scoped() && (types != Names::All || regions != Names::All) {
            return Err(Fault::not_conformant("types or regions on a role that has none"));
        }
        Ok(Scope { role, types, regions, from, to })
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.array(5).int(self.role.number());
        self.types.write(writer);
        self.regions.write(writer);
        writer.int(self.from.0).int(self.to.0);
    }

    /// Whether the scope names this type.
    #[must_use]
    pub fn has_type(&self, vct: &str) -> bool {
        match &self.types {
            Names::All => true,
            Names::Some(types) => types.iter().any(|name| name == vct),
        }
    }

    /// Whether the scope covers this area code.
    #[must_use]
    pub fn has_region(&self, area_code: &str) -> bool {
        match &self.regions {
            Names::All => true,
            Names::Some(regions) => regions.iter().any(|region| area_code.starts_with(region.as_str())),
        }
    }

    /// Whether the moment lies within the scope.
    #[must_use]
    pub fn has_time(&self, time: UnixTime) -> bool {
        self.from <= time && time < self.to
    }
}
