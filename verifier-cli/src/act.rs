//! Which act of law ended or suspended a licence? A status list tells the value alone; the change record, which names act,
//! document and date, is kept by the issuer (spec/log.md §1) and is not in an offline bundle.
//!
//! In scope: saying which acts it can have been, who knows, and what to ask for. Out of scope: asking.

use licence_spec::credential::{FieldMap, Value};
use licence_spec::evidence::Evidence;
use licence_spec::verdict::{Code, Verdict};

use crate::answer::authority;
use crate::words::{age, plain};

/// What a clerk is told about the act behind a status.
pub(crate) struct Act {
    /// For the first line: the acts that it can have been, and who knows.
    pub(crate) which: String,
    /// A line that says how to ask.
    pub(crate) ask: String,
}

/// The act behind the primary code, as far as the evidence tells; `None` if the code is not that of a status.
pub(crate) fn known_to_issuer(verdict: &Verdict, evidence: &Evidence, zh: bool) -> Option<Act> {
    let acts = acts(verdict.code()?, zh)?;
    let (uri, time, _) = verdict.basis().status_list.as_ref()?;
    // The list of a licence, and of a view of it, is signed by the authority that issued the licence.
    let signer = evidence.token(uri)?.signer()?;
    let list = evidence.trust_list()?;
    let (entry, _) = list.keys().find(|(_, key)| key.key == *signer)?;
    let (name, hosts) = (authority(&entry.id, evidence), plain(&entry.hosts.join(", ")));
    let number = number(verdict);
    let old = age(verdict.basis().now.since(*time), zh);
    Some(if zh {
        let number = number.map_or_else(|| "本证照".to_owned(), |number| format!("证照编号 {number}"));
        Act {
            which: format!("{acts}由签发机构掌握：{name}"),
            ask: format!(
                "查询: 请向该机构（{hosts}）就{number}查询状态变更记录；状态列表 {time}（{old}）已如此记载\n"
            ),
        }
    } else {
        let number =
            number.map_or_else(|| "this licence".to_owned(), |number| format!("licence number {number}"));
        Act {
            which: format!("{acts} known to the issuer: {name}"),
            ask: format!(
                "to ask: request the change record of {number} from this authority ({hosts}); the status list of {time} ({old}) says so already\n"
            ),
        }
    })
}

/// The acts that lead to a status (spec/log.md §1), and what of them only the issuer can tell.
const fn acts(code: Code, zh: bool) -> Option<&'static str> {
    Some(match (code, zh) {
        (Code::Revoked, true) => "注销、撤销、吊销、转出或作废，何种行为及其文号、日期",
        (Code::Revoked, false) => {
            "cancelled, revoked, forfeited, transferred or voided; act, document and date are"
        }
        (Code::Suspended, true) => "暂扣，决定文号、起止日期",
        (Code::Suspended, false) => "suspended; the document, beginning and end are",
        (Code::Superseded, true) => "换发、变更、延续或补证，新证照及其日期",
        (Code::Superseded, false) => "superseded or replaced; the newer licence and its date are",
        _ => return None,
    })
}

/// The number on the face of the licence, if the verdict shows it.
fn number(verdict: &Verdict) -> Option<String> {
    let fields = FieldMap::parse(&verdict.licence()?.fields).ok()?;
    match fields.get(2) {
        Some(Value::Text(number)) => Some(plain(number)),
        _ => None,
    }
}
