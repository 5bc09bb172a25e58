//! Shapes that no attribute of a handler gives: verdict and fit, closed lists of words, limits, and bytes.

use licence_spec::catalogue::HolderRole;
use licence_spec::identifiers::HOLDER_CODE_TYPES;
use licence_spec::log::change::Act;
use licence_spec::numbers::{MAX_CODE, MAX_LICENCE, MAX_RECEIPT};
use licence_spec::verdict::{Advice, CheckResult, Code, Group, Outcome, Warning};
use serde_json::{Map, Value, json};

use super::members;
use licence_node::access::authorisation::MAX_TEXT;

/// Completes the shapes that the handlers name, and those of verdict and fit.
pub(super) fn complete(document: &mut Value) {
    bytes_of_files(document);
    let Some(shapes) = members(document, "components")
        .and_then(|all| all.entry("schemas").or_insert_with(|| json!({})).as_object_mut())
    else {
        return;
    };
    tag_records(shapes);
    shapes.insert("Verdict".to_owned(), verdict());
    shapes.insert("Fit".to_owned(), fit());
    shapes.insert("Texts".to_owned(), texts());
    for (shape, member, rule) in rules() {
        if let Some(property) = shapes.get_mut(shape).and_then(|shape| shape["properties"].get_mut(member)) {
            narrow(property, &rule);
        }
    }
}

/// The records of the index, told apart by `kind`: named shapes, as generators of clients know no unnamed ones in a choice.
fn tag_records(shapes: &mut Map<String, Value>) {
    let kinds = [("IndexedLicence", "licence"), ("IndexedChange", "status_change")];
    for (shape, kind) in kinds {
        if let Some(shape) = shapes.get_mut(shape) {
            shape["properties"]["kind"] = json!({"type": "string", "enum": [kind]});
            if let Some(required) = shape["required"].as_array_mut() {
                required.push(json!("kind"));
            }
        }
    }
    let reference = |shape: &str| format!("#/components/schemas/{shape}");
    let all: Vec<Value> = kinds.iter().map(|(shape, _)| json!({"$ref": reference(shape)})).collect();
    let mapping: Map<String, Value> =
        kinds.iter().map(|(shape, kind)| ((*kind).to_owned(), json!(reference(shape)))).collect();
    shapes.insert(
        "IndexRecord".to_owned(),
        json!({"description": "一条索引记录 / one record", "oneOf": all, "discriminator": {"propertyName": "kind", "mapping": mapping}}),
    );
}

/// Adds a rule to a member; one that may be null stays so.
fn narrow(property: &mut Value, rule: &Value) {
    let may_be_null = property["type"].as_array().is_some_and(|kinds| kinds.contains(&json!("null")));
    for (name, value) in rule.as_object().into_iter().flatten() {
        property[name] = match value.as_array() {
            Some(words) if name == "enum" && may_be_null => {
                [words.as_slice(), &[Value::Null]].concat().into()
            }
            _ => value.clone(),
        };
    }
    if let (true, Some(property)) = (rule.get("$ref").is_some(), property.as_object_mut()) {
        property.remove("type");
        if may_be_null {
            let reference = property.remove("$ref").unwrap_or_default();
            property.insert("oneOf".to_owned(), json!([{"$ref": reference}, {"type": "null"}]));
        }
    }
}

/// Words of a closed list.
fn words<T: Copy>(all: &[T], word: fn(T) -> &'static str) -> Value {
    all.iter().map(|one| word(*one)).collect()
}

fn text(most: usize) -> Value {
    json!({"minLength": 1, "maxLength": most})
}

/// Bytes in base64url without padding.
fn bytes(most: usize) -> Value {
    json!({"maxLength": (most * 4).div_ceil(3), "pattern": "^[A-Za-z0-9_-]*$", "contentEncoding": "base64url"})
}

/// Rules of single members: shape, member, what is added.
fn rules() -> Vec<(&'static str, &'static str, Value)> {
    let roles: Value = HolderRole::ALL.iter().map(|role| json!(role)).collect();
    let acts: Value = Act::ALL
        .iter()
        .filter(|act| !matches!(act, Act::Supersede | Act::Replace))
        .map(|act| act.name())
        .collect();
    let kinds: Value = HOLDER_CODE_TYPES.iter().map(|kind| kind.code()).collect();
    let outcomes = json!({"enum": words(Outcome::ALL, Outcome::as_str)});
    let codes = json!({"enum": words(Code::ALL, Code::as_str)});
    let day = json!({"format": "date"});
    let digest = json!({"pattern": "^sha-256:[0-9a-f]{64}$"});
    let fit = json!({"$ref": "#/components/schemas/Fit"});
    vec![
        ("Verification", "verdict", json!({"$ref": "#/components/schemas/Verdict"})),
        ("Verification", "fit", fit.clone()),
        ("Verification", "receipt", bytes(MAX_RECEIPT)),
        ("ItemCheck", "fit", fit),
        ("Looked", "outcome", outcomes.clone()),
        ("Looked", "code", codes.clone()),
        ("Looked", "licence", digest.clone()),
        ("Looked", "receipt", bytes(MAX_RECEIPT)),
        ("ReceiptCheck", "outcome", outcomes.clone()),
        ("ReceiptCheck", "code", codes.clone()),
        ("ReceiptContent", "outcome", outcomes),
        ("ReceiptContent", "code", codes),
        ("ReceiptContent", "licence", digest.clone()),
        ("ReceiptContent", "issued_at", json!({"format": "date-time"})),
        ("VerifyRequest", "credential", bytes(MAX_LICENCE)),
        ("VerifyRequest", "id", text(128)),
        ("VerifyRequest", "service_item", text(MAX_TEXT)),
        ("VerifyRequest", "case_number", text(MAX_TEXT)),
        ("VerifyRequest", "policy", json!({"enum": ["approval", "counter", "archive"]})),
        ("SubjectRequest", "code_type", json!({"enum": kinds.clone()})),
        ("SubjectRequest", "code", text(MAX_CODE)),
        ("SubjectRequest", "name", text(200)),
        ("ItemRequest", "subjects", json!({"minItems": 1, "maxItems": 8})),
        (
            "ItemRequest",
            "credentials",
            json!({"maxItems": 16, "items": {"type": "string", "pattern": "^[A-Za-z0-9_-]*$"}}),
        ),
        ("ItemRequest", "case_number", text(MAX_TEXT)),
        ("ItemRequest", "operator", text(MAX_TEXT)),
        ("ItemRequest", "authorisation", text(MAX_TEXT)),
        ("ItemSubject", "role", json!({"enum": roles.clone()})),
        ("ItemSubject", "code_type", json!({"enum": kinds})),
        ("ItemSubject", "code", text(MAX_CODE)),
        ("MaterialView", "holder_role", json!({"enum": roles})),
        ("ChangeRequest", "act", json!({"enum": acts})),
        ("ChangeRequest", "effective_at", json!({"format": "date-time"})),
        ("Reason", "legal_basis", text(200)),
        ("Reason", "document_number", text(200)),
        ("Reason", "officer", text(200)),
        ("IssueRequest", "issued_on", day.clone()),
        ("IssueRequest", "valid_from", day.clone()),
        ("IssueRequest", "valid_until", day),
        ("IssueRequest", "area_code", json!({"pattern": "^[0-9]{6,12}$"})),
        ("IssueRequest", "issuer", text(MAX_CODE)),
        ("IssueRequest", "holders", json!({"minItems": 1, "maxItems": 64})),
        ("Issued", "digest", digest.clone()),
        ("Issued", "credential", bytes(MAX_LICENCE)),
        ("Stored", "digest", digest),
        ("Stored", "credential", bytes(MAX_LICENCE)),
        ("Stored", "status", json!({"maximum": 3})),
    ]
}

/// Files are bytes, not lists of numbers.
fn bytes_of_files(document: &mut Value) {
    let numbers = json!({"type": "array", "items": {"type": "integer", "format": "int32", "minimum": 0}});
    for operation in each(document.get_mut("paths")).flat_map(|item| each(Some(item))) {
        for answer in each(operation.get_mut("responses")) {
            for content in each(answer.get_mut("content")) {
                if content["schema"] == numbers {
                    content["schema"] = json!({"type": "string", "format": "binary"});
                }
            }
        }
    }
}

/// The members of an object, if it is there.
fn each(object: Option<&mut Value>) -> impl Iterator<Item = &mut Value> {
    object.and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut)
}

fn texts() -> Value {
    json!({"type": "object", "required": ["zh-CN", "en"], "additionalProperties": false,
        "description": "中英文说明 / the same in both languages",
        "properties": {"zh-CN": {"type": "string"}, "en": {"type": "string"}}})
}

/// An object that has just these members, all of them but those named after the `?`.
fn object(description: &str, properties: Value) -> Value {
    let mut required = Vec::new();
    let mut members = Map::new();
    for (name, shape) in properties.as_object().into_iter().flatten() {
        match name.strip_suffix('?') {
            Some(name) => drop(members.insert(name.to_owned(), shape.clone())),
            None => {
                required.push(name.clone());
                members.insert(name.clone(), shape.clone());
            }
        }
    }
    json!({"type": "object", "description": description, "required": required, "properties": members,
        "additionalProperties": false})
}

fn or_null(shape: Value) -> Value {
    json!({"oneOf": [shape, {"type": "null"}]})
}

fn code_or_null() -> Value {
    let codes: Vec<Value> = Code::ALL.iter().map(|code| json!(code.as_str())).chain([Value::Null]).collect();
    json!({"type": ["string", "null"], "enum": codes})
}

fn digest() -> Value {
    json!({"type": "string", "pattern": "^sha-256:[0-9a-f]{64}$"})
}

fn digest_or_null() -> Value {
    json!({"type": ["string", "null"], "pattern": "^sha-256:[0-9a-f]{64}$"})
}

fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

fn number() -> Value {
    json!({"type": "integer", "minimum": 0})
}

fn number_or_null() -> Value {
    json!({"type": ["integer", "null"], "minimum": 0})
}

/// spec/verdict.md §2.
fn verdict() -> Value {
    let checks = object(
        "一项检查 / one check; evidence in `source` is named by its digest",
        json!({
            "group": {"type": "string", "enum": words(Group::ALL, Group::as_str)},
            "result": {"type": "string", "enum": words(CheckResult::ALL, CheckResult::as_str)},
            "code": code_or_null(), "source": digest_or_null(),
            "source_time": {"type": ["string", "null"], "format": "date-time"}, "age_s": {"type": ["integer", "null"]},
        }),
    );
    object(
        "判定 / the verdict (spec/verdict.md): what was judged, how it came out and on which evidence",
        json!({
            "outcome": {"type": "string", "enum": words(Outcome::ALL, Outcome::as_str)},
            "code": code_or_null(),
            "gb_result": {"type": "integer", "minimum": 0, "maximum": 6},
            "advice": {"type": "string", "enum": words(Advice::ALL, Advice::as_str)},
            "alarm": {"type": "boolean", "description": "疑似攻击 / a sign of attack"},
            "text": {"$ref": "#/components/schemas/Texts"},
            "checks": {"type": "array", "items": checks},
            "warnings": {"type": "array", "items": {"type": "string", "enum": words(Warning::ALL, Warning::as_str)}},
            "licence": or_null(licence()), "basis": basis(),
        }),
    )
}

fn licence() -> Value {
    object(
        "证照内容；签名通过且可见时才有 / the content, once the signature has passed and the client may see it",
        json!({
            "issuer": {"type": "string"}, "vct": {"type": "string"}, "issued_at": time(),
            "not_before": {"type": ["string", "null"], "format": "date-time"}, "expires_at": time(),
            "view": {"type": "boolean"},
            "fields": {"type": "object", "description": "按编号 / by the integer keys of the catalogue", "additionalProperties": true},
        }),
    )
}

fn basis() -> Value {
    let file = |description: &str| object(description, json!({"version": number(), "digest": digest()}));
    object(
        "依据 / on what it was judged",
        json!({
            "now": time(),
            "policy": object("策略 / policy preset", json!({"id": {"type": "string"}, "version": number()})),
            "trust_list": or_null(object("信任列表 / trust list", json!({"version": number(), "digest": digest(), "timestamp": time()}))),
            "status_list": or_null(object("状态列表 / status list", json!({"uri": {"type": "string"}, "iat": time(), "digest": digest()}))),
            "log": or_null(object("日志 / transparency log", json!({"origin": {"type": "string"}, "size": number_or_null(),
                "index": number_or_null(), "root": digest_or_null(), "proof": digest_or_null()}))),
            "catalogue": or_null(file("目录 / catalogue")),
        }),
    )
}

/// What `licence_catalogue::fit` answers.
fn fit() -> Value {
    let result = json!({"type": "string", "enum": ["MET", "UNDECIDED", "NOT_PERMITTED", "NOT_MET"]});
    let code = json!({"type": "string", "enum": words(Code::ALL, Code::as_str)});
    let texts = json!({"$ref": "#/components/schemas/Texts"});
    let reason = object(
        "为何不满足 / why a licence does not meet a material",
        json!({"licence?": digest(), "code": code, "field?": {"type": "string"}, "text": texts}),
    );
    let strings = json!({"type": "array", "items": {"type": "string"}});
    let roles: Value = HolderRole::ALL.iter().map(|role| json!(role)).collect();
    let material = object(
        "一项材料 / one material",
        json!({"code": {"type": "string"}, "name": {"type": "string"}, "holder_role": {"type": "string", "enum": roles},
            "any_of": strings, "result": result, "licence": digest_or_null(), "reasons": {"type": "array", "items": reason}}),
    );
    let one = object(
        "一件证照 / one licence",
        json!({"licence": digest(), "type_name": {"type": ["string", "null"]}, "result": result, "meets": strings,
            "permitted_fields": {"type": "array", "items": number()}, "reason?": reason}),
    );
    let choice = object(
        "可选其一 / one either-or",
        json!({"name": {"type": "string"}, "result": result, "ways": {"type": "array", "items": strings}}),
    );
    object(
        "事项对照 / which materials of the service item are met, and why not; it explains the verdict",
        json!({
            "service_item": {"type": "string"}, "name": {"type": "string"}, "catalogue_version": number(), "result": result,
            "not_in_force?": object("事项未施行 / the item is not in force", json!({"code": code, "text": texts})),
            "choices?": {"type": "array", "items": choice}, "materials": {"type": "array", "items": material},
            "licences": {"type": "array", "items": one},
        }),
    )
}
