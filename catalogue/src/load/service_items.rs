//! `service-items/*.toml` to service items of the signed catalogue.

mod choices;
mod constraints;

use licence_spec::catalogue::{
    ALWAYS_SHOWN, Accepted, Alternative, LicenceType, MAX_AGE_DAYS, META_AREA, META_EN, META_ITEM_STATE,
    META_LEGAL_BASIS, META_REGION, Material, Method, ServiceItem, is_region,
};
use licence_spec::identifiers::DivisionCode;
use licence_spec::numbers::{MAX_CODE, MAX_PURPOSE, MAX_VIEW_LIFE_S};
use licence_spec::time::CivilDate;
use toml::Spanned;

use super::{Check, types::sorted};
use crate::Finding;
use crate::source::{AlternativeEntry, File, MaterialEntry, ServiceItemFile};

const AREAS: [&str; 3] = ["民生服务", "投资审批", "工商登记"];
const METHODS: [Method; 3] = [Method::Use, Method::Verify, Method::Declare];

/// Slips in the names of materials.
pub(super) fn slips(files: &[File<ServiceItemFile>], types: &[LicenceType]) -> Vec<Finding> {
    let mut slips = Vec::new();
    for file in files {
        let mut check = Check { file, findings: &mut slips };
        file.content.materials.iter().for_each(|entry| named_like_a_type(&mut check, entry, types));
    }
    slips
}

/// All service items, ascending by code and then by date. One code may stand in several files, one period each.
pub(super) fn resolve(
    files: &[File<ServiceItemFile>],
    types: &[LicenceType],
    findings: &mut Vec<Finding>,
) -> Vec<ServiceItem> {
    let mut items: Vec<ServiceItem> = Vec::new();
    for file in files {
        let mut check = Check { file, findings };
        head(&mut check);
        let item = item(&mut check, types);
        if items.iter().any(|other| other.code == item.code && overlap(other, &item)) {
            check.at(
                &file.content.code,
                "overlapping-dates",
                "the code is in force in another file at the same time",
                "one code, one item at a time: give the older one an end date (until)",
            );
        }
        items.push(item);
    }
    items.sort_by(|a, b| (&a.code, a.in_force.0).cmp(&(&b.code, b.in_force.0)));
    items
}

fn overlap(a: &ServiceItem, b: &ServiceItem) -> bool {
    // `None` at the start sorts below every date; an open end never comes before a start.
    let ends_before =
        |a: &ServiceItem, b: &ServiceItem| a.in_force.1.is_some_and(|end| Some(end) < b.in_force.0);
    !ends_before(a, b) && !ends_before(b, a)
}

fn head(check: &mut Check<'_, ServiceItemFile>) {
    let file = &check.file.content;
    let code = file.code.get_ref();
    if code.is_empty() || code.chars().count() > MAX_CODE {
        check.at(&file.code, "item-code", "the code is empty or over 64 characters", "1 to 64 characters");
    }
    if file.name.is_empty() || file.en.is_empty() || file.source.is_empty() {
        check.at(&file.code, "name-missing", "name, en or source is missing", "give all three");
    }
    if !AREAS.contains(&file.area.get_ref().as_str()) {
        check.at(&file.area, "area", "an unknown area", "民生服务, 投资审批 or 工商登记");
    }
    if method(file).is_none() {
        check.at(&file.method, "method", "an unknown 免提交方式", "用证, 核验 or 告知承诺");
    }
    if DivisionCode::parse(file.region.get_ref()).is_err() {
        check.at(&file.region, "region", "not a division code", "such as 440100");
    }
    let purpose = file.purpose.get_ref();
    if purpose.is_empty() || purpose.chars().count() > MAX_PURPOSE {
        check.at(
            &file.purpose,
            "purpose",
            "the purpose is empty or over 200 characters",
            "say what the view is for",
        );
    }
    if !(1..=MAX_VIEW_LIFE_S).contains(file.view_life_s.get_ref()) {
        check.at(&file.view_life_s, "view-life", "the view life is out of range", "1 to 86,400 seconds");
    }
    if let Some(basis) = &file.legal_basis
        && (basis.value.get_ref().is_empty() || basis.source.is_empty())
    {
        check.at(&basis.value, "source-missing", "a fact without value or source", "say what and from where");
    }
    dates(check);
    if file.materials.is_empty() {
        check.at(&file.code, "material", "no material", "an item without materials needs no licence");
    }
}

fn method(file: &ServiceItemFile) -> Option<Method> {
    METHODS.into_iter().find(|method| method.zh() == file.method.get_ref())
}

fn dates(check: &mut Check<'_, ServiceItemFile>) {
    let file = &check.file.content;
    let from = CivilDate::parse(file.in_force.get_ref());
    if from.is_none() {
        check.at(&file.in_force, "dates", "not a real day", "YYYY-MM-DD");
    }
    if let Some(until) = &file.until
        && (CivilDate::parse(until.get_ref()).is_none() || CivilDate::parse(until.get_ref()) < from)
    {
        check.at(until, "dates", "not a real day on or after in_force", "YYYY-MM-DD, the last day in force");
    }
}

fn item(check: &mut Check<'_, ServiceItemFile>, types: &[LicenceType]) -> ServiceItem {
    let file = &check.file.content;
    let mut accepts: Vec<Accepted> = Vec::new();
    let mut materials: Vec<Material> = Vec::new();
    for entry in &file.materials {
        if materials.iter().any(|m| m.code == *entry.code.get_ref()) {
            check.at(&entry.code, "duplicate-material", "the code stands twice", "number the materials");
        }
        materials.push(material(check, entry, types, &mut accepts));
    }
    accepts.sort_by(|a, b| a.vct.cmp(&b.vct));
    materials.sort_by(|a, b| a.code.cmp(&b.code));
    ServiceItem {
        code: file.code.get_ref().clone(),
        name: file.name.clone(),
        accepts,
        longest_view_life_s: *file.view_life_s.get_ref(),
        purpose: Some(file.purpose.get_ref().clone()),
        choices: choices::resolve(check, &materials),
        materials,
        method: method(file),
        in_force: (
            CivilDate::parse(file.in_force.get_ref()),
            file.until.as_ref().and_then(|day| CivilDate::parse(day.get_ref())),
        ),
        metadata: metadata(file),
    }
}

fn metadata(file: &ServiceItemFile) -> Vec<(String, String)> {
    let mut pairs = vec![
        (META_EN, file.en.clone()),
        (META_AREA, file.area.get_ref().clone()),
        (META_REGION, file.region.get_ref().clone()),
        (META_ITEM_STATE, file.state.zh().to_owned()),
    ];
    pairs.extend(file.legal_basis.iter().map(|fact| (META_LEGAL_BASIS, fact.value.get_ref().clone())));
    sorted(pairs)
}

fn material(
    check: &mut Check<'_, ServiceItemFile>,
    entry: &MaterialEntry,
    types: &[LicenceType],
    accepts: &mut Vec<Accepted>,
) -> Material {
    if entry.name.is_empty() || entry.en.is_empty() {
        check.at(&entry.code, "name-missing", "name or en is missing", "give both");
    }
    if entry.regions.is_empty() || entry.any_of.is_empty() {
        check.at(&entry.code, "material", "no region or no licence", "say which licences, and of where");
    }
    for region in entry.regions.iter().filter(|r| !is_region(r.get_ref())) {
        check.at(region, "region", "not a prefix of an area code", "2 to 12 digits, or *");
    }
    if let Some(days) = &entry.max_age_days
        && !(1..=MAX_AGE_DAYS).contains(days.get_ref())
    {
        check.at(days, "max-age", "the greatest age is out of range", "1 to 36,525 days");
    }
    let (mut alternatives, mut constraints) = (Vec::<Alternative>::new(), Vec::new());
    for any in &entry.any_of {
        let code = &any.type_code;
        let Some(licence_type) = types.iter().find(|t| t.code() == code.get_ref()) else {
            check.at(code, "unknown-type", format!("no type {}", code.get_ref()), "add its file first");
            continue;
        };
        if alternatives.iter().any(|a| a.vct == licence_type.vct) {
            check.at(
                code,
                "duplicate-type",
                "the type stands twice in this material",
                "put the fields together",
            );
        }
        let (required, permitted) = alternative(check, any, licence_type);
        accept(accepts, &licence_type.vct, &permitted);
        constraints.extend(constraints::resolve(check, any, licence_type));
        alternatives.push(Alternative { vct: licence_type.vct.clone(), required });
    }
    Material {
        code: entry.code.get_ref().clone(),
        name: entry.name.clone(),
        holder_role: entry.holder_role,
        regions: entry.regions.iter().map(|r| r.get_ref().clone()).collect(),
        alternatives,
        max_age_days: entry.max_age_days.as_ref().map(|days| *days.get_ref()),
        constraints,
        en: Some(entry.en.clone()),
    }
}

/// A material bears the name of one of the types that it takes, with whose it is before it: its last characters are those of the
/// type, what stands in brackets behind left aside.
fn named_like_a_type(check: &mut Check<'_, ServiceItemFile>, entry: &MaterialEntry, types: &[LicenceType]) {
    const LIKE: usize = 4;
    let bare =
        |name: &str| name.split('（').next().filter(|bare| !bare.is_empty()).unwrap_or(name).to_owned();
    let end = |name: &str, count: usize| name.chars().rev().take(count).collect::<Vec<_>>();
    let own = bare(&entry.name);
    let like = |licence_type: &LicenceType| {
        // 住所（经营场所）场地使用证明: brackets within a name are part of it.
        let whole = licence_type.name.trim_end_matches('）') == licence_type.name;
        let theirs = if whole { licence_type.name.clone() } else { bare(&licence_type.name) };
        let count = LIKE.min(own.chars().count()).min(theirs.chars().count());
        end(&own, count) == end(&theirs, count)
    };
    let of = |any: &AlternativeEntry| types.iter().find(|t| t.code() == any.type_code.get_ref());
    let known: Vec<&LicenceType> = entry.any_of.iter().filter_map(of).collect();
    if !known.is_empty() && !known.iter().any(|licence_type| like(licence_type)) {
        let names: Vec<&str> = known.iter().map(|licence_type| licence_type.name.as_str()).collect();
        let message = format!("the material {} takes {}", entry.name, names.join("、"));
        check.at(&entry.code, "name-differs", message, "name it after the type that it takes");
    }
}

/// The required and the permitted keys of one alternative.
fn alternative(
    check: &mut Check<'_, ServiceItemFile>,
    any: &AlternativeEntry,
    licence_type: &LicenceType,
) -> (Vec<u8>, Vec<u8>) {
    let mut permitted = ALWAYS_SHOWN.to_vec();
    permitted.extend(keys(check, &any.permitted, licence_type));
    let mut required = keys(check, &any.required, licence_type);
    for name in &any.required {
        if !any.permitted.iter().any(|p| p.get_ref() == name.get_ref()) {
            let message = format!("{} is required, but not permitted", name.get_ref());
            check.at(name, "required-not-permitted", message, "permit what is required");
        }
    }
    for name in &any.permitted {
        let field = licence_type.newest().and_then(|r| r.field_named(name.get_ref()));
        let reasoned = any.reasons.get(name.get_ref()).is_some_and(|reason| !reason.is_empty());
        if field.is_some_and(|f| f.sensitive) && !reasoned {
            let message = format!("{} is sensitive", name.get_ref());
            check.at(name, "sensitive-without-reason", message, "say in `reasons` why the item must see it");
        }
    }
    for name in any.reasons.keys() {
        if !any.permitted.iter().any(|p| p.get_ref() == name) {
            check.at(
                &any.type_code,
                "reason-without-field",
                format!("a reason for {name}"),
                "permit it or drop it",
            );
        }
    }
    for list in [&mut permitted, &mut required] {
        list.sort_unstable();
        list.dedup();
    }
    (required, permitted)
}

fn keys(
    check: &mut Check<'_, ServiceItemFile>,
    names: &[Spanned<String>],
    licence_type: &LicenceType,
) -> Vec<u8> {
    let mut keys = Vec::new();
    for name in names {
        match licence_type.newest().and_then(|r| r.field_named(name.get_ref())) {
            Some(field) if keys.contains(&field.key) => {
                check.at(
                    name,
                    "duplicate-field",
                    format!("{} stands twice", name.get_ref()),
                    "once is enough",
                );
            }
            Some(field) => keys.push(field.key),
            None => {
                let message = format!("{} has no field {}", licence_type.name, name.get_ref());
                check.at(name, "unknown-field", message, "name a field of the type's newest revision");
            }
        }
    }
    keys
}

/// What an item may see of a type is what any of its materials permits.
fn accept(accepts: &mut Vec<Accepted>, vct: &str, permitted: &[u8]) {
    if let Some(accepted) = accepts.iter_mut().find(|a| a.vct == vct) {
        accepted.fields.extend_from_slice(permitted);
        accepted.fields.sort_unstable();
        accepted.fields.dedup();
    } else {
        accepts.push(Accepted { vct: vct.into(), fields: permitted.to_vec() });
    }
}
