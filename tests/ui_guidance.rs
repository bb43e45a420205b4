//! The chapter Guidance, driven by name on a session of plain Rust, against closed forms.

mod common;

use common::{Driven, Zeros, click, compare, find, settle, texts, window};
use egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use noise_compass::data::bounds::Bounds;
use noise_compass::data::shapes::Shape;
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::engine::{EngineChoice, GuideKind};
use noise_compass::lab::experiment::{DataSource, Experiment};
use noise_compass::lab::message::{Command, Notice, Order, Restart, Side, Slot};
use noise_compass::ui::canvas::camera::Camera;
use noise_compass::ui::chapters::Chapter;
use noise_compass::ui::desk::lab_handle::LabHandle;
use noise_compass::ui::shell::app::LabApp;

const CANVAS: &str = "Guidance canvas";

fn experiment(shape: Shape, labels: bool) -> Experiment {
    Experiment {
        data: DataSource::Shape(shape),
        labels,
        width: 32,
        depth: 1,
        ..Experiment::default()
    }
}

fn set_weight(window: &mut Harness<'_, LabApp>, weight: f64) {
    let slider = window.get_by_role_and_label(Role::Slider, "Weight");
    slider.set_value_accesskit(weight);
    settle(window);
}

fn set_time(window: &mut Harness<'_, LabApp>, tau: f64) {
    window.get_by_label("Time").set_value_accesskit(tau);
    settle(window);
}

/// The text after `name`.
fn read(window: &Harness<'_, LabApp>, name: &str) -> String {
    let found = find(window, &format!("{name} "));
    let found = found.unwrap_or_else(|| panic!("no label begins with '{name}'"));
    found[name.len()..].trim().to_owned()
}

fn number(text: &str) -> f64 {
    let first = text.split([' ', '±']).next().unwrap();
    let text = first.replace('−', "-").replace('\u{2009}', "");
    text.parse().unwrap_or_else(|_| panic!("'{text}'"))
}

fn pair(text: &str) -> [f64; 2] {
    let (x, y) = text.split_once(',').unwrap();
    [number(x), number(y.trim())]
}

/// The three estimates at the point.
fn vectors(window: &Harness<'_, LabApp>) -> [[f64; 2]; 3] {
    let told = ["even", "odd"].map(|class| format!("x̂₀ told {class}"));
    let told = told.iter().find(|name| find(window, name).is_some());
    let names = ["x̂₀ told nothing", told.unwrap(), "x̂₀ guided"];
    names.map(|name| pair(&read(window, name)))
}

/// Where the canvas lies and looks: the chapter's home is the cloud's.
fn camera(window: &Harness<'_, LabApp>) -> (Camera, egui::Rect) {
    let home = Bounds {
        min: [-3.0, -2.5],
        max: [3.0, 2.5],
    };
    let canvas = window.get_by_label(CANVAS).rect();
    (Camera::fit(home, canvas), canvas)
}

fn drag(window: &mut Harness<'_, LabApp>, from: egui::Pos2, to: egui::Pos2) {
    window.hover_at(from);
    window.run_steps(1);
    window.drag_at(from);
    window.run_steps(2);
    window.hover_at(to);
    window.run_steps(2);
    window.drop_at(to);
    settle(window);
}

/// By the exact field of two classes the estimates are those of Bayes: x̂_0 of all is the mean of the classes' by their posteriors. The
/// hand places the point, and pulls the weight by the tip of the arrow.
#[test]
fn the_hand_places_the_point_and_pulls_the_weight_and_the_vectors_are_those_of_bayes() {
    let lab = Zeros::new(experiment(Shape::EightGaussians, false));
    let mut window = window(lab.clone(), Chapter::Guidance, false);
    let (camera, canvas) = camera(&window);
    set_time(&mut window, 0.4);
    let point = [0.8_f32, 0.5];
    let at = camera.to_screen(canvas, point);
    drag(&mut window, at, at);
    let x = pair(&read(&window, "x"));
    assert!((x[0] - 0.8).abs() < 0.011 && (x[1] - 0.5).abs() < 0.011);
    let dataset = lab.snapshots().a.dataset.clone();
    let labels = dataset.labels.clone().unwrap();
    let scales = Schedule::Linear.scales(0.4, 1000);
    let at_point = point.map(f64::from);
    let shares = labels.posterior_at(&dataset.mixture, scales, at_point);
    let means = [0, 1].map(|class| {
        let of = labels.mixture_of(&dataset.mixture, class).unwrap();
        of.posterior_mean(at_point, scales)
    });
    let of_all = [0, 1].map(|axis| shares[0] * means[0][axis] + shares[1] * means[1][axis]);
    for (class, name) in [(0, "Class: even"), (1, "Class: odd")] {
        click(&mut window, name);
        settle(&mut window);
        for weight in [-1.0, 0.0, 1.0, 3.5, 10.0] {
            set_weight(&mut window, weight);
            let [all, told, guided] = vectors(&window);
            for axis in 0..2 {
                let expected = of_all[axis] + weight * (means[class][axis] - of_all[axis]);
                assert!((all[axis] - of_all[axis]).abs() < 0.02, "{all:?}");
                assert!((told[axis] - means[class][axis]).abs() < 0.02, "{told:?}");
                // The point is one of the screen: a hundredth of it counts w times.
                let bound = 0.02 * (1.0 + weight.abs());
                assert!(
                    (guided[axis] - expected).abs() < bound,
                    "w {weight}: {guided:?}, not {expected}"
                );
            }
        }
    }
    set_weight(&mut window, 2.0);
    let [all, told, guided] = vectors(&window);
    let wanted = [0, 1].map(|axis| (all[axis] + 4.0 * (told[axis] - all[axis])) as f32);
    let [from, to] = [guided.map(|c| c as f32), wanted].map(|x| camera.to_screen(canvas, x));
    drag(&mut window, from, to);
    let guided = vectors(&window)[2];
    for axis in 0..2 {
        let off = (guided[axis] - f64::from(wanted[axis])).abs();
        assert!(off < 0.05, "{guided:?}, not {wanted:?}");
    }
    assert_eq!(pair(&read(&window, "x")), x, "the point stays");
}

/// At weight 1 the samples by the exact field are those of the class, which is the tilted density; at −1 they are of neither.
#[test]
fn the_numbers_of_the_cloud_are_of_its_weight() {
    let lab = Zeros::new(experiment(Shape::EightGaussians, false));
    let mut window = window(lab, Chapter::Guidance, false);
    let names = [
        "inside the class",
        "class surprise",
        "W₂ to the class",
        "W₂ to the tilted",
    ];
    let [of_class, away] = [1.0, -1.0].map(|weight| {
        set_weight(&mut window, weight);
        names.map(|name| number(&read(&window, name)))
    });
    assert!(
        of_class[0] > 0.99 && of_class[1].abs() < 0.15,
        "{of_class:?}"
    );
    assert!(of_class[2] < 1.3 && of_class[3] < 1.3, "{of_class:?}");
    assert!(away[0] < 0.5 && away[1] > 3.0 && away[2] > 2.0, "{away:?}");
}

/// A network that has learned classes is asked twice; one whose weights are all 0 says ε̂ = 0 whatever it is told: x̂_0 = x/a thrice.
#[test]
fn a_network_is_asked_with_the_class_and_without() {
    let lab = Zeros::new(experiment(Shape::EightGaussians, true));
    let mut window = window(lab.clone(), Chapter::Guidance, false);
    click(&mut window, "Field: Learned");
    set_time(&mut window, 0.3);
    let a = Schedule::Linear.scales(0.3, 1000).a;
    let x = pair(&read(&window, "x"));
    for vector in vectors(&window) {
        for axis in 0..2 {
            assert!((vector[axis] - x[axis] / a).abs() < 0.011, "{vector:?}");
        }
    }
    let runs = lab.snapshots().a.runs.clone();
    for (slot, weight) in [
        (Slot::ToldNone, 0.0),
        (Slot::ToldClass, 1.0),
        (Slot::Guided, 3.0),
    ] {
        let led = runs[&slot].request.guidance.clone().unwrap();
        assert_eq!((led.label, led.weight), (Some(0), weight), "{slot:?}");
    }
    click(&mut window, "Class: odd");
    settle(&mut window);
    let runs = lab.snapshots().a.runs.clone();
    assert_eq!(
        runs[&Slot::Guided].request.guidance.clone().unwrap().label,
        Some(1)
    );
    // An interval of ln SNR in which the clock's level does not lie: there the weight is 1.
    click(&mut window, "Counts: Between");
    settle(&mut window);
    window
        .get_by_role_and_label(Role::Slider, "From ln SNR")
        .set_value_accesskit(3.0);
    settle(&mut window);
    assert!(find(&window, "At this t the weight does not count").is_some());
    let runs = lab.snapshots().a.runs.clone();
    let led = runs[&Slot::Guided].request.guidance.clone().unwrap();
    assert_eq!(led.log_snr, [3.0, 4.0]);
}

/// Every way to lead, of a network without labels: what is missing is asked for by name, and then it runs.
#[test]
fn every_way_to_lead_says_what_it_lacks_and_runs_by_its_name() {
    let lab = Driven::new(experiment(Shape::EightGaussians, false), EngineChoice::Cpu);
    lab.train_until(40);
    lab.send(Command::Play.into());
    for _ in 0..2000 {
        if lab.snapshots().a.step >= 40 {
            break;
        }
    }
    let mut window = common::window(lab.clone(), Chapter::Guidance, false);
    let led = |lab: &Driven| {
        let run = lab.snapshots().a.runs.get(&Slot::Guided).cloned();
        run.and_then(|run| Some((run.request.exact, run.request.guidance.as_ref()?.by.kind())))
    };
    click(&mut window, "By: p(y|x)");
    click(&mut window, "Field: Learned");
    settle(&mut window);
    assert_eq!(led(&lab), Some((false, GuideKind::Posterior)));
    click(&mut window, "By: p̂(y|x)");
    settle(&mut window);
    assert!(find(&window, "There is no classifier yet").is_some());
    assert_eq!(led(&lab), None);
    click(&mut window, "Train a classifier");
    let trained = |lab: &Driven| {
        let state = lab.snapshots().a.classifier.clone();
        state.is_some_and(|state| state.done.is_some())
    };
    for _ in 0..3000 {
        if trained(&lab) {
            break;
        }
        window.run_steps(1);
    }
    settle(&mut window);
    assert_eq!(led(&lab), Some((false, GuideKind::Classifier)));
    let right = number(&read(&window, "the best there can be"));
    let said = find(&window, "right at t / T = ").unwrap();
    let before = said.split(" ±").next().unwrap();
    let trained = number(before.rsplit(' ').next().unwrap());
    assert!((0.4..=1.0).contains(&right), "{right}");
    assert!(right - trained < 0.08, "{said}, and the best is {right}");
    let chart = "Accuracy along t: trained, dashed the best";
    assert!(texts(&window).iter().any(|text| text == chart));
    click(&mut window, "By: weak");
    settle(&mut window);
    assert!(find(&window, "There is no weak model to lead away from yet").is_some());
    lab.send(Order::TakeWeak {
        from: Side::A,
        to: Side::A,
        most_updates: None,
    });
    settle(&mut window);
    assert_eq!(led(&lab), Some((false, GuideKind::Model)));
    let said = find(&window, "Away from").unwrap_or_default();
    assert!(
        said.starts_with("Away from a model of 1 × 32 after 40 updates"),
        "{said}"
    );
    // Of one and the same model both estimates are one.
    let [from, to] = ["x̂₀ of the weak model", "x̂₀ of the model"].map(|name| read(&window, name));
    assert_eq!(from, to);
}

#[test]
fn data_without_classes_are_refused_and_a_network_without_them_learns_them_by_one_click() {
    let mut window = window(
        Zeros::of_a_gaussian(Schedule::Linear),
        Chapter::Guidance,
        false,
    );
    assert!(find(&window, "These data have no classes to lead samples to").is_some());
    drop(window);
    let lab = Driven::new(experiment(Shape::Moons, false), EngineChoice::Cpu);
    window = common::window(lab.clone(), Chapter::Guidance, false);
    assert!(find(&window, "This network has learned no classes").is_some());
    click(&mut window, "Learn the classes");
    let asked = lab.asked();
    let labelled = |order: &Order| matches!(order, Order::To(_, Command::Configure { experiment, .. }) if experiment.labels);
    assert!(asked.iter().any(labelled));
    settle(&mut window);
    assert!(find(&window, "This network has learned no classes").is_none());
    click(&mut window, "Field: Learned");
}

/// Other data, with other classes or with none, come while the chapter is open: nothing of the old ones stays.
#[test]
fn other_data_come_while_the_chapter_is_open() {
    let lab = Zeros::new(experiment(Shape::EightGaussians, true));
    let mut window = window(lab.clone(), Chapter::Guidance, true);
    click(&mut window, "Field: Learned");
    settle(&mut window);
    let last = lab
        .snapshots()
        .a
        .dataset
        .labels
        .clone()
        .unwrap()
        .names
        .pop()
        .unwrap();
    click(&mut window, &format!("Class: {last}"));
    settle(&mut window);
    let configure = |shape, labels| {
        lab.send(Order::Both(Command::Configure {
            experiment: Box::new(experiment(shape, labels)),
            restart: Restart::Keep,
        }));
    };
    configure(Shape::Moons, true);
    settle(&mut window);
    settle(&mut window);
    let runs = lab.snapshots().a.runs.clone();
    assert_eq!(
        runs[&Slot::Guided].request.guidance.clone().unwrap().label,
        Some(1)
    );
    assert!(
        texts(&window)
            .iter()
            .any(|text| text.contains("density of lower"))
    );
    configure(Shape::Gaussian, false);
    settle(&mut window);
    settle(&mut window);
    assert!(find(&window, "These data have no classes to lead samples to").is_some());
    let runs = lab.snapshots().a.runs.clone();
    assert!(!runs.contains_key(&Slot::Guided) && !runs.contains_key(&Slot::ToldClass));
    let notices = lab.snapshots().a.notices.clone();
    let mut told = notices.after(0).iter();
    let error = told.find(|told| matches!(told, Notice::Error(_)));
    assert!(error.is_none(), "{error:?}");
}

#[test]
fn the_picture_in_the_dark_theme() {
    let lab = Zeros::new(experiment(Shape::Moons, false));
    let mut window = window(lab, Chapter::Guidance, false);
    compare(&mut window, "guidance_moons_dark");
}

#[test]
fn the_picture_in_the_light_theme() {
    let lab = Zeros::new(experiment(Shape::EightGaussians, false));
    let mut window = window(lab, Chapter::Guidance, true);
    set_time(&mut window, 0.0);
    click(&mut window, "Behind: Tilted");
    settle(&mut window);
    compare(&mut window, "guidance_tilted_light");
}
