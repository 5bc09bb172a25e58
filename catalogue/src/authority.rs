//! Authorities: who issues which type in which region, and which keys a node needs for it.

use serde::{Deserialize, Serialize};

/// What a key of an authority is for. The numbers are the roles of the trust list (FORMATS.md §1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyRole {
    /// Signs licences.
    Licence = 1,
    /// Signs status tokens of its own licences.
    Status = 2,
    /// Signs the catalogue.
    Catalogue = 3,
    /// Signs views.
    View = 4,
    /// Signs receipts.
    Receipt = 5,
    /// Signs HTTP requests between nodes.
    Node = 6,
}

impl KeyRole {
    /// The role number of the trust list.
    #[must_use]
    pub const fn number(self) -> u64 {
        self as u64
    }
}

/// One authority, from which an entry of the trust list is made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Authority {
    /// 统一社会信用代码, checked: `iss` of its credentials and `id` of its trust-list entry.
    pub code: String,
    /// Whether the code is invented; a production trust list must not be built from such an entry.
    pub synthetic: bool,
    /// Name as field 6 of its licences carries it.
    pub name: String,
    /// Name in English.
    pub en: String,
    /// Node that holds its keys, such as `440100`.
    pub node: String,
    /// Host on which its status lists and references are published.
    pub host: String,
    /// The roles that its keys need.
    pub roles: Vec<KeyRole>,
    /// Area-code prefixes within which it may issue.
    pub regions: Vec<String>,
    /// The types that it may issue, ascending; empty unless it has the role licence.
    pub vcts: Vec<String>,
}

impl Authority {
    /// Whether it has this role.
    #[must_use]
    pub fn has(&self, role: KeyRole) -> bool {
        self.roles.contains(&role)
    }

    /// Whether it may issue this type for this area code.
    #[must_use]
    pub fn issues(&self, vct: &str, area_code: &str) -> bool {
        self.vcts.iter().any(|own| own == vct)
            && self.regions.iter().any(|region| region == "*" || area_code.starts_with(region.as_str()))
    }
}
