//! Model names: Ollama's grammar, so that window and core refuse the same names before any byte
//! moves. Form: `[scheme://][host[:port]/][namespace/]model[:tag]`, ASCII only.

/// Where a name without a host points to.
pub const DEFAULT_HOST: &str = "registry.ollama.ai";
/// Where a name without a namespace points to.
pub const DEFAULT_NAMESPACE: &str = "library";
/// The tag of a name without one.
pub const DEFAULT_TAG: &str = "latest";

/// Longest text that is looked at, in bytes; every valid name is shorter.
const MAX_INPUT: usize = 1024;

/// Why a text is not a model name; [`NameError::as_str`] is a key under `reason.`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameError {
    Empty,
    TooLong,
    /// A part that was promised by `/` or `:` is missing.
    EmptyPart,
    /// A part starts with something else than a letter, a digit or `_`.
    BadStart,
    /// A character that no part may have, control and bidi characters included.
    BadCharacter,
    /// `@digest` cannot be asked for.
    Digest,
    /// `:cloud` and `:local` together.
    CloudAndLocal,
}

impl NameError {
    /// The key of its text.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            NameError::Empty => "nameEmpty",
            NameError::TooLong => "nameTooLong",
            NameError::EmptyPart => "nameEmptyPart",
            NameError::BadStart => "nameBadStart",
            NameError::BadCharacter => "nameBadCharacter",
            NameError::Digest => "nameDigest",
            NameError::CloudAndLocal => "nameCloudAndLocal",
        }
    }
}

/// A complete, valid name. Casing is kept; comparison is by [`ModelName::key`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ModelName {
    pub host: String,
    pub namespace: String,
    pub model: String,
    pub tag: String,
}

impl ModelName {
    /// Reads a name as Ollama does, scheme allowed and dropped.
    ///
    /// # Errors
    /// The first rule that the text breaks.
    pub fn parse(text: &str) -> Result<ModelName, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > MAX_INPUT {
            return Err(NameError::TooLong);
        }
        if text.contains('@') {
            return Err(NameError::Digest);
        }
        let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
        let (rest, tag) = match rest.rfind(':') {
            Some(colon) if rest[colon..].find('/').is_none() => {
                (&rest[..colon], &rest[colon + 1..])
            }
            _ => (rest, DEFAULT_TAG),
        };
        let (host, namespace, model) = match rest.rsplit_once('/') {
            None => (DEFAULT_HOST, DEFAULT_NAMESPACE, rest),
            Some((before, model)) => match before.rsplit_once('/') {
                None => (DEFAULT_HOST, before, model),
                Some((host, namespace)) => (host, namespace, model),
            },
        };
        if rest.rsplit(':').next().is_some_and(|end| end.eq_ignore_ascii_case("cloud"))
            && tag.eq_ignore_ascii_case("local")
        {
            return Err(NameError::CloudAndLocal);
        }
        check(host, 350, |byte| matches!(byte, b'.' | b':'))?;
        check(namespace, 80, |_| false)?;
        check(model, 80, |byte| byte == b'.')?;
        check(tag, 80, |byte| byte == b'.')?;
        Ok(ModelName {
            host: host.to_owned(),
            namespace: namespace.to_owned(),
            model: model.to_owned(),
            tag: tag.to_owned(),
        })
    }

    /// Reads what people paste: blanks around, `ollama pull x`, `ollama run x`, the address of a
    /// model's page on ollama.com, hf.co or huggingface.co.
    ///
    /// # Errors
    /// As [`ModelName::parse`].
    pub fn parse_loose(text: &str) -> Result<ModelName, NameError> {
        let mut text = text.trim();
        for command in ["ollama pull ", "ollama run "] {
            if text.get(..command.len()).is_some_and(|start| start.eq_ignore_ascii_case(command)) {
                text = text[command.len()..].trim();
            }
        }
        let Some(path) =
            ["https://", "http://"].iter().find_map(|scheme| text.strip_prefix(scheme))
        else {
            return ModelName::parse(text);
        };
        let path = path.split(['?', '#']).next().unwrap_or(path).trim_end_matches('/');
        let path = path.strip_prefix("www.").unwrap_or(path);
        match path.split_once('/') {
            Some(("ollama.com" | "ollama.ai", page)) => ModelName::parse(page),
            Some(("hf.co" | "huggingface.co", page)) => {
                // A repository's page may end in `/tree/main` and the like.
                let repo: Vec<&str> = page.splitn(3, '/').take(2).collect();
                ModelName::parse(&format!("{}/{}", host_of(path), repo.join("/")))
            }
            _ => ModelName::parse(path),
        }
    }

    /// The name as Ollama displays it: default host and namespace left out, the tag always there.
    #[must_use]
    pub fn display(&self) -> String {
        let ModelName { host, namespace, model, tag } = self;
        if !host.eq_ignore_ascii_case(DEFAULT_HOST) {
            format!("{host}/{namespace}/{model}:{tag}")
        } else if namespace.eq_ignore_ascii_case(DEFAULT_NAMESPACE) {
            format!("{model}:{tag}")
        } else {
            format!("{namespace}/{model}:{tag}")
        }
    }

    /// What makes two names the same: complete and lower case.
    #[must_use]
    pub fn key(&self) -> String {
        let ModelName { host, namespace, model, tag } = self;
        format!("{host}/{namespace}/{model}:{tag}").to_ascii_lowercase()
    }

    /// A library model of Ollama's own registry.
    #[must_use]
    pub fn is_official(&self) -> bool {
        self.host.eq_ignore_ascii_case(DEFAULT_HOST)
            && self.namespace.eq_ignore_ascii_case(DEFAULT_NAMESPACE)
    }
}

fn host_of(path: &str) -> &str {
    path.split('/').next().unwrap_or(path)
}

fn check(part: &str, longest: usize, also: fn(u8) -> bool) -> Result<(), NameError> {
    let Some(first) = part.bytes().next() else {
        return Err(NameError::EmptyPart);
    };
    if part.len() > longest {
        return Err(NameError::TooLong);
    }
    if !part.bytes().all(|byte| is_word(byte) || byte == b'-' || also(byte)) {
        return Err(NameError::BadCharacter);
    }
    if !is_word(first) {
        return Err(NameError::BadStart);
    }
    Ok(())
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// A key that sorts names as people expect: any case, numbers by their value (`7b` before `13b`).
///
/// Every run of digits is written with its length before it, so that plain text order is number
/// order. Works for runs of up to 255 digits; longer ones sort after.
#[must_use]
pub fn natural_key(name: &str) -> String {
    let mut key = String::with_capacity(name.len() + 8);
    let mut rest = name;
    while let Some(first) = rest.chars().next() {
        if first.is_ascii_digit() {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let digits = rest[..end].trim_start_matches('0');
            // '0' keeps numbers before letters; two hex digits of length keep text order.
            key.push('0');
            key.push_str(&format!("{:02x}", digits.len().min(255)));
            key.push_str(digits);
            rest = &rest[end..];
        } else {
            key.extend(first.to_lowercase());
            rest = &rest[first.len_utf8()..];
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Result<String, NameError> {
        ModelName::parse_loose(text).map(|name| name.display())
    }

    #[test]
    fn completes_and_shortens_as_ollama_does() {
        for (text, display) in [
            ("llama3.2", "llama3.2:latest"),
            ("llama3.2:3b", "llama3.2:3b"),
            ("team/support-bot:v7", "team/support-bot:v7"),
            ("registry.ollama.ai/library/phi3", "phi3:latest"),
            ("hf.co/bartowski/Qwen3-8B-GGUF:Q5_K_M", "hf.co/bartowski/Qwen3-8B-GGUF:Q5_K_M"),
            ("127.0.0.1:5900/lab/tiny1", "127.0.0.1:5900/lab/tiny1:latest"),
            ("_x:1", "_x:1"),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(display), "{text}");
        }
    }

    #[test]
    fn understands_what_people_paste() {
        for (text, display) in [
            ("  ollama pull llama3.2:3b ", "llama3.2:3b"),
            ("ollama run qwen3", "qwen3:latest"),
            ("https://ollama.com/library/gemma3", "gemma3:latest"),
            ("https://ollama.com/library/gemma3:12b", "gemma3:12b"),
            ("https://ollama.com/team/bot/", "team/bot:latest"),
            ("https://huggingface.co/a/b-GGUF/tree/main", "huggingface.co/a/b-GGUF:latest"),
            ("https://hf.co/a/b", "hf.co/a/b:latest"),
        ] {
            assert_eq!(shown(text).as_deref(), Ok(display), "{text}");
        }
    }

    #[test]
    fn refuses_with_the_reason() {
        let long = "m".repeat(81);
        for (text, reason) in [
            ("", NameError::Empty),
            ("   ", NameError::Empty),
            (long.as_str(), NameError::TooLong),
            ("m:", NameError::EmptyPart),
            ("/m", NameError::EmptyPart),
            ("n/", NameError::EmptyPart),
            (".hidden", NameError::BadStart),
            ("-rf", NameError::BadStart),
            ("../../etc/passwd", NameError::BadCharacter),
            ("a/b/c/d/e", NameError::BadCharacter),
            ("na.me/m", NameError::BadCharacter),
            ("qwen\u{202e}3", NameError::BadCharacter),
            ("qwen\u{7}", NameError::BadCharacter),
            ("模型", NameError::BadCharacter),
            ("two words", NameError::BadCharacter),
            ("m@sha256:00", NameError::Digest),
            ("x:cloud:local", NameError::CloudAndLocal),
        ] {
            assert_eq!(ModelName::parse_loose(text), Err(reason), "{text}");
        }
    }

    #[test]
    fn same_name_in_other_case_has_the_same_key() {
        let lower = ModelName::parse("foo").map(|name| name.key());
        let upper = ModelName::parse("FOO:Latest").map(|name| name.key());
        assert!(lower.is_ok());
        assert_eq!(lower, upper);
    }

    #[test]
    fn sorts_numbers_by_value() {
        let mut names = ["m:13b", "M:7b", "a10", "a9", "a09b", "b"];
        names.sort_by_key(|name| natural_key(name));
        assert_eq!(names, ["a9", "a09b", "a10", "b", "M:7b", "m:13b"]);
    }
}
