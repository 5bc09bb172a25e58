//! Brings a database to this program's schema, or refuses one that is not ours or newer.
//! Migrations only expand, and have the names of those of the SQLite backend. All that are missing run in one transaction, in
//! which one process at a time may be, so a crash or a race leaves the old schema or the new one.

use licence_store::{Migrated, Result, StoreError};

use crate::cells::Cells;
use crate::errors::Failure;
use crate::link::{Link, Params};

/// Name and statements; migration `n` (from 0) leads to schema version `n + 1`. Published ones never change.
const MIGRATIONS: &[(&str, &str)] = &[
    ("0001_first", include_str!("migrations/0001_first.sql")),
    ("0002_job_leases", include_str!("migrations/0002_job_leases.sql")),
    ("0003_index", include_str!("migrations/0003_index.sql")),
    ("0004_client", include_str!("migrations/0004_client.sql")),
    ("0005_ended_indexes", include_str!("migrations/0005_ended_indexes.sql")),
    ("0006_audit", include_str!("migrations/0006_audit.sql")),
    ("0007_nonces", include_str!("migrations/0007_nonces.sql")),
];

/// Oldest server whose planner looks at the one partition that an UPDATE needs.
const OLDEST_SERVER: i64 = 140_000;

/// "ELIC": the advisory lock under which one process at a time looks at the schema.
const LOCK: &str = "SELECT pg_advisory_xact_lock(1162627395)";

const TABLE: &str =
    "CREATE TABLE IF NOT EXISTS schema_migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL)";

/// Runs the migrations that are missing.
/// # Errors
/// [`StoreError::Newer`]; [`StoreError::Corrupt`] if the database is another program's; [`StoreError::Unavailable`] if it cannot serve.
pub(crate) fn migrate(link: &mut Link) -> Result<Migrated> {
    suitable(link)?;
    // Not serialisable: the lock is a query, and its snapshot would be older than what the process before us did.
    let outcome = done(link.batch("BEGIN ISOLATION LEVEL READ COMMITTED"))
        .and_then(|()| done(link.batch(LOCK)))
        .and_then(|()| in_turn(link))
        .and_then(|migrated| done(link.batch("COMMIT")).map(|()| migrated));
    if outcome.is_err() {
        // A connection that cannot roll back is not used again: the caller drops it.
        let _ = link.batch("ROLLBACK");
    }
    outcome
}

fn in_turn(link: &mut Link) -> Result<Migrated> {
    let done_already = version(link)?;
    if done_already < MIGRATIONS.len() {
        done(link.batch(TABLE))?;
    }
    for (step, (name, sql)) in MIGRATIONS.iter().enumerate().skip(done_already) {
        done(link.batch(sql))?;
        let version = step as i64 + 1;
        let insert = "INSERT INTO schema_migrations (version, name) VALUES ($1, $2)";
        link.execute(insert, &[&version, name]).map_err(|failure| failure.error)?;
    }
    Ok(Migrated { from: done_already as i64, to: MIGRATIONS.len() as i64 })
}

/// How many migrations have run; changes nothing.
fn version(link: &mut Link) -> Result<usize> {
    let tables = "SELECT count(*), count(*) FILTER (WHERE relname = 'schema_migrations') FROM pg_catalog.pg_class \
                  WHERE relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = current_schema()) \
                  AND relkind IN ('r', 'p')";
    let (tables, ours): (i64, i64) = one(link, tables, &[], |row| Ok((row.take()?, row.take()?)))?;
    match (tables, ours) {
        (0, _) => return Ok(0),
        (_, 0) => {
            return Err(StoreError::Corrupt(
                "该库已有其他程序的表，请换一个空库 / the schema holds tables of another program: use an empty database".into(),
            ));
        }
        _ => {}
    }
    let rows = link.query("SELECT version, name FROM schema_migrations ORDER BY version", &[]);
    let rows = rows.map_err(|failure| failure.error)?;
    let found: Vec<(i64, String)> =
        rows.iter().map(Cells::of).map(|row| Ok((row.take()?, row.take()?))).collect::<Result<_>>()?;
    let known = MIGRATIONS.len() as i64;
    if let Some((newest, _)) = found.last().filter(|(version, _)| *version > known) {
        return Err(StoreError::Newer { found: *newest, known });
    }
    let expected = (1..).zip(MIGRATIONS).map(|(version, (name, _))| (version, *name)).take(found.len());
    if !found.iter().map(|(version, name)| (*version, name.as_str())).eq(expected) {
        return Err(StoreError::Corrupt(
            "schema_migrations names migrations that are not this program's".into(),
        ));
    }
    Ok(found.len())
}

/// Refuses a server or database that cannot keep what it is given.
fn suitable(link: &mut Link) -> Result<()> {
    let settings = "SELECT current_setting('server_version_num')::bigint, current_setting('server_encoding'), current_schema()";
    let (server, encoding, schema): (i64, String, Option<String>) =
        one(link, settings, &[], |row| Ok((row.take()?, row.take()?, row.take()?)))?;
    let refuse = |text: String| Err(StoreError::Unavailable(text));
    if server < OLDEST_SERVER {
        return refuse(format!(
            "PostgreSQL {} 过旧，需 14 或更新 / the server is too old: 14 or newer is needed",
            server / 10_000
        ));
    }
    if encoding != "UTF8" {
        return refuse(format!(
            "数据库编码为 {encoding}，须为 UTF8 / the database has encoding {encoding}: create it with \
             createdb --encoding UTF8 --template template0"
        ));
    }
    if schema.is_none() {
        return refuse(
            "search_path 中没有可用的模式 / no schema of search_path exists: create one for this role".into(),
        );
    }
    Ok(())
}

fn one<T>(
    link: &mut Link,
    sql: &'static str,
    params: Params<'_>,
    map: impl FnOnce(&Cells<'_>) -> Result<T>,
) -> Result<T> {
    let rows = link.query(sql, params).map_err(|failure| failure.error)?;
    let row = rows.first().ok_or_else(|| StoreError::Corrupt("a query without an answer".into()))?;
    map(&Cells::of(row))
}

fn done(outcome: Result<(), Failure>) -> Result<()> {
    outcome.map_err(|failure| failure.error)
}
