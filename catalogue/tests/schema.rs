//! The JSON Schema of a request, by an independent validator, against the API's own validation.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test helper that fails fails the test"
)]

mod common;

use common::{NOW, catalogue, data};
use jsonschema::Validator;
use licence_catalogue::issue::{CheckedFields, Holder, IssueFields, NamedFields};
use licence_catalogue::samples::requests;
use licence_catalogue::schema::issue_request;
use licence_spec::catalogue::{FieldKind, LicenceType};
use serde::Deserialize;
use serde_json::{Value, json};

/// The request as the node reads it; a body that does not come so far is refused by both.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(rename = "type")]
    licence_type: String,
    issuer: String,
    number: String,
    area_code: String,
    holders: Vec<Holder>,
    issued_on: String,
    #[serde(default)]
    valid_from: Option<String>,
    #[serde(default)]
    valid_until: Option<String>,
    #[serde(default)]
    fields: NamedFields,
}

/// Whether the API takes the body for this type.
fn api_takes(licence_type: &LicenceType, body: &Value) -> bool {
    let Ok(body) = serde_json::from_value::<Body>(body.clone()) else { return false };
    let request = IssueFields {
        number: &body.number,
        area_code: &body.area_code,
        holders: &body.holders,
        authority_name: "示例机关",
        issued_on: &body.issued_on,
        valid_from: body.valid_from.as_deref(),
        valid_until: body.valid_until.as_deref(),
        today: NOW.civil_date(),
        version: 1,
        replaces: None,
        fields: &body.fields,
    };
    let addressed =
        body.licence_type == licence_type.code() && !body.issuer.is_empty() && body.issuer.len() <= 64;
    addressed && CheckedFields::check(licence_type, &request).is_ok()
}

fn validator(licence_type: &LicenceType) -> Validator {
    let schema = issue_request(licence_type);
    assert!(jsonschema::draft202012::meta::is_valid(&schema), "{}", licence_type.name);
    jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap()
}

fn issuable() -> Vec<LicenceType> {
    catalogue().content().types.iter().filter(|t| !t.is_reference_only()).cloned().collect()
}

fn bodies(licence_type: &LicenceType, seed: u64, count: usize) -> Vec<Value> {
    let made = requests(data(), licence_type.code(), seed, NOW.civil_date()).unwrap();
    made.take(count).map(|request| serde_json::to_value(&request).unwrap()).collect()
}

#[test]
fn both_take_every_generated_request() {
    for licence_type in issuable() {
        let schema = validator(&licence_type);
        for body in bodies(&licence_type, 11, 60) {
            assert!(api_takes(&licence_type, &body), "{body}");
            let errors: Vec<_> = schema.iter_errors(&body).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{}: {errors:?}", licence_type.name);
        }
    }
}

type Change = fn(&mut Value);

/// Faults of the common members that a schema can tell.
const TOLD: &[(&str, Change)] = &[
    ("another type", |b| b["type"] = json!("11100000MB0143028R999")),
    ("no type", |b| remove(b, "type")),
    ("issuer as a number", |b| b["issuer"] = json!(1)),
    ("empty issuer", |b| b["issuer"] = json!("")),
    ("no number", |b| remove(b, "number")),
    ("empty number", |b| b["number"] = json!("")),
    ("number of 129 characters", |b| b["number"] = json!("号".repeat(129))),
    ("number with a control character", |b| b["number"] = json!("号\u{7}")),
    ("number with a bidirectional control", |b| b["number"] = json!("号\u{202e}")),
    ("number with a C1 control", |b| b["number"] = json!("号\u{85}")),
    ("number with a line feed", |b| b["number"] = json!("一\n二")),
    ("number with a blank behind", |b| b["number"] = json!("号 ")),
    ("number with a no-break space before", |b| b["number"] = json!("\u{a0}号")),
    ("number with a full-width digit", |b| b["number"] = json!("号１")),
    ("number of blanks", |b| b["number"] = json!("\u{3000}")),
    ("number with U+FFFD", |b| b["number"] = json!("号\u{fffd}")),
    ("holder's name with a zero-width space", |b| b["holders"][0]["name"] = json!("示\u{200b}例")),
    ("holder's name with a private-use character", |b| b["holders"][0]["name"] = json!("示\u{e000}")),
    ("holder's name with a line feed", |b| b["holders"][0]["name"] = json!("示\n例")),
    ("holder's name with a radical", |b| b["holders"][0]["name"] = json!("示\u{2f42}")),
    ("area of 5 digits", |b| b["area_code"] = json!("44010")),
    ("area of 7 digits", |b| b["area_code"] = json!("4401000")),
    ("area of letters", |b| b["area_code"] = json!("44010A")),
    ("area of full-width digits", |b| b["area_code"] = json!("４４０１００")),
    ("area of nothing", |b| b["area_code"] = json!("004401")),
    ("area with a line feed", |b| b["area_code"] = json!("440100\n")),
    ("no holders", |b| b["holders"] = json!([])),
    ("holders as one object", |b| b["holders"] = b["holders"][0].clone()),
    ("65 holders", |b| b["holders"] = json!(vec![b["holders"][0].clone(); 65])),
    ("holder without a name", |b| remove(&mut b["holders"][0], "name")),
    ("holder with an empty name", |b| b["holders"][0]["name"] = json!("")),
    ("holder with a long name", |b| b["holders"][0]["name"] = json!("名".repeat(101))),
    ("holder of an unknown code type", |b| b["holders"][0]["code_type"] = json!("002")),
    ("holder with a short code", |b| b["holders"][0]["code"] = json!("123")),
    ("holder with white space in the code", |b| {
        b["holders"][0]["code_type"] = json!("414");
        b["holders"][0]["code"] = json!("E 1234567");
    }),
    ("holder with an ideographic space in the code", |b| {
        b["holders"][0]["code_type"] = json!("999");
        b["holders"][0]["code"] = json!("E\u{3000}1234567");
    }),
    ("holder with a long code", |b| {
        b["holders"][0]["code_type"] = json!("999");
        b["holders"][0]["code"] = json!("1".repeat(33));
    }),
    ("holder with an unknown member", |b| b["holders"][0]["phone"] = json!("1")),
    ("no day of issue", |b| remove(b, "issued_on")),
    ("day of issue as null", |b| b["issued_on"] = Value::Null),
    ("30 February", |b| b["issued_on"] = json!("2026-02-30")),
    ("29 February of no leap year", |b| b["issued_on"] = json!("1900-02-29")),
    ("month 13", |b| b["issued_on"] = json!("2026-13-01")),
    ("year 0", |b| b["issued_on"] = json!("0000-01-01")),
    ("day in another form", |b| b["issued_on"] = json!("20261123")),
    ("day with a time", |b| b["valid_from"] = json!("2026-11-23T00:00:00Z")),
    ("last day of no real day", |b| b["valid_until"] = json!("2027-04-31")),
    ("unknown member", |b| b["colour"] = json!("red")),
    ("unknown field", |b| b["fields"]["不存在的项"] = json!("x")),
    ("common item among the fields", |b| b["fields"]["持证主体"] = json!("x")),
    ("fields as a list", |b| b["fields"] = json!([])),
];

/// Good changes: what the API takes, the schema takes.
const GOOD: &[(&str, Change)] = &[
    ("no last day", |b| b["valid_until"] = Value::Null),
    ("dates left out", |b| {
        remove(b, "valid_until");
        remove(b, "valid_from");
    }),
    ("number of 128 characters", |b| b["number"] = json!("号".repeat(128))),
    ("text not in NFC", |b| b["number"] = json!("Cafe\u{301}")),
    ("area of 9 digits", |b| b["area_code"] = json!("440106001")),
    ("area of 12 digits", |b| b["area_code"] = json!("440106001002")),
    ("leap day", |b| b["valid_from"] = json!("2024-02-29")),
    ("year 1", |b| b["valid_from"] = json!("0001-01-01")),
    ("holder with a code in small letters and full width", |b| {
        b["holders"][0]["code_type"] = json!("001");
        b["holders"][0]["code"] = json!(" 91440101ma9xxxxｘ３6");
    }),
    ("holder with a passport", |b| {
        b["holders"][0]["code_type"] = json!("414");
        b["holders"][0]["code"] = json!("E12345678");
    }),
    ("name of 100 wide characters", |b| b["holders"][0]["name"] = json!("𬭎".repeat(100))),
];

/// Faults that no schema can tell: the API refuses, the schema does not.
const UNTOLD: &[(&str, Change)] = &[
    ("wrong check digit of a person", |b| {
        b["holders"][0]["code_type"] = json!("111");
        b["holders"][0]["code"] = json!("440100180001010024");
    }),
    ("wrong check digit of a company", |b| {
        b["holders"][0]["code_type"] = json!("001");
        b["holders"][0]["code"] = json!("91440101MA9XXXXX37");
    }),
    ("issue tomorrow", |b| b["issued_on"] = json!("2026-11-24")),
    ("issue after the end", |b| {
        b["issued_on"] = json!("2020-01-02");
        b["valid_from"] = json!("2019-01-01");
        b["valid_until"] = json!("2020-01-01");
    }),
    ("a person who is born after the issue", |b| {
        b["holders"][0]["code_type"] = json!("111");
        b["holders"][0]["code"] = json!("440100209912310015");
    }),
    ("a name with another separator", |b| b["holders"][0]["name"] = json!("古丽\u{2022}示例")),
    ("a name with a tag character", |b| b["holders"][0]["name"] = json!("示例\u{e0041}")),
    ("last day before the first", |b| b["valid_until"] = json!("1999-01-01")),
];

fn remove(value: &mut Value, member: &str) {
    value.as_object_mut().unwrap().remove(member).unwrap();
}

fn changed(body: &Value, change: Change) -> Value {
    let mut body = body.clone();
    change(&mut body);
    body
}

#[test]
fn both_refuse_the_same_faults_of_the_common_members_and_take_the_same_good_ones() {
    for licence_type in issuable() {
        let schema = validator(&licence_type);
        for body in bodies(&licence_type, 13, 3) {
            for (what, change) in TOLD {
                let body = changed(&body, *change);
                assert!(!api_takes(&licence_type, &body), "the API takes {what} of {}", licence_type.name);
                assert!(!schema.is_valid(&body), "the schema takes {what} of {}", licence_type.name);
            }
            for (what, change) in GOOD {
                let body = changed(&body, *change);
                assert!(api_takes(&licence_type, &body), "the API refuses {what} of {}", licence_type.name);
                assert!(schema.is_valid(&body), "the schema refuses {what} of {}", licence_type.name);
            }
            for (what, change) in UNTOLD {
                let body = changed(&body, *change);
                assert!(!api_takes(&licence_type, &body), "the API takes {what} of {}", licence_type.name);
                assert!(schema.is_valid(&body), "the schema refuses {what} of {}", licence_type.name);
            }
        }
    }
}

/// Values around every limit of every face item, and of every other kind than its own.
#[test]
fn both_judge_every_value_of_every_face_item_alike() {
    let (mut taken, mut refused) = (0, 0);
    for licence_type in issuable() {
        let schema = validator(&licence_type);
        let mut body = bodies(&licence_type, 17, 1).remove(0);
        // No day among the values lies behind it.
        body["issued_on"] = json!("2026-11-23");
        for field in licence_type.newest().unwrap().fields.iter().filter(|field| field.key >= 24) {
            let max = usize::from(field.max);
            // 1,024 characters of four bytes are the most that a field of a credential holds.
            let (longest, above) = ("字".repeat(max.min(1_200)), "字".repeat(max + 1));
            let mut values = vec![
                json!(""),
                json!("示例"),
                json!(longest),
                json!(above),
                json!("a\u{9}"),
                json!("2026-11-23"),
                json!("2026-02-30"),
                json!(0),
                json!(-1),
                json!(9_007_199_254_740_991_u64),
                json!(9_007_199_254_740_992_u64),
                json!(1.5),
                json!(true),
                Value::Null,
                json!({}),
                json!([]),
                json!(["示例"]),
                json!([""]),
                json!([1]),
                json!(vec!["示"; 64]),
                json!(vec!["示"; 65]),
                json!([longest]),
                json!([above]),
                json!([["示例"]]),
                json!([["示例"], "示例"]),
                json!(vec![["示"]; 256]),
                json!(vec![["示"]; 257]),
                json!([vec!["示"; 65]]),
                json!("0".repeat(64)),
            ];
            values.extend(field.options.iter().map(|option| json!(option)));
            for value in values {
                let mut body = body.clone();
                body["fields"][&field.name] = value.clone();
                let (api, told) = (api_takes(&licence_type, &body), schema.is_valid(&body));
                assert_eq!(api, told, "{} {} {:?}: {value}", licence_type.name, field.name, field.kind);
                if api { taken += 1 } else { refused += 1 }
            }
            let mut without = body.clone();
            without["fields"].as_object_mut().unwrap().remove(&field.name);
            assert_eq!(api_takes(&licence_type, &without), !field.required, "{}", field.name);
            assert_eq!(schema.is_valid(&without), !field.required, "{}", field.name);
        }
    }
    assert!(taken > 300 && refused > 1_000, "{taken} {refused}");
}

/// The shipped types have no field of these kinds yet.
#[test]
fn digests_and_truth_values_are_judged_alike_too() {
    let mut licence_type = issuable().into_iter().find(|t| t.code() == "11100000MB0143028R001").unwrap();
    let revision = licence_type.revisions.last_mut().unwrap();
    for (key, kind, name) in [(90, FieldKind::Digest, "摘要"), (91, FieldKind::Bool, "是否")] {
        let mut field = revision.field(24).unwrap().clone();
        (field.key, field.kind, field.name, field.max) = (key, kind, name.to_owned(), 0);
        revision.fields.push(field);
    }
    let schema = validator(&licence_type);
    let body = bodies(&licence_type, 19, 1).remove(0);
    for (name, value, good) in [
        ("摘要", json!("0a".repeat(32)), true),
        ("摘要", json!("0A".repeat(32)), false),
        ("摘要", json!("0a".repeat(31)), false),
        ("摘要", json!(true), false),
        ("是否", json!(false), true),
        ("是否", json!("false"), false),
        ("是否", json!(0), false),
    ] {
        let mut body = body.clone();
        body["fields"][name] = value.clone();
        assert_eq!(api_takes(&licence_type, &body), good, "{name} {value}");
        assert_eq!(schema.is_valid(&body), good, "{name} {value}");
    }
}

#[test]
fn the_schema_of_a_type_for_reference_only_refuses_everything() {
    let catalogue = catalogue();
    let identity = catalogue.type_of_code("11100000000013127D001").unwrap();
    let schema = validator(identity);
    let body = bodies(&issuable()[0], 1, 1).remove(0);
    assert!(!schema.is_valid(&body) && !schema.is_valid(&json!({})));
}

#[test]
fn a_form_finds_names_in_both_languages_the_key_and_what_is_sensitive() {
    let catalogue = catalogue();
    let schema = issue_request(catalogue.type_of_code("ZD1002").unwrap());
    assert_eq!(schema["$id"], "urn:elic:schema:issue-request:ZD1002:1");
    let sex = &schema["properties"]["fields"]["properties"]["性别"];
    assert_eq!(sex["enum"], json!(["男", "女"]));
    assert_eq!((&sex["title"], &sex["description"]), (&json!("性别"), &json!("Sex")));
    let address = &schema["properties"]["fields"]["properties"]["现居住地址"];
    assert_eq!((&address["x-elic-key"], &address["x-elic-sensitive"]), (&json!(27), &json!(true)));
    assert_eq!(schema["properties"]["fields"]["required"], json!(["现居住地址"]));
}
