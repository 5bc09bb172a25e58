//! Report the index (归集): what this node tells its province of its licences, and what a province tells a node of that node's own.
//!
//! In scope: one page of records from one snapshot of the store. Out of scope: who may ask (`http`), the form (`index_record`).

use licence_store::{Read, StoreError};

use crate::exchange::index_record::{
    IndexPage, IndexRecord, PAGE, of_change, of_ended, of_indexed, of_indexed_change, of_licence,
};
use crate::exchange::mirror;
use crate::node::Node;

/// The records of this node's own log with a log index of at least `after`, with the codes of the holders.
///
/// # Errors
/// [`StoreError`].
pub fn own_page(node: &Node, after: u64) -> Result<IndexPage, StoreError> {
    let read = node.store.read()?;
    let lists = read.status_lists()?;
    let uri = |id: u64| lists.iter().find(|list| list.id == id).map(|list| list.uri.as_str());
    let mut records = Vec::new();
    for row in read.licences_from(after, PAGE + 1)? {
        let uri =
            uri(row.status_list).ok_or_else(|| StoreError::Corrupt("a licence without a list".to_owned()))?;
        records.push(of_licence(&row, uri));
    }
    records.extend(read.status_changes_from(after, PAGE + 1)?.iter().map(of_change));
    records.extend(read.ended_indexes_from(after, PAGE + 1)?.iter().map(of_ended));
    let size = read.log_head()?.map_or(0, |head| head.size);
    Ok(page(node.origin(), records, size, size))
}

/// What this province knows of another log from `after` on, without holders: of them it has only hashes.
///
/// # Errors
/// [`StoreError`].
pub fn gathered_page(node: &Node, origin: &str, after: u64) -> Result<IndexPage, StoreError> {
    let read = node.store.read()?;
    let mut records: Vec<IndexRecord> =
        read.index_licences_from(origin, after, PAGE + 1)?.iter().map(of_indexed).collect();
    records.extend(read.index_changes_from(origin, after, PAGE + 1)?.iter().map(of_indexed_change));
    let size = mirror::held(&*read, origin)?.size;
    Ok(page(origin.to_owned(), records, told(&*read, origin)?, size))
}

/// How far a log has been told.
///
/// # Errors
/// [`StoreError`].
pub fn told(read: &dyn Read, origin: &str) -> Result<u64, StoreError> {
    let cursors = read.index_cursors()?;
    Ok(cursors.into_iter().find(|cursor| cursor.origin == origin).map_or(0, |cursor| cursor.next))
}

/// The first records of those found, of which there may be a page of each kind and one more; `end` is where they all end.
fn page(origin: String, mut records: Vec<IndexRecord>, end: u64, size: u64) -> IndexPage {
    records.sort_by_key(IndexRecord::log_index);
    let is_cut = records.len() > PAGE as usize;
    records.truncate(PAGE as usize);
    let last = records.last().filter(|_| is_cut).map(|record| record.log_index() + 1);
    IndexPage { origin, records, next: last.unwrap_or(end), size }
}
