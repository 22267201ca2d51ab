use super::*;

/// What is wrong, how it comes about, and the reason that is told.
type Case = (&'static str, fn(&mut serde_json::Value), &'static str);

fn package(name: &str, weights: &str, size: u64) -> Package {
    let hex = |seed: &str| {
        use sha2::{Digest, Sha256};
        crate::digest::hex(&Sha256::digest(seed))
    };
    let text = format!(
        r#"{{"layers":[{{"mediaType":"application/vnd.ollama.image.model","digest":"sha256:{}","size":{size}}},
            {{"mediaType":"application/vnd.ollama.image.license","digest":"sha256:{}","size":5}}]}}"#,
        hex(weights),
        hex("license"),
    );
    let manifest = Manifest::read(text.into_bytes()).expect("a manifest");
    Package { name: ModelName::parse(name).expect("a name"), modified: 1_700_000_000, manifest }
}

fn table() -> serde_json::Value {
    let index = Index::of(&[package("one", "a", 700), package("two:x", "b", 9)]).expect("a table");
    serde_json::to_value(index).expect("JSON")
}

fn reason(table: &serde_json::Value) -> String {
    let refused = Index::read(table.to_string().as_bytes()).expect_err("refused");
    refused.params["reason"].clone()
}

#[test]
fn a_table_is_read_as_it_was_written_and_shared_layers_are_in_it_once() {
    let (index, packages) = Index::read(table().to_string().as_bytes()).expect("it is read");
    assert_eq!(index.blobs.len(), 3, "the licence once");
    assert_eq!(packages[1].name.display(), "two:x");
    assert_eq!(index.end_of_blobs(), (512 + 1024) + (512 + 512) + (512 + 512));
}

#[test]
fn what_no_file_of_ours_would_say_is_refused() {
    let cases: [Case; 14] = [
        ("another format", |it| it["format"] = "zip".into(), "notBundle"),
        ("a later version", |it| it["version"] = 2.into(), "bundleNewer"),
        ("no version", |it| it["version"] = 0.into(), "bundleNewer"),
        ("no models", |it| it["models"] = serde_json::json!([]), "bundleBroken"),
        ("a missing layer", |it| drop(it["blobs"].as_array_mut().map(Vec::pop)), "bundleBroken"),
        ("overlapping", |it| it["blobs"][1]["offset"] = 512.into(), "bundleBroken"),
        ("absurd sizes", |it| it["blobs"][0]["size"] = u64::MAX.into(), "bundleBroken"),
        ("another size", |it| it["blobs"][2]["size"] = 6.into(), "bundleBroken"),
        ("a foreign digest", |it| it["blobs"][0]["digest"] = "../x".into(), "bundleBroken"),
        ("a changed manifest", |it| it["models"][0]["manifest"] = "{}".into(), "bundleBroken"),
        ("another digest", |it| it["models"][0]["digest"] = "00".into(), "bundleBroken"),
        ("a way out", |it| it["models"][0]["name"] = "../../etc".into(), "bundleName"),
        ("a drive", |it| it["models"][0]["name"] = "C:/a/b:c".into(), "bundleName"),
        ("other case only", |it| it["models"][1]["name"] = "ONE:Latest".into(), "bundleName"),
    ];
    for (what, change, wanted) in cases {
        let mut table = table();
        change(&mut table);
        assert_eq!(reason(&table), wanted, "{what}");
    }
    assert_eq!(Index::read(b"PK").expect_err("refused").params["reason"], "notBundle");
    let many = serde_json::json!({
        "format": FORMAT, "version": 1, "blobs": [],
        "models": vec![table()["models"][0].clone(); MOST_MODELS + 1],
    });
    assert_eq!(reason(&many), "bundleBroken");
}
