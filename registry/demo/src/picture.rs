//! The picture of a QR text, as a printer would be given it (spec/qr.md §4).
//!
//! In scope: level, quiet zone, pixels, PNG. Out of scope: what the text says (`licence_spec::qr`).
//! The `png` crate and no more: a library for pictures of all kinds took a tenth of the time in which the program is built.

use anyhow::{Context as _, Result};
use licence_spec::qr::{Level, level_for};
use qrcode::{Color, EcLevel, QrCode};

/// Pixels of one module, each way.
const MODULE: usize = 4;
/// Modules of the quiet zone on each side.
const QUIET: usize = 4;

/// The picture of a QR text in alphanumeric mode.
///
/// # Errors
/// A text that is too long for any code that the standard allows.
pub(crate) fn picture(text: &str) -> Result<Vec<u8>> {
    let level = match level_for(text.len()).context("too long for a QR code")? {
        Level::M => EcLevel::M,
        Level::Q => EcLevel::Q,
    };
    let code = QrCode::with_error_correction_level(text.as_bytes(), level)?;
    let modules = code.width();
    let side = (modules + 2 * QUIET) * MODULE;
    let is_dark = |x: usize, y: usize| {
        let (x, y) = ((x / MODULE).checked_sub(QUIET), (y / MODULE).checked_sub(QUIET));
        x.zip(y).is_some_and(|(x, y)| x < modules && y < modules && code[(x, y)] == Color::Dark)
    };
    let pixels: Vec<u8> =
        (0..side * side).map(|at| if is_dark(at % side, at / side) { 0 } else { 255 }).collect();
    gray_png(side, &pixels)
}

/// A square picture of 8-bit greys.
fn gray_png(side: usize, pixels: &[u8]) -> Result<Vec<u8>> {
    let side = u32::try_from(side)?;
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(bytes)
}
