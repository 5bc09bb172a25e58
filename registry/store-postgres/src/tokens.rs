//! SQL of keeping status tokens: never backwards, never of an older revision, each leaf once.

use std::collections::HashMap;

use licence_store::{Conflict, Digest, Result, StatusTokenRow};

use crate::errors::integers;
use crate::session::Session;

/// Lists with their newest tokens, locked until the end of the transaction: nobody can keep another token in between.
pub(crate) const LISTS: &str = "SELECT s.id, s.revision, s.token_iat, s.token_revision, \
       (SELECT t.digest FROM status_tokens t WHERE t.list = s.id AND t.iat = s.token_iat) \
     FROM status_lists s WHERE s.id = ANY ($1) FOR UPDATE OF s";

const INSERT: &str = "INSERT INTO status_tokens (list, iat, exp, digest, bytes, revision, log_index) \
     SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bytea[], $5::bytea[], $6::bigint[], $7::bigint[])";

pub(crate) const NEWEST: &str = "UPDATE status_lists s SET token_revision = new.revision, token_iat = new.iat, token_exp = new.exp, \
       dirty_since = CASE WHEN s.revision = new.revision THEN NULL ELSE s.dirty_since END \
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS new (list, iat, exp, revision) WHERE s.id = new.list";

/// What a list has.
struct Held {
    revision: u64,
    token: Option<(i64, u64, Digest)>,
}

/// Whether a token has to be kept; false if it is the newest one already.
fn is_new(row: &StatusTokenRow, held: Option<&Held>) -> Result<bool> {
    let held = held.filter(|held| row.revision <= held.revision).ok_or(Conflict::Dangling)?;
    match &held.token {
        Some((iat, _, digest)) if *iat == row.iat && *digest == row.digest => Ok(false),
        // A later token of an earlier revision would undo a revocation: two publishers raced.
        Some((iat, revision, _)) if !row.may_follow(*iat, *revision) => {
            Err(Conflict::TokenNotNewer { held: *iat }.into())
        }
        _ => Ok(true),
    }
}

impl Session<'_> {
    /// Keeps tokens of which no two are of one list.
    pub(crate) fn token_run(&self, rows: &[StatusTokenRow]) -> Result<()> {
        let held = self.held(rows)?;
        let mut new = Vec::new();
        for row in rows {
            if is_new(row, held.get(&row.list))? {
                new.push(row);
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        let lists = integers(&new, |row| row.list)?;
        let revisions = integers(&new, |row| row.revision)?;
        let indexes = integers(&new, |row| row.log_index)?;
        let iats: Vec<i64> = new.iter().map(|row| row.iat).collect();
        let exps: Vec<i64> = new.iter().map(|row| row.exp).collect();
        let digests: Vec<&[u8]> = new.iter().map(|row| row.digest.as_slice()).collect();
        let bytes: Vec<&[u8]> = new.iter().map(|row| row.bytes.as_slice()).collect();
        let params: crate::link::Params<'_> = &[&lists, &iats, &exps, &digests, &bytes, &revisions, &indexes];
        self.run(INSERT, params, Some(Conflict::LeafExists))?;
        self.run(NEWEST, &[&lists, &iats, &exps, &revisions], None).map(drop)
    }

    fn held(&self, rows: &[StatusTokenRow]) -> Result<HashMap<u64, Held>> {
        let lists = integers(rows, |row| row.list)?;
        let held = self.all(LISTS, &[&lists], |row| {
            let (list, revision) = (row.number()?, row.number()?);
            let (iat, token_revision, digest): (Option<i64>, Option<u64>, _) =
                (row.take()?, row.maybe_number()?, row.maybe_fixed()?);
            let token = iat.zip(token_revision).zip(digest);
            Ok((
                list,
                Held { revision, token: token.map(|((iat, revision), digest)| (iat, revision, digest)) },
            ))
        })?;
        Ok(held.into_iter().collect())
    }
}
