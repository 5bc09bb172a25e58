//! `config`: check a configuration, print a commented example or its schema.

use anyhow::Result;
use clap::Subcommand;

use super::data::{Place, print, print_json};
use licence_node::node::config::{Config, EXAMPLE, FILE, schema};

/// What to do with the configuration.
#[derive(Subcommand)]
pub(super) enum Verb {
    /// 检查数据目录中的 config.toml / check config.toml of a data directory
    Check(Place),
    /// 输出带注释的示例 / print a commented example
    Example,
    /// 输出 JSON Schema / print the JSON Schema
    Schema,
}

pub(super) fn run(verb: Verb) -> Result<()> {
    match verb {
        Verb::Check(place) => {
            let config = Config::load(&place.data)?;
            config.passphrase(&place.data)?;
            let (role, file) = (config.role.as_str(), place.data.join(FILE));
            print(&format!("正确 / right: {} · {role} {} · {}", file.display(), config.region, config.listen))
        }
        Verb::Example => print(EXAMPLE),
        Verb::Schema => print_json(&schema()),
    }
}
