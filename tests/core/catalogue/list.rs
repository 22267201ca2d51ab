//! The list that comes along, the user's own over it, and what registries say of both.

use corral_contract::{
    ErrorCode,
    catalogue::{CatalogueModel, FileFault, OwnFile, SizeBasis, SuggestFor, SuggestedBy, call},
    tasks::TaskState,
};
use corral_testbed::ollama::library;

use super::Place;

fn find(items: &[CatalogueModel], name: &str) -> CatalogueModel {
    items.iter().find(|it| it.name == name).unwrap_or_else(|| panic!("no {name}")).clone()
}

#[tokio::test]
async fn the_list_says_what_is_installed_and_what_its_sizes_rest_on() {
    let place = Place::new().await;
    let model = library::pick("llama3.2:3b");
    let whole: u64 = model.layers().iter().map(|it| it.size).sum::<u64>();
    let whole = whole + model.config_layer().size;
    place.registry.announce(&model);
    let view = place.view().await;
    assert!(view.items.len() >= 60 && view.refreshed_at.is_none() && view.problem.is_none());
    let llama = find(&view.items, "llama3.2");
    let tag = |model: &CatalogueModel, tag: &str| {
        model.tags.iter().find(|it| it.tag == tag).cloned().expect("the tag")
    };
    let (small, here) = (tag(&llama, "1b"), tag(&llama, "3b"));
    assert_eq!((small.installed, here.installed), (false, true));
    assert_eq!((here.basis, here.checked_at), (SizeBasis::Listed, None));

    let task = place.refresh().await;
    assert_eq!(task.state, TaskState::Done, "{task:?}");
    let view = place.view().await;
    assert!(view.refreshed_at.is_some());
    let llama = find(&view.items, "llama3.2");
    let (small, here) = (tag(&llama, "1b"), tag(&llama, "3b"));
    assert_eq!((here.basis, here.bytes), (SizeBasis::Manifest, Some(whole)));
    assert!(here.digest.is_some() && here.checked_at.is_some() && !here.gone);
    assert!(small.gone, "this registry has no such tag");
    assert_eq!(small.basis, SizeBasis::Listed, "what it had is not measured by that");
}

#[tokio::test]
async fn a_registry_that_refuses_leaves_what_was_known() {
    let place = Place::new().await;
    for (status, code) in
        [(429, ErrorCode::RegistryUnreachable), (503, ErrorCode::RegistryUnreachable)]
    {
        place.registry.manifest_status(Some((status, "no")));
        let before = place.registry.asked().len();
        let task = place.refresh().await;
        assert_eq!(task.problem.expect("it failed").code, code);
        let asked = place.registry.asked().len() - before;
        assert!(asked < 20, "it is not asked again and again: {asked}");
        let view = place.view().await;
        assert_eq!(view.problem.expect("told").code, code);
        assert_eq!(view.refreshed_at, None);
        assert!(view.items.iter().all(|it| it.tags.iter().all(|tag| !tag.gone)));
    }
}

#[tokio::test]
async fn ones_own_list_goes_over_it_and_a_broken_one_breaks_nothing() {
    let place = Place::new().await;
    let shipped = place.view().await.items.len();
    place.write(
        r#"{"models": [
            {"name": "team/support", "about": {"en": "ours", "zh": "我们的"},
             "tags": [{"tag": "v7", "bytes": 4700000000}]},
            {"name": "llama3.2", "license": "Mine"},
            {"name": "broken", "tags": [{"tag": 5}]}
        ]}"#,
    );
    let view = place.view().await;
    assert_eq!(view.items.len(), shipped + 1);
    let own = find(&view.items, "team/support");
    assert!(own.own && own.tags[0].name == "team/support:v7");
    let llama = find(&view.items, "llama3.2");
    assert_eq!((llama.license.as_deref(), llama.tags.len()), (Some("Mine"), 2));
    let [problem] = &view.own.problems[..] else { panic!("{:?}", view.own) };
    assert_eq!((problem.line, problem.field.as_deref()), (Some(5), Some("tag")));
    assert!(view.own.exists && view.own.usual && view.own.models == 2);

    for (text, why) in [
        (b"{\"models\": [".to_vec(), FileFault::Syntax),
        (b"{\"models\": 7}".to_vec(), FileFault::Shape),
        (vec![0xff, 0xfe, 0x00], FileFault::Unreadable),
        (vec![b' '; 2 << 20], FileFault::TooLarge),
    ] {
        place.write(text);
        let view = place.view().await;
        assert_eq!((view.items.len(), view.own.models), (shipped, 0));
        assert_eq!(view.own.problems[0].why, why);
    }
}

#[tokio::test]
async fn another_file_can_be_ones_own_list() {
    let place = Place::new().await;
    let set = async |path: Option<String>| place.bench.ask::<call::SetFile>(OwnFile { path }).await;
    for (path, reason) in [
        ("relative.json".to_owned(), "notAbsolute"),
        (place.bench.folder.path().display().to_string(), "isFolder"),
        (place.bench.folder.path().join("none.json").display().to_string(), "noSuchFile"),
    ] {
        let refused = set(Some(path)).await.expect_err("refused");
        assert_eq!(refused.params["reason"], reason);
    }
    let file = place.bench.folder.path().join("mine.json");
    std::fs::write(&file, r#"{"models": [{"name": "mine"}]}"#).expect("a file");
    let view = set(Some(file.display().to_string())).await.expect("taken");
    assert_eq!((view.usual, view.models), (false, 1));
    std::fs::remove_file(&file).expect("gone");
    let view = place.view().await;
    assert_eq!(
        view.own.problems[0].why,
        FileFault::Unreadable,
        "a chosen one that is gone is told"
    );
    assert!(set(None).await.expect("back").usual);
}

// criterion: 12.2
#[tokio::test]
async fn names_are_suggested_by_their_beginning_and_by_what_they_are_about() {
    let place = Place::new().await;
    let suggest = async |text: &str| {
        let request = SuggestFor { instance: place.instance, text: text.to_owned() };
        place.bench.ask::<call::Suggest>(request).await.expect("suggestions").items
    };
    let items = suggest("llama3.2").await;
    assert_eq!((items[0].name.as_str(), items[0].installed), ("llama3.2", true));
    assert_eq!(items[0].by, SuggestedBy::Catalogue);
    let names: Vec<_> = suggest("推理").await.into_iter().map(|it| it.name).collect();
    assert!(names.iter().any(|name| name == "deepseek-r1"), "{names:?}");
    assert_eq!(suggest("no such thing at all").await, []);

    let wish = crate::downloads::stage::wish(place.instance, "herd:7b");
    let wish = corral_contract::models::CreateModel { force: true, ..wish };
    place.bench.ask::<corral_contract::models::call::Create>(wish).await.expect("queued");
    let items = suggest("HER").await;
    assert_eq!((items[0].name.as_str(), items[0].by), ("herd:7b", SuggestedBy::Recent));
}

// criterion: 12.2
#[tokio::test]
async fn tags_of_a_model_come_with_sizes_from_the_smallest() {
    let place = Place::new().await;
    let list = place.tags("ollama pull deepseek-r1").await;
    assert_eq!(list.name, "deepseek-r1");
    assert!(list.tags.iter().filter_map(|tag| tag.bytes).is_sorted());
    assert!(list.tags.len() >= 6);
    assert_eq!(place.tags("nobody/knows").await.tags, []);
}
