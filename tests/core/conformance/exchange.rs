//! Recorded exchanges, and the plainest HTTP client that can repeat them byte for byte.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A request and the answer it once got.
pub(super) struct Exchange {
    request: String,
    pub(super) answer: Answer,
}

pub(super) struct Answer {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Reads an answer whose lines end with `end`.
    fn parse(text: &str, end: &str) -> Result<Self> {
        let blank = end.repeat(2);
        let (head, body) = text.split_once(&blank).unwrap_or((text.trim_end(), ""));
        let mut lines = head.split(end);
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).context("a status")?;
        let headers = lines
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Ok(Self { status: status.parse()?, headers, body: body.to_owned() })
    }
}

impl Exchange {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let (request, answer) = text.split_once("--- response\n").context("a response")?;
        let (head, body) = request.split_once("\n\n").context("a request head")?;
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: "))
            .map_or(Ok(0), str::parse::<usize>)?;
        let body = body.get(..length).context("the whole request body")?;
        let request = format!("{}\r\n\r\n{body}", head.replace('\n', "\r\n"));
        Ok(Self { request, answer: Answer::parse(answer, "\n")? })
    }

    pub(super) async fn send(&self, to: SocketAddr) -> Result<Answer> {
        send(to, &self.request).await
    }
}

/// Posts JSON and reads the answer to the end of the connection.
pub(super) async fn post(to: SocketAddr, path: &str, json: &str) -> Result<Answer> {
    send(to, &posting(to, path, json)).await
}

pub(super) fn posting(to: SocketAddr, path: &str, json: &str) -> String {
    let length = json.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{json}"
    )
}

pub(super) async fn get(to: SocketAddr, path: &str) -> Result<Answer> {
    send(to, &format!("GET {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n\r\n")).await
}

async fn send(to: SocketAddr, request: &str) -> Result<Answer> {
    let mut stream = TcpStream::connect(to).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    let text = String::from_utf8_lossy(&bytes);
    ensure!(text.contains("\r\n\r\n"), "the answer was cut off in its head");
    let mut answer = Answer::parse(&text, "\r\n")?;
    // An end in the middle is an error here too, whether the system calls it a reset or a close.
    let announced = answer.header("content-length").and_then(|length| length.parse().ok());
    let whole = announced.is_none_or(|length: usize| answer.body.len() >= length);
    ensure!(whole || request.starts_with("HEAD "), "the answer was cut off in its body");
    if answer.header("transfer-encoding") == Some("chunked") {
        answer.body = unchunk(&answer.body);
    }
    Ok(answer)
}

/// Joins the chunks that arrived, also of a body that was cut off.
fn unchunk(mut body: &str) -> String {
    let mut joined = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        let Some(chunk) = rest.get(..size).filter(|chunk| !chunk.is_empty()) else { break };
        joined.push_str(chunk);
        body = rest.get(size + 2..).unwrap_or_default();
    }
    joined
}
