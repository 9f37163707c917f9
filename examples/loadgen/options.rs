//! What to do, from the command line.

use std::{str::FromStr, time::Duration};

use clap::{Arg, ArgAction, ArgMatches, Command, builder::PossibleValuesParser, value_parser};

/// What to do.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// The server.
    pub(crate) url: String,
    /// How many clients stay for the whole time.
    pub(crate) clients: usize,
    /// What each of them subscribes to.
    pub(crate) mix: Mix,
    /// How clients are connected.
    pub(crate) transport: Transport,
    /// How many seconds are measured.
    pub(crate) seconds: f64,
    /// How many seconds all clients receive before that.
    pub(crate) warmup: f64,
    /// How many clients may be connecting at once.
    pub(crate) connecting: usize,
    /// How many more clients a second come, subscribe to all, stay for a tenth of a second and leave.
    pub(crate) churn: u32,
    /// How many of the clients stop reading once they have subscribed.
    pub(crate) slow: usize,
    /// The server's process; found by its port if absent.
    pub(crate) pid: Option<u32>,
    /// How many threads this side uses.
    pub(crate) threads: usize,
    /// Whether to print the figures as JSON.
    pub(crate) json: bool,
}

/// What clients subscribe to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mix {
    /// All entities.
    All,
    /// So many, drawn at random for each client.
    Some(usize),
}

/// How clients are connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// By websocket from the beginning.
    Websocket,
    /// By long polling, without an upgrade.
    Polling,
}

impl FromStr for Mix {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (text, text.parse()) {
            ("all", _) => Ok(Self::All),
            (_, Ok(count)) => Ok(Self::Some(count)),
            _ => Err("give all, or how many entities"),
        }
    }
}

/// The options: name, default, and what it says of them.
const OPTIONS: [(&str, &str, &str); 10] = [
    ("url", "http://127.0.0.1:3000", "the server"),
    ("clients", "100", "how many clients stay for the whole time"),
    (
        "mix",
        "all",
        "what each subscribes to: `all` entities, or so many drawn at random",
    ),
    ("transport", "websocket", "how clients are connected"),
    ("seconds", "10", "how many seconds are measured"),
    (
        "warmup",
        "2",
        "how many seconds all clients receive before that",
    ),
    (
        "connecting",
        "256",
        "how many clients may be connecting at once",
    ),
    (
        "churn",
        "0",
        "how many more clients a second come, subscribe to all, stay for 0.1 s and leave",
    ),
    (
        "slow",
        "0",
        "how many of the clients stop reading once they have subscribed",
    ),
    ("threads", "1", "how many threads this side uses"),
];

fn command() -> Command {
    let options = OPTIONS.map(|(name, default, help)| {
        let option = Arg::new(name).long(name).default_value(default).help(help);
        match name {
            "url" => option,
            "mix" => option.value_parser(value_parser!(Mix)),
            "transport" => option.value_parser(PossibleValuesParser::new(["websocket", "polling"])),
            "seconds" | "warmup" => option.value_parser(value_parser!(f64)),
            "churn" => option.value_parser(value_parser!(u32)),
            _ => option.value_parser(value_parser!(usize)),
        }
    });
    Command::new("loadgen")
        .about("Loads a server with Socket.IO clients and tells what they got, when, and what it cost.")
        .args(options)
        .arg(
            Arg::new("pid")
                .long("pid")
                .value_parser(value_parser!(u32))
                .help("the server's process; found by its port if absent"),
        )
        .arg(
            Arg::new("json")
                .long("json")
                .action(ArgAction::SetTrue)
                .help("prints the figures as JSON, for machines"),
        )
}

impl Options {
    /// Reads the command line. Where it is wrong, the process says so and ends.
    pub(crate) fn parse() -> Self {
        let given = command().get_matches();
        Self {
            url: value(&given, "url"),
            clients: value(&given, "clients"),
            mix: value(&given, "mix"),
            transport: match value::<String>(&given, "transport").as_str() {
                "polling" => Transport::Polling,
                _ => Transport::Websocket,
            },
            seconds: value(&given, "seconds"),
            warmup: value(&given, "warmup"),
            connecting: value(&given, "connecting"),
            churn: value(&given, "churn"),
            slow: value(&given, "slow"),
            pid: given.get_one("pid").copied(),
            threads: value::<usize>(&given, "threads").max(1),
            json: given.get_flag("json"),
        }
    }

    pub(crate) fn duration(&self) -> Duration {
        Duration::try_from_secs_f64(self.seconds).unwrap_or(Duration::from_secs(10))
    }

    pub(crate) fn warmup(&self) -> Duration {
        Duration::try_from_secs_f64(self.warmup).unwrap_or_default()
    }

    /// How long all clients together may take to be ready.
    pub(crate) fn ready_timeout(&self) -> Duration {
        let clients = u32::try_from(self.clients).unwrap_or(u32::MAX);
        Duration::from_secs(30) + Duration::from_millis(10) * clients
    }
}

/// The value of an option that has a default.
fn value<T: Clone + Send + Sync + 'static>(given: &ArgMatches, name: &str) -> T {
    #[expect(clippy::expect_used, reason = "the options of the table have defaults")]
    given.get_one::<T>(name).cloned().expect("a default")
}
