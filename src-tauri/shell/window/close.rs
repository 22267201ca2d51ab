//! What the close button does.

use corral_contract::settings::CloseButton;

/// What happens to the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Close {
    /// It stays open and asks.
    Ask,
    /// It goes to the tray, or to the task bar where there is no tray.
    PutAway,
    /// Corral ends.
    Quit,
}

/// The rule: the setting decides. Two cases bend it, both so that nobody is trapped:
/// - a page that does not listen cannot ask, so that a press would do nothing: Corral ends;
/// - "tray" without a tray host still keeps Corral running, in the task bar.
///
/// `page` says whether the page listens.
#[must_use]
pub fn decide(setting: CloseButton, tray: bool, page: bool) -> Close {
    match setting {
        CloseButton::Ask if page => Close::Ask,
        CloseButton::Ask | CloseButton::Quit => Close::Quit,
        // A page that is dead in a window that cannot be hidden has nothing left to offer.
        CloseButton::Tray if !tray && !page => Close::Quit,
        CloseButton::Tray => Close::PutAway,
    }
}
