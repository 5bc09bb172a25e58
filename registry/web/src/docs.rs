//! The description of the API (OpenAPI 3.1), and a page to read it that loads nothing from elsewhere.
//!
//! Paths, parameters and most shapes are made from the handlers. What attributes of handlers cannot say is added from tables:
//! each call and its problems (`calls`), the problems themselves (`problems`), the verdict, the fit, limits and closed lists
//! (`schemas`), and one real request and answer of each call (`examples.json`, recorded by `cargo xtask api --record`).

mod calls;
mod problems;
mod schemas;

use std::sync::Arc;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware::map_response;
use axum::response::Response;
use serde_json::{Map, Value, json};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::{Web, api};

/// Only what this node serves: no script, picture, font or call from or to elsewhere. Swagger UI writes styles into its page.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The description of the API.
#[must_use]
pub fn openapi() -> Value {
    // Cannot fail: the description is made of texts, numbers and maps with text keys.
    let mut document = serde_json::to_value(api().into_openapi()).unwrap_or_default();
    if let Some(members) = document.as_object_mut() {
        members.insert("info".to_owned(), info());
        members.insert("servers".to_owned(), json!([{"url": "/", "description": "本节点 / this node"}]));
        members.insert("tags".to_owned(), calls::tags());
    }
    schemas::complete(&mut document);
    calls::complete(&mut document);
    document
}

fn info() -> Value {
    json!({
        "title": "电子证照登记节点 / electronic-licence registry node",
        "version": env!("CARGO_PKG_VERSION"),
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        "description": "签发、核验、状态、信任、日志。错误为 RFC 9457 问题文档；创建类调用可带 Idempotency-Key。\n\n\
            Issue, verify, status, trust, log. Errors are RFC 9457 problem documents; calls that create something honour \
            Idempotency-Key: 1 to 64 characters [A-Za-z0-9._:-], the same request answered again with the same bytes.",
    })
}

/// The members of an object, made if it is not there yet.
fn members<'a>(of: &'a mut Value, name: &str) -> Option<&'a mut Map<String, Value>> {
    of.as_object_mut()?.entry(name).or_insert_with(|| json!({})).as_object_mut()
}

/// `/openapi.json` and `/docs`.
pub(super) fn routes() -> Router<Arc<Web>> {
    let config = Config::default().validator_url("none").try_it_out_enabled(true);
    Router::from(SwaggerUi::new("/docs").external_url_unchecked("/openapi.json", openapi()).config(config))
        .layer(map_response(closed))
}

async fn closed(mut response: Response) -> Response {
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operations(document: &Value) -> Vec<(String, &Value)> {
        let paths = document["paths"].as_object().expect("paths");
        let of_path = |(path, item): (&String, &'_ Value)| {
            let item = item.as_object().expect("an item").clone();
            item.into_iter().map(|(method, _)| (method, path.clone())).collect::<Vec<_>>()
        };
        let names: Vec<(String, String)> = paths.iter().flat_map(of_path).collect();
        names
            .into_iter()
            .map(|(method, path)| (format!("{method} {path}"), &document["paths"][path][method]))
            .collect()
    }

    #[test]
    fn every_call_has_its_row_and_every_row_its_call() {
        let document = openapi();
        let mut described: Vec<String> = operations(&document).into_iter().map(|(name, _)| name).collect();
        let mut rows: Vec<String> =
            calls::CALLS.iter().map(|call| format!("{} {}", call.method, call.path)).collect();
        described.sort();
        rows.sort();
        assert_eq!(described, rows);
    }

    #[test]
    fn every_answer_is_described_and_every_name_is_given_once() {
        let document = openapi();
        let mut names = std::collections::BTreeSet::new();
        for (call, operation) in operations(&document) {
            let name = operation["operationId"].as_str().expect("an operationId");
            assert!(names.insert(name.to_owned()), "{call}: {name} is there twice");
            for (status, answer) in operation["responses"].as_object().expect("answers") {
                let text = answer["description"].as_str().unwrap_or_default();
                assert!(!text.is_empty(), "{call} {status} is not described");
            }
        }
    }

    #[test]
    fn every_problem_that_a_call_names_is_one_that_the_node_gives() {
        let known: Vec<&str> = problems::all().iter().map(problems::Given::slug).collect();
        for call in calls::CALLS {
            for slug in call.problems.iter().copied().flatten() {
                assert!(known.contains(slug), "{} {} names {slug}", call.method, call.path);
            }
        }
    }
}
