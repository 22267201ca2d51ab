//! Acting by keys alone. With `CORRAL_HANDS=keys` whatever a scenario clicks or fills is reached with
//! Tab and arrows from where the focus is, and pressed with Enter or Space: what cannot be done so
//! fails the scenario.

use anyhow::{Context, Result, bail};
use thirtyfour::prelude::*;

use super::Window;

/// Says that there is no mouse.
const HANDS: &str = "CORRAL_HANDS";
/// More keys than any way on a page takes.
const MOST: usize = 400;
/// Keys in a row that leave the focus where it is before the way counts as blocked: a time of day has
/// seven parts of its own.
const STUCK: usize = 12;

/// The next key on the way to an element, where the focus is, and in the end what presses it.
const NEXT: &str = "
const stops = 'a[href], button, input, select, textarea, summary, [tabindex]';
const wanted = arguments[0], now = document.activeElement ?? document.body;
const role = element => element?.getAttribute('role') ?? '';
const name = element => element.dataset?.testid || element.getAttribute('aria-label')
    || element.tagName;
const said = key => [key, name(now) + ' ' + (now.innerText ?? '').slice(0, 40)];
let target = wanted.matches('option') ? wanted.closest('select') : wanted.matches(stops) ? wanted
    : wanted.closest('button, a[href], label, [role=\"menuitem\"]') ?? wanted.querySelector(stops);
if (target?.matches('label')) target = target.control ?? target.querySelector(stops);
if (!target) return said('none');
const presses = element => element.matches('input, textarea, select') && !element.matches(
    '[type=\"checkbox\"], [type=\"radio\"]') ? 'here'
    : /checkbox|switch|radio/.test(role(element) + element.type) ? 'Space' : 'Enter';
if (now === target && wanted.matches('option')) {
    const way = wanted.index - target.selectedIndex;
    return said(way > 0 ? 'Down' : way < 0 ? 'Up' : 'here');
}
if (now === target) return said(presses(target));
const row = target.closest('[role=\"row\"]'), grid = target.closest('[role=\"grid\"]');
if (row && grid && target.tabIndex < 0 && role(target) !== 'columnheader') {
    if (now === row) return said(role(target) === 'checkbox' ? 'Space' : 'Enter');
    const here = now.closest('[role=\"row\"]');
    if (here && grid.contains(here)) {
        const place = element => Number(element.getAttribute('aria-rowindex'));
        return said(place(here) < place(row) ? 'Down' : place(here) > place(row) ? 'Up' : 'Back');
    }
    target = grid.querySelector('[role=\"row\"][tabindex=\"0\"]') ?? grid;
} else if (/^menuitem|^option/.test(role(target))) {
    return said(target.closest('[role=\"menu\"], [role=\"listbox\"]')?.contains(now)
        || now.getAttribute('aria-controls') || now.getAttribute('aria-expanded') === 'true'
        ? 'Down' : 'Tab');
} else if (/^tab$|^radio$/.test(role(target)) && target.tabIndex < 0) {
    const group = target.closest('[role=\"tablist\"], [role=\"radiogroup\"]');
    if (group.contains(now)) return said('Right');
    target = group.querySelector('[tabindex=\"0\"]') ?? target;
}
if (target.tabIndex < 0) return said('none');
const after = now === document.body
    || (now.compareDocumentPosition(target) & Node.DOCUMENT_POSITION_FOLLOWING);
return said(after ? 'Tab' : 'Back');
";

/// Whether scenarios are played by keys.
pub(super) fn alone() -> bool {
    std::env::var(HANDS).is_ok_and(|hands| hands == "keys")
}

impl Window {
    /// Goes to an element and presses it; an input only gets the focus.
    pub(super) async fn press_by_keys(&self, element: &WebElement) -> Result<()> {
        let (mut last, mut stuck) = (String::new(), 0);
        for _ in 0..MOST {
            let answer = self.script(NEXT, vec![element.to_json()?]).await?;
            let (key, place) = (answer[0].as_str(), answer[1].as_str().unwrap_or_default());
            let key = key.context("a key")?;
            let pressed = match key {
                "here" => return Ok(()),
                "Space" => return self.press(" ").await,
                "Enter" => return self.press(Key::Enter + "").await,
                "Tab" | "Back" => Key::Tab,
                "Down" => Key::Down,
                "Up" => Key::Up,
                "Right" => Key::Right,
                _ => bail!("no key leads there from {place}"),
            };
            // Lines of a list may all be called the same: what counts is that nothing moves.
            stuck = if format!("{key} {place}") == last { stuck + 1 } else { 0 };
            if stuck > STUCK && key != "Down" && key != "Up" {
                bail!("{key} does not lead on from {place}");
            }
            last = format!("{key} {place}");
            // Not by the element: that would give it the focus anew, at the first of its parts.
            let keys = self.session().action_chain();
            let keys = match key {
                "Back" => keys.key_down(Key::Shift).send_keys(pressed).key_up(Key::Shift),
                _ => keys.send_keys(pressed),
            };
            keys.perform().await?;
        }
        bail!("{MOST} keys do not lead there; the last was {last}")
    }
}
