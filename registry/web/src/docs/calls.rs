//! Each call: its name, who may make it, what its good answer is, and which problems it gives.

use serde_json::{Map, Value, json};

use super::members;
use super::problems::{self, Given};

/// Who makes a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    /// Anybody; what is answered is signed, or says nothing of anybody.
    Anyone,
    /// A client, by its token.
    Client,
    /// Another node of the trust list, by its signature (RFC 9421).
    Node,
}

/// A call, as far as its handler does not say it.
pub(super) struct Call {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    /// The name of the call in clients that are made from the description.
    name: &'static str,
    who: Who,
    /// What the good answer is.
    answer: &'static str,
    /// The problems, beside those of everybody.
    pub(super) problems: &'static [&'static [&'static str]],
}

/// What stands at every call.
const EVERY: &[&str] = &["unavailable", "crowded"];
/// What reading a body gives.
const BODY: &[&str] = &["malformed", "content-type", "too-large", "slow-body"];
/// What a client's token gives.
const TOKEN: &[&str] = &["unauthorised", "forbidden", "idempotency-key-syntax", "quota"];
/// What an idempotency key gives.
const ONCE: &[&str] = &["idempotency-key-in-use", "idempotency-key-reused"];
/// What a node's signature gives.
const SIGNED: &[&str] = &[
    "content-digest",
    "signature-input",
    "signature-time",
    "signature-key",
    "signature-invalid",
    "signature-replay",
];
/// A signed call that does something.
const SIGNED_POST: &[&str] = &["idempotency-key-missing", "idempotency-key-syntax"];
const NOT_FOUND: &[&str] = &["not-found"];

const fn open(
    path: &'static str,
    name: &'static str,
    answer: &'static str,
    problems: &'static [&'static [&'static str]],
) -> Call {
    Call { method: "get", path, name, who: Who::Anyone, answer, problems }
}

const fn by(
    who: Who,
    (method, path): (&'static str, &'static str),
    name: &'static str,
    answer: &'static str,
    problems: &'static [&'static [&'static str]],
) -> Call {
    Call { method, path, name, who, answer, problems }
}

/// All calls, in the order of the router.
pub(super) const CALLS: &[Call] = &[
    open("/healthz", "healthz", "进程在运行 / the process is alive", &[]),
    open("/readyz", "readyz", "能作出正确判定 / a right verdict can be given", &[]),
    open("/metrics", "metrics", "OpenMetrics 文本 / OpenMetrics text", &[&["not-found"]]),
    open("/v1/trust/root/{version}", "trust_root", "信任根 / the signed root", &[EVERY, NOT_FOUND]),
    open("/v1/trust/list", "trust_list", "信任列表 / the signed trust list", &[EVERY, NOT_FOUND]),
    open("/v1/trust/timestamp", "trust_timestamp", "时间戳 / the signed timestamp", &[EVERY, NOT_FOUND]),
    open(
        "/v1/catalogue",
        "signed_catalogue",
        "签名的目录 / the signed catalogue",
        &[EVERY, NOT_FOUND, &["malformed"]],
    ),
    open("/v1/catalogue/licence-types", "list_licence_types", "全部证照类型 / all licence types", &[EVERY]),
    open(
        "/v1/catalogue/licence-types/{code}",
        "licence_type",
        "证照类型及照面信息项 / the type and its fields",
        &[EVERY, NOT_FOUND],
    ),
    open(
        "/v1/catalogue/licence-types/{code}/schema",
        "licence_request_schema",
        "JSON Schema",
        &[EVERY, NOT_FOUND],
    ),
    open("/v1/catalogue/service-items", "list_service_items", "全部事项 / all service items", &[EVERY]),
    open(
        "/v1/catalogue/service-items/{code}",
        "service_item",
        "事项及材料 / the item and its materials",
        &[EVERY, NOT_FOUND],
    ),
    open(
        "/v1/status-lists/{list}",
        "status_list",
        "状态列表令牌 / the status token",
        &[EVERY, NOT_FOUND, &["malformed"]],
    ),
    open("/v1/bundle", "bundle", "离线证据包 / the offline evidence", &[EVERY, NOT_FOUND]),
    open(
        "/v1/references/{cti}",
        "reference",
        "引用码背后的证照 / the licence behind the reference",
        &[EVERY, NOT_FOUND, &["bytes-lost"]],
    ),
    open("/log/checkpoint", "log_checkpoint", "日志签名头 / the signed head of the log", &[EVERY]),
    by(
        Who::Node,
        ("post", "/v1/witness/add-checkpoint"),
        "witness_checkpoint",
        "一行见证签名 / one cosignature line",
        &[EVERY, BODY, SIGNED, SIGNED_POST],
    ),
    open(
        "/v1/witness/time/{nonce}",
        "witness_time",
        "一行见证签名 / one cosignature line",
        &[EVERY, NOT_FOUND, &["malformed"]],
    ),
    open(
        "/v1/mirrors/{host}/checkpoint",
        "mirrored_checkpoint",
        "镜像日志的签名头 / the head of the mirrored log",
        &[EVERY, NOT_FOUND],
    ),
    by(
        Who::Node,
        ("get", "/v1/index"),
        "index_page",
        "一页索引记录 / one page of index records",
        &[EVERY, SIGNED, &["malformed", "forbidden"]],
    ),
    by(
        Who::Node,
        ("post", "/v1/index/holders"),
        "index_holders",
        "证照所在 / where licences are",
        &[
            EVERY,
            BODY,
            SIGNED,
            SIGNED_POST,
            NOT_FOUND,
            &["fields", "too-many-requests", "unknown-service-item"],
        ],
    ),
    by(
        Who::Node,
        ("post", "/v1/index/licences/{digest}"),
        "index_view",
        "加注件与日志证明 / the view and the log proof",
        &[
            EVERY,
            BODY,
            SIGNED,
            SIGNED_POST,
            NOT_FOUND,
            &["fields", "too-many-requests", "unknown-service-item"],
        ],
    ),
    by(
        Who::Node,
        ("post", "/v1/index/verifications"),
        "index_verify",
        "核验结论 / the verdict of the register, signed",
        &[EVERY, BODY, SIGNED, SIGNED_POST, &["fields", "too-many-requests", "unknown-service-item"]],
    ),
    by(
        Who::Node,
        ("post", "/v1/index/logged"),
        "index_logged",
        "是否在日志中 / whether the log has it",
        &[EVERY, BODY, SIGNED, SIGNED_POST, NOT_FOUND, &["fields", "too-many-requests"]],
    ),
    by(
        Who::Client,
        ("post", "/v1/licences"),
        "issue_licence",
        "已签发并入日志 / issued, on disk and in the log",
        &[EVERY, BODY, TOKEN, ONCE, &["out-of-scope", "conflict", "fields", "unknown-type"]],
    ),
    by(
        Who::Client,
        ("get", "/v1/licences/{id}"),
        "licence",
        "证照 / the licence",
        &[EVERY, TOKEN, NOT_FOUND, &["bytes-lost"]],
    ),
    by(
        Who::Client,
        ("get", "/v1/licences/{id}/status-changes"),
        "status_history",
        "状态变更史 / every change of its status, in the order of the log",
        &[EVERY, TOKEN, NOT_FOUND],
    ),
    by(
        Who::Client,
        ("post", "/v1/licences/{id}/status-changes"),
        "change_status",
        "状态已变更并入日志 / changed and in the log",
        &[EVERY, BODY, TOKEN, ONCE, NOT_FOUND, &["fields", "transition", "conflict"]],
    ),
    by(
        Who::Client,
        ("post", "/v1/licences/{id}/versions"),
        "issue_version",
        "新版本已签发 / the new version is issued",
        &[
            EVERY,
            BODY,
            TOKEN,
            ONCE,
            NOT_FOUND,
            &["out-of-scope", "predecessor", "conflict", "fields", "unknown-type"],
        ],
    ),
    by(
        Who::Client,
        ("post", "/v1/verifications"),
        "verify",
        "判定；无效证照也是 200 / the verdict; a refused licence is 200, too",
        &[EVERY, BODY, TOKEN, ONCE, NOT_FOUND, &["fields", "bytes-lost", "unknown-service-item"]],
    ),
    by(
        Who::Client,
        ("post", "/v1/verifications/batch"),
        "verify_batch",
        "每行一个判定或问题 / a verdict or a problem a line",
        &[EVERY, TOKEN, &["content-type"]],
    ),
    by(
        Who::Client,
        ("post", "/v1/service-items/{code}/checks"),
        "check_service_item",
        "各项材料是否满足 / which materials are met",
        &[EVERY, BODY, TOKEN, ONCE, NOT_FOUND, &["fields", "unknown-service-item"]],
    ),
    by(
        Who::Client,
        ("get", "/v1/receipts/{id}"),
        "receipt",
        "回执 / the receipt",
        &[EVERY, TOKEN, NOT_FOUND],
    ),
    by(
        Who::Client,
        ("post", "/v1/receipts/check"),
        "check_receipt",
        "回执是否真实 / whether the receipt is genuine",
        &[EVERY, BODY, TOKEN],
    ),
];

/// One real request and answer of each call.
const EXAMPLES: &str = include_str!("examples.json");

/// The groups of calls, for people.
pub(super) fn tags() -> Value {
    let tags = [
        ("operator", "运行状况 / how the node is"),
        ("trust", "信任文件 / trust files"),
        ("catalogue", "目录 / catalogue"),
        ("status", "状态列表 / status lists"),
        ("log", "日志 / transparency log"),
        ("licences", "签发与生命周期 / issue and lifecycle"),
        ("verification", "核验 / verification"),
        ("receipts", "核验回执 / receipts"),
        ("nodes", "节点之间 / between nodes"),
    ];
    tags.iter().map(|(name, description)| json!({"name": name, "description": description})).collect()
}

/// Adds to every call what its row says.
pub(super) fn complete(document: &mut Value) {
    let kinds = problems::all();
    // Cannot fail: a test reads the file, too.
    let examples: Value = serde_json::from_str(EXAMPLES).unwrap_or_default();
    for call in CALLS {
        let Some(operation) =
            document.pointer_mut(&format!("/paths/{}/{}", call.path.replace('/', "~1"), call.method))
        else {
            continue;
        };
        call.describe(operation, &kinds);
        call.show(operation, &examples[call.name]);
    }
    schemes(document);
}

fn schemes(document: &mut Value) {
    let node = "RFC 9421 签名，见 spec/http-signature.md / signed by a node as spec/http-signature.md says";
    let schemes = json!({
        "token": {"type": "http", "scheme": "bearer", "description": "client add 给出的令牌 / the token that client add gave"},
        "node": {"type": "apiKey", "in": "header", "name": "Signature", "description": node},
    });
    if let Some(components) = members(document, "components") {
        components.insert("securitySchemes".to_owned(), schemes);
    }
}

impl Call {
    fn describe(&self, operation: &mut Value, kinds: &[Given]) {
        operation["operationId"] = json!(self.name);
        match self.who {
            Who::Anyone => operation["security"] = json!([]),
            Who::Client => operation["security"] = json!([{"token": []}]),
            Who::Node => operation["security"] = json!([{"node": []}]),
        }
        self.add_parameters(operation);
        let Some(responses) = members(operation, "responses") else { return };
        // Of the problems the rows alone tell.
        let is_problem = |answer: &Value| answer.pointer("/content/application~1problem+json").is_some();
        responses.retain(|status, answer| status != "default" && !is_problem(answer));
        for answer in responses.values_mut() {
            if answer["description"].as_str().unwrap_or_default().is_empty() {
                answer["description"] = json!(self.answer);
            }
        }
        for slug in self.problems.iter().copied().flatten() {
            let Some(kind) = kinds.iter().find(|kind| kind.slug() == *slug) else { continue };
            add_problem(responses, kind);
        }
    }

    fn add_parameters(&self, operation: &mut Value) {
        let key = |required: bool| {
            json!({"name": "Idempotency-Key", "in": "header", "required": required,
                "description": "幂等键：同键同请求只做一次 / the same request under the same key is done once",
                "schema": {"type": "string", "pattern": "^\"?[A-Za-z0-9._:-]{1,64}\"?$"}})
        };
        let header = |name: &str, description: &str| json!({"name": name, "in": "header", "required": true, "description": description, "schema": {"type": "string", "maxLength": 2048}});
        let mut added = Vec::new();
        if self.method == "post" && self.who == Who::Client {
            added.push(key(false));
        }
        if self.who == Who::Node {
            added.push(header("Signature-Input", "RFC 9421"));
            if self.method == "post" {
                added.push(header("Content-Digest", "RFC 9530, sha-256"));
                added.push(key(true));
            }
        }
        if let (false, Some(operation)) = (added.is_empty(), operation.as_object_mut()) {
            let held = operation.entry("parameters").or_insert_with(|| json!([]));
            if let Some(held) = held.as_array_mut() {
                held.extend(added);
            }
        }
    }

    /// Puts in a real request and answer.
    fn show(&self, operation: &mut Value, example: &Value) {
        let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap_or_default();
            if let Some(value) = example["parameters"].get(name) {
                parameter["example"] = value.clone();
            }
        }
        show_content(operation.pointer_mut("/requestBody/content"), &example["request"]);
        let answers = operation.get_mut("responses").and_then(Value::as_object_mut);
        for (status, answer) in answers.into_iter().flatten() {
            if status.starts_with('2') {
                show_content(answer.get_mut("content"), &example["answer"]);
            }
        }
    }
}

fn show_content(content: Option<&mut Value>, example: &Value) {
    let contents = content.and_then(Value::as_object_mut).filter(|_| !example.is_null());
    for kind in contents.into_iter().flat_map(Map::values_mut) {
        kind["example"] = example.clone();
    }
}

/// Several problems may have one status: each is an example of it.
fn add_problem(responses: &mut Map<String, Value>, kind: &Given) {
    let status = kind.status().to_string();
    let answer = responses.entry(status).or_insert_with(|| json!({"description": "", "content": {}}));
    let title = kind.example()["value"]["title"].as_str().unwrap_or_default().to_owned();
    let text = answer["description"].as_str().unwrap_or_default();
    if !text.contains(&title) {
        answer["description"] = json!(if text.is_empty() { title } else { format!("{text}; {title}") });
    }
    let content = &mut answer["content"]["application/problem+json"];
    content["schema"] = json!({"$ref": "#/components/schemas/Problem"});
    content["examples"][kind.slug()] = kind.example();
}
