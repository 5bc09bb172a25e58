//! The conformance suite: every invariant of the store, said once, proved on every backend.
//!
//! A backend runs it in one line of its tests; each case becomes a `#[test]` of its own:
//!
//! ```ignore
//! licence_store::conformance!(|| Box::new(MyStore::open_empty()));
//! ```
//!
//! The closure answers a new, empty store at each call. Cases assume nothing but the traits, so a failing one names the broken
//! promise and not a table. Out of scope: what only one backend has (files, locks, fail-over); its crate tests that.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    missing_docs,
    reason = "tests: names say what they show"
)]

mod answers;
mod audit;
mod documents;
mod index;
mod licences;
mod log;
pub mod make;
mod node;
mod status;
mod transactions;

use std::sync::mpsc;
use std::time::Duration;

use crate::{Read, Result, Store, StoreError, Write, transact};

/// Opens a new, empty store.
pub type Open<'a> = &'a dyn Fn() -> Box<dyn Store>;

/// Writes, and expects it to succeed.
pub fn write<T>(store: &dyn Store, body: impl FnMut(&mut dyn Write) -> Result<T>) -> T {
    transact(store, "conformance", body).unwrap()
}

/// Writes, and expects to be refused.
pub fn refused<T>(store: &dyn Store, body: impl FnMut(&mut dyn Write) -> Result<T>) -> StoreError {
    match transact(store, "conformance", body) {
        Ok(_) => panic!("the store accepted what it must refuse"),
        Err(error) => error,
    }
}

/// Reads, and expects it to succeed.
pub fn read<T>(store: &dyn Store, body: impl FnOnce(&dyn Read) -> Result<T>) -> T {
    let snapshot = store.read().unwrap();
    body(snapshot.as_ref()).unwrap()
}

/// Longest wait for a write that nothing holds up.
const PATIENCE: Duration = Duration::from_secs(30);

/// A write commits beside an open read, which goes on seeing the moment at which it began. For stores that read on connections of
/// their own; a store with one connection lets the write come after the read.
pub fn a_write_commits_beside_an_open_read(store: &dyn Store) {
    let of = |version| make::document("list", "", version);
    write(store, |write| write.put_documents(&[of(1)]));
    std::thread::scope(|scope| {
        let before = store.read().unwrap();
        assert_eq!(before.document("list", "").unwrap(), Some(of(1)));
        let (done, wait) = mpsc::channel();
        scope.spawn(move || {
            write(store, |write| write.put_documents(&[of(2)]));
            // If the reader has given up, nobody listens any more.
            let _ = done.send(());
        });
        wait.recv_timeout(PATIENCE).expect("the write waits for the read");
        assert_eq!(before.document("list", "").unwrap(), Some(of(1)), "the read has left its moment");
        assert_eq!(before.documents("list").unwrap(), [of(1)], "the read has left its moment");
        drop(before);
        assert_eq!(read(store, |read| read.document("list", "")), Some(of(2)));
    });
}

macro_rules! suite {
    ($d:tt $($module:ident { $($case:ident,)* })*) => {
        /// All cases by name.
        pub const CASES: &[(&str, fn(Open<'_>))] = &[$($((stringify!($case), $module::$case),)*)*];

        /// Makes a `#[test]` of every conformance case; takes an expression that opens a new, empty store.
        #[macro_export]
        macro_rules! conformance {
            ($d open:expr) => {
                $($(
                    #[test]
                    fn $case() {
                        $crate::conformance::run(stringify!($case), &$d open);
                    }
                )*)*
            };
        }
    };
}

/// Runs one case by its name; for [`crate::conformance!`].
pub fn run(name: &str, open: Open<'_>) {
    let (_, case) = CASES.iter().find(|(case, _)| *case == name).expect("a case of this suite");
    case(open);
}

suite! { $
    transactions {
        a_failed_transaction_leaves_nothing,
        a_hidden_failure_still_rolls_back,
        a_panic_leaves_nothing_and_the_store_usable,
        a_transaction_reads_its_own_writes,
        a_write_that_has_returned_is_seen_by_the_next_read,
        a_caller_gets_its_own_error_back,
        every_transaction_is_timed_by_name,
        an_empty_store_has_nothing_and_fails_nowhere,
        an_index_beyond_63_bits_is_refused,
        an_empty_batch_changes_nothing,
    }
    licences {
        a_licence_reads_back_by_every_name_as_it_was_written,
        whatever_is_unique_is_refused_the_second_time,
        a_new_version_of_a_number_becomes_the_newest,
        names_are_compared_byte_by_byte,
        the_newest_licences_of_a_holder_come_first,
        the_feed_of_licences_comes_in_log_order_and_pages,
        taken_names_are_seen_in_the_table_and_in_the_batch,
        a_licence_needs_its_status_list,
        a_holder_named_twice_is_kept_once,
        licences_are_counted_by_type_and_status,
        a_batch_of_two_thousand_licences_is_kept_whole,
    }
    status {
        a_change_sets_status_successor_and_revision_together,
        a_change_decided_on_an_old_status_is_refused,
        one_licence_may_change_twice_in_one_call,
        a_status_change_is_recorded_once,
        an_entry_that_no_licence_has_is_ended_for_good,
        an_entry_of_a_licence_or_of_no_list_is_not_ended,
        status_lists_are_unique,
        indexes_are_leased_once_and_only_to_the_end_of_the_list,
        a_closed_list_leases_nothing,
        the_token_of_a_time_is_the_newest_one_signed_by_then,
        a_status_token_never_goes_backwards,
        a_change_while_a_token_is_signed_leaves_the_list_dirty,
        a_later_token_of_an_older_revision_is_refused,
        a_token_that_was_signed_ahead_gives_way,
        a_token_of_a_list_or_revision_that_is_not_there_is_refused,
        changes_and_tokens_come_in_log_order_and_pages,
    }
    log {
        leaves_tiles_and_head_read_back,
        an_append_from_a_stale_size_is_refused,
        an_append_with_a_gap_is_refused,
        one_object_has_one_leaf,
        a_tile_only_grows,
        a_log_keeps_its_origin,
        an_append_of_nothing_cannot_change_the_root,
        racing_appenders_lose_no_leaf,
    }
    documents {
        a_document_reads_back_and_gives_way_to_a_newer_one,
        a_document_never_goes_backwards,
        a_document_of_equal_version_and_other_content_is_refused,
        storing_the_same_document_again_changes_nothing,
        cosignatures_may_be_added_to_a_document,
        one_refused_document_refuses_the_batch,
        a_deleted_document_may_be_followed_by_any_version,
        documents_of_a_kind_come_by_version_then_name,
        a_document_of_four_mebibytes_is_kept,
        documents_of_all_kinds_come_in_pages,
    }
    answers {
        a_client_is_found_by_its_token_only,
        clients_are_unique_by_id_and_token,
        revoking_a_client_keeps_the_first_time,
        list_items_of_clients_that_cannot_be_kept_are_refused,
        a_receipt_reads_back_and_is_kept_once,
        an_answer_is_stored_with_its_effect,
        an_answer_is_rolled_back_with_its_effect,
        an_idempotency_key_is_used_once_by_each_caller,
        old_answers_are_forgotten_oldest_first,
        a_nonce_is_taken_once_by_each_signer_and_forgotten_oldest_first,
        receipts_and_answers_come_in_pages,
    }
    index {
        what_was_told_of_a_log_reads_back,
        a_stretch_is_told_once_and_none_is_left_out,
        changes_move_licences_of_their_own_log_in_order,
        a_digest_claimed_by_one_log_keeps_no_other_out,
        the_newest_indexed_licences_of_a_holder_come_first,
        days_are_counted_from_leaves_and_from_rows,
        a_forgotten_index_is_told_anew,
    }
    audit {
        rows_follow_on_without_a_gap,
        rows_are_found_by_time_caller_case_and_licence,
        rows_of_many_months_are_kept_and_dropped_up_to_the_newest,
        an_audit_may_begin_where_another_was_cut,
    }
    node {
        a_database_belongs_to_one_node,
        a_counter_never_gives_a_number_twice,
        racing_leases_never_overlap,
        counters_are_told_by_name,
        a_job_is_leased_to_one_holder_until_its_time,
        racing_processes_share_no_job,
    }
}
