//! Keeps memory that nobody uses any more from staying with the process.

/// glibc gives each thread that allocates an area of its own, eight per processor, and hardly gives
/// anything of them back. The core allocates in bursts on many threads: with 10,000 models 12 to 19
/// MB stayed behind after a sync. To be called before threads start.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "glibc offers this switch only as a C function")]
pub fn share_areas() {
    // SAFETY: takes two numbers and touches nothing but the allocator's settings, under its lock.
    let set = unsafe { libc::mallopt(libc::M_ARENA_MAX, 2) };
    if set == 0 {
        eprintln!("the allocator keeps one area for each thread");
    }
}

/// Other systems' allocators share by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn share_areas() {}

/// Gives what a burst left behind back to the system, as long as the process lives. glibc keeps
/// freed memory wherever a piece behind it is still in use: 15 MB after a start with 10,000 models.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn give_back() {
    use std::time::Duration;

    use tauri::async_runtime;

    /// How often is looked, and how much more than last time is worth it, in pages of 4 KiB.
    const LOOK: Duration = Duration::from_secs(5);
    const WORTH: u64 = 512;

    async_runtime::spawn(async {
        let mut least = u64::MAX;
        let mut looks = tokio::time::interval(LOOK);
        // The first look comes at once and has nothing to compare with.
        loop {
            looks.tick().await;
            let now = own_pages();
            if now.saturating_sub(WORTH) > least {
                let _ = async_runtime::spawn_blocking(trim).await;
                least = own_pages();
            } else {
                least = least.min(now);
            }
        }
    });
}

/// Other systems' allocators give back by themselves.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn give_back() {}

/// Resident pages that are no file's; 0 where the kernel does not tell.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn own_pages() -> u64 {
    let told = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let mut numbers = told.split(' ').skip(1).map(|number| number.parse().unwrap_or(0));
    let (resident, shared): (u64, u64) =
        (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    resident.saturating_sub(shared)
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "glibc offers this only as a C function")]
fn trim() {
    // SAFETY: takes a number; looks at free pieces of each area under that area's lock.
    unsafe { libc::malloc_trim(0) };
}
