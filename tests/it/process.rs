//! The binary: exit statuses, messages, signals.

use std::time::{Duration, Instant};

use crate::support::{Exchange, Frame, Polling, Process, Socket, soon};

#[tokio::test]
async fn wrong_settings_are_all_named_and_end_it_with_2() {
    let ended = Process::run(
        &["--noise", "loud"],
        &[
            ("SPEED", "0"),
            ("HOST", "example.com"),
            ("SEED", "1"),
            ("RATE", "7"),
        ],
    )
    .await;
    assert_eq!(ended.status.code(), Some(2));
    let lines: Vec<_> = ended.stderr.lines().collect();
    assert_eq!(lines.len(), 3, "{}", ended.stderr);
    for (line, variable, flag, value) in [
        (lines[0], "HOST", "--host", "example.com"),
        (lines[1], "SPEED", "--speed", "0"),
        (lines[2], "NOISE", "--noise", "loud"),
    ] {
        for text in [variable, flag, value, "give a"] {
            assert!(line.contains(text), "{line}");
        }
    }
    assert_eq!(ended.stdout, "");
}

#[tokio::test]
async fn the_command_line_explains_itself() {
    let help = Process::run(&["--help"], &[]).await;
    assert_eq!(help.status.code(), Some(0));
    for setting in gridcast::config::SETTINGS {
        assert!(help.stdout.contains(&format!("--{}", setting.flag)));
        assert!(help.stdout.contains(setting.variable));
    }
    assert_eq!(
        Process::run(&["--version"], &[]).await.status.code(),
        Some(0)
    );
    assert_eq!(
        Process::run(&["--nonsense"], &[]).await.status.code(),
        Some(2)
    );
}

#[tokio::test]
async fn an_address_in_use_is_named() {
    let first = Process::serve(&[("HOST", "127.0.0.1")]).await;
    let port = first.address().port().to_string();
    let ended = Process::run(&["--port", &port, "--host", "127.0.0.1"], &[]).await;
    assert_eq!(ended.status.code(), Some(1));
    let address = format!("cannot listen on 127.0.0.1:{port}");
    assert!(ended.stderr.contains(&address), "{}", ended.stderr);
    assert!(ended.stderr.contains("PORT"), "{}", ended.stderr);
}

#[tokio::test]
async fn a_flag_wins_over_its_variable() {
    let ended = Process::run(&["--speed", "0"], &[("SPEED", "2")]).await;
    assert!(ended.stderr.contains("--speed"), "{}", ended.stderr);
    let ended = Process::run(&["serve", "--speed", "0"], &[]).await;
    assert_eq!(ended.status.code(), Some(2));
}

/// How long a signalled server may take.
const END: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_signal_ends_it_in_time_with_clients_of_every_kind() {
    for signal in ["TERM", "INT"] {
        let mut process = Process::serve(&[("AUTOSTART", "1"), ("RATE", "10")]).await;
        let address = process.address();
        let mut socket = Socket::join(address).await;
        socket.ask("subscribe:buses", &["BUS-001"]).await;
        let mut polling = Polling::open(address).await;
        polling.join().await;
        // The main namespace is silent: this poll hangs until the server ends it.
        let mut silent = Polling::open(address).await;
        silent.send(&["40"]).await;
        assert!(silent.next().await.starts_with("40{"));
        let poll = silent.exchange("GET");
        let poll = tokio::spawn(async move { poll.send(address).await });
        let idle = tokio::net::TcpStream::connect(address).await.unwrap();

        process.signal(signal).await;
        let begin = Instant::now();
        let status = process.ended().await;
        // The bound is the contract with whoever sends the signal and kills next.
        assert!(begin.elapsed() < END, "{signal}: {:?}", begin.elapsed());
        assert_eq!(status.code(), Some(0), "{signal}");
        // The transport was closed, not the namespace: a client comes back by itself.
        loop {
            match socket.next().await {
                Frame::Closed(_) => break,
                Frame::Text(text) => assert!(!text.starts_with("41"), "{text}"),
                Frame::Binary(_) => {}
            }
        }
        let answer = soon("the pending poll", poll).await.unwrap();
        assert!(!answer.text().contains("41"), "{}", answer.text());
        drop(idle);
    }
}

#[tokio::test]
async fn the_healthcheck_asks_a_server() {
    let process = Process::serve(&[("HOST", "127.0.0.1")]).await;
    let port = process.address().port().to_string();
    let ended = Process::run(&["healthcheck", "--port", &port], &[]).await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.stderr);
    drop(process);
    // A port on which nobody listens any more.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port().to_string();
    drop(free);
    let ended = Process::run(&["healthcheck"], &[("PORT", &port)]).await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(
        ended.stderr.contains("cannot reach 127.0.0.1"),
        "{}",
        ended.stderr
    );
}

#[tokio::test]
async fn all_addresses_means_both_families() {
    let process = Process::serve(&[("HOST", "::")]).await;
    let port = process.address().port();
    let healthy = Exchange::new("GET", "/healthz");
    let v4 = healthy.send(([127, 0, 0, 1], port).into()).await;
    assert_eq!(v4.status, 200);
    if process.address().is_ipv6() {
        let loopback = std::net::Ipv6Addr::LOCALHOST;
        let v6 = healthy.send((loopback, port).into()).await;
        assert_eq!(v6.status, 200);
    }
}

#[tokio::test]
async fn without_a_host_it_listens_on_loopback_alone() {
    let mut process = Process::serve(&[]).await;
    assert!(process.address().ip().is_loopback());
    let line = process.logged("http://localhost:").await;
    assert!(
        line.contains(&process.address().port().to_string()),
        "{line}"
    );
}
