//! Content rules: what must hold inside one version, and between a version and the one before.

use alloc::vec::Vec;

use super::{
    ALWAYS_LISTED, ALWAYS_SHOWN, Choice, Comparison, Constraint, Content, FieldKind, LicenceType, Material,
    Revision, ServiceItem,
};
use crate::cbor::Fault;
use crate::credential::is_vct;

impl Content {
    /// Checks the rules of spec/catalogue.md §3 that concern one version alone.
    ///
    /// # Errors
    /// Not conformant, with the rule that is broken; the first one met, types before service items.
    pub fn check(&self) -> Result<(), Fault> {
        if self.version == 0 || (self.version == 1) != self.previous.is_none() {
            return rule("version 1 alone has no previous digest");
        }
        if !ascending(&self.types, |t| t.vct.as_str()) {
            return rule("types are doubled or not ascending by vct");
        }
        self.types.iter().try_for_each(check_type)?;
        if !ascending(&self.service_items, |s| s.code.as_str()) {
            return rule("service items are doubled or not ascending by code");
        }
        self.service_items.iter().try_for_each(|item| self.check_service_item(item))
    }

    fn check_service_item(&self, item: &ServiceItem) -> Result<(), Fault> {
        for (at, accepted) in item.accepts.iter().enumerate() {
            let Some(licence_type) = self.licence_type(&accepted.vct) else {
                return rule("a service item names a type that is not in the catalogue");
            };
            if item.accepts.iter().take(at).any(|before| before.vct == accepted.vct) {
                return rule("a service item accepts one type twice");
            }
            if !ascending(&accepted.fields, |key| *key) {
                return rule("allowed field keys are doubled or not ascending");
            }
            if !ALWAYS_SHOWN.iter().all(|key| accepted.fields.contains(key)) {
                return rule("a service item leaves out field 0 or 7");
            }
            let known = |key: &u8| licence_type.revisions.iter().any(|r| r.field(*key).is_some());
            if !accepted.fields.iter().all(known) {
                return rule("a service item allows a field that the type does not have");
            }
        }
        if !ascending(&item.materials, |m| m.code.as_str()) {
            return rule("materials are doubled or not ascending by code");
        }
        if let (Some(from), Some(until)) = item.in_force
            && until < from
        {
            return rule("a service item ends before it begins");
        }
        check_choices(item)?;
        item.materials.iter().try_for_each(|material| {
            check_material(item, material)?;
            material.constraints.iter().try_for_each(|c| self.check_constraint(material, c))
        })
    }

    fn check_constraint(&self, material: &Material, constraint: &Constraint) -> Result<(), Fault> {
        let Some(alternative) = material.alternatives.iter().find(|a| a.vct == constraint.vct) else {
            return rule("a constraint names a type that its material does not take");
        };
        if !alternative.required.contains(&constraint.key) {
            return rule("a constraint is on a field that its material does not require");
        }
        if let Comparison::OneOf(texts) = &constraint.comparison
            && texts.is_empty()
        {
            return rule("a constraint has no value");
        }
        let revisions =
            self.licence_type(&constraint.vct).map(|t| t.revisions.as_slice()).unwrap_or_default();
        let mut kinds = revisions.iter().filter_map(|r| r.field(constraint.key)).map(|field| field.kind);
        if kinds.all(|kind| constraint.comparison.takes(kind)) {
            Ok(())
        } else {
            rule("a field of this kind cannot be compared so")
        }
    }

    /// Checks that `next` may follow `self`: every published type and revision is still there, unchanged.
    ///
    /// # Errors
    /// Not conformant, with the rule that is broken.
    pub fn check_successor(&self, next: &Content) -> Result<(), Fault> {
        for held in &self.types {
            let Some(offered) = next.licence_type(&held.vct) else {
                return rule("a published type is gone");
            };
            if offered.revisions.get(..held.revisions.len()) != Some(held.revisions.as_slice()) {
                return rule("a published revision was changed or is gone");
            }
        }
        Ok(())
    }
}

fn check_type(licence_type: &LicenceType) -> Result<(), Fault> {
    if !is_vct(&licence_type.vct) {
        return rule("a vct is not of the form urn:elic:<space>:<type code>");
    }
    for (number, revision) in (1u64..).zip(&licence_type.revisions) {
        if revision.number != number {
            return rule("revisions are not numbered 1, 2, 3 ...");
        }
        check_revision(revision)?;
    }
    Ok(())
}

fn check_revision(revision: &Revision) -> Result<(), Fault> {
    if !ascending(&revision.fields, |f| f.key) {
        return rule("fields are doubled or not ascending by key");
    }
    if !ALWAYS_LISTED.iter().all(|key| revision.field(*key).is_some()) {
        return rule("a revision lacks one of the fields 0, 1, 2, 3, 5, 7, 8");
    }
    for field in revision.fields.iter().filter(|field| !field.options.is_empty()) {
        if !matches!(field.kind, FieldKind::Text | FieldKind::List) {
            return rule("a field has options, and is neither a text nor a list");
        }
        let doubled = |at: usize, option| field.options.iter().take(at).any(|before| before == option);
        if field.options.iter().enumerate().any(|(at, option)| doubled(at, option)) {
            return rule("an option of a field stands twice");
        }
    }
    Ok(())
}

fn check_choices(item: &ServiceItem) -> Result<(), Fault> {
    if !ascending(&item.choices, |choice| choice.name.as_str()) {
        return rule("choices are doubled or not ascending by name");
    }
    for (at, choice) in item.choices.iter().enumerate() {
        if !choice.ways.iter().all(|way| ascending(way, |code| code.as_str())) {
            return rule("materials of a way are doubled or not ascending");
        }
        for code in choice.ways.iter().flatten() {
            let has = |other: &Choice| other.ways.iter().flatten().any(|own| own == code);
            if item.material(code).is_none() {
                return rule("a choice names a material that the service item does not have");
            }
            if item.choices.iter().take(at).any(has) {
                return rule("a material stands in two choices");
            }
        }
    }
    Ok(())
}

fn check_material(item: &ServiceItem, material: &Material) -> Result<(), Fault> {
    if !material.regions.iter().all(|region| is_region(region)) {
        return rule("a region is not a prefix of an area code");
    }
    for (at, alternative) in material.alternatives.iter().enumerate() {
        let Some(accepted) = item.accepted(&alternative.vct) else {
            return rule("a material names a type that the service item does not accept");
        };
        if material.alternatives.iter().take(at).any(|before| before.vct == alternative.vct) {
            return rule("a material names one type twice");
        }
        if !ascending(&alternative.required, |key| *key) {
            return rule("required field keys are doubled or not ascending");
        }
        if !alternative.required.iter().all(|key| accepted.fields.contains(key)) {
            return rule("a material requires a field that the service item may not see");
        }
    }
    Ok(())
}

fn rule(what: &'static str) -> Result<(), Fault> {
    Err(Fault::not_conformant(what))
}

fn ascending<'a, T, K: Ord>(items: &'a [T], key: impl Fn(&'a T) -> K) -> bool {
    let keys: Vec<K> = items.iter().map(key).collect();
    keys.is_sorted_by(|a, b| a < b)
}

/// Whether this may stand where regions are named: `*`, or 2 to 12 digits, a prefix of area codes.
#[must_use]
pub fn is_region(region: &str) -> bool {
    region == "*" || ((2..=12).contains(&region.len()) && region.bytes().all(|b| b.is_ascii_digit()))
}
