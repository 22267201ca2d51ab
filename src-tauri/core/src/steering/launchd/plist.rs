//! Descriptions for launchd, as text: what a person wrote in one stays as he wrote it.

use std::{collections::BTreeMap, ops::Range};

use crate::steering::Changes;

const OUTER: &str = "EnvironmentVariables";

/// What stands behind a key, up to the next key or the end.
fn behind<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(&format!("<key>{key}</key>"))?;
    Some(rest.trim_start())
}

/// The text behind a key; `None` where it is not a text.
pub(super) fn string(text: &str, key: &str) -> Option<String> {
    let rest = behind(text, key)?.strip_prefix("<string>")?;
    rest.split_once("</string>").map(|(value, _)| unescape(value))
}

/// The texts of the list behind a key.
pub(super) fn strings(text: &str, key: &str) -> Vec<String> {
    let list = behind(text, key).and_then(|rest| rest.strip_prefix("<array>"));
    let list = list.and_then(|rest| rest.split_once("</array>")).map_or("", |(list, _)| list);
    let one = |part: &str| part.split_once("</string>").map(|(value, _)| unescape(value));
    list.split("<string>").skip(1).filter_map(one).collect()
}

/// Whether a key is true.
pub(super) fn flag(text: &str, key: &str) -> bool {
    behind(text, key).is_some_and(|rest| rest.starts_with("<true"))
}

/// The variables of a description.
pub(super) fn environment(text: &str) -> BTreeMap<String, String> {
    let Some(inner) = inner(text) else { return BTreeMap::new() };
    let entries = entries(&text[inner.clone()]);
    entries.into_iter().map(|entry| (entry.name, entry.value)).collect()
}

/// Where the inside of the dictionary of variables lies.
fn inner(text: &str) -> Option<Range<usize>> {
    let key = format!("<key>{OUTER}</key>");
    let after = text.find(&key)? + key.len();
    let open = text[after..].find('<')? + after;
    let start = open + text[open..].strip_prefix("<dict>").map(|_| "<dict>".len())?;
    let end = text[start..].find("</dict>")? + start;
    Some(start..end)
}

/// One variable inside the dictionary, with the bytes that it takes there.
struct Entry {
    name: String,
    value: String,
    whole: Range<usize>,
    text: Range<usize>,
}

fn entries(text: &str) -> Vec<Entry> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(key) = text[at..].find("<key>").map(|place| at + place) {
        let parts = (|| {
            let name_end = text[key..].find("</key>")? + key;
            let open = text[name_end..].find("<string>")? + name_end;
            let start = open + "<string>".len();
            let end = text[start..].find("</string>")? + start;
            Some((name_end, start, end))
        })();
        let Some((name_end, start, end)) = parts else { break };
        let stop = end + "</string>".len();
        found.push(Entry {
            name: unescape(&text[key + "<key>".len()..name_end]),
            value: unescape(&text[start..end]),
            whole: key..stop,
            text: start..end,
        });
        at = stop;
    }
    found
}

/// The same description with other variables; `None` for one that cannot be read.
pub(super) fn edited(text: &str, changes: &Changes) -> Option<String> {
    let Some(place) = inner(text) else {
        let new: Vec<_> =
            changes.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))).collect();
        if new.is_empty() {
            return Some(text.to_owned());
        }
        // Before the end of the outermost dictionary.
        let end = text.rfind("</dict>")?;
        let line = text[..end].rfind('\n').map_or(end, |place| place + 1);
        let at = if text[line..end].trim().is_empty() { line } else { end };
        let entries: String = new.iter().map(|(name, value)| pair("\t\t", name, value)).collect();
        let block = format!("\t<key>{OUTER}</key>\n\t<dict>\n{entries}\t</dict>\n");
        return Some(format!("{}{block}{}", &text[..at], &text[at..]));
    };
    let mut body = text[place.clone()].to_owned();
    let indent = entries(&body).first().map_or("\t\t".to_owned(), |entry| {
        let before = &body[..entry.whole.start];
        before.rsplit('\n').next().unwrap_or_default().to_owned()
    });
    for (name, value) in changes {
        let found = entries(&body).into_iter().find(|entry| entry.name == *name);
        match (found, value) {
            (Some(entry), Some(value)) => body.replace_range(entry.text, &escape(value)),
            (Some(entry), None) => {
                // With the line break and the spaces before it.
                let start = body[..entry.whole.start].trim_end().len();
                body.replace_range(start..entry.whole.end, "");
            }
            (None, Some(value)) => {
                let end = body.trim_end().len();
                let new = format!("\n{}", pair(&indent, name, value).trim_end());
                body.insert_str(end, &new);
            }
            (None, None) => {}
        }
    }
    Some(format!("{}{body}{}", &text[..place.start], &text[place.end..]))
}

fn pair(indent: &str, name: &str, value: &str) -> String {
    format!("{indent}<key>{}</key>\n{indent}<string>{}</string>\n", escape(name), escape(value))
}

/// A description that sets one variable at each login.
pub(super) fn setting(label: &str, name: &str, value: &str) -> String {
    let words = ["/bin/launchctl", "setenv", name, value];
    let words: String =
        words.iter().map(|word| format!("\t\t<string>{}</string>\n", escape(word))).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
         \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n<dict>\n\t<key>Label</key>\n\t<string>{}</string>\n\
         \t<key>ProgramArguments</key>\n\t<array>\n{words}\t</array>\n\
         \t<key>RunAtLoad</key>\n\t<true/>\n</dict>\n</plist>\n",
        escape(label)
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn unescape(text: &str) -> String {
    let plain = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
    plain.replace("&apos;", "'").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::{edited, environment, flag, setting, string, strings};

    const TEXT: &str = "<plist>\n<dict>\n\t<key>Label</key>\n\t<string>a.ollama</string>\n\
        \t<!-- by hand -->\n\t<key>EnvironmentVariables</key>\n\t<dict>\n\
        \t\t<key>OLLAMA_HOST</key>\n\t\t<string>127.0.0.1:1</string>\n\
        \t\t<key>PATH</key>\n\t\t<string>/bin &amp; more</string>\n\t</dict>\n\
        \t<key>RunAtLoad</key>\n\t<true/>\n</dict>\n</plist>\n";

    fn change(name: &str, value: Option<&str>) -> crate::steering::Changes {
        [(name.to_owned(), value.map(str::to_owned))].into()
    }

    #[test]
    fn a_description_is_read() {
        assert_eq!(string(TEXT, "Label").as_deref(), Some("a.ollama"));
        assert!(flag(TEXT, "RunAtLoad"));
        assert_eq!(environment(TEXT).get("PATH").map(String::as_str), Some("/bin & more"));
        let own = setting("l", "OLLAMA_ORIGINS", "http://a?b=<c>&d");
        assert_eq!(
            strings(&own, "ProgramArguments"),
            ["/bin/launchctl", "setenv", "OLLAMA_ORIGINS", "http://a?b=<c>&d"]
        );
    }

    #[test]
    fn an_edit_and_its_undo_leave_every_byte() {
        for (name, value, before) in [
            ("OLLAMA_HOST", Some("0.0.0.0"), Some("127.0.0.1:1")),
            ("OLLAMA_MODELS", Some("/my \"models\" <1>"), None),
        ] {
            let after = edited(TEXT, &change(name, value)).expect("edited");
            assert!(after.contains("<!-- by hand -->"));
            assert_eq!(environment(&after).get(name).map(String::as_str), value);
            assert_eq!(edited(&after, &change(name, before)).as_deref(), Some(TEXT));
        }
        let without = edited(TEXT, &change("OLLAMA_HOST", None)).expect("edited");
        assert_eq!(environment(&without).len(), 1);
    }

    #[test]
    fn a_description_without_variables_gets_them_at_its_end() {
        let bare = "<plist>\n<dict>\n\t<key>Label</key>\n\t<string>x</string>\n</dict>\n</plist>\n";
        let after = edited(bare, &change("OLLAMA_DEBUG", Some("1"))).expect("edited");
        assert_eq!(
            after,
            "<plist>\n<dict>\n\t<key>Label</key>\n\t<string>x</string>\n\
             \t<key>EnvironmentVariables</key>\n\t<dict>\n\t\t<key>OLLAMA_DEBUG</key>\n\
             \t\t<string>1</string>\n\t</dict>\n</dict>\n</plist>\n"
        );
    }
}
