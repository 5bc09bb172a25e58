//! SQL of licences and their holders.

use std::collections::HashSet;

use licence_spec::status::Status;
use licence_store::{
    Conflict, Digest, LicenceCount, LicenceRow, ReadLicences, Result, StoreError, StoredCredential, Taken,
    WriteLicences,
};
use rusqlite::{Row, ToSql, params};

use crate::errors::{integer, or_conflict, status, store_error, unsigned};
use crate::session::Session;

/// Columns of a licence in the order of [`licence`], without its holders.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT l.log_index, l.digest, l.id, l.cti, l.vct, l.number, l.version, l.authority, l.area, l.issued_at, \
             l.expires_at, l.credential, l.status_list, l.status_index, l.status, l.predecessor, l.successor, l.client ",
            $rest
        )
    };
}

const INSERT: &str = "INSERT INTO licences (log_index, digest, id, cti, vct, number, version, authority, area, issued_at, \
     expires_at, credential, status_list, status_index, status, predecessor, successor, client) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)";

fn licence(row: &Row<'_>) -> rusqlite::Result<LicenceRow> {
    Ok(LicenceRow {
        log_index: unsigned(row, 0)?,
        digest: row.get(1)?,
        id: row.get(2)?,
        cti: row.get(3)?,
        vct: row.get(4)?,
        number: row.get(5)?,
        version: row.get(6)?,
        authority: row.get(7)?,
        area: row.get(8)?,
        holders: Vec::new(),
        issued_at: row.get(9)?,
        expires_at: row.get(10)?,
        credential: StoredCredential::of_column(row.get(11)?),
        status_list: unsigned(row, 12)?,
        status_index: row.get(13)?,
        status: status(row, 14)?,
        predecessor: row.get(15)?,
        successor: row.get(16)?,
        client: row.get(17)?,
    })
}

/// `?4, ?5, …`: so many places of parameters from a number on.
pub(crate) fn places(from: usize, count: usize) -> String {
    (from..from + count).map(|place| format!("?{place}")).collect::<Vec<_>>().join(", ")
}

impl Session<'_> {
    fn with_holders(&self, mut row: LicenceRow) -> Result<LicenceRow> {
        let sql = "SELECT holder FROM licence_holders WHERE licence = ?1 ORDER BY holder";
        row.holders = self.all(sql, [integer(row.log_index)?], |row| row.get(0))?;
        Ok(row)
    }

    fn one_licence(&self, sql: &str, params: impl rusqlite::Params) -> Result<Option<LicenceRow>> {
        self.one(sql, params, licence)?.map(|row| self.with_holders(row)).transpose()
    }

    fn all_licences(&self, sql: &str, params: impl rusqlite::Params) -> Result<Vec<LicenceRow>> {
        self.all(sql, params, licence)?.into_iter().map(|row| self.with_holders(row)).collect()
    }

    fn insert_licences(&self, rows: &[LicenceRow]) -> Result<()> {
        let mut insert = self.connection().prepare_cached(INSERT).map_err(store_error)?;
        let add_holder =
            "INSERT INTO licence_holders (licence, holder) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
        let mut holders = self.connection().prepare_cached(add_holder).map_err(store_error)?;
        let ended = "SELECT 1 FROM ended_indexes WHERE list = ?1 AND idx = ?2";
        let mut ended = self.connection().prepare_cached(ended).map_err(store_error)?;
        for row in rows {
            let log_index = integer(row.log_index)?;
            if ended.exists(params![integer(row.status_list)?, row.status_index]).map_err(store_error)? {
                return Err(Conflict::LicenceExists.into());
            }
            insert
                .execute(params![
                    log_index,
                    row.digest,
                    row.id,
                    row.cti,
                    row.vct,
                    row.number,
                    row.version,
                    row.authority,
                    row.area,
                    row.issued_at,
                    row.expires_at,
                    row.credential.as_column(),
                    integer(row.status_list)?,
                    row.status_index,
                    row.status.value(),
                    row.predecessor,
                    row.successor,
                    row.client
                ])
                .map_err(or_conflict(Conflict::LicenceExists))?;
            for holder in &row.holders {
                holders.execute(params![log_index, holder]).map_err(store_error)?;
            }
        }
        Ok(())
    }
}

impl ReadLicences for Session<'_> {
    fn licence(&self, digest: &Digest) -> Result<Option<LicenceRow>> {
        self.one_licence(select!("FROM licences l WHERE l.digest = ?1"), [digest])
    }

    fn licence_by_status_index(&self, list: u64, index: u32) -> Result<Option<LicenceRow>> {
        let sql = select!("FROM licences l WHERE l.status_list = ?1 AND l.status_index = ?2");
        self.one_licence(sql, params![integer(list)?, index])
    }

    fn licence_by_id(&self, id: &str) -> Result<Option<LicenceRow>> {
        self.one_licence(select!("FROM licences l WHERE l.id = ?1"), [id])
    }

    fn licence_by_cti(&self, cti: &[u8; 16]) -> Result<Option<LicenceRow>> {
        self.one_licence(select!("FROM licences l WHERE l.cti = ?1"), [cti])
    }

    fn licence_by_number(&self, authority: &str, vct: &str, number: &str) -> Result<Option<LicenceRow>> {
        let sql = select!(
            "FROM licences l WHERE l.number = ?1 AND l.authority = ?2 AND l.vct = ?3 ORDER BY l.version DESC LIMIT 1"
        );
        self.one_licence(sql, [number, authority, vct])
    }

    fn newest_of_holder(
        &self,
        holder: &Digest,
        types: &[&str],
        status: Status,
        limit: u32,
    ) -> Result<Vec<LicenceRow>> {
        let sql = select!(
            "FROM licence_holders h JOIN licences l ON l.log_index = h.licence WHERE h.holder = ?1 AND l.status = ?2 \
             AND length(l.credential) > 0 AND l.vct IN "
        );
        let sql = format!("{sql}({}) ORDER BY h.licence DESC LIMIT ?3", places(4, types.len()));
        let value = status.value();
        let mut params: Vec<&dyn ToSql> = vec![holder, &value, &limit];
        params.extend(types.iter().map(|vct| vct as &dyn ToSql));
        self.all_licences(&sql, &*params)
    }

    fn licences_from(&self, from: u64, limit: u32) -> Result<Vec<LicenceRow>> {
        let sql = select!("FROM licences l WHERE l.log_index >= ?1 ORDER BY l.log_index LIMIT ?2");
        self.all_licences(sql, params![integer(from)?, limit])
    }

    fn licence_count(&self) -> Result<u64> {
        let count = self.one("SELECT count(*) FROM licences", (), |row| unsigned(row, 0))?;
        count.ok_or_else(|| StoreError::Corrupt("count without a row".into()))
    }

    fn licence_counts(&self) -> Result<Vec<LicenceCount>> {
        let sql = "SELECT vct, status, count(*) FROM licences GROUP BY vct, status ORDER BY vct, status";
        self.all(sql, (), |row| {
            Ok(LicenceCount { vct: row.get(0)?, status: status(row, 1)?, licences: unsigned(row, 2)? })
        })
    }

    fn taken_licences(&self, rows: &[LicenceRow]) -> Result<Vec<Option<Taken>>> {
        let mut numbers = HashSet::new();
        let mut ids = HashSet::new();
        let by_number =
            "SELECT 1 FROM licences WHERE number = ?1 AND authority = ?2 AND vct = ?3 AND version = ?4";
        let mut by_number = self.connection().prepare_cached(by_number).map_err(store_error)?;
        let by_id = "SELECT 1 FROM licences WHERE id = ?1";
        let mut by_id = self.connection().prepare_cached(by_id).map_err(store_error)?;
        let mut answers = Vec::with_capacity(rows.len());
        for row in rows {
            let number = (&row.number, &row.authority, &row.vct, row.version);
            let taken = if numbers.contains(&number) || by_number.exists(number).map_err(store_error)? {
                Some(Taken::Number)
            } else if ids.contains(&row.id) || by_id.exists([&row.id]).map_err(store_error)? {
                Some(Taken::Id)
            } else {
                // Only a row that will be added takes its names from the rows after it.
                numbers.insert(number);
                ids.insert(&row.id);
                None
            };
            answers.push(taken);
        }
        Ok(answers)
    }
}

impl WriteLicences for Session<'_> {
    fn add_licences(&mut self, rows: &[LicenceRow]) -> Result<()> {
        self.writing(|session| session.insert_licences(rows))
    }
}
