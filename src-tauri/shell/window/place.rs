//! Where the window stands, so that it can always be reached.

use std::sync::atomic::{AtomicU8, Ordering};

use tauri::{PhysicalPosition, PhysicalSize};

/// So much of the title bar must be on a screen to take hold of it, in physical pixels.
const GRIP_WIDTH: i64 = 120;
const GRIP_HEIGHT: i64 = 24;

/// A rectangle in physical pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rect {
    pub x: i32,
    pub y: i32,
    pub width: u32,
    pub height: u32,
}

impl Rect {
    /// From a position and a size.
    #[must_use]
    pub fn new(position: PhysicalPosition<i32>, size: PhysicalSize<u32>) -> Self {
        Rect { x: position.x, y: position.y, width: size.width, height: size.height }
    }

    fn right(self) -> i64 {
        i64::from(self.x) + i64::from(self.width)
    }

    fn bottom(self) -> i64 {
        i64::from(self.y) + i64::from(self.height)
    }
}

/// A better place for the window, or `None` when it stands well: enough of its title bar is on one
/// of the screens and it is not larger than that one. Without any screen nothing is better.
#[must_use]
pub fn fit(window: Rect, screens: &[Rect]) -> Option<Rect> {
    if let Some(screen) = screens.iter().find(|screen| holds_grip(**screen, window)) {
        let size = within(window, *screen);
        return (size != (window.width, window.height)).then(|| centred(window, *screen));
    }
    screens.first().map(|screen| centred(window, *screen))
}

fn holds_grip(screen: Rect, window: Rect) -> bool {
    let left = i64::from(window.x).max(i64::from(screen.x));
    let right = window.right().min(screen.right());
    let top = i64::from(window.y);
    let grip = GRIP_WIDTH.min(i64::from(window.width));
    right - left >= grip && top >= i64::from(screen.y) && top + GRIP_HEIGHT <= screen.bottom()
}

fn within(window: Rect, screen: Rect) -> (u32, u32) {
    (window.width.min(screen.width), window.height.min(screen.height))
}

fn centred(window: Rect, screen: Rect) -> Rect {
    let (width, height) = within(window, screen);
    let middle = |start: i32, whole: u32, part: u32| {
        start.saturating_add(i32::try_from((whole - part) / 2).unwrap_or(0))
    };
    Rect {
        x: middle(screen.x, screen.width, width),
        y: middle(screen.y, screen.height, height),
        width,
        height,
    }
}

/// What the core was last told about the window being seen.
#[derive(Default)]
pub struct Seen(AtomicU8);

impl Seen {
    const NO: u8 = 1;
    const YES: u8 = 2;

    /// Notes it; `true` when the core knows something else or nothing yet.
    pub fn changes_to(&self, visible: bool) -> bool {
        let now = if visible { Self::YES } else { Self::NO };
        self.0.swap(now, Ordering::SeqCst) != now
    }
}
