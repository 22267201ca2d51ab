//! The parameters that Ollama knows, with what they take.

/// What a parameter takes; bounds are inclusive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Range {
    Whole(i64, i64),
    Fraction(f64, f64),
    Switch,
    /// Any text; the parameter may repeat.
    Texts,
}

/// A parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Parameter {
    pub name: &'static str,
    pub range: Range,
    /// The server ignores it since it runs models in another way.
    pub obsolete: bool,
}

const INT: i64 = i32::MAX as i64;

const fn known(name: &'static str, range: Range) -> Parameter {
    Parameter { name, range, obsolete: false }
}

const fn obsolete(name: &'static str, range: Range) -> Parameter {
    Parameter { name, range, obsolete: true }
}

use Range::{Fraction, Switch, Texts, Whole};

impl Parameter {
    /// Every parameter, in the order of their names.
    pub const ALL: &'static [Parameter] = &[
        known("draft_num_predict", Whole(0, INT)),
        obsolete("f16_kv", Switch),
        known("frequency_penalty", Fraction(-2.0, 2.0)),
        obsolete("logits_all", Switch),
        obsolete("low_vram", Switch),
        known("main_gpu", Whole(0, 255)),
        known("min_p", Fraction(0.0, 1.0)),
        obsolete("mirostat", Whole(0, 2)),
        obsolete("mirostat_eta", Fraction(0.0, 1.0)),
        obsolete("mirostat_tau", Fraction(0.0, 100.0)),
        known("num_batch", Whole(1, INT)),
        known("num_ctx", Whole(4, INT)),
        known("num_gpu", Whole(-1, INT)),
        known("num_keep", Whole(-1, INT)),
        known("num_predict", Whole(-2, INT)),
        known("num_thread", Whole(0, 4096)),
        obsolete("penalize_newline", Switch),
        known("presence_penalty", Fraction(-2.0, 2.0)),
        known("repeat_last_n", Whole(-1, INT)),
        known("repeat_penalty", Fraction(0.0, 10.0)),
        known("seed", Whole(-INT, INT)),
        known("stop", Texts),
        known("temperature", Fraction(0.0, 10.0)),
        known("top_k", Whole(0, INT)),
        known("top_p", Fraction(0.0, 1.0)),
        known("typical_p", Fraction(0.0, 1.0)),
        obsolete("use_mlock", Switch),
        known("use_mmap", Switch),
        obsolete("vocab_only", Switch),
    ];

    /// The value as JSON, as the server wants it; `None` when it is out of range or of another
    /// kind.
    #[must_use]
    pub fn read(&self, text: &str) -> Option<serde_json::Value> {
        match self.range {
            Whole(least, most) => {
                let number: i64 = text.parse().ok()?;
                (least..=most).contains(&number).then(|| number.into())
            }
            Fraction(least, most) => {
                let number: f64 = text.parse().ok()?;
                (least..=most).contains(&number).then(|| number.into())
            }
            // The spellings that Go takes.
            Switch => match text {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true.into()),
                "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false.into()),
                _ => None,
            },
            Texts => Some(text.into()),
        }
    }

    /// What it takes, in signs that need no language: `0 – 1`, `true / false`.
    #[must_use]
    pub fn takes(&self) -> String {
        match self.range {
            Whole(least, INT) => format!("≥ {least}"),
            Whole(least, most) => format!("{least} – {most}"),
            Fraction(least, most) => format!("{least:.1} – {most:.1}"),
            Switch => "true / false".to_owned(),
            Texts => "…".to_owned(),
        }
    }
}

/// A parameter by its name, which is lower case.
#[must_use]
pub fn find(name: &str) -> Option<&'static Parameter> {
    Parameter::ALL.iter().find(|each| each.name == name)
}
