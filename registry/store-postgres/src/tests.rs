//! What needs a look inside: how a session is set up, and which way the queries go.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "../tests/cluster/mod.rs"]
mod cluster;

use cluster::{Cluster, name_of};
use licence_store::{Result, Store as _};
use tokio_postgres::Row;

use super::{PostgresStore, Session};
use crate::cells::Cells;
use crate::link::Link;

fn text(row: &Cells<'_>) -> Result<String> {
    row.take()
}

/// Invariant 1 of ARCHITECTURE.md: whatever the server's defaults are, a write that has returned is on disk, and nothing waits for ever.
#[test]
fn a_session_is_durable_and_bounded_whatever_the_defaults_are() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let name = name_of(&url);
    for setting in ["synchronous_commit = off", "statement_timeout = 0", "lock_timeout = 0"] {
        cluster.sql(name, &format!("ALTER DATABASE {name} SET {setting}"));
    }
    let store = PostgresStore::open(&url).unwrap();
    let session = Session::turn(store.writer.checkout().unwrap()).ok().unwrap();
    let shown = |sql| session.one(sql, &[], text).unwrap().unwrap();
    assert_eq!(shown("SHOW synchronous_commit"), "on");
    assert_eq!(shown("SHOW statement_timeout"), "30s");
    assert_eq!(shown("SHOW lock_timeout"), "10s");
    assert_eq!(shown("SHOW idle_in_transaction_session_timeout"), "8s");
    assert_eq!(shown("SHOW transaction_isolation"), "serializable");
    let reader = Session::snapshot(store.readers.checkout().unwrap()).unwrap();
    let shown = |sql| reader.one(sql, &[], text).unwrap().unwrap();
    assert_eq!(shown("SHOW transaction_read_only"), "on");
    assert_eq!(shown("SHOW transaction_isolation"), "repeatable read");
}

/// The plan of a statement of this program that serves any values, as a connection keeps it.
fn plan(link: &mut Link, sql: &str) -> String {
    link.batch(&format!("PREPARE asked AS {sql}")).unwrap();
    let types = "SELECT unnest(parameter_types)::text FROM pg_prepared_statements WHERE name = 'asked'";
    let types = link.query(types, &[]).unwrap();
    // A null would rule out every partition.
    let value = |row: &Row| match row.get::<_, &str>(0) {
        "bigint" => "7",
        "bytea" => "'\\x07'",
        "text" => "'seven'",
        _ => "'{}'",
    };
    let values = types.iter().map(value).collect::<Vec<_>>().join(", ");
    let explain = format!("EXPLAIN (COSTS OFF) EXECUTE asked ({values})");
    // Statements live as long as the program; in a test a leaked one does.
    let rows = link.query(Box::leak(explain.into_boxed_str()), &[]).unwrap();
    link.batch("DEALLOCATE asked").unwrap();
    rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>().join("\n")
}

/// Every query of the group commit and of whole lists goes by an index, also if its plan was made on empty tables.
#[test]
fn no_frequent_query_reads_a_whole_table() {
    let store = PostgresStore::open(&Cluster::shared().database()).unwrap();
    let mut link = store.writer.checkout().unwrap();
    link.batch("SET plan_cache_mode = force_generic_plan").unwrap();
    let statements = [
        (crate::licences::BY_NAME, "licence_names_0_pkey"),
        (crate::licences::BY_NAME, "licences_0_pkey"),
        (crate::licences::TAKEN, "licence_names_0_pkey"),
        (crate::licences::NEWEST_OF_HOLDER, "licence_holders_0_pkey"),
        (crate::licences::NEWEST_OF_HOLDER, "licences_0_pkey"),
        (crate::index::NEWEST_OF_HOLDER, "index_holders_0_pkey"),
        (crate::index::NEWEST_OF_HOLDER, "index_licences_0_pkey"),
        (crate::index::PLACES, "index_licences_0_digest_origin_idx"),
        (crate::index::MOVE, "index_licences_0_pkey"),
        (crate::status::NOT_VALID, "licences_0_status_list_status_index_status_idx"),
        (crate::status::PLACES, "licence_names_0_pkey"),
        (crate::status::PLACES, "licences_0_pkey"),
        (crate::status::MOVE, "licences_0_pkey"),
        (crate::tokens::LISTS, "status_lists_pkey"),
        (crate::tokens::NEWEST, "status_lists_pkey"),
        (crate::log::LEAF_INDEXES, "leaf_hashes_0_pkey"),
        (crate::log::TILES, "log_tiles_pkey"),
        (crate::documents::HELD, "documents_pkey"),
        (crate::answers::FIND, "idempotent_answers_0_pkey"),
        (crate::answers::PURGE, "idempotent_answers_0_created_at_idx"),
        ("SELECT entry FROM log_leaves WHERE idx >= $1 ORDER BY idx LIMIT $2", "log_leaves_0_pkey"),
        (
            "SELECT bytes FROM status_tokens WHERE list = $1 AND iat <= $2 ORDER BY iat DESC LIMIT 1",
            "status_tokens_0_list_iat_idx",
        ),
        (
            "SELECT record FROM status_changes WHERE licence = $1 ORDER BY log_index",
            "status_changes_by_licence",
        ),
    ];
    for (sql, index) in statements {
        let plan = plan(&mut link, sql);
        assert!(plan.contains(index), "{sql}:\n{plan}");
        // An index that is read from end to end, and compared afterwards, is a table that is read whole.
        let whole =
            ["Seq Scan", "Join Filter", "Materialize", "Bitmap"].into_iter().find(|step| plan.contains(step));
        assert_eq!(whole, None, "{sql}:\n{plan}");
    }
}

/// A lookup by a random key must cost the same however many partitions there are.
#[test]
fn a_known_key_leads_to_one_partition() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let store = PostgresStore::open(&url).unwrap();
    drop(store.read().unwrap());
    let analysed = "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) SELECT entry FROM log_leaves WHERE idx = 5";
    let plan = cluster.sql(name_of(&url), analysed);
    assert!(plan.contains("log_leaves_0") && !plan.contains("log_leaves_1"), "{plan}");
    let by_name = "PREPARE q AS SELECT l.id FROM licence_names n JOIN licences l ON l.log_index = n.log_index WHERE n.name = $1; \
                   SET plan_cache_mode = force_generic_plan; EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) EXECUTE q ('\\x00')";
    let plan = cluster.sql(name_of(&url), by_name);
    assert!(plan.contains("Subplans Removed: 7"), "{plan}");
}
