//! Whole outputs, to the letter: what a clerk reads does not change without a difference that a reviewer sees.
#![allow(missing_docs)]

mod common;

use common::{Counter, answer, example, is, text};

fn output(arguments: &[&str]) -> String {
    let output = Counter::new().run(arguments);
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn an_accepted_licence_in_chinese() {
    assert_eq!(
        output(&["check", text(&example("licence/small_with_proof.cbor"))]),
        "\
有效 ACCEPT
证照有效。可以采信
  FORMAT   格式 通过
  CRYPTO   签名 通过
  ISSUER   签发权限 通过（依据 60 分钟前的数据）
  TIME     时间 通过
  SCHEMA   内容规范 通过（依据 29 天前的数据）
  STATUS   状态 通过（依据 2 小时前的数据）
  LOG      日志 通过（依据 58 分钟前的数据）
  SUBJECT  持证主体 未查
  POLICY   事项要求 未查
提示: OFFLINE 离线核验
提示: STATUS_AGE 状态列表较旧
核验时间: 2026-11-23T18:00:00+08:00
策略: counter v1
信任列表: v2 2026-11-23T17:00:00+08:00 (60 分钟前)
状态列表: https://gz.elic.example/v1/status-lists/17 2026-11-23T16:00:00+08:00 (2 小时前)
日志: gz.elic.example/log #3 / 14
目录: v1
证照: 住所（经营场所）场地使用证明
  签发机构: 广州市示例发证机关 (11440100X00000027D)
  目录版次: 1
  电子证照标识: 1.2.156.3005.2.11440000X00000051Q201.11440100X00000027D.20260034581.001.K
  证照编号: 穗场证〔2026〕0034581号
  持证主体: 广州示例云帆科技有限公司
  持证主体代码类型: 001
  持证主体代码: 91440101MA9XXXXX36
  属地编码: 440106
  颁发日期: 2026-11-23
"
    );
}

/// A forged licence shows nothing of what it claims.
#[test]
fn a_forged_licence_shows_no_field() {
    let counter = Counter::new();
    let mut forged = std::fs::read(example("licence/small.cbor")).expect("the example");
    *forged.last_mut().expect("bytes") ^= 1;
    std::fs::write(counter.path("forged"), forged).expect("a file");
    let output = counter.run(&["check", text(&counter.path("forged"))]);
    assert_eq!(answer(&output), is(1, "无效 REJECT SIGNATURE_INVALID"));
    assert!(!String::from_utf8_lossy(&output.stdout).contains("云帆"));
}

#[test]
fn a_file_that_is_only_shown_says_so_and_covers_personal_data() {
    assert_eq!(
        output_of_show(&[]),
        "\
未核验 NOT VERIFIED licence
  类型: 住所（经营场所）场地使用证明 urn:elic:cn:11440000X00000051Q201
  所称签发机构: 11440100X00000027D
  签名时间: 2026-11-23T16:00:00+08:00
  生效: 2026-11-23T16:00:00+08:00
  截止: 2031-11-22T16:00:00+08:00
  状态列表: https://gz.elic.example/v1/status-lists/17 #5
  日志证明: no
  证照摘要: ccdc9f820cb74e4c7a05d2cdcc2b6f50489d06818ea06dab0632ba5df7e66415
  目录版次: 1
  电子证照标识: 1.2.156.3005.2.11440000X00000051Q201.11440100X00000027D.20260034581.001.K
  证照编号: 穗场证〔2026〕0034581号
  持证主体: ●●●
  持证主体代码类型: 001
  持证主体代码: ●●●
  属地编码: 440106
  颁发日期: 2026-11-23
"
    );
    assert!(output_of_show(&["--full"]).contains("广州示例云帆科技有限公司"));
    let json: serde_json::Value = serde_json::from_str(&output_of_show(&["--format", "json"])).expect("JSON");
    assert_eq!((&json["verified"], &json["fields"]["3"]["value"]), (&"not_verified".into(), &"●●●".into()));
}

/// `show` takes no `--at`: it judges nothing.
fn output_of_show(more: &[&str]) -> String {
    let counter = Counter::new();
    let mut command = counter.tool(&["show", text(&example("licence/small.cbor"))]);
    command.args(more).arg("--root").arg(example("trust/root_1.cbor")).arg("--bundle").arg(counter.bundle());
    String::from_utf8(command.output().expect("the tool runs").stdout).expect("UTF-8")
}

#[test]
fn a_receipt_is_genuine_whatever_it_found() {
    assert_eq!(
        output(&["receipt", text(&example("receipt/receipt_reject_revoked.cbor"))]),
        "\
回执真实 GENUINE，所载结论：无效 REJECT REVOKED
  原因: 证照已失效（注销、撤销、吊销、转出或作废）
  核验节点: 广州市示例发证机关 (11440100X00000027D)
  核验时间: 2026-11-23T18:00:00+08:00 (0 秒前)
  申请单位: 11440400X00000035P
  办件编号: 2026-TH-0009138
  事项: GZ-TH-0101
  策略: approval v3
  证照摘要: d67b2592aa8ff07a82430deee2e6b1f4451493e876c6007ffa6b73a2152c5c95
"
    );
}

#[test]
fn a_receipt_is_refused_when_forged_or_filed_with_another_licence_and_open_without_a_trust_list() {
    let counter = Counter::new();
    let receipt = example("receipt/receipt_accept.cbor");
    let licence = |name: &str| counter.run(&["receipt", text(&receipt), "--licence", text(&example(name))]);
    assert_eq!(licence("licence/business.cbor").status.code(), Some(0));
    assert_eq!(answer(&licence("licence/small.cbor")), is(1, "回执不可信 REJECT DIGEST_MISMATCH"));
    let mut forged = std::fs::read(&receipt).expect("the example");
    *forged.last_mut().expect("bytes") ^= 1;
    std::fs::write(counter.path("forged"), forged).expect("a file");
    let forged = counter.run(&["receipt", text(&counter.path("forged"))]);
    assert_eq!(answer(&forged), is(1, "回执不可信 REJECT SIGNATURE_INVALID"));
    let without = Counter::empty().run(&["receipt", text(&receipt)]);
    assert_eq!(answer(&without), is(2, "无法确认 INDETERMINATE TRUST_LIST_UNAVAILABLE"));
}
