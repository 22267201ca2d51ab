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
