//! The demo: one province and two cities on loopback, the root ceremony, every type issued, all scenarios played.

#![forbid(unsafe_code)]

mod licences;
mod picture;
mod scenarios;
mod stranger;

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use licence_catalogue::approval::Proposal;
use licence_catalogue::{Release, embedded};
use licence_spec::log::cosignature::WitnessKey;
use licence_spec::trust::Entry;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use licence_node::access::clients::{self, NewClient};
use licence_node::app::App;
use licence_node::exchange::fetch::{Peer, agent};
use licence_node::exchange::pull::pull;
use licence_node::jobs;
use licence_node::node::Node;
use licence_node::node::clock::{Clock, Stopwatch};
use licence_node::node::config::{Config, Limits, Quota, Role, Source};
use licence_node::node::encoding::base64url;
use licence_node::node::keys::Usage;
use licence_node::node::rng::Rng;
use licence_node::operator::socket;
use licence_node::operator::{Command, execute};
use licence_node::publication::ceremony::rehearsal::appoint;
use licence_node::publication::ceremony::{NodeKeys, OFFICERS, Officers};
use licence_node::publication::documents::pin_root;
use licence_node::publication::publish_status::{open_lists, publish};
use licence_node::publication::timestamp::sign_timestamp;
use licence_node::upkeep::initialise::{NewNode, initialise};
use licence_node::upkeep::set_up::OpenStore;
use licence_web::{Server, Web};

/// What the demo can be told.
#[derive(Args)]
pub struct Options {
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

/// Longest time for one call to a node of the demo.
const PATIENCE: Duration = Duration::from_secs(60);
/// Name of the file with the root that the officers of the demo made: what a clerk compares and pins.
pub(crate) const ROOT: &str = "root_1.cbor";
/// The three nodes.
const REGIONS: [&str; 3] = ["440000", "440100", "440300"];
/// The officers' keys of the demo are encrypted with a passphrase that everybody knows: they protect nothing.
const PASSPHRASE: &str = "demo";

/// How one scenario came out.
#[derive(Serialize)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) expected: String,
    pub(crate) got: String,
    pub(crate) ok: bool,
}

/// A running node of the demo.
pub(crate) struct Running {
    app: Arc<App>,
    config: Config,
    pub(crate) url: String,
    pub(crate) token: String,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

/// Everything the scenarios play with.
pub(crate) struct Stage {
    pub(crate) province: Running,
    pub(crate) guangzhou: Running,
    pub(crate) shenzhen: Running,
    pub(crate) officers: Officers,
    pub(crate) entries: Vec<Entry>,
    pub(crate) witnesses: Vec<WitnessKey>,
    pub(crate) data: PathBuf,
    pub(crate) issued: usize,
}

/// Runs the demo; `Ok(false)` if a scenario did not answer as it must.
///
/// # Errors
/// If the folder is not empty, a port is taken, or a node cannot be made or asked.
pub fn run(options: &Options, open_store: OpenStore<'_>) -> Result<bool> {
    let stopwatch = Stopwatch::start();
    if options.data.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        bail!("数据目录 {0} 不为空 / data directory {0} is not empty", options.data.display());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut stage = set_up(options, &runtime, open_store)?;
    let scenarios = scenarios::play(&mut stage)?;
    let all_ok = scenarios.iter().all(|scenario| scenario.ok);
    report(options, &stage, &scenarios, &stopwatch)?;
    runtime.block_on(async {
        if !options.once {
            let nodes = [&stage.province, &stage.guangzhou, &stage.shenzhen];
            for running in nodes {
                let socket = socket::listen(&options.data.join("nodes").join(&running.node().region))?;
                tokio::spawn(socket::serve(socket, Arc::clone(running.node())));
            }
            let _jobs: Vec<_> = nodes.map(|running| jobs::start(&running.app, &running.config)).into();
            eprintln!("节点继续运行，按 Ctrl-C 结束 / the nodes keep serving, press Ctrl-C to end");
            tokio::signal::ctrl_c().await?;
        }
        for running in [stage.province, stage.guangzhou, stage.shenzhen] {
            running.end().await;
        }
        Ok::<_, anyhow::Error>(())
    })?;
    Ok(all_ok)
}

fn set_up(options: &Options, runtime: &tokio::runtime::Runtime, open_store: OpenStore<'_>) -> Result<Stage> {
    let (clock, rng) = (Clock::system(), Rng::system());
    // Ports first: nothing is made if one is taken.
    let servers = bind(options.base_port, runtime)?;
    let folder = options.data.join("officers");
    let approvers = appoint(&folder, PASSPHRASE, &rng)?;
    let officers = Officers::load(&folder.join("keys"), PASSPHRASE, "elicence.gd.demo")?;
    let mut running = Vec::new();
    for (server, region) in servers.into_iter().zip(REGIONS) {
        let directory = options.data.join("nodes").join(region);
        let (node, _) = initialise(
            &directory,
            &new_node(region, options.base_port, &approvers),
            &clock,
            &rng,
            open_store,
        )?;
        running.push(start(server, node, Config::load(&directory)?, runtime)?);
    }
    // Keys count from a little before now, so that a scope of one second ago already covers what is signed at once.
    let from = clock.now().plus(-60);
    let mut entries = Vec::new();
    for Running { app, .. } in &running {
        let keys = NodeKeys::of(&app.node)?;
        for authority in app.node.authorities.iter() {
            entries.push(keys.entry(authority, from)?);
        }
    }
    let Ok([province, guangzhou, shenzhen]) = <[Running; 3]>::try_from(running) else { bail!("three nodes") };
    let node = province.node();
    let timestamp = node.keys.signer(&node.authority, Usage::Timestamp).context("timestamp key")?;
    let root = officers.root(timestamp.public_key(), from)?;
    pin_root(node, &root)?;
    let witnesses: Vec<WitnessKey> = node.witness_key().into_iter().collect();
    sign_timestamp(node, 1, &officers.list(1, from, entries.clone(), &witnesses)?)?;
    publish_catalogue(node, &officers)?;
    for city in [&guangzhou, &shenzhen] {
        pin_root(city.node(), &root)?;
        pull(city.node(), &province.peer(), true)?;
        open_lists(city.node())?;
    }
    let stage = Stage {
        province,
        guangzhou,
        shenzhen,
        officers,
        entries,
        witnesses,
        data: options.data.clone(),
        issued: 0,
    };
    stage.exchange()?;
    Ok(stage)
}

/// Two officers approve the first version of the catalogue, and the province publishes it.
fn publish_catalogue(node: &Node, officers: &Officers) -> Result<()> {
    let data = embedded().map_err(|findings| anyhow::anyhow!("{findings}"))?;
    let now = node.clock.now();
    let proposal = Proposal::new(&data.compile(&Release::after(None, now, now)))?;
    let approvals = OFFICERS.into_iter().take(2).map(|officer| {
        let key = officers.approver(officer).context("officer")?;
        Ok(base64url(&proposal.approve(now, key)?))
    });
    let approvals = approvals.collect::<Result<_>>()?;
    execute(node, &Command::PublishCatalogue { proposal: base64url(proposal.payload()), approvals })?;
    Ok(())
}

/// Takes the ports of all nodes.
fn bind(base_port: u16, runtime: &tokio::runtime::Runtime) -> Result<Vec<Server>> {
    let last = u16::try_from(REGIONS.len() - 1)?;
    let ports = base_port..=base_port.checked_add(last).context("端口超出范围 / the port is out of range")?;
    let address = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    ports.map(|port| Ok(runtime.block_on(Server::bind(address(port), None))?)).collect()
}

/// What a node of the demo is told; its folder is a data directory that `serve` takes as well.
fn new_node(region: &str, base_port: u16, approvers: &[(String, String)]) -> NewNode {
    let host = |region: &str| match region {
        "440000" => "gd.elic.example",
        "440100" => "gz.elic.example",
        _ => "sz.elic.example",
    };
    let ports = (base_port..).zip(REGIONS);
    let port = |wanted: &str| {
        ports.clone().find(|(_, region)| *region == wanted).map_or(base_port, |(port, _)| port)
    };
    let others = REGIONS.into_iter().filter(|other| *other != region);
    let city = region != "440000";
    NewNode {
        store: None,
        witness: false,
        witnessed_by: Vec::new(),
        role: if city { Role::City } else { Role::Province },
        region: region.to_owned(),
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, port(region))),
        province: city.then(|| format!("https://{}", host("440000"))),
        peers: others
            .clone()
            .filter(|other| *other != "440000")
            .map(|other| format!("https://{}", host(other)))
            .collect(),
        production: false,
        addresses_in_clear: Vec::new(),
        officers: if city { Vec::new() } else { approvers.to_vec() },
        addresses: others
            .map(|other| (host(other).to_owned(), format!("http://127.0.0.1:{}", port(other))))
            .collect(),
    }
}

/// Starts the HTTP server of a node and makes a client token for it.
fn start(server: Server, node: Node, config: Config, runtime: &tokio::runtime::Runtime) -> Result<Running> {
    let token = clients::add(
        &node,
        &NewClient {
            id: "demo".to_owned(),
            name: "演示 demo".to_owned(),
            authorities: vec!["*".to_owned()],
            types: vec!["*".to_owned()],
            calls: vec!["*".to_owned()],
            days: 1,
        },
    )?;
    Ok(serve(server, node, config, token, runtime))
}

/// Starts the HTTP server of a node that has a client with this token.
fn serve(
    server: Server,
    node: Node,
    config: Config,
    token: String,
    runtime: &tokio::runtime::Runtime,
) -> Running {
    let url = format!("http://{}", server.address());
    // Those who try the demo measure it, too.
    let quota = Quota { per_minute: u64::MAX, per_day: u64::MAX };
    let limits = Limits { quota, ..config.limits.clone() };
    let app = App::new(Arc::new(node), &config);
    let (stop, stopped) = oneshot::channel();
    let serving = runtime.spawn(server.run(Web::new(Arc::clone(&app), limits), async {
        // Told, or the demo is gone: both mean to stop.
        drop(stopped.await);
    }));
    Running { app, config, url, token, stop, serving }
}

impl Running {
    /// The node itself.
    pub(crate) fn node(&self) -> &Arc<Node> {
        &self.app.node
    }

    /// The node as others ask it.
    fn peer(&self) -> Peer {
        Peer::new(Source { host: self.node().host.clone(), address: self.url.clone() })
    }

    /// Ends the server once its requests have ended.
    async fn end(self) {
        // If the server has ended by itself, there is nobody left to tell.
        let _gone = self.stop.send(());
        drop(self.serving.await);
        if let Some(node) = Arc::into_inner(self.app).and_then(|app| Arc::into_inner(app.node)) {
            node.close();
        }
    }

    /// One call with the demo's token; the status and the JSON body.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Result<(u16, Value)> {
        let mut answer = agent(PATIENCE, &self.url)
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
    pub(crate) fn exchange(&self) -> Result<()> {
        for city in [&self.guangzhou, &self.shenzhen] {
            pull(city.node(), &self.province.peer(), true)?;
        }
        pull(self.guangzhou.node(), &self.shenzhen.peer(), false)?;
        pull(self.shenzhen.node(), &self.guangzhou.peer(), false)?;
        Ok(())
    }

    /// Publishes all changed lists of both cities and exchanges them; a list is signed at most once a second, so this
    /// waits until nothing is left to publish.
    pub(crate) fn publish(&self) -> Result<()> {
        let (_never, tick) = channel::<()>();
        for city in [&self.guangzhou, &self.shenzhen] {
            for _ in 0..100 {
                publish(city.node(), false)?;
                if city.node().store.read()?.status_lists()?.iter().all(|list| list.dirty_since.is_none()) {
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
            .map(|(running, role)| json!({"role": role, "region": running.node().region, "url": running.url}))
            .collect();
    let tokens = json!({"province": stage.province.token, "440100": stage.guangzhou.token, "440300": stage.shenzhen.token});
    write_new(&options.data.join("tokens.json"), tokens.to_string().as_bytes())?;
    let artefacts = json!({
        "licences": options.data.join("licences"), "refused": options.data.join("refused"), "receipts": options.data.join("receipts"),
        "bundle": options.data.join("bundle"), "tokens": options.data.join("tokens.json"), "root": options.data.join(ROOT),
        "stranger": options.data.join("stranger"),
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
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).with_context(|| format!("{}", parent.display()))?;
    }
    std::fs::write(path, bytes).with_context(|| format!("{}", path.display()))
}

#[cfg(test)]
mod clock_ahead;
