//! The QR codes in a picture: how many licences does it show? Bounded in size, memory and time.
//!
//! In scope: PNG and JPEG, and the text of the codes. Out of scope: what a text means (`licence_spec::qr`).

use std::collections::BTreeSet;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use image::{GrayImage, ImageFormat, Luma};
use rxing::common::HybridBinarizer;
use rxing::{
    BinaryBitmap, DecodeHints, Luma8LuminanceSource, MultiFormatReader, Point, RXingResult, Reader as _,
};

/// Largest picture, pixels a side.
const MAX_SIDE: u32 = 10_000;
/// Most memory for a picture, bytes.
const MAX_PICTURE: u64 = 256 * 1024 * 1024;
/// Longest search: a photograph of 50 megapixels takes a second or two, but the search tries triples of what looks like
/// a corner, and a picture full of corners would keep it busy for hours.
const MAX_SEARCH: Duration = Duration::from_secs(20);

/// Most codes in one picture that are looked at.
const MAX_CODES: usize = 16;

/// What a picture shows.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Shown {
    /// No code that can be read.
    Nothing,
    /// One.
    One(String),
    /// Codes of several licences.
    Several,
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
    thread::spawn(move || sender.send(search(&bytes, format)));
    match receiver.recv_timeout(longest) {
        Ok(shown) => shown,
        // The search ended without an answer: a fault of the decoder, which a broken picture brought about.
        Err(RecvTimeoutError::Disconnected) => Shown::Nothing,
        Err(RecvTimeoutError::Timeout) => Shown::TooSlow,
    }
}

fn search(bytes: &[u8], format: ImageFormat) -> Shown {
    let Some(mut picture) = decode(bytes, format) else { return Shown::Nothing };
    let (mut ours, mut other) = (BTreeSet::new(), None);
    for _ in 0..MAX_CODES {
        let Some(code) = find_code(&picture) else { break };
        cover(&mut picture, code.getPoints());
        let text = code.getText().to_owned();
        // Printed matter may carry other codes, of a web page for example.
        if text.starts_with("EL") {
            ours.insert(text);
        } else {
            other = Some(text);
        }
    }
    match (ours.len(), ours.pop_first().or(other)) {
        (0 | 1, Some(text)) => Shown::One(text),
        (_, Some(_)) => Shown::Several,
        (_, None) => Shown::Nothing,
    }
}

fn decode(bytes: &[u8], format: ImageFormat) -> Option<GrayImage> {
    let mut reader = image::ImageReader::with_format(std::io::Cursor::new(bytes), format);
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_PICTURE);
    reader.limits(limits);
    Some(reader.decode().ok()?.into_luma8())
}

fn find_code(picture: &GrayImage) -> Option<RXingResult> {
    let (width, height) = picture.dimensions();
    let source = Luma8LuminanceSource::new(picture.as_raw().clone(), width, height).ok()?;
    let mut bitmap = BinaryBitmap::new(HybridBinarizer::new(source));
    let hints = DecodeHints { TryHarder: Some(true), ..DecodeHints::default() };
    MultiFormatReader::default().decode_with_hints(&mut bitmap, &hints).ok()
}

/// Paints over the corners of a code that was found, so that the next search finds another one.
fn cover(picture: &mut GrayImage, corners: &[Point]) {
    let distance = |a: &Point, b: &Point| (a.x - b.x).hypot(a.y - b.y);
    let side = corners.iter().map(|corner| distance(corner, &corners[0])).fold(0.0, f32::max);
    // A twelfth: over 2 of a corner's 3 inner modules in the smallest code, and less than its whole side in the largest.
    let half = (side / 12.0).ceil().max(1.0);
    for corner in corners {
        // Casts of floats saturate; what lies outside is cut off.
        let range = |at: f32, end: u32| ((at - half).max(0.0) as u32).min(end)..((at + half) as u32).min(end);
        for y in range(corner.y, picture.height()) {
            for x in range(corner.x, picture.width()) {
                picture.put_pixel(x, y, Luma([255]));
            }
        }
    }
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
