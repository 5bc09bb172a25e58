//! The reference: a server of the same make (hyper, axum, JSON, base64url) that only runs `verify_strict` over the same bytes.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use licence_spec::suite::{PublicKey, SeedSigner, SignatureBytes, Signer as _};
use serde_json::{Value, json};

/// Serves until it is killed. The signature is one over the licence's bytes, by a key of its own.
pub(crate) fn serve(credential: &str) {
    let signer = SeedSigner::from_seed(&[9; 32]).unwrap();
    let signature = signer.sign(&URL_SAFE_NO_PAD.decode(credential).unwrap()).unwrap();
    let held = Arc::new((*signer.public_key(), signature));
    let handler = post(move |body: Bytes| check(Arc::clone(&held), body));
    let app = axum::Router::new().route("/v1/verifications", handler);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        eprintln!("listening on http://{}", listener.local_addr().unwrap());
        axum::serve(listener, app).await.unwrap();
    });
}

async fn check(held: Arc<(PublicKey, SignatureBytes)>, body: Bytes) -> Json<Value> {
    let request: Value = serde_json::from_slice(&body).unwrap();
    let bytes = URL_SAFE_NO_PAD.decode(request["credential"].as_str().unwrap()).unwrap();
    let valid = held.0.verify_strict(&bytes, &held.1);
    assert!(valid);
    Json(json!({"valid": valid}))
}
