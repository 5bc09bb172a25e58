//! SQL of clients, receipts and idempotent answers.

use licence_store::{
    AnswerKey, ClientRow, Conflict, Digest, IdempotentAnswer, ReadAnswers, ReceiptRow, Result, StoreError,
    WriteAnswers,
};

use crate::cells::Cells;
use crate::link::Params;
use crate::session::Session;

macro_rules! select_client {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, token_hash, authorities, types, calls, created_at, expires_at, revoked_at FROM clients ",
            $rest
        )
    };
}

macro_rules! select_receipt {
    ($rest:literal) => {
        concat!("SELECT id, client, made_at, digest, bytes FROM receipts ", $rest)
    };
}

macro_rules! select_answer {
    ($rest:literal) => {
        concat!(
            "SELECT a.caller, a.idempotency_key, a.fingerprint, a.status, a.content_type, a.body, a.created_at ",
            $rest
        )
    };
}

const INSERT_CLIENTS: &str = "INSERT INTO clients (id, name, token_hash, authorities, types, calls, created_at, expires_at, revoked_at) \
     SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[])";

const INSERT_RECEIPTS: &str = "INSERT INTO receipts (id, client, made_at, digest, bytes) \
     SELECT * FROM unnest($1::bytea[], $2::text[], $3::bigint[], $4::bytea[], $5::bytea[])";

const INSERT_ANSWERS: &str = "INSERT INTO idempotent_answers (caller, idempotency_key, fingerprint, status, content_type, body, created_at) \
     SELECT * FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bigint[], $5::text[], $6::bytea[], $7::bigint[])";

/// One row for each key asked, in order; all columns are null if there is no answer.
pub(crate) const FIND: &str = select_answer!(
    "FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked (caller, idempotency_key, at) \
     LEFT JOIN LATERAL (SELECT * FROM idempotent_answers a \
       WHERE a.caller = asked.caller AND a.idempotency_key = asked.idempotency_key LIMIT 1) AS a ON true ORDER BY asked.at"
);

pub(crate) const PURGE: &str = "WITH old AS MATERIALIZED \
       (SELECT caller, idempotency_key FROM idempotent_answers WHERE created_at < $1 ORDER BY created_at LIMIT $2) \
     DELETE FROM idempotent_answers a USING old WHERE a.caller = old.caller AND a.idempotency_key = old.idempotency_key";

pub(crate) const PURGE_NONCES: &str = "WITH old AS MATERIALIZED \
       (SELECT signer, nonce FROM nonces WHERE seen_at < $1 ORDER BY seen_at LIMIT $2) \
     DELETE FROM nonces n USING old WHERE n.signer = old.signer AND n.nonce = old.nonce";

fn client(row: &Cells<'_>) -> Result<ClientRow> {
    Ok(ClientRow {
        id: row.take()?,
        name: row.take()?,
        token_hash: row.fixed()?,
        authorities: items(row.take()?),
        types: items(row.take()?),
        calls: items(row.take()?),
        created_at: row.take()?,
        expires_at: row.take()?,
        revoked_at: row.take()?,
    })
}

fn receipt(row: &Cells<'_>) -> Result<ReceiptRow> {
    Ok(ReceiptRow {
        id: row.fixed()?,
        client: row.take()?,
        made_at: row.take()?,
        digest: row.fixed()?,
        bytes: row.bytes()?,
    })
}

fn answer(row: &Cells<'_>) -> Result<IdempotentAnswer> {
    Ok(IdempotentAnswer {
        key: AnswerKey { caller: row.take()?, key: row.take()? },
        fingerprint: row.fixed()?,
        status: row.number()?,
        content_type: row.take()?,
        body: row.bytes()?,
        created_at: row.take()?,
    })
}

/// A list as one text: items with a line feed between them. An empty text is the empty list.
fn text(items: &[String]) -> Result<String> {
    match items.iter().any(|item| item.is_empty() || item.contains('\n')) {
        true => Err(StoreError::OutOfRange("an item of a client's list is empty or has a line feed")),
        false => Ok(items.join("\n")),
    }
}

fn items(text: &str) -> Vec<String> {
    text.split('\n').filter(|item| !item.is_empty()).map(String::from).collect()
}

impl ReadAnswers for Session<'_> {
    fn client_by_token(&self, token_hash: &Digest) -> Result<Option<ClientRow>> {
        self.one(select_client!("WHERE token_hash = $1"), &[&token_hash.as_slice()], client)
    }

    fn clients(&self) -> Result<Vec<ClientRow>> {
        self.all(select_client!("ORDER BY id"), &[], client)
    }

    fn receipt(&self, id: &[u8; 16]) -> Result<Option<ReceiptRow>> {
        self.one(select_receipt!("WHERE id = $1"), &[&id.as_slice()], receipt)
    }

    fn receipts_after(&self, after: Option<&[u8; 16]>, limit: u32) -> Result<Vec<ReceiptRow>> {
        // Every id comes after the empty one.
        let after = after.map_or(&[][..], |id| id.as_slice());
        self.all(select_receipt!("WHERE id > $1 ORDER BY id LIMIT $2"), &[&after, &i64::from(limit)], receipt)
    }

    fn idempotent_answers(&self, keys: &[AnswerKey]) -> Result<Vec<Option<IdempotentAnswer>>> {
        let callers: Vec<&str> = keys.iter().map(|key| key.caller.as_str()).collect();
        let names: Vec<&str> = keys.iter().map(|key| key.key.as_str()).collect();
        self.all(FIND, &[&callers, &names], |row| {
            let found: Option<&str> = row.peek()?;
            found.map(|_| answer(row)).transpose()
        })
    }

    fn idempotent_answers_after(
        &self,
        after: Option<&AnswerKey>,
        limit: u32,
    ) -> Result<Vec<IdempotentAnswer>> {
        let limit = i64::from(limit);
        let Some(after) = after else {
            let sql =
                select_answer!("FROM idempotent_answers a ORDER BY a.caller, a.idempotency_key LIMIT $1");
            return self.all(sql, &[&limit], answer);
        };
        let sql = select_answer!(
            "FROM idempotent_answers a WHERE (a.caller, a.idempotency_key) > ($1, $2) \
             ORDER BY a.caller, a.idempotency_key LIMIT $3"
        );
        self.all(sql, &[&after.caller, &after.key, &limit], answer)
    }
}

impl Session<'_> {
    fn insert_clients(&self, rows: &[ClientRow]) -> Result<()> {
        let ids: Vec<&str> = rows.iter().map(|row| row.id.as_str()).collect();
        let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        let tokens: Vec<&[u8]> = rows.iter().map(|row| row.token_hash.as_slice()).collect();
        let authorities = rows.iter().map(|row| text(&row.authorities)).collect::<Result<Vec<_>>>()?;
        let types = rows.iter().map(|row| text(&row.types)).collect::<Result<Vec<_>>>()?;
        let calls = rows.iter().map(|row| text(&row.calls)).collect::<Result<Vec<_>>>()?;
        let created: Vec<i64> = rows.iter().map(|row| row.created_at).collect();
        let expires: Vec<i64> = rows.iter().map(|row| row.expires_at).collect();
        let revoked: Vec<Option<i64>> = rows.iter().map(|row| row.revoked_at).collect();
        let params: Params<'_> =
            &[&ids, &names, &tokens, &authorities, &types, &calls, &created, &expires, &revoked];
        self.run(INSERT_CLIENTS, params, Some(Conflict::ClientExists)).map(drop)
    }

    fn insert_receipts(&self, rows: &[ReceiptRow]) -> Result<()> {
        let ids: Vec<&[u8]> = rows.iter().map(|row| row.id.as_slice()).collect();
        let clients: Vec<&str> = rows.iter().map(|row| row.client.as_str()).collect();
        let made: Vec<i64> = rows.iter().map(|row| row.made_at).collect();
        let digests: Vec<&[u8]> = rows.iter().map(|row| row.digest.as_slice()).collect();
        let bytes: Vec<&[u8]> = rows.iter().map(|row| row.bytes.as_slice()).collect();
        let params: Params<'_> = &[&ids, &clients, &made, &digests, &bytes];
        self.run(INSERT_RECEIPTS, params, Some(Conflict::ReceiptExists)).map(drop)
    }

    fn insert_answers(&self, rows: &[IdempotentAnswer]) -> Result<()> {
        let callers: Vec<&str> = rows.iter().map(|row| row.key.caller.as_str()).collect();
        let keys: Vec<&str> = rows.iter().map(|row| row.key.key.as_str()).collect();
        let fingerprints: Vec<&[u8]> = rows.iter().map(|row| row.fingerprint.as_slice()).collect();
        let statuses: Vec<i64> = rows.iter().map(|row| row.status.into()).collect();
        let types: Vec<&str> = rows.iter().map(|row| row.content_type.as_str()).collect();
        let bodies: Vec<&[u8]> = rows.iter().map(|row| row.body.as_slice()).collect();
        let created: Vec<i64> = rows.iter().map(|row| row.created_at).collect();
        let params: Params<'_> = &[&callers, &keys, &fingerprints, &statuses, &types, &bodies, &created];
        self.run(INSERT_ANSWERS, params, Some(Conflict::IdempotencyKeyExists)).map(drop)
    }
}

impl WriteAnswers for Session<'_> {
    fn add_clients(&mut self, rows: &[ClientRow]) -> Result<()> {
        self.writing(|session| session.insert_clients(rows))
    }

    fn revoke_client(&mut self, id: &str, revoked_at: i64) -> Result<bool> {
        self.writing(|session| {
            let sql = "UPDATE clients SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1";
            Ok(session.run(sql, &[&id, &revoked_at], None)? > 0)
        })
    }

    fn add_receipts(&mut self, rows: &[ReceiptRow]) -> Result<()> {
        self.writing(|session| session.insert_receipts(rows))
    }

    fn add_idempotent_answers(&mut self, rows: &[IdempotentAnswer]) -> Result<()> {
        self.writing(|session| session.insert_answers(rows))
    }

    fn take_nonce(&mut self, signer: &Digest, nonce: &[u8; 16], seen_at: i64) -> Result<bool> {
        let sql = "INSERT INTO nonces (signer, nonce, seen_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
        let params: Params<'_> = &[&signer.as_slice(), &nonce.as_slice(), &seen_at];
        self.writing(|session| Ok(session.run(sql, params, None)? == 1))
    }

    fn purge_nonces(&mut self, before: i64, limit: u32) -> Result<u64> {
        self.writing(|session| session.run(PURGE_NONCES, &[&before, &i64::from(limit)], None))
    }

    fn purge_idempotent_answers(&mut self, before: i64, limit: u32) -> Result<u64> {
        self.writing(|session| session.run(PURGE, &[&before, &i64::from(limit)], None))
    }
}
