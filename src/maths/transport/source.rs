//! Where paths begin: at noise, or at another distribution.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::data::mixture::Mixture;
use crate::data::shapes::Shape;

/// The distribution at t = T, in the units of the data.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// N(0, I).
    #[default]
    Noise,
    /// A built-in shape, standardised by itself.
    Shape(Shape),
    /// Components of one's own.
    Mixture(Mixture),
}

impl Source {
    /// Its components; `None` for noise.
    pub fn mixture(&self) -> Option<Arc<Mixture>> {
        match self {
            Self::Noise => None,
            Self::Shape(shape) => Some(Arc::new(shape.mixture())),
            Self::Mixture(mixture) => Some(Arc::new(mixture.clone())),
        }
    }

    /// What it is called in menus and differences.
    pub fn title(&self) -> String {
        match self {
            Self::Noise => "Noise".to_owned(),
            Self::Shape(shape) => shape.title().to_owned(),
            Self::Mixture(mixture) => format!("{} components", mixture.components.len()),
        }
    }
}

impl std::str::FromStr for Source {
    type Err = String;

    /// `noise`, a built-in's name, or a path that ends in `.json`: `mixture.json` as `data --mixture` writes it.
    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("noise") {
            return Ok(Self::Noise);
        }
        if let Ok(shape) = text.parse() {
            return Ok(Self::Shape(shape));
        }
        let path = std::path::Path::new(text);
        if path
            .extension()
            .is_some_and(|end| end.eq_ignore_ascii_case("json"))
        {
            let read = std::fs::read_to_string(path).map_err(|error| error.to_string());
            let mixture = read
                .and_then(|text| serde_json::from_str(&text).map_err(|error| error.to_string()));
            return mixture
                .map(Self::Mixture)
                .map_err(|error| {
                    format!("cannot read the source {text}: {error}; give a mixture.json as `noise-compass data --mixture` writes it")
                });
        }
        let names: Vec<_> = Shape::ALL.into_iter().map(Shape::name).collect();
        Err(format!(
            "'{text}' is not a source: use noise, {}, or a mixture.json",
            names.join(", ")
        ))
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Noise => f.write_str("noise"),
            Self::Shape(shape) => f.write_str(shape.name()),
            Self::Mixture(_) => f.write_str("mixture.json"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sources_are_read_by_name_and_from_a_file() {
        assert_eq!("noise".parse(), Ok(Source::Noise));
        assert_eq!(
            "8gaussians".parse(),
            Ok(Source::Shape(Shape::EightGaussians))
        );
        let file = tempfile::Builder::new().suffix(".json").tempfile().unwrap();
        let mixture = Shape::Moons.mixture();
        std::fs::write(file.path(), serde_json::to_string(&mixture).unwrap()).unwrap();
        let read: Source = file.path().to_str().unwrap().parse().unwrap();
        assert_eq!(read.mixture().unwrap().components.len(), 256);
        let json = serde_json::to_string(&read).unwrap();
        assert_eq!(serde_json::from_str::<Source>(&json).unwrap(), read);
        std::fs::write(file.path(), "{}").unwrap();
        for wrong in [file.path().to_str().unwrap(), "nowhere.json", "sun"] {
            assert!(
                wrong
                    .parse::<Source>()
                    .unwrap_err()
                    .contains("mixture.json")
            );
        }
    }
}
