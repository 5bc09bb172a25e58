//! Spreadsheets: the shipped data through the template and back, and every bad cell named.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test helper that fails fails the test"
)]

mod common;

use common::data;
use licence_catalogue::embedded_files;
use licence_catalogue::table::{
    Cell, CellFinding, Imported, MAX_CELL, MAX_ROWS, SHEETS, Sheet, Unseen, export, foreign, import, paths,
    template, untouched,
};

fn shipped() -> Vec<Sheet> {
    export(embedded_files()).unwrap()
}

/// What stands in no sheet.
fn beside() -> Vec<(&'static str, &'static [u8])> {
    let stays =
        |(path, _): &(&str, &[u8])| *path == "common-fields.toml" || path.starts_with("service-cases/");
    embedded_files().filter(stays).collect()
}

fn taken(sheets: &[Sheet]) -> Result<Imported, Vec<CellFinding>> {
    import(sheets, &beside())
}

fn text(text: &str) -> Cell {
    Cell::Text(text.to_owned())
}

/// Place of a title in its sheet.
fn column(sheet: &str, title: &str) -> usize {
    let template = SHEETS.iter().find(|own| own.name == sheet).unwrap();
    template.columns.iter().position(|column| column.title == title).unwrap()
}

/// The cell of the row whose first cell is `file` (the `nth` such row), with its row from 0.
fn cell<'a>(
    sheets: &'a mut [Sheet],
    sheet: &str,
    file: &str,
    nth: usize,
    title: &str,
) -> (usize, &'a mut Cell) {
    let at = column(sheet, title);
    let sheet = sheets.iter_mut().find(|own| own.name == sheet).unwrap();
    let of_file = |(_, row): &(usize, &mut Vec<Cell>)| row.first() == Some(&Cell::Text(file.to_owned()));
    let (number, row) = sheet.rows.iter_mut().enumerate().filter(of_file).nth(nth).unwrap();
    if row.len() <= at {
        row.resize(at + 1, Cell::Empty);
    }
    (number, &mut row[at])
}

#[test]
fn the_shipped_data_go_through_the_template_and_come_back_equal() {
    let imported = taken(&shipped()).unwrap_or_else(|findings| panic!("{findings:#?}"));
    assert_eq!(imported.data.types(), data().types());
    assert_eq!(imported.data.service_items(), data().service_items());
    assert_eq!(imported.data.authorities(), data().authorities());
    let facts = |data: &licence_catalogue::CatalogueData| {
        let mut notes: Vec<_> = data.notes().iter().map(|n| format!("{n:?}")).collect();
        notes.sort();
        notes
    };
    assert_eq!(facts(&imported.data), facts(data()));
    assert_eq!(imported.files.len(), 39 + 26 + 44);
    // And once more: what was imported exports to the same sheets.
    let again = export(imported.files.iter().map(|(path, text)| (path.as_str(), text.as_bytes()))).unwrap();
    assert_eq!(again, shipped());
}

#[test]
fn every_sheet_goes_through_csv_and_comes_back_equal_with_or_without_a_byte_order_mark() {
    for sheet in shipped() {
        let csv = sheet.to_csv();
        let back = Sheet::from_csv(&sheet.name, &csv).unwrap();
        let width = sheet.rows[0].len();
        let padded = |rows: &[Vec<Cell>]| -> Vec<Vec<Cell>> {
            let pad = |row: &Vec<Cell>| {
                row.iter().cloned().chain(std::iter::repeat(Cell::Empty)).take(width).collect()
            };
            rows.iter().map(pad).collect()
        };
        assert_eq!(padded(&back.rows), padded(&sheet.rows), "{}", sheet.name);
        // Without the mark a spreadsheet takes the file for GBK.
        let plain = csv.strip_prefix(b"\xef\xbb\xbf").expect("a byte order mark");
        assert_eq!(Sheet::from_csv(&sheet.name, plain).unwrap(), back);
    }
    let found = |bytes: &[u8]| Sheet::from_csv("事项", bytes).unwrap_err();
    let gbk = found(b"\xce\xc4\xbc\xfe,x");
    assert!(gbk.rule == "not-utf8" && gbk.message.contains("GBK"), "{gbk}");
    let utf16 = found(b"\xff\xfe\x87\x65,\0");
    assert!(utf16.rule == "not-utf8" && utf16.message.contains("UTF-16"), "{utf16}");
    assert_eq!(found("文件\t事项编码\n".as_bytes()).rule, "csv");
    assert_eq!(found("文件;事项编码\n".as_bytes()).rule, "csv");
    let rows = |n: usize| Sheet::from_csv("事项", "x\n".repeat(n).as_bytes());
    assert!(rows(MAX_ROWS).is_ok());
    assert_eq!(rows(MAX_ROWS + 1).unwrap_err().rule, "too-many-rows");
}

#[test]
fn an_empty_template_is_a_catalogue_without_types_and_items() {
    let imported = import(&template(), &[("common-fields.toml", beside()[0].1)]).unwrap();
    assert!(imported.files.is_empty() && imported.data.types().is_empty());
    assert!(import(&[], &[("common-fields.toml", beside()[0].1)]).is_ok());
}

/// (sheet, file, which of its rows, title, what stands there, rule)
type Fault = (&'static str, &'static str, usize, &'static str, Cell, &'static str);

fn faults() -> Vec<Fault> {
    let (business, item, city) = ("business-licence", "gz-th-0101", "440600");
    vec![
        ("证照类型", business, 0, "证照类型代码", text("１1100000MB0143028R001"), "full-width"),
        ("证照类型", business, 0, "证照类型代码", text("11100000MB0143028R001 "), "blanks"),
        ("证照类型", business, 0, "证照类型代码", text("\u{3000}11100000MB0143028R001"), "blanks"),
        ("证照类型", business, 0, "证照类型代码", text("11100000MB0143028S001"), "type-code"),
        ("证照类型", business, 0, "证照类型代码", Cell::Empty, "cell-missing"),
        ("证照类型", business, 0, "证照类型代码", Cell::Number(2.0e20), "number-for-text"),
        ("证照类型", business, 0, "证照类型名称", Cell::Formula, "formula"),
        ("证照类型", business, 0, "证照类型名称", Cell::Error, "error-value"),
        ("证照类型", business, 0, "证照类型名称", text("营业\u{200b}执照"), "text-rule"),
        ("证照类型", business, 0, "证照类型名称", text("营业\r执照"), "text-rule"),
        ("证照类型", business, 0, "证照类型名称", text("营业\u{fffd}"), "text-rule"),
        ("证照类型", business, 0, "证照类型名称", text("营业\u{e000}"), "text-rule"),
        ("证照类型", business, 0, "证照类型名称", text("营业执照\u{a0}"), "blanks"),
        ("证照类型", business, 0, "英文名称", text("Business\u{a0}licence"), "text-rule"),
        ("版次", business, 0, "启用日期", text("2026/02/30"), "date"),
        ("版次", business, 0, "启用日期", text("10/26/2026"), "date"),
        ("版次", business, 0, "启用日期", text("26/10/26"), "date"),
        ("证照类型", business, 0, "证照类型名称", text(&"长".repeat(MAX_CELL + 1)), "cell-too-long"),
        ("证照类型", business, 0, "仅引用", Cell::Bool(true), "not-text"),
        ("证照类型", business, 0, "仅引用", text("否"), "word"),
        ("证照类型", business, 0, "证照种类", text("执照"), "kind"),
        ("证照类型", business, 0, "定义机构级别", text("国家级"), "level"),
        ("证照类型", business, 0, "持证主体数量", text("0"), "holders"),
        ("证照类型", business, 0, "文件", text("Business Licence"), "file-name"),
        ("证照类型", "road-transport-permit", 0, "文件", text("real-estate-title"), "duplicate-row"),
        ("版次", business, 0, "启用日期", Cell::Number(46_321.0), "date-number"),
        ("版次", business, 0, "启用日期", text("2026-02-30"), "date"),
        ("版次", business, 0, "启用日期", text("２０２６-10-26"), "full-width"),
        ("版次", business, 0, "版次", Cell::Number(1.5), "number"),
        ("版次", business, 0, "最长有效天数", text("十年"), "number"),
        ("版次", business, 0, "最长有效天数", text("0"), "life"),
        ("版次", business, 0, "通用项组", text("9"), "common-unknown"),
        ("版次", business, 0, "文件", text("business-licences"), "unknown-file"),
        ("信息项", business, 1, "键", text("24"), "duplicate-key"),
        ("信息项", business, 1, "键", text("23"), "reserved-key"),
        ("信息项", business, 1, "名称", text("类型"), "duplicate-name"),
        ("信息项", business, 1, "最大长度", text("0"), "length"),
        ("信息项", business, 1, "数据类型", text("文本"), "word"),
        ("信息项", business, 1, "可选值", text("甲\n甲"), "options"),
        ("信息项", business, 1, "版次", text("2"), "unknown-revision"),
        ("信息项", business, 1, "依据状态", text("确定"), "word"),
        ("依据", business, 0, "依据状态", Cell::Empty, "cell-missing"),
        ("依据", business, 1, "项目", text("证照类型代码"), "duplicate-row"),
        ("依据", business, 1, "项目", text("颜色"), "unknown-item"),
        ("机关", city, 0, "机关代码", text("11440600X06001013X"), "authority-code"),
        ("机关", city, 1, "主机", text("fs2.elic.example"), "row-differs"),
        ("机关", city, 0, "机关名称", text("佛山市市场监督管理局"), "synthetic-name"),
        ("机关", city, 0, "地区", text("佛山"), "region"),
        ("机关", city, 0, "证照类型代码", text("11100000MB0143028R999"), "unknown-type"),
        ("机关", city, 0, "密钥用途", text("licence"), "roles"),
        ("机关", city, 0, "停用日期", text("2026-10-25"), "dates"),
        ("事项", item, 0, "事项编码", text("GZ-JT-0401"), "overlapping-dates"),
        ("事项", item, 0, "事项领域", text("工商"), "area"),
        ("事项", item, 0, "加注件秒数", text("86401"), "view-life"),
        ("事项", item, 0, "免提交方式", text("免交"), "method"),
        ("材料", item, 0, "证照类型代码", text("200023402"), "unknown-type"),
        ("材料", item, 0, "持证人角色", text("邻居"), "word"),
        (
            "材料",
            item,
            0,
            "可查看信息项",
            text("证照编号、持证主体、持证主体代码、经营范畴"),
            "unknown-field",
        ),
        ("材料", item, 0, "敏感项理由", Cell::Empty, "sensitive-without-reason"),
        ("材料", item, 0, "敏感项理由", text("持证主体代码"), "reason"),
        ("材料", item, 0, "条件", text("证照编号 等于 甲"), "constraint"),
        ("材料", item, 0, "条件", text("证照编号 不小于 1"), "constraint"),
        ("材料", item, 0, "最长天数", text("0"), "max-age"),
        ("材料", "sz-sp-0101", 2, "材料名称", text("另一名称"), "row-differs"),
        ("选择", "gz-sc-0701", 0, "方式", text("M03"), "choice"),
        ("选择", "gz-sc-0701", 0, "方式", text("M03\nM09"), "unknown-material"),
    ]
}

/// One wrong cell changes nothing and is named by sheet, row and column.
#[test]
fn every_wrong_cell_is_named_and_nothing_is_taken_over() {
    for (sheet, file, nth, title, wrong, rule) in faults() {
        let mut sheets = shipped();
        let (row, target) = cell(&mut sheets, sheet, file, nth, title);
        *target = wrong.clone();
        let what = format!("{sheet} {file} {title} {wrong:?}").chars().take(200).collect::<String>();
        let Err(findings) = taken(&sheets) else { panic!("taken: {what}") };
        let found = findings.iter().find(|f| f.rule == rule && f.sheet == sheet && f.row == Some(row + 1));
        let found = found.unwrap_or_else(|| panic!("{rule} not found for {what}: {findings:#?}"));
        assert!(!found.message.is_empty() && !found.hint.is_empty());
        // The choice is told at its name, an item that has too much or too little of something at its code.
        if !matches!(rule, "choice" | "unknown-item" | "file-name" | "sensitive-without-reason") {
            let letter = char::from(b'A' + u8::try_from(column(sheet, title)).unwrap());
            assert_eq!(found.column.as_deref(), Some(letter.to_string().as_str()), "{what}: {found}");
        }
    }
}

#[test]
fn a_finding_prints_sheet_cell_rule_and_hint_and_says_what_to_write() {
    let mut sheets = shipped();
    *cell(&mut sheets, "版次", "business-licence", 0, "启用日期").1 = Cell::Number(46_321.0);
    let finding = taken(&sheets).unwrap_err().remove(0).to_string();
    let expected = "版次!D4: date-number: 日期存为序列号：请设为文本格式并写 YYYY-MM-DD / a date as a serial number: \
                    46321 is 2026-10-26 (format the cell as text and write YYYY-MM-DD)";
    assert_eq!(finding, expected);
}

#[test]
fn what_a_sheet_as_such_may_not_be_is_found() {
    type Change = fn(&mut Vec<Sheet>);
    let cases: &[(&str, Change)] = &[
        ("hidden-sheet", |s| s[0].hidden = true),
        ("hidden-row", |s| s[0].unseen = vec![Unseen::Row(3), Unseen::Row(2)]),
        ("hidden-row", |s| s[0].unseen = vec![Unseen::Row(0)]),
        ("hidden-column", |s| s[0].unseen = vec![Unseen::Column(3)]),
        ("filter", |s| s[0].unseen = vec![Unseen::Filter]),
        ("sheet-missing", |s| drop(s.remove(5))),
        ("merged-cells", |s| s[0].merged = vec![(3, 1)]),
        ("unknown-sheet", |s| s[0].name = "Sheet1".into()),
        ("duplicate-sheet", |s| s.push(s[0].clone())),
        ("too-many-sheets", |s| s.extend(vec![Sheet::default(); 33])),
        ("titles", |s| s[0].rows[0].swap(1, 2)),
        ("titles", |s| drop(s[0].rows[0].pop())),
        ("titles", |s| s[0].rows[0].push(text("备注"))),
        ("titles", |s| s[0].rows.clear()),
        ("extra-cell", |s| s[0].rows[1].push(text("x"))),
        ("too-many-rows", |s| s[0].rows.resize(1_000_000, Vec::new())),
    ];
    for (rule, change) in cases {
        let mut sheets = shipped();
        change(&mut sheets);
        let findings = taken(&sheets).unwrap_err();
        assert!(findings.iter().any(|f| f.rule == *rule), "{rule}: {findings:#?}");
    }
    // What is hidden beyond the content hides nothing.
    let mut sheets = shipped();
    sheets[0].unseen = vec![Unseen::Row(sheets[0].rows.len()), Unseen::Column(sheets[0].rows[0].len())];
    assert!(taken(&sheets).is_ok());
    let twice = import(&shipped(), &[beside(), vec![("licence-types/business-licence.toml", b"")]].concat());
    assert_eq!(twice.unwrap_err()[0].rule, "duplicate-file");
}

/// Numbers that a spreadsheet holds as numbers are fine where a number is wanted.
#[test]
fn whole_numbers_may_stand_as_numbers_and_empty_rows_are_passed_over() {
    let mut sheets = shipped();
    *cell(&mut sheets, "事项", "gz-th-0101", 0, "加注件秒数").1 = Cell::Number(1_800.0);
    *cell(&mut sheets, "信息项", "business-licence", 0, "最大长度").1 = text("0100");
    let items = sheets.iter_mut().find(|sheet| sheet.name == "事项").unwrap();
    items.rows.insert(3, vec![Cell::Empty; 15]);
    items.rows.push(Vec::new());
    let imported = taken(&sheets).unwrap_or_else(|findings| panic!("{findings:#?}"));
    assert_eq!(imported.data.service_items(), data().service_items());
}

/// A workbook of a whole city: 5,000 rows, and one wrong cell in the last of them.
#[test]
fn five_thousand_rows_are_taken_and_one_wrong_row_among_them_is_named() {
    let mut sheets = shipped();
    let items = sheets.iter_mut().find(|sheet| sheet.name == "事项").unwrap();
    let like = items.rows[1].clone();
    let materials = sheets.iter().find(|sheet| sheet.name == "材料").unwrap();
    let material = materials.rows.iter().find(|row| row.first() == like.first()).unwrap().clone();
    for n in 0..2_500 {
        let file = text(&format!("import-{n:04}"));
        let (mut item, mut material) = (like.clone(), material.clone());
        (item[0], item[1], material[0]) = (file.clone(), text(&format!("GZ-IM-{n:04}")), file);
        sheets.iter_mut().find(|sheet| sheet.name == "事项").unwrap().rows.push(item);
        sheets.iter_mut().find(|sheet| sheet.name == "材料").unwrap().rows.push(material);
    }
    // The items refer to choices and further materials that only the first one has.
    let imported =
        taken(&sheets).unwrap_or_else(|findings| panic!("{:#?}", &findings[..findings.len().min(5)]));
    assert_eq!(imported.data.service_items().len(), 2_544);
    let (row, wrong) = cell(&mut sheets, "材料", "import-2499", 0, "证照类型代码");
    *wrong = text("ZD9999");
    let findings = taken(&sheets).unwrap_err();
    assert_eq!(findings.len(), 1, "{findings:#?}");
    assert_eq!(
        (findings[0].sheet.as_str(), findings[0].row, findings[0].rule),
        ("材料", Some(row + 1), "unknown-type")
    );
}

/// spec/catalogue.md §8 is what a city fills in by: it must be the template of the code.
#[test]
fn the_document_names_every_sheet_and_every_column_of_the_template() {
    let document = include_str!("../../spec/catalogue.md");
    for sheet in SHEETS {
        let title = |column: &licence_catalogue::table::Column| {
            format!("{}{}", column.title, if column.required { "" } else { "?" })
        };
        let columns: Vec<String> = sheet.columns.iter().map(title).collect();
        let row = format!("| {} | {} |", sheet.name, columns.join(" · "));
        assert!(document.contains(&row), "not in spec/catalogue.md: {row}");
    }
}

/// CR LF of pasted text, decomposed characters and days as people write them are read, not refused.
#[test]
fn what_spreadsheets_do_to_texts_and_days_is_read_rightly() {
    for day in
        ["2026/10/26", "2026.10.26", "2026年10月26日", "20261026", "2026-10-26 00:00:00", "2026/10/26 0:00"]
    {
        let mut sheets = shipped();
        *cell(&mut sheets, "版次", "business-licence", 0, "启用日期").1 = text(day);
        let imported = taken(&sheets).unwrap_or_else(|findings| panic!("{day}: {findings:#?}"));
        assert_eq!(imported.data.types(), data().types(), "{day}");
    }
    let mut sheets = shipped();
    *cell(&mut sheets, "信息项", "business-licence", 0, "来源").1 = text("一\r\n二 Cafe\u{301}");
    let imported = taken(&sheets).unwrap_or_else(|findings| panic!("{findings:#?}"));
    let file =
        &imported.files.iter().find(|(path, _)| path == "licence-types/business-licence.toml").unwrap().1;
    assert!(file.contains("一\\n二 Caf\u{e9}"), "{file}");
}

/// Slips in names are told at their cells; the rows are taken over all the same.
#[test]
fn slips_in_names_are_told_and_keep_nobody_from_importing() {
    assert_eq!(taken(&shipped()).unwrap().slips, []);
    for (sheet, file, title, name, rule) in [
        ("证照类型", "business-licence", "证照类型名称", "营业营业执照", "repeated-word"),
        ("材料", "gz-th-0101", "英文名称", "Business business licence", "repeated-word"),
        ("材料", "gz-th-0101", "材料名称", "食品经营许可证", "name-differs"),
    ] {
        let mut sheets = shipped();
        let (row, wrong) = cell(&mut sheets, sheet, file, 0, title);
        *wrong = text(name);
        let slips = taken(&sheets).unwrap_or_else(|findings| panic!("{findings:#?}")).slips;
        let told = slips.iter().find(|slip| slip.rule == rule).unwrap_or_else(|| panic!("{slips:#?}"));
        assert_eq!((told.sheet.as_str(), told.row), (sheet, Some(row + 1)), "{told}");
        let letter = char::from(b'A' + u8::try_from(column(sheet, title)).unwrap());
        assert_eq!(told.column.as_deref(), Some(letter.to_string().as_str()), "{told}");
    }
}

/// A city hands in one sheet, or its own rows: what is not handed in stays as it is, and nobody floods the screen.
#[test]
fn one_sheet_alone_leaves_the_others_as_they_are() {
    let base: Vec<(&str, &[u8])> = embedded_files().collect();
    for (names, stay) in [
        (&["机关"][..], &["licence-types/", "service-items/"][..]),
        (&["事项", "材料", "选择", "依据"], &["licence-types/", "authorities/"]),
        (&["证照类型", "版次", "信息项", "依据"], &["authorities/", "service-items/"]),
    ] {
        let sheets: Vec<Sheet> =
            shipped().into_iter().filter(|sheet| names.contains(&sheet.name.as_str())).collect();
        assert_eq!(untouched(&sheets), stay);
        let kept =
            |path: &str| path == "common-fields.toml" || stay.iter().any(|folder| path.starts_with(folder));
        let beside: Vec<_> = base.iter().filter(|(path, _)| kept(path)).copied().collect();
        let imported = import(&sheets, &beside).unwrap_or_else(|findings| panic!("{names:?}: {findings:#?}"));
        assert_eq!(imported.data.types(), data().types());
        assert_eq!(imported.data.service_items(), data().service_items());
        assert_eq!(imported.data.authorities(), data().authorities());
    }
    let materials: Vec<Sheet> = shipped().into_iter().filter(|sheet| sheet.name == "材料").collect();
    let findings = taken(&materials).unwrap_err();
    assert_eq!(findings.iter().map(|f| f.rule).collect::<Vec<_>>(), ["sheet-missing"], "{findings:#?}");
}

#[test]
fn a_city_hands_in_its_own_rows_and_only_its_own() {
    let shipped = shipped();
    let of = |sheet: &str, keep: &dyn Fn(&[Cell]) -> bool| {
        let mut sheet = shipped.iter().find(|own| own.name == sheet).unwrap().clone();
        let titles = sheet.rows.remove(0);
        sheet.rows.retain(|row| keep(row));
        sheet.rows.insert(0, titles);
        sheet
    };
    let city = |row: &[Cell]| row.get(1) == Some(&text("440600"));
    let own = [of("机关", &city), of("事项", &|row| row.get(6) == Some(&text("440600")))];
    assert_eq!(foreign(&own, &shipped, "440600"), []);
    assert!(paths(&own).contains("authorities/440600.toml"), "{:?}", paths(&own));
    let found = foreign(&own, &shipped, "440100");
    assert!(!found.is_empty() && found.iter().all(|finding| finding.rule == "not-own"), "{found:?}");
    assert_eq!(found.len(), own[0].rows.len() + own[1].rows.len() - 2);
    // A row that says it is one's own, in the file of another city.
    let mut taken_over = own.clone();
    taken_over[0].rows[1][0] = text("440100");
    assert_eq!(foreign(&taken_over, &shipped, "440600").len(), 1);
    // Types belong to the province.
    let types = [of("证照类型", &|row| row.first() == Some(&text("business-licence")))];
    assert_eq!(foreign(&types, &shipped, "440600").len(), 1);
}
