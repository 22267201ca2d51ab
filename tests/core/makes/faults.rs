use std::{fs, path::Path};

use corral_contract::WireError;
use corral_testbed::{
    gguf::{Gguf, Kind},
    ollama::library,
};

use super::{BASE, reason};
use crate::stage::Stage;

async fn refused(stage: &Stage, file: &Path) -> WireError {
    let text = format!("FROM {}\n", file.display());
    let check = stage.look_before(stage.making("x", &text)).await;
    let refusal = check.refusal.unwrap_or_else(|| panic!("{} is not refused", file.display()));
    let error = stage.make(stage.making("x", &text)).await.expect_err("refused");
    assert_eq!(error, refusal);
    error
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_cut_at_any_border_of_its_structure_is_refused() {
    let stage = Stage::quiet([library::pick(BASE)]).await;
    let whole = Gguf::default()
        .value("general.architecture", corral_testbed::gguf::Value::Text("llama".to_owned()))
        .value("llama.block_count", corral_testbed::gguf::Value::U32(1))
        .tensor("a", Kind::F16, &[32])
        .tensor("b", Kind::F32, &[32])
        .bytes();
    let file = stage.bench.folder.path().join("cut.gguf");
    // Magic, version, both counts, inside keys, values, the table of tensors and each tensor.
    for length in (4..whole.len()).step_by(3) {
        fs::write(&file, &whole[..length]).expect("written");
        let error = refused(&stage, &file).await;
        assert_eq!(reason(&error), ("path", "brokenFile"), "cut at {length}");
        assert_eq!(error.params["line"], "1");
        assert!(error.detail.is_some());
    }
    assert!(stage.server.requests_to("POST", "/api/create").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_whole_model_is_refused_with_the_reason() {
    let stage = Stage::quiet([library::pick(BASE)]).await;
    let folder = stage.bench.folder.path().to_owned();
    let place = |name: &str, bytes: &[u8]| {
        let file = folder.join(name);
        fs::write(&file, bytes).expect("written");
        file
    };
    let mut absurd = Gguf::tiny().bytes();
    absurd[16..24].copy_from_slice(&u64::MAX.to_le_bytes());
    let mut first = Gguf::tiny().bytes();
    first[4] = 1;
    fs::create_dir(folder.join("empty")).expect("made");
    let lora =
        Gguf::tiny().value("general.type", corral_testbed::gguf::Value::Text("adapter".to_owned()));
    for (file, wanted) in [
        (place("absurd.gguf", &absurd), "brokenFile"),
        (place("first.gguf", &first), "brokenFile"),
        (place("nothing.gguf", b""), "emptyFile"),
        (place("text.gguf", b"\0\0\0 no weights"), "notWeights"),
        (place("Modelfile.gguf", b"FROM x\n"), "fromModelfile"),
        (place("self.gguf", b"FROM ./self.gguf\n"), "fromCycle"),
        (place("lora.gguf", &lora.bytes()), "adapterAsFrom"),
        (folder.join("empty"), "notWeights"),
        (folder.join("gone.gguf"), "noSuchFile"),
    ] {
        assert_eq!(reason(&refused(&stage, &file).await), ("path", wanted), "{}", file.display());
    }
    let relative = stage.make(stage.making("x", "FROM ./a.gguf\n")).await.expect_err("refused");
    assert_eq!(reason(&relative), ("path", "notAbsolute"));
    assert!(stage.server.requests().iter().all(|one| !one.path.starts_with("/api/blobs")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_its_big_end_first_is_left_to_the_server_with_a_word() {
    let stage = Stage::quiet([library::pick(BASE)]).await;
    let file = stage.bench.folder.path().join("big.gguf");
    let mut bytes = Gguf::tiny().bytes();
    bytes[..8].copy_from_slice(b"FUGG\0\0\0\x03");
    fs::write(&file, bytes).expect("written");
    let text = format!("FROM {}\n", file.display());
    let check = stage.look_before(stage.making("x", &text)).await;
    assert_eq!(check.refusal, None);
    assert!(check.files[0].detail.as_deref().expect("a word").contains("big end"));
    assert_eq!(check.quantize, []);
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn links_in_a_circle_and_files_of_others_are_refused() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let stage = Stage::quiet([library::pick(BASE)]).await;
    let folder = stage.bench.folder.path().to_owned();
    symlink(folder.join("b.gguf"), folder.join("a.gguf")).expect("linked");
    symlink(folder.join("a.gguf"), folder.join("b.gguf")).expect("linked");
    let error = refused(&stage, &folder.join("a.gguf")).await;
    assert_eq!(reason(&error), ("path", "linkLoop"));
    let file = folder.join("closed.gguf");
    fs::write(&file, Gguf::tiny().bytes()).expect("written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o000)).expect("closed");
    // For root no file is closed.
    if fs::File::open(&file).is_err() {
        assert_eq!(reason(&refused(&stage, &file).await), ("path", "noPermission"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_of_ten_megabytes_is_refused_before_anything_is_asked() {
    let stage = Stage::quiet([library::pick(BASE)]).await;
    let text = format!("FROM {BASE}\nTEMPLATE \"\"\"{}\"\"\"\n", "x".repeat(10 << 20));
    stage.server.forget_requests();
    let error = stage.make(stage.making("x", &text)).await.expect_err("refused");
    assert_eq!(reason(&error), ("modelfile", "tooLarge"));
    assert!(stage.server.requests().is_empty());
}
