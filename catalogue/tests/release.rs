//! What changed between two versions, and the two-person rule.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test helper that fails fails the test"
)]

mod common;

use common::{NOW, Trusting, catalogue, data};
use licence_catalogue::approval::{ApprovalError, MAX_APPROVAL, Officers, Proposal};
use licence_catalogue::diff::{Diff, Effect, Fate, diff};
use licence_catalogue::{CatalogueData, Release, embedded_files};
use licence_spec::catalogue::{Content, open};
use licence_spec::cose::Sign1;
use licence_spec::suite::{SeedSigner, Signer as _};

const BUSINESS: &str = "urn:elic:cn:11100000MB0143028R001";
const PREMISES: &str = "urn:elic:gd:200023401";

/// The shipped data with texts of one file replaced.
fn changed(file: &str, replace: &[(&str, &str)]) -> CatalogueData {
    let files: Vec<(&str, String)> = embedded_files()
        .map(|(path, bytes)| {
            let mut text = String::from_utf8(bytes.to_vec()).unwrap();
            for (from, to) in replace.iter().filter(|_| path == file) {
                assert!(text.contains(from), "{from}");
                text = text.replacen(from, to, 1);
            }
            (path, text)
        })
        .collect();
    CatalogueData::load(files.iter().map(|(path, text)| (*path, text.as_bytes())))
        .unwrap_or_else(|findings| panic!("{findings}"))
}

fn next(data: &CatalogueData) -> Content {
    data.compile(&Release::after(Some(&catalogue()), NOW.plus(60), NOW.plus(60)))
}

fn diff_of(file: &str, replace: &[(&str, &str)]) -> Diff {
    diff(catalogue().content(), &next(&changed(file, replace)))
}

fn paths(diff: &Diff) -> Vec<(String, Effect)> {
    let entries = diff.types.iter().chain(&diff.service_items);
    entries.flat_map(|entry| &entry.changes).map(|change| (change.path.clone(), change.effect)).collect()
}

#[test]
fn a_version_without_changes_says_so_and_touches_nothing() {
    let same = diff(catalogue().content(), &next(data()));
    assert!(same.is_empty() && same.touched_types.is_empty() && same.touched_service_items.is_empty());
    assert_eq!((same.from, same.to), (1, 2));
    assert!(same.to_string().contains("内容无变化 / no change of content"));
}

#[test]
fn a_further_revision_is_told_field_by_field_with_the_service_items_that_take_the_type() {
    let file = "licence-types/premises-use-proof.toml";
    let text = embedded_files().find(|(path, _)| *path == file).unwrap().1;
    let text = std::str::from_utf8(text).unwrap();
    let (head, revision) = text.split_once("[[revisions]]").unwrap();
    // 面积 goes, 场地地址 takes more, 备注 is new.
    let second = revision
        .replace("number = 1", "number = 2")
        .replace("2026-10-26", "2026-11-20")
        .replace("max = 200", "max = 300")
        .replace(
            "{ key = 25, name = \"面积\", en = \"Area\"",
            "{ key = 28, name = \"备注\", en = \"Remark\"",
        );
    let both = format!("{head}[[revisions]]{revision}\n[[revisions]]{second}");
    let diff = diff_of(file, &[(text, &both)]);
    assert_eq!(diff.types.len(), 1);
    let entry = &diff.types[0];
    assert_eq!((entry.id.as_str(), entry.fate), (PREMISES, Fate::Changed));
    let expected = ["revisions/2", "revisions/2/fields/24", "revisions/2/fields/25", "revisions/2/fields/28"];
    assert_eq!(paths(&diff), expected.map(|path| (path.to_owned(), Effect::Issue)));
    assert!(entry.changes[1].text.zh.contains("max 200") && entry.changes[1].text.zh.contains("max 300"));
    assert_eq!(entry.changes[2].after, None);
    assert_eq!(entry.changes[3].before, None);
    assert!(diff.touched_types.contains(PREMISES));
    for item in ["GZ-TH-0101", "SZ-SP-0101", "GZ-SC-0701"] {
        assert!(diff.touched_service_items.contains(item), "{item}");
    }
    assert!(!diff.touched_service_items.contains("JM-JS-0509"));
    let words = diff.to_string();
    assert!(words.contains("住所（经营场所）场地使用证明") && words.contains("issue"), "{words}");
}

#[test]
fn words_alone_touch_nobody() {
    let diff = diff_of(
        "licence-types/business-licence.toml",
        &[("en = \"Business licence\"", "en = \"Business permit\"")],
    );
    assert_eq!(paths(&diff), [("metadata/英文名称".to_owned(), Effect::Words)]);
    assert!(diff.touched_types.is_empty() && diff.touched_service_items.is_empty());
}

#[test]
fn a_changed_service_item_is_told_part_by_part_with_the_types_that_it_takes() {
    let diff = diff_of(
        "service-items/gz-th-0101.toml",
        &[
            ("view_life_s = 1800", "view_life_s = 900"),
            ("method = \"核验\"", "method = \"用证\""),
            ("regions = [\"4401\"]", "regions = [\"44\"]\nmax_age_days = 365"),
            (
                "permitted = [\"证照编号\", \"持证主体\", \"场地地址\"]",
                "permitted = [\"证照编号\", \"持证主体\", \"场地地址\", \"面积\"]",
            ),
        ],
    );
    let expected = [
        "method",
        "view_life_s",
        &format!("accepts/{PREMISES}"),
        "materials/M02/regions",
        "materials/M02/max_age_days",
    ];
    let found: Vec<_> = paths(&diff);
    assert_eq!(found, expected.map(|path| (path.to_owned(), Effect::Use)));
    let accepts = &diff.service_items[0].changes[2];
    assert_eq!(accepts.after.as_deref(), Some("目录版次、证照编号、持证主体、属地编码、场地地址、面积"));
    assert_eq!(diff.touched_types.iter().map(String::as_str).collect::<Vec<_>>(), [BUSINESS, PREMISES]);
    assert_eq!(diff.touched_service_items.len(), 1);
}

#[test]
fn a_new_item_and_a_dropped_item_are_told_and_the_data_form_is_stable() {
    let (before, mut after) = (catalogue().content().clone(), next(data()));
    after.service_items.retain(|item| item.code != "JM-JS-0509");
    let dropped = diff(&before, &after);
    assert_eq!(dropped.service_items[0].fate, Fate::Removed);
    assert_eq!(dropped.touched_types.len(), 2);
    let json = serde_json::to_value(&dropped).unwrap();
    assert_eq!(json["service_items"][0]["id"], "JM-JS-0509");
    assert_eq!(json["service_items"][0]["fate"], "removed");
    assert_eq!(json["from"], 1);
    let added = diff(&after, &before);
    assert_eq!(added.service_items[0].fate, Fate::Added);
    assert_eq!(added.touched_service_items, dropped.touched_service_items);
}

fn signer(seed: u8) -> SeedSigner {
    SeedSigner::from_seed(&[seed; 32]).unwrap()
}

fn officers() -> Officers {
    let keys = [1, 2, 3].map(|seed| (format!("复核{seed}"), *signer(seed).public_key()));
    Officers::new(keys.to_vec(), 2).unwrap()
}

/// spec/decisions/0032: two different officers, over exactly these bytes, before the catalogue key signs them.
#[test]
fn a_version_is_signed_when_two_different_officers_approved_its_bytes_and_not_before() {
    let (held, publisher, officers) = (catalogue(), signer(9), officers());
    let proposal = Proposal::new(&next(data())).unwrap();
    let by = |seed: u8| proposal.approve(NOW, &signer(seed)).unwrap();
    let sign = |approvals: &[Vec<u8>]| proposal.sign(Some(&held), &officers, approvals, &publisher);
    let too_few = |have| Err(ApprovalError::TooFew { have, need: 2 });
    assert_eq!(sign(&[]), too_few(0));
    assert_eq!(sign(&[by(1)]), too_few(1));
    assert_eq!(sign(&[by(1), by(1)]), too_few(1));
    assert_eq!(sign(&[by(1), by(4)]), Err(ApprovalError::NotAnOfficer(1)));
    assert_eq!(sign(&[by(1), by(9)]), Err(ApprovalError::NotAnOfficer(1)));
    let bytes = sign(&[by(1), by(3)]).unwrap();
    let signed = open(&bytes, &Trusting(*publisher.public_key()), NOW.plus(60)).unwrap();
    assert_eq!(signed.version(), 2);
    // An auditor finds the same officers, with nothing but the signed object and the approvals.
    let payload = Sign1::parse(&bytes, bytes.len()).unwrap().payload().to_vec();
    let found = officers.check(&payload, &[by(1), by(3)]).unwrap();
    assert_eq!(found.iter().map(|a| a.officer.as_str()).collect::<Vec<_>>(), ["复核1", "复核3"]);
}

#[test]
fn an_approval_of_other_bytes_of_a_later_time_or_of_no_form_is_refused() {
    let (held, publisher, officers) = (catalogue(), signer(9), officers());
    let proposal = Proposal::new(&next(data())).unwrap();
    let other = {
        let mut content = next(data());
        content.service_items[0].longest_view_life_s += 1;
        Proposal::new(&content).unwrap()
    };
    let good = proposal.approve(NOW, &signer(1)).unwrap();
    let sign = |second: Vec<u8>| proposal.sign(Some(&held), &officers, &[good.clone(), second], &publisher);
    assert_eq!(sign(other.approve(NOW, &signer(2)).unwrap()), Err(ApprovalError::OtherProposal(1)));
    let last = NOW.plus(60 + 60);
    assert!(sign(proposal.approve(last, &signer(2)).unwrap()).is_ok());
    assert_eq!(sign(proposal.approve(last.plus(1), &signer(2)).unwrap()), Err(ApprovalError::InFuture(1)));
    let approval = proposal.approve(NOW, &signer(2)).unwrap();
    for at in 0..approval.len() {
        let mut flipped = approval.clone();
        flipped[at] ^= 1;
        assert!(sign(flipped).is_err(), "byte {at}");
        assert!(sign(approval[..at].to_vec()).is_err(), "cut at {at}");
    }
    assert!(matches!(sign(vec![0; MAX_APPROVAL + 1]), Err(ApprovalError::Format(_))));
    // The catalogue itself is no approval, whoever signed it.
    let catalogue = licence_spec::catalogue::sign(proposal.content(), &signer(2)).unwrap();
    assert!(matches!(sign(catalogue), Err(ApprovalError::Format(_))));
}

#[test]
fn officers_are_two_at_least_with_keys_of_their_own_and_not_the_publisher() {
    let key = |seed| (format!("复核{seed}"), *signer(seed).public_key());
    let new =
        |seeds: &[u8], threshold| Officers::new(seeds.iter().map(|s| key(*s)).collect(), threshold).err();
    assert_eq!(new(&[1, 2], 2), None);
    assert_eq!(new(&[1, 2], 1), Some(ApprovalError::Officers));
    assert_eq!(new(&[1, 2], 3), Some(ApprovalError::Officers));
    assert_eq!(new(&[1, 1], 2), Some(ApprovalError::Officers));
    let proposal = Proposal::new(&next(data())).unwrap();
    let approvals = [1, 2].map(|seed| proposal.approve(NOW, &signer(seed)).unwrap());
    let by_officer = proposal.sign(Some(&catalogue()), &officers(), &approvals, &signer(3));
    assert_eq!(by_officer, Err(ApprovalError::PublisherIsOfficer));
}

#[test]
fn a_proposal_that_does_not_follow_the_published_version_is_not_signed_whoever_approved_it() {
    let (publisher, officers) = (signer(9), officers());
    let sign = |content: &Content, held| {
        let proposal = Proposal::new(content).unwrap();
        let approvals = [1, 2].map(|seed| proposal.approve(NOW, &signer(seed)).unwrap());
        proposal.sign(held, &officers, &approvals, &publisher)
    };
    let (held, good) = (catalogue(), next(data()));
    assert!(sign(&good, Some(&held)).is_ok());
    let refused =
        |content: &Content, held| matches!(sign(content, held), Err(ApprovalError::DoesNotFollow(_)));
    assert!(refused(&good, None));
    assert!(refused(&Content { version: 3, ..good.clone() }, Some(&held)));
    assert!(refused(&Content { previous: Some([7; 32]), ..good.clone() }, Some(&held)));
    let mut shrunk = good;
    let revision = shrunk.types[0].revisions.last_mut().unwrap();
    revision.fields.last_mut().unwrap().max = 1;
    assert!(refused(&shrunk, Some(&held)));
}
