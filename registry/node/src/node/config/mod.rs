//! The configuration of a node: read once at start, checked whole, and never asked of the environment again.
//!
//! In scope: the file `config.toml`, its defaults and its schema, the passphrase of the keys. Out of scope: which authorities
//! a node serves (the catalogue's data says so), rules of judgement (policies are data of their own).
//! Every key has a safe absence; an unknown key is an error; errors name the file, the line and the key.

mod address;
mod database;
mod limits;
mod raw;

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use licence_spec::identifiers::NodeId;
use licence_spec::suite::{PublicKey, Suite};
use toml::Spanned;
use utoipa::PartialSchema as _;
use utoipa::ToSchema as _;
use zeroize::Zeroizing;

use crate::node::encoding::from_base64url;

pub use address::in_clear;
pub use database::Database;
pub use limits::{Limits, Quota};
pub use raw::{Level, RawConfig, Role};
use raw::{RawStore, RawTrust};

/// Name of the file in the data directory.
pub const FILE: &str = "config.toml";
/// A commented configuration, which `licence-registry config example` prints.
pub const EXAMPLE: &str = include_str!("example.toml");
/// The variable that may hold the passphrase of the keys.
pub const PASSPHRASE_VARIABLE: &str = "LICENCE_REGISTRY_PASSPHRASE";
/// Seconds of an hour.
const HOUR_S: i64 = 3_600;
/// Longest configuration file, bytes.
const MAX_FILE: u64 = 65_536;
/// Longest passphrase, bytes.
const MAX_PASSPHRASE: usize = 1_024;

/// A checked configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// What the node is.
    pub role: Role,
    /// Its division code.
    pub region: String,
    /// Whether its licences count.
    pub production: bool,
    /// Whether it cosigns the logs of others.
    pub witness: bool,
    /// Where it listens.
    pub listen: SocketAddr,
    /// Where it answers the monitoring, and nobody else.
    pub operator: Option<SocketAddr>,
    /// The database; `None` for SQLite in the data directory.
    pub store: Option<Database>,
    /// A hot standby of the database.
    pub replica: Option<Database>,
    /// The file with the passphrase, if it is not in the environment.
    pub passphrase_file: Option<PathBuf>,
    /// Where the province is reached; `None` on the province.
    pub province: Option<Source>,
    /// Where other cities are reached.
    pub peers: Vec<Source>,
    /// Where it has its log cosigned beside the province.
    pub witnessed_by: Vec<Source>,
    /// Addresses of hosts that are not reached at `https://` and their name. One that begins with `http://` is loopback, or its host
    /// stands in `addresses_in_clear`.
    pub addresses: BTreeMap<String, String>,
    /// Hosts that are asked in the clear across a network, because somebody said so.
    pub addresses_in_clear: Vec<String>,
    /// Folder of the catalogue's data, as written; `None` = the data of the program.
    pub catalogue_folder: Option<PathBuf>,
    /// Officers who approve a catalogue version, by name.
    pub catalogue_officers: Vec<(String, PublicKey)>,
    /// Time between two pulls.
    pub pull_interval: Duration,
    /// Leaves of one log that are mirrored on one day at most.
    pub mirror_leaves_per_day: u64,
    /// Time between two looks for changed status lists.
    pub publish_interval: Duration,
    /// How long it goes on by itself.
    pub disconnection: Disconnection,
    /// For how many months rows of the audit are kept.
    pub audit_months: u32,
    /// Limits of the HTTP edge.
    pub limits: Limits,
    /// Level of the log.
    pub level: Level,
}

/// Another node: the name that stands in signed objects, and the address to which it is mapped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Host of the node's public URL.
    pub host: String,
    /// `http://…` or `https://…` without a path; equal to the public URL if no address is given.
    pub address: String,
}

/// How long a node, and those that rely on it, go on without each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disconnection {
    /// Life of a timestamp that this node signs, seconds: so long others verify without it.
    pub timestamp_life_s: i64,
    /// How long this node issues after its trust files have ended, seconds; `None` = as long as its keys may.
    pub issue_after_end_s: Option<i64>,
}

impl Default for Disconnection {
    fn default() -> Disconnection {
        Disconnection { timestamp_life_s: 72 * HOUR_S, issue_after_end_s: None }
    }
}

/// Why a configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("无法读取 {path} / cannot read {path}: {error}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The file is longer than 64 KiB.
    #[error("{path} 过大 / {path} is too large for a configuration")]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// A key or value is wrong.
    #[error("第 {line} 行 / line {line}: {what}")]
    Wrong {
        /// Line in the file, from 1; 1 for what is missing altogether.
        line: usize,
        /// What is wrong, naming the key.
        what: String,
    },
    /// No passphrase, or two of them, or one that others may read.
    #[error("{0}")]
    Passphrase(String),
}

/// Line of a byte offset, from 1.
fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// Reads and checks one file's text; knows the text so that errors can name lines.
struct Reader<'a>(&'a str);

impl Reader<'_> {
    fn wrong<T>(&self, at: &Spanned<T>, what: impl Into<String>) -> ConfigError {
        ConfigError::Wrong { line: line_of(self.0, at.span().start), what: what.into() }
    }

    fn number(&self, key: &str, value: &Spanned<u64>, range: (u64, u64)) -> Result<u64, ConfigError> {
        let (low, high) = range;
        if (low..=high).contains(value.get_ref()) {
            return Ok(*value.get_ref());
        }
        Err(self
            .wrong(value, format!("`{key}` 应在 {low} 至 {high} 之间 / must lie between {low} and {high}")))
    }

    fn count(&self, key: &str, value: &Spanned<u64>, high: u64) -> Result<usize, ConfigError> {
        // Cannot be cut off: no limit is above 2^20.
        self.number(key, value, (1, high)).map(|number| usize::try_from(number).unwrap_or(usize::MAX))
    }

    fn seconds(&self, key: &str, value: &Spanned<u64>, range: (u64, u64)) -> Result<Duration, ConfigError> {
        self.number(key, value, range).map(Duration::from_secs)
    }

    fn disconnection(&self, raw: &RawTrust) -> Result<Disconnection, ConfigError> {
        let hours = |key, value, range| {
            // Cannot be cut off: the ranges are small.
            self.number(key, value, range).map(|hours| i64::try_from(hours).unwrap_or(i64::MAX) * HOUR_S)
        };
        let after = raw.issue_after_end_h.as_ref();
        Ok(Disconnection {
            timestamp_life_s: hours("trust.timestamp_life_h", &raw.timestamp_life_h, (3, 168))?,
            issue_after_end_s: after
                .map(|value| hours("trust.issue_after_end_h", value, (0, 87_600)))
                .transpose()?,
        })
    }

    fn listen(&self, raw: &RawConfig) -> Result<SocketAddr, ConfigError> {
        let place = &raw.listen.address;
        let address = self.place("listen.address", place)?;
        if !address.ip().is_loopback() && !raw.listen.behind_tls_proxy {
            return Err(self.wrong(
                place,
                "`listen.address` 不是本机回环地址：须置于 TLS 代理之后并设 behind_tls_proxy = true / is not loopback: put a TLS \
                 proxy in front and set behind_tls_proxy = true",
            ));
        }
        Ok(address)
    }

    fn place(&self, key: &str, place: &Spanned<String>) -> Result<SocketAddr, ConfigError> {
        let what =
            || format!("`{key}` 应为地址:端口 / must be an address and a port, such as 127.0.0.1:8401");
        place.get_ref().parse().map_err(|_| self.wrong(place, what()))
    }

    fn proxies(&self, raw: &RawConfig) -> Result<Vec<IpAddr>, ConfigError> {
        let one = |text: &Spanned<String>| {
            let what = "`listen.proxies` 应为 IP 地址 / must be IP addresses";
            text.get_ref().parse().map_err(|_| self.wrong(text, what))
        };
        raw.listen.proxies.iter().map(one).collect()
    }

    fn source(
        &self,
        key: &str,
        url: &Spanned<String>,
        addresses: &BTreeMap<String, Spanned<String>>,
    ) -> Result<Source, ConfigError> {
        let wrong =
            || self.wrong(url, format!("`{key}` 应为 https:// 加主机名 / must be https:// and a host name"));
        let host = url.get_ref().strip_prefix("https://").ok_or_else(wrong)?;
        if host.is_empty()
            || host.bytes().any(|byte| !byte.is_ascii_alphanumeric() && !b".-:".contains(&byte))
        {
            return Err(wrong());
        }
        let address = addresses.get(host).map_or(url.get_ref(), Spanned::get_ref).clone();
        Ok(Source { host: host.to_owned(), address })
    }

    /// The database and its hot standby.
    fn store(&self, raw: &RawStore) -> Result<(Option<Database>, Option<Database>), ConfigError> {
        let file = raw.password_file.as_ref();
        let alone = [("store.password_file", file), ("store.replica_url", raw.replica_url.as_ref())];
        if raw.url.is_none()
            && let Some((key, value)) =
                alone.into_iter().find_map(|(key, value)| value.map(|value| (key, value)))
        {
            return Err(
                self.wrong(value, format!("`{key}` 须与 `store.url` 同用 / is of use with `store.url` only"))
            );
        }
        let database = |key: &str, url: &Spanned<String>| {
            Database::new(url.get_ref(), file.map(|file| PathBuf::from(file.get_ref())))
                .map_err(|what| self.wrong(url, format!("`{key}` {what}")))
        };
        let url = raw.url.as_ref().map(|url| database("store.url", url)).transpose()?;
        let replica = raw.replica_url.as_ref().map(|url| database("store.replica_url", url)).transpose()?;
        Ok((url, replica))
    }

    fn officers(&self, raw: &RawConfig) -> Result<Vec<(String, PublicKey)>, ConfigError> {
        let one = |(name, text): (&String, &Spanned<String>)| {
            let key = from_base64url(text.get_ref())
                .and_then(|bytes| PublicKey::import(Suite::Ed25519, &bytes).ok());
            let what = || format!("`catalogue.officers.{name}` 不是公钥 / is no public key");
            key.map(|key| (name.clone(), key)).ok_or_else(|| self.wrong(text, what()))
        };
        raw.catalogue.officers.iter().map(one).collect()
    }

    fn addresses(&self, raw: &RawConfig) -> Result<(), ConfigError> {
        let named = |host: &str| raw.addresses_in_clear.iter().any(|own| own.get_ref() == host);
        for (host, address) in &raw.addresses {
            let told = address::check(host, address.get_ref(), named(host));
            told.map_err(|what| self.wrong(address, what))?;
        }
        let needless = |host: &&Spanned<String>| {
            !raw.addresses.get(host.get_ref()).is_some_and(|address| in_clear(address.get_ref()))
        };
        match raw.addresses_in_clear.iter().find(needless) {
            None => Ok(()),
            Some(host) => {
                let what = format!(
                    "`addresses_in_clear` 中的 {0} 没有明文地址 / {0} has no http:// address that would need it",
                    host.get_ref()
                );
                Err(self.wrong(host, what))
            }
        }
    }
}

impl Config {
    /// Reads `config.toml` of a data directory.
    ///
    /// # Errors
    /// [`ConfigError`] for the first fault found.
    pub fn load(directory: &Path) -> Result<Config, ConfigError> {
        let path = directory.join(FILE);
        let failed = |error| ConfigError::File { path: path.clone(), error };
        if fs::metadata(&path).map_err(failed)?.len() > MAX_FILE {
            return Err(ConfigError::TooLarge { path });
        }
        Config::parse(&fs::read_to_string(&path).map_err(failed)?)
    }

    /// Reads the text of a configuration.
    ///
    /// # Errors
    /// [`ConfigError::Wrong`] for the first fault found.
    pub fn parse(text: &str) -> Result<Config, ConfigError> {
        let raw: RawConfig = toml::from_str(text).map_err(|error| ConfigError::Wrong {
            line: line_of(text, error.span().map_or(0, |span| span.start)),
            what: syntax(text, &error),
        })?;
        let reader = Reader(text);
        NodeId::parse(raw.region.get_ref())
            .map_err(|_| reader.wrong(&raw.region, "`region` 不是区划代码 / is no division code"))?;
        reader.addresses(&raw)?;
        let source = |key, url| reader.source(key, url, &raw.addresses);
        let (store, replica) = reader.store(&raw.store)?;
        Ok(Config {
            role: raw.role,
            region: raw.region.get_ref().clone(),
            production: raw.production,
            witness: raw.witness || raw.role == Role::Province,
            listen: reader.listen(&raw)?,
            operator: raw
                .operator
                .address
                .as_ref()
                .map(|at| reader.place("operator.address", at))
                .transpose()?,
            catalogue_folder: raw.catalogue.folder.as_ref().map(|folder| PathBuf::from(folder.get_ref())),
            catalogue_officers: reader.officers(&raw)?,
            store,
            replica,
            passphrase_file: raw.keys.passphrase_file.as_ref().map(|file| PathBuf::from(file.get_ref())),
            province: raw.pull.province.as_ref().map(|url| source("pull.province", url)).transpose()?,
            peers: raw.pull.peers.iter().map(|url| source("pull.peers", url)).collect::<Result<_, _>>()?,
            witnessed_by: raw
                .pull
                .witnessed_by
                .iter()
                .map(|url| source("pull.witnessed_by", url))
                .collect::<Result<_, _>>()?,
            addresses: raw.addresses.iter().map(|(host, to)| (host.clone(), to.get_ref().clone())).collect(),
            addresses_in_clear: raw.addresses_in_clear.iter().map(|host| host.get_ref().clone()).collect(),
            pull_interval: reader.seconds("pull.interval_s", &raw.pull.interval_s, (1, 3_600))?,
            mirror_leaves_per_day: reader.number(
                "pull.mirror_leaves_per_day",
                &raw.pull.mirror_leaves_per_day,
                (1, 1 << 40),
            )?,
            publish_interval: reader.seconds(
                "status.publish_interval_s",
                &raw.status.publish_interval_s,
                (1, 3_600),
            )?,
            disconnection: reader.disconnection(&raw.trust)?,
            // Cannot be cut off: at most 1,200.
            audit_months: reader.number("audit.keep_months", &raw.audit.keep_months, (6, 1_200))? as u32,
            limits: reader.limits(&raw)?,
            level: raw.log.level,
        })
    }

    /// The passphrase of the keys: from the environment or from the file, never both.
    ///
    /// # Errors
    /// [`ConfigError::Passphrase`] if there is none, if there are two, or if others may read the file.
    pub fn passphrase(&self, directory: &Path) -> Result<Zeroizing<String>, ConfigError> {
        let given = environment(PASSPHRASE_VARIABLE).map(Zeroizing::new);
        let file = self.passphrase_file.as_ref().map(|file| directory.join(file));
        match (given, file) {
            (Some(_), Some(file)) => Err(ConfigError::Passphrase(format!(
                "口令同时在环境变量 {PASSPHRASE_VARIABLE} 和文件 {file} 中，只能用一处 / the passphrase stands in {PASSPHRASE_VARIABLE} and in {file}: use one",
                file = file.display()
            ))),
            (None, None) => Err(ConfigError::Passphrase(format!(
                "缺少密钥口令：设 keys.passphrase_file 或环境变量 {PASSPHRASE_VARIABLE} / no passphrase: set keys.passphrase_file or {PASSPHRASE_VARIABLE}"
            ))),
            (Some(passphrase), None) => Ok(passphrase),
            (None, Some(file)) => read_passphrase(&file),
        }
    }
}

/// What is wrong, on one line, with the key of the line if the message does not name it.
fn syntax(text: &str, error: &toml::de::Error) -> String {
    let message = error.message().replace('\n', " ");
    let line = error.span().and_then(|span| text.lines().nth(line_of(text, span.start) - 1));
    match line.and_then(|line| line.split_once('=')) {
        Some((key, _)) if !message.contains('`') => format!("`{}`: {message}", key.trim()),
        _ => message,
    }
}

#[expect(clippy::disallowed_methods, reason = "the configuration is where the environment is read")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Reads a file with a passphrase: one line of at most 1,024 bytes, mode 600.
///
/// # Errors
/// [`ConfigError::File`], [`ConfigError::Passphrase`].
pub fn read_passphrase(path: &Path) -> Result<Zeroizing<String>, ConfigError> {
    let failed = |error| ConfigError::File { path: path.to_owned(), error };
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        let path = path.display();
        return Err(ConfigError::Passphrase(format!(
            "口令文件 {path} 权限过宽，请执行 chmod 600 / passphrase file {path} is open to others: run chmod 600"
        )));
    }
    let text = Zeroizing::new(fs::read_to_string(path).map_err(failed)?);
    let passphrase = text.trim_end_matches(['\r', '\n']);
    if passphrase.is_empty() || passphrase.len() > MAX_PASSPHRASE {
        let path = path.display();
        return Err(ConfigError::Passphrase(format!(
            "口令文件 {path} 为空或过长 / passphrase file {path} is empty or too long"
        )));
    }
    Ok(Zeroizing::new(passphrase.to_owned()))
}

/// The JSON Schema (2020-12) of the configuration, made from the types that read it.
#[must_use]
pub fn schema() -> serde_json::Value {
    let mut parts = Vec::new();
    RawConfig::schemas(&mut parts);
    let definitions: serde_json::Map<_, _> =
        parts.into_iter().map(|(name, schema)| (name, serde_json::json!(schema))).collect();
    let mut document = serde_json::json!(RawConfig::schema());
    document["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    document["$defs"] = definitions.into();
    let text = document.to_string().replace("#/components/schemas/", "#/$defs/");
    // Cannot fail: the text was JSON before, and the replacement has no quote.
    serde_json::from_str(&text).unwrap_or(document)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(change: (&str, &str)) -> String {
        let text = EXAMPLE.replace(change.0, change.1);
        assert_ne!(text, EXAMPLE, "nothing was replaced: {change:?}");
        Config::parse(&text).unwrap_err().to_string()
    }

    #[test]
    fn the_example_is_a_configuration_and_names_the_defaults() {
        let config = Config::parse(EXAMPLE).unwrap();
        assert_eq!(config.role, Role::City);
        assert_eq!(config.limits, Limits::default());
        assert_eq!(config.province.unwrap().address, "http://127.0.0.1:8400");
        let least = "role = \"city\"\nregion = \"440100\"\n[listen]\naddress = \"[::1]:0\"\n";
        let least = Config::parse(least).unwrap();
        assert_eq!((least.limits, least.level), (Limits::default(), Level::Info));
        assert!(
            least.production && config.production,
            "a node that says nothing refuses what is provisional"
        );
        assert_eq!(
            (least.pull_interval, least.publish_interval),
            (config.pull_interval, config.publish_interval)
        );
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_name_and_line() {
        let told = error(("behind_tls_proxy", "behind_proxy"));
        assert!(told.contains("behind_proxy") && told.contains("line 21"), "{told}");
        assert!(!told.contains('\n'), "one line: {told}");
    }

    #[test]
    fn a_wrong_type_is_refused_with_its_key() {
        let told = error(("requests = 512 ", "requests = \"many\""));
        assert!(told.contains("requests"), "{told}");
    }

    #[test]
    fn plain_http_on_an_outside_address_needs_a_proxy() {
        let told = error(("127.0.0.1:8401", "0.0.0.0:8401"));
        assert!(told.contains("behind_tls_proxy = true"), "{told}");
        let text = EXAMPLE.replace("127.0.0.1:8401", "0.0.0.0:8401").replace("proxy = false", "proxy = true");
        assert!(Config::parse(&text).is_ok());
    }

    #[test]
    fn numbers_names_and_addresses_outside_their_bounds_are_refused() {
        for (change, key) in [
            (("interval_s = 60", "interval_s = 0"), "pull.interval_s"),
            (("batch_rows = 10000", "batch_rows = 0"), "limits.batch_rows"),
            (("\"https://gd.elic.example\"", "\"http://gd.elic.example\""), "pull.province"),
            (("\"http://127.0.0.1:8400\"", "\"ftp://127.0.0.1\""), "addresses.gd.elic.example"),
            (
                ("address = \"127.0.0.1:8401\"", "address = \"127.0.0.1:8401\"\nproxies = [\"proxy\"]"),
                "listen.proxies",
            ),
            (("keep_months = 36", "keep_months = 5"), "audit.keep_months"),
            (("client_per_day = 1000000", "client_per_day = 0"), "limits.client_per_day"),
            (("# address = \"127.0.0.1:9401\"", "address = \"9401\""), "operator.address"),
            (("timestamp_life_h = 72", "timestamp_life_h = 169"), "trust.timestamp_life_h"),
            (("# issue_after_end_h = 720", "issue_after_end_h = 87601"), "trust.issue_after_end_h"),
            (("region = \"440100\"", "region = \"44\""), "region"),
        ] {
            let told = error(change);
            assert!(told.contains(key), "{key}: {told}");
        }
    }

    #[test]
    fn a_host_is_asked_in_the_clear_on_this_machine_only_or_if_somebody_says_so() {
        for far in ["10.0.0.1", "192.0.2.7:8400", "gd.internal", "127.0.0.1.example", "[2001:db8::1]:80"] {
            let told = error(("http://127.0.0.1:8400", &format!("http://{far}")));
            assert!(told.contains("addresses_in_clear"), "{far}: {told}");
        }
        for near in ["127.0.0.1:1", "127.8.0.1", "localhost:8400", "[::1]:8400"] {
            assert!(Config::parse(&EXAMPLE.replace("127.0.0.1:8400", near)).is_ok(), "{near}");
        }
        for wrong in ["127.0.0.1@10.0.0.1", "127.0.0.1?x", "127.0.0.1#x", "", "127.0.0.1:8400/", "127.0.0.1 "]
        {
            assert!(Config::parse(&EXAMPLE.replace("127.0.0.1:8400", wrong)).is_err(), "{wrong}");
        }
        let clear = |hosts: &str| {
            let text = EXAMPLE.replace("127.0.0.1:8400", "10.0.0.1:8400");
            Config::parse(&text.replace("witness = false", &format!("addresses_in_clear = [{hosts}]")))
        };
        assert_eq!(clear("\"gd.elic.example\"").unwrap().addresses_in_clear, ["gd.elic.example"]);
        let told = clear("\"gd.elic.example\", \"sz.elic.example\"").unwrap_err().to_string();
        assert!(told.contains("sz.elic.example"), "a host that needs no leave has none: {told}");
    }

    #[test]
    fn the_database_is_named_without_its_password() {
        let with = |lines: &str| Config::parse(&EXAMPLE.replace("[store]\n", &format!("[store]\n{lines}\n")));
        assert_eq!(with("").unwrap().store, None, "SQLite unless something else is said");
        let config = with("url = \"postgres://elic@127.0.0.1/elic\"\npassword_file = \"database-password\"");
        assert_eq!(config.unwrap().store.unwrap().url(), "postgres://elic@127.0.0.1/elic");
        let told = with("url = \"postgres://elic:geheim@127.0.0.1/elic\"").unwrap_err().to_string();
        assert!(told.contains("`store.url`") && told.contains("password_file"), "{told}");
        assert!(!told.contains("geheim"), "{told}");
        assert!(with("password_file = \"x\"").unwrap_err().to_string().contains("`store.password_file`"));
        let standby = "replica_url = \"postgres://elic@127.0.0.2/elic\"";
        assert!(with(standby).unwrap_err().to_string().contains("`store.replica_url`"));
        let both = with(&format!("url = \"postgres://elic@127.0.0.1/elic\"\n{standby}")).unwrap();
        assert_eq!(both.replica.unwrap().url(), "postgres://elic@127.0.0.2/elic");
    }

    #[test]
    fn the_schema_knows_every_key_of_the_example() {
        let schema = schema().to_string();
        let example: toml::Table = toml::from_str(EXAMPLE).unwrap();
        for (name, value) in &example {
            assert!(schema.contains(&format!("\"{name}\"")), "{name}");
            for key in
                value.as_table().into_iter().flat_map(|table| table.keys()).filter(|_| name != "addresses")
            {
                assert!(schema.contains(&format!("\"{key}\"")), "{name}.{key}");
            }
        }
        assert!(schema.contains("\"additionalProperties\":false") && !schema.contains("#/components"));
    }

    #[test]
    fn a_passphrase_file_that_others_may_read_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("passphrase");
        fs::write(&path, "words\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let told = read_passphrase(&path).unwrap_err().to_string();
        assert!(told.contains("chmod 600"), "{told}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(*read_passphrase(&path).unwrap(), "words");
    }
}
