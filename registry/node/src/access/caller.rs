//! Who asks, and may they: the one question before every errand.
//!
//! In scope: clients with their scopes, nodes of the trust list, the operator. Out of scope: how a caller is told apart (`licence_web`, the
//! operator's socket), on what ground licences are used (`authorisation`), how much may be asked (`node::ceilings`, quotas of the edge).

use std::sync::Arc;

use licence_spec::catalogue::ServiceItem;
use licence_spec::credential::type_code;
use licence_store::{ClientRow, LicenceRow};

/// Stands in a scope for all names.
const ALL: &str = "*";

/// Who asks.
#[derive(Clone, Debug)]
pub enum Caller {
    /// An approval system or another program with a token.
    Client(Arc<ClientRow>),
    /// Another node, which signed the request.
    Node(Arc<ListedNode>),
    /// Whoever may open the data directory.
    Operator,
}

/// A node of the trust list.
#[derive(Clone, Debug)]
pub struct ListedNode {
    /// Code of the authority in whose trust-list entry its key stands.
    pub authority: String,
    /// Names of the logs of that entry.
    pub logs: Vec<String>,
}

impl ListedNode {
    /// Whether a node may see a view of a licence of this type for this service item: whether the item accepts it.
    #[must_use]
    pub fn may_see(vct: &str, item: &ServiceItem) -> bool {
        item.accepted(vct).is_some()
    }
}

/// What somebody asks to have done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// Issue licences and new versions.
    Issue,
    /// Read licences and their history.
    Read,
    /// Change the status of licences.
    ChangeStatus,
    /// Verify what is presented, or licences by number.
    Verify,
    /// Check the case of a service item.
    Check,
    /// Fetch and check receipts.
    Receipts,
    /// See a view of a licence for a service item; between nodes alone.
    SeeView,
}

impl Errand {
    /// Those that a token may be good for.
    pub const OF_CLIENTS: [Errand; 6] =
        [Errand::Issue, Errand::Read, Errand::ChangeStatus, Errand::Verify, Errand::Check, Errand::Receipts];

    /// Its name in the scope of a client.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Errand::Issue => "issue",
            Errand::Read => "read",
            Errand::ChangeStatus => "change_status",
            Errand::Verify => "verify",
            Errand::Check => "check",
            Errand::Receipts => "receipts",
            Errand::SeeView => "see_view",
        }
    }
}

/// What an errand is about, as far as it is known when it is asked for; what is absent is not asked.
#[derive(Clone, Copy, Default)]
pub struct About<'a> {
    /// Code of the authority that issues or issued.
    pub authority: Option<&'a str>,
    /// The licence's type: its code, or the urn that ends in it.
    pub licence_type: Option<&'a str>,
    /// The service item for which it is done.
    pub service_item: Option<&'a ServiceItem>,
}

impl<'a> About<'a> {
    /// About a stored licence.
    #[must_use]
    pub fn row(row: &'a LicenceRow) -> About<'a> {
        About { authority: Some(&row.authority), licence_type: Some(&row.vct), service_item: None }
    }

    /// About licences of a type.
    #[must_use]
    pub fn of_type(licence_type: &'a str) -> About<'a> {
        About { licence_type: Some(licence_type), ..About::default() }
    }
}

/// Why somebody may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Not this call.
    #[error("令牌无权进行此项调用 / the token may not make this call")]
    Call,
    /// Not this authority or type.
    #[error("超出范围 / outside of what may be asked for")]
    Scope,
}

impl Caller {
    /// The id of the client, the authority of the node, or `operator`.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Caller::Client(client) => &client.id,
            Caller::Node(node) => &node.authority,
            Caller::Operator => "operator",
        }
    }

    /// The id of the client, if it is one.
    #[must_use]
    pub fn client(&self) -> Option<&str> {
        match self {
            Caller::Client(client) => Some(&client.id),
            Caller::Node(_) | Caller::Operator => None,
        }
    }

    /// Whether this may be done. A client: if its scope has the call, the authority and the type. A node: to see a view of a licence of a type
    /// that the service item accepts, and nothing else. The operator: everything that clients may.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn may(&self, errand: Errand, about: About<'_>) -> Result<(), Denied> {
        match self {
            Caller::Client(client) => client_may(client, errand, about),
            Caller::Node(_) if errand == Errand::SeeView => {
                let sees = about.licence_type.zip(about.service_item);
                let sees = sees.is_some_and(|(vct, item)| ListedNode::may_see(vct, item));
                if sees { Ok(()) } else { Err(Denied::Scope) }
            }
            Caller::Operator if errand != Errand::SeeView => Ok(()),
            Caller::Node(_) | Caller::Operator => Err(Denied::Call),
        }
    }
}

fn client_may(client: &ClientRow, errand: Errand, about: About<'_>) -> Result<(), Denied> {
    if errand == Errand::SeeView || !has(&client.calls, errand.name()) {
        return Err(Denied::Call);
    }
    let authority = about.authority.is_none_or(|authority| has(&client.authorities, authority));
    let code = about.licence_type.map(type_code);
    let covers = authority && code.is_none_or(|code| has(&client.types, code));
    if covers { Ok(()) } else { Err(Denied::Scope) }
}

/// Whether a list of a scope has a name, or all.
fn has(names: &[String], name: &str) -> bool {
    names.iter().any(|own| own == name || own == ALL)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(calls: &[&str], authorities: &[&str], types: &[&str]) -> Caller {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        Caller::Client(Arc::new(ClientRow {
            id: "sp".to_owned(),
            name: "审批系统".to_owned(),
            token_hash: [0; 32],
            authorities: words(authorities),
            types: words(types),
            calls: words(calls),
            created_at: 0,
            expires_at: 1,
            revoked_at: None,
        }))
    }

    fn of<'a>(authority: &'a str, licence_type: &'a str) -> About<'a> {
        About { authority: Some(authority), licence_type: Some(licence_type), service_item: None }
    }

    #[test]
    fn a_client_does_what_its_scope_names_and_nothing_else() {
        let narrow = client(&["read"], &["11440100X00000027D"], &["11100000MB0143028R001"]);
        let good = of("11440100X00000027D", "urn:elic:cn:11100000MB0143028R001");
        assert_eq!(narrow.may(Errand::Read, good), Ok(()));
        assert_eq!(narrow.may(Errand::Read, of("11440100X00000027D", "11100000MB0143028R001")), Ok(()));
        assert_eq!(narrow.may(Errand::Issue, good), Err(Denied::Call));
        let other = of("11440300X00000027D", "11100000MB0143028R001");
        assert_eq!(narrow.may(Errand::Read, other), Err(Denied::Scope));
        let other = of("11440100X00000027D", "11100000MB0143028R002");
        assert_eq!(narrow.may(Errand::Read, other), Err(Denied::Scope));
        assert_eq!(client(&["*"], &["*"], &["*"]).may(Errand::ChangeStatus, other), Ok(()));
        assert_eq!(
            client(&["*"], &["*"], &["*"]).may(Errand::SeeView, good),
            Err(Denied::Call),
            "whole or not at all"
        );
    }

    #[test]
    fn a_node_sees_views_for_a_service_item_and_does_nothing_that_clients_do() {
        let node = ListedNode { authority: "11440300X00000027D".to_owned(), logs: Vec::new() };
        let node = Caller::Node(Arc::new(node));
        for errand in Errand::OF_CLIENTS {
            assert_eq!(node.may(errand, About::default()), Err(Denied::Call), "{}", errand.name());
        }
        let without_item = of("11440100X00000027D", "urn:elic:cn:11100000MB0143028R001");
        assert_eq!(node.may(Errand::SeeView, without_item), Err(Denied::Scope));
    }
}
