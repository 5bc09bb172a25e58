//! Prints `vectors/audit/audit.json`.
#![allow(clippy::unwrap_used, reason = "an example that makes vectors")]

use licence_spec::audit::{AuditAct, AuditRecord, Dropped, GENESIS, WhoKind};
use licence_spec::log::entry::{Entry, Op};
use licence_spec::log::note::LogKey;
use licence_spec::suite::{SeedSigner, Signer as _};
use licence_spec::time::UnixTime;
use serde_json::json;

/// 2026-11-23 10:06:44 UTC+8.
const TIME: UnixTime = UnixTime(1_795_420_804);

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bare(number: u64, who: WhoKind, id: &str, act: AuditAct) -> AuditRecord {
    AuditRecord {
        number,
        time: TIME.plus(number as i64 - 1),
        who,
        id: id.to_owned(),
        operator: None,
        act,
        ground: None,
        service_item: None,
        case_number: None,
        licence: None,
        object: None,
        reference: None,
        subject: None,
        result: "done".to_owned(),
        count: None,
    }
}

fn main() {
    let text = |text: &str| Some(text.to_owned());
    let read =
        AuditRecord { licence: Some([0xcc; 32]), ..bare(1, WhoKind::Client, "approvals", AuditAct::Read) };
    let checked = AuditRecord {
        operator: text("示例经办"),
        ground: text("《优化营商环境条例》第三十七条"),
        service_item: text("SZ-SP-0101"),
        case_number: text("2026-0001"),
        licence: Some([0xcc; 32]),
        reference: Some([0x0e; 16]),
        result: "ACCEPT".to_owned(),
        ..bare(2, WhoKind::Client, "approvals", AuditAct::Checked)
    };
    let added = AuditRecord {
        object: Some([0xdd; 32]),
        subject: text("approvals"),
        ..bare(3, WhoKind::Operator, "operator", AuditAct::ClientAdded)
    };
    let counted = AuditRecord {
        result: "REVOKED".to_owned(),
        count: Some(17),
        ..bare(4, WhoKind::Client, "approvals", AuditAct::Verified)
    };
    let mut head = GENESIS;
    let mut heads = Vec::new();
    let rows: Vec<_> =
        [("a read", &read), ("all of a check", &checked), ("an object", &added), ("a count", &counted)]
            .into_iter()
            .map(|(what, row)| {
                head = row.link(&head);
                heads.push(head);
                json!({"what": what, "act": row.act.name(), "row": hex(&row.to_bytes()), "after": hex(&head)})
            })
            .collect();
    let anchor = Entry { op: Op::AuditHead, time: TIME.plus(3), digest: head };
    let signer = SeedSigner::from_seed(&[3; 32]).unwrap();
    let key = LogKey::new("gz.elic.example/log", *signer.public_key()).unwrap();
    let dropped = Dropped { through: 2, head: heads[1], time: TIME.plus(1) };
    let good = hex(&read.to_bytes());
    let refused = [
        ("nothing", String::new()),
        ("number 0", good.replacen("0101", "0100", 1)),
        ("kind 6", good.replacen("0301", "0306", 1)),
        ("act 20", good.replacen("0605", "0614", 1)),
        ("member 16", good.replacen("0e64646f6e65", "1064646f6e65", 1)),
        ("keys out of order", good.replacen("0101021a6b03f284", "021a6b03f2840101", 1)),
        ("an empty id", good.replacen("0469617070726f76616c73", "0460", 1)),
        ("a byte after it", format!("{good}00")),
        ("cut short", good[..good.len() - 2].to_owned()),
    ];
    let refused: Vec<_> = refused.iter().map(|(what, row)| json!({"what": what, "row": row})).collect();
    let all = json!({
        "rows": rows,
        "anchor": {"entry": hex(&anchor.to_bytes())},
        "dropped": {"vkey": key.to_string(), "note": dropped.sign(&key, &signer).unwrap()},
        "refused": refused,
    });
    println!("{}", serde_json::to_string_pretty(&all).unwrap());
}
