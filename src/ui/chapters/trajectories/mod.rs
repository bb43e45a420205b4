//! Trajectories: the same starts, carried to the data by the reverse SDE and by the probability-flow ODE.

mod readings;
mod runs;
mod starts;

use egui::{Align2, Color32, Context, Event, Painter, Rect, Response, Sense, Stroke, Ui, UiBuilder, vec2};

use crate::canvas::device::Dots;
use crate::canvas::motion::{FrameAt, Motion, MotionStyle, Projection};
use crate::canvas::paint::Layer;
use crate::canvas::{Axes, Mark, Role, Scene, View};
use crate::chapters::Page;
use crate::desk::Desk;
use crate::desk::run_slot::LOOK_EVERY;
use crate::theme::{Palette, text_font};
use crate::truths;
use crate::widgets::equation::{Equation, Piece};
use crate::widgets::hand::pulled_by;
use crate::widgets::number::{Sign, fixed, grouped};
use crate::widgets::row::{self, Track};
use crate::widgets::{button, progress, segmented};
use maths::data::bounds::Bounds;
use maths::names::Words;
use runs::{METHODS, Settings, TrajectoryRuns};
use starts::{Kind, MOST, Noise, Starts};

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
        }
    }
}

/// The chapter's state.
#[derive(Default)]
pub struct Trajectories {
    pub(super) show: Show,
    pub(super) hand: Starts,
    runs: TrajectoryRuns,
}

impl Trajectories {
    /// The noise at t = T of the experiment on show.
    fn noise(&self, desk: &Desk) -> Noise {
        let draft = &desk.here.draft;
        Noise { std: draft.schedule.prior_std(draft.timesteps) as f32, coordinate: self.show.coordinate }
    }

    fn settings(&self, desk: &Desk) -> Settings {
        Settings {
            exact: self.show.exact.unwrap_or(desk.here.snapshot.step == 0),
            follow: self.show.follow,
            eta: self.show.eta,
            sde_steps: self.show.sde_steps,
            method: self.show.method,
            ode_steps: self.show.ode_steps,
        }
    }

    fn projection(&self, desk: &Desk) -> Projection {
        match self.show.look {
            Look::Plane => Projection::PLANE,
            Look::Time => Projection::space_time(self.show.coordinate, self.time_width(desk)),
            Look::Turned => {
                Projection::turned(self.show.turn.to_radians(), self.show.tilt.to_radians(), 0.75 * TIME_WIDTH)
            }
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

    fn look_rows(&mut self, ui: &mut Ui, desk: &mut Desk) {
        let palette = desk.palette();
        let mut exact = self.show.exact.unwrap_or_default();
        row::named(ui, "Field", "Which x̂_0 the paths follow: the network's, or E[x_0 | x_t]", palette, |ui| {
            segmented::choose(ui, "Field", &mut exact, &[(false, "Learned"), (true, "Exact")], palette);
        });
        self.show.exact = Some(exact);
        let tip = "The plane; one coordinate against time; or both and time, turned by dragging";
        row::named(ui, "View", tip, palette, |ui| {
            let options = [(Look::Plane, "Plane"), (Look::Time, "Time"), (Look::Turned, "3-D")];
            if segmented::choose(ui, "View", &mut self.show.look, &options, palette).changed() {
                desk.here.cameras.remove("trajectories");
            }
        });
        let tip = "The coordinate against time, whose crossings are counted; the line of starts lies along it";
        row::named(ui, "Coordinate", tip, palette, |ui| {
            segmented::choose(ui, "Coordinate", &mut self.show.coordinate, &[(0, "x"), (1, "y")], palette);
        });
        if self.show.look == Look::Turned {
            let degrees = |v: f64| format!("{}°", fixed(v, 0));
            let track = Track::linear(-90.0..=90.0).sign(Sign::Degrees);
            let tip = "About the upright axis: 0° is y against time, 90° the plane. Or drag the canvas";
            row::slider(ui, ["Turn", tip], &mut self.show.turn, track, degrees, palette);
            let track = Track::linear(-80.0..=80.0).sign(Sign::Degrees);
            let tip = "Up and down. Or drag the canvas";
            row::slider(ui, ["Tilt", tip], &mut self.show.tilt, track, degrees, palette);
        }
        row::named(ui, "Show", "Paths of the ODE, of the SDE, or both", palette, |ui| {
            let options = [(Shown::Both, "Both"), (Shown::Ode, "ODE"), (Shown::Sde, "SDE")];
            segmented::choose(ui, "Show", &mut self.show.shown, &options, palette);
        });
        let tip = "The end points of two thousand particles each, whose distance is read out below";
        row::named(ui, "End points", tip, palette, |ui| {
            segmented::choose(ui, "End points", &mut self.show.ends, &[(false, "Hide"), (true, "Show")], palette);
        });
    }

    fn start_rows(&mut self, ui: &mut Ui, desk: &Desk) {
        let palette = desk.palette();
        let starts = &mut self.hand;
        let tip = "Drawn from the noise; on a line; fifty SDE paths from one point; or where you click";
        row::named(ui, "Starts", tip, palette, |ui| {
            let options =
                [(Kind::Noise, "Noise"), (Kind::Line, "Line"), (Kind::Bundle, "Bundle"), (Kind::Placed, "Placed")];
            segmented::choose(ui, "Starts", &mut starts.kind, &options, palette);
        });
        let tip = "Starts on the line or from the noise";
        row::slider(ui, ["Paths", tip], &mut starts.count, Track::logarithmic(2..=MOST), grouped, palette);
        let tip = "One click on the canvas: one start, or fifty SDE paths from it (as with Shift)";
        row::named(ui, "A click places", tip, palette, |ui| {
            let options = [(false, "Start"), (true, "Bundle")];
            segmented::choose(ui, "A click places", &mut self.show.click_bundles, &options, palette);
        });
        ui.horizontal(|ui| {
            if button::text(ui, "Simulate", "Other noise: new starts and new SDE paths", 100.0, palette).clicked() {
                self.hand.seed = self.hand.seed.wrapping_add(1);
            }
            let share = self.runs.progress(desk);
            if share.is_some() {
                ui.ctx().request_repaint_after(LOOK_EVERY);
            }
            progress::bar(ui, "Progress of the runs", ui.available_width(), share, palette);
        });
    }

    fn solver_rows(&mut self, ui: &mut Ui, desk: &Desk) {
        let palette = desk.palette();
        // More than T are taken as T.
        let steps = Track::logarithmic(5..=desk.here.snapshot.experiment.timesteps.clamp(6, 1000));
        let tip = "How much noise a step adds: 1 the reverse SDE, 0 the ODE; the marginals are the same all the way";
        let track = Track::linear(0.0..=1.0).sign(Sign::Share);
        row::slider(ui, ["SDE noise η", tip], &mut self.show.eta, track, |v| fixed(v, 2), palette);
        let tip = "Steps of the SDE";
        row::slider(ui, ["SDE steps", tip], &mut self.show.sde_steps, steps.clone(), grouped, palette);
        row::named(ui, "ODE by", "How the probability-flow ODE is solved", palette, |ui| {
            let options = std::array::from_fn::<_, 3, _>(|i| (i, METHODS[i].words().symbol));
            segmented::choose(ui, "ODE by", &mut self.show.method, &options, palette);
        });
        let tip = "Steps of the ODE, by whichever method";
        row::slider(ui, ["ODE steps", tip], &mut self.show.ode_steps, steps, grouped, palette);
        let tip = "While training runs, run all paths again and again from the same noise";
        row::named(ui, "Follow training", tip, palette, |ui| {
            segmented::choose(ui, "Follow training", &mut self.show.follow, &[(false, "Off"), (true, "On")], palette);
        });
    }

    /// Colours of ODE and SDE: the field's own, and that of noise. Of two experiments on one canvas each has its own.
    fn colors(&self, desk: &Desk) -> [Color32; 2] {
        let palette = desk.palette();
        if desk.one_canvas {
            return [palette.learned, palette.learned.lerp_to_gamma(palette.noise, 0.6)];
        }
        [if self.show.exact == Some(true) { palette.exact } else { palette.learned }, palette.noise]
    }

    /// Paths, their starts and their heads at the clock; the ODE over the SDE.
    fn path_layers(&self, desk: &Desk, view: Projection, scene: &mut Scene) {
        let [ode_color, sde_color] = self.colors(desk);
        let now = desk.here.clock.tau;
        let sets = [
            (Shown::Sde, self.runs.sde(), ["sde", "sde heads"], sde_color, 1.0_f32),
            (Shown::Ode, self.runs.ode(self.show.method), ["ode", "ode heads"], ode_color, 1.8),
        ];
        for (which, result, [paths, heads], color, width) in sets {
            let Some(result) = result.filter(|_| self.show.shown == Shown::Both || self.show.shown == which) else {
                continue;
            };
            // More paths, fainter: the ODE's way is seen through the SDE's.
            let crowd = (result.recording.particles as f32).sqrt();
            let (alpha, ahead) =
                if which == Shown::Ode { (0.95, 0.45) } else { ((3.0 / crowd).clamp(0.25, 0.9), 0.35) };
            let drawn = MotionStyle::Paths { color: color.gamma_multiply(alpha), width, ahead };
            let role = if result.request.exact { Role::Other } else { Role::Learned };
            scene.push(role, Layer::Motion(Motion::of(paths, result, view, now, drawn)));
            let at = FrameAt::between(&result.recording.taus, now);
            let dots = Dots { color, radius: 2.0 + 0.6 * width };
            let drawn = MotionStyle::Frame { at, dots, origin: None };
            scene.push(role, Layer::Motion(Motion::of(heads, result, view, now, drawn)));
        }
    }

    /// The clouds that both end in, at t = 0.
    fn end_layers(&self, desk: &Desk, view: Projection, scene: &mut Scene) {
        let colors = self.colors(desk);
        for ((result, color), key) in self.runs.ends().into_iter().zip(colors).zip(["ode ends", "sde ends"]) {
            let Some(result) = result else { continue };
            let last = result.recording.taus.len().saturating_sub(1);
            let drawn = MotionStyle::Frame {
                at: FrameAt { first: last, next: last, share: 0.0 },
                dots: Dots { color: color.gamma_multiply(0.4), radius: 1.2 },
                origin: None,
            };
            let role = if result.request.exact { Role::Other } else { Role::Learned };
            scene.push(role, Layer::Motion(Motion::of(key, result, view, 0.0, drawn)));
        }
    }

    /// The box of the turned view: noise at one end, data at the other.
    fn frame_lines(view: Projection, palette: &Palette) -> Vec<(Vec<[f32; 2]>, Stroke)> {
        let corner = |k: usize| {
            let sign = |bit: usize| if k >> bit & 1 == 1 { BOX } else { -BOX };
            [sign(0), sign(1)]
        };
        let ends = [0.0, 1.0].map(|tau| [0, 1, 3, 2, 0].map(|k| view.place(corner(k), tau)).to_vec());
        let sides = (0..4).map(|k| vec![view.place(corner(k), 0.0), view.place(corner(k), 1.0)]);
        ends.into_iter().chain(sides).map(|line| (line, Stroke::new(1.0, palette.axis))).collect()
    }

    /// Says which end of the box is which.
    fn label_box(painter: &Painter, view: &View, projection: Projection, palette: &Palette) {
        for (tau, text) in [(1.0, "noise, t = 1"), (0.0, "data, t = 0")] {
            let at = view.to_screen(projection.place([0.0, -BOX], tau));
            painter.text(at + vec2(0.0, 6.0), Align2::CENTER_TOP, text, text_font(11.0), palette.weak);
        }
    }
}

impl Page for Trajectories {
    fn hint(&self) -> &'static str {
        "Click to place a start; with Shift, fifty SDE paths leave it, beside the one way of the ODE. Then turn η down."
    }

    fn equation(&self, _desk: &Desk) -> Equation {
        let squared = |symbol| [Piece::Var(symbol), Piece::Sup(vec![Piece::Sign("2")])];
        let mut pieces = vec![Piece::Var("dx"), Piece::Sign(" = ["), Piece::Var("f x"), Piece::Sign(" − ½(1 + ")];
        pieces.extend(squared("η"));
        pieces.push(Piece::Sign(") "));
        pieces.extend(squared("g"));
        pieces.extend([Piece::Sign(" ∇ log "), Piece::Var("p"), Piece::Sign("] "), Piece::Var("dt")]);
        pieces.extend([Piece::Sign(" + "), Piece::Var("η g d"), Piece::Bar("w")]);
        let spoken = "d x is f x minus half of one plus eta squared times g squared times the score, times d t, \
                      plus eta g times d w";
        Equation { pieces, spoken }
    }

    fn controls_ui(&mut self, ui: &mut Ui, desk: &mut Desk) {
        self.look_rows(ui, desk);
        ui.separator();
        self.start_rows(ui, desk);
        ui.separator();
        self.solver_rows(ui, desk);
    }

    fn prepare(&mut self, _ctx: &Context, desk: &mut Desk) {
        self.show.exact.get_or_insert(desk.here.snapshot.step == 0);
        desk.here.clock.speed = -1.0;
        self.runs.want(desk, self.settings(desk), &self.hand, self.noise(desk));
    }

    fn scene(&self, _canvas: usize, desk: &Desk) -> Scene {
        let palette = desk.palette();
        let view = self.projection(desk);
        let mut scene = Scene::default();
        match self.show.look {
            Look::Plane => scene.outline = desk.here.snapshot.dataset.outline.clone(),
            Look::Time => scene.axes = Axes::Time { width: self.time_width(desk) },
            Look::Turned => {
                scene.axes = Axes::None;
                scene.lines_behind = Self::frame_lines(view, palette);
                let laid = |line: &Vec<[f32; 2]>| line.iter().map(|&p| view.place(p, 0.0)).collect();
                let outline: Vec<Vec<[f32; 2]>> = desk.here.snapshot.dataset.outline.iter().map(laid).collect();
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
        let names = [(Shown::Ode, ode, format!("ODE, {by}")), (Shown::Sde, sde, format!("SDE, {by}"))];
        let shown = names.into_iter().filter(|(which, ..)| self.show.shown == Shown::Both || self.show.shown == *which);
        for (_, color, name) in shown {
            scene.name(Role::Other, Mark::Dot, color, name);
        }
        if self.show.look != Look::Time {
            scene.name(Role::Other, Mark::Dashes, palette.outline, "data");
        }
        scene
    }

    fn waiting(&self) -> &'static str {
        if self.hand.is_empty() { "click to place a start" } else { "the paths are being run" }
    }

    fn home(&self, desk: &Desk) -> Bounds {
        let up = 2.8 * self.reach(desk);
        match self.show.look {
            Look::Plane => Bounds { min: [-1.2 * up, -up], max: [1.2 * up, up] },
            Look::Time => {
                let aside = 0.54 * self.time_width(desk);
                Bounds { min: [-aside, -up], max: [aside, up] }
            }
            Look::Turned => Bounds { min: [-4.6, -4.1], max: [4.6, 4.1] },
        }
    }

    fn density_tau(&self, _desk: &Desk) -> Option<f64> {
        None
    }

    fn takes_drags(&self) -> bool {
        self.show.look == Look::Turned
    }

    fn overlay_ui(&self, ui: &mut Ui, view: &View, desk: &Desk) {
        if self.show.look == Look::Turned {
            Self::label_box(&ui.painter_at(view.rect), view, self.projection(desk), desk.palette());
        }
    }

    fn take_hand(&mut self, _ui: &Ui, view: &View, hand: &Response, _desk: &mut Desk) {
        if self.show.look == Look::Turned {
            let way = pulled_by(hand);
            if way != egui::Vec2::ZERO {
                self.show.turn = (self.show.turn - 0.4 * way.x).clamp(-90.0, 90.0);
                self.show.tilt = (self.show.tilt + 0.4 * way.y).clamp(-80.0, 80.0);
            }
            return;
        }
        let (true, Some(at)) = (hand.clicked(), hand.interact_pointer_pos()) else { return };
        let mut start = view.to_data(at);
        if self.show.look == Look::Time {
            let up = start[1];
            start = [0.0; 2];
            start[self.show.coordinate] = up;
        }
        // As it was at the click: by the end of a slow frame the key may be up again.
        let shift = hand.ctx.input(|i| {
            let click = i.events.iter().rev().find_map(|event| match event {
                Event::PointerButton { pressed: false, modifiers, .. } => Some(*modifiers),
                _ => None,
            });
            click.unwrap_or(i.modifiers).shift
        });
        self.hand.place(start, shift || self.show.click_bundles);
    }

    fn leave(&mut self, desk: &mut Desk) {
        self.runs.leave(desk);
        desk.here.clock.speed = 1.0;
    }

    fn plots_height(&self, _available: f32) -> f32 {
        122.0
    }

    fn plots_ui(&mut self, ui: &mut Ui, desk: &mut Desk, twin: Option<&mut Self>) {
        let (method, coordinate) = (self.show.method, self.show.coordinate);
        let mut findings = vec![self.runs.findings(desk, method, coordinate)];
        if let Some(twin) = twin {
            let side = desk.side();
            desk.turn_to(side.other());
            findings.insert(side.other().index(), twin.runs.findings(desk, method, coordinate));
            desk.turn_to(side);
        }
        let rect = ui.max_rect().shrink2(vec2(16.0, 8.0));
        let width = (rect.width() - 2.0 * 32.0) / 3.0;
        for column in 0..3 {
            let left = rect.left() + column as f32 * (width + 32.0);
            let place = Rect::from_x_y_ranges(left..=left + width, rect.y_range());
            let mut ui = ui.new_child(UiBuilder::new().max_rect(place).id_salt(column).sense(Sense::hover()));
            ui.spacing_mut().item_spacing.y = 1.0;
            match column {
                0 => self.crossings_ui(&mut ui, desk, &findings),
                1 => self.errors_ui(&mut ui, desk, &findings),
                _ => Self::clouds_ui(&mut ui, desk, &findings),
            }
        }
    }

    fn play(&mut self, desk: &mut Desk) {
        desk.here.clock.toggle();
    }

    fn reset(&mut self, desk: &mut Desk) {
        desk.here.clock.set(1.0);
    }
}
