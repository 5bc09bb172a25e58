//! What only a server has: several processes, connections that break, a server that stops, and others who use it too.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod cluster;

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use cluster::{Cluster, name_of};
use licence_store::conformance::{make, read, refused, write};
use licence_store::{LeafRow, Store, StoreError, transact};
use licence_store_postgres::PostgresStore;

/// Says to the test binary that it is another process of the node, and where its database is.
const CHILD: &str = "LICENCE_STORE_TEST_CHILD";

fn open(url: &str) -> PostgresStore {
    PostgresStore::open(url).unwrap()
}

fn unavailable(error: &StoreError) -> &str {
    match error {
        StoreError::Unavailable(text) => text,
        error => panic!("{error:?}"),
    }
}

/// Appends one leaf that tells who wrote it, and answers its index.
fn append(store: &dyn Store, who: u8, n: u64) -> u64 {
    write(store, |write| {
        let old = write.log_head()?.unwrap().size;
        let leaf = LeafRow { index: old, hash: make::digest(who, n), entry: vec![who] };
        write.append_log(old, &[leaf], &[], &make::head(old + 1))?;
        Ok(old)
    })
}

/// Another process of the node; does nothing in an ordinary run.
#[test]
#[expect(clippy::disallowed_methods, reason = "how a parent process speaks to its child")]
fn child_process() {
    let Ok(task) = std::env::var(CHILD) else { return };
    let (who, url) = task.split_once(' ').unwrap();
    if who == "halt" {
        return halt(&open(url));
    }
    let (who, store) = (who.parse().unwrap(), open(url));
    for n in 0.. {
        let index = append(&store, who, n);
        let first = write(&store, |write| write.lease("numbers", 3));
        let mut out = std::io::stdout().lock();
        // A parent that is gone ends the child.
        writeln!(out, "ack {index} {first}").and_then(|()| out.flush()).unwrap();
    }
}

/// Takes its turn and does not give it back while its parent lives.
fn halt(store: &dyn Store) {
    write(store, |write| {
        write.add_clients(&[make::client(1)])?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "ack 0 0").and_then(|()| out.flush()).unwrap();
        std::io::stdin().read_line(&mut String::new()).unwrap();
        Err(StoreError::Aborted)
    })
}

fn child(who: impl std::fmt::Display, url: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child_process", "--nocapture"])
        .env(CHILD, format!("{who} {url}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What a child has had acknowledged, as index and number: `lines` of them, or all that come.
fn acknowledged(child: &mut Child, lines: usize) -> Vec<(u64, u64)> {
    let out = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let of = |line: String| {
        let mut words = line.rsplit("ack ").next()?.split(' ').map(str::parse);
        words.next()?.ok().zip(words.next()?.ok())
    };
    out.map_while(Result::ok).filter(|line| line.contains("ack ")).filter_map(of).take(lines).collect()
}

/// Invariant 1 of ARCHITECTURE.md, with several processes: nothing lost, no index and no number given twice, also if one of them is killed.
#[test]
fn processes_that_append_to_one_log_lose_no_leaf_and_share_no_index() {
    let url = Cluster::shared().database();
    let store = open(&url);
    write(&store, |write| write.create_log(make::ORIGIN, &make::digest(0x4e, 0)));
    let mut children = [child(1, &url), child(2, &url)];
    let mine: Vec<(u64, u64)> =
        (0..50).map(|n| (append(&store, 3, n), write(&store, |write| write.lease("numbers", 3)))).collect();
    let mut told = mine;
    for child in &mut children {
        told.extend(acknowledged(child, 60));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    // A process that was killed holds nobody up.
    told.push((append(&store, 3, 50), write(&store, |write| write.lease("numbers", 3))));
    let size = read(&store, |read| read.log_head()).unwrap().size;
    let leaves = read(&store, |read| read.log_leaves(0, u32::MAX));
    assert_eq!(leaves.iter().map(|leaf| leaf.index).collect::<Vec<_>>(), (0..size).collect::<Vec<_>>());
    let mut by_writer = BTreeMap::<u8, u64>::new();
    for leaf in &leaves {
        // Each writer's leaves are all there, in its order.
        let next = by_writer.entry(leaf.entry[0]).or_default();
        assert_eq!(leaf.hash, make::digest(leaf.entry[0], *next));
        *next += 1;
    }
    assert!(by_writer[&1] >= 60 && by_writer[&2] >= 60 && by_writer[&3] == 51, "{by_writer:?}");
    let (mut indexes, mut numbers): (Vec<_>, Vec<_>) = told.iter().copied().unzip();
    for given in [&mut indexes, &mut numbers] {
        given.sort_unstable();
        given.dedup();
        assert_eq!(given.len(), told.len(), "something was given out twice");
    }
}

/// Issue 4: whether a process is killed in its turn, or halts with its machine and says nothing any more.
#[test]
fn a_process_that_ends_or_halts_in_its_turn_holds_the_others_up_for_a_bounded_time() {
    for halted in [false, true] {
        let url = Cluster::shared().database();
        let store = open(&url);
        let mut child = child("halt", &url);
        assert_eq!(acknowledged(&mut child, 1), [(0, 0)]);
        if halted {
            let stop = Command::new("sh").args(["-c", &format!("kill -STOP {}", child.id())]).status();
            assert!(stop.unwrap().success());
        } else {
            child.kill().unwrap();
        }
        // Fails with 55P03 if the turn does not come within 10 s.
        write(&store, |write| write.add_clients(&[make::client(2)]));
        assert_eq!(read(&store, |read| read.clients()), [make::client(2)]);
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

#[test]
fn processes_that_start_on_an_empty_database_at_once_make_one_schema() {
    let url = Cluster::shared().database();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| open(&url));
        }
    });
    let names =
        Cluster::shared().sql(name_of(&url), "SELECT version, name FROM schema_migrations ORDER BY 1");
    let all = "1|0001_first\n2|0002_job_leases\n3|0003_index\n4|0004_client\n5|0005_ended_indexes\n6|0006_audit\n7|0007_nonces";
    assert_eq!(names, all);
}

/// Ends all connections to a database but the one that asks; answers how many there were.
const TERMINATE: &str = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
     WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[test]
fn a_connection_that_is_killed_in_mid_transaction_leaves_nothing_and_is_replaced() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let store = open(&url);
    let error = refused(&store, |write| {
        write.add_clients(&[make::client(1)])?;
        assert_eq!(cluster.sql(name_of(&url), TERMINATE), "1");
        write.add_clients(&[make::client(2)])
    });
    assert!(error.retryable(), "{error}");
    assert!(unavailable(&error).contains("reconnects by itself"), "{error}");
    write(&store, |write| write.add_clients(&[make::client(3)]));
    assert_eq!(read(&store, |read| read.clients()), [make::client(3)]);
}

#[test]
fn a_connection_that_is_killed_before_commit_commits_nothing() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let store = open(&url);
    let error = refused(&store, |write| {
        write.add_clients(&[make::client(1)])?;
        cluster.sql(name_of(&url), TERMINATE);
        Ok(())
    });
    unavailable(&error);
    assert_eq!(read(&store, |read| read.clients()), []);
}

#[test]
fn connections_that_died_while_idle_are_replaced_unnoticed() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let store = open(&url);
    write(&store, |write| write.add_clients(&[make::client(1)]));
    drop([store.read().unwrap(), store.read().unwrap()]);
    assert_eq!(cluster.sql(name_of(&url), TERMINATE), "3");
    write(&store, |write| write.add_clients(&[make::client(2)]));
    assert_eq!(read(&store, |read| read.clients()).len(), 2);
    assert_eq!(store.read().unwrap().clients().unwrap().len(), 2);
}

#[test]
fn a_server_that_stops_is_told_with_its_remedy_and_used_again_when_it_is_back() {
    let cluster = Cluster::start();
    let store = open(&cluster.database());
    write(&store, |write| write.add_clients(&[make::client(1)]));
    let held = store.read().unwrap();
    held.clients().unwrap();
    cluster.stop();
    unavailable(&held.clients().unwrap_err());
    drop(held);
    let error = store.read().map(drop).unwrap_err();
    assert!(unavailable(&error).contains("check that the server runs"), "{error}");
    let error = refused(&store, |write| write.lease("numbers", 1));
    assert!(unavailable(&error).contains("check that the server runs"), "{error}");
    cluster.go_on();
    write(&store, |write| write.add_clients(&[make::client(2)]));
    assert_eq!(read(&store, |read| read.clients()), [make::client(1), make::client(2)]);
}

#[test]
fn a_newer_database_is_refused_and_left_untouched() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    drop(open(&url));
    let known: i64 =
        cluster.sql(name_of(&url), "SELECT max(version) FROM schema_migrations").parse().unwrap();
    let found = known + 1;
    let later = format!("INSERT INTO schema_migrations VALUES ({found}, 'later'); DROP TABLE job_leases");
    cluster.sql(name_of(&url), &later);
    let error = PostgresStore::open(&url).unwrap_err();
    assert_eq!(error, StoreError::Newer { found, known });
    assert_eq!(cluster.sql(name_of(&url), "SELECT to_regclass('job_leases') IS NULL"), "t");
}

#[test]
fn a_database_of_another_program_is_refused() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    cluster.sql(name_of(&url), "CREATE TABLE theirs (x INT)");
    assert!(matches!(PostgresStore::open(&url), Err(StoreError::Corrupt(_))));
    let url = cluster.database();
    cluster.sql(name_of(&url), "CREATE TABLE schema_migrations (version BIGINT, name TEXT); INSERT INTO schema_migrations VALUES (1, 'theirs')");
    assert!(matches!(PostgresStore::open(&url), Err(StoreError::Corrupt(_))));
}

#[test]
fn a_database_that_cannot_hold_chinese_is_refused() {
    let cluster = Cluster::shared();
    cluster.sql("postgres", "CREATE DATABASE latin ENCODING LATIN1 TEMPLATE template0");
    let error = PostgresStore::open(&cluster.url("latin")).unwrap_err();
    assert!(unavailable(&error).contains("--encoding UTF8"), "{error}");
}

#[test]
fn what_is_wrong_with_the_address_or_the_role_is_said_and_no_password_repeated() {
    let cluster = Cluster::start_on_tcp();
    for sql in ["CREATE ROLE clerk LOGIN PASSWORD 'right'", "CREATE DATABASE node", "CREATE DATABASE closed"]
    {
        cluster.sql("postgres", sql);
    }
    cluster.sql("node", "GRANT CREATE ON SCHEMA public TO clerk");
    let address = cluster.address();
    let refusal = |url: String| {
        let error = PostgresStore::open(&url).unwrap_err();
        let text = unavailable(&error).to_owned();
        assert!(!text.contains("geheim") && !text.contains("right@"), "{text}");
        text
    };
    let wrong = refusal(format!("postgres://clerk:geheim@{address}/node"));
    assert!(wrong.contains("28P01") && wrong.contains("check the connection string"), "{wrong}");
    let nobody = refusal(format!("postgres://nobody:geheim@{address}/node"));
    assert!(nobody.contains("28P01"), "{nobody}");
    let missing = refusal(format!("postgres://clerk:right@{address}/none"));
    assert!(missing.contains("3D000") && missing.contains("createdb"), "{missing}");
    let rights = refusal(format!("postgres://clerk:right@{address}/closed"));
    assert!(rights.contains("42501") && rights.contains("README"), "{rights}");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let silent = refusal(format!("postgres://clerk:geheim@127.0.0.1:{port}/node"));
    assert!(silent.contains("check that the server runs"), "{silent}");
    let socket = refusal("postgres:///node?host=/nonexistent&user=clerk&password=geheim".into());
    assert!(socket.contains("check that the server runs"), "{socket}");

    // And TLS: by the server's own root it is known, by another's it is not.
    let root = cluster.root();
    let tls =
        |root: &str| format!("postgres://clerk:right@{address}/node?sslmode=verify-full&sslrootcert={root}");
    let store = open(&tls(&root.display().to_string()));
    write(&store, |write| write.add_clients(&[make::client(1)]));
    let encrypted = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE datname = 'node' AND usename = 'clerk'";
    assert_eq!(cluster.sql("postgres", encrypted), "t");
    let other = Cluster::start_on_tcp();
    let stranger = refusal(tls(&other.root().display().to_string()));
    assert!(stranger.contains("TLS") && stranger.contains("check the server's certificate"), "{stranger}");
    // Without TLS the server would ask for the password in the clear; it is this machine, so it may.
    open(&format!("postgres://clerk:right@{address}/node"));
}

/// Writers do not wait for readers, nor readers for writers.
#[test]
fn a_long_reader_keeps_its_moment_beside_a_writer() {
    let store = open(&Cluster::shared().database());
    write(&store, |write| write.create_log(make::ORIGIN, &make::digest(0x4e, 0)));
    append(&store, 1, 0);
    let reader = store.read().unwrap();
    for n in 1..50 {
        append(&store, 1, n);
        assert_eq!(reader.log_head().unwrap().unwrap().size, 1);
    }
    assert_eq!(reader.log_leaves(0, 100).unwrap().len(), 1);
    drop(reader);
    assert_eq!(read(&store, |read| read.log_leaves(0, 100)).len(), 50);
}

/// README: a dump is taken beside a writer, and is the whole node.
#[test]
fn a_dump_that_is_taken_while_a_writer_has_its_turn_restores_the_node() {
    let cluster = Cluster::shared();
    let (from, to) = (cluster.database(), cluster.database());
    let store = open(&from);
    write(&store, |write| {
        write.add_status_lists(&[make::list(1, 4096)])?;
        write.add_licences(&(0..300).map(make::licence).collect::<Vec<_>>())
    });
    write(&store, |write| write.create_log(make::ORIGIN, &make::digest(0x4e, 0)));
    append(&store, 1, 0);
    let folder = tempfile::tempdir().unwrap();
    let dump = folder.path().join("elic.dump");
    write(&store, |write| {
        write.add_clients(&[make::client(1)])?;
        assert!(
            cluster
                .tool("pg_dump", &from)
                .arg("--format=custom")
                .arg("--file")
                .arg(&dump)
                .status()
                .unwrap()
                .success()
        );
        Ok(())
    });
    assert!(cluster.tool("pg_restore", &to).arg("--exit-on-error").arg(&dump).status().unwrap().success());
    let restored = open(&to);
    for read in [store.read().unwrap(), restored.read().unwrap()] {
        assert_eq!(read.licences_from(0, 999).unwrap(), (0..300).map(make::licence).collect::<Vec<_>>());
        assert_eq!(read.licence_by_id(&make::licence(7).id).unwrap(), Some(make::licence(7)));
        assert_eq!(read.log_head().unwrap(), Some(make::head(1)));
    }
    assert_eq!(read(&restored, |read| read.clients()), [], "committed after the dump had begun");
    let error = refused(&restored, |write| write.add_licences(&[make::licence(7)]));
    assert_eq!(error, licence_store::Conflict::LicenceExists.into());
}

/// A person with `psql` who does not queue.
struct Outsider(Child);

impl Outsider {
    /// Runs SQL and leaves the transaction open; answers when it has been done.
    fn begin(cluster: &Cluster, database: &str, sql: &str) -> Self {
        let mut psql = cluster.psql(database).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        writeln!(psql.stdin.as_mut().unwrap(), "BEGIN; {sql}; \\echo done").unwrap();
        let mut out = BufReader::new(psql.stdout.as_mut().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        assert_eq!(line.trim(), "done");
        Self(psql)
    }

    fn end(mut self, word: &str) {
        writeln!(self.0.stdin.as_mut().unwrap(), "{word};").unwrap();
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }
}

#[test]
fn a_write_commits_beside_an_open_read() {
    let cluster = Cluster::shared();
    licence_store::conformance::a_write_commits_beside_an_open_read(&open(&cluster.database()));
}

const SOMEBODY_WAITS: &str = "SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";

#[test]
fn a_transaction_that_lost_a_race_is_run_again() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let store = open(&url);
    write(&store, |write| write.lease("numbers", 5));
    let outsider = Outsider::begin(cluster, name_of(&url), "UPDATE counters SET next = next + 100");
    let runs = AtomicUsize::new(0);
    let first = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            transact::<_, StoreError>(&store, "lease", |write| {
                runs.fetch_add(1, Ordering::Relaxed);
                write.add_clients(&[make::client(1)])?;
                write.lease("numbers", 1)
            })
        });
        cluster.until(name_of(&url), SOMEBODY_WAITS, "t");
        outsider.end("COMMIT");
        writer.join().unwrap()
    });
    assert_eq!((first, runs.into_inner()), (Ok(105), 2));
    let timings = store.timings();
    let lease = timings.iter().find(|timing| timing.name == "lease").unwrap();
    assert_eq!((lease.count, lease.failed), (1, 0), "two runs are one transaction");
}

#[test]
fn a_race_that_is_lost_in_a_body_of_its_own_error_is_run_again_too() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let store = open(&url);
    write(&store, |write| write.lease("numbers", 5));
    let outsider = Outsider::begin(cluster, name_of(&url), "UPDATE counters SET next = 50");
    let first = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            // The trip hides which failure it was.
            transact::<_, StoreError>(&store, "lease", |write| {
                write.lease("numbers", 1).map_err(|_| StoreError::OutOfRange("a trip's own"))
            })
        });
        cluster.until(name_of(&url), SOMEBODY_WAITS, "t");
        outsider.end("COMMIT");
        writer.join().unwrap()
    });
    assert_eq!(first, Ok(50));
}

#[test]
fn a_lock_that_is_never_given_back_ends_in_a_message_and_harms_nothing() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let store = open(&url);
    let outsider = Outsider::begin(cluster, name_of(&url), "LOCK TABLE writer_turn");
    let error = refused(&store, |write| write.lease("numbers", 1));
    assert!(unavailable(&error).contains("pg_stat_activity"), "{error}");
    read(&store, |read| read.clients());
    outsider.end("ROLLBACK");
    assert_eq!(write(&store, |write| write.lease("numbers", 1)), 0);
}

#[test]
fn a_thread_that_holds_every_connection_is_told_so_at_once() {
    let store = open(&Cluster::shared().database());
    let held: Vec<_> = (0..8).map(|_| store.read().unwrap()).collect();
    let error = store.read().map(drop).unwrap_err();
    assert!(unavailable(&error).contains("drop its read first"), "{error}");
    write(&store, |write| write.lease("numbers", 1));
    drop(held);
    store.read().unwrap();
}

#[test]
fn a_replica_that_cannot_write_is_named_as_such() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let store = open(&url);
    let name = name_of(&url);
    cluster.sql(name, &format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
    let error = refused(&store, |write| write.lease("numbers", 1));
    assert!(unavailable(&error).contains("primary"), "{error}");
}

#[test]
fn a_text_with_a_nul_is_refused_and_not_cut() {
    let store = open(&Cluster::shared().database());
    let document = make::document("trust", "a\0b", 1);
    let error = refused(&store, |write| write.put_documents(std::slice::from_ref(&document)));
    assert!(matches!(error, StoreError::OutOfRange(_)), "{error}");
}

/// The node is asynchronous at its edge: it calls the store on threads that may block, and may drop it anywhere.
#[test]
fn a_store_serves_blocking_threads_of_a_runtime_and_may_be_dropped_on_a_task() {
    let store = std::sync::Arc::new(open(&Cluster::shared().database()));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    runtime.block_on(async move {
        let used = std::sync::Arc::clone(&store);
        let lease = move || write(&*used, |write| write.lease("numbers", 1));
        assert_eq!(tokio::task::spawn_blocking(lease).await.unwrap(), 0);
        tokio::spawn(async move { drop(store) }).await.unwrap();
    });
}
