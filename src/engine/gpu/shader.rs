//! The WGSL sources of the kernels, and the small resolver that joins `shaders/shared/` for them and for the canvas.
//!
//! A line `//!include NAME` is replaced by `shaders/shared/NAME.wgsl`. Release builds carry the sources;
//! debug builds read them from disk where they can, so that an edited kernel needs no recompilation.

use std::borrow::Cow;

macro_rules! sources {
    ($($name:literal),* $(,)?) => {
        /// Every kernel by name, with its source as compiled in.
        pub const KERNELS: &[(&str, &str)] = &[$(($name, include_str!(concat!("../../../shaders/", $name, ".wgsl")))),*];
    };
}

macro_rules! shared {
    ($($name:literal),* $(,)?) => {
        const SHARED: &[(&str, &str)] = &[$(($name, include_str!(concat!("../../../shaders/shared/", $name, ".wgsl")))),*];
    };
}

sources![
    "adam",
    "batch_draw",
    "batch_given",
    "dense_backward",
    "dense_forward",
    "head_loss",
    "log_density",
    "matmul",
    "sampler_start",
    "sampler_step",
    "sampler_step_exact",
    "time_bias",
    "weight_gradient",
];

shared![
    "activation",
    "advance",
    "batch",
    "color",
    "features",
    "groups",
    "math",
    "motion",
    "philox",
    "sampling",
    "types",
];

/// The whole source of a kernel, includes resolved.
///
/// # Errors
/// The name of a kernel or include that does not exist.
pub fn resolve(name: &str) -> Result<String, String> {
    let source = find(KERNELS, name, "").ok_or_else(|| format!("there is no kernel '{name}'"))?;
    join(&source)
}

/// Resolve the includes of a source text.
///
/// # Errors
/// The name of an include that does not exist.
pub fn join(source: &str) -> Result<String, String> {
    let mut joined = String::with_capacity(2 * source.len());
    for line in source.lines() {
        if let Some(include) = line.strip_prefix("//!include ") {
            let text = find(SHARED, include.trim(), "shared/")
                .ok_or_else(|| format!("there is no shaders/shared/{}.wgsl", include.trim()))?;
            joined.push_str(&text);
        } else {
            joined.push_str(line);
        }
        joined.push('\n');
    }
    Ok(joined)
}

/// Where the sources lie, which a debug build reads anew.
#[cfg(debug_assertions)]
const SHADERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shaders");

fn find(table: &'static [(&str, &str)], name: &str, folder: &str) -> Option<Cow<'static, str>> {
    let (_, compiled_in) = table.iter().find(|(known, _)| *known == name)?;
    #[cfg(debug_assertions)]
    if let Ok(text) = std::fs::read_to_string(format!("{SHADERS}/{folder}{name}.wgsl")) {
        return Some(Cow::Owned(text));
    }
    let _ = folder;
    Some(Cow::Borrowed(compiled_in))
}
