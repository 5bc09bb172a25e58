//! SQL of signed documents.

use licence_store::{Conflict, DocumentRow, ReadDocuments, Result, WriteDocuments};

use crate::cells::Cells;
use crate::errors::integers;
use crate::runs::runs;
use crate::session::Session;

macro_rules! select {
    ($rest:literal) => {
        concat!("SELECT kind, name, version, iat, digest, bytes, stored_at FROM documents ", $rest)
    };
}

/// Takes newer versions, and new bytes of an equal version and digest; leaves all others as they are.
const UPSERT: &str = "INSERT INTO documents (kind, name, version, iat, digest, bytes, stored_at) \
     SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bytea[], $7::bigint[]) \
     ON CONFLICT (kind, name) DO UPDATE SET version = excluded.version, iat = excluded.iat, \
     digest = excluded.digest, bytes = excluded.bytes, stored_at = excluded.stored_at \
     WHERE excluded.version > documents.version OR (excluded.version = documents.version \
     AND excluded.digest = documents.digest AND excluded.bytes <> documents.bytes)";

pub(crate) const HELD: &str = "SELECT d.version, d.digest FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked (kind, name, at) \
     CROSS JOIN LATERAL (SELECT d.version, d.digest FROM documents d WHERE d.kind = asked.kind AND d.name = asked.name LIMIT 1) AS d \
     ORDER BY asked.at";

fn document(row: &Cells<'_>) -> Result<DocumentRow> {
    Ok(DocumentRow {
        kind: row.take()?,
        name: row.take()?,
        version: row.number()?,
        iat: row.take()?,
        digest: row.fixed()?,
        bytes: row.bytes()?,
        stored_at: row.take()?,
    })
}

impl ReadDocuments for Session<'_> {
    fn document(&self, kind: &str, name: &str) -> Result<Option<DocumentRow>> {
        self.one(select!("WHERE kind = $1 AND name = $2"), &[&kind, &name], document)
    }

    fn documents(&self, kind: &str) -> Result<Vec<DocumentRow>> {
        self.all(select!("WHERE kind = $1 ORDER BY version, name"), &[&kind], document)
    }

    fn documents_after(&self, after: Option<(&str, &str)>, limit: u32) -> Result<Vec<DocumentRow>> {
        let limit = i64::from(limit);
        match after {
            None => self.all(select!("ORDER BY kind, name LIMIT $1"), &[&limit], document),
            Some((kind, name)) => {
                let sql = select!("WHERE (kind, name) > ($1, $2) ORDER BY kind, name LIMIT $3");
                self.all(sql, &[&kind, &name, &limit], document)
            }
        }
    }
}

impl Session<'_> {
    /// Puts documents of which no two have one name; answers how many rows changed.
    fn put_run(&self, rows: &[DocumentRow]) -> Result<u64> {
        let kinds: Vec<&str> = rows.iter().map(|row| row.kind.as_str()).collect();
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        let versions = integers(rows, |row| row.version)?;
        let iats: Vec<i64> = rows.iter().map(|row| row.iat).collect();
        let digests: Vec<&[u8]> = rows.iter().map(|row| row.digest.as_slice()).collect();
        let bytes: Vec<&[u8]> = rows.iter().map(|row| row.bytes.as_slice()).collect();
        let stored: Vec<i64> = rows.iter().map(|row| row.stored_at).collect();
        let changed =
            self.run(UPSERT, &[&kinds, &names, &versions, &iats, &digests, &bytes, &stored], None)?;
        if changed < rows.len() as u64 {
            let held = self.all(HELD, &[&kinds, &names], |row| Ok((row.number()?, row.fixed()?)))?;
            rows.iter().zip(held).try_for_each(|(row, (version, digest))| stands(row, version, digest))?;
        }
        Ok(changed)
    }
}

/// Whether a stored version and digest are those of the row, as they are after it was taken or was there already.
fn stands(row: &DocumentRow, held: u64, digest: licence_store::Digest) -> Result<()> {
    if held > row.version {
        return Err(Conflict::DocumentBackwards { held, offered: row.version }.into());
    }
    if held < row.version || digest != row.digest {
        return Err(Conflict::DocumentDiffers { version: row.version }.into());
    }
    Ok(())
}

impl WriteDocuments for Session<'_> {
    fn put_documents(&mut self, rows: &[DocumentRow]) -> Result<u64> {
        self.writing(|session| {
            let runs = runs(rows, |row| (&row.kind, &row.name));
            runs.into_iter().try_fold(0, |changed, run| Ok(changed + session.put_run(run)?))
        })
    }

    fn delete_document(&mut self, kind: &str, name: &str) -> Result<bool> {
        self.writing(|session| {
            let sql = "DELETE FROM documents WHERE kind = $1 AND name = $2";
            Ok(session.run(sql, &[&kind, &name], None)? > 0)
        })
    }
}
