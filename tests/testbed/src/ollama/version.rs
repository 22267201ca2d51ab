//! What a server of a given version knows.

/// A version text and the numbers in it; a development build (`0.0.0`) knows everything.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    pub(crate) text: String,
    numbers: (u32, u32, u32),
}

impl Version {
    pub(crate) fn new(text: &str) -> Self {
        let plain = text.split(['-', '+']).next().unwrap_or(text);
        let mut parts = plain.split('.').map(|part| part.parse().unwrap_or(0));
        let mut next = || parts.next().unwrap_or(0);
        let numbers = (next(), next(), next());
        Self { text: text.to_owned(), numbers }
    }

    fn since(&self, major: u32, minor: u32, patch: u32) -> bool {
        self.numbers == (0, 0, 0) || self.numbers >= (major, minor, patch)
    }

    /// `capabilities` in `/api/show`.
    pub(crate) fn shows_capabilities(&self) -> bool {
        self.since(0, 6, 4)
    }

    /// `capabilities` and lengths in `/api/tags`.
    pub(crate) fn lists_capabilities(&self) -> bool {
        self.since(0, 30, 0)
    }

    /// `context_length` in `/api/ps`.
    pub(crate) fn lists_context(&self) -> bool {
        self.since(0, 10, 0)
    }

    /// `/api/status`.
    pub(crate) fn has_status(&self) -> bool {
        self.since(0, 16, 2)
    }

    /// `done_reason`, and with it loading and unloading as answers.
    pub(crate) fn has_done_reason(&self) -> bool {
        self.since(0, 1, 35)
    }
}
