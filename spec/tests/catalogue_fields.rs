//! Fields of a credential and of a view against a revision of the catalogue. spec/catalogue.md §2.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test helper that fails fails the test"
)]

use licence_spec::catalogue::{Accepted, Field, FieldFault, FieldFaultKind, FieldKind, Revision};
use licence_spec::cbor::Writer;
use licence_spec::credential::FieldMap;

fn revision() -> Revision {
    let field = |key, kind, required, max| Field {
        key,
        kind,
        name: format!("项{key}"),
        required,
        sensitive: false,
        on_face: true,
        max,
        en: None,
        options: Vec::new(),
    };
    let fields = vec![
        field(0, FieldKind::Uint, true, 0),
        field(1, FieldKind::Text, true, 128),
        field(2, FieldKind::Text, true, 128),
        field(3, FieldKind::List, true, 4),
        field(4, FieldKind::List, true, 3),
        field(5, FieldKind::List, true, 32),
        field(7, FieldKind::Text, true, 12),
        field(8, FieldKind::Date, true, 10),
        field(9, FieldKind::Text, false, 10),
        field(11, FieldKind::Bool, false, 0),
        field(12, FieldKind::Digest, false, 0),
        field(13, FieldKind::Table, false, 64),
        field(14, FieldKind::Text, false, 0),
        field(24, FieldKind::Bool, false, 0),
    ];
    Revision { number: 1, fields, longest_life_s: 1, in_force_from: None }
}

/// Field maps are built from pairs of key and encoder; later pairs replace earlier ones, `None` takes a key away.
type Encode = fn(&mut Writer) -> &mut Writer;
const GOOD: &[(u8, Encode)] = &[
    (0, |w| w.uint(1)),
    (1, |w| w.text("1.2.156.3005.2.X.Y.Z.001.A")),
    (2, |w| w.text("号")),
    (3, |w| w.array(1).text("四字姓名")),
    (4, |w| w.array(1).text("111")),
    (5, |w| w.array(1).text("44010018000101004X")),
    (7, |w| w.text("440106")),
    (8, |w| w.text("2026-11-23")),
];

/// 64 hex digits, and 65 characters.
const HASH: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const TOO_LONG: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff0";

fn encoded(change: Option<(u8, Option<Encode>)>) -> Vec<u8> {
    let mut pairs: Vec<(u8, Encode)> = GOOD.to_vec();
    if let Some((key, value)) = change {
        pairs.retain(|(own, _)| *own != key);
        pairs.extend(value.map(|value| (key, value)));
        pairs.sort_by_key(|(key, _)| *key);
    }
    let mut w = Writer::default();
    w.map(pairs.len());
    for (key, value) in pairs {
        w.uint(key.into());
        value(&mut w);
    }
    w.into_bytes()
}

fn judged(key: u8, value: Option<Encode>) -> Result<(), FieldFault> {
    let bytes = encoded(Some((key, value)));
    revision().check(&FieldMap::parse(&bytes).unwrap())
}

#[test]
fn good_fields_of_every_kind_pass() {
    let good: &[(u8, Encode)] = &[
        (3, |w| w.array(1).text("㛃𬭎䶮字")),
        (12, |w| w.bytes(&[7; 32])),
        (13, |w| w.array(1).array(3).text("application/pdf").text(HASH).text("")),
        (13, |w| {
            w.array(2)
                .array(3)
                .text("image/png")
                .text(HASH)
                .text(HASH)
                .array(3)
                .text("a/b")
                .text(HASH)
                .text("")
        }),
        (7, |w| w.text("440106001002")),
        (9, |w| w.text("2026-11-23")),
        (24, |w| w.bool(false)),
    ];
    assert_eq!(revision().check(&FieldMap::parse(&encoded(None)).unwrap()), Ok(()));
    for (key, value) in good {
        assert_eq!(judged(*key, Some(*value)), Ok(()), "{key}");
    }
}

#[test]
fn every_breach_names_its_field_and_its_kind() {
    use FieldFaultKind::{HoldersUneven, Missing, TooLong, Unknown, WrongKind};
    let bad: &[(u8, Option<Encode>, FieldFaultKind)] = &[
        (1, None, Missing),
        (8, None, Missing),
        (6, Some(|w| w.text("机关")), Unknown),
        (25, Some(|w| w.text("x")), Unknown),
        (255, Some(|w| w.text("x")), Unknown),
        (2, Some(|w| w.uint(1)), WrongKind),
        (3, Some(|w| w.text("姓名")), WrongKind),
        (3, Some(|w| w.array(1).uint(1)), WrongKind),
        (3, Some(|w| w.array(1).text("五个字姓名")), TooLong),
        (7, Some(|w| w.text("4401060010011")), TooLong),
        (8, Some(|w| w.text("2026-02-30")), WrongKind),
        (8, Some(|w| w.text("20261123")), WrongKind),
        (12, Some(|w| w.bytes(&[7; 31])), WrongKind),
        (13, Some(|w| w.array(1).text("行")), WrongKind),
        (13, Some(|w| w.array(1).array(1).text(TOO_LONG)), TooLong),
        (24, Some(|w| w.uint(1)), WrongKind),
        (5, Some(|w| w.array(2).text("1").text("2")), HoldersUneven),
        (4, Some(|w| w.array(0)), HoldersUneven),
        (3, Some(|w| w.array(0)), HoldersUneven),
    ];
    for (key, value, kind) in bad {
        assert_eq!(judged(*key, *value), Err(FieldFault { key: *key, kind: *kind }), "{key} {kind:?}");
    }
}

/// Common items mean the same in every type, and have one form there, whatever kind and length a revision sets.
#[test]
fn every_common_item_has_one_form_in_every_type() {
    let bad: &[(u8, Encode)] = &[
        (1, |w| w.text("2.16.3005.2.X")),
        (1, |w| w.text("1.2.156.3005.2.")),
        (1, |w| w.text("1.2.156.3005.2.X Y")),
        (2, |w| w.text("")),
        (2, |w| w.text(" \u{3000}")),
        (3, |w| w.array(1).text(" ")),
        (4, |w| w.array(1).text("11")),
        (4, |w| w.array(1).text("112")),
        (4, |w| w.array(1).text("A01")),
        (5, |w| w.array(1).text("")),
        (5, |w| w.array(1).text("440100 1800")),
        (5, |w| w.array(1).text("4401\u{200b}00")),
        (7, |w| w.text("")),
        (7, |w| w.text("44010")),
        (7, |w| w.text("44x106")),
        (7, |w| w.text("４４０１０６")),
        (9, |w| w.text("2026-13-1")),
        (11, |w| w.bool(true)),
        (13, |w| w.array(1).array(2).text("application/pdf").text(HASH)),
        (13, |w| w.array(1).array(3).text("pdf").text(HASH).text("")),
        (13, |w| w.array(1).array(3).text("application/pdf").text("ab").text("")),
        (13, |w| w.array(1).array(3).text("application/pdf").text(HASH).text("ab")),
        (14, |w| w.text("reserved")),
    ];
    for (at, (key, value)) in bad.iter().enumerate() {
        let expected = Err(FieldFault { key: *key, kind: FieldFaultKind::WrongForm });
        assert_eq!(judged(*key, Some(*value)), expected, "row {at}, field {key}");
    }
    let view = Accepted { vct: "urn:elic:cn:999".into(), fields: vec![0, 7] };
    let mut w = Writer::default();
    w.map(2).uint(0).uint(1).uint(7).text("44010");
    let bytes = w.into_bytes();
    let judged = revision().check_view(&FieldMap::parse(&bytes).unwrap(), &view);
    assert_eq!(judged, Err(FieldFault { key: 7, kind: FieldFaultKind::WrongForm }), "in a view, too");
}

#[test]
fn a_view_shows_a_subset_of_what_is_allowed_with_revision_and_area() {
    let accepted = Accepted { vct: "urn:elic:cn:999".into(), fields: vec![0, 2, 3, 7] };
    let view = |pairs: &[(u8, Encode)]| {
        let mut w = Writer::default();
        w.map(pairs.len());
        for (key, value) in pairs {
            w.uint((*key).into());
            value(&mut w);
        }
        revision().check_view(&FieldMap::parse(&w.into_bytes()).unwrap(), &accepted)
    };
    assert_eq!(view(&[GOOD[0], GOOD[2], GOOD[6]]), Ok(()));
    assert_eq!(view(&[GOOD[0], GOOD[6]]), Ok(()));
    let fault = |key, kind| Err(FieldFault { key, kind });
    assert_eq!(view(&[GOOD[0], GOOD[2]]), fault(7, FieldFaultKind::Missing));
    assert_eq!(view(&[GOOD[0], GOOD[5], GOOD[6]]), fault(5, FieldFaultKind::NotAllowed));
    assert_eq!(
        view(&[GOOD[0], (3, |w| w.array(1).text("五个字姓名")), GOOD[6]]),
        fault(3, FieldFaultKind::TooLong)
    );
}

/// A closed field takes its options: of a text the whole text, of a list each item.
#[test]
fn a_value_that_is_none_of_the_options_does_not_fit() {
    let mut revision = revision();
    revision.fields[2].options = vec!["号".into(), "第号".into()];
    revision.fields[4].options = vec!["001".into(), "111".into()];
    let with =
        |key, value: Encode| revision.check(&FieldMap::parse(&encoded(Some((key, Some(value))))).unwrap());
    assert_eq!(with(2, |w| w.text("第号")), Ok(()));
    let fault = |key| Err(FieldFault { key, kind: FieldFaultKind::NotAnOption });
    assert_eq!(with(2, |w| w.text("号 ")), fault(2));
    assert_eq!(with(4, |w| w.array(1).text("111")), Ok(()));
    assert_eq!(with(4, |w| w.array(1).text("099")), fault(4));
}
