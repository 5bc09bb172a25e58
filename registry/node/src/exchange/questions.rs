//! What nodes ask each other while somebody waits, and what they answer: shapes, limits, and why a question is not answered.
//!
//! Out of scope: asking (`ask_others`, `ask_register`, `look_up`) and answering (`answer_others`).

use licence_spec::credential::WriteError;
use licence_store::StoreError;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::authorisation::PurposeRequest;
use crate::node::ceilings::TooMuch;
use crate::node::compared::ClockAhead;
use crate::node::log::LogError;
use crate::node::rng::RngError;

/// Most holders of one question: the people of one case.
pub const MAX_HOLDERS: usize = 8;
/// Most types of one question: a service item accepts far fewer.
pub const MAX_TYPES: usize = 256;

/// The applicant, as the API takes it.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubjectRequest {
    /// Kind of the code.
    #[serde(default)]
    pub code_type: Option<String>,
    /// The code.
    pub code: String,
    /// The name.
    #[serde(default)]
    pub name: Option<String>,
}

/// A holder's code.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HolderCode {
    /// 证件类型代码 / kind of the code, such as 001 or 111.
    pub code_type: String,
    /// The code.
    pub code: String,
}

/// Where are licences of these holders?
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HolderQuestion {
    /// 持证主体 / at most 8 holders.
    pub holders: Vec<HolderCode>,
    /// 证照类型 / only licences of these types, `urn:elic:<space>:<code>`; at most 256.
    pub types: Vec<String>,
    /// What for.
    pub purpose: PurposeRequest,
}

/// Where a licence is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Found {
    /// Name of the log that has it: `<host>/log` of the node that issued it.
    pub origin: String,
    /// Statement digest, `sha-256:` and hex.
    pub digest: String,
    /// Its type.
    #[serde(rename = "type")]
    pub vct: String,
}

/// Where licences are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FoundLicences {
    /// Licences that are valid as far as the province knows; at most 64.
    pub licences: Vec<Found>,
    /// Whether these are all.
    pub complete: bool,
}

/// For whom and for what a licence is wanted.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ViewQuestion {
    /// 持证主体 / the people of the case, at most 8: the licence must be of one of them.
    pub holders: Vec<HolderCode>,
    /// What for.
    pub purpose: PurposeRequest,
}

/// A licence that is shown.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HandedOut {
    /// 加注件 / a view for the node that asks, with the fields that the service item permits, base64url.
    pub view: String,
    /// 日志证明 / the proof that the licence is in the log of the node that issued it.
    pub log_proof: String,
}

/// Why a question of another node is not answered.
#[derive(Debug, thiserror::Error)]
pub enum AskedError {
    /// Nothing is signed by a clock that is ahead.
    #[error(transparent)]
    ClockAhead(#[from] ClockAhead),
    /// Nobody has this.
    #[error("没有此证照 / there is no such licence")]
    Unknown,
    /// The catalogue has no such service item, or it accepts none of these types.
    #[error(
        "purpose.service_item：目录中没有该事项，或该事项不接受所列类型 / the catalogue has no such service item, or it does not accept these types"
    )]
    Item,
    /// The node has asked too much.
    #[error(transparent)]
    TooMuch(#[from] TooMuch),
    /// No view was made.
    #[error("无法生成加注件 / the view could not be made: {0}")]
    View(WriteError),
    /// A part of the question is missing, too long, too much or unreadable.
    #[error("{0} 缺失、过长或无法读取 / {0} is missing, too long or unreadable")]
    Field(&'static str),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A key is missing, or the catalogue.
    #[error("节点未就绪 / the node is not ready: {0}")]
    NotReady(&'static str),
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// No randomness.
    #[error(transparent)]
    Rng(#[from] RngError),
}
