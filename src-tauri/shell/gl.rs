//! Keeps an emulated graphics card out of the app's own process.
//!
//! Where no card is there, Mesa emulates one with LLVM. The page's process needs that, since
//! WebKitGTK has no page without a display of EGL; in the app's own process, which only shows what
//! was drawn, GTK and WebKitGTK load it all the same, 26 MB for nothing.

/// GTK does not look for OpenGL when this says `disable`.
const GTK: &str = "GDK_GL";

/// Where EGL's loader looks for what makes displays. It reads this once in a process.
const VENDORS: &str = "__EGL_VENDOR_LIBRARY_FILENAMES";

/// No file: with an empty text the loader would look in the usual places.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const NONE: &str = "/dev/null";

/// The minor versions of WebKitGTK 2 that were seen to show a window without EGL in the app's own
/// process. Another one might insist on it and end.
const SEEN: &[u32] = &[50];

/// Whether it may be left out: on X11, with a version that was seen to do without, and not against
/// what the user has set.
#[must_use]
pub fn may_be_left_out(minor: u32, is_set: impl Fn(&str) -> bool) -> bool {
    SEEN.contains(&minor) && ![GTK, VENDORS, "WAYLAND_DISPLAY"].into_iter().any(is_set)
}

/// Leaves it out of this process, where [`may_be_left_out`] says so. To be called before threads
/// start and before GTK does. Processes that are started later find EGL as ever.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the loader and the engine's version are reached as C functions")]
pub(crate) fn leave_out() {
    // SAFETY: takes nothing and answers a constant.
    let minor = unsafe { webkit2gtk::ffi::webkit_get_minor_version() };
    if !may_be_left_out(minor, |variable| std::env::var_os(variable).is_some()) {
        return;
    }
    if glib::setenv(VENDORS, NONE, false).is_ok() {
        // SAFETY: no other thread uses the loader or the environment yet.
        unsafe { ask_for_vendors() };
        glib::unsetenv(VENDORS);
    }
    // Without it the window shows as well, only with more memory.
    let _ = glib::setenv(GTK, "disable", false);
}

/// Has EGL's loader look for vendors now. Where there is no such loader nothing happens, and the
/// emulation stays.
///
/// # Safety
/// No other thread may use EGL's loader at the same time.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "a function of a library that may not be there")]
unsafe fn ask_for_vendors() {
    use std::ffi::c_void;

    type GetDisplay = unsafe extern "C" fn(*mut c_void) -> *mut c_void;

    // SAFETY: names that end with a zero; the library stays loaded, as whoever loads it next wants.
    let get_display = unsafe {
        let library = libc::dlopen(c"libEGL.so.1".as_ptr(), libc::RTLD_NOW);
        if library.is_null() {
            return;
        }
        libc::dlsym(library, c"eglGetDisplay".as_ptr())
    };
    if !get_display.is_null() {
        // SAFETY: EGL's own signature; null asks for the usual display, and without vendors there
        // is none.
        unsafe {
            let get_display = std::mem::transmute::<*mut c_void, GetDisplay>(get_display);
            get_display(std::ptr::null_mut());
        }
    }
}

/// Other C libraries: as the system does it.
#[cfg(all(target_os = "linux", not(target_env = "gnu")))]
pub(crate) fn leave_out() {}
