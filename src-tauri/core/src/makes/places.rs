//! Folders where other tools keep their models.

use corral_contract::makes::{FoundPlaces, Place, Tool};

use crate::instances::Machine;

/// Those that are there.
pub(super) fn find(machine: &dyn Machine) -> FoundPlaces {
    let system = machine.system();
    let home = ["HOME", "USERPROFILE"].iter().find_map(|name| machine.variable(name));
    let cache = machine.variable("HF_HOME");
    let mut candidates = Vec::new();
    if let Some(cache) = cache {
        candidates.push((Tool::HuggingFace, system.path(&cache, &["hub"])));
    }
    if let Some(home) = home {
        let mut add = |tool, parts: &[&str]| candidates.push((tool, system.path(&home, parts)));
        add(Tool::LmStudio, &[".lmstudio", "models"]);
        add(Tool::LmStudio, &[".cache", "lm-studio", "models"]);
        add(Tool::HuggingFace, &[".cache", "huggingface", "hub"]);
        add(Tool::Jan, &["jan", "models"]);
        add(Tool::Jan, &[".local", "share", "Jan", "data", "llamacpp", "models"]);
        add(Tool::Jan, &["AppData", "Roaming", "Jan", "data", "llamacpp", "models"]);
        add(Tool::Jan, &["Library", "Application Support", "Jan", "data", "llamacpp", "models"]);
        add(Tool::Gpt4All, &[".local", "share", "nomic.ai", "GPT4All"]);
        add(Tool::Gpt4All, &["AppData", "Local", "nomic.ai", "GPT4All"]);
        add(Tool::Gpt4All, &["Library", "Application Support", "nomic.ai", "GPT4All"]);
    }
    let mut items: Vec<Place> = Vec::new();
    for (tool, path) in candidates {
        let path_text = path.display().to_string();
        if machine.exists(&path) && !items.iter().any(|known| known.path == path_text) {
            items.push(Place { tool, path: path_text });
        }
    }
    FoundPlaces { items }
}
