use std::{fs, io::Write as _};

use tokio_util::sync::CancellationToken;

use super::{chain, files};

#[test]
fn a_file_that_changes_while_it_is_read_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("a.gguf");
    fs::write(&file, vec![7; 3 << 20]).expect("written");
    let append = |_| {
        let mut open = fs::OpenOptions::new().append(true).open(&file).expect("opened");
        open.write_all(b"more").expect("written");
    };
    let refused = files::digest(&file, &CancellationToken::new(), append).expect_err("it changed");
    assert_eq!(refused.params["reason"], "changedWhileRead");
    let whole = files::digest(&file, &CancellationToken::new(), |_| {}).expect("it stays");
    fs::write(&file, b"other").expect("written");
    assert!(whole.holds(&file).is_err(), "and it is looked at once more before it is used");
}

#[test]
fn names_are_suggested_by_file_names() {
    for (file, name) in [
        ("Qwen3-8B-Q4_K_M", "qwen3-8b:q4_k_m"),
        ("gemma-3-4b-it.IQ2_XS", "gemma-3-4b-it:iq2_xs"),
        ("tiny", "tiny"),
        ("mein modell (2)", "mein-modell--2"),
        ("模型", "model"),
        ("-x-F16", "x:f16"),
    ] {
        assert_eq!(files::name_of(file), name, "{file}");
    }
}

#[test]
fn a_modelfile_that_leads_back_to_itself_through_files_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    fs::write(path("a"), "FROM ./b\n").expect("written");
    fs::write(path("b"), "FROM ./a\n").expect("written");
    fs::write(path("c"), "FROM llama3.2\n").expect("written");
    let reason = |name: &str| {
        let error = chain::refuse_texts(&path(name)).expect_err("it is no weights");
        error.params["reason"].clone()
    };
    assert_eq!(reason("a"), "fromCycle");
    assert_eq!(reason("c"), "fromModelfile");
}
