//! The signed catalogue: published examples, hostile updates, content rules, limits. spec/catalogue.md.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test helper that fails fails the test"
)]

use licence_spec::catalogue::{
    Accepted, Advance, Alternative, Catalogue, CatalogueFault, Choice, Comparison, Constraint, Content,
    FieldKind, HolderRole, Material, Method, ServiceItem, advance, open, sign,
};
use licence_spec::cbor::FaultKind;
use licence_spec::cose::Sign1;
use licence_spec::suite::SeedSigner;
use licence_spec::time::{CivilDate, UnixTime};
use licence_spec::trust::{Root, TrustFiles, TrustList};
use licence_spec::verdict::Code;
use std::sync::Arc;

const FIRST: &[u8] = include_bytes!("../vectors/catalogue/catalogue_1.cbor");
const SECOND: &[u8] = include_bytes!("../vectors/catalogue/catalogue_2.cbor");
const NOW: UnixTime = UnixTime(1_795_428_000);
const BUSINESS: &str = "urn:elic:cn:11100000MB0143028R001";
const PREMISES: &str = "urn:elic:cn:11440000X00000051Q201";

fn trust() -> Arc<TrustList> {
    let root = Root::open_first(include_bytes!("../vectors/catalogue/root_2.cbor")).unwrap();
    let timestamp = include_bytes!("../vectors/catalogue/timestamp_2.cbor");
    let list = include_bytes!("../vectors/catalogue/list_2.cbor");
    let files = TrustFiles::load(root, &[], Some(timestamp), Some(list)).unwrap();
    files.list().unwrap().clone()
}

fn first() -> Catalogue {
    open(FIRST, &*trust(), NOW).unwrap()
}

fn content() -> Content {
    first().content().clone()
}

/// Causes that several rules share.
const TEXT: &str = "a text is empty or too long";
const ARRAY: &str = "an array of the catalogue has too few or too many items";
const COMPARED: &str = "a field of this kind cannot be compared so";
const NUMBER: &str = "a number of the catalogue is out of range";

/// The fault of a content that is changed so, or `None` if it is still good.
fn broken(change: impl FnOnce(&mut Content)) -> Option<&'static str> {
    let mut changed = content();
    change(&mut changed);
    changed.to_payload().err().map(|fault| {
        assert_eq!(fault.kind, FaultKind::NotConformant);
        fault.what
    })
}

#[test]
fn the_first_example_reads_as_in_its_diagnostic() {
    let first = first();
    assert_eq!(first.version(), 1);
    assert_eq!(first.content().issued_at, UnixTime(1_792_915_200));
    assert_eq!(first.content().in_force_from, UnixTime(1_793_001_600));
    let business = first.type_of_code("11100000MB0143028R001").unwrap();
    assert_eq!((business.name.as_str(), business.vct.as_str()), ("营业执照", BUSINESS));
    let revision = business.newest().unwrap();
    assert_eq!((revision.number, revision.fields.len(), revision.longest_life_s), (1, 19, 315_360_000));
    let representative = revision.field_named("法定代表人").unwrap();
    assert_eq!((representative.key, representative.max), (25, 50));
    assert!(representative.required && representative.sensitive && representative.on_face);
    let item = first.service_item("GZ-TH-0101").unwrap();
    assert_eq!((item.name.as_str(), item.longest_view_life_s), ("食品经营许可新办", 1_800));
    assert_eq!(item.accepted(BUSINESS).unwrap().fields, [0, 2, 3, 5, 7, 29]);
    assert!(item.materials.is_empty() && item.purpose.is_none());
}

#[test]
fn both_examples_are_written_again_byte_for_byte() {
    for bytes in [FIRST, SECOND] {
        let catalogue = open(bytes, &*trust(), NOW).unwrap();
        let payload = Sign1::parse(bytes, bytes.len()).unwrap().payload();
        assert_eq!(catalogue.content().to_payload().unwrap(), payload);
    }
}

#[test]
fn the_second_version_is_taken_after_the_first_and_the_first_alone_is_taken_by_a_new_node() {
    let trust = trust();
    let Advance::Taken(first) = advance(None, FIRST, &*trust, NOW).unwrap() else { panic!("not taken") };
    let Advance::Taken(second) = advance(Some(&first), SECOND, &*trust, NOW).unwrap() else {
        panic!("not taken")
    };
    assert_eq!(second.version(), 2);
    assert_eq!(second.content().previous, Some(*first.digest()));
    assert_eq!(second.type_of_code("11100000MB0143028R001").unwrap().revisions.len(), 2);
    assert_eq!(advance(Some(&second), SECOND, &*trust, NOW), Ok(Advance::Unchanged));
    // Never backwards: an older version is no next one.
    assert_eq!(advance(Some(&second), FIRST, &*trust, NOW).unwrap_err().code(), Code::NotConformant);
}

#[test]
fn every_hostile_update_is_refused_with_its_code() {
    let file: serde_json::Value =
        serde_json::from_str(include_str!("../vectors/catalogue/negative.json")).unwrap();
    let (trust, held) = (trust(), first());
    let cases = file["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 17);
    for case in cases {
        let bytes = hex(case["hex"].as_str().unwrap());
        let fault = advance(Some(&held), &bytes, &*trust, NOW).expect_err(case["id"].as_str().unwrap());
        assert_eq!(fault.code().as_str(), case["code"].as_str().unwrap(), "{}", case["id"]);
        assert_eq!(fault.alarm(), case["code"] == "CATALOGUE_ROLLBACK", "{}", case["id"]);
    }
}

#[test]
fn no_single_flipped_byte_is_taken() {
    let (trust, held) = (trust(), first());
    for at in 0..SECOND.len() {
        let mut bytes = SECOND.to_vec();
        bytes[at] ^= 1;
        assert!(advance(Some(&held), &bytes, &*trust, NOW).is_err(), "byte {at}");
        assert!(advance(Some(&held), &SECOND[..at], &*trust, NOW).is_err(), "cut at {at}");
    }
}

#[test]
fn a_catalogue_from_the_future_of_this_clock_is_not_taken() {
    let iat = first().content().issued_at;
    for (now, expected) in [(iat.plus(-60), None), (iat.plus(-61), Some(CatalogueFault::IssuedInFuture))] {
        assert_eq!(open(FIRST, &*trust(), now).err(), expected, "now = {now}");
    }
}

#[test]
fn a_published_revision_never_changes_and_a_published_type_never_goes() {
    let held = content();
    let next = |change: fn(&mut Content)| {
        let mut next = content();
        change(&mut next);
        held.check_successor(&next).err().map(|fault| fault.what)
    };
    assert_eq!(next(|_| {}), None);
    assert_eq!(next(|c| c.types[0].name.push('照')), None);
    assert_eq!(
        next(|c| c.types[0].revisions[0].fields[19 - 1].max = 1_199),
        Some("a published revision was changed or is gone")
    );
    assert_eq!(
        next(|c| c.types[0].revisions[0].longest_life_s += 1),
        Some("a published revision was changed or is gone")
    );
    assert_eq!(next(|c| drop(c.types.remove(1))), Some("a published type is gone"));
}

#[test]
fn each_content_rule_is_checked_before_signing() {
    type Change = fn(&mut Content);
    let rules: &[(&str, &str, Change)] = &[
        ("version 0", "version 1 alone has no previous digest", |c| c.version = 0),
        ("version 1 with a previous digest", "version 1 alone has no previous digest", |c| {
            c.previous = Some([7; 32])
        }),
        ("version 2 without one", "version 1 alone has no previous digest", |c| c.version = 2),
        ("types unsorted", "types are doubled or not ascending by vct", |c| c.types.reverse()),
        ("type twice", "types are doubled or not ascending by vct", |c| c.types.push(c.types[1].clone())),
        ("vct of another shape", "a vct is not of the form urn:elic:<space>:<type code>", |c| {
            c.types[1].vct = "urn:elic:gd:2000-23401".into()
        }),
        ("revision gap", "revisions are not numbered 1, 2, 3 ...", |c| c.types[0].revisions[0].number = 2),
        ("no revision", ARRAY, |c| {
            c.service_items.clear();
            c.types[0].revisions.clear();
        }),
        ("field twice", "fields are doubled or not ascending by key", |c| {
            c.types[0].revisions[0].fields[1].key = 0
        }),
        ("field 7 left out of a revision", "a revision lacks one of the fields 0, 1, 2, 3, 5, 7, 8", |c| {
            drop(c.types[0].revisions[0].fields.remove(7))
        }),
        ("service item twice", "service items are doubled or not ascending by code", |c| {
            c.service_items.push(c.service_items[0].clone())
        }),
        ("unknown type in an item", "a service item names a type that is not in the catalogue", |c| {
            c.service_items[0].accepts[0].vct = "urn:elic:cn:999".into()
        }),
        ("type twice in an item", "a service item accepts one type twice", |c| {
            c.service_items[0].accepts[1].vct = BUSINESS.into()
        }),
        ("unknown field in an item", "a service item allows a field that the type does not have", |c| {
            c.service_items[0].accepts[0].fields.push(99)
        }),
        ("allowed fields unsorted", "allowed field keys are doubled or not ascending", |c| {
            c.service_items[0].accepts[0].fields.swap(2, 3)
        }),
        ("area code not allowed", "a service item leaves out field 0 or 7", |c| {
            c.service_items[0].accepts[0].fields.retain(|key| *key != 7)
        }),
        ("no accepted type", ARRAY, |c| c.service_items[0].accepts.clear()),
        ("view life 0", NUMBER, |c| c.service_items[0].longest_view_life_s = 0),
        ("name in NFD", "a text is not in Unicode normal form C", |c| c.types[0].name = "Cafe\u{301}".into()),
        ("empty name", TEXT, |c| c.types[0].name.clear()),
    ];
    for (what, cause, change) in rules {
        assert_eq!(broken(change), Some(*cause), "{what}");
    }
}

fn with_material(c: &mut Content) -> &mut Material {
    c.service_items[0].purpose = Some("办理食品经营许可新办".into());
    c.service_items[0].materials = vec![Material {
        code: "M01".into(),
        name: "营业执照".into(),
        holder_role: HolderRole::Applicant,
        regions: vec!["44".into(), "*".into()],
        alternatives: vec![
            Alternative { vct: BUSINESS.into(), required: vec![2, 3] },
            Alternative { vct: PREMISES.into(), required: vec![] },
        ],
        max_age_days: None,
        constraints: vec![],
        en: None,
    }];
    &mut c.service_items[0].materials[0]
}

/// spec/decisions/0010: keys 5 and 6 of a service item.
#[test]
fn materials_and_purpose_travel_signed_and_come_back_equal() {
    let mut content = content();
    with_material(&mut content);
    let signer = SeedSigner::from_seed(&catalogue_seed()).unwrap();
    let bytes = sign(&content, &signer).unwrap();
    assert_eq!(open(&bytes, &*trust(), NOW).unwrap().content(), &content);
}

/// The same content, written by an encoder that shares no code with ours.
#[test]
fn the_extension_is_written_as_the_separate_encoder_writes_it() {
    let mut content = content();
    with_material(&mut content);
    // Handed in unsorted: the writer sorts metadata by the encodings of its keys.
    content.types[0].metadata =
        vec![("证照种类".into(), "证件执照".into()), ("英文名称".into(), "Business licence".into())];
    let expected: &[u8] = include_bytes!("../vectors/catalogue/materials.payload.cbor");
    assert_eq!(content.to_payload().unwrap(), expected);
}

#[test]
fn each_rule_of_materials_is_checked_before_signing() {
    type Change = fn(&mut Material);
    let rules: &[(&str, &str, Change)] = &[
        ("region of letters", "a region is not a prefix of an area code", |m| m.regions[0] = "GD".into()),
        ("region of one digit", "a region is not a prefix of an area code", |m| m.regions[0] = "4".into()),
        ("no region", ARRAY, |m| m.regions.clear()),
        ("no alternative", ARRAY, |m| m.alternatives.clear()),
        (
            "type that the item does not accept",
            "a material names a type that the service item does not accept",
            |m| m.alternatives[0].vct = "urn:elic:cn:999".into(),
        ),
        ("type twice", "a material names one type twice", |m| m.alternatives[1].vct = BUSINESS.into()),
        (
            "required field that may not be seen",
            "a material requires a field that the service item may not see",
            |m| m.alternatives[0].required = vec![25],
        ),
        ("required fields unsorted", "required field keys are doubled or not ascending", |m| {
            m.alternatives[0].required = vec![3, 2]
        }),
        ("code of 65 characters", TEXT, |m| m.code = "M".repeat(65)),
    ];
    assert_eq!(broken(|c| drop(with_material(c).clone())), None);
    for (what, cause, change) in rules {
        assert_eq!(broken(|c| change(with_material(c))), Some(*cause), "{what}");
    }
    let twice = |c: &mut Content| {
        let material = with_material(c).clone();
        c.service_items[0].materials.push(material);
    };
    assert_eq!(broken(twice), Some("materials are doubled or not ascending by code"));
}

fn day(text: &str) -> CivilDate {
    CivilDate::parse(text).unwrap()
}

/// spec/decisions/0031: everything that the extension adds, on one item.
fn extended(c: &mut Content) -> &mut ServiceItem {
    with_material(c);
    c.types[0].metadata =
        vec![("证照种类".into(), "证件执照".into()), ("英文名称".into(), "Business licence".into())];
    let revision = &mut c.types[0].revisions[0];
    revision.in_force_from = Some(day("2026-10-26"));
    for field in &mut revision.fields {
        match field.key {
            24 => {
                field.en = Some("Type of entity".into());
                field.options = vec!["有限责任公司".into(), "个人独资企业".into()];
            }
            29 => field.en = Some("Scope of business".into()),
            _ => {}
        }
    }
    let item = &mut c.service_items[0];
    item.accepts[0].fields = vec![0, 2, 3, 5, 7, 8, 29];
    item.method = Some(Method::Declare);
    item.in_force = (Some(day("2026-10-26")), None);
    item.choices = vec![Choice {
        name: "经营场所".into(),
        ways: vec![vec!["M01".into()], vec!["M02".into(), "M03".into()]],
    }];
    item.metadata =
        vec![("事项领域".into(), "工商登记".into()), ("法律依据".into(), "国务院令第716号第七条".into())];
    let constraint = |key, comparison| Constraint { vct: BUSINESS.into(), key, comparison };
    let first = &mut item.materials[0];
    first.alternatives[0].required = vec![2, 3, 8];
    first.max_age_days = Some(365);
    first.en = Some("Business licence".into());
    first.constraints = vec![
        constraint(2, Comparison::OneOf(vec!["甲".into(), "乙".into()])),
        constraint(3, Comparison::Contains("示例".into())),
        constraint(8, Comparison::NotBefore(day("2020-01-01"))),
        constraint(8, Comparison::NotAfter(day("2030-12-31"))),
    ];
    let other = |code: &str, name: &str, vct: &str, holder_role, region: &str| Material {
        code: code.into(),
        name: name.into(),
        holder_role,
        regions: vec![region.into()],
        alternatives: vec![Alternative { vct: vct.into(), required: vec![] }],
        max_age_days: None,
        constraints: vec![],
        en: None,
    };
    item.materials.push(other("M02", "场地", PREMISES, HolderRole::LegalRepresentative, "*"));
    item.materials.push(other("M03", "版本", BUSINESS, HolderRole::OtherParty, "44"));
    item
}

#[test]
fn the_second_extension_is_written_and_read_as_the_separate_encoder_writes_it() {
    let mut content = content();
    extended(&mut content);
    let expected: &[u8] = include_bytes!("../vectors/catalogue/extended.payload.cbor");
    assert_eq!(content.to_payload().unwrap(), expected);
    let signer = SeedSigner::from_seed(&catalogue_seed()).unwrap();
    let read = open(&sign(&content, &signer).unwrap(), &*trust(), NOW).unwrap();
    // The writer sorts metadata; everything else comes back as it went in.
    content.types[0].metadata.reverse();
    content.types[0].metadata.sort_by(|(a, _), (b, _)| (a.len(), a).cmp(&(b.len(), b)));
    assert_eq!(read.content(), &content);
}

#[test]
fn each_rule_of_the_second_extension_is_checked_before_signing() {
    type Change = fn(&mut Content);
    fn item(c: &mut Content) -> &mut ServiceItem {
        &mut c.service_items[0]
    }
    fn constraint(c: &mut Content, at: usize) -> &mut Constraint {
        &mut item(c).materials[0].constraints[at]
    }
    let rules: &[(&str, &str, Change)] = &[
        ("ends before it begins", "a service item ends before it begins", |c| {
            item(c).in_force.1 = Some(day("2026-10-25"))
        }),
        ("one way alone", ARRAY, |c| drop(item(c).choices[0].ways.pop())),
        ("an empty way", ARRAY, |c| item(c).choices[0].ways[0].clear()),
        ("unknown material in a way", "a choice names a material that the service item does not have", |c| {
            item(c).choices[0].ways[0] = vec!["M09".into()]
        }),
        ("materials of a way unsorted", "materials of a way are doubled or not ascending", |c| {
            item(c).choices[0].ways[1].reverse()
        }),
        ("choice twice", "choices are doubled or not ascending by name", |c| {
            let choice = item(c).choices[0].clone();
            item(c).choices.push(choice);
        }),
        ("material in two choices", "a material stands in two choices", |c| {
            let choice = Choice { name: "经营场所二".into(), ..item(c).choices[0].clone() };
            item(c).choices.push(choice);
        }),
        (
            "constraint on a type that is not taken",
            "a constraint names a type that its material does not take",
            |c| constraint(c, 0).vct = "urn:elic:cn:999".into(),
        ),
        (
            "constraint on a field that is not required",
            "a constraint is on a field that its material does not require",
            |c| constraint(c, 0).key = 5,
        ),
        ("constraint without a value", "a constraint has no value", |c| {
            constraint(c, 0).comparison = Comparison::OneOf(vec![])
        }),
        ("text compared as a number", COMPARED, |c| constraint(c, 0).comparison = Comparison::AtLeast(1)),
        ("text compared as a date", COMPARED, |c| {
            constraint(c, 0).comparison = Comparison::NotBefore(day("2026-01-01"));
        }),
        ("date compared as a text", COMPARED, |c| {
            constraint(c, 2).comparison = Comparison::Contains("2026".into())
        }),
        ("age of 0 days", NUMBER, |c| item(c).materials[0].max_age_days = Some(0)),
        ("options of a date", "a field has options, and is neither a text nor a list", |c| {
            let field = c.types[0].revisions[0].fields.iter_mut().find(|f| f.key == 8).unwrap();
            assert_eq!(field.kind, FieldKind::Date);
            field.options = vec!["2026-01-01".into()];
        }),
        ("option twice", "an option of a field stands twice", |c| {
            let field = c.types[0].revisions[0].fields.iter_mut().find(|f| f.key == 24).unwrap();
            field.options = vec!["甲".into(), "甲".into()];
        }),
        ("empty option", TEXT, |c| {
            let field = c.types[0].revisions[0].fields.iter_mut().find(|f| f.key == 24).unwrap();
            field.options = vec![String::new()];
        }),
    ];
    assert_eq!(broken(|c| drop(extended(c).clone())), None);
    for (what, cause, change) in rules {
        let found = broken(|c| {
            extended(c);
            change(c);
        });
        assert_eq!(found, Some(*cause), "{what}");
    }
}

/// Published examples have neither dates nor options: they keep their meaning.
#[test]
fn a_catalogue_without_the_extensions_is_in_force_always_and_takes_any_number_of_holders() {
    let first = first();
    let business = first.licence_type(BUSINESS).unwrap();
    assert_eq!(business.holders(), (1, 64));
    assert_eq!(business.newest().unwrap().in_force_from, None);
    assert!(first.service_item("GZ-TH-0101").unwrap().is_in_force_on(day("9999-12-31")));
    let mut content = content();
    let item = extended(&mut content);
    assert!(!item.is_in_force_on(day("2026-10-25")) && item.is_in_force_on(day("2026-10-26")));
    item.in_force.1 = Some(day("2026-10-27"));
    assert!(item.is_in_force_on(day("2026-10-27")) && !item.is_in_force_on(day("2026-10-28")));
    content.types[0].metadata.push(("持证主体数量".into(), "2-3".into()));
    assert_eq!(content.types[0].holders(), (2, 3));
}

#[test]
fn limits_hold_at_their_value_and_not_one_above() {
    type Change = fn(&mut Content, usize);
    let limits: &[(&str, &str, usize, Change)] = &[
        ("name", TEXT, 200, |c, n| c.types[0].name = "照".repeat(n)),
        ("metadata value", TEXT, 1_000, |c, n| {
            c.types[0].metadata = vec![("定义机构".into(), "局".repeat(n))]
        }),
        ("metadata pairs", "metadata is over its limits", 64, |c, n| {
            c.types[0].metadata = (0..n).map(|i| (format!("{i:03}"), "x".into())).collect();
        }),
        ("service item code", TEXT, 64, |c, n| c.service_items[0].code = "X".repeat(n)),
        ("purpose", TEXT, 200, |c, n| c.service_items[0].purpose = Some("办".repeat(n))),
        ("view life", NUMBER, 86_400, |c, n| c.service_items[0].longest_view_life_s = n as i64),
        ("longest life", NUMBER, 3_155_760_000, |c, n| c.types[0].revisions[0].longest_life_s = n as i64),
        ("field max", NUMBER, 4_096, |c, n| c.types[0].revisions[0].fields[1].max = n as u16),
        ("revisions", ARRAY, 64, |c, n| {
            let revision = c.types[1].revisions[0].clone();
            c.types[1].revisions = (1..=n)
                .map(|number| licence_spec::catalogue::Revision { number: number as u64, ..revision.clone() })
                .collect();
        }),
        ("fields", ARRAY, 64, |c, n| {
            let fields = &mut c.types[0].revisions[0].fields;
            let last = fields[18].clone();
            fields.extend(
                (0..n - 19).map(|i| licence_spec::catalogue::Field { key: 100 + i as u8, ..last.clone() }),
            );
        }),
        ("materials", ARRAY, 64, |c, n| {
            let material = with_material(c).clone();
            c.service_items[0].materials =
                (0..n).map(|i| Material { code: format!("M{i:03}"), ..material.clone() }).collect();
        }),
        ("regions", ARRAY, 64, |c, n| with_material(c).regions = vec!["44".into(); n]),
        ("greatest age", NUMBER, 36_525, |c, n| with_material(c).max_age_days = Some(n as i64)),
        ("constraints", ARRAY, 64, |c, n| {
            let constraint =
                Constraint {
                    vct: BUSINESS.into(), key: 2, comparison: Comparison::Contains("示例".into())
                };
            with_material(c).constraints = vec![constraint; n];
        }),
        ("values of a constraint", "a constraint has too few or too many items", 64, |c, n| {
            let comparison = Comparison::OneOf(vec!["示例".into(); n]);
            with_material(c).constraints = vec![Constraint { vct: BUSINESS.into(), key: 2, comparison }];
        }),
        ("length of a value", TEXT, 100, |c, n| {
            let comparison = Comparison::Contains("示".repeat(n));
            with_material(c).constraints = vec![Constraint { vct: BUSINESS.into(), key: 2, comparison }];
        }),
        ("options", ARRAY, 64, |c, n| {
            extended(c);
            let field = c.types[0].revisions[0].fields.iter_mut().find(|f| f.key == 24).unwrap();
            field.options = (0..n).map(|i| i.to_string()).collect();
        }),
        ("length of an option", TEXT, 100, |c, n| {
            extended(c);
            let field = c.types[0].revisions[0].fields.iter_mut().find(|f| f.key == 24).unwrap();
            field.options = vec!["示".repeat(n)];
        }),
        ("English name", TEXT, 200, |c, n| {
            c.types[0].revisions[0].fields[1].en = Some("x".repeat(n));
        }),
        ("ways", ARRAY, 16, |c, n| {
            let item = extended(c);
            let last = item.materials[2].clone();
            item.materials = (0..n).map(|i| Material { code: format!("M{i:02}"), ..last.clone() }).collect();
            let ways = (0..n).map(|i| vec![format!("M{i:02}")]).collect();
            item.choices = vec![Choice { name: "x".into(), ways }];
        }),
        ("accepted types", ARRAY, 64, accept_many),
    ];
    for (what, cause, most, change) in limits {
        assert_eq!(broken(|c| change(c, *most)), None, "{what} at {most}");
        assert_eq!(broken(|c| change(c, most + 1)), Some(*cause), "{what} above {most}");
    }
}

fn accept_many(c: &mut Content, n: usize) {
    let template = c.types[0].clone();
    let vct = |i: usize| format!("urn:elic:zz:{i:05}");
    let made = (0..n).map(|i| licence_spec::catalogue::LicenceType { vct: vct(i), ..template.clone() });
    c.types.extend(made);
    c.service_items[0].accepts = (0..n).map(|i| Accepted { vct: vct(i), fields: vec![0, 7] }).collect();
}

#[test]
fn unknown_keys_and_missing_keys_are_refused() {
    use licence_spec::cbor::Writer;
    let signer = SeedSigner::from_seed(&catalogue_seed()).unwrap();
    let code = |payload: &[u8]| {
        let bytes =
            licence_spec::cose::sign1("application/elicence-catalogue+cbor", payload, &signer).unwrap();
        open(&bytes, &*trust(), NOW).unwrap_err().code()
    };
    let mut w = Writer::default();
    w.map(7).int(1).uint(1).int(2).int(1_792_915_200).int(3).null().int(4).int(1_793_001_600);
    w.int(5).array(0).int(6).array(0).int(7).array(0);
    assert_eq!(code(&w.into_bytes()), Code::NotConformant);
    let mut w = Writer::default();
    w.map(5).int(1).uint(1).int(2).int(1_792_915_200).int(3).null().int(4).int(1_793_001_600).int(5).array(0);
    assert_eq!(code(&w.into_bytes()), Code::NotConformant);
}

/// The public test key of the examples' catalogue publisher, SHA-256 of a text (keys.json of the shared vectors).
fn catalogue_seed() -> [u8; 32] {
    hex(CATALOGUE_SEED).try_into().unwrap()
}

const CATALOGUE_SEED: &str = "202cb3cc1ad74cad7341109e96d1238d2ad45833a638ae5633dea63de77b61ad";

fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}
