//! What nobody should hand in: each gets one clear line and its exit code, in bounded time and memory.
#![allow(missing_docs)]

mod common;

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use common::{Counter, NOW, answer, example, is, newest, text, write_parts};
use image::{GrayImage, ImageFormat, Luma, RgbImage, imageops};
use licence_spec::bundle;

const UNREADABLE: &str = "未识别 NO_CREDENTIAL UNREADABLE";
/// Address space of the tool in these tests, KiB: a picture of 256 MiB and what the program itself takes.
const MEMORY_KIB: &str = "1500000";

/// Runs `check` with bounded memory, so that whoever reads without end dies of it.
fn check_bounded(counter: &Counter, presented: &Path, input: Stdio) -> Output {
    Command::new("sh")
        .args([
            "-c",
            "ulimit -v $0 && exec \"$@\"",
            MEMORY_KIB,
            env!("CARGO_BIN_EXE_licence-verify"),
            "check",
        ])
        .arg(presented)
        .arg("--root")
        .arg(example("trust/root_1.cbor"))
        .args(["--at", NOW, "--bundle"])
        .arg(counter.bundle())
        .stdin(input)
        .output()
        .expect("the tool runs")
}

fn check(counter: &Counter, name: &str) -> Output {
    check_bounded(counter, &counter.path(name), Stdio::null())
}

/// An operational fault: nothing on standard output, one line on standard error that holds these words.
fn assert_fault(output: &Output, code: i32, words: &str) {
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(code), true), "{told}");
    assert!(told.lines().count() == 1 && told.contains(words), "{told}");
}

fn make_pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().expect("mkfifo runs").success());
}

#[test]
fn a_file_of_a_gigabyte_is_refused_by_its_length() {
    let counter = Counter::new();
    File::create(counter.path("huge")).and_then(|file| file.set_len(1 << 30)).expect("a sparse file");
    assert_fault(&check(&counter, "huge"), 74, "larger than 20 MiB");
    let receipt = counter.run(&["receipt", text(&counter.path("huge"))]);
    assert_fault(&receipt, 74, "larger than");
}

#[test]
fn standard_input_without_an_end_is_refused_by_its_length() {
    let zero = File::open("/dev/zero").expect("a device");
    let output = check_bounded(&Counter::new(), Path::new("-"), zero.into());
    assert_fault(&output, 74, "larger than 20 MiB");
}

#[test]
fn directories_pipes_and_devices_are_no_licences() {
    let counter = Counter::new();
    fs::create_dir(counter.path("folder")).expect("a folder");
    make_pipe(&counter.path("pipe"));
    assert_fault(&check(&counter, "folder"), 74, "is a directory");
    // Nobody will ever write: opening the pipe would wait for ever.
    assert_fault(&check(&counter, "pipe"), 74, "no regular file");
    assert_fault(&check(&counter, "/dev/zero"), 74, "no regular file");
}

#[test]
fn a_pipe_or_a_link_that_leads_nowhere_in_the_bundle_is_a_fault_and_not_a_wait() {
    for make in [make_pipe, |path: &Path| symlink(path, path).expect("a link")] {
        let counter = Counter::new();
        let catalogue = counter.bundle().join(bundle::CATALOGUE);
        fs::remove_file(&catalogue).expect("the part was there");
        make(&catalogue);
        let output = counter.check(&example("licence/small.cbor"));
        assert_fault(&output, 74, "catalogue.cbor");
    }
}

#[test]
fn a_loop_of_links_in_the_bundle_is_passed_over() {
    let counter = Counter::new();
    symlink(counter.bundle(), counter.bundle().join("again")).expect("a link");
    symlink("..", counter.bundle().join("trust/up")).expect("a link");
    assert_eq!(answer(&counter.check(&example("licence/small.cbor"))), is(0, "有效 ACCEPT"));
    // Nor does a sync from it go round for ever.
    assert_eq!(answer(&counter.run(&["sync", text(&counter.bundle())])).0, Some(0));
}

#[test]
fn a_bundle_that_is_a_link_to_itself_is_a_fault() {
    let counter = Counter::empty();
    symlink(counter.bundle(), counter.bundle()).expect("a link");
    assert_fault(&counter.check(&example("licence/small.cbor")), 74, "bundle");
}

/// A PNG of this shape with no picture in it; its checksums are right, so that nothing but the shape is wrong.
fn png_header(side: u32, depth: u8, colour: u8) -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend([side.to_be_bytes(), side.to_be_bytes()].concat());
    header.extend([depth, colour, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for chunk in [header, b"IDAT\x78\x9c".to_vec(), b"IEND".to_vec()] {
        let length = u32::try_from(chunk.len() - 4).expect("a short chunk");
        file.extend(length.to_be_bytes());
        file.extend(&chunk);
        file.extend(crc32(&chunk).to_be_bytes());
    }
    file
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}

/// A JPEG that claims this many pixels a side, and holds one.
fn jpeg_header(side: u16) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    RgbImage::new(1, 1).write_to(&mut file, ImageFormat::Jpeg).expect("a picture");
    let mut file = file.into_inner();
    let frame = file.windows(2).position(|marker| marker == [0xff, 0xc0]).expect("a frame");
    file[frame + 5..frame + 9].copy_from_slice(&[side.to_be_bytes(), side.to_be_bytes()].concat());
    file
}

#[test]
fn pictures_that_are_cut_or_would_fill_the_memory_are_unreadable() {
    let counter = Counter::new();
    let picture = fs::read(example("qr/small.png")).expect("the example");
    for (name, bytes) in [
        ("cut", picture[..picture.len() / 2].to_vec()),
        ("signature alone", picture[..8].to_vec()),
        // One bit a pixel: 112 MB of rows from a file of 110 KB; refused by its sides.
        ("30,000 x 30,000", png_header(30_000, 1, 0)),
        // 16 bits for each of four colours: 800 MB within the allowed sides; refused by its memory.
        ("10,000 x 10,000 in colour", png_header(10_000, 16, 6)),
        ("30,000 x 30,000 of a JPEG", jpeg_header(30_000)),
        ("10,000 x 10,000 of a JPEG in colour", jpeg_header(10_000)),
    ] {
        fs::write(counter.path("picture"), bytes).expect("a file");
        let output = check(&counter, "picture");
        assert_eq!(answer(&output), is(3, UNREADABLE), "{name}");
    }
}

/// A white page with pictures on it, side by side.
fn page(pictures: &[GrayImage]) -> Vec<u8> {
    let width = pictures.iter().map(|picture| picture.width() + 60).sum();
    let height = pictures.iter().map(GrayImage::height).max().unwrap_or(0) + 60;
    let mut page = GrayImage::from_pixel(width, height, Luma([255]));
    let mut left = 30;
    for picture in pictures {
        imageops::overlay(&mut page, picture, left, 30);
        left += i64::from(picture.width()) + 60;
    }
    let mut bytes = std::io::Cursor::new(Vec::new());
    page.write_to(&mut bytes, ImageFormat::Png).expect("a picture");
    bytes.into_inner()
}

/// Two licences in one picture: the verdict on one must not be read as that on the other.
#[test]
fn a_picture_with_the_codes_of_two_licences_is_not_guessed_at() {
    let counter = Counter::new();
    let code = |name: &str| image::open(example(name)).expect("the example").into_luma8();
    let (small, business) = (code("qr/small.png"), code("qr/business.png"));
    fs::write(counter.path("one.png"), page(std::slice::from_ref(&small))).expect("a file");
    assert_eq!(answer(&check(&counter, "one.png")), is(0, "有效 ACCEPT"));
    // The same licence twice is one licence.
    fs::write(counter.path("twice.png"), page(&[small.clone(), small.clone()])).expect("a file");
    assert_eq!(answer(&check(&counter, "twice.png")), is(0, "有效 ACCEPT"));
    for pictures in [[small.clone(), business.clone()], [business, small]] {
        fs::write(counter.path("two.png"), page(&pictures)).expect("a file");
        let output = check(&counter, "two.png");
        assert_eq!(answer(&output), is(3, UNREADABLE));
        assert!(String::from_utf8_lossy(&output.stderr).contains("show one at a time"));
    }
}

/// Setting the clock back makes good files look broken; the reason is told.
#[test]
fn a_sync_under_a_clock_that_was_set_back_names_the_clock() {
    let counter = Counter::empty();
    let stick = counter.path("stick");
    write_parts(&stick, &newest());
    let output = counter.run_at("2026-11-01T00:00:00Z", &["sync", text(&stick)]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("set the clock first"), "{output:?}");
    assert_eq!(counter.run(&["sync", text(&stick)]).status.code(), Some(0));
}
