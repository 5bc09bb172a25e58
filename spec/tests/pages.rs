//! What the pages of the standard show: examples in diagnostic notation are the bytes of their vectors, and the table of
//! codes is the one of the module.
#![allow(missing_docs)]
#![allow(clippy::panic, reason = "a test helper that fails fails the test")]

use std::fs;
use std::path::{Path, PathBuf};

use licence_spec::cbor::Writer;
use licence_spec::verdict::Code;

fn spec() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Diagnostic notation (RFC 8949 §8) with embedded CBOR (`<< >>`, RFC 8610 G.3), as far as this standard uses it.
struct Notation<'a>(&'a str);

impl<'a> Notation<'a> {
    fn encode(text: &'a str) -> Vec<u8> {
        let (mut notation, mut writer) = (Notation(text), Writer::default());
        notation.item(&mut writer);
        assert_eq!(notation.peek(), None, "one item");
        writer.into_bytes()
    }

    fn peek(&mut self) -> Option<char> {
        self.0 = self.0.trim_start();
        self.0.chars().next()
    }

    /// Takes these characters if they are next.
    fn takes(&mut self, wanted: &str) -> bool {
        self.peek();
        let rest = self.0.strip_prefix(wanted);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn wants(&mut self, wanted: &str) {
        assert!(self.takes(wanted), "{wanted} is wanted before {:.60}", self.0);
    }

    /// The text up to this character, which is passed.
    fn until(&mut self, end: char) -> &'a str {
        let (found, rest) = self.0.split_once(end).expect("an end");
        self.0 = rest;
        found
    }

    fn number(&mut self) -> i64 {
        let end = self.0.find(|c: char| c != '-' && !c.is_ascii_digit()).unwrap_or(self.0.len());
        let (digits, rest) = self.0.split_at(end);
        self.0 = rest;
        digits.parse().expect("a number")
    }

    /// Items up to this bracket: how many, and their encodings one after the other. Of a map a pair counts as one.
    fn items(&mut self, end: &str, is_map: bool) -> (usize, Vec<u8>) {
        let (mut count, mut bytes) = (0, Vec::new());
        while !self.takes(end) {
            for part in 0..=usize::from(is_map) {
                let mut writer = Writer::default();
                self.item(&mut writer);
                bytes.extend(writer.into_bytes());
                if is_map && part == 0 {
                    self.wants(":");
                }
            }
            count += 1;
            self.takes(",");
        }
        (count, bytes)
    }

    fn item(&mut self, writer: &mut Writer) {
        if self.takes("<<") {
            let (count, bytes) = self.items(">>", false);
            assert_eq!(count, 1);
            writer.bytes(&bytes);
        } else if self.takes("h'") {
            writer.bytes(&hex(self.until('\'')));
        } else if self.takes("[") {
            let (count, bytes) = self.items("]", false);
            writer.array(count).encoded(&bytes);
        } else if self.takes("{") {
            let (count, bytes) = self.items("}", true);
            writer.map(count).encoded(&bytes);
        } else if self.takes("null") {
            writer.null();
        } else if self.peek() == Some('"') {
            let end = 1 + self.0[1..].find('"').expect("an end");
            let (quoted, rest) = self.0.split_at(end + 1);
            self.0 = rest;
            writer.text(&serde_json::from_str::<String>(quoted).expect("a text in quotes"));
        } else {
            let number = self.number();
            match self.takes("(") {
                true => {
                    writer.tag(u64::try_from(number).expect("a tag"));
                    self.item(writer);
                    self.wants(")");
                }
                false => drop(writer.int(number)),
            }
        }
    }
}

fn hex(text: &str) -> Vec<u8> {
    let pair = |at| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
    (0..text.len()).step_by(2).map(pair).collect()
}

/// Checks a text of the form `# file (N bytes)`, line feed, notation.
fn is_its_file(example: &str) {
    let (head, notation) = example.split_once('\n').expect("a notation under its file");
    let (file, length) = head.trim_start_matches("# ").split_once(" (").expect("a length");
    let bytes = fs::read(spec().join("vectors/generated-examples").join(file)).expect(file);
    assert_eq!(format!("{} bytes)", bytes.len()), length, "{file}");
    assert!(Notation::encode(notation) == bytes, "{file} has other bytes than its notation");
}

#[test]
fn every_example_in_diagnostic_notation_is_the_bytes_of_its_file() {
    let all = read(&spec().join("vectors/generated-examples/diagnostic.txt"));
    let examples: Vec<&str> = all.trim_end().split("\n\n").collect();
    assert!(examples.len() > 20);
    examples.into_iter().for_each(is_its_file);
    let mut shown = 0;
    for entry in fs::read_dir(spec()).expect("pages") {
        let path = entry.expect("a name").path();
        if path.extension().is_some_and(|ending| ending == "md") {
            let page = read(&path);
            // Between fences every second part is code.
            let blocks = page.split("```").skip(1).step_by(2).map(str::trim);
            for example in blocks.filter(|block| block.starts_with("# ") && block.contains(".cbor (")) {
                is_its_file(example);
                shown += 1;
            }
        }
    }
    assert!(shown >= 4, "credential, view, status and trust list show one each, and not {shown}");
}

#[test]
fn the_table_of_codes_is_the_one_of_the_module() {
    let row = |code: &Code| {
        let alarm = if code.alarm() { "yes" } else { "" };
        let (group, outcome, advice) = (code.group(), code.outcome(), code.advice());
        let (number, zh, en) = (code.gb_result(), code.zh(), code.en());
        format!("| `{code}` | {group} | {outcome} | {advice} | {number} | {alarm} | {zh} | {en} |")
    };
    let expected: Vec<String> = Code::ALL.iter().map(row).collect();
    let page = read(&spec().join("codes.md"));
    let found: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(found, expected);
}
