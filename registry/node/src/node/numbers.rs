//! Serial numbers and status indexes, leased in blocks: durable before they are used, so that a crash leaves a gap and
//! never a number twice.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use licence_store::{StatusListRow, Store, StoreError, transact};

/// How many numbers one durable step leases. A crash loses at most as many of each authority's 2^20 indexes.
const BLOCK: u32 = 64;

/// What is left of the blocks of each authority and year.
#[derive(Clone, Default)]
pub struct Leases(Arc<Mutex<BTreeMap<(String, i64), Block>>>);

struct Block {
    list: StatusListRow,
    counters: Range<u32>,
    serials: Range<u64>,
    /// Entries of the list that were ended, and are no licence's.
    ended: BTreeSet<u32>,
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
        loop {
            if let Some(block) = blocks.get_mut(&key)
                && let (Some(status_index), Some(serial)) = (block.next_index(), block.serials.next())
            {
                let list = block.list.clone();
                return Ok(Some(Leased { list, status_index, serial: format!("{year}{serial:07}") }));
            }
            match lease_block(store, authority, year)? {
                Some(block) => blocks.insert(key.clone(), block),
                None => return Ok(None),
            };
        }
    }

    /// Gives an entry that was ended to nobody any more. One that was given out a moment before is refused by the commit.
    pub fn end(&self, list: u64, index: u32) {
        let mut blocks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for block in blocks.values_mut().filter(|block| block.list.id == list) {
            block.ended.insert(index);
        }
    }
}

impl Block {
    /// The next entry that is not ended.
    fn next_index(&mut self) -> Option<u32> {
        loop {
            let index = status_index(&self.list.permutation_secret, self.counters.next()?);
            if !self.ended.contains(&index) {
                return Some(index);
            }
        }
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
        let ended = write.ended_indexes(list.id)?.into_iter().collect();
        let first = write.lease(&serial_counter(authority, year), indexes.count)?;
        let counters = indexes.first..indexes.first + indexes.count;
        Ok(Some(Block { list, counters, serials: first..first + u64::from(indexes.count), ended }))
    })
}

/// The position of the `counter`-th licence of a list: a keyed permutation of the list, so that an index is given out
/// once and tells nothing about the order of issue.
///
/// Four Feistel rounds over 20 bits, keyed by the list's secret; `size` must be 2^20.
#[must_use]
pub fn status_index(secret: &[u8; 32], counter: u32) -> u32 {
    const HALF: u32 = 10;
    const MASK: u32 = (1 << HALF) - 1;
    let (mut left, mut right) = (counter >> HALF & MASK, counter & MASK);
    for round in 0..4u8 {
        let mixed = licence_spec::suite::sha256(&[secret, &[round], &right.to_be_bytes()]);
        let [a, b, ..] = mixed;
        (left, right) = (right, left ^ (u32::from(a) << 8 | u32::from(b)) & MASK);
    }
    left << HALF | right
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_is_given_out_once() {
        let mut seen = vec![false; 1 << 20];
        for counter in 0..1 << 20 {
            let index = status_index(&[7; 32], counter) as usize;
            assert!(!std::mem::replace(&mut seen[index], true), "index {index} twice");
        }
    }

    #[test]
    fn an_ended_entry_is_given_to_nobody_even_out_of_a_block_that_is_leased_already() {
        let secret = [7; 32];
        let list = StatusListRow::new(
            3,
            "https://gz.elic.example/v1/status-lists/3".to_owned(),
            "a".to_owned(),
            1 << 20,
            secret,
        );
        let block =
            Block { list, counters: 0..4, serials: 1..5, ended: BTreeSet::from([status_index(&secret, 0)]) };
        let leases = Leases::default();
        leases.0.lock().expect("a lock").insert(("a".to_owned(), 2026), block);
        leases.end(2, status_index(&secret, 1));
        leases.end(3, status_index(&secret, 2));
        let mut blocks = leases.0.lock().expect("a lock");
        let block = blocks.get_mut(&("a".to_owned(), 2026)).expect("a block");
        let given: Vec<u32> = std::iter::from_fn(|| block.next_index()).collect();
        assert_eq!(
            given,
            [1, 3].map(|counter| status_index(&secret, counter)),
            "that of another list is given out"
        );
    }
}
