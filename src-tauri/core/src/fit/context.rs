//! Memory that a context takes, layer by layer, from the head of a file.

use corral_contract::fit::KvCache;

use super::BATCH;
use crate::gguf::{Head, Value};

/// Every so many layers one sees all of the context, the others only the last tokens: as
/// llama.cpp builds these architectures when the file does not say so itself.
const WINDOWED: &[(&str, u64)] = &[
    ("gemma2", 2),
    ("gemma3", 6),
    ("gemma3n", 5),
    ("gptoss", 2),
    ("gpt-oss", 2),
    ("cohere2", 4),
    ("exaone4", 4),
    ("llama4", 4),
];
/// Cells are given out in blocks of this many tokens.
const BLOCK: u64 = 256;
/// Work space of a batch: this many numbers of four bytes for each of the embedding.
const ACTIVATIONS: u64 = 8;

/// What a context takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    /// Bytes of keys and values over all layers and requests.
    pub(super) bytes: u64,
    /// Layers that only remember a window of it; `None` = all see everything, or it is not known
    /// which do not: then all are counted in full.
    pub(super) windowed: Option<u64>,
}

/// What so many tokens for so many requests take; `None` when the head does not tell.
pub(super) fn taken(head: &Head, context: u64, cache: KvCache, parallel: u32) -> Option<Taken> {
    let layers = values_by_layer(head)?;
    let parallel = u64::from(parallel);
    let whole = context.saturating_mul(parallel);
    let window = window(head, layers.len() as u64);
    let mut windowed = 0;
    let mut bytes = 0_u64;
    for (place, values) in layers.iter().enumerate() {
        let mut cells = whole;
        if let Some(window) = window.as_ref().filter(|it| it.narrow(place as u64)) {
            let within = window.tokens.saturating_mul(parallel).saturating_add(BATCH);
            cells = whole.min(within.next_multiple_of(BLOCK));
            windowed += u64::from(cells < whole);
        }
        bytes = bytes.saturating_add(cache.bytes(values.saturating_mul(cells)));
    }
    Some(Taken { bytes, windowed: (windowed > 0).then_some(windowed) })
}

/// Numbers that one token leaves in each layer: keys and values of all its heads. Layers without
/// attention leave none.
fn values_by_layer(head: &Head) -> Option<Vec<u64>> {
    let layers = head.number("block_count")?;
    // A damaged head could ask for any number.
    let count = usize::try_from(layers).ok().filter(|count| *count <= 4096)?;
    let heads = head.number("attention.head_count").filter(|heads| *heads > 0);
    let usual = || Some(head.number("embedding_length")? / heads?);
    let key = head.number("attention.key_length").or_else(usual)?;
    let value = head.number("attention.value_length").or_else(usual)?;
    let both = key.saturating_add(value);
    let full = format!("{}.attention.head_count_kv", head.architecture()?);
    let each = match head.values.get(&full) {
        Some(Value::List(each)) if !each.is_empty() => (0..count)
            .map(|place| each.get(place).or(each.last()).map_or(0, |it| it.max(0.0) as u64))
            .collect(),
        Some(Value::Number(of_keys)) if *of_keys >= 1.0 => vec![*of_keys as u64; count],
        _ => vec![heads?; count],
    };
    Some(each.into_iter().map(|heads| heads.saturating_mul(both)).collect())
}

/// Which layers only remember the last tokens.
struct Window {
    tokens: u64,
    pattern: Pattern,
}

enum Pattern {
    /// Of every so many layers the last one sees everything.
    Every(u64),
    /// As the file says, layer by layer.
    Told(Vec<bool>),
}

impl Window {
    fn narrow(&self, place: u64) -> bool {
        match &self.pattern {
            Pattern::Every(count) => place % count != count - 1,
            Pattern::Told(each) => {
                usize::try_from(place).ok().and_then(|place| each.get(place)).is_some_and(|it| *it)
            }
        }
    }
}

fn window(head: &Head, layers: u64) -> Option<Window> {
    let tokens = head.number("attention.sliding_window").filter(|tokens| *tokens > 0)?;
    let architecture = head.architecture()?;
    let told = format!("{architecture}.attention.sliding_window_pattern");
    let pattern = match head.values.get(&told) {
        Some(Value::List(each)) if each.len() as u64 >= layers => {
            Pattern::Told(each.iter().map(|it| *it != 0.0).collect())
        }
        Some(Value::Number(every)) if *every >= 2.0 => Pattern::Every(*every as u64),
        _ => Pattern::Every(WINDOWED.iter().find(|(name, _)| *name == architecture)?.1),
    };
    Some(Window { tokens, pattern })
}

/// Bytes of the work space of a batch.
pub(super) fn activations(head: &Head) -> Option<u64> {
    Some(head.number("embedding_length")?.saturating_mul(BATCH * 4 * ACTIVATIONS))
}

/// Experts of a mixture, and how many of them work on a token.
pub(super) fn experts(head: &Head) -> Option<(u64, u64)> {
    let all = head.number("expert_count").filter(|count| *count > 1)?;
    Some((all, head.number("expert_used_count").unwrap_or(all)))
}
