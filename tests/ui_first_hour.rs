//! The first hour of somebody new: what is drawn stays in its place, says what it is of, and a click costs nothing that was not asked.

mod common;

use std::sync::Arc;

use std::time::{Duration, Instant};

use egui::accesskit::Role;
use egui::{Key, Rect, Vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use common::{Driven, Still, card, click, find, texts, window};
use noise_compass::data::shapes::Shape;
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::diffusion::solver::Sampler;
use noise_compass::engine::EngineChoice;
use noise_compass::lab::experiment::{DataSource, Experiment};
use noise_compass::lab::message::{Command, LossCurve, Order, Snapshots, TrainingMark};
use noise_compass::philox::{Stream, normal};
use noise_compass::ui::chapters::Chapter;
use noise_compass::ui::desk::lab_handle::LabHandle as _;
use noise_compass::ui::shell::app::LabApp;
use noise_compass::ui::shell::help::KEYS;
use noise_compass::ui::shell::lessons::Lesson;

fn small() -> Experiment {
    Experiment {
        width: 32,
        depth: 1,
        batch: 32,
        points: 512,
        ..Experiment::default()
    }
}

fn rect(window: &Harness<'_, LabApp>, name: &str) -> Rect {
    window.get_by_label(name).rect()
}

/// Losses over twelve decades, spikes at every other update: all that may change in the window are the numbers of the strip and the
/// plots that show them.
#[test]
fn no_curve_leaves_its_box_however_wild_it_is() {
    let mut pictures = Vec::new();
    for wild in [false, true] {
        let lab = Still::new(Experiment::default(), card(), 3000);
        let loss = |step: u64| {
            if wild && step.is_multiple_of(2) {
                10.0_f32.powi(((step / 7) % 25) as i32 - 12)
            } else {
                0.3
            }
        };
        let raw: Vec<_> = (1..=3000).map(|step| (step, loss(step))).collect();
        let smooth = raw
            .iter()
            .map(|&(step, loss)| (step, loss.sqrt()))
            .collect();
        lab.snapshot().curve = Arc::new(LossCurve { raw, smooth });
        let mut window = window(lab, Chapter::Training, false);
        let canvas = rect(&window, "Training canvas");
        let clock = rect(&window, "Time");
        pictures.push((window.render().unwrap(), canvas, clock));
    }
    let [(calm, canvas, clock), (wild, ..)] = &pictures[..] else {
        panic!("two pictures")
    };
    assert_eq!(calm.dimensions(), wild.dimensions());
    let mut inside = 0;
    for (x, y, pixel) in calm.enumerate_pixels() {
        if pixel == wild.get_pixel(x, y) {
            continue;
        }
        let (x, y) = (x as f32, y as f32);
        let plots = y > canvas.bottom()
            && y < clock.top() - 8.0
            && (canvas.left()..canvas.right()).contains(&x);
        let strip = y > clock.bottom() + 10.0;
        assert!(plots || strip, "a curve reaches {x}, {y}");
        inside += 1;
    }
    assert!(inside > 500, "the curves are drawn: {inside} pixels");
}

/// The picture of a training that has not begun is the noise of its samples, each where it will start; and so it is again when the
/// training starts anew, whatever had been learned.
#[test]
fn a_training_begins_as_noise_and_does_so_again_when_it_starts_anew() {
    let lab = Driven::new(small(), EngineChoice::Cpu);
    let start: Vec<[f32; 2]> = (0..2048)
        .map(|i| normal(0x5EED, Stream::SamplerStart, 0, i))
        .collect();
    let shown = |lab: &Driven| {
        let Snapshots { a, .. } = lab.snapshots();
        let points = a.samples.as_ref().unwrap().to_host().unwrap();
        (points.to_vec(), a.samples_of)
    };
    assert_eq!(shown(&lab), (start.clone(), None));
    lab.train_until(40);
    lab.send(Command::Play.into());
    let (points, of) = shown(&lab);
    assert_ne!(points, start);
    assert_eq!(of.map(|of| (of.oldest, of.newest)), Some((40, 40)));
    lab.train_until(0);
    lab.send(Command::Reset.into());
    assert_eq!(shown(&lab), (start, None));
}

/// The schedule of Forward is looked at; the experiment takes it over only when it is told to, and no row moves.
#[test]
fn looking_at_another_schedule_trains_by_none() {
    let lab = Still::new(Experiment::default(), card(), 500);
    let mut window = window(lab.clone(), Chapter::Forward, false);
    let before = rect(&window, "Particles");
    lab.asked();
    click(&mut window, "Schedule: Cosine");
    assert!(
        lab.configured().is_empty(),
        "nothing is asked of the training"
    );
    assert_eq!(rect(&window, "Particles"), before, "no row moves");
    // What is read out is of the schedule that is looked at: Nichol & Dhariwal 2021 at t/T = 0.2.
    window.get_by_label("ᾱ 0.899");
    click(&mut window, "Train with this");
    let asked = lab.configured();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].schedule, Schedule::Cosine);
    // Left, the chapter takes its view with it.
    click(&mut window, "Schedule: Linear");
    window.key_press(Key::Num1);
    window.run_steps(2);
    window.get_by_label("ᾱ 0.899");
}

#[test]
fn looking_at_another_sampler_changes_no_picture_but_its_own() {
    let lab = Driven::new(small(), EngineChoice::Cpu);
    lab.train_until(20);
    lab.send(Command::Play.into());
    let mut window = window(lab.clone(), Chapter::Reverse, false);
    lab.asked();
    let menu = format!("Sampler: {}", Sampler::Heun.words().title);
    click(&mut window, &menu);
    let ddim = Sampler::Ddim { eta: 0.0 };
    click(&mut window, ddim.words().title);
    let asked = lab.asked();
    assert!(
        !asked
            .iter()
            .any(|order| matches!(order, Order::To(_, Command::Configure { .. }))),
        "{asked:?}"
    );
    let sampler = |lab: &Driven| lab.snapshots().a.experiment.sampler;
    assert_eq!(sampler(&lab), Sampler::Heun);
    click(&mut window, "Use for the live picture");
    assert_eq!(sampler(&lab), Sampler::Ddim { eta: 0.0 });
}

#[test]
fn the_question_of_a_network_stands_at_its_rows_and_moves_none() {
    let lab = Still::new(Experiment::default(), card(), 500);
    let mut window = window(lab.clone(), Chapter::Training, false);
    // All of the panel is in sight: nothing has to be scrolled there.
    window.set_size(Vec2::new(1280.0, 1600.0));
    window.run_steps(2);
    let before = rect(&window, "Batch");
    click(&mut window, "Width: 64");
    let question = rect(&window, "Use it");
    let row = rect(&window, "Labels: On");
    assert!(
        question.top() > row.bottom() && question.top() - row.bottom() < 60.0,
        "{question:?} beneath {row:?}"
    );
    assert_eq!(rect(&window, "Batch"), before);
    click(&mut window, "Keep the old");
    assert_eq!(rect(&window, "Batch"), before);
    assert!(lab.configured().is_empty());
}

/// What differs, what to look at, what happens, why: it stays, also when something else is done, until the next lesson or the end.
#[test]
fn a_lesson_keeps_its_text_and_leads_back_to_what_was() {
    let own = Experiment {
        sampler: Sampler::Rk4,
        sampler_steps: 7,
        ..small()
    };
    let lab = Driven::new(own.clone(), EngineChoice::Cpu);
    lab.train_until(20);
    lab.send(Command::Play.into());
    let mut window = window(lab.clone(), Chapter::Forward, false);
    click(&mut window, "Lessons: Lessons");
    let lesson = Lesson::SdeOde;
    click(&mut window, lesson.words().title);
    window.run_steps(4);
    let words = lesson.words();
    for text in [words.differs, words.look, words.happens, words.because] {
        window.get_by_label(text);
    }
    assert_eq!(
        window.state().desk.here.clock.tau,
        0.0,
        "at the end of the chain"
    );
    window.key_press(Key::Space);
    window.run_steps(4);
    window.get_by_label(words.because);
    click(&mut window, "Next lesson");
    window.run_steps(4);
    window.get_by_label(lesson.next().words().because);
    click(&mut window, "End: End");
    click(&mut window, "Go back");
    window.run_steps(2);
    let Snapshots { a, b, .. } = lab.snapshots();
    assert!(b.is_none());
    assert_eq!(
        (a.step, &*a.experiment),
        (20, &own),
        "sampler steps included"
    );
    assert!(find(&window, lesson.next().words().because).is_none());
}

/// Losses of other schedules are of something else: they do not stand side by side.
#[test]
fn losses_that_do_not_compare_are_not_put_side_by_side() {
    let lab = Driven::new(small(), EngineChoice::Cpu);
    lab.train_until(20);
    let mut window = window(lab.clone(), Chapter::Training, false);
    click(&mut window, "Lessons: Lessons");
    click(&mut window, Lesson::Schedules.words().title);
    window.run_steps(4);
    for side in ["A", "B"] {
        let row = find(&window, &format!("{side}, step")).unwrap();
        assert!(row.contains("loss –"), "{row}");
    }
}

/// Every sheet folds and opens, and what it asks to try is set up by a click and ticked when it is done.
#[test]
fn every_try_of_every_sheet_is_set_up_by_a_click_and_ticked_when_it_is_done() {
    for chapter in Chapter::ALL {
        let lab = Driven::new(small(), EngineChoice::Cpu);
        lab.train_until(900);
        let mut window = window(lab.clone(), chapter, false);
        window.set_size(Vec2::new(1280.0, 2400.0));
        window.key_press(Key::W);
        window.run_steps(2);
        for (index, words) in chapter.sheet().tries.iter().enumerate() {
            let name = format!("Try {}: {words}", index + 1);
            let ticked = |window: &Harness<'_, LabApp>| {
                window.get_by_label(&name).accesskit_node().toggled()
                    == Some(egui::accesskit::Toggled::True)
            };
            assert!(
                !ticked(&window),
                "{chapter:?}: {name} is done before it is begun"
            );
            window.get_by_label(&name).click();
            for _ in 0..60 {
                window.run_steps(10);
                // What a chapter computes by itself takes its time, beside other tests.
                let patience = Instant::now() + Duration::from_mins(1);
                while window.state_mut().is_busy() && Instant::now() < patience {
                    std::thread::sleep(Duration::from_millis(20));
                    window.run_steps(1);
                }
                if ticked(&window) {
                    break;
                }
                if chapter == Chapter::Training {
                    // As long as it takes: at ten updates a second the lab is not waited for.
                    lab.send(Order::Speed(None));
                    lab.train_until(lab.snapshots().a.step + 300);
                    lab.send(Command::Play.into());
                }
            }
            assert!(ticked(&window), "{chapter:?}: {name}");
        }
        window.key_press(Key::W);
        window.run_steps(2);
        window.get_by_label("Why");
    }
}

#[test]
fn the_sheet_leads_to_the_next_chapter() {
    let lab = Still::new(Experiment::default(), card(), 500);
    let mut window = window(lab, Chapter::Training, false);
    window.set_size(Vec2::new(1280.0, 2400.0));
    window.run_steps(2);
    click(&mut window, "Why");
    window.get_by_label("Why is the loss so large at small t?");
    click(&mut window, "On to Algorithm");
    assert_eq!(window.state().chapter(), Chapter::Algorithm);
    window.get_by_label("Is that all of it?");
    click(&mut window, "Fold");
    assert!(find(&window, "Is that all of it?").is_none());
}

#[test]
fn help_has_keys_symbols_and_words() {
    let lab = Still::new(Experiment::default(), card(), 500);
    let mut window = window(lab, Chapter::Training, false);
    window.key_press(Key::F1);
    window.run_steps(3);
    window.get_by_label(KEYS[0].1);
    // What keys do stands in a column.
    let left = |row: usize| window.get_by_label(KEYS[row].1).rect().left();
    assert!((1..KEYS.len()).all(|row| (left(row) - left(0)).abs() < 0.5));
    click(&mut window, "Help page: Symbols");
    window.get_by_label("the noise: a draw of N(0, I)");
    click(&mut window, "Help page: Words");
    window.get_by_label("a rule by which a gradient changes the weights");
    window.key_press(Key::Escape);
    window.run_steps(2);
    assert!(find(&window, "a rule by which a gradient").is_none());
    click(&mut window, "Help");
    window.get_by_label("Help page: Keys");
}

#[test]
fn keys_open_chapters_and_fold_the_panel() {
    let lab = Still::new(Experiment::default(), card(), 500);
    let mut window = window(lab, Chapter::Training, false);
    let wide = rect(&window, "Training canvas").width();
    window.key_press(Key::P);
    window.run_steps(2);
    assert!(rect(&window, "Training canvas").width() > wide + 200.0);
    assert!(find(&window, "Start anew").is_none());
    click(&mut window, "Open the panel");
    window.get_by_label("Start anew");
    window.key_press(Key::Num2);
    window.run_steps(2);
    assert_eq!(window.state().chapter(), Chapter::ALL[1]);
}

/// Calm: the first screen has what the chapter needs, and the rest is one click away.
#[test]
fn a_calm_panel_has_few_controls_and_the_rest_one_click_away() {
    let lab = Still::new(Experiment::default(), card(), 500);
    let mut window = window(lab, Chapter::Training, false);
    window.state_mut().desk.more = false;
    window.run_steps(2);
    assert!(window.query_by_label("Batch").is_none());
    assert!(window.query_by_label("Width: 64").is_none());
    window.get_by_label("Start anew");
    click(&mut window, "More controls");
    window.get_by_label("Batch");
    click(&mut window, "Fewer controls");
    assert!(window.query_by_label("Batch").is_none());
}

#[test]
fn a_training_stops_where_it_is_told_to_and_goes_on_when_it_is_told_to() {
    let lab = Driven::new(small(), EngineChoice::Cpu);
    lab.train_until(90);
    let mut window = window(lab.clone(), Chapter::Training, false);
    let field = window.get_by_role_and_label(Role::TextInput, "Stop at update");
    field.focus();
    window.run_steps(1);
    window.key_press_modifiers(egui::Modifiers::CTRL, Key::A);
    window
        .get_by_role_and_label(Role::TextInput, "Stop at update")
        .type_text("30");
    window.key_press(Key::Enter);
    window.run_steps(2);
    click(&mut window, "Train");
    window.run_steps(4);
    let step = |lab: &Driven| lab.snapshots().a.step;
    assert_eq!(step(&lab), 30);
    click(&mut window, "Train");
    window.run_steps(4);
    assert_eq!(step(&lab), 90);
}

/// Where data, schedule or rate were changed is marked with what holds from there on; a drag is one mark.
#[test]
fn what_was_changed_while_it_trained_is_marked() {
    let lab = Driven::new(small(), EngineChoice::Cpu);
    lab.train_until(20);
    lab.send(Command::Play.into());
    let change = |set: fn(&mut Experiment)| {
        let mut experiment = Experiment::clone(&lab.snapshots().a.experiment);
        set(&mut experiment);
        lab.send(Order::To(
            noise_compass::lab::message::Side::A,
            Command::Configure {
                experiment: Box::new(experiment),
                restart: noise_compass::lab::message::Restart::Keep,
            },
        ));
    };
    change(|e| e.learning_rate = 1e-3);
    change(|e| e.learning_rate = 2e-3);
    lab.train_until(40);
    lab.send(Command::Play.into());
    change(|e| e.data = DataSource::Shape(Shape::Circle));
    // A sampler is not trained with.
    change(|e| e.sampler_steps = 5);
    let Snapshots { a, .. } = lab.snapshots();
    let marks: Vec<_> = a
        .marks
        .iter()
        .map(|mark| (mark.step, &*mark.words))
        .collect();
    assert_eq!(marks, [(20, "lr 0.002"), (40, "Circle")]);
    lab.send(Command::Reset.into());
    assert!(lab.snapshots().a.marks.is_empty());
}

/// A tooltip would lie over what the hand changes.
#[test]
fn there_is_no_tooltip_while_a_button_is_held() {
    let lab = Still::new(Experiment::default(), card(), 500);
    let mut window = window(lab, Chapter::Training, false);
    let tip = "New weights from the seed";
    let at = rect(&window, "Start anew").center();
    window.hover_at(at);
    for _ in 0..40 {
        window.run_steps(1);
    }
    let shown = |window: &Harness<'_, LabApp>| find(window, tip).is_some();
    assert!(shown(&window), "it explains itself");
    window.drag_at(at);
    window.run_steps(2);
    assert!(!shown(&window), "not under a hand that holds a button");
    window.drop_at(at);
}

#[test]
fn the_tour_has_four_steps_and_can_be_skipped() {
    let lab = Still::new(Experiment::default(), card(), 500);
    let mut window = window(lab, Chapter::Training, false);
    window.state_mut().tour = Some(0);
    window.run_steps(3);
    for _ in 0..3 {
        window.get_by_label("Skip the tour");
        click(&mut window, "Next");
    }
    click(&mut window, "Begin");
    assert_eq!(window.state().tour, None);
    window.state_mut().tour = Some(0);
    window.run_steps(3);
    click(&mut window, "Skip the tour");
    assert_eq!(window.state().tour, None);
}

/// Panned or zoomed to where nothing is, the canvas has a way back in its middle.
#[test]
fn a_canvas_that_was_panned_away_leads_back() {
    let lab = Still::new(Experiment::default(), card(), 500);
    let mut window = window(lab, Chapter::Training, false);
    assert!(window.query_by_label("Back to the data").is_none());
    let middle = rect(&window, "Training canvas").center();
    for _ in 0..3 {
        window.drag_at(middle);
        window.run_steps(1);
        window.hover_at(middle + Vec2::new(420.0, 0.0));
        window.run_steps(1);
        window.drop_at(middle + Vec2::new(420.0, 0.0));
        window.run_steps(2);
    }
    click(&mut window, "Back to the data");
    assert!(window.query_by_label("Back to the data").is_none());
}

/// The exact 0.2 is reached by typing, by arrows from anywhere, and by a hand that comes near its tick.
#[test]
fn the_clock_is_typed_and_stops_at_hundredths() {
    let lab = Still::new(Experiment::default(), card(), 500);
    let mut window = window(lab, Chapter::Forward, false);
    let tau = |window: &Harness<'_, LabApp>| window.state().desk.here.clock.tau;
    window.get_by_label("t / T value").focus();
    window.run_steps(2);
    window.key_press_modifiers(egui::Modifiers::CTRL, Key::A);
    window.get_by_label("t / T value").type_text("0.3456");
    window.key_press(Key::Enter);
    window.run_steps(2);
    assert_eq!(tau(&window), 0.3456);
    for (key, expected) in [
        (Key::ArrowLeft, 0.34),
        (Key::ArrowLeft, 0.33),
        (Key::ArrowRight, 0.34),
    ] {
        window.key_press(key);
        window.run_steps(1);
        assert_eq!(tau(&window), expected);
    }
    window.key_press_modifiers(egui::Modifiers::SHIFT, Key::ArrowLeft);
    window.run_steps(1);
    assert_eq!(tau(&window), 0.3);
    let rail = rect(&window, "Time");
    let near = egui::pos2(rail.left() + 0.2 * rail.width() + 2.0, rail.center().y);
    window.drag_at(near);
    window.drop_at(near);
    window.run_steps(2);
    assert_eq!(tau(&window), 0.2);
}

/// What is reached by Tab has a ring, whatever kind of control it is; a click takes it away.
#[test]
fn the_control_that_has_the_keyboard_has_a_ring() {
    let lab = Still::new(Experiment::default(), card(), 500);
    let mut window = window(lab, Chapter::Forward, false);
    let rings = |window: &Harness<'_, LabApp>| -> Vec<egui::Rect> {
        let accent = window.state().desk.palette().learned;
        let is_ring = |shape: &egui::Shape| match shape {
            egui::Shape::Rect(rect) if rect.stroke == egui::Stroke::new(2.0, accent) => {
                Some(rect.rect)
            }
            _ => None,
        };
        let shapes = &window.output().shapes;
        shapes.iter().filter_map(|s| is_ring(&s.shape)).collect()
    };
    let before = rings(&window).len();
    let mut ringed = Vec::new();
    for _ in 0..30 {
        window.key_press(Key::Tab);
        window.run_steps(2);
        let focused = window.ctx.memory(egui::Memory::focused).unwrap();
        let control = window.ctx.read_response(focused).unwrap().rect;
        let about = control.expand(2.0);
        let found = rings(&window);
        assert!(found.contains(&about), "{control:?} has none of {found:?}");
        ringed.push(about);
    }
    ringed.dedup();
    assert!(ringed.len() > 20, "{} controls", ringed.len());
    window.drag_at(egui::pos2(700.0, 400.0));
    window.drop_at(egui::pos2(700.0, 400.0));
    window.run_steps(2);
    assert_eq!(rings(&window).len(), before);
}

/// What hangs from a mark is written at the top of the curves, and the axis shows no more than these frame after frame.
#[test]
fn the_words_of_a_mark_do_not_push_the_axis_away() {
    let lab = Still::new(Experiment::default(), card(), 400);
    let raw: Vec<_> = (1..=400)
        .map(|step| (step, 0.3 + 0.001 * (step % 7) as f32))
        .collect();
    let marks = vec![TrainingMark {
        step: 200,
        words: "moons".to_owned(),
    }];
    {
        let mut snapshot = lab.snapshot();
        snapshot.curve = Arc::new(LossCurve {
            smooth: raw.clone(),
            raw,
        });
        snapshot.marks = Arc::new(marks);
    }
    let mut window = window(lab, Chapter::Training, false);
    window.run_steps(3);
    let before = texts(&window);
    assert!(
        before.iter().any(|text| text.contains("moons")),
        "{before:?}"
    );
    window.run_steps(40);
    assert_eq!(texts(&window), before);
}

/// After Tab the keys of the window still open chapters and sheets; Space is the control's, and where somebody types all keys are letters.
#[test]
fn keys_go_on_meaning_what_they_mean_after_tab() {
    let lab = Still::new(Experiment::default(), card(), 500);
    let mut window = window(lab, Chapter::Forward, false);
    window.key_press(Key::Tab);
    window.run_steps(2);
    assert!(window.ctx.memory(egui::Memory::focused).is_some());
    window.key_press(Key::Num4);
    window.run_steps(3);
    assert_eq!(window.state().chapter(), Chapter::Reverse);
    window.key_press(Key::F1);
    window.run_steps(3);
    assert!(find(&window, "Help page: Keys").is_some() || window.query_by_label("Keys").is_some());
}
