//! JSON Schema (2020-12) of the issue request of a type: what a form or a client checks before it asks.
//!
//! In scope: everything of [`CheckedFields::check`](crate::issue::CheckedFields::check) that the schema language can say.
//! Out of scope, and left to the API: check digits, characters beyond the basic plane and the separator of persons' names
//! (spec/text.md), the limit of 4,096 bytes, days that lie in the wrong order, and `1.0` for an integer (which JSON Schema
//! calls one). So the schema takes every request that the API takes, if its texts are in normal form C already, and what it
//! refuses the API refuses.

use licence_spec::catalogue::{Field, FieldKind, LicenceType, Revision};
use licence_spec::identifiers::HOLDER_CODE_TYPES;
use licence_spec::numbers::{
    MAX_CODE, MAX_FIELD_ITEMS, MAX_FIELD_ROWS, MAX_FIELD_TEXT, MAX_FIELDS, MAX_INTEGER,
};
use serde_json::{Map, Value, json};

/// First key of the face items of a type; the keys below come from the other members of the request.
const FIRST_FACE_KEY: u8 = 24;
/// A real year of four digits, month and day; `format` adds the length of months.
const DATE: &str =
    "^([1-9][0-9]{3}|0[1-9][0-9]{2}|00[1-9][0-9]|000[1-9])-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$";
/// 6, 9 or 12 digits, not beginning with 00.
const AREA: &str = "^(?:[1-9][0-9]|0[1-9])(?:[0-9]{4}|[0-9]{7}|[0-9]{10})$";
/// No blank at either end, and none of the characters of spec/text.md that a pattern can name: controls but LF, invisible ones,
/// blanks of other kinds, radicals, private use, U+FFFD.
const PLAIN: &str = r"^(?!\s)[^\u0000-\u0009\u000b-\u001f\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u2e80-\u2fd5\u3164\ue000-\uf8ff\ufeff\uffa0\ufff0-\uffff]*(?<!\s)$";
/// The same in one line, for names.
const LINE: &str = r"^(?!\s)[^\u000a\u0000-\u0009\u000b-\u001f\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u2e80-\u2fd5\u3164\ue000-\uf8ff\ufeff\uffa0\ufff0-\uffff]*(?<!\s)$";
/// The same without full-width letters and digits, for 证照编号.
const NUMBER: &str = r"^(?!\s)[^\u000a\u3000\uff10-\uff19\uff21-\uff3a\uff41-\uff5a\u0000-\u0009\u000b-\u001f\u007f-\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u2e80-\u2fd5\u3164\ue000-\uf8ff\ufeff\uffa0\ufff0-\uffff]*(?<!\s)$";
/// Shape of a 统一社会信用代码: 18 of the alphabet of GB 32100; the issuer trims it and makes it half width and capital.
const CREDIT: &str = "^\\s*[0-9A-HJ-NPQRTUWXYa-hj-npqrtuwxy０-９Ａ-ＨＪ-ＮＰＱＲＴＵＷＸＹａ-ｈｊ-ｎｐｑｒｔｕｗｘｙ]{18}\\s*$";
/// Shape of a 公民身份号码; the same.
const RESIDENT: &str = "^\\s*[0-9０-９]{17}[0-9０-９XxＸｘ]\\s*$";
/// Codes of other types: no white space within, no control characters.
const OTHER_CODE: &str = r"^\s*[^\s\u0000-\u001f\u007f-\u009f\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\u202a-\u202e\u2066-\u2069]+\s*$";

/// The schema of a request to issue this type by its newest revision. A type for reference only gets a schema that
/// refuses everything.
#[must_use]
pub fn issue_request(licence_type: &LicenceType) -> Value {
    let dialect = "https://json-schema.org/draft/2020-12/schema";
    let title = &licence_type.name;
    let Some(revision) = licence_type.newest().filter(|_| !licence_type.is_reference_only()) else {
        let text = "此类证照仅供引用，不在本系统签发 / named for reference, not issued here";
        return json!({"$schema": dialect, "title": title, "description": text, "not": {}});
    };
    let required = ["type", "issuer", "number", "area_code", "holders", "issued_on"].map(str::to_owned);
    let mut required = required.to_vec();
    let mut optional_date = |key: u8, member: &str| {
        if revision.field(key).is_some_and(|field| field.required) {
            required.push(member.to_owned());
            date()
        } else {
            json!({"anyOf": [date(), {"type": "null"}]})
        }
    };
    let (valid_from, valid_until) = (optional_date(9, "valid_from"), optional_date(10, "valid_until"));
    let face: Vec<&Field> = revision.fields.iter().filter(|field| field.key >= FIRST_FACE_KEY).collect();
    if face.iter().any(|field| field.required) {
        required.push("fields".to_owned());
    }
    json!({
        "$schema": dialect,
        "$id": format!("urn:elic:schema:issue-request:{}:{}", licence_type.code(), revision.number),
        "title": title,
        "type": "object",
        "properties": {
            "type": {"const": licence_type.code()},
            "issuer": {"type": "string", "minLength": 1, "maxLength": MAX_CODE},
            "number": line(revision.field(2), NUMBER),
            "area_code": {"type": "string", "pattern": AREA},
            "holders": holders(licence_type, revision),
            "issued_on": date(),
            "valid_from": valid_from,
            "valid_until": valid_until,
            "fields": fields(&face),
        },
        "required": required,
        "additionalProperties": false,
    })
}

fn holders(licence_type: &LicenceType, revision: &Revision) -> Value {
    let (fewest, most) = licence_type.holders();
    let of_type = |code_type: &str, pattern: &str| {
        json!({
            "if": {"properties": {"code_type": {"const": code_type}}, "required": ["code_type"]},
            "then": {"properties": {"code": {"pattern": pattern}}},
        })
    };
    let code = line(revision.field(5), OTHER_CODE);
    json!({
        "type": "array",
        "minItems": fewest,
        "maxItems": most,
        "items": {
            "type": "object",
            "properties": {
                "name": line(revision.field(3), LINE),
                "code_type": {"enum": HOLDER_CODE_TYPES.map(|kind| kind.code())},
                "code": code,
            },
            "required": ["name", "code_type", "code"],
            "additionalProperties": false,
            "allOf": [of_type("001", CREDIT), of_type("111", RESIDENT)],
        },
    })
}

fn fields(face: &[&Field]) -> Value {
    let properties: Map<String, Value> =
        face.iter().map(|field| (field.name.clone(), described(field))).collect();
    let required: Vec<&str> =
        face.iter().filter(|field| field.required).map(|field| field.name.as_str()).collect();
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
        "maxProperties": MAX_FIELDS,
    })
}

/// The schema of one face item, with what a form shows beside it.
fn described(field: &Field) -> Value {
    let mut schema = value(field);
    schema["title"] = json!(field.name);
    if let Some(en) = &field.en {
        schema["description"] = json!(en);
    }
    schema["x-elic-key"] = json!(field.key);
    schema["x-elic-sensitive"] = json!(field.sensitive);
    schema["x-elic-face"] = json!(field.on_face);
    schema
}

fn value(field: &Field) -> Value {
    let fewest = usize::from(field.required);
    match field.kind {
        FieldKind::Text => text(Some(field)),
        FieldKind::Date => date(),
        FieldKind::Uint => json!({"type": "integer", "minimum": 0, "maximum": MAX_INTEGER}),
        FieldKind::Bool => json!({"type": "boolean"}),
        FieldKind::List => json!({
            "type": "array",
            "minItems": fewest,
            "maxItems": MAX_FIELD_ITEMS,
            "items": text(Some(field)),
        }),
        FieldKind::Digest => json!({"type": "string", "pattern": "^[0-9a-f]{64}$"}),
        FieldKind::Table => json!({
            "type": "array",
            "minItems": fewest,
            "maxItems": MAX_FIELD_ROWS,
            "items": {"type": "array", "maxItems": MAX_FIELD_ITEMS, "items": text(Some(field))},
        }),
    }
}

/// A text, not empty, of the length of the field; of one of its options if it is closed.
fn text(field: Option<&Field>) -> Value {
    let max = field.map_or(0, |field| usize::from(field.max));
    let max = if max == 0 { MAX_FIELD_TEXT } else { max };
    let mut schema = json!({"type": "string", "minLength": 1, "maxLength": max, "pattern": PLAIN});
    if let Some(options) = field.map(|field| &field.options).filter(|options| !options.is_empty()) {
        schema["enum"] = json!(options);
    }
    schema
}

/// A text of one line by this pattern.
fn line(field: Option<&Field>, pattern: &str) -> Value {
    let mut schema = text(field);
    schema["pattern"] = json!(pattern);
    schema
}

/// A day. `format` names real days; validators that ignore it still have the pattern.
fn date() -> Value {
    json!({"type": "string", "format": "date", "pattern": DATE})
}
