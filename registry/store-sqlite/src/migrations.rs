//! Brings a database to this program's schema, or refuses one that is not ours or newer.
//! Migrations only expand; each runs in one transaction with the new `user_version`, so a crash leaves the old schema or the new.

use licence_store::{Migrated, Result, StoreError};
use rusqlite::Connection;

use crate::errors::store_error;

/// "ELIC": says in the file's header whose database it is.
const APPLICATION_ID: i64 = 0x454C_4943;

/// Migration `n` (from 0) leads to schema version `n + 1`. Published ones never change.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_first.sql"),
    include_str!("migrations/0002_job_leases.sql"),
    include_str!("migrations/0003_index.sql"),
    include_str!("migrations/0004_client.sql"),
    include_str!("migrations/0005_ended_indexes.sql"),
    include_str!("migrations/0006_audit.sql"),
    include_str!("migrations/0007_nonces.sql"),
];

/// Newest schema version that this program knows.
pub(crate) const KNOWN: i64 = MIGRATIONS.len() as i64;

/// Refuses a database that this program must not touch; changes nothing.
pub(crate) fn check(connection: &Connection) -> Result<i64> {
    let version = pragma(connection, "user_version")?;
    let application = pragma(connection, "application_id")?;
    let fresh = version == 0 && application == 0 && tables(connection)? == 0;
    match () {
        () if !fresh && application != APPLICATION_ID => {
            Err(StoreError::Corrupt("the file is an SQLite database of another program".into()))
        }
        () if version < 0 => Err(StoreError::Corrupt(format!("schema version {version}"))),
        () if version > KNOWN => Err(StoreError::Newer { found: version, known: KNOWN }),
        () => Ok(version),
    }
}

/// Runs the migrations that are missing.
pub(crate) fn migrate(connection: &Connection) -> Result<Migrated> {
    let version = check(connection)?;
    // Cannot truncate: `check` has bounded it by the number of migrations.
    for (step, sql) in MIGRATIONS.iter().enumerate().skip(version as usize) {
        let script = format!(
            "BEGIN IMMEDIATE; {sql} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {}; COMMIT;",
            step + 1
        );
        connection.execute_batch(&script).map_err(|error| {
            let _ = connection.execute_batch("ROLLBACK");
            store_error(error)
        })?;
    }
    Ok(Migrated { from: version, to: KNOWN })
}

/// Kind, name and text of everything in the schema, in one order.
pub(crate) fn schema(connection: &Connection) -> Result<Vec<(String, String, Option<String>)>> {
    let sql = "SELECT type, name, sql FROM sqlite_schema ORDER BY type, name";
    let mut statement = connection.prepare(sql).map_err(store_error)?;
    let rows = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    rows.and_then(Iterator::collect).map_err(store_error)
}

fn pragma(connection: &Connection, name: &str) -> Result<i64> {
    connection.pragma_query_value(None, name, |row| row.get(0)).map_err(store_error)
}

fn tables(connection: &Connection) -> Result<i64> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", (), |row| row.get(0)).map_err(store_error)
}
