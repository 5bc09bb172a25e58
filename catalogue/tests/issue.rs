//! Issue requests: names to keys, and every fault named by its field.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test helper that fails fails the test"
)]

mod common;

use common::{NOW, catalogue};
use licence_catalogue::issue::{CheckedFields, FieldErrors, Holder, IssueFields, NamedFields};
use licence_spec::catalogue::{Catalogue, LicenceType, META_HOLDERS};
use licence_spec::credential::{Credential, Draft, sign};
use licence_spec::suite::SeedSigner;
use licence_spec::time::{CivilDate, UnixTime};

const BUSINESS: &str = "11100000MB0143028R001";

fn holder() -> Holder {
    Holder {
        name: "广州示例科技有限公司".into(), code_type: "001".into(), code: "91440101MA9XXXXX36".into()
    }
}

fn request<'a>(holders: &'a [Holder], fields: &'a NamedFields) -> IssueFields<'a> {
    IssueFields {
        number: "440100202600001",
        area_code: "440100",
        holders,
        authority_name: "广州市示例市场监督管理局",
        issued_on: "2026-11-23",
        valid_from: Some("2026-11-23"),
        valid_until: None,
        today: NOW.civil_date(),
        version: 1,
        replaces: None,
        fields,
    }
}

fn face() -> NamedFields {
    NamedFields::default()
        .with("法定代表人", "欧阳示例")
        .with("注册资本", "人民币伍佰万元整")
        .with("经营范围", "软件开发")
}

/// The type without its rule on the number of holders: what rules of holders are about.
fn of_any_holders(code: &str) -> LicenceType {
    let mut licence_type = catalogue().type_of_code(code).unwrap().clone();
    licence_type.metadata.retain(|(key, _)| key != META_HOLDERS);
    licence_type
}

fn words(errors: FieldErrors) -> Vec<String> {
    errors.0.iter().map(|error| format!("{} {}", error.field(), error.rule().name())).collect()
}

fn checked(code: &str, request: &IssueFields<'_>) -> Result<CheckedFields, FieldErrors> {
    CheckedFields::check(catalogue().type_of_code(code).unwrap(), request)
}

/// The faults as `field rule`, in the order found.
fn faults(request: &IssueFields<'_>) -> Vec<String> {
    checked(BUSINESS, request).err().map(words).unwrap_or_default()
}

fn faults_of_json(json: &str) -> Vec<String> {
    let fields: NamedFields = serde_json::from_str(json).unwrap();
    faults(&request(&[holder()], &fields))
}

/// The example of the API, through credential bytes and back.
#[test]
fn the_example_of_the_api_becomes_a_credential_that_fits_the_catalogue() {
    let json = r#"{"法定代表人":"欧阳示例","注册资本":"人民币伍佰万元整","经营范围":"软件开发"}"#;
    let (holders, named) = ([holder()], serde_json::from_str(json).unwrap());
    let checked = checked(BUSINESS, &request(&holders, &named)).unwrap();
    let fields = checked.with_id("1.2.156.3005.2.11100000MB0143028R001.11440100X00000027D.20260000001.001.0");
    let draft = Draft {
        iss: "11440100X00000027D",
        sub: checked.sub(),
        exp: checked.exp(NOW),
        nbf: checked.nbf(),
        iat: NOW,
        cti: [1; 16],
        vct: "urn:elic:cn:11100000MB0143028R001",
        status_index: 5,
        status_uri: "https://gz.elic.example/v1/status-lists/1",
        fields: &fields,
    };
    let bytes = sign(&draft, &SeedSigner::from_seed(&[3; 32]).unwrap()).unwrap();
    let credential = Credential::parse(&bytes).unwrap();
    assert_eq!(credential.sub, Some("91440101MA9XXXXX36"));
    assert_eq!(credential.fields.text(29), Some("软件开发"));
    assert_eq!(credential.fields.texts(5), ["91440101MA9XXXXX36"]);
    assert_eq!(revision_check(&catalogue(), &credential), Ok(()));
}

fn revision_check(catalogue: &Catalogue, credential: &Credential<'_>) -> Result<(), String> {
    let licence_type = catalogue.licence_type(credential.vct).unwrap();
    let revision = licence_type.revision(credential.fields.revision()).unwrap();
    assert!(credential.exp.since(credential.iat) <= revision.longest_life_s);
    revision.check(&credential.fields).map_err(|fault| fault.to_string())
}

#[test]
fn every_fault_of_a_field_is_named() {
    let long = "字".repeat(51);
    for (json, expected) in [
        (r#"{"法定代表人":"a","法人":"b"}"#.to_owned(), vec!["法人 unknown"]),
        (r#"{"注册资本":"a"}"#.to_owned(), vec!["法定代表人 missing"]),
        (r#"{"法定代表人":""}"#.to_owned(), vec!["法定代表人 missing"]),
        (format!(r#"{{"法定代表人":"{long}"}}"#), vec!["法定代表人 too_long"]),
        (r#"{"法定代表人":5}"#.to_owned(), vec!["法定代表人 wrong_kind"]),
        (r#"{"法定代表人":null}"#.to_owned(), vec!["法定代表人 wrong_kind"]),
        (r#"{"法定代表人":["a"]}"#.to_owned(), vec!["法定代表人 wrong_kind"]),
        (r#"{"法定代表人":{"a":1}}"#.to_owned(), vec!["法定代表人 wrong_kind"]),
        (r#"{"法定代表人":"Cafe\u0301"}"#.to_owned(), vec![]),
        (r#"{"法定代表人":"a\u0007"}"#.to_owned(), vec!["法定代表人 control"]),
        (r#"{"法定代表人":"a","成立日期":"2026-11-24"}"#.to_owned(), vec!["成立日期 after_issue"]),
        (r#"{"法定代表人":"a","成立日期":"2026-02-30"}"#.to_owned(), vec!["成立日期 date"]),
        (r#"{"法定代表人":"a","成立日期":"20260101"}"#.to_owned(), vec!["成立日期 date"]),
        (r#"{"法定代表人":"a","持证主体":"b"}"#.to_owned(), vec!["持证主体 given_elsewhere"]),
        (
            r#"{"法人":1,"成立日期":2}"#.to_owned(),
            vec!["法人 unknown", "成立日期 wrong_kind", "法定代表人 missing"],
        ),
    ] {
        assert_eq!(faults_of_json(&json), expected, "{json}");
    }
}

#[test]
fn lengths_hold_at_the_limit_and_not_one_above() {
    let with = |n: usize| faults(&request(&[holder()], &face().with("经营范围", &"营".repeat(n))));
    assert_eq!(with(1_200), Vec::<String>::new());
    assert_eq!(with(1_201), ["经营范围 too_long"]);
    // 1,200 characters of four bytes are more than a field of a credential may have (spec/credential.md).
    let wide = faults(&request(&[holder()], &face().with("经营范围", &"𬭎".repeat(1_200))));
    assert_eq!(wide, ["经营范围 too_long"]);
}

#[test]
fn members_of_the_request_are_checked_by_their_own_rules() {
    let (holders, fields) = ([holder()], face());
    let good = request(&holders, &fields);
    assert_eq!(faults(&good), Vec::<String>::new());
    assert_eq!(faults(&IssueFields { number: "", ..good }), ["number missing"]);
    assert_eq!(faults(&IssueFields { number: &"1".repeat(129), ..good }), ["number too_long"]);
    assert_eq!(faults(&IssueFields { area_code: "4401", ..good }), ["area_code area_code"]);
    assert_eq!(faults(&IssueFields { issued_on: "2026-13-01", ..good }), ["issued_on date"]);
    assert_eq!(
        faults(&IssueFields { valid_until: Some("2026-11-22"), ..good }),
        ["valid_until before_start"]
    );
    assert_eq!(faults(&IssueFields { valid_until: Some("2026-11-23"), ..good }), Vec::<String>::new());
    assert_eq!(faults(&IssueFields { holders: &[], ..good }), ["holders missing"]);
    let with = |change: fn(&mut Holder)| {
        let mut changed = holder();
        change(&mut changed);
        let request = IssueFields { holders: &[holder(), changed], ..good };
        words(CheckedFields::check(&of_any_holders(BUSINESS), &request).unwrap_err())
    };
    assert_eq!(with(|h| h.code = "91440101MA9XXXXX37".into()), ["holders[1].code code"]);
    assert_eq!(with(|h| h.code_type = "002".into()), ["holders[1].code_type code_type"]);
    assert_eq!(with(|h| h.code_type = "111".into()), ["holders[1].code code"]);
    assert_eq!(with(|h| h.name.clear()), ["holders[1].name missing"]);
    let many = vec![holder(); 65];
    let errors = CheckedFields::check(&of_any_holders(BUSINESS), &IssueFields { holders: &many, ..good });
    assert_eq!(words(errors.unwrap_err()), ["holders too_many"]);
}

/// spec/credential.md: `sub` is never a natural person's number, and several holders have no one `sub`.
#[test]
fn only_a_single_organisation_becomes_the_subject_of_the_credential() {
    let person = Holder { name: "示例".into(), code_type: "111".into(), code: "44010018000101004X".into() };
    let fields = face();
    let any = of_any_holders(BUSINESS);
    let sub = |holders: &[Holder]| {
        CheckedFields::check(&any, &request(holders, &fields)).unwrap().sub().map(str::to_owned)
    };
    assert_eq!(sub(&[holder()]).as_deref(), Some("91440101MA9XXXXX36"));
    assert_eq!(sub(std::slice::from_ref(&person)), None);
    assert_eq!(sub(&[holder(), person]), None);
}

#[test]
fn the_credential_ends_with_the_last_valid_day_or_the_longest_life_of_its_type() {
    let (holders, fields) = ([holder()], face());
    let exp = |until| {
        let request = IssueFields { valid_until: until, ..request(&holders, &fields) };
        checked(BUSINESS, &request).unwrap().exp(NOW)
    };
    assert_eq!(exp(Some("2026-12-31")), CivilDate::parse("2027-01-01").unwrap().begins());
    assert_eq!(exp(None), NOW.plus(315_360_000));
    assert_eq!(exp(Some("2099-12-31")), NOW.plus(315_360_000));
    let nbf = checked(BUSINESS, &request(&holders, &fields)).unwrap().nbf();
    assert_eq!(nbf, UnixTime::parse_rfc3339("2026-11-23T00:00:00+08:00").unwrap());
}

#[test]
fn a_type_for_reference_only_is_not_issued() {
    let fields = NamedFields::default();
    let errors = checked("11100000000013127D001", &request(&[holder()], &fields)).unwrap_err();
    assert_eq!(errors.0[0].rule().name(), "not_issued_here");
}

#[test]
fn errors_speak_both_languages_and_never_repeat_a_value() {
    let fields = face().with("法定代表人", &"秘密姓名".repeat(20));
    let errors = checked(BUSINESS, &request(&[holder()], &fields)).unwrap_err();
    assert_eq!(errors.to_string(), "法定代表人：超过 50 个字符 / 法定代表人: longer than 50 characters");
    let json = serde_json::to_value(&errors).unwrap();
    assert_eq!(json[0]["field"], "法定代表人");
    assert_eq!(json[0]["rule"], "too_long");
    let shown = format!("{errors:?} {fields:?} {:?}", request(&[holder()], &fields));
    assert!(!shown.contains("秘密姓名") && !shown.contains("91440101MA9XXXXX36"), "{shown}");
}

#[test]
fn a_name_that_stands_twice_and_too_many_names_are_refused_while_reading() {
    let twice = serde_json::from_str::<NamedFields>(r#"{"注册资本":"1","注册资本":"2"}"#).unwrap_err();
    assert!(twice.to_string().contains("a field stands twice"));
    let object = |n: usize| {
        let members: Vec<_> = (0..n).map(|i| format!("\"f{i}\":1")).collect();
        serde_json::from_str::<NamedFields>(&format!("{{{}}}", members.join(",")))
    };
    assert!(object(64).is_ok() && object(65).is_err());
}

/// A marriage has two holders, a business licence one, a title as many as there are owners.
#[test]
fn the_number_of_holders_is_that_of_the_type() {
    let person =
        || Holder { name: "示例".into(), code_type: "111".into(), code: "44010018000101004X".into() };
    let married = NamedFields::default().with("登记日期", "2026-11-23");
    let of = |code: &str, fields: &NamedFields, count: usize| {
        let holders: Vec<_> = (0..count).map(|_| person()).collect();
        checked(code, &request(&holders, fields)).err().map(words).unwrap_or_default()
    };
    assert_eq!(of("ZD1004", &married, 1), ["holders too_few"]);
    assert_eq!(of("ZD1004", &married, 2), Vec::<String>::new());
    assert_eq!(of("ZD1004", &married, 3), ["holders too_many"]);
    assert_eq!(of(BUSINESS, &face(), 2), ["holders too_many"]);
    let title = NamedFields::default().with("坐落", "示例路1号").with("不动产单元号", "1");
    assert_eq!(of("11100000MB03271699001", &title, 64), Vec::<String>::new());
    assert_eq!(of("11100000MB03271699001", &title, 65), ["holders too_many"]);
}

#[test]
fn a_closed_field_takes_its_options_and_nothing_else() {
    let with = |sex: &str| {
        let fields = NamedFields::default().with("性别", sex).with("现居住地址", "示例路1号");
        let holders = [Holder { code_type: "111".into(), code: "44010018000101004X".into(), ..holder() }];
        checked("ZD1002", &request(&holders, &fields)).err().map(words).unwrap_or_default()
    };
    assert_eq!(with("女"), Vec::<String>::new());
    assert_eq!(with("F"), ["性别 not_an_option"]);
}

/// spec/decisions/0030: types without a confirmed code can be tried everywhere and issued nowhere in production.
#[test]
fn production_refuses_a_provisional_type_and_no_other() {
    for licence_type in &catalogue().content().types {
        let refused = CheckedFields::check_production(licence_type).err().map(words);
        let expected = licence_type.code().starts_with("ZD").then(|| vec!["type provisional".to_owned()]);
        assert_eq!(refused, expected, "{}", licence_type.name);
    }
}

/// spec/text.md: one rule for every text of a request, named by its member, with the character.
#[test]
fn every_text_of_a_request_keeps_the_rules_of_texts() {
    for (text, rule, at) in [
        ("\u{3000}", "blank", ""),
        ("示例 ", "blanks_around", "U+0020"),
        ("\u{3000}示例", "blanks_around", "U+3000"),
        ("示例\u{a0}", "other_blank", "U+00A0"),
        ("示\u{fffd}", "lost", "U+FFFD"),
        ("示\u{200b}例", "invisible", "U+200B"),
        ("示\u{feff}例", "invisible", "U+FEFF"),
        ("示\u{e0041}", "tag", "U+E0041"),
        ("示\u{e000}", "private_use", "U+E000"),
        ("示\u{7}", "control", "U+0007"),
        ("示\r\n例", "carriage_return", "U+000D"),
        ("示\u{202e}例", "bidi", "U+202E"),
        ("示\u{378}", "unassigned", "U+0378"),
        ("示\u{2f42}", "radical", "U+2F42"),
    ] {
        let fields = face().with("法定代表人", text).with("经营范围", text).with("类型", text);
        let holders = [Holder { name: text.into(), ..holder() }];
        let errors =
            checked(BUSINESS, &IssueFields { number: text, ..request(&holders, &fields) }).unwrap_err();
        for member in ["number", "holders[0].name", "法定代表人", "经营范围", "类型"] {
            let found = errors.0.iter().find(|error| error.field() == member);
            let found = found.unwrap_or_else(|| panic!("{member} takes {text:?}"));
            assert_eq!(found.rule().name(), rule, "{member} {text:?}");
            assert!(found.to_string().contains(at), "{found}");
        }
    }
}

#[test]
fn names_are_written_with_the_separator_of_the_notice_and_signed_composed() {
    let person =
        |name: &str| Holder { name: name.into(), code_type: "111".into(), code: "44010018000101004x".into() };
    let fields = NamedFields::default().with("性别", "女").with("现居住地址", "示例路1号");
    let of = |name: &str| checked("ZD1002", &request(&[person(name)], &fields));
    for wrong in ["古丽•艾比", "古丽・艾比", "古丽.艾比", "古丽-艾比", "·艾比", "古丽··艾比"]
    {
        let errors = of(wrong).unwrap_err();
        assert!(errors.to_string().contains("U+00B7"), "{errors}");
        assert_eq!(words(errors), ["holders[0].name name_separator"], "{wrong}");
    }
    assert_eq!(words(of("张　三").unwrap_err()), ["holders[0].name name_blank"]);
    for good in ["古丽·艾比", "Anne-Marie", "葛\u{e0100}示例", "𠮷㛃"] {
        assert!(of(good).is_ok(), "{good}");
    }
    assert_eq!(of("Rene\u{301}·测试").unwrap().with_id("x"), of("René·测试").unwrap().with_id("x"));
}

#[test]
fn codes_are_signed_trimmed_in_half_width_and_capitals() {
    let with = |code: &str| Holder { code: code.into(), ..holder() };
    let fields = face();
    for code in
        ["91440101ma9xxxxx36", " 91440101MA9XXXXX36", "９1440101MA9XXXXX36\u{3000}", "91440101MA9XXXXＸ36"]
    {
        let checked = checked(BUSINESS, &request(&[with(code)], &fields)).unwrap();
        assert_eq!(checked.sub(), Some("91440101MA9XXXXX36"), "{code}");
        assert_eq!(checked.holder_codes().collect::<Vec<_>>(), [("001", "91440101MA9XXXXX36")]);
    }
    for code in ["", " ", "91440101MA9XXXXX37", "91440101 MA9XXXXX36", "91440101MA9XXXXX36\u{200b}"] {
        let errors = checked(BUSINESS, &request(&[with(code)], &fields)).unwrap_err();
        assert!(errors.0.iter().all(|error| error.field() == "holders[0].code"), "{code:?}: {errors}");
    }
}

#[test]
fn days_lie_in_the_order_in_which_things_happen() {
    let (holders, fields) = ([holder()], face());
    let good = request(&holders, &fields);
    assert_eq!(faults(&IssueFields { issued_on: "2026-11-24", ..good }), ["issued_on in_future"]);
    assert_eq!(faults(&IssueFields { valid_from: Some("2027-01-01"), ..good }), Vec::<String>::new());
    let ended = IssueFields { valid_from: Some("2020-01-01"), valid_until: Some("2026-11-22"), ..good };
    assert_eq!(faults(&ended), ["issued_on after_end"]);
    let turned = IssueFields { valid_from: Some("2027-01-01"), valid_until: Some("2026-12-31"), ..good };
    assert_eq!(faults(&turned), ["valid_until before_start"]);
    let founded = face().with("成立日期", "2026-11-24");
    assert_eq!(faults(&request(&holders, &founded)), ["成立日期 after_issue"]);
    let unborn = [Holder { code_type: "111".into(), code: "440100209912310015".into(), ..holder() }];
    assert_eq!(
        words(CheckedFields::check(&of_any_holders(BUSINESS), &request(&unborn, &fields)).unwrap_err()),
        ["holders[0].code born_after_issue"]
    );
    let old = IssueFields { issued_on: "1965-05-01", valid_from: None, ..good };
    assert_eq!(checked(BUSINESS, &old).unwrap().nbf(), UnixTime(0), "a claim holds nothing earlier");
}

#[test]
fn one_item_in_two_normal_forms_stands_twice_and_a_required_list_is_not_empty() {
    let mut licence_type = of_any_holders(BUSINESS);
    let revision = licence_type.revisions.last_mut().unwrap();
    let mut field = revision.field(24).unwrap().clone();
    (field.key, field.name) = (90, "Caf\u{e9}".to_owned());
    revision.fields.push(field);
    let twice = face().with("Caf\u{e9}", "a").with("Cafe\u{301}", "a");
    let errors = CheckedFields::check(&licence_type, &request(&[holder()], &twice)).unwrap_err();
    assert_eq!(errors.0[0].rule().name(), "twice");
    let driving = catalogue().content().types.iter().find(|t| t.name == "机动车驾驶证").cloned().unwrap();
    let fields: NamedFields = serde_json::from_str(r#"{"准驾车型":[]}"#).unwrap();
    let errors = CheckedFields::check(&driving, &request(&[holder()], &fields)).unwrap_err();
    assert!(words(errors).contains(&"准驾车型 missing".to_owned()));
}

/// The names that catalogue/src/issue/rules.rs goes by are names of the shipped data: one that is renamed there loses its rule.
#[test]
fn items_with_a_rule_of_their_own_are_items_of_the_shipped_types() {
    let catalogue = catalogue();
    let types = &catalogue.content().types;
    let has = |name: &str| types.iter().any(|t| t.newest().is_some_and(|r| r.field_named(name).is_some()));
    let rules = include_str!("../src/issue/rules.rs");
    let lists = rules.split("fn of(").next().unwrap();
    let names: Vec<&str> = lists.split('"').skip(1).step_by(2).collect();
    assert!(names.len() > 15, "{names:?}");
    // Common words for the same things in types of a city's own.
    let own = ["姓名", "公民身份号码"];
    for name in names.iter().filter(|name| !own.contains(name)) {
        assert!(has(name), "{name} is in no shipped type");
    }
}
