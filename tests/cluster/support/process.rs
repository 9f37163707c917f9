//! A process that ends with the test.

use std::{
    fs::OpenOptions,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Mutex,
};

pub(crate) struct Process(Mutex<Child>);

impl Process {
    /// Starts it; what it says is appended to `log`.
    pub(crate) fn spawn(mut command: Command, log: &Path) -> Self {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        let child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Self(Mutex::new(child))
    }

    /// Sends a signal such as `STOP`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.0.lock().unwrap().id().to_string();
        let status = Command::new("kill").args(["-s", name, &pid]).status();
        assert!(status.unwrap().success(), "kill -s {name} {pid}");
    }

    /// Ends it at once, as a crash would.
    pub(crate) fn kill(&self) {
        let mut child = self.0.lock().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub(crate) fn ended(&self) -> bool {
        self.0.lock().unwrap().try_wait().unwrap().is_some()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // nginx ends its worker only if it is asked to.
        if !self.ended() {
            self.signal("CONT");
            self.signal("TERM");
            for _ in 0..100 {
                if self.ended() {
                    return;
                }
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
            self.kill();
        }
    }
}
