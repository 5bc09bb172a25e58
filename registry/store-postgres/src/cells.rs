//! Reading a row from left to right. What does not read as the type that we wrote is not ours: corrupt.

use std::cell::Cell;

use licence_store::{Result, StoreError};
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

/// The cells of one row, taken in order.
pub(crate) struct Cells<'a> {
    row: &'a Row,
    next: Cell<usize>,
}

impl<'a> Cells<'a> {
    pub(crate) fn of(row: &'a Row) -> Self {
        Self { row, next: Cell::new(0) }
    }

    /// A text, integer or truth value, or an optional one.
    pub(crate) fn take<T: FromSql<'a>>(&self) -> Result<T> {
        let column = self.next.replace(self.next.get() + 1);
        self.row.try_get(column).map_err(|_| corrupt(self.row, column))
    }

    /// The next cell, left where it is.
    pub(crate) fn peek<T: FromSql<'a>>(&self) -> Result<T> {
        let column = self.next.get();
        self.row.try_get(column).map_err(|_| corrupt(self.row, column))
    }

    /// A number of a narrower type than BIGINT.
    pub(crate) fn number<T: TryFrom<i64>>(&self) -> Result<T> {
        let column = self.next.get();
        T::try_from(self.take()?).map_err(|_| corrupt(self.row, column))
    }

    /// A number that may be missing.
    pub(crate) fn maybe_number<T: TryFrom<i64>>(&self) -> Result<Option<T>> {
        let column = self.next.get();
        let value: Option<i64> = self.take()?;
        value.map(|value| T::try_from(value).map_err(|_| corrupt(self.row, column))).transpose()
    }

    /// Bytes.
    pub(crate) fn bytes(&self) -> Result<Vec<u8>> {
        self.take::<&[u8]>().map(<[u8]>::to_vec)
    }

    /// Exactly `N` bytes.
    pub(crate) fn fixed<const N: usize>(&self) -> Result<[u8; N]> {
        let column = self.next.get();
        self.take::<&[u8]>()?.try_into().map_err(|_| corrupt(self.row, column))
    }

    /// Exactly `N` bytes, or nothing.
    pub(crate) fn maybe_fixed<const N: usize>(&self) -> Result<Option<[u8; N]>> {
        let column = self.next.get();
        let bytes: Option<&[u8]> = self.take()?;
        bytes.map(|bytes| bytes.try_into().map_err(|_| corrupt(self.row, column))).transpose()
    }
}

fn corrupt(row: &Row, column: usize) -> StoreError {
    let name = row.columns().get(column).map_or("?", |column| column.name());
    StoreError::Corrupt(format!("column {name} does not read as it was written"))
}
