//! Drawing: a brush on the canvas makes a data set. At the end of each stroke the points are written to a CSV, and the
//! training goes on with them.
//!
//! The canvas of a drawing has the units of the drawing, which its own camera looks at: nothing moves under the hand,
//! though each stroke changes the mean and the variance by which its points are standardised. Samples are shown in the
//! drawing's units too, by the data set that they are of. When drawing ends, the chapter's camera looks where this one did.

mod brush;
mod panel;
mod paper;
mod strokes;

use std::sync::Arc;

use egui::{Color32, CursorIcon, Event, PointerButton, Pos2, Response, Ui};

use crate::canvas::camera::Camera;
use crate::canvas::device::Dots;
use crate::canvas::paint::Layer;
use crate::canvas::{Mark, Role, Scene, View};
use crate::desk::Desk;
use crate::desk::side_state::Easel;
use crate::theme::Palette;
use brush::{Brush, Tool};
use engine::Cloud;
use lab::drawing::{self, Dot};
use lab::experiment::DataSource;
use lab::message::fresh_version;
use maths::data::bounds::Bounds;
use paper::Paper;

/// The chapter's camera, by its name.
const CAMERA: &str = super::WORDS.name;
/// What an empty canvas shows, in the units of the drawing.
const FIELD: Bounds = Bounds {
    min: [-2.5, -2.5],
    max: [2.5, 2.5],
};
/// A frame that took longer sprays no more than this.
const LONGEST_FRAME_SECS: f32 = 0.25;

/// What to try.
pub const HINT: &str = "Hold the first button and draw. Each stroke is learned as soon as you let go. The wheel zooms, the right button moves the view.";

/// The brush, and what is drawn.
#[derive(Default)]
pub struct Drawing {
    brush: Brush,
    paper: Paper,
    /// While one draws.
    visit: Option<Visit>,
    shown: Shown,
}

/// One time that somebody draws.
struct Visit {
    /// What was learned before.
    before: DataSource,
    /// What was on the paper before.
    dots: Vec<Dot>,
    /// The training has taken the drawing.
    taken: bool,
    home: Bounds,
    /// Where the canvas looked last.
    seen: Option<Camera>,
    /// Where the hand was last, while it is down.
    hand: Option<[f32; 2]>,
    /// What is to be said of the file.
    told: Option<String>,
}

/// The points of each colour, for painting.
#[derive(Default)]
struct Shown {
    of: Option<u64>,
    clouds: [Arc<Vec<[f32; 2]>>; 2],
    version: u64,
}

/// The colour of a label.
fn color(label: u8, palette: &Palette) -> Color32 {
    if label == 0 {
        palette.data
    } else {
        palette.truth
    }
}

impl Drawing {
    /// True while somebody draws.
    pub fn is_on(&self) -> bool {
        self.visit.is_some()
    }

    /// Begin: on the drawing that is learned, where it is one, else on an empty paper.
    fn begin(&mut self, desk: &mut Desk) {
        if self.is_on() {
            return;
        }
        let before = desk.here.draft.data.clone();
        let opened = match &before {
            DataSource::Csv(path) if self.paper.is_of(path) => None,
            DataSource::Csv(path) => Some(Paper::open(path).unwrap_or_default()),
            DataSource::Shape(_) if self.paper.is_unkept() => None,
            DataSource::Shape(_) => Some(Paper::default()),
        };
        if let Some(opened) = opened {
            self.paper = opened;
        }
        let dots = self.paper.strokes.dots().to_vec();
        let points: Vec<_> = dots.iter().map(|dot| dot.at).collect();
        let home = Bounds::around(&points).map_or(FIELD, |all| FIELD.joined(all.scaled(1.1)));
        self.visit = Some(Visit {
            before,
            dots,
            taken: false,
            home,
            seen: None,
            hand: None,
            told: None,
        });
        desk.here.easel = Some(Easel::default());
    }

    /// End, and go on learning what is drawn. What lies on the canvas stays where it is.
    pub fn end(&mut self, desk: &mut Desk) {
        if !self.is_on() {
            return;
        }
        if self.paper.strokes.end() {
            self.keep(desk);
        }
        let seen = self.visit.take().and_then(|visit| visit.seen);
        desk.here.easel = None;
        if let (Some(camera), true) = (seen, self.is_learned(desk)) {
            let map = desk.here.snapshot.dataset.standardisation;
            desk.here.cameras.insert(CAMERA, camera.through(map));
        }
    }

    /// End, and go back to what was there before: to the data, or to the drawing as it was. Its file stays.
    fn cancel(&mut self, desk: &mut Desk) {
        self.paper.strokes.end();
        let Some(visit) = &self.visit else { return };
        let (before, dots) = (visit.before.clone(), visit.dots.clone());
        if self.data().as_ref() == Some(&before) {
            if self.paper.strokes.put_back(dots) {
                self.keep(desk);
            }
        } else if desk.here.draft.data != before {
            desk.choose_data(before);
        }
        self.visit = None;
        desk.here.easel = None;
    }

    /// The drawing as data, once it is kept.
    fn data(&self) -> Option<DataSource> {
        Some(DataSource::Csv(self.paper.path()?.to_owned()))
    }

    /// True where the training is on the drawing.
    fn is_learned(&self, desk: &Desk) -> bool {
        self.data().as_ref() == Some(&desk.here.snapshot.experiment.data)
    }

    /// Write what is drawn, and let it be learned. Too few points are neither.
    fn keep(&mut self, desk: &mut Desk) {
        if !drawing::is_learnable(self.paper.strokes.dots()) {
            return;
        }
        let kept = self.paper.keep(desk.drawings.as_deref());
        self.after_keeping(kept, desk);
    }

    fn after_keeping(&mut self, kept: Result<Option<String>, String>, desk: &mut Desk) {
        let learn = kept.is_ok() && drawing::is_learnable(self.paper.strokes.dots());
        if let Some(visit) = &mut self.visit {
            visit.told = kept.unwrap_or_else(Some);
        }
        if let (true, Some(path)) = (learn, self.paper.path()) {
            desk.learn_anew(path.to_owned());
        }
    }

    /// Begin where it was asked for, end where other data were chosen, and keep at hand what is painted.
    pub fn prepare(&mut self, desk: &mut Desk) {
        let side = desk.side();
        if desk.draw_wanted.take_if(|wanted| *wanted == side).is_some() {
            self.begin(desk);
        }
        let own = self.data();
        let Some(visit) = &mut self.visit else { return };
        let (runs, asked) = (&desk.here.snapshot.experiment.data, &desk.here.draft.data);
        let is_own = |data: &DataSource| own.as_ref() == Some(data);
        visit.taken |= is_own(runs);
        let went_back = *runs == visit.before && *asked == visit.before && !visit.taken;
        if !is_own(runs) && !is_own(asked) && !went_back {
            self.end(desk);
            return;
        }
        let version = self.paper.strokes.version();
        if self.shown.of != Some(version) {
            let of = |label| {
                let dots = self.paper.strokes.dots().iter();
                let own = dots.filter(|dot| dot.label == label).map(|dot| dot.at);
                Arc::new(own.collect())
            };
            self.shown = Shown {
                of: Some(version),
                clouds: [of(0), of(1)],
                version: fresh_version(),
            };
        }
    }

    /// Do what the hand does with the brush.
    pub fn take_hand(&mut self, ui: &Ui, view: &View, response: &Response, desk: &mut Desk) {
        let Self {
            brush,
            paper,
            visit: Some(visit),
            ..
        } = self
        else {
            return;
        };
        visit.seen = Some(view.camera);
        if response.hovered() {
            ui.ctx().set_cursor_icon(CursorIcon::Crosshair);
        }
        let first = PointerButton::Primary;
        let down =
            response.is_pointer_button_down_on() && ui.input(|i| i.pointer.button_down(first));
        let stopped = response.clicked_by(first)
            || response.drag_stopped_by(first)
            || was_flick(ui, response);
        if visit.hand.is_none() && !(down || stopped) {
            return;
        }
        if visit.hand.is_none() {
            paper.strokes.begin();
            brush.touch();
        }
        let way = way_of_hand(ui, visit.hand.is_some()).into_iter();
        let way = way.chain(response.interact_pointer_pos());
        let mut path: Vec<[f32; 2]> = visit.hand.into_iter().collect();
        path.extend(way.map(|at| view.to_data(at)));
        path.dedup();
        match brush.tool {
            Tool::Brush => {
                let secs = ui.input(|i| i.stable_dt).min(LONGEST_FRAME_SECS);
                let seen = |dot: &Dot| view.rect.contains(view.to_screen(dot.at));
                let dots = brush.spray(&path, secs);
                paper.strokes.add(dots.into_iter().filter(seen));
            }
            Tool::Eraser => paper.strokes.erase(&path, brush.radius),
        }
        visit.hand = path.last().copied().filter(|_| down);
        if down {
            // The brush sprays as long as it is held.
            ui.ctx().request_repaint();
        } else if paper.strokes.end() {
            self.keep(desk);
        }
    }

    /// The points, and the samples in the units of the drawing.
    pub fn scene(&self, desk: &Desk) -> Scene {
        let (palette, snapshot) = (desk.palette(), &desk.here.snapshot);
        let mut scene = Scene::default();
        for (label, key) in [(0_u8, "drawn 0"), (1, "drawn 1")] {
            let points = &self.shown.clouds[usize::from(label)];
            if points.is_empty() {
                continue;
            }
            let layer = Layer::Points {
                key,
                cloud: Cloud::Host(points.clone()),
                version: self.shown.version,
                dots: Dots {
                    color: color(label, palette).gamma_multiply(0.75),
                    radius: 1.4,
                },
            };
            scene.push(Role::Data, layer);
            let text = format!("drawn, label {label}");
            scene.name(Role::Data, Mark::Dot, color(label, palette), text);
        }
        if let (Some(samples), true) = (&snapshot.samples, self.is_learned(desk)) {
            let points = Layer::Points {
                key: "samples",
                cloud: samples.clone(),
                version: snapshot.samples_version,
                dots: Dots {
                    color: palette.learned.gamma_multiply(0.9),
                    radius: 1.5,
                },
            };
            let map = snapshot.dataset.standardisation;
            scene.push(Role::Learned, Layer::Placed(map, Box::new(points)));
            scene.name(Role::Learned, Mark::Dot, palette.learned, "samples");
        }
        scene
    }

    /// What the canvas shows until the hand moves it.
    pub fn home(&self) -> Option<Bounds> {
        self.visit.as_ref().map(|visit| visit.home)
    }

    /// The brush under the pointer.
    pub fn overlay_ui(&self, ui: &Ui, view: &View, desk: &Desk) {
        let (true, Some(at)) = (self.is_on(), view.pointer) else {
            return;
        };
        let palette = desk.palette();
        let radius = self.brush.radius * view.camera.points_per_unit(view.rect);
        let line = match self.brush.tool {
            Tool::Brush => color(self.brush.label, palette),
            Tool::Eraser => palette.fault,
        };
        let painter = ui.painter_at(view.rect.intersect(ui.clip_rect()));
        painter.circle_stroke(at, radius, (3.0, palette.canvas));
        painter.circle_stroke(at, radius, (1.5, line));
    }
}

/// True where a slow frame saw all of a stroke, which is neither a click nor a drag.
fn was_flick(ui: &Ui, response: &Response) -> bool {
    let is_press = |event: &Event| {
        matches!(event, Event::PointerButton { pos, button: PointerButton::Primary, pressed: true, .. }
            if response.rect.contains(*pos))
    };
    response.contains_pointer()
        && ui.input(|i| i.pointer.primary_released() && i.events.iter().any(is_press))
}

/// Where the pointer was in this frame while the first button was down, in order: a frame may see much of a quick way.
fn way_of_hand(ui: &Ui, mut down: bool) -> Vec<Pos2> {
    let mut way = Vec::new();
    ui.input(|i| {
        for event in &i.events {
            match event {
                Event::PointerMoved(at) if down => way.push(*at),
                Event::PointerButton {
                    pos,
                    button: PointerButton::Primary,
                    pressed,
                    ..
                } => {
                    if *pressed || down {
                        way.push(*pos);
                    }
                    down = *pressed;
                }
                _ => {}
            }
        }
    });
    way
}
