//! Realistic models: those of the public library with their true sizes, and many made-up ones.

use chrono::TimeDelta;

use super::layer::{Layer, LayerKind};
use super::model::Model;
use crate::clock::Clock;
use crate::gguf::Gguf;

const MIT: &str = "MIT License\n\nPermission is hereby granted, free of charge, to any person";
const APACHE: &str = "                                 Apache License\n                           Version 2.0, January 2004";
const LLAMA: &str = "LLAMA 3.2 COMMUNITY LICENSE AGREEMENT\nLlama 3.2 Version Release Date";
const CHAT: &str =
    "{{- if .System }}{{ .System }}{{ end }}{{ range .Messages }}{{ .Content }}{{ end }}";

/// name, weights bytes, family, size, parameters, quantization, context, embedding, blocks,
/// capabilities (space separated), license
type Row = (
    &'static str,
    u64,
    &'static str,
    &'static str,
    u64,
    &'static str,
    u64,
    u64,
    u64,
    &'static str,
    &'static str,
);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    ("llama3.2:3b", 2_019_377_376, "llama", "3.2B", 3_212_749_888, "Q4_K_M", 131_072, 3072, 28, "completion tools", LLAMA),
    ("llama3.2:1b", 1_321_082_688, "llama", "1.2B", 1_235_814_432, "Q8_0", 131_072, 2048, 16, "completion tools", LLAMA),
    ("llama3.1:8b", 4_920_738_944, "llama", "8.0B", 8_030_261_312, "Q4_K_M", 131_072, 4096, 32, "completion tools", LLAMA),
    ("llama3.3:70b", 42_520_393_152, "llama", "70.6B", 70_553_706_560, "Q4_K_M", 131_072, 8192, 80, "completion tools", LLAMA),
    ("qwen2.5:7b", 4_683_073_184, "qwen2", "7.6B", 7_615_616_512, "Q4_K_M", 32_768, 3584, 28, "completion tools", APACHE),
    ("qwen2.5:0.5b", 397_807_936, "qwen2", "494.03M", 494_032_768, "Q4_K_M", 32_768, 896, 24, "completion tools", APACHE),
    ("qwen2.5-coder:14b", 8_988_110_272, "qwen2", "14.8B", 14_770_033_664, "Q4_K_M", 32_768, 5120, 48, "completion tools insert", APACHE),
    ("qwen2.5-coder:7b", 4_683_073_952, "qwen2", "7.6B", 7_615_616_512, "Q4_K_M", 32_768, 3584, 28, "completion tools insert", APACHE),
    ("qwen3:8b", 5_225_374_496, "qwen3", "8.2B", 8_190_735_360, "Q4_K_M", 40_960, 4096, 36, "completion tools thinking", APACHE),
    ("qwen3:30b-a3b", 18_556_685_856, "qwen3moe", "30.5B", 30_532_122_624, "Q4_K_M", 262_144, 2048, 48, "completion tools thinking", APACHE),
    ("qwen3:0.6b", 522_653_536, "qwen3", "751.63M", 751_632_384, "Q4_K_M", 40_960, 1024, 28, "completion tools thinking", APACHE),
    ("deepseek-r1:32b", 19_851_335_520, "qwen2", "32.8B", 32_763_876_352, "Q4_K_M", 131_072, 5120, 64, "completion tools thinking", MIT),
    ("deepseek-r1:8b", 5_225_373_760, "qwen3", "8.2B", 8_190_735_360, "Q4_K_M", 131_072, 4096, 36, "completion thinking", MIT),
    ("deepseek-r1:1.5b", 1_117_320_512, "qwen2", "1.8B", 1_777_088_000, "Q4_K_M", 131_072, 1536, 28, "completion thinking", MIT),
    ("gemma3:4b", 3_338_801_280, "gemma3", "4.3B", 4_299_915_632, "Q4_K_M", 131_072, 2560, 34, "completion vision", APACHE),
    ("gemma3:12b", 8_149_180_896, "gemma3", "12.2B", 12_187_079_280, "Q4_K_M", 131_072, 3840, 48, "completion vision", APACHE),
    ("gemma3:27b", 17_396_936_387, "gemma3", "27.4B", 27_432_406_640, "Q4_K_M", 131_072, 5376, 62, "completion vision", APACHE),
    ("gemma2:2b", 1_629_509_152, "gemma2", "2.6B", 2_614_341_888, "Q4_0", 8192, 2304, 26, "completion", APACHE),
    ("mistral:7b", 4_372_812_000, "llama", "7.2B", 7_248_023_552, "Q4_K_M", 32_768, 4096, 32, "completion tools", APACHE),
    ("mistral-nemo:12b", 7_071_700_672, "llama", "12.2B", 12_247_782_400, "Q4_0", 1_024_000, 5120, 40, "completion tools", APACHE),
    ("mistral-small:24b", 14_333_908_832, "llama", "23.6B", 23_572_403_200, "Q4_K_M", 32_768, 5120, 40, "completion tools", APACHE),
    ("mixtral:8x7b", 26_442_481_568, "llama", "46.7B", 46_702_792_704, "Q4_0", 32_768, 4096, 32, "completion tools", APACHE),
    ("phi4:14b", 9_053_114_464, "phi3", "14.7B", 14_659_507_200, "Q4_K_M", 16_384, 5120, 40, "completion", MIT),
    ("phi4-mini:3.8b", 2_491_867_680, "phi3", "3.8B", 3_836_021_856, "Q4_K_M", 131_072, 3072, 32, "completion tools", MIT),
    ("phi3:3.8b", 2_176_177_120, "phi3", "3.8B", 3_821_079_552, "Q4_0", 131_072, 3072, 32, "completion", MIT),
    ("codellama:13b", 7_365_960_704, "llama", "13B", 13_015_864_320, "Q4_0", 16_384, 5120, 40, "completion insert", LLAMA),
    ("starcoder2:3b", 1_709_971_264, "starcoder2", "3B", 3_030_371_328, "Q4_0", 16_384, 3072, 30, "completion insert", APACHE),
    ("nomic-embed-text:latest", 274_290_656, "nomic-bert", "137M", 136_727_040, "F16", 2048, 768, 12, "embedding", APACHE),
    ("mxbai-embed-large:335m", 669_603_712, "bert", "334M", 334_092_288, "F16", 512, 1024, 24, "embedding", APACHE),
    ("bge-m3:567m", 1_157_671_200, "bert", "566.70M", 566_702_080, "F16", 8192, 1024, 24, "embedding", MIT),
    ("all-minilm:22m", 45_949_216, "bert", "23M", 22_565_376, "F16", 512, 384, 6, "embedding", APACHE),
    ("llava:7b", 4_109_853_248, "llama", "7B", 7_241_732_096, "Q4_0", 32_768, 4096, 32, "completion vision", APACHE),
    ("granite3.3:8b", 4_942_853_600, "granite", "8.2B", 8_170_848_256, "Q4_K_M", 131_072, 4096, 40, "completion tools", APACHE),
    ("smollm2:135m", 270_885_952, "llama", "134.52M", 134_515_008, "F16", 8192, 576, 30, "completion tools", APACHE),
    ("tinyllama:1.1b", 637_699_456, "llama", "1B", 1_100_048_384, "Q4_0", 2048, 2048, 22, "completion", APACHE),
    ("gpt-oss:20b", 13_780_154_624, "gptoss", "20.9B", 20_914_757_184, "MXFP4", 131_072, 2880, 24, "completion tools thinking", APACHE),
    ("gpt-oss:120b", 65_290_170_880, "gptoss", "116.8B", 116_829_156_672, "MXFP4", 131_072, 2880, 36, "completion tools thinking", APACHE),
    ("command-r:35b", 18_691_424_352, "command-r", "32.3B", 32_296_476_672, "Q4_0", 131_072, 8192, 40, "completion tools", MIT),
    ("hf.co/bartowski/Qwen2.5-7B-Instruct-GGUF:Q5_K_M", 5_444_831_232, "qwen2", "7.62B", 7_615_616_512, "unknown", 32_768, 3584, 28, "completion tools", APACHE),
    ("hf.co/unsloth/gemma-3-4b-it-GGUF:Q8_0", 4_130_226_336, "gemma3", "3.88B", 3_880_099_328, "unknown", 131_072, 2560, 34, "completion", APACHE),
];

/// About forty models of the public library. Licenses and templates are shared layers.
pub fn all() -> Vec<Model> {
    ROWS.iter().map(model).collect()
}

/// One model of [`all`].
///
/// # Panics
/// When the library does not hold that name: a test's own mistake.
pub fn pick(name: &str) -> Model {
    let row = ROWS.iter().find(|row| row.0 == name).expect("a model of the library");
    model(row)
}

fn model(row: &Row) -> Model {
    let &(
        name,
        bytes,
        family,
        size,
        count,
        quantization,
        context,
        embedding,
        blocks,
        capabilities,
        license,
    ) = row;
    let capabilities: Vec<&str> = capabilities.split(' ').collect();
    let mut model = Model::new(name)
        .weights_size(bytes)
        .facts(family, size, count, quantization)
        .lengths(context, embedding, blocks)
        .capabilities(&capabilities)
        .license(license);
    if model.can("completion") {
        model =
            model.template(CHAT).param("stop", serde_json::json!(["<|im_start|>", "<|im_end|>"]));
    }
    if name.starts_with("llava") {
        model = model.projector(624_434_368);
    }
    model
}

/// A model of a few hundred kilobytes whose bytes are what its digests promise; another name is
/// another model.
pub fn small(name: &str) -> Model {
    let mut bytes = Gguf::tiny().bytes();
    let filler = name.bytes().fold(0_u8, u8::wrapping_add);
    bytes.resize(300_000, filler);
    let mut model = Model::new(name).license(MIT);
    model.weights = Layer::of(LayerKind::Model, bytes);
    model
}

/// `count` models with ever different names, sizes and ages, newest first.
pub fn many(count: usize, clock: &Clock) -> Vec<Model> {
    let now = clock.now();
    (0..count)
        .map(|index| {
            let row = &ROWS[index % ROWS.len()];
            let (base, _) = row.0.rsplit_once('/').map_or((row.0, ""), |(_, base)| (base, ""));
            let base = base.split(':').next().unwrap_or("model");
            let mut many = model(row);
            many.name = Model::new(&format!("fleet{}/{base}:v{index}", index % 17)).name;
            let age = TimeDelta::seconds(i64::try_from(index).unwrap_or(i64::MAX) * 61);
            let size = row.1 + (index as u64 * 1_048_573) % 400_000_000;
            many.weights_size(size).modified_at(now - age)
        })
        .collect()
}
