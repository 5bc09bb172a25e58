//! `enrol`: how a node's keys come into the trust list of the province, by files that travel by hand.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use licence_catalogue::CatalogueData;
use licence_spec::enrolment::Enrolment;
use licence_spec::trust::Entry;

use super::data::{Place, print, read};
use super::trust::held::pinned;
use super::trust::{over, region_words};
use licence_node::node::clock::Clock;
use licence_node::node::config::Config;
use licence_node::node::encoding::{digest_text, from_base64url};
use licence_node::node::files::write_new;
use licence_node::operator::Command;
use licence_node::operator::answers::EnrolmentRequest;
use licence_node::publication::catalogue_data;
use licence_node::publication::ceremony::enrol::{Against, listed};

/// Ending of the approved requests in a proposal's folder.
const ENDING: &str = "enrolment";
/// Most requests in one proposal: Guangdong has 21 cities and five districts with nodes of their own.
const MAX_REQUESTS: usize = 256;

/// What to do about enrolment.
#[derive(Subcommand)]
pub(super) enum Verb {
    /// 市：生成入网申请，每把密钥各签一次 / city: make the request, signed by every key
    Request {
        #[command(flatten)]
        place: Place,
        /// 申请文件，新文件 / the request, a new file
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// 显示申请，供两人核对 / show a request, for two people to compare
    Show {
        /// 申请文件 / the request
        request: PathBuf,
        /// 目录数据文件夹，取机关名称；缺省为程序自带 / folder of the catalogue's data, for names; absent: that of the program
        #[arg(long, value_name = "DIR")]
        folder: Option<PathBuf>,
    },
    /// 省：按现行列表与目录核对，并加入提案文件夹 / province: hold it against the list in force and the catalogue, and add it to a proposal
    Approve(ApproveOptions),
}

/// What is approved.
#[derive(Args)]
pub(super) struct ApproveOptions {
    /// 申请文件 / the request
    request: PathBuf,
    #[command(flatten)]
    place: Place,
    /// 提案文件夹，其后用于 trust propose / folder of the proposal, for trust propose afterwards
    #[arg(long = "proposal", value_name = "DIR")]
    folder: PathBuf,
}

pub(super) fn run(verb: Verb) -> Result<()> {
    match verb {
        Verb::Request { place, out } => request(&place, &out),
        Verb::Show { request, folder } => {
            let opened = Enrolment::open(&read(&request)?)?;
            print(&words(&opened, &catalogue_data::data(folder.as_deref())?))
        }
        Verb::Approve(options) => approve(&options),
    }
}

fn request(place: &Place, out: &Path) -> Result<()> {
    let EnrolmentRequest { request, digest, keys } = place.ask(&Command::Enrolment)?;
    let bytes = from_base64url(&request).context("the answer of the node")?;
    write_new(out, &bytes)?;
    print(&format!(
        "入网申请 request: {}，密钥 keys: {keys}\n{digest}\n\
         请送交省节点，并由两人互读摘要核对；14 天内有效 / carry it to the province, and read the digest to each other; good for 14 days",
        out.display()
    ))
}

/// The request as two people compare it, one at each end of a telephone.
fn words(request: &Enrolment, data: &CatalogueData) -> String {
    let region = request.region().as_str();
    let mut text = format!(
        "入网申请 enrolment request\n摘要 digest: {}\n区划 region: {region} {}\n主机 host: {}\n日志 log: {}\n签署时间 signed at: {}\n",
        digest_text(request.digest()),
        region_words(region),
        request.host(),
        request.log(),
        request.iat()
    );
    let mut last = "";
    for own in request.keys() {
        if last != own.authority {
            let name = data
                .authority(&own.authority)
                .map_or("目录中没有 not in the catalogue", |held| &held.name);
            // Cannot fail: a String takes everything that is written to it; so below.
            let _never = writeln!(text, "{}  {name}", own.authority);
            last = &own.authority;
        }
        let (kid, thumbprint) = (hex::encode(own.key.kid()), hex::encode(own.key.thumbprint()));
        let _never = writeln!(text, "    {:<10} kid {kid}  {thumbprint}", own.usage.to_string());
    }
    text.push_str("每把密钥都签署了上述摘要 / every key signed this digest\n");
    text
}

fn approve(options: &ApproveOptions) -> Result<()> {
    let bytes = read(&options.request)?;
    let request = Enrolment::open(&bytes)?;
    let config = Config::load(&options.place.data)?;
    let data = catalogue_data::of_node(&options.place.data, &config)?;
    let (files, now) = (pinned(&options.place)?, Clock::system().now());
    let root = files.root().content();
    let against = Against { data: &data, root, production: config.production, now };
    let mut all = listed(files.list().map(|list| list.content())).to_vec();
    if options.folder.exists() {
        all.extend(entries_in(&options.folder, &against, &all)?);
    }
    let entries = against.entries(&request, &all)?;
    against.over(request.region().as_str()).try_for_each(|authority| print(&over(authority)))?;
    std::fs::create_dir_all(&options.folder).with_context(|| format!("{}", options.folder.display()))?;
    let file = options.folder.join(format!("{}.{ENDING}", request.region()));
    write_new(&file, &bytes)?;
    print(&words(&request, &data))?;
    print(&format!(
        "已核对并加入提案 approved and added: {}，机关 authorities: {}\n请先与该节点互读摘要，再执行 trust propose --proposal {} / read the digest to \
         each other before you go on with trust propose",
        file.display(),
        entries.len(),
        options.folder.display()
    ))
}

/// The entries of the requests that were approved before.
fn entries_in(folder: &Path, against: &Against<'_>, listed: &[Entry]) -> Result<Vec<Entry>> {
    let mut all = listed.to_vec();
    for path in requests_in(folder)? {
        let named = || format!("{}", path.display());
        let request = Enrolment::open(&read(&path)?).with_context(named)?;
        let entries = against.entries(&request, &all).with_context(named)?;
        all.extend(entries);
    }
    Ok(all.split_off(listed.len()))
}

/// The approved requests in a proposal's folder, by region.
pub(super) fn requests_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let named = || format!("{}", folder.display());
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(named)? {
        let path = entry.with_context(named)?.path();
        if path.extension().is_some_and(|ending| ending == ENDING) {
            found.push(path);
        }
        if found.len() > MAX_REQUESTS {
            bail!(
                "{0} 中的申请超过 {MAX_REQUESTS} 份 / {0} holds more than {MAX_REQUESTS} requests",
                folder.display()
            );
        }
    }
    found.sort();
    Ok(found)
}
