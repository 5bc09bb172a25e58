//! Serial numbers and status indexes, leased in blocks: durable before they are used, so that a crash leaves a gap and
//! never a number twice.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use licence_store::{StatusListRow, Store, StoreError, transact};

use crate::trips::publish_status::status_index;

/// How many numbers one durable step leases. A crash loses at most as many of each authority's 2^20 indexes.
const BLOCK: u32 = 64;

/// What is left of the blocks of each authority and year.
#[derive(Clone, Default)]
pub struct Leases(Arc<Mutex<BTreeMap<(String, i64), Block>>>);

struct Block {
    list: StatusListRow,
    counters: Range<u32>,
    serials: Range<u64>,
}

/// A number that nobody else has.
pub struct Leased {
    /// The status list.
    pub list: StatusListRow,
    /// Index in it.
    pub status_index: u32,
    /// 流水号: year and seven digits.
    pub serial: String,
}

impl Leases {
    /// The next number of an authority; `None` if it has no open, published status list with room.
    ///
    /// # Errors
    /// [`StoreError`] if a new block cannot be leased.
    pub fn next(&self, store: &dyn Store, authority: &str, year: i64) -> Result<Option<Leased>, StoreError> {
        // A poisoned map holds whole blocks: a number is taken out before anything can fail.
        let mut blocks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (authority.to_owned(), year);
        let spent = |block: &Block| block.counters.is_empty() || block.serials.is_empty();
        if blocks.get(&key).is_none_or(spent) {
            match lease_block(store, authority, year)? {
                Some(block) => blocks.insert(key.clone(), block),
                None => return Ok(None),
            };
        }
        let Some(block) = blocks.get_mut(&key) else { return Ok(None) };
        let (Some(counter), Some(serial)) = (block.counters.next(), block.serials.next()) else {
            return Ok(None);
        };
        let status_index = status_index(&block.list.permutation_secret, counter);
        Ok(Some(Leased { list: block.list.clone(), status_index, serial: format!("{year}{serial:07}") }))
    }
}

/// Name of the counter of the serials of an authority in a year.
pub(crate) fn serial_counter(authority: &str, year: i64) -> String {
    format!("serial.{authority}.{year}")
}

fn lease_block(store: &dyn Store, authority: &str, year: i64) -> Result<Option<Block>, StoreError> {
    transact(store, "lease_numbers", |write| {
        // The oldest list with room; one whose first token is not published would make licences that nobody can verify.
        let usable = |list: &StatusListRow| {
            list.authority == authority
                && list.open
                && list.next_counter < list.size
                && list.token_iat.is_some()
        };
        let Some(list) = write.status_lists()?.into_iter().find(usable) else { return Ok(None) };
        let indexes = write.lease_status_indexes(list.id, BLOCK)?;
        if indexes.count == 0 {
            return Ok(None);
        }
        let first = write.lease(&serial_counter(authority, year), indexes.count)?;
        let counters = indexes.first..indexes.first + indexes.count;
        Ok(Some(Block { list, counters, serials: first..first + u64::from(indexes.count) }))
    })
}
