//! Reading, in one pass over the lines.

use serde::{Deserialize, Serialize};

use super::{INSTRUCTIONS, LONGEST, Modelfile, ROLES, Source, Value, parameter};
use crate::status::words;

words! {
    /// What is wrong in a Modelfile.
    Why {
        /// Something else than an instruction begins the line.
        NoInstruction = "noInstruction",
        UnknownInstruction = "unknownInstruction",
        /// The instruction has nothing behind it.
        NoValue = "noValue",
        /// Quotes that never end.
        Unclosed = "unclosed",
        NoFrom = "noFrom",
        /// `FROM` is neither a name nor a path.
        BadFrom = "badFrom",
        /// Only files can be named together.
        SeveralFrom = "severalFrom",
        /// Only the last one would count.
        Repeated = "repeated",
        UnknownParameter = "unknownParameter",
        /// The server ignores it.
        ObsoleteParameter = "obsoleteParameter",
        BadParameter = "badParameter",
        UnknownRole = "unknownRole",
        /// More than one adapter, which the server refuses.
        SeveralAdapters = "severalAdapters",
        /// More than [`LONGEST`] bytes.
        TooLarge = "tooLarge",
        /// Neither UTF-8 nor UTF-16 with its mark.
        Encoding = "encoding",
    }
}

impl Why {
    /// Whether a model can be made all the same.
    #[must_use]
    pub fn is_warning(self) -> bool {
        matches!(self, Why::ObsoleteParameter | Why::Repeated)
    }
}

/// A mistake and where it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// From 1.
    pub line: u32,
    /// Characters, from 1.
    pub column: u32,
    pub why: Why,
    /// The word that it is about; for a parameter also what it takes.
    pub what: String,
}

/// What a stretch of the text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkKind {
    Instruction,
    /// Name of a parameter, or a role.
    Name,
    Value,
    Comment,
    Wrong,
}

/// A stretch of the text, in bytes. Marks come in order and do not overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    pub start: usize,
    pub end: usize,
    pub kind: MarkKind,
}

/// A text that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parsed {
    /// `None` when something in it has to be mended first.
    pub modelfile: Option<Modelfile>,
    /// In the order of the text, warnings too.
    pub problems: Vec<Problem>,
    pub marks: Vec<Mark>,
}

/// The text of a file: UTF-8 or, with its mark, UTF-16, as Ollama takes it.
///
/// # Errors
/// `TooLarge` and `Encoding`.
pub fn decode(bytes: &[u8]) -> Result<String, Why> {
    if bytes.len() > 2 * LONGEST {
        return Err(Why::TooLarge);
    }
    let wide = |rest: &[u8], read: fn([u8; 2]) -> u16| {
        let (pairs, odd) = rest.as_chunks::<2>();
        let units: Vec<u16> = pairs.iter().map(|pair| read(*pair)).collect();
        if odd.is_empty() {
            String::from_utf16(&units).map_err(|_| Why::Encoding)
        } else {
            Err(Why::Encoding)
        }
    };
    let text = match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => {
            String::from_utf8(rest.to_vec()).map_err(|_| Why::Encoding)
        }
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        _ => String::from_utf8(bytes.to_vec()).map_err(|_| Why::Encoding),
    }?;
    // No Modelfile has one, and every file of weights does.
    if text.contains('\0') {
        return Err(Why::Encoding);
    }
    if text.len() > LONGEST { Err(Why::TooLarge) } else { Ok(text) }
}

/// Reads a Modelfile. Takes time in proportion to the length of the text.
#[must_use]
pub fn parse(text: &str) -> Parsed {
    if text.len() > LONGEST {
        let why = Problem { line: 1, column: 1, why: Why::TooLarge, what: String::new() };
        return Parsed { problems: vec![why], ..Parsed::default() };
    }
    let mut reader = Reader::new(text);
    while reader.at < reader.lines.len() {
        reader.instruction();
    }
    reader.finish()
}

struct Line<'a> {
    text: &'a str,
    /// Where it begins in the whole text.
    start: usize,
}

struct Reader<'a> {
    lines: Vec<Line<'a>>,
    /// The line that is read next.
    at: usize,
    /// A single quote that begins here or later is never closed.
    open_ended: bool,
    file: Modelfile,
    problems: Vec<Problem>,
    marks: Vec<Mark>,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Reader<'a> {
        let skipped = text.len() - text.trim_start_matches('\u{feff}').len();
        let mut start = skipped;
        let mut lines = Vec::new();
        for line in text[skipped..].split('\n') {
            lines.push(Line { text: line.strip_suffix('\r').unwrap_or(line), start });
            start += line.len() + 1;
        }
        Reader {
            lines,
            at: 0,
            open_ended: false,
            file: Modelfile::default(),
            problems: Vec::new(),
            marks: Vec::new(),
        }
    }

    /// A mistake in a line, at a byte of it.
    fn wrong(&mut self, line: usize, byte: usize, why: Why, what: impl Into<String>) {
        let before = self.lines.get(line).and_then(|line| line.text.get(..byte)).unwrap_or("");
        self.problems.push(Problem {
            line: number(line),
            column: u32::try_from(before.chars().count()).unwrap_or(u32::MAX).saturating_add(1),
            why,
            what: what.into(),
        });
    }

    fn mark(&mut self, start: usize, end: usize, kind: MarkKind) {
        if start < end {
            self.marks.push(Mark { start, end, kind });
        }
    }

    /// One line, or the lines of one instruction.
    fn instruction(&mut self) {
        let place = self.at;
        let Line { text, start } = self.lines[place];
        let body = text.trim_start();
        let indent = text.len() - body.len();
        if body.is_empty() || body.starts_with('#') {
            self.mark(start + indent, start + text.len(), MarkKind::Comment);
            self.at += 1;
            return;
        }
        let word =
            &body[..body.find(|sign: char| !sign.is_ascii_alphabetic()).unwrap_or(body.len())];
        let rest = &body[word.len()..];
        if word.is_empty() || !(rest.is_empty() || rest.starts_with([' ', '\t'])) {
            let shown: String =
                body.split_whitespace().next().unwrap_or("").chars().take(40).collect();
            self.wrong(place, indent, Why::NoInstruction, shown);
            self.mark(start + indent, start + text.len(), MarkKind::Wrong);
            self.at += 1;
            return;
        }
        let upper = word.to_ascii_uppercase();
        let known = INSTRUCTIONS.contains(&upper.as_str());
        let kind = if known { MarkKind::Instruction } else { MarkKind::Wrong };
        self.mark(start + indent, start + indent + word.len(), kind);
        if !known {
            self.wrong(place, indent, Why::UnknownInstruction, word);
        }
        let mut from = indent + word.len();
        let name = match upper.as_str() {
            "PARAMETER" | "MESSAGE" => {
                let (name, after) = word_at(text, from);
                let begin = after - name.len();
                self.mark(start + begin, start + after, MarkKind::Name);
                from = after;
                Some((name, begin))
            }
            _ => None,
        };
        let Some((value, column)) = self.value(place, from) else { return };
        if !known {
            return;
        }
        let empty = value.is_empty() && text[from..].trim().is_empty();
        if empty || name.is_some_and(|(name, _)| name.is_empty()) {
            return self.wrong(place, indent, Why::NoValue, word);
        }
        match name {
            Some((name, at)) if upper == "PARAMETER" => {
                self.parameter(place, at, column, name, value)
            }
            Some((name, at)) => {
                if !ROLES.contains(&name) {
                    return self.wrong(place, at, Why::UnknownRole, name);
                }
                self.file.messages.push((name.to_owned(), value));
            }
            None => self.single(place, (indent, column), &upper, value),
        }
    }

    fn parameter(&mut self, line: usize, at: usize, column: usize, name: &str, value: String) {
        let name = name.to_ascii_lowercase();
        let Some(known) = parameter(&name) else {
            return self.wrong(line, at, Why::UnknownParameter, name);
        };
        if known.obsolete {
            self.wrong(line, at, Why::ObsoleteParameter, name.as_str());
        } else if known.read(&value).is_none() {
            let what = format!("{name}: {}", known.takes());
            return self.wrong(line, column, Why::BadParameter, what);
        } else if name != "stop" && self.file.parameters.iter().any(|(other, _)| *other == name) {
            self.wrong(line, at, Why::Repeated, name.as_str());
            self.file.parameters.retain(|(other, _)| *other != name);
        }
        self.file.parameters.push((name, value));
    }

    fn single(&mut self, line: usize, at: (usize, usize), instruction: &str, value: String) {
        let (indent, column) = at;
        let slot = match instruction {
            "FROM" => {
                if Source::of(&value) == Source::Nothing {
                    return self.wrong(
                        line,
                        column,
                        Why::BadFrom,
                        value.chars().take(80).collect::<String>(),
                    );
                }
                let place = Value { text: value.clone(), line: number(line) };
                let names = |value: &Value| matches!(Source::of(&value.text), Source::Model(_));
                let mixed = !self.file.from.is_empty()
                    && (names(&place) || self.file.from.iter().any(names));
                self.file.from.push(place);
                if mixed {
                    self.wrong(line, indent, Why::SeveralFrom, value);
                }
                return;
            }
            "ADAPTER" => {
                if !self.file.adapters.is_empty() {
                    self.wrong(line, indent, Why::SeveralAdapters, value.as_str());
                }
                return self.file.adapters.push(Value { text: value, line: number(line) });
            }
            "LICENSE" => return self.file.licenses.push(value),
            "TEMPLATE" => &mut self.file.template,
            "SYSTEM" => &mut self.file.system,
            "RENDERER" => &mut self.file.renderer,
            "PARSER" => &mut self.file.parser,
            _ => &mut self.file.requires,
        };
        if slot.replace(value).is_some() {
            self.wrong(line, indent, Why::Repeated, instruction);
        }
    }

    /// The value that begins in a line behind `from`, and the byte where it begins. Moves on to the
    /// line after it; `None` = its quotes never end, which was said.
    fn value(&mut self, line: usize, from: usize) -> Option<(String, usize)> {
        let Line { text, start } = self.lines[line];
        let first = text[from..].trim_start();
        let column = text.len() - first.len();
        let first = first.trim_end();
        let (quote, single) = if first.starts_with("\"\"\"") {
            ("\"\"\"", false)
        } else if first.starts_with('"') {
            ("\"", true)
        } else {
            self.mark(start + column, start + column + first.len(), MarkKind::Value);
            self.at = line + 1;
            return Some((first.to_owned(), column));
        };
        let closes_itself = first.len() >= 2 * quote.len() && first.ends_with(quote);
        let last = if closes_itself {
            Some(line)
        } else if single && self.open_ended {
            None
        } else {
            let mut later = self.lines.iter().skip(line + 1);
            later.position(|line| line.text.trim_end().ends_with(quote)).map(|more| line + 1 + more)
        };
        let Some(last) = last else {
            self.wrong(line, column, Why::Unclosed, quote);
            self.mark(start + column, start + text.len(), MarkKind::Wrong);
            // One quote was most likely meant for its line; a block has swallowed the rest.
            self.open_ended |= single;
            self.at = if single { line + 1 } else { self.lines.len() };
            return None;
        };
        self.at = last + 1;
        let mut value = String::new();
        if last == line {
            value.push_str(&first[quote.len()..first.len() - quote.len()]);
        } else {
            // What stands in the line after the quotes belongs to it, blanks at its end too.
            value.push_str(&text[column + quote.len()..]);
            for line in &self.lines[line + 1..last] {
                value.push('\n');
                value.push_str(line.text);
            }
            value.push('\n');
            let end = self.lines[last].text.trim_end();
            value.push_str(&end[..end.len() - quote.len()]);
        }
        let end = self.lines[last].start + self.lines[last].text.trim_end().len();
        self.mark(start + column, end, MarkKind::Value);
        Some((value, column))
    }

    fn finish(mut self) -> Parsed {
        let bad = |problems: &[Problem]| {
            problems.iter().any(|problem| matches!(problem.why, Why::BadFrom | Why::Unclosed))
        };
        if self.file.from.is_empty() && !bad(&self.problems) {
            self.wrong(0, 0, Why::NoFrom, "FROM");
        }
        self.problems.sort_by_key(|problem| (problem.line, problem.column));
        let fine = self.problems.iter().all(|problem| problem.why.is_warning());
        Parsed { modelfile: fine.then_some(self.file), problems: self.problems, marks: self.marks }
    }
}

/// The word at or after a byte, and the byte after it.
fn word_at(text: &str, from: usize) -> (&str, usize) {
    let rest = &text[from..];
    let begin = from + rest.len() - rest.trim_start().len();
    let rest = &text[begin..];
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    (&rest[..end], begin + end)
}

fn number(line: usize) -> u32 {
    u32::try_from(line + 1).unwrap_or(u32::MAX)
}
