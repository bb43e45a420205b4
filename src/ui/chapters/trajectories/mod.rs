//! Trajectories: the same starts, carried to the data by the reverse SDE and by the probability-flow ODE.

mod controls;
mod layers;
mod placing;
mod readings;
mod runs;
mod sheet;
mod starts;
mod steps;

pub use sheet::SHEET;

use egui::{Color32, Context, Rect, Response, Sense, Ui, UiBuilder, vec2};

use crate::canvas::motion::Projection;
use crate::canvas::{Axes, Mark, Role, Scene, View};
use crate::chapters::Page;
use crate::desk::Desk;
use crate::truths;
use crate::widgets::equation::{Equation, Piece};
use crate::widgets::number::grouped;
use lab::message::RunResult;
use maths::data::bounds::Bounds;
use maths::diffusion::solver::Placement;
use maths::names::Words;
use runs::{Settings, TrajectoryRuns};
use starts::{Noise, Starts};
use std::sync::Arc;

/// Data units from noise to data in the space-time view; half of it in the turned one.
const TIME_WIDTH: f32 = 8.0;
/// Half the height of the box around the turned view.
const BOX: f32 = 2.6;
/// The names of the coordinates.
const COORDINATES: [&str; 2] = ["x", "y"];

/// From where one looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    Plane,
    Time,
    Turned,
}

/// Which paths are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Both,
    Ode,
    Sde,
}

/// How the chapter is called.
pub const WORDS: Words = Words {
    name: "trajectories",
    title: "Trajectories",
    symbol: "Trajectories",
    short: "trajectories",
    help: "the same starts, carried to the data by the SDE and by the ODE",
};

/// How the chapter shows things.
#[derive(Clone, Copy)]
pub(super) struct Show {
    /// Chosen when the chapter opens: an untrained network leads nowhere.
    exact: Option<bool>,
    follow: bool,
    look: Look,
    /// Degrees.
    turn: f32,
    tilt: f32,
    /// The coordinate against time, 0 or 1.
    coordinate: usize,
    click_bundles: bool,
    shown: Shown,
    ends: bool,
    eta: f64,
    sde_steps: u32,
    method: usize,
    ode_steps: u32,
    /// What a step may be wrong by that a path chooses.
    tolerance: f64,
    /// Where the steps of both lie; `None` where each has them.
    placement: Option<Placement>,
}

impl Default for Show {
    fn default() -> Self {
        Self {
            exact: None,
            follow: true,
            look: Look::Time,
            turn: 25.0,
            tilt: 20.0,
            coordinate: 0,
            click_bundles: false,
            shown: Shown::Both,
            ends: false,
            eta: 1.0,
            sde_steps: 100,
            method: 1,
            ode_steps: 50,
            tolerance: 1e-3,
            placement: None,
        }
    }
}

/// The chapter's state.
#[derive(Default)]
pub struct Trajectories {
    pub(super) show: Show,
    pub(super) hand: Starts,
    runs: TrajectoryRuns,
    /// The start under the hand, and whether it is on its way.
    held: Option<usize>,
    moving: bool,
    /// The clock is to run from noise to data when the paths are there.
    simulating: bool,
}

impl Trajectories {
    /// The noise at t = T of the experiment on show.
    fn noise(&self, desk: &Desk) -> Noise {
        let draft = &desk.here.draft;
        Noise {
            std: draft.schedule.prior_std(draft.timesteps) as f32,
            coordinate: self.show.coordinate,
        }
    }

    fn settings(&self, desk: &Desk) -> Settings {
        Settings {
            exact: self.show.exact.unwrap_or(desk.here.snapshot.step == 0),
            follow: self.show.follow,
            eta: self.show.eta,
            sde_steps: self.show.sde_steps,
            method: self.show.method,
            ode_steps: self.show.ode_steps,
            tolerance: self.show.tolerance,
            placement: self.show.placement,
            moving: self.moving,
        }
    }

    /// Start the clock from the noise, once the paths that were asked for are there.
    fn simulate(&mut self, desk: &mut Desk) {
        if self.simulating && self.hand.is_empty() {
            self.simulating = false;
        }
        if self.simulating && self.runs.are_there(self.show.method) {
            self.simulating = false;
            desk.here.clock.set(1.0);
            desk.here.clock.toggle();
        }
    }

    fn projection(&self, desk: &Desk) -> Projection {
        match self.show.look {
            Look::Plane => Projection::PLANE,
            Look::Time => Projection::space_time(self.show.coordinate, self.time_width(desk)),
            Look::Turned => Projection::turned(
                self.show.turn.to_radians(),
                self.show.tilt.to_radians(),
                0.75 * TIME_WIDTH,
            ),
        }
    }

    /// How far the plane is shown, in standard deviations of the noise; where variance explodes no farther than twice that of
    /// unit noise, or the data would be a speck.
    fn reach(&self, desk: &Desk) -> f32 {
        self.noise(desk).std.min(2.0)
    }

    /// The way from noise to data is as long, beside the height, on any schedule.
    fn time_width(&self, desk: &Desk) -> f32 {
        TIME_WIDTH * self.reach(desk)
    }

    /// Colours of ODE and SDE: the field's own, and that of noise. Of two experiments on one canvas each has its own.
    fn colors(&self, desk: &Desk) -> [Color32; 2] {
        let palette = desk.palette();
        if desk.one_canvas {
            return [
                palette.learned,
                palette.learned.lerp_to_gamma(palette.noise, 0.6),
            ];
        }
        [
            if self.show.exact == Some(true) {
                palette.exact
            } else {
                palette.learned
            },
            palette.noise,
        ]
    }
}

impl Page for Trajectories {
    fn hint(&self) -> &'static str {
        "Place a start by a click, drag it. With Shift, fifty SDE paths leave it, beside the ODE's one. Then turn η down."
    }

    fn equation(&self, _desk: &Desk) -> Equation {
        let squared = |symbol| [Piece::Var(symbol), Piece::Sup(vec![Piece::Sign("2")])];
        let mut pieces = vec![
            Piece::Var("dx"),
            Piece::Sign(" = ["),
            Piece::Var("f x"),
            Piece::Sign(" − ½(1 + "),
        ];
        pieces.extend(squared("η"));
        pieces.push(Piece::Sign(") "));
        pieces.extend(squared("g"));
        pieces.extend([
            Piece::Sign(" ∇ log "),
            Piece::Var("p"),
            Piece::Sign("] "),
            Piece::Var("dt"),
        ]);
        pieces.extend([Piece::Sign(" + "), Piece::Var("η g d"), Piece::Bar("w")]);
        let spoken = "d x is f x minus half of one plus eta squared times g squared times the score, times d t, \
                      plus eta g times d w";
        Equation { pieces, spoken }
    }

    fn controls_ui(&mut self, ui: &mut Ui, desk: &mut Desk) {
        self.controls(ui, desk);
    }

    fn prepare(&mut self, _ctx: &Context, desk: &mut Desk) {
        self.show.exact.get_or_insert(desk.here.snapshot.step == 0);
        desk.here.clock.speed = -1.0;
        self.runs
            .want(desk, self.settings(desk), &self.hand, self.noise(desk));
        self.simulate(desk);
    }

    fn scene(&self, _canvas: usize, desk: &Desk) -> Scene {
        let palette = desk.palette();
        let view = self.projection(desk);
        let mut scene = Scene::default();
        match self.show.look {
            Look::Plane => scene.outline = desk.here.snapshot.dataset.outline.clone(),
            Look::Time => {
                scene.axes = Axes::Time {
                    width: self.time_width(desk),
                }
            }
            Look::Turned => {
                scene.axes = Axes::None;
                scene.lines_behind = Self::frame_lines(view, palette);
                let laid =
                    |line: &Vec<[f32; 2]>| line.iter().map(|&p| view.place(p, 0.0)).collect();
                let outline: Vec<Vec<[f32; 2]>> = desk
                    .here
                    .snapshot
                    .dataset
                    .outline
                    .iter()
                    .map(laid)
                    .collect();
                scene.outline = outline.into();
            }
        }
        if self.show.ends {
            self.end_layers(desk, view, &mut scene);
        }
        self.path_layers(desk, view, &mut scene);
        let [ode, sde] = self.colors(desk);
        let by = match truths::kernels(desk) {
            _ if self.show.exact != Some(true) => "learned".to_owned(),
            None => "exact".to_owned(),
            Some(kernels) => format!("by {kernels}"),
        };
        // As many as the slider says.
        let [odes, sdes] = self.hand.counts();
        let counted = |count: usize, what: &str, run: Option<&Arc<RunResult>>| {
            let paths = if count == 1 { "path" } else { "paths" };
            let of = run.map_or_else(String::new, |run| desk.here.update_of(run));
            format!("{} {what} {paths}, {by}{of}", grouped(count as f64))
        };
        let runs = [self.runs.ode(self.show.method), self.runs.sde()];
        let names = [
            (Shown::Ode, ode, counted(odes, "ODE", runs[0])),
            (Shown::Sde, sde, counted(sdes, "SDE", runs[1])),
        ];
        let shown = names
            .into_iter()
            .filter(|(which, ..)| self.show.shown == Shown::Both || self.show.shown == *which);
        for (_, color, name) in shown {
            scene.name(Role::Other, Mark::Dot, color, name);
        }
        self.name_steps(&mut scene, desk);
        if self.show.look != Look::Time {
            scene.name(Role::Other, Mark::Dashes, palette.outline, "data");
        }
        scene
    }

    fn waiting(&self) -> &'static str {
        if self.hand.is_empty() {
            "click to place a start"
        } else {
            "the paths are being run"
        }
    }

    fn home(&self, desk: &Desk) -> Bounds {
        let up = 2.8 * self.reach(desk);
        match self.show.look {
            Look::Plane => Bounds {
                min: [-1.2 * up, -up],
                max: [1.2 * up, up],
            },
            Look::Time => {
                let aside = 0.54 * self.time_width(desk);
                Bounds {
                    min: [-aside, -up],
                    max: [aside, up],
                }
            }
            Look::Turned => Bounds {
                min: [-4.6, -4.1],
                max: [4.6, 4.1],
            },
        }
    }

    fn density_tau(&self, _desk: &Desk) -> Option<f64> {
        None
    }

    fn takes_drags(&self) -> bool {
        self.show.look == Look::Turned
    }

    fn overlay_ui(&self, ui: &mut Ui, view: &View, desk: &Desk) {
        self.steps_ui(ui, view, desk);
        self.rings_ui(ui, view, desk);
        if self.show.look == Look::Turned {
            Self::label_box(
                &ui.painter_at(view.rect),
                view,
                self.projection(desk),
                desk.palette(),
            );
        }
    }

    fn take_hand(&mut self, ui: &Ui, view: &View, hand: &Response, desk: &mut Desk) {
        self.use_hand(ui, view, hand, desk);
    }

    fn leave(&mut self, desk: &mut Desk) {
        self.runs.leave(desk);
        self.simulating = false;
        desk.here.clock.speed = 1.0;
    }

    fn plots_height(&self, _available: f32) -> f32 {
        164.0
    }

    fn plots_ui(&mut self, ui: &mut Ui, desk: &mut Desk, twin: Option<&mut Self>) {
        let (method, coordinate) = (self.show.method, self.show.coordinate);
        let mut findings = vec![self.runs.findings(desk, method, coordinate)];
        if let Some(twin) = twin {
            let side = desk.side();
            desk.turn_to(side.other());
            findings.insert(
                side.other().index(),
                twin.runs.findings(desk, method, coordinate),
            );
            desk.turn_to(side);
        }
        let rect = ui.max_rect().shrink2(vec2(16.0, 8.0));
        let width = (rect.width() - 2.0 * 32.0) / 3.0;
        for column in 0..3 {
            let left = rect.left() + column as f32 * (width + 32.0);
            let place = Rect::from_x_y_ranges(left..=left + width, rect.y_range());
            let mut ui = ui.new_child(
                UiBuilder::new()
                    .max_rect(place)
                    .id_salt(column)
                    .sense(Sense::hover()),
            );
            ui.spacing_mut().item_spacing.y = 1.0;
            match column {
                0 => self.crossings_ui(&mut ui, desk, &findings),
                1 => self.errors_ui(&mut ui, desk, &findings),
                _ => Self::clouds_ui(&mut ui, desk, &findings),
            }
        }
    }

    fn generates(&self) -> bool {
        true
    }

    fn try_it(&mut self, index: usize, desk: &mut Desk) {
        desk.here.clock.set([1.0, 0.5][index.min(1)]);
        if index == 0 {
            desk.here.clock.toggle();
        }
    }

    fn is_tried(&self, index: usize, desk: &Desk) -> bool {
        let tau = desk.here.clock.tau;
        if index == 0 {
            tau <= 0.001
        } else {
            (tau - 0.5).abs() < 0.02
        }
    }
}
