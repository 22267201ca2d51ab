//! The text by which a label is found: as written, and by the pinyin of its Chinese characters.

use corral_contract::labels::Label;
use pinyin::ToPinyin;

/// Lower case: tags and note, then their pinyin and its initials, each part on a line of its own,
/// so that nothing matches across two of them.
pub(super) fn text(label: &Label) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in label.tags.iter().map(String::as_str).chain([label.note.as_str()]) {
        if part.is_empty() {
            continue;
        }
        parts.push(part.to_lowercase());
        if part.chars().any(|c| c.to_pinyin().is_some()) {
            parts.push(spoken(part, false));
            parts.push(spoken(part, true));
        }
    }
    parts.join("\n")
}

/// The text with its Chinese characters as pinyin, or as the initials of it.
fn spoken(text: &str, initials: bool) -> String {
    let mut spoken = String::with_capacity(text.len());
    for c in text.chars() {
        match c.to_pinyin() {
            Some(sound) if initials => spoken.extend(sound.plain().chars().next()),
            Some(sound) => spoken.push_str(sound.plain()),
            None => spoken.extend(c.to_lowercase()),
        }
    }
    spoken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_tags_are_found_by_pinyin_and_initials() {
        let label = Label {
            tags: vec!["聊天".into(), "Work".into()],
            note: "给产品组用".into(),
            favourite: false,
        };
        let text = text(&label);
        for wanted in ["聊天", "liaotian", "lt", "work", "gcpzy", "产品"] {
            assert!(text.contains(wanted), "{wanted} in {text:?}");
        }
        assert!(!text.contains("ltwork"), "parts are apart");
        assert_eq!(super::text(&Label::default()), "");
    }
}
