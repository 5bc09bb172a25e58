//! Copies all that a node keeps from one store into another, empty one: for a node that has outgrown its file.
//!
//! In scope: every row, in pages, through the ordinary reads and writes, so that whatever the target's rules forbid does not get in;
//! and a comparison of both stores at the end, row by row. Out of scope: who may do it and when (nobody may write to the source
//! meanwhile: what comes after the first page is not copied), signatures (`registry/node/src/upkeep/fsck.rs`), keys, leases of jobs and nonces, which end by themselves.
//!
//! Status is not copied but replayed: licences go in as valid, then changes and tokens in log order, as they once happened. The log's
//! tiles are computed anew from the entries and must be those of the source. The node's own row is written last, when all has been
//! compared: a store with a log and without a node is an unfinished copy, which whoever opens it for a node has to refuse
//! ([`crate::WriteNode::create_node`] cannot tell, as this function calls it last).

mod index;

use licence_spec::log::merkle::{TreeHead, leaf_hash};
use licence_spec::log::tile::Tile;
use licence_spec::log::tiled_tree::TileEdge;
use licence_spec::status::Status;

use crate::{
    AuditFilter, AuditRow, DocumentRow, EndedIndexRow, IdempotentAnswer, LeafRow, LicenceRow, LogHead, Read,
    ReceiptRow, Result, StatusChangeRow, StatusListRow, StatusTokenRow, Store, StoreError, TileKey, TileRow,
    Write, transact,
};

/// Rows of a page: some hundred KiB.
const PAGE: u32 = 500;
/// Leaves of a page: four full tiles; entries are short mostly, at most 64 KiB.
const LEAVES: u32 = 1_024;
/// Rows of a page if one of them may have some MiB (documents, status tokens).
const LARGE: u32 = 8;

/// Why a copy was not made. The source is as it was; the target has to be thrown away, unless it was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CopyError {
    /// One of the stores failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The target holds something already.
    #[error(
        "目标库不是空的（{0}），请换一个空库 / the target is not empty, it has {0}: copy into an empty database"
    )]
    NotEmpty(&'static str),
    /// The source contradicts itself.
    #[error(
        "来源库自相矛盾，请先运行 fsck（{what} {at}） / the source contradicts itself: run fsck first ({what} {at})"
    )]
    Damaged {
        /// Table.
        what: &'static str,
        /// Log index.
        at: u64,
    },
    /// Source and target differ after the copy.
    #[error(
        "复制后两库的 {0} 不一致，请弃用目标库 / {0} of source and target differ after the copy: throw the target away"
    )]
    Differs(&'static str),
}

/// How many rows of each kind were copied and found equal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copied {
    /// Licences.
    pub licences: u64,
    /// Changes of status.
    pub status_changes: u64,
    /// Ended entries that no licence has.
    pub ended_indexes: u64,
    /// Status lists.
    pub status_lists: u64,
    /// Status tokens.
    pub status_tokens: u64,
    /// Leaves of the log.
    pub leaves: u64,
    /// Signed documents.
    pub documents: u64,
    /// Clients.
    pub clients: u64,
    /// Receipts.
    pub receipts: u64,
    /// Answers kept for idempotency keys.
    pub answers: u64,
    /// Counters.
    pub counters: u64,
    /// Licences, changes and rejects of the index of other nodes.
    pub index: u64,
    /// Rows of the audit.
    pub audit: u64,
}

/// Copies all of `from` into `to`, which must be empty, compares both, and says how much there was.
///
/// `progress` is told after each page what was copied, and how many rows of it so far; `compare` at last.
/// # Errors
/// [`CopyError`].
pub fn copy(
    from: &dyn Store,
    to: &dyn Store,
    progress: &mut dyn FnMut(&'static str, u64),
) -> std::result::Result<Copied, CopyError> {
    refuse_full(&*to.read()?)?;
    let source = from.read()?;
    let source = &*source;
    let mut copy = Copy { source, to, progress };
    let lists = source.status_lists()?;
    copy.add_lists(&lists)?;
    copy.pages("licences", licences, |write, rows| write.add_licences(&as_issued(rows)))?;
    copy.replay_status()?;
    copy.use_up(&lists)?;
    copy.log()?;
    copy.pages("documents", documents, |write, rows| write.put_documents(rows).map(drop))?;
    let clients = source.clients()?;
    copy.write(|write| write.add_clients(&clients))?;
    copy.pages("receipts", receipts, |write, rows| write.add_receipts(rows))?;
    copy.pages("answers", answers, |write, rows| write.add_idempotent_answers(rows))?;
    copy.count_on()?;
    copy.index()?;
    copy.pages("audit", audit, |write, rows| write.append_audit(rows))?;
    (copy.progress)("compare", 0);
    let copied = compare(source, &*to.read()?)?;
    if let Some(node) = source.node()? {
        copy.write(|write| write.create_node(&node))?;
    }
    Ok(copied)
}

/// A copy that is being made.
struct Copy<'a> {
    source: &'a dyn Read,
    to: &'a dyn Store,
    progress: &'a mut dyn FnMut(&'static str, u64),
}

/// What comes after a row, one page of it.
type Page<T> = fn(&dyn Read, Option<&T>) -> Result<Vec<T>>;

impl Copy<'_> {
    fn write(&self, body: impl FnMut(&mut dyn Write) -> Result<()>) -> Result<()> {
        transact(self.to, "copy", body)
    }

    /// Copies a table page by page, each in a transaction of its own.
    fn pages<T>(
        &mut self,
        what: &'static str,
        page: Page<T>,
        add: fn(&mut dyn Write, &[T]) -> Result<()>,
    ) -> Result<()> {
        let (mut rows, mut done) = (page(self.source, None)?, 0);
        while !rows.is_empty() {
            self.write(|write| add(write, &rows))?;
            done += rows.len() as u64;
            (self.progress)(what, done);
            rows = page(self.source, rows.last())?;
        }
        Ok(())
    }

    fn add_lists(&self, lists: &[StatusListRow]) -> Result<()> {
        let new = |row: &StatusListRow| {
            StatusListRow::new(
                row.id,
                row.uri.clone(),
                row.authority.clone(),
                row.size,
                row.permutation_secret,
            )
        };
        let new: Vec<_> = lists.iter().map(new).collect();
        self.write(|write| write.add_status_lists(&new))
    }

    /// Changes and tokens in log order: only so is each token as old as its list was then.
    fn replay_status(&mut self) -> Result<()> {
        let mut changes = status_changes(self.source, None)?;
        let mut ended = ended_indexes(self.source, None)?;
        let mut tokens = status_tokens(self.source, None)?;
        let mut done = 0;
        while let Some((part, count)) = next_stretch(&changes, &ended, &tokens) {
            done += count as u64;
            match part {
                Part::Changes => {
                    let rest = changes.split_off(count);
                    self.write(|write| write.change_statuses(&changes))?;
                    changes = more(rest, changes.last(), self.source, status_changes)?;
                }
                Part::Ended => {
                    let rest = ended.split_off(count);
                    self.write(|write| write.end_indexes(&ended))?;
                    ended = more(rest, ended.last(), self.source, ended_indexes)?;
                }
                Part::Tokens => {
                    let rest = tokens.split_off(count);
                    self.write(|write| write.add_status_tokens(&tokens))?;
                    tokens = more(rest, tokens.last(), self.source, status_tokens)?;
                }
            }
            (self.progress)("status", done);
        }
        Ok(())
    }

    /// Gives out the indexes that the source has given out, and closes what it has closed.
    fn use_up(&self, lists: &[StatusListRow]) -> Result<()> {
        self.write(|write| {
            lists.iter().try_for_each(|list| {
                write.lease_status_indexes(list.id, list.next_counter)?;
                if list.open { Ok(()) } else { write.close_status_list(list.id).map(drop) }
            })
        })
    }

    fn log(&mut self) -> std::result::Result<(), CopyError> {
        let Some(head) = self.source.log_head()? else { return Ok(()) };
        self.write(|write| write.create_log(&head.origin, &TreeHead::EMPTY.root))?;
        let mut edge = TileEdge::default();
        while edge.size() < head.size {
            let old = edge.size();
            let leaves = self.source.log_leaves(old, LEAVES)?;
            if leaves.is_empty() {
                return Err(CopyError::Damaged { what: "log_leaves", at: old });
            }
            let tiles = grow(&mut edge, &leaves)?;
            self.check_tiles(&tiles, old)?;
            let head = LogHead { origin: head.origin.clone(), size: edge.size(), root: edge.root() };
            self.write(|write| write.append_log(old, &leaves, &tiles, &head))?;
            (self.progress)("log", edge.size());
        }
        if edge.head() != (TreeHead { size: head.size, root: head.root }) {
            return Err(CopyError::Damaged { what: "log_head", at: head.size });
        }
        Ok(())
    }

    /// Whether the stored tiles begin with those that the entries give.
    fn check_tiles(&self, tiles: &[TileRow], at: u64) -> std::result::Result<(), CopyError> {
        let keys: Vec<TileKey> = tiles.iter().map(|tile| tile.key).collect();
        let stored = self.source.log_tiles(&keys)?;
        let same = |(tile, stored): (&TileRow, &Option<Vec<u8>>)| {
            stored.as_ref().is_some_and(|stored| stored.starts_with(&tile.hashes))
        };
        match tiles.iter().zip(&stored).all(same) {
            true => Ok(()),
            false => Err(CopyError::Damaged { what: "log_tiles", at }),
        }
    }

    /// Sets the counters on, in steps as wide as a lease may be.
    fn count_on(&self) -> Result<()> {
        for counter in self.source.counters()? {
            self.write(|write| {
                let mut next = write.lease(&counter.name, 0)?;
                while next < counter.next {
                    let step = u32::try_from(counter.next - next).unwrap_or(u32::MAX);
                    next = write.lease(&counter.name, step)? + u64::from(step);
                }
                Ok(())
            })?;
        }
        Ok(())
    }
}

/// Of what the next rows in log order are.
enum Part {
    Changes,
    Ended,
    Tokens,
}

/// Of which kind the next rows in log order are, and how many of them come before the next of another kind. `None` once all have come to an
/// end: one leaf is not of two kinds, and a log has no leaf 2^64 - 1.
fn next_stretch(
    changes: &[StatusChangeRow],
    ended: &[EndedIndexRow],
    tokens: &[StatusTokenRow],
) -> Option<(Part, usize)> {
    let change = changes.first().map_or(u64::MAX, |row| row.log_index);
    let end = ended.first().map_or(u64::MAX, |row| row.log_index);
    let token = tokens.first().map_or(u64::MAX, |row| row.log_index);
    let below = |places: &mut dyn Iterator<Item = u64>, next: u64| places.take_while(|at| *at < next).count();
    if change < end.min(token) {
        Some((Part::Changes, below(&mut changes.iter().map(|row| row.log_index), end.min(token))))
    } else if end < change.min(token) {
        Some((Part::Ended, below(&mut ended.iter().map(|row| row.log_index), change.min(token))))
    } else if token < change.min(end) {
        Some((Part::Tokens, below(&mut tokens.iter().map(|row| row.log_index), change.min(end))))
    } else {
        None
    }
}

/// What is left of a page, or else the next one: so there is nothing left only when the source has nothing left.
fn more<T>(rest: Vec<T>, last: Option<&T>, source: &dyn Read, page: Page<T>) -> Result<Vec<T>> {
    if rest.is_empty() { page(source, last) } else { Ok(rest) }
}

/// Appends leaves to the edge; answers the tiles that grew.
fn grow(edge: &mut TileEdge, leaves: &[LeafRow]) -> std::result::Result<Vec<TileRow>, CopyError> {
    let row = |tile: Tile, hashes: Vec<u8>| TileRow {
        key: TileKey { level: tile.level(), index: tile.index() },
        hashes,
    };
    let mut tiles = Vec::new();
    for leaf in leaves {
        if leaf.index != edge.size() || leaf.hash != leaf_hash(&leaf.entry) {
            return Err(CopyError::Damaged { what: "log_leaves", at: edge.size() });
        }
        edge.push(&leaf.hash, |tile, hashes| tiles.push(row(tile, hashes)));
    }
    tiles.extend(edge.partial_tiles().map(|(tile, hashes)| row(tile, hashes.to_vec())));
    Ok(tiles)
}

/// Licences as they were before any change of their status.
fn as_issued(rows: &[LicenceRow]) -> Vec<LicenceRow> {
    rows.iter().map(|row| LicenceRow { status: Status::Valid, successor: None, ..row.clone() }).collect()
}

fn licences(read: &dyn Read, after: Option<&LicenceRow>) -> Result<Vec<LicenceRow>> {
    read.licences_from(after.map_or(0, |row| row.log_index + 1), PAGE)
}

fn status_changes(read: &dyn Read, after: Option<&StatusChangeRow>) -> Result<Vec<StatusChangeRow>> {
    read.status_changes_from(after.map_or(0, |row| row.log_index + 1), PAGE)
}

fn status_tokens(read: &dyn Read, after: Option<&StatusTokenRow>) -> Result<Vec<StatusTokenRow>> {
    read.status_tokens_from(after.map_or(0, |row| row.log_index + 1), LARGE)
}

fn ended_indexes(read: &dyn Read, after: Option<&EndedIndexRow>) -> Result<Vec<EndedIndexRow>> {
    read.ended_indexes_from(after.map_or(0, |row| row.log_index + 1), PAGE)
}

fn leaves(read: &dyn Read, after: Option<&LeafRow>) -> Result<Vec<LeafRow>> {
    read.log_leaves(after.map_or(0, |row| row.index + 1), LEAVES)
}

fn documents(read: &dyn Read, after: Option<&DocumentRow>) -> Result<Vec<DocumentRow>> {
    read.documents_after(after.map(|row| (row.kind.as_str(), row.name.as_str())), LARGE)
}

fn receipts(read: &dyn Read, after: Option<&ReceiptRow>) -> Result<Vec<ReceiptRow>> {
    read.receipts_after(after.map(|row| &row.id), PAGE)
}

fn audit(read: &dyn Read, after: Option<&AuditRow>) -> Result<Vec<AuditRow>> {
    read.audit_rows(after.map_or(0, |row| row.number), &AuditFilter::default(), PAGE)
}

fn answers(read: &dyn Read, after: Option<&IdempotentAnswer>) -> Result<Vec<IdempotentAnswer>> {
    read.idempotent_answers_after(after.map(|row| &row.key), PAGE)
}

fn refuse_full(to: &dyn Read) -> std::result::Result<(), CopyError> {
    let held = [
        ("node", to.node()?.is_some()),
        ("log_head", to.log_head()?.is_some()),
        ("status_lists", !to.status_lists()?.is_empty()),
        ("documents", !documents(to, None)?.is_empty()),
        ("clients", !to.clients()?.is_empty()),
        ("receipts", !receipts(to, None)?.is_empty()),
        ("idempotent_answers", !answers(to, None)?.is_empty()),
        ("counters", !to.counters()?.is_empty()),
        ("index", !to.index_cursors()?.is_empty()),
        ("audit", to.audit_head()?.is_some()),
    ];
    match held.into_iter().find(|(_, held)| *held) {
        Some((what, _)) => Err(CopyError::NotEmpty(what)),
        None => Ok(()),
    }
}

/// Compares all rows of both stores; answers how many there are.
fn compare(source: &dyn Read, target: &dyn Read) -> std::result::Result<Copied, CopyError> {
    let lists = (source.status_lists()?, target.status_lists()?);
    if lists.0.len() != lists.1.len() || !lists.0.iter().zip(&lists.1).all(|(a, b)| same_list(a, b)) {
        return Err(CopyError::Differs("status_lists"));
    }
    let differs = |what, equal: bool| if equal { Ok(()) } else { Err(CopyError::Differs(what)) };
    let (clients, counters) = (source.clients()?, source.counters()?);
    differs("clients", clients == target.clients()?)?;
    differs("counters", counters == target.counters()?)?;
    differs("log_head", source.log_head()? == target.log_head()?)?;
    let mut copied = Copied {
        licences: same_rows("licences", licences, source, target)?,
        status_changes: same_rows("status_changes", status_changes, source, target)?,
        ended_indexes: same_rows("ended_indexes", ended_indexes, source, target)?,
        status_lists: lists.0.len() as u64,
        status_tokens: same_rows("status_tokens", status_tokens, source, target)?,
        leaves: same_rows("log_leaves", leaves, source, target)?,
        documents: same_rows("documents", documents, source, target)?,
        clients: clients.len() as u64,
        receipts: same_rows("receipts", receipts, source, target)?,
        answers: same_rows("idempotent_answers", answers, source, target)?,
        counters: counters.len() as u64,
        index: 0,
        audit: same_rows("audit", audit, source, target)?,
    };
    index::compare(source, target, &mut copied)?;
    Ok(copied)
}

/// Since when a list is dirty may differ by what one transaction did in another order; whether it is may not.
fn same_list(a: &StatusListRow, b: &StatusListRow) -> bool {
    let without = |row: &StatusListRow| StatusListRow { dirty_since: None, ..row.clone() };
    a.dirty_since.is_some() == b.dirty_since.is_some() && without(a) == without(b)
}

fn same_rows<T: PartialEq>(
    what: &'static str,
    page: Page<T>,
    source: &dyn Read,
    target: &dyn Read,
) -> std::result::Result<u64, CopyError> {
    let (mut rows, mut done) = (page(source, None)?, 0);
    if page(target, None)? != rows {
        return Err(CopyError::Differs(what));
    }
    while !rows.is_empty() {
        done += rows.len() as u64;
        let next = page(source, rows.last())?;
        if page(target, rows.last())? != next {
            return Err(CopyError::Differs(what));
        }
        rows = next;
    }
    Ok(done)
}
