use leptos::{html, prelude::*};
use wasm_bindgen::JsCast;

use super::Glyph;

/// One entry of a menu.
#[derive(Clone)]
pub struct MenuItem {
    pub label: String,
    pub icon: Option<icondata::Icon>,
    /// Destroys something.
    pub danger: bool,
    /// Ticked or not, for entries that toggle; such an entry leaves the menu open.
    pub ticked: Option<bool>,
    /// Why it is not available.
    pub reason: Option<String>,
    /// For tests and for the order of words: `row-action-delete`.
    pub testid: String,
    pub run: Callback<()>,
}

impl MenuItem {
    /// An entry that does `run`.
    #[must_use]
    pub fn new(label: String, testid: &str, run: impl Fn() + Send + Sync + 'static) -> MenuItem {
        MenuItem {
            label,
            icon: None,
            danger: false,
            ticked: None,
            reason: None,
            testid: testid.to_owned(),
            run: Callback::new(move |()| run()),
        }
    }
}

#[derive(Clone)]
struct Opened {
    x: f64,
    y: f64,
    label: String,
    items: Signal<Vec<MenuItem>>,
}

/// Opens menus; there is one at a time.
#[derive(Clone, Copy)]
pub struct Menu {
    opened: RwSignal<Option<Opened>>,
    before: StoredValue<Option<web_sys::HtmlElement>, LocalStorage>,
}

impl Menu {
    /// Opens at a point of the window. `items` are read again while it is open.
    pub fn open(self, x: f64, y: f64, label: String, items: Signal<Vec<MenuItem>>) {
        let focused = document().active_element().and_then(|element| element.dyn_into().ok());
        self.before.set_value(focused);
        self.opened.set(Some(Opened { x, y, label, items }));
    }

    /// Opens under the control that was clicked.
    pub fn open_under(
        self,
        event: &web_sys::MouseEvent,
        label: String,
        items: Signal<Vec<MenuItem>>,
    ) {
        let control = event.current_target().and_then(|it| it.dyn_into::<web_sys::Element>().ok());
        let (x, y) =
            control.map_or((f64::from(event.client_x()), f64::from(event.client_y())), |control| {
                let place = control.get_bounding_client_rect();
                (place.left(), place.bottom() + 4.0)
            });
        self.open(x, y, label, items);
    }

    fn close(self) {
        self.opened.set(None);
        self.before.with_value(|element| {
            if let Some(element) = element {
                let _ = element.focus();
            }
        });
    }
}

/// Opens menus in this window.
#[must_use]
pub fn use_menu() -> Menu {
    expect_context()
}

/// Focuses an element of any kind.
pub fn focus(element: &web_sys::Element) {
    if let Some(element) = element.dyn_ref::<web_sys::HtmlElement>() {
        // Only fails for an element that was removed meanwhile.
        let _ = element.focus();
    }
}

/// The place where menus show; once per window, it also provides [`Menu`].
#[component]
pub fn MenuHost(children: Children) -> impl IntoView {
    let menu = Menu { opened: RwSignal::new(None), before: StoredValue::new_local(None) };
    provide_context(menu);
    view! {
        {children()}
        {move || menu.opened.get().map(|opened| view! { <MenuList menu opened /> })}
    }
}

#[component]
fn MenuList(menu: Menu, opened: Opened) -> impl IntoView {
    let node = NodeRef::<html::Div>::new();
    let (left, top) = (RwSignal::new(opened.x), RwSignal::new(opened.y));
    Effect::new(move |_| {
        if let Some(list) = node.get() {
            // Kept inside the window.
            let place = list.get_bounding_client_rect();
            let width = window().inner_width().ok().and_then(|it| it.as_f64()).unwrap_or(0.0);
            let height = window().inner_height().ok().and_then(|it| it.as_f64()).unwrap_or(0.0);
            left.set(opened.x.min(width - place.width() - 8.0).max(8.0));
            top.set(opened.y.min(height - place.height() - 8.0).max(8.0));
            step(&list, Step::First);
        }
    });
    let items = opened.items;
    view! {
        <div class="menu__away" on:click=move |_| menu.close() on:contextmenu=move |event| {
            event.prevent_default();
            menu.close();
        }></div>
        <div
            node_ref=node
            class="menu"
            role="menu"
            aria-label=opened.label
            style:left=move || format!("{}px", left.get())
            style:top=move || format!("{}px", top.get())
            on:keydown=move |event| {
                event.stop_propagation();
                let Some(list) = node.get_untracked() else {
                    return;
                };
                let wanted = match event.key().as_str() {
                    "ArrowDown" => Step::By(1),
                    "ArrowUp" => Step::By(-1),
                    "Home" => Step::First,
                    "End" => Step::Last,
                    "Escape" | "Tab" => {
                        event.prevent_default();
                        menu.close();
                        return;
                    }
                    _ => return,
                };
                event.prevent_default();
                step(&list, wanted);
            }
        >
            <For each=move || 0..items.with(Vec::len) key=|place| *place let:place>
                <MenuEntry menu item=Signal::derive(move || items.with(|all| all.get(place).cloned())) />
            </For>
        </div>
    }
}

#[component]
fn MenuEntry(menu: Menu, item: Signal<Option<MenuItem>>) -> impl IntoView {
    move || {
        item.get().map(|item| {
            let MenuItem { label, icon, danger, ticked, reason, testid, run } = item;
            let blocked = reason.is_some();
            let shown = if ticked == Some(true) { Some(icondata::LuCheck) } else { icon };
            view! {
                <button
                    type="button"
                    class="menu__item"
                    class:menu__item--danger=danger
                    role=if ticked.is_some() { "menuitemcheckbox" } else { "menuitem" }
                    tabindex="-1"
                    data-testid=testid
                    aria-checked=ticked.map(|on| if on { "true" } else { "false" })
                    aria-disabled=blocked.then_some("true")
                    on:click=move |_| {
                        if !blocked {
                            if ticked.is_none() {
                                menu.close();
                            }
                            run.run(());
                        }
                    }
                >
                    <span class="menu__icon">{shown.map(|icon| view! { <Glyph icon=icon /> })}</span>
                    <span class="menu__text">
                        {label}
                        {reason.map(|reason| view! { <small class="menu__reason">{reason}</small> })}
                    </span>
                </button>
            }
        })
    }
}

enum Step {
    First,
    Last,
    By(i32),
}

/// Moves the focus among the entries, round the ends.
fn step(list: &web_sys::HtmlDivElement, wanted: Step) {
    let Ok(entries) = list.query_selector_all(".menu__item") else {
        return;
    };
    let count = i64::from(entries.length());
    if count == 0 {
        return;
    }
    let focused: Option<web_sys::Node> = document().active_element().map(Into::into);
    let place = (0..entries.length()).find(|place| entries.get(*place) == focused).map(i64::from);
    let next = match (wanted, place) {
        (Step::First, _) | (Step::By(1..), None) => 0,
        (Step::Last, _) | (Step::By(_), None) => count - 1,
        (Step::By(by), Some(place)) => (place + i64::from(by)).rem_euclid(count),
    };
    let entry = u32::try_from(next).ok().and_then(|place| entries.get(place));
    if let Some(entry) = entry.as_ref().and_then(|it| it.dyn_ref::<web_sys::Element>()) {
        focus(entry);
    }
}
