//! The shipped data, compiled in, so that a node and the demo run without files.

use crate::{CatalogueData, Findings};

macro_rules! files {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../data/", $path)).as_bytes())),*]
    };
}

/// The shipped files: (path below `data/`, bytes). A test compares the list with the folder.
const FILES: &[(&str, &[u8])] = files![
    "common-fields.toml",
    "licence-types/business-licence.toml",
    "licence-types/construction-safety-staff.toml",
    "licence-types/construction-special-operations.toml",
    "licence-types/constructor-grade-2.toml",
    "licence-types/premises-use-proof.toml",
    "licence-types/real-estate-registration.toml",
    "licence-types/real-estate-title.toml",
    "licence-types/resident-identity-card.toml",
    "licence-types/road-transport-permit.toml",
    "licence-types/road-transport-vehicle.toml",
    "authorities/440000.toml",
    "authorities/440100.toml",
    "authorities/440300.toml",
    "service-items/gz-jt-0401.toml",
    "service-items/gz-jz-0201.toml",
    "service-items/gz-th-0101.toml",
    "service-items/sz-bdc-0301.toml",
    "service-items/sz-sp-0101.toml",
];

/// The shipped files as (path, bytes), ready for [`CatalogueData::load`].
pub fn embedded_files() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    FILES.iter().copied()
}

/// The shipped catalogue, loaded and checked.
///
/// # Errors
/// [`Findings`] if the shipped files break a rule, which a test of this package rules out.
pub fn embedded() -> Result<CatalogueData, Findings> {
    CatalogueData::load(embedded_files())
}
