use corral_testbed::gguf::{Gguf, Value as Written};
use proptest::prelude::*;

use super::*;

#[test]
fn reads_what_a_model_is() {
    let head = Head::read(&Gguf::tiny().bytes()).expect("a head");
    assert!(head.complete);
    assert_eq!((head.version, head.architecture()), (3, Some("llama")));
    assert_eq!(head.context_length(), Some(2048));
    assert_eq!(head.bytes_per_token(), Some(2 * 4 * (16 + 16) * 2));
}

#[test]
fn layers_may_differ_in_heads_and_lengths() {
    let file = Gguf::tiny()
        .value("llama.attention.head_count_kv", Written::Numbers(vec![4, 0]))
        .value("llama.attention.key_length", Written::U32(128))
        .value("llama.attention.value_length", Written::U32(64));
    let head = Head::read(&file.bytes()).expect("a head");
    assert_eq!(head.bytes_per_token(), Some(4 * (128 + 64) * 2));
}

#[test]
fn the_first_bytes_are_enough() {
    let long = (0..50_000).map(|index| format!("word{index}")).collect();
    let file = Gguf::tiny().value("tokenizer.ggml.tokens", Written::Texts(long));
    let head = Head::read(&file.bytes()[..4096]).expect("a head");
    assert!(!head.complete);
    assert_eq!(head.context_length(), Some(2048));
}

#[test]
fn other_files_are_told_apart() {
    assert_eq!(Head::read(b"<html></html>"), Err(NoGguf::Magic));
    assert_eq!(Head::read(b""), Err(NoGguf::Magic));
    assert_eq!(Head::read(b"GGUF\x09\0\0\0"), Err(NoGguf::Version(9)));
    let mut absurd = b"GGUF\x03\0\0\0".to_vec();
    absurd.extend(1_u64.to_le_bytes());
    absurd.extend(1_u64.to_le_bytes());
    absurd.extend(u64::MAX.to_le_bytes());
    assert_eq!(Head::read(&absurd), Err(NoGguf::Absurd));
}

proptest! {
    /// Whatever is cut off or flipped, reading ends and says something.
    #[test]
    fn no_bytes_make_it_panic(cut in 0_usize..3000, at in 0_usize..3000, to: u8) {
        let mut bytes = Gguf::tiny().bytes();
        bytes.truncate(cut.max(8));
        if let Some(byte) = bytes.get_mut(at) {
            *byte = to;
        }
        if let Ok(head) = Head::read(&bytes) {
            let _ = (head.bytes_per_token(), head.context_length());
        }
    }
}
