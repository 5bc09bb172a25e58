//! `init`: a data directory for a new node.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};

use super::data::{Place, print, read};
use super::setup::open_store;
use licence_node::node::clock::Clock;
use licence_node::node::config::Role;
use licence_node::node::encoding::base64url;
use licence_node::node::rng::Rng;
use licence_node::publication::ceremony::OfficerKeys;
use licence_node::publication::ceremony::rehearsal::OFFICERS_FILE;
use licence_node::upkeep::initialise::{NewNode, PASSPHRASE, initialise};

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
    let (node, made) = initialise(&options.place.data, &new, &Clock::system(), &Rng::system(), &open_store)?;
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
