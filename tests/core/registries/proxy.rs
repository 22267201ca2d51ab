//! The proxy of the user's choice.

use corral_contract::{
    ErrorCode,
    registries::{ProxyDraft, ProxyMode, RegistryDraft, call},
};
use corral_testbed::{FakeRegistry, registry::Handover, tls::TlsFront, tunnel::Tunnel};

use super::{ELSEWHERE, Lab, MB, plain, registry};

async fn set(lab: &Lab, address: String, login: Option<(&str, &str)>) {
    let draft = ProxyDraft {
        mode: ProxyMode::Own,
        address,
        user: login.map(|(user, _)| user.to_owned()).unwrap_or_default(),
        secret: login.map(|(_, password)| password.to_owned()),
    };
    lab.bench.ask::<call::SetProxy>(draft).await.expect("it is set");
}

async fn behind(registry: &FakeRegistry) -> Tunnel {
    // A CDN on this machine would be refused to a registry that is not.
    registry.handover(Handover::Direct);
    Tunnel::start(registry.address()).await.expect("a proxy")
}

// criterion: 2.6
#[tokio::test]
async fn http_and_socks_proxies_are_used_with_their_login() {
    let (registry, content, _) = registry(31, MB).await;
    let tunnel = behind(&registry).await;
    for (scheme, wanted, socks) in
        [("http", "Basic bWU6cHcgMQ==", false), ("socks5h", "me:pw 1", true)]
    {
        let lab = Lab::new().await;
        lab.save(plain(ELSEWHERE)).await;
        tunnel.want(Some(wanted));
        set(&lab, format!("{scheme}://{}", tunnel.address()), Some(("me", "pw 1"))).await;
        lab.manifest(ELSEWHERE).await.expect(scheme);
        lab.bytes(ELSEWHERE, &content).await.expect(scheme);
        let wish = tunnel.wishes().pop().expect("it was asked");
        assert_eq!((wish.socks, wish.shown.as_deref()), (socks, Some(wanted)), "{scheme}");
        assert!(wish.target.contains(ELSEWHERE), "names are looked up there: {}", wish.target);
        let view = lab.list().await.proxy;
        assert!(view.has_password && !format!("{view:?}").contains("pw 1"));

        set(&lab, format!("{scheme}://{}", tunnel.address()), Some(("me", "wrong"))).await;
        let failed = lab.manifest(ELSEWHERE).await.expect_err("a wrong password");
        assert_eq!(failed.code, ErrorCode::ProxyFailed, "{scheme}: {failed:?}");
    }
    let to_registry = registry.asked().into_iter().any(|each| each.authorized);
    assert!(!to_registry, "the proxy's password is the proxy's");
}

// criterion: 2.6
#[tokio::test]
async fn through_a_proxy_the_registry_still_proves_who_it_is() {
    let (registry, ..) = registry(32, MB).await;
    registry.handover(Handover::Direct);
    let front = TlsFront::start(registry.address(), &[ELSEWHERE]).await.expect("a front");
    let to = ([127, 0, 0, 1], front.port()).into();
    let tunnel = Tunnel::start(to).await.expect("a proxy");
    let lab = Lab::new().await;
    set(&lab, format!("http://{}", tunnel.address()), None).await;
    let failed = lab.manifest(ELSEWHERE).await.expect_err("not trusted");
    assert_eq!(failed.params["why"], "TLS_FAILED", "{failed:?}");
    let draft = RegistryDraft {
        custom_ca: Some(front.authority().to_owned()),
        plain_http: false,
        ..plain(ELSEWHERE)
    };
    lab.save(draft).await;
    lab.manifest(ELSEWHERE).await.expect("trusted");
    assert_eq!(tunnel.wishes()[0].target, format!("{ELSEWHERE}:443"));

    for socks in [false, true] {
        let scheme = if socks { "socks5h" } else { "http" };
        set(&lab, format!("{scheme}://{}", tunnel.address()), None).await;
        tunnel.refuse(true);
        let failed = lab.manifest(ELSEWHERE).await.expect_err("nobody passes");
        assert_eq!(failed.code, ErrorCode::ProxyFailed, "{scheme}: {failed:?}");
        tunnel.refuse(false);
        lab.manifest(ELSEWHERE).await.expect("through again");
    }
    let gone = tunnel.address();
    drop(tunnel);
    set(&lab, format!("http://{gone}"), None).await;
    let failed = lab.manifest(ELSEWHERE).await.expect_err("no proxy there");
    assert_eq!(failed.code, ErrorCode::ProxyFailed, "{failed:?}");
}

// criterion: 2.6
#[tokio::test]
async fn this_machine_is_never_asked_through_a_proxy_and_a_change_holds_at_once() {
    let (lab, (registry, ..)) = (Lab::new().await, registry(33, MB).await);
    let tunnel = behind(&registry).await;
    let host = registry.host();
    lab.save(plain(&host)).await;
    lab.save(plain(ELSEWHERE)).await;
    set(&lab, format!("http://{}", tunnel.address()), None).await;
    lab.manifest(&host).await.expect("without a proxy");
    assert_eq!(tunnel.wishes(), []);
    lab.manifest(ELSEWHERE).await.expect("with the proxy");
    assert_eq!(tunnel.wishes().len(), 1);
    let none = ProxyDraft { mode: ProxyMode::None, ..ProxyDraft::default() };
    let view = lab.bench.ask::<call::SetProxy>(none).await.expect("it is set");
    assert_eq!((view.mode, view.address.as_str()), (ProxyMode::None, ""));
    let failed = lab.manifest(ELSEWHERE).await.expect_err("only the proxy knew it");
    assert_eq!(failed.code, ErrorCode::RegistryUnreachable);
    assert_eq!(tunnel.wishes().len(), 1);
}
