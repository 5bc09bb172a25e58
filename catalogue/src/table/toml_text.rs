//! TOML that remembers, for every line, the cell that it was made of.

use super::Place;

/// A file in the making.
#[derive(Default)]
pub(super) struct TomlText {
    pub(super) text: String,
    /// One place a line.
    pub(super) places: Vec<Place>,
}

impl TomlText {
    /// Adds a line that was made of this cell.
    pub(super) fn line(&mut self, place: Place, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
        self.places.push(place);
    }

    /// Adds `key = "text"`.
    pub(super) fn text(&mut self, place: Place, key: &str, text: &str) {
        self.line(place, &format!("{key} = {}", quoted(text)));
    }
}

/// A basic string on one line: quotes, backslashes and line feeds are escaped.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// An array of basic strings on one line.
pub(super) fn array<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let texts: Vec<String> = texts.into_iter().map(quoted).collect();
    format!("[{}]", texts.join(", "))
}
