//! SQL of signed documents.

use licence_store::{Conflict, DocumentRow, ReadDocuments, Result, WriteDocuments};
use rusqlite::{Row, params};

use crate::errors::{integer, store_error, unsigned};
use crate::session::Session;

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT kind, name, version, iat, digest, bytes, stored_at FROM documents ", $rest)
    };
}

fn document(row: &Row<'_>) -> rusqlite::Result<DocumentRow> {
    Ok(DocumentRow {
        kind: row.get(0)?,
        name: row.get(1)?,
        version: unsigned(row, 2)?,
        iat: row.get(3)?,
        digest: row.get(4)?,
        bytes: row.get(5)?,
        stored_at: row.get(6)?,
    })
}

impl ReadDocuments for Session<'_> {
    fn document(&self, kind: &str, name: &str) -> Result<Option<DocumentRow>> {
        self.one(select!("WHERE kind = ?1 AND name = ?2"), [kind, name], document)
    }

    fn documents(&self, kind: &str) -> Result<Vec<DocumentRow>> {
        self.all(select!("WHERE kind = ?1 ORDER BY version, name"), [kind], document)
    }

    fn documents_after(&self, after: Option<(&str, &str)>, limit: u32) -> Result<Vec<DocumentRow>> {
        match after {
            None => self.all(select!("ORDER BY kind, name LIMIT ?1"), [limit], document),
            Some((kind, name)) => {
                let sql = select!("WHERE (kind, name) > (?1, ?2) ORDER BY kind, name LIMIT ?3");
                self.all(sql, params![kind, name, limit], document)
            }
        }
    }
}

impl Session<'_> {
    /// Puts one document; false if the very same bytes are stored.
    fn put_document(&self, row: &DocumentRow) -> Result<bool> {
        let sql = "INSERT INTO documents (kind, name, version, iat, digest, bytes, stored_at) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
                   ON CONFLICT (kind, name) DO UPDATE SET version = excluded.version, iat = excluded.iat, \
                   digest = excluded.digest, bytes = excluded.bytes, stored_at = excluded.stored_at \
                   WHERE excluded.version > documents.version OR (excluded.version = documents.version \
                   AND excluded.digest = documents.digest AND excluded.bytes <> documents.bytes)";
        let mut upsert = self.connection().prepare_cached(sql).map_err(store_error)?;
        let version = integer(row.version)?;
        let changed = upsert
            .execute(params![row.kind, row.name, version, row.iat, row.digest, row.bytes, row.stored_at])
            .map_err(store_error)?;
        if changed == 1 {
            return Ok(true);
        }
        match self.document(&row.kind, &row.name)? {
            Some(held) if held.version > row.version => {
                Err(Conflict::DocumentBackwards { held: held.version, offered: row.version }.into())
            }
            Some(held) if held.digest == row.digest => Ok(false),
            _ => Err(Conflict::DocumentDiffers { version: row.version }.into()),
        }
    }
}

impl WriteDocuments for Session<'_> {
    fn put_documents(&mut self, rows: &[DocumentRow]) -> Result<u64> {
        self.writing(|session| {
            rows.iter().try_fold(0, |changed, row| Ok(changed + u64::from(session.put_document(row)?)))
        })
    }

    fn delete_document(&mut self, kind: &str, name: &str) -> Result<bool> {
        self.writing(|session| {
            let sql = "DELETE FROM documents WHERE kind = ?1 AND name = ?2";
            let mut delete = session.connection().prepare_cached(sql).map_err(store_error)?;
            Ok(delete.execute([kind, name]).map_err(store_error)? > 0)
        })
    }
}
