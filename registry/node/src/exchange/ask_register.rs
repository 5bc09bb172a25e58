//! Ask the register that must know a licence: the node of the authority that issued it. The issuer stands in the 电子证照标识.
//!
//! Order: issuer read from the id → its host taken from the trust list → asked once, within the patience of a counter → the signed answer
//! opened.
//! The answer is a receipt (spec/receipt.md) for the node that asks, with its random question in place of a case: signed, fresh, without
//! any content of the licence. Only that register may say that there is no such licence.
//! Out of scope: connections (`neighbours`), the other side (`answer_others`).

use licence_spec::evidence::Evidence;
use licence_spec::identifiers::LICENCE_ID_ROOT;
use licence_spec::numbers::CLOCK_SKEW_S;
use licence_spec::receipt::{self, Archive};
use licence_spec::trust::TrustList;
use licence_spec::verdict::Verdict;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::exchange::error::ExchangeError;
use crate::exchange::questions::SubjectRequest;
use crate::node::Node;
use crate::node::encoding::from_base64url;

/// Longest 电子证照标识, characters (spec/identifiers.md).
pub(crate) const MAX_ID: usize = 128;
/// Longest question, characters: 16 random bytes in hex.
pub(crate) const MAX_QUESTION: usize = 32;
/// Stands where a receipt names a service item and none was asked about.
pub(crate) const NO_ITEM: &str = "-";

/// How does a licence of yours stand?
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterQuestion {
    /// 电子证照标识.
    pub id: String,
    /// Name of the policy preset.
    pub policy: String,
    /// 事项编码 / code of the service item; null if none is asked about.
    pub service_item: Option<String>,
    /// The applicant; null if the holder is not asked about.
    #[schema(value_type = Option<SubjectRequest>)]
    pub subject: Option<SubjectRequest>,
    /// Random text that the answer repeats, at most 32 characters.
    pub question: String,
}

/// What the register says.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterAnswer {
    /// A receipt over its verdict, base64url; null if the register has no such licence.
    pub receipt: Option<String>,
}

/// Asks the node on a host; or says why there is no answer, naming the host.
pub type AskRegister<'a> = &'a dyn Fn(&str, &RegisterQuestion) -> Result<RegisterAnswer, ExchangeError>;

/// The issuer in an id.
#[must_use]
pub fn issuer_of(id: &str) -> Option<&str> {
    let rest = id.strip_prefix(LICENCE_ID_ROOT)?.strip_prefix('.')?;
    let parts: Vec<&str> = rest.split('.').collect();
    match parts.as_slice() {
        [_, issuer, _, _, _] if id.chars().count() <= MAX_ID => Some(issuer),
        _ => None,
    }
}

/// The type in an id.
#[must_use]
pub fn type_of(id: &str) -> &str {
    id.strip_prefix(LICENCE_ID_ROOT).and_then(|rest| rest.split('.').nth(1)).unwrap_or_default()
}

/// Who must know a licence with this id.
pub enum Register<'a> {
    /// This node, or nobody: no authority of the list has issued under such an id.
    Own,
    /// The node on this host.
    Host(&'a str),
    /// Without a trust list nobody can tell.
    Unknown,
}

/// Which register must know this id, as far as the trust list says.
#[must_use]
pub fn register_of<'a>(node: &Node, evidence: &'a Evidence, id: &str) -> Register<'a> {
    let Some(issuer) = issuer_of(id) else { return Register::Own };
    if node.authority(issuer).is_some() {
        return Register::Own;
    }
    let fresh = evidence.trust_files().is_some_and(|files| files.is_fresh(node.clock.now(), 0));
    match evidence.trust_list().and_then(|list| list.entry(issuer)) {
        Some(entry) => match entry.hosts.first() {
            Some(host) if *host == node.host => Register::Own,
            Some(host) => Register::Host(host),
            None => Register::Unknown,
        },
        None if fresh => Register::Own,
        None => Register::Unknown,
    }
}

/// What the register on a host has found; `None` if it has no such licence.
///
/// # Errors
/// Why there is no answer, in words that name the host.
pub fn ask(
    node: &Node,
    list: &TrustList,
    host: &str,
    question: &RegisterQuestion,
    ask: AskRegister<'_>,
) -> Result<Option<Verdict>, ExchangeError> {
    let told = |what: &str| ExchangeError::NotOurs(format!("{host}: {what}"));
    let Some(text) = ask(host, question)?.receipt else { return Ok(None) };
    let bytes = from_base64url(&text).ok_or_else(|| told("应答无法读取 / unreadable answer"))?;
    let receipt = receipt::check(&bytes, list, &Archive::default())
        .map_err(|code| told(&format!("应答的签名不成立 / the answer is not properly signed ({code})")))?;
    let now = node.clock.now();
    let speaks_for_host = list.entry(receipt.issuer()).is_some_and(|entry| entry.has_host(host));
    let is_fresh = receipt.issued_at().since(now).abs() <= CLOCK_SKEW_S;
    let item = question.service_item.as_deref().unwrap_or(NO_ITEM);
    let is_ours = receipt.audience() == node.authority
        && receipt.case_number() == question.question
        && receipt.service_item() == item
        && receipt.policy().0 == question.policy;
    match speaks_for_host && is_fresh && is_ours {
        true => Ok(Some(receipt.verdict())),
        false => Err(told("应答不是对所问的答复 / the answer is not one to what was asked")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_issuer_stands_in_the_fourth_part_from_the_end() {
        let id = "1.2.156.3005.2.11100000MB0143028R001.11440100X00000027D.2026000001.001.7";
        assert_eq!((issuer_of(id), type_of(id)), (Some("11440100X00000027D"), "11100000MB0143028R001"));
        for other in
            ["", "1.2.156.3005.2.none", "1.2.3", "1.2.156.3005.2.a.b.c.d", "1.2.156.3005.2.a.b.c.d.e.f"]
        {
            assert_eq!(issuer_of(other), None, "{other}");
        }
    }
}
