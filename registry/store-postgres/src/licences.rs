//! SQL of licences, their unique names and their holders.
//!
//! A unique name is kept as SHA-256 over one byte of kind and the parts of the name, each behind its length (8 bytes, big-endian):
//! 1 digest, 2 id, 3 cti, 4 status list and index, 5 number, authority and vct. It has the same 32 bytes however long the name is.

use std::collections::HashSet;

use licence_spec::status::Status;
use licence_spec::suite::sha256;
use licence_store::{
    Conflict, Digest, LicenceCount, LicenceRow, ReadLicences, Result, StoreError, StoredCredential, Taken,
    WriteLicences,
};

use crate::cells::Cells;
use crate::errors::{integer, integers};
use crate::link::Params;
use crate::session::Session;

/// Columns of a licence in the order of [`licence`].
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT l.log_index, l.digest, l.id, l.cti, l.vct, l.number, l.version, l.authority, l.area, l.holders, \
             l.issued_at, l.expires_at, l.credential, l.status_list, l.status_index, l.status, l.predecessor, l.successor, l.client ",
            $rest
        )
    };
}

pub(crate) const BY_NAME: &str = select!(
    "FROM licences l WHERE l.log_index = \
     (SELECT n.log_index FROM licence_names n WHERE n.name = $1 ORDER BY n.version DESC LIMIT 1)"
);

pub(crate) const NEWEST_OF_HOLDER: &str = select!(
    "FROM licences l WHERE l.log_index = ANY (ARRAY(SELECT h.licence FROM licence_holders h WHERE h.holder = $1)) \
     AND l.status = $2 AND l.vct = ANY ($3::text[]) AND length(l.credential) > 0 ORDER BY l.log_index DESC LIMIT $4"
);

/// One statement for the three tables: a name that is taken refuses all.
const INSERT: &str = "WITH names AS (INSERT INTO licence_names (name, version, log_index) \
       SELECT * FROM unnest($20::bytea[], $21::bigint[], $22::bigint[])), \
     holders AS (INSERT INTO licence_holders (holder, licence) SELECT * FROM unnest($23::bytea[], $24::bigint[])) \
     INSERT INTO licences (log_index, digest, id, cti, vct, number, version, authority, area, holders, issued_at, expires_at, \
       credential, status_list, status_index, status, predecessor, successor, client) \
     SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::text[], $4::bytea[], $5::text[], $6::text[], $7::bigint[], $8::text[], \
       $9::text[], $10::bytea[], $11::bigint[], $12::bigint[], $13::bytea[], $14::bigint[], $15::bigint[], $16::bigint[], \
       $17::bytea[], $18::bytea[], $19::text[])";

/// Whether a number with version, and an id, are taken; one row for each asked.
pub(crate) const TAKEN: &str = "SELECT \
     (SELECT n.log_index FROM licence_names n WHERE n.name = asked.number AND n.version = asked.version) IS NOT NULL, \
     (SELECT n.log_index FROM licence_names n WHERE n.name = asked.id AND n.version = 0) IS NOT NULL \
     FROM unnest($1::bytea[], $2::bigint[], $3::bytea[]) WITH ORDINALITY AS asked (number, version, id, at) ORDER BY asked.at";

fn licence(row: &Cells<'_>) -> Result<LicenceRow> {
    Ok(LicenceRow {
        log_index: row.number()?,
        digest: row.fixed()?,
        id: row.take()?,
        cti: row.fixed()?,
        vct: row.take()?,
        number: row.take()?,
        version: row.number()?,
        authority: row.take()?,
        area: row.take()?,
        holders: digests(row.take()?)?,
        issued_at: row.take()?,
        expires_at: row.take()?,
        credential: StoredCredential::of_column(row.bytes()?),
        status_list: row.number()?,
        status_index: row.number()?,
        status: row.number()?,
        predecessor: row.maybe_fixed()?,
        successor: row.maybe_fixed()?,
        client: row.take::<Option<&str>>()?.map(str::to_owned),
    })
}

/// The digests of a column that holds some, one after another.
pub(crate) fn digests(bytes: &[u8]) -> Result<Vec<Digest>> {
    let (digests, rest) = bytes.as_chunks();
    match rest {
        [] => Ok(digests.to_vec()),
        _ => Err(StoreError::Corrupt("column holders is not made of digests".into())),
    }
}

/// The holders as a set: ascending, each once.
pub(crate) fn as_set(holders: &[Digest]) -> Vec<Digest> {
    let mut holders = holders.to_vec();
    holders.sort_unstable();
    holders.dedup();
    holders
}

fn name(kind: u8, parts: &[&[u8]]) -> Digest {
    let lengths: Vec<[u8; 8]> = parts.iter().map(|part| (part.len() as u64).to_be_bytes()).collect();
    let kind = [kind];
    let mut all: Vec<&[u8]> = vec![&kind];
    for (length, part) in lengths.iter().zip(parts) {
        all.extend([length.as_slice(), part]);
    }
    sha256(&all)
}

/// Name of a licence by its statement's digest.
pub(crate) fn digest_name(digest: &Digest) -> Digest {
    name(1, &[digest])
}

fn id_name(id: &str) -> Digest {
    name(2, &[id.as_bytes()])
}

fn cti_name(cti: &[u8; 16]) -> Digest {
    name(3, &[cti])
}

/// Name of a licence by its entry of a status list. An entry that was ended without a licence has it, too (`status`), so that it is
/// never a licence's.
pub(crate) fn status_name(list: u64, index: u32) -> Digest {
    name(4, &[&list.to_be_bytes(), &index.to_be_bytes()])
}

fn number_name(authority: &str, vct: &str, number: &str) -> Digest {
    name(5, &[number.as_bytes(), authority.as_bytes(), vct.as_bytes()])
}

/// All unique names of a row, each with its version.
fn names(row: &LicenceRow) -> [(Digest, i64); 5] {
    [
        (digest_name(&row.digest), 0),
        (id_name(&row.id), 0),
        (cti_name(&row.cti), 0),
        (status_name(row.status_list, row.status_index), 0),
        (number_name(&row.authority, &row.vct, &row.number), row.version.into()),
    ]
}

/// What each licence has, with the licence's log index.
fn each<'a, T: 'a>(all: &'a [impl AsRef<[T]>], indexes: &'a [i64]) -> impl Iterator<Item = (&'a T, i64)> {
    all.iter().zip(indexes).flat_map(|(some, index)| some.as_ref().iter().map(|one| (one, *index)))
}

impl Session<'_> {
    /// The newest licence with a name; `is` says whether it has it in truth.
    fn licence_named(&self, name: &Digest, is: impl Fn(&LicenceRow) -> bool) -> Result<Option<LicenceRow>> {
        let found = self.one(BY_NAME, &[&name.as_slice()], licence)?;
        match found {
            Some(row) if !is(&row) => Err(StoreError::Corrupt(format!(
                "licence_names leads to the wrong licence at {}",
                row.log_index
            ))),
            found => Ok(found),
        }
    }

    fn insert_licences(&self, rows: &[LicenceRow]) -> Result<()> {
        let indexes = integers(rows, |row| row.log_index)?;
        let lists = integers(rows, |row| row.status_list)?;
        let names: Vec<_> = rows.iter().map(names).collect();
        let holders: Vec<_> = rows.iter().map(|row| as_set(&row.holders)).collect();
        let joined: Vec<Vec<u8>> = holders.iter().map(|holders| holders.concat()).collect();
        let (keys, named): (Vec<&[u8]>, Vec<i64>) =
            each(&names, &indexes).map(|((name, _), index)| (name.as_slice(), index)).unzip();
        let versions: Vec<i64> = names.iter().flatten().map(|(_, version)| *version).collect();
        let (held, holding): (Vec<&[u8]>, Vec<i64>) =
            each(&holders, &indexes).map(|(holder, index)| (holder.as_slice(), index)).unzip();
        let texts = |of: fn(&LicenceRow) -> &str| rows.iter().map(of).collect::<Vec<&str>>();
        let bytes = |of: fn(&LicenceRow) -> &[u8]| rows.iter().map(of).collect::<Vec<&[u8]>>();
        let links = |of: fn(&LicenceRow) -> Option<&Digest>| {
            rows.iter().map(|row| of(row).map(Digest::as_slice)).collect::<Vec<Option<&[u8]>>>()
        };
        let clients: Vec<Option<&str>> = rows.iter().map(|row| row.client.as_deref()).collect();
        let numbers = |of: fn(&LicenceRow) -> i64| rows.iter().map(of).collect::<Vec<i64>>();
        let params: Params<'_> = &[
            &indexes,
            &bytes(|row| &row.digest),
            &texts(|row| &row.id),
            &bytes(|row| &row.cti),
            &texts(|row| &row.vct),
            &texts(|row| &row.number),
            &numbers(|row| row.version.into()),
            &texts(|row| &row.authority),
            &texts(|row| &row.area),
            &joined,
            &numbers(|row| row.issued_at),
            &numbers(|row| row.expires_at),
            &bytes(|row| row.credential.as_column()),
            &lists,
            &numbers(|row| row.status_index.into()),
            &numbers(|row| row.status.into()),
            &links(|row| row.predecessor.as_ref()),
            &links(|row| row.successor.as_ref()),
            &clients,
            &keys,
            &versions,
            &named,
            &held,
            &holding,
        ];
        self.run(INSERT, params, Some(Conflict::LicenceExists)).map(drop)
    }
}

impl ReadLicences for Session<'_> {
    fn licence(&self, digest: &Digest) -> Result<Option<LicenceRow>> {
        self.licence_named(&digest_name(digest), |row| row.digest == *digest)
    }

    fn licence_by_status_index(&self, list: u64, index: u32) -> Result<Option<LicenceRow>> {
        self.licence_named(&status_name(list, index), |row| {
            row.status_list == list && row.status_index == index
        })
    }

    fn licence_by_id(&self, id: &str) -> Result<Option<LicenceRow>> {
        self.licence_named(&id_name(id), |row| row.id == id)
    }

    fn licence_by_cti(&self, cti: &[u8; 16]) -> Result<Option<LicenceRow>> {
        self.licence_named(&cti_name(cti), |row| row.cti == *cti)
    }

    fn licence_by_number(&self, authority: &str, vct: &str, number: &str) -> Result<Option<LicenceRow>> {
        self.licence_named(&number_name(authority, vct, number), |row| {
            row.authority == authority && row.vct == vct && row.number == number
        })
    }

    fn newest_of_holder(
        &self,
        holder: &Digest,
        types: &[&str],
        status: Status,
        limit: u32,
    ) -> Result<Vec<LicenceRow>> {
        let types = types.to_vec();
        self.all(
            NEWEST_OF_HOLDER,
            &[&holder.as_slice(), &i64::from(status), &types, &i64::from(limit)],
            licence,
        )
    }

    fn licences_from(&self, from: u64, limit: u32) -> Result<Vec<LicenceRow>> {
        let sql = select!("FROM licences l WHERE l.log_index >= $1 ORDER BY l.log_index LIMIT $2");
        self.all(sql, &[&integer(from)?, &i64::from(limit)], licence)
    }

    fn licence_count(&self) -> Result<u64> {
        let count = self.one("SELECT count(*) FROM licences", &[], |row| row.number())?;
        count.ok_or_else(|| StoreError::Corrupt("count without a row".into()))
    }

    fn licence_counts(&self) -> Result<Vec<LicenceCount>> {
        // By bytes, as everywhere, whatever the collation of the database is.
        let sql = "SELECT vct, status, count(*) FROM licences GROUP BY vct, status ORDER BY vct COLLATE \"C\", status";
        self.all(sql, &[], |row| {
            Ok(LicenceCount { vct: row.take()?, status: row.number()?, licences: row.number()? })
        })
    }

    fn taken_licences(&self, rows: &[LicenceRow]) -> Result<Vec<Option<Taken>>> {
        let asked: Vec<_> = rows
            .iter()
            .map(|row| (number_name(&row.authority, &row.vct, &row.number), row.version, id_name(&row.id)))
            .collect();
        let by_number: Vec<&[u8]> = asked.iter().map(|(number, ..)| number.as_slice()).collect();
        let versions: Vec<i64> = asked.iter().map(|(_, version, _)| (*version).into()).collect();
        let by_id: Vec<&[u8]> = asked.iter().map(|(.., id)| id.as_slice()).collect();
        let stored: Vec<(bool, bool)> =
            self.all(TAKEN, &[&by_number, &versions, &by_id], |row| Ok((row.take()?, row.take()?)))?;
        let (mut numbers, mut ids) = (HashSet::new(), HashSet::new());
        let mut answers = Vec::with_capacity(rows.len());
        for ((number, version, id), (number_stored, id_stored)) in asked.iter().zip(stored) {
            let taken = if number_stored || numbers.contains(&(number, version)) {
                Some(Taken::Number)
            } else if id_stored || ids.contains(id) {
                Some(Taken::Id)
            } else {
                // Only a row that will be added takes its names from the rows after it.
                numbers.insert((number, version));
                ids.insert(id);
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
