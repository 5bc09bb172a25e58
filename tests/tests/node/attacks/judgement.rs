//! Who wants an ACCEPT receipt that the licence does not bear: for an item that demands something else, for an applicant whose
//! number is mistyped or of the old kind; and who wants a REJECT out of a file that is no licence at all.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::harness::{HOLDER, Place, Running, licence};

/// Service items that take the business licence of Guangzhou's company or demand something that it has not.
const ITEMS: [(&str, &str, &str, &str); 6] = [
    // Item, outcome, code, result of fit for the licence.
    ("GZ-TH-0101", "ACCEPT", "", "MET"),
    ("SD-SC-0702", "REJECT", "FIELD_CONSTRAINT_FAILED", "NOT_MET"), // licences of 佛山 alone
    ("YJ-JT-0707", "REJECT", "FIELD_CONSTRAINT_FAILED", "NOT_MET"), // 经营范围 with 货物运输
    ("QY-WY-0713", "REJECT", "FIELD_MISSING", "NOT_MET"),           // 成立日期
    ("GZ-JZ-0201", "INDETERMINATE", "SUBJECT_NOT_GIVEN", "UNDECIDED"), // of the builder, not of the applicant
    ("FS-JZ-0503", "REJECT", "TYPE_NOT_ACCEPTED", "NOT_MET"),
];

fn case(item: &str, how: Value) -> Value {
    let mut request = json!({
        "service_item": item, "case_number": "2026-示例-0001", "subject": {"code_type": "001", "code": HOLDER.1},
    });
    for (name, value) in how.as_object().expect("members") {
        request[name] = value.clone();
    }
    request
}

fn ask(city: &Running, token: &str, request: &Value) -> Value {
    city.post(token, "/v1/verifications", request).with(200)
}

/// Seen in the field: 82 pairs of licence and item gave a signed ACCEPT receipt beside a fit that said NOT_MET.
#[test]
fn no_accept_receipt_is_had_for_an_item_that_the_licence_does_not_meet() {
    let place = Place::new();
    let province = place.province();
    let city = place.city(&province);
    let token = city.token("approvals", "*", "*", "*");
    let issued = city.post(&token, "/v1/licences", &licence("示例〔2026〕1号")).with(201);
    for (item, outcome, code, result) in ITEMS {
        for how in [
            json!({"credential": issued["credential"]}),
            json!({"qr": format!("\u{feff}]Q1{}\r\n", issued["qr"].as_str().unwrap())}),
            json!({"id": issued["id"]}),
        ] {
            let answer = ask(&city, &token, &case(item, how));
            let (verdict, fit) = (&answer["verdict"], &answer["fit"]);
            assert_eq!(verdict["outcome"], outcome, "{item}: {answer}");
            assert_eq!(verdict["code"].as_str().unwrap_or_default(), code, "{item}: {answer}");
            assert_eq!(fit["licences"][0]["result"], result, "{item}: {answer}");
            let receipt = json!({"receipt": answer["receipt"]});
            let checked = city.post(&token, "/v1/receipts/check", &receipt).with(200);
            assert_eq!(checked["receipt"]["outcome"], outcome, "what is filed is what was said: {checked}");
        }
    }
    // By number: how it was judged, and nothing of what it says.
    let text = ask(&city, &token, &case("SD-SC-0702", json!({"id": issued["id"]})))["fit"].to_string();
    for own in [HOLDER.0, HOLDER.1, "2026-11-23", "测试㛃", "软件开发", "440106"] {
        assert!(!text.contains(own), "{own} in {text}");
    }
    assert!(text.contains("4406"), "what the item wants is told: {text}");
}

/// A slip of the pen is told as one, and an old number is no proof of anything.
#[test]
fn no_mistyped_or_old_number_makes_somebody_another_person() {
    let place = Place::new();
    let province = place.province();
    let city = place.city(&province);
    let token = city.token("approvals", "*", "*", "*");
    let issued = city.post(&token, "/v1/licences", &licence("示例〔2026〕1号")).with(201);
    let of =
        |subject: Value| json!({"credential": issued["credential"], "receipt": false, "subject": subject});
    for (subject, member) in [
        (json!({"code_type": "001", "code": "91440101MA9XXXXX37"}), "subject.code"),
        (json!({"code_type": "001", "code": "91440101MA9XXXXX3"}), "subject.code"),
        (json!({"code": "91440101MA9XXXXX37"}), "subject.code"),
        (json!({"code_type": "001", "code": " \u{3000}"}), "subject.code"),
        (json!({"code_type": "身份证", "code": HOLDER.1}), "subject.code_type"),
    ] {
        let problem = city.post(&token, "/v1/verifications", &of(subject.clone())).with(422);
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains(member), "{subject}: {problem}");
        assert!(!detail.contains("91440101"), "what was typed is not repeated: {problem}");
    }
    for (subject, outcome, code) in [
        (json!({"code": "９１４４０１０１ma9xxxxx36\n"}), "ACCEPT", ""),
        (json!({"code_type": "111", "code": "440100000101002"}), "INDETERMINATE", "SUBJECT_AMBIGUOUS"),
        (json!({"code": "440100000101002"}), "INDETERMINATE", "SUBJECT_AMBIGUOUS"),
        (json!({"code_type": "001", "code": "91350100M000100Y43"}), "REJECT", "SUBJECT_MISMATCH"),
    ] {
        let verdict = &ask(&city, &token, &of(subject.clone()))["verdict"];
        assert_eq!(verdict["outcome"], outcome, "{subject}: {verdict}");
        assert_eq!(verdict["code"].as_str().unwrap_or_default(), code, "{subject}");
    }
    let mut people = json!({
        "subjects": [{"code_type": "001", "code": " 91440101ma9xxxxx36"}],
        "case_number": "2026-0001", "operator": "示例经办", "authorisation": "示例授权", "elsewhere": false,
    });
    let checks = "/v1/service-items/GZ-TH-0101/checks";
    let answer = city.post(&token, checks, &people).with(200);
    assert_eq!(
        answer["licences"].as_array().map(Vec::len),
        Some(1),
        "found by whatever way it was typed: {answer}"
    );
    people["subjects"][0]["code"] = json!("91440101MA9XXXXX37");
    let problem = city.post(&token, checks, &people).with(422);
    assert!(problem["detail"].as_str().unwrap().contains("subjects[0].code"), "{problem}");
}

/// REJECT needs proof: a photograph is no forged licence.
#[test]
fn no_file_that_is_none_of_our_objects_is_rejected() {
    let place = Place::new();
    let province = place.province();
    let city = place.city(&province);
    let token = city.token("approvals", "*", "*", "*");
    let files: [(&[u8], &str); 6] = [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"%PDF-1.7\n", "PDF"),
        (b"PK\x03\x04\x14\0\0\0\0\0\0\0OFD.xml", "OFD"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "JPEG"),
        (b"\xa1\x01\x02", ""),
        (b"\xd2\x84\x43\xa1\x01\x26\xa0\x41\x01\x41\x02", ""),
    ];
    for (bytes, kind) in files {
        let request = json!({"credential": URL_SAFE_NO_PAD.encode(bytes), "receipt": false});
        let verdict = &ask(&city, &token, &request)["verdict"];
        assert_eq!(
            (&verdict["outcome"], &verdict["code"]),
            (&json!("NO_CREDENTIAL"), &json!("UNREADABLE")),
            "{kind}"
        );
        assert!(verdict["text"]["zh-CN"].as_str().unwrap().contains(kind), "{verdict}");
    }
    // One of ours, and no licence: it is said what it is.
    let issued = city.post(&token, "/v1/licences", &licence("示例〔2026〕1号")).with(201);
    let filed = ask(&city, &token, &case("GZ-TH-0101", json!({"credential": issued["credential"]})));
    let verdict = &ask(&city, &token, &json!({"credential": filed["receipt"], "receipt": false}))["verdict"];
    assert_eq!(verdict["code"], "NOT_CONFORMANT");
    assert!(verdict["text"]["zh-CN"].as_str().unwrap().contains("回执"), "{verdict}");
}
