//! The whole order of a GGUF file: its keys, its table of tensors, and that each tensor lies inside
//! the file. Reads the head once, from front to back, and keeps next to nothing of it.
//!
//! Only what contradicts itself is broken. A form that is not known here, such as a later version
//! or a type of tensor that came after this was written, cannot be judged and says so.

use std::io::{self, Read};

use super::{LIST, LONGEST_LIST, LONGEST_TEXT, TEXT};

/// Most dimensions of a tensor.
const MOST_DIMENSIONS: u32 = 4;
/// Alignment of the data when no key says otherwise, in bytes.
const USUAL_ALIGNMENT: u64 = 32;
/// Texts that are kept, in bytes: names and the word for the architecture.
const KEPT_TEXT: u64 = 4096;

/// What can be said about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Sound(Summary),
    /// It contradicts itself; in which way.
    Broken(String),
    /// It cannot be judged; why.
    Unknown(&'static str),
}

/// What a sound file is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    pub architecture: Option<String>,
    /// Elements of all tensors.
    pub parameters: u64,
    pub tensors: u64,
    pub quantization: Option<&'static str>,
    pub context_length: Option<u64>,
}

/// Reads the head of a file of `size` bytes and judges it. Blocks.
///
/// # Errors
/// Whatever reading says, except that the end came too early, which is a verdict.
pub fn examine(file: impl Read, size: u64) -> io::Result<Verdict> {
    let mut walk = Walk { file, size, at: 0, alignment: USUAL_ALIGNMENT, found: Found::default() };
    match walk.whole() {
        Ok(summary) => Ok(Verdict::Sound(summary)),
        Err(Stop::Broken(what)) => Ok(Verdict::Broken(what)),
        Err(Stop::Unknown(why)) => Ok(Verdict::Unknown(why)),
        Err(Stop::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
            Ok(Verdict::Broken("it ends inside its head".to_owned()))
        }
        Err(Stop::Io(error)) => Err(error),
    }
}

enum Stop {
    Broken(String),
    Unknown(&'static str),
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Stop::Io(error)
    }
}

fn broken<T>(what: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Broken(what.into()))
}

#[derive(Default)]
struct Found {
    architecture: Option<String>,
    file_type: Option<u64>,
    /// Ends of keys with `context_length`, which may come before the architecture is known.
    context: Vec<(String, u64)>,
}

struct Walk<R> {
    file: R,
    size: u64,
    at: u64,
    alignment: u64,
    found: Found,
}

impl<R: Read> Walk<R> {
    fn whole(&mut self) -> Result<Summary, Stop> {
        match self.array::<4>() {
            Ok(magic) if &magic == b"GGUF" => {}
            Ok(magic) if &magic == b"FUGG" => {
                return Err(Stop::Unknown("it is written big end first"));
            }
            // Shorter than that, it is nothing that could be damaged.
            Ok(_) => return Err(Stop::Unknown("it is no GGUF file")),
            Err(Stop::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(Stop::Unknown("it is no GGUF file"));
            }
            Err(stop) => return Err(stop),
        }
        match self.u32()? {
            2 | 3 => {}
            1 => return Err(Stop::Unknown("it is GGUF version 1")),
            version if version.swap_bytes() < 16 => {
                return Err(Stop::Unknown("it is written big end first"));
            }
            _ => return Err(Stop::Unknown("its version of GGUF is not known")),
        }
        let (tensors, keys) = (self.u64()?, self.u64()?);
        for _ in 0..keys {
            self.key()?;
        }
        let mut ends = Ends { parameters: 0, last: 0, tensor: String::new() };
        let mut unknown = false;
        for _ in 0..tensors {
            unknown |= !self.tensor(&mut ends)?;
        }
        if unknown {
            return Err(Stop::Unknown("it has tensors of a type that is not known"));
        }
        let data = self.at.checked_next_multiple_of(self.alignment);
        match data.and_then(|data| data.checked_add(ends.last)) {
            Some(end) if end <= self.size => {}
            Some(end) => {
                return broken(format!(
                    "tensor {:?} ends at byte {end}, the file at {}",
                    ends.tensor, self.size
                ));
            }
            None => return broken(format!("the place of tensor {:?} is absurd", ends.tensor)),
        }
        let architecture = self.found.architecture.take();
        let context = architecture.as_deref().and_then(|word| {
            let key = format!("{word}.context_length");
            self.found.context.iter().find(|(known, _)| *known == key).map(|(_, value)| *value)
        });
        Ok(Summary {
            quantization: self.found.file_type.and_then(file_type),
            context_length: context,
            parameters: ends.parameters,
            architecture,
            tensors,
        })
    }

    fn key(&mut self) -> Result<(), Stop> {
        let key = self.text()?;
        let kind = self.u32()?;
        if kind == LIST {
            return self.list(&key);
        }
        let Some(width) = width(kind) else {
            if kind != TEXT {
                return broken(format!("key {key:?} has the unknown type {kind}"));
            }
            let text = self.text()?;
            if key == "general.architecture" {
                self.found.architecture = Some(text);
            }
            return Ok(());
        };
        let mut bytes = [0; 8];
        let slot = bytes.get_mut(..width).unwrap_or_default();
        self.file.read_exact(slot)?;
        self.at += width as u64;
        // Of the numbers that matter here none is a fraction.
        let number = u64::from_le_bytes(bytes);
        match key.as_str() {
            "general.alignment" if number == 0 => return broken("its alignment is zero"),
            "general.alignment" => self.alignment = number,
            "general.file_type" => self.found.file_type = Some(number),
            _ if key.ends_with(".context_length") && matches!(kind, 4 | 5 | 10 | 11) => {
                self.found.context.push((key, number));
            }
            _ => {}
        }
        Ok(())
    }

    fn list(&mut self, key: &str) -> Result<(), Stop> {
        let (kind, count) = (self.u32()?, self.u64()?);
        if count > LONGEST_LIST {
            return broken(format!("the list {key:?} has {count} elements"));
        }
        match (kind, width(kind)) {
            (_, Some(width)) => self.skip(count.saturating_mul(width as u64)),
            (TEXT, None) => {
                for _ in 0..count {
                    let length = self.length()?;
                    self.skip(length)?;
                }
                Ok(())
            }
            (LIST, None) => broken(format!("the list {key:?} holds lists")),
            (kind, None) => broken(format!("the list {key:?} has the unknown type {kind}")),
        }
    }

    /// Takes one tensor into account; `false` when its type is not known.
    fn tensor(&mut self, ends: &mut Ends) -> Result<bool, Stop> {
        let name = self.text()?;
        let dimensions = self.u32()?;
        if dimensions > MOST_DIMENSIONS {
            return broken(format!("tensor {name:?} has {dimensions} dimensions"));
        }
        let (mut elements, mut first) = (1_u64, 1_u64);
        for place in 0..dimensions {
            let length = self.u64()?;
            if place == 0 {
                first = length;
            }
            let Some(product) = elements.checked_mul(length) else {
                return broken(format!("the size of tensor {name:?} is absurd"));
            };
            elements = product;
        }
        let (kind, offset) = (self.u32()?, self.u64()?);
        let Some((block, bytes)) = block(kind) else { return Ok(false) };
        if !first.is_multiple_of(block) {
            return broken(format!("a row of tensor {name:?} is no number of whole blocks"));
        }
        let end = (elements / block).checked_mul(bytes).and_then(|size| size.checked_add(offset));
        let Some(end) = end else {
            return broken(format!("the place of tensor {name:?} is absurd"));
        };
        ends.parameters = ends.parameters.saturating_add(elements);
        if end >= ends.last {
            (ends.last, ends.tensor) = (end, name);
        }
        Ok(true)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        let mut bytes = [0; N];
        self.file.read_exact(&mut bytes)?;
        self.at += N as u64;
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, Stop> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Result<u64, Stop> {
        self.array().map(u64::from_le_bytes)
    }

    fn length(&mut self) -> Result<u64, Stop> {
        let length = self.u64()?;
        if length > LONGEST_TEXT {
            return broken(format!("a text of {length} bytes"));
        }
        Ok(length)
    }

    /// A text; of a long one only the beginning.
    fn text(&mut self) -> Result<String, Stop> {
        let length = self.length()?;
        let kept = length.min(KEPT_TEXT);
        let mut bytes = Vec::new();
        if (&mut self.file).take(kept).read_to_end(&mut bytes)? as u64 != kept {
            return Err(Stop::Io(io::ErrorKind::UnexpectedEof.into()));
        }
        self.at += kept;
        self.skip(length - kept)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn skip(&mut self, bytes: u64) -> Result<(), Stop> {
        if bytes > self.size.saturating_sub(self.at) {
            return Err(Stop::Io(io::ErrorKind::UnexpectedEof.into()));
        }
        let passed = io::copy(&mut (&mut self.file).take(bytes), &mut io::sink())?;
        if passed != bytes {
            return Err(Stop::Io(io::ErrorKind::UnexpectedEof.into()));
        }
        self.at += bytes;
        Ok(())
    }
}

/// How far the tensors reach into the data.
struct Ends {
    parameters: u64,
    last: u64,
    /// The one that reaches furthest.
    tensor: String,
}

/// Bytes of a plain value.
fn width(kind: u32) -> Option<usize> {
    match kind {
        0 | 1 | 7 => Some(1),
        2 | 3 => Some(2),
        4..=6 => Some(4),
        10..=12 => Some(8),
        _ => None,
    }
}

/// Elements and bytes of one block of a type of tensor.
fn block(kind: u32) -> Option<(u64, u64)> {
    Some(match kind {
        0 | 26 => (1, 4),
        1 | 25 | 30 => (1, 2),
        2 | 20 => (32, 18),
        3 => (32, 20),
        6 => (32, 22),
        7 => (32, 24),
        8 => (32, 34),
        9 => (32, 36),
        10 => (256, 84),
        11 | 21 => (256, 110),
        12 => (256, 144),
        13 => (256, 176),
        14 => (256, 210),
        15 => (256, 292),
        16 => (256, 66),
        17 => (256, 74),
        18 => (256, 98),
        19 => (256, 50),
        22 => (256, 82),
        23 => (256, 136),
        24 => (1, 1),
        27 | 28 => (1, 8),
        29 => (256, 56),
        39 => (32, 17),
        40 => (64, 36),
        41 => (128, 18),
        _ => return None,
    })
}

/// The usual name of `general.file_type`.
fn file_type(number: u64) -> Option<&'static str> {
    const NAMES: [&str; 41] = [
        "F32",
        "F16",
        "Q4_0",
        "Q4_1",
        "",
        "",
        "",
        "Q8_0",
        "Q5_0",
        "Q5_1",
        "Q2_K",
        "Q3_K_S",
        "Q3_K_M",
        "Q3_K_L",
        "Q4_K_S",
        "Q4_K_M",
        "Q5_K_S",
        "Q5_K_M",
        "Q6_K",
        "IQ2_XXS",
        "IQ2_XS",
        "Q2_K_S",
        "IQ3_XS",
        "IQ3_XXS",
        "IQ1_S",
        "IQ4_NL",
        "IQ3_S",
        "IQ3_M",
        "IQ2_S",
        "IQ2_M",
        "IQ4_XS",
        "IQ1_M",
        "BF16",
        "",
        "",
        "",
        "TQ1_0",
        "TQ2_0",
        "MXFP4_MOE",
        "NVFP4",
        "Q1_0",
    ];
    let name = NAMES.get(usize::try_from(number).ok()?)?;
    (!name.is_empty()).then_some(*name)
}

#[cfg(test)]
#[path = "structure_test.rs"]
mod tests;
