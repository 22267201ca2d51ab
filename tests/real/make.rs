//! Making models on a real server: from a file, from a Modelfile, under other names.

use corral_contract::{
    makes::{MakeModel, NewName, Quantize, call},
    models::{self, ModelRef, ModelRow, ShowInfo, StartModel},
    status::{Origin, Status},
};
use corral_testbed::gguf::Gguf;

use crate::place::{Place, binary, can_load};

impl Place {
    async fn make(&self, name: &str, modelfile: &str, quantize: Option<Quantize>) {
        let request = MakeModel {
            instance: self.instance,
            name: name.to_owned(),
            modelfile: modelfile.to_owned(),
            base: None,
            quantize,
            overwrite: false,
        };
        let task = self.ask::<call::Create>(request).await.expect("it begins").task;
        self.well(task).await;
    }

    async fn show(&self, row: &ModelRow) -> ShowInfo {
        let detail = self.ask::<models::call::LoadDetail>(ModelRef { id: row.id }).await;
        detail.expect("details").show.expect("the server tells")
    }

    async fn named(&self, name: &str) -> ModelRow {
        self.row_when(name, |row| row.digest.is_some() && row.operation.is_none()).await
    }
}

// criterion: 2.1
#[tokio::test(flavor = "multi_thread")]
async fn a_file_becomes_a_model_that_gets_a_prompt_and_another_name() {
    let Some(binary) = binary() else { return };
    let place = Place::start(&binary).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("tiny.gguf");
    std::fs::write(&file, Gguf::tiny().bytes()).expect("written");
    let text = format!("FROM {}\nTEMPLATE {{{{ .Prompt }}}}\n", file.display());
    place.make("made", &text, None).await;
    assert_eq!(place.named("made:latest").await.from, Origin::Custom);

    let text = "FROM made\nSYSTEM You are terse.\nPARAMETER num_ctx 512\nPARAMETER stop <1>\n";
    place.make("Terse:v1", text, None).await;
    let row = place.named("Terse:v1").await;
    let show = place.show(&row).await;
    assert_eq!(show.system.as_deref(), Some("You are terse."));
    assert!(show.parameters.contains(&("num_ctx".to_owned(), "512".to_owned())));

    // Another name, then the same in another case alone.
    for name in ["renamed:v1", "Renamed:v1"] {
        let request = NewName { id: row.id, name: name.to_owned(), overwrite: false };
        let task = place.ask::<call::Rename>(request).await.expect("it begins").task;
        place.well(task).await;
        assert_eq!(place.named(name).await.id, row.id);
    }
}

// criterion: 2.1
#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_quantised_and_both_it_and_its_copy_load() {
    let Some(binary) = binary() else { return };
    if !can_load(&binary) {
        return;
    }
    let place = Place::start(&binary).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("tiny.gguf");
    std::fs::write(&file, Gguf::tiny().bytes()).expect("written");
    let text = format!("FROM {}\n", file.display());
    place.make("small:q8", &text, Some(Quantize::Q80)).await;
    let row = place.named("small:q8").await;
    assert_eq!(place.show(&row).await.quantization.as_deref(), Some("Q8_0"));
    assert!(file.exists(), "the file that was imported stays where it was");

    let request = NewName { id: row.id, name: "again:v2".to_owned(), overwrite: false };
    let task = place.ask::<call::Copy>(request).await.expect("it begins").task;
    place.well(task).await;
    let copy = place.named("again:v2").await;
    assert_eq!(
        (copy.digest.as_ref(), &copy.aliases[..]),
        (row.digest.as_ref(), std::slice::from_ref(&row.name))
    );
    // Both names are one model to the server: each is loaded while the other is not.
    for id in [row.id, copy.id] {
        let start = StartModel::with(id, Default::default());
        let task = place.ask::<models::call::Start>(start).await.expect("it begins").task;
        place.well(task).await;
        let task = place.ask::<models::call::Close>(ModelRef { id }).await.expect("it closes");
        place.well(task.task).await;
        for name in [&row.name, &copy.name] {
            place.row_when(name, |row| row.status == Status::Stopped).await;
        }
    }
}
