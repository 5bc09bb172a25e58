//! `serve`: the node of a data directory, until it is told to stop.
//!
//! Order of ending: no new connections → running requests end → jobs stop → the writer finishes → the lock is released. A second
//! signal ends the process at once; what was acknowledged is durable all the same.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::data::Place;
use super::setup::open_configured;
use crate::logging;
use licence_node::access::audit::write_counted;
use licence_node::app::App;
use licence_node::jobs;
use licence_node::node::config::Config;
use licence_node::operator::socket;
use licence_web::{Server, Web};

/// Worker threads of the HTTP edge; judging and signing need the processor, waiting does not.
const WORKERS: usize = 2;
/// Threads that wait for the store or the writer beside those of requests: for jobs, and for those who watch the node.
const SPARE: usize = 32;

/// Most threads of requests that wait; more requests at once than that wait for a thread.
const MOST_THREADS: usize = 4_096;

/// Which node.
#[derive(Args)]
pub(super) struct Options {
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(options: &Options) -> Result<()> {
    let directory = &options.place.data;
    let config = Config::load(directory)?;
    logging::start(config.level).context("log thread")?;
    let node = Arc::new(open_configured(directory, &config)?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .max_blocking_threads(config.limits.requests.min(MOST_THREADS) + SPARE)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let server = Server::bind(config.listen, config.operator).await?;
        config.addresses_in_clear.iter().for_each(|host| {
            tracing::warn!(host, "asked in the clear, as the configuration says");
        });
        let socket = socket::listen(directory).with_context(|| format!("{}", directory.display()))?;
        let app = App::new(Arc::clone(&node), &config);
        let mut jobs = jobs::start(&app, &config);
        let commands = tokio::spawn(socket::serve(socket, Arc::clone(&node)));
        eprintln!("正在监听 listening on http://{}", server.address());
        tracing::info!(role = config.role.as_str(), region = config.region, address = %server.address(), "serving");
        server.run(Web::new(app, config.limits.clone()), stopped()?).await;
        commands.abort();
        jobs.shutdown().await;
        Ok::<_, anyhow::Error>(())
    })?;
    drop(runtime);
    // If it is gone already, somebody tidied up before us.
    let _gone = std::fs::remove_file(directory.join(socket::SOCKET));
    // The runtime is gone, and with it all other handles on the node.
    if let Some(node) = Arc::into_inner(node) {
        if let Err(error) = write_counted(&node) {
            tracing::error!(%error, "what was counted for the audit is lost");
        }
        node.close();
    }
    eprintln!("已停止 stopped");
    Ok(())
}

/// Ready at the first signal to stop; a second one ends the process by the system's own rule.
fn stopped() -> Result<impl Future<Output = ()>> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
        tracing::info!("told to stop");
        tokio::spawn(async move {
            tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
            std::process::abort();
        });
    })
}
