//! Making models on a real server: from a file, from a Modelfile, under other names.

use corral_contract::{
    makes::{MakeModel, NewName, call},
    models::ModelRow,
    status::Origin,
    tasks::{LogRequest, TaskListRequest, TaskState, TaskView, call::List, call::Log},
};
use corral_testbed::gguf::Gguf;

use crate::place::{Place, binary, wait};

impl Place {
    async fn over(&self, task: corral_contract::TaskId) -> TaskView {
        wait("the end of a task", || async {
            let list = self.ask::<List>(TaskListRequest::default()).await.expect("tasks");
            let view = list.items.into_iter().find(|view| view.id == task);
            view.filter(|view| !matches!(view.state, TaskState::Running | TaskState::Waiting))
        })
        .await
    }

    async fn make(&self, name: &str, modelfile: &str) -> (TaskView, String) {
        let request = MakeModel {
            instance: self.instance,
            name: name.to_owned(),
            modelfile: modelfile.to_owned(),
            base: None,
            quantize: None,
            overwrite: false,
        };
        let task = self.ask::<call::Create>(request).await.expect("it begins").task;
        let view = self.over(task).await;
        let log =
            self.ask::<Log>(LogRequest { id: task, offset: 0, before: None }).await.expect("a log");
        (view, log.text)
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
    let (view, log) = place.make("made", &text).await;
    assert_eq!(view.state, TaskState::Done, "{:?}\n{log}", view.problem);
    assert_eq!(place.named("made:latest").await.from, Origin::Custom);

    let text = "FROM made\nSYSTEM You are terse.\nPARAMETER num_ctx 512\nPARAMETER stop <1>\n";
    let (view, log) = place.make("Terse:v1", text).await;
    assert_eq!(view.state, TaskState::Done, "{:?}\n{log}", view.problem);
    let row = place.named("Terse:v1").await;
    let detail = corral_contract::models::ModelRef { id: row.id };
    let detail = place.ask::<corral_contract::models::call::LoadDetail>(detail).await;
    let show = detail.expect("details").show.expect("the server tells");
    assert_eq!(show.system.as_deref(), Some("You are terse."));
    assert!(show.parameters.contains(&("num_ctx".to_owned(), "512".to_owned())));

    // Another name, then the same in another case alone.
    for name in ["renamed:v1", "Renamed:v1"] {
        let request = NewName { id: row.id, name: name.to_owned(), overwrite: false };
        let task = place.ask::<call::Rename>(request).await.expect("it begins").task;
        let view = place.over(task).await;
        assert_eq!(view.state, TaskState::Done, "{name}: {:?}", view.problem);
        assert_eq!(place.named(name).await.id, row.id);
    }
}
