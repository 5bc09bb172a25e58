//! Every promise of `licence-store`, kept by PostgreSQL.

mod cluster;

use licence_store::Store;
use licence_store_postgres::PostgresStore;

#[allow(clippy::unwrap_used, reason = "a test without a database cannot run")]
fn open() -> Box<dyn Store> {
    Box::new(PostgresStore::open(&cluster::Cluster::shared().database()).unwrap())
}

licence_store::conformance!(open);
