//! Drop-ins as text. Lines that are not ours to change stay as they are, in their order.

use std::{collections::BTreeMap, iter::Peekable, str::Chars};

use crate::steering::Changes;

const SECTION: &str = "[Service]";
const HEAD: &str = "# Written by Corral. Other lines in here are left alone.\n";

/// What the files of a unit set, each value with the number of its file; later ones hold.
pub(super) fn settings(texts: &[String]) -> BTreeMap<String, (String, usize)> {
    let mut found = BTreeMap::new();
    for (number, text) in texts.iter().enumerate() {
        for line in logical(text) {
            if let Some(value) = line.strip_prefix("Environment=") {
                if value.trim().is_empty() {
                    // An empty assignment takes back all before it.
                    found.clear();
                }
                found.extend(pairs(value).into_iter().map(|(name, value)| (name, (value, number))));
            } else if let Some(names) = line.strip_prefix("UnsetEnvironment=") {
                for word in words(names) {
                    let name = word.split('=').next().unwrap_or_default();
                    found.remove(name);
                }
            }
        }
    }
    found
}

/// The lines of the section, continued ones put together, without comments.
fn logical(text: &str) -> Vec<String> {
    let (mut all, mut open, mut inside) = (Vec::new(), String::new(), false);
    for line in text.lines() {
        let line = line.trim();
        if line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(begin) = line.strip_suffix('\\') {
            open.push_str(begin);
            open.push(' ');
            continue;
        }
        let whole = format!("{}{line}", std::mem::take(&mut open));
        if whole.starts_with('[') {
            inside = whole == SECTION;
        } else if inside && !whole.is_empty() {
            all.push(whole);
        }
    }
    all
}

fn pairs(text: &str) -> Vec<(String, String)> {
    let pair = |word: String| {
        let (name, value) = word.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    };
    words(text).into_iter().filter_map(pair).collect()
}

/// Words as systemd takes them apart: quotes, backslashes, `%%`.
fn words(text: &str) -> Vec<String> {
    let (mut all, mut word, mut begun, mut quote) = (Vec::new(), String::new(), false, None);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match (letter, quote) {
            (_, Some(end)) if letter == end => quote = None,
            ('"' | '\'', None) => (quote, begun) = (Some(letter), true),
            ('\\', _) => {
                word.push_str(&escaped(&mut letters));
                begun = true;
            }
            ('%', _) => {
                letters.next_if_eq(&'%');
                word.push('%');
                begun = true;
            }
            (_, None) if letter.is_whitespace() => {
                if std::mem::take(&mut begun) {
                    all.push(std::mem::take(&mut word));
                }
            }
            _ => {
                word.push(letter);
                begun = true;
            }
        }
    }
    if begun {
        all.push(word);
    }
    all
}

fn escaped(letters: &mut Peekable<Chars<'_>>) -> String {
    match letters.next() {
        Some('n') => "\n".to_owned(),
        Some('t') => "\t".to_owned(),
        Some('s') => " ".to_owned(),
        Some('x') => {
            let digits: String = letters.by_ref().take(2).collect();
            let code = u8::from_str_radix(&digits, 16).ok().filter(u8::is_ascii);
            code.map_or(format!("\\x{digits}"), |code| char::from(code).to_string())
        }
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

/// One assignment as systemd reads it back to the letter.
pub(super) fn assignment(name: &str, value: &str) -> String {
    let value = value.replace('\\', r"\\").replace('"', "\\\"").replace('%', "%%");
    format!("Environment=\"{name}={value}\"")
}

/// The file with other variables; empty = there need not be a file.
pub(super) fn edited(text: &str, changes: &Changes) -> String {
    let mut open: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, value) in changes {
        if let Some(value) = value {
            open.insert(name, value);
        }
    }
    let (mut lines, mut inside, mut continued, mut end) = (Vec::new(), false, false, None);
    for line in text.lines() {
        let bare = line.trim();
        let alone = !continued && !bare.ends_with('\\');
        continued = bare.ends_with('\\') && !bare.starts_with(['#', ';']);
        if bare.starts_with('[') && alone {
            inside = bare == SECTION;
        }
        let ours = bare.strip_prefix("Environment=").filter(|_| alone && inside);
        let pairs = ours.map(pairs).unwrap_or_default();
        if !pairs.iter().any(|(name, _)| changes.contains_key(name)) {
            lines.push(line.to_owned());
        } else {
            for (name, value) in pairs {
                match (changes.get(&name), open.remove(name.as_str())) {
                    (Some(Some(_)), Some(new)) => lines.push(assignment(&name, new)),
                    // Set twice, or to be left to the server.
                    (Some(_), _) => {}
                    (None, _) => lines.push(assignment(&name, &value)),
                }
            }
        }
        if inside && !bare.is_empty() {
            end = Some(lines.len());
        }
    }
    let new = open.iter().map(|(name, value)| assignment(name, value));
    match end {
        Some(end) => {
            lines.splice(end..end, new);
        }
        None if !open.is_empty() => {
            if lines.is_empty() {
                lines.push(HEAD.trim_end().to_owned());
            }
            lines.push(SECTION.to_owned());
            lines.extend(new);
        }
        None => {}
    }
    let nothing = |line: &String| {
        let line = line.trim();
        line.is_empty() || line == SECTION || line == HEAD.trim_end()
    };
    if lines.iter().all(nothing) {
        return String::new();
    }
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::{assignment, edited, settings, words};
    use crate::steering::Changes;

    fn changes(all: &[(&str, Option<&str>)]) -> Changes {
        all.iter().map(|(name, value)| ((*name).to_owned(), value.map(str::to_owned))).collect()
    }

    #[test]
    fn words_are_taken_apart_as_systemd_does() {
        assert_eq!(
            words(r#""A=1 2" 'B=x"y' C=a\ b D=\x41\\ E=50%%"#),
            ["A=1 2", "B=x\"y", "C=a b", "D=A\\", "E=50%"].map(str::to_owned)
        );
    }

    #[test]
    fn every_value_comes_back_as_it_was_written() {
        for value in
            ["plain", "two words", "a\"b'c", r"D:\models\", "50% off", "模型 目录", "$HOME"]
        {
            let text = format!("[Service]\n{}\n", assignment("OLLAMA_MODELS", value));
            let found = settings(&[text]);
            assert_eq!(found["OLLAMA_MODELS"].0, value);
        }
    }

    #[test]
    fn later_files_hold_and_an_empty_assignment_clears() {
        let first = "[Unit]\nEnvironment=NO=1\n[Service]\nEnvironment=A=1 B=2\n".to_owned();
        let second = "[Service]\nEnvironment=\"A=3\" \\\n  C=4\nUnsetEnvironment=B\n".to_owned();
        let found = settings(&[first.clone(), second.clone()]);
        assert_eq!(found["A"], ("3".to_owned(), 1));
        assert_eq!(found["C"], ("4".to_owned(), 1));
        assert!(!found.contains_key("B") && !found.contains_key("NO"));
        let cleared = "[Service]\nEnvironment=\n".to_owned();
        assert!(settings(&[first, second, cleared]).is_empty());
    }

    #[test]
    fn a_new_file_is_written_and_goes_with_its_last_variable() {
        let set = changes(&[("OLLAMA_HOST", Some("0.0.0.0:1")), ("OLLAMA_DEBUG", Some("1"))]);
        let text = edited("", &set);
        assert_eq!(
            text,
            "# Written by Corral. Other lines in here are left alone.\n[Service]\n\
             Environment=\"OLLAMA_DEBUG=1\"\nEnvironment=\"OLLAMA_HOST=0.0.0.0:1\"\n"
        );
        let gone = changes(&[("OLLAMA_HOST", None), ("OLLAMA_DEBUG", None)]);
        assert_eq!(edited(&text, &gone), "");
    }

    #[test]
    fn lines_of_others_stay_in_their_order() {
        let text = "# mine\n[Unit]\nAfter=nvidia.service\n\n[Service]\nNice=5\n\
                    Environment=OLLAMA_HOST=a OTHER=\"b c\"\nLimitNOFILE=9\n\n[Install]\nX=1\n";
        let set = changes(&[("OLLAMA_HOST", Some("d")), ("OLLAMA_MODELS", Some("/m"))]);
        assert_eq!(
            edited(text, &set),
            "# mine\n[Unit]\nAfter=nvidia.service\n\n[Service]\nNice=5\n\
             Environment=\"OLLAMA_HOST=d\"\nEnvironment=\"OTHER=b c\"\nLimitNOFILE=9\n\
             Environment=\"OLLAMA_MODELS=/m\"\n\n[Install]\nX=1\n"
        );
        assert_eq!(edited(text, &Changes::new()), text);
    }
}
