//! The problems of the API, each as the node itself gives it; what a client does about it stands in `problem::kind`.

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

/// A kind of problem, as the node itself gives it.
pub(super) struct Given(Problem);

impl Given {
    /// The kind in one word.
    pub(super) const fn slug(&self) -> &'static str {
        self.0.kind().slug
    }

    /// The HTTP status.
    pub(super) const fn status(&self) -> u16 {
        self.0.kind().status
    }

    /// As an example of an answer.
    pub(super) fn example(&self) -> Value {
        json!({"summary": self.0.kind().then, "value": self.0.to_value()})
    }
}

/// One of each kind that a call may name, made by the code that gives it.
pub(super) fn all() -> Vec<Given> {
    let signature = |fault| Problem::signature(&fault);
    [
        Problem::malformed("请求体无法解析 / malformed body"),
        Problem::media_type("application/json"),
        Problem::too_large(),
        Problem::slow_body(),
        Problem::quota(60),
        Problem::crowded(),
        Problem::unauthorised(),
        Problem::forbidden(),
        Problem::not_found(),
        CheckError::UnknownItem.into(),
        AskedError::TooMuch(TooMuch).into(),
        VerifyError::BytesLost.into(),
        IssueError::OutOfScope(Code::ScopeType).into(),
        IssueError::UnknownType("X".to_owned()).into(),
        ChangeError::UnknownAct.into(),
        ChangeError::Transition.into(),
        IssueError::Predecessor.into(),
        WriteError::Moved.into(),
        Problem::unavailable("暂不可用 / unavailable"),
        signature(HttpSignatureFault::ContentDigest),
        signature(HttpSignatureFault::SignatureInput),
        signature(HttpSignatureFault::SignatureTime),
        signature(HttpSignatureFault::SignatureKey),
        signature(HttpSignatureFault::SignatureInvalid),
        signature(HttpSignatureFault::SignatureReplay),
        signature(HttpSignatureFault::IdempotencyKeyMissing),
        signature(HttpSignatureFault::IdempotencyKeySyntax),
        signature(HttpSignatureFault::IdempotencyKeyInUse),
        signature(HttpSignatureFault::IdempotencyKeyReused),
    ]
    .map(Given)
    .into()
}
