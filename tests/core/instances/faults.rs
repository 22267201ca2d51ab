//! Every way in which a network or a server goes wrong, told apart.

use std::time::Duration;

use corral_contract::{ErrorCode, WireError};
use corral_core::ollama::{ANSWER_LIMIT, EmbeddingModel, HttpOllama, LINE_LIMIT, OllamaApi};
use corral_testbed::{
    FakeOllama,
    ollama::{Fault, library},
    tls::TlsFront,
};
use futures_util::StreamExt;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use url::Url;

use super::{client, fake};

async fn version_of(fault: Fault) -> WireError {
    let fake = fake().await;
    fake.fault("/api/version", fault);
    client(&fake.url()).version().await.expect_err("a fault")
}

async fn tags_of(fault: Fault) -> WireError {
    let fake = fake().await;
    fake.fault("/api/tags", fault);
    client(&fake.url()).tags().await.expect_err("a fault")
}

/// The last thing that a pull says.
async fn end_of_pull(fake: &FakeOllama) -> Result<String, WireError> {
    let mut lines = client(&fake.url()).pull("llama3.2:3b", false).await?;
    let mut last = Ok("nothing".to_owned());
    while let Some(line) = lines.next().await {
        last = line.map(|line| line.status);
    }
    last
}

/// A server that answers every connection with these bytes and closes it.
async fn saying(bytes: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(bytes).await;
            let _ = stream.shutdown().await;
        }
    });
    format!("http://{address}")
}

#[tokio::test]
async fn a_server_that_is_gone_refuses() {
    let mut fake = fake().await;
    fake.stop().await;
    let error = client(&fake.url()).version().await.expect_err("gone");
    assert_eq!(error.code, ErrorCode::ConnectionRefused);
    assert!(error.detail.is_some_and(|detail| !detail.contains(&fake.url())), "no address");
}

#[tokio::test]
async fn a_slow_server_times_out() {
    let fake = fake().await;
    fake.fault("/api/version", Fault::Hang);
    let client = client(&fake.url()).short_limit(Duration::from_millis(200));
    let error = client.version().await.expect_err("no answer");
    assert_eq!(error.code, ErrorCode::TimedOut);
}

#[tokio::test]
async fn errors_of_the_server_keep_their_text() {
    let error = version_of(Fault::Status(500, "out of cheese".to_owned())).await;
    assert_eq!(error.code, ErrorCode::ServerFault);
    assert_eq!(error.detail.as_deref(), Some("out of cheese"));
    assert_eq!(error.params.get("status").map(String::as_str), Some("500"));
}

#[tokio::test]
async fn a_proxy_without_server_behind_it_is_a_server_fault() {
    let bad_gateway = |status| Fault::Foreign {
        status,
        content_type: "text/html".to_owned(),
        body: "<html><h1>Bad Gateway</h1></html>".to_owned(),
    };
    assert_eq!(version_of(bad_gateway(502)).await.code, ErrorCode::ServerFault);
    assert_eq!(version_of(bad_gateway(504)).await.code, ErrorCode::TimedOut);
}

// criterion: 0.2
#[tokio::test]
async fn a_page_for_people_is_not_ollama() {
    assert_eq!(version_of(Fault::Html).await.code, ErrorCode::NotOllama);
    assert_eq!(tags_of(Fault::Html).await.code, ErrorCode::NotOllama);
    let fake = fake().await;
    fake.fault("/api/pull", Fault::Html);
    let error = end_of_pull(&fake).await.expect_err("a page");
    assert_eq!(error.code, ErrorCode::NotOllama);
}

#[tokio::test]
async fn json_that_ends_in_the_middle_is_a_bad_answer() {
    assert_eq!(tags_of(Fault::TruncatedJson).await.code, ErrorCode::BadAnswer);
}

#[tokio::test]
async fn an_answer_cut_off_is_a_lost_connection() {
    assert_eq!(tags_of(Fault::CutBody).await.code, ErrorCode::ConnectionLost);
    assert_eq!(tags_of(Fault::Reset).await.code, ErrorCode::ConnectionLost);
}

#[tokio::test]
async fn an_answer_of_100_mb_is_refused() {
    let error = tags_of(Fault::HugeBody(100_000_000)).await;
    assert_eq!(error.code, ErrorCode::AnswerTooLarge);
    assert_eq!(error.params.get("limit"), Some(&ANSWER_LIMIT.to_string()));
}

#[tokio::test]
async fn an_announced_giant_is_refused_before_it_comes() {
    let url = saying(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n{").await;
    let error = client(&url).tags().await.expect_err("too large");
    assert_eq!(error.code, ErrorCode::AnswerTooLarge);
}

#[tokio::test]
async fn a_stream_without_end_of_line_is_refused() {
    let fake = fake().await;
    fake.fault("/api/pull", Fault::EndlessLine);
    let error = end_of_pull(&fake).await.expect_err("a fault");
    assert_eq!(error.code, ErrorCode::AnswerTooLarge);
    assert_eq!(error.params.get("limit"), Some(&LINE_LIMIT.to_string()));
}

#[tokio::test]
async fn an_error_inside_a_good_stream_is_an_error() {
    let fake = fake().await;
    let text = "max retries exceeded: write x: no space left on device".to_owned();
    fake.fault("/api/pull", Fault::ErrorInStream { text: text.clone(), at: 0.5 });
    let error = end_of_pull(&fake).await.expect_err("a fault");
    assert_eq!((error.code, error.detail), (ErrorCode::DiskFull, Some(text)));
}

#[tokio::test]
async fn a_stream_that_just_ends_is_a_lost_connection() {
    for fault in [Fault::EndEarly { at: 0.5 }, Fault::CloseMidPull { at: 0.5 }] {
        let fake = fake().await;
        fake.fault("/api/pull", fault.clone());
        let error = end_of_pull(&fake).await.expect_err("a fault");
        assert_eq!(error.code, ErrorCode::ConnectionLost, "{fault:?}");
    }
}

#[tokio::test]
async fn a_last_line_needs_no_end() {
    let url = saying(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n\r\n\
          {\"status\":\"pulling manifest\"}\n{\"status\":\"success\"}",
    )
    .await;
    let lines = client(&url).pull("a", false).await.expect("a stream");
    let lines: Vec<_> = lines.collect().await;
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1].as_ref().map(|line| line.status.as_str()), Ok("success"));
}

#[tokio::test]
async fn half_a_last_line_is_a_lost_connection() {
    let url = saying(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n\r\n\
          {\"status\":\"pulling manifest\"}\n{\"status\":\"succ",
    )
    .await;
    let lines = client(&url).pull("a", false).await.expect("a stream");
    let lines: Vec<_> = lines.collect().await;
    let last = lines.last().and_then(|line| line.as_ref().err()).expect("an error");
    assert_eq!(last.code, ErrorCode::ConnectionLost);
}

#[tokio::test]
async fn a_redirect_loop_is_named() {
    assert_eq!(version_of(Fault::RedirectLoop).await.code, ErrorCode::RedirectLoop);
}

#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed() {
    let url = saying(
        b"HTTP/1.1 302 Found\r\nlocation: http://elsewhere.invalid/\r\ncontent-length: 0\r\n\r\n",
    )
    .await;
    let error = client(&url).version().await.expect_err("a redirect");
    assert_eq!(error.code, ErrorCode::NotOllama);
}

// criterion: 0.2
#[tokio::test]
async fn tls_with_a_server_that_speaks_none_fails_as_tls() {
    let fake = fake().await;
    let error = client(&fake.url().replace("http:", "https:")).version().await;
    assert_eq!(error.expect_err("no TLS").code, ErrorCode::TlsFailed);
}

#[tokio::test]
async fn a_name_that_no_dns_knows_is_named() {
    // Longer than a label may be: refused without asking a network.
    let url = format!("http://{}.invalid:11434", "a".repeat(64));
    let error = client(&url).version().await.expect_err("no such host");
    assert_eq!(error.code, ErrorCode::DnsFailed);
}

// criterion: 0.2
#[tokio::test]
async fn a_proxy_that_wants_a_password_is_told_from_ollama() {
    let fake = fake().await;
    fake.require_authorization(Some("Bearer key"));
    let error = client(&fake.url()).version().await.expect_err("refused");
    assert_eq!(error.code, ErrorCode::AccessRefused);
    let url = url::Url::parse(&fake.url()).expect("an address");
    let headers = [("Authorization".to_owned(), "Bearer key".to_owned())];
    let client = HttpOllama::new(&url, &headers, None).expect("a client");
    assert_eq!(client.version().await.as_deref(), Ok("0.33.0"));
}

// criterion: 0.2
#[tokio::test]
async fn another_service_on_the_port_is_not_ollama() {
    for answer in [
        &b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"[..],
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 404 Not Found\r\ncontent-length: 9\r\n\r\nnot here\n",
        b"HTTP/1.1 404 Not Found\r\ncontent-length: 18\r\n\r\n404 page not found",
        b"SSH-2.0-OpenSSH_9.6\r\n",
    ] {
        let url = saying(answer).await;
        let error = client(&url).version().await.expect_err("another service");
        assert_eq!(error.code, ErrorCode::NotOllama, "{}", String::from_utf8_lossy(answer));
    }
}

#[tokio::test]
async fn a_missing_route_means_an_old_server() {
    let fake = fake().await;
    fake.fault(
        "/api/ps",
        Fault::Foreign {
            status: 404,
            content_type: "text/plain".to_owned(),
            body: "404 page not found".to_owned(),
        },
    );
    let error = client(&fake.url()).ps().await.expect_err("no such route");
    assert_eq!(error.code, ErrorCode::TooOld);
}

#[tokio::test]
async fn a_load_that_fails_says_why() {
    let fake = FakeOllama::builder().models([library::pick("llama3.2:3b")]).start().await;
    let fake = fake.expect("a fake server");
    let text = "model requires more system memory (8.0 GiB) than is available (3.5 GiB)";
    fake.fault("/api/generate", Fault::Status(500, text.to_owned()));
    let client = client(&fake.url());
    let error = client.load("llama3.2:3b", &Default::default(), EmbeddingModel::No).await;
    assert_eq!(error.expect_err("no memory").code, ErrorCode::OutOfMemory);
}

/// Certificates of authorities that only this user trusts, and those that he does not.
#[tokio::test]
async fn an_own_authority_is_trusted_for_its_names_and_no_other_is() {
    let fake = fake().await;
    let front = TlsFront::start(fake.address(), &["localhost"]).await.expect("a TLS front");
    let url = |host: &str| Url::parse(&format!("https://{host}:{}", front.port())).expect("a URL");
    let trusting =
        |host: &str| HttpOllama::new(&url(host), &[], Some(front.authority())).expect("a client");
    trusting("localhost").version().await.expect("its own authority vouches for it");

    let wrong_name = trusting("127.0.0.1").version().await.expect_err("a name it is not made for");
    assert_eq!(wrong_name.code, ErrorCode::TlsFailed);
    let other = TlsFront::start(fake.address(), &["localhost"]).await.expect("a TLS front");
    for authority in [None, Some(other.authority())] {
        let client = HttpOllama::new(&url("localhost"), &[], authority).expect("a client");
        let refused = client.version().await.expect_err("nobody vouches for it");
        assert_eq!(refused.code, ErrorCode::TlsFailed);
    }
}
