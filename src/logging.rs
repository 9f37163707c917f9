//! The process's log: lines on standard output, written by a thread of their own.
//!
//! Whatever becomes of standard output (its reader ends or stands still, the disk is full), nobody who logs
//! waits for it or fails by it. Lines that cannot be written are lost and counted; when lines can be written
//! again, one says how many.

use std::{
    io::{self, Write},
    panic,
    sync::{
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use tracing::{error, warn};
use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

/// How many lines may wait to be written.
const WAITING_LINES: usize = 4096;
/// How long the last lines get to be written at the end.
const FLUSH_TIMEOUT: Duration = Duration::from_millis(500);

/// A process has one log, so there is one count.
static LINES_LOST: AtomicU64 = AtomicU64::new(0);

/// How many lines of the log have been lost since the process began.
#[must_use]
pub fn lines_lost() -> u64 {
    LINES_LOST.load(Ordering::Relaxed)
}

/// Says a line on standard error, or nothing where that cannot be written.
pub fn say(line: impl std::fmt::Display) {
    let _ = writeln!(io::stderr(), "gridcast: {line}");
}

/// A log that is being written. Dropping it waits for the last lines, half a second at most.
#[derive(Debug)]
pub struct Log {
    lines: SyncSender<Line>,
    written: Receiver<()>,
}

#[derive(Debug)]
enum Line {
    Text(Vec<u8>),
    /// Nothing comes after it.
    Last,
}

/// Starts the process's log; `filter` has the form of `RUST_LOG`. Panics are logged too.
///
/// # Errors
/// If the filter cannot be read, the system gives no thread, or there is a log already.
pub fn start(filter: &str) -> Result<Log, Box<dyn std::error::Error + Send + Sync>> {
    let filter = EnvFilter::try_new(filter)?;
    let (log, lines) = Log::over(io::stdout())?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(lines)
        .try_init()?;
    panic::set_hook(Box::new(|panic| error!("{panic}")));
    Ok(log)
}

impl Log {
    fn over(out: impl Write + Send + 'static) -> io::Result<(Self, Lines)> {
        let (lines, waiting) = sync_channel(WAITING_LINES);
        let (done, written) = sync_channel(1);
        thread::Builder::new().name("log".into()).spawn(move || {
            write(&waiting, out);
            let _ = done.send(());
        })?;
        let log = Self {
            lines: lines.clone(),
            written,
        };
        Ok((log, Lines(lines)))
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        // Where not even this one finds room, the lines before it are not written in time either.
        if self.lines.try_send(Line::Last).is_ok() {
            let _: Result<(), RecvTimeoutError> = self.written.recv_timeout(FLUSH_TIMEOUT);
        }
    }
}

/// Writes line after line until the last.
fn write(lines: &Receiver<Line>, mut out: impl Write) {
    let mut told = 0;
    while let Ok(Line::Text(line)) = lines.recv() {
        if out.write_all(&line).and_then(|()| out.flush()).is_err() {
            lose_line();
            continue;
        }
        let lost = lines_lost();
        if lost > told {
            told = lost;
            warn!(
                log.lines_lost = lost,
                "lines of the log could not be written"
            );
        }
    }
}

fn lose_line() {
    LINES_LOST.fetch_add(1, Ordering::Relaxed);
}

/// Takes lines without ever making whoever logs wait or fail.
#[derive(Debug, Clone)]
struct Lines(SyncSender<Line>);

impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.0.try_send(Line::Text(line.to_vec())).is_err() {
            lose_line();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    /// Something to write to that fails the first times, or waits for leave.
    struct Output {
        failures: usize,
        leave: Receiver<()>,
        seen: Sender<Vec<u8>>,
    }

    impl Write for Output {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.failures > 0 {
                self.failures -= 1;
                return Err(io::ErrorKind::StorageFull.into());
            }
            let _ = self.leave.recv();
            let _ = self.seen.send(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_that_cannot_be_written_are_lost_and_counted_and_nobody_waits() {
        let (leave, left) = channel();
        let (sender, seen) = channel();
        let out = Output {
            failures: 2,
            leave: left,
            seen: sender,
        };
        let before = lines_lost();
        let (log, mut lines) = Log::over(out).unwrap();
        // Two fail, one is being written, the queue fills up, the rest finds no room.
        let sent = 2 + 1 + WAITING_LINES + 10;
        for line in 0..sent {
            lines.write_all(format!("{line}\n").as_bytes()).unwrap();
        }
        for _ in 0..sent {
            leave.send(()).unwrap();
        }
        drop(leave);
        drop(lines);
        drop(log);
        let written = seen.iter().count() as u64;
        assert_eq!(written + lines_lost() - before, sent as u64);
        assert!(lines_lost() - before >= 2);
    }
}
