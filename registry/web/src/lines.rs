//! A body cut into lines as it comes: each byte is looked at once, however it is cut into pieces on its way.

use super::MAX_BODY;

/// One line that is not blank, with its number from 1; blank lines count, and are passed over.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) number: usize,
    pub(super) text: Text,
}

/// What stands in a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Text {
    /// Its bytes, without the line feed.
    Whole(Vec<u8>),
    /// More than [`MAX_BODY`] bytes, which are not kept.
    TooLong,
}

/// Cuts what comes into lines.
#[derive(Default)]
pub(super) struct Cutter {
    /// Lines that have ended.
    ended: usize,
    held: Vec<u8>,
    too_long: bool,
}

impl Cutter {
    /// Takes the next piece of the body, and gives the lines that end in it.
    pub(super) fn take(&mut self, piece: &[u8], lines: &mut Vec<Line>) {
        let mut parts = piece.split(|byte| *byte == b'\n');
        // Cannot be missing: there is one part more than there are line feeds.
        self.hold(parts.next().unwrap_or_default());
        for part in parts {
            lines.extend(self.end());
            self.hold(part);
        }
    }

    /// The last line, if the body did not end with a line feed.
    pub(super) fn end(&mut self) -> Option<Line> {
        self.ended += 1;
        let (held, too_long) = (std::mem::take(&mut self.held), std::mem::take(&mut self.too_long));
        let text = match too_long {
            true => Text::TooLong,
            false if held.iter().all(u8::is_ascii_whitespace) => return None,
            false => Text::Whole(held),
        };
        Some(Line { number: self.ended, text })
    }

    fn hold(&mut self, part: &[u8]) {
        if self.too_long || self.held.len() + part.len() > MAX_BODY {
            self.too_long = true;
            self.held = Vec::new();
        } else {
            self.held.extend_from_slice(part);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(pieces: &[&[u8]]) -> Vec<Line> {
        let (mut cutter, mut lines) = (Cutter::default(), Vec::new());
        pieces.iter().for_each(|piece| cutter.take(piece, &mut lines));
        lines.extend(cutter.end());
        lines
    }

    #[test]
    fn lines_are_the_same_however_the_body_is_cut_and_blank_ones_are_counted() {
        let long = [b"a\n\n \r\n".as_slice(), &vec![b'x'; MAX_BODY + 1], b"\nb\r\n\nc"].concat();
        let whole = |number, text: &[u8]| Line { number, text: Text::Whole(text.to_vec()) };
        let right =
            [whole(1, b"a"), Line { number: 4, text: Text::TooLong }, whole(5, b"b\r"), whole(7, b"c")];
        assert_eq!(cut(&[&long]), right);
        assert_eq!(cut(&long.chunks(1).collect::<Vec<_>>()), right);
        assert_eq!(cut(&long.chunks(1_000).collect::<Vec<_>>()), right);
        assert_eq!(cut(&[]), []);
        assert_eq!(cut(&[&vec![b'x'; MAX_BODY], b"\n"]), [whole(1, &vec![b'x'; MAX_BODY])]);
    }
}
