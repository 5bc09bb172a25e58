//! The shipped data: complete, checked, and signed into a catalogue that a node takes.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test helper that fails fails the test"
)]

mod common;

use common::{catalogue, data};
use licence_catalogue::{KeyRole, State, embedded_files};
use licence_spec::catalogue::{HolderRole, open};
use licence_spec::identifiers::CreditCode;
use licence_spec::suite::{SeedSigner, Signer as _};
use licence_spec::time::UnixTime;

#[test]
fn every_file_of_the_folder_is_embedded() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let mut on_disk = vec!["common-fields.toml".to_owned()];
    for folder in ["licence-types", "authorities", "service-items"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            on_disk.push(format!("{folder}/{}", entry.unwrap().file_name().to_str().unwrap()));
        }
    }
    let mut embedded: Vec<_> = embedded_files().map(|(path, _)| path.to_owned()).collect();
    on_disk.sort();
    embedded.sort();
    assert_eq!(embedded, on_disk);
}

/// DOMAIN.md §12: the types whose codes are confirmed there.
#[test]
fn the_confirmed_types_are_there_under_their_codes() {
    let catalogue = catalogue();
    for (code, name) in [
        ("11100000MB0143028R001", "营业执照"),
        ("11100000MB03271699001", "不动产权证书"),
        ("11100000MB03271699022", "不动产登记证明"),
        ("11100000000013338W011", "安管人员考核合格证书"),
        ("11100000000013338W032", "建筑施工特种作业操作资格证书"),
        ("11100000000013338W001", "二级建造师注册证书"),
        ("11100000000019713D008", "道路运输经营许可证"),
        ("11100000000019713D013", "道路运输证"),
        ("11100000000013127D001", "居民身份证"),
        ("200023401", "住所（经营场所）场地使用证明"),
    ] {
        assert_eq!(catalogue.type_of_code(code).map(|t| t.name.as_str()), Some(name));
    }
    assert_eq!(catalogue.content().types.len(), 10);
    assert_eq!(catalogue.type_of_code("200023401").unwrap().vct, "urn:elic:gd:200023401");
    assert!(catalogue.type_of_code("11100000000013127D001").unwrap().is_reference_only());
}

/// DESIGN.md §5: an issue request that names these fields must be understood.
#[test]
fn the_business_licence_has_the_fields_of_the_api_example() {
    let catalogue = catalogue();
    let revision = catalogue.type_of_code("11100000MB0143028R001").unwrap().newest().unwrap();
    let names = ["类型", "法定代表人", "注册资本", "成立日期", "住所", "经营范围"];
    for (key, name) in (24..).zip(names) {
        assert_eq!(revision.field_named(name).map(|f| f.key), Some(key));
    }
}

#[test]
fn every_type_that_a_city_may_issue_has_an_authority_in_both_cities() {
    let data = data();
    for licence_type in data.types().iter().filter(|t| !t.is_reference_only()) {
        for (node, area) in [("440100", "440106"), ("440300", "440305")] {
            let issuers =
                data.authorities_of_node(node).filter(|a| a.issues(&licence_type.vct, area)).count();
            assert_eq!(issuers, 1, "{} in {node}", licence_type.name);
        }
    }
    let market = data.authority("11440100X00000027D").unwrap();
    assert!(market.issues("urn:elic:cn:11100000MB0143028R001", "440100"));
    assert!(!market.issues("urn:elic:cn:11100000MB0143028R001", "440305"));
    assert!(!market.issues("urn:elic:gd:200023401", "440100"));
}

#[test]
fn authorities_say_that_they_are_synthetic_and_their_codes_pass_both_checks() {
    let data = data();
    for authority in data.authorities() {
        assert!(CreditCode::parse(&authority.code).is_ok(), "{}", authority.code);
        assert!(authority.synthetic && authority.name.contains("示例"), "{}", authority.code);
    }
    for node in ["440000", "440100", "440300"] {
        let signs = |role| data.authorities_of_node(node).filter(|a| a.has(role)).count();
        assert_eq!(
            [signs(KeyRole::Receipt), signs(KeyRole::View), signs(KeyRole::Node)],
            [1, 1, 1],
            "{node}"
        );
    }
    let publishers: Vec<_> = data.authorities().iter().filter(|a| a.has(KeyRole::Catalogue)).collect();
    assert_eq!(publishers.len(), 1);
    assert_eq!(publishers[0].code, "11440000X00000051Q");
}

#[test]
fn service_items_allow_no_more_than_their_materials_permit() {
    let catalogue = catalogue();
    let item = catalogue.service_item("SZ-SP-0101").unwrap();
    assert_eq!(item.purpose.as_deref(), Some("办理食品经营许可新办：核验主体资格和经营场所"));
    assert_eq!(item.materials[1].alternatives.len(), 2);
    assert_eq!(item.materials[1].holder_role, HolderRole::Applicant);
    let gz = catalogue.service_item("GZ-TH-0101").unwrap();
    assert_eq!(gz.accepted("urn:elic:cn:11100000MB0143028R001").unwrap().fields, [0, 2, 3, 5, 7, 29]);
    assert_eq!(gz.accepted("urn:elic:gd:200023401").unwrap().fields, [0, 2, 3, 7, 24]);
    assert!(catalogue.content().service_items.len() >= 3);
}

/// DOMAIN.md §15: no unconfirmed type code in a shipped catalogue; every fact names its source.
#[test]
fn every_fact_names_its_source_and_no_type_code_is_unconfirmed() {
    let data = data();
    for note in data.notes() {
        assert!(!note.source.is_empty(), "{note:?}");
        if note.what.starts_with("code = ") {
            assert_eq!(note.state, State::Sourced, "{note:?}");
        }
    }
    let provisional = data.notes().iter().filter(|n| n.state == State::Provisional).count();
    assert!(provisional > 20, "what is not known must say so: {provisional}");
}

#[test]
fn the_next_version_chains_to_the_first_and_a_changed_revision_is_not_signed() {
    let (data, first, signer) = (data(), catalogue(), SeedSigner::from_seed(&[9; 32]).unwrap());
    let at = UnixTime(1_795_428_000);
    let bytes = data.publish(Some(&first), at, at, &signer).unwrap();
    let second = open(&bytes, &common::Trusting(*signer.public_key()), at).unwrap();
    assert_eq!((second.version(), second.content().previous), (2, Some(*first.digest())));
    let mut files: Vec<_> =
        embedded_files().map(|(p, b)| (p, String::from_utf8(b.to_vec()).unwrap())).collect();
    for (path, text) in &mut files {
        if *path == "licence-types/business-licence.toml" {
            *text = text.replace("max = 1200", "max = 1199");
        }
    }
    let shrunk =
        licence_catalogue::CatalogueData::load(files.iter().map(|(p, t)| (*p, t.as_bytes()))).unwrap();
    let error = shrunk.publish(Some(&first), at, at, &signer).unwrap_err();
    assert!(error.to_string().contains("published revision"), "{error}");
}

#[test]
fn scopes_of_the_trust_list_follow_the_authority() {
    use licence_spec::trust::Names;
    let data = data();
    let market = data.authority("11440100X00000027D").unwrap();
    let (from, to) = (UnixTime(0), UnixTime(1));
    let licence = market.scope(KeyRole::Licence, from, to);
    assert!(
        licence.has_type("urn:elic:cn:11100000MB0143028R001") && !licence.has_type("urn:elic:gd:200023401")
    );
    assert!(licence.has_region("440106") && !licence.has_region("440305"));
    assert_eq!(market.scope(KeyRole::Status, from, to).types, Names::All);
    let node = data.authority("11440100X00001046K").unwrap().scope(KeyRole::View, from, to);
    assert!(node.has_type("urn:elic:gd:200023401") && !node.has_region("440305"));
}
