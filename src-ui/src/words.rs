//! Texts in the language of the moment; a view that uses them follows a switch of language.

use corral_locale::Locale;
use leptos::prelude::*;

/// Takes over the tables that `texts.js` put beside the module. To be called before anything is
/// shown. On the host, where tests run, the tables are there already.
pub fn take_over() {
    #[cfg(target_arch = "wasm32")]
    for locale in Locale::ALL {
        let texts = js_sys::Reflect::get(&window(), &"corralTexts".into());
        let table = texts.and_then(|texts| js_sys::Reflect::get(&texts, &locale.as_str().into()));
        if let Some(json) = table.ok().and_then(|json| json.as_string()) {
            corral_locale::provide(*locale, &json);
        }
    }
}

/// Gives texts. Reading one inside a view or an effect follows the language.
#[derive(Clone, Copy)]
pub struct Words(Signal<Locale>);

impl Words {
    /// Texts in the language of `locale`.
    #[must_use]
    pub fn new(locale: Signal<Locale>) -> Words {
        Words(locale)
    }

    /// The language of the moment.
    #[must_use]
    pub fn locale(self) -> Locale {
        self.0.get()
    }

    /// The text of `key`.
    #[must_use]
    pub fn get(self, key: &str) -> String {
        corral_locale::text(self.0.get(), key, &[])
    }

    /// The text of `key` with its values.
    #[must_use]
    pub fn fill(self, key: &str, values: &[(&str, &str)]) -> String {
        corral_locale::text(self.0.get(), key, values)
    }

    /// The text of a key that comes from outside, or `other`.
    #[must_use]
    pub fn get_or(self, key: &str, other: &str) -> String {
        corral_locale::lookup(self.0.get(), key, &[]).unwrap_or_else(|| other.to_owned())
    }

    /// As [`Words::signal`], for a key that was put together.
    #[must_use]
    #[track_caller]
    pub fn signal_of(self, key: String) -> Signal<String> {
        Signal::derive(move || self.get(&key))
    }

    /// The text of `key` as a property of a component.
    #[must_use]
    #[track_caller]
    pub fn signal(self, key: &'static str) -> Signal<String> {
        Signal::derive(move || self.get(key))
    }
}

/// The texts of this window.
#[must_use]
pub fn use_words() -> Words {
    expect_context()
}
