//! A picture as planes of grey, and planes as black and white: the forms in which a code may be readable.
//!
//! In scope: ground under transparency, contrast, sizes, thresholds. Out of scope: what is in them (`search.rs`).

use image::imageops::FilterType;
use image::{DynamicImage, GrayImage};
use rxing::common::{BitMatrix, HybridBinarizer};
use rxing::{Binarizer as _, Luma8Source};

/// Below this side a plane is looked at in twice its size too: modules of one or two pixels are too few to measure.
const SMALL: u32 = 1_600;
/// Below this side no plane is made smaller.
const SMALLEST: u32 = 400;
/// Most pixels of a plane for the forms that take much work; a larger one is looked at in half its size.
const MAX_WORK: u64 = 6_000_000;
/// Side of the blocks over which the local threshold is taken, pixels.
const BLOCK: u32 = 16;
/// Least contrast in which a local threshold has a meaning, of 255.
const LEAST_CONTRAST: u8 = 6;

/// A plane of grey, and how large its pixels are in those of the picture.
pub(super) struct Plane {
    grey: GrayImage,
    pub(super) scale: f32,
}

/// A plane in black and white.
pub(super) struct Bits {
    pub(super) bits: BitMatrix,
    /// Whether what looks like a code in it is one: a threshold that lifts the faintest contrast finds corners in noise.
    pub(super) is_plain: bool,
}

/// The planes of brightness: transparent is white paper, and, as nobody knows on what it will be shown, black as well.
pub(super) fn grey(picture: &DynamicImage) -> Vec<Plane> {
    if !picture.color().has_alpha() {
        return sizes(picture.to_luma8());
    }
    let pixels = picture.to_luma_alpha8();
    let (width, height) = pixels.dimensions();
    let pixels = pixels.into_raw();
    let opaque = pixels.chunks_exact(2).all(|pixel| pixel[1] == u8::MAX);
    let grounds: &[u16] = if opaque { &[255] } else { &[255, 0] };
    let over = |ground: u16| {
        let mix = |pixel: &[u8]| {
            let (grey, alpha) = (u16::from(pixel[0]), u16::from(pixel[1]));
            // At most 255: a mean of two values of at most 255.
            ((grey * alpha + ground * (255 - alpha)) / 255) as u8
        };
        GrayImage::from_raw(width, height, pixels.chunks_exact(2).map(mix).collect()).unwrap_or_default()
    };
    grounds.iter().flat_map(|ground| sizes(over(*ground))).collect()
}

/// The planes of red, green and blue.
pub(super) fn colours(picture: &DynamicImage) -> Vec<Plane> {
    if !picture.color().has_color() {
        return Vec::new();
    }
    let pixels = picture.to_rgb8();
    let (width, height) = pixels.dimensions();
    let plane = |colour: usize| {
        let grey = pixels.as_raw().chunks_exact(3).map(|pixel| pixel[colour]).collect();
        GrayImage::from_raw(width, height, grey).unwrap_or_default()
    };
    (0..3).flat_map(|colour| sizes(plane(colour))).collect()
}

/// A plane in its own size and others: noise and blur end in a smaller one, modules become measurable in a larger one.
fn sizes(mut grey: GrayImage) -> Vec<Plane> {
    stretch(&mut grey);
    let (width, height) = grey.dimensions();
    let grey = DynamicImage::ImageLuma8(grey);
    let mut planes = Vec::new();
    if width.max(height) <= SMALL {
        let large = grey.resize_exact(width * 2, height * 2, FilterType::Triangle).into_luma8();
        planes.push(Plane { grey: large, scale: 0.5 });
    }
    let mut divisor = 2;
    while width.min(height) / divisor >= SMALLEST {
        let small = grey.thumbnail_exact(width / divisor, height / divisor).into_luma8();
        // Casts of small integers are exact.
        planes.push(Plane { grey: small, scale: divisor as f32 });
        divisor *= 2;
    }
    planes.insert(0, Plane { grey: grey.into_luma8(), scale: 1.0 });
    planes
}

/// Spreads the brightness over the whole range, leaving out the outermost 0.5 % at each end.
fn stretch(grey: &mut GrayImage) {
    let counts = histogram(grey);
    let few = counts.iter().sum::<u64>() / 200;
    let up_to = |value: &usize| counts[..=*value].iter().sum::<u64>() > few;
    let down_to = |value: &usize| counts[*value..].iter().sum::<u64>() > few;
    let (Some(low), Some(high)) = ((0..256).find(up_to), (0..256).rev().find(down_to)) else { return };
    if high <= low {
        return;
    }
    let table: Vec<u8> = (0..256usize)
        .map(|value| (value.clamp(low, high) - low) * 255 / (high - low))
        // At most 255 by the clamp.
        .map(|value| value as u8)
        .collect();
    grey.iter_mut().for_each(|value| *value = table[usize::from(*value)]);
}

fn histogram(grey: &GrayImage) -> [u64; 256] {
    let mut counts = [0; 256];
    grey.iter().for_each(|value| counts[usize::from(*value)] += 1);
    counts
}

impl Plane {
    /// The plane in black and white, by every threshold that suits its size.
    pub(super) fn black_and_white(&self) -> Vec<Bits> {
        let pixels = u64::from(self.grey.width()) * u64::from(self.grey.height());
        let hybrid = self.hybrid();
        let mut forms = Vec::new();
        if pixels <= MAX_WORK {
            forms.extend(self.global().map(|bits| Bits { bits, is_plain: true }));
            forms.extend(hybrid.as_ref().and_then(without_specks).map(|bits| Bits { bits, is_plain: true }));
            forms.extend(self.local().map(|bits| Bits { bits, is_plain: false }));
        }
        forms.extend(hybrid.map(|bits| Bits { bits, is_plain: true }));
        forms
    }

    /// The threshold of ZXing: by blocks of 8 pixels, for shadows and gradients.
    fn hybrid(&self) -> Option<BitMatrix> {
        let (width, height) = self.grey.dimensions();
        let source = Luma8Source::new_with_slice(self.grey.as_raw(), width, height).ok()?;
        HybridBinarizer::new(source).get_black_matrix().ok().cloned()
    }

    /// One threshold for all, where it parts the brightness best (Otsu 1979).
    fn global(&self) -> Option<BitMatrix> {
        let counts = histogram(&self.grey);
        let threshold = otsu(&counts);
        self.bits(|_, _, value| value <= threshold)
    }

    /// The middle between the darkest and the brightest pixel around: for the faintest contrast in a bright picture.
    fn local(&self) -> Option<BitMatrix> {
        let (columns, rows) = (self.grey.width().div_ceil(BLOCK), self.grey.height().div_ceil(BLOCK));
        let at = |column: u32, row: u32| (row * columns + column) as usize;
        let mut ranges = vec![(u8::MAX, 0); at(0, rows)];
        for (x, y, pixel) in self.grey.enumerate_pixels() {
            let (low, high) = &mut ranges[at(x / BLOCK, y / BLOCK)];
            (*low, *high) = ((*low).min(pixel.0[0]), (*high).max(pixel.0[0]));
        }
        let around = |column: u32, row: u32| {
            let near = |at: u32, end: u32| at.saturating_sub(1)..(at + 2).min(end);
            let blocks = near(row, rows).flat_map(|r| near(column, columns).map(move |c| (c, r)));
            let (low, high) = blocks
                .map(|(c, r)| ranges[at(c, r)])
                .fold((u8::MAX, 0), |(low, high), (l, h)| (low.min(l), high.max(h)));
            // Where there is no contrast everything is ground.
            if high.saturating_sub(low) < LEAST_CONTRAST { None } else { Some(low / 2 + high / 2) }
        };
        let blocks = (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row)));
        let middles: Vec<Option<u8>> = blocks.map(|(column, row)| around(column, row)).collect();
        self.bits(|x, y, value| middles[at(x / BLOCK, y / BLOCK)].is_some_and(|middle| value <= middle))
    }

    fn bits(&self, is_black: impl Fn(u32, u32, u8) -> bool) -> Option<BitMatrix> {
        let mut bits = BitMatrix::new(self.grey.width(), self.grey.height()).ok()?;
        for (x, y, pixel) in self.grey.enumerate_pixels() {
            if is_black(x, y, pixel.0[0]) {
                bits.set(x, y);
            }
        }
        Some(bits)
    }
}

/// The brightness up to which a pixel is dark, so that both classes differ most (largest variance between them).
fn otsu(counts: &[u64; 256]) -> u8 {
    let total: u64 = counts.iter().sum();
    let sum: u64 = counts.iter().zip(0..).map(|(count, value)| count * value).sum();
    let (mut dark, mut dark_sum, mut best) = (0, 0, (0.0, 0));
    for (value, count) in (0..=u8::MAX).zip(counts) {
        dark += count;
        dark_sum += count * u64::from(value);
        let bright = total - dark;
        if dark == 0 || bright == 0 {
            continue;
        }
        let (dark_mean, bright_mean) =
            (dark_sum as f64 / dark as f64, (sum - dark_sum) as f64 / bright as f64);
        let between = dark as f64 * bright as f64 * (dark_mean - bright_mean).powi(2);
        if between > best.0 {
            best = (between, value);
        }
    }
    best.1
}

/// Every pixel as most of the nine around it: specks of a bad copy end, and modules of three pixels stay.
fn without_specks(bits: &BitMatrix) -> Option<BitMatrix> {
    let (width, height) = (bits.width(), bits.height());
    let mut clean = BitMatrix::new(width, height).ok()?;
    let count = |x: u32, y: u32| u8::from(bits.get(x, y));
    // Sums of three in a row, for the rows above, at and below.
    let row = |y: u32| -> Vec<u8> {
        (1..width.saturating_sub(1)).map(|x| count(x - 1, y) + count(x, y) + count(x + 1, y)).collect()
    };
    if width < 3 || height < 3 {
        return None;
    }
    let (mut above, mut here) = (row(0), row(1));
    for y in 1..height - 1 {
        let below = row(y + 1);
        for (x, ((a, b), c)) in (1..).zip(above.iter().zip(&here).zip(&below)) {
            if a + b + c >= 5 {
                clean.set(x, y);
            }
        }
        (above, here) = (here, below);
    }
    Some(clean)
}
