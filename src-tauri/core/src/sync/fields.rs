//! What differs of one model, for its report.

use corral_contract::{
    status::Install,
    sync::{FieldChange, SyncField},
};

use crate::models::store::StoredModel;

/// What can be told of a row, field by field.
fn told(row: &StoredModel) -> [(SyncField, Option<String>); 9] {
    [
        (SyncField::Digest, row.digest.clone()),
        (SyncField::Size, row.bytes.map(|bytes| bytes.to_string())),
        (SyncField::Modified, row.modified_at.map(|at| at.0.to_string())),
        (SyncField::Parameters, row.parameter_size.clone()),
        (SyncField::Quantization, row.quantization.clone()),
        (SyncField::Family, row.family.clone()),
        (SyncField::Context, row.context_length.map(|length| length.to_string())),
        (
            SyncField::Capabilities,
            Some(row.capabilities.join(", ")).filter(|text| !text.is_empty()),
        ),
        (SyncField::Name, Some(row.name.clone())),
    ]
}

/// What is different now.
pub(super) fn different(before: &StoredModel, after: &StoredModel) -> Vec<FieldChange> {
    let pairs = told(before).into_iter().zip(told(after));
    let mut fields: Vec<FieldChange> = pairs
        .filter(|((_, before), (_, after))| before != after)
        .map(|((field, before), (_, after))| FieldChange { field, before, after })
        .collect();
    if before.install == Install::Unavailable && after.install != Install::Unavailable {
        let after = Some("there".to_owned());
        fields.push(FieldChange { field: SyncField::Files, before: None, after });
    }
    fields
}

/// What a new model is.
pub(super) fn new(row: &StoredModel) -> Vec<FieldChange> {
    known(row).map(|(field, after)| FieldChange { field, before: None, after }).collect()
}

/// What a model that went away was.
pub(super) fn gone(row: &StoredModel) -> Vec<FieldChange> {
    known(row).map(|(field, before)| FieldChange { field, before, after: None }).collect()
}

fn known(row: &StoredModel) -> impl Iterator<Item = (SyncField, Option<String>)> {
    told(row).into_iter().filter(|(field, text)| text.is_some() && *field != SyncField::Name)
}
