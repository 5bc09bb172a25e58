//! `constraints` of an alternative: what the values of fields must be.

use licence_spec::catalogue::{Comparison, Constraint, Field, LicenceType, MAX_OPTION};
use licence_spec::time::CivilDate;

use crate::load::Check;
use crate::source::{AlternativeEntry, ConstraintEntry, ServiceItemFile};

/// The constraints of one alternative; those with findings are left out.
pub(super) fn resolve(
    check: &mut Check<'_, ServiceItemFile>,
    any: &AlternativeEntry,
    licence_type: &LicenceType,
) -> Vec<Constraint> {
    any.constraints.iter().filter_map(|entry| constraint(check, any, entry, licence_type)).collect()
}

fn constraint(
    check: &mut Check<'_, ServiceItemFile>,
    any: &AlternativeEntry,
    entry: &ConstraintEntry,
    licence_type: &LicenceType,
) -> Option<Constraint> {
    let name = entry.field.get_ref();
    let Some(field) = licence_type.newest().and_then(|r| r.field_named(name)) else {
        let message = format!("{} has no field {name}", licence_type.name);
        check.at(&entry.field, "unknown-field", message, "name a field of the type's newest revision");
        return None;
    };
    if !any.required.iter().any(|required| required.get_ref() == name) {
        let message = format!("{name} is constrained, but not required");
        check.at(&entry.field, "constraint", message, "require what is constrained");
    }
    let Some(comparison) = comparison(entry) else {
        let hint = "one of one_of, contains, at_least, at_most, not_before, not_after; dates YYYY-MM-DD";
        check.at(&entry.field, "constraint", "not one comparison with a usable value", hint);
        return None;
    };
    if !comparison.takes(field.kind) || !is_possible(&comparison, field) {
        let hint = "texts: one_of, contains; numbers: at_least, at_most; dates: not_before, not_after";
        check.at(&entry.field, "constraint", format!("{name} can never satisfy this"), hint);
    }
    Some(Constraint { vct: licence_type.vct.clone(), key: field.key, comparison })
}

/// Exactly one comparison, with values of a usable length.
fn comparison(entry: &ConstraintEntry) -> Option<Comparison> {
    let usable = |text: &String| !text.is_empty() && text.chars().count() <= MAX_OPTION;
    let mut given = Vec::new();
    given.extend(
        entry.one_of.clone().filter(|t| !t.is_empty() && t.iter().all(usable)).map(Comparison::OneOf),
    );
    given.extend(entry.contains.clone().filter(usable).map(Comparison::Contains));
    given.extend(entry.at_least.map(Comparison::AtLeast));
    given.extend(entry.at_most.map(Comparison::AtMost));
    given.extend(entry.not_before.as_deref().and_then(CivilDate::parse).map(Comparison::NotBefore));
    given.extend(entry.not_after.as_deref().and_then(CivilDate::parse).map(Comparison::NotAfter));
    let members = [
        entry.one_of.is_some(),
        entry.contains.is_some(),
        entry.at_least.is_some(),
        entry.at_most.is_some(),
        entry.not_before.is_some(),
        entry.not_after.is_some(),
    ];
    let one = members.iter().filter(|given| **given).count() == 1;
    given.pop().filter(|_| one && given.is_empty())
}

/// A field with options can be only what its options let it be.
fn is_possible(comparison: &Comparison, field: &Field) -> bool {
    match comparison {
        Comparison::OneOf(texts) if !field.options.is_empty() => {
            texts.iter().all(|t| field.options.contains(t))
        }
        Comparison::Contains(part) if !field.options.is_empty() => {
            field.options.iter().any(|option| option.contains(part.as_str()))
        }
        _ => true,
    }
}
