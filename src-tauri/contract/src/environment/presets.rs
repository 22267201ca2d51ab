//! Values that belong together, for what a person is after.

/// Some variables at once. Its texts are `environment.preset.<name>` and
/// `environment.presetTrade.<name>`.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    pub name: &'static str,
    pub values: &'static [(&'static str, &'static str)],
}

/// All presets. Each says what it takes for what it gives.
pub const PRESETS: &[Preset] = &[
    Preset {
        name: "saveMemory",
        values: &[
            ("OLLAMA_KEEP_ALIVE", "1m"),
            ("OLLAMA_MAX_LOADED_MODELS", "1"),
            ("OLLAMA_NUM_PARALLEL", "1"),
            ("OLLAMA_CONTEXT_LENGTH", "4096"),
            ("OLLAMA_FLASH_ATTENTION", "1"),
            ("OLLAMA_KV_CACHE_TYPE", "q8_0"),
        ],
    },
    Preset {
        name: "longContext",
        values: &[
            ("OLLAMA_CONTEXT_LENGTH", "65536"),
            ("OLLAMA_FLASH_ATTENTION", "1"),
            ("OLLAMA_KV_CACHE_TYPE", "q8_0"),
            ("OLLAMA_NUM_PARALLEL", "1"),
            ("OLLAMA_MAX_LOADED_MODELS", "1"),
        ],
    },
    Preset {
        name: "manyUsers",
        values: &[
            ("OLLAMA_NUM_PARALLEL", "4"),
            ("OLLAMA_MAX_QUEUE", "1024"),
            ("OLLAMA_KEEP_ALIVE", "30m"),
        ],
    },
    Preset {
        name: "smallCache",
        values: &[("OLLAMA_FLASH_ATTENTION", "1"), ("OLLAMA_KV_CACHE_TYPE", "q8_0")],
    },
];
