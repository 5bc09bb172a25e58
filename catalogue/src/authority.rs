//! Authorities: who issues which type in which region, and which keys a node needs for it.

use licence_spec::catalogue::{LicenceType, META_PROVINCIAL_CODE};
use licence_spec::identifiers::ImplementationCode;
use licence_spec::time::{CivilDate, UnixTime};
use licence_spec::trust::{Names, Scope};
use serde::Serialize;

/// What a key of an authority is for. Named so here because a node has a role, too.
pub use licence_spec::trust::Role as KeyRole;

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
    /// First day of its permission; `None` = always.
    #[serde(serialize_with = "as_text")]
    pub in_force: Option<CivilDate>,
    /// Last day of its permission, inclusive; `None` = open.
    #[serde(serialize_with = "as_text")]
    pub until: Option<CivilDate>,
    /// Code of the authority that it took the place of.
    pub predecessor: Option<String>,
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

    /// The 目录实施码 of a type that this authority issues in `division` (six digits): 基本码 9 + 组织机构代码 9 + division 6.
    /// `None` for a type without a provincial code, or if a part has a wrong shape.
    #[must_use]
    pub fn implementation_code(
        &self,
        licence_type: &LicenceType,
        division: &str,
    ) -> Option<ImplementationCode> {
        let catalogue_code = licence_type.metadata(META_PROVINCIAL_CODE)?;
        let organisation = self.code.get(8..17)?;
        ImplementationCode::parse(&[catalogue_code, organisation, division].concat()).ok()
    }

    /// Whether its permission is over at `now`: it gets no keys into a new list, and what it signed before stays as the list has it.
    #[must_use]
    pub fn is_over(&self, now: UnixTime) -> bool {
        self.until.is_some_and(|day| day.ends() <= now)
    }

    /// The scope that a key of this authority gets in the trust list for `role`, from `from` until before `to`.
    ///
    /// Licence keys: its types and regions. View keys: every type, its regions; so a node shows other cities' licences
    /// only if its regions take them in. The other roles are not scoped by type and region.
    ///
    /// The days of its permission cut the period; a scope that they leave empty has `to` at or before `from`.
    #[must_use]
    pub fn scope(&self, role: KeyRole, from: UnixTime, to: UnixTime) -> Scope {
        let from = self.in_force.map_or(from, |day| from.max(day.begins()));
        let to = self.until.map_or(to, |day| to.min(day.ends()));
        let types = if role == KeyRole::Licence { names(&self.vcts) } else { Names::All };
        let regions = if role.is_scoped() { names(&self.regions) } else { Names::All };
        Scope { role, types, regions, from, to }
    }
}

fn names(names: &[String]) -> Names {
    if names.iter().any(|name| name == "*") { Names::All } else { Names::Some(names.to_vec()) }
}

/// A date as `YYYY-MM-DD`, or null.
#[expect(clippy::ref_option, reason = "the shape that serde asks for")]
fn as_text<S: serde::Serializer>(day: &Option<CivilDate>, serializer: S) -> Result<S::Ok, S::Error> {
    match day {
        Some(day) => serializer.collect_str(day),
        None => serializer.serialize_none(),
    }
}
