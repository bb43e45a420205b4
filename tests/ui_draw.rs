//! A data set drawn by hand: what the brush puts down is where the hand was, it is learned at once, kept as a CSV, and nothing
//! that was made is lost.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use egui::{Event, Key, Modifiers, PointerButton, Pos2, Rect, Vec2, pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;

use common::{Driven, Still, card, click, find, small, window};
use noise_compass::data::table;
use noise_compass::engine::{Cloud, EngineChoice};
use noise_compass::lab::drawing;
use noise_compass::lab::experiment::{DataSource, Experiment};
use noise_compass::lab::message::{Command, Order, Side, fresh_version};
use noise_compass::ui::chapters::Chapter;
use noise_compass::ui::desk::lab_handle::LabHandle as _;
use noise_compass::ui::shell::app::LabApp;
use noise_compass::ui::theme::palette;

type Window = Harness<'static, LabApp>;

const CANVAS: &str = "Training canvas";

/// A lab that trains no further than it is told, its window, and where its drawings go.
struct Room {
    lab: Driven,
    window: Window,
    drawings: PathBuf,
    _directory: tempfile::TempDir,
}

fn room() -> Room {
    let lab = Driven::new(small(), EngineChoice::Cpu);
    let directory = tempfile::tempdir().unwrap();
    let drawings = directory.path().join("drawings");
    let mut window = window(lab.clone(), Chapter::Training, false);
    window.state_mut().desk.drawings = Some(drawings.clone());
    Room {
        lab,
        window,
        drawings,
        _directory: directory,
    }
}

impl Room {
    fn drawing(&self, name: &str) -> PathBuf {
        self.drawings.join(name)
    }

    fn train_until(&mut self, step: u64) {
        self.lab.train_until(step);
        self.lab.send(Command::Play.into());
        self.window.run_steps(2);
        assert_eq!(self.lab.snapshots().a.step, step);
    }

    fn data(&self) -> DataSource {
        self.lab.snapshots().a.experiment.data.clone()
    }
}

fn at_once(window: &mut Window, events: &[Event]) {
    window.input_mut().events.extend_from_slice(events);
    window.run_steps(1);
}

fn button(pos: Pos2, pressed: bool) -> Event {
    Event::PointerButton {
        pos,
        button: PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    }
}

/// A stroke along a way, a frame for each of its points.
fn stroke(window: &mut Window, way: &[Pos2]) {
    at_once(window, &[Event::PointerMoved(way[0])]);
    at_once(window, &[button(way[0], true)]);
    for at in &way[1..] {
        at_once(window, &[Event::PointerMoved(*at)]);
    }
    at_once(window, &[button(way[way.len() - 1], false)]);
    window.run_steps(3);
}

fn press(window: &mut Window, modifiers: Modifiers, key: Key) {
    window.key_press_modifiers(modifiers, key);
    window.run_steps(3);
}

fn canvas(window: &Window) -> Rect {
    window.get_by_label(CANVAS).rect()
}

/// Points of the screen in a unit of the drawing: an empty sheet shows 2.5 on either side of 0.
fn unit(canvas: Rect) -> f32 {
    canvas.size().min_elem() / 5.0
}

/// Where a place of the screen lies on the sheet.
fn on_sheet(canvas: Rect, at: Pos2) -> [f32; 2] {
    let away = (at - canvas.center()) / unit(canvas);
    [away.x, -away.y]
}

fn rows(path: &Path) -> Vec<[f64; 2]> {
    table::read(path).unwrap().rows
}

fn line(canvas: Rect, from: Vec2, to: Vec2, frames: u16) -> Vec<Pos2> {
    let at = |i| canvas.center() + from + (to - from) * f32::from(i) / f32::from(frames);
    (0..=frames).map(at).collect()
}

/// How far a point is from the piece of line between two others.
fn away(point: [f32; 2], [a, b]: [[f32; 2]; 2]) -> f32 {
    let (ab, ap) = (
        [b[0] - a[0], b[1] - a[1]],
        [point[0] - a[0], point[1] - a[1]],
    );
    let way = ((ab[0] * ap[0] + ab[1] * ap[1]) / (ab[0].powi(2) + ab[1].powi(2))).clamp(0.0, 1.0);
    (ap[0] - way * ab[0]).hypot(ap[1] - way * ab[1])
}

#[test]
fn what_is_drawn_is_learned_at_once_and_lies_where_the_hand_was() {
    let mut room = room();
    room.train_until(20);
    click(&mut room.window, "Draw…");
    let canvas = canvas(&room.window);
    assert!(!room.drawings.exists(), "nothing is kept of nothing");
    let way = line(canvas, vec2(-150.0, 60.0), vec2(120.0, -40.0), 6);
    stroke(&mut room.window, &way);
    let path = room.drawing("drawing.csv");
    assert_eq!(room.data(), DataSource::Csv(path.clone()));
    let ends = [way[0], way[6]].map(|at| on_sheet(canvas, at));
    let drawn = rows(&path);
    assert!(drawn.len() > 100, "{}", drawn.len());
    // The brush has a radius of 0.15.
    for row in &drawn {
        let off = away(row.map(|at| at as f32), ends);
        assert!(off <= 0.15 + 1e-4, "{row:?} is {off} from the way");
    }
    // From one end to the other: along the way no gap is wider than the brush.
    let (dx, dy) = (ends[1][0] - ends[0][0], ends[1][1] - ends[0][1]);
    let along = |row: &[f64; 2]| {
        ((row[0] as f32 - ends[0][0]) * dx + (row[1] as f32 - ends[0][1]) * dy) / dx.hypot(dy)
    };
    let mut along: Vec<f32> = drawn.iter().map(along).collect();
    along.sort_unstable_by(f32::total_cmp);
    assert!(along[0] < 0.15 && along[along.len() - 1] > dx.hypot(dy) - 0.15);
    assert!(along.windows(2).all(|pair| pair[1] - pair[0] < 0.3));
    // The training goes on with it, under the same weights.
    assert_eq!(room.lab.snapshots().a.step, 20);
    let dataset = room.lab.snapshots().a.dataset.clone();
    let held_out = dataset.reference.clone();
    let kept = match held_out {
        noise_compass::data::reference::Reference::HeldOut(kept) => kept.len(),
        noise_compass::data::reference::Reference::Mixture(_) => 0,
    };
    assert_eq!(dataset.points.len() + kept, drawn.len());
    room.train_until(30);
    assert_eq!(room.data(), DataSource::Csv(path));
}

/// A second stroke changes mean and variance of the data: nothing moves on the canvas, nor when drawing ends.
#[test]
fn what_the_training_took_lies_where_it_was_drawn() {
    let mut room = room();
    room.train_until(5);
    click(&mut room.window, "Draw…");
    let canvas = canvas(&room.window);
    // Two dots, far apart, and then a long way to the right that moves the mean.
    let dots = [vec2(-160.0, -90.0), vec2(40.0, 100.0)].map(|at| canvas.center() + at);
    for at in dots {
        stroke(&mut room.window, &[at]);
    }
    let far = canvas.center() + vec2(230.0, 100.0);
    stroke(&mut room.window, &[far, far + vec2(60.0, 0.0)]);
    room.window.run_steps(3);
    let middle = |room: &mut Room, at: Pos2| {
        let image = room.window.render().unwrap();
        let (mut sum, mut count) = (Vec2::ZERO, 0.0_f32);
        for y in -30..=30 {
            for x in -30..=30 {
                let here = at + vec2(x as f32, y as f32);
                let [r, g, b, _] = image.get_pixel(here.x as u32, here.y as u32).0;
                // Data are nearly white; samples are blue, the density is bluer.
                if r > 90 && r.abs_diff(g) < 14 && r.abs_diff(b) < 24 {
                    sum += here.to_vec2() * f32::from(r);
                    count += f32::from(r);
                }
            }
        }
        assert!(count > 0.0, "nothing is drawn at {at}");
        (sum / count).to_pos2()
    };
    let drawn = dots.map(|at| middle(&mut room, at));
    for (drawn, at) in drawn.iter().zip(dots) {
        // A dab of a few hundred points within 13 pixels.
        assert!((*drawn - at).length() < 3.0, "{drawn} for {at}");
    }
    press(&mut room.window, Modifiers::NONE, Key::Escape);
    assert!(!room.window.state().desk.is_drawing());
    let view = room.window.state().desk.here.cameras["training"];
    let dataset = room.lab.snapshots().a.dataset.clone();
    for at in dots {
        let point = on_sheet(canvas, at).map(f64::from);
        let there = view.to_screen(canvas, dataset.standardisation.apply(point));
        assert!((there - at).length() < 0.05, "{at} has gone to {there}");
    }
    // And the rows of the data set are there, as the canvas now shows them.
    let near = |at: Pos2, dot: Pos2| (at - dot).length() < 0.15 * unit(canvas) + 0.1;
    let shown: Vec<Pos2> = dataset
        .points
        .iter()
        .map(|row| view.to_screen(canvas, *row))
        .collect();
    for dot in dots {
        assert!(shown.iter().any(|at| near(*at, dot)));
    }
    let width = far + vec2(60.0, 0.0);
    for at in shown {
        let on_way = at.x > far.x - 20.0 && at.x < width.x + 20.0 && (at.y - far.y).abs() < 20.0;
        assert!(
            dots.iter().any(|dot| near(at, *dot)) || on_way,
            "{at} was never drawn"
        );
    }
}

/// Of a square from 1 to 2 the mean is 1.5 and the deviation 0.5: samples at (-3, 0) in standardised units lie at (0, 1.5).
#[test]
fn samples_are_shown_in_the_units_of_the_drawing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("square.csv");
    let corners = [[1.0, 1.0], [1.0, 2.0], [2.0, 1.0], [2.0, 2.0]];
    let dots = corners.map(|at| drawing::Dot { at, label: 0 });
    fs::write(&path, drawing::csv(&dots)).unwrap();
    let experiment = Experiment {
        data: DataSource::Csv(path),
        ..small()
    };
    let lab = Still::new(experiment, card(), 7);
    {
        let mut snapshot = lab.snapshot();
        snapshot.samples = Some(Cloud::Host(Arc::new(vec![[-3.0, 0.0]; 40])));
        snapshot.samples_version = fresh_version();
    }
    let mut window = window(lab.clone(), Chapter::Training, false);
    click(&mut window, "Draw…");
    let canvas = canvas(&window);
    let image = window.render().unwrap();
    let [r, g, b, _] = palette(false, Side::A).learned.to_array();
    let is_blue = |p: &[u8; 4]| {
        let off = |own: u8, of: u8| own.abs_diff(of) < 40;
        off(p[0], r) && off(p[1], g) && off(p[2], b)
    };
    let blue: Vec<Pos2> = image
        .enumerate_pixels()
        .filter(|(_, _, pixel)| is_blue(&pixel.0))
        .map(|(x, y, _)| pos2(x as f32 + 0.5, y as f32 + 0.5))
        // Below the legend, which has a blue dot as well.
        .filter(|at| canvas.contains(*at) && at.y > canvas.top() + 45.0)
        .collect();
    let expected = canvas.center() - vec2(0.0, 1.5 * unit(canvas));
    assert!(!blue.is_empty());
    for at in blue {
        assert!((at - expected).length() < 3.5, "{at}, not {expected}");
    }
}

#[test]
fn strokes_are_undone_and_done_again_and_the_file_follows() {
    let mut room = room();
    room.train_until(10);
    click(&mut room.window, "Draw…");
    let canvas = canvas(&room.window);
    let path = room.drawing("drawing.csv");
    let mut states = Vec::new();
    for y in [-80.0, 0.0, 80.0] {
        let way = line(canvas, vec2(-100.0, y), vec2(100.0, y), 3);
        stroke(&mut room.window, &way);
        states.push(fs::read_to_string(&path).unwrap());
    }
    let read = || fs::read_to_string(&path).unwrap();
    press(&mut room.window, Modifiers::COMMAND, Key::Z);
    assert_eq!(read(), states[1]);
    click(&mut room.window, "Undo stroke");
    assert_eq!(read(), states[0]);
    let trained = room.lab.snapshots().a.dataset.clone();
    assert_eq!(
        trained.file,
        noise_compass::data::dataset::FileStamp::of(&path)
    );
    press(
        &mut room.window,
        Modifiers::COMMAND | Modifiers::SHIFT,
        Key::Z,
    );
    assert_eq!(read(), states[1]);
    click(&mut room.window, "Redo");
    assert_eq!(read(), states[2]);
    // Undo of everything: a training needs something, so it keeps what it has, and that is said.
    for _ in 0..3 {
        press(&mut room.window, Modifiers::COMMAND, Key::Z);
    }
    assert!(find(&room.window, "Points 0").is_some());
    assert!(find(&room.window, "A training needs two different points").is_some());
    assert_eq!(read(), states[0]);
    press(&mut room.window, Modifiers::COMMAND, Key::Y);
    click(&mut room.window, "Clear");
    assert!(find(&room.window, "Points 0").is_some());
    click(&mut room.window, "Undo stroke");
    assert_eq!(read(), states[0]);
    room.train_until(15);
    assert!(
        room.lab
            .snapshots()
            .a
            .notices
            .after(0)
            .iter()
            .all(|notice| { !matches!(notice, noise_compass::lab::message::Notice::Error(_)) })
    );
}

#[test]
fn the_eraser_takes_what_it_covers_from_the_file() {
    let mut room = room();
    click(&mut room.window, "Draw…");
    let canvas = canvas(&room.window);
    stroke(
        &mut room.window,
        &line(canvas, vec2(-150.0, 0.0), vec2(150.0, 0.0), 8),
    );
    let before = drawing::read(&room.drawing("drawing.csv")).unwrap();
    click(&mut room.window, "Tool: Eraser");
    stroke(&mut room.window, &[canvas.center()]);
    let after = drawing::read(&room.drawing("drawing.csv")).unwrap();
    let left: Vec<_> = before
        .iter()
        .filter(|dot| dot.at[0].hypot(dot.at[1]) > 0.15)
        .copied()
        .collect();
    assert!(left.len() < before.len());
    assert_eq!(after, left);
}

#[test]
fn two_colours_are_two_labels_in_the_file() {
    let mut room = room();
    click(&mut room.window, "Draw…");
    let canvas = canvas(&room.window);
    stroke(&mut room.window, &[canvas.center() + vec2(-80.0, 0.0)]);
    click(&mut room.window, "Colour: Label 1");
    stroke(&mut room.window, &[canvas.center() + vec2(80.0, 0.0)]);
    let dots = drawing::read(&room.drawing("drawing.csv")).unwrap();
    for label in [0, 1] {
        assert!(dots.iter().any(|dot| dot.label == label));
    }
    assert!(dots.iter().all(|dot| (dot.at[0] > 0.0) == (dot.label == 1)));
    assert!(find(&room.window, "Labels are kept in the file").is_some());
    // They are seen: neither has the colour of A or of B.
    let image = room.window.render().unwrap();
    for light in [false, true] {
        let p = palette(light, Side::A);
        assert!(
            ![p.learned, p.other].contains(&p.truth) && ![p.learned, p.other].contains(&p.data)
        );
    }
    let [r, _, b, _] = palette(false, Side::A).truth.to_array();
    let pink = image
        .enumerate_pixels()
        .filter(|(x, y, _)| canvas.contains(pos2(*x as f32, *y as f32)))
        .filter(|(_, _, p)| p.0[0] > r / 2 && p.0[2] > b / 2 && p.0[0] > p.0[1] + 30)
        .count();
    assert!(pink > 50, "{pink}");
}

/// Nothing that was drawn is lost: not by another drawing, by going away and coming back, by Cancel, or by a new name.
#[test]
fn what_was_drawn_stays() {
    let mut room = room();
    let before = room.data();
    click(&mut room.window, "Draw…");
    let canvas = canvas(&room.window);
    stroke(
        &mut room.window,
        &line(canvas, vec2(-90.0, 0.0), vec2(90.0, 0.0), 3),
    );
    let first = room.drawing("drawing.csv");
    let kept = fs::read_to_string(&first).unwrap();
    click(&mut room.window, "Cancel");
    assert_eq!(room.data(), before);
    assert_eq!(fs::read_to_string(&first).unwrap(), kept);
    // Another drawing takes another name, and the menu has them both.
    click(&mut room.window, "Draw…");
    stroke(
        &mut room.window,
        &line(canvas, vec2(0.0, -90.0), vec2(0.0, 90.0), 3),
    );
    let second = room.drawing("drawing-2.csv");
    assert_eq!(room.data(), DataSource::Csv(second.clone()));
    assert_eq!(fs::read_to_string(&first).unwrap(), kept);
    click(&mut room.window, "Done");
    click(&mut room.window, "Data: drawing-2.csv");
    click(&mut room.window, "drawing.csv");
    assert_eq!(room.data(), DataSource::Csv(first.clone()));
    // Begun again it goes on; cancelled it is as it was, and that can be undone.
    click(&mut room.window, "Draw…");
    stroke(&mut room.window, &[canvas.center() + vec2(0.0, 90.0)]);
    let more = fs::read_to_string(&first).unwrap();
    assert!(more.starts_with(&kept) && more.len() > kept.len());
    click(&mut room.window, "Cancel");
    assert_eq!(fs::read_to_string(&first).unwrap(), kept);
    click(&mut room.window, "Draw…");
    press(&mut room.window, Modifiers::COMMAND, Key::Z);
    assert_eq!(fs::read_to_string(&first).unwrap(), more);
    // Under another name, beside the old one; a name that is taken is refused.
    let mine = room.drawings.join("mine.csv");
    for (path, told) in [(&second, true), (&mine, false)] {
        let field = room.window.get_by_label("Keep the drawing as");
        field.focus();
        room.window.run_steps(1);
        room.window.state_mut().desk.files.drawing.clear();
        room.window
            .get_by_label("Keep the drawing as")
            .type_text(&path.display().to_string());
        room.window.run_steps(2);
        click(&mut room.window, "Keep as");
        let said = format!("{} is there already", path.display());
        assert_eq!(find(&room.window, &said).is_some(), told);
    }
    assert_eq!(fs::read_to_string(&mine).unwrap(), more);
    assert_eq!(fs::read_to_string(&first).unwrap(), more);
    assert_eq!(room.data(), DataSource::Csv(mine));
}

/// Many strokes are no many replaced trainings: the one before the drawing can be had again.
#[test]
fn the_training_before_the_drawing_can_be_had_again() {
    let mut room = room();
    room.train_until(20);
    click(&mut room.window, "Draw…");
    let canvas = canvas(&room.window);
    for i in 0..12_u16 {
        let at = canvas.center() + vec2(12.0 * f32::from(i) - 70.0, 30.0);
        stroke(&mut room.window, &[at, at + vec2(5.0, 9.0)]);
        room.train_until(21 + u64::from(i));
    }
    let shelf = room.lab.snapshots().shelf;
    let before: Vec<_> = shelf
        .iter()
        .filter(|item| item.experiment.data == small().data)
        .map(|item| item.step)
        .collect();
    assert_eq!((shelf.len(), before), (2, vec![20]));
    // No stroke tells that its file was read.
    assert!(find(&room.window, "drawing.csv has changed").is_none());
}

#[test]
fn other_data_or_another_chapter_end_the_drawing() {
    let mut room = room();
    click(&mut room.window, "Draw…");
    let canvas = canvas(&room.window);
    stroke(
        &mut room.window,
        &line(canvas, vec2(-90.0, 0.0), vec2(90.0, 0.0), 3),
    );
    let drawn = room.data();
    click(&mut room.window, "Forward");
    assert!(!room.window.state().desk.is_drawing());
    assert_eq!(room.data(), drawn);
    // From the menu of any chapter: the canvas of the training is opened.
    click(&mut room.window, "Data: drawing.csv");
    click(&mut room.window, "Draw a data set…");
    assert_eq!(room.window.state().chapter(), Chapter::Training);
    assert!(room.window.state().desk.is_drawing());
    click(&mut room.window, "Data: drawing.csv");
    click(&mut room.window, "Two moons");
    room.window.run_steps(2);
    assert!(!room.window.state().desk.is_drawing());
    assert!(matches!(room.data(), DataSource::Shape(_)));
}

/// The drawing is of the side whose settings are on show; the other side is left alone.
#[test]
fn one_side_draws_and_the_other_is_left_alone() {
    let mut room = room();
    room.train_until(10);
    room.lab.send(Order::Equalise);
    room.window.run_steps(3);
    click(&mut room.window, "Experiment: B");
    click(&mut room.window, "Draw…");
    let canvas = room.window.get_by_label("Training canvas, B").rect();
    let home = room
        .window
        .state()
        .desk
        .side_state(Side::A)
        .unwrap()
        .cameras
        .clone();
    stroke(
        &mut room.window,
        &line(canvas, vec2(-60.0, -40.0), vec2(60.0, 60.0), 4),
    );
    let snapshots = room.lab.snapshots();
    let path = room.drawing("drawing.csv");
    assert_eq!(snapshots.a.experiment.data, small().data);
    let b = snapshots.b.unwrap();
    assert_eq!(b.experiment.data, DataSource::Csv(path.clone()));
    assert_eq!(
        room.window
            .state()
            .desk
            .side_state(Side::A)
            .unwrap()
            .cameras,
        home
    );
    let drawn = drawing::read(&path).unwrap();
    for dot in drawn {
        let ends =
            [vec2(-60.0, -40.0), vec2(60.0, 60.0)].map(|at| on_sheet(canvas, canvas.center() + at));
        assert!(away(dot.at, ends) <= 0.15 + 1e-4);
    }
    assert_eq!(b.step, 0, "what learned partly other data would be unfair");
}

/// As fast as can be: all of the way within one frame, and a click that is no drag.
#[test]
fn a_quick_hand_draws_too() {
    let mut room = room();
    click(&mut room.window, "Draw…");
    let canvas = canvas(&room.window);
    let [from, to] = [vec2(-100.0, 50.0), vec2(100.0, 50.0)].map(|at| canvas.center() + at);
    let moved = Event::PointerMoved;
    at_once(&mut room.window, &[moved(from)]);
    at_once(
        &mut room.window,
        &[
            button(from, true),
            moved(canvas.center()),
            moved(to),
            button(to, false),
        ],
    );
    room.window.run_steps(2);
    let path = room.drawing("drawing.csv");
    let dots = drawing::read(&path).unwrap();
    let middle = on_sheet(canvas, canvas.center());
    let ends = [from, to].map(|at| on_sheet(canvas, at));
    assert!(dots.iter().all(|dot| {
        away(dot.at, [ends[0], middle]).min(away(dot.at, [middle, ends[1]])) <= 0.15 + 1e-4
    }));
    assert!(dots.iter().any(|dot| dot.at[0] < ends[0][0] + 0.2));
    assert!(dots.iter().any(|dot| dot.at[0] > ends[1][0] - 0.2));
    // Where a pinch brought it, the canvas stays under two quick dabs.
    at_once(&mut room.window, &[Event::Zoom(1.2)]);
    let look = |room: &Room| room.window.state().desk.here.camera("training");
    let seen = look(&room);
    assert!(seen.is_some());
    at_once(
        &mut room.window,
        &[
            button(to, true),
            button(to, false),
            button(to, true),
            button(to, false),
        ],
    );
    room.window.run_steps(2);
    assert_eq!(look(&room), seen);
    room.window.run_steps(2);
    let more = drawing::read(&path).unwrap();
    assert!(more.len() > dots.len());
    assert!(
        room.window.state().desk.is_drawing(),
        "two clicks are two dabs"
    );
}
