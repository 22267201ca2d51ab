//! Whether the connection is paid by volume, and since when nobody has touched this machine. Each
//! system tells it in its own way, and some do not: then the answer is `None`, never a guess.

use std::time::Duration;

/// `true` = the connection is paid by volume. Blocks.
pub(super) fn metered() -> Option<bool> {
    system::metered()
}

/// Time since the last key or movement of the mouse. Blocks.
pub(super) fn idle() -> Option<Duration> {
    system::idle()
}

#[cfg(target_os = "linux")]
mod system {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    use zbus::blocking::{Connection, Proxy};

    /// NetworkManager's `NMMetered`: 1 yes, 2 no, 3 and 4 its guess of the same.
    pub(super) fn metered() -> Option<bool> {
        let bus = Connection::system().ok()?;
        let name = "org.freedesktop.NetworkManager";
        let manager = Proxy::new(&bus, name, "/org/freedesktop/NetworkManager", name).ok()?;
        match manager.get_property::<u32>("Metered").ok()? {
            1 | 3 => Some(true),
            2 | 4 => Some(false),
            _ => None,
        }
    }

    /// GNOME counts milliseconds; elsewhere the login manager knows since when the desktop calls
    /// the session idle, which it does after a few minutes.
    pub(super) fn idle() -> Option<Duration> {
        mutter().or_else(logind)
    }

    fn mutter() -> Option<Duration> {
        let bus = Connection::session().ok()?;
        let (name, path) = ("org.gnome.Mutter.IdleMonitor", "/org/gnome/Mutter/IdleMonitor/Core");
        let monitor = Proxy::new(&bus, name, path, name).ok()?;
        let ms: u64 = monitor.call("GetIdletime", &()).ok()?;
        Some(Duration::from_millis(ms))
    }

    fn logind() -> Option<Duration> {
        let bus = Connection::system().ok()?;
        let session = Proxy::new(
            &bus,
            "org.freedesktop.login1",
            "/org/freedesktop/login1/session/auto",
            "org.freedesktop.login1.Session",
        )
        .ok()?;
        if !session.get_property::<bool>("IdleHint").ok()? {
            return Some(Duration::ZERO);
        }
        let since = Duration::from_micros(session.get_property("IdleSinceHint").ok()?);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        now.checked_sub(since)
    }
}

#[cfg(windows)]
mod system {
    use std::time::Duration;

    use windows::{
        Networking::Connectivity::{NetworkCostType, NetworkInformation},
        Win32::{
            System::SystemInformation::GetTickCount,
            UI::Input::KeyboardAndMouse::{GetLastInputInfo, LASTINPUTINFO},
        },
    };

    pub(super) fn metered() -> Option<bool> {
        let profile = NetworkInformation::GetInternetConnectionProfile().ok()?;
        match profile.GetConnectionCost().ok()?.NetworkCostType().ok()? {
            NetworkCostType::Unrestricted => Some(false),
            NetworkCostType::Fixed | NetworkCostType::Variable => Some(true),
            _ => None,
        }
    }

    #[expect(unsafe_code, reason = "Windows offers this only as functions of C")]
    pub(super) fn idle() -> Option<Duration> {
        let size = u32::try_from(size_of::<LASTINPUTINFO>()).ok()?;
        let mut last = LASTINPUTINFO { cbSize: size, dwTime: 0 };
        // SAFETY: the structure is ours and says how large it is; the other call takes nothing.
        let now = unsafe { GetLastInputInfo(&raw mut last).as_bool().then(|| GetTickCount())? };
        // Both count milliseconds and begin anew every 49 days.
        Some(Duration::from_millis(u64::from(now.wrapping_sub(last.dwTime))))
    }
}

#[cfg(target_os = "macos")]
mod system {
    use std::time::Duration;

    /// All input of this session.
    const SESSION: i32 = 0;
    const ANY_INPUT: u32 = u32::MAX;

    #[link(name = "CoreGraphics", kind = "framework")]
    #[expect(unsafe_code, reason = "macOS offers this only as a function of C")]
    unsafe extern "C" {
        safe fn CGEventSourceSecondsSinceLastEventType(state: i32, event: u32) -> f64;
    }

    /// Told only to programs that follow the network by a callback of Objective-C's.
    pub(super) fn metered() -> Option<bool> {
        None
    }

    pub(super) fn idle() -> Option<Duration> {
        let seconds = CGEventSourceSecondsSinceLastEventType(SESSION, ANY_INPUT);
        Duration::try_from_secs_f64(seconds).ok()
    }
}

#[cfg(not(any(target_os = "linux", windows, target_os = "macos")))]
mod system {
    use std::time::Duration;

    pub(super) fn metered() -> Option<bool> {
        None
    }

    pub(super) fn idle() -> Option<Duration> {
        None
    }
}
