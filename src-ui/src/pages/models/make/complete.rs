//! What could stand at the caret of a Modelfile.

use corral_contract::modelfile::{INSTRUCTIONS, Parameter, ROLES};

use crate::components::Completion;

/// Proposals for the word that ends at a byte of the text; `models` are names that `FROM` can take.
pub(super) fn complete(text: &str, at: usize, models: &[String]) -> Option<Completion> {
    let before = text.get(..at)?;
    let line = before.rsplit('\n').next()?;
    // Inside a word there is nothing to propose.
    if text.get(at..)?.starts_with(|sign: char| sign.is_ascii_alphanumeric()) {
        return None;
    }
    let body = line.trim_start();
    let begin = at - body.len();
    let Some((instruction, rest)) = body.split_once([' ', '\t']) else {
        let upper = body.to_ascii_uppercase();
        let fits = |word: &&&str| !body.is_empty() && word.starts_with(&upper) && ***word != *upper;
        let items =
            INSTRUCTIONS.iter().filter(fits).map(|word| ((*word).to_owned(), String::new()));
        return Some(Completion { start: begin, items: items.collect() });
    };
    let word = rest.trim_start();
    if word.contains(char::is_whitespace) {
        return None;
    }
    let lower = word.to_lowercase();
    let fits = |name: &str| name.to_lowercase().starts_with(&lower) && name.to_lowercase() != lower;
    let items: Vec<(String, String)> = match instruction.to_ascii_uppercase().as_str() {
        "PARAMETER" => Parameter::ALL
            .iter()
            .filter(|each| !each.obsolete && fits(each.name))
            .map(|each| (each.name.to_owned(), each.takes()))
            .collect(),
        "MESSAGE" => {
            let roles = ROLES.iter().filter(|role| fits(role));
            roles.map(|role| ((*role).to_owned(), String::new())).collect()
        }
        "FROM" => {
            let names = models.iter().filter(|name| fits(name)).take(12);
            names.map(|name| (name.clone(), String::new())).collect()
        }
        _ => return None,
    };
    Some(Completion { start: at - word.len(), items })
}

#[cfg(test)]
mod tests {
    use super::complete;

    fn words(text: &str) -> Vec<String> {
        let models = ["llama3.2:3b".to_owned(), "qwen3:8b".to_owned()];
        let found = complete(text, text.len(), &models);
        found.map(|it| it.items.into_iter().map(|(word, _)| word).collect()).unwrap_or_default()
    }

    #[test]
    fn proposes_what_can_stand_there() {
        assert_eq!(words("FROM x\npa"), ["PARAMETER", "PARSER"]);
        assert_eq!(words("FROM x\n"), Vec::<String>::new(), "nothing on an empty line");
        assert_eq!(words("PARAMETER num_c"), ["num_ctx"]);
        assert_eq!(words("parameter top_"), ["top_k", "top_p"]);
        assert_eq!(words("PARAMETER num_ctx 4"), Vec::<String>::new());
        assert_eq!(words("MESSAGE "), ["system", "user", "assistant"]);
        assert_eq!(words("FROM ll"), ["llama3.2:3b"]);
        assert_eq!(words("SYSTEM you "), Vec::<String>::new());
        let completion = complete("FROM x\n  temp", 13, &[]).expect("a place");
        assert_eq!(completion.start, 9);
    }
}
