//! Every text that people read, in both languages: for the window, the tray and notifications.
//!
//! The tables are `src-ui/locales/{zh-CN,en}.json`; a key is the path through them joined by dots.
//! A text may hold
//! - `{name}`: the value of that name;
//! - `{n|one text|other text}`: the first form when the value is 1, else the second; `#` stands for
//!   the value;
//! - `[[ … ]]`: a part that is left out when one of its values is missing.

use std::collections::BTreeMap;

mod template;

/// A language Corral speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Locale {
    ZhCn,
    En,
}

impl Locale {
    /// Every language, the product's first one first.
    pub const ALL: &'static [Locale] = &[Locale::ZhCn, Locale::En];

    /// The language tag, as HTML and `Intl` want it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Locale::ZhCn => "zh-CN",
            Locale::En => "en",
        }
    }

    /// The language for a system's tag such as `zh_CN.UTF-8`, `zh-Hans` or `de-DE`: Chinese for
    /// any Chinese, English for all others.
    #[must_use]
    pub fn parse(tag: &str) -> Locale {
        let language = tag.trim().split(['-', '_', '.']).next().unwrap_or_default();
        if language.eq_ignore_ascii_case("zh") { Locale::ZhCn } else { Locale::En }
    }
}

type Table = BTreeMap<String, String>;

/// In the program itself the tables are part of it.
#[cfg(not(target_arch = "wasm32"))]
mod tables {
    use std::sync::LazyLock;

    use super::{Locale, Table, read};

    static CHINESE: LazyLock<Table> =
        LazyLock::new(|| read(include_str!("../../../src-ui/locales/zh-CN.json")));
    static ENGLISH: LazyLock<Table> =
        LazyLock::new(|| read(include_str!("../../../src-ui/locales/en.json")));

    pub(super) fn of(locale: Locale) -> &'static Table {
        match locale {
            Locale::ZhCn => &CHINESE,
            Locale::En => &ENGLISH,
        }
    }
}

/// In the window they come beside the module, which need not be compiled for the sake of texts.
#[cfg(target_arch = "wasm32")]
mod tables {
    use std::sync::OnceLock;

    use super::{Locale, Table, read};

    static CHINESE: OnceLock<Table> = OnceLock::new();
    static ENGLISH: OnceLock<Table> = OnceLock::new();
    static NONE: Table = Table::new();

    fn place(locale: Locale) -> &'static OnceLock<Table> {
        match locale {
            Locale::ZhCn => &CHINESE,
            Locale::En => &ENGLISH,
        }
    }

    pub(super) fn of(locale: Locale) -> &'static Table {
        place(locale).get().unwrap_or(&NONE)
    }

    /// The JSON of a table. To be given once, before the first text is asked for.
    pub fn provide(locale: Locale, json: &str) {
        // A second one would be the same.
        let _ = place(locale).set(read(json));
    }
}

#[cfg(target_arch = "wasm32")]
pub use tables::provide;

fn table(locale: Locale) -> &'static Table {
    tables::of(locale)
}

fn read(json: &str) -> Table {
    let mut table = Table::new();
    let parsed: serde_json::Value =
        serde_json::from_str(json).expect("the tests read both tables, so they are JSON");
    flatten(String::new(), parsed, &mut table);
    table
}

fn flatten(path: String, value: serde_json::Value, table: &mut Table) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() { name } else { format!("{path}.{name}") };
                flatten(path, value, table);
            }
        }
        serde_json::Value::String(text) => {
            table.insert(path, text);
        }
        _ => {}
    }
}

/// The text of `key` with its values filled in; the key itself when there is no such text.
#[must_use]
pub fn text(locale: Locale, key: &str, values: &[(&str, &str)]) -> String {
    lookup(locale, key, values).unwrap_or_else(|| key.to_owned())
}

/// As [`text`], for keys that come from outside and may be unknown.
#[must_use]
pub fn lookup(locale: Locale, key: &str, values: &[(&str, &str)]) -> Option<String> {
    table(locale).get(key).map(|pattern| template::fill(pattern, values))
}

#[cfg(test)]
mod tests;
