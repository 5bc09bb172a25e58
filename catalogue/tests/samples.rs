//! Test licences: valid for every type, repeatable, and nobody's data.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test helper that fails fails the test"
)]

mod common;

use std::collections::BTreeSet;

use common::{NOW, catalogue, data};
use licence_catalogue::issue::{CheckedFields, NamedFields, NamedValue};
use licence_catalogue::samples::{SampleRequest, Samples, requests};
use licence_spec::catalogue::LicenceType;
use licence_spec::credential::{Credential, Draft, sign};
use licence_spec::identifiers::{CreditCode, ResidentId};
use licence_spec::suite::SeedSigner;

fn issuable() -> Vec<LicenceType> {
    catalogue().content().types.iter().filter(|t| !t.is_reference_only()).cloned().collect()
}

fn first(licence_type: &LicenceType, seed: u64, count: usize) -> Vec<SampleRequest> {
    requests(data(), licence_type.code(), seed, NOW.civil_date()).unwrap().take(count).collect()
}

/// Generated, checked, signed, read: equal fields, for every type that a node may issue.
#[test]
fn every_generated_request_is_issued_and_read_back_with_equal_fields() {
    let signer = SeedSigner::from_seed(&[3; 32]).unwrap();
    let types = issuable();
    assert_eq!(types.len(), 38);
    for licence_type in &types {
        for request in first(licence_type, 7, 40) {
            let checked =
                CheckedFields::check(licence_type, &request.as_issue_fields("示例机关", NOW.civil_date()))
                    .unwrap_or_else(|errors| panic!("{}: {errors}", licence_type.name));
            let fields = checked.with_id("1.2.156.3005.2.X.Y.Z.001.A");
            let draft = Draft {
                iss: &request.issuer,
                sub: checked.sub(),
                exp: checked.exp(NOW),
                nbf: checked.nbf(),
                iat: NOW,
                cti: [1; 16],
                vct: &licence_type.vct,
                status_index: 0,
                status_uri: "https://gz.elic.example/v1/status-lists/1",
                fields: &fields,
            };
            let bytes = sign(&draft, &signer).unwrap();
            let credential = Credential::parse(&bytes).unwrap();
            let revision = licence_type.newest().unwrap();
            assert_eq!(revision.check(&credential.fields), Ok(()), "{}", licence_type.name);
            assert!(credential.exp.since(credential.iat) <= revision.longest_life_s);
            assert_eq!(credential.fields.text(2), Some(request.number.as_str()));
            let names: Vec<_> = request.holders.iter().map(|holder| holder.name.as_str()).collect();
            assert_eq!(credential.fields.texts(3), names);
            for (name, value) in request.fields.iter() {
                let key = revision.field_named(name).unwrap().key;
                let read = credential.fields.get(key).unwrap();
                match value {
                    NamedValue::Text(text) => assert_eq!(read.as_text(), Some(text.as_str()), "{name}"),
                    NamedValue::List(items) => assert_eq!(read.as_list().map(<[_]>::len), Some(items.len())),
                    _ => {}
                }
            }
        }
    }
}

/// The issuers are those that the data name, in turn, and only for places where they may issue.
#[test]
fn requests_name_the_authorities_that_may_issue_the_type_there() {
    for licence_type in issuable() {
        let made = first(&licence_type, 1, 60);
        for request in &made {
            let authority = data().authority(&request.issuer).unwrap();
            assert!(authority.issues(&licence_type.vct, &request.area_code), "{}", licence_type.name);
        }
        let issuers: BTreeSet<_> = made.iter().map(|request| &request.issuer).collect();
        assert!(issuers.len() >= 21, "{} of {}", issuers.len(), licence_type.name);
    }
    assert!(requests(data(), "11100000000013127D001", 1, NOW.civil_date()).is_none());
    assert!(requests(data(), "ZD9999", 1, NOW.civil_date()).is_none());
}

#[test]
fn one_seed_gives_one_sequence_and_another_seed_another() {
    let lines = |seed| -> Vec<String> {
        let of = |t: &LicenceType| first(t, seed, 5);
        issuable().iter().flat_map(of).map(|r| serde_json::to_string(&r).unwrap()).collect()
    };
    assert_eq!(lines(1), lines(1));
    let (one, two): (BTreeSet<_>, BTreeSet<_>) =
        (lines(1).into_iter().collect(), lines(2).into_iter().collect());
    assert_eq!(one.intersection(&two).count(), 0);
}

/// No person of the samples can be alive, and rare characters and whole lengths do occur.
#[test]
fn people_are_born_in_1800_and_rare_characters_and_whole_lengths_occur() {
    let (mut seen, mut longest, mut most_holders) = (String::new(), 0, 0);
    for licence_type in issuable() {
        for request in first(&licence_type, 3, 200) {
            most_holders = most_holders.max(request.holders.len());
            for holder in &request.holders {
                if holder.code_type == "111" {
                    assert_eq!(ResidentId::parse(&holder.code).unwrap().birth_date().year(), 1800);
                } else {
                    assert!(CreditCode::parse(&holder.code).is_ok() && holder.name.contains("示例"));
                }
                seen.push_str(&holder.name);
            }
            for (_, value) in request.fields.iter() {
                if let NamedValue::Text(text) = value {
                    longest = longest.max(text.chars().count());
                    seen.push_str(text);
                }
            }
        }
    }
    for rare in ['㛃', '𬭎', '䶮'] {
        assert!(seen.contains(rare), "{rare}");
    }
    assert!(longest >= 1_000 && most_holders == 4, "{longest} {most_holders}");
}

/// What is written as JSON is what the API reads.
#[test]
fn a_request_as_json_has_the_shape_of_the_api() {
    let licence_type = issuable().into_iter().find(|t| t.code() == "11100000MB0143028R001").unwrap();
    let request = Samples::new(5).request(&licence_type, "11440100X00000027D", "440100", NOW.civil_date());
    let json = serde_json::to_value(&request).unwrap();
    let members: Vec<_> = json.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = [
        "area_code",
        "fields",
        "holders",
        "issued_on",
        "issuer",
        "number",
        "type",
        "valid_from",
        "valid_until",
    ];
    assert_eq!(members, expected);
    assert_eq!(json["type"], "11100000MB0143028R001");
    let fields: NamedFields = serde_json::from_value(json["fields"].clone()).unwrap();
    assert_eq!(fields.iter().count(), request.fields.iter().count());
    assert!(fields.iter().all(|(name, value)| request.fields.get(name) == Some(value)));
}
