//! Samplers as the command line names them.

use std::path::{Path, PathBuf};

use maths::diffusion::solver::{Sampler, SamplerParseError};

/// A sampler by its name, or a plan in a file.
#[derive(Clone, Debug, PartialEq)]
pub enum Named {
    /// One of the program's.
    Sampler(Sampler),
    /// One of the user's own.
    File(PathBuf),
}

impl std::str::FromStr for Named {
    type Err = SamplerParseError;

    fn from_str(text: &str) -> Result<Self, SamplerParseError> {
        let path = Path::new(text);
        if path
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("json"))
        {
            return Ok(Self::File(path.to_path_buf()));
        }
        text.parse().map(Self::Sampler)
    }
}
