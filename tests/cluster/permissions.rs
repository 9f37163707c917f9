//! Users of Redis who may not do all: what lacks is named, and passwords are not.

use gridcast::cluster::redis::connection::COMMANDS;
use serde_json::Value;

use crate::support::{Instance, Redis, eventually, http};

const PASSWORD: &str = "s3cret-word";
const MESSAGE: &str = r#"{"type": "info", "title": "T", "message": "M"}"#;

/// Makes a user of these rules, and returns the URL by which an instance is it.
async fn user(redis: &Redis, name: &str, rules: &[&str]) -> String {
    let mut connection = redis.connect().await.unwrap();
    let mut command = redis::cmd("ACL");
    command.arg("SETUSER").arg(name).arg("on");
    command.arg(format!(">{PASSWORD}"));
    for rule in rules {
        command.arg(rule);
    }
    command.exec_async(&mut connection).await.unwrap();
    let address = redis.url();
    let address = address.strip_prefix("redis://").unwrap();
    format!("redis://{name}:{PASSWORD}@{address}")
}

/// The rules that the README gives for a user.
fn documented() -> Vec<&'static str> {
    let readme = include_str!("../../README.md");
    let (_, rest) = readme
        .split_once("ACL SETUSER gridcast on >PASSWORD ")
        .unwrap();
    let (rules, _) = rest.split_once("\n\n").unwrap();
    rules
        .split_whitespace()
        .filter(|word| *word != "\\")
        .collect()
}

/// Waits until `/readyz` names `lacking`, and returns its status and body.
async fn named(instance: &Instance, lacking: &str) -> (u16, Value) {
    eventually(lacking, async || {
        let (status, body) = http::get(instance.address, "/readyz").await.ok()?;
        let reasons = body["reasons"].to_string();
        (reasons.contains("NOPERM") && reasons.contains(lacking)).then_some((status, body))
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_permissions_in_the_readme_are_enough_and_are_those_in_the_code() {
    let rules = documented();
    let mut expected = vec!["~gridcast:*", "&gridcast:*"];
    expected.extend(COMMANDS.split_whitespace());
    assert_eq!(rules, expected);
    let redis = Redis::start().await;
    let url = user(&redis, "gridcast", &rules).await;
    let one = Instance::start(&url, &[]).await;
    let other = Instance::start(&url, &[]).await;
    for instance in [&one, &other] {
        instance.ready().await;
    }
    assert_eq!(one.command("start").await, 200);
    eventually("a message passes", async || {
        let (status, _) = one.post("/api/v1/notifications", MESSAGE).await;
        (status == 202).then_some(())
    })
    .await;
    // Long enough for a snapshot to be put.
    crate::support::agree(&[&one, &other]).await;
    crate::support::pass(&[&one, &other], 100).await;
    for instance in [&one, &other] {
        let (status, body) = http::get(instance.address, "/readyz").await.unwrap();
        assert_eq!((status, &body["reasons"]), (200, &serde_json::json!([])));
        let view = instance.cluster().await;
        assert_eq!(view.get("lacksPermission"), None);
        assert!(!instance.log().contains("NOPERM"), "{}", instance.log());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_without_channels_is_named_and_no_message_gets_lost_unsaid() {
    let redis = Redis::start().await;
    let url = user(&redis, "mute", &["~*", "+@all"]).await;
    let mute = Instance::start(&url, &[]).await;
    let whole = Instance::start(&redis.url(), &[]).await;
    let (status, body) = named(&mute, "&gridcast:*").await;
    // Its clients get all that is streamed.
    eventually("it is ready nevertheless", async || {
        mute.is_ready().await.then_some(())
    })
    .await;
    assert!([200, 503].contains(&status), "{body}");
    whole.ready().await;
    let view = mute.cluster().await;
    assert_eq!(view["redis"], "connected");
    let lacking = view["lacksPermission"].as_str().unwrap();
    for part in ["mute", "NOPERM", "channel", "ACL SETUSER mute &gridcast:*"] {
        assert!(lacking.contains(part), "{lacking}");
        assert!(mute.log().contains(part), "{}", mute.log());
    }
    assert!(!mute.log().contains(PASSWORD));
    eventually("the others know", async || {
        let view = whole.cluster().await;
        let told = view["peers"][0]["lacksPermission"].as_str()?;
        told.contains("NOPERM").then_some(())
    })
    .await;
    for instance in [&mute, &whole] {
        let (status, body) = instance.post("/api/v1/notifications", MESSAGE).await;
        assert_eq!(status, 503, "{body}");
        let message = body["message"].as_str().unwrap();
        assert!(message.contains("NOPERM"), "{message}");
    }

    // It goes on by itself when it may.
    user(&redis, "mute", &["&gridcast:*"]).await;
    eventually("it may", async || {
        let (status, body) = http::get(mute.address, "/readyz").await.ok()?;
        (status == 200 && body["reasons"] == serde_json::json!([])).then_some(())
    })
    .await;
    eventually("messages pass", async || {
        let (one, _) = mute.post("/api/v1/notifications", MESSAGE).await;
        let (other, _) = whole.post("/api/v1/notifications", MESSAGE).await;
        (one == 202 && other == 202).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_lacks_is_named() {
    let redis = Redis::start().await;
    let whole = Instance::start(&redis.url(), &[]).await;
    whole.ready().await;
    let without = |rule: &'static str| ["~*", "&*", "+@all", rule];
    for (name, rules, lacking) in [
        ("a", &without("-xread")[..], "+xread"),
        ("b", &without("-evalsha")[..], "+evalsha"),
        ("c", &without("-hset")[..], "+hset"),
        ("d", &["~elsewhere:*", "&*", "+@all"][..], "~gridcast:*"),
        ("e", &without("-publish")[..], "+publish"),
    ] {
        let url = user(&redis, name, rules).await;
        let instance = Instance::start(&url, &[]).await;
        // Redis 7.0 does not say which command of a script it refuses, and gives no code.
        let reasons = eventually(lacking, async || {
            let (_, body) = http::get(instance.address, "/readyz").await.ok()?;
            let reasons = body["reasons"].to_string();
            reasons.contains(lacking).then_some(reasons)
        })
        .await;
        assert!(reasons.contains("refuses the user"), "{reasons}");
        assert!(!reasons.contains("does not answer"), "{reasons}");
        let (status, body) = instance.post("/api/v1/notifications", MESSAGE).await;
        let message = body["message"].to_string();
        assert_eq!(status, 503, "{message}");
        assert!(message.contains("refuses the user"), "{message}");
        assert!(instance.log().contains(lacking), "{}", instance.log());
        // Only whoever cannot hear messages keeps others from sending them.
        let wanted = if lacking == "+publish" { 503 } else { 202 };
        eventually("the others know", async || {
            let (status, _) = whole.post("/api/v1/notifications", MESSAGE).await;
            (status == wanted).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_password_is_in_the_log_whatever_goes_wrong() {
    // The second does not know the greeting, and repeats its arguments.
    for extra in [&[][..], &["--rename-command", "HELLO", ""][..]] {
        let redis = Redis::start_with(extra).await;
        let address = format!("127.0.0.1:{}", redis.port);
        let url = format!("redis://somebody:{PASSWORD}@{address}");
        let instance = Instance::start(&url, &[("RUST_LOG", "trace")]).await;
        let told = eventually("it says what is wrong", async || {
            let (_, body) = http::get(instance.address, "/readyz").await.ok()?;
            let told = body["reasons"].to_string();
            told.contains(&address).then_some(told)
        })
        .await;
        let (_, refused) = instance.post("/api/v1/notifications", MESSAGE).await;
        let view = instance.cluster().await;
        let said = format!("{told}{refused}{view}{}", instance.log());
        assert!(!said.contains(PASSWORD), "{said}");
    }
}
