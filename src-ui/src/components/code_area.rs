use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;

/// What could stand where the caret is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completion {
    /// First byte of what is replaced; it ends at the caret.
    pub start: usize,
    /// What is put there, and a word about it.
    pub items: Vec<(String, String)>,
}

/// Lines above this have no numbers: a text of that length is pasted, not written.
const NUMBERED: usize = 5000;

/// A text of code: coloured, with numbered lines and proposals at the caret.
#[component]
pub fn CodeArea(
    /// Id, unique in the window.
    id: &'static str,
    /// The text.
    value: RwSignal<String>,
    /// The same text in pieces, each with the class of its colour.
    #[prop(into)]
    pieces: Signal<Vec<(String, &'static str)>>,
    /// Lines with a mistake, from 1.
    #[prop(into)]
    wrong: Signal<Vec<u32>>,
    /// Where the caret is to go: line and column, from 1.
    jump: RwSignal<Option<(u32, u32)>>,
    /// Names the proposals.
    #[prop(into)]
    proposals: Signal<String>,
    /// What could stand at a byte of the text.
    complete: Callback<(String, usize), Option<Completion>>,
) -> impl IntoView {
    let (node, paint) = (NodeRef::<html::Textarea>::new(), NodeRef::<html::Pre>::new());
    let gutter = NodeRef::<html::Div>::new();
    let offered = RwSignal::new(None::<Completion>);
    let place = RwSignal::new((0_usize, 0_usize));
    let active = RwSignal::new(0_usize);
    let follow = move || {
        if let Some(node) = node.get_untracked() {
            let (top, left) = (node.scroll_top(), node.scroll_left());
            if let Some(paint) = paint.get_untracked() {
                paint.set_scroll_top(top);
                paint.set_scroll_left(left);
            }
            if let Some(gutter) = gutter.get_untracked() {
                gutter.set_scroll_top(top);
            }
        }
    };
    let offer = move || {
        let Some(node) = node.get_untracked() else { return };
        let text = value.get_untracked();
        let caret = node.selection_start().ok().flatten().unwrap_or(0);
        let at = byte_of(&text, caret);
        let before = text.get(..at).unwrap_or_default();
        let line = before.rsplit('\n').next().unwrap_or_default();
        place.set((before.matches('\n').count(), line.chars().count()));
        active.set(0);
        offered.set(complete.run((text, at)).filter(|it| !it.items.is_empty()));
    };
    let accept = move |chosen: usize| {
        let (Some(node), Some(completion)) = (node.get_untracked(), offered.get_untracked()) else {
            return;
        };
        let text = value.get_untracked();
        let caret = byte_of(&text, node.selection_start().ok().flatten().unwrap_or(0));
        let (Some(before), Some(after), Some((word, _))) =
            (text.get(..completion.start), text.get(caret..), completion.items.get(chosen))
        else {
            return;
        };
        let start = format!("{before}{word} ");
        let caret = units(&start);
        let whole = format!("{start}{}", after.strip_prefix(' ').unwrap_or(after));
        node.set_value(&whole);
        value.set(whole);
        offered.set(None);
        // Only fails for an element that was removed meanwhile.
        let _ = node.set_selection_range(caret, caret);
        offer();
    };
    Effect::new(move |_| {
        let (Some((line, column)), Some(node)) = (jump.get(), node.get()) else { return };
        jump.set(None);
        let text = value.get_untracked();
        let start = text.split('\n').take(line.saturating_sub(1) as usize).map(|it| it.len() + 1);
        let start: usize = start.sum();
        let rest = text.get(start..).unwrap_or_default();
        let inside: usize = rest
            .chars()
            .take_while(|sign| *sign != '\n')
            .take(column.saturating_sub(1) as usize)
            .map(char::len_utf8)
            .sum();
        let caret = units(text.get(..start + inside).unwrap_or_default());
        let _ = node.focus();
        let _ = node.set_selection_range(caret, caret);
        let height = f64::from(node.scroll_height()) / (text.matches('\n').count() + 1) as f64;
        node.set_scroll_top((height * f64::from(line.saturating_sub(4))) as i32);
        follow();
    });
    let keys = move |event: web_sys::KeyboardEvent| {
        if event.is_composing() {
            return;
        }
        let count = offered.with_untracked(|it| it.as_ref().map_or(0, |it| it.items.len()));
        let took = match event.key().as_str() {
            " " if event.ctrl_key() => {
                offer();
                true
            }
            "ArrowDown" if count > 0 => {
                active.update(|at| *at = (*at + 1) % count);
                true
            }
            "ArrowUp" if count > 0 => {
                active.update(|at| *at = (*at + count - 1) % count);
                true
            }
            "Enter" | "Tab" if count > 0 && !event.shift_key() => {
                accept(active.get_untracked());
                true
            }
            "Escape" if count > 0 => {
                offered.set(None);
                true
            }
            "ArrowLeft" | "ArrowRight" | "Home" | "End" => {
                offered.set(None);
                false
            }
            _ => false,
        };
        if took {
            event.prevent_default();
            event.stop_propagation();
        }
    };
    let numbers = move || {
        let lines = value.with(|text| text.matches('\n').count() + 1).min(NUMBERED);
        let wrong = wrong.get();
        (1..=lines)
            .map(|line| {
                let bad = wrong.iter().any(|it| *it as usize == line);
                view! { <span class:code__number--wrong=bad>{line}</span> }
            })
            .collect_view()
    };
    view! {
        <div class="code">
            <div node_ref=gutter class="code__numbers" aria-hidden="true">{numbers}</div>
            <div class="code__sheet">
                <pre node_ref=paint class="code__paint" aria-hidden="true">
                    {move || {
                        pieces
                            .get()
                            .into_iter()
                            .map(|(text, class)| view! { <span class=class>{text}</span> })
                            .collect_view()
                    }}
                    "\n"
                </pre>
                <textarea
                    node_ref=node
                    id=id
                    class="code__text"
                    spellcheck="false"
                    autocomplete="off"
                    autocapitalize="off"
                    wrap="off"
                    aria-autocomplete="list"
                    aria-describedby=format!("{id}-note")
                    aria-controls=format!("{id}-list")
                    aria-invalid=move || wrong.with(|it| !it.is_empty()).then_some("true")
                    aria-activedescendant=move || {
                        offered.with(Option::is_some).then(|| format!("{id}-{}", active.get()))
                    }
                    prop:value=value
                    on:input=move |event| {
                        value.set(event_target_value(&event));
                        let composing = event
                            .dyn_ref::<web_sys::InputEvent>()
                            .is_some_and(web_sys::InputEvent::is_composing);
                        if !composing {
                            offer();
                        }
                    }
                    on:keydown=keys
                    on:scroll=move |_| follow()
                    on:blur=move |_| offered.set(None)
                ></textarea>
                {move || {
                    offered
                        .get()
                        .map(|completion| {
                            let (line, column) = place.get();
                            let left = format!("min({column}ch + 10px, 60%)");
                            let scrolled = node.get_untracked().map_or(0, |it| it.scroll_top());
                            let top = format!("calc({}em * 1.55 + 10px - {scrolled}px)", line + 1);
                            view! {
                                <ul
                                    class="code__list"
                                    id=format!("{id}-list")
                                    role="listbox"
                                    aria-label=proposals
                                    style:left=left
                                    style:top=top
                                    data-testid="code-list"
                                >
                                    {completion
                                        .items
                                        .into_iter()
                                        .enumerate()
                                        .map(|(at, (word, hint))| {
                                            let on = move || active.get() == at;
                                            view! {
                                                <li
                                                    id=format!("{id}-{at}")
                                                    role="option"
                                                    class="code__option"
                                                    class:code__option--on=on
                                                    aria-selected=move || if on() { "true" } else { "false" }
                                                    // Before the text loses the focus.
                                                    on:mousedown=move |event| {
                                                        event.prevent_default();
                                                        accept(at);
                                                    }
                                                >
                                                    <span>{word}</span>
                                                    <span class="faint">{hint}</span>
                                                </li>
                                            }
                                        })
                                        .collect_view()}
                                </ul>
                            }
                        })
                }}
            </div>
        </div>
    }
}

/// The byte that a place in UTF-16 is at, as the browser counts.
fn byte_of(text: &str, units: u32) -> usize {
    let mut left = units as usize;
    for (at, sign) in text.char_indices() {
        if left == 0 {
            return at;
        }
        left = left.saturating_sub(sign.len_utf16());
    }
    text.len()
}

fn units(text: &str) -> u32 {
    u32::try_from(text.encode_utf16().count()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::{byte_of, units};

    #[test]
    fn places_are_counted_as_the_browser_does() {
        let text = "a你😀b";
        assert_eq!([0, 1, 2, 4, 5, 9].map(|at| byte_of(text, at)), [0, 1, 4, 8, 9, 9]);
        assert_eq!(units(text), 5);
    }
}
