//! `audit`: who did what, for which case, on what ground; and whether anybody has touched the record.
//!
//! Reading and exporting are rows of the audit themselves.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use licence_node::access::audit::{Checked, Search, Told};
use licence_node::operator::Command;
use licence_spec::time::{CivilDate, UnixTime};

use super::data::{Place, print, print_json};

/// Rows of one question to the node.
const PAGE: u32 = 500;

/// What to do with the audit.
#[derive(Subcommand)]
pub(super) enum Verb {
    /// 列出审计记录 / list rows, oldest first
    List(ListOptions),
    /// 核对审计链、日志锚定与所指数据；有误返回 1 / check chain, anchors in the log and what rows are about; exit 1 if something is wrong
    Check {
        #[command(flatten)]
        place: Place,
        /// 以 JSON 输出 / print JSON
        #[arg(long)]
        json: bool,
    },
    /// 导出到新文件 / export into a new file
    Export(ExportOptions),
}

/// Which rows.
#[derive(Args)]
pub(super) struct SearchOptions {
    /// 起始日（含），东八区 / from this day on, YYYY-MM-DD, UTC+8
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// 截止日（含），东八区 / up to this day, YYYY-MM-DD, UTC+8
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
    /// 客户端标识，或节点机关代码 / id of a client, or authority code of a node
    #[arg(long, value_name = "ID")]
    client: Option<String>,
    /// 证照摘要 / statement digest of a licence, sha-256:…
    #[arg(long, value_name = "DIGEST")]
    licence: Option<String>,
    /// 办件编号 / case number
    #[arg(long, value_name = "CASE")]
    case: Option<String>,
}

#[derive(Args)]
pub(super) struct ListOptions {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    search: SearchOptions,
    /// 自此序号之后 / after this number
    #[arg(long, default_value_t = 0)]
    after: u64,
    /// 至多条数 / at most so many
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    limit: u32,
    /// 以 JSON 输出 / print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(super) struct ExportOptions {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    search: SearchOptions,
    /// 格式 / format
    #[arg(long, value_enum, default_value_t = Format::Ndjson)]
    format: Format,
    /// 新文件 / the new file
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    /// 每行一个 JSON / one JSON object a line
    Ndjson,
    /// 电子表格可读 / for spreadsheets
    Csv,
}

impl SearchOptions {
    fn search(self) -> Result<Search> {
        let day = |text: String| {
            let day = CivilDate::parse(&text);
            day.with_context(|| format!("{text}：应为 YYYY-MM-DD / must be YYYY-MM-DD"))
        };
        let to = self.to.map(day).transpose()?;
        Ok(Search {
            from: self.from.map(day).transpose()?.map(|day| day.begins().0),
            to: to.map(|day| day.begins().0 + 86_400),
            who: self.client,
            case_number: self.case,
            licence: self.licence,
        })
    }
}

/// Does what the verb says; false if the check found something wrong.
pub(super) fn run(verb: Verb) -> Result<bool> {
    match verb {
        Verb::List(options) => list(options).map(|()| true),
        Verb::Check { place, json } => check(&place, json),
        Verb::Export(options) => export(options).map(|()| true),
    }
}

fn rows(place: &Place, command: &Command) -> Result<Vec<Told>> {
    place.ask(command)
}

fn list(options: ListOptions) -> Result<()> {
    let ListOptions { place, search, after, limit, json } = options;
    let told = rows(&place, &Command::ListAudit { search: search.search()?, after, limit, export: false })?;
    if json {
        return print_json(&serde_json::to_value(told)?);
    }
    if told.is_empty() {
        return print("没有符合的记录 / no row fits");
    }
    told.iter().try_for_each(|row| print(&line(row)))
}

fn line(row: &Told) -> String {
    let mut text =
        format!("{:>8}  {}  {} {}  {}  {}", row.number, row.time, row.who, row.id, row.act, row.result);
    let parts = [
        ("×", row.count.map(|count| count.to_string())),
        ("经办 by", row.operator.clone()),
        ("事项 item", row.service_item.clone()),
        ("办件 case", row.case_number.clone()),
        ("依据 ground", row.ground.clone()),
        ("证照 licence", row.licence.clone()),
        ("对象 about", row.subject.clone()),
    ];
    for (word, value) in parts.into_iter().filter_map(|(word, value)| Some((word, value?))) {
        text.push_str(&format!("  {word} {value}"));
    }
    text
}

fn check(place: &Place, json: bool) -> Result<bool> {
    let found: Checked = place.ask(&Command::CheckAudit)?;
    let well = found.faults.is_empty();
    if json {
        print_json(&serde_json::to_value(&found)?)?;
        return Ok(well);
    }
    let verdict = if well { "完好 sound" } else { "有误 TOUCHED" };
    print(&format!(
        "{verdict}：记录 rows {}，日志锚定 anchors {}，到期清除至 dropped up to {}，恢复中丢失的锚定 anchors lost in a restore {}",
        found.rows, found.anchored, found.dropped, found.lost
    ))?;
    found.faults.iter().try_for_each(|fault| print(&format!("  {fault}")))?;
    Ok(well)
}

fn export(options: ExportOptions) -> Result<()> {
    let ExportOptions { place, search, format, out } = options;
    let mut search = search.search()?;
    // Whoever exports is written down: rows that come to be meanwhile belong to the next export.
    let now = licence_node::node::clock::Clock::system().now();
    search.to = Some(search.to.map_or(now.0 + 1, |to| to.min(now.0 + 1)));
    let named = || format!("{}", out.display());
    let file = File::create_new(&out).with_context(named)?;
    let mut writing = Writing::new(format, BufWriter::new(file))?;
    let (mut after, mut done) = (0, 0_u64);
    loop {
        let command = Command::ListAudit { search: search.clone(), after, limit: PAGE, export: true };
        let told = rows(&place, &command)?;
        let Some(last) = told.last() else { break };
        if last.number <= after {
            bail!("节点重复返回同一页 / the node gives the same page again");
        }
        after = last.number;
        done += told.len() as u64;
        told.iter().try_for_each(|row| writing.row(row)).with_context(named)?;
        eprintln!("已导出 exported {done}");
    }
    let file = writing.end().with_context(named)?;
    file.sync_all().with_context(named)?;
    print(&format!("{}：{done} 条 rows，截至 up to {}", out.display(), UnixTime(now.0)))
}

/// A file that is being written.
enum Writing {
    Ndjson(BufWriter<File>),
    Csv(Box<csv::Writer<BufWriter<File>>>),
}

/// What spreadsheets take as a formula if a cell begins with it.
const FORMULAS: [char; 4] = ['=', '+', '-', '@'];

impl Writing {
    fn new(format: Format, mut file: BufWriter<File>) -> Result<Writing> {
        Ok(match format {
            Format::Ndjson => Writing::Ndjson(file),
            Format::Csv => {
                // Spreadsheets take a file without it for another encoding.
                file.write_all("\u{feff}".as_bytes())?;
                Writing::Csv(Box::new(csv::Writer::from_writer(file)))
            }
        })
    }

    fn row(&mut self, row: &Told) -> Result<()> {
        match self {
            Writing::Ndjson(file) => {
                serde_json::to_writer(&mut *file, row)?;
                file.write_all(b"\n")?;
            }
            Writing::Csv(writer) => writer.serialize(harmless(row))?,
        }
        Ok(())
    }

    fn end(self) -> Result<File> {
        let file = match self {
            Writing::Ndjson(file) => file,
            Writing::Csv(writer) => writer.into_inner().map_err(|error| anyhow::anyhow!("{error}"))?,
        };
        file.into_inner().map_err(|error| anyhow::anyhow!("{error}"))
    }
}

/// The row as a spreadsheet shows it: what clients wrote is text there, and no formula.
fn harmless(row: &Told) -> Told {
    let text = |text: &String| match text.starts_with(FORMULAS) {
        true => format!("'{text}"),
        false => text.clone(),
    };
    let maybe = |value: &Option<String>| value.as_ref().map(text);
    Told {
        id: text(&row.id),
        operator: maybe(&row.operator),
        ground: maybe(&row.ground),
        service_item: maybe(&row.service_item),
        case_number: maybe(&row.case_number),
        subject: maybe(&row.subject),
        result: text(&row.result),
        ..row.clone()
    }
}
