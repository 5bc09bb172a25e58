//! What `/metrics` shows: every name, its labels, what it counts and when an operator is called. The page of it is `registry/METRICS.md`,
//! printed by `licence-registry metrics`.
//!
//! In scope: words. Out of scope: numbers (`counted`, `read`), and who rings whom (the operator's monitoring).
//! Names follow the conventions of Prometheus: one quantity a name, base units, `_total` for what only grows, moments as
//! `_timestamp_seconds`.

/// What every name begins with.
pub const PREFIX: &str = "licence_registry";

/// How a number behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Grows while the process runs; shown with `_total`.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts by upper bounds.
    Histogram,
}

/// One family of numbers.
#[derive(Debug)]
pub struct Row {
    /// The name, without prefix and without `_total`.
    pub name: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// The labels, as in `{origin}`; empty without.
    pub labels: &'static str,
    /// What it is, in Chinese.
    pub zh: &'static str,
    /// What it is, in English.
    pub en: &'static str,
    /// When the operator is called: an expression of the query language; empty if never.
    pub alarm: &'static str,
}

impl Row {
    /// The name as it stands in `/metrics`.
    #[must_use]
    pub fn shown(&self) -> String {
        let total = if self.kind == Counter { "_total" } else { "" };
        format!("{PREFIX}_{}{total}", self.name)
    }

    /// The explanation as it stands in `/metrics`.
    #[must_use]
    pub fn help(&self) -> String {
        format!("{} / {}", self.zh, self.en)
    }

    const fn new(
        kind: Kind,
        name: &'static str,
        labels: &'static str,
        text: (&'static str, &'static str),
    ) -> Row {
        Row { name, kind, labels, zh: text.0, en: text.1, alarm: "" }
    }

    const fn alarm(self, alarm: &'static str) -> Row {
        Row { alarm, ..self }
    }
}

use Kind::{Counter, Gauge, Histogram};

pub(super) const REQUESTS: Row =
    Row::new(Counter, "requests", "{method,route,status}", ("已答复的请求", "requests answered"))
        .alarm("rate of status 5xx > 0 for 10 min");
pub(super) const REQUEST_DURATION: Row = Row::new(
    Histogram,
    "request_duration_seconds",
    "",
    ("自请求头至答复头的时间", "from the head of a request to that of its answer"),
);
pub(super) const VERDICTS: Row =
    Row::new(Counter, "verdicts", "{outcome,code}", ("已给出的核验结论", "verdicts given"))
        .alarm("rate of outcome INDETERMINATE far above the usual");
pub(super) const REFUSALS: Row = Row::new(
    Counter,
    "refusals",
    "{why}",
    ("在入口被拒的请求和连接", "requests and connections turned away at the edge"),
)
.alarm("rate > 0 for 10 min");
pub(super) const JOB_RUNS: Row =
    Row::new(Counter, "job_runs", "{job,result}", ("后台作业的运行次数", "runs of jobs"));
pub(super) const JOB_LAST_SUCCESS: Row = Row::new(
    Gauge,
    "job_last_success_timestamp_seconds",
    "{job}",
    ("作业最近一次成功的时刻", "when a job last succeeded"),
)
.alarm("time() - it > 3600 (pull, mirror, publish_status, anchor_audit)");
pub(super) const EVIDENCE_REFUSED: Row = Row::new(
    Counter,
    "evidence_refused",
    "{from}",
    (
        "拒收的签名对象，按提供节点计：签名者无权这样签",
        "signed objects refused, by the node that handed them out: their signers may not say so",
    ),
)
.alarm("increase > 0");
pub(super) const NODE_QUESTIONS_REFUSED: Row = Row::new(
    Counter,
    "node_questions_refused",
    "{from}",
    (
        "拒绝的节点查询，按提问机关计：当日查询过多",
        "questions of other nodes refused, by the authority that asks: it has asked too much in a day",
    ),
)
.alarm("increase > 0");
pub(super) const CLOCK_AHEAD: Row = Row::new(
    Gauge,
    "clock_ahead_seconds",
    "{from}",
    (
        "本机时钟比见证节点快多少，慢则为负",
        "how far the own clock was ahead of that of a witness when it last answered; negative if behind",
    ),
)
.alarm("abs > 30");
pub(super) const TRUST_KEYS: Row =
    Row::new(Gauge, "trust_keys", "", ("信任列表中的密钥数", "keys in the trust list that is held"))
        .alarm("== 0");
pub(super) const TRUST_LIST_VERSION: Row = Row::new(
    Gauge,
    "trust_list_version",
    "",
    ("信任列表版本；没有列表则不显示", "version of the trust list; absent without one"),
);
pub(super) const TRUST_LIST_EXPIRY: Row = Row::new(
    Gauge,
    "trust_list_expiry_timestamp_seconds",
    "",
    ("信任列表到期的时刻", "when the trust list ends"),
)
.alarm("it - time() < 7 * 86400");
pub(super) const TIMESTAMP_SIGNED: Row = Row::new(
    Gauge,
    "trust_timestamp_signed_timestamp_seconds",
    "",
    ("信任时间戳签署的时刻", "when the timestamp of the trust list was signed"),
);
pub(super) const TIMESTAMP_EXPIRY: Row = Row::new(
    Gauge,
    "trust_timestamp_expiry_timestamp_seconds",
    "",
    ("信任时间戳到期的时刻", "when the timestamp of the trust list ends"),
)
.alarm("it - time() < 12 * 3600");
pub(super) const TIMESTAMP_HALF_OVER: Row = Row::new(
    Gauge,
    "trust_timestamp_half_over",
    "",
    ("信任时间戳是否已过半（1 是）", "whether half the life of the timestamp is over (1 yes)"),
)
.alarm("== 1");
pub(super) const TRUST_FRESH: Row = Row::new(
    Gauge,
    "trust_fresh",
    "",
    ("信任文件是否有效（1 是）", "whether the trust files are fresh (1 yes)"),
)
.alarm("== 0");
pub(super) const CATALOGUE_VERSION: Row = Row::new(
    Gauge,
    "catalogue_version",
    "",
    ("目录版本；没有目录则不显示", "version of the catalogue; absent without one"),
);
pub(super) const STATUS_TOKENS: Row =
    Row::new(Gauge, "status_tokens", "", ("持有的状态列表令牌", "status tokens held"));
pub(super) const STATUS_TOKENS_STALE: Row =
    Row::new(Gauge, "status_tokens_stale", "", ("其中已到期的", "those of them that have ended"))
        .alarm("> 0 for 1 h");
pub(super) const STATUS_TOKEN_OLDEST: Row = Row::new(
    Gauge,
    "status_token_oldest_timestamp_seconds",
    "",
    ("最旧的状态列表令牌签署的时刻", "when the oldest status token was signed"),
);
pub(super) const STORE_READABLE: Row = Row::new(
    Gauge,
    "store_readable",
    "",
    ("数据库是否可读（1 是）", "whether the store can be read (1 yes)"),
)
.alarm("== 0");
pub(super) const LOG_LEAVES: Row =
    Row::new(Gauge, "log_leaves", "", ("本节点日志的条目数", "leaves of the own log"));
pub(super) const LOG_COSIGNED_LEAVES: Row = Row::new(
    Gauge,
    "log_cosigned_leaves",
    "",
    ("其中已获见证的", "those of them that enough witnesses have cosigned"),
)
.alarm("log_leaves > it for 1 h");
pub(super) const LOG_FORK_CASES: Row =
    Row::new(Gauge, "log_fork_cases", "", ("未结的日志分叉案件", "open cases of logs that have forked"))
        .alarm("> 0");
pub(super) const LOG_ENTRIES_MISSING: Row = Row::new(
    Gauge,
    "log_entries_missing",
    "",
    ("出示过而日志中没有的证照", "licences that were shown and that no log holds"),
)
.alarm("> 0");
pub(super) const MIRROR_LEAVES: Row = Row::new(
    Gauge,
    "mirror_leaves",
    "{origin}",
    ("镜像中已核对的条目数", "verified leaves of a mirrored log"),
);
pub(super) const MIRROR_OLD_HEADS: Row =
    Row::new(Gauge, "mirror_old_heads", "{origin}", ("收到的旧日志头", "old heads of a log that were shown"))
        .alarm("grows every day");
pub(super) const MIRRORS_STOPPED: Row =
    Row::new(Gauge, "mirrors_stopped", "", ("停止镜像的日志", "logs that are mirrored no further"))
        .alarm("> 0");
pub(super) const INDEX_LEAVES: Row = Row::new(
    Gauge,
    "index_leaves",
    "{origin}",
    ("已归集到索引的条目数", "leaves of a mirrored log that are told in the index"),
)
.alarm("mirror_leaves > it for 1 h");
pub(super) const INDEX_REJECTS: Row =
    Row::new(Gauge, "index_rejects", "{origin}", ("归集时被拒的记录", "rejected records of the index"))
        .alarm("> 0");
pub(super) const STATUS_LISTS_UNPUBLISHED: Row = Row::new(
    Gauge,
    "status_lists_unpublished",
    "",
    ("从未发布的状态列表", "status lists that were never published"),
)
.alarm("> 1 for 10 min");
pub(super) const STATUS_LISTS_DIRTY: Row = Row::new(
    Gauge,
    "status_lists_dirty",
    "",
    ("有未发布变更的状态列表", "status lists with changes that are not published"),
)
.alarm("> 0 for 10 min");
pub(super) const STATUS_INDEXES_FREE: Row = Row::new(
    Gauge,
    "status_indexes_free",
    "",
    ("尚可发出的状态编号", "status indexes that can be given out"),
)
.alarm("== 0");
pub(super) const TRANSACTIONS: Row =
    Row::new(Counter, "transactions", "{name}", ("数据库事务", "transactions of the store"));
pub(super) const TRANSACTIONS_FAILED: Row =
    Row::new(Counter, "transactions_failed", "{name}", ("其中失败的", "those of them that failed"))
        .alarm("increase > 0");
pub(super) const TRANSACTION_SECONDS: Row =
    Row::new(Counter, "transaction_seconds", "{name}", ("事务所用时间", "time in transactions"));

/// Every family, in the order of the page.
pub const ALL: &[&Row] = &[
    &REQUESTS,
    &REQUEST_DURATION,
    &VERDICTS,
    &REFUSALS,
    &JOB_RUNS,
    &JOB_LAST_SUCCESS,
    &EVIDENCE_REFUSED,
    &NODE_QUESTIONS_REFUSED,
    &CLOCK_AHEAD,
    &TRUST_KEYS,
    &TRUST_LIST_VERSION,
    &TRUST_LIST_EXPIRY,
    &TIMESTAMP_SIGNED,
    &TIMESTAMP_EXPIRY,
    &TIMESTAMP_HALF_OVER,
    &TRUST_FRESH,
    &CATALOGUE_VERSION,
    &STATUS_TOKENS,
    &STATUS_TOKENS_STALE,
    &STATUS_TOKEN_OLDEST,
    &STORE_READABLE,
    &LOG_LEAVES,
    &LOG_COSIGNED_LEAVES,
    &LOG_FORK_CASES,
    &LOG_ENTRIES_MISSING,
    &MIRROR_LEAVES,
    &MIRROR_OLD_HEADS,
    &MIRRORS_STOPPED,
    &INDEX_LEAVES,
    &INDEX_REJECTS,
    &STATUS_LISTS_UNPUBLISHED,
    &STATUS_LISTS_DIRTY,
    &STATUS_INDEXES_FREE,
    &TRANSACTIONS,
    &TRANSACTIONS_FAILED,
    &TRANSACTION_SECONDS,
];

/// The page `registry/METRICS.md`.
#[must_use]
pub fn page() -> String {
    let mut page = String::from(
        "# 指标与告警 / metrics and alarms\n\n\
         由 `licence-registry metrics` 生成。节点在 `/metrics` 给出下列数值，仅供本机和 `operator.address`。\n\
         「何时告警」是建议：时间按秒，`time()` 为现在；依据是节点自己的期限。\n\n\
         Made by `licence-registry metrics`. A node shows these at `/metrics`, to its own machine and at `operator.address` alone. \
         The alarms are advice in the terms of the query language; `it` is the number itself.\n\n\
         | 名称 name | 标签 labels | 含义 meaning | 何时告警 alarm when |\n|---|---|---|---|\n",
    );
    for row in ALL {
        let labels = if row.labels.is_empty() { String::new() } else { format!("`{}`", row.labels) };
        let alarm = if row.alarm.is_empty() { String::new() } else { format!("`{}`", row.alarm) };
        page.push_str(&format!("| `{}` | {labels} | {} | {alarm} |\n", row.shown(), row.help()));
    }
    page
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_told_once_and_carry_one_unit() {
        let names: BTreeSet<&str> = ALL.iter().map(|row| row.name).collect();
        assert_eq!(names.len(), ALL.len());
        for row in ALL {
            assert!(!row.name.ends_with("_total") && !row.name.ends_with("_s"), "{}", row.name);
            assert!(!row.zh.is_empty() && !row.en.is_empty(), "{}", row.name);
        }
    }
}
