//! SQL of the audit.

use licence_store::{AuditFilter, AuditRow, Conflict, Digest, ReadAudit, Result, WriteAudit};
use rusqlite::{Row, params};

use crate::errors::{integer, store_error, unsigned};
use crate::session::Session;

/// A search whose own condition an index answers; a value that is absent asks nothing.
macro_rules! search {
    ($own:literal) => {
        concat!(
            "SELECT number, time, who, case_number, licence, digest, bytes FROM audit WHERE number > ?1 AND ",
            $own,
            " AND (?2 IS NULL OR time >= ?2) AND (?3 IS NULL OR time < ?3) AND (?4 IS NULL OR who = ?4) \
             AND (?5 IS NULL OR case_number = ?5) AND (?6 IS NULL OR licence = ?6) ORDER BY number LIMIT ?7"
        )
    };
}

/// The search for a filter: by what finds fewest rows.
const fn sql_of(filter: &AuditFilter<'_>) -> &'static str {
    match filter {
        AuditFilter { licence: Some(_), .. } => search!("licence = ?6"),
        AuditFilter { case_number: Some(_), .. } => search!("case_number = ?5"),
        AuditFilter { who: Some(_), .. } => search!("who = ?4"),
        _ => search!("TRUE"),
    }
}

fn row(row: &Row<'_>) -> rusqlite::Result<AuditRow> {
    Ok(AuditRow {
        number: unsigned(row, 0)?,
        time: row.get(1)?,
        who: row.get(2)?,
        case_number: row.get(3)?,
        licence: row.get(4)?,
        digest: row.get(5)?,
        bytes: row.get(6)?,
    })
}

impl ReadAudit for Session<'_> {
    fn audit_head(&self) -> Result<Option<(u64, Digest)>> {
        let sql = "SELECT number, digest FROM audit ORDER BY number DESC LIMIT 1";
        self.one(sql, (), |row| Ok((unsigned(row, 0)?, row.get(1)?)))
    }

    fn audit_rows(&self, after: u64, filter: &AuditFilter<'_>, limit: u32) -> Result<Vec<AuditRow>> {
        let AuditFilter { from, to, who, case_number, licence } = *filter;
        self.all(sql_of(filter), params![integer(after)?, from, to, who, case_number, licence, limit], row)
    }
}

impl WriteAudit for Session<'_> {
    fn append_audit(&mut self, rows: &[AuditRow]) -> Result<()> {
        self.writing(|session| {
            let Some(first) = rows.first() else { return Ok(()) };
            let next = session.audit_head()?.map_or(first.number, |(newest, _)| newest + 1);
            let sql = "INSERT INTO audit (number, time, who, case_number, licence, digest, bytes) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
            let mut insert = session.connection().prepare_cached(sql).map_err(store_error)?;
            for (found, row) in (next..).zip(rows) {
                if row.number != found {
                    return Err(Conflict::AuditMoved { expected: row.number, found }.into());
                }
                let AuditRow { number, time, who, case_number, licence, digest, bytes } = row;
                let values = params![integer(*number)?, time, who, case_number, licence, digest, bytes];
                insert.execute(values).map_err(store_error)?;
            }
            Ok(())
        })
    }

    fn drop_audit(&mut self, through: u64) -> Result<u64> {
        self.writing(|session| {
            let sql = "DELETE FROM audit WHERE number <= ?1 AND number < (SELECT max(number) FROM audit)";
            let mut delete = session.connection().prepare_cached(sql).map_err(store_error)?;
            Ok(delete.execute([integer(through)?]).map_err(store_error)? as u64)
        })
    }
}
