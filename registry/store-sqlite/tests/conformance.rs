//! Every promise of `licence-store`, kept by SQLite on a file and in memory.

use std::path::Path;

use licence_store::{Migrated, Read, Result, Store, Timing, Write};
use licence_store_sqlite::SqliteStore;

/// A store in a directory of its own, which goes when the store is dropped.
struct OnFile {
    store: SqliteStore,
    _directory: tempfile::TempDir,
}

impl OnFile {
    #[allow(clippy::unwrap_used, reason = "a test without a temporary directory cannot run")]
    fn open() -> Box<dyn Store> {
        let directory = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(directory.path().join(Path::new("data")).as_path()).unwrap();
        Box::new(Self { store, _directory: directory })
    }
}

impl Store for OnFile {
    fn read(&self) -> Result<Box<dyn Read + '_>> {
        self.store.read()
    }

    fn write(&self, name: &'static str, body: &mut dyn FnMut(&mut dyn Write) -> Result<()>) -> Result<()> {
        self.store.write(name, body)
    }

    fn timings(&self) -> Vec<Timing> {
        self.store.timings()
    }

    fn migrated(&self) -> Migrated {
        self.store.migrated()
    }
}

mod on_file {
    licence_store::conformance!(super::OnFile::open);
}

mod in_memory {
    use licence_store::Store;
    use licence_store_sqlite::SqliteStore;

    #[allow(clippy::unwrap_used, reason = "a test without memory cannot run")]
    fn open() -> Box<dyn Store> {
        Box::new(SqliteStore::open_in_memory().unwrap())
    }

    licence_store::conformance!(open);
}
