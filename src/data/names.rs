//! Names as people write them: case, hyphens, underscores and spaces make no difference.

/// What is left of a name without case, hyphens, underscores and spaces.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).flat_map(char::to_lowercase).collect()
}

/// True where two names mean the same.
pub fn same(a: &str, b: &str) -> bool {
    plain(a) == plain(b)
}

/// The one of `all` that bears this name. Each has several: the first is how it is written.
///
/// # Errors
/// One sentence that lists the names.
pub fn find<T: Copy, const N: usize>(
    all: impl IntoIterator<Item = T>,
    what: &str,
    text: &str,
    names: impl Fn(T) -> [&'static str; N],
) -> Result<T, String> {
    let all: Vec<T> = all.into_iter().collect();
    let found = all.iter().find(|&&one| names(one).iter().any(|name| same(name, text)));
    found.copied().ok_or_else(|| {
        let known: Vec<_> = all.iter().map(|&one| names(one)[0]).collect();
        format!("'{text}' is not {what}; use {}", known.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use crate::data::dataset::DataSource;
    use crate::data::shapes::Shape;
    use crate::diffusion::path::Path;
    use crate::diffusion::solver::Sampler;
    use crate::diffusion::target::Target;
    use crate::nn::layout::Activation;

    /// Ways to write a name that mean the same.
    fn spellings(name: &str) -> Vec<String> {
        let mut title = name.to_uppercase();
        title.insert(1, '-');
        let mut spaced = name.to_owned();
        spaced.insert(name.len() - 1, '_');
        vec![name.to_owned(), name.to_uppercase(), title, spaced, format!(" {name} ")]
    }

    fn check<T: std::str::FromStr + PartialEq + std::fmt::Debug>(
        all: impl IntoIterator<Item = T>,
        name: impl Fn(&T) -> String,
    ) {
        for one in all {
            for spelling in spellings(&name(&one)) {
                assert_eq!(spelling.parse::<T>().ok().as_ref(), Some(&one), "{spelling}");
            }
        }
        for wrong in ["", "-", "triangle", "figure9"] {
            assert!(wrong.parse::<T>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_name_is_understood_however_it_is_written() {
        check(Shape::ALL, |shape| shape.name().into());
        check(Shape::ALL, |shape| shape.title().into());
        check(Shape::ALL.map(DataSource::Shape), ToString::to_string);
        check(Path::ALL, ToString::to_string);
        check(Sampler::ALL, ToString::to_string);
        check(Target::ALL, |target| target.name().into());
        check(Activation::ALL, |activation| activation.name().into());
        for text in ["figure-8", "Figure8", "FIGURE_8", "two-moons", "8-gaussians", "eight_gaussians", "Swiss Roll"] {
            assert!(text.parse::<Shape>().is_ok(), "{text}");
        }
        assert_eq!("DDIM:0.5".parse(), Ok(Sampler::Ddim { eta: 0.5 }));
    }

    /// What a file says is read as what the command line says; what is written stays as it was.
    #[test]
    fn files_are_read_alike() {
        for shape in Shape::ALL {
            let written = serde_json::to_string(&shape).unwrap();
            for text in [written.clone(), format!("\"{}\"", shape.name()), format!("\"{}\"", shape.title())] {
                assert_eq!(serde_json::from_str::<Shape>(&text).unwrap(), shape, "{text}");
            }
        }
        assert_eq!(serde_json::to_string(&Shape::EightGaussians).unwrap(), "\"eightgaussians\"");
        assert_eq!(serde_json::from_str::<Target>("\"EPS\"").unwrap(), Target::Eps);
        assert_eq!(serde_json::from_str::<Activation>("\"SiLU\"").unwrap(), Activation::Silu);
    }
}
