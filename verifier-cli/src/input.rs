//! What is presented: a file, the text of a scanner, or a picture. Bounded before it is read.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use licence_spec::numbers::MAX_LICENCE;
use rxing::common::HybridBinarizer;
use rxing::{BinaryBitmap, DecodeHints, Luma8LuminanceSource, MultiFormatReader, Reader as _};

/// Largest file: a photograph of a counter camera.
const MAX_INPUT: u64 = 20 * 1024 * 1024;
/// Largest picture, pixels a side.
const MAX_SIDE: u32 = 10_000;
/// Most memory for a picture, bytes.
const MAX_PICTURE: u64 = 256 * 1024 * 1024;

/// What was presented, not judged yet.
pub(crate) enum Presented {
    /// The bytes of a file.
    Bytes(Vec<u8>),
    /// The text of a QR code.
    Text(String),
}

/// Reads a file, or standard input for `-`.
pub(crate) fn read(path: &Path) -> Result<Presented> {
    let mut bytes = Vec::new();
    let shown = path.display();
    if path == Path::new("-") {
        std::io::stdin().take(MAX_INPUT + 1).read_to_end(&mut bytes).context("标准输入 / standard input")?;
    } else {
        let file = File::open(path).with_context(|| format!("无法打开 {shown} / cannot open {shown}"))?;
        file.take(MAX_INPUT + 1).read_to_end(&mut bytes).with_context(|| format!("{shown}"))?;
    }
    if bytes.len() as u64 > MAX_INPUT {
        bail!("{shown} 超过 20 MiB / {shown} is larger than 20 MiB");
    }
    Ok(classify(bytes))
}

fn classify(mut bytes: Vec<u8>) -> Presented {
    if let Ok(format) = image::guess_format(&bytes) {
        // A picture without a readable code is as unreadable as no bytes at all.
        return scan(&bytes, format).map_or(Presented::Bytes(Vec::new()), Presented::Text);
    }
    if bytes.starts_with(b"EL") {
        // Scanners end their text with one line end: LF, CR or both.
        for end in [b'\n', b'\r'] {
            if bytes.last() == Some(&end) {
                bytes.pop();
            }
        }
        if let Ok(text) = String::from_utf8(bytes.clone()) {
            return Presented::Text(text);
        }
    }
    // One byte more than any licence: the judgement refuses it by its length.
    bytes.truncate(MAX_LICENCE + 1);
    Presented::Bytes(bytes)
}

/// The text of the QR code in a picture.
fn scan(bytes: &[u8], format: image::ImageFormat) -> Option<String> {
    let mut reader = image::ImageReader::with_format(std::io::Cursor::new(bytes), format);
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_PICTURE);
    reader.limits(limits);
    let picture = reader.decode().ok()?.into_luma8();
    let (width, height) = picture.dimensions();
    let source = Luma8LuminanceSource::new(picture.into_raw(), width, height).ok()?;
    let mut bitmap = BinaryBitmap::new(HybridBinarizer::new(source));
    let hints = DecodeHints { TryHarder: Some(true), ..DecodeHints::default() };
    let found = MultiFormatReader::default().decode_with_hints(&mut bitmap, &hints).ok()?;
    Some(found.getText().to_owned())
}
