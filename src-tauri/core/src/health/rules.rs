//! Which rules make sense.

use corral_contract::{
    WireError,
    health::{Reach, Rules, Strategy},
    name::ModelName,
};

use crate::Result;

/// # Errors
/// `INVALID_INPUT` naming the field.
pub(super) fn check(rules: &Rules, reach: Reach) -> Result<()> {
    let ranges = [
        ("intervalSeconds", rules.interval_seconds, 5..=3600),
        ("timeoutSeconds", rules.timeout_seconds, 1..=60),
        ("retries", rules.retries, 0..=10),
        ("inferenceMinutes", rules.inference_minutes, 10..=1440),
        ("delaySeconds", rules.delay_seconds, 1..=3600),
        ("mostRestarts", rules.most_restarts, 1..=20),
    ];
    for (field, value, range) in ranges {
        if field == "intervalSeconds" && value == 0 {
            continue;
        }
        if !range.contains(&value) {
            return Err(WireError::field(field, "outOfRange")
                .with("min", range.start())
                .with("max", range.end()));
        }
    }
    if let Some(model) = &rules.inference_model
        && ModelName::parse(model).is_err()
    {
        return Err(WireError::field("inferenceModel", "malformed"));
    }
    if rules.strategy == Strategy::Manual {
        return Ok(());
    }
    match reach {
        Reach::Never => Err(WireError::field("strategy", "cannotStart")),
        Reach::WithConsent => Err(WireError::field("consent", "consentNeeded")),
        Reach::Ours | Reach::Allowed => Ok(()),
    }
}
