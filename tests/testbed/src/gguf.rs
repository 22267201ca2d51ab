//! Small valid GGUF files, and damaged ones.

/// A metadata value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    U32(u32),
    I32(i32),
    F32(f32),
    Bool(bool),
    Text(String),
    Texts(Vec<String>),
    Numbers(Vec<i32>),
    U64(u64),
}

impl Value {
    fn kind(&self) -> u32 {
        match self {
            Self::U32(_) => 4,
            Self::I32(_) => 5,
            Self::F32(_) => 6,
            Self::Bool(_) => 7,
            Self::Text(_) => 8,
            Self::Texts(_) | Self::Numbers(_) => 9,
            Self::U64(_) => 10,
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::U32(value) => out.extend(value.to_le_bytes()),
            Self::I32(value) => out.extend(value.to_le_bytes()),
            Self::F32(value) => out.extend(value.to_le_bytes()),
            Self::Bool(value) => out.push(u8::from(*value)),
            Self::Text(value) => text(out, value),
            Self::U64(value) => out.extend(value.to_le_bytes()),
            Self::Texts(list) => {
                out.extend(8_u32.to_le_bytes());
                out.extend((list.len() as u64).to_le_bytes());
                list.iter().for_each(|item| text(out, item));
            }
            Self::Numbers(list) => {
                out.extend(5_u32.to_le_bytes());
                out.extend((list.len() as u64).to_le_bytes());
                list.iter().for_each(|item| out.extend(item.to_le_bytes()));
            }
        }
    }
}

/// Element type of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    F32,
    F16,
    /// Blocks of 32 elements in 34 bytes: the first dimension is a multiple of 32.
    Q8,
}

impl Kind {
    fn id(self) -> u32 {
        match self {
            Self::F32 => 0,
            Self::F16 => 1,
            Self::Q8 => 8,
        }
    }

    fn bytes(self, elements: u64) -> u64 {
        match self {
            Self::F32 => elements * 4,
            Self::F16 => elements * 2,
            Self::Q8 => elements / 32 * 34,
        }
    }
}

#[derive(Clone, Debug)]
struct Tensor {
    name: String,
    kind: Kind,
    shape: Vec<u64>,
}

/// A GGUF file, version 3, little-endian, in the making.
#[derive(Clone, Debug, Default)]
pub struct Gguf {
    values: Vec<(String, Value)>,
    tensors: Vec<Tensor>,
}

const ALIGNMENT: usize = 32;

/// Kinds of tokens.
const NORMAL: i32 = 1;
const UNKNOWN: i32 = 2;
const CONTROL: i32 = 3;
const BYTE: i32 = 6;

impl Gguf {
    /// A llama model of two blocks with a vocabulary of 32 tokens.
    pub fn tiny() -> Self {
        Self::llama((0..32).map(|index| (format!("<{index}>"), NORMAL)).collect())
    }

    /// As [`Gguf::tiny`] with a vocabulary that can spell everything: letters, and every byte.
    pub fn spelling() -> Self {
        let special = [("<unk>", UNKNOWN), ("<s>", CONTROL), ("</s>", CONTROL)];
        let special = special.into_iter().map(|(token, kind)| (token.to_owned(), kind));
        let letters = ('a'..='z').chain(['\u{2581}']).map(|letter| (letter.to_string(), NORMAL));
        let bytes = (0..256).map(|byte| (format!("<0x{byte:02X}>"), BYTE));
        Self::llama(special.chain(letters).chain(bytes).collect())
            .value("tokenizer.ggml.unknown_token_id", Value::U32(0))
            .value("tokenizer.ggml.bos_token_id", Value::U32(1))
            .value("tokenizer.ggml.eos_token_id", Value::U32(2))
    }

    fn llama(vocabulary: Vec<(String, i32)>) -> Self {
        let size = vocabulary.len() as u64;
        let (tokens, kinds) = vocabulary.into_iter().unzip();
        let mut file = Self::default()
            .value("general.architecture", Value::Text("llama".to_owned()))
            .value("general.name", Value::Text("tiny".to_owned()))
            .value("general.file_type", Value::U32(1))
            .value("llama.block_count", Value::U32(2))
            .value("llama.context_length", Value::U32(2048))
            .value("llama.embedding_length", Value::U32(64))
            .value("llama.feed_forward_length", Value::U32(128))
            .value("llama.attention.head_count", Value::U32(4))
            .value("llama.attention.head_count_kv", Value::U32(4))
            .value("llama.attention.layer_norm_rms_epsilon", Value::F32(1e-5))
            .value("llama.rope.dimension_count", Value::U32(16))
            .value("tokenizer.ggml.model", Value::Text("llama".to_owned()))
            .value("tokenizer.ggml.token_type", Value::Numbers(kinds))
            .value("tokenizer.ggml.tokens", Value::Texts(tokens))
            .tensor("token_embd.weight", Kind::F16, &[64, size]);
        for block in 0..2 {
            let name = |part: &str| format!("blk.{block}.{part}.weight");
            for part in ["attn_q", "attn_k", "attn_v", "attn_output"] {
                file = file.tensor(&name(part), Kind::F16, &[64, 64]);
            }
            for part in ["attn_norm", "ffn_norm"] {
                file = file.tensor(&name(part), Kind::F32, &[64]);
            }
            for part in ["ffn_gate", "ffn_up"] {
                file = file.tensor(&name(part), Kind::F16, &[64, 128]);
            }
            file = file.tensor(&name("ffn_down"), Kind::F16, &[128, 64]);
        }
        file.tensor("output_norm.weight", Kind::F32, &[64]).tensor(
            "output.weight",
            Kind::F16,
            &[64, size],
        )
    }

    /// A model of one block that makes vectors of 64 numbers out of texts.
    pub fn embedding() -> Self {
        let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map(str::to_owned);
        let letters = ('a'..='z').flat_map(|letter| [format!("\u{2581}{letter}"), letter.into()]);
        let tokens: Vec<String> = special.into_iter().chain(letters).collect();
        let size = tokens.len() as u64;
        let mut file = Self::default()
            .value("general.architecture", Value::Text("bert".to_owned()))
            .value("general.name", Value::Text("tiny vectors".to_owned()))
            .value("general.file_type", Value::U32(1))
            .value("bert.block_count", Value::U32(1))
            .value("bert.context_length", Value::U32(512))
            .value("bert.embedding_length", Value::U32(64))
            .value("bert.feed_forward_length", Value::U32(128))
            .value("bert.attention.head_count", Value::U32(4))
            .value("bert.attention.layer_norm_epsilon", Value::F32(1e-12))
            .value("bert.attention.causal", Value::Bool(false))
            .value("bert.pooling_type", Value::U32(1))
            .value("tokenizer.ggml.model", Value::Text("bert".to_owned()))
            .value("tokenizer.ggml.token_type_count", Value::U32(2))
            .value("tokenizer.ggml.token_type", Value::Numbers(vec![NORMAL; tokens.len()]))
            .value("tokenizer.ggml.tokens", Value::Texts(tokens))
            .tensor("token_embd.weight", Kind::F16, &[64, size])
            .tensor("token_types.weight", Kind::F32, &[64, 2])
            .tensor("position_embd.weight", Kind::F16, &[64, 512]);
        for (id, index) in
            ["padding", "unknown", "cls", "seperator", "mask"].into_iter().zip(0_u32..)
        {
            file = file.value(&format!("tokenizer.ggml.{id}_token_id"), Value::U32(index));
        }
        file = file.value("tokenizer.ggml.bos_token_id", Value::U32(2));
        let both =
            |file: Self, name: &str, inside: u64, outside: u64| {
                let kind = if inside == 0 { Kind::F32 } else { Kind::F16 };
                let shape: &[u64] = &[inside, outside];
                file.tensor(&format!("{name}.weight"), kind, &shape[usize::from(inside == 0)..])
                    .tensor(&format!("{name}.bias"), Kind::F32, &[outside])
            };
        file = both(file, "token_embd_norm", 0, 64);
        for (part, inside, outside) in [
            ("attn_q", 64, 64),
            ("attn_k", 64, 64),
            ("attn_v", 64, 64),
            ("attn_output", 64, 64),
            ("attn_output_norm", 0, 64),
            ("ffn_up", 64, 128),
            ("ffn_down", 128, 64),
            ("layer_output_norm", 0, 64),
        ] {
            file = both(file, &format!("blk.0.{part}"), inside, outside);
        }
        file
    }

    /// Adds a metadata value, or replaces the one of that key.
    #[must_use]
    pub fn value(mut self, key: &str, value: Value) -> Self {
        match self.values.iter_mut().find(|(known, _)| known == key) {
            Some((_, known)) => *known = value,
            None => self.values.push((key.to_owned(), value)),
        }
        self
    }

    /// Adds a tensor of zeros; at most four dimensions.
    #[must_use]
    pub fn tensor(mut self, name: &str, kind: Kind, shape: &[u64]) -> Self {
        self.tensors.push(Tensor { name: name.to_owned(), kind, shape: shape.to_vec() });
        self
    }

    /// The whole file.
    pub fn bytes(&self) -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(3_u32.to_le_bytes());
        out.extend((self.tensors.len() as u64).to_le_bytes());
        out.extend((self.values.len() as u64).to_le_bytes());
        for (key, value) in &self.values {
            text(&mut out, key);
            out.extend(value.kind().to_le_bytes());
            value.write(&mut out);
        }
        let mut offset: u64 = 0;
        for tensor in &self.tensors {
            text(&mut out, &tensor.name);
            out.extend(u32::try_from(tensor.shape.len()).unwrap_or(u32::MAX).to_le_bytes());
            tensor.shape.iter().for_each(|length| out.extend(length.to_le_bytes()));
            out.extend(tensor.kind.id().to_le_bytes());
            out.extend(offset.to_le_bytes());
            let bytes = tensor.kind.bytes(tensor.shape.iter().product());
            offset += bytes.next_multiple_of(ALIGNMENT as u64);
        }
        out.resize(out.len().next_multiple_of(ALIGNMENT), 0);
        out.resize(out.len() + usize::try_from(offset).unwrap_or(0), 0);
        out
    }

    /// A download that stopped: the file without its last `missing` bytes.
    pub fn truncated(&self, missing: usize) -> Vec<u8> {
        let mut bytes = self.bytes();
        bytes.truncate(bytes.len().saturating_sub(missing));
        bytes
    }
}

fn text(out: &mut Vec<u8>, value: &str) {
    out.extend((value.len() as u64).to_le_bytes());
    out.extend(value.as_bytes());
}
