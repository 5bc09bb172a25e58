//! The third face: `POST /v1/verifications` of a node that holds this evidence and reads this clock, over a real socket.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, OnceLock};

use licence_node::app::App;
use licence_node::node::Node;
use licence_node::node::clock::Clock;
use licence_node::node::config::{Disconnection, Limits, Role};
use licence_node::node::evidence::Current;
use licence_node::node::keys::{Keyring, Usage};
use licence_node::node::parts::Parts;
use licence_node::node::rng::Rng;
use licence_spec::identifiers::AskedCode;
use licence_spec::suite::{SeedSigner, sha256};
use licence_spec::view::View;
use licence_store::{ClientRow, Store, transact};
use licence_store_sqlite::SqliteStore;
use licence_web::{Server, Web};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::format::{Presented, Set, Vector};
use super::load;

const TOKEN: &str = "elt_of-the-vectors";

/// What the call cannot be asked, and why.
pub(crate) fn lacks(set: &Set, vector: &Vector) -> Option<&'static str> {
    let object = set.object(vector);
    let is_view =
        matches!(object, Presented::Hex(text) if View::parse(&hex::decode(text).expect("hex")).is_ok());
    let needs = [
        (vector.pinned.is_some(), "a node serves under its pinned root alone"),
        (vector.question.wanted.is_some(), "the call takes licences and views alike"),
        (vector.question.log_proof.is_some(), "a proof comes in the header of the licence"),
        (vector.question.log.is_some(), "a node looks up by itself"),
        (vector.policy == "approval" && lacks_the_log(vector), "a node looks up by itself, and says so"),
        (is_view && vector.question.audience.is_none(), "a node always knows who it is"),
        (matches!(object, Presented::Fetched { .. }), "a node fetches no references yet"),
        (matches!(object, Presented::Number(_)), "a node asks the register that must know a number"),
        (asks_for_nobody(vector), "what is no possible code is 422"),
        (asks_for_nothing(vector), "an item that the catalogue does not have is 404"),
    ];
    needs.into_iter().find_map(|(needed, why)| needed.then_some(why))
}

fn lacks_the_log(vector: &Vector) -> bool {
    vector.codes.iter().any(|code| code == "LOG_PROOF_MISSING")
}

/// The one item of the vectors that no catalogue of theirs has.
fn asks_for_nothing(vector: &Vector) -> bool {
    vector.question.service_item.as_deref() == Some("GZ-TH-9999") && vector.evidence != "no-catalogue"
}

fn asks_for_nobody(vector: &Vector) -> bool {
    let asked = vector.question.subject.as_ref();
    asked.is_some_and(|asked| AskedCode::parse(asked.code_type.as_deref(), &asked.code).is_err())
}

/// The verdict in the node's answer, byte for byte.
pub(crate) fn ask(set: &Set, vector: &Vector) -> String {
    let node = node(set, vector);
    let request = request(set, vector).to_string();
    runtime().block_on(async {
        let server = Server::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), None).await.expect("a port");
        let address = server.address();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let web = Web::new(App::alone(Arc::new(node)), Limits::default());
        let serving = tokio::spawn(server.run(web, async { drop(stopped.await) }));
        let answer = tokio::task::spawn_blocking(move || post(address, &request)).await.expect("no panic");
        stop.send(()).expect("it serves");
        serving.await.expect("it ends");
        verdict(&answer).to_owned()
    })
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().expect("threads"))
}

fn post(address: SocketAddr, request: &str) -> String {
    let config = ureq::config::Config::builder().http_status_as_error(false).build();
    let mut answer = ureq::Agent::new_with_config(config)
        .post(format!("http://{address}/v1/verifications"))
        .header("authorization", format!("Bearer {TOKEN}"))
        .header("content-type", "application/json")
        .send(request)
        .expect("the node answers");
    let text = answer.body_mut().read_to_string().expect("UTF-8");
    assert_eq!(answer.status(), 200, "{text}");
    text
}

/// The first member of the answer, as it was sent.
fn verdict(answer: &str) -> &str {
    let rest = answer.strip_prefix("{\"verdict\":").expect("the verdict comes first");
    &rest[..rest.rfind(",\"fit\":").expect("then the fit")]
}

fn request(set: &Set, vector: &Vector) -> Value {
    use base64::Engine as _;
    let asked = &vector.question;
    let mut request = json!({
        "policy": vector.policy, "receipt": false, "service_item": asked.service_item, "case_number": asked.case_number,
        "subject": asked.subject,
    });
    let (member, text) = match set.object(vector) {
        Presented::Hex(text) => {
            let bytes = hex::decode(text).expect("objects are hex");
            ("credential", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes))
        }
        Presented::Qr(text) => ("qr", text.clone()),
        Presented::Number(text) => ("id", text.clone()),
        Presented::Fetched { .. } => panic!("{}: not for this face", vector.name),
    };
    request[member] = json!(text);
    request
}

/// A node with nothing in its store but a client, and the vector's evidence and clock.
fn node(set: &Set, vector: &Vector) -> Node {
    let now = vector.now();
    let seen = set.seen(vector).filter(|_| vector.policy != "archive");
    let evidence = Current::default();
    evidence.change(|slot| *slot = load::evidence(set.bundle(vector), seen, now));
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open_in_memory().expect("a store"));
    let client = ClientRow {
        id: "vectors".to_owned(),
        name: "vectors".to_owned(),
        token_hash: sha256(&[TOKEN.as_bytes()]),
        authorities: vec!["*".to_owned()],
        types: vec!["*".to_owned()],
        calls: vec!["verify".to_owned()],
        created_at: now.0,
        expires_at: i64::MAX,
        revoked_at: None,
    };
    transact(&*store, "client", |write| write.add_clients(std::slice::from_ref(&client))).expect("a client");
    let authority = vector.question.audience.clone().unwrap_or_else(|| "vectors".to_owned());
    let mut keys = Keyring::default();
    keys.hold(&authority, Usage::Log, SeedSigner::from_seed(&[7; 32]).expect("a key"));
    let parts = Parts {
        role: Role::City,
        region: "440100".to_owned(),
        production: true,
        disconnection: Disconnection::default(),
        officers: Vec::new(),
        authority,
        host: "vectors.example".to_owned(),
        shared: false,
        clock: Clock::fixed(now),
        rng: Rng::seeded(1),
        store,
        keys,
        authorities: Arc::new(Vec::new()),
    };
    Node { evidence, ..parts.assemble().expect("a node") }
}
