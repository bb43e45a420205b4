//! Every selectable thing is understood by its name, however that is written.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use noise_compass::data::dataset::DataSource;
use noise_compass::data::shapes::Shape;
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::diffusion::solver::{Placement, Sampler};
use noise_compass::diffusion::target::Target;
use noise_compass::diffusion::times::Times;
use noise_compass::diffusion::weighting::Weighting;
use noise_compass::engine::network::layout::Activation;
use noise_compass::engine::network::objective::ObjectiveChoice;
use noise_compass::engine::network::optimiser::Optimiser;
use noise_compass::engine::network::rate::Decay;
use noise_compass::measure::elbo::StepVariance;
use noise_compass::names::Words;
use noise_compass::transport::Coupling;
use noise_compass::ui::chapters::Chapter;

/// Ways to write a name that mean the same.
fn spellings(name: &str) -> Vec<String> {
    let mut title = name.to_uppercase();
    title.insert(1, '-');
    let mut spaced = name.to_owned();
    spaced.insert(name.len() - 1, '_');
    vec![
        name.to_owned(),
        name.to_uppercase(),
        title,
        spaced,
        format!(" {name} "),
    ]
}

fn check<T: std::str::FromStr + PartialEq + std::fmt::Debug>(
    all: impl IntoIterator<Item = T>,
    name: impl Fn(&T) -> String,
) {
    for one in all {
        for spelling in spellings(&name(&one)) {
            assert_eq!(
                spelling.parse::<T>().ok().as_ref(),
                Some(&one),
                "{spelling}"
            );
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
    check(Times::ALL, |one| one.words().name.into());
    check(Weighting::ALL, |one| one.words().name.into());
    check(Optimiser::ALL, |one| one.words().name.into());
    check(Decay::ALL, |one| one.words().name.into());
    check(ObjectiveChoice::ALL, |one| one.words().name.into());
    for text in [
        "figure-8",
        "Figure8",
        "FIGURE_8",
        "two-moons",
        "8-gaussians",
        "eight_gaussians",
        "Swiss Roll",
    ] {
        assert!(text.parse::<Shape>().is_ok(), "{text}");
    }
    assert_eq!("DDIM:0.5".parse(), Ok(Sampler::Ddim { eta: 0.5 }));
}

/// What a file says is read as what the command line says; what is written stays as it was.
#[test]
fn files_are_read_alike() {
    for shape in Shape::ALL {
        let written = serde_json::to_string(&shape).unwrap();
        for text in [
            written.clone(),
            format!("\"{}\"", shape.name()),
            format!("\"{}\"", shape.title()),
        ] {
            assert_eq!(
                serde_json::from_str::<Shape>(&text).unwrap(),
                shape,
                "{text}"
            );
        }
    }
    assert_eq!(
        serde_json::to_string(&Shape::EightGaussians).unwrap(),
        "\"eightgaussians\""
    );
    assert_eq!(
        serde_json::from_str::<Target>("\"EPS\"").unwrap(),
        Target::Eps
    );
    assert_eq!(
        serde_json::from_str::<Activation>("\"SiLU\"").unwrap(),
        Activation::Silu
    );
}

/// Every selectable thing with its words, by kind.
fn kinds() -> [(&'static str, Vec<&'static Words>); 14] {
    [
        ("Data", Shape::ALL.map(Shape::words).to_vec()),
        (
            "Schedules",
            Schedule::every().into_iter().map(Schedule::words).collect(),
        ),
        ("Targets", Target::ALL.map(Target::words).to_vec()),
        (
            "Objectives",
            ObjectiveChoice::ALL.map(ObjectiveChoice::words).to_vec(),
        ),
        ("Samplers", Sampler::ALL.map(Sampler::words).to_vec()),
        ("Placements", Placement::ALL.map(Placement::words).to_vec()),
        (
            "Activations",
            Activation::ALL.map(Activation::words).to_vec(),
        ),
        (
            "Variances of a step",
            StepVariance::ALL.map(StepVariance::words).to_vec(),
        ),
        ("Couplings", Coupling::ALL.map(Coupling::words).to_vec()),
        ("Times", Times::ALL.map(Times::words).to_vec()),
        ("Weightings", Weighting::ALL.map(Weighting::words).to_vec()),
        ("Optimisers", Optimiser::ALL.map(Optimiser::words).to_vec()),
        ("Decays", Decay::ALL.map(Decay::words).to_vec()),
        ("Chapters", Chapter::ALL.map(Chapter::words).to_vec()),
    ]
}

/// Two of a kind are never called alike, and nothing is left without a word.
#[test]
fn words_tell_things_of_a_kind_apart() {
    for (kind, mut all) in kinds() {
        all.dedup();
        let columns: [fn(&Words) -> &str; 5] = [
            |words| words.name,
            |words| words.title,
            |words| words.symbol,
            |words| words.short,
            |words| words.help,
        ];
        for column in columns {
            let distinct: BTreeSet<&str> = all.iter().map(|words| column(words)).collect();
            assert!(
                distinct.len() == all.len() && !distinct.contains(""),
                "{kind}: {distinct:?}"
            );
        }
    }
}

/// The table of the README is the one that the program reads.
#[test]
fn the_readme_lists_every_name() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(file).unwrap();
    let [begin, end] = [
        "<!-- names: UPDATE_README=1 cargo test --release --test names -->\n",
        "<!-- end of names -->",
    ];
    let mut table = "\n| kind | name | what it is |\n|---|---|---|\n".to_owned();
    for (kind, mut all) in kinds() {
        all.dedup();
        for words in all {
            writeln!(table, "| {kind} | `{}` | {} |", words.name, words.help).unwrap();
        }
    }
    let (before, rest) = readme.split_once(begin).unwrap();
    let (shown, after) = rest.split_once(end).unwrap();
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(file, format!("{before}{begin}{table}\n{end}{after}")).unwrap();
        return;
    }
    assert_eq!(
        shown.trim(),
        table.trim(),
        "UPDATE_README=1 cargo test --release --test names writes the table anew"
    );
}
