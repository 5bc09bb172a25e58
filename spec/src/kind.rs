//! What kind of file is this, if it is no licence? So that a person is told what was handed in, and what to hand in instead.
//!
//! In scope: the first bytes of files that people hand in by mistake, the media types of our own objects, and whether bytes
//! are one of our objects at all. Out of scope: reading any of them.
//! Format: spec/verify.md §2; the answers stand in spec/vectors/verdict/.

use crate::numbers::{
    TYP_CATALOGUE, TYP_CATALOGUE_APPROVAL, TYP_LICENCE, TYP_LIST, TYP_RECEIPT, TYP_ROOT, TYP_STATUS,
    TYP_TIMESTAMP, TYP_VIEW,
};

/// Bytes in which the media type of one of our objects stands: its head, the protected header and the longest type.
const HEAD: usize = 128;
/// Bytes in which a ZIP file tells what it holds: local headers stand among the content.
const ZIP_HEAD: usize = 4_096;

macro_rules! kinds {
    ($($variant:ident $zh:literal $en:literal,)*) => {
        /// A kind of file.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Kind { $(#[doc = $en] $variant,)* }

        impl Kind {
            /// Its name in Chinese.
            #[must_use]
            pub const fn zh(self) -> &'static str {
                match self { $(Kind::$variant => $zh,)* }
            }

            /// Its name in English.
            #[must_use]
            pub const fn en(self) -> &'static str {
                match self { $(Kind::$variant => $en,)* }
            }
        }
    };
}

kinds! {
    Licence "证照" "licence",
    View "加注件" "view",
    StatusToken "状态列表" "status list",
    Receipt "核验回执" "receipt of a verification",
    Catalogue "目录" "catalogue",
    TrustFile "信任文件" "trust file",
    Bundle "离线包" "offline bundle",
    Heif "HEIC/HEIF 图片" "HEIC/HEIF picture",
    Jpeg "JPEG 图片" "JPEG picture",
    Png "PNG 图片" "PNG picture",
    Gif "GIF 图片" "GIF picture",
    WebP "WebP 图片" "WebP picture",
    Tiff "TIFF 图片" "TIFF picture",
    Bmp "BMP 图片" "BMP picture",
    Pdf "PDF 文件" "PDF document",
    Ofd "OFD 文件" "OFD document",
    Zip "ZIP 文件（DOCX、XLSX 等也是）" "ZIP file (DOCX, XLSX and others are too)",
    OldOffice "旧版 Office 文件" "document of an old office program",
    Gzip "GZIP 压缩文件" "GZIP archive",
    Rar "RAR 压缩文件" "RAR archive",
    SevenZip "7z 压缩文件" "7z archive",
    Utf16 "UTF-16 文本" "UTF-16 text",
    Html "网页（HTML）" "HTML page",
    Xml "XML 文件" "XML document",
}

/// First bytes, and where they stand.
const MAGIC: &[(usize, &[u8], Kind)] = &[
    (0, b"\xff\xd8\xff", Kind::Jpeg),
    (0, b"\x89PNG\r\n\x1a\n", Kind::Png),
    (0, b"GIF8", Kind::Gif),
    (0, b"II*\0", Kind::Tiff),
    (0, b"MM\0*", Kind::Tiff),
    (0, b"%PDF-", Kind::Pdf),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Kind::OldOffice),
    (0, b"\x1f\x8b\x08", Kind::Gzip),
    (0, b"Rar!\x1a\x07", Kind::Rar),
    (0, b"7z\xbc\xaf\x27\x1c", Kind::SevenZip),
    (0, b"\xff\xfe", Kind::Utf16),
    (0, b"\xfe\xff", Kind::Utf16),
    (4, b"ftypheic", Kind::Heif),
    (4, b"ftypheix", Kind::Heif),
    (4, b"ftypheim", Kind::Heif),
    (4, b"ftyphevc", Kind::Heif),
    (4, b"ftypmif1", Kind::Heif),
    (4, b"ftypmsf1", Kind::Heif),
    (4, b"ftypavif", Kind::Heif),
];

/// The media types of our objects. None begins another one.
const OWN: &[(&str, Kind)] = &[
    (TYP_LICENCE, Kind::Licence),
    (TYP_VIEW, Kind::View),
    (TYP_STATUS, Kind::StatusToken),
    (TYP_RECEIPT, Kind::Receipt),
    (TYP_CATALOGUE, Kind::Catalogue),
    (TYP_CATALOGUE_APPROVAL, Kind::Catalogue),
    (TYP_ROOT, Kind::TrustFile),
    (TYP_LIST, Kind::TrustFile),
    (TYP_TIMESTAMP, Kind::TrustFile),
];

impl Kind {
    /// Whether it is one of this system's own kinds.
    #[must_use]
    pub const fn is_own(self) -> bool {
        matches!(
            self,
            Kind::Licence
                | Kind::View
                | Kind::StatusToken
                | Kind::Receipt
                | Kind::Catalogue
                | Kind::TrustFile
                | Kind::Bundle
        )
    }
}

/// The kind of these bytes, as far as their beginning tells it; `None` for all that tells nothing, random bytes for instance.
#[must_use]
pub fn kind_of(bytes: &[u8]) -> Option<Kind> {
    let at = |place: usize, wanted: &[u8]| bytes.get(place..).is_some_and(|rest| rest.starts_with(wanted));
    if let Some((_, _, kind)) = MAGIC.iter().find(|(place, wanted, _)| at(*place, wanted)) {
        return Some(*kind);
    }
    if at(0, b"PK\x03\x04") || at(0, b"PK\x05\x06") {
        return Some(if contains(first(bytes, ZIP_HEAD), b"OFD.xml") { Kind::Ofd } else { Kind::Zip });
    }
    if at(0, b"RIFF") && at(8, b"WEBP") {
        return Some(Kind::WebP);
    }
    // "BM" alone begins many a text: the reserved bytes of the header are zero.
    if at(0, b"BM") && at(6, &[0; 4]) {
        return Some(Kind::Bmp);
    }
    if begins_like_cose(bytes) {
        let own = OWN.iter().find(|(typ, _)| contains(first(bytes, HEAD), typ.as_bytes()));
        return own.map(|(_, kind)| *kind);
    }
    if bytes.first().is_some_and(|head| head >> 5 == 5) && contains(bytes, b"trust/root_1.cbor") {
        return Some(Kind::Bundle);
    }
    markup(bytes)
}

/// Whether bytes are one of our objects, whole or broken: a COSE object by its first byte that names a media type of ours or a
/// licence type (`urn:elic:`). Only such bytes can break our rules; all others are nothing that could be judged.
#[must_use]
pub fn is_one_of_ours(bytes: &[u8]) -> bool {
    let names_us =
        || contains(bytes, b"urn:elic:") || OWN.iter().any(|(typ, _)| contains(bytes, typ.as_bytes()));
    begins_like_cose(bytes) && names_us()
}

/// A tag, or an array where the tag was left out.
fn begins_like_cose(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|head| matches!(head >> 5, 4 | 6))
}

fn markup(bytes: &[u8]) -> Option<Kind> {
    let text = bytes.trim_ascii_start();
    let begins = |wanted: &[u8]| text.get(..wanted.len()).is_some_and(|own| own.eq_ignore_ascii_case(wanted));
    if begins(b"<!doctype html") || begins(b"<html") {
        Some(Kind::Html)
    } else {
        begins(b"<?xml").then_some(Kind::Xml)
    }
}

fn first(bytes: &[u8], most: usize) -> &[u8] {
    bytes.get(..most).unwrap_or(bytes)
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_by_their_first_bytes() {
        for (bytes, kind) in [
            (&b"\0\0\0\x18ftypheic\0\0"[..], Some(Kind::Heif)),
            (b"%PDF-1.7\n", Some(Kind::Pdf)),
            (b"PK\x03\x04\x14\0\0\0\0\0OFD.xml", Some(Kind::Ofd)),
            (b"PK\x03\x04\x14\0\0\0\0\0word/document.xml", Some(Kind::Zip)),
            (b"\xff\xfeE\0L\0", Some(Kind::Utf16)),
            (b"  <!DOCTYPE HTML>", Some(Kind::Html)),
            (b"BMW", None),
            (b"\0E\0L", None),
            (b"", None),
            (b"\xd2\x84", None),
        ] {
            assert_eq!(kind_of(bytes), kind, "{bytes:?}");
        }
    }

    #[test]
    fn only_what_names_us_and_begins_like_cose_is_ours() {
        assert!(is_one_of_ours(b"\xd2\x84\x58\x28application/elicence+cwt"));
        assert!(is_one_of_ours(b"\x84urn:elic:cn:1"), "the tag left out");
        assert!(!is_one_of_ours(b"application/elicence+cwt is the type"), "a text about us");
        assert!(!is_one_of_ours(b"\xd2\x84\x4d\xa2\x04\x48\x01\x26"), "another COSE object");
        assert!(!is_one_of_ours(b""));
    }
}
