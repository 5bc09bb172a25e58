//! zlib (RFC 1950), strict and bounded: the compression of QR texts and of status lists.
//! In scope: inflating with a cap on the output, deflating at the best level. Out of scope: what the bytes mean.
//! Compressed bytes differ between libraries: compare inflated bytes only, and keep signed compressed bytes as they
//! came (spec/cbor.md). Rules: spec/qr.md §3 and spec/status.md.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::{DecompressorOxide, decompress, inflate_flags};

/// Why a zlib stream was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InflateError {
    /// No zlib header, one with a preset dictionary (FDICT), or broken DEFLATE data.
    Corrupt,
    /// The stream ends before its end mark or its checksum.
    Truncated,
    /// The Adler-32 at the end does not fit the inflated bytes.
    Checksum,
    /// Bytes follow the end of the stream.
    Trailing,
    /// The output would be longer than the cap. The only fault that says nothing against the stream itself.
    TooLong,
}

impl fmt::Display for InflateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            InflateError::Corrupt => "not a zlib stream, or one with a preset dictionary",
            InflateError::Truncated => "the zlib stream is cut short",
            InflateError::Checksum => "the Adler-32 of the zlib stream does not fit",
            InflateError::Trailing => "bytes follow the zlib stream",
            InflateError::TooLong => "the inflated bytes are more than their cap",
        })
    }
}

impl core::error::Error for InflateError {}

/// Inflates exactly one zlib stream of at most `cap` bytes of output. Memory stays below twice the cap, whatever the
/// stream announces; work is bounded by the length of `stream` and the cap.
/// # Errors
/// [`InflateError`]; the first fault met wins, so [`InflateError::TooLong`] hides faults behind the cap.
pub fn inflate(stream: &[u8], cap: usize) -> Result<Vec<u8>, InflateError> {
    const FLAGS: u32 =
        inflate_flags::TINFL_FLAG_PARSE_ZLIB_HEADER | inflate_flags::TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    let mut state = DecompressorOxide::new();
    // One byte more than allowed: a stream that fills it is too long, one that ends before is not.
    let room = cap.saturating_add(1);
    let mut output = vec![0; stream.len().saturating_mul(4).clamp(64, room.max(64)).min(room)];
    let (mut read, mut written) = (0, 0);
    loop {
        let (status, used, made) = decompress(&mut state, &stream[read..], &mut output, written, FLAGS);
        read += used;
        written += made;
        if written > cap {
            return Err(InflateError::TooLong);
        }
        match status {
            TINFLStatus::Done if read < stream.len() => return Err(InflateError::Trailing),
            TINFLStatus::Done => {
                output.truncate(written);
                return Ok(output);
            }
            TINFLStatus::HasMoreOutput => output.resize(output.len().saturating_mul(2).min(room), 0),
            TINFLStatus::Adler32Mismatch => return Err(InflateError::Checksum),
            TINFLStatus::FailedCannotMakeProgress | TINFLStatus::NeedsMoreInput => {
                return Err(InflateError::Truncated);
            }
            _ => return Err(InflateError::Corrupt),
        }
    }
}

/// Deflates at the best level, with zlib header and Adler-32.
pub fn deflate(bytes: &[u8]) -> Vec<u8> {
    compress_to_vec_zlib(bytes, 9)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both sides of the cap, for an output that fits the first buffer and one that does not.
    #[test]
    fn the_cap_is_inclusive() {
        for length in [0, 1, 63, 64, 65, 5_000, 70_000] {
            let bytes = vec![7; length];
            let stream = deflate(&bytes);
            assert_eq!(inflate(&stream, length), Ok(bytes), "{length} bytes at a cap of the same");
            if let Some(less) = length.checked_sub(1) {
                assert_eq!(inflate(&stream, less), Err(InflateError::TooLong), "{length} bytes, cap {less}");
            }
        }
    }

    #[test]
    fn each_fault_has_its_own_error() {
        let good = deflate(b"elic elic elic elic");
        let changed = |at: usize, byte: u8| {
            let mut stream = good.clone();
            stream[at] = byte;
            inflate(&stream, 100)
        };
        assert_eq!(inflate(&[], 100), Err(InflateError::Truncated));
        for length in 1..good.len() {
            assert_eq!(inflate(&good[..length], 100), Err(InflateError::Truncated), "cut to {length}");
        }
        assert_eq!(changed(good.len() - 1, good[good.len() - 1] ^ 1), Err(InflateError::Checksum));
        assert_eq!(changed(0, 0x79), Err(InflateError::Corrupt), "another method");
        assert_eq!(inflate(&[good.as_slice(), &[0]].concat(), 100), Err(InflateError::Trailing));
        assert_eq!(inflate(&[good.as_slice(), &good].concat(), 100), Err(InflateError::Trailing));
        // 78 bb: level 2, FDICT set, and a header check that fits.
        let fdict = [&[0x78, 0xbb, 0, 0, 0, 1], &good[2..]].concat();
        assert_eq!(inflate(&fdict, 100), Err(InflateError::Corrupt));
        assert_eq!(inflate(&good[2..good.len() - 4], 100), Err(InflateError::Corrupt), "raw DEFLATE");
    }

    #[test]
    fn a_bomb_stops_at_the_cap() {
        let bomb = deflate(&vec![0; 10_000_000]);
        assert!(bomb.len() < 20_000);
        assert_eq!(inflate(&bomb, 65_536), Err(InflateError::TooLong));
    }
}
