//! Where a registry sends those who ask, and what is wrong on the way.

use corral_contract::{
    ErrorCode,
    registries::{Login, RegistryDraft, call},
};
use corral_testbed::{
    registry::{Handover, Trouble},
    tls::TlsFront,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::{Lab, MB, mirror, plain, registry};

/// A server that answers every connection with this and closes it.
async fn saying(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 2048];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    address.to_string()
}

fn with_token(host: &str) -> RegistryDraft {
    RegistryDraft { login: Login::Bearer, secret: Some("hf_abc".to_owned()), ..plain(host) }
}

// criterion: 2.6
#[tokio::test]
async fn every_kind_of_redirect_is_followed_without_what_let_us_in() {
    for status in [301, 302, 307, 308] {
        let (lab, (here, content, _)) = (Lab::new().await, registry(11, MB).await);
        let (there, ..) = registry(11, MB).await;
        let host = here.host();
        lab.save(with_token(&host)).await;
        here.handover(Handover::To(status, here.cdn_url()));
        here.redirect_manifests(Some((status, &there.url().replace("127.0.0.1", "localhost"))));
        lab.manifest(&host).await.expect("the manifest is elsewhere");
        let bytes = lab.bytes(&host, &content).await.expect("the bytes are elsewhere");
        assert_eq!(bytes, content.piece(10, 20), "{status}");
        assert!(there.asked().iter().all(|each| !each.authorized), "{status}");
        assert!(here.asked().iter().all(|each| each.authorized != each.cdn), "{status}");
    }
}

// criterion: 2.6
#[tokio::test]
async fn a_loop_has_an_end() {
    let (lab, (registry, content, _)) = (Lab::new().await, registry(12, MB).await);
    let host = registry.host();
    lab.save(plain(&host)).await;
    registry.redirect_manifests(Some((302, &registry.url())));
    assert_eq!(lab.manifest(&host).await.expect_err("a loop").code, ErrorCode::RedirectLoop);
    let round = saying("HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n").await;
    registry.handover(Handover::To(302, format!("http://{round}")));
    let failed = lab.bytes(&host, &content).await.expect_err("a loop");
    assert_eq!(failed.code, ErrorCode::RedirectLoop);
}

// criterion: 2.6
// criterion: 11.3
#[tokio::test(flavor = "multi_thread")]
async fn no_way_leads_out_of_the_encryption() {
    let (lab, (registry, content, _)) = (Lab::new().await, registry(13, MB).await);
    let front = TlsFront::start(registry.address(), &["localhost"]).await.expect("a front");
    let host = format!("localhost:{}", front.port());
    let draft = RegistryDraft {
        custom_ca: Some(front.authority().to_owned()),
        plain_http: false,
        ..plain(&host)
    };
    lab.save(draft).await;
    lab.manifest(&host).await.expect("its authority is trusted");
    let failed = lab.bytes(&host, &content).await.expect_err("the CDN speaks http");
    assert_eq!(failed.code, ErrorCode::RedirectBlocked);
    let failed = lab.fails(&host, &content).await;
    assert_eq!(failed.error.code, ErrorCode::RedirectBlocked);
    assert_eq!(registry.sent(&content.digest), 0);
}

// criterion: 2.6
// criterion: 11.3
#[tokio::test(flavor = "multi_thread")]
async fn a_cdn_that_is_not_who_it_says_brings_nothing() {
    let (registry, content, _) = registry(14, MB).await;
    let host = registry.host();
    let to = registry.cdn_address();
    for (what, front, trusted) in [
        ("unknown", TlsFront::start(to, &["localhost"]).await, false),
        ("expired", TlsFront::start_until(to, &["localhost"], Some(2020)).await, true),
        ("for another host", TlsFront::start(to, &["cdn.example"]).await, true),
    ] {
        let (lab, front) = (Lab::new().await, front.expect("a front"));
        registry.handover(Handover::To(307, format!("https://localhost:{}", front.port())));
        let custom_ca = trusted.then(|| front.authority().to_owned());
        lab.save(RegistryDraft { custom_ca, ..plain(&host) }).await;
        let failed = lab.bytes(&host, &content).await.expect_err(what);
        assert_eq!(failed.code, ErrorCode::RegistryUnreachable, "{what}");
        assert_eq!(failed.params["why"], "TLS_FAILED", "{what}");
        let detail = failed.detail.unwrap_or_default();
        assert!(!detail.contains("signature"), "no signed address: {detail}");
    }
    let (lab, front) = (Lab::new().await, TlsFront::start(to, &["localhost"]).await);
    let front = front.expect("a front");
    registry.handover(Handover::To(307, format!("https://localhost:{}", front.port())));
    let custom_ca = Some(front.authority().to_owned());
    lab.save(RegistryDraft { custom_ca, ..plain(&host) }).await;
    assert!(lab.view(&host).await.has_custom_ca);
    let share = lab.begin(&host, &content);
    lab.brings(share, &content).await;
}

// criterion: 2.6
#[tokio::test]
async fn a_host_that_nobody_knows_is_said_so() {
    let lab = Lab::new().await;
    let failed = lab.manifest("no-such-host.invalid").await.expect_err("it does not exist");
    assert_eq!(failed.code, ErrorCode::RegistryUnreachable);
    assert_eq!(failed.params["why"], "DNS_FAILED");
    assert_eq!(failed.params["host"], "no-such-host.invalid");
}

// criterion: 2.6
#[tokio::test]
async fn a_page_for_people_is_no_registry() {
    let lab = Lab::new().await;
    let portal = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 31\r\n\r\n\
                  <html>Please log in</html>     ";
    let hotel = saying(portal).await;
    let draft = RegistryDraft {
        mirrors: vec![mirror(format!("http://{hotel}"))],
        mirrors_only: true,
        ..plain(super::ELSEWHERE)
    };
    let report = lab.bench.ask::<call::Test>(draft.clone()).await.expect("a report");
    let problem = report.items[0].problem.clone().expect("it is none");
    assert_eq!(problem.code, ErrorCode::RegistryIncompatible);
    lab.save(draft).await;
    let failed = lab.manifest(super::ELSEWHERE).await.expect_err("no manifest");
    assert_eq!(failed.code, ErrorCode::RegistryIncompatible);
}

// criterion: 2.6
// criterion: 11.3
#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_expires_in_mid_flight_is_asked_for_again() {
    let (lab, (registry, content, _)) = (Lab::new().await, registry(15, 30 * MB).await);
    let host = registry.host();
    lab.save(plain(&host)).await;
    registry.script([Trouble::LapseAfter(MB / 2)]);
    let share = lab.begin(&host, &content);
    lab.brings(share, &content).await;
    let asked = registry.asked();
    let places = asked.iter().filter(|each| !each.cdn).count();
    assert!(places >= 2, "asked {places} times where it is");
    assert!(registry.sent(&content.digest) < 2 * content.size, "what had come was kept");
}
