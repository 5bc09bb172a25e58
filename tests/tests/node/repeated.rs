//! Requests that are sent again: done once, answered with the same bytes, also across a restart.

use serde_json::Value;

use crate::harness::{Answer, Place, Running, licence};

fn send(city: &Running, token: &str, key: &str, request: &Value) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers =
        [("authorization", bearer.as_str()), ("content-type", "application/json"), ("idempotency-key", key)];
    city.call("POST", "/v1/licences", &headers, Some(request.to_string().as_bytes()))
}

fn log_size(city: &Running) -> String {
    city.get("/log/checkpoint").1.lines().nth(1).unwrap_or_default().to_owned()
}

#[test]
fn one_key_gives_one_licence_and_the_same_bytes_also_after_a_restart() {
    let place = Place::new();
    let province = place.province();
    let city = place.city(&province);
    let token = city.token("desk", "*", "*", "*");
    let first = send(&city, &token, "\"case-1\"", &licence("示例〔2026〕1号"));
    first.with(201);
    assert_eq!(first.header("idempotency-replayed"), "");
    let size = log_size(&city);
    for key in ["\"case-1\"", "case-1"] {
        let again = send(&city, &token, key, &licence("示例〔2026〕1号"));
        assert_eq!((again.status, again.header("idempotency-replayed")), (201, "true"));
        assert_eq!(again.body, first.body, "byte for byte");
    }
    assert_eq!(log_size(&city), size, "one leaf");
    let other = send(&city, &token, "\"case-1\"", &licence("示例〔2026〕2号"));
    assert_eq!(other.with(422)["code"], "idempotency-key-reused");
    for key in ["", "\"\"", "\"a b\"", &format!("\"{}\"", "k".repeat(65)), "\"ü\""] {
        let answer = send(&city, &token, key, &licence("示例〔2026〕3号"));
        assert_eq!(answer.with(400)["code"], "idempotency-key-syntax", "{key}");
    }
    // Another client's keys are its own.
    let stranger = city.token("other", "*", "*", "*");
    send(&city, &stranger, "\"case-1\"", &licence("示例〔2026〕4号")).with(201);
    city.kill();
    let city = Running::start(&place.path("city"));
    city.until_ready();
    let again = send(&city, &token, "\"case-1\"", &licence("示例〔2026〕1号"));
    assert_eq!((again.status, again.body), (201, first.body), "kept across kill -9");
}

#[test]
fn sixteen_requests_with_one_key_at_once_make_one_licence() {
    let place = Place::new();
    let province = place.province();
    let city = place.city(&province);
    let token = city.token("desk", "*", "*", "*");
    let before: u64 = log_size(&city).parse().expect("a size");
    let answers: Vec<Answer> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| send(&city, &token, "\"once\"", &licence("示例〔2026〕1号"))))
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    let issued: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 201).collect();
    assert!(!issued.is_empty());
    assert!(issued.iter().all(|answer| answer.body == issued[0].body), "one licence");
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(answer.with(409)["code"], "idempotency-key-in-use");
        assert_eq!(answer.header("retry-after"), "1");
    }
    assert_eq!(log_size(&city).parse::<u64>().expect("a size"), before + 1, "one leaf");
}
