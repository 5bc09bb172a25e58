//! SQL of clients, receipts and idempotent answers.

use licence_store::{
    AnswerKey, ClientRow, Conflict, Digest, IdempotentAnswer, ReadAnswers, ReceiptRow, Result, StoreError,
    WriteAnswers,
};
use rusqlite::{Row, params};

use crate::errors::{or_conflict, store_error};
use crate::session::Session;

macro_rules! select_receipt {
    ($rest:literal) => {
        concat!("SELECT id, client, made_at, digest, bytes FROM receipts ", $rest)
    };
}

macro_rules! select_answer {
    ($rest:literal) => {
        concat!(
            "SELECT caller, idempotency_key, fingerprint, status, content_type, body, created_at FROM idempotent_answers ",
            $rest
        )
    };
}

macro_rules! select_client {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, token_hash, authorities, types, calls, created_at, expires_at, revoked_at FROM clients ",
            $rest
        )
    };
}

fn client(row: &Row<'_>) -> rusqlite::Result<ClientRow> {
    Ok(ClientRow {
        id: row.get(0)?,
        name: row.get(1)?,
        token_hash: row.get(2)?,
        authorities: items(row.get(3)?),
        types: items(row.get(4)?),
        calls: items(row.get(5)?),
        created_at: row.get(6)?,
        expires_at: row.get(7)?,
        revoked_at: row.get(8)?,
    })
}

fn receipt(row: &Row<'_>) -> rusqlite::Result<ReceiptRow> {
    Ok(ReceiptRow {
        id: row.get(0)?,
        client: row.get(1)?,
        made_at: row.get(2)?,
        digest: row.get(3)?,
        bytes: row.get(4)?,
    })
}

fn answer(row: &Row<'_>) -> rusqlite::Result<IdempotentAnswer> {
    Ok(IdempotentAnswer {
        key: AnswerKey { caller: row.get(0)?, key: row.get(1)? },
        fingerprint: row.get(2)?,
        status: row.get(3)?,
        content_type: row.get(4)?,
        body: row.get(5)?,
        created_at: row.get(6)?,
    })
}

/// A list as one text: items with a line feed between them. An empty text is the empty list.
fn text(items: &[String]) -> Result<String> {
    match items.iter().any(|item| item.is_empty() || item.contains('\n')) {
        true => Err(StoreError::OutOfRange("an item of a client's list is empty or has a line feed")),
        false => Ok(items.join("\n")),
    }
}

fn items(text: String) -> Vec<String> {
    text.split('\n').filter(|item| !item.is_empty()).map(String::from).collect()
}

impl ReadAnswers for Session<'_> {
    fn client_by_token(&self, token_hash: &Digest) -> Result<Option<ClientRow>> {
        self.one(select_client!("WHERE token_hash = ?1"), [token_hash], client)
    }

    fn clients(&self) -> Result<Vec<ClientRow>> {
        self.all(select_client!("ORDER BY id"), (), client)
    }

    fn receipt(&self, id: &[u8; 16]) -> Result<Option<ReceiptRow>> {
        self.one(select_receipt!("WHERE id = ?1"), [id], receipt)
    }

    fn receipts_after(&self, after: Option<&[u8; 16]>, limit: u32) -> Result<Vec<ReceiptRow>> {
        // Every id comes after the empty one.
        let after = after.map_or(&[][..], |id| id.as_slice());
        self.all(select_receipt!("WHERE id > ?1 ORDER BY id LIMIT ?2"), params![after, limit], receipt)
    }

    fn idempotent_answers(&self, keys: &[AnswerKey]) -> Result<Vec<Option<IdempotentAnswer>>> {
        let sql = select_answer!("WHERE caller = ?1 AND idempotency_key = ?2");
        keys.iter().map(|key| self.one(sql, [&key.caller, &key.key], answer)).collect()
    }

    fn idempotent_answers_after(
        &self,
        after: Option<&AnswerKey>,
        limit: u32,
    ) -> Result<Vec<IdempotentAnswer>> {
        let Some(after) = after else {
            return self.all(select_answer!("ORDER BY caller, idempotency_key LIMIT ?1"), [limit], answer);
        };
        let sql = select_answer!(
            "WHERE (caller, idempotency_key) > (?1, ?2) ORDER BY caller, idempotency_key LIMIT ?3"
        );
        self.all(sql, params![after.caller, after.key, limit], answer)
    }
}

impl Session<'_> {
    fn insert_clients(&self, rows: &[ClientRow]) -> Result<()> {
        let sql = "INSERT INTO clients (id, name, token_hash, authorities, types, calls, created_at, expires_at, revoked_at) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let mut insert = self.connection().prepare_cached(sql).map_err(store_error)?;
        for row in rows {
            insert
                .execute(params![
                    row.id,
                    row.name,
                    row.token_hash,
                    text(&row.authorities)?,
                    text(&row.types)?,
                    text(&row.calls)?,
                    row.created_at,
                    row.expires_at,
                    row.revoked_at
                ])
                .map_err(or_conflict(Conflict::ClientExists))?;
        }
        Ok(())
    }

    fn insert_receipts(&self, rows: &[ReceiptRow]) -> Result<()> {
        let sql = "INSERT INTO receipts (id, client, made_at, digest, bytes) VALUES (?1, ?2, ?3, ?4, ?5)";
        let mut insert = self.connection().prepare_cached(sql).map_err(store_error)?;
        for row in rows {
            insert
                .execute(params![row.id, row.client, row.made_at, row.digest, row.bytes])
                .map_err(or_conflict(Conflict::ReceiptExists))?;
        }
        Ok(())
    }

    fn insert_answers(&self, rows: &[IdempotentAnswer]) -> Result<()> {
        let sql = "INSERT INTO idempotent_answers (caller, idempotency_key, fingerprint, status, content_type, body, \
                   created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let mut insert = self.connection().prepare_cached(sql).map_err(store_error)?;
        for row in rows {
            insert
                .execute(params![
                    row.key.caller,
                    row.key.key,
                    row.fingerprint,
                    row.status,
                    row.content_type,
                    row.body,
                    row.created_at
                ])
                .map_err(or_conflict(Conflict::IdempotencyKeyExists))?;
        }
        Ok(())
    }
}

impl WriteAnswers for Session<'_> {
    fn add_clients(&mut self, rows: &[ClientRow]) -> Result<()> {
        self.writing(|session| session.insert_clients(rows))
    }

    fn revoke_client(&mut self, id: &str, revoked_at: i64) -> Result<bool> {
        self.writing(|session| {
            let sql = "UPDATE clients SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1";
            let mut update = session.connection().prepare_cached(sql).map_err(store_error)?;
            Ok(update.execute(params![id, revoked_at]).map_err(store_error)? > 0)
        })
    }

    fn add_receipts(&mut self, rows: &[ReceiptRow]) -> Result<()> {
        self.writing(|session| session.insert_receipts(rows))
    }

    fn add_idempotent_answers(&mut self, rows: &[IdempotentAnswer]) -> Result<()> {
        self.writing(|session| session.insert_answers(rows))
    }

    fn take_nonce(&mut self, signer: &Digest, nonce: &[u8; 16], seen_at: i64) -> Result<bool> {
        self.writing(|session| {
            let sql =
                "INSERT INTO nonces (signer, nonce, seen_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
            let mut insert = session.connection().prepare_cached(sql).map_err(store_error)?;
            Ok(insert.execute(params![signer, nonce, seen_at]).map_err(store_error)? == 1)
        })
    }

    fn purge_nonces(&mut self, before: i64, limit: u32) -> Result<u64> {
        self.writing(|session| {
            let sql = "DELETE FROM nonces WHERE (signer, nonce) IN \
                       (SELECT signer, nonce FROM nonces WHERE seen_at < ?1 ORDER BY seen_at LIMIT ?2)";
            let mut delete = session.connection().prepare_cached(sql).map_err(store_error)?;
            Ok(delete.execute(params![before, limit]).map_err(store_error)? as u64)
        })
    }

    fn purge_idempotent_answers(&mut self, before: i64, limit: u32) -> Result<u64> {
        self.writing(|session| {
            let sql = "DELETE FROM idempotent_answers WHERE (caller, idempotency_key) IN \
                       (SELECT caller, idempotency_key FROM idempotent_answers WHERE created_at < ?1 \
                        ORDER BY created_at LIMIT ?2)";
            let mut delete = session.connection().prepare_cached(sql).map_err(store_error)?;
            Ok(delete.execute(params![before, limit]).map_err(store_error)? as u64)
        })
    }
}
