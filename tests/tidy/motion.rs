//! Nothing moves for those who asked their system for that.

use crate::repository::texts;

/// Declarations of animations that run although less motion was asked for.
fn moving(css: &str) -> Vec<String> {
    let mut blocks: Vec<&str> = Vec::new();
    let mut found = Vec::new();
    let mut start = 0;
    for (at, sign) in css.char_indices() {
        let part = css[start..at].trim();
        match sign {
            '{' => blocks.push(part),
            '}' | ';' => {
                let still = blocks.iter().any(|block| block.contains("no-preference"));
                if part.starts_with("animation:") && !still && !part.contains(" 0s ") {
                    found.push(part.to_owned());
                }
                if sign == '}' {
                    blocks.pop();
                }
            }
            _ => continue,
        }
        start = at + 1;
    }
    found
}

// criterion: 12.10
#[test]
fn animations_and_transitions_end_where_less_motion_is_wanted() {
    let sheets = texts(&["css"]);
    let moves: Vec<String> = sheets
        .iter()
        .flat_map(|(path, css)| moving(css).into_iter().map(move |part| format!("{path}: {part}")))
        .collect();
    assert!(moves.is_empty(), "put these into prefers-reduced-motion: no-preference: {moves:#?}");
    let rule = "@media (prefers-reduced-motion: reduce) \
                { *, *::before, *::after { transition: none !important } }";
    assert!(sheets.iter().any(|(_, css)| css.contains(rule)), "base.css ends every transition");
    let still = "@media (prefers-reduced-motion: no-preference) { .a { animation: in 2s } }";
    assert!(moving(still).is_empty() && moving(".a { animation: in 0s 300ms both }").is_empty());
    assert_eq!(moving(".a { color: red; animation: in 2s }"), ["animation: in 2s"]);
}
