//! `init`: a data directory for a new node.
//!
//! Order of durable steps: folder → passphrase → keys → database with an empty log → configuration. The configuration comes last:
//! an `init` that was cut off is run again, keeps what is there and makes the rest.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};

use super::data::{Place, print, read};
use super::setup::{Identity, authorities, make_keys, open_node, open_store, private_folder};
use crate::node::Node;
use crate::node::clock::Clock;
use crate::node::config::{Config, FILE, Role};
use crate::node::encoding::base64url;
use crate::node::keys::write_private;
use crate::node::rng::Rng;
use crate::publication::ceremony::OfficerKeys;

/// Name of the passphrase's file in the data directory.
const PASSPHRASE: &str = "passphrase";
/// Name of the file with the officers' public keys, beside their key files.
pub(super) const OFFICERS_FILE: &str = "officers.toml";

/// What kind of node.
#[derive(Args)]
pub(super) struct Options {
    #[command(flatten)]
    place: Place,
    /// 角色 / role
    #[arg(long)]
    role: RoleWord,
    /// 区划代码 / division code, such as 440100; 440000 for the province
    #[arg(long)]
    region: String,
    /// 监听地址 / where to listen
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8400")]
    listen: SocketAddr,
    /// 省节点公开地址 / public URL of the province, for a city
    #[arg(long, value_name = "URL")]
    province: Option<String>,
    /// 其他城市公开地址，可多次 / public URL of another city, repeatable
    #[arg(long = "peer", value_name = "URL")]
    peers: Vec<String>,
    /// 作见证：为其他节点的日志联署 / be a witness, too: cosign the logs of other nodes
    #[arg(long)]
    witness: bool,
    /// 除省节点外另请见证的节点，可多次 / public URL of another witness of this node's log, repeatable
    #[arg(long = "witnessed-by", value_name = "URL")]
    witnessed_by: Vec<String>,
    /// 省：签署人密钥文件夹，其公钥写入配置 / province: folder of the officers' keys, whose public halves go into the configuration
    #[arg(long, value_name = "DIR")]
    officers: Option<PathBuf>,
    /// 正式运行：拒绝暂定类型与合成机关代码 / in production: refuses provisional types and synthetic authorities
    #[arg(long)]
    production: bool,
    /// PostgreSQL 连接串，不含口令；缺省用 SQLite / keep the data in PostgreSQL: its URL, without a password; else in SQLite
    #[arg(long, value_name = "URL")]
    store: Option<String>,
    /// 数据库口令文件，权限 600，相对数据目录 / file with the database's password, mode 600, relative to the data directory
    #[arg(long, value_name = "FILE", requires = "store")]
    store_password_file: Option<String>,
    /// 名称到地址，可多次 / address of a host, repeatable, such as gd.elic.example=http://127.0.0.1:8400
    #[arg(long = "address", value_name = "HOST=URL", value_parser = host_and_address)]
    addresses: Vec<(String, String)>,
    /// 允许以明文跨网访问的主机，可多次 / host that may be asked by http:// across a network, in the clear, repeatable
    #[arg(long = "address-in-clear", value_name = "HOST")]
    addresses_in_clear: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
enum RoleWord {
    /// 省
    Province,
    /// 市
    City,
}

pub(super) fn host_and_address(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').map(|(host, url)| (host.to_owned(), url.to_owned()));
    pair.ok_or_else(|| "应为 主机=地址 / must be HOST=URL".to_owned())
}

/// What a new node is told.
pub(super) struct NewNode {
    pub(super) role: Role,
    pub(super) region: String,
    pub(super) listen: SocketAddr,
    pub(super) province: Option<String>,
    pub(super) peers: Vec<String>,
    /// Whether it is a witness, and who else cosigns its log.
    pub(super) witness: bool,
    pub(super) witnessed_by: Vec<String>,
    pub(super) addresses: Vec<(String, String)>,
    pub(super) addresses_in_clear: Vec<String>,
    pub(super) production: bool,
    /// URL of the database and its password file; SQLite if absent.
    pub(super) store: Option<(String, Option<String>)>,
    /// Names and public keys, base64url.
    pub(super) officers: Vec<(String, String)>,
}

/// The officers' names and public keys, as `trust officers` wrote them; else from the key files of single officers.
fn read_officers(folder: &Path) -> Result<Vec<(String, String)>> {
    let named = || format!("{}", folder.display());
    let path = folder.join(OFFICERS_FILE);
    if path.exists() {
        let table: toml::Table = fs::read_to_string(&path).with_context(named)?.parse()?;
        let keys = table.into_iter().filter_map(|(name, key)| Some((name, key.as_str()?.to_owned())));
        return Ok(keys.collect());
    }
    let mut officers = Vec::new();
    for entry in fs::read_dir(folder).with_context(named)? {
        let path = entry.with_context(named)?.path();
        if path.extension().is_some_and(|ending| ending == "toml") {
            let text = String::from_utf8(read(&path)?).with_context(named)?;
            let officer = OfficerKeys::from_toml(&text).with_context(|| format!("{}", path.display()))?;
            officers.push((officer.name, base64url(officer.approval.bytes())));
        }
    }
    officers.sort();
    Ok(officers)
}

pub(super) fn run(options: &Options) -> Result<()> {
    let role = match options.role {
        RoleWord::Province => Role::Province,
        RoleWord::City => Role::City,
    };
    let new = NewNode {
        role,
        region: options.region.clone(),
        listen: options.listen,
        province: options.province.clone(),
        peers: options.peers.clone(),
        witness: options.witness,
        witnessed_by: options.witnessed_by.clone(),
        addresses: options.addresses.clone(),
        addresses_in_clear: options.addresses_in_clear.clone(),
        production: options.production,
        store: options.store.clone().map(|url| (url, options.store_password_file.clone())),
        officers: options.officers.as_deref().map(read_officers).transpose()?.unwrap_or_default(),
    };
    let (node, made) = initialise(&options.place.data, &new, &Clock::system(), &Rng::system())?;
    node.close();
    let data = options.place.data.display();
    let next = match role {
        Role::Province => {
            "enrol request; trust root propose, sign, publish（演练 rehearsal: trust officers, root, list）; serve"
        }
        Role::City => "enrol request --out FILE，送交省节点 to the province; trust pin; serve",
    };
    print(&format!(
        "节点已建 node made: {data} · 密钥 keys: {made}\n\
         口令文件 {PASSPHRASE} 与 keys/ 请分开备份 / keep {PASSPHRASE} and keys/ in separate backups\n\
         下一步 next: {next}"
    ))
}

/// Makes the data directory of a node; the node, and how many keys were made.
///
/// # Errors
/// If a node is there already, or a step fails; running it again goes on where it stopped.
pub(super) fn initialise(directory: &Path, new: &NewNode, clock: &Clock, rng: &Rng) -> Result<(Node, usize)> {
    let text = configuration(new);
    let config = Config::parse(&text).context("参数 / the arguments make no configuration")?;
    let authorities = authorities(directory, &config)?;
    let path = directory.join(FILE);
    if path.exists() {
        bail!("{0} 已有节点 / {0} holds a node already", directory.display());
    }
    private_folder(directory).with_context(|| format!("{}", directory.display()))?;
    if !directory.join(PASSPHRASE).exists() {
        let secret: [u8; 32] = rng.bytes()?;
        let path = directory.join(PASSPHRASE);
        write_private(&path, base64url(&secret).as_bytes()).with_context(|| format!("{}", path.display()))?;
    }
    let passphrase = config.passphrase(directory)?;
    let identity =
        Identity { config: &config, passphrase: &passphrase, clock: clock.clone(), rng: rng.clone() };
    let (keys, made) = make_keys(directory, &identity, &authorities)?;
    let node = open_node(open_store(directory, &config)?, keys, &identity, authorities)?;
    write_private(&path, text.as_bytes()).with_context(|| format!("{}", path.display()))?;
    Ok((node, made))
}

fn configuration(new: &NewNode) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let store = new.store.as_ref().map_or_else(String::new, |(url, file)| {
        let file =
            file.as_ref().map_or_else(String::new, |file| format!("password_file = {}\n", quoted(file)));
        format!("[store]\nurl = {}\n{file}\n", quoted(url))
    });
    let urls = |urls: &[String]| urls.iter().map(|url| quoted(url)).collect::<Vec<_>>().join(", ");
    let witnessed_by = match new.witnessed_by.as_slice() {
        [] => String::new(),
        own => format!("witnessed_by = [{}]\n", urls(own)),
    };
    let province =
        new.province.as_deref().map_or_else(String::new, |url| format!("province = {}\n", quoted(url)));
    let in_clear = match new.addresses_in_clear.as_slice() {
        [] => String::new(),
        hosts => {
            let hosts: Vec<String> = hosts.iter().map(|host| quoted(host)).collect();
            format!("addresses_in_clear = [{}]\n", hosts.join(", "))
        }
    };
    let addresses: String =
        new.addresses.iter().map(|(host, url)| format!("{} = {}\n", quoted(host), quoted(url))).collect();
    let officers: String =
        new.officers.iter().map(|(name, key)| format!("{} = {}\n", quoted(name), quoted(key))).collect();
    format!(
        "# 全部配置项见 / all keys: licence-registry config example\n\
         role = \"{role}\"\nregion = {region}\n\
         # 试运行为 false：可签发暂定类型 / false: a rehearsal, in which provisional types may be issued\n\
         production = {production}\n{witness}{in_clear}\n\
         [listen]\naddress = \"{listen}\"\n\n\
         {store}[keys]\npassphrase_file = \"{PASSPHRASE}\"\n\n\
         [pull]\n{province}peers = [{peers}]\n{witnessed_by}\n\
         [addresses]\n{addresses}\n\
         [catalogue.officers]\n{officers}",
        role = new.role.as_str(),
        region = quoted(&new.region),
        production = new.production,
        listen = new.listen,
        peers = urls(&new.peers),
        witness = if new.witness { "witness = true\n" } else { "" },
    )
}
