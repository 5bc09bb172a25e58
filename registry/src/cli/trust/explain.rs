//! `trust explain`: why an authority or a key is accepted now, or why not.

use std::fmt::Write as _;

use anyhow::{Result, bail};
use clap::Args;
use licence_catalogue::CatalogueData;
use licence_spec::identifiers::division_named;
use licence_spec::time::UnixTime;
use licence_spec::trust::{Entry, Key, KeyState, Scope, TrustFiles};

use super::held::pinned;
use crate::cli::data::{Place, print};
use licence_node::node::clock::Clock;
use licence_node::node::config::Config;
use licence_node::publication::catalogue_data;
use licence_node::publication::ceremony::change::is_named;
use licence_node::publication::ceremony::diff::cut_words;
use licence_node::publication::ceremony::diff::{names, role_words, state_words};

/// What is to be explained.
#[derive(Args)]
pub(in crate::cli) struct Options {
    /// 密钥的 kid 或指纹，或机关代码 / kid or thumbprint of a key, or code of an authority
    name: String,
    #[command(flatten)]
    place: Place,
}

/// All that an explanation draws on.
struct Known<'a> {
    files: &'a TrustFiles,
    data: &'a CatalogueData,
    now: UnixTime,
}

pub(super) fn run(options: &Options) -> Result<()> {
    let files = pinned(&options.place)?;
    let data = catalogue_data::of_node(&options.place.data, &Config::load(&options.place.data)?)?;
    let known = Known { files: &files, data: &data, now: Clock::system().now() };
    print(&known.explain(&options.name)?)
}

impl Known<'_> {
    fn explain(&self, name: &str) -> Result<String> {
        let entries = self.files.list().map_or(&[][..], |list| &list.content().entries);
        let mut text = String::new();
        if let Some(entry) = entries.iter().find(|entry| entry.id == name) {
            self.authority(&mut text, entry);
            entry.keys.iter().for_each(|key| self.key(&mut text, entry, key));
            return Ok(text);
        }
        for entry in entries {
            for key in entry.keys.iter().filter(|key| is_named(&key.key, name)) {
                self.authority(&mut text, entry);
                self.key(&mut text, entry, key);
            }
            for log in entry.logs.iter().filter(|log| is_named(log.key.public_key(), name)) {
                let _never = writeln!(text, "日志密钥 log key: {}  {}", log.key.name(), entry.id);
            }
        }
        self.of_root(&mut text, name);
        if text.is_empty() { self.unlisted(name) } else { Ok(text) }
    }

    fn authority(&self, text: &mut String, entry: &Entry) {
        // Cannot fail: a String takes everything that is written to it; so in this file.
        let _never = writeln!(text, "已列入 listed: {}  {}", entry.id, entry.name);
        match self.data.authority(&entry.id) {
            Some(held) => {
                let _never = writeln!(text, "节点 node: {}  {}", held.node, region_words(&held.node));
            }
            None => text.push_str("目录数据中没有该机关 / the catalogue's data do not name it\n"),
        }
        let _never = writeln!(text, "主机 hosts: {}", entry.hosts.join(", "));
        for log in &entry.logs {
            let until = log.until.map_or(String::new(), |until| format!(" 至 until {until}"));
            let _never = writeln!(text, "日志 log: {} 自 since {}{until}", log.key.name(), log.since);
        }
        if let Some(successor) = &entry.successor {
            let _never = writeln!(text, "由 {successor} 承继 / succeeded by {successor}");
        }
    }

    fn key(&self, text: &mut String, entry: &Entry, key: &Key) {
        let _never = writeln!(text, "密钥 key {}", hex::encode(key.key.thumbprint()));
        let _never = writeln!(text, "    kid {}  {}", hex::encode(key.key.kid()), state_words(key));
        for (state, since) in &key.history {
            let word = ["有效 active", "停用 retired", "已泄露 compromised"];
            let word = usize::try_from(*state).ok().and_then(|at| word.get(at)).unwrap_or(&"?");
            let _never = writeln!(text, "    此前 before: {word} 自 since {since}");
        }
        key.scopes.iter().for_each(|scope| self.scope(text, scope));
        let answer = match self.against(entry, key) {
            None => "可以 yes".to_owned(),
            Some(reason) => format!("不可以 no：{reason}"),
        };
        let _never = writeln!(text, "    现在可否签署 may sign now: {answer}");
    }

    fn scope(&self, text: &mut String, scope: &Scope) {
        let _never =
            writeln!(text, "    {}  {} 起 from，{} 止 until", role_words(scope.role), scope.from, scope.to);
        if !scope.role.is_scoped() {
            return;
        }
        let regions: Vec<String> =
            names(&scope.regions).iter().map(|name| format!("{name} {}", region_words(name))).collect();
        let _never = writeln!(text, "        区域 regions: {}", regions.join("，"));
        for vct in names(&scope.types) {
            let kind = self.data.types().iter().find(|kind| kind.vct == vct);
            let word = if vct == "*" { "全部类型 all types" } else { kind.map_or("", |kind| &kind.name) };
            let _never = writeln!(text, "        类型 type: {vct} {word}");
        }
    }

    /// Why a key may not sign now, if so: what a verifier would hold against it.
    fn against(&self, entry: &Entry, key: &Key) -> Option<String> {
        match &key.state {
            KeyState::Compromised(cut) => {
                return Some(format!("密钥已泄露 compromised：{}", cut_words(cut)));
            }
            KeyState::Retired if self.now >= key.since => {
                return Some(format!("已于 {0} 停用 / retired at {0}", key.since));
            }
            _ => {}
        }
        if !key.scopes.iter().any(|scope| scope.has_time(self.now)) {
            return Some(
                "不在许可期限内，须提出新列表 / outside its period: a new list must be proposed".to_owned(),
            );
        }
        if !self.files.is_fresh(self.now, 0) {
            return Some(
                "信任列表或时间戳已过期，须续签 / the trust list or its timestamp has ended: renew it"
                    .to_owned(),
            );
        }
        entry.successor.as_ref().and_then(|successor| {
            let listed = self.files.list().is_some_and(|list| list.entry(successor).is_some());
            (!listed)
                .then(|| format!("承继机关 {successor} 未列入 / its successor {successor} is not listed"))
        })
    }

    fn of_root(&self, text: &mut String, name: &str) {
        let root = self.files.root().content();
        let roles = [
            ("信任根签署人 officer of the root", &root.root),
            ("列表签署人 officer of the list", &root.list),
            ("时间戳 timestamp", &root.timestamp),
        ];
        for (word, role) in roles {
            for key in role.keys.iter().filter(|key| is_named(key, name)) {
                let _never = writeln!(
                    text,
                    "{word}: {}  信任根 root {}，门槛 threshold {}/{}，至 until {}",
                    hex::encode(key.thumbprint()),
                    root.version,
                    role.threshold,
                    role.keys.len(),
                    root.exp
                );
            }
        }
    }

    fn unlisted(&self, name: &str) -> Result<String> {
        let Some(held) = self.data.authority(name) else {
            bail!(
                "{name} 既未列入信任列表，也不在目录数据中：请核对代码或 kid / is neither listed nor in the catalogue's data: compare the code or kid"
            );
        };
        Ok(format!(
            "未列入 not listed: {}  {}\n节点 node: {}  {}\n现在可否签署 may sign now: 不可以 no：该节点尚未入网，或列表尚未发布 / its node is not \
             enrolled, or the list is not published yet",
            held.code,
            held.name,
            held.node,
            region_words(&held.node)
        ))
    }
}

/// The name of a region from its code or prefix.
pub(in crate::cli) fn region_words(prefix: &str) -> String {
    if prefix == "*" {
        return "全部区域 everywhere".to_owned();
    }
    let code = format!("{prefix:0<6}");
    division_named(&code).map_or(String::new(), |row| format!("{} {}", row.zh, row.en))
}
