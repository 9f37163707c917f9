//! A load generator: opens many Socket.IO connections to a server, checks and times every event, and reads
//! what the server spends on it.
//!
//! ```text
//! cargo run --release --example loadgen -- --clients 1000 --seconds 30
//! ```
//!
//! Clients are raw sockets that speak just enough of the protocol, so that this side costs little. The
//! server's time comes from `/proc`, so both run on one Linux machine.

mod client;
mod frames;
mod http;
mod options;
mod polling;
mod process;
mod report;
mod sample;
mod tally;
mod target;
mod websocket;

use std::{process::ExitCode, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep, sleep_until};

use self::{
    client::{Phase, Shared},
    options::Options,
    process::Process,
    report::Report,
    target::Target,
};

/// How long clients go on after the measurement, so that what is still on its way counts.
const GRACE: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let options = Options::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(options.threads)
        .enable_all()
        .build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(run(options)),
        Err(error) => Err(error.to_string()),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

/// Loads the server and reports. False if a client did not get what it should have.
async fn run(options: Options) -> Result<bool, String> {
    let target = Target::find(&options).await?;
    let process = match options.pid {
        Some(pid) => Some(Process::of(pid)?),
        None => Process::listening_on(target.address),
    };
    let idle_kib = process.as_ref().and_then(Process::rss_kib);
    let shared = Arc::new(Shared::new(target, options.clone()));
    let clients = client::start_all(&shared);
    let ready = shared.wait_until_ready(options.ready_timeout()).await;
    let loaded_kib = process.as_ref().and_then(Process::rss_kib);
    let churn = client::churn(&shared);
    sleep(options.warmup()).await;

    let before = process.as_ref().and_then(Process::cpu);
    let received_before = shared.tally.received();
    shared.begin();
    let begun = Instant::now();
    let end = begun + options.duration();
    let mut second = begun;
    while Instant::now() < end {
        second = (second + Duration::from_secs(1)).min(end);
        sleep_until(second).await;
        report::progress(&shared, begun.elapsed());
    }
    let spent = process.as_ref().and_then(Process::cpu);
    let received = shared.tally.received() - received_before;
    let seconds = begun.elapsed().as_secs_f64();
    shared.set_phase(Phase::Ending);
    sleep(GRACE).await;
    shared.set_phase(Phase::Over);
    let churned = churn.finish().await;
    for client in clients {
        let _ = client.await;
    }
    let report = Report {
        options: &options,
        ready,
        churned,
        received,
        seconds,
        cpu_s: before
            .zip(spent)
            .map(|(before, spent)| spent.saturating_sub(before).as_secs_f64()),
        idle_kib,
        loaded_kib,
        end_kib: process.as_ref().and_then(Process::rss_kib),
        result: shared.tally.result(&shared),
        shared: &shared,
    };
    report.print();
    Ok(report.is_flawless())
}
