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
async fn what_orchestrators_set_is_no_reason_to_stop() {
    const LINK: &str = "tcp://10.96.0.7:6379";
    // Set in every pod beside a service named redis.
    let links = [
        ("REDIS_PORT", LINK),
        ("REDIS_PORT_6379_TCP", LINK),
        ("REDIS_SERVICE_HOST", "10.96.0.7"),
        ("GRIDCAST_PORT", "tcp://10.96.0.8:3000"),
    ];
    drop(Process::serve(&links).await);
    let mut with_url = links.to_vec();
    with_url.push(("REDIS_URL", "redis://127.0.0.1:9"));
    drop(Process::serve(&with_url).await);

    let mut with_host = links.to_vec();
    with_host.push(("REDIS_HOST", "redis"));
    let ended = Process::run(&[], &with_host).await;
    assert_eq!(ended.status.code(), Some(2));
    for text in [
        "REDIS_PORT",
        LINK,
        "Kubernetes",
        "enableServiceLinks: false",
    ] {
        assert!(ended.stderr.contains(text), "{}", ended.stderr);
    }
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
}

#[tokio::test]
async fn a_password_in_a_wrong_setting_is_not_shown() {
    for (variable, value) in [
        ("REDIS_URL", "redis://:s3cr#et@host"),
        ("REDIS_URL", "redis://me:77#s3cr@host"),
        ("REDIS_HOST", "redis://:s3cret@host"),
        ("CORS_ORIGINS", "https://me:s3cret@host"),
    ] {
        let flag = format!("--{}", variable.to_lowercase().replace('_', "-"));
        let by_flag = Process::run(&[&flag, value], &[]).await;
        let by_variable = Process::run(&[], &[(variable, value)]).await;
        for ended in [by_flag, by_variable] {
            assert_eq!(ended.status.code(), Some(2));
            let said = ended.stdout + &ended.stderr;
            assert!(said.contains(variable), "{said}");
            assert!(!said.contains("s3cr") && !said.contains("77"), "{said}");
            assert!(
                variable != "REDIS_URL" || said.contains("# as %23"),
                "{said}"
            );
        }
    }
}

#[tokio::test]
async fn origins_are_normalised_or_refused() {
    let listed = "https://host:443, HTTPS://Other ,http://b\u{fc}cher.example";
    let process = Process::serve(&[("CORS_ORIGINS", listed), ("HOST", "127.0.0.1")]).await;
    for origin in [
        "https://host",
        "https://other",
        "http://xn--bcher-kva.example",
    ] {
        let asked = Exchange::new("GET", "/api/v1").header("origin", origin);
        let answer = asked.send(process.address()).await;
        let allowed = answer.header("access-control-allow-origin");
        assert_eq!(allowed, Some(origin));
    }
    let ended = Process::run(&[], &[("CORS_ORIGINS", "https://host/app")]).await;
    assert_eq!(ended.status.code(), Some(2));
    assert!(
        ended.stderr.contains("an origin has no path"),
        "{}",
        ended.stderr
    );
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
