//! What is accepted as a preset or a question.

use corral_contract::{
    ModelId, WireError,
    models::StartOptions,
    running::{AskModel, PRESET_NAME_LENGTH, PROMPT_LENGTH, SavePreset},
};

use crate::{Result, models};

/// Most tokens of an answer.
const MOST_TOKENS: u32 = 4096;

/// A preset that was checked.
pub(super) struct PresetDraft {
    pub(super) model: ModelId,
    pub(super) id: Option<i64>,
    pub(super) name: String,
    pub(super) options: StartOptions,
    pub(super) usual: bool,
}

/// # Errors
/// `INVALID_INPUT` naming the field.
pub(super) fn preset(request: SavePreset) -> Result<PresetDraft> {
    let SavePreset { model, id, name, options, usual } = request;
    let name = name.trim().to_owned();
    if name.is_empty() {
        return Err(WireError::field("name", "empty"));
    }
    if name.chars().count() > PRESET_NAME_LENGTH {
        return Err(WireError::field("name", "tooLong").with("max", PRESET_NAME_LENGTH));
    }
    if name.chars().any(char::is_control) {
        return Err(WireError::field("name", "controlCharacter"));
    }
    models::validate_options(&options)?;
    Ok(PresetDraft { model, id, name, options, usual })
}

/// # Errors
/// `INVALID_INPUT` naming the field.
pub(super) fn question(request: AskModel) -> Result<AskModel> {
    if request.prompt.trim().is_empty() {
        return Err(WireError::field("prompt", "empty"));
    }
    if request.prompt.len() > PROMPT_LENGTH {
        return Err(WireError::field("prompt", "tooLong").with("max", PROMPT_LENGTH));
    }
    if !(1..=MOST_TOKENS).contains(&request.most) {
        return Err(WireError::field("most", "outOfRange").with("min", 1).with("max", MOST_TOKENS));
    }
    Ok(request)
}
