//! SQL of the audit.

use licence_store::{AuditFilter, AuditRow, Conflict, Digest, ReadAudit, Result, WriteAudit};

use crate::cells::Cells;
use crate::errors::{integer, integers};
use crate::session::Session;

/// A search whose own condition an index answers; a value that is absent asks nothing.
macro_rules! search {
    ($own:literal) => {
        concat!(
            "SELECT number, time, who, case_number, licence, digest, bytes FROM audit WHERE number > $1 AND ",
            $own,
            " AND ($2::bigint IS NULL OR time >= $2) AND ($3::bigint IS NULL OR time < $3) \
             AND ($4::text IS NULL OR who = $4) AND ($5::text IS NULL OR case_number = $5) \
             AND ($6::bytea IS NULL OR licence = $6) ORDER BY number LIMIT $7"
        )
    };
}

/// The search for a filter: by what finds fewest rows.
const fn sql_of(filter: &AuditFilter<'_>) -> &'static str {
    match filter {
        AuditFilter { licence: Some(_), .. } => search!("licence = $6"),
        AuditFilter { case_number: Some(_), .. } => search!("case_number = $5"),
        AuditFilter { who: Some(_), .. } => search!("who = $4"),
        _ => search!("TRUE"),
    }
}

const INSERT: &str = "INSERT INTO audit (number, time, who, case_number, licence, digest, bytes) \
     SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bytea[], $6::bytea[], $7::bytea[])";

const MOVE_HEAD: &str = "INSERT INTO audit_head (id, number, digest) VALUES (1, $1, $2) \
     ON CONFLICT (id) DO UPDATE SET number = excluded.number, digest = excluded.digest";

fn row(row: &Cells<'_>) -> Result<AuditRow> {
    Ok(AuditRow {
        number: row.number()?,
        time: row.take()?,
        who: row.take()?,
        case_number: row.take()?,
        licence: row.maybe_fixed()?,
        digest: row.fixed()?,
        bytes: row.bytes()?,
    })
}

impl ReadAudit for Session<'_> {
    fn audit_head(&self) -> Result<Option<(u64, Digest)>> {
        self.one("SELECT number, digest FROM audit_head", &[], |row| Ok((row.number()?, row.fixed()?)))
    }

    fn audit_rows(&self, after: u64, filter: &AuditFilter<'_>, limit: u32) -> Result<Vec<AuditRow>> {
        let AuditFilter { from, to, who, case_number, licence } = *filter;
        let (after, licence, limit) = (integer(after)?, licence.map(Digest::as_slice), i64::from(limit));
        self.all(sql_of(filter), &[&after, &from, &to, &who, &case_number, &licence, &limit], row)
    }
}

impl WriteAudit for Session<'_> {
    fn append_audit(&mut self, rows: &[AuditRow]) -> Result<()> {
        self.writing(|session| {
            let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Ok(()) };
            let next = session.audit_head()?.map_or(first.number, |(newest, _)| newest + 1);
            if let Some((expected, row)) = (next..).zip(rows).find(|(expected, row)| row.number != *expected)
            {
                return Err(Conflict::AuditMoved { expected: row.number, found: expected }.into());
            }
            let times: Vec<i64> = rows.iter().map(|row| row.time).collect();
            let (earliest, latest) = times
                .iter()
                .fold((i64::MAX, i64::MIN), |(low, high), time| (low.min(*time), high.max(*time)));
            session.run("SELECT audit_months($1, $2)", &[&earliest, &latest], None)?;
            let numbers = integers(rows, |row| row.number)?;
            let who: Vec<&str> = rows.iter().map(|row| row.who.as_str()).collect();
            let cases: Vec<Option<&str>> = rows.iter().map(|row| row.case_number.as_deref()).collect();
            let licences: Vec<Option<&[u8]>> =
                rows.iter().map(|row| row.licence.as_ref().map(Digest::as_slice)).collect();
            let digests: Vec<&[u8]> = rows.iter().map(|row| row.digest.as_slice()).collect();
            let bytes: Vec<&[u8]> = rows.iter().map(|row| row.bytes.as_slice()).collect();
            session.run(INSERT, &[&numbers, &times, &who, &cases, &licences, &digests, &bytes], None)?;
            session.run(MOVE_HEAD, &[&integer(last.number)?, &last.digest.as_slice()], None).map(drop)
        })
    }

    fn drop_audit(&mut self, through: u64) -> Result<u64> {
        self.writing(|session| {
            let Some((newest, _)) = session.audit_head()? else { return Ok(0) };
            let through = integer(through.min(newest - 1))?;
            let dropped = session.run("DELETE FROM audit WHERE number <= $1", &[&through], None)?;
            session.run("SELECT audit_drop_empty()", &[], None)?;
            Ok(dropped)
        })
    }
}
