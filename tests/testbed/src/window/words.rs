//! What the window says, in the language a scenario is played in. Scenarios name the English words;
//! with `CORRAL_WORDS=zh-CN` the window speaks Chinese and must say what the texts have for them.

use std::{collections::BTreeMap, sync::OnceLock};

use serde_json::Value;

/// The language of the window, where it is not English.
const WORDS: &str = "CORRAL_WORDS";
const ENGLISH: &str = include_str!("../../../../src-ui/locales/en.json");
const CHINESE: &str = include_str!("../../../../src-ui/locales/zh-CN.json");
/// A text is known by a piece of so many bytes; shorter ones are in too many others.
const LEAST: usize = 2;
/// What parts values from each other.
const BETWEEN: [char; 7] = [',', ':', ';', '“', '”', '"', '·'];

fn chinese() -> bool {
    std::env::var(WORDS).is_ok_and(|language| language == "zh-CN")
}

/// What the system of a scenario says about its language.
pub(super) fn locale() -> [(&'static str, &'static str); 3] {
    match chinese() {
        true => [("LC_ALL", "zh_CN.UTF-8"), ("LANG", "zh_CN.UTF-8"), ("LANGUAGE", "zh_CN")],
        false => [("LC_ALL", "en_US.UTF-8"), ("LANG", "en_US.UTF-8"), ("LANGUAGE", "en")],
    }
}

/// Whether a text of the window says this, which is part of an English text, a name or a number.
#[must_use]
pub fn says(shown: &str, part: &str) -> bool {
    shown.contains(part) || (chinese() && translations(part).any(|each| each.fits(shown)))
}

/// The window's own word for an English one, as far as it has one.
#[must_use]
pub fn word(english: &str) -> &str {
    let own = || texts().iter().find(|(text, _)| text == english);
    own().filter(|_| chinese()).map_or(english, |(_, chinese)| chinese)
}

/// A Chinese text, and what stands around it.
struct Translation {
    /// Its pieces between parameters.
    pieces: Vec<&'static str>,
    /// What else was asked for: the values of parameters.
    values: Vec<String>,
}

impl Translation {
    fn fits(&self, shown: &str) -> bool {
        let mut rest = shown;
        let in_order = self.pieces.iter().all(|piece| match rest.split_once(piece) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        });
        in_order && self.values.iter().all(|value| says_itself(shown, value))
    }
}

/// A value is a name or a number, or has a text of its own.
fn says_itself(shown: &str, value: &str) -> bool {
    let own = || texts().iter().filter(|(english, _)| english == value);
    shown.contains(value) || own().any(|(_, chinese)| shown.contains(chinese.as_str()))
}

fn translations(part: &str) -> impl Iterator<Item = Translation> + '_ {
    texts().iter().filter_map(move |(english, chinese)| {
        let values = if english.contains(part) { Vec::new() } else { values(part, english)? };
        let pieces = pieces(chinese).collect::<Vec<_>>();
        (!pieces.is_empty()).then_some(Translation { pieces, values })
    })
}

/// What is left of a wanted part beside the words of a text that it holds.
fn values(part: &str, english: &'static str) -> Option<Vec<String>> {
    let mut left = vec![part.to_owned()];
    let mut found = false;
    for piece in pieces(english) {
        if left.iter().any(|each| each.contains(piece)) {
            found |= piece.len() >= LEAST;
            left = left.iter().flat_map(|each| each.split(piece)).map(str::to_owned).collect();
        }
    }
    let left = left.iter().flat_map(|each| each.split(BETWEEN)).map(str::trim);
    found.then(|| left.filter(|each| !each.is_empty()).map(str::to_owned).collect())
}

/// The pieces of a text between its parameters, without what punctuation alone makes.
fn pieces(text: &'static str) -> impl Iterator<Item = &'static str> {
    let around = |each: char| !each.is_alphanumeric();
    let pieces = text.split(['{', '}']).step_by(2).map(move |each| each.trim_matches(around));
    pieces.filter(|piece| !piece.is_empty())
}

/// All texts, by twos.
fn texts() -> &'static [(String, String)] {
    static TEXTS: OnceLock<Vec<(String, String)>> = OnceLock::new();
    TEXTS.get_or_init(|| {
        let (english, mut chinese) = (flat(ENGLISH), flat(CHINESE));
        // What may be left out is asked for where English words name it, and never missed.
        let with = |text: &str| text.replace("[[", "").replace("]]", "");
        let without = |text: &str| {
            let parts = text.split("[[").map(|part| part.rsplit("]]").next().unwrap_or_default());
            parts.collect::<String>()
        };
        let mut all = Vec::new();
        for (key, english) in english {
            let Some(chinese) =
                chinese.remove(&key).map(|text| counted(&without(&text), usize::MAX))
            else {
                continue;
            };
            all.extend([0, 1].map(|form| (counted(&with(&english), form), chinese.clone())));
        }
        all
    })
}

/// A text with this form of all it counts: `{n|# file|# files}`. The last, where there are fewer.
fn counted(text: &str, form: usize) -> String {
    let mut parts = text.split(['{', '}']);
    let mut said = parts.next().unwrap_or_default().to_owned();
    while let Some(parameter) = parts.next() {
        let mut forms = parameter.split('|').skip(1).collect::<Vec<_>>();
        forms.truncate(form.saturating_add(1));
        match forms.last() {
            Some(form) => said.push_str(&form.replace('#', "{n}")),
            None => said.push_str(&format!("{{{parameter}}}")),
        }
        said.push_str(parts.next().unwrap_or_default());
    }
    said
}

fn flat(file: &str) -> BTreeMap<String, String> {
    let mut flat = BTreeMap::new();
    let mut nested = vec![(String::new(), serde_json::from_str(file).unwrap_or_default())];
    while let Some((key, value)) = nested.pop() {
        match value {
            Value::Object(inner) => {
                nested.extend(
                    inner.into_iter().map(|(name, value)| (format!("{key}.{name}"), value)),
                );
            }
            Value::String(text) => {
                flat.insert(key, text);
            }
            _ => {}
        }
    }
    flat
}

#[cfg(test)]
mod tests {
    use super::{counted, translations};

    fn fits(shown: &str, part: &str) -> bool {
        translations(part).any(|each| each.fits(shown))
    }

    #[test]
    fn a_chinese_text_is_known_by_its_english_one_and_no_other_is() {
        assert!(fits("已停止", "Stopped"));
        assert!(!fits("运行中", "Stopped"));
        assert!(!fits("Stopped", "Stopped"), "it is to be Chinese");
        assert!(!fits("", "Stopped"));
    }

    #[test]
    fn values_have_to_be_there_and_forms_of_a_number_are_one_text() {
        assert!(fits("已删除 1 / 2 个模型", "Deleted 1 of 2"));
        assert!(!fits("已删除 1 / 3 个模型", "Deleted 1 of 2"));
        assert_eq!(counted("{n|# file|# files} in {folder}", 0), "{n} file in {folder}");
        assert_eq!(counted("{n|# file|# files} in {folder}", 1), "{n} files in {folder}");
    }
}
