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
    "licence-types/birth-certificate.toml",
    "licence-types/builder-safety-permit.toml",
    "licence-types/business-licence.toml",
    "licence-types/completion-filing.toml",
    "licence-types/construction-permit.toml",
    "licence-types/construction-qualification.toml",
    "licence-types/construction-safety-staff.toml",
    "licence-types/construction-special-operations.toml",
    "licence-types/constructor-grade-2.toml",
    "licence-types/cost-engineer-grade-2-civil.toml",
    "licence-types/cost-engineer-grade-2-installation.toml",
    "licence-types/disability-certificate.toml",
    "licence-types/divorce-certificate.toml",
    "licence-types/driving-licence.toml",
    "licence-types/food-business-permit.toml",
    "licence-types/hazardous-chemicals-permit.toml",
    "licence-types/household-register.toml",
    "licence-types/investment-filing.toml",
    "licence-types/marriage-certificate.toml",
    "licence-types/planning-land.toml",
    "licence-types/planning-works.toml",
    "licence-types/pollutant-permit.toml",
    "licence-types/premises-use-proof.toml",
    "licence-types/real-estate-registration.toml",
    "licence-types/real-estate-title.toml",
    "licence-types/residence-permit.toml",
    "licence-types/resident-identity-card.toml",
    "licence-types/ride-hailing-driver.toml",
    "licence-types/ride-hailing-operator.toml",
    "licence-types/ride-hailing-vehicle.toml",
    "licence-types/road-transport-dangerous-goods.toml",
    "licence-types/road-transport-permit.toml",
    "licence-types/road-transport-radioactive.toml",
    "licence-types/road-transport-staff.toml",
    "licence-types/road-transport-vehicle.toml",
    "licence-types/social-security-card.toml",
    "licence-types/taxi-driver.toml",
    "licence-types/vehicle-registration.toml",
    "licence-types/veterinary-clinic-permit.toml",
    "authorities/440000.toml",
    "authorities/440100.toml",
    "authorities/440115.toml",
    "authorities/440200.toml",
    "authorities/440300-qianhai.toml",
    "authorities/440300.toml",
    "authorities/440400-hengqin.toml",
    "authorities/440400.toml",
    "authorities/440500.toml",
    "authorities/440600.toml",
    "authorities/440606.toml",
    "authorities/440700.toml",
    "authorities/440800.toml",
    "authorities/440900.toml",
    "authorities/441200.toml",
    "authorities/441300.toml",
    "authorities/441400.toml",
    "authorities/441500.toml",
    "authorities/441600.toml",
    "authorities/441700.toml",
    "authorities/441800.toml",
    "authorities/441900.toml",
    "authorities/442000.toml",
    "authorities/445100.toml",
    "authorities/445200.toml",
    "authorities/445300.toml",
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
