//! One table of texts, three doors: the API, the command line and the import of sheets take the same ones and refuse the same ones.

use std::collections::BTreeSet;

use licence_catalogue::table::{Cell, Sheet};
use serde_json::{Value, json};

use crate::harness::{Place, licence, run, succeed};

/// The texts of spec/text.md that stand alone: (text, rule, code point).
fn table() -> Vec<(String, Option<String>, Option<String>)> {
    let vectors: Value =
        serde_json::from_str(include_str!("../../../spec/vectors/text/texts.json")).expect("vectors");
    let cases = vectors["cases"].as_array().expect("cases").iter();
    // CR LF is how a sheet writes a line feed: there it is transport.
    let wanted = |case: &&Value| case["kind"] == "text" && case["rule"] != "carriage_return";
    let point = |text: &str, at: u64| {
        let character = text.chars().nth(usize::try_from(at).ok()?.checked_sub(1)?)?;
        Some(format!("U+{:04X}", u32::from(character)))
    };
    cases
        .filter(wanted)
        .map(|case| {
            let text = case["text"].as_str().expect("a text").to_owned();
            let at = case["at"].as_u64().and_then(|at| point(&text, at));
            // NFD is made NFC, by the API and by the import.
            let rule = case["rule"].as_str().filter(|rule| *rule != "not_nfc").map(str::to_owned);
            (text, rule, at)
        })
        .collect()
}

/// The sources of fields in a sheet, one text each; the rows in which the import found something, with what it says.
fn imported(place: &Place, texts: &[String]) -> Vec<Option<String>> {
    let (csv, out) = (place.path("csv"), place.path("texts"));
    succeed(&["catalogue", "export", "--out", &csv]);
    let path = format!("{csv}/信息项.csv");
    let mut sheet = Sheet::from_csv("信息项", &std::fs::read(&path).expect("a sheet")).expect("CSV");
    let column = sheet.rows[0].iter().position(|cell| *cell == Cell::Text("来源".into())).expect("来源");
    assert!(sheet.rows.len() > texts.len());
    for (row, text) in sheet.rows.iter_mut().skip(1).zip(texts) {
        row[column] = Cell::Text(text.clone());
    }
    std::fs::write(&path, sheet.to_csv()).expect("written");
    let output = run(["catalogue", "import", &csv, "--out", &out, "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let said = |row: usize| {
        let findings = report["findings"].as_array().expect("findings").iter();
        let own = findings.filter(|finding| finding["sheet"] == "信息项" && finding["row"] == row);
        let words: Vec<String> = own.map(Value::to_string).collect();
        if words.is_empty() { None } else { Some(words.join(" ")) }
    };
    (0..texts.len()).map(|at| said(at + 2)).collect()
}

#[test]
fn api_command_line_and_import_take_and_refuse_the_same_texts() {
    let place = Place::new();
    let province = place.province();
    let city = place.city(&province);
    let token = city.token("desk", "*", "*", "*");
    let table = table();
    let texts: Vec<String> = table.iter().map(|(text, ..)| text.clone()).collect();
    let in_sheets = imported(&place, &texts);
    let request = |door: &str, at: usize, text: &str| {
        let mut request = licence(&format!("{door}〔2026〕{at}号"));
        request["fields"]["经营范围"] = json!(text);
        request
    };
    let file = place.path("request.json");
    let mut rules = BTreeSet::new();
    for (at, ((text, rule, point), in_sheet)) in table.iter().zip(&in_sheets).enumerate() {
        let answer = city.post(&token, "/v1/licences", &request("接口", at, text));
        let said = answer.json().to_string();
        assert_eq!(answer.status, if rule.is_some() { 422 } else { 201 }, "API, {text:?}: {said}");
        std::fs::write(&file, request("命令", at, text).to_string()).expect("written");
        let command = run(["issue", "--data", &city.data, &file]);
        let told = String::from_utf8_lossy(&command.stderr).into_owned();
        let code = if rule.is_some() { 64 } else { 0 };
        assert_eq!(command.status.code(), Some(code), "command line, {text:?}: {told}");
        assert_eq!(in_sheet.is_some(), rule.is_some(), "import, {text:?}: {in_sheet:?}");
        let Some(rule) = rule else { continue };
        rules.insert(rule.clone());
        if text.is_empty() {
            continue;
        }
        // Both calls say the same, and name the item; the sheet names the cell, and the character unless it is a blank at an end.
        let detail = answer.json()["detail"].as_str().expect("a detail").to_owned();
        assert!(detail.contains("经营范围") && told.contains(&detail), "{told}");
        let point = point.as_deref().unwrap_or_default();
        assert!(detail.contains(point), "{detail}");
        let in_sheet = in_sheet.as_deref().unwrap_or_default();
        assert!(in_sheet.contains("blanks") || in_sheet.contains(point), "{in_sheet}");
    }
    assert!(rules.len() >= 12, "{rules:?}");
}
