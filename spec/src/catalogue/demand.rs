//! What a service item demands of one licence: type, fields, constraints, age, region, role. The one judgement: the verdict
//! answers with it (group POLICY), and fit explains it.
//!
//! In scope: one licence against one material, and against the item. Out of scope: whether it is genuine and valid
//! (`verify`), whose it is (`verify::is_holder`), which licences together meet the item (package `licence-catalogue`).
//! Format: spec/catalogue.md §2.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::{Alternative, Constraint, Content, HolderRole, Material, ServiceItem};
use crate::credential::FieldMap;
use crate::time::CivilDate;
use crate::verdict::Code;

/// 颁发日期, from which ages are counted.
const ISSUED_ON: u8 = 8;
/// 属地, which regions are prefixes of.
const AREA: u8 = 7;

/// What a licence lacks for a material, in the order in which a clerk asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack<'a> {
    /// The material does not take its type.
    Type,
    /// A field is not there.
    Field(u8),
    /// A field has another value than is wanted.
    Constraint(&'a Constraint),
    /// It was issued longer ago than so many days.
    Age {
        /// The field that says when.
        key: u8,
        /// The most days.
        most: i64,
    },
    /// Its area lies in none of the regions.
    Region {
        /// The field that says where.
        key: u8,
        /// The regions.
        regions: &'a [alloc::string::String],
    },
}

impl Lack<'_> {
    /// The code of group POLICY.
    #[must_use]
    pub const fn code(&self) -> Code {
        match self {
            Lack::Type => Code::TypeNotAccepted,
            Lack::Field(_) => Code::FieldMissing,
            Lack::Constraint(_) | Lack::Age { .. } | Lack::Region { .. } => Code::FieldConstraintFailed,
        }
    }

    /// How far the questions got, to tell what came nearest.
    const fn reached(&self) -> u8 {
        match self {
            Lack::Type => 0,
            Lack::Field(_) => 1,
            Lack::Constraint(_) => 2,
            Lack::Age { .. } => 3,
            Lack::Region { .. } => 4,
        }
    }
}

impl Material {
    /// The alternative of this type.
    #[must_use]
    pub fn alternative(&self, vct: &str) -> Option<&Alternative> {
        self.alternatives.iter().find(|alternative| alternative.vct == vct)
    }

    /// Whether a licence of this type with these fields is what the material wants on this day of China, whoever holds it.
    ///
    /// # Errors
    /// The first [`Lack`].
    pub fn judge(&self, vct: &str, fields: &FieldMap<'_>, day: CivilDate) -> Result<(), Lack<'_>> {
        let taken = self.alternative(vct).ok_or(Lack::Type)?;
        if let Some(key) = taken.required.iter().find(|key| fields.get(**key).is_none()) {
            return Err(Lack::Field(*key));
        }
        let mut own = self.constraints.iter().filter(|constraint| constraint.vct == vct);
        if let Some(failed) = own.find(|constraint| !constraint.holds(fields)) {
            return Err(Lack::Constraint(failed));
        }
        if let Some(most) = self.max_age_days {
            // A view may leave the date out; then it is not the one that is wanted here.
            let issued = fields.text(ISSUED_ON).and_then(CivilDate::parse).ok_or(Lack::Field(ISSUED_ON))?;
            if day.days() - issued.days() > most {
                return Err(Lack::Age { key: ISSUED_ON, most });
            }
        }
        let area = fields.text(AREA).unwrap_or_default();
        let is_in = |region: &alloc::string::String| region == "*" || area.starts_with(region.as_str());
        match self.regions.iter().any(is_in) {
            true => Ok(()),
            false => Err(Lack::Region { key: AREA, regions: &self.regions }),
        }
    }
}

impl ServiceItem {
    /// What the item wants. One that names no materials wants a licence of each accepted type, of the applicant and from
    /// anywhere; `content` has the names.
    #[must_use]
    pub fn wanted(&self, content: &Content) -> Cow<'_, [Material]> {
        if !self.materials.is_empty() {
            return Cow::Borrowed(&self.materials);
        }
        let material = |vct: &alloc::string::String| Material {
            code: vct.clone(),
            name: content.licence_type(vct).map_or_else(|| vct.clone(), |own| own.name.clone()),
            holder_role: HolderRole::Applicant,
            regions: Vec::from(["*".into()]),
            alternatives: Vec::from([Alternative { vct: vct.clone(), required: Vec::new() }]),
            max_age_days: None,
            constraints: Vec::new(),
            en: None,
        };
        Cow::Owned(self.accepts.iter().map(|accepted| material(&accepted.vct)).collect())
    }

    /// Whether a licence of this type can serve the item at all: accepted, and taken by a material where there are any.
    #[must_use]
    pub fn takes(&self, vct: &str) -> bool {
        self.accepted(vct).is_some()
            && (self.materials.is_empty() || self.materials.iter().any(|m| m.alternative(vct).is_some()))
    }

    /// Whether the item wants licences of this type of somebody in this role.
    #[must_use]
    pub fn wants_of(&self, vct: &str, role: HolderRole) -> bool {
        match self.materials.is_empty() {
            true => role == HolderRole::Applicant && self.takes(vct),
            false => self.materials.iter().any(|m| m.holder_role == role && m.alternative(vct).is_some()),
        }
    }

    /// Whether the item takes a licence of this type with these fields on this day of China: the POLICY question of a
    /// verdict. With a role, only what is wanted of that role counts, if anything of this type is.
    ///
    /// # Errors
    /// `TYPE_NOT_ACCEPTED`; `POLICY_UNAVAILABLE` if the item is not in force; else the code of the [`Lack`] of the material
    /// that came nearest, `FIELD_MISSING` or `FIELD_CONSTRAINT_FAILED`.
    pub fn judge(
        &self,
        vct: &str,
        fields: &FieldMap<'_>,
        day: CivilDate,
        role: Option<HolderRole>,
    ) -> Result<(), Code> {
        if !self.takes(vct) {
            return Err(Code::TypeNotAccepted);
        }
        if !self.is_in_force_on(day) {
            return Err(Code::PolicyUnavailable);
        }
        let role = role.filter(|role| self.wants_of(vct, *role));
        let of_role = |material: &&Material| role.is_none_or(|role| material.holder_role == role);
        let mut nearest = None;
        for material in self.materials.iter().filter(of_role) {
            match material.judge(vct, fields, day) {
                Ok(()) => return Ok(()),
                Err(lack) => {
                    nearest = [nearest, Some(lack)].into_iter().flatten().max_by_key(Lack::reached);
                }
            }
        }
        nearest.map_or(Ok(()), |lack| Err(lack.code()))
    }
}
