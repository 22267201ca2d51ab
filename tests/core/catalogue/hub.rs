//! Searching hf.co and looking into a repository.

use corral_contract::{
    ErrorCode,
    catalogue::{HubAnswer, SearchHub, SizeBasis, call},
};

use super::Place;

const FOUND: &str = r#"[{"id": "me/Herd-GGUF", "downloads": 12, "likes": 3, "gated": false}]"#;
const FILES: &str = r#"{"siblings": [{"rfilename": "Herd-Q4_K_M.gguf", "size": 2000000000},
    {"rfilename": "Herd-Q8_0.gguf", "size": 4000000000}, {"rfilename": "README.md"}]}"#;
const REPOSITORY: &str = "/api/models/me/Herd-GGUF";

impl Place {
    async fn search(&self, text: &str) -> HubAnswer {
        let request = SearchHub { text: text.to_owned() };
        self.bench.ask::<call::Hub>(request).await.expect("an answer")
    }
}

// criterion: 12.2
#[tokio::test]
async fn repositories_are_found_and_their_files_are_tags() {
    let place = Place::new().await;
    place.registry.hub("/api/models", 200, FOUND);
    place.registry.hub(REPOSITORY, 200, FILES);
    let answer = place.search("Herd").await;
    assert_eq!(
        (answer.items[0].name.as_str(), answer.items[0].downloads),
        ("hf.co/me/Herd-GGUF", Some(12))
    );
    assert!(answer.at.is_some() && answer.problem.is_none());
    let list = place.tags("https://huggingface.co/me/Herd-GGUF").await;
    let told: Vec<_> =
        list.tags.iter().map(|tag| (tag.tag.as_str(), tag.bytes, tag.basis)).collect();
    let files = SizeBasis::Files;
    assert_eq!(
        told,
        [("Q4_K_M", Some(2_000_000_000), files), ("Q8_0", Some(4_000_000_000), files)]
    );
    assert!(list.tags[0].name.ends_with("/me/Herd-GGUF:Q4_K_M"), "{}", list.tags[0].name);
}

#[tokio::test]
async fn what_was_found_is_kept_for_an_hour_and_for_when_nobody_answers() {
    let place = Place::new().await;
    place.registry.hub("/api/models", 200, FOUND);
    place.search("herd").await;
    let asked = place.registry.asked().len();
    place.search(" HERD ").await;
    assert_eq!(place.registry.asked().len(), asked, "nobody is asked twice within the hour");
    place.bench.clock.advance(2 * 3600 * 1000);
    for (status, body, code) in [
        (429, "slow", ErrorCode::RegistryUnreachable),
        (500, "oh", ErrorCode::RegistryUnreachable),
        (200, "<html>hotel</html>", ErrorCode::BadAnswer),
    ] {
        place.registry.hub("/api/models", status, body);
        let answer = place.search("herd").await;
        assert_eq!(answer.items.len(), 1, "what was found before");
        assert_eq!(answer.problem.expect("and why not newer").code, code);
        assert!(answer.at.is_some());
        let other = place.search(&format!("never asked {status}")).await;
        assert!(other.items.is_empty() && other.at.is_none() && other.problem.is_some());
    }
}

#[tokio::test]
async fn a_search_has_a_length() {
    let place = Place::new().await;
    for text in ["", " a ", &"x".repeat(101)] {
        let request = SearchHub { text: text.to_owned() };
        let refused = place.bench.ask::<call::Hub>(request).await.expect_err("refused");
        assert_eq!(refused.params["reason"], "outOfRange");
    }
    assert!(place.registry.asked().is_empty());
}
