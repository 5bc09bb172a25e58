//! What the tests beside the handlers share: a city in memory behind its edge, without sockets, under a clock that stands.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use licence_catalogue::samples::Samples;
use licence_node::access::clients::{self, NewClient};
use licence_node::app::App;
use licence_node::node::Node;
use licence_node::node::config::Limits;
use licence_node::upkeep::rehearsal::{Rehearsal, TYPE};
use licence_store_sqlite::SqliteStore;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tower::ServiceExt as _;

use super::{Web, router};

/// A city behind its edge.
pub(crate) struct Edge {
    router: axum::Router,
    runtime: Runtime,
    node: Arc<Node>,
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
    pub(crate) replayed: bool,
}

impl Told {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// Status and code of a problem.
    pub(crate) fn problem(&self) -> (u16, String) {
        (self.status.as_u16(), self.json()["code"].as_str().unwrap_or_default().to_owned())
    }
}

impl Edge {
    pub(crate) fn new() -> Edge {
        let store = || Arc::new(SqliteStore::open_in_memory().unwrap());
        let node = Arc::new(Rehearsal::play([store(), store()]).unwrap().city);
        let app = App::alone(Arc::clone(&node));
        let router = router(Web::new(app, Limits::default()));
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        Edge { router, runtime: runtime.unwrap(), node }
    }

    pub(crate) fn node(&self) -> &Node {
        &self.node
    }

    /// The token of a client that may make these calls for these authorities and types.
    pub(crate) fn token(&self, id: &str, authority: &str, calls: &[&str]) -> String {
        let all = || vec!["*".to_owned()];
        let calls = calls.iter().map(|call| (*call).to_owned()).collect();
        let (id, name) = (id.to_owned(), id.to_owned());
        let client =
            NewClient { id, name, authorities: vec![authority.to_owned()], types: all(), calls, days: 30 };
        clients::add(&self.node, &client).unwrap()
    }

    /// A client that may do everything.
    pub(crate) fn office(&self) -> String {
        self.token("office", "*", &["*"])
    }

    /// One call with a token and headers.
    pub(crate) fn call(
        &self,
        (method, path): (&str, &str),
        token: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Told {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header("authorization", format!("Bearer {token}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = match body {
            Some(body) => {
                request.header("content-type", "application/json").body(Body::from(body.to_string()))
            }
            None => request.body(Body::empty()),
        };
        self.send(request.unwrap())
    }

    pub(crate) fn get(&self, path: &str, token: &str) -> Told {
        self.call(("GET", path), token, &[], None)
    }

    pub(crate) fn post(&self, path: &str, token: &str, body: &Value) -> Told {
        self.call(("POST", path), token, &[], Some(body))
    }

    pub(crate) fn send(&self, request: Request<Body>) -> Told {
        self.runtime.block_on(async {
            let response: Response<Body> = self.router.clone().oneshot(request).await.unwrap();
            let (status, replayed) =
                (response.status(), response.headers().contains_key("idempotency-replayed"));
            let body = response.into_body().collect().await.unwrap().to_bytes().to_vec();
            Told { status, body, replayed }
        })
    }

    /// A request for a licence of the city; another one for every seed.
    pub(crate) fn request(&self, seed: u64) -> Value {
        let kind = self.node.catalogue().unwrap();
        let kind = kind.content().types.iter().find(|kind| kind.vct == TYPE).unwrap().clone();
        let issues =
            self.node.authorities.iter().find(|authority| authority.vcts.iter().any(|vct| vct == TYPE));
        let today = self.node.clock.now().civil_date();
        json!(Samples::new(seed).request(&kind, &issues.unwrap().code, &self.node.region, today))
    }

    /// A licence that was issued over the API.
    pub(crate) fn licence(&self, token: &str, seed: u64) -> Value {
        let told = self.post("/v1/licences", token, &self.request(seed));
        assert_eq!(told.status, 201, "{}", told.json());
        told.json()
    }
}
