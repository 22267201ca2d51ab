//! What `FROM` and `ADAPTER` name.

use crate::name::ModelName;

/// A model by its name, or files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Model(ModelName),
    /// A file or a folder; as it was written.
    Path(String),
    /// Neither.
    Nothing,
}

impl Source {
    /// Tells by the form alone. A bare word is a model's name; the core looks whether a file of
    /// that name lies in the folder of the Modelfile first, as Ollama does.
    #[must_use]
    pub fn of(text: &str) -> Source {
        if is_path(text) {
            return Source::Path(text.to_owned());
        }
        match ModelName::parse(text) {
            Ok(name) => Source::Model(name),
            Err(_) if text.contains(['/', '\\']) => Source::Path(text.to_owned()),
            Err(_) => Source::Nothing,
        }
    }
}

fn is_path(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let drive = text.as_bytes().get(1) == Some(&b':')
        && text.as_bytes().first().is_some_and(u8::is_ascii_alphabetic)
        && text.as_bytes().get(2).is_some_and(|sign| matches!(sign, b'\\' | b'/'));
    drive
        || text.starts_with(['/', '\\', '~', '.'])
        || [".gguf", ".safetensors", ".bin"].iter().any(|end| lower.ends_with(end))
}
