//! The clients of the API by their tokens, in memory. A token is 32 random bytes; only its SHA-256 is kept.
//!
//! Out of scope: making and revoking them, and what they may do (`access`).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use licence_spec::suite::{Digest, sha256};
use licence_spec::time::UnixTime;
use licence_store::{ClientRow, Store, StoreError};

/// Clients by the hash of their token.
type ByToken = HashMap<Digest, Arc<ClientRow>>;

/// All clients by the hash of their token. Another process of the node may change them, too (`shared`).
#[derive(Clone, Default)]
pub struct Clients {
    map: Arc<RwLock<Arc<ByToken>>>,
    /// Held from the read to the swap: else a read from before a revocation could be swapped in after it.
    reloading: Arc<Mutex<()>>,
}

impl Clients {
    /// The clients that the store holds.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn load(store: &dyn Store) -> Result<Clients, StoreError> {
        let clients = Clients::default();
        clients.reload(store)?;
        Ok(clients)
    }

    /// Takes over what the store holds now.
    ///
    /// # Errors
    /// [`StoreError`]; the clients stay as they were.
    pub fn reload(&self, store: &dyn Store) -> Result<(), StoreError> {
        let _turn = self.reloading.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = store.read()?.clients()?;
        let map = rows.into_iter().map(|row| (row.token_hash, Arc::new(row))).collect();
        *self.map.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(map);
        Ok(())
    }

    /// The client whose token this is, if the token is good at `now`.
    #[must_use]
    pub fn of_token(&self, token: &str, now: UnixTime) -> Option<Arc<ClientRow>> {
        // A poisoned lock still holds a whole map: it is replaced in one assignment.
        let map = Arc::clone(&self.map.read().unwrap_or_else(PoisonError::into_inner));
        let client = map.get(&sha256(&[token.as_bytes()]))?;
        (client.revoked_at.is_none() && now.0 < client.expires_at).then(|| Arc::clone(client))
    }
}
