//! Every selectable thing is understood by its name, however that is written.

use noise_compass::data::dataset::DataSource;
use noise_compass::data::shapes::Shape;
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::diffusion::solver::Sampler;
use noise_compass::diffusion::target::Target;
use noise_compass::engine::network::layout::Activation;

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
    check(Schedule::ALL, ToString::to_string);
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
