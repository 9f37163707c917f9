//! One HTTP request on a connection of its own, written byte by byte.

use std::net::SocketAddr;

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::soon;

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Exchange {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Exchange {
    pub(crate) fn new(method: &str, target: &str) -> Self {
        Self {
            method: method.into(),
            target: target.into(),
            headers: Vec::new(),
            body: None,
        }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Some(body.into());
        self
    }

    pub(crate) async fn send(&self, address: SocketAddr) -> Response {
        let what = format!("the answer to {} {}", self.method, self.target);
        soon(&what, self.exchange(address)).await
    }

    async fn exchange(&self, address: SocketAddr) -> Response {
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut reader, mut writer) = stream.into_split();
        let head = self.head(address);
        let body = self.body.clone().unwrap_or_default();
        // The server may answer before it has read everything, so both go on at once.
        let write = async {
            writer.write_all(head.as_bytes()).await?;
            writer.write_all(&body).await
        };
        let mut bytes = Vec::new();
        let (_, read) = tokio::join!(write, reader.read_to_end(&mut bytes));
        if bytes.is_empty() {
            read.unwrap();
        }
        Response::parse(&bytes, self.method == "HEAD")
    }

    /// The request's head; the connection ends after the answer.
    pub(crate) fn head(&self, address: SocketAddr) -> String {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n",
            self.method, self.target
        );
        for (name, value) in &self.headers {
            head.extend([name.as_str(), ": ", value.as_str(), "\r\n"]);
        }
        if let Some(body) = &self.body {
            head.extend(["content-length: ", &body.len().to_string(), "\r\n"]);
        }
        head + "\r\n"
    }
}

impl Response {
    fn parse(bytes: &[u8], head_only: bool) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| {
            panic!("no HTTP answer: {:?}", String::from_utf8_lossy(bytes));
        });
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1));
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        let mut response = Self {
            status: status.unwrap().parse().unwrap(),
            headers: lines.filter_map(header).collect(),
            body: bytes[end + 4..].to_vec(),
        };
        if response.header("transfer-encoding") == Some("chunked") {
            response.body = unchunked(&response.body);
        }
        if let (Some(length), false) = (response.header("content-length"), head_only) {
            assert_eq!(length, response.body.len().to_string(), "a cut answer");
        }
        response
    }

    /// The value of a header that must not be given twice.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(given, _)| given == name);
        let value = values.next().map(|(_, value)| value.as_str());
        assert!(values.next().is_none(), "{name} is given twice");
        value
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// Checks status and JSON body.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16, body: &Value) {
        assert_eq!((self.status, &self.json()), (status, body));
        assert_eq!(
            self.header("content-type"),
            Some("application/json; charset=utf-8")
        );
    }

    /// Checks for a refusal in the usual shape, and returns its message.
    #[track_caller]
    pub(crate) fn refusal(&self, status: u16, error: &str) -> String {
        let body = self.json();
        let message = body["message"].as_str().unwrap_or_default().to_owned();
        let expected =
            serde_json::json!({"message": message, "error": error, "statusCode": status});
        self.expect(status, &expected);
        message
    }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let line = rest.windows(2).position(|two| two == b"\r\n").unwrap();
        let size = String::from_utf8_lossy(&rest[..line]).into_owned();
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        if size == 0 {
            return body;
        }
        body.extend_from_slice(&rest[line + 2..line + 2 + size]);
        rest = &rest[line + 4 + size..];
    }
}
