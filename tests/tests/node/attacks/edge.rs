//! Slow, silent and greedy clients, and neighbours that lead a node elsewhere.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::{NO_CEILINGS, Place, Running, licence, now, program, until};

/// Longest time for an answer that must not wait for anybody.
const AT_ONCE: Duration = Duration::from_secs(5);

fn connect(node: &Running) -> TcpStream {
    let stream = TcpStream::connect(node.url.trim_start_matches("http://")).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
    stream
}

/// What the node sends until it closes.
fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset is a way to close.
    let _reset = stream.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Head of a request whose body is announced and never sent whole.
fn slow_head(path: &str, token: Option<&str>) -> String {
    let token = token.map_or_else(String::new, |token| format!("authorization: Bearer {token}\r\n"));
    format!(
        "POST {path} HTTP/1.1\r\nhost: a\r\n{token}content-type: application/json\r\ncontent-length: 100000\r\n\r\n{{"
    )
}

/// A province, and a city that follows it.
fn nodes(place: &Place) -> (Running, Running) {
    let province = place.province();
    let city = place.city(&province);
    (province, city)
}

/// Lets this process have the sockets of all attackers at once.
fn allow_sockets() {
    let id = std::process::id().to_string();
    let done = Command::new("prlimit").args(["--pid", &id, "--nofile=8192:"]).status();
    assert!(done.is_ok_and(|status| status.success()), "this test needs 8,192 files");
}

/// Attackers that come back within a second when they are sent away.
struct Siege {
    ends: Vec<Sender<()>>,
    opened: Arc<AtomicUsize>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Siege {
    fn new() -> Siege {
        Siege { ends: Vec::new(), opened: Arc::default(), threads: Vec::new() }
    }

    /// So many connections that say this and then one byte a second.
    fn lay(&mut self, node: &Running, count: usize, says: &str, byte: &'static [u8]) {
        let (end, ended) = channel();
        let opened = Arc::clone(&self.opened);
        let (address, says) = (node.url.trim_start_matches("http://").to_owned(), says.to_owned());
        self.ends.push(end);
        self.threads.push(std::thread::spawn(move || {
            let open = || {
                let mut stream = TcpStream::connect(&address).ok()?;
                stream.write_all(says.as_bytes()).ok()?;
                stream.set_nonblocking(true).ok()?;
                opened.fetch_add(1, Ordering::Relaxed);
                Some(stream)
            };
            let mut held: Vec<Option<TcpStream>> = (0..count).map(|_| open()).collect();
            while ended.recv_timeout(Duration::from_secs(1)) == Err(RecvTimeoutError::Timeout) {
                for one in &mut held {
                    let lives = one.as_mut().is_some_and(|stream| {
                        // Closed if there is an end to read; silent ones have nothing to write.
                        let goes_on = match stream.read(&mut [0; 512]) {
                            Ok(read) => read > 0,
                            Err(error) => error.kind() == ErrorKind::WouldBlock,
                        };
                        goes_on && (byte.is_empty() || stream.write(byte).is_ok())
                    });
                    if !lives {
                        *one = open();
                    }
                }
            }
        }));
    }

    fn end(self) -> usize {
        drop(self.ends);
        self.threads.into_iter().for_each(|thread| thread.join().expect("an attacker"));
        self.opened.load(Ordering::Relaxed)
    }
}

/// A5: with 512 slow bodies without a token and 2,100 silent connections at once, which come back whenever they are sent away,
/// health, readiness and a verification are answered.
#[test]
fn slow_bodies_and_silent_connections_keep_nobody_waiting() {
    allow_sockets();
    let place = Place::new();
    place.configure("city", NO_CEILINGS);
    let (_province, city) = nodes(&place);
    let token = city.token("judge", "*", "*", "*");
    let issued = city.post(&token, "/v1/licences", &licence("示例〔2026〕围攻号")).with(201);
    let question = json!({"credential": issued["credential"], "receipt": false});
    let mut siege = Siege::new();
    siege.lay(&city, 2_100, "", b"");
    siege.lay(&city, 512, &slow_head("/v1/verifications", None), b" ");
    until("all attackers are there", || siege.opened.load(Ordering::Relaxed) >= 2_612);
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    let (_never, tick) = channel::<()>();
    for _ in 0..100 {
        // Spread over some seconds, so that the attackers come back several times.
        let _deadline = tick.recv_timeout(Duration::from_millis(40));
        let asks: [&dyn Fn() -> u16; 3] = [&|| city.get("/healthz").0, &|| city.get("/readyz").0, &|| {
            city.post(&token, "/v1/verifications", &question).status
        }];
        for (ask, times) in asks.into_iter().zip(&mut times) {
            let begun = now();
            assert_eq!(ask(), 200);
            times.push(begun.elapsed());
            assert!(begun.elapsed() < AT_ONCE, "answered after {:?}", begun.elapsed());
        }
    }
    let opened = siege.end();
    for (name, mut times) in ["healthz", "readyz", "verification"].into_iter().zip(times) {
        times.sort();
        println!("figure besieged_{name} p50 {:?} p99 {:?} most {:?}", times[49], times[98], times[99]);
    }
    println!("figure besieged_connections {opened}");
}

/// A5: who asks is read from the head. A stranger is refused before a byte of the body, and reads why though it goes on sending.
#[test]
fn a_stranger_is_refused_before_its_body() {
    let place = Place::new();
    let (province, city) = nodes(&place);
    for (path, refusal) in [
        ("/v1/verifications", "HTTP/1.1 401"),
        ("/v1/verifications/batch", "HTTP/1.1 401"),
        ("/v1/licences", "HTTP/1.1 401"),
        ("/v1/service-items/GZ-TH-0101/checks", "HTTP/1.1 401"),
        ("/v1/receipts/check", "HTTP/1.1 401"),
        ("/v1/index/holders", "HTTP/1.1 400"),
        ("/v1/witness/add-checkpoint", "HTTP/1.1 400"),
    ] {
        let node = if path.contains("index") || path.contains("witness") { &province } else { &city };
        for token in [None, Some("elt_wrong")] {
            let begun = now();
            let mut stream = connect(node);
            stream.write_all(slow_head(path, token).as_bytes()).expect("sent");
            let said = rest(stream);
            assert!(said.starts_with(refusal), "{path}: {said}");
            assert!(begun.elapsed() < AT_ONCE, "{path}: the body was waited for");
            assert!(!said.contains("幂等键"), "{path}: {said}");
        }
    }
    // As much as a body may be, all of it sent before the answer is looked at: the answer is there all the same.
    let body = vec![b' '; 100_000];
    for _ in 0..20 {
        let mut stream = connect(&city);
        stream.write_all(slow_head("/v1/verifications", None).as_bytes()).expect("sent");
        stream.write_all(&body[1..]).expect("taken in, or left aside");
        let said = rest(stream);
        assert!(said.starts_with("HTTP/1.1 401"), "{said}");
    }
}

/// A5: slow bodies with one token take a quarter of the places, end with 408, and others are served.
#[test]
fn slow_bodies_with_a_token_leave_places_for_others() {
    let place = Place::new();
    place.configure("city", "\n[limits]\nrequests = 16\nrequest_timeout_s = 4\n");
    let (_province, city) = nodes(&place);
    let (slow, other) = (city.token("slow", "*", "*", "*"), city.token("other", "*", "*", "*"));
    let held: Vec<TcpStream> = (0..32)
        .map(|_| {
            let mut stream = connect(&city);
            stream.write_all(slow_head("/v1/verifications", Some(&slow)).as_bytes()).expect("sent");
            stream
        })
        .collect();
    until("some are told that they are too many", || city.metric("refusals_total{why=\"crowded\"}") >= 28.0);
    let question = json!({"qr": "x", "receipt": false});
    assert_eq!(city.post(&other, "/v1/verifications", &question).status, 200);
    let said: Vec<String> = held.into_iter().map(rest).collect();
    let count = |status: &str| said.iter().filter(|said| said.starts_with(status)).count();
    assert_eq!((count("HTTP/1.1 408"), count("HTTP/1.1 429")), (4, 28), "{said:?}");
    assert_eq!(city.post(&slow, "/v1/verifications", &question).status, 200, "nothing is left behind");
}

/// A5: as many silent connections as there may be, from one address and from many, keep nobody out.
#[test]
fn silent_connections_give_way() {
    let place = Place::new();
    place.configure("province", "\n[limits]\nconnections = 64\nheader_timeout_s = 60\n");
    let province = place.province();
    let held: Vec<TcpStream> = (0..200).map(|_| connect(&province)).collect();
    let begun = now();
    for _ in 0..20 {
        assert_eq!(province.get("/healthz").0, 200);
    }
    assert!(begun.elapsed() < AT_ONCE, "served after {:?}", begun.elapsed());
    assert!(province.metric("refusals_total{why=\"connection_shed\"}") >= 136.0);
    drop(held);
}

/// Connections that stay open, requests sent in one piece, and bodies that are sent only when asked for still work.
#[test]
fn http_is_as_it_was_for_the_well_behaved() {
    let place = Place::new();
    let (_province, city) = nodes(&place);
    let token = city.token("plain", "*", "*", "*");
    let body = r#"{"qr":"x","receipt":false}"#;
    let post = |more: &str| {
        format!(
            "POST /v1/verifications HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{more}\r\n",
            body.len()
        )
    };
    let mut stream = connect(&city);
    let pipelined = [
        post(""),
        body.to_owned(),
        "GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n".to_owned(),
        post("connection: close\r\n"),
        body.to_owned(),
    ];
    stream.write_all(pipelined.concat().as_bytes()).expect("sent");
    let said = rest(stream);
    assert_eq!(said.matches("HTTP/1.1 200").count(), 3, "{said}");
    assert!(said.contains("\r\n\r\nok\n"), "{said}");

    let mut stream = connect(&city);
    stream.write_all(post("expect: 100-continue\r\nconnection: close\r\n").as_bytes()).expect("sent");
    let mut first = [0; 25];
    stream.read_exact(&mut first).expect("leave to go on");
    assert!(first.starts_with(b"HTTP/1.1 100 Continue\r\n\r\n"), "{first:?}");
    stream.write_all(body.as_bytes()).expect("sent");
    assert!(rest(stream).starts_with("HTTP/1.1 200"));
    let mut stream = connect(&city);
    let stranger = post("expect: 100-continue\r\nconnection: close\r\n").replace(&token, "elt_wrong");
    stream.write_all(stranger.as_bytes()).expect("sent");
    assert!(rest(stream).starts_with("HTTP/1.1 401"), "nobody asks a stranger for its body");
}

/// B6: a client may write its whole batch before it reads; every line gets its answer, with its number.
#[test]
fn a_batch_is_taken_in_whatever_the_client_does_first() {
    let place = Place::new();
    place.configure("city", &format!("{NO_CEILINGS}batch_rows = 40000\n"));
    let (_province, city) = nodes(&place);
    let token = city.token("batch", "*", "*", "verify");
    let good = "{\"qr\":\"x\",\"receipt\":false}\n".to_owned();
    let long = format!("{{\"qr\":\"{}\"}}\n", "x".repeat(300_000));
    // More than all buffers between the two hold, both ways.
    let wrong = format!("{{\"unknown\":\"{}\"}}\n", "x".repeat(700));
    let body = [good.clone(), "\n \r\n".to_owned(), long, wrong.repeat(39_000), good].concat();
    let head = format!(
        "POST /v1/verifications/batch HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\ncontent-type: application/x-ndjson\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = connect(&city);
    stream.set_write_timeout(Some(Duration::from_secs(30))).expect("a timeout");
    stream.write_all(head.as_bytes()).expect("sent");
    stream.write_all(body.as_bytes()).expect("the node reads while nobody looks at its answers");
    let said = rest(stream);
    let answers: Vec<Value> = said
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let numbers: Vec<u64> = answers.iter().map(|answer| answer["line"].as_u64().unwrap()).collect();
    let right: Vec<u64> = [1].into_iter().chain(4..=39_005).collect();
    assert_eq!(numbers, right, "every line but the blank ones, in order");
    assert_eq!(answers[1]["problem"]["status"], 413);
    assert!(answers[2..39_002].iter().all(|answer| answer["problem"]["status"] == 400));
    assert!([0, 39_002].iter().all(|at| answers[*at]["verdict"]["code"] == "UNREADABLE"));
}

/// Processor time that a process has used, in ticks of the system.
fn ticks(node: &Running) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/stat", node.id())).expect("Linux");
    let fields: Vec<&str> = text.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

/// A14: a line in pieces of one byte costs in proportion to its length, not to its square.
#[test]
fn a_line_in_pieces_of_one_byte_costs_what_its_length_costs() {
    let place = Place::new();
    place.configure("city", NO_CEILINGS);
    let (_province, city) = nodes(&place);
    let token = city.token("pieces", "*", "*", "verify");
    let cost = |length: usize| {
        let before = ticks(&city);
        let head = format!(
            "POST /v1/verifications/batch HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {token}\r\ncontent-type: application/x-ndjson\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        let mut stream = connect(&city);
        stream.write_all(head.as_bytes()).expect("sent");
        stream.write_all("1\r\nx\r\n".repeat(length).as_bytes()).expect("sent");
        stream.write_all(b"0\r\n\r\n").expect("sent");
        let said = rest(stream);
        assert!(said.contains("\"line\":1,\"problem\""), "{said}");
        ticks(&city) - before
    };
    let (short, long) = (cost(20_000), cost(120_000));
    println!("figure pieces_of_one_byte {short} ticks for 20,000, {long} for 120,000");
    // Six times as much, where the square would be 36 times as much.
    assert!(long < 15 * short.max(3), "six times the length cost {long} ticks against {short}");
}

/// A14: a client has its ceiling, is told when to come again, and takes nothing from others. A7: the log says who asked.
#[test]
fn a_client_has_a_ceiling() {
    let place = Place::new();
    place.configure(
        "city",
        "\n[limits]\nclient_per_minute = 5\nclients = { \"more\" = { per_minute = 100 } }\n",
    );
    let (_province, city) = nodes(&place);
    let (greedy, more) = (city.token("greedy", "*", "*", "verify"), city.token("more", "*", "*", "verify"));
    let question = json!({"qr": "x", "receipt": false});
    let ask = |token: &str| city.post(token, "/v1/verifications", &question);
    // Two minutes have room for ten: of twelve some are too many, whenever they begin.
    let answers: Vec<_> = (0..12).map(|_| ask(&greedy)).collect();
    assert_eq!(answers[0].status, 200);
    let refused: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    assert!(!refused.is_empty());
    for answer in &refused {
        assert!((1..=60).contains(&answer.header("retry-after").parse::<i64>().unwrap()));
        assert_eq!(answer.json()["code"], "quota");
    }
    assert!(city.metric("refusals_total{why=\"quota\"}") >= refused.len() as f64);
    assert!((0..20).all(|_| ask(&more).status == 200));
    // Lines of a batch count: twenty of them are too many for any two minutes.
    let bearer = format!("Bearer {}", city.token("lines", "*", "*", "verify"));
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/x-ndjson")];
    let batch = "{\"qr\":\"x\",\"receipt\":false}\n".repeat(20);
    let answer = city.call("POST", "/v1/verifications/batch", &headers, Some(batch.as_bytes()));
    let text = String::from_utf8(answer.body).unwrap();
    assert_eq!((answer.status, text.lines().count()), (200, 20), "{text}");
    assert!(text.contains("\"code\":\"quota\"") && text.contains("UNREADABLE"), "{text}");
    let (_, said) = city.stop();
    assert!(said.contains("\"who\":\"greedy\"") && said.contains("\"who\":\"more\""), "{said}");
    assert!(!said.contains(&greedy) && !said.contains(&more), "no token in the log");
}

/// A15: metrics and reasons are for those who watch the node, not for everybody behind the proxy.
#[test]
fn what_the_node_counts_is_not_told_through_a_proxy() {
    let place = Place::new();
    let watch = TcpListener::bind("127.0.0.1:0").and_then(|held| held.local_addr()).expect("a free port");
    place.configure("city", &format!("\n[operator]\naddress = \"{watch}\"\n"));
    // The province is away: the city has a reason.
    let city = Running::start(&place.path("city"));
    let ask = |url: &str, path: &str, headers: &[(&str, &str)]| {
        let config = ureq::config::Config::builder().http_status_as_error(false).build();
        let mut request = ureq::Agent::new_with_config(config).get(format!("{url}{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut answer = request.call().expect("an answer");
        (answer.status().as_u16(), answer.body_mut().read_to_string().expect("text"))
    };
    let monitoring = format!("http://{watch}");
    for url in [city.url.as_str(), &monitoring] {
        assert_eq!(ask(url, "/metrics", &[]).0, 200);
        let (status, text) = ask(url, "/readyz", &[]);
        assert!(status == 503 && !text.contains("\"reasons\":[]"), "{text}");
    }
    for header in ["x-forwarded-for", "forwarded", "x-real-ip", "via"] {
        let through = [(header, "192.0.2.1")];
        assert_eq!(ask(&city.url, "/metrics", &through).0, 404, "{header}");
        let (status, text) = ask(&city.url, "/readyz", &through);
        assert_eq!((status, text.as_str()), (503, "{\"ready\":false,\"reasons\":[]}"), "{header}");
        assert_eq!(ask(&city.url, "/healthz", &through).0, 200);
    }
    assert_eq!(ask(&monitoring, "/v1/trust/list", &[]).0, 404, "the API has another door");
}

/// A neighbour that answers everything by sending on to another address; how often it was asked.
fn misleading(to: String) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (url, asked) = (format!("http://{}", listener.local_addr().expect("an address")), Arc::default());
    let count: Arc<AtomicUsize> = Arc::clone(&asked);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = [0; 4_096];
            if stream.read(&mut request).is_ok_and(|read| read > 0) {
                count.fetch_add(1, Ordering::Relaxed);
                let answer = format!(
                    "HTTP/1.1 307 Temporary Redirect\r\nlocation: {to}/v1/trust/timestamp\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                );
                // The node may have gone.
                let _gone = stream.write_all(answer.as_bytes());
            }
        }
    });
    (url, asked)
}

/// A9: a node asks where its configuration says. Whoever answers there cannot send it on, and no proxy of the environment is asked.
#[test]
fn a_node_is_not_led_elsewhere() {
    let place = Place::new();
    let (inside, led) = misleading("http://127.0.0.1:9".to_owned());
    let (proxy, proxied) = misleading("http://127.0.0.1:9".to_owned());
    let (neighbour, asked) = misleading(inside);
    let path = place.path("city/config.toml");
    let text = std::fs::read_to_string(&path).expect("the configuration");
    let text = text.replace("http://127.0.0.1:9", &neighbour).replace("[pull]\n", "[pull]\ninterval_s = 1\n");
    std::fs::write(&path, text).expect("the configuration");
    let mut command = Command::new(program());
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env(name, &proxy);
    }
    let data = place.path("city");
    let city = Running::start_by(command.args(["serve", "--data", &data]), &data);
    // The second question begins after the first has been answered and followed as far as it ever will be.
    until("asked more than once", || {
        asked.load(Ordering::Relaxed) > 4 || proxied.load(Ordering::Relaxed) > 4
    });
    drop(city);
    let count = |count: &AtomicUsize| count.load(Ordering::Relaxed);
    assert_eq!((count(&led), count(&proxied)), (0, 0), "asked {} times where it should", count(&asked));
}
