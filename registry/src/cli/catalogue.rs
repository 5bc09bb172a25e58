//! `catalogue`: what the province publishes.

use anyhow::Result;
use clap::Subcommand;

use super::data::{Place, print_json};
use crate::operator::Command;

/// What to do with the catalogue.
#[derive(Subcommand)]
pub(super) enum Verb {
    /// 签署并发布本程序所载目录 / sign and publish the catalogue of this program, if it says anything new
    Publish(Place),
}

pub(super) fn run(verb: &Verb) -> Result<()> {
    let Verb::Publish(place) = verb;
    print_json(&place.ask(&Command::PublishCatalogue)?)
}
