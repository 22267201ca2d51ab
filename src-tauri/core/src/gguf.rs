//! The head of a GGUF file: what kind of model it is and how much memory a context takes.
//!
//! Reads from the first bytes of a file, as a download brings them, and takes what is there: the
//! facts of the architecture come before the tokenizer's long lists.

use std::collections::BTreeMap;

pub mod structure;

const MAGIC: &[u8] = b"GGUF";
/// Longest text that is believed, in bytes.
const LONGEST_TEXT: u64 = 16 << 20;
/// Most elements of a list that are believed.
const LONGEST_LIST: u64 = 64 << 20;
/// Elements of a list that are kept: one number per layer is the longest that matters.
const KEPT: usize = 4096;

/// What the head of a file says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Head {
    pub version: u32,
    pub tensors: u64,
    /// Keys in their order of names, as far as the bytes reach.
    pub values: BTreeMap<String, Value>,
    /// Whether all keys were within the bytes.
    pub complete: bool,
}

/// The value of a key.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Number(f64),
    Bool(bool),
    Text(String),
    /// Its first elements, when they are numbers.
    List(Vec<f64>),
}

/// Why bytes are no GGUF file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoGguf {
    #[error("it does not begin as a GGUF file does")]
    Magic,
    #[error("GGUF version {0} is not known")]
    Version(u32),
    #[error("a length in its head is absurd")]
    Absurd,
}

impl Head {
    /// Reads as much as the bytes hold.
    ///
    /// # Errors
    /// When they are not the beginning of a GGUF file.
    pub fn read(bytes: &[u8]) -> Result<Head, NoGguf> {
        let mut reader = Reader(bytes);
        if !bytes.starts_with(MAGIC) {
            return Err(NoGguf::Magic);
        }
        reader.skip(4);
        let version = reader.u32().ok_or(NoGguf::Magic)?;
        if !(2..=3).contains(&version) {
            return Err(NoGguf::Version(version));
        }
        let (Some(tensors), Some(count)) = (reader.u64(), reader.u64()) else {
            return Ok(Head { version, ..Head::default() });
        };
        let mut head = Head { version, tensors, ..Head::default() };
        for _ in 0..count {
            match reader.pair()? {
                Some((key, Some(value))) => drop(head.values.insert(key, value)),
                Some((_, None)) => {}
                // The rest lies beyond these bytes.
                None => return Ok(head),
            }
        }
        head.complete = true;
        Ok(head)
    }

    /// `general.architecture`.
    #[must_use]
    pub fn architecture(&self) -> Option<&str> {
        match self.values.get("general.architecture") {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// A number of the architecture, such as `block_count`.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<u64> {
        let full = format!("{}.{key}", self.architecture()?);
        match self.values.get(&full)? {
            Value::Number(number) if *number >= 0.0 => Some(*number as u64),
            _ => None,
        }
    }

    /// Longest context that the model was made for, in tokens.
    #[must_use]
    pub fn context_length(&self) -> Option<u64> {
        self.number("context_length")
    }

    /// Bytes of context that one token takes with values of two bytes, over all layers.
    #[must_use]
    pub fn bytes_per_token(&self) -> Option<u64> {
        let layers = self.number("block_count")?;
        let heads = self.number("attention.head_count")?.max(1);
        let usual = self.number("embedding_length")? / heads;
        let key = self.number("attention.key_length").unwrap_or(usual);
        let value = self.number("attention.value_length").unwrap_or(usual);
        let full = format!("{}.attention.head_count_kv", self.architecture()?);
        // Layers may differ: then there is one number for each.
        let over_layers = match self.values.get(&full) {
            Some(Value::List(each)) if !each.is_empty() => {
                each.iter().map(|heads| heads.max(0.0) as u64).sum()
            }
            Some(Value::Number(heads)) if *heads >= 1.0 => layers.saturating_mul(*heads as u64),
            _ => layers.saturating_mul(heads),
        };
        Some(over_layers.saturating_mul(key.saturating_add(value)).saturating_mul(2))
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn skip(&mut self, bytes: u64) -> Option<()> {
        self.0 = self.0.get(usize::try_from(bytes).ok()?..)?;
        Some(())
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    fn text(&mut self) -> Result<Option<String>, NoGguf> {
        let Some(length) = self.u64() else { return Ok(None) };
        if length > LONGEST_TEXT {
            return Err(NoGguf::Absurd);
        }
        let length = usize::try_from(length).map_err(|_| NoGguf::Absurd)?;
        let Some((bytes, rest)) = self.0.split_at_checked(length) else { return Ok(None) };
        self.0 = rest;
        Ok(Some(String::from_utf8_lossy(bytes).into_owned()))
    }

    /// A key and its value; the value is `None` when it is of no use here.
    fn pair(&mut self) -> Result<Option<(String, Option<Value>)>, NoGguf> {
        let Some(key) = self.text()? else { return Ok(None) };
        let Some(kind) = self.u32() else { return Ok(None) };
        if kind != LIST {
            return Ok(self.value(kind)?.map(|value| (key, Some(value))));
        }
        let (Some(kind), Some(count)) = (self.u32(), self.u64()) else { return Ok(None) };
        if count > LONGEST_LIST || kind == LIST {
            return Err(NoGguf::Absurd);
        }
        let mut kept = Vec::new();
        for _ in 0..count {
            match self.value(kind)? {
                Some(Value::Number(number)) if kept.len() < KEPT => kept.push(number),
                Some(_) => {}
                None => return Ok(None),
            }
        }
        Ok(Some((key, (!kept.is_empty()).then_some(Value::List(kept)))))
    }

    fn value(&mut self, kind: u32) -> Result<Option<Value>, NoGguf> {
        let number = match kind {
            0 => self.array::<1>().map(|bytes| f64::from(bytes[0])),
            1 => self.array().map(|bytes| f64::from(i8::from_le_bytes(bytes))),
            2 => self.array().map(|bytes| f64::from(u16::from_le_bytes(bytes))),
            3 => self.array().map(|bytes| f64::from(i16::from_le_bytes(bytes))),
            4 => self.u32().map(f64::from),
            5 => self.array().map(|bytes| f64::from(i32::from_le_bytes(bytes))),
            6 => self.array().map(|bytes| f64::from(f32::from_le_bytes(bytes))),
            7 => return Ok(self.array::<1>().map(|bytes| Value::Bool(bytes[0] != 0))),
            TEXT => return Ok(self.text()?.map(Value::Text)),
            10 => self.u64().map(|number| number as f64),
            11 => self.array().map(|bytes| i64::from_le_bytes(bytes) as f64),
            12 => self.array().map(f64::from_le_bytes),
            _ => return Err(NoGguf::Absurd),
        };
        Ok(number.map(Value::Number))
    }
}

const TEXT: u32 = 8;
const LIST: u32 = 9;

#[cfg(test)]
#[path = "gguf_test.rs"]
mod tests;
