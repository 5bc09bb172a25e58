//! What a fit answers: for the item, its choices, its materials and every licence. The JSON shape is that of the API.

use licence_spec::catalogue::HolderRole;
use licence_spec::verdict::Code;
use serde::{Deserialize, Serialize};

/// Whether something is as wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FitResult {
    /// 满足.
    Met,
    /// 无法确定: a person decides, or the question is asked again with more.
    Undecided,
    /// 无权查看: whether it is met cannot be told to this client, whose scope leaves out types that would meet it.
    NotPermitted,
    /// 不满足.
    NotMet,
}

/// Why a licence does not meet a material, or cannot be said to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The licence, `sha-256:` and hex of its statement digest; absent where the reason is that licences were not looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// A code of spec/verdict.md: `FIELD_MISSING`, `FIELD_CONSTRAINT_FAILED` (a value, the age, the area), `SUBJECT_MISMATCH`,
    /// `SUBJECT_AMBIGUOUS`, `SUBJECT_NOT_GIVEN`, `TYPE_NOT_ACCEPTED`, `AUTHORISATION_MISSING` and
    /// `NOT_ASKED` for licences that were not looked at, or the code of the licence's own verdict.
    pub code: Code,
    /// Name of the field concerned, for `FIELD_MISSING` and `FIELD_CONSTRAINT_FAILED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Words for the clerk.
    pub text: Text,
}

/// Words in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Text {
    /// Chinese.
    #[serde(rename = "zh-CN")]
    pub zh: String,
    /// English.
    pub en: String,
}

/// How one material of the service item comes out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MaterialFit {
    /// Code within the item.
    pub code: String,
    /// Name.
    pub name: String,
    /// Whose licence it must be.
    pub holder_role: HolderRole,
    /// Names of the types that satisfy it.
    pub any_of: Vec<String>,
    /// The answer. `NOT_MET` without reasons: no licence of these types was presented.
    pub result: FitResult,
    /// The first licence that meets it.
    pub licence: Option<String>,
    /// Why the others of its types do not; empty once it is met.
    pub reasons: Vec<Reason>,
}

/// How one licence comes out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LicenceFit {
    /// `sha-256:` and hex of its statement digest.
    pub licence: String,
    /// Name of its type, if the catalogue has it.
    pub type_name: Option<String>,
    /// Whether it meets a material of the item; `UNDECIDED` if of none that is certain. The verdict on it for this item and
    /// these people is ACCEPT only if it does.
    pub result: FitResult,
    /// Codes of the materials for which it was taken; of several that fit, the first presented is.
    pub meets: Vec<String>,
    /// Keys of the fields that a view for this item may show of it; empty if the type is not accepted.
    pub permitted_fields: Vec<u8>,
    /// Set if the item does not accept the type at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
}

/// How one either-or of the service item comes out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChoiceFit {
    /// Its name.
    pub name: String,
    /// The best of its ways.
    pub result: FitResult,
    /// The ways, each as codes of materials that are wanted together.
    pub ways: Vec<Vec<String>>,
}

/// Why no rule of the item can be applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NotInForce {
    /// `POLICY_UNAVAILABLE`.
    pub code: Code,
    /// Words for the clerk.
    pub text: Text,
}

/// The whole answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fit {
    /// Code of the service item.
    pub service_item: String,
    /// Its name.
    pub name: String,
    /// Version of the catalogue that decided.
    pub catalogue_version: u64,
    /// `MET` if every material that is wanted is met; else `UNDECIDED` if none is certainly unmet; else `NOT_MET`.
    /// Of a choice one way is wanted. `UNDECIDED` in any case if the item is not in force on the day of judgement.
    pub result: FitResult,
    /// `POLICY_UNAVAILABLE` with words, if the item is not in force on the day of judgement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_in_force: Option<NotInForce>,
    /// Every either-or, ascending by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<ChoiceFit>,
    /// Every material, ascending by code.
    pub materials: Vec<MaterialFit>,
    /// Every licence, in the order presented.
    pub licences: Vec<LicenceFit>,
}
