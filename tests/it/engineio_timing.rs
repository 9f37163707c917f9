//! Pings and time limits, with the clock paused: it jumps ahead whenever everybody waits.

use std::time::Duration;

use tokio::time::Instant;

use crate::support::{Frame, Socket, TestServer};

/// How long a connection may do without a namespace.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(45);
const PING_INTERVAL: Duration = Duration::from_secs(25);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// Timers tick in milliseconds, and a jump may overshoot where somebody is still at work.
const SLACK: Duration = Duration::from_secs(1);

fn is_about(passed: Duration, expected: Duration) -> bool {
    passed.abs_diff(expected) < SLACK
}

/// Answers pings until the connection ends, and returns how long that took.
async fn lives_for(socket: &mut Socket) -> Duration {
    let begin = Instant::now();
    loop {
        match socket.any().await {
            Frame::Text(text) if text == "2" => socket.send("3").await,
            Frame::Closed(_) => return begin.elapsed(),
            _ => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_joins_no_namespace_in_time_is_closed() {
    let server = TestServer::start().await;
    let (mut silent, _) = Socket::open(server.address()).await;
    let passed = lives_for(&mut silent).await;
    assert!(is_about(passed, CONNECT_TIMEOUT), "{passed:?}");

    let (mut refused, _) = Socket::open(server.address()).await;
    refused.send("40/nope,").await;
    let passed = lives_for(&mut refused).await;
    assert!(is_about(passed, CONNECT_TIMEOUT), "{passed:?}");
}

#[tokio::test(start_paused = true)]
async fn having_joined_once_is_enough() {
    let server = TestServer::start().await;
    let mut left = server.join().await;
    left.send("41/realtime,").await;
    let (mut main, _) = Socket::open(server.address()).await;
    main.send("40").await;
    assert!(main.text().await.starts_with("40{"));
    let later = Instant::now() + 4 * CONNECT_TIMEOUT;
    let (left, main) = tokio::join!(left.quiet_until(later), main.quiet_until(later));
    assert_eq!((left, main), (None, None));
}

#[tokio::test(start_paused = true)]
async fn pings_come_in_time_and_who_answers_stays() {
    let server = TestServer::start().await;
    let mut socket = server.join().await;
    // The first may have been answered while joining.
    let mut pings = Vec::new();
    while pings.len() < 5 {
        assert_eq!(socket.any().await, Frame::Text("2".into()));
        pings.push(Instant::now());
        socket.send("3").await;
    }
    for pair in pings.windows(2).skip(1) {
        let gap = pair[1] - pair[0];
        assert!(is_about(gap, PING_INTERVAL), "{gap:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_answer_a_ping_is_closed() {
    let server = TestServer::start().await;
    let mut socket = server.join().await;
    loop {
        assert_eq!(socket.any().await, Frame::Text("2".into()));
        let asked = Instant::now();
        // Not a word from here on: either the connection ends or another ping comes, which means
        // that the one before had been answered while joining.
        match socket.any().await {
            Frame::Text(text) if text == "2" => socket.send("3").await,
            // It may say so before it hangs up.
            Frame::Text(text) if text == "1" => {
                let passed = asked.elapsed();
                assert!(is_about(passed, PING_TIMEOUT), "{passed:?}");
                assert!(matches!(socket.any().await, Frame::Closed(_)));
                break;
            }
            Frame::Closed(_) => {
                let passed = asked.elapsed();
                assert!(is_about(passed, PING_TIMEOUT), "{passed:?}");
                break;
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_polling_session_that_is_silent_ends() {
    let server = TestServer::start().await;
    let session = server.poll().await;
    let begin = Instant::now();
    let mut last = String::new();
    loop {
        let answer = session.get().await;
        if answer.status != 200 {
            break;
        }
        last = answer.text();
    }
    assert!(last.ends_with('1'), "{last:?}");
    assert!(begin.elapsed() <= PING_INTERVAL + PING_TIMEOUT + SLACK);
    assert!(!session.is_known().await);
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_that_is_never_finished_ends() {
    let server = TestServer::start().await;
    let session = server.poll().await;
    let target = format!("/socket.io/?EIO=4&transport=websocket&sid={}", session.sid);
    let mut socket = Socket::connect(server.address(), &target).await.unwrap();
    let passed = lives_for(&mut socket).await;
    assert!(passed < CONNECT_TIMEOUT, "{passed:?}");
}
