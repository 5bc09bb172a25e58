//! The codes in a plane of black and white, and what looks like one and is not read.
//!
//! In scope: sets of finder patterns (the three corners of a QR code), decoding every one of them, and keeping account of the
//! corners that belong to nothing that was read. Out of scope: planes (`planes.rs`), texts (`licence_spec::qr`).
//!
//! The finding, sampling and decoding is rxing's (after zxing-cpp); its readers end at the first code or drop what they
//! cannot read, which is what this module must not do.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rxing::Point;
use rxing::common::cpp_essentials::ConcentricPattern;
use rxing::common::{BitMatrix, DetectorRXingResult as _};
use rxing::qrcode::cpp_port::decoder::Decode;
use rxing::qrcode::cpp_port::detector::{
    EstimateModuleSize, FindFinderPatterns, FinderPatternSet, GenerateFinderPatternSets, SampleQR,
};

use super::planes::{Bits, Plane};

/// Most sets of corners that are tried in one plane; a picture with more is not searched to the end, and counts as unread.
const MAX_SETS: usize = 4_000;
/// Most corners of a plane; triples are made of them.
const MAX_CORNERS: usize = 400;
/// Modules on a side of the smallest and the largest code, with what a slanted view adds.
const DIMENSIONS: std::ops::RangeInclusive<f64> = 18.0..=200.0;

/// In how many forms of a picture two corners must be seen: noise makes some that stand alike in one form, and in no other.
const SEEN_OFTEN: u32 = 3;

/// A corner in pixels of the picture: its middle, and its side.
#[derive(Clone, Copy)]
struct Corner {
    at: Point,
    size: f32,
}

/// A code that was read.
struct Code {
    text: String,
    /// In pixels of the picture, in order around it.
    outline: [Point; 4],
    corners: [Corner; 3],
}

/// All that was found in the planes of a picture.
#[derive(Default)]
pub(super) struct Found {
    codes: Vec<Code>,
    /// Three corners that stand as those of a code do.
    triples: Vec<[Corner; 3]>,
    /// Two such corners, and in how many forms of the picture they were seen.
    pairs: Vec<([Corner; 2], u32)>,
    is_too_full: bool,
}

impl Found {
    /// The texts that were read.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.codes.iter().map(|code| code.text.as_str())
    }

    /// Whether something looks like a code and belongs to none that was read.
    pub(super) fn has_unread(&self) -> bool {
        let is_free = |corners: &[Corner]| {
            !corners.iter().any(|corner| self.codes.iter().any(|code| code.contains(corner.at)))
        };
        self.is_too_full
            || self.triples.iter().any(|corners| is_free(corners))
            || self.pairs.iter().any(|(corners, seen)| *seen >= SEEN_OFTEN && is_free(corners))
    }

    /// Searches a plane in all its forms, dark on bright and bright on dark.
    pub(super) fn look_at(&mut self, plane: &Plane) {
        for Bits { mut bits, is_plain } in plane.black_and_white() {
            self.look_into(&bits, is_plain, plane.scale);
            bits.flip_self();
            self.look_into(&bits, is_plain, plane.scale);
        }
    }

    fn look_into(&mut self, bits: &BitMatrix, is_plain: bool, scale: f32) {
        let mut corners = attempt(|| FindFinderPatterns(bits, true, 0)).unwrap_or_default();
        // Codes that were read before are not read again; a code inside another one still is.
        corners.retain(|corner| {
            let known = Corner::of(corner, scale);
            !self.codes.iter().any(|code| code.corners.iter().any(|own| own.is_same(&known)))
        });
        if corners.len() > MAX_CORNERS {
            // Largest first: the smallest are the most likely to be noise.
            corners.sort_by_key(|corner| std::cmp::Reverse(corner.size));
            corners.truncate(MAX_CORNERS);
            self.is_too_full |= is_plain;
        }
        let sets = attempt(|| GenerateFinderPatternSets(&mut corners.clone())).unwrap_or_default();
        self.is_too_full |= is_plain && sets.len() > MAX_SETS;
        let mut used: Vec<ConcentricPattern> = Vec::new();
        for set in sets.iter().take(MAX_SETS) {
            let members = [set.tl, set.tr, set.bl];
            if members.iter().any(|member| used.contains(member)) {
                continue;
            }
            if let Some(code) = read(bits, set, scale) {
                used.extend(members);
                self.codes.push(code);
            } else if is_plain && stand_as_corners(bits, set) {
                self.triples.push(members.map(|member| Corner::of(&member, scale)));
            }
        }
        if is_plain {
            corners.retain(|corner| !used.contains(corner));
            self.note_pairs(bits, &corners, scale);
        }
    }

    /// Two corners of a code whose third one is covered or cut off.
    fn note_pairs(&mut self, bits: &BitMatrix, corners: &[ConcentricPattern], scale: f32) {
        for (index, a) in corners.iter().enumerate() {
            for b in &corners[index + 1..] {
                if faces(bits, *a, *b) && has_modules_beside(bits, *a, *b) {
                    self.note_pair([Corner::of(a, scale), Corner::of(b, scale)]);
                }
            }
        }
    }

    fn note_pair(&mut self, [a, b]: [Corner; 2]) {
        let is_same = |(corners, _): &&mut ([Corner; 2], u32)| {
            let [c, d] = corners;
            (a.is_same(c) && b.is_same(d)) || (a.is_same(d) && b.is_same(c))
        };
        match self.pairs.iter_mut().find(is_same) {
            Some((_, seen)) => *seen += 1,
            None => self.pairs.push(([a, b], 1)),
        }
    }
}

impl Corner {
    fn of(pattern: &ConcentricPattern, scale: f32) -> Corner {
        Corner { at: pattern.p * scale, size: pattern.size as f32 * scale }
    }

    fn is_same(&self, other: &Corner) -> bool {
        Point::distance(self.at, other.at) < self.size.max(other.size) / 2.0
    }
}

impl Code {
    /// Whether a point lies in the code. A neighbour's corner has its middle 3.5 modules outside at least.
    fn contains(&self, point: Point) -> bool {
        let module = self.corners.iter().map(|corner| corner.size).fold(0.0, f32::max) / 7.0;
        let sides = (0..4).map(|at| (self.outline[at], self.outline[(at + 1) % 4]));
        // Signed distances from the four sides: all on one side of them, or hardly outside.
        let distances: Vec<f32> = sides
            .map(|(from, to)| {
                let (side, to_point) = (to - from, point - from);
                Point::cross(side, to_point) / Point::distance(from, to).max(1.0)
            })
            .collect();
        let slack = 1.5 * module;
        distances.iter().all(|distance| *distance >= -slack)
            || distances.iter().all(|distance| *distance <= slack)
    }
}

/// Runs a search of the library, which may panic on what it did not foresee: then there is nothing there for it.
fn attempt<T>(search: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(search)).ok()
}

fn read(bits: &BitMatrix, set: &FinderPatternSet, scale: f32) -> Option<Code> {
    let (text, outline): (String, [Point; 4]) = attempt(|| {
        let sampled = SampleQR(bits, set).ok()?;
        let decoded = Decode(sampled.getBits()).ok().filter(|decoded| decoded.isValid())?;
        // The library gives them row by row.
        let [top_left, top_right, bottom_left, bottom_right] = sampled.getPoints().try_into().ok()?;
        Some((decoded.text(), [top_left, top_right, bottom_right, bottom_left]))
    })??;
    let corners = [set.tl, set.tr, set.bl].map(|corner| Corner::of(&corner, scale));
    Some(Code { text, outline: outline.map(|point| point * scale), corners })
}

/// Whether three patterns stand as the corners of a code do: each faces its neighbour squarely, and the two sides are alike.
fn stand_as_corners(bits: &BitMatrix, set: &FinderPatternSet) -> bool {
    let (top, left) = (set.tr.p - set.tl.p, set.bl.p - set.tl.p);
    let (top_length, left_length) = (top.length(), left.length());
    let ratio = top_length.max(left_length) / top_length.min(left_length).max(1.0);
    let cosine = Point::dot(top, left) / (top_length * left_length).max(1.0);
    ratio < 1.6 && cosine.abs() < 0.45 && faces(bits, set.tl, set.tr) && faces(bits, set.tl, set.bl)
}

/// Whether two patterns show each other the 1:1:3:1:1 of a finder pattern, in one size, as far apart as in a code.
fn faces(bits: &BitMatrix, a: ConcentricPattern, b: ConcentricPattern) -> bool {
    let (larger, smaller) = (a.size.max(b.size), a.size.min(b.size));
    if smaller < 5 || larger * 2 > smaller * 3 {
        return false;
    }
    let sizes = attempt(|| (EstimateModuleSize(bits, a, b), EstimateModuleSize(bits, b, a)));
    let Some((there, back)) = sizes.filter(|(there, back)| *there > 0.0 && *back > 0.0) else { return false };
    if there.max(back) > 1.5 * there.min(back) {
        return false;
    }
    DIMENSIONS.contains(&(f64::from(ConcentricPattern::distance(a, b)) * 2.0 / (there + back) + 7.0))
}

/// Whether there are modules where a code with these two corners has them: beside their line, or, if they stand across
/// from each other, around its middle.
fn has_modules_beside(bits: &BitMatrix, a: ConcentricPattern, b: ConcentricPattern) -> bool {
    let line = b.p - a.p;
    let across = Point { x: -line.y, y: line.x };
    let quarter = (line + across) / 2.0;
    [(line, across), (line, across * -1.0), (quarter, line - quarter)].into_iter().any(|(side, other)| {
        let modules = side.length() / (a.size + b.size) as f32 * 14.0;
        is_textured(bits, a.p, (side, other), modules.round().max(1.0))
    })
}

/// Whether a square is filled with modules: about half of them dark, neighbours alike about half of the time, and each alike
/// in itself, which noise is not.
fn is_textured(bits: &BitMatrix, origin: Point, (side, other): (Point, Point), modules: f32) -> bool {
    let count = modules as i32;
    let beside = |column: i32, row: i32, by: f32| {
        let (across, down) = ((column as f32 + by) / modules, (row as f32 + by) / modules);
        let point = origin + side * across + other * down;
        bits.is_in(point).then(|| bits.get_point(point))
    };
    let at = |column: i32, row: i32| beside(column, row, 0.0);
    let (mut seen, mut dark, mut pairs, mut changes, mut alike) = (0, 0, 0, 0, 0);
    // Between the corners, of whose 7 modules half lies inside.
    for row in 5..count - 4 {
        for column in 5..count - 4 {
            let Some(own) = at(column, row) else { continue };
            seen += 1;
            dark += i32::from(own);
            let parts = [-0.3, 0.3].map(|by| beside(column, row, by));
            alike += i32::from(parts.iter().all(|part| *part == Some(own)));
            for next in [at(column + 1, row), at(column, row + 1)].into_iter().flatten() {
                pairs += 1;
                changes += i32::from(next != own);
            }
        }
    }
    let share = |part: i32, whole: i32| part * 100 / whole.max(1);
    seen >= 25
        && (30..=70).contains(&share(dark, seen))
        && (30..=70).contains(&share(changes, pairs))
        && share(alike, seen) >= 50
}
