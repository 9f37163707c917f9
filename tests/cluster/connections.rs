//! The ways to name a Redis: passwords, databases, prefixes, TLS.

use std::process::Command;

use crate::support::{Folder, Instance, Redis, agree, eventually, http};

const PASSWORD: &str = "p@ss/word";
const IN_URL: &str = "p%40ss%2Fword";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_and_a_database() {
    let redis = Redis::start_guarded(PASSWORD, None).await;
    let port = redis.port.to_string();
    let by_url = format!("redis://:{IN_URL}@127.0.0.1:{port}/0");
    let one = Instance::start(&by_url, &[]).await;
    one.ready().await;
    // The original's own names.
    let by_names = [
        ("REDIS_HOST", "localhost"),
        ("REDIS_PORT", &port),
        ("REDIS_PASSWORD", PASSWORD),
    ];
    let other = Instance::start("", &by_names).await;
    other.ready().await;
    assert_eq!(one.command("start").await, 200);
    agree(&[&one, &other]).await;

    // Another database and another prefix are other services.
    let elsewhere = format!("redis://:{IN_URL}@127.0.0.1:{port}/3");
    let stranger = Instance::start(&elsewhere, &[]).await;
    let namesake = Instance::start(&by_url, &[("REDIS_PREFIX", "other")]).await;
    for instance in [&stranger, &namesake] {
        instance.ready().await;
        let status = instance.get("/api/v1/data/simulation/status").await;
        assert_eq!(status["grid"]["isRunning"], serde_json::json!(false));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_named() {
    let redis = Redis::start_guarded(PASSWORD, None).await;
    let url = format!("redis://:wrong@127.0.0.1:{}", redis.port);
    let instance = Instance::start(&url, &[]).await;
    eventually("it says what is wrong", async || {
        let (status, body) = http::get(instance.address, "/readyz").await.unwrap();
        let told = body["reasons"][0]
            .as_str()?
            .to_lowercase()
            .contains("password");
        (status == 503 && told).then_some(())
    })
    .await;
    assert!(
        !instance.log().contains("wrong@"),
        "passwords are not logged"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_with_a_certificate_of_ones_own() {
    let folder = Folder::new();
    let file = |name: &str| folder.0.join(name);
    let mut openssl = Command::new("openssl");
    openssl.args("req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost".split(' '));
    openssl.args(["-addext", "subjectAltName=DNS:localhost"]);
    openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
    openssl.arg("-keyout").arg(file("key.pem"));
    openssl.arg("-out").arg(file("cert.pem"));
    assert!(openssl.output().unwrap().status.success());
    let redis = Redis::start_guarded(PASSWORD, Some(&folder)).await;
    let url = format!("rediss://:{IN_URL}@localhost:{}", redis.port);
    let trusted = file("cert.pem");
    let trusting = [("SSL_CERT_FILE", trusted.to_str().unwrap())];
    let one = Instance::start(&url, &trusting).await;
    let other = Instance::start(&url, &trusting).await;
    one.ready().await;
    other.ready().await;
    assert_eq!(one.command("start").await, 200);
    agree(&[&one, &other]).await;

    let wary = Instance::start(&url, &[]).await;
    eventually("it does not trust the certificate", async || {
        let (status, body) = http::get(wary.address, "/readyz").await.unwrap();
        let told = body["reasons"][0].as_str()?.contains("certificate");
        (status == 503 && told).then_some(())
    })
    .await;
}
