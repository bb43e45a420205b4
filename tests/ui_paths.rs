//! The chapters of recorded runs, reverse and trajectories: a session on the window's own device answers them, controls
//! are driven by their accessible names, and what is drawn is held against closed forms.

mod common;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use egui::accesskit::Role;
use egui::{Modifiers, Pos2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use common::{CONTEXT, compare, texts, window};
use noise_compass::data::shapes::Shape;
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::diffusion::solver::{Effort, Placement, Sampler};
use noise_compass::engine::gpu::GpuEngine;
use noise_compass::engine::{EngineError, Start};
use noise_compass::lab::experiment::{DataSource, Experiment};
use noise_compass::lab::message::{
    Command, Order, RunProgress, RunRequest, RunResult, RunState, Side, Slot, Snapshot, Snapshots,
    Status,
};
use noise_compass::lab::session::{EngineFactory, Session};
use noise_compass::lab::setup::Setup;
use noise_compass::measure::trajectories::{
    blockwise_sliced, crossings, rms_distance, sliced_floor,
};
use noise_compass::ui::canvas::camera::Camera;
use noise_compass::ui::canvas::motion::origin_color;
use noise_compass::ui::chapters::Chapter;
use noise_compass::ui::desk::lab_handle::LabHandle;
use noise_compass::ui::shell::app::LabApp;
use noise_compass::ui::theme;

/// A session on the window's device that does at once what it is asked for, and remembers which runs that were.
struct Answering {
    session: RefCell<Session>,
    /// Answers nothing: runs stay under way.
    busy: bool,
    asked: RefCell<Vec<Command>>,
}

#[derive(Clone)]
struct Probe(Rc<Answering>);

impl Probe {
    fn new(experiment: Experiment, busy: bool) -> Self {
        let factory: EngineFactory =
            Arc::new(|_| Err(EngineError::Invalid("one engine is enough".into())));
        let engine = Box::new(GpuEngine::new(CONTEXT.clone()).unwrap());
        let session = Session::new(Setup::new(experiment).unwrap(), engine, factory).unwrap();
        Self(Rc::new(Answering {
            session: RefCell::new(session),
            busy,
            asked: RefCell::default(),
        }))
    }

    /// Runs asked for since the last call.
    fn asked(&self) -> Vec<(Slot, Arc<RunRequest>)> {
        let asked = std::mem::take(&mut *self.0.asked.borrow_mut());
        asked
            .into_iter()
            .filter_map(|c| {
                if let Command::Run(slot, run) = c {
                    Some((slot, run))
                } else {
                    None
                }
            })
            .collect()
    }

    fn stopped(&self) -> Vec<Slot> {
        let asked = std::mem::take(&mut *self.0.asked.borrow_mut());
        asked
            .into_iter()
            .filter_map(|c| {
                if let Command::StopRun(slot) = c {
                    Some(slot)
                } else {
                    None
                }
            })
            .collect()
    }

    fn result(&self, slot: Slot) -> Arc<RunResult> {
        self.snapshots().a.runs[&slot].done.clone().unwrap()
    }
}

impl LabHandle for Probe {
    fn send(&self, order: Order) {
        let Some(command) = order.command_for(Side::A) else {
            return;
        };
        self.0.asked.borrow_mut().push(command.clone());
        self.0.session.borrow_mut().handle(command);
    }

    fn snapshots(&self) -> Snapshots {
        let mut session = self.0.session.borrow_mut();
        if self.0.busy {
            let mut snapshot = session.snapshot();
            let under_way = |state: &RunState| {
                let progress = RunProgress::default();
                progress.set(0.4);
                RunState {
                    progress: Some(progress),
                    ..state.clone()
                }
            };
            snapshot.runs = Arc::new(
                snapshot
                    .runs
                    .iter()
                    .map(|(slot, state)| (*slot, under_way(state)))
                    .collect(),
            );
            return Snapshots::one(Arc::new(snapshot));
        }
        while !session.tick(Duration::from_millis(50)).idle {}
        Snapshots::one(Arc::new(session.snapshot()))
    }
}

fn experiment(shape: Shape, schedule: Schedule) -> Experiment {
    Experiment {
        data: DataSource::Shape(shape),
        schedule,
        width: 32,
        depth: 1,
        points: 256,
        sampler: Sampler::Ddim { eta: 0.0 },
        sampler_steps: 50,
        ..Experiment::default()
    }
}

fn click(harness: &mut Harness<'_, LabApp>, name: &str) {
    harness.get_by_label(name).click();
    harness.run_steps(2);
}

fn slide(harness: &mut Harness<'_, LabApp>, name: &str, value: f64) {
    harness
        .get_by_role_and_label(Role::Slider, name)
        .set_value_accesskit(value);
    harness.run_steps(2);
}

fn click_canvas(harness: &mut Harness<'_, LabApp>, at: Pos2, modifiers: Modifiers) {
    harness.hover_at(at);
    harness.run_steps(1);
    for pressed in [true, false] {
        let button = egui::PointerButton::Primary;
        harness.event_modifiers(
            egui::Event::PointerButton {
                pos: at,
                button,
                pressed,
                modifiers,
            },
            modifiers,
        );
        harness.run_steps(1);
    }
    harness.run_steps(2);
}

#[test]
fn every_position_of_the_slider_is_a_frame_of_one_recorded_run() {
    let lab = Probe::new(experiment(Shape::EightGaussians, Schedule::Linear), false);
    let mut window = window(lab.clone(), Chapter::Reverse, false);
    let asked = lab.asked();
    let [(slot, request)] = &asked[..] else {
        panic!("one run, not {asked:?}")
    };
    assert_eq!(
        (*slot, request.exact, request.every),
        (Slot::Reverse, true, 1),
        "an untrained network shows nothing"
    );
    // Half denoised: neither end.
    window.get_by_label("t / T of the frame 0.120");
    window.get_by_label("step on show 44 of 50");
    for (step, tau) in [(0.0, 1.0), (30.0, 0.4), (50.0, 0.0), (10.0, 0.8)] {
        slide(&mut window, "Step", step);
        assert!(
            (window.state().desk.here.clock.tau - tau).abs() < 1e-9,
            "{}",
            window.state().desk.here.clock.tau
        );
        window.get_by_label(&format!("t / T of the frame {tau:.3}"));
    }
    window.get_by_label("Time").set_value_accesskit(0.333);
    window.run_steps(2);
    window.get_by_label("step on show 33 of 50");
    assert!(lab.asked().is_empty(), "scrubbing computes nothing");
    // The exact chain ends on the eight modes: 99.9 % lie within four standard deviations of one.
    let result = lab.result(Slot::Reverse);
    let points = result.recording.points.to_host().unwrap();
    let mixture = Shape::EightGaussians.mixture();
    let end = &points[points.len() - 2000..];
    let near = |p: &&[f32; 2]| {
        mixture
            .components
            .iter()
            .any(|c| (p[0] - c.mean[0]).hypot(p[1] - c.mean[1]) < 4.0 * c.sigma)
    };
    assert!(end.iter().filter(near).count() >= 1990);
}

/// Beside the learned chain and the exact one stands that of particles whose x_0 are known: it ends on draws of the data, of the data that
/// are there by then.
#[test]
fn the_chain_with_the_true_x_0_given_ends_on_the_data() {
    let lab = Probe::new(experiment(Shape::EightGaussians, Schedule::Linear), false);
    let mut window = window(lab.clone(), Chapter::Reverse, false);
    click(&mut window, "Field: True x₀");
    window.get_by_label("by x_0, given");
    let ends = |lab: &Probe| {
        let result = lab.result(Slot::Reverse);
        let points = result.recording.points.to_host().unwrap();
        (
            points[points.len() - 2000..].to_vec(),
            result.request.given.clone().unwrap(),
        )
    };
    let (end, clean) = ends(&lab);
    let away = |a: &[f32; 2], b: &[f32; 2]| (a[0] - b[0]).hypot(a[1] - b[1]);
    assert!(end.iter().zip(clean.iter()).all(|(a, b)| away(a, b) < 1e-5));
    assert_eq!(*clean, Shape::EightGaussians.mixture().draw(2000, 0));
    lab.send(Order::To(
        Side::A,
        Command::Configure {
            experiment: Box::new(experiment(Shape::Moons, Schedule::Linear)),
            restart: noise_compass::lab::message::Restart::Keep,
        },
    ));
    window.run_steps(4);
    let (_, clean) = ends(&lab);
    assert_eq!(*clean, Shape::Moons.mixture().draw(2000, 0));
}

/// Drawn straight from the recording's buffer: a lonely particle of each frame is seen where the recording has it, in the
/// colour of the place that it began at.
#[test]
fn the_frame_on_show_is_drawn_where_the_recording_has_it_in_the_colour_of_its_origin() {
    let lab = Probe::new(experiment(Shape::EightGaussians, Schedule::Linear), false);
    let mut window = window(lab.clone(), Chapter::Reverse, true);
    slide(&mut window, "Particles", 500.0);
    let result = lab.result(Slot::Reverse);
    assert_eq!(result.recording.particles, 500);
    let points = result.recording.points.to_host().unwrap();
    let palette = theme::palette(true, Side::A);
    let mut seen = 0;
    for step in [0_usize, 35, 42] {
        slide(&mut window, "Step", step as f64);
        let canvas = window.get_by_label("Reverse canvas").rect();
        let bounds = noise_compass::data::bounds::Bounds {
            min: [-3.0, -2.5],
            max: [3.0, 2.5],
        };
        let camera = Camera::fit(bounds, canvas);
        let at: Vec<Pos2> = points[500 * step..500 * (step + 1)]
            .iter()
            .map(|&p| camera.to_screen(canvas, p))
            .collect();
        let alone = |i: &usize| {
            let inside = canvas.shrink2(egui::vec2(20.0, 60.0)).contains(at[*i]);
            inside && (0..500).all(|j| j == *i || at[j].distance(at[*i]) > 9.0)
        };
        let image = window.render().unwrap();
        for i in (0..500).filter(alone).take(12) {
            // The alpha of a disc's middle is 0.9, of few particles; behind it is the canvas.
            let color = origin_color(points[i], palette.ink);
            // Discs are smaller than a pixel's neighbourhood: the nearest of nine pixels counts.
            let difference = |dx: i32, dy: i32| {
                let pixel = image
                    .get_pixel((at[i].x as i32 + dx) as u32, (at[i].y as i32 + dy) as u32)
                    .0;
                (0..3)
                    .map(|c| (i32::from(pixel[c]) - i32::from(color[c])).abs())
                    .max()
                    .unwrap()
            };
            let best = (-1..=1)
                .flat_map(|dx| (-1..=1).map(move |dy| (dx, dy)))
                .map(|(dx, dy)| difference(dx, dy))
                .min();
            assert!(
                best.unwrap() < 45,
                "step {step}, particle {i}: off by {best:?} from {color:?}"
            );
            seen += 1;
        }
    }
    assert!(seen > 15, "only {seen} lonely particles");
}

#[test]
fn the_controls_of_the_reverse_chapter_ask_for_what_they_say() {
    let lab = Probe::new(experiment(Shape::EightGaussians, Schedule::Linear), true);
    let mut window = window(lab.clone(), Chapter::Reverse, false);
    let ask = |window: &mut Harness<'_, LabApp>, name: &str| {
        lab.asked();
        click(window, name);
        lab.asked()
            .pop()
            .unwrap_or_else(|| panic!("{name} asks for a run"))
            .1
    };
    let learned = ask(&mut window, "Field: Learned");
    assert!(!learned.exact && learned.follow && learned.plan.clip.is_some());
    assert!(!ask(&mut window, "Follow training: Off").follow);
    click(&mut window, "Sampler: DDIM, no noise");
    let heun = ask(&mut window, "ODE by Heun");
    assert!(heun.plan.steps.iter().all(|stage| !stage.is_noisy()) && heun.plan.steps.len() == 99);
    lab.asked();
    slide(&mut window, "Steps", 1000.0);
    let long = lab.asked().pop().unwrap().1;
    assert_eq!(
        (long.every, long.plan.recorded_stages(long.every).len()),
        (10, 100)
    );
    slide(&mut window, "Particles", 100_000.0);
    let large = lab.asked().pop().unwrap().1;
    assert!(matches!(large.start, Start::Noise(100_000)));
    let frames = large.plan.recorded_stages(large.every).len() + 1;
    assert!(
        8 * 100_000 * frames < 128 << 20,
        "the recording must fit into the smallest adapter's buffer"
    );
    // Under way: a bar, and a button that stops.
    window.get_by_label("Progress of the run");
    click(&mut window, "Stop");
    assert_eq!(lab.stopped(), [Slot::Reverse]);
    click(&mut window, "Run");
    assert_eq!(lab.asked().len(), 1);
    // The clock runs backwards here, and forwards elsewhere again; nothing runs unseen.
    slide(&mut window, "Speed", 2.0);
    assert!((window.state().desk.here.clock.speed + 2.0).abs() < 1e-9);
    window.get_by_role_and_label(Role::Tab, "Forward").click();
    window.run_steps(2);
    assert_eq!(lab.stopped(), [Slot::Reverse]);
    assert!((window.state().desk.here.clock.speed - 1.0).abs() < 1e-9);
}

#[test]
fn the_chain_lands_anew_from_the_same_noise_as_the_network_learns() {
    let lab = Probe::new(experiment(Shape::EightGaussians, Schedule::Linear), false);
    let mut window = window(lab.clone(), Chapter::Reverse, false);
    click(&mut window, "Field: Learned");
    slide(&mut window, "Particles", 500.0);
    let frames = |lab: &Probe| {
        lab.result(Slot::Reverse)
            .recording
            .points
            .to_host()
            .unwrap()
    };
    let before = (lab.result(Slot::Reverse).step, frames(&lab));
    window.get_by_label("by step 0");
    lab.0.session.borrow_mut().train_until(150);
    lab.send(Command::Play.into());
    window.run_steps(3);
    let after = (lab.result(Slot::Reverse).step, frames(&lab));
    assert_eq!((before.0, after.0), (0, 150));
    assert_eq!(before.1[..500], after.1[..500], "the same noise");
    assert_ne!(
        before.1[before.1.len() - 500..],
        after.1[after.1.len() - 500..],
        "landing elsewhere"
    );
    window.get_by_label("by step 150");
}

/// On the line of symmetry of the eight Gaussians the exact ODE has one dimension: neighbours keep their order in every
/// recorded frame, by each method; the SDE's do not.
#[test]
fn ode_paths_keep_their_order_in_one_dimension_and_sde_paths_do_not() {
    let lab = Probe::new(experiment(Shape::EightGaussians, Schedule::Linear), false);
    let mut window = window(lab.clone(), Chapter::Trajectories, false);
    for coordinate in [0, 1] {
        click(&mut window, ["Coordinate: x", "Coordinate: y"][coordinate]);
        for slot in [Slot::PathsByEuler, Slot::PathsByHeun, Slot::PathsByRk4] {
            let result = lab.result(slot);
            let paths = result.host.clone().unwrap();
            assert!(result.request.exact && result.recording.particles == 24);
            for frame in paths.chunks_exact(24) {
                assert!(
                    frame
                        .windows(2)
                        .all(|pair| pair[0][coordinate] < pair[1][coordinate]),
                    "{slot:?}: {frame:?}"
                );
                assert!(
                    frame.iter().all(|p| p[1 - coordinate].abs() < 1e-2),
                    "{slot:?} leaves the line: {frame:?}"
                );
            }
        }
        let sde = lab.result(Slot::PathsByNoise).host.clone().unwrap();
        let count = crossings(&sde, 24, coordinate);
        assert!(count > 100, "{count}");
        window.get_by_label("ODE crossings (51) 0");
        let shown = noise_compass::ui::widgets::number::grouped(count as f64);
        window.get_by_label(&format!("SDE crossings (101) {shown}"));
    }
}

/// The probability-flow ODE of N(m, σ² I) is known: (x − a m)/√(a²σ² + s²) is constant along a schedule. Here m = 0, σ = 1.
#[test]
fn the_drawn_ode_path_of_a_gaussian_is_the_known_one() {
    for schedule in [Schedule::Flow, Schedule::Ve] {
        let lab = Probe::new(experiment(Shape::Gaussian, schedule), false);
        let mut window = window(lab.clone(), Chapter::Trajectories, false);
        click(&mut window, "Starts: Noise");
        for (slot, tolerance) in [(Slot::PathsByHeun, 0.02), (Slot::PathsByRk4, 0.004)] {
            let result = lab.result(slot);
            let (paths, taus) = (result.host.clone().unwrap(), &result.recording.taus);
            let spread = |tau: f64| {
                let scales = schedule.scales(tau, 1000);
                scales.a.hypot(scales.s)
            };
            assert!(
                (spread(1.0) / spread(0.0) - 1.0).abs() > 0.5 || schedule == Schedule::Flow,
                "nothing would move"
            );
            for (frame, &tau) in paths.chunks_exact(24).zip(taus) {
                for (x, start) in frame.iter().zip(&paths[..24]) {
                    for axis in 0..2 {
                        let known = f64::from(start[axis]) * spread(tau) / spread(1.0);
                        let error = (f64::from(x[axis]) - known).abs();
                        assert!(
                            error < tolerance * spread(tau),
                            "{slot:?} {schedule:?} at {tau}: {x:?}, not {known}"
                        );
                    }
                }
            }
        }
    }
}

/// The number that follows a label's name.
fn number_after(window: &Harness<'_, LabApp>, name: &str) -> f64 {
    let label = window
        .get_all_by_role(Role::Label)
        .filter_map(|node| node.accesskit_node().value())
        .find(|label| label.starts_with(name))
        .unwrap_or_else(|| panic!("{name} is not on show"));
    label[name.len()..]
        .trim()
        .replace('\u{2009}', "")
        .replace('−', "-")
        .parse()
        .unwrap_or_else(|_| panic!("{label}"))
}

/// The marginals agree: ODE and SDE end in clouds that are no farther apart than honest draws, on average over seeds.
#[test]
fn ode_and_sde_end_in_the_same_distribution_and_the_methods_in_their_order() {
    let lab = Probe::new(experiment(Shape::EightGaussians, Schedule::Linear), false);
    let mut window = window(lab.clone(), Chapter::Trajectories, false);
    let mixture = Shape::EightGaussians.mixture();
    let floor = (0..4)
        .map(|seed| sliced_floor(&mixture, 256, 24, seed).unwrap())
        .sum::<f64>()
        / 4.0;
    let mut distances = Vec::new();
    for _ in 0..4 {
        click(&mut window, "Simulate");
        let ends = [Slot::EndsByOde, Slot::EndsByNoise].map(|slot| {
            let host = lab.result(slot).host.clone().unwrap();
            host[host.len() - 2048..].to_vec()
        });
        let distance = blockwise_sliced(&ends[0], &ends[1], 8).unwrap();
        window.get_by_label(&format!("SDE to ODE {distance:.4}"));
        distances.push(distance);
    }
    let mean = distances.iter().sum::<f64>() / distances.len() as f64;
    println!("distances {distances:?}, floor {floor}");
    assert!(mean < 1.3 * floor, "{mean} and a floor of {floor}");
    assert!(number_after(&window, "distance / floor") > 0.0);

    click(&mut window, "Starts: Noise");
    slide(&mut window, "ODE steps", 12.0);
    let errors = [
        ("Euler (12)", Slot::PathsByEuler),
        ("Heun (23)", Slot::PathsByHeun),
        ("RK4 (45)", Slot::PathsByRk4),
    ]
    .map(|(name, slot)| {
        let [run, exact] =
            [slot, Slot::ExactPaths].map(|slot| lab.result(slot).host.clone().unwrap());
        let known = rms_distance(&run[run.len() - 24..], &exact[exact.len() - 24..]).unwrap();
        let shown = number_after(&window, name);
        assert!(
            (shown / known - 1.0).abs() < 0.1,
            "{name}: {shown} is shown for {known}"
        );
        known
    });
    assert!(errors[2] < errors[1] && errors[1] < errors[0], "{errors:?}");
    slide(&mut window, "ODE steps", 200.0);
    assert!(number_after(&window, "Euler (200)") < 0.3 * errors[0]);
}

#[test]
fn a_click_places_a_start_and_with_shift_a_bundle_that_branches() {
    let lab = Probe::new(experiment(Shape::EightGaussians, Schedule::Linear), false);
    let mut window = window(lab.clone(), Chapter::Trajectories, false);
    click(&mut window, "View: Plane");
    let canvas = window.get_by_label("Trajectories canvas").rect();
    let home = noise_compass::data::bounds::Bounds {
        min: [-3.36, -2.8],
        max: [3.36, 2.8],
    };
    let camera = Camera::fit(home, canvas);
    let places = [[0.5, 1.0], [-1.2, 0.3]];
    for place in places {
        click_canvas(
            &mut window,
            camera.to_screen(canvas, place),
            Modifiers::NONE,
        );
    }
    let ode = lab.result(Slot::PathsByHeun);
    assert_eq!(ode.recording.particles, 2);
    let close = |a: [f32; 2], b: [f32; 2]| (a[0] - b[0]).hypot(a[1] - b[1]) < 0.02;
    let paths = ode.host.clone().unwrap();
    assert!(
        close(paths[0], places[0]) && close(paths[1], places[1]),
        "{:?}",
        &paths[..2]
    );

    click_canvas(
        &mut window,
        camera.to_screen(canvas, [0.2, -0.4]),
        Modifiers::SHIFT,
    );
    let (ode, sde) = (
        lab.result(Slot::PathsByHeun),
        lab.result(Slot::PathsByNoise),
    );
    assert_eq!((ode.recording.particles, sde.recording.particles), (1, 50));
    let paths = sde.host.clone().unwrap();
    assert!(paths[..50].iter().all(|&p| p == paths[0]) && close(paths[0], [0.2, -0.4]));
    // They branch: the ends lie on more than half of the eight modes.
    let mixture = Shape::EightGaussians.mixture();
    let ends = &paths[paths.len() - 50..];
    let reached = |c: &&noise_compass::data::mixture::Component| {
        ends.iter()
            .any(|&p| (p[0] - c.mean[0]).hypot(p[1] - c.mean[1]) < 0.4)
    };
    assert!(mixture.components.iter().filter(reached).count() >= 5);

    // In the space-time view a click gives the coordinate; the other is 0.
    click(&mut window, "View: Time");
    let canvas = window.get_by_label("Trajectories canvas").rect();
    let home = noise_compass::data::bounds::Bounds {
        min: [-4.32, -2.8],
        max: [4.32, 2.8],
    };
    let at = Camera::fit(home, canvas).to_screen(canvas, [-2.0, 1.5]);
    click_canvas(&mut window, at, Modifiers::NONE);
    assert!(close(
        lab.result(Slot::PathsByHeun).host.clone().unwrap()[0],
        [1.5, 0.0]
    ));
}

#[test]
fn the_dial_between_ode_and_sde_is_the_samplers_eta() {
    let lab = Probe::new(experiment(Shape::EightGaussians, Schedule::Linear), true);
    let mut window = window(lab.clone(), Chapter::Trajectories, false);
    let all = lab.asked();
    assert_eq!(
        all.len(),
        10,
        "SDE, five methods, the exact flow and its landing, two clouds"
    );
    assert!(all.iter().all(|(_, run)| run.read_back));
    slide(&mut window, "SDE noise η", 0.5);
    let asked = lab.asked();
    let slots: Vec<_> = asked.iter().map(|(slot, _)| *slot).collect();
    assert_eq!(
        slots,
        [Slot::PathsByNoise, Slot::EndsByNoise],
        "nothing else depends on it"
    );
    let context = Experiment::default().plan_context();
    assert_eq!(
        asked[0].1.plan,
        Sampler::Ddim { eta: 0.5 }.plan(100, context, None)
    );
    slide(&mut window, "SDE noise η", 0.0);
    assert!(
        lab.asked()[0]
            .1
            .plan
            .steps
            .iter()
            .all(|stage| !stage.is_noisy())
    );
    click(&mut window, "ODE by: RK4");
    let asked = lab.asked();
    assert_eq!(
        asked.iter().map(|(slot, _)| *slot).collect::<Vec<_>>(),
        [Slot::EndsByOde],
        "paths are there already"
    );
    window.get_by_label("Progress of the runs");
    window.get_by_role_and_label(Role::Tab, "Training").click();
    window.run_steps(2);
    assert_eq!(lab.stopped().len(), 10, "nothing runs unseen");
}

/// The steps that paths choose: as many as the tolerance wants, each end marked where the recording has it, and the read-out says the
/// evaluations that there were.
#[test]
fn the_steps_that_a_path_chooses_are_counted_and_marked() {
    let lab = Probe::new(experiment(Shape::EightGaussians, Schedule::Linear), false);
    let mut window = window(lab.clone(), Chapter::Trajectories, true);
    for (name, slot, slopes) in [
        ("ODE by: DP5(4)", Slot::PathsByDormandPrince, 6),
        ("ODE by: BS3(2)", Slot::PathsByBogackiShampine, 3),
    ] {
        click(&mut window, name);
        let mut before = 0.0;
        for tolerance in [1e-2, 1e-4] {
            slide(&mut window, "Tolerance", tolerance);
            let result = lab.result(slot);
            let steps = result.recording.own_steps.clone().unwrap();
            let mean = |of: fn(&Effort) -> u32| {
                let sum: u32 = steps.efforts.iter().map(of).sum();
                f64::from(sum) / steps.efforts.len() as f64
            };
            let (taken, again) = (mean(|e| e.accepted), mean(|e| e.rejected));
            assert!(
                taken > before,
                "{name} at {tolerance}: {taken}, not above {before}"
            );
            before = taken;
            let shown = texts(&window);
            let says = |text: String| shown.contains(&text);
            assert!(says(format!("{taken:.1} steps a path")), "{shown:?}");
            assert!(
                says(format!("{again:.1} tried again, shorter")),
                "{shown:?}"
            );
            // The first slope, those of every step, the landing.
            let asked = (2.0 + f64::from(slopes) * (taken + again)).round();
            let symbol = &name["ODE by: ".len()..];
            assert!(
                says(format!("{symbol} ({asked})")),
                "{symbol} {asked}: {shown:?}"
            );
            // On the canvas a disc lies in the ink's colour on the end of each step, but where others lie upon it.
            let canvas = window.get_by_label("Trajectories canvas").rect();
            let home = noise_compass::data::bounds::Bounds {
                min: [-4.32, -2.8],
                max: [4.32, 2.8],
            };
            let camera = Camera::fit(home, canvas);
            let image = window.render().unwrap();
            let ink = theme::palette(true, Side::A).ink;
            let marked = steps.marks.iter().flatten().filter(|mark| mark.accepted);
            let (mut seen, mut all) = (0, 0);
            for mark in marked {
                let across = 8.0 * (0.5 - mark.tau as f32);
                let at = camera.to_screen(canvas, [across, mark.x[0] as f32]);
                if !canvas.shrink2(egui::vec2(20.0, 60.0)).contains(at) {
                    continue;
                }
                let pixel = image.get_pixel(at.x as u32, at.y as u32).0;
                let off = (0..3).map(|c| pixel[c].abs_diff(ink[c])).max().unwrap();
                all += 1;
                seen += u32::from(off < 40);
            }
            assert!(all > 60 && seen > all * 8 / 10, "{name}: {seen} of {all}");
        }
    }
}

/// SDE and ODE can be given the same times, so that they differ in nothing but their noise; so can the sampler of Reverse.
#[test]
fn where_steps_lie_is_chosen_for_every_sampler_alike() {
    let lab = Probe::new(experiment(Shape::EightGaussians, Schedule::Linear), false);
    let mut window = window(lab.clone(), Chapter::Trajectories, false);
    lab.asked();
    let context = Experiment::default().plan_context();
    click(&mut window, "Placement: Each its own");
    click(&mut window, "Even in log SNR");
    let asked = lab.asked();
    let plan_of = |slot: Slot| {
        let of = asked.iter().find(|(of, _)| *of == slot);
        of.unwrap_or_else(|| panic!("{slot:?}")).1.plan.clone()
    };
    let placed = |sampler: Sampler, steps| {
        sampler.plan_placed(Some(Placement::LogSnr), steps, context, None)
    };
    assert_eq!(
        plan_of(Slot::PathsByNoise),
        placed(Sampler::Ddim { eta: 1.0 }, 100)
    );
    assert_eq!(plan_of(Slot::PathsByHeun), placed(Sampler::Heun, 50));
    assert_eq!(plan_of(Slot::PathsByRk4), placed(Sampler::Rk4, 50));
    window.get_by_role_and_label(Role::Tab, "Reverse").click();
    window.run_steps(3);
    click(&mut window, "Placement: Even in t");
    click(&mut window, "Karras, ρ = 7");
    let asked = lab.asked();
    let (_, request) = asked
        .iter()
        .rfind(|(slot, _)| *slot == Slot::Reverse)
        .unwrap();
    let ddim = Sampler::Ddim { eta: 0.0 };
    let karras = ddim.plan_placed(Some(Placement::Karras), 50, context, None);
    assert_eq!(request.plan, karras);
    click(&mut window, "Placement: Karras, ρ = 7");
    click(&mut window, "Even in t (its own)");
    let asked = lab.asked();
    let (_, request) = asked
        .iter()
        .rfind(|(slot, _)| *slot == Slot::Reverse)
        .unwrap();
    assert_eq!(request.plan, ddim.plan(50, context, None));
}

#[test]
fn the_three_dimensional_view_is_turned_by_dragging() {
    let lab = Probe::new(experiment(Shape::EightGaussians, Schedule::Linear), false);
    let mut window = window(lab.clone(), Chapter::Trajectories, false);
    click(&mut window, "View: 3-D");
    let before = window.render().unwrap();
    let middle = window.get_by_label("Trajectories canvas").rect().center();
    window.drag_at(middle);
    window.run_steps(1);
    window.hover_at(middle + egui::vec2(80.0, 30.0));
    window.run_steps(1);
    window.drop_at(middle + egui::vec2(80.0, 30.0));
    window.run_steps(2);
    assert!(
        window.state().desk.here.cameras.is_empty(),
        "the camera stays"
    );
    let turn = window
        .get_by_role_and_label(Role::Slider, "Turn")
        .accesskit_node()
        .numeric_value()
        .unwrap();
    assert!((turn - (25.0 - 32.0)).abs() < 3.0, "{turn}");
    assert!(window.render().unwrap() != before);
}

/// Where the thumb of the clock is: beside the rail only it is painted in the colour of ink.
fn thumb(window: &mut Harness<'_, LabApp>) -> f32 {
    let slider = window.get_by_label("Time").rect();
    let image = window.render().unwrap();
    let ink = theme::palette(false, Side::A).ink;
    let y = (slider.center().y - 8.0) as u32;
    let inked = |x: &u32| {
        let pixel = image.get_pixel(*x, y).0;
        (0..3).all(|c| (i32::from(pixel[c]) - i32::from(ink[c])).abs() < 40)
    };
    let found: Vec<u32> = (slider.left() as u32 - 4..slider.right() as u32 + 4)
        .filter(inked)
        .collect();
    assert!((2..=7).contains(&found.len()), "{found:?}");
    (found[0] + found[found.len() - 1]) as f32 / 2.0 + 0.5
}

/// Where something is generated the clock runs from noise at the left to data at the right: thumb, keys, pointer and names.
#[test]
fn the_clock_runs_to_the_right_from_noise_to_data_where_data_are_generated() {
    for (chapter, generates) in [
        (Chapter::Forward, false),
        (Chapter::Reverse, true),
        (Chapter::Trajectories, true),
        (Chapter::ScoreField, false),
    ] {
        let lab = Probe::new(experiment(Shape::EightGaussians, Schedule::Linear), false);
        let mut window = window(lab, chapter, false);
        let tau = |window: &Harness<'_, LabApp>| window.state().desk.here.clock.tau;
        let slider = window.get_by_label("Time").rect();
        let way = |tau: f64| (if generates { 1.0 - tau } else { tau }) as f32;
        let [data, noise] =
            ["data", "noise"].map(|name| window.get_by_label(name).rect().center().x);
        assert_eq!(noise < data, generates, "{chapter:?}");
        for at in [0.2_f64, 0.7] {
            window.get_by_label("Time").set_value_accesskit(at);
            window.run_steps(2);
            let wanted = slider.left() + way(at) * slider.width();
            let found = thumb(&mut window);
            assert!(
                (found - wanted).abs() < 1.6,
                "{chapter:?}: {found} at {at}, not {wanted}"
            );
        }
        // The keys move it as they point.
        for (key, sign) in [(egui::Key::ArrowRight, 1.0), (egui::Key::ArrowLeft, -1.0)] {
            let before = tau(&window);
            window.key_press(key);
            window.run_steps(2);
            let moved = f64::from(way(tau(&window)) - way(before));
            assert!(
                (moved - 0.01 * sign).abs() < 1e-6,
                "{chapter:?}: {key:?} by {moved}"
            );
        }
        // The pointer takes it along.
        let at = egui::pos2(slider.left() + 0.25 * slider.width(), slider.center().y);
        click_canvas(&mut window, at, Modifiers::NONE);
        assert!(
            (f64::from(way(tau(&window))) - 0.25).abs() < 2e-3,
            "{chapter:?}: {}",
            tau(&window)
        );
        // And play lets it run to the right.
        let (before, left) = (tau(&window), thumb(&mut window));
        click(&mut window, "Play the clock");
        window.run_steps(3);
        let (after, right) = (tau(&window), thumb(&mut window));
        assert_eq!(
            after < before,
            generates,
            "{chapter:?}: from {before} to {after}"
        );
        assert!(
            right > left + 2.0,
            "{chapter:?}: the thumb went from {left} to {right}"
        );
    }
}

/// Other noise, and when its paths are there the clock runs from noise to data.
#[test]
fn simulate_plays_when_the_paths_are_there() {
    let clock = |window: &Harness<'_, LabApp>| window.state().desk.here.clock;
    let lab = Probe::new(experiment(Shape::EightGaussians, Schedule::Linear), true);
    let mut waiting = window(lab, Chapter::Trajectories, false);
    click(&mut waiting, "Simulate");
    waiting.run_steps(4);
    assert!(!clock(&waiting).playing, "nothing is there to be played");

    let lab = Probe::new(experiment(Shape::EightGaussians, Schedule::Linear), false);
    let mut window = window(lab.clone(), Chapter::Trajectories, false);
    let seed = lab.result(Slot::PathsByNoise).request.seed;
    let before = clock(&window).tau;
    window.get_by_label("Simulate").click();
    window.run_steps(3);
    assert!(clock(&window).playing && clock(&window).tau > 0.8 && before < 0.3);
    assert_ne!(lab.result(Slot::PathsByNoise).request.seed, seed);
    let mut last = clock(&window).tau;
    for _ in 0..400 {
        window.run_steps(1);
        assert!(clock(&window).tau <= last);
        last = clock(&window).tau;
        if !clock(&window).playing {
            break;
        }
    }
    assert_eq!(last, 0.0, "it runs to its end");
}

fn starts_of(lab: &Probe) -> Vec<[f32; 2]> {
    let result = lab.result(Slot::PathsByHeun);
    result.host.as_ref().unwrap()[..result.recording.particles].to_vec()
}

fn slider_value(window: &Harness<'_, LabApp>, name: &str) -> f64 {
    let slider = window.get_by_role_and_label(Role::Slider, name);
    slider.accesskit_node().numeric_value().unwrap()
}

#[test]
fn placed_starts_are_dragged_taken_away_cleared_and_brought_back() {
    let lab = Probe::new(experiment(Shape::EightGaussians, Schedule::Linear), false);
    let mut window = window(lab.clone(), Chapter::Trajectories, false);
    click(&mut window, "View: Plane");
    let canvas = window.get_by_label("Trajectories canvas").rect();
    let home = noise_compass::data::bounds::Bounds {
        min: [-3.36, -2.8],
        max: [3.36, 2.8],
    };
    let camera = Camera::fit(home, canvas);
    let screen = |place: [f32; 2]| camera.to_screen(canvas, place);
    let close = |a: &[[f32; 2]], b: &[[f32; 2]]| {
        a.len() == b.len()
            && a.iter()
                .zip(b)
                .all(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1]) < 0.02)
    };
    let [first, second, moved] = [[0.5, 1.0], [-1.2, 0.3], [1.4, -0.8]];
    for place in [first, second] {
        click_canvas(&mut window, screen(place), Modifiers::NONE);
    }
    assert!(close(&starts_of(&lab), &[first, second]));
    // A drag.
    let from = window.get_by_label("Start 1").rect().center();
    assert!(from.distance(screen(first)) < 1.0);
    window.drag_at(from);
    window.run_steps(1);
    window.hover_at(from + 0.5 * (screen(moved) - from));
    window.run_steps(2);
    window.hover_at(screen(moved));
    window.run_steps(1);
    window.drop_at(screen(moved));
    window.run_steps(3);
    assert!(
        close(&starts_of(&lab), &[moved, second]),
        "{:?}",
        starts_of(&lab)
    );
    assert!(
        window.state().desk.here.cameras.is_empty(),
        "the camera stays"
    );
    // A right click takes one away, a key under the pointer another, and both can be brought back.
    window.get_by_label("Start 1").click_secondary();
    window.run_steps(3);
    assert!(close(&starts_of(&lab), &[second]));
    click(&mut window, "Bring starts back");
    assert!(close(&starts_of(&lab), &[moved, second]));
    window.hover_at(window.get_by_label("Start 2").rect().center());
    window.run_steps(2);
    window.key_press(egui::Key::Delete);
    window.run_steps(3);
    assert!(close(&starts_of(&lab), &[moved]));
    click(&mut window, "Bring starts back");
    click(&mut window, "Clear starts");
    assert!(window.query_by_label("Start 1").is_none());
    assert!(!lab.snapshots().a.runs.contains_key(&Slot::PathsByHeun));
    click(&mut window, "Bring starts back");
    assert!(close(&starts_of(&lab), &[moved, second]));
    // Against time a drag moves the coordinate on show and leaves the other.
    click(&mut window, "View: Time");
    let from = window.get_by_label("Start 2").rect().center();
    window.drag_at(from);
    window.run_steps(1);
    window.hover_at(from + egui::vec2(30.0, -40.0));
    window.run_steps(2);
    window.drop_at(from + egui::vec2(30.0, -40.0));
    window.run_steps(3);
    let found = starts_of(&lab);
    assert!(found[1][0] > second[0] + 0.2 && (found[1][1] - second[1]).abs() < 0.02);
}

#[test]
fn legend_and_slider_agree_on_the_number_of_paths_and_particles() {
    let lab = Probe::new(experiment(Shape::EightGaussians, Schedule::Linear), false);
    let mut window = window(lab, Chapter::Trajectories, false);
    let legend = |window: &Harness<'_, LabApp>, says: [&str; 2]| {
        let texts = texts(window);
        for text in says {
            assert!(
                texts.iter().any(|t| t == text),
                "{text} is not among {texts:?}"
            );
        }
    };
    legend(&window, ["24 ODE paths, exact", "24 SDE paths, exact"]);
    assert_eq!(slider_value(&window, "Paths"), 24.0);
    slide(&mut window, "Paths", 30.0);
    legend(&window, ["30 ODE paths, exact", "30 SDE paths, exact"]);
    click(&mut window, "Starts: Bundle");
    legend(&window, ["1 ODE path, exact", "50 SDE paths, exact"]);
    assert_eq!(slider_value(&window, "Paths"), 50.0);
    click(&mut window, "Starts: Placed");
    let middle = window.get_by_label("Trajectories canvas").rect().center();
    click_canvas(&mut window, middle, Modifiers::NONE);
    legend(&window, ["1 ODE path, exact", "1 SDE path, exact"]);
    assert_eq!(slider_value(&window, "Paths"), 1.0);
    click(&mut window, "Starts: Line");
    assert_eq!(slider_value(&window, "Paths"), 30.0, "as it was");

    window.get_by_role_and_label(Role::Tab, "Forward").click();
    window.run_steps(3);
    slide(&mut window, "Particles", 5000.0);
    click(&mut window, "Way: Chain");
    while window.state_mut().is_busy() {
        std::thread::sleep(Duration::from_millis(5));
        window.run_steps(1);
    }
    window.run_steps(2);
    assert_eq!(slider_value(&window, "Particles"), 2000.0);
    let texts = texts(&window);
    let says = "2\u{2009}000 particles after ";
    assert!(texts.iter().any(|t| t.starts_with(says)), "{texts:?}");
    click(&mut window, "Way: Jump");
    assert_eq!(slider_value(&window, "Particles"), 5000.0);
}

/// Of which update the paths are stands in the legend, with the present one where that is long ago, and they fade then.
#[test]
fn a_picture_of_a_run_says_of_which_update_it_is() {
    let lab = Probe::new(experiment(Shape::EightGaussians, Schedule::Linear), false);
    let mut window = window(lab, Chapter::Trajectories, false);
    let run = |step, exact| {
        let side = &window.state().desk.here;
        let (_, state) = side
            .snapshot
            .runs
            .iter()
            .find(|(_, s)| s.done.is_some())
            .unwrap();
        let mut result = RunResult::clone(state.done.as_ref().unwrap());
        let mut request = RunRequest::clone(&result.request);
        request.exact = exact;
        (result.request, result.step) = (Arc::new(request), step);
        result
    };
    let [new, exact] = [run(0, false), run(0, true)];
    let side = &mut window.state_mut().desk.here;
    assert_eq!(
        (side.update_of(&new).as_str(), side.strength_of(&new)),
        (", update 0", 1.0)
    );
    let mut later = Snapshot::clone(&side.snapshot);
    (later.step, later.steps_per_sec) = (1500, 700.0);
    side.snapshot = Arc::new(later);
    assert_eq!(side.update_of(&new), ", update 0 of 1\u{2009}500");
    assert!(side.strength_of(&new) < 0.5);
    assert_eq!(
        (side.update_of(&exact).as_str(), side.strength_of(&exact)),
        ("", 1.0)
    );
}

#[test]
fn learned_paths_and_arrows_name_their_update() {
    let lab = Probe::new(experiment(Shape::EightGaussians, Schedule::Linear), false);
    let mut window = window(lab, Chapter::Trajectories, false);
    click(&mut window, "Field: Learned");
    window.run_steps(4);
    let found = texts(&window);
    assert!(
        found.iter().any(|t| t == "24 ODE paths, learned, update 0"),
        "{found:?}"
    );
    assert!(
        found.iter().any(|t| t == "24 SDE paths, learned, update 0"),
        "{found:?}"
    );
    window
        .get_by_role_and_label(Role::Tab, "Score field")
        .click();
    window.run_steps(4);
    click(&mut window, "Arrows: Learned");
    window.run_steps(4);
    let found = texts(&window);
    assert!(
        found.iter().any(|t| t == "learned score, update 0"),
        "{found:?}"
    );
}

/// What the chapter's runs take from a training stands beneath the switch that ends it.
#[test]
fn the_panel_says_what_runs_take_from_the_training() {
    let lab = common::Still::new(
        experiment(Shape::EightGaussians, Schedule::Linear),
        common::card(),
        50,
    );
    lab.snapshot().runs_share = 0.27;
    for chapter in [Chapter::Trajectories, Chapter::Reverse, Chapter::ScoreField] {
        lab.snapshot().status = Status::Paused;
        let mut window = window(lab.clone(), chapter, false);
        window.get_by_label("taken from training –");
        lab.snapshot().status = Status::Training;
        window.run_steps(2);
        window.get_by_label("taken from training 27 %");
    }
}

/// Compare with the stored picture, on the adapter that it belongs to.
#[test]
fn recorded_runs_look_as_they_did_in_both_themes() {
    let mut results = egui_kittest::SnapshotResults::new();
    for (light, theme) in [(false, "dark"), (true, "light")] {
        let shape = experiment(Shape::EightGaussians, Schedule::Linear);
        let mut reverse = window(Probe::new(shape.clone(), false), Chapter::Reverse, light);
        compare(&mut reverse, &format!("reverse_run_{theme}"));
        results.extend_harness(&mut reverse);

        let mut paths = window(Probe::new(shape, false), Chapter::Trajectories, light);
        compare(&mut paths, &format!("trajectories_time_{theme}"));
        click(&mut paths, "View: Plane");
        click(&mut paths, "Starts: Bundle");
        click(&mut paths, "End points: Show");
        compare(&mut paths, &format!("trajectories_bundle_{theme}"));
        click(&mut paths, "View: 3-D");
        click(&mut paths, "Starts: Noise");
        compare(&mut paths, &format!("trajectories_turned_{theme}"));
        results.extend_harness(&mut paths);
    }
}
