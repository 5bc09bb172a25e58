//! The problems of the API: each as the node itself gives it, and what a client does about it.

use licence_spec::http_signature::HttpSignatureFault;
use licence_spec::verdict::Code;
use serde_json::{Value, json};

use crate::problem::Problem;
use licence_node::exchange::questions::AskedError;
use licence_node::node::ceilings::TooMuch;
use licence_node::node::commit::WriteError;
use licence_node::trips::change_status::ChangeError;
use licence_node::trips::check_service_item::CheckError;
use licence_node::trips::issue::IssueError;
use licence_node::trips::verify::VerifyError;

/// A kind of problem.
pub(super) struct Kind {
    problem: Problem,
    /// What a client does about it.
    then: &'static str,
}

impl Kind {
    /// The kind in one word.
    pub(super) const fn slug(&self) -> &'static str {
        self.problem.slug()
    }

    /// The HTTP status.
    pub(super) fn status(&self) -> u16 {
        self.problem.status().as_u16()
    }

    /// As an example of an answer.
    pub(super) fn example(&self) -> Value {
        json!({"summary": self.then, "value": self.problem.to_value()})
    }
}

/// Every kind, made by the code that gives it.
pub(super) fn all() -> Vec<Kind> {
    const AGAIN: &str = "稍后重试 / try again after Retry-After";
    const MEND: &str = "改正请求 / mend the request";
    const ASK: &str = "请节点管理员处理 / ask the node's operator";
    const NEW_KEY: &str = "换一个 Idempotency-Key / use another Idempotency-Key";
    let signature = |fault| Problem::signature(&fault);
    [
        (Problem::malformed("请求体无法解析 / malformed body"), MEND),
        (Problem::media_type("application/json"), MEND),
        (Problem::too_large(), MEND),
        (Problem::slow_body(), AGAIN),
        (Problem::quota(60), AGAIN),
        (Problem::crowded(), AGAIN),
        (Problem::unauthorised(), "换有效的令牌 / use a valid token"),
        (Problem::forbidden(), ASK),
        (Problem::not_found(), MEND),
        (CheckError::UnknownItem.into(), MEND),
        (AskedError::TooMuch(TooMuch).into(), "明日再试 / try again tomorrow"),
        (VerifyError::BytesLost.into(), "由持证人出示证照本身 / let the holder present the licence itself"),
        (IssueError::OutOfScope(Code::ScopeType).into(), ASK),
        (IssueError::UnknownType("X".to_owned()).into(), MEND),
        (ChangeError::UnknownAct.into(), MEND),
        (ChangeError::Transition.into(), "先查现状态 / look at the present status first"),
        (IssueError::Predecessor.into(), "先查现版本 / look at the newest version first"),
        (WriteError::Moved.into(), "先查现状态后重试 / look at the present state, then try again"),
        (Problem::unavailable("暂不可用 / unavailable"), AGAIN),
        (signature(HttpSignatureFault::ContentDigest), MEND),
        (signature(HttpSignatureFault::SignatureInput), MEND),
        (signature(HttpSignatureFault::SignatureTime), "校正时钟 / set the clock"),
        (signature(HttpSignatureFault::SignatureKey), ASK),
        (signature(HttpSignatureFault::SignatureInvalid), MEND),
        (signature(HttpSignatureFault::SignatureReplay), "重新签名 / sign anew"),
        (Problem::signature(&HttpSignatureFault::IdempotencyKeyMissing), MEND),
        (Problem::signature(&HttpSignatureFault::IdempotencyKeySyntax), MEND),
        (Problem::signature(&HttpSignatureFault::IdempotencyKeyInUse), AGAIN),
        (Problem::signature(&HttpSignatureFault::IdempotencyKeyReused), NEW_KEY),
    ]
    .into_iter()
    .map(|(problem, then)| Kind { problem, then })
    .collect()
}
