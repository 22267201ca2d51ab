//! What has to be on the machine beside Rust and Node: looked for, named with its reason, and
//! installed where Debian's apt is.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process;

/// A package of Debian and Ubuntu, and what it is for.
struct Package {
    name: &'static str,
    why: &'static str,
}

/// A group of packages that one thing to do needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Need {
    /// To build and open the app.
    App,
    /// To drive the app's window without a person.
    Driver,
    /// What downloads are measured against.
    Peers,
    /// To compile for Windows and run what was compiled.
    Windows,
    /// To compile for macOS.
    MacOs,
}

impl Need {
    fn packages(self) -> &'static [Package] {
        match self {
            Self::App => &[
                Package { name: "build-essential", why: "compiles the C parts" },
                Package { name: "cmake", why: "builds the TLS library" },
                Package { name: "pkg-config", why: "finds the libraries below" },
                Package { name: "libwebkit2gtk-4.1-dev", why: "shows the window" },
                Package { name: "libdbus-1-dev", why: "speaks to the desktop" },
                Package { name: "libayatana-appindicator3-dev", why: "shows the tray icon" },
                Package { name: "librsvg2-common", why: "draws the desktop theme's icons" },
            ],
            Self::Driver => &[
                Package { name: "webkit2gtk-driver", why: "drives the window" },
                Package { name: "xvfb", why: "a display that nobody has to look at" },
                Package { name: "dbus", why: "a message bus of the tests' own" },
                Package { name: "fonts-noto-cjk", why: "Chinese letters in pictures" },
            ],
            Self::Peers => &[
                Package { name: "curl", why: "downloads over one stream" },
                Package { name: "aria2", why: "downloads over several" },
                Package { name: "openssl", why: "hashes" },
                Package { name: "ripgrep", why: "searches a log" },
            ],
            Self::Windows => &[
                Package { name: "gcc-mingw-w64-x86-64", why: "links for Windows" },
                Package { name: "g++-mingw-w64-x86-64", why: "compiles C++ parts for Windows" },
                Package { name: "nasm", why: "assembles the TLS library for Windows" },
                Package { name: "wine64", why: "runs Windows programs" },
                Package { name: "wine", why: "its start script" },
            ],
            Self::MacOs => &[Package { name: "python3-venv", why: "holds the compiler for macOS" }],
        }
    }
}

/// Makes sure that the packages are there, installing what is missing.
///
/// # Errors
/// When apt fails. Where there is no apt the packages are somebody else's matter: nothing is
/// checked, and what is truly missing shows in the build.
pub(crate) fn ensure(needs: &[Need]) -> Result<()> {
    if !cfg!(target_os = "linux") || process::find("dpkg-query").is_none() {
        return Ok(());
    }
    let missing: Vec<&Package> = needs
        .iter()
        .flat_map(|need| need.packages())
        .filter(|package| !installed(package))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("These packages are missing and will be installed:");
    for package in &missing {
        println!("  {:<28} {}", package.name, package.why);
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    apt(&["update", "-qq"])?;
    apt(&[&["install", "-y", "-qq", "--no-install-recommends"], names.as_slice()].concat())
}

/// Makes sure that rustc can compile for a target.
///
/// # Errors
/// When the target is missing and rustup is not there or fails.
pub(crate) fn ensure_target(target: &str) -> Result<()> {
    let folder = process::output_of(Command::new("rustc").args([
        "--print",
        "target-libdir",
        "--target",
        target,
    ]))?;
    if Path::new(&folder).is_dir() {
        return Ok(());
    }
    if process::find("rustup").is_none() {
        bail!("rustc has no standard library for {target}, and rustup is not there to add it");
    }
    println!("Rust's standard library for {target} is missing and will be installed.");
    process::run(Command::new("rustup").args(["target", "add", target]))
}

/// Makes sure that a part of the tool chain (`clippy`, `rustfmt`) is there.
///
/// # Errors
/// When it is missing and rustup is not there or fails.
pub(crate) fn ensure_component(component: &str, program: &str) -> Result<()> {
    let works = Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if works {
        return Ok(());
    }
    println!("Rust's {component} is missing and will be installed.");
    process::run(Command::new("rustup").args(["component", "add", component]))
}

fn installed(package: &Package) -> bool {
    Command::new("dpkg-query")
        .args(["--show", "--showformat=${db:Status-Status}", package.name])
        .stderr(Stdio::null())
        .output()
        .is_ok_and(|output| output.stdout == b"installed")
}

fn apt(arguments: &[&str]) -> Result<()> {
    let mut command = if is_root()? {
        Command::new("env")
    } else if process::find("sudo").is_some() {
        println!("(sudo may ask for your password)");
        let mut sudo = Command::new("sudo");
        sudo.arg("env");
        sudo
    } else {
        bail!("installing needs root and sudo is not there: run apt-get {}", arguments.join(" "));
    };
    command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]).args(arguments);
    process::run(&mut command).context("the packages could not be installed")
}

fn is_root() -> Result<bool> {
    Ok(process::output_of(Command::new("id").arg("-u"))? == "0")
}
