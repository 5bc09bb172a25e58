//! The licences of the demo: synthetic holders, one request a type that a city may issue.

use serde_json::{Value, json};

/// The synthetic company of spec/domain.md §2.
pub(super) const COMPANY: (&str, &str) = ("广州示例科技有限公司", "91440101MA9XXXXX36");
/// A synthetic person, born in 1800.
const PERSON: (&str, &str) = ("测试甲", "440100180001010023");
/// Another one, for types with two holders such as 结婚证.
const SECOND: (&str, &str) = ("测试乙", "440100180001010031");

fn request(
    kind: &str,
    issuer: &str,
    number: &str,
    area: &str,
    holders: &[(&str, &str, &str)],
    fields: Value,
) -> Value {
    let holders: Vec<_> = holders
        .iter()
        .map(|(name, code_type, code)| json!({"name": name, "code_type": code_type, "code": code}))
        .collect();
    json!({
        "type": kind, "issuer": issuer, "number": number, "area_code": area,
        "holders": holders,
        "issued_on": "2026-11-23", "valid_from": "2026-11-23", "valid_until": null, "fields": fields
    })
}

/// Face items for a type, by the names of the catalogue; enough for every required one.
fn face(kind: &licence_spec::catalogue::LicenceType) -> Value {
    use licence_spec::catalogue::FieldKind;
    let mut fields = serde_json::Map::new();
    let revision = kind.newest();
    for field in revision.into_iter().flat_map(|revision| &revision.fields) {
        if field.key < 24 || !field.required {
            continue;
        }
        let text = field.options.first().map_or("示例㛃", String::as_str);
        let value = match field.kind {
            FieldKind::Date => json!("2026-11-23"),
            FieldKind::Uint => json!(1),
            FieldKind::Bool => json!(true),
            FieldKind::List => json!([text]),
            FieldKind::Table => json!([[text]]),
            FieldKind::Digest => json!("00".repeat(32)),
            FieldKind::Text => json!(text),
        };
        fields.insert(field.name.clone(), value);
    }
    Value::Object(fields)
}

/// A request for a licence of this type by this authority.
pub(super) fn licence(
    kind: &licence_spec::catalogue::LicenceType,
    issuer: &str,
    area: &str,
    number: &str,
) -> Value {
    let holder = match kind.metadata(licence_spec::catalogue::META_HOLDER) {
        Some(category) if category.contains("自然人") && !category.contains("法人") => {
            (PERSON.0, "111", PERSON.1)
        }
        _ => (COMPANY.0, "001", COMPANY.1),
    };
    let mut holders = vec![holder];
    holders.extend((1..kind.holders().0).map(|_| (SECOND.0, "111", SECOND.1)));
    request(kind.code(), issuer, number, area, &holders, face(kind))
}
