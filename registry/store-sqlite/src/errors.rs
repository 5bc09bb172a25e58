//! From SQLite's result codes to the store's words. Texts keep the code and SQLite's own words; these name tables and columns only.

use licence_spec::status::Status;
use licence_store::{Conflict, Result, StoreError};
use rusqlite::{Error, ErrorCode, ffi};

/// Any error for which no constraint is expected to be broken.
pub(crate) fn store_error(error: Error) -> StoreError {
    match &error {
        Error::SqliteFailure(failure, _) => from_code(failure, &error),
        // A column that does not read as the type we wrote: not our bytes.
        Error::FromSqlConversionFailure(..)
        | Error::IntegralValueOutOfRange(..)
        | Error::InvalidColumnType(..)
        | Error::Utf8Error(..) => StoreError::Corrupt(error.to_string()),
        Error::ToSqlConversionFailure(_) => StoreError::OutOfRange("a value that SQLite cannot hold"),
        _ => StoreError::Unavailable(error.to_string()),
    }
}

fn from_code(failure: &ffi::Error, error: &Error) -> StoreError {
    match failure.code {
        ErrorCode::DiskFull => StoreError::Full(error.to_string()),
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Corrupt(error.to_string()),
        ErrorCode::TooBig => StoreError::OutOfRange("a row longer than SQLite allows"),
        ErrorCode::ConstraintViolation => StoreError::OutOfRange("a value outside the range of its column"),
        _ => StoreError::Unavailable(error.to_string()),
    }
}

/// Turns a broken unique constraint into `conflict` and a broken reference into [`Conflict::Dangling`].
pub(crate) fn or_conflict(conflict: Conflict) -> impl Fn(Error) -> StoreError {
    move |error| match error.sqlite_error().map(|failure| failure.extended_code) {
        Some(
            ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_ROWID,
        ) => conflict.into(),
        Some(ffi::SQLITE_CONSTRAINT_FOREIGNKEY) => Conflict::Dangling.into(),
        _ => store_error(error),
    }
}

/// A count or index as SQLite stores it.
pub(crate) fn integer(value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|_| StoreError::OutOfRange("a count or index above 2^63 - 1"))
}

/// A count or index as we wrote it: a negative one is none of ours.
/// A status; another number is no row of ours.
pub(crate) fn status(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Status> {
    let value: i64 = row.get(column)?;
    Status::try_from(value).map_err(|_| Error::IntegralValueOutOfRange(column, value))
}

pub(crate) fn unsigned(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<u64> {
    let value: i64 = row.get(column)?;
    u64::try_from(value).map_err(|_| Error::IntegralValueOutOfRange(column, value))
}
