use corral_testbed::gguf::{Gguf, Value};

use super::*;

const GIB: u64 = 1 << 30;

fn host(vram: Option<(u64, u64)>, ram: (u64, u64)) -> HostFacts {
    HostFacts {
        ram_used: Some(ram.0 * GIB),
        ram_total: Some(ram.1 * GIB),
        cpu: None,
        vram_used: vram.map(|(used, _)| used * GIB),
        vram_total: vram.map(|(_, total)| total * GIB),
        gpus: Vec::new(),
    }
}

fn head() -> Head {
    Head::read(&Gguf::tiny().bytes()).expect("a head")
}

fn judged(weights: u64, head: Option<&Head>, host: &HostFacts, shape: Shape) -> MemoryCheck {
    let subject = Subject { weights, head, digest: None };
    let mut check = reckon(subject, shape, host, None, None);
    judge::judge(&mut check);
    check
}

// criterion: 2.2
#[test]
fn says_where_a_model_would_run() {
    let head = head();
    for (weights, host, wanted) in [
        (4, host(Some((1, 8)), (4, 16)), Fit::Gpu),
        (10, host(Some((1, 8)), (4, 16)), Fit::Split),
        (10, host(None, (4, 16)), Fit::Cpu),
        (10, host(None, (8, 16)), Fit::Later),
        (40, host(Some((1, 8)), (4, 16)), Fit::TooLarge),
        (4, HostFacts::default(), Fit::Unknown),
    ] {
        let check = judged(weights * GIB, Some(&head), &host, Shape::default());
        assert_eq!(check.fit, wanted, "{weights} GiB");
    }
}

#[test]
fn reckons_with_the_context_that_would_be_taken() {
    let head = head();
    let check = judged(GIB, Some(&head), &host(None, (1, 16)), Shape::default());
    assert_eq!(check.context_length, Some(2048), "no more than the model was made for");
    // Two layers, four heads of 16 numbers for key and value, two bytes each.
    assert_eq!(check.context_bytes, Some(2 * 4 * (16 + 16) * 2 * 2048));
    assert_eq!(check.basis, Basis::Head);
    let sum = check.weights + check.context_bytes.unwrap_or(0) + check.buffers;
    assert_eq!(check.needed, Some(sum));
    let rough = judged(GIB, None, &host(None, (1, 16)), Shape::default());
    assert_eq!((rough.basis, rough.context_length), (Basis::Size, None));
    assert!(rough.margin > check.margin);
    let none = judged(0, None, &host(None, (1, 16)), Shape::default());
    assert_eq!(none.needed, None, "a model without weights");
}

#[test]
fn a_smaller_cache_takes_less_and_more_requests_take_more() {
    let head = head();
    let bytes = |cache, parallel, context| {
        let shape = Shape { context: Some(context), cache, parallel };
        judged(GIB, Some(&head), &host(None, (1, 16)), shape).context_bytes.expect("reckoned")
    };
    let whole = bytes(KvCache::F16, 1, 2048);
    assert_eq!(bytes(KvCache::F16, 1, 1024) * 2, whole);
    assert_eq!(bytes(KvCache::F16, 4, 2048), whole * 4);
    assert_eq!(bytes(KvCache::Q8_0, 1, 2048) * 64, whole * 34);
    assert_eq!(bytes(KvCache::Q4_0, 1, 2048) * 64, whole * 18);
    assert_eq!(bytes(KvCache::F16, 1, 1 << 20), whole, "never beyond what it was made for");
}

fn windowed(architecture: &str) -> Head {
    let values = [
        ("block_count", Value::U32(12)),
        ("context_length", Value::U32(131_072)),
        ("embedding_length", Value::U32(64)),
        ("attention.head_count", Value::U32(4)),
        ("attention.head_count_kv", Value::U32(1)),
        ("attention.sliding_window", Value::U32(1024)),
    ];
    let gguf = Gguf::tiny().value("general.architecture", Value::Text(architecture.to_owned()));
    let add = |gguf: Gguf, (key, value): (&str, Value)| {
        gguf.value(&format!("{architecture}.{key}"), value)
    };
    Head::read(&values.into_iter().fold(gguf, add).bytes()).expect("a head")
}

#[test]
fn layers_that_remember_a_window_only_are_counted_as_such_where_they_are_known() {
    let shape = Shape { context: Some(65_536), ..Shape::default() };
    let place = host(None, (1, 64));
    let gemma = judged(GIB, Some(&windowed("gemma3")), &place, shape);
    assert_eq!(gemma.windowed_layers, Some(10), "five of six");
    let other = judged(GIB, Some(&windowed("mystery")), &place, shape);
    assert_eq!(other.windowed_layers, None, "which layers are meant is not known: all in full");
    let per_token = (16 + 16) * 2;
    assert_eq!(other.context_bytes, Some(12 * 65_536 * per_token));
    let window = (1024 + BATCH).next_multiple_of(256);
    assert_eq!(gemma.context_bytes, Some((2 * 65_536 + 10 * window) * per_token));
}

#[test]
fn what_was_measured_counts_and_what_was_learned_corrects() {
    let head = head();
    let subject = Subject { weights: GIB, head: Some(&head), digest: None };
    let host = host(None, (1, 16));
    let plain = reckon(subject, Shape::default(), &host, None, None);
    let measured = Some(Measured { context: 2048, bytes: 3 * GIB, vram: 0 });
    let check = reckon(subject, Shape::default(), &host, None, measured);
    assert_eq!((check.needed, check.basis), (Some(3 * GIB), Basis::Measured));
    let half = Shape { context: Some(1024), ..Shape::default() };
    let less = reckon(subject, half, &host, None, measured);
    assert_eq!(less.needed, Some(3 * GIB - plain.context_bytes.unwrap_or(0) / 2));
    let factor = Factor::of(vec![1.5, 1.25, 1.0]);
    let learned = reckon(subject, Shape::default(), &host, factor, None);
    assert_eq!((learned.basis, learned.loads), (Basis::Learned, 3));
    assert_eq!(learned.needed, plain.needed.map(|bytes| (bytes as f64 * 1.25) as u64));
    assert_eq!(Factor::of(Vec::new()), None);
}

#[test]
fn what_may_be_let_go_is_not_free_but_told() {
    let head = head();
    let subject = Subject { weights: 6 * GIB, head: Some(&head), digest: None };
    let mut check = reckon(subject, Shape::default(), &host(Some((6, 8)), (4, 16)), None, None);
    check.evictable = vec![corral_contract::fit::Evictable {
        name: "other:1b".to_owned(),
        bytes: 6 * GIB,
        vram: 6 * GIB,
    }];
    judge::judge(&mut check);
    assert_eq!((check.fit, check.fit_evicted), (Fit::Split, Fit::Gpu));
}
