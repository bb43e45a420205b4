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
    "batch_draw",
    "batch_given",
    "dense_backward",
    "dense_forward",
    "head_loss",
    "log_density",
    "matmul",
    "muon_apply",
    "muon_product",
    "muon_start",
    "sampler_start",
    "sampler_step",
    "sampler_step_exact",
    "sampler_step_given",
    "time_bias",
    "update",
    "weight_gradient",
];

shared![
    "activation",
    "advance",
    "arrow_length",
    "batch",
    "cell",
    "color",
    "features",
    "groups",
    "head",
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

/// Check that a struct of the host has the size and the offsets of its twin in a shader. For tests.
///
/// # Errors
/// What is not as on the host: a source that cannot be parsed, a struct or a field that is not there, a size, an offset, or a field
/// that the host does not know. A vector of the host may be several scalars on the device, whose names end in `_0`, `_1`, ….
pub fn check_twin(
    source: &str,
    name: &str,
    size: usize,
    fields: &[(&str, usize)],
) -> Result<(), String> {
    let module =
        wgpu::naga::front::wgsl::parse_str(source).map_err(|error| error.emit_to_string(source))?;
    let twin = module
        .types
        .iter()
        .find(|(_, kind)| kind.name.as_deref() == Some(name));
    let Some(wgpu::naga::TypeInner::Struct { members, span }) = twin.map(|(_, kind)| &kind.inner)
    else {
        return Err(format!("there is no struct {name}"));
    };
    if *span as usize != size {
        return Err(format!(
            "{name} has {span} bytes on the device and {size} on the host"
        ));
    }
    let first =
        |field: &str, member: &str| member == field || member.strip_suffix("_0") == Some(field);
    for (field, offset) in fields {
        let member = members.iter().find(|member| {
            member
                .name
                .as_deref()
                .is_some_and(|known| first(field, known))
        });
        match member {
            None => return Err(format!("{name} has no {field} on the device")),
            Some(member) if member.offset as usize != *offset => {
                return Err(format!(
                    "{name}.{field} lies at {} on the device and at {offset} on the host",
                    member.offset
                ));
            }
            Some(_) => {}
        }
    }
    let known = |member: &str| {
        let part = member
            .rsplit_once('_')
            .filter(|(_, end)| end.parse::<u8>().is_ok())
            .map(|(field, _)| field);
        fields
            .iter()
            .any(|(field, _)| *field == member || Some(*field) == part)
    };
    let unknown = members
        .iter()
        .filter_map(|member| member.name.as_deref())
        .find(|member| !member.starts_with("padding") && !known(member));
    unknown.map_or(Ok(()), |member| {
        Err(format!(
            "{name}.{member} of the device is unknown on the host"
        ))
    })
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
