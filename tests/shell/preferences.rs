//! The window's own preferences survive a restart.

use corral_shell::preferences::{FILE, LIMIT};
use serde_json::{Value, json};

use crate::desk::Desk;

fn save(desk: &Desk, values: Value) -> Result<Value, Value> {
    desk.call("desktop", "save_preferences", json!({ "values": values }))
}

fn load(desk: &Desk) -> Value {
    desk.call("desktop", "load_preferences", json!({})).expect("they can be read")["values"].clone()
}

#[test]
fn preferences_are_kept_in_their_file() {
    let desk = Desk::new();
    assert_eq!(load(&desk), json!({}));
    save(&desk, json!({ "theme": "dark", "columns": ["name", "size"] })).expect("written");
    save(&desk, json!({ "theme": "light" })).expect("written");
    assert_eq!(load(&desk), json!({ "theme": "light", "columns": ["name", "size"] }));

    let file = std::fs::read_to_string(desk.folder.path().join(FILE)).expect("it is on the disk");
    let written: Value = serde_json::from_str(&file).expect("as JSON");
    assert_eq!(written, load(&desk));

    save(&desk, json!({ "columns": null })).expect("written");
    assert_eq!(load(&desk), json!({ "theme": "light" }), "null forgets");
}

#[test]
fn too_much_is_refused_and_changes_nothing() {
    let desk = Desk::new();
    save(&desk, json!({ "theme": "dark" })).expect("written");
    let error = save(&desk, json!({ "theme": "x".repeat(LIMIT) })).expect_err("too long");
    assert_eq!(error["params"]["reason"], "tooLong");
    assert_eq!(load(&desk), json!({ "theme": "dark" }));
}
