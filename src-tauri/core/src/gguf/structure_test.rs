use corral_testbed::gguf::{Gguf, Kind, Value};
use proptest::prelude::*;

use super::*;

fn judge(bytes: &[u8]) -> Verdict {
    examine(bytes, bytes.len() as u64).expect("bytes in memory can be read")
}

// criterion: 2.5
#[test]
fn a_whole_file_is_sound_and_says_what_it_is() {
    let Verdict::Sound(summary) = judge(&Gguf::tiny().bytes()) else { panic!("it is sound") };
    assert_eq!(summary.architecture.as_deref(), Some("llama"));
    assert_eq!((summary.quantization, summary.context_length), (Some("F16"), Some(2048)));
    assert!(summary.parameters > 50_000 && summary.tensors > 10);
}

// criterion: 2.5
#[test]
fn a_file_without_its_end_names_the_tensor_that_lacks() {
    let Verdict::Broken(what) = judge(&Gguf::tiny().truncated(1)) else { panic!("broken") };
    assert!(what.contains("output.weight"), "{what}");
    let head = &Gguf::tiny().bytes()[..200];
    assert_eq!(judge(head), Verdict::Broken("it ends inside its head".to_owned()));
}

#[test]
fn contradictions_are_found() {
    let zero = Gguf::tiny().value("general.alignment", Value::U32(0));
    assert!(matches!(judge(&zero.bytes()), Verdict::Broken(_)));
    let rows = Gguf::tiny().tensor("odd", Kind::Q8, &[33, 2]);
    assert!(matches!(judge(&rows.bytes()), Verdict::Broken(what) if what.contains("odd")));
    let absurd = Gguf::tiny().tensor("huge", Kind::F16, &[1, 1]);
    let mut bytes = absurd.bytes();
    let at = bytes.windows(4).position(|four| four == b"huge").expect("its name") + 8;
    bytes[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes());
    bytes[at + 8..at + 16].copy_from_slice(&2_u64.to_le_bytes());
    assert!(matches!(judge(&bytes), Verdict::Broken(what) if what.contains("huge")));
}

#[test]
fn what_is_not_known_is_not_called_damaged() {
    for bytes in [
        &b"FUGG\0\0\0\x03"[..],
        b"GGUF\0\0\0\x03",
        b"GGUF\x01\0\0\0",
        b"GGUF\x09\0\0\0",
        b"{\"header\":1}",
    ] {
        assert!(matches!(judge(bytes), Verdict::Unknown(_)), "{bytes:?}");
    }
    let mut later = Gguf::tiny().bytes();
    let at = later.windows(11).position(|part| part == b"output_norm").expect("its name");
    // Name, one dimension, its length: then the type.
    let kind = at + "output_norm.weight".len() + 4 + 8;
    later[kind..kind + 4].copy_from_slice(&99_u32.to_le_bytes());
    assert!(matches!(judge(&later), Verdict::Unknown(_)));
}

proptest! {
    /// Whatever is cut off or flipped, it ends with a verdict.
    #[test]
    fn no_bytes_make_it_panic(cut in 0_usize..4000, changes in prop::collection::vec((0_usize..4000, any::<u8>()), 0..6)) {
        let mut bytes = Gguf::tiny().bytes();
        bytes.truncate(cut);
        for (at, to) in changes {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = to;
            }
        }
        let _ = judge(&bytes);
    }

    #[test]
    fn nor_do_any_others(rest in prop::collection::vec(any::<u8>(), 0..400)) {
        let bytes = [b"GGUF\x03\0\0\0", rest.as_slice()].concat();
        let _ = judge(&bytes);
    }
}
