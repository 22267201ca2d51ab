//! Model names as the server parses and shows them.

use std::fmt;

/// `host/namespace/model:tag` with every part filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    pub host: String,
    pub namespace: String,
    pub model: String,
    pub tag: String,
}

/// The host that short names mean.
pub(crate) const DEFAULT_HOST: &str = "registry.ollama.ai";
/// The namespace that short names mean.
pub(crate) const DEFAULT_NAMESPACE: &str = "library";

impl Name {
    /// Parses `[scheme://][host/][namespace/]model[:tag]`; `None` when the server would refuse it.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.split_once("://").map_or(text, |(_, rest)| rest);
        let text = strip_source(text);
        let (path, tag) = match text.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, tag),
            _ => (text, "latest"),
        };
        let mut parts = path.rsplitn(3, '/');
        let model = parts.next().unwrap_or_default();
        let namespace = parts.next().unwrap_or(DEFAULT_NAMESPACE);
        let host = parts.next().unwrap_or(DEFAULT_HOST);
        let valid = valid_part(host, 350, ".:")
            && valid_part(namespace, 80, "")
            && valid_part(model, 80, ".")
            && valid_part(tag, 80, ".");
        valid.then(|| Self {
            host: host.to_owned(),
            namespace: namespace.to_owned(),
            model: model.to_owned(),
            tag: tag.to_owned(),
        })
    }

    /// What two spellings of one model share: the server ignores case.
    pub fn key(&self) -> String {
        format!("{}/{}/{}/{}", self.host, self.namespace, self.model, self.tag).to_lowercase()
    }

    /// Path of the manifest below the models folder.
    pub fn path(&self) -> [&str; 4] {
        [&self.host, &self.namespace, &self.model, &self.tag]
    }
}

impl fmt::Display for Name {
    /// The short form of the lists: default host and namespace hidden, tag always shown.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, namespace, model, tag } = self;
        match (host == DEFAULT_HOST, namespace == DEFAULT_NAMESPACE) {
            (true, true) => write!(formatter, "{model}:{tag}"),
            (true, false) => write!(formatter, "{namespace}/{model}:{tag}"),
            (false, _) => write!(formatter, "{host}/{namespace}/{model}:{tag}"),
        }
    }
}

fn strip_source(text: &str) -> &str {
    match text.rsplit_once(':') {
        Some((rest, source)) if source.eq_ignore_ascii_case("local") => rest,
        _ => text,
    }
}

fn valid_part(part: &str, longest: usize, also: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    part.len() <= longest
        && part.chars().next().is_some_and(word)
        && part.chars().all(|c| word(c) || c == '-' || also.contains(c))
}
