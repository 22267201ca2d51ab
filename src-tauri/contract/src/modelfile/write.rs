//! Writing a Modelfile, so that reading it gives the same again.

use super::{Modelfile, Value, parse};

impl Modelfile {
    /// The text: one instruction after the other in the usual order.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        let mut line = |instruction: &str, value: &str| {
            out.push_str(instruction);
            out.push(' ');
            out.push_str(&quoted(value));
            out.push('\n');
        };
        self.from.iter().for_each(|from| line("FROM", &from.text));
        self.adapters.iter().for_each(|adapter| line("ADAPTER", &adapter.text));
        let single = [
            ("TEMPLATE", &self.template),
            ("SYSTEM", &self.system),
            ("RENDERER", &self.renderer),
            ("PARSER", &self.parser),
        ];
        for (instruction, value) in single {
            value.iter().for_each(|value| line(instruction, value));
        }
        for (name, value) in &self.parameters {
            line(&format!("PARAMETER {name}"), value);
        }
        for (role, text) in &self.messages {
            line(&format!("MESSAGE {role}"), text);
        }
        self.requires.iter().for_each(|version| line("REQUIRES", version));
        self.licenses.iter().for_each(|text| line("LICENSE", text));
        out
    }
}

/// A value as it has to be written: bare where that is enough.
#[must_use]
pub fn quoted(value: &str) -> String {
    let bare = !value.is_empty() && value.trim() == value && !value.contains(['\n', '\r', '"']);
    if bare {
        value.to_owned()
    } else if value.contains(['"', '\n', '\r']) {
        format!("\"\"\"{value}\"\"\"")
    } else {
        format!("\"{value}\"")
    }
}

/// The Modelfile that `show` answers, as one to begin a new model with: its `FROM` is a file in the
/// server's own store, which only that server has, so `model` takes its place. A text that cannot
/// be read stays as it is.
#[must_use]
pub fn portable(shown: &str, model: &str) -> String {
    let Parsed { modelfile, .. } = parse(shown);
    let Some(mut modelfile) = modelfile else { return shown.to_owned() };
    modelfile.from = vec![Value { text: model.to_owned(), line: 1 }];
    // The adapters are part of the model that is named now.
    modelfile.adapters.clear();
    modelfile.text()
}

use super::Parsed;
