//! What every text of a file must be, whatever it means: signed texts by spec/text.md, and names without slips of the pen.

use licence_spec::text::{Lines, check_characters, check_written};
use toml::Value;

use super::at;
use crate::Finding;

/// Keys whose values are names.
const NAMES: [&str; 2] = ["name", "en"];

/// Checks the characters of every line; comments too, because they are read by people.
pub(super) fn lines(path: &str, text: &str, findings: &mut Vec<Finding>) -> bool {
    for (line, content) in (1..).zip(text.lines()) {
        if let Err(fault) = check_characters(&content.replace('\t', " "), Lines::One) {
            let hint = "delete the character, or write it as spec/text.md says";
            findings.push(at(path, Some(line), "text-rule", fault.to_string(), hint));
            return false;
        }
    }
    true
}

/// Checks every text of the file as it is read, escapes and all; slips of the pen in names are told apart.
pub(super) fn values(path: &str, text: &str, findings: &mut Vec<Finding>, slips: &mut Vec<Finding>) {
    // What does not read has its own finding.
    let Ok(table) = text.parse::<toml::Table>() else { return };
    let mut walk = Walk { path, text, findings, slips };
    for (key, value) in &table {
        walk.value(key, value);
    }
}

struct Walk<'a> {
    path: &'a str,
    text: &'a str,
    findings: &'a mut Vec<Finding>,
    slips: &'a mut Vec<Finding>,
}

impl Walk<'_> {
    /// Recursion ends with the depth that the TOML reader allows.
    fn value(&mut self, key: &str, value: &Value) {
        match value {
            Value::String(text) => self.string(key, text),
            Value::Array(items) => items.iter().for_each(|item| self.value(key, item)),
            // A fact has its text under `value`: it is called as the fact is.
            Value::Table(table) => {
                table
                    .iter()
                    .for_each(|(own, value)| self.value(if own == "value" { key } else { own }, value));
            }
            _ => {}
        }
    }

    fn string(&mut self, key: &str, text: &str) {
        // An empty text is judged where it stands: some may be empty.
        if text.is_empty() {
            return;
        }
        if text.trim() != text {
            let message = format!("blanks around “{}”", text.trim());
            let found = self.at(text, "blanks", message, "delete blanks before and behind the text");
            self.findings.push(found);
        } else if let Err(fault) =
            check_written(text, if NAMES.contains(&key) { Lines::One } else { Lines::Several })
        {
            let found =
                self.at(text, "text-rule", format!("{key}: {fault}"), "write it as spec/text.md says");
            self.findings.push(found);
        }
        if let Some(word) = repeated(text).filter(|_| NAMES.contains(&key)) {
            let message = format!("“{word}” stands twice in a row in “{text}”");
            let slip = self.at(text, "repeated-word", message, "delete one of them");
            self.slips.push(slip);
        }
    }

    fn at(&self, text: &str, rule: &'static str, message: String, hint: &'static str) -> Finding {
        // The first line that shows the text; a text written with escapes has none.
        let line = self.text.lines().position(|line| line.contains(text)).map(|line| line + 1);
        at(self.path, line, rule, message, hint)
    }
}

/// A word that is repeated at once: at least two Han characters, or a word between blanks.
fn repeated(text: &str) -> Option<String> {
    let words: Vec<&str> = text.split_whitespace().collect();
    if let Some([word, _]) = words.array_windows().find(|[a, b]| a.eq_ignore_ascii_case(b)) {
        return Some((*word).to_owned());
    }
    let characters: Vec<char> = text.chars().collect();
    let han =
        |part: &[char]| part.iter().all(|c| matches!(c, '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3fffd}'));
    for length in 2..=characters.len() / 2 {
        let twice = |window: &&[char]| {
            let (first, second) = window.split_at(length);
            first == second && han(first)
        };
        if let Some(window) = characters.windows(2 * length).find(twice) {
            return Some(window.iter().take(length).collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_stands_twice_in_a_row_is_found_and_others_are_not() {
        for (text, word) in [
            ("从业人员从业人员从业资格证", Some("从业人员")),
            ("营业营业执照", Some("营业")),
            ("Licence of of the city", Some("of")),
            ("The the city", Some("The")),
            ("人人安居证", None),
            ("从业人员从业资格证", None),
            ("Staff qualification of the staff", None),
            ("", None),
        ] {
            assert_eq!(repeated(text).as_deref(), word, "{text}");
        }
    }
}
