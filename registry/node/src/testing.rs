//! What the tests beside the rooms of a node share: two nodes in memory under a clock that stands, and licences on them.

use std::sync::Arc;

use licence_catalogue::samples::Samples;
use licence_store_sqlite::SqliteStore;
use serde_json::json;

use crate::access::caller::Caller;
use crate::node::Node;
use crate::trips::issue::{IssueRequest, Issued, issue};
use crate::trips::reason::Reason;
use crate::upkeep::rehearsal::Rehearsal;

/// Code of the type that is issued.
pub(crate) const TYPE: &str = "11100000MB0143028R001";

/// A province and a city, ready.
pub(crate) fn rehearse() -> Rehearsal {
    let store = || Arc::new(SqliteStore::open_in_memory().unwrap());
    Rehearsal::play([store(), store()]).unwrap()
}

/// The authority of the city that issues 营业执照.
pub(crate) fn issuer(city: &Node) -> String {
    let issues = |vcts: &[String]| vcts.iter().any(|vct| vct.ends_with(TYPE));
    city.authorities.iter().find(|authority| issues(&authority.vcts)).unwrap().code.clone()
}

/// A request for a 营业执照 of the city; another one for every seed.
pub(crate) fn request(city: &Node, seed: u64) -> IssueRequest {
    let kind = city.catalogue().unwrap().type_of_code(TYPE).unwrap().clone();
    let sample =
        Samples::new(seed).request(&kind, &issuer(city), &city.region, city.clock.now().civil_date());
    serde_json::from_value(json!(sample)).unwrap()
}

/// A licence that the operator of the city has issued.
pub(crate) fn licence(city: &Node, seed: u64) -> Issued {
    issue(city, &Caller::Operator, &request(city, seed), None).unwrap()
}

/// A legal ground.
pub(crate) fn reason() -> Reason {
    Reason {
        legal_basis: "示例条例第一条".to_owned(),
        document_number: "示例文书1号".to_owned(),
        officer: "示例经办".to_owned(),
    }
}
