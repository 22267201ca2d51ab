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

impl Gguf {
    /// A llama model of two blocks with a vocabulary of 32 tokens.
    pub fn tiny() -> Self {
        let tokens: Vec<String> = (0..32).map(|index| format!("<{index}>")).collect();
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
            .value("tokenizer.ggml.token_type", Value::Numbers(vec![1; tokens.len()]))
            .value("tokenizer.ggml.tokens", Value::Texts(tokens))
            .tensor("token_embd.weight", Kind::F16, &[64, 32]);
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
            &[64, 32],
        )
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
