//! All or nothing, one moment, nothing hidden.

use licence_spec::status::Status;

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::{Open, make, read, refused, write};
use crate::{Conflict, Read, StoreError, TileKey, Write, transact};

pub(super) fn a_failed_transaction_leaves_nothing(open: Open<'_>) {
    let store = open();
    let error = refused(&*store, |write| {
        write.add_status_lists(&[make::list(1, 64)])?;
        write.add_licences(&[make::licence(1), make::licence(2)])?;
        write.create_log(make::ORIGIN, &make::digest(0, 0))?;
        write.append_log(0, &[make::leaf(0)], &[make::tile(0, 1)], &make::head(1))?;
        write.put_documents(&[make::document("trust-list", "", 1)])?;
        write.add_clients(&[make::client(1)])?;
        write.add_receipts(&[make::receipt(1)])?;
        write.add_idempotent_answers(&[make::answer("client-1", "k", 1)])?;
        write.lease("numbers", 10)?;
        Err::<(), _>(StoreError::OutOfRange("the caller's own reason"))
    });
    assert_eq!(error, StoreError::OutOfRange("the caller's own reason"));
    read(&*store, |read| {
        assert_eq!(read.status_lists()?, []);
        assert_eq!(read.licence_count()?, 0);
        assert_eq!(read.log_head()?, None);
        assert_eq!(read.log_leaves(0, 10)?, []);
        assert_eq!(read.log_tiles(&[TileKey { level: 0, index: 0 }])?, [None]);
        assert_eq!(read.documents("trust-list")?, []);
        assert_eq!(read.clients()?, []);
        assert_eq!(read.receipt(&make::cti(1))?, None);
        assert_eq!(read.idempotent_answers(&[make::answer_key("client-1", "k")])?, [None]);
        Ok(())
    });
    assert_eq!(write(&*store, |write| write.lease("numbers", 1)), 0, "the lease was rolled back too");
}

pub(super) fn a_hidden_failure_still_rolls_back(open: Open<'_>) {
    let store = open();
    let error = refused(&*store, |write| {
        write.add_clients(&[make::client(1)])?;
        let _ = write.add_clients(&[make::client(2), make::client(1)]);
        Ok(())
    });
    assert_eq!(error, Conflict::ClientExists.into());
    assert_eq!(read(&*store, |read| read.clients()), []);
}

pub(super) fn a_panic_leaves_nothing_and_the_store_usable(open: Open<'_>) {
    let store = open();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        write::<()>(&*store, |write| {
            write.add_clients(&[make::client(1)])?;
            // `resume_unwind` panics without a message on the tests' output.
            std::panic::resume_unwind(Box::new("on purpose"))
        })
    }));
    assert!(panicked.is_err());
    write(&*store, |write| write.add_clients(&[make::client(2)]));
    assert_eq!(read(&*store, |read| read.clients()), [make::client(2)]);
}

pub(super) fn a_transaction_reads_its_own_writes(open: Open<'_>) {
    let store = open();
    write(&*store, |write| {
        write.put_documents(&[make::document("root", "1", 1)])?;
        assert_eq!(write.document("root", "1")?, Some(make::document("root", "1", 1)));
        let as_read: &dyn Read = write;
        assert_eq!(as_read.documents("root")?.len(), 1);
        Ok(())
    });
}

pub(super) fn a_write_that_has_returned_is_seen_by_the_next_read(open: Open<'_>) {
    let store = open();
    for version in 1..=3 {
        write(&*store, |write| write.put_documents(&[make::document("list", "", version)]));
        let after = read(&*store, |read| read.document("list", ""));
        assert_eq!(after, Some(make::document("list", "", version)));
    }
}

pub(super) fn a_caller_gets_its_own_error_back(open: Open<'_>) {
    #[derive(Debug, PartialEq)]
    enum TripError {
        OutOfScope,
        Store(StoreError),
    }
    impl From<StoreError> for TripError {
        fn from(error: StoreError) -> Self {
            Self::Store(error)
        }
    }
    let store = open();
    let own = transact(&*store, "trip", |write: &mut dyn Write| {
        write.add_clients(&[make::client(1)])?;
        Err::<(), _>(TripError::OutOfScope)
    });
    assert_eq!(own, Err(TripError::OutOfScope));
    let stores = transact(&*store, "trip", |write: &mut dyn Write| -> Result<(), TripError> {
        Ok(write.add_clients(&[make::client(1), make::client(1)])?)
    });
    assert_eq!(stores, Err(TripError::Store(Conflict::ClientExists.into())));
    assert_eq!(read(&*store, |read| read.clients()), []);
}

pub(super) fn every_transaction_is_timed_by_name(open: Open<'_>) {
    let store = open();
    transact(&*store, "lease", |write| write.lease("numbers", 1)).unwrap();
    let _ = transact::<(), StoreError>(&*store, "lease", |_| Err(StoreError::Aborted));
    let timings = store.timings();
    let lease = timings.iter().find(|timing| timing.name == "lease").unwrap();
    assert_eq!((lease.count, lease.failed), (2, 1));
    assert!(lease.longest <= lease.total);
}

pub(super) fn an_empty_store_has_nothing_and_fails_nowhere(open: Open<'_>) {
    let store = open();
    read(&*store, |read| {
        let none = make::digest(0, 0);
        assert_eq!(read.licence(&none)?, None);
        assert_eq!(read.licence_by_id("")?, None);
        assert_eq!(read.licence_by_cti(&[0; 16])?, None);
        assert_eq!(read.licence_by_number("a", "b", "c")?, None);
        assert_eq!(read.newest_of_holder(&none, &["a"], Status::Valid, u32::MAX)?, []);
        assert_eq!(read.licences_from(0, u32::MAX)?, []);
        assert_eq!(read.licence_count()?, 0);
        assert_eq!(read.status_list(1)?, None);
        assert_eq!(read.status_list_by_uri("https://")?, None);
        assert_eq!(read.list_revision(1)?, None);
        assert_eq!(read.status_token(1)?, None);
        assert_eq!(read.status_token_at(1, i64::MAX)?, None);
        assert_eq!(read.status_changes(&none)?, []);
        assert_eq!(read.status_changes_from(0, 9)?, []);
        assert_eq!(read.status_tokens_from(0, 9)?, []);
        assert_eq!(read.leaf_indexes_of(&[none])?, [None]);
        assert_eq!(read.document("k", "n")?, None);
        assert_eq!(read.client_by_token(&none)?, None);
        assert_eq!(read.node()?, None);
        Ok(())
    });
}

pub(super) fn an_index_beyond_63_bits_is_refused(open: Open<'_>) {
    let store = open();
    let huge = make::document("k", "n", 1 << 63);
    assert!(matches!(
        refused(&*store, |write| write.put_documents(std::slice::from_ref(&huge))),
        StoreError::OutOfRange(_)
    ));
    let largest = make::document("k", "n", (1 << 63) - 1);
    write(&*store, |write| write.put_documents(std::slice::from_ref(&largest)));
    assert_eq!(read(&*store, |read| read.document("k", "n")), Some(largest));
}

pub(super) fn an_empty_batch_changes_nothing(open: Open<'_>) {
    let store = open();
    write(&*store, |write| {
        write.add_licences(&[])?;
        write.add_status_lists(&[])?;
        write.change_statuses(&[])?;
        write.add_status_tokens(&[])?;
        write.add_clients(&[])?;
        write.add_receipts(&[])?;
        write.add_idempotent_answers(&[])?;
        assert_eq!(write.put_documents(&[])?, 0);
        assert_eq!(write.taken_licences(&[])?, []);
        assert_eq!(write.idempotent_answers(&[])?, []);
        assert_eq!(write.leaf_indexes_of(&[])?, []);
        assert_eq!(write.log_tiles(&[])?, Vec::<Option<Vec<u8>>>::new());
        Ok(())
    });
}
