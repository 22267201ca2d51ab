//! What stands in the cells of a list that is written, and the two ways to write it.

use std::io;

use chrono::{DateTime, Local, SecondsFormat};
use corral_contract::{Timestamp, models::ModelRow};
use serde_json::{Map, Value, json};

/// The column that servers are asked for.
pub(super) const MODELFILE: &str = "modelfile";
/// Tells spreadsheets that a file is UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One cell; null = not known.
pub(super) fn cell(name: &str, row: &ModelRow, instance: &str, modelfile: Option<&str>) -> Value {
    match name {
        "id" => json!(row.id),
        "name" => json!(row.name),
        "instance" => json!(instance),
        "status" => json!(row.status),
        "message" => json!(row.message),
        "size" => json!(Some(&row.size).filter(|size| !size.is_empty())),
        "bytes" => json!(row.bytes),
        "from" => json!(row.from),
        "registry" => json!(row.registry),
        "digest" => json!(row.digest),
        "family" => json!(row.family),
        "parameterSize" => json!(row.parameter_size),
        "quantization" => json!(row.quantization),
        "contextLength" => json!(row.context_length),
        "capabilities" => json!(row.capabilities),
        "createdAt" => json!(time(row.created_at)),
        "modifiedAt" => json!(row.modified_at.map(time)),
        "vramBytes" => json!(row.memory.map(|memory| memory.vram)),
        "memoryBytes" => json!(row.memory.map(|memory| memory.bytes)),
        "favourite" => json!(row.label.favourite),
        "tags" => json!(row.label.tags),
        "note" => json!(row.label.note),
        MODELFILE => json!(modelfile),
        _ => Value::Null,
    }
}

/// With the offset of this machine, so that it can be read and reckoned with.
fn time(at: Timestamp) -> Option<String> {
    let at = DateTime::from_timestamp_millis(at.0)?;
    Some(at.with_timezone(&Local).to_rfc3339_opts(SecondsFormat::Secs, false))
}

pub(super) fn json(heads: &[&str], table: Vec<Vec<Value>>, at: Timestamp) -> io::Result<Vec<u8>> {
    let models: Vec<Map<String, Value>> = table
        .into_iter()
        .map(|row| heads.iter().map(|head| (*head).to_owned()).zip(row).collect())
        .collect();
    let list = json!({ "format": "corral.table", "version": 1, "at": time(at), "models": models });
    let mut bytes = serde_json::to_vec_pretty(&list)?;
    bytes.push(b'\n');
    Ok(bytes)
}

pub(super) fn csv(heads: &[&str], table: &[Vec<Value>]) -> io::Result<Vec<u8>> {
    let terminator = csv::Terminator::CRLF;
    let mut writer =
        csv::WriterBuilder::new().terminator(terminator).from_writer(BYTE_ORDER_MARK.to_vec());
    writer.write_record(heads)?;
    for row in table {
        writer.write_record(row.iter().map(text))?;
    }
    writer.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => harmless(text),
        Value::Array(items) => {
            let texts: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
            harmless(&texts.join(", "))
        }
        other => other.to_string(),
    }
}

/// A spreadsheet takes a text that begins so for a formula and runs it.
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_can_be_read_by_a_spreadsheet_and_runs_nothing_in_it() {
        let row =
            vec![json!("=HYPERLINK(1)"), json!(["a", "b"]), Value::Null, json!(7), json!("x\ny")];
        let bytes = csv(&["note", "tags", "digest", "bytes", "modelfile"], &[row]).expect("csv");
        let text = String::from_utf8(bytes).expect("UTF-8");
        assert_eq!(
            text,
            "\u{feff}note,tags,digest,bytes,modelfile\r\n'=HYPERLINK(1),\"a, b\",,7,\"x\ny\"\r\n"
        );
    }
}
