//! Clients, receipts, and answers kept for idempotency keys.

use super::{Open, make, read, refused, write};
use crate::{ClientRow, Conflict, Store, StoreError};

fn add_client(store: &dyn Store, row: &ClientRow) {
    write(store, |write| write.add_clients(std::slice::from_ref(row)));
}

pub(super) fn a_client_is_found_by_its_token_only(open: Open<'_>) {
    let store = open();
    add_client(&*store, &make::client(2));
    add_client(&*store, &make::client(1));
    let find = |n| read(&*store, |read| read.client_by_token(&make::digest(0xcc, n)));
    assert_eq!([find(1), find(2), find(3)], [Some(make::client(1)), Some(make::client(2)), None]);
    assert_eq!(read(&*store, |read| read.clients()), [make::client(1), make::client(2)]);
}

pub(super) fn clients_are_unique_by_id_and_token(open: Open<'_>) {
    let store = open();
    add_client(&*store, &make::client(1));
    let same_id = ClientRow { id: make::client(1).id, ..make::client(2) };
    let same_token = ClientRow { token_hash: make::client(1).token_hash, ..make::client(3) };
    for row in [same_id, same_token] {
        let error = refused(&*store, |write| write.add_clients(&[make::client(9), row.clone()]));
        assert_eq!(error, Conflict::ClientExists.into());
    }
    assert_eq!(read(&*store, |read| read.clients()), [make::client(1)]);
}

pub(super) fn revoking_a_client_keeps_the_first_time(open: Open<'_>) {
    let store = open();
    add_client(&*store, &make::client(1));
    add_client(&*store, &make::client(2));
    assert!(write(&*store, |write| write.revoke_client("client-1", 500)));
    assert!(write(&*store, |write| write.revoke_client("client-1", 900)));
    assert!(!write(&*store, |write| write.revoke_client("client-3", 900)));
    let revoked = ClientRow { revoked_at: Some(500), ..make::client(1) };
    assert_eq!(read(&*store, |read| read.clients()), [revoked, make::client(2)]);
}

pub(super) fn list_items_of_clients_that_cannot_be_kept_are_refused(open: Open<'_>) {
    let store = open();
    for item in ["", "a\nb"] {
        let row = ClientRow { calls: vec!["issue".into(), item.into()], ..make::client(1) };
        let error = refused(&*store, |write| write.add_clients(std::slice::from_ref(&row)));
        assert!(matches!(error, StoreError::OutOfRange(_)), "{error}");
    }
    assert_eq!(read(&*store, |read| read.clients()), []);
}

pub(super) fn a_receipt_reads_back_and_is_kept_once(open: Open<'_>) {
    let store = open();
    write(&*store, |write| write.add_receipts(&[make::receipt(1), make::receipt(2)]));
    assert_eq!(read(&*store, |read| read.receipt(&make::cti(2))), Some(make::receipt(2)));
    assert_eq!(read(&*store, |read| read.receipt(&make::cti(3))), None);
    let error = refused(&*store, |write| write.add_receipts(&[make::receipt(3), make::receipt(1)]));
    assert_eq!(error, Conflict::ReceiptExists.into());
    assert_eq!(read(&*store, |read| read.receipt(&make::cti(3))), None);
}

pub(super) fn an_answer_is_stored_with_its_effect(open: Open<'_>) {
    let store = open();
    let answer = make::answer("client-1", "k-1", 10);
    write(&*store, |write| {
        write.add_receipts(&[make::receipt(1)])?;
        write.add_idempotent_answers(std::slice::from_ref(&answer))
    });
    let keys = ["k-2", "k-1", "K-1"].map(|key| make::answer_key("client-1", key));
    assert_eq!(read(&*store, |read| read.idempotent_answers(&keys)), [None, Some(answer), None]);
}

pub(super) fn an_answer_is_rolled_back_with_its_effect(open: Open<'_>) {
    let store = open();
    write(&*store, |write| write.add_receipts(&[make::receipt(1)]));
    let error = refused(&*store, |write| {
        write.add_idempotent_answers(&[make::answer("client-1", "k-1", 10)])?;
        write.add_receipts(&[make::receipt(1)])
    });
    assert_eq!(error, Conflict::ReceiptExists.into());
    let key = make::answer_key("client-1", "k-1");
    assert_eq!(read(&*store, |read| read.idempotent_answers(std::slice::from_ref(&key))), [None]);
}

pub(super) fn an_idempotency_key_is_used_once_by_each_caller(open: Open<'_>) {
    let store = open();
    let held = make::answer("client-1", "k", 10);
    write(&*store, |write| write.add_idempotent_answers(&[held.clone(), make::answer("client-2", "k", 11)]));
    let error = refused(&*store, |write| {
        write.add_receipts(&[make::receipt(1)])?;
        write.add_idempotent_answers(&[make::answer("client-1", "k", 12)])
    });
    assert_eq!(error, Conflict::IdempotencyKeyExists.into());
    assert_eq!(read(&*store, |read| read.receipt(&make::cti(1))), None, "the second effect did not happen");
    assert_eq!(read(&*store, |read| read.idempotent_answers(std::slice::from_ref(&held.key))), [Some(held)]);
}

pub(super) fn old_answers_are_forgotten_oldest_first(open: Open<'_>) {
    let store = open();
    let rows = [30, 10, 20, 40].map(|at| make::answer("c", &format!("k-{at}"), at));
    write(&*store, |write| write.add_idempotent_answers(&rows));
    let kept = || {
        let answers = read(&*store, |read| read.idempotent_answers(&rows.clone().map(|row| row.key)));
        answers.into_iter().flatten().map(|row| row.created_at).collect::<Vec<_>>()
    };
    assert_eq!(write(&*store, |write| write.purge_idempotent_answers(40, 2)), 2);
    assert_eq!(kept(), [30, 40]);
    assert_eq!(write(&*store, |write| write.purge_idempotent_answers(40, 2)), 1);
    assert_eq!(write(&*store, |write| write.purge_idempotent_answers(40, 2)), 0);
    assert_eq!(kept(), [40], "an answer of the very moment stays");
}

pub(super) fn a_nonce_is_taken_once_by_each_signer_and_forgotten_oldest_first(open: Open<'_>) {
    let store = open();
    let take = |signer: u64, nonce: u8, at: i64| {
        write(&*store, |write| write.take_nonce(&make::digest(1, signer), &[nonce; 16], at))
    };
    assert!(take(1, 1, 10) && take(1, 2, 20) && take(2, 1, 30), "each signer has its own");
    assert!(!take(1, 1, 40), "taken before");
    let purge = |before, limit| write(&*store, |write| write.purge_nonces(before, limit));
    assert_eq!((purge(30, 1), purge(30, 9), purge(30, 9)), (1, 1, 0), "of the very moment stays");
    assert!(take(1, 1, 50) && !take(2, 1, 50), "what is forgotten can be taken again");
}

pub(super) fn receipts_and_answers_come_in_pages(open: Open<'_>) {
    let store = open();
    let receipts: Vec<_> = (0..5).map(make::receipt).collect();
    let keys = [("a", "B"), ("a", "b"), ("a", "值"), ("ab", "a"), ("b", "")];
    let answers: Vec<_> = keys.iter().map(|(caller, key)| make::answer(caller, key, 10)).collect();
    write(&*store, |write| {
        write.add_receipts(&[3, 0, 4, 1, 2].map(make::receipt))?;
        write.add_idempotent_answers(&[2, 4, 0, 3, 1].map(|n: usize| answers[n].clone()))
    });
    let receipt_page = |after, limit| read(&*store, |read| read.receipts_after(after, limit));
    assert_eq!(receipt_page(None, 2), receipts[..2]);
    assert_eq!(receipt_page(Some(&receipts[1].id), 9), receipts[2..]);
    assert_eq!(receipt_page(Some(&receipts[4].id), 9), []);
    let answer_page = |after, limit| read(&*store, |read| read.idempotent_answers_after(after, limit));
    assert_eq!(answer_page(None, 2), answers[..2]);
    assert_eq!(answer_page(Some(&answers[1].key), 9), answers[2..]);
    assert_eq!(answer_page(Some(&answers[4].key), 9), []);
}
