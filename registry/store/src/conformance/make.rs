//! Rows for tests: every unique column differs with `n`, and no row means anything.

use licence_spec::status::Status;

use crate::{
    AnswerKey, AuditRow, ClientRow, Digest, DocumentRow, EndedIndexRow, INDEX_CHANGE, INDEX_LICENCE,
    IdempotentAnswer, IndexChangeRow, IndexDay, IndexLicenceRow, IndexRejectRow, IndexStretch, LeafRow,
    LicenceRow, LogHead, ReceiptRow, StatusChangeRow, StatusListRow, StatusTokenRow, StoredCredential,
    TileKey, TileRow,
};

/// Name of the log in all cases.
pub const ORIGIN: &str = "gz.elic.example/log";

/// A digest that differs with `kind` and `n`.
pub fn digest(kind: u8, n: u64) -> Digest {
    let mut digest = [kind; 32];
    digest[8..16].copy_from_slice(&n.to_be_bytes());
    digest
}

/// Sixteen bytes that differ with `n`.
pub fn cti(n: u64) -> [u8; 16] {
    let mut cti = [0x5a; 16];
    cti[..8].copy_from_slice(&n.to_be_bytes());
    cti
}

/// Row `n` of an audit: every fifth has no case, every third no licence.
pub fn audit(n: u64, time: i64) -> AuditRow {
    AuditRow {
        number: n,
        time,
        who: format!("desk-{}", n % 3),
        case_number: (!n.is_multiple_of(5)).then(|| format!("2026-{}", n % 4)),
        licence: (!n.is_multiple_of(3)).then(|| digest(0xd1, n % 7)),
        digest: digest(0xad, n),
        bytes: format!("row {n}").into_bytes(),
    }
}

/// A list of `size` entries.
pub fn list(id: u64, size: u32) -> StatusListRow {
    let uri = format!("https://gz.elic.example/v1/status-lists/{id}");
    StatusListRow::new(id, uri, "11440100X00000027D".into(), size, digest(0x11, id))
}

/// Licence `n`, at entry `n` of list 1 and at leaf `n`.
pub fn licence(n: u32) -> LicenceRow {
    let log_index = u64::from(n);
    LicenceRow {
        digest: digest(0xd1, log_index),
        id: format!("1.2.156.3005.2.11440000X00000051Q201.11440100X00000027D.{n:011}.001.K"),
        cti: cti(log_index),
        vct: "urn:elic:cn:11440000X00000051Q201".into(),
        number: format!("穗场证〔2026〕{n:07}号"),
        version: 1,
        authority: "11440100X00000027D".into(),
        area: "440106".into(),
        holders: vec![digest(0x40, log_index)],
        issued_at: 1_795_420_800 + i64::from(n),
        expires_at: 1_953_100_800,
        credential: StoredCredential::Whole(format!("statement {n} 证照 \u{1F4DC}\0").into_bytes()),
        status_list: 1,
        status_index: n,
        log_index,
        status: Status::Valid,
        predecessor: None,
        // Every third row is one that nobody's client sent.
        client: (!n.is_multiple_of(3)).then(|| format!("desk-{}", n % 5)),
        successor: None,
    }
}

/// Change at leaf `log_index` of `licence` from `previous` to `value`.
pub fn change(log_index: u64, licence: &LicenceRow, previous: u8, value: u8) -> StatusChangeRow {
    StatusChangeRow {
        digest: digest(0xc4, log_index),
        record: format!("record {log_index}").into_bytes(),
        licence: licence.digest,
        act: 4,
        previous: Status::from_value(previous),
        value: Status::from_value(value),
        effective_at: 1_795_500_000,
        recorded_at: 1_795_600_000 + log_index as i64,
        legal_basis: "《中华人民共和国行政许可法》第六十九条".into(),
        document_number: "穗市监撤〔2026〕1号".into(),
        officer: "测试人员甲".into(),
        successor: None,
        client: (!log_index.is_multiple_of(3)).then(|| format!("desk-{}", log_index % 5)),
        log_index,
    }
}

/// End of entry `index` of list 1 at leaf `log_index`.
pub fn ended(log_index: u64, index: u32) -> EndedIndexRow {
    EndedIndexRow {
        digest: digest(0xe4, log_index),
        record: format!("ended {log_index}").into_bytes(),
        list: 1,
        index,
        licence: digest(0xf4, log_index),
        act: 9,
        recorded_at: 1_795_600_000 + log_index as i64,
        legal_basis: "《中华人民共和国行政许可法》第六十九条".into(),
        document_number: "穗市监废〔2026〕1号".into(),
        officer: "测试人员甲".into(),
        log_index,
    }
}

/// Token of list 1.
pub fn token(iat: i64, revision: u64, log_index: u64) -> StatusTokenRow {
    let bytes = format!("token {iat} {revision}").into_bytes();
    StatusTokenRow {
        list: 1,
        iat,
        exp: iat + 86_400,
        digest: digest(0x70, log_index),
        bytes,
        revision,
        log_index,
    }
}

/// Leaf `index`.
pub fn leaf(index: u64) -> LeafRow {
    LeafRow { index, hash: digest(0x1e, index), entry: index.to_be_bytes().repeat(5) }
}

/// Level-0 tile `index` with the first `width` of its leaves' hashes.
pub fn tile(index: u64, width: u64) -> TileRow {
    let first = index * 256;
    let hashes = (first..first + width).flat_map(|leaf| digest(0x1e, leaf)).collect();
    TileRow { key: TileKey { level: 0, index }, hashes }
}

/// Head of [`ORIGIN`] at `size`.
pub fn head(size: u64) -> LogHead {
    LogHead { origin: ORIGIN.into(), size, root: digest(0x4e, size) }
}

/// Version `version` of a document.
pub fn document(kind: &str, name: &str, version: u64) -> DocumentRow {
    DocumentRow {
        kind: kind.into(),
        name: name.into(),
        version,
        iat: 1_795_420_800,
        digest: digest(0xdc, version),
        bytes: format!("{kind} {name} {version}").into_bytes(),
        stored_at: 1_795_700_000,
    }
}

/// Client `n`.
pub fn client(n: u64) -> ClientRow {
    ClientRow {
        id: format!("client-{n}"),
        name: format!("天河区政务服务中心 {n}"),
        token_hash: digest(0xcc, n),
        authorities: vec!["11440100X00000027D".into(), "11440100X00000035A".into()],
        types: vec!["*".into()],
        calls: Vec::new(),
        created_at: 1,
        expires_at: 2_000_000_000,
        revoked_at: None,
    }
}

/// Receipt `n`.
pub fn receipt(n: u64) -> ReceiptRow {
    let bytes = format!("receipt {n}").into_bytes();
    ReceiptRow {
        id: cti(n),
        client: "client-1".into(),
        made_at: 1_795_420_800,
        digest: digest(0x3e, n),
        bytes,
    }
}

/// Key `key` of `caller`.
pub fn answer_key(caller: &str, key: &str) -> AnswerKey {
    AnswerKey { caller: caller.into(), key: key.into() }
}

/// Answer to `key` of `caller`, created at `created_at`.
pub fn answer(caller: &str, key: &str, created_at: i64) -> IdempotentAnswer {
    IdempotentAnswer {
        key: answer_key(caller, key),
        fingerprint: digest(0xf1, created_at as u64),
        status: 201,
        content_type: "application/json".into(),
        body: "{\"证照\":\"\u{0}\"}".as_bytes().to_vec(),
        created_at,
    }
}

/// Day of all indexed rows but where a case says otherwise.
pub const DAY: i64 = 20_780;

/// Licence at leaf `log_index` of another node's log, held by holder `log_index`.
pub fn indexed(origin: &str, log_index: u64) -> IndexLicenceRow {
    IndexLicenceRow {
        origin: origin.into(),
        log_index,
        day: DAY,
        digest: digest(0xd2, log_index),
        id: format!("1.2.156.3005.2.11440000X00000051Q201.11440100X00000027D.{log_index:011}.001.K"),
        vct: "urn:elic:cn:11440000X00000051Q201".into(),
        number: format!("穗场证〔2026〕{log_index:07}号"),
        version: 1,
        authority: "11440100X00000027D".into(),
        area: "440106".into(),
        holders: vec![digest(0x40, log_index)],
        issued_at: 1_795_420_800,
        valid_from: 1_795_420_800,
        expires_at: 1_953_100_800,
        status_list: "https://gz.elic.example/v1/status-lists/1".into(),
        status_index: 7,
        predecessor: Some(digest(0xd3, log_index)),
        status: Status::Valid,
        successor: None,
    }
}

/// Change at leaf `log_index` of the licence with this digest.
pub fn index_change(origin: &str, log_index: u64, licence: Digest, value: u8) -> IndexChangeRow {
    IndexChangeRow {
        origin: origin.into(),
        log_index,
        day: DAY + 1,
        licence,
        record: format!("record {log_index}").into_bytes(),
        value: Status::from_value(value),
        successor: None,
    }
}

/// Reject of a licence at leaf `log_index`.
pub fn index_reject(origin: &str, log_index: u64, logged: bool) -> IndexRejectRow {
    IndexRejectRow {
        origin: origin.into(),
        log_index,
        day: DAY,
        kind: INDEX_LICENCE,
        logged,
        reason: "missing".into(),
        told_at: 1_795_700_000,
    }
}

/// A stretch of a log of which nothing else was told; its leaves are those of the rows.
pub fn stretch(
    origin: &str,
    (from, next): (u64, u64),
    licences: Vec<IndexLicenceRow>,
    changes: Vec<IndexChangeRow>,
) -> IndexStretch {
    let day = |day, kind, logged: usize| IndexDay { day, kind, logged: logged as u64 };
    let days = [day(DAY, INDEX_LICENCE, licences.len()), day(DAY + 1, INDEX_CHANGE, changes.len())];
    let logged = days.into_iter().filter(|day| day.logged > 0).collect();
    IndexStretch { origin: origin.into(), from, next, licences, changes, rejects: Vec::new(), logged }
}
