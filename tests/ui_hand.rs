//! What the hand does: a quick drag ends where a slow one does, linked points are alike on equal sides, and on one canvas
//! A and B are told apart.

mod common;

use egui::accesskit::Role;
use egui::{PointerButton, Pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};

use common::{Driven, click, find, small, window};
use noise_compass::data::shapes::Shape;
use noise_compass::diffusion::log_snr::LogSnr;
use noise_compass::diffusion::schedule::Schedule;
use noise_compass::engine::EngineChoice;
use noise_compass::lab::experiment::{DataSource, Experiment};
use noise_compass::lab::message::{Command, Order, Side};
use noise_compass::ui::chapters::Chapter;
use noise_compass::ui::desk::lab_handle::LabHandle as _;
use noise_compass::ui::shell::app::LabApp;
use noise_compass::ui::shell::stage::Arrangement;
use noise_compass::ui::theme::palette;

type Window = Harness<'static, LabApp>;
/// Something that the hand does, and where it ends.
type Act = fn(&mut Window, Pace) -> String;

fn lab(sides: Option<[Experiment; 2]>) -> Driven {
    let lab = Driven::new(small(), EngineChoice::Cpu);
    if let Some(sides) = sides {
        lab.send(Order::Compare(Box::new(sides)));
    }
    lab
}

/// What the hand does in one frame: the harness gives each event a frame of its own.
fn at_once(window: &mut Window, events: &[egui::Event]) {
    window.input_mut().events.extend_from_slice(events);
    window.run_steps(1);
}

fn button(pos: Pos2, pressed: bool) -> egui::Event {
    egui::Event::PointerButton {
        pos,
        button: PointerButton::Primary,
        pressed,
        modifiers: egui::Modifiers::NONE,
    }
}

/// How a drag is seen.
#[derive(Clone, Copy, PartialEq)]
enum Pace {
    /// Each move and the release in a frame of its own.
    Slow,
    /// The last move and the release in one frame.
    Quick,
    /// All of the way and the release in one frame.
    Sudden,
}

/// Drag at a pace.
fn drag(window: &mut Window, from: Pos2, to: Pos2, pace: Pace) {
    let moved = egui::Event::PointerMoved;
    at_once(window, &[moved(from)]);
    at_once(window, &[button(from, true)]);
    if pace != Pace::Sudden {
        at_once(window, &[moved(from + 0.6 * (to - from))]);
    }
    if pace == Pace::Slow {
        at_once(window, &[moved(to)]);
        at_once(window, &[button(to, false)]);
    } else {
        at_once(window, &[moved(to), button(to, false)]);
    }
    window.run_steps(3);
}

fn rect(window: &Window, name: &str) -> egui::Rect {
    window.get_by_label(name).rect()
}

#[test]
fn a_quick_drag_ends_where_the_pointer_does() {
    let own = Experiment {
        schedule: Schedule::Custom(LogSnr::default()),
        ..small()
    };
    let acts: [(&str, Chapter, Option<[Experiment; 2]>, Act); 4] = [
        ("compass", Chapter::Compass, None, |window, pace| {
            let canvas = rect(window, "Noise compass canvas");
            drag(
                window,
                canvas.center() + vec2(-120.0, 60.0),
                canvas.center() + vec2(90.0, -70.0),
                pace,
            );
            find(window, "x_t").unwrap()
        }),
        ("camera", Chapter::Forward, None, |window, pace| {
            let canvas = rect(window, "Forward canvas");
            drag(
                window,
                canvas.center(),
                canvas.center() + vec2(140.0, 30.0),
                pace,
            );
            format!("{:?}", window.state().desk.here.cameras.get("forward"))
        }),
        (
            "divider",
            Chapter::Forward,
            Some([small(), small()]),
            |window, pace| {
                window.state_mut().stage.arrangement = Arrangement::Divider;
                window.run_steps(2);
                let divider = rect(window, "Divider between A and B").center();
                drag(window, divider, divider + vec2(130.0, 0.0), pace);
                format!("{:.4}", window.state().stage.divider)
            },
        ),
        (
            "handle",
            Chapter::Schedules,
            Some([own.clone(), own]),
            |window, pace| {
                let handle = rect(window, "Handle 3 of log SNR").center();
                drag(window, handle, handle + vec2(0.0, 14.0), pace);
                format!("{:.2?}", window.state().desk.here.own_schedule.handles())
            },
        ),
    ];
    for (name, chapter, sides, act) in acts {
        let [slow, quick, sudden] = [Pace::Slow, Pace::Quick, Pace::Sudden]
            .map(|pace| act(&mut window(lab(sides.clone()), chapter, false), pace));
        assert_eq!(slow, quick, "{name}: slow, then quick");
        // What can be clicked as well is not moved by what may have been a click.
        if ["compass", "handle"].contains(&name) {
            assert_eq!(slow, sudden, "{name}: slow, then sudden");
        }
    }
}

/// A press in one frame with the move: it takes hold where the button went down.
#[test]
fn a_press_takes_hold_where_the_button_went_down() {
    let mut window = window(lab(None), Chapter::Compass, false);
    // Of pure noise, x_0 is any point, wherever x_t is: only a point placed anew draws another.
    click(&mut window, "True x0: Drawn");
    window.get_by_label("Time").set_value_accesskit(1.0);
    window.run_steps(3);
    let canvas = rect(&window, "Noise compass canvas");
    let (from, to) = (
        canvas.center() + vec2(-100.0, 30.0),
        canvas.center() + vec2(80.0, -20.0),
    );
    drag(&mut window, from, from + vec2(1.0, 0.0), Pace::Slow);
    let x_0 = find(&window, "x₀").unwrap();
    let moved = egui::Event::PointerMoved;
    at_once(&mut window, &[moved(from)]);
    at_once(
        &mut window,
        &[button(from, true), moved(from + 0.5 * (to - from))],
    );
    at_once(&mut window, &[moved(to), button(to, false)]);
    window.run_steps(2);
    assert_eq!(
        find(&window, "x₀").unwrap(),
        x_0,
        "x_t was dragged, not placed anew"
    );
    let away = canvas.center() + vec2(-150.0, 90.0);
    drag(&mut window, away, away + vec2(1.0, 0.0), Pace::Slow);
    assert_ne!(find(&window, "x₀").unwrap(), x_0, "and now it is");
}

/// Points that went their own ways while they were not linked are alike again where the sides are: the same x_t from the
/// same x_0, whatever was done, wherever the settings are shown.
#[test]
fn linked_points_are_alike_on_equal_sides() {
    let near = |canvas: egui::Rect, by: [f32; 2]| canvas.center() + vec2(by[0], by[1]);
    let both = |window: &mut Window| {
        ["A", "B"].map(|side| {
            click(window, &format!("Experiment: {side}"));
            ["x₀", "x_t"].map(|name| find(window, name).unwrap())
        })
    };
    for focus in ["A", "B"] {
        for origin in ["Nearest", "Drawn", "Held"] {
            let mut window = window(lab(Some([small(), small()])), Chapter::Compass, false);
            click(&mut window, &format!("True x0: {origin}"));
            let [a, b] = both(&mut window);
            assert_eq!(a, b, "to begin with");
            // Each side goes its own way: a point placed and dragged on A, another on B.
            window.state_mut().desk.links.points = false;
            window.run_steps(2);
            let canvases =
                ["A", "B"].map(|side| rect(&window, &format!("Noise compass canvas, {side}")));
            drag(
                &mut window,
                near(canvases[0], [-60.0, 40.0]),
                near(canvases[0], [30.0, -50.0]),
                Pace::Slow,
            );
            drag(
                &mut window,
                near(canvases[1], [70.0, -20.0]),
                near(canvases[1], [71.0, -20.0]),
                Pace::Slow,
            );
            drag(
                &mut window,
                near(canvases[1], [71.0, -20.0]),
                near(canvases[1], [-40.0, 80.0]),
                Pace::Slow,
            );
            let [a, b] = both(&mut window);
            assert_ne!(a, b, "unlinked they differ");
            click(&mut window, &format!("Experiment: {focus}"));
            window.state_mut().desk.links.points = true;
            window.run_steps(4);
            let [a, b] = both(&mut window);
            assert_eq!(a, b, "linked again, {origin}, {focus} in focus");
            drag(
                &mut window,
                near(canvases[0], [-20.0, 20.0]),
                near(canvases[0], [60.0, 50.0]),
                Pace::Slow,
            );
            let [a, b] = both(&mut window);
            assert_eq!(a, b, "and after another, {origin}, {focus} in focus");
        }
    }
}

/// Hue of a saturated colour in degrees; `None` of a grey.
fn hue(pixel: [u8; 4]) -> Option<f32> {
    let [r, g, b] = [0, 1, 2].map(|i| f32::from(pixel[i]));
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    let spread = most - least;
    if spread < 60.0 {
        return None;
    }
    let hue = if most == r {
        (g - b) / spread
    } else if most == g {
        2.0 + (b - r) / spread
    } else {
        4.0 + (r - g) / spread
    };
    Some((60.0 * hue).rem_euclid(360.0))
}

/// On one canvas each particle and each schedule bears its side's colour: by the learned and by the exact field.
#[test]
fn on_one_canvas_colours_tell_a_from_b() {
    let cosine = Experiment {
        schedule: Schedule::Cosine,
        ..small()
    };
    for chapter in [Chapter::Reverse, Chapter::Trajectories] {
        for field in ["Learned", "Exact"] {
            for arrangement in [Arrangement::Overlay, Arrangement::Divider] {
                let mut window = window(lab(Some([small(), cosine.clone()])), chapter, false);
                click(&mut window, &format!("Field: {field}"));
                window.state_mut().stage.arrangement = arrangement;
                window.state_mut().desk.here.clock.set(0.9);
                window.run_steps(4);
                let name = format!("{} canvas, A", chapter.title());
                let canvas = rect(&window, &name).shrink2(vec2(60.0, 80.0));
                let image = window.render().unwrap();
                let hues: Vec<f32> = (canvas.top() as u32..canvas.bottom() as u32)
                    .flat_map(|y| (170..960).map(move |x| (x, y)))
                    .filter_map(|(x, y)| hue(image.get_pixel(x, y).0))
                    .collect();
                let near = |side: f32| {
                    hues.iter()
                        .filter(|h| ((**h - side + 540.0) % 360.0 - 180.0).abs() < 22.0)
                        .count()
                };
                let colors =
                    Side::BOTH.map(|side| hue(window.state().desk.color(side).to_array()).unwrap());
                let [a, b] = colors.map(near);
                let what = format!(
                    "{chapter:?}, {field}, {arrangement:?}: {a} of A, {b} of B, {} in all",
                    hues.len()
                );
                assert!(a > 150 && b > 150, "{what}");
                assert!((a + b) as f32 > 0.93 * hues.len() as f32, "{what}");
            }
        }
    }
}

/// In Overlay each side has its own truth where data or schedules differ, in a tint of its side; equal truths are painted
/// once, in their green.
#[test]
fn an_overlay_shows_the_truth_of_both() {
    let cosine = Experiment {
        schedule: Schedule::Cosine,
        ..small()
    };
    let moons = Experiment {
        data: DataSource::Shape(Shape::Moons),
        ..small()
    };
    for (what, b, one) in [
        ("path", cosine, false),
        ("data", moons, false),
        ("equal", small(), true),
    ] {
        let mut window = window(lab(Some([small(), b])), Chapter::ScoreField, false);
        click(&mut window, "Arrows: Exact");
        click(&mut window, "Behind: None");
        // Long enough to be told apart, and not all cut alike.
        click(&mut window, "Length: Log");
        window.state_mut().stage.arrangement = Arrangement::Overlay;
        window.run_steps(4);
        let canvas = rect(&window, "Score field canvas, A").shrink2(vec2(40.0, 70.0));
        let image = window.render().unwrap();
        let hues: Vec<f32> = (canvas.top() as u32..canvas.bottom() as u32)
            .flat_map(|y| (canvas.left() as u32..canvas.right() as u32).map(move |x| (x, y)))
            .filter_map(|(x, y)| hue(image.get_pixel(x, y).0))
            .collect();
        let near = |color: egui::Color32| {
            let wanted = hue(color.to_array()).unwrap();
            hues.iter()
                .filter(|h| ((**h - wanted + 540.0) % 360.0 - 180.0).abs() < 12.0)
                .count() as f32
                / hues.len() as f32
        };
        let [a, b] = Side::BOTH.map(|side| palette(false, side));
        let [of_a, of_b] =
            [a, b].map(|palette| near(palette.exact.lerp_to_gamma(palette.learned, 0.55)));
        let green = near(a.exact);
        let told = format!(
            "{what}: {of_a} of A, {of_b} of B, {green} green, of {}",
            hues.len()
        );
        if one {
            assert!(green > 0.9, "{told}");
        } else {
            assert!(of_a > 0.05 && of_b > 0.3 && green < 0.1, "{told}");
        }
    }
}

/// Names that are written on a canvas, and where.
fn written(window: &Window, canvas: egui::Rect) -> Vec<(String, egui::Rect)> {
    fn texts(shape: &egui::Shape, found: &mut Vec<(String, egui::Rect)>) {
        match shape {
            egui::Shape::Text(text) => {
                let sections = &text.galley.job.sections;
                // Names have a size of their own.
                if sections.iter().any(|s| {
                    [14.0, 1.08 * 14.0]
                        .iter()
                        .any(|size| (s.format.font_id.size - size).abs() < 0.02)
                }) {
                    let rect = text.galley.rect.translate(text.pos.to_vec2());
                    found.push((text.galley.text().to_owned(), rect));
                }
            }
            egui::Shape::Vec(shapes) => shapes.iter().for_each(|shape| texts(shape, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    let shapes = window.output().shapes.iter();
    shapes.for_each(|clipped| texts(&clipped.shape, &mut found));
    found.retain(|(_, rect)| canvas.contains(rect.center()));
    found
}

/// On one canvas the compass of B writes nothing over what A wrote, and nothing twice.
#[test]
fn two_compasses_on_one_canvas_write_past_one_another() {
    let cosine = Experiment {
        schedule: Schedule::Cosine,
        ..small()
    };
    for (b, least) in [(small(), 6), (cosine, 9)] {
        let mut window = window(lab(Some([small(), b])), Chapter::Compass, false);
        window.state_mut().stage.arrangement = Arrangement::Overlay;
        for name in ["Show: Next step", "Needle: Exact"] {
            click(&mut window, name);
        }
        let canvas = rect(&window, "Noise compass canvas, A");
        let names = written(&window, canvas);
        assert!(names.len() >= least, "{names:?}");
        assert_eq!(names.iter().filter(|(text, _)| text == "xt").count(), 1);
        for (index, (text, place)) in names.iter().enumerate() {
            for (other, taken) in &names[..index] {
                assert!(
                    !taken.intersects(*place),
                    "{text} {place:?} over {other} {taken:?}"
                );
            }
        }
    }
}

/// What is said of each side stands by itself, and says of which.
#[test]
fn both_verdicts_can_be_read_on_one_canvas() {
    let cosine = Experiment {
        schedule: Schedule::Cosine,
        ..small()
    };
    let lab = lab(Some([small(), cosine]));
    lab.train_until(50);
    lab.send(Command::Play.into());
    let mut window = window(lab, Chapter::Training, false);
    window.state_mut().stage.arrangement = Arrangement::Overlay;
    window.run_steps(4);
    let places = ["A: ", "B: "].map(|side| {
        let said: Vec<_> = window
            .get_all_by_role(Role::Status)
            .filter(|node| {
                node.accesskit_node()
                    .label()
                    .is_some_and(|label| label.starts_with(side))
            })
            .map(|node| node.rect())
            .collect();
        assert_eq!(said.len(), 1, "{side}");
        said[0]
    });
    assert!(!places[0].intersects(places[1]), "{places:?}");
}
