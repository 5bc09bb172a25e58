//! The rows of the audit about a case that was looked at.

use licence_spec::audit::AuditAct;

use super::{CheckError, ItemRequest, Looked};
use crate::access::audit;
use crate::access::authorisation::Purpose;
use crate::access::caller::Caller;
use crate::exchange::index_record::parse_digest;
use crate::node::Node;
use crate::node::commit::Effect;

/// What is written down: who asked, for which case, on what ground, and which licences were looked at, a row each. Never whose.
pub(super) fn record(
    node: &Node,
    caller: &Caller,
    request: &ItemRequest,
    purpose: &Purpose,
    licences: &[Looked],
) -> Result<(String, Vec<Effect>), CheckError> {
    let mut reference = [0; 16];
    node.rng.fill(&mut reference)?;
    let draft = audit::for_purpose(audit::draft(node, caller, AuditAct::Checked), purpose);
    let draft = draft.operator(&request.operator).reference(reference);
    let row = |one: &Looked| {
        let row = draft.clone().result(one.code.unwrap_or(one.outcome));
        Effect::Audit(parse_digest(&one.licence).map_or(row.clone(), |digest| row.licence(digest)))
    };
    let mut rows: Vec<Effect> = licences.iter().map(row).collect();
    if rows.is_empty() {
        rows.push(Effect::Audit(draft.clone().result("nothing")));
    }
    Ok((hex::encode(reference), rows))
}
