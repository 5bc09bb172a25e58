//! How fast the publisher's tools are: `cargo run --release -p licence-catalogue --example rates`.
#![allow(missing_docs)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use licence_catalogue::samples::requests;
use licence_catalogue::{embedded, embedded_files, issue::CheckedFields};
use licence_spec::time::CivilDate;

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn timed(work: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}

fn main() {
    let data = embedded().expect("the shipped data are sound");
    let files = embedded_files().count();
    let check = timed(|| drop(black_box(embedded())));
    println!("catalogue_check_ms {} ({files} files)", check.as_millis());
    let today = CivilDate::parse("2026-11-23").expect("a day");
    let per_type = 20_000;
    let mut made = 0u32;
    let mut bytes = 0;
    let making = timed(|| {
        for licence_type in data.types().iter().filter(|t| !t.is_reference_only()) {
            let made_for = requests(&data, licence_type.code(), 1, today).into_iter().flatten();
            for request in made_for.take(per_type) {
                bytes += serde_json::to_string(&request).map_or(0, |line| line.len());
                made += 1;
            }
        }
    });
    println!("samples_per_s {:.0} ({made} requests, {bytes} bytes)", f64::from(made) / making.as_secs_f64());
    let checking = timed(|| {
        for licence_type in data.types().iter().filter(|t| !t.is_reference_only()) {
            let made_for = requests(&data, licence_type.code(), 1, today).into_iter().flatten();
            for request in made_for.take(per_type) {
                black_box(CheckedFields::check(licence_type, &request.as_issue_fields("示例机关", today)))
                    .expect("valid");
            }
        }
    });
    println!("samples_made_and_checked_per_s {:.0}", f64::from(made) / checking.as_secs_f64());
}
