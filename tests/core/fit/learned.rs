//! What `/api/ps` says of loaded models counts from then on.

use corral_contract::{
    downloads::{Basis, Fit},
    fit::{EstimateFit, Shape, call},
};
use corral_testbed::{FakeOllama, ollama::library};

use crate::{
    stage::{Stage, clock},
    support::until,
};

const NAME: &str = "llama3.2:3b";
const OTHER: &str = "qwen2.5:7b";

fn about(stage: &Stage, id: corral_contract::ModelId, context: Option<u64>) -> EstimateFit {
    let shape = Shape { context, ..Shape::default() };
    EstimateFit { instance: stage.instance, model: Some(id), name: None, shape }
}

// criterion: 2.2
#[tokio::test]
async fn a_model_that_ran_is_measured_and_others_are_corrected() {
    let big = library::pick(NAME).loaded_size(9 << 30);
    let stage = Stage::alive([big, library::pick(OTHER)]).await;
    let id = stage.id(NAME).await;
    let asked = stage.bench.ask::<call::Estimate>(about(&stage, id, None)).await;
    let before = asked.expect("an estimate");
    assert_eq!(before.basis, Basis::Head, "from what the server shows of the file");
    assert!(before.context_bytes.is_some() && before.needed.is_some_and(|it| it < 9 << 30));

    stage.start(NAME).await;
    let look = async || {
        let asked = stage.bench.ask::<call::Estimate>(about(&stage, id, Some(4096))).await;
        asked.ok().filter(|check| check.basis == Basis::Measured)
    };
    let measured = until(&stage.bench.core, "it is measured", look).await;
    assert_eq!(measured.needed, Some(9 << 30));
    let asked = about(&stage, id, Some(8192));
    let more = stage.bench.ask::<call::Estimate>(asked).await.expect("an estimate");
    let context = before.context_bytes.expect("reckoned");
    assert_eq!(more.needed, Some((9 << 30) + context), "and twice the context on top");

    let other = stage.id(OTHER).await;
    let check = stage.bench.ask::<call::Estimate>(about(&stage, other, None)).await;
    let check = check.expect("an estimate");
    assert_eq!((check.basis, check.loads), (Basis::Learned, 1));
    let names: Vec<_> = check.evictable.iter().map(|each| each.name.as_str()).collect();
    assert_eq!(names, [NAME], "who has the memory now");
}

/// Of a machine elsewhere nothing can be seen but what its server tells.
// criterion: 2.2
#[tokio::test]
async fn a_server_elsewhere_has_an_estimate_and_then_what_it_measured() {
    let big = library::pick(NAME).loaded_size(9 << 30);
    let builder = FakeOllama::builder().clock(clock()).models([big, library::pick(OTHER)]);
    let server = builder.everywhere().start().await.expect("it starts");
    let url = server.url_from_afar();
    let stage = Stage::at(server, url, |_| {}).await;
    let id = stage.id(NAME).await;
    let asked = stage.bench.ask::<call::Estimate>(about(&stage, id, None)).await;
    let before = asked.expect("an estimate");
    assert_eq!((before.basis, before.fit), (Basis::Head, Fit::Unknown));
    assert_eq!((before.vram_total, before.ram_total), (None, None), "not this machine's memory");
    assert!(before.needed.is_some_and(|it| it < 9 << 30));

    stage.start(NAME).await;
    let look = async || {
        let asked = stage.bench.ask::<call::Estimate>(about(&stage, id, Some(4096))).await;
        asked.ok().filter(|check| check.basis == Basis::Measured)
    };
    let measured = until(&stage.bench.core, "it is measured", look).await;
    assert_eq!(measured.needed, Some(9 << 30));
    assert_ne!(measured.fit, Fit::Unknown, "it runs there as it did");
    let other = stage.id(OTHER).await;
    let check = stage.bench.ask::<call::Estimate>(about(&stage, other, None)).await;
    let check = check.expect("an estimate");
    assert_eq!((check.basis, check.loads, check.fit), (Basis::Learned, 1, Fit::Unknown));
}

#[tokio::test]
async fn bad_questions_are_refused_with_their_field() {
    let stage = Stage::quiet([library::pick(NAME)]).await;
    let id = stage.id(NAME).await;
    let refused = stage.bench.ask::<call::Estimate>(about(&stage, id, Some(1))).await;
    assert_eq!(refused.expect_err("too short").params["field"], "numCtx");
    let gone = corral_contract::ModelId(4711);
    stage.bench.ask::<call::Estimate>(about(&stage, gone, None)).await.expect_err("no model");
    let none = EstimateFit { model: None, ..about(&stage, id, None) };
    let refused = stage.bench.ask::<call::Estimate>(none).await;
    assert_eq!(refused.expect_err("no name").params["field"], "name");
}

/// Old servers leave out what newer ones tell.
#[tokio::test]
async fn a_server_that_tells_nothing_of_the_file_leaves_its_size() {
    let stage = Stage::quiet([library::pick(NAME)]).await;
    stage.server.missing_fields(&["model_info", "tensors"]);
    let id = stage.id(NAME).await;
    let check = stage.bench.ask::<call::Estimate>(about(&stage, id, None)).await;
    let check = check.expect("an estimate");
    assert_eq!((check.basis, check.context_bytes), (Basis::Size, None));
}
