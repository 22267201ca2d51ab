use std::fs;

use corral_contract::{
    checks::Structure,
    command::Nothing,
    makes::{FileKind, FileRef, Tool, Way, call},
    status::Origin,
    tasks::TaskState,
};
use corral_testbed::{
    gguf::{Gguf, Value},
    ollama::library,
};

use super::{BASE, beside, weights};
use crate::stage::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_linked_into_a_store_of_this_machine_and_the_log_tells_what_is_left_over() {
    let (stage, store) = beside().await;
    let file = weights(store.path(), "mine/Tiny-F16.gguf");
    let mut request = stage.making("mine", "FROM ./Tiny-F16.gguf\n");
    request.base = file.parent().map(|base| base.display().to_string());
    let check = stage.look_before(request.clone()).await;
    assert_eq!(check.refusal, None);
    assert_eq!((check.way, check.bytes), (Way::Link, 0));
    let size = fs::metadata(&file).expect("there").len();
    assert_eq!(check.rewritten, size, "the server writes it anew");
    assert_eq!(check.files[0].quantization.as_deref(), Some("F16"));
    let done = stage.make(request).await.expect("it begins");
    assert_eq!(done.state, TaskState::Done, "{:?}", done.problem);
    assert!(
        stage
            .server
            .requests()
            .iter()
            .all(|one| !one.path.starts_with("/api/blobs") || one.method == "HEAD")
    );
    let asked = stage.asked();
    let digest = asked["files"]["Tiny-F16.gguf"].as_str().expect("named by its file").to_owned();
    let blob = store.path().join("blobs").join(digest.replace(':', "-"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let inode = |path: &std::path::Path| fs::metadata(path).expect("there").ino();
        assert_eq!(inode(&blob), inode(&file), "no second copy");
    }
    assert_eq!(fs::read(&blob).expect("there"), fs::read(&file).expect("there"));
    assert_eq!(stage.row("mine:latest").await.from, Origin::Custom);
    let log = stage.log(&done).await;
    assert!(log.contains("linked into the store"), "{log}");
    assert!(log.contains(&format!("{digest} belongs to no model now")), "{log}");
    // Nothing of the attempt to link is left.
    let own = fs::read_dir(store.path().join("blobs").join(".corral")).expect("there");
    assert_eq!(own.count(), 0);
}

/// From another disk no second name leads into the store.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_another_disk_is_copied_into_the_store_and_proved() {
    let Some(disk) = crate::support::other_disk() else {
        println!("skipped: there is no second file system");
        return;
    };
    let (stage, store) = beside().await;
    let file = weights(disk.path(), "Tiny-F16.gguf");
    let before = fs::read(&file).expect("there");
    let text = format!("FROM {}\n", file.display());
    let check = stage.look_before(stage.making("mine", &text)).await;
    assert_eq!(check.refusal, None);
    assert_eq!((check.way, check.bytes), (Way::Copy, before.len() as u64), "said before");
    let done = stage.make(stage.making("mine", &text)).await.expect("it begins");
    assert_eq!(done.state, TaskState::Done, "{:?}", done.problem);
    let sent = stage.server.requests();
    assert!(!sent.iter().any(|it| it.path.starts_with("/api/blobs") && it.method == "POST"));
    let asked = stage.asked();
    let digest = asked["files"]["Tiny-F16.gguf"].as_str().expect("named by its file").to_owned();
    let blob = store.path().join("blobs").join(digest.replace(':', "-"));
    assert_eq!(fs::read(&blob).expect("there"), before);
    assert_eq!(fs::read(&file).expect("still there"), before);
    let log = stage.log(&done).await;
    assert!(log.contains("copied into the store"), "{log}");
    let own = fs::read_dir(store.path().join("blobs").join(".corral")).expect("there");
    assert_eq!(own.count(), 0, "nothing half is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_elsewhere_gets_the_bytes_once() {
    let stage = Stage::quiet([library::pick(BASE)]).await;
    let file = weights(stage.bench.folder.path(), "a b.gguf");
    let text = format!("FROM \"{}\"\nTEMPLATE {{{{ .Prompt }}}}\n", file.display());
    let size = fs::metadata(&file).expect("there").len();
    let check = stage.look_before(stage.making("one", &text)).await;
    assert_eq!((check.way, check.bytes), (Way::Upload, size));
    for name in ["one", "two"] {
        let done = stage.make(stage.making(name, &text)).await.expect("it begins");
        assert_eq!(done.state, TaskState::Done, "{:?}", done.problem);
    }
    let sent = stage.server.requests();
    let sent = sent.iter().filter(|one| one.method == "POST" && one.path.starts_with("/api/blobs"));
    assert_eq!(sent.count(), 1, "the second time the server has it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_of_safetensors_goes_as_a_whole() {
    let stage = Stage::quiet([library::pick(BASE)]).await;
    let folder = stage.bench.folder.path().join("Tiny-HF");
    fs::create_dir_all(&folder).expect("made");
    let config = r#"{"architectures": ["LlamaForCausalLM"]}"#;
    for (name, text) in [
        ("config.json", config),
        ("model.safetensors", "weights"),
        ("README.md", "no"),
        ("tokenizer.model", "t"),
    ] {
        fs::write(folder.join(name), text).expect("written");
    }
    let found = stage.bench.ask::<call::Look>(FileRef { path: folder.display().to_string() });
    let found = found.await.expect("looked at").items;
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].kind, found[0].name.as_str()), (FileKind::Safetensors, "tiny-hf"));
    assert_eq!(found[0].architecture.as_deref(), Some("LlamaForCausalLM"));
    let adapter = stage.bench.folder.path().join("lora.gguf");
    let lora = Gguf::tiny().value("general.type", Value::Text("adapter".to_owned()));
    fs::write(&adapter, lora.bytes()).expect("written");
    let text = format!("FROM {}\nADAPTER {}\n", folder.display(), adapter.display());
    let check = stage.look_before(stage.making("hf", &text)).await;
    assert!(!check.quantize.is_empty(), "{:?}", check.refusal);
    let _ = stage.make(stage.making("hf", &text)).await.expect("it begins");
    let asked = stage.asked();
    let names: Vec<&String> = asked["files"].as_object().expect("files").keys().collect();
    assert_eq!(names, ["config.json", "model.safetensors", "tokenizer.model"]);
    assert!(asked["adapters"]["lora.gguf"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_folders_of_other_tools_are_found_and_listed() {
    let stage = Stage::quiet([library::pick(BASE)]).await;
    let home = stage.bench.folder.path().join("tools");
    weights(&home, "publisher/repo/Tiny-F16.gguf");
    let vision = Gguf::tiny().value("general.architecture", Value::Text("clip".to_owned()));
    fs::write(home.join("publisher/repo/mmproj.gguf"), vision.bytes()).expect("written");
    fs::write(home.join("publisher/short.gguf"), Gguf::tiny().truncated(64)).expect("written");
    fs::write(home.join("publisher/notes.txt"), "no weights").expect("written");
    // As in the cache of Hugging Face, and a circle.
    #[cfg(unix)]
    {
        let snapshots = home.join("models--a--b/snapshots/ffff");
        fs::create_dir_all(&snapshots).expect("made");
        std::os::unix::fs::symlink(home.join("publisher"), home.join("publisher/again"))
            .expect("linked");
        let target = home.join("publisher/repo/Tiny-F16.gguf");
        std::os::unix::fs::symlink(target, snapshots.join("same.gguf")).expect("linked");
        std::os::unix::fs::symlink("gone", snapshots.join("gone.gguf")).expect("linked");
    }
    let look = stage.bench.ask::<call::Look>(FileRef { path: home.display().to_string() });
    let found = look.await.expect("looked at");
    assert!(!found.more && found.unreadable == 0);
    let seen: Vec<_> = found.items.iter().map(|it| (it.kind, it.structure)).collect();
    assert_eq!(found.items.len(), 3, "each file once: {found:#?}");
    assert!(seen.contains(&(FileKind::Gguf, Structure::Sound)));
    assert!(seen.contains(&(FileKind::Gguf, Structure::Broken)));
    assert!(seen.contains(&(FileKind::Projector, Structure::Sound)));
    let places = stage.bench.ask::<call::Places>(Nothing {}).await.expect("an answer").items;
    assert!(places.iter().all(|place| Tool::ALL.contains(&place.tool)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_modelfile_of_this_machine_is_read_with_its_folder() {
    let stage = Stage::quiet([library::pick(BASE)]).await;
    let folder = stage.bench.folder.path();
    let file = folder.join("Modelfile");
    fs::write(&file, "\u{feff}FROM x\r\n").expect("written");
    let read = stage.bench.ask::<call::Read>(FileRef { path: file.display().to_string() }).await;
    let read = read.expect("read");
    assert_eq!((read.text.as_str(), read.base), ("FROM x\r\n", folder.display().to_string()));
    fs::write(&file, b"FROM x\nSYSTEM \xc4\xe3\n").expect("written");
    let read = stage.bench.ask::<call::Read>(FileRef { path: file.display().to_string() }).await;
    assert_eq!(super::reason(&read.expect_err("refused")), ("modelfile", "encoding"));
}
