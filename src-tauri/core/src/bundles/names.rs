//! Names that come from a file, and how a store spells them.

use std::path::{Path, PathBuf};

use corral_contract::name::ModelName;

/// Names that a Windows file system takes for devices.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// A name whose parts are safe as parts of a path, on every system.
///
/// # Errors
/// A key under `reason.`.
pub(crate) fn safe(text: &str) -> Result<ModelName, &'static str> {
    let name = ModelName::parse(text).map_err(|error| error.as_str())?;
    // `C:` would lead to another drive, wherever it is joined to a path.
    let drive = name.host.as_bytes().get(1) == Some(&b':');
    let parts = [&name.host, &name.namespace, &name.model, &name.tag];
    if drive || parts.into_iter().any(|part| is_device(part) || part.ends_with('.')) {
        return Err("nameBadCharacter");
    }
    Ok(name)
}

fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or(part).to_ascii_lowercase();
    let numbered = |kind: &str| {
        stem.strip_prefix(kind).is_some_and(|rest| matches!(rest.as_bytes(), [b'1'..=b'9']))
    };
    DEVICES.contains(&stem.as_str()) || numbered("com") || numbered("lpt")
}

/// The name as the store spells it: each part in the case of what is there already, as the server
/// compares it. Blocks.
pub(crate) fn spelled(models: &Path, name: &ModelName) -> ModelName {
    let mut folder = models.join("manifests");
    let mut part = |part: &str| {
        let found = found(&folder, part).unwrap_or_else(|| part.to_owned());
        folder.push(&found);
        found
    };
    ModelName {
        host: part(&name.host),
        namespace: part(&name.namespace),
        model: part(&name.model),
        tag: part(&name.tag),
    }
}

/// Where the manifest of a name lies, or would lie. Blocks.
pub(crate) fn manifest_file(models: &Path, name: &ModelName) -> PathBuf {
    let ModelName { host, namespace, model, tag } = spelled(models, name);
    models.join("manifests").join(host).join(namespace).join(model).join(tag)
}

fn found(folder: &Path, part: &str) -> Option<String> {
    let entries = std::fs::read_dir(folder).ok()?;
    let mut names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    names.find(|name| name.eq_ignore_ascii_case(part))
}

#[cfg(test)]
mod tests {
    use super::{safe, spelled};
    use corral_contract::name::ModelName;

    #[test]
    fn what_leads_elsewhere_is_no_name() {
        for text in [
            "../../etc/passwd",
            "/etc/passwd",
            "C:/Windows/x/y:z",
            "c:\\x",
            "a/../b:c",
            "m\0:t",
            "m:t\0",
            "nul:latest",
            "x/Com1.b:latest",
            "m.:latest",
            &"n".repeat(2000),
            "",
        ] {
            assert!(safe(text).is_err(), "{text:?}");
        }
        assert!(safe("registry.example:5000/team/bot:v1.2").is_ok());
        assert!(safe("llama3.2:3b").is_ok());
    }

    #[test]
    fn a_store_keeps_its_spelling() {
        let models = tempfile::tempdir().expect("a folder");
        let there = models.path().join("manifests/registry.ollama.ai/library/Foo");
        std::fs::create_dir_all(&there).expect("a folder");
        let name = ModelName::parse("foo:Bar").expect("a name");
        let found = spelled(models.path(), &name);
        assert_eq!((found.model.as_str(), found.tag.as_str()), ("Foo", "Bar"));
    }
}
