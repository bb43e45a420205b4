//! Opens the lab, or runs a headless job: see [`noise_compass::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    noise_compass::cli::run()
}
