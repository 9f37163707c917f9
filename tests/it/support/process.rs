//! The server's binary, as a process.

use std::{
    net::SocketAddr,
    process::{ExitStatus, Stdio},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use super::soon;

/// A process that serves. It ends with the test.
pub(crate) struct Process {
    child: Child,
    log: Lines<BufReader<ChildStdout>>,
    address: SocketAddr,
}

/// How a process came to its end.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Process {
    /// A command for the binary without any setting from the environment.
    pub(crate) fn command(arguments: &[&str], settings: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gridcast"));
        for setting in gridcast::config::SETTINGS {
            command.env_remove(setting.variable);
        }
        command.env("PORT", "0");
        if let Ok(delivery) = std::env::var(super::server::TEST_DELIVERY) {
            command.env("DELIVERY", delivery);
        }
        command.envs(settings.iter().copied()).args(arguments);
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// Runs the binary to its end.
    pub(crate) async fn run(arguments: &[&str], settings: &[(&str, &str)]) -> Ended {
        let output = Self::command(arguments, settings).output();
        let output = soon("the end of the process", output).await.unwrap();
        Ended {
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Starts the binary and waits until it listens.
    pub(crate) async fn serve(settings: &[(&str, &str)]) -> Self {
        let mut command = Self::command(&[], settings);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stdout.take().unwrap()).lines();
        let listening = async {
            loop {
                let line = log.next_line().await.unwrap().expect("it ended");
                if let Some((_, address)) = line.split_once("listening on http://") {
                    return address.trim().parse().unwrap();
                }
            }
        };
        let address = soon("the server to listen", listening).await;
        Self {
            child,
            log,
            address,
        }
    }

    /// The first address it listens on.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next line of its log that holds `text`.
    pub(crate) async fn logged(&mut self, text: &str) -> String {
        let find = async {
            loop {
                let line = self.log.next_line().await.unwrap().expect("it ended");
                if line.contains(text) {
                    return line;
                }
            }
        };
        soon(text, find).await
    }

    /// Sends it a signal, by name.
    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().unwrap().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().await;
        assert!(sent.unwrap().success());
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        let mut rest = String::new();
        let log = self.log.get_mut();
        soon("the end of the process", async {
            let _ = log.read_to_string(&mut rest).await;
            self.child.wait().await.unwrap()
        })
        .await
    }

    /// How many files it has open, connections among them.
    pub(crate) fn open_files(&self) -> usize {
        let path = format!("/proc/{}/fd", self.child.id().unwrap());
        std::fs::read_dir(path).unwrap().count()
    }

    /// Its resident memory in bytes.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id().unwrap());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kib: u64 = line
            .and_then(|line| line.split_whitespace().nth(1))
            .and_then(|kib| kib.parse().ok())
            .unwrap();
        kib * 1024
    }
}
