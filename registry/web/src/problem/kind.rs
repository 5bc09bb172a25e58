//! The kinds of problems: slug, status, title, and what a client does about it. The page of it is `registry/PROBLEMS.md`, printed by
//! `licence-registry problems`.
//!
//! In scope: one row a kind; nothing else names a slug or a status. Out of scope: which error is which kind (`problem`), and slugs and
//! statuses of signed requests, which are the standard's (spec/http-signature.md): a test compares them.

/// One kind. A slug is a contract; two kinds share one only if they differ in status.
#[derive(Debug)]
pub(crate) struct Kind {
    /// The kind in one word: `urn:elic:problem:<slug>`.
    pub(crate) slug: &'static str,
    /// The HTTP status.
    pub(crate) status: u16,
    /// The title, the same for every problem of the kind (RFC 9457 §3.1.3).
    pub(crate) title: &'static str,
    /// What a client does about it.
    pub(crate) then: &'static str,
}

const AGAIN: &str = "稍后重试 / try again after Retry-After";
const MEND: &str = "改正请求 / mend the request";
const ASK: &str = "请节点管理员处理 / ask the node's operator";
const NEW_KEY: &str = "换一个 Idempotency-Key / use another Idempotency-Key";
const KEY: &str = "幂等键 / idempotency key";

const fn kind(status: u16, slug: &'static str, title: &'static str, then: &'static str) -> Kind {
    Kind { slug, status, title, then }
}

pub(super) static MALFORMED: Kind = kind(400, "malformed", "请求不合规定 / wrong request", MEND);
pub(super) static UNAUTHORISED: Kind =
    kind(401, "unauthorised", "未授权 / unauthorised", "换有效的令牌 / use a valid token");
pub(super) static FORBIDDEN: Kind = kind(403, "forbidden", "禁止 / forbidden", ASK);
pub(super) static OUT_OF_SCOPE: Kind = kind(403, "out-of-scope", "超出授权 / out of scope", ASK);
pub(super) static NOT_FOUND: Kind = kind(404, "not-found", "未找到 / not found", MEND);
pub(super) static UNKNOWN_ITEM: Kind =
    kind(404, "unknown-service-item", "没有该事项 / no such service item", MEND);
pub(super) static METHOD: Kind = kind(405, "method-not-allowed", "方法不允许 / method not allowed", MEND);
pub(super) static SLOW_BODY: Kind = kind(408, "slow-body", "请求体过慢 / body too slow", AGAIN);
pub(super) static CONFLICT: Kind =
    kind(409, "conflict", "冲突 / conflict", "先查现状态后重试 / look at the present state, then try again");
pub(super) static PREDECESSOR: Kind =
    kind(409, "predecessor", "冲突 / conflict", "先查现版本 / look at the newest version first");
pub(super) static TRANSITION: Kind =
    kind(409, "transition", "冲突 / conflict", "先查现状态 / look at the present status first");
pub(super) static BYTES_LOST: Kind = kind(
    410,
    "bytes-lost",
    "原文已丢失 / bytes lost",
    "由持证人出示证照本身 / let the holder present the licence itself",
);
pub(super) static TOO_LARGE: Kind = kind(413, "too-large", "请求体过大 / body too large", MEND);
pub(super) static MEDIA_TYPE: Kind = kind(415, "content-type", "媒体类型不符 / wrong media type", MEND);
pub(super) static FIELDS: Kind = kind(422, "fields", "请求不成立 / the request cannot be met", MEND);
pub(super) static UNKNOWN_TYPE: Kind =
    kind(422, "unknown-type", "请求不成立 / the request cannot be met", MEND);
pub(super) static RECEIPT: Kind = kind(422, "receipt", "请求不成立 / the request cannot be met", MEND);
pub(super) static QUOTA: Kind = kind(429, "quota", "超出限额 / over quota", AGAIN);
pub(super) static CROWDED: Kind = kind(429, "crowded", "并发请求过多 / too many requests at once", AGAIN);
pub(super) static TOO_MANY_QUESTIONS: Kind =
    kind(429, "too-many-requests", "查询过多 / too many questions", "明日再试 / try again tomorrow");
pub(super) static INTERNAL: Kind = kind(500, "internal", "内部错误 / internal error", ASK);
pub(super) static UNAVAILABLE: Kind = kind(503, "unavailable", "暂不可用 / unavailable", AGAIN);
static CONTENT_DIGEST: Kind = kind(400, "content-digest", "内容摘要 / content digest", MEND);
static CONTENT_TYPE: Kind = kind(400, "content-type", "媒体类型 / content type", MEND);
static KEY_MISSING: Kind = kind(400, "idempotency-key-missing", KEY, MEND);
static KEY_SYNTAX: Kind = kind(400, "idempotency-key-syntax", KEY, MEND);
static SIGNATURE_INPUT: Kind =
    kind(401, "signature-input", "签名缺失或不合规定 / signature missing or not that of the profile", MEND);
static SIGNATURE_TIME: Kind =
    kind(401, "signature-time", "签名时间 / time of the signature", "校正时钟 / set the clock");
static SIGNATURE_KEY: Kind = kind(401, "signature-key", "签名密钥 / key of the signature", ASK);
static SIGNATURE_INVALID: Kind = kind(401, "signature-invalid", "签名不成立 / signature does not hold", MEND);
static SIGNATURE_REPLAY: Kind =
    kind(401, "signature-replay", "重放的请求 / replayed request", "重新签名 / sign anew");
static KEY_IN_USE: Kind = kind(409, "idempotency-key-in-use", KEY, AGAIN);
static KEY_REUSED: Kind = kind(422, "idempotency-key-reused", KEY, NEW_KEY);

/// Every kind, by status.
pub(crate) static ALL: [&Kind; 33] = [
    &MALFORMED,
    &CONTENT_DIGEST,
    &CONTENT_TYPE,
    &KEY_MISSING,
    &KEY_SYNTAX,
    &UNAUTHORISED,
    &SIGNATURE_INPUT,
    &SIGNATURE_TIME,
    &SIGNATURE_KEY,
    &SIGNATURE_INVALID,
    &SIGNATURE_REPLAY,
    &FORBIDDEN,
    &OUT_OF_SCOPE,
    &NOT_FOUND,
    &UNKNOWN_ITEM,
    &METHOD,
    &SLOW_BODY,
    &CONFLICT,
    &PREDECESSOR,
    &TRANSITION,
    &KEY_IN_USE,
    &BYTES_LOST,
    &TOO_LARGE,
    &MEDIA_TYPE,
    &FIELDS,
    &UNKNOWN_TYPE,
    &RECEIPT,
    &KEY_REUSED,
    &QUOTA,
    &CROWDED,
    &TOO_MANY_QUESTIONS,
    &INTERNAL,
    &UNAVAILABLE,
];

/// The kind of a fault of a signed request; one of which this table has no row, which a test rules out, is a wrong request.
pub(super) fn of_fault(slug: &str, status: u16) -> &'static Kind {
    ALL.into_iter().find(|kind| kind.slug == slug && kind.status == status).unwrap_or(&MALFORMED)
}

/// The page `registry/PROBLEMS.md`.
#[must_use]
pub fn page() -> String {
    let mut page = String::from(
        "# 问题文档 / problem documents\n\n\
         由 `licence-registry problems` 生成。错误应答是 RFC 9457 问题文档，`type` 为 `urn:elic:problem:` 加代码，`detail` 说明本次请求\
         错在何处；同一代码的含义不变。\n\n\
         Made by `licence-registry problems`. Errors are problem documents of RFC 9457; `type` is `urn:elic:problem:` and the code, `detail` \
         says what is wrong with this request. What a code means never changes. With 429 and 503 `Retry-After` says when to come again.\n\n\
         | HTTP | 代码 code | 标题 title | 客户端如何处理 what a client does |\n|---|---|---|---|\n",
    );
    for kind in ALL {
        page.push_str(&format!("| {} | `{}` | {} | {} |\n", kind.status, kind.slug, kind.title, kind.then));
    }
    page
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use licence_spec::http_signature::HttpSignatureFault;

    use super::*;

    #[test]
    fn every_kind_is_told_once_and_every_fault_of_a_signed_request_has_its_row() {
        let told: BTreeSet<(u16, &str)> = ALL.iter().map(|kind| (kind.status, kind.slug)).collect();
        assert_eq!(told.len(), ALL.len());
        assert!(ALL.is_sorted_by_key(|kind| kind.status));
        for fault in HttpSignatureFault::ALL {
            assert!(told.contains(&(fault.status(), fault.slug())), "{}", fault.slug());
        }
    }
}
