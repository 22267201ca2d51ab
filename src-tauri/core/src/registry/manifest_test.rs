use super::*;

fn layer(digest: &str, size: &str) -> String {
    format!(
        "{{\"mediaType\":\"application/vnd.ollama.image.model\",\"digest\":\"{digest}\",\"size\":{size}}}"
    )
}

fn manifest(layers: &[String]) -> Vec<u8> {
    format!("{{\"schemaVersion\":2,\"layers\":[{}]}}", layers.join(",")).into_bytes()
}

fn digest(fill: &str) -> String {
    format!("sha256:{}", fill.repeat(64))
}

#[test]
fn counts_a_layer_that_is_listed_twice_once() {
    let one = layer(&digest("a"), "10");
    let read = Manifest::read(manifest(&[one.clone(), layer(&digest("B"), "5"), one]))
        .expect("a manifest");
    assert_eq!(read.total(), 15);
    assert_eq!(read.blobs[1].digest, digest("b"), "digests are lower case");
    assert_eq!(read.blobs[0].kind, "model");
}

#[test]
fn refuses_what_would_make_no_model() {
    let path = format!("sha256:../../{}", "a".repeat(58));
    for (what, bytes) in [
        ("no JSON", b"<html>".to_vec()),
        ("nothing", manifest(&[])),
        ("a path in a digest", manifest(&[layer(&path, "1")])),
        ("a short digest", manifest(&[layer("sha256:00", "1")])),
        ("another algorithm", manifest(&[layer(&digest("a").replace("256", "512"), "1")])),
        ("a negative size", manifest(&[layer(&digest("a"), "-1")])),
        ("an absurd size", manifest(&[layer(&digest("a"), "9000000000000000000")])),
        ("a size that is none", manifest(&[layer(&digest("a"), "1e99")])),
        ("a list of manifests", b"{\"schemaVersion\":2,\"manifests\":[]}".to_vec()),
    ] {
        let refused = Manifest::read(bytes).expect_err(what);
        assert_eq!(refused.code, ErrorCode::RegistryIncompatible, "{what}");
        assert!(refused.detail.is_some(), "{what}: says what is wrong");
    }
}

#[test]
fn sizes_that_together_are_absurd_are_refused() {
    let half = (LARGEST_BLOB / 2 + 1).to_string();
    let layers = [layer(&digest("a"), &half), layer(&digest("b"), &half)];
    assert!(Manifest::read(manifest(&layers)).is_err());
}

#[test]
fn names_the_kind_of_a_layer() {
    assert_eq!(kind_of("application/vnd.ollama.image.license"), "license");
    assert_eq!(kind_of("application/vnd.docker.container.image.v1+json"), "config");
}
