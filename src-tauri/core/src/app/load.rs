//! How busy the processors are between two looks.

/// What the look before saw.
#[derive(Default)]
pub(super) struct Load {
    #[cfg(windows)]
    before: Option<(u64, u64)>,
    #[cfg(not(windows))]
    seen: bool,
}

impl Load {
    /// Percent of all processors since the look before; `None` at the first one.
    #[cfg(not(windows))]
    pub(super) fn look(&mut self, system: &mut sysinfo::System) -> Option<u8> {
        system.refresh_cpu_usage();
        let again = std::mem::replace(&mut self.seen, true);
        again.then(|| system.global_cpu_usage().clamp(0.0, 100.0) as u8)
    }

    /// As elsewhere. The library asks the performance counters, which take longer to open than a look
    /// may take and are missing on some systems; the times of the system are always there.
    #[cfg(windows)]
    #[expect(unsafe_code, reason = "Windows offers this only as a function of C")]
    pub(super) fn look(&mut self, _: &mut sysinfo::System) -> Option<u8> {
        use windows::Win32::{Foundation::FILETIME, System::Threading::GetSystemTimes};

        let (mut idle, mut kernel, mut user) =
            (FILETIME::default(), FILETIME::default(), FILETIME::default());
        // SAFETY: all three are ours and live as long as the call.
        let asked = unsafe {
            GetSystemTimes(Some(&raw mut idle), Some(&raw mut kernel), Some(&raw mut user))
        };
        asked.ok()?;
        let ticks =
            |time: FILETIME| u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime);
        // The kernel's time has the idle time in it.
        let now = (ticks(idle), ticks(kernel).wrapping_add(ticks(user)));
        let before = self.before.replace(now)?;
        let idle = now.0.saturating_sub(before.0);
        let all = now.1.saturating_sub(before.1).max(1);
        Some((100 - (idle.saturating_mul(100) / all).min(100)) as u8)
    }
}
