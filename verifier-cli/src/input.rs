//! What is presented: a file, the text of a scanner, or a picture. Bounded before it is read.

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use image::ImageFormat;
use licence_spec::numbers::MAX_LICENCE;
use licence_spec::qr;

use crate::picture::{self, Shown};
use crate::place::open_regular;

/// Largest file: a photograph of a counter camera.
const MAX_INPUT: u64 = 20 * 1024 * 1024;

const UNREAD: &str = "图片中有无法识读的二维码，请重新拍摄或扫描 / there is a code in the picture that cannot be read: take the picture again";
const FOREIGN: &str =
    "图片中只有其他用途的二维码，没有证照 / the picture shows codes of others alone, and no licence";
const UNSURE: &str = "图片中除一份证照外还有无法识读的二维码，不能确定是哪一份；请每次只拍一个 / beside one licence the picture shows a code that cannot be read, so it is unsure which one is meant: show one at a time";
const SEVERAL: &str = "图片中有多份证照的二维码，请每次只拍一个 / the picture shows the codes of several licences: show one at a time";
const TOO_SLOW: &str = "在图片中查找二维码用时过长，请只拍二维码部分 / looking for a code in the picture takes too long: show the code alone";

/// What was presented, not judged yet.
pub(crate) enum Presented {
    /// The bytes of a file.
    Bytes(Vec<u8>),
    /// The text of a QR code.
    Text(String),
    /// A picture of which it is not clear what it shows, and what to tell about it: nothing is guessed.
    Unclear(&'static str),
}

/// Reads a file, or standard input for `-`.
pub(crate) fn read(path: &Path) -> Result<Presented> {
    let mut bytes = Vec::new();
    let shown = path.display();
    if path == Path::new("-") {
        std::io::stdin().take(MAX_INPUT + 1).read_to_end(&mut bytes).context("标准输入 / standard input")?;
    } else {
        open_regular(path)?
            .take(MAX_INPUT + 1)
            .read_to_end(&mut bytes)
            .with_context(|| format!("{shown}"))?;
    }
    if bytes.len() as u64 > MAX_INPUT {
        bail!("{shown} 超过 20 MiB / {shown} is larger than 20 MiB");
    }
    Ok(classify(bytes))
}

fn classify(mut bytes: Vec<u8>) -> Presented {
    if let Some(format) = image::guess_format(&bytes).ok().filter(ImageFormat::reading_enabled) {
        return match picture::scan(bytes, format) {
            Shown::One(text) => Presented::Text(text),
            // A picture without a readable code is as unreadable as no bytes at all.
            Shown::Nothing => Presented::Bytes(Vec::new()),
            Shown::Unread => Presented::Unclear(UNREAD),
            Shown::Foreign => Presented::Unclear(FOREIGN),
            Shown::Unsure => Presented::Unclear(UNSURE),
            Shown::Several => Presented::Unclear(SEVERAL),
            Shown::TooSlow => Presented::Unclear(TOO_SLOW),
        };
    }
    if let Some(text) = qr::scanned(&bytes) {
        return Presented::Text(text.to_owned());
    }
    // One byte more than any licence: the judgement refuses it by its length.
    bytes.truncate(MAX_LICENCE + 1);
    Presented::Bytes(bytes)
}
