//! Fit: worked cases of the shipped service items.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test helper that fails fails the test"
)]

mod common;

use common::{NOW, catalogue};
use licence_catalogue::fit::{Fit, FitResult, Presented, Subject, fit};
use licence_catalogue::issue::{CheckedFields, Holder, IssueFields, NamedFields};
use licence_spec::catalogue::{Catalogue, Content, HolderRole, ServiceItem};
use licence_spec::credential::{Credential, Draft, sign};
use licence_spec::suite::SeedSigner;
use licence_spec::verdict::{Code, Outcome};

const COMPANY: &str = "91440101MA9XXXXX36";
const APPLICANT: Subject<'_> =
    Subject { role: HolderRole::Applicant, code_type: Some("001"), code: COMPANY, name: None };

/// A signed licence of this type, area and holder's code.
fn licence(
    catalogue: &Catalogue,
    type_code: &str,
    area_code: &str,
    face: &[(&str, &str)],
    code: &str,
) -> Vec<u8> {
    let licence_type = catalogue.type_of_code(type_code).unwrap();
    let code_type = if code.starts_with('9') { "001" } else { "111" };
    let holders = [Holder { name: "示例".into(), code_type: code_type.into(), code: code.into() }];
    let fields = face.iter().fold(NamedFields::default(), |fields, (name, value)| fields.with(name, value));
    let request = IssueFields {
        number: "穗示例〔2026〕0001号",
        area_code,
        holders: &holders,
        authority_name: "示例机关",
        issued_on: "2026-11-23",
        valid_from: None,
        valid_until: None,
        today: NOW.civil_date(),
        version: 1,
        replaces: None,
        fields: &fields,
    };
    let checked = CheckedFields::check(licence_type, &request).unwrap();
    let draft = Draft {
        iss: "11440100X00000027D",
        sub: None,
        exp: checked.exp(NOW),
        nbf: checked.nbf(),
        iat: NOW,
        cti: [1; 16],
        vct: &licence_type.vct,
        status_index: 0,
        status_uri: "https://gz.elic.example/v1/status-lists/1",
        fields: &checked.with_id("1.2.156.3005.2.X.Y.Z.001.A"),
    };
    sign(&draft, &SeedSigner::from_seed(&[3; 32]).unwrap()).unwrap()
}

fn business(catalogue: &Catalogue, area_code: &str) -> Vec<u8> {
    licence(catalogue, "11100000MB0143028R001", area_code, &[("法定代表人", "示例")], COMPANY)
}

fn premises(catalogue: &Catalogue, area_code: &str) -> Vec<u8> {
    licence(catalogue, "200023401", area_code, &[("场地地址", "示例路1号")], COMPANY)
}

fn presented(bytes: &[u8]) -> Presented<'_> {
    let credential = Credential::parse(bytes).unwrap();
    let digest = credential.object.statement_digest();
    Presented {
        digest,
        vct: credential.vct,
        fields: credential.fields,
        outcome: Outcome::Accept,
        code: None,
        mark: None,
        judged_at: NOW,
    }
}

fn judged(item: &str, licences: &[Presented<'_>], subjects: &[Subject<'_>]) -> Fit {
    let catalogue = catalogue();
    fit(&catalogue, catalogue.service_item(item).unwrap(), licences, subjects)
}

/// What a verdict says of the item's demands.
fn verdict_code(item: &ServiceItem, licence: &Presented<'_>) -> Result<(), Code> {
    item.judge(licence.vct, &licence.fields, licence.judged_at.civil_date(), None)
}

fn results(fit: &Fit) -> Vec<(&str, FitResult, Vec<Code>)> {
    let codes = |m: &licence_catalogue::fit::MaterialFit| m.reasons.iter().map(|r| r.code).collect();
    fit.materials.iter().map(|m| (m.code.as_str(), m.result, codes(m))).collect()
}

#[test]
fn all_materials_of_the_applicant_are_met_by_two_licences() {
    let catalogue = catalogue();
    let (business, premises) = (business(&catalogue, "440106"), premises(&catalogue, "440106"));
    let fit = judged("GZ-TH-0101", &[presented(&premises), presented(&business)], &[APPLICANT]);
    assert_eq!(fit.result, FitResult::Met);
    assert_eq!(results(&fit), [("M01", FitResult::Met, vec![]), ("M02", FitResult::Met, vec![])]);
    assert_eq!(fit.licences[0].meets, ["M02"]);
    assert_eq!(fit.licences[1].meets, ["M01"]);
    assert_eq!(fit.licences[1].permitted_fields, [0, 2, 3, 5, 7]);
}

#[test]
fn one_licence_alone_meets_its_material_and_the_missing_one_is_told_by_name() {
    let business = business(&catalogue(), "440106");
    let fit = judged("GZ-TH-0101", &[presented(&business)], &[APPLICANT]);
    assert_eq!(fit.result, FitResult::NotMet);
    assert_eq!(results(&fit), [("M01", FitResult::Met, vec![]), ("M02", FitResult::NotMet, vec![])]);
    assert_eq!(fit.materials[1].any_of, ["住所（经营场所）场地使用证明"]);
}

/// A licence of another city meets a material where its region rule allows it, and does not where it does not.
#[test]
fn another_citys_licence_meets_what_takes_the_whole_province_and_not_what_takes_one_city() {
    let catalogue = catalogue();
    let (business, premises) = (business(&catalogue, "440305"), premises(&catalogue, "440305"));
    let licences = [presented(&business), presented(&premises)];
    let guangzhou = judged("GZ-TH-0101", &licences, &[APPLICANT]);
    assert_eq!(
        results(&guangzhou),
        [("M01", FitResult::Met, vec![]), ("M02", FitResult::NotMet, vec![Code::FieldConstraintFailed])]
    );
    assert!(guangzhou.materials[1].reasons[0].text.zh.contains("4401"));
    assert_eq!(judged("SZ-SP-0101", &licences, &[APPLICANT]).result, FitResult::Met);
}

#[test]
fn a_title_or_a_proof_of_use_meets_the_same_material() {
    let catalogue = catalogue();
    let business = business(&catalogue, "440100");
    let face = [("坐落", "示例路1号"), ("不动产单元号", "440305000000GB00000F00000000")];
    let title = licence(&catalogue, "11100000MB03271699001", "440305", &face, COMPANY);
    let fit = judged("SZ-SP-0101", &[presented(&business), presented(&title)], &[APPLICANT]);
    assert_eq!(fit.result, FitResult::Met);
    assert_eq!(fit.licences[1].permitted_fields, [0, 2, 3, 7, 25]);
}

#[test]
fn a_licence_of_somebody_else_is_a_mismatch_and_an_unknown_applicant_leaves_it_open() {
    let business = business(&catalogue(), "440106");
    let other = Subject { code: "51440100X00000078H", ..APPLICANT };
    let with =
        |subjects: &[Subject<'_>]| results_of_first(&judged("GZ-TH-0101", &[presented(&business)], subjects));
    assert_eq!(with(&[APPLICANT]), (FitResult::Met, vec![]));
    assert_eq!(with(&[other]), (FitResult::NotMet, vec![Code::SubjectMismatch]));
    assert_eq!(with(&[]), (FitResult::Undecided, vec![Code::SubjectNotGiven]));
    let other_kind = Subject { code_type: Some("099"), ..APPLICANT };
    assert_eq!(with(&[other_kind]), (FitResult::Undecided, vec![Code::SubjectAmbiguous]));
    let untidy = Subject { code_type: None, code: " 91440101ma9xxxxx36", ..APPLICANT };
    assert_eq!(with(&[untidy]), (FitResult::Met, vec![]));
    assert_eq!(with(&[other, APPLICANT]), (FitResult::Met, vec![]), "one of them holds it");
    let agent = Subject { role: HolderRole::Agent, ..APPLICANT };
    assert_eq!(with(&[agent]), (FitResult::Undecided, vec![Code::SubjectNotGiven]));
}

fn results_of_first(fit: &Fit) -> (FitResult, Vec<Code>) {
    let first = &fit.materials[0];
    (first.result, first.reasons.iter().map(|r| r.code).collect())
}

#[test]
fn a_licence_that_is_not_accepted_meets_nothing_and_says_why() {
    let business = business(&catalogue(), "440106");
    for (outcome, code, result) in [
        (Outcome::Reject, Code::Revoked, FitResult::NotMet),
        (Outcome::Indeterminate, Code::StatusStale, FitResult::Undecided),
    ] {
        let licence = Presented { outcome, code: Some(code), ..presented(&business) };
        assert_eq!(results_of_first(&judged("GZ-TH-0101", &[licence], &[APPLICANT])), (result, vec![code]));
    }
}

#[test]
fn a_missing_required_field_is_named() {
    let catalogue = catalogue();
    let face = [("企业名称", "示例"), ("岗位类别", "A")];
    let staff = licence(&catalogue, "11100000000013338W011", "440100", &face, "44010018000101004X");
    let subject =
        Subject { role: HolderRole::Staff, code_type: Some("111"), code: "44010018000101004X", name: None };
    let met = judged("GZ-JZ-0201", &[presented(&staff)], &[subject]);
    assert_eq!(met.materials[1].result, FitResult::Met);
    // The same item, changed so that it wants a field that this licence does not carry.
    let mut content: Content = catalogue.content().clone();
    let item = content.service_items.iter_mut().find(|item| item.code == "GZ-JZ-0201").unwrap();
    item.materials[1].alternatives[0].required.push(26);
    let fit = fit(&catalogue, item, &[presented(&staff)], &[subject]);
    assert_eq!(fit.materials[1].reasons[0].code, Code::FieldMissing);
    assert_eq!(fit.materials[1].reasons[0].field.as_deref(), Some("初次领证日期"));
    assert_eq!(verdict_code(item, &presented(&staff)), Err(Code::FieldMissing));
}

#[test]
fn a_type_that_the_item_does_not_take_is_told_and_shows_no_field() {
    let catalogue = catalogue();
    let transport =
        licence(&catalogue, "11100000000019713D008", "440106", &[("经营范围", "普通货运")], COMPANY);
    let fit = judged("GZ-TH-0101", &[presented(&transport)], &[APPLICANT]);
    assert_eq!(fit.licences[0].reason.as_ref().unwrap().code, Code::TypeNotAccepted);
    assert!(fit.licences[0].permitted_fields.is_empty());
    let item = catalogue.service_item("GZ-TH-0101").unwrap();
    assert_eq!(verdict_code(item, &presented(&transport)), Err(Code::TypeNotAccepted));
}

/// Catalogues without the extension (spec/catalogue.md as published) want one licence of each accepted type.
#[test]
fn an_item_without_materials_wants_each_accepted_type_of_the_applicant() {
    let catalogue = catalogue();
    let mut item = catalogue.service_item("GZ-TH-0101").unwrap().clone();
    item.materials.clear();
    let (business, premises) = (business(&catalogue, "440305"), premises(&catalogue, "440305"));
    let both = fit(&catalogue, &item, &[presented(&business), presented(&premises)], &[APPLICANT]);
    assert_eq!(both.result, FitResult::Met);
    let one = fit(&catalogue, &item, &[presented(&business)], &[APPLICANT]);
    assert_eq!(one.result, FitResult::NotMet);
    assert_eq!(one.materials[1].name, "住所（经营场所）场地使用证明");
}

#[test]
fn the_answer_has_one_json_shape_and_holds_no_personal_data() {
    let business = business(&catalogue(), "440305");
    let fit = judged("GZ-TH-0101", &[presented(&business)], &[]);
    let json = serde_json::to_value(&fit).unwrap();
    assert_eq!(json["service_item"], "GZ-TH-0101");
    assert_eq!(json["result"], "NOT_MET");
    assert_eq!(json["materials"][0]["holder_role"], "applicant");
    assert_eq!(json["materials"][0]["result"], "UNDECIDED");
    assert_eq!(json["materials"][0]["reasons"][0]["code"], "SUBJECT_NOT_GIVEN");
    assert_eq!(json["materials"][0]["reasons"][0]["text"]["zh-CN"], "没有提供申请人");
    assert_eq!(json["licences"][0]["type_name"], "营业执照");
    assert!(json["licences"][0]["licence"].as_str().unwrap().starts_with("sha-256:"));
    assert!(!json.to_string().contains(COMPANY));
}

/// The clerk reads what the item wants, and not what the licence says.
#[test]
fn a_constraint_that_fails_is_told_with_what_is_wanted_and_without_the_value() {
    let catalogue = catalogue();
    let face = [("企业名称", "示例"), ("岗位类别", "B")];
    let staff = licence(&catalogue, "11100000000013338W011", "440300", &face, "44010018000101004X");
    let subject =
        Subject { role: HolderRole::Staff, code_type: Some("111"), code: "44010018000101004X", name: None };
    let fit = judged("SZ-JZ-0604", &[presented(&staff)], &[subject]);
    let material = fit.materials.iter().find(|m| m.code == "M04").unwrap();
    assert_eq!((material.result, material.reasons[0].code), (FitResult::NotMet, Code::FieldConstraintFailed));
    assert_eq!(material.reasons[0].field.as_deref(), Some("岗位类别"));
    assert_eq!(material.reasons[0].text.zh, "“岗位类别”须为C1、C2、C3");
    assert_eq!(material.reasons[0].text.en, "the field 岗位类别 must be C1 or C2 or C3");
    // The POLICY question of a verdict finds the same.
    let item = catalogue.service_item("SZ-JZ-0604").unwrap();
    assert_eq!(verdict_code(item, &presented(&staff)), Err(Code::FieldConstraintFailed));
}

#[test]
fn ages_are_counted_in_days_of_china_and_a_view_without_the_date_is_not_the_one_wanted() {
    let catalogue = catalogue();
    let mut item = catalogue.service_item("GZ-SC-0701").unwrap().clone();
    let premises = premises(&catalogue, "440106");
    let at = |day: &str, second: i64| {
        let judged_at = licence_spec::time::CivilDate::parse(day).unwrap().begins().plus(second);
        let licence = Presented { judged_at, ..presented(&premises) };
        let fit = fit(&catalogue, &item, &[licence], &[APPLICANT]);
        fit.materials.into_iter().find(|m| m.code == "M03").unwrap()
    };
    // Issued on 2026-11-23; the item takes 365 days.
    assert_eq!(at("2027-11-23", 86_399).result, FitResult::Met);
    let old = at("2027-11-24", 0);
    assert_eq!((old.result, old.reasons[0].code), (FitResult::NotMet, Code::FieldConstraintFailed));
    assert!(old.reasons[0].text.zh.contains("365") && !old.reasons[0].text.zh.contains("2026"));
    // A view that leaves the day of issue out: [2: number, 3: holder, 7: area, 24: address] and 0.
    let mut w = licence_spec::cbor::Writer::default();
    w.map(7).int(0).uint(1).int(2).text("号").int(3).array(1).text("示例").int(4).array(1).text("001");
    w.int(5).array(1).text(COMPANY).int(7).text("440106").int(24).text("示例路1号");
    let bytes = w.into_bytes();
    item.materials[2].alternatives[0].required.retain(|key| *key != 8);
    let fields = licence_spec::credential::FieldMap::parse(&bytes).unwrap();
    let view = Presented { fields, ..presented(&premises) };
    let fit = fit(&catalogue, &item, &[view], &[APPLICANT]);
    let material = fit.materials.iter().find(|m| m.code == "M03").unwrap();
    assert_eq!((material.result, material.reasons[0].code), (FitResult::NotMet, Code::FieldMissing));
}

#[test]
fn an_either_or_and_an_item_out_of_force_have_their_place_in_the_json() {
    let catalogue = catalogue();
    let premises = premises(&catalogue, "440106");
    let fit_of = |day: &str, item: &str| {
        let judged_at = licence_spec::time::CivilDate::parse(day).unwrap().begins();
        let licence = Presented { judged_at, ..presented(&premises) };
        let fit = fit(&catalogue, catalogue.service_item(item).unwrap(), &[licence], &[APPLICANT]);
        serde_json::to_value(&fit).unwrap()
    };
    let open = fit_of("2026-11-24", "GZ-SC-0701");
    assert_eq!(open["choices"][0]["name"], "经营场所证明");
    assert_eq!(open["choices"][0]["result"], "MET");
    assert_eq!(open["choices"][0]["ways"], serde_json::json!([["M03"], ["M04"]]));
    assert_eq!(open["result"], "NOT_MET", "the business licence is still wanted");
    assert!(open.get("not_in_force").is_none());
    let over = fit_of("2028-01-01", "YF-CY-0712");
    assert_eq!(over["result"], "UNDECIDED");
    assert_eq!(over["not_in_force"]["code"], "POLICY_UNAVAILABLE");
    assert_eq!(over["not_in_force"]["text"]["zh-CN"], "该事项在 2028-01-01 不在有效期内");
    assert!(over.get("choices").is_none());
}
