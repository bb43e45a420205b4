//! Models saved and loaded on a disk that fails.

use super::*;
use engine::network::init::initial_weights;
use maths::data::shapes::Shape;
use maths::disk::faults::{self, Fault};
use std::sync::LazyLock;

fn model(seed: u64) -> (Experiment, ModelState) {
    let experiment = Experiment {
        width: 32,
        depth: 2,
        seed,
        ..Experiment::default()
    };
    let state = ModelState {
        step: seed,
        ..ModelState::fresh(initial_weights(experiment.shape(), seed))
    };
    (experiment, state)
}

/// The data of [`model`].
static DATA: LazyLock<Dataset> = LazyLock::new(|| Dataset::of_shape(Shape::Figure8, 64, 0));

fn trained<'a>(
    experiment: &'a Experiment,
    state: &'a ModelState,
    metrics: &'a [Metric],
) -> Trained<'a> {
    Trained {
        experiment,
        dataset: &DATA,
        teacher: None,
        state,
        metrics,
    }
}

fn read(path: &Path) -> anyhow::Result<(Experiment, ModelState)> {
    load(path).map(|saved| (saved.experiment, saved.state))
}

const METRIC: Metric = Metric {
    step: 1,
    loss: 0.5,
    secs: 0.25,
};

fn save_one(directory: &Path, seed: u64) -> anyhow::Result<()> {
    let (experiment, state) = model(seed);
    save(directory, trained(&experiment, &state, &[METRIC]))
}

fn names(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_model_comes_back_as_it_was_saved_and_replaces_an_older_one() {
    let temp = tempfile::tempdir().unwrap();
    let directory = temp.path().join("deep/model");
    for seed in [1, 2] {
        let (experiment, state) = model(seed);
        let beyond = Metric { step: 3, ..METRIC };
        save(&directory, trained(&experiment, &state, &[METRIC, beyond])).unwrap();
        assert_eq!(
            read(&directory).unwrap(),
            (experiment.clone(), state.clone())
        );
        assert_eq!(read(&directory.join(MODEL)).unwrap(), (experiment, state));
        let lines = fs::read_to_string(directory.join(METRICS)).unwrap();
        assert_eq!(
            lines, "{\"step\":1,\"loss\":0.5,\"secs\":0.25}\n",
            "no loss beyond the model's step"
        );
    }
    assert_eq!(
        names(&temp.path().join("deep")),
        ["model"],
        "nothing temporary is left"
    );
    assert_eq!(names(&directory), [EXPERIMENT, METRICS, MODEL]);
}

fn of_file(rows: usize, fresh: bool) -> (tempfile::TempDir, PathBuf, Experiment, Setup) {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("rows.csv");
    // Far off, so that mean and scale need all their digits.
    let row = |[x, y]: [f32; 2]| {
        format!(
            "{},{}\n",
            40.0 * f64::from(x) + 1e6 / 3.0,
            40.0 * f64::from(y) - 0.1
        )
    };
    let text: String = Shape::Moons
        .mixture()
        .draw(rows, 1)
        .into_iter()
        .map(row)
        .collect();
    fs::write(&path, format!("x,y\n{text}")).unwrap();
    let (experiment, _) = model(1);
    let experiment = Experiment {
        data: DataSource::Csv(path.clone()),
        fresh,
        ..experiment
    };
    let setup = Setup::new(experiment.clone()).unwrap();
    (temp, path, experiment, setup)
}

/// Rows, held-out rows, truth, units and clip: all as they were, to the last bit.
#[test]
fn the_data_come_back_as_they_were_saved() {
    for (rows, fresh) in [(700, false), (100, true)] {
        let (temp, path, experiment, setup) = of_file(rows, fresh);
        let state = model(1).1;
        save(
            &temp.path().join("m"),
            Trained {
                dataset: &setup.dataset,
                ..trained(&experiment, &state, &[])
            },
        )
        .unwrap();
        fs::remove_file(path).unwrap();
        let mut back = load(&temp.path().join("m")).unwrap().setup().unwrap();
        let (was, is) = (&setup.dataset, &back.dataset);
        assert_eq!(
            (&is.points, &is.mixture, is.truth),
            (&was.points, &was.mixture, was.truth)
        );
        assert_eq!(
            (is.standardisation, is.clip_box(fresh)),
            (was.standardisation, was.clip_box(fresh))
        );
        assert_eq!(is.reference.pair(20, 1), was.reference.pair(20, 1));
        assert_eq!(
            (is.reference.most(), &*back.plan),
            (was.reference.most(), &*setup.plan)
        );
        assert!(
            back.meet_file()
                .is_some_and(|remark| remark.contains("rows.csv is no longer there"))
        );
    }
}

#[test]
fn a_file_that_was_touched_is_the_same_and_one_that_was_edited_is_not() {
    let (temp, path, experiment, setup) = of_file(300, false);
    let state = model(1).1;
    let place = temp.path().join("m");
    save(
        &place,
        Trained {
            dataset: &setup.dataset,
            ..trained(&experiment, &state, &[])
        },
    )
    .unwrap();
    let open = || load(&place).unwrap().setup().unwrap();
    fs::write(&path, fs::read(&path).unwrap()).unwrap();
    let mut back = open();
    assert_eq!(back.meet_file(), None);
    assert!(
        !back.dataset.is_outdated(),
        "opening it again reads nothing anew"
    );
    let edited = fs::read_to_string(&path).unwrap().replacen('1', "2", 1);
    for text in [edited.as_str(), "no rows"] {
        fs::write(&path, text).unwrap();
        let mut back = open();
        assert!(
            back.meet_file()
                .is_some_and(|remark| remark.contains("rows.csv has changed"))
        );
        assert!(back.dataset.is_outdated(), "opening it again reads it");
        assert_eq!(back.dataset.points, setup.dataset.points);
    }
}

/// Models of earlier versions say nothing of their data: they need the file.
#[test]
fn a_model_without_its_data_opens_by_the_file_that_it_names() {
    let (temp, path, experiment, setup) = of_file(300, false);
    let json = serde_json::to_string(&experiment).unwrap();
    let old = temp.path().join("old.safetensors");
    fs::write(
        &old,
        weights::to_bytes(experiment.shape(), &model(1).1, &json, None).unwrap(),
    )
    .unwrap();
    assert_eq!(
        load(&old).unwrap().setup().unwrap().dataset.points,
        setup.dataset.points
    );
    fs::remove_file(path).unwrap();
    let error = load(&old).unwrap().setup().unwrap_err().to_string();
    assert!(
        error.contains("rows.csv") && error.ends_with("put the file back where it was"),
        "{error}"
    );
}

#[test]
fn damaged_data_are_told() {
    let (temp, _, experiment, setup) = of_file(300, false);
    let good = own_data::of_dataset(&experiment, &setup.dataset).unwrap();
    let json = serde_json::to_string(&experiment).unwrap();
    let file = temp.path().join("model.safetensors");
    let complaint = |data: ModelData| {
        let bytes = weights::to_bytes(experiment.shape(), &model(1).1, &json, Some(&data)).unwrap();
        fs::write(&file, bytes).unwrap();
        load(&file)
            .and_then(|saved| saved.setup())
            .unwrap_err()
            .to_string()
    };
    let scale = |number: &str| {
        let mut about: serde_json::Value = serde_json::from_str(&good.about).unwrap();
        about["scale"] = number.parse::<f64>().unwrap().into();
        ModelData {
            about: about.to_string(),
            ..good.clone()
        }
    };
    for (data, word) in [
        (
            ModelData {
                about: "{}".into(),
                ..good.clone()
            },
            "missing field",
        ),
        (scale("0"), "impossible"),
        (scale("-1"), "impossible"),
        (
            ModelData {
                points: <_>::default(),
                ..good.clone()
            },
            "two different rows",
        ),
        (
            ModelData {
                points: vec![[f32::NAN; 2]; 3].into(),
                ..good.clone()
            },
            "not finite",
        ),
    ] {
        let error = complaint(data);
        assert!(
            error.contains(word) && error.contains("are damaged") && !error.contains('\n'),
            "{error}"
        );
    }
}

/// What there can be before a save: nothing, a directory without anything, a model, and a model beside what a killed
/// save left.
const BEFORE: [&str; 4] = ["missing", "empty", "model", "left-overs"];

fn prepare(directory: &Path, before: &str) {
    match before {
        "empty" => fs::create_dir(directory).unwrap(),
        "model" => save_one(directory, 1).unwrap(),
        "left-overs" => {
            save_one(directory, 1).unwrap();
            let (left, _) = faults::with(Fault::Killed, 8, || save_one(directory, 3));
            assert!(
                left.is_err() && names(directory).len() > 3,
                "{:?}",
                names(directory)
            );
        }
        _ => {}
    }
}

/// A fault at every system call of a save: there is always the old model or the new, whole, and where the save says
/// that it worked it is the new. The next save works and leaves nothing behind.
#[test]
fn no_failure_at_any_system_call_loses_a_model() {
    for fault in [Fault::Once, Fault::FromThenOn, Fault::Killed] {
        for before in BEFORE {
            let mut call = 0;
            loop {
                let temp = tempfile::tempdir().unwrap();
                let directory = temp.path().join("model");
                prepare(&directory, before);
                let had_one = directory.join(MODEL).exists();
                let (result, met) = faults::with(fault, call, || save_one(&directory, 2));
                let what = format!("{fault:?} at call {call}, before: {before}: {result:?}");
                match read(&directory) {
                    Ok((_, state)) => assert!(
                        state.step == 2 || (had_one && state.step == 1 && result.is_err()),
                        "step {}: {what}",
                        state.step
                    ),
                    Err(error) => assert!(!had_one && result.is_err(), "{error}: {what}"),
                }
                assert!(
                    names(temp.path()).iter().all(|name| name == "model"),
                    "nothing hidden beside it: {what}"
                );
                save_one(&directory, 4).unwrap();
                assert_eq!(read(&directory).unwrap().1.step, 4, "{what}");
                assert_eq!(names(&directory), [EXPERIMENT, METRICS, MODEL], "{what}");
                if !met {
                    assert!(result.is_ok(), "{what}");
                    break;
                }
                call += 1;
            }
            assert!(
                call >= 13,
                "a save has at least three files of four calls each and its directory, not {call}"
            );
        }
    }
}

/// At the end of a training a fault at any call leaves the new model somewhere, and the error says where.
#[test]
fn a_training_that_cannot_be_saved_is_kept_elsewhere() {
    let mut call = 0;
    loop {
        let temp = tempfile::tempdir().unwrap();
        let directory = temp.path().join("model");
        save_one(&directory, 1).unwrap();
        let (experiment, state) = model(2);
        let save =
            || ModelDir::new(&directory, false).save_or_keep(trained(&experiment, &state, &[]));
        let (result, met) = faults::with(Fault::Once, call, save);
        if let Err(error) = result {
            let text = error.to_string();
            let (_, kept) = text
                .split_once("the model is kept in ")
                .unwrap_or_else(|| panic!("{text}"));
            assert_eq!(directory_of(Path::new(kept)), temp.path());
            assert_eq!(read(Path::new(kept)).unwrap(), (experiment, state));
        }
        if !met {
            break;
        }
        call += 1;
    }
    assert!(call >= 13);
    // Where neither the directory nor its neighbourhood will do, the system's temporary directory does.
    let file = tempfile::NamedTempFile::new().unwrap();
    let (experiment, state) = model(2);
    let error = ModelDir::new(file.path().join("model"), false)
        .save_or_keep(trained(&experiment, &state, &[]))
        .unwrap_err();
    let text = error.to_string();
    let kept = Path::new(text.rsplit(' ').next().unwrap());
    assert_eq!(directory_of(kept), std::env::temp_dir());
    assert_eq!(read(kept).unwrap(), (experiment, state));
    fs::remove_dir_all(kept).unwrap();
}

#[test]
fn a_model_that_is_not_finite_is_not_saved() {
    let temp = tempfile::tempdir().unwrap();
    save_one(temp.path(), 1).unwrap();
    let vectors: [fn(&mut ModelState) -> &mut Vec<f32>; 4] = [
        |s| &mut s.weights,
        |s| &mut s.ema,
        |s| &mut s.adam_m,
        |s| &mut s.adam_v,
    ];
    for vector in vectors {
        let (experiment, mut state) = model(2);
        *vector(&mut state).last_mut().unwrap() = f32::INFINITY;
        let error = ModelDir::new(temp.path(), true)
            .save_or_keep(trained(&experiment, &state, &[]))
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("step 2") && error.contains("not finite") && !error.contains("kept"),
            "{error}"
        );
    }
    assert_eq!(read(temp.path()).unwrap().1.step, 1);
}

#[test]
fn somebody_elses_files_are_never_replaced() {
    // A safetensors file of another program, and other people's files under the names of ours.
    let header = br#"{"conv.weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    let foreign = [&(header.len() as u64).to_le_bytes(), &header[..], &[0; 4]].concat();
    for (name, theirs) in [
        ("thesis.tex", &b"years of work"[..]),
        (MODEL, &foreign),
        (EXPERIMENT, b"{\"my\": \"notes\"}"),
        (METRICS, b"{\"accuracy\": 0.99}\n"),
        (".model.safetensors", b"hidden"),
    ] {
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join(name), theirs).unwrap();
        let checked = ModelDir::new(temp.path(), false)
            .check()
            .unwrap_err()
            .to_string();
        let error = save_one(temp.path(), 1).unwrap_err().to_string();
        assert_eq!(checked, error, "what is refused is refused before the work");
        assert!(
            error.contains(name) && error.contains("--force") && !error.contains('\n'),
            "{error}"
        );
        assert_eq!(fs::read(temp.path().join(name)).unwrap(), theirs);
        assert_eq!(names(temp.path()), [name]);
        let (experiment, state) = model(1);
        ModelDir::new(temp.path(), true)
            .save(trained(&experiment, &state, &[]))
            .unwrap();
        assert_eq!(read(temp.path()).unwrap(), (experiment, state));
        if !FILES.iter().any(|(ours, _)| *ours == name) {
            assert_eq!(
                fs::read(temp.path().join(name)).unwrap(),
                theirs,
                "it stays beside the model"
            );
        }
    }
}

#[test]
fn our_own_parts_of_a_model_are_replaced() {
    for name in [EXPERIMENT, METRICS] {
        let temp = tempfile::tempdir().unwrap();
        let (experiment, state) = model(1);
        // Seconds that a parser which rounds twice would not give back.
        let secs = [0.1 + 0.2, 1.0 / 3.0, 123.456_789_012_345_67, 5e-324];
        let metrics = secs.map(|secs| Metric {
            secs,
            loss: 1.0 / 3.0,
            ..METRIC
        });
        save(temp.path(), trained(&experiment, &state, &metrics)).unwrap();
        for other in FILES.iter().filter(|(other, _)| *other != name) {
            fs::remove_file(temp.path().join(other.0)).unwrap();
        }
        save_one(temp.path(), 2).unwrap_or_else(|error| panic!("{name} alone: {error}"));
    }
    let temp = tempfile::tempdir().unwrap();
    for (name, _) in FILES {
        fs::write(temp.path().join(name), "").unwrap();
    }
    save_one(temp.path(), 1).unwrap();
}

#[test]
fn a_directory_under_a_file_cannot_be_written() {
    let temp = tempfile::tempdir().unwrap();
    fs::write(temp.path().join("file"), "").unwrap();
    for place in ["file", "file/model", "file/deep/model"] {
        let error = ModelDir::new(temp.path().join(place), false)
            .check()
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("cannot write ") && error.ends_with("; choose another --out"),
            "{error}"
        );
    }
}
