//! The demo: one province and two cities on loopback, the root ceremony, every type issued, all scenarios played.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use licence_catalogue::{KeyRole, embedded};
use licence_spec::log::note::LogKey;
use licence_spec::suite::sha256;
use licence_spec::trust::Entry;
use licence_store::{ClientRow, transact};
use serde::Serialize;
use serde_json::{Value, json};

use super::demo_scenarios;
use super::setup::open_node;
use crate::ceremony::{self, Officers};
use crate::clock::{Clock, Stopwatch};
use crate::documents::{pin_root, take_catalogue, take_trust};
use crate::encoding::base64url;
use crate::http::router;
use crate::keys::Usage;
use crate::node::Node;
use crate::pull::pull;
use crate::rng::Rng;
use crate::trips::publish_status::{open_lists, publish};

/// What the demo can be told.
#[derive(Args)]
pub(super) struct Options {
    /// 走完即止，全部符合才返回 0 / end after the tour; exit 0 only if every scenario answered as it must
    #[arg(long)]
    once: bool,
    /// 以 JSON 输出 / print JSON
    #[arg(long)]
    json: bool,
    /// 数据目录，须为空或不存在 / data directory; must be empty or absent
    #[arg(long, value_name = "DIR", default_value = "demo-data")]
    data: PathBuf,
    /// 省节点端口，城市用其后的端口 / port of the province; the cities take the next ones
    #[arg(long, value_name = "N", default_value_t = 8400)]
    base_port: u16,
}

/// The three nodes.
const REGIONS: [&str; 3] = ["440000", "440100", "440300"];
/// The demo's key files are encrypted with a passphrase that everybody knows: its keys protect nothing.
const PASSPHRASE: &str = "demo";

/// How one scenario came out.
#[derive(Serialize)]
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) expected: String,
    pub(super) got: String,
    pub(super) ok: bool,
}

/// A running node of the demo.
pub(super) struct Running {
    pub(super) node: Arc<Node>,
    pub(super) url: String,
    pub(super) token: String,
}

/// Everything the scenarios play with.
pub(super) struct Stage {
    pub(super) province: Running,
    pub(super) guangzhou: Running,
    pub(super) shenzhen: Running,
    pub(super) officers: Officers,
    pub(super) entries: Vec<Entry>,
    pub(super) data: PathBuf,
    pub(super) issued: usize,
}

/// Runs the demo; `Ok(false)` if a scenario did not answer as it must.
pub(super) fn run(options: &Options) -> Result<bool> {
    let stopwatch = Stopwatch::start();
    if options.data.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        bail!("数据目录 {0} 不为空 / data directory {0} is not empty", options.data.display());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut stage = set_up(options, &runtime)?;
    let scenarios = demo_scenarios::play(&mut stage)?;
    let all_ok = scenarios.iter().all(|scenario| scenario.ok);
    report(options, &stage, &scenarios, &stopwatch)?;
    if !options.once {
        eprintln!("节点继续运行，按 Ctrl-C 结束 / the nodes keep serving, press Ctrl-C to end");
        runtime.block_on(tokio::signal::ctrl_c())?;
    }
    runtime.shutdown_timeout(Duration::from_secs(2));
    Ok(all_ok)
}

fn set_up(options: &Options, runtime: &tokio::runtime::Runtime) -> Result<Stage> {
    let (clock, rng) = (Clock::system(), Rng::system());
    let data = embedded().map_err(|findings| anyhow::anyhow!("{findings}"))?;
    let mut running = Vec::new();
    for (at, region) in (0u16..).zip(REGIONS) {
        let authorities: Vec<_> = data.authorities_of_node(region).cloned().collect();
        let node = open_node(
            &options.data.join("nodes").join(region),
            region,
            authorities,
            PASSPHRASE,
            &clock,
            &rng,
        )?;
        let port = options.base_port.checked_add(at).context("端口超出范围 / the port is out of range")?;
        running.push(start(Arc::new(node), port, runtime)?);
    }
    let officers = Officers::appoint("elicence.gd.demo", &rng)?;
    // Keys count from a little before now, so that a scope of one second ago already covers what is signed at once.
    let from = clock.now().plus(-60);
    let mut entries = Vec::new();
    for Running { node, .. } in &running {
        let signer = node.keys.signer(&node.authority, Usage::Log).context("log key")?;
        let log = LogKey::new(&format!("{}/log", node.host), crate::keys::public_key(&signer))
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        for authority in node.authorities.iter() {
            entries.push(ceremony::entry(authority, &node.keys, Some(&log), from)?);
        }
    }
    let root = officers.root(from)?;
    let (list, timestamp) = officers.list(1, from, entries.clone())?;
    let Ok([province, guangzhou, shenzhen]) = <[Running; 3]>::try_from(running) else { bail!("three nodes") };
    pin_root(&province.node, &root)?;
    take_trust(&province.node, &[&root], &timestamp, &list)?;
    let publisher = province.node.authorities.iter().find(|authority| authority.has(KeyRole::Catalogue));
    let publisher = &publisher.context("the catalogue names no publisher")?.code;
    let signer = province.node.keys.signer(publisher, Usage::Catalogue).context("catalogue key")?;
    let catalogue = data.publish(None, from, from, &*signer).map_err(|error| anyhow::anyhow!("{error}"))?;
    take_catalogue(&province.node, &catalogue)?;
    for city in [&guangzhou, &shenzhen] {
        pin_root(&city.node, &root)?;
        pull(&city.node, &province.url, true)?;
        open_lists(&city.node)?;
    }
    let stage =
        Stage { province, guangzhou, shenzhen, officers, entries, data: options.data.clone(), issued: 0 };
    stage.exchange()?;
    Ok(stage)
}

/// Starts the HTTP server of a node on loopback and makes a client token for it.
fn start(node: Arc<Node>, port: u16, runtime: &tokio::runtime::Runtime) -> Result<Running> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = runtime
        .block_on(tokio::net::TcpListener::bind(address))
        .with_context(|| format!("端口 {port} 无法使用 / port {port} cannot be used"))?;
    let app = router(Arc::clone(&node));
    runtime.spawn(async move {
        // The server ends with the process; an error of one connection is not an error of the server.
        axum::serve(listener, app).await
    });
    let mut secret = [0; 32];
    node.rng.fill(&mut secret)?;
    let token = format!("elt_{}", base64url(&secret));
    let now = node.clock.now().0;
    let client = ClientRow {
        id: "demo".to_owned(),
        name: "demo".to_owned(),
        token_hash: sha256(&[token.as_bytes()]),
        authorities: vec!["*".to_owned()],
        types: vec!["*".to_owned()],
        calls: vec!["*".to_owned()],
        created_at: now,
        expires_at: now + 86_400,
        revoked_at: None,
    };
    transact(&*node.store, "add_client", |write| write.add_clients(std::slice::from_ref(&client)))?;
    Ok(Running { node, url: format!("http://{address}"), token })
}

impl Running {
    /// One call with the demo's token; the status and the JSON body.
    pub(super) fn post(&self, path: &str, body: &Value) -> Result<(u16, Value)> {
        let config = ureq::config::Config::builder().http_status_as_error(false).build();
        let mut answer = ureq::Agent::new_with_config(config)
            .post(format!("{}{path}", self.url))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
            .send(body.to_string())?;
        let status = answer.status().as_u16();
        Ok((status, serde_json::from_str(&answer.body_mut().read_to_string()?)?))
    }
}

impl Stage {
    /// The cities pull from the province and from each other.
    pub(super) fn exchange(&self) -> Result<()> {
        for city in [&self.guangzhou, &self.shenzhen] {
            pull(&city.node, &self.province.url, true)?;
        }
        pull(&self.guangzhou.node, &self.shenzhen.url, false)?;
        pull(&self.shenzhen.node, &self.guangzhou.url, false)?;
        Ok(())
    }

    /// Publishes all changed lists of both cities and exchanges them; a list is signed at most once a second, so this
    /// waits until nothing is left to publish.
    pub(super) fn publish(&self) -> Result<()> {
        let (_never, tick) = channel::<()>();
        for city in [&self.guangzhou, &self.shenzhen] {
            for _ in 0..100 {
                publish(&city.node, false)?;
                if city.node.store.read()?.status_lists()?.iter().all(|list| list.dirty_since.is_none()) {
                    break;
                }
                // Nobody ever sends: this is a deadline of 50 ms until the next look.
                let _deadline = tick.recv_timeout(Duration::from_millis(50));
            }
        }
        self.exchange()
    }
}

fn report(options: &Options, stage: &Stage, scenarios: &[Scenario], stopwatch: &Stopwatch) -> Result<()> {
    let nodes: Vec<Value> =
        [(&stage.province, "province"), (&stage.guangzhou, "city"), (&stage.shenzhen, "city")]
            .iter()
            .map(|(running, role)| json!({"role": role, "region": running.node.region, "url": running.url}))
            .collect();
    let tokens = json!({"province": stage.province.token, "440100": stage.guangzhou.token, "440300": stage.shenzhen.token});
    write_new(&options.data.join("tokens.json"), tokens.to_string().as_bytes())?;
    let artefacts = json!({
        "licences": options.data.join("licences"), "refused": options.data.join("refused"), "receipts": options.data.join("receipts"),
        "bundle": options.data.join("bundle"), "tokens": options.data.join("tokens.json"),
    });
    let mut out = std::io::stdout().lock();
    // Whoever closed the pipe has read enough: the tour is over and its result is in the exit code.
    let _closed = print_report(&mut out, options.json, stage, scenarios, &nodes, &artefacts, stopwatch);
    Ok(())
}

fn print_report(
    out: &mut impl Write,
    as_json: bool,
    stage: &Stage,
    scenarios: &[Scenario],
    nodes: &[Value],
    artefacts: &Value,
    stopwatch: &Stopwatch,
) -> std::io::Result<()> {
    if as_json {
        let elapsed = u64::try_from(stopwatch.elapsed().as_millis()).unwrap_or(u64::MAX);
        let report = json!({
            "nodes": nodes, "issued": stage.issued, "scenarios": scenarios, "artefacts": artefacts, "elapsed_ms": elapsed
        });
        return writeln!(out, "{report}");
    }
    for scenario in scenarios {
        let mark = if scenario.ok { "符合 ok" } else { "不符 WRONG" };
        writeln!(
            out,
            "{mark}  {}  应为 expected {}  得到 got {}",
            scenario.name, scenario.expected, scenario.got
        )?;
    }
    writeln!(out, "签发 issued {}，用时 elapsed {:.1} s", stage.issued, stopwatch.elapsed().as_secs_f64())?;
    nodes.iter().try_for_each(|node| writeln!(out, "{node}"))
}

/// Writes an artefact, making its folder.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).with_context(|| format!("{}", parent.display()))?;
    }
    std::fs::write(path, bytes).with_context(|| format!("{}", path.display()))
}
