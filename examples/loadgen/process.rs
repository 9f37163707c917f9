//! What a process of this machine uses, from `/proc` (proc(5)).

use std::{fs, net::SocketAddr, path::PathBuf, time::Duration};

/// The kernel counts processor time in these units, on every Linux that is used today.
const TICKS_PER_SECOND: f64 = 100.0;

/// A process.
#[derive(Debug, Clone)]
pub(crate) struct Process {
    folder: PathBuf,
}

impl Process {
    pub(crate) fn of(pid: u32) -> Result<Self, String> {
        let folder = PathBuf::from(format!("/proc/{pid}"));
        if folder.exists() {
            Ok(Self { folder })
        } else {
            Err(format!("there is no process {pid}"))
        }
    }

    /// The process that listens on a port of this machine, if it can be found.
    pub(crate) fn listening_on(address: SocketAddr) -> Option<Self> {
        let inodes: Vec<_> = ["/proc/net/tcp", "/proc/net/tcp6"]
            .iter()
            .filter_map(|file| fs::read_to_string(file).ok())
            .flat_map(|table| listening(&table, address.port()))
            .map(|inode| format!("socket:[{inode}]"))
            .collect();
        let processes = fs::read_dir("/proc").ok()?.filter_map(Result::ok);
        let mut folders = processes.map(|entry| entry.path());
        let folder = folders.find(|folder| {
            let Ok(files) = fs::read_dir(folder.join("fd")) else {
                return false;
            };
            let mut targets = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
            targets.any(|target| {
                inodes
                    .iter()
                    .any(|inode| target.as_os_str() == inode.as_str())
            })
        })?;
        Some(Self { folder })
    }

    /// The processor time that all its threads have used.
    pub(crate) fn cpu(&self) -> Option<Duration> {
        let stat = fs::read_to_string(self.folder.join("stat")).ok()?;
        // The name in parentheses may hold anything; user and system time are the 12th and 13th after it.
        let (_, fields) = stat.rsplit_once(") ")?;
        let mut times = fields.split(' ').skip(11).take(2);
        let (user, system): (f64, f64) = (times.next()?.parse().ok()?, times.next()?.parse().ok()?);
        Some(Duration::from_secs_f64((user + system) / TICKS_PER_SECOND))
    }

    /// Its memory that is in use, in KiB.
    pub(crate) fn rss_kib(&self) -> Option<u64> {
        let status = fs::read_to_string(self.folder.join("status")).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    }
}

/// The inodes of the sockets that listen on a port, by the kernel's table.
fn listening(table: &str, port: u16) -> Vec<String> {
    const LISTENING: &str = "0A";
    let lines = table.lines().skip(1);
    lines
        .filter_map(|line| {
            let fields: Vec<_> = line.split_whitespace().collect();
            let (_, local) = fields.get(1)?.rsplit_once(':')?;
            let local = u16::from_str_radix(local, 16).ok()?;
            let listens = local == port && *fields.get(3)? == LISTENING;
            listens.then(|| fields.get(9).map(ToString::to_string))?
        })
        .collect()
}
