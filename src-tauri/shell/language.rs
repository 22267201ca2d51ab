//! The language of everything the desktop itself says.

use corral_contract::settings::Language;
use corral_locale::Locale;

/// The system's language, looked up once at the start.
#[derive(Debug, Clone, Copy)]
pub struct SystemLanguage(Locale);

impl SystemLanguage {
    /// From a tag such as `zh_CN.UTF-8`.
    #[must_use]
    pub fn new(tag: &str) -> Self {
        SystemLanguage(Locale::parse(tag))
    }

    /// The nearest language Corral speaks.
    #[must_use]
    pub fn locale(self) -> Locale {
        self.0
    }

    /// The language to speak with this setting.
    #[must_use]
    pub fn chosen(self, setting: Language) -> Locale {
        match setting {
            Language::System => self.0,
            Language::ZhCn => Locale::ZhCn,
            Language::En => Locale::En,
        }
    }
}

/// The system's own tag; English where it has none.
#[must_use]
pub fn of_system() -> String {
    sys_locale::get_locale().unwrap_or_else(|| Locale::En.as_str().to_owned())
}
