//! What a run tells: steps as they come, figures and demands at the end.

use std::process::ExitCode;
use std::time::Instant;

use serde_json::{Map, Value, json};

use crate::harness::now;

/// A value with one place behind the point while that matters.
fn rounded(value: f64) -> String {
    if value < 100.0 && value.fract() != 0.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}

/// The outcome so far.
pub(crate) struct Report {
    json: bool,
    begun: Instant,
    figures: Vec<(String, f64, &'static str)>,
    demands: Vec<(String, bool)>,
}

impl Report {
    pub(crate) fn new(json: bool) -> Report {
        Report { json, begun: now(), figures: Vec::new(), demands: Vec::new() }
    }

    /// Says what comes next.
    pub(crate) fn step(&self, what: &str) {
        eprintln!("{:6.1} s  {what}", self.begun.elapsed().as_secs_f64());
    }

    pub(crate) fn figure(&mut self, name: impl Into<String>, value: f64, unit: &'static str) {
        let name = name.into();
        eprintln!("{:6.1} s    {name} {} {unit}", self.begun.elapsed().as_secs_f64(), rounded(value));
        self.figures.push((name, value, unit));
    }

    /// Something that must hold.
    pub(crate) fn demand(&mut self, holds: bool, what: &str) {
        let word = if holds { "成立 holds" } else { "不成立 BROKEN" };
        eprintln!("{:6.1} s    {word}: {what}", self.begun.elapsed().as_secs_f64());
        self.demands.push((what.to_owned(), holds));
    }

    /// Prints the outcome; 0 if every demand held.
    pub(crate) fn end(mut self) -> ExitCode {
        let holds = self.demands.iter().all(|(_, holds)| *holds);
        self.figure("elapsed", self.begun.elapsed().as_secs_f64(), "s");
        if self.json {
            let figures: Map<String, Value> = self
                .figures
                .iter()
                .map(|(name, value, unit)| (name.clone(), json!({"value": value, "unit": unit})))
                .collect();
            let demands: Vec<Value> =
                self.demands.iter().map(|(what, ok)| json!({"what": what, "ok": ok})).collect();
            println!("{}", json!({"ok": holds, "figures": figures, "demands": demands}));
        } else {
            self.figures
                .iter()
                .for_each(|(name, value, unit)| println!("figure {name} {} {unit}", rounded(*value)));
            let broken = self.demands.iter().filter(|(_, holds)| !holds);
            broken.for_each(|(what, _)| println!("不成立 BROKEN {what}"));
            println!(
                "{}",
                if holds {
                    "全部成立 / everything held"
                } else {
                    "未全部成立 / not everything held"
                }
            );
        }
        if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
