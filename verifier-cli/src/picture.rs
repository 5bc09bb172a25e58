//! The QR codes in a picture: how many licences does it show? Bounded in size, memory and time.
//!
//! In scope: PNG and JPEG, finding every code whatever the light, the ground and the polarity, and saying so when something
//! looks like a code that could not be read. Out of scope: what a text means (`licence_spec::qr`).
//!
//! A picture with two licences must never be answered for one of them. So nothing ends at the first code that is read: every
//! plane of the picture (`planes.rs`) is searched for every set of corners (`search.rs`), and what remains unread is told.

mod planes;
mod search;

use std::collections::BTreeSet;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use image::{DynamicImage, ImageFormat};
use licence_spec::qr;

use search::Found;

/// Largest picture, pixels a side.
const MAX_SIDE: u32 = 10_000;
/// Most memory for a picture, bytes.
const MAX_PICTURE: u64 = 256 * 1024 * 1024;
/// Longest search: a photograph of 50 megapixels takes some seconds, but the search tries triples of what looks like a
/// corner, and a picture full of corners would keep it busy for hours.
const MAX_SEARCH: Duration = Duration::from_secs(20);
/// Name of the thread that searches: a panic in it is a fault of a broken picture, not of this program.
pub(crate) const SEARCHER: &str = "picture";

/// What a picture shows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// Nothing that looks like a code.
    Nothing,
    /// Something that looks like a code and cannot be read, and no code of ours.
    Unread,
    /// Codes of others alone.
    Foreign,
    /// One licence, and nothing that may be another.
    One(String),
    /// Codes of several licences.
    Several,
    /// One licence, and something that looks like a code and cannot be read.
    Unsure,
    /// The search took too long.
    TooSlow,
}

/// Looks for QR codes.
pub(crate) fn scan(bytes: Vec<u8>, format: ImageFormat) -> Shown {
    scan_within(bytes, format, MAX_SEARCH)
}

fn scan_within(bytes: Vec<u8>, format: ImageFormat, longest: Duration) -> Shown {
    let (sender, receiver) = channel();
    // The search cannot be interrupted: a thread does it, and is left behind if it takes too long.
    let searcher = thread::Builder::new().name(SEARCHER.to_owned());
    if searcher.spawn(move || sender.send(search(&bytes, format))).is_err() {
        return Shown::TooSlow;
    }
    match receiver.recv_timeout(longest) {
        Ok(shown) => shown,
        // The search ended without an answer: a fault of the decoder, which a broken picture brought about.
        Err(RecvTimeoutError::Disconnected) => Shown::Unread,
        Err(RecvTimeoutError::Timeout) => Shown::TooSlow,
    }
}

fn search(bytes: &[u8], format: ImageFormat) -> Shown {
    let Some(picture) = decode(bytes, format) else { return Shown::Nothing };
    let mut found = Found::default();
    planes::grey(&picture).iter().for_each(|plane| found.look_at(plane));
    // Ink and ground of equal brightness differ in a colour.
    if ours(&found).is_empty() {
        planes::colours(&picture).iter().for_each(|plane| found.look_at(plane));
    }
    answer(&found)
}

fn ours(found: &Found) -> BTreeSet<&str> {
    // Printed matter may carry other codes, of a web page for example.
    found.texts().filter(|text| qr::is_ours(text)).collect()
}

fn answer(found: &Found) -> Shown {
    let mut ours = ours(found);
    match (ours.len(), found.has_unread()) {
        (0, true) => Shown::Unread,
        (0, false) if found.texts().next().is_some() => Shown::Foreign,
        (0, false) => Shown::Nothing,
        (1, true) => Shown::Unsure,
        (1, false) => ours.pop_first().map_or(Shown::Nothing, |text| Shown::One(text.to_owned())),
        _ => Shown::Several,
    }
}

fn decode(bytes: &[u8], format: ImageFormat) -> Option<DynamicImage> {
    let mut reader = image::ImageReader::with_format(std::io::Cursor::new(bytes), format);
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_PICTURE);
    reader.limits(limits);
    reader.decode().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_has_an_end() {
        let picture = include_bytes!("../../spec/vectors/generated-examples/qr/small.png").to_vec();
        assert_eq!(scan_within(picture.clone(), ImageFormat::Png, Duration::ZERO), Shown::TooSlow);
        assert!(matches!(scan(picture, ImageFormat::Png), Shown::One(text) if text.starts_with("EL1:")));
    }
}
