//! The node's own log: what is appended, and the signed head that the world sees.
//!
//! In scope: the right edge of the tree in memory, proofs from stored tiles, the signed checkpoint.
//! Out of scope: the transaction in which leaves become durable (`db`), formats (`licence_spec::log`).

use std::sync::{Arc, PoisonError, RwLock};

use crate::node::shelf::Kind;
use licence_spec::log::checkpoint::Checkpoint;
use licence_spec::log::entry::Entry;
use licence_spec::log::merkle::{Hash, TreeHead};
use licence_spec::log::note::LogKey;
use licence_spec::log::proof::format_proof;
use licence_spec::log::tile::{Tile, TileError};
use licence_spec::log::tiled_tree::{TileEdge, TiledTree};
use licence_spec::suite::name_digest;
use licence_spec::suite::{SignError, Signer};
use licence_store::{
    Conflict, DocumentRow, LeafRow, LogHead, Read, Store, StoreError, TileKey, TileRow, Write, transact,
};

/// Kind of the document that names the key of the log; named by origin.
const KEY: &str = Kind::LogKey.name();

/// Name of the log of the node on a host (spec/log.md §1).
#[must_use]
pub fn origin_of(host: &str) -> String {
    format!("{host}/log")
}

/// Name of the witness on a host.
#[must_use]
pub fn witness_name(host: &str) -> String {
    format!("{host}/w1")
}

/// Why the log cannot be opened, extended or proved.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored tile is missing or damaged.
    #[error("日志的存储已损坏 / a stored tile of the log is missing or damaged: {0}")]
    Tile(#[from] TileError),
    /// The stored tiles do not give the stored root: nothing may be signed over them.
    #[error(
        "日志的根与存储不符，拒绝运行 / the tiles of the log do not give its stored root: refusing to go on"
    )]
    RootMismatch,
    /// The log in the store has another name.
    #[error("日志名称与配置不符 / the log in the store has another origin than the configuration")]
    Origin,
    /// The log has been signed with another key.
    #[error(
        "日志由另一密钥签署：同一节点的各进程须用同一 keys/ / the log is signed with another key: all processes of a node have the same keys/"
    )]
    Key,
    /// The log key gave no signature.
    #[error(transparent)]
    Sign(#[from] SignError),
}

/// The signed head, readable by everybody at once, and beside it the newest one that witnesses cosigned.
#[derive(Clone, Default)]
pub struct Published(Arc<RwLock<Arc<str>>>, Arc<RwLock<(u64, Arc<str>)>>);

impl Published {
    /// The newest signed checkpoint; empty before the first one.
    #[must_use]
    pub fn checkpoint(&self) -> Arc<str> {
        // A poisoned lock still holds a whole checkpoint: it is replaced in one assignment.
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// What is served: the newest signed checkpoint, with its cosignatures if it has any yet.
    #[must_use]
    pub fn served(&self) -> Arc<str> {
        let newest = self.checkpoint();
        let cosigned = self.cosigned().1;
        if !newest.is_empty() && cosigned.starts_with(&*newest) { cosigned } else { newest }
    }

    /// Size and text of the newest cosigned checkpoint; 0 and empty before the first.
    #[must_use]
    pub fn cosigned(&self) -> (u64, Arc<str>) {
        self.1.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes a checkpoint with its cosignatures, unless a larger one is held.
    pub fn cosign(&self, size: u64, checkpoint: Arc<str>) {
        let mut held = self.1.write().unwrap_or_else(PoisonError::into_inner);
        if size >= held.0 {
            *held = (size, checkpoint);
        }
    }

    fn replace(&self, checkpoint: Arc<str>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = checkpoint;
    }
}

/// The log, as its one writer holds it.
pub struct OwnLog {
    key: LogKey,
    signer: Arc<dyn Signer>,
    edge: TileEdge,
    published: Published,
}

impl OwnLog {
    /// Opens the log in the store, or begins it, checks that its tiles give its root, and signs the head.
    ///
    /// # Errors
    /// [`LogError`]; a log whose tiles do not give its root is never signed again.
    pub fn open(store: &dyn Store, origin: &str, signer: Arc<dyn Signer>) -> Result<OwnLog, LogError> {
        let key = LogKey::new(origin, *signer.public_key()).map_err(|_| LogError::Origin)?;
        let vkey = key.to_string();
        transact(store, "open_log", |write| {
            if write.log_head()?.is_none() {
                write.create_log(origin, &TreeHead::EMPTY.root)?;
            }
            write.put_documents(&[key_row(origin, &vkey)]).map(drop)
        })
        .map_err(|error: StoreError| match error {
            StoreError::Conflict(Conflict::DocumentDiffers { .. }) => LogError::Key,
            other => other.into(),
        })?;
        let edge = stored_edge(&*store.read()?, origin)?;
        let mut log = OwnLog { key, signer, edge: TileEdge::default(), published: Published::default() };
        let checkpoint = log.sign(&edge)?;
        log.publish(edge, checkpoint);
        Ok(log)
    }

    /// Name and key of the log, as text for the trust list.
    #[must_use]
    pub fn vkey(&self) -> String {
        self.key.to_string()
    }

    /// Name of the log.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.key.name()
    }

    /// A handle on the signed head for readers.
    #[must_use]
    pub fn published(&self) -> Published {
        self.published.clone()
    }

    /// The right edge, to be extended on a copy inside a transaction.
    #[must_use]
    pub const fn edge(&self) -> &TileEdge {
        &self.edge
    }

    /// The head row of an edge.
    #[must_use]
    pub fn head_row(&self, edge: &TileEdge) -> LogHead {
        LogHead { origin: self.key.name().to_owned(), size: edge.size(), root: edge.root() }
    }

    /// Signs the head of an edge that is about to be committed. Nobody may see it before [`OwnLog::publish`].
    ///
    /// # Errors
    /// [`LogError::Sign`].
    pub fn sign(&self, edge: &TileEdge) -> Result<Arc<str>, LogError> {
        let checkpoint = Checkpoint { origin: self.key.name(), head: edge.head() };
        Ok(Arc::from(checkpoint.sign(&self.key, &*self.signer)?))
    }

    /// Takes over an edge that has been committed, and shows its signed head to the world. The edge only ever grows from
    /// the one held, so what is shown is always an extension of what was shown last.
    pub fn publish(&mut self, edge: TileEdge, checkpoint: Arc<str>) {
        self.edge = edge;
        self.published.replace(checkpoint);
    }

    /// The edge of the stored log as one snapshot or transaction sees it: the one held, or an extension of it, which another process of
    /// this node has made.
    ///
    /// # Errors
    /// [`LogError::RootMismatch`] if the stored log is shorter than the one held, has another root, or its tiles do not
    /// give its root; [`LogError::Store`] if it cannot be read.
    pub fn stored(&self, read: &(impl Read + ?Sized)) -> Result<TileEdge, LogError> {
        let same = |head: &LogHead| *head == self.head_row(&self.edge);
        if read.log_head()?.as_ref().is_some_and(same) {
            return Ok(self.edge.clone());
        }
        let edge = stored_edge(read, self.key.name())?;
        self.check_extension(read, &edge)?;
        Ok(edge)
    }

    /// Reads the stored head again after a failed transaction: it is the one held, or one that was kept though its
    /// transaction was reported as lost, or that of another process.
    ///
    /// # Errors
    /// As [`OwnLog::stored`].
    pub fn reload(&mut self, store: &dyn Store) -> Result<(), LogError> {
        let edge = {
            let read = store.read()?;
            let edge = stored_edge(&*read, self.key.name())?;
            if edge.head() == self.edge.head() {
                return Ok(());
            }
            self.check_extension(&*read, &edge)?;
            edge
        };
        let checkpoint = self.sign(&edge)?;
        self.publish(edge, checkpoint);
        Ok(())
    }

    /// An extension is longer, and begins with the tree that was held.
    fn check_extension(&self, read: &(impl Read + ?Sized), edge: &TileEdge) -> Result<(), LogError> {
        let mut tiles = TiledTree::new(edge.size(), |tile| tile_bytes(read, tile));
        let held = (edge.size() > self.edge.size()).then(|| tiles.root(self.edge.size())).transpose()?;
        if held == Some(self.edge.root()) { Ok(()) } else { Err(LogError::RootMismatch) }
    }
}

/// Appends entries behind the right edge of the stored log: leaves, full tiles, the partial tiles at the new edge, the new head. The one way
/// in which a log grows; the new edge.
///
/// # Errors
/// [`StoreError`]; the store refuses a log that has grown since the edge was read.
pub fn append_entries(
    write: &mut dyn Write,
    origin: &str,
    mut edge: TileEdge,
    entries: &[Entry],
) -> Result<TileEdge, StoreError> {
    if entries.is_empty() {
        return Ok(edge);
    }
    let (old_size, mut leaves, mut tiles) = (edge.size(), Vec::new(), Vec::new());
    for entry in entries {
        let (index, hash) = (edge.size(), entry.leaf_hash());
        edge.push(&hash, |tile, hashes| tiles.push(tile_row(tile, hashes)));
        leaves.push(LeafRow { index, hash, entry: entry.to_bytes() });
    }
    let partial = edge.partial_tiles().filter(|(_, bytes)| !bytes.is_empty());
    tiles.extend(partial.map(|(tile, bytes)| tile_row(tile, bytes.to_vec())));
    let head = LogHead { origin: origin.to_owned(), size: edge.size(), root: edge.root() };
    write.append_log(old_size, &leaves, &tiles, &head)?;
    Ok(edge)
}

const fn tile_row(tile: Tile, hashes: Vec<u8>) -> TileRow {
    TileRow { key: TileKey { level: tile.level(), index: tile.index() }, hashes }
}

/// The right edge of the stored log, whose tiles give the stored root.
///
/// # Errors
/// [`LogError::RootMismatch`], [`LogError::Origin`], [`LogError::Tile`], [`LogError::Store`].
pub fn stored_edge(read: &(impl Read + ?Sized), origin: &str) -> Result<TileEdge, LogError> {
    let head = read.log_head()?.ok_or(LogError::RootMismatch)?;
    if head.origin != origin {
        return Err(LogError::Origin);
    }
    let edge = TileEdge::load(head.size, |tile| tile_bytes(read, tile))?;
    if edge.root() == head.root { Ok(edge) } else { Err(LogError::RootMismatch) }
}

/// With which key a log is signed, written down when it is first opened: whoever came with another one would begin a second history.
fn key_row(origin: &str, vkey: &str) -> DocumentRow {
    DocumentRow {
        kind: KEY.to_owned(),
        name: origin.to_owned(),
        version: 1,
        iat: 0,
        digest: name_digest(&[vkey.as_bytes()]),
        bytes: vkey.as_bytes().to_vec(),
        stored_at: 0,
    }
}

fn tile_bytes(read: &(impl Read + ?Sized), tile: Tile) -> Result<Vec<u8>, LogError> {
    let key = TileKey { level: tile.level(), index: tile.index() };
    let found = read.log_tiles(&[key])?.into_iter().next().flatten();
    found.ok_or(LogError::Tile(TileError::Missing(tile)))
}

/// Where tiles come from.
type TileSource<'a> = Box<dyn FnMut(Tile) -> Result<Vec<u8>, LogError> + 'a>;

/// The root of the first `size` leaves of the stored log.
///
/// # Errors
/// [`LogError`] if a tile is missing or damaged, or the log is not that long.
pub fn root_of(read: &dyn Read, size: u64) -> Result<Hash, LogError> {
    let stored = read.log_head()?.map_or(0, |head| head.size);
    TiledTree::new(stored, |tile| tile_bytes(read, tile)).root(size)
}

/// The inclusion proof of a leaf in the tree of the first `size` leaves of the stored log.
///
/// # Errors
/// [`LogError`] if a tile is missing or damaged, or the log is not that long.
pub fn inclusion(read: &dyn Read, index: u64, size: u64) -> Result<Vec<Hash>, LogError> {
    let stored = read.log_head()?.map_or(0, |head| head.size);
    TiledTree::new(stored, |tile| tile_bytes(read, tile)).inclusion_proof(index, size)
}

/// The consistency proof between two sizes of the stored log.
///
/// # Errors
/// [`LogError`] if a tile is missing or damaged, or the log is not that long.
pub fn consistency(read: &dyn Read, old: u64, new: u64) -> Result<Vec<Hash>, LogError> {
    TiledTree::new(new, |tile| tile_bytes(read, tile)).consistency_proof(old, new)
}

/// Proof files for leaves of one tree; the tiles that one of them read serve the next.
pub struct Proofs<'a> {
    size: u64,
    tree: TiledTree<TileSource<'a>, Vec<u8>>,
}

impl<'a> Proofs<'a> {
    /// Proofs in the tree of the first `size` leaves that `read` holds.
    #[must_use]
    pub fn new(read: &'a (impl Read + ?Sized), size: u64) -> Proofs<'a> {
        Proofs { size, tree: TiledTree::new(size, Box::new(move |tile| tile_bytes(read, tile))) }
    }

    /// The proof file of the leaf at `index` under `checkpoint`, which signs the head of this tree.
    ///
    /// # Errors
    /// [`LogError`] if a tile is missing or damaged.
    pub fn file(&mut self, index: u64, checkpoint: &str) -> Result<String, LogError> {
        Ok(format_proof(index, &self.tree.inclusion_proof(index, self.size)?, checkpoint))
    }
}
