//! From PostgreSQL's and the network's words to the store's, each with its remedy.
//! Texts keep SQLSTATE and the server's message, which name tables and constraints; never its `DETAIL`, which quotes rows.

use std::error::Error as _;

use licence_store::{Conflict, Result, StoreError};
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity, SqlState};

/// Why one call on a connection failed.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// In the store's words.
    pub(crate) error: StoreError,
    /// SQLSTATE, if the server answered at all.
    state: Option<SqlState>,
    /// Whether the connection came through it.
    survived: bool,
}

impl Failure {
    /// A failure for which nobody but this program is to blame, or the network.
    pub(crate) fn of(error: StoreError) -> Self {
        Self { error, state: None, survived: false }
    }

    /// From the driver.
    pub(crate) fn from_driver(error: &Error) -> Self {
        match error.as_db_error() {
            Some(told) => Self {
                error: from_server(told),
                state: Some(told.code().clone()),
                survived: !matches!(told.parsed_severity(), Some(Severity::Fatal | Severity::Panic)),
            },
            None => Self::of(from_network(error)),
        }
    }

    /// Whether the connection is still good: the server has refused a statement, and not ended the session with it.
    pub(crate) fn survived(&self) -> bool {
        self.survived
    }

    /// Whether the same transaction, run again from its beginning, may well succeed.
    pub(crate) fn lost_a_race(&self) -> bool {
        matches!(&self.state, Some(state) if [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(state))
    }

    /// The conflict of a broken unique constraint; [`Conflict::Dangling`] for a broken reference; else the error itself.
    pub(crate) fn or_conflict(&self, conflict: Conflict) -> StoreError {
        match &self.state {
            Some(state) if *state == SqlState::UNIQUE_VIOLATION => conflict.into(),
            Some(state) if *state == SqlState::FOREIGN_KEY_VIOLATION => Conflict::Dangling.into(),
            _ => self.error.clone(),
        }
    }
}

fn from_server(told: &DbError) -> StoreError {
    let text = format!("{} {}", told.code().code(), told.message());
    match told.code() {
        state if *state == SqlState::DISK_FULL => StoreError::Full(text),
        state if *state == SqlState::DATA_CORRUPTED || *state == SqlState::INDEX_CORRUPTED => {
            StoreError::Corrupt(text)
        }
        state if *state == SqlState::UNDEFINED_TABLE || *state == SqlState::UNDEFINED_COLUMN => {
            StoreError::Corrupt(format!(
                "{text}: a table of this program is gone or changed; restore a backup"
            ))
        }
        state if *state == SqlState::CHARACTER_NOT_IN_REPERTOIRE => {
            StoreError::OutOfRange("a text with a NUL character, which PostgreSQL cannot hold")
        }
        state if *state == SqlState::CHECK_VIOLATION || *state == SqlState::NUMERIC_VALUE_OUT_OF_RANGE => {
            StoreError::OutOfRange("a value outside the range of its column")
        }
        state if *state == SqlState::PROGRAM_LIMIT_EXCEEDED => {
            StoreError::OutOfRange("a name longer than PostgreSQL can index")
        }
        state if *state == SqlState::UNIQUE_VIOLATION || *state == SqlState::FOREIGN_KEY_VIOLATION => {
            StoreError::OutOfRange("a row that contradicts another one")
        }
        state => StoreError::Unavailable(format!("{text}: {}", remedy(state))),
    }
}

/// What the operator can do about it, by SQLSTATE.
fn remedy(state: &SqlState) -> &'static str {
    match state.code() {
        "28P01" | "28000" => {
            "用户名、口令或 pg_hba.conf 不符，请核对连接串 / user, password or pg_hba.conf do not fit: check the connection string"
        }
        "3D000" => {
            "该数据库不存在，请先建立 / there is no such database: create it (createdb --encoding UTF8 --template template0)"
        }
        "42501" => {
            "权限不足，见 store-postgres/README.md / the role lacks rights: see the README of store-postgres"
        }
        "25006" => {
            "这是只读副本，请连接主库（target_session_attrs=read-write） / this is a read-only replica: connect to the primary \
             (target_session_attrs=read-write)"
        }
        "53300" => "连接数已满，请调高 max_connections / too many connections: raise max_connections",
        "55P03" => {
            "另一事务占用写锁过久，稍后重试；若持续请查 pg_stat_activity / another transaction holds the lock for too long: try \
             again, and look into pg_stat_activity if it stays so"
        }
        "57014" => {
            "语句超时或被取消，稍后重试 / the statement took too long or was cancelled: try again, and look into the server's load"
        }
        "57P01" | "57P02" | "57P03" | "25P03" => {
            "数据库正在停止、启动或断开了连接，恢复后自动重连 / the server stops, starts or ended the connection: the store reconnects \
             by itself"
        }
        "40001" | "40P01" => "并发写入过多，稍后重试 / too many concurrent writers: try again",
        _ => "请查看数据库日志 / see the log of the database server",
    }
}

fn from_network(error: &Error) -> StoreError {
    let cause = error.source().map(|cause| format!("{error}: {cause}"));
    let cause = cause.unwrap_or_else(|| error.to_string());
    // The driver does not show its kinds, only their words.
    let remedy = if cause.contains("TLS") {
        "TLS 握手失败，请核对服务器证书、主机名与 sslrootcert / check the server's certificate, the host's name in it, and sslrootcert"
    } else {
        "与 PostgreSQL 的连接失败或中断，请检查服务、地址与网络，恢复后自动重连 / no connection to PostgreSQL: check that the server \
         runs and that host, port and network are right; the store reconnects by itself"
    };
    StoreError::Unavailable(format!("{cause}: {remedy}"))
}

/// A count or index as PostgreSQL stores it.
pub(crate) fn integer(value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|_| StoreError::OutOfRange("a count or index above 2^63 - 1"))
}

/// Many of them, one for each row.
pub(crate) fn integers<T>(rows: &[T], of: impl Fn(&T) -> u64) -> Result<Vec<i64>> {
    rows.iter().map(|row| integer(of(row))).collect()
}
