//! `POST /v1/service-items/{code}/checks`: which materials of a case the licences at hand meet (免提交).

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::call::Call;
use super::idempotency::{Begun, begin};
use super::problem::Problem;
use super::verifications::keep;
use super::{Web, blocking};
use licence_node::access::caller::Errand;
use licence_node::exchange::ask_others::fetch_elsewhere;
use licence_node::trips::check_service_item::{self, Checked, ItemRequest};

/// 事项核验 / which materials of a service item are met: by the licences that are handed in, by those of this node that the people of the
/// case hold, and, if that is not enough, by those of other nodes. Answers no field of any licence. Who asked, for which case and on
/// what ground is kept. 其他节点不可达时照常作答，`not_asked` 列明 / if other nodes cannot be reached, the answer says what was not asked.
#[utoipa::path(post, path = "/v1/service-items/{code}/checks", tag = "verification", params(("code" = String, Path)),
    request_body = ItemRequest, responses((status = 200, body = Checked)))]
pub(super) async fn check(
    State(web): State<Arc<Web>>,
    Path(code): Path<String>,
    call: Call,
) -> Result<Response, Problem> {
    let caller = call.caller(Errand::Check)?;
    let request: ItemRequest = call.json()?;
    let turn = match begin(&web, &caller, &call, StatusCode::OK).await? {
        Begun::Replay(answer) => return Ok(answer),
        Begun::Do(turn) => turn,
    };
    let own = Arc::clone(&web);
    let (checked, job) = blocking(move || {
        let elsewhere = |question: &_| {
            let (node, others) = (&own.app.node, &own.app.neighbours);
            let licence = |host: &str, digest: &_, asked: &_| others.licence(node, host, digest, asked);
            fetch_elsewhere(node, question, others.where_are(node, question), &licence)
        };
        let log = |question: &_| own.app.neighbours.logged(&own.app.node, question);
        check_service_item::check(&own.app.node, &caller, &code, &request, &elsewhere, &log)
    })
    .await??;
    // Cannot fail: the answer is made of texts and numbers.
    let body = serde_json::to_vec(&checked).unwrap_or_default();
    keep(&web, job, turn, body).await
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::testing::Edge;

    fn case(holder: &Value) -> Value {
        let subject = json!({"role": "applicant", "code_type": holder["code_type"], "code": holder["code"]});
        json!({"case_number": "2026-1", "operator": "示例经办", "authorisation": "示例授权1号",
            "subjects": [subject], "elsewhere": false})
    }

    #[test]
    fn what_the_people_of_a_case_hold_meets_the_materials_and_no_field_is_told() {
        let edge = Edge::new();
        let office = edge.office();
        let request = edge.request(1);
        assert_eq!(edge.post("/v1/licences", &office, &request).status, 201);
        let path = "/v1/service-items/SZ-SP-0101/checks";
        let told = edge.post(path, &office, &case(&request["holders"][0]));
        assert_eq!(told.status, 200, "{}", told.json());
        let answer = told.json();
        assert_eq!(answer["fit"]["materials"][0]["result"], "MET", "{answer}");
        assert!(answer["licences"][0]["receipt"].is_string());
        let name = request["holders"][0]["name"].as_str().unwrap();
        assert!(!String::from_utf8_lossy(&told.body).contains(name), "no field of a licence");
    }

    #[test]
    fn a_case_without_a_ground_or_with_nobody_is_not_looked_at() {
        let edge = Edge::new();
        let office = edge.office();
        let path = "/v1/service-items/SZ-SP-0101/checks";
        let good = case(&edge.request(1)["holders"][0]);
        for member in ["authorisation", "case_number", "operator"] {
            let mut bare = good.clone();
            bare[member] = json!("");
            assert_eq!(edge.post(path, &office, &bare).problem(), (422, "fields".to_owned()), "{member}");
        }
        let mut nobody = good.clone();
        nobody["subjects"] = json!([]);
        assert_eq!(edge.post(path, &office, &nobody).problem().0, 422);
        let unknown = edge.post("/v1/service-items/NONE/checks", &office, &good);
        assert_eq!(unknown.problem(), (404, "unknown-service-item".to_owned()));
    }
}
