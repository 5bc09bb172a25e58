//! The configuration as it is typed: every key with its type, its default and its word in the schema.
//! Out of scope: what it means here, which [`crate::node::config::Config`] decides once.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use toml::Spanned;
use utoipa::ToSchema;

/// 节点配置 / configuration of a node (`config.toml`).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RawConfig {
    /// `province` or `city`.
    pub role: Role,
    /// 区划代码 / division code of the node, such as 440100.
    #[schema(value_type = String)]
    pub region: Spanned<String>,
    /// 正式运行 / whether licences count: provisional types and authorities with synthetic codes are refused then.
    #[serde(default = "yes")]
    pub production: bool,
    /// 作见证 / whether this node cosigns the logs of other nodes; the province always does.
    #[serde(default)]
    pub witness: bool,
    /// 监听 / where to listen.
    pub listen: RawListen,
    /// 存储 / where the data is kept.
    #[serde(default)]
    pub store: RawStore,
    /// 密钥 / the keys.
    #[serde(default)]
    pub keys: RawKeys,
    /// 拉取 / whose evidence is followed.
    #[serde(default)]
    pub pull: RawPull,
    /// 信任与断网 / trust files, and how long a node goes on without them being renewed.
    #[serde(default)]
    pub trust: RawTrust,
    /// 名称到地址 / host names of signed objects to `http://` or `https://` addresses.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    pub addresses: BTreeMap<String, Spanned<String>>,
    /// 允许明文的主机 / hosts of `addresses` that may be asked by `http://` though their address is not loopback: names, numbers and
    /// licences then cross the network in the clear. For networks that are encrypted below, such as a VPN.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub addresses_in_clear: Vec<Spanned<String>>,
    /// 目录 / the catalogue's data and who approves it.
    #[serde(default)]
    pub catalogue: RawCatalogue,
    /// 状态发布 / publishing of status lists.
    #[serde(default)]
    pub status: RawStatus,
    /// 审计 / the audit.
    #[serde(default)]
    pub audit: RawAudit,
    /// 限额 / limits.
    #[serde(default)]
    pub limits: RawLimits,
    /// 运维 / a second place to listen, for monitoring alone.
    #[serde(default)]
    pub operator: RawOperator,
    /// 日志 / logs.
    #[serde(default)]
    pub log: RawLog,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// 省 / publishes trust list and catalogue.
    Province,
    /// 市 / issues licences.
    City,
}

impl Role {
    /// The word in the configuration and in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Province => "province",
            Role::City => "city",
        }
    }
}

/// 监听 / where to listen.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RawListen {
    /// 地址与端口 / address and port; port 0 takes a free one.
    #[schema(value_type = String)]
    pub address: Spanned<String>,
    /// 前有 TLS 代理 / a proxy in front speaks TLS, so that an address that is not loopback may be used.
    #[serde(default)]
    pub behind_tls_proxy: bool,
    /// 代理地址 / addresses of the proxies in front, whose `X-Forwarded-For` is believed: limits per address then count the clients behind them.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub proxies: Vec<Spanned<String>>,
}

/// 运维 / a second place to listen, which answers `/healthz`, `/readyz` and `/metrics` in full and nothing else.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawOperator {
    /// 地址与端口 / address and port in the network of the monitoring; absent: only the machine itself reads metrics and reasons.
    #[schema(value_type = Option<String>)]
    pub address: Option<Spanned<String>>,
}

/// 存储 / where the data is kept; absent: in SQLite in the data directory.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RawStore {
    /// PostgreSQL 连接串，不含口令 / connection string, without a password: `postgres://USER@HOST/DATABASE?sslmode=require`.
    #[schema(value_type = Option<String>)]
    pub url: Option<Spanned<String>>,
    /// 只读副本连接串 / connection string of a hot standby for reads that may lag; the same password file.
    #[schema(value_type = Option<String>)]
    pub replica_url: Option<Spanned<String>>,
    /// 数据库口令文件 / file with the password of the database, mode 600, relative to the data directory.
    #[schema(value_type = Option<String>)]
    pub password_file: Option<Spanned<String>>,
}

/// 密钥 / the keys.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RawKeys {
    /// 口令文件 / file with the passphrase, mode 600, relative to the data directory.
    #[schema(value_type = Option<String>)]
    pub passphrase_file: Option<Spanned<String>>,
}

/// 拉取 / whose evidence is followed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawPull {
    /// 省节点 / public URL of the province; absent on the province itself.
    #[schema(value_type = Option<String>)]
    pub province: Option<Spanned<String>>,
    /// 其他城市 / public URLs of other cities.
    #[schema(value_type = Vec<String>)]
    pub peers: Vec<Spanned<String>>,
    /// 其他见证节点 / public URLs of nodes beside the province that are asked to cosign this node's log.
    #[schema(value_type = Vec<String>)]
    pub witnessed_by: Vec<Spanned<String>>,
    /// 间隔秒数 / seconds between two pulls, 1 to 3,600.
    #[schema(value_type = u64)]
    pub interval_s: Spanned<u64>,
    /// 作见证：每份日志每日最多镜像条数 / witness: leaves of each log that are mirrored on one day at most, whatever it claims, 1 to 2^40; about
    /// 48 bytes each.
    #[schema(value_type = u64)]
    pub mirror_leaves_per_day: Spanned<u64>,
}

impl Default for RawPull {
    fn default() -> Self {
        RawPull {
            province: None,
            peers: Vec::new(),
            witnessed_by: Vec::new(),
            interval_s: unplaced(60),
            mirror_leaves_per_day: unplaced(1 << 22),
        }
    }
}

const fn yes() -> bool {
    true
}

/// 信任与断网 / trust files, and how long a node goes on without them being renewed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawTrust {
    /// 省：时间戳有效小时数 / province: hours for which a timestamp lives, 3 to 168: so long others verify without the province.
    #[schema(value_type = u64)]
    pub timestamp_life_h: Spanned<u64>,
    /// 信任失效后仍可签发的小时数，缺省不限 / hours for which licences are issued after the trust files have ended, 0 to 87,600; absent: as
    /// long as the keys may.
    #[schema(value_type = Option<u64>)]
    pub issue_after_end_h: Option<Spanned<u64>>,
}

impl Default for RawTrust {
    fn default() -> Self {
        RawTrust { timestamp_life_h: unplaced(72), issue_after_end_h: None }
    }
}

/// 目录 / the catalogue's data and who approves it.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawCatalogue {
    /// 目录数据文件夹 / folder of the catalogue's data, relative to the data directory; absent: that of the program.
    #[schema(value_type = Option<String>)]
    pub folder: Option<Spanned<String>>,
    /// 复核人员公钥 / public keys (base64url) of the officers who approve a version, by their names; the province has them.
    #[schema(value_type = BTreeMap<String, String>)]
    pub officers: BTreeMap<String, Spanned<String>>,
}

/// 状态发布 / publishing of status lists.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawStatus {
    /// 发布间隔 / seconds between two looks for changed lists, 1 to 3,600.
    #[schema(value_type = u64)]
    pub publish_interval_s: Spanned<u64>,
}

impl Default for RawStatus {
    fn default() -> Self {
        RawStatus { publish_interval_s: unplaced(5) }
    }
}

/// 限额 / limits; each at least 1.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawLimits {
    /// 同时处理的请求 / requests at once.
    #[schema(value_type = u64)]
    pub requests: Spanned<u64>,
    /// 同时的连接 / connections at once.
    #[schema(value_type = u64)]
    pub connections: Spanned<u64>,
    /// 请求时限 / seconds to read a body and answer.
    #[schema(value_type = u64)]
    pub request_timeout_s: Spanned<u64>,
    /// 请求头时限 / seconds to read the head of a request.
    #[schema(value_type = u64)]
    pub header_timeout_s: Spanned<u64>,
    /// 停机宽限 / seconds for running requests after a signal to stop.
    #[schema(value_type = u64)]
    pub shutdown_timeout_s: Spanned<u64>,
    /// 批量核验行数 / rows of one batch verification.
    #[schema(value_type = u64)]
    pub batch_rows: Spanned<u64>,
    /// 每客户端每分钟请求数 / requests of one client in a minute, each line of a batch being one.
    #[schema(value_type = u64)]
    pub client_per_minute: Spanned<u64>,
    /// 每客户端每日请求数 / requests of one client in a day (UTC).
    #[schema(value_type = u64)]
    pub client_per_day: Spanned<u64>,
    /// 个别客户端的限额 / clients with ceilings of their own, by id.
    #[schema(value_type = BTreeMap<String, RawQuota>)]
    pub clients: BTreeMap<String, RawQuota>,
}

/// 一个客户端的限额 / ceilings of one client; what is absent is as for all.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawQuota {
    /// 每分钟 / requests in a minute.
    #[schema(value_type = Option<u64>)]
    pub per_minute: Option<Spanned<u64>>,
    /// 每日 / requests in a day.
    #[schema(value_type = Option<u64>)]
    pub per_day: Option<Spanned<u64>>,
}

impl Default for RawLimits {
    fn default() -> Self {
        RawLimits {
            requests: unplaced(512),
            connections: unplaced(2_048),
            request_timeout_s: unplaced(30),
            header_timeout_s: unplaced(10),
            shutdown_timeout_s: unplaced(20),
            batch_rows: unplaced(10_000),
            client_per_minute: unplaced(30_000),
            client_per_day: unplaced(1_000_000),
            clients: BTreeMap::new(),
        }
    }
}

/// 审计 / the audit: who did what, on what ground.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawAudit {
    /// 保留月数 / months for which rows are kept, 6 to 1,200; what is older is dropped, and a signed statement says up to where.
    #[schema(value_type = u64)]
    pub keep_months: Spanned<u64>,
}

impl Default for RawAudit {
    fn default() -> Self {
        RawAudit { keep_months: unplaced(36) }
    }
}

/// 日志 / logs.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RawLog {
    /// 级别 / the least serious level that is written.
    pub level: Level,
}

/// Levels of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Only what makes the node unable to work.
    Error,
    /// Also what an operator should look at.
    Warn,
    /// Also one line a request.
    #[default]
    Info,
    /// Also what jobs do.
    Debug,
    /// Everything.
    Trace,
}

/// A default has no place in the file.
fn unplaced<T>(value: T) -> Spanned<T> {
    Spanned::new(0..0, value)
}
