//! A data directory for a new node.
//!
//! Order of durable steps: folder → passphrase → keys → database with an empty log → configuration. The configuration comes last:
//! an `init` that was cut off is run again, keeps what is there and makes the rest.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::node::Node;
use crate::node::clock::Clock;
use crate::node::config::{Config, FILE, Role};
use crate::node::encoding::base64url;
use crate::node::files::private_folder;
use crate::node::keys::write_private;
use crate::node::rng::Rng;
use crate::upkeep::set_up::{Identity, OpenStore, authorities, make_keys, open_node};

/// Name of the passphrase's file in the data directory.
pub const PASSPHRASE: &str = "passphrase";

/// What a new node is told.
pub struct NewNode {
    /// Province or city.
    pub role: Role,
    /// Division code.
    pub region: String,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Public URL of the province, for a city.
    pub province: Option<String>,
    /// Public URLs of other cities.
    pub peers: Vec<String>,
    /// Whether it is a witness.
    pub witness: bool,
    /// Who else cosigns its log.
    pub witnessed_by: Vec<String>,
    /// Addresses of hosts.
    pub addresses: Vec<(String, String)>,
    /// Hosts that may be asked in the clear.
    pub addresses_in_clear: Vec<String>,
    /// Whether its licences count.
    pub production: bool,
    /// URL of the database and its password file; SQLite if absent.
    pub store: Option<(String, Option<String>)>,
    /// Names and public keys, base64url.
    pub officers: Vec<(String, String)>,
}

/// Makes the data directory of a node; the node, and how many keys were made.
///
/// # Errors
/// If a node is there already, or a step fails; running it again goes on where it stopped.
pub fn initialise(
    directory: &Path,
    new: &NewNode,
    clock: &Clock,
    rng: &Rng,
    open_store: OpenStore<'_>,
) -> Result<(Node, usize)> {
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
