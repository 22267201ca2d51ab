//! A hand on the desktop, for what the page's own driver cannot reach: keys in windows of the
//! system, and files that are dragged from another program and dropped onto the app.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use x11rb::{
    CURRENT_TIME,
    connection::Connection,
    protocol::{
        Event,
        xproto::{
            Atom, AtomEnum, ClientMessageEvent, ConnectionExt as _, CreateWindowAux, EventMask,
            InputFocus, KEY_PRESS_EVENT, KEY_RELEASE_EVENT, MapState, PropMode,
            SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, SelectionRequestEvent, Window,
            WindowClass,
        },
        xtest::ConnectionExt as _,
    },
    rust_connection::RustConnection,
    wrapper::ConnectionExt as _,
};

use super::{Desktop, PATIENCE, until};

/// Keysyms of keys without a letter.
const SHIFT: u32 = 0xffe1;
const CONTROL: u32 = 0xffe3;
const RETURN: u32 = 0xff0d;
const ESCAPE: u32 = 0xff1b;
/// Of the protocol for dragging.
const VERSION: u32 = 5;

/// A person at the display.
pub struct Hand {
    x: RustConnection,
    root: Window,
    /// Keysyms of each keycode from the first on, plain and with Shift.
    keys: Vec<(u8, u32, u32)>,
}

impl Hand {
    /// At the display of a desktop.
    ///
    /// # Errors
    /// When it cannot be reached.
    pub fn of(desktop: &Desktop) -> Result<Hand> {
        let (x, screen) = RustConnection::connect(Some(desktop.display()))?;
        let setup = x.setup();
        let root = setup.roots.get(screen).context("a screen")?.root;
        let (first, last) = (setup.min_keycode, setup.max_keycode);
        let map = x.get_keyboard_mapping(first, last - first + 1)?.reply()?;
        let per = usize::from(map.keysyms_per_keycode);
        let keys = map.keysyms.chunks(per).zip(first..=last);
        let keys = keys.map(|(syms, code)| {
            let plain = syms.first().copied().unwrap_or(0);
            (code, plain, syms.get(1).copied().unwrap_or(0))
        });
        let keys = keys.collect();
        Ok(Hand { x, root, keys })
    }

    /// Waits for a window that was not there before.
    ///
    /// # Errors
    /// When none comes in time.
    pub async fn new_window(&self, before: &[Window]) -> Result<Window> {
        let mut found = None;
        until("another window is there", PATIENCE, async || {
            found = self.windows()?.into_iter().rev().find(|it| !before.contains(it));
            Ok(found.is_some())
        })
        .await?;
        found.context("it was there a moment ago")
    }

    /// Waits until a window is gone.
    ///
    /// # Errors
    /// When it stays.
    pub async fn gone(&self, window: Window) -> Result<()> {
        until("a window of the system is gone", PATIENCE, async || {
            Ok(!self.windows()?.contains(&window))
        })
        .await
    }

    /// The windows that show, the topmost last.
    ///
    /// # Errors
    /// When the display is gone.
    pub fn windows(&self) -> Result<Vec<Window>> {
        let all = self.x.query_tree(self.root)?.reply()?.children;
        let mut shown = Vec::new();
        for window in all {
            // One that went away in between is none.
            let Ok(facts) = self.x.get_window_attributes(window)?.reply() else { continue };
            let Ok(place) = self.x.get_geometry(window)?.reply() else { continue };
            if facts.map_state == MapState::VIEWABLE && place.width > 50 && place.height > 50 {
                shown.push(window);
            }
        }
        Ok(shown)
    }

    /// Gives a window the keyboard, as a window manager does, which is not there, and waits until it
    /// has taken it.
    ///
    /// # Errors
    /// When it is gone, or does not take it.
    pub async fn focus(&self, window: Window) -> Result<()> {
        self.x.set_input_focus(InputFocus::PARENT, window, CURRENT_TIME)?.check()?;
        let [protocols, take] = ["WM_PROTOCOLS", "WM_TAKE_FOCUS"]
            .map(|name| anyhow::Ok(self.x.intern_atom(false, name.as_bytes())?.reply()?.atom));
        let event = ClientMessageEvent::new(32, window, protocols?, [take?, CURRENT_TIME, 0, 0, 0]);
        self.x.send_event(false, window, EventMask::NO_EVENT, event)?.check()?;
        // It hands the keyboard on to a part of itself.
        until("a window of the system has the keyboard", PATIENCE, async || {
            let focus = self.x.get_input_focus()?.reply()?.focus;
            let parent = self.x.query_tree(focus).ok().and_then(|tree| tree.reply().ok());
            Ok(focus != window && parent.is_some_and(|tree| tree.parent == window))
        })
        .await
    }

    /// Replaces what a field holds and confirms it, as in a dialog that asks for a file.
    ///
    /// # Errors
    /// When a sign is on no key, or the display is gone.
    pub fn answer(&self, text: &str) -> Result<()> {
        self.chord(CONTROL, u32::from('a'))?;
        self.write(text)?;
        self.press(RETURN)
    }

    /// Presses Escape.
    ///
    /// # Errors
    /// When the display is gone.
    pub fn escape(&self) -> Result<()> {
        self.press(ESCAPE)
    }

    fn write(&self, text: &str) -> Result<()> {
        text.chars().try_for_each(|sign| {
            let shifted = |it: &&(u8, u32, u32)| it.2 == u32::from(sign) && it.1 != it.2;
            if self.keys.iter().any(|it| it.1 == u32::from(sign)) {
                self.press(u32::from(sign))
            } else if let Some((_, plain, _)) = self.keys.iter().find(shifted) {
                self.chord(SHIFT, *plain)
            } else {
                bail!("{sign:?} is on no key")
            }
        })
    }

    fn press(&self, sym: u32) -> Result<()> {
        let key = self.key(sym)?;
        self.fake(KEY_PRESS_EVENT, key)?;
        self.fake(KEY_RELEASE_EVENT, key)
    }

    fn chord(&self, with: u32, sym: u32) -> Result<()> {
        let with = self.key(with)?;
        self.fake(KEY_PRESS_EVENT, with)?;
        self.press(sym)?;
        self.fake(KEY_RELEASE_EVENT, with)
    }

    fn key(&self, sym: u32) -> Result<u8> {
        let found = self.keys.iter().find(|it| it.1 == sym);
        Ok(found.with_context(|| format!("no key has {sym:#x}"))?.0)
    }

    fn fake(&self, kind: u8, key: u8) -> Result<()> {
        self.x.xtest_fake_input(kind, key, CURRENT_TIME, self.root, 0, 0, 0)?.check()?;
        Ok(())
    }

    /// Drags files from another program over the middle of a window and drops them there.
    ///
    /// # Errors
    /// When the window does not take them in time.
    pub async fn drop_files(&self, onto: Window, files: &[&Path]) -> Result<()> {
        let drag = Drag::begin(self, onto, files)?;
        drag.enter()?;
        // Once to come in, once to stay: what it would do it says to the second.
        for _ in 0..2 {
            drag.over()?;
            let answer = drag.until(drag.atoms.status).await?;
            ensure!(drag.accepts.get() || answer, "it does not answer");
        }
        ensure!(drag.accepts.get(), "the window takes no files");
        drag.let_go()?;
        drag.until(drag.atoms.finished).await?;
        Ok(())
    }
}

/// Names of the protocol, as numbers of this display.
struct Atoms {
    selection: Atom,
    enter: Atom,
    position: Atom,
    status: Atom,
    drop: Atom,
    finished: Atom,
    copy: Atom,
    uris: Atom,
    targets: Atom,
}

/// Files in the hand.
struct Drag<'a> {
    hand: &'a Hand,
    atoms: Atoms,
    /// A window of our own, which the protocol needs.
    from: Window,
    onto: Window,
    /// The middle of it on the screen.
    at: (u16, u16),
    list: String,
    accepts: std::cell::Cell<bool>,
}

impl<'a> Drag<'a> {
    fn begin(hand: &'a Hand, onto: Window, files: &[&Path]) -> Result<Drag<'a>> {
        let x = &hand.x;
        let atom = |name: &str| anyhow::Ok(x.intern_atom(false, name.as_bytes())?.reply()?.atom);
        let atoms = Atoms {
            selection: atom("XdndSelection")?,
            enter: atom("XdndEnter")?,
            position: atom("XdndPosition")?,
            status: atom("XdndStatus")?,
            drop: atom("XdndDrop")?,
            finished: atom("XdndFinished")?,
            copy: atom("XdndActionCopy")?,
            uris: atom("text/uri-list")?,
            targets: atom("TARGETS")?,
        };
        let from = x.generate_id()?;
        let aux = CreateWindowAux::new();
        x.create_window(0, from, hand.root, 0, 0, 1, 1, 0, WindowClass::INPUT_ONLY, 0, &aux)?
            .check()?;
        x.set_selection_owner(from, atoms.selection, CURRENT_TIME)?.check()?;
        let size = x.get_geometry(onto)?.reply()?;
        let corner = x.translate_coordinates(onto, hand.root, 0, 0)?.reply()?;
        let middle = |from: i16, size: u16| u16::try_from(from).unwrap_or(0) + size / 2;
        let at = (middle(corner.dst_x, size.width), middle(corner.dst_y, size.height));
        let mut list = String::new();
        for file in files {
            list.push_str("file://");
            list.push_str(file.to_str().context("a path in UTF-8")?);
            list.push_str("\r\n");
        }
        let accepts = std::cell::Cell::new(false);
        Ok(Drag { hand, atoms, from, onto, at, list, accepts })
    }

    fn tell(&self, kind: Atom, data: [u32; 5]) -> Result<()> {
        let event = ClientMessageEvent::new(32, self.onto, kind, data);
        self.hand.x.send_event(false, self.onto, EventMask::NO_EVENT, event)?.check()?;
        Ok(())
    }

    fn enter(&self) -> Result<()> {
        self.tell(self.atoms.enter, [self.from, VERSION << 24, self.atoms.uris, 0, 0])
    }

    fn over(&self) -> Result<()> {
        let at = u32::from(self.at.0) << 16 | u32::from(self.at.1);
        self.tell(self.atoms.position, [self.from, 0, at, CURRENT_TIME, self.atoms.copy])
    }

    fn let_go(&self) -> Result<()> {
        self.tell(self.atoms.drop, [self.from, 0, CURRENT_TIME, 0, 0])
    }

    /// Serves whoever asks for the files, until the window sent this message; whether it takes them.
    async fn until(&self, wanted: Atom) -> Result<bool> {
        let mut takes = None;
        until("the window answers the drag", PATIENCE, async || {
            while let Some(event) = self.hand.x.poll_for_event()? {
                match event {
                    Event::SelectionRequest(asked) => self.serve(&asked)?,
                    Event::ClientMessage(told) => {
                        let [_, flags, ..] = told.data.as_data32();
                        if told.type_ == self.atoms.status {
                            self.accepts.set(flags & 1 == 1);
                        }
                        if told.type_ == wanted {
                            takes = Some(flags & 1 == 1);
                        }
                    }
                    _ => {}
                }
            }
            Ok(takes.is_some())
        })
        .await?;
        Ok(takes.unwrap_or_default())
    }

    fn serve(&self, asked: &SelectionRequestEvent) -> Result<()> {
        let x = &self.hand.x;
        let property = if asked.property == 0 { asked.target } else { asked.property };
        let given = if asked.target == self.atoms.uris {
            let list = self.list.as_bytes();
            x.change_property8(PropMode::REPLACE, asked.requestor, property, asked.target, list)?
                .check()?;
            property
        } else if asked.target == self.atoms.targets {
            let kinds = [self.atoms.targets, self.atoms.uris];
            let (whom, kind) = (asked.requestor, AtomEnum::ATOM);
            x.change_property32(PropMode::REPLACE, whom, property, kind, &kinds)?.check()?;
            property
        } else {
            0
        };
        let answer = SelectionNotifyEvent {
            response_type: SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: asked.time,
            requestor: asked.requestor,
            selection: asked.selection,
            target: asked.target,
            property: given,
        };
        x.send_event(false, asked.requestor, EventMask::NO_EVENT, answer)?.check()?;
        Ok(())
    }
}
