//! Health that does not say more than it knows, whatever becomes of the server's parts.

use std::{fs, process::Stdio};

use gridcast::app::{self, ServeError};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Child,
};

use crate::support::{Exchange, Process, TestServer, eventually, soon};

fn states(answer: &Value) -> Vec<(String, String)> {
    let tasks = answer["tasks"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let state = |task: &Value| (text(&task["name"]), text(&task["state"]));
    tasks.iter().map(state).collect()
}

#[tokio::test]
async fn a_healthy_server_says_so_task_by_task() {
    let server = TestServer::start().await;
    for path in ["/healthz", "/readyz"] {
        let answer = server.get(path).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let states = states(&answer.json());
        let names: Vec<_> = states.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["http", "engine", "clients", "publisher"]);
        assert!(states.iter().all(|(_, state)| state == "running"));
    }
    let liveness = server.get("/healthz").await.json();
    assert_eq!(liveness["status"], "ok");
    assert!(liveness["logLinesLost"].is_u64(), "{liveness}");
    let ready = server.get("/readyz").await.json();
    assert_eq!(ready["ready"], json!(true));
    assert_eq!(ready["reasons"], json!([]));
    assert_eq!(ready["redis"], "none");
    assert!(ready["since"].is_string(), "{ready}");
    // Ticks are computed while nothing runs, too.
    assert!(ready["lagMs"].as_u64().unwrap() < 2_000, "{ready}");
    let cluster = server.get("/api/v1/cluster").await.json();
    assert!(cluster["lagMs"].is_u64(), "{cluster}");
}

#[tokio::test]
async fn a_task_that_has_ended_is_told_and_ends_the_server() {
    for name in ["engine", "clients", "publisher"] {
        let server = TestServer::start().await;
        assert!(server.health().abort(name));
        let failed = soon("the failure", server.health().failed()).await;
        assert_eq!(failed.name, name);
        for path in ["/healthz", "/readyz"] {
            let answer = server.get(path).await;
            assert_eq!(answer.status, 503, "{}", answer.text());
            let ended = (name.to_owned(), "ended".to_owned());
            assert!(states(&answer.json()).contains(&ended));
        }
        let answer = server.get("/readyz").await.json();
        let reasons = answer["reasons"].to_string();
        assert!(reasons.contains(name), "{reasons}");
        assert_eq!(server.get("/healthz").await.json()["status"], "failed");
    }
    // Without the loop that takes connections nobody can ask; the server ends all the same.
    let server = TestServer::start().await;
    assert!(server.health().abort("http"));
    assert_eq!(
        soon("the failure", server.health().failed()).await.name,
        "http"
    );
}

#[tokio::test]
async fn the_process_ends_with_an_error_when_a_task_does() {
    let server = TestServer::start().await.into_inner();
    let health = server.health().clone();
    let serving = tokio::spawn(app::serve_until(server, std::future::pending()));
    assert!(health.abort("engine"));
    let end = soon("the end of the server", serving).await.unwrap();
    let error = end.unwrap_err();
    assert!(matches!(error, ServeError::Task(_)), "{error}");
    assert_eq!(
        error.to_string(),
        "the task `engine` was aborted: the server cannot go on without it"
    );
}

/// Whatever becomes of the log, ticks go on and commands are taken. Returns how many lines were lost.
async fn serves_without_a_log(child: &mut Child, port: u16) -> u64 {
    let address = ([127, 0, 0, 1], port).into();
    let ready = Exchange::new("GET", "/readyz");
    eventually("the server is ready", async || {
        let stream = tokio::net::TcpStream::connect(address).await;
        stream.is_ok() && ready.send(address).await.status == 200
    })
    .await;
    for _ in 0..200 {
        for command in ["stop", "start"] {
            let target = format!("/api/v1/data/simulation/{command}");
            let answer = Exchange::new("POST", &target).send(address).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
        }
    }
    let run = Exchange::new("GET", "/api/v1/data/simulation");
    let tick = async || run.send(address).await.json()["tick"].as_u64().unwrap();
    let first = tick().await;
    eventually("ticks go on", async || tick().await > first + 5).await;
    let health = Exchange::new("GET", "/healthz").send(address).await;
    assert_eq!(health.status, 200, "{}", health.text());
    let lost = health.json()["logLinesLost"].as_u64().unwrap();
    assert_eq!(ready.send(address).await.status, 200);
    // It ends as ever.
    let id = child.id().unwrap().to_string();
    let mut kill = std::process::Command::new("kill");
    assert!(kill.args(["-s", "TERM", &id]).status().unwrap().success());
    let status = soon("the end of the process", child.wait()).await.unwrap();
    assert_eq!(status.code(), Some(0));
    lost
}

/// A port that is free at the moment.
fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[tokio::test]
async fn a_log_on_a_full_disk_costs_nothing() {
    let port = free_port();
    let full = || {
        Stdio::from(
            fs::OpenOptions::new()
                .write(true)
                .open("/dev/full")
                .unwrap(),
        )
    };
    let text = port.to_string();
    let mut command = Process::command(&[], &[("PORT", &text), ("HOST", "127.0.0.1")]);
    let mut child = command.stdout(full()).stderr(full()).spawn().unwrap();
    assert!(serves_without_a_log(&mut child, port).await >= 400);
}

#[tokio::test]
async fn a_log_whose_reader_has_ended_costs_nothing() {
    let port = free_port();
    let text = port.to_string();
    let (reader, writer) = std::io::pipe().unwrap();
    let mut command = Process::command(&[], &[("PORT", &text), ("HOST", "127.0.0.1")]);
    command.stderr(writer.try_clone().unwrap()).stdout(writer);
    let mut child = command.spawn().unwrap();
    drop(command);
    drop(reader);
    assert!(serves_without_a_log(&mut child, port).await >= 400);
}

/// The pipe is full and nobody reads it: whoever writes into it waits for ever.
#[tokio::test]
async fn a_log_whose_reader_stands_still_costs_nothing() {
    let port = free_port();
    let text = port.to_string();
    // 400 commands say more than the pipe's 64 KiB; what it does not take waits.
    let mut command = Process::command(&[], &[("PORT", &text), ("HOST", "127.0.0.1")]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let unread = child.stdout.take();
    serves_without_a_log(&mut child, port).await;
    drop(unread);
}

/// A case that is long in coming: the server listens meanwhile, and says what it does.
#[tokio::test]
async fn while_a_case_is_read_the_server_listens_and_says_so() {
    let folder = std::env::temp_dir().join(format!("gridcast-starting-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let case = folder.join("case.json");
    let made = std::process::Command::new("mkfifo").arg(&case).status();
    assert!(made.unwrap().success());
    let port = free_port();
    let (text, path) = (port.to_string(), case.display().to_string());
    let settings = [
        ("PORT", text.as_str()),
        ("HOST", "127.0.0.1"),
        ("CASE", &path),
        ("AUTOSTART", "1"),
        ("NO_COLOR", "1"),
    ];
    let mut command = Process::command(&[], &settings);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stdout.take().unwrap()).lines();
    // It says so by itself after some seconds.
    let line = soon("a line of the log", log.next_line()).await.unwrap();
    let line = line.unwrap();
    assert!(
        line.contains("not ready yet: reading and solving"),
        "{line}"
    );
    assert!(line.contains(&path), "{line}");
    let address = ([127, 0, 0, 1], port).into();
    let healthy = Exchange::new("GET", "/healthz").send(address).await;
    assert_eq!(healthy.status, 200);
    let ready = Exchange::new("GET", "/readyz").send(address).await;
    assert_eq!(ready.status, 503);
    let reasons = ready.json()["reasons"].to_string();
    assert!(reasons.contains("reading and solving"), "{reasons}");
    for target in ["/api/v1/data/simulation/status", "/socket.io/?EIO=4", "/"] {
        let answer = Exchange::new("GET", target).send(address).await;
        assert_eq!(answer.status, 503, "{target}");
        assert_eq!(answer.json()["statusCode"], json!(503));
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    }
    // Asked whether it is healthy it says the same.
    let ended = Process::run(&["healthcheck"], &[("PORT", &text)]).await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(
        ended.stderr.contains("reading and solving"),
        "{}",
        ended.stderr
    );
    let whole = include_str!("../cases/case9/case.json");
    let written = tokio::task::spawn_blocking(move || fs::write(case, whole));
    soon("the case to be read", written).await.unwrap().unwrap();
    let serving = async {
        loop {
            let line = log.next_line().await.unwrap().unwrap();
            if line.contains("listening on http://") {
                return;
            }
        }
    };
    soon("the server to serve", serving).await;
    let ready = Exchange::new("GET", "/readyz").send(address).await;
    assert_eq!(ready.status, 200, "{}", ready.text());
    let entities = Exchange::new("GET", "/api/v1/entities").send(address).await;
    assert!(entities.text().contains("BUS-009"), "{}", entities.text());
    fs::remove_dir_all(&folder).unwrap();
}
