//! `restore`: a node from a backup, in two steps: unpacked and marked, then caught up with what the world has seen of it.
//!
//! Order of the first step: a folder under a temporary name beside the target → files, each fsynced → the database checked, opened and
//! marked → the folder gets its name, durable. Whatever fails on the way leaves nothing of the target's name. Between the
//! steps the operator puts the passphrase of the keys into its place, which no backup holds. The order of the second step stands in
//! `licence_node::upkeep::restore`. Whoever hands over a backup may know its passphrase: names, kinds and sizes are bounded by `licence_node::upkeep::backup`.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufReader, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use clap::Args;
use licence_spec::numbers::MAX_CHECKPOINT;
use licence_spec::time::UnixTime;
use licence_store::{ClientRow, Store as _};
use licence_store_sqlite::SqliteStore;

use super::data::{Place, print};
use super::init::host_and_address;
use super::setup::{connect, open_restored};
use licence_node::exchange::ask_witness::ask_by_http;
use licence_node::exchange::ask_witness::{Ask, Reply};
use licence_node::exchange::error::ExchangeError;
use licence_node::exchange::fetch::Peer;
use licence_node::exchange::follow::index_page;
use licence_node::exchange::index_record::IndexPage;
use licence_node::exchange::paths::{INDEX, MIRRORS};
use licence_node::exchange::pull;
use licence_node::node::Node;
use licence_node::node::clock::Clock;
use licence_node::node::config::{Config, FILE, Source, read_passphrase};
use licence_node::node::encoding::digest_text;
use licence_node::publication::documents;
use licence_node::upkeep::backup::{self, CONFIG, KEYS, Manifest, Part};
use licence_node::upkeep::fsck;
use licence_node::upkeep::restore::{Caught, Mirror, catch_up, go_on_without_mirror, mark};

/// What to restore, or which restored node to catch up.
#[derive(Args)]
pub(super) struct Options {
    /// 备份文件 / the backup
    #[arg(required_unless_present = "resume", conflicts_with = "resume", value_name = "FILE")]
    file: Option<PathBuf>,
    /// 新的或空的数据目录 / a data directory that is new or empty
    #[arg(long, value_name = "DIR", required_unless_present_any = ["resume", "check"], conflicts_with = "resume")]
    to: Option<PathBuf>,
    /// 备份口令文件，权限 600 / file with the passphrase of the backup, mode 600
    #[arg(long, value_name = "FILE", required_unless_present = "resume", conflicts_with = "resume")]
    passphrase_file: Option<PathBuf>,
    /// 只校验，不写入 / only check the backup, write nothing
    #[arg(long, conflicts_with_all = ["to", "resume"])]
    check: bool,
    /// 补齐 --data 中已恢复的节点 / catch up the restored node in --data
    #[arg(long)]
    resume: bool,
    #[command(flatten)]
    place: Place,
    /// 持有镜像的节点；缺省为所配省节点 / the node that holds the mirror, such as gd.elic.example=http://127.0.0.1:8400; else the configured province
    #[arg(long, value_name = "HOST=URL", value_parser = host_and_address, requires = "resume")]
    mirror: Option<(String, String)>,
    /// 无镜像也继续：备份之后的一切丢失；须写明本节点日志名称 / go on without any mirror: all that came after the backup is lost; takes the name of this node's log
    #[arg(long, value_name = "ORIGIN", requires = "resume", conflicts_with = "mirror")]
    no_mirror: Option<String>,
    /// 不询问此见证节点（主机名，可多次）：它若已联署备份之后的日志，本日志将分叉，此后永不获联署 / do not ask this witness, by its host, repeatable:
    /// if it has cosigned more than comes back, this log forks and is never cosigned again
    #[arg(long = "without-witness", value_name = "HOST", requires = "resume")]
    without_witness: Vec<String>,
}

pub(super) fn run(options: &Options) -> Result<()> {
    let (Some(file), Some(words)) = (&options.file, &options.passphrase_file) else {
        return resume(options);
    };
    let passphrase = read_passphrase(words)?;
    let open = || File::open(file).map(BufReader::new).with_context(|| format!("{}", file.display()));
    match &options.to {
        None => describe("完好 sound", &backup::check(open()?, &passphrase)?),
        Some(to) => {
            refuse_occupied(to)?;
            let folder = Unfinished::create(to)?;
            let manifest =
                backup::read(open()?, &passphrase, &mut |_, part, content| folder.take(part, content))?;
            let config = folder.settle(&manifest)?;
            folder.name(to)?;
            let next = match &config.passphrase_file {
                Some(name) => format!(
                    "将密钥口令放入 put the passphrase of the keys into {} (600); ",
                    to.join(name).display()
                ),
                None => String::new(),
            };
            describe("已恢复，尚未补齐 restored, not caught up yet", &manifest)?;
            print(&format!("下一步 next: {next}licence-registry restore --resume --data {}", to.display()))
        }
    }
}

fn describe(what: &str, manifest: &Manifest) -> Result<()> {
    print(&format!(
        "{what}：{origin}，叶 leaves {size}，根 root {root}，文件 files {files}",
        origin = manifest.origin,
        size = manifest.log_size,
        root = manifest.log_root,
        files = manifest.files.len(),
    ))
}

/// A directory that is there must be empty, and no link.
fn refuse_occupied(to: &Path) -> Result<()> {
    let named = || format!("{}", to.display());
    match fs::symlink_metadata(to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(named),
        Ok(found) if found.is_dir() && fs::read_dir(to).with_context(named)?.next().is_none() => Ok(()),
        Ok(_) => bail!("{0} 不是空目录 / {0} is not an empty directory", to.display()),
    }
}

/// A folder beside the target that is removed unless it gets its name.
struct Unfinished {
    path: PathBuf,
}

impl Unfinished {
    fn create(to: &Path) -> Result<Self> {
        let name = to.file_name().and_then(|name| name.to_str());
        let name =
            name.with_context(|| format!("{0} 不是目录名 / {0} is no name of a directory", to.display()))?;
        let path = to.with_file_name(format!(".unfinished-{name}"));
        // Not removed if it is there: it may be that of a restore that still runs.
        let made = DirBuilder::new().mode(0o700).create(&path);
        made.with_context(|| {
            format!(
                "{0}（若为中断的恢复所留，请删除 / if a restore that was killed has left it, remove it）",
                path.display()
            )
        })?;
        Ok(Self { path })
    }

    /// Writes one file, durably. Its name is one of those that a manifest may have.
    fn take(&self, part: &Part, content: &mut dyn Read) -> io::Result<()> {
        let path = self.path.join(&part.name);
        if part.name.starts_with(KEYS) {
            match DirBuilder::new().mode(0o700).create(self.path.join(KEYS)) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        io::copy(content, &mut file)?;
        file.flush()?;
        file.sync_all()
    }

    /// Checks the database and what the configuration says against the manifest, and marks the data as restored.
    fn settle(&self, manifest: &Manifest) -> Result<Config> {
        let config = Config::load(&self.path).with_context(|| CONFIG.to_owned())?;
        let same = config.role.as_str() == manifest.role && config.region == manifest.region;
        ensure!(
            same && config.store.is_none(),
            "配置与清单不符 / the configuration is not that of the manifest"
        );
        let store = SqliteStore::open(&self.path)?;
        store.check_sound()?;
        let read = store.read()?;
        let (node, head) = (read.node()?, read.log_head()?);
        let is_node = node.is_some_and(|node| node.role == manifest.role && node.region == manifest.region);
        let is_log = head.is_some_and(|head| {
            (head.origin, head.size, digest_text(&head.root))
                == (manifest.origin.clone(), manifest.log_size, manifest.log_root.clone())
        });
        drop(read);
        ensure!(is_node && is_log, "数据库与清单不符 / the database is not that of the manifest");
        mark(&store, Clock::system().now())?;
        drop(store);
        Ok(config)
    }

    /// Gives the folder its name, durably.
    fn name(self, to: &Path) -> Result<()> {
        let named = || format!("{}", to.display());
        let keys = self.path.join(KEYS);
        for folder in [keys.as_path(), &self.path].into_iter().filter(|folder| folder.is_dir()) {
            File::open(folder).and_then(|folder| folder.sync_all()).with_context(named)?;
        }
        // Over a directory only if that is empty; the system refuses anything else.
        fs::rename(&self.path, to).with_context(named)?;
        let above = to.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(above).and_then(|above| above.sync_all()).with_context(named)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // After the renaming there is nothing left of this name.
        let _gone = fs::remove_dir_all(&self.path);
    }
}

/// The second step.
fn resume(options: &Options) -> Result<()> {
    let directory = &options.place.data;
    ensure!(directory.join(FILE).is_file(), "{0} 没有节点数据 / {0} holds no node", directory.display());
    let config = Config::load(directory)?;
    check_rows(directory, &config)?;
    let node = open_restored(directory, &config)?;
    let caught = match &options.no_mirror {
        Some(origin) => without_mirror(&node, &config, origin, options),
        None => from_mirror(&node, &config, options),
    };
    let (now, clients) = (node.clock.now(), node.store.read()?.clients());
    node.close();
    report(now, &caught?)?;
    warn_of_clients(now, &clients?);
    print("下一步 next: licence-registry serve")
}

/// A backup that was changed by somebody who knows its passphrase shows here: rows and log must be of one piece.
fn check_rows(directory: &Path, config: &Config) -> Result<()> {
    let store = connect(directory, config)?;
    let evidence = documents::load_evidence(&*store)?;
    let report = fsck::fsck(&*store, evidence.trust_list().map(|list| &**list), &mut |_, _| {})?;
    match report.findings.first() {
        None => Ok(()),
        Some(first) => bail!(
            "恢复的数据有误，共 {0} 处 / the restored data are damaged in {0} places: {first}",
            report.faults
        ),
    }
}

/// All who may have cosigned this node's log, but those whom the operator goes on without.
struct Witnesses(Vec<Peer>);

impl Witnesses {
    /// The witnesses of the policy in the trust list, and those of the configuration; under the address that was named for one of them.
    fn new(node: &Node, config: &Config, options: &Options) -> Result<Witnesses> {
        let mut sources: BTreeMap<String, Source> = BTreeMap::new();
        let evidence = node.evidence.snapshot();
        let policy = evidence.trust_list().map(|list| list.policy());
        let listed = policy.into_iter().flat_map(|policy| policy.witnesses());
        for host in listed.filter_map(|key| key.name().split('/').next()) {
            let address = config.addresses.get(host).cloned().unwrap_or_else(|| format!("https://{host}"));
            sources.insert(host.to_owned(), Source { host: host.to_owned(), address });
        }
        let own = config.province.iter().chain(&config.witnessed_by).cloned();
        let named = options.mirror.clone().map(|(host, address)| Source { host, address });
        let named = named.filter(|named| {
            sources.contains_key(&named.host) || own.clone().any(|own| own.host == named.host)
        });
        sources.extend(own.chain(named).map(|source| (source.host.clone(), source)));
        sources.remove(&node.host);
        for host in &options.without_witness {
            let known = sources.remove(host).is_some();
            ensure!(
                known,
                "--without-witness {host}: 不是本节点日志的见证 / is no witness of this node's log"
            );
            eprintln!(
                "注意：未询问见证节点 {host}；它若已联署备份之后的日志，本日志自此分叉，永不再获其联署 / WARNING: {host} is not asked; if it has cosigned more than comes back, this log forks here, and is never cosigned by it again"
            );
        }
        Ok(Witnesses(sources.into_values().map(Peer::new).collect()))
    }

    /// Asks as a node does, naming whom it asks and what to do if there is no answer.
    fn asks<'a>(&'a self, node: &'a Node) -> Vec<impl FnMut(&str) -> Result<Reply, ExchangeError> + 'a> {
        let ask = move |peer: &'a Peer| {
            move |body: &str| {
                ask_by_http(node, peer, body)
                    .map_err(|error| error.with(&format!("(--without-witness {})", peer.host())))
            }
        };
        self.0.iter().map(ask).collect()
    }
}

fn from_mirror(node: &Node, config: &Config, options: &Options) -> Result<Caught> {
    let named = options.mirror.clone().map(|(host, address)| Source { host, address });
    let source = named.or_else(|| config.province.clone()).context(
        "没有可用的镜像：用 --mirror 指定；无人镜像本节点日志时用 --no-mirror / no mirror: name one by --mirror, or use --no-mirror if nobody mirrors this node's log",
    )?;
    let (peer, witnesses) = (Peer::new(source), Witnesses::new(node, config, options)?);
    let mut asks = witnesses.asks(node);
    let mirror = Mirror {
        fetch: &mut |path, cap| peer.get(path, cap),
        pages: &mut |after| page(node, &peer, after),
        witnesses: asks.iter_mut().map(|ask| ask as Ask<'_>).collect(),
    };
    Ok(catch_up(node, mirror)?)
}

fn page(node: &Node, peer: &Peer, after: u64) -> Result<IndexPage, ExchangeError> {
    let path = format!("{INDEX}?origin={}&after={after}", node.origin());
    index_page(node, peer, &path)
}

/// Only for a node whose log nobody mirrors; whoever asks for it writes down which one that is.
fn without_mirror(node: &Node, config: &Config, origin: &str, options: &Options) -> Result<Caught> {
    ensure!(
        origin == node.origin(),
        "--no-mirror 应写明本节点日志名称 {0}/log / must name this node's log: {0}/log",
        node.host
    );
    if let Some(province) =
        config.province.as_ref().filter(|own| !options.without_witness.contains(&own.host))
    {
        let peer = Peer::new(province.clone());
        let path = format!("{MIRRORS}/{}/checkpoint", node.host);
        let asked = peer.get_signed(node, &path, MAX_CHECKPOINT);
        let status =
            asked.map_err(|error| anyhow::anyhow!("{error} (--without-witness {})", province.host))?.status;
        ensure!(
            status == 404,
            "省节点应答 {status}，不能确认它没有本节点的镜像 / the province answers {status}: not that it has no mirror of this node's log"
        );
        pull::pull(node, &peer, true)?;
    }
    for peer in config.peers.iter().cloned().map(Peer::new) {
        if let Err(error) = pull::pull(node, &peer, true) {
            eprintln!("注意 warning: {} {error}", peer.host());
        }
    }
    eprintln!(
        "注意：备份之后签发、撤销的一切都已丢失 / WARNING: whatever was issued or revoked after the backup is lost"
    );
    // By the newest trust list that can be had: it may name a witness that the backup does not know.
    let witnesses = Witnesses::new(node, config, options)?;
    let mut asks = witnesses.asks(node);
    Ok(go_on_without_mirror(node, asks.iter_mut().map(|ask| ask as Ask<'_>).collect())?)
}

fn report(now: UnixTime, caught: &Caught) -> Result<()> {
    let Caught { from, size, licences, changes, last } = caught;
    print(&format!(
        "已补齐 caught up：叶 leaves {from} → {size}，证照 licences {licences}，状态变更 status changes {changes}"
    ))?;
    eprintln!(
        "注意：最后一叶签于 {last}（{ago} 秒前）；其后已应答而未及镜像的签发与变更已丢失，请与审批系统核对 / WARNING: the last leaf is of {last}, {ago} seconds ago; what was acknowledged after it and came to no mirror is lost: compare with the approval systems",
        ago = now.since(*last)
    );
    Ok(())
}

/// Who was revoked after the backup is not known: whoever is good now is named.
fn warn_of_clients(now: UnixTime, clients: &[ClientRow]) {
    let good = clients.iter().filter(|client| client.revoked_at.is_none() && now.0 < client.expires_at);
    let good: Vec<&str> = good.map(|client| client.id.as_str()).collect();
    eprintln!(
        "注意：备份之后吊销的客户端令牌又复活；启动前逐一核对，可疑者执行 licence-registry client revoke。现有效 / WARNING: client tokens revoked after the backup are good again: look at each before serving, and revoke by licence-registry client revoke. Good now: {}",
        good.join(", ")
    );
}
