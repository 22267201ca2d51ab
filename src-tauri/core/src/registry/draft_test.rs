use super::*;

fn draft(host: &str) -> RegistryDraft {
    RegistryDraft { host: host.to_owned(), ..RegistryDraft::default() }
}

fn mirror(address: &str, plain_http: bool) -> MirrorDraft {
    MirrorDraft { address: address.to_owned(), plain_http }
}

fn refused<T>(result: Result<T>) -> (String, String) {
    let error = result.err().expect("it is refused");
    (error.params["field"].clone(), error.params["reason"].clone())
}

fn pair(field: &str, reason: &str) -> (String, String) {
    (field.to_owned(), reason.to_owned())
}

#[test]
fn hosts_are_kept_as_model_names_carry_them() {
    for (typed, kept) in [
        ("Registry.Example", "registry.example"),
        ("https://registry.example/", "registry.example"),
        ("http://10.0.0.5:5000", "10.0.0.5:5000"),
        ("huggingface.co", "hf.co"),
    ] {
        assert_eq!(host(typed).as_deref(), Ok(kept), "{typed}");
    }
    assert_eq!(refused(host("  ")), pair("host", "empty"));
    for typed in ["a b", "https://x/y", "me:pw@host", "host/path", "[::1]:5000", "http://"] {
        assert_eq!(refused(host(typed)), pair("host", "badHost"), "{typed}");
    }
}

#[test]
fn a_mirror_is_refused_with_its_reason_and_its_place() {
    for (address, plain, reason) in [
        ("", false, "empty"),
        ("http://mirror.example", false, "notEncrypted"),
        ("https://me:pw@mirror.example", false, "credentialsInAddress"),
        ("ftp://mirror.example", false, "badMirror"),
        ("https://mirror.example/?x=1", false, "badMirror"),
        ("https://", false, "badMirror"),
    ] {
        let mirrors = vec![mirror("https://good.example", false), mirror(address, plain)];
        let wanted = RegistryDraft { mirrors, ..draft("registry.example") };
        let error = site(wanted, None).err().expect(address);
        assert_eq!(error.params["reason"], reason, "{address}");
        assert_eq!(error.params["place"], "1");
        assert!(!error.to_string().contains("pw"), "no password in an error");
    }
    let twice = vec![mirror("mirror.example", false), mirror("https://mirror.example/", false)];
    let wanted = RegistryDraft { mirrors: twice, ..draft("registry.example") };
    assert_eq!(refused(site(wanted, None)), pair("mirrors", "twice"));
    let many = (0..17).map(|each| mirror(&format!("m{each}.example"), false)).collect();
    let wanted = RegistryDraft { mirrors: many, ..draft("registry.example") };
    assert_eq!(refused(site(wanted, None)), pair("mirrors", "tooMany"));
    let wanted = RegistryDraft { mirrors_only: true, ..draft("registry.example") };
    assert_eq!(refused(site(wanted, None)), pair("mirrorsOnly", "noMirrors"));
}

#[test]
fn a_secret_stays_for_the_same_user_only() {
    let basic = |user: &str, secret: Option<&str>| RegistryDraft {
        login: Login::Basic,
        user: user.to_owned(),
        secret: secret.map(str::to_owned),
        ..draft("registry.example")
    };
    assert_eq!(refused(site(basic("", Some("pw")), None)), pair("user", "empty"));
    assert_eq!(refused(site(basic("a:b", Some("pw")), None)), pair("user", "malformed"));
    assert_eq!(refused(site(basic("me", None), None)), pair("secret", "empty"));
    let mut kept = site(basic("me", Some("pw")), None).expect("a site");
    kept.secret = Some(Secret::Sealed("sealed".to_owned()));
    let same = site(basic("me", None), Some(&kept)).expect("the same user");
    assert!(same.secret == kept.secret);
    assert_eq!(refused(site(basic("you", None), Some(&kept))), pair("secret", "secretAgain"));
    let token = RegistryDraft { login: Login::Bearer, ..draft("registry.example") };
    assert_eq!(refused(site(token.clone(), Some(&kept))), pair("secret", "secretAgain"));
    let token = RegistryDraft { secret: Some("two words".to_owned()), ..token };
    assert_eq!(refused(site(token, None)), pair("secret", "malformed"));
    let none = site(draft("registry.example"), Some(&kept)).expect("without a login");
    assert!(none.secret.is_none(), "what is no longer needed is forgotten");
}

#[test]
fn a_proxy_is_an_address_of_a_known_kind() {
    let own = |address: &str| ProxyDraft {
        mode: ProxyMode::Own,
        address: address.to_owned(),
        ..ProxyDraft::default()
    };
    for address in ["proxy.example:8080", "https://proxy.example", "socks5h://10.0.0.1:1080"] {
        assert!(proxy(own(address), &Proxy::default()).is_ok(), "{address}");
    }
    for (address, reason) in [
        ("", "empty"),
        ("ftp://proxy.example", "badProxy"),
        ("http://proxy.example/path", "badProxy"),
        ("http://", "badProxy"),
        ("http://me:pw@proxy.example", "credentialsInAddress"),
    ] {
        let refused = refused(proxy(own(address), &Proxy::default()));
        assert_eq!(refused, pair("address", reason), "{address}");
    }
    let old = Proxy {
        mode: ProxyMode::Own,
        address: Url::parse("http://proxy.example:8080").ok(),
        user: "me".to_owned(),
        secret: Some(Secret::Sealed("sealed".to_owned())),
    };
    let with_user = |address: &str| ProxyDraft { user: "me".to_owned(), ..own(address) };
    let same = proxy(with_user("proxy.example:8080"), &old).expect("the same");
    assert!(same.secret == old.secret);
    let elsewhere = proxy(with_user("other.example:8080"), &old);
    assert_eq!(refused(elsewhere), pair("secret", "secretAgain"), "it goes to no other host");
}
