//! Who is let in, and what he shows to whom.

use corral_contract::{
    ErrorCode,
    registries::{Login, RegistryDraft},
};
use corral_testbed::{FakeRegistry, registry::Access};

use super::{Lab, MB, plain, registry};

/// `me:hunter2`.
const BASIC: &str = "Basic bWU6aHVudGVyMg==";

fn basic(host: &str) -> RegistryDraft {
    RegistryDraft {
        login: Login::Basic,
        user: "me".to_owned(),
        secret: Some("hunter2".to_owned()),
        ..plain(host)
    }
}

fn bearer(host: &str) -> RegistryDraft {
    RegistryDraft { login: Login::Bearer, secret: Some("hf_abc".to_owned()), ..plain(host) }
}

/// What was shown to a registry, or to its CDN.
fn shown(registry: &FakeRegistry, cdn: bool) -> Vec<String> {
    let asked = registry.asked().into_iter().filter(|each| each.cdn == cdn);
    asked.filter_map(|each| each.shown).collect()
}

#[tokio::test]
async fn a_password_opens_its_registry_and_goes_nowhere_else() {
    let (lab, (registry, content, _)) = (Lab::new().await, registry(1, MB).await);
    let host = registry.host();
    registry.access(Access::Exactly { scheme: "Basic", value: BASIC.to_owned() });
    lab.save(plain(&host)).await;
    let refused = lab.manifest(&host).await.expect_err("nobody is let in");
    assert_eq!(refused.code, ErrorCode::SignInNeeded);
    lab.save(basic(&host)).await;
    lab.manifest(&host).await.expect("let in");
    lab.bytes(&host, &content).await.expect("bytes");
    assert!(shown(&registry, false).iter().all(|each| each == BASIC));
    assert_eq!(shown(&registry, true), Vec::<String>::new(), "the CDN sees nothing");
}

#[tokio::test]
async fn a_token_is_shown_as_it_is() {
    let (lab, (registry, content, _)) = (Lab::new().await, registry(2, MB).await);
    let host = registry.host();
    registry.access(Access::Exactly { scheme: "Basic", value: "Bearer hf_abc".to_owned() });
    lab.save(bearer(&host)).await;
    lab.manifest(&host).await.expect("let in");
    lab.bytes(&host, &content).await.expect("bytes");
    let unasked = registry.asked().iter().filter(|each| !each.authorized && !each.cdn).count();
    assert_eq!(unasked, 0, "a token of one's own is not asked for first");
    assert_eq!(shown(&registry, true), Vec::<String>::new());
    let wrong = RegistryDraft { secret: Some("hf_wrong".to_owned()), ..bearer(&host) };
    lab.save(wrong).await;
    let refused = lab.manifest(&host).await.expect_err("not let in");
    assert_eq!(refused.code, ErrorCode::SignInNeeded);
    assert!(!format!("{refused:?}").contains("hf_"), "{refused:?}");
}

#[tokio::test]
async fn the_giver_of_tokens_sees_the_password_when_it_is_the_registry_or_was_named() {
    let (lab, (registry, _, _)) = (Lab::new().await, registry(3, MB).await);
    let host = registry.host();
    registry.access(Access::Login { realm: None, value: BASIC.to_owned() });
    lab.save(basic(&host)).await;
    lab.manifest(&host).await.expect("let in");
    lab.manifest(&host).await.expect("let in again");
    let tokens = registry.asked().iter().filter(|each| each.path == "/token").count();
    assert_eq!(tokens, 1, "one token for both");

    let giver = FakeRegistry::start().await.expect("another host");
    let there = giver.host().replace("127.0.0.1", "localhost");
    let login = Access::Login { realm: Some(there.clone()), value: BASIC.to_owned() };
    giver.access(login.clone());
    registry.access(login);
    lab.save(basic(&host)).await;
    let refused = lab.manifest(&host).await.expect_err("nobody named it");
    assert_eq!(refused.code, ErrorCode::RealmMismatch);
    assert_eq!(giver.asked().len(), 0, "it saw nothing");
    lab.save(RegistryDraft { realm: there.clone(), ..basic(&host) }).await;
    assert_eq!(lab.view(&host).await.realm, there);
    lab.manifest(&host).await.expect("let in");
    assert_eq!(shown(&giver, false), [BASIC]);
}

#[tokio::test]
async fn a_login_is_not_shown_in_the_clear_unless_the_user_says_so() {
    let (lab, (registry, _, _)) = (Lab::new().await, registry(4, MB).await);
    let host = registry.host();
    registry.access(Access::Exactly { scheme: "Basic", value: "Bearer hf_abc".to_owned() });
    lab.save(RegistryDraft { plain_http: false, ..bearer(&host) }).await;
    let mut repository = super::repository(&host);
    // Somebody asked for one download in the clear; that is no word about the login.
    repository.insecure = true;
    let asked = lab.bench.core.registries().manifest(&repository).await;
    assert_eq!(asked.expect_err("not let in").error.code, ErrorCode::SignInNeeded);
    assert_eq!(shown(&registry, false), Vec::<String>::new());
    lab.save(bearer(&host)).await;
    lab.manifest(&host).await.expect("now he does");
}

#[tokio::test]
async fn a_mirror_does_not_see_the_login_of_the_registry() {
    let (lab, (registry, _, _)) = (Lab::new().await, registry(5, MB).await);
    let draft =
        RegistryDraft { mirrors: vec![super::mirror(registry.url())], ..bearer(super::ELSEWHERE) };
    lab.save(draft).await;
    lab.manifest(super::ELSEWHERE).await.expect("from the mirror");
    assert_eq!(shown(&registry, false), Vec::<String>::new());
}
