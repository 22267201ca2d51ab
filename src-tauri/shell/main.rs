// A console window behind the app would appear on Windows otherwise; debug builds keep it for logs.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

use std::process::ExitCode;

fn main() -> ExitCode {
    corral_shell::run()
}
