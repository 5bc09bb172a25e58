//! Pictures as they come from telephones, scanners and web pages: every code in them is found, or the answer is unsure.
//!
//! All pictures are made here from the examples of the standard, so that each says what it is.
#![allow(missing_docs)]

mod common;

use std::f32::consts::PI;
use std::fs;
use std::io::Cursor;
use std::process::Output;

use common::{Counter, answer, example, is, text};
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, GrayImage, ImageFormat, Luma, LumaA, Rgb, imageops};
use licence_spec::qr::write_object;

const ACCEPT: &str = "有效 ACCEPT";
const UNREADABLE: &str = "未识别 NO_CREDENTIAL UNREADABLE";

/// The text of an example licence.
fn licence(name: &str) -> String {
    write_object(&fs::read(example(&format!("licence/{name}.cbor"))).expect("the example")).expect("it fits")
}

/// A code with this many pixels a module and a quiet zone of four.
fn code(text: &str, module: u32) -> GrayImage {
    let code =
        qrcode::QrCode::with_error_correction_level(text.as_bytes(), qrcode::EcLevel::M).expect("it fits");
    let modules = u32::try_from(code.width()).expect("177 at most");
    let is_dark = |x: u32, y: u32| {
        let place = (x / module).checked_sub(4).zip((y / module).checked_sub(4));
        place
            .filter(|(x, y)| *x < modules && *y < modules)
            .is_some_and(|(x, y)| code[(x as usize, y as usize)] == qrcode::Color::Dark)
    };
    let side = (modules + 8) * module;
    GrayImage::from_fn(side, side, |x, y| Luma([if is_dark(x, y) { 0 } else { 255 }]))
}

fn good(module: u32) -> GrayImage {
    code(&licence("small"), module)
}

fn revoked(module: u32) -> GrayImage {
    code(&licence("revoked"), module)
}

fn map(picture: &GrayImage, change: impl Fn(u8) -> u8) -> GrayImage {
    let mut changed = picture.clone();
    changed.iter_mut().for_each(|value| *value = change(*value));
    changed
}

fn inverted(picture: &GrayImage) -> GrayImage {
    map(picture, |value| 255 - value)
}

/// Black and white as these two greys.
fn between(picture: &GrayImage, dark: u8, bright: u8) -> GrayImage {
    map(picture, |value| if value < 128 { dark } else { bright })
}

/// Numbers that look random and are the same on every run (Knuth's MMIX generator).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(end)).expect("below a u32")
    }
}

/// Black or white specks on so many of a thousand pixels.
fn specks(picture: &GrayImage, of_thousand: u32) -> GrayImage {
    let (mut changed, mut numbers) = (picture.clone(), Numbers(1));
    for value in changed.iter_mut() {
        if numbers.below(1_000) < of_thousand {
            *value = if numbers.below(2) == 0 { 0 } else { 255 };
        }
    }
    changed
}

/// Grain of a dark room: each pixel brighter or darker by up to this much.
fn grain(picture: &GrayImage, most: u32) -> GrayImage {
    let (mut changed, mut numbers) = (picture.clone(), Numbers(2));
    for value in changed.iter_mut() {
        let moved = i64::from(*value) + i64::from(numbers.below(2 * most + 1)) - i64::from(most);
        *value = u8::try_from(moved.clamp(0, 255)).expect("clamped");
    }
    changed
}

/// Looks up each pixel of a page of this size at another place of a picture; outside is white.
fn warped(
    picture: &GrayImage,
    (width, height): (u32, u32),
    from: impl Fn(f32, f32) -> (f32, f32),
) -> GrayImage {
    GrayImage::from_fn(width, height, |x, y| {
        let (x, y) = from(x as f32, y as f32);
        let at = |x: f32, y: f32| {
            let inside = x >= 0.0 && y >= 0.0 && x < picture.width() as f32 && y < picture.height() as f32;
            if inside { f32::from(picture.get_pixel(x as u32, y as u32).0[0]) } else { 255.0 }
        };
        let (left, top) = (x.floor(), y.floor());
        let (right, low) = (x - left, y - top);
        let above = at(left, top) * (1.0 - right) + at(left + 1.0, top) * right;
        let below = at(left, top + 1.0) * (1.0 - right) + at(left + 1.0, top + 1.0) * right;
        Luma([(above * (1.0 - low) + below * low) as u8])
    })
}

fn turned(picture: &GrayImage, degrees: f32) -> GrayImage {
    let (sine, cosine) = (degrees / 180.0 * PI).sin_cos();
    let side = picture.width() as f32;
    let page = side * (sine.abs() + cosine.abs());
    warped(picture, (page as u32 + 1, page as u32 + 1), |x, y| {
        let (x, y) = (x - page / 2.0, y - page / 2.0);
        (x * cosine + y * sine + side / 2.0, y * cosine - x * sine + side / 2.0)
    })
}

/// Seen from below: the upper edge is this much shorter.
fn slanted(picture: &GrayImage, shorter: f32) -> GrayImage {
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    warped(picture, picture.dimensions(), |x, y| {
        let down = y / height;
        let across = 1.0 - shorter * (1.0 - down);
        ((x - width / 2.0) / across + width / 2.0, height * down / (down + (1.0 - down) * (1.0 - shorter)))
    })
}

/// A page of this brightness with pictures at these places.
fn page((width, height): (u32, u32), ground: u8, pictures: &[(&GrayImage, i64, i64)]) -> GrayImage {
    let mut page = GrayImage::from_pixel(width, height, Luma([ground]));
    pictures.iter().for_each(|(picture, x, y)| imageops::overlay(&mut page, *picture, *x, *y));
    page
}

/// Two pictures side by side with this many pixels between them.
fn beside(left: &GrayImage, right: &GrayImage, gap: u32, ground: u8) -> GrayImage {
    let size = (left.width() + gap + right.width(), left.height().max(right.height()));
    page(size, ground, &[(left, 0, 0), (right, i64::from(left.width() + gap), 0)])
}

/// A picture without the quiet zone.
fn trimmed(picture: &GrayImage, module: u32) -> GrayImage {
    let (quiet, side) = (4 * module, picture.width() - 8 * module);
    imageops::crop_imm(picture, quiet, quiet, side, side).to_image()
}

fn covered(picture: &GrayImage, (x, y): (u32, u32), (width, height): (u32, u32), grey: u8) -> GrayImage {
    let mut changed = picture.clone();
    let patch = GrayImage::from_pixel(width, height, Luma([grey]));
    imageops::overlay(&mut changed, &patch, i64::from(x), i64::from(y));
    changed
}

fn check(counter: &Counter, name: &str, bytes: &[u8]) -> Output {
    let path = counter.path("picture");
    fs::write(&path, bytes).expect("a file");
    let output = counter.run(&["check", text(&path)]);
    assert!(!String::from_utf8_lossy(&output.stderr).contains("internal"), "{name}: {output:?}");
    output
}

fn png(picture: impl Into<DynamicImage>) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.into().write_to(&mut bytes, ImageFormat::Png).expect("a picture");
    bytes.into_inner()
}

fn jpeg(picture: &GrayImage, quality: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(picture).expect("a picture");
    bytes
}

/// Asks about every picture, and tells all that are answered otherwise.
fn assert_all(pictures: Vec<(String, Vec<u8>)>, code: i32, line: &str, told: &str) {
    let counter = Counter::new();
    let wrong: Vec<String> = pictures
        .iter()
        .filter_map(|(name, bytes)| {
            let output = check(&counter, name, bytes);
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let right = answer(&output) == is(code, line) && said.contains(told);
            (!right).then(|| format!("{name}: {:?} {said}", answer(&output)))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), pictures.len(), wrong.join("\n"));
}

fn named<const N: usize>(pictures: [(&str, Vec<u8>); N]) -> Vec<(String, Vec<u8>)> {
    pictures.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect()
}

#[test]
fn one_code_is_read_whatever_the_light_and_the_ground() {
    let plain = good(4);
    let shadow = GrayImage::from_fn(plain.width(), plain.height(), |x, y| {
        let share = 40 + 60 * x / plain.width();
        Luma([u8::try_from(u32::from(plain.get_pixel(x, y).0[0]) * share / 100).expect("a share")])
    });
    assert_all(
        named([
            ("inverted", png(inverted(&plain))),
            ("inverted on a white page", png(page((900, 900), 255, &[(&inverted(&plain), 200, 200)]))),
            ("washed out", png(between(&plain, 100, 150))),
            ("faint", png(between(&plain, 200, 225))),
            ("faint on a white page", png(page((900, 900), 255, &[(&between(&plain, 222, 240), 200, 200)]))),
            ("faint with grain", png(grain(&between(&plain, 90, 160), 20))),
            ("in a shadow", png(shadow)),
            ("specks", png(specks(&plain, 24))),
            ("many specks", png(specks(&good(6), 40))),
            ("grain", png(grain(&plain, 90))),
            ("coarse JPEG", jpeg(&plain, 12)),
            ("blurred", png(imageops::blur(&plain, 2.0))),
            ("blurred and coarse", jpeg(&imageops::blur(&plain, 1.5), 25)),
        ]),
        0,
        ACCEPT,
        "",
    );
}

#[test]
fn one_code_is_read_whatever_its_size_and_how_it_lies() {
    let plain = good(4);
    assert_all(
        named([
            ("by 10 degrees", png(turned(&plain, 10.0))),
            ("by 45 degrees", png(turned(&plain, 45.0))),
            ("by 137 degrees", png(turned(&plain, 137.0))),
            ("upside down", png(imageops::rotate180(&plain))),
            ("in a mirror", png(imageops::flip_horizontal(&plain))),
            ("slanted", png(slanted(&good(6), 0.15))),
            ("one pixel a module", png(good(1))),
            ("two pixels a module, turned", png(turned(&good(2), 20.0))),
            ("20 pixels a module", png(good(20))),
            ("without a quiet zone", png(page((900, 900), 230, &[(&trimmed(&plain, 4), 200, 200)]))),
            ("small on a large page", png(page((4_000, 6_000), 255, &[(&good(3), 2_700, 4_900)]))),
            ("large on a large page", png(page((4_000, 4_000), 255, &[(&good(40), 60, 60)]))),
        ]),
        0,
        ACCEPT,
        "",
    );
}

/// A code in colours of one brightness: nothing in grey, all in red.
fn in_colour(picture: &GrayImage) -> DynamicImage {
    image::RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        if picture.get_pixel(x, y).0[0] < 128 { Rgb([0, 128, 0]) } else { Rgb([255, 54, 0]) }
    })
    .into()
}

/// Dark modules as these, bright ones as those: grey and how opaque.
fn with_alpha(picture: &GrayImage, dark: [u8; 2], bright: [u8; 2]) -> DynamicImage {
    image::GrayAlphaImage::from_fn(picture.width(), picture.height(), |x, y| {
        LumaA(if picture.get_pixel(x, y).0[0] < 128 { dark } else { bright })
    })
    .into()
}

#[test]
fn one_code_is_read_in_every_kind_of_png() {
    let plain = good(4);
    let alpha = |dark, bright| with_alpha(&plain, dark, bright);
    assert_all(
        named([
            ("bright is transparent", png(alpha([0, 255], [0, 0]))),
            ("bright is transparent, of colour", png(alpha([0, 255], [0, 0]).into_rgba8())),
            ("dark is transparent", png(alpha([255, 0], [255, 255]))),
            ("dark is transparent black", png(alpha([0, 0], [255, 255]))),
            ("white on transparent", png(alpha([255, 255], [0, 0]))),
            ("half transparent", png(alpha([0, 128], [0, 0]))),
            ("16 bits", png(DynamicImage::from(plain.clone()).into_luma16())),
            ("16 bits of colour and alpha", png(alpha([0, 255], [255, 0]).into_rgba16())),
            ("colours of one brightness", png(in_colour(&plain))),
        ]),
        0,
        ACCEPT,
        "",
    );
}

/// Two licences in one picture: never an answer for one of them, however the other one lies.
#[test]
fn two_licences_are_never_one() {
    let (good, other) = (good(4), revoked(4));
    let mut pictures = named([
        ("inverted", png(beside(&good, &inverted(&other), 20, 255))),
        ("inverted and touching", png(beside(&good, &inverted(&other), 0, 255))),
        ("turned", png(beside(&good, &turned(&other, 33.0), 10, 255))),
        ("upside down", png(beside(&good, &imageops::rotate180(&other), 0, 255))),
        ("much smaller", png(beside(&code(&licence("small"), 12), &revoked(2), 10, 255))),
        ("much larger", png(beside(&code(&licence("small"), 2), &revoked(12), 10, 255))),
        ("faint", png(beside(&good, &between(&other, 200, 235), 30, 255))),
        ("specks", png(beside(&good, &specks(&other, 25), 30, 255))),
        ("blurred", png(beside(&good, &imageops::blur(&other, 2.0), 30, 255))),
        ("coarse JPEG", jpeg(&beside(&good, &other, 16, 255), 15)),
        ("slanted", png(beside(&good, &slanted(&other, 0.12), 16, 255))),
        ("on a dark page", png(beside(&good, &inverted(&other), 40, 0))),
        (
            "far away on a large page",
            png(page((5_000, 4_000), 255, &[(&good, 50, 50), (&revoked(3), 4_500, 3_500)])),
        ),
        (
            "small inside a large one",
            png(page((1_400, 1_400), 255, &[(&code(&licence("small"), 14), 0, 0), (&revoked(1), 620, 620)])),
        ),
    ]);
    for gap in [0, 8, 32] {
        pictures.push((format!("{gap} pixels apart"), png(beside(&good, &other, gap, 255))));
        pictures
            .push((format!("{gap} pixels apart, the other way round"), png(beside(&other, &good, gap, 255))));
        let (a, b) = (trimmed(&good, 4), trimmed(&other, 4));
        let (gap, down) = (4 * gap.max(4), i64::from(a.height() + gap.max(4)));
        pictures.push((
            format!("{gap} pixels apart without quiet zones"),
            png(page((1_200, 1_200), 255, &[(&a, 20, 20), (&b, 20 + i64::from(a.width() + gap), 20)])),
        ));
        pictures.push((
            format!("one below the other {gap}"),
            png(page((1_200, 1_200), 255, &[(&a, 20, 20), (&b, 60, 20 + down)])),
        ));
    }
    // Of three licences none is guessed either.
    let three = beside(&beside(&good, &other, 8, 255), &code(&licence("business"), 4), 8, 255);
    pictures.push(("three".to_owned(), png(three)));
    assert_all(pictures, 3, UNREADABLE, "several licences");
}

/// Beside a good licence lies something that looks like a code and cannot be read: nobody knows whether it was meant.
#[test]
fn a_code_that_cannot_be_read_beside_a_licence_makes_the_answer_unsure() {
    let (good, other) = (good(4), revoked(4));
    let (side, quiet) = (other.width(), 16);
    let corner = 4 * 9;
    assert_all(
        named([
            (
                "its middle is covered",
                png(beside(
                    &good,
                    &covered(&other, (side / 4, side / 4), (side / 2, side / 2), 255),
                    20,
                    255,
                )),
            ),
            (
                "its middle is dark",
                png(beside(&good, &covered(&other, (side / 4, side / 4), (side / 2, side / 2), 0), 20, 255)),
            ),
            (
                "one corner is covered",
                png(beside(&good, &covered(&other, (quiet, quiet), (corner, corner), 255), 20, 255)),
            ),
            (
                "another corner is covered",
                png(beside(
                    &good,
                    &covered(&other, (quiet, side - quiet - corner), (corner, corner), 128),
                    20,
                    255,
                )),
            ),
            (
                "its right half is cut off",
                png(imageops::crop_imm(
                    &beside(&good, &other, 20, 255),
                    0,
                    0,
                    good.width() + 20 + side / 2,
                    side,
                )
                .to_image()),
            ),
            (
                "inverted and covered",
                png(beside(
                    &good,
                    &inverted(&covered(&other, (side / 4, side / 4), (side / 2, side / 2), 255)),
                    20,
                    255,
                )),
            ),
            (
                "turned and covered",
                png(beside(
                    &good,
                    &turned(&covered(&other, (side / 4, side / 4), (side / 2, side / 2), 255), 25.0),
                    20,
                    255,
                )),
            ),
        ]),
        3,
        UNREADABLE,
        "unsure which one is meant",
    );
}

#[test]
fn what_is_not_ours_does_not_count() {
    let good = good(4);
    let other = |text: &str| code(text, 5);
    let noise = specks(&GrayImage::from_pixel(400, 400, Luma([128])), 1_000);
    assert_all(
        named([
            ("an address", png(beside(&good, &other("https://example.com/"), 20, 255))),
            ("begins with EL", png(beside(&good, &other("ELEVATOR-7F"), 20, 255))),
            ("begins like ours", png(beside(&good, &other("EL1-7F:3"), 20, 255))),
            ("lower case", png(beside(&good, &other("el1:"), 20, 255))),
            ("an inverted address", png(beside(&good, &inverted(&other("https://example.com/")), 20, 255))),
            ("the same licence twice", png(beside(&good, &code(&licence("small"), 6), 20, 255))),
            ("the same licence inverted", png(beside(&good, &inverted(&good), 20, 255))),
            ("noise", png(beside(&good, &noise, 20, 255))),
            ("grain", png(grain(&page((1_000, 1_000), 120, &[(&good, 100, 100)]), 60))),
        ]),
        0,
        ACCEPT,
        "",
    );
}

#[test]
fn without_a_licence_it_is_told_what_is_there() {
    let counter = Counter::new();
    for (name, bytes, told) in [
        ("white", png(GrayImage::from_pixel(500, 500, Luma([255]))), ""),
        ("an address", png(code("https://example.com/", 5)), "codes of others alone"),
        ("a covered licence", png(covered(&good(4), (150, 150), (150, 150), 255)), "cannot be read"),
        ("a damaged text of ours", png(code("EL1:NCFOXN", 5)), ""),
    ] {
        let output = check(&counter, name, &bytes);
        assert_eq!(answer(&output), is(3, UNREADABLE), "{name}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(told), "{name}: {output:?}");
    }
}
