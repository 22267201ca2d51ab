//! The line in which a server tells its variables when it starts.

use std::collections::BTreeMap;

/// What the line has around its values.
pub(super) const MARK: &str = "server config";

/// `msg="server config" env="map[A:1 B:two words C:]"`: the last such line, without empty values.
pub(super) fn read(text: &str) -> Option<BTreeMap<String, String>> {
    let line = text.lines().rev().find(|line| line.contains(MARK) && line.contains("map["))?;
    let (_, inner) = line.split_once("map[")?;
    let inner = inner.rsplit_once(']').map_or(inner, |(inner, _)| inner);
    let inner = inner.replace("\\\"", "\"").replace(r"\\", r"\");
    let mut values = BTreeMap::new();
    let mut name: Option<String> = None;
    let mut value = String::new();
    for word in inner.split(' ') {
        let begins = word.split_once(':').filter(|(name, _)| is_name(name));
        match begins {
            Some((next, begin)) => {
                if let Some(name) = name.replace(next.to_owned()) {
                    values.insert(name, std::mem::take(&mut value));
                }
                begin.clone_into(&mut value);
            }
            None => {
                value.push(' ');
                value.push_str(word);
            }
        }
    }
    values.extend(name.map(|name| (name, value)));
    // Lists are printed in brackets, and nothing at all as `[]`.
    values.retain(|_, value| !value.is_empty() && value != "[]");
    Some(values)
}

/// A variable's name and not the beginning of an address or of a folder of Windows.
fn is_name(word: &str) -> bool {
    word.len() > 3
        && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && (word.contains('_') || matches!(word, "HOME" | "PATH"))
}

#[cfg(test)]
mod tests {
    use super::read;

    #[test]
    fn values_with_spaces_and_colons_are_read() {
        let line = "time=x level=INFO source=routes.go:1 msg=\"server config\" \
                    env=\"map[CUDA_VISIBLE_DEVICES: OLLAMA_HOST:http://0.0.0.0:11434 \
                    OLLAMA_MODELS:D:\\\\my models OLLAMA_ORIGINS:[http://localhost https://a] \
                    OLLAMA_REMOTES:[] http_proxy:]\"\n";
        let values = read(line).expect("a line");
        assert_eq!(values["OLLAMA_HOST"], "http://0.0.0.0:11434");
        assert_eq!(values["OLLAMA_MODELS"], r"D:\my models");
        assert_eq!(values["OLLAMA_ORIGINS"], "[http://localhost https://a]");
        assert_eq!(values.len(), 3);
        assert_eq!(read("nothing"), None);
    }
}
