//! Training: watch noise become data while the network learns.

mod controls;
mod drawing;
mod samples;
mod sheet;
mod verdict;

pub use sheet::SHEET;

use egui::{Context, Response, Ui};
use lab::message::Restart;

use crate::canvas::device::Dots;
use crate::canvas::paint::Layer;
use crate::canvas::remark::remark_ui;
use crate::canvas::{Mark, Role, Scene, View};
use crate::chapters::Page;
use crate::desk::Desk;
use crate::plots;
use crate::truths;
use crate::widgets::equation::{Equation, Piece};
use drawing::Drawing;
use lab::experiment::DataSource;
use lab::message::{Command, Order};
use maths::data::bounds::Bounds;
use maths::data::shapes::Shape;
use maths::diffusion::solver::Sampler;
use maths::diffusion::target::Target;
use maths::names::Words;

/// Most data points that are drawn: more would only cover the samples.
const DATA_SHOWN: usize = 4096;

/// How the chapter is called.
pub const WORDS: Words = Words {
    name: "training",
    title: "Training",
    symbol: "Training",
    short: "training",
    help: "samples on their way to the data while the network learns",
};

/// The chapter's state.
#[derive(Default)]
pub struct Training {
    /// It shows nothing that could be set.
    pub(super) show: (),
    pub(super) hand: (),
    data: Option<DataShown>,
    at_clip: samples::AtClip,
    /// What somebody draws instead.
    drawing: Drawing,
}

/// The data points on show, thinned once.
struct DataShown {
    of: std::sync::Arc<Vec<[f32; 2]>>,
    cloud: engine::Cloud,
    version: u64,
}

impl Training {
    fn thin_data(&mut self, desk: &Desk) {
        let points = &desk.here.snapshot.dataset.points;
        if self
            .data
            .as_ref()
            .is_some_and(|shown| std::sync::Arc::ptr_eq(&shown.of, points))
        {
            return;
        }
        // From the whole of it: a file may be sorted.
        let every = points.len().div_ceil(DATA_SHOWN).max(1);
        let thinned = points.iter().step_by(every).copied().collect();
        self.data = Some(DataShown {
            of: points.clone(),
            cloud: engine::Cloud::Host(std::sync::Arc::new(thinned)),
            version: lab::message::fresh_version(),
        });
    }
}

impl Page for Training {
    fn hint(&self) -> &'static str {
        if self.drawing.is_on() {
            return drawing::HINT;
        }
        "The samples leave the noise and settle on the data. Change the data while it learns; Space pauses."
    }

    fn equation(&self, desk: &Desk) -> Equation {
        let t = || Piece::Sub(vec![Piece::Var("t")]);
        let (target, spoken) = match desk.here.draft.target {
            Target::Eps => (
                vec![Piece::Var("ε")],
                "L is the mean over samples and both coordinates of the squared difference between epsilon and its prediction \
                 at x t and t",
            ),
            Target::X0 => (
                vec![Piece::Var("x"), Piece::Sub(vec![Piece::Sign("0")])],
                "L is the mean over samples and both coordinates of the squared difference between x 0 and its prediction at \
                 x t and t",
            ),
            Target::V => (
                vec![Piece::Var("v")],
                "L is the mean over samples and both coordinates of the squared difference between v and its prediction at x t \
                 and t",
            ),
            Target::Score => (
                vec![
                    Piece::Sign("−"),
                    Piece::Var("ε"),
                    Piece::Sign("/"),
                    Piece::Var("s"),
                    t(),
                ],
                "L is the mean over samples and both coordinates of s t squared times the squared difference between minus \
                 epsilon over s t and the score predicted at x t and t",
            ),
            Target::Velocity => (
                vec![Piece::Var("u")],
                "L is the mean over samples and both coordinates of the squared difference between u and its prediction at x t \
                 and t",
            ),
            Target::Edm => (
                vec![Piece::Var("F")],
                "L is the mean over samples and both coordinates of the squared difference between F and its prediction at x t \
                 and t",
            ),
        };
        let score = desk.here.draft.target == Target::Score;
        // (1/D): the mean over the D coordinates, as the loss is computed.
        let mut pieces = vec![
            Piece::Var("L"),
            Piece::Sign(" = "),
            Piece::Sup(vec![Piece::Sign("1")]),
        ];
        pieces.extend([
            Piece::Sign("/"),
            Piece::Sub(vec![Piece::Var("D")]),
            Piece::Sign(" 𝔼 "),
        ]);
        if score {
            pieces.extend([
                Piece::Var("s"),
                t(),
                Piece::Sup(vec![Piece::Sign("2")]),
                Piece::Sign(" "),
            ]);
        }
        pieces.push(Piece::Sign("‖"));
        pieces.extend(target.iter().cloned());
        pieces.push(Piece::Sign(" − "));
        if score {
            pieces.push(Piece::Sign("score"));
        } else {
            pieces.extend(target.into_iter().take(1));
        }
        pieces.extend([
            Piece::Sub(vec![Piece::Var("θ")]),
            Piece::Sign("("),
            Piece::Var("x"),
            t(),
            Piece::Sign(", "),
            Piece::Var("t"),
            Piece::Sign(")‖"),
            Piece::Sup(vec![Piece::Sign("2")]),
        ]);
        Equation { pieces, spoken }
    }

    fn controls_ui(&mut self, ui: &mut Ui, desk: &mut Desk) {
        if self.drawing.is_on() {
            return self.drawing.panel_ui(ui, desk);
        }
        controls::controls(ui, desk);
    }

    fn prepare(&mut self, _ctx: &Context, desk: &mut Desk) {
        self.thin_data(desk);
        self.at_clip.count(desk);
        self.drawing.prepare(desk);
    }

    fn takes_drags(&self) -> bool {
        self.drawing.is_on()
    }

    fn take_hand(&mut self, ui: &Ui, view: &View, response: &Response, desk: &mut Desk) {
        self.drawing.take_hand(ui, view, response, desk);
    }

    fn waiting(&self) -> &'static str {
        if self.drawing.is_on() {
            "draw here"
        } else {
            "nothing to show yet"
        }
    }

    fn leave(&mut self, desk: &mut Desk) {
        self.drawing.end(desk);
    }

    fn scene(&self, _canvas: usize, desk: &Desk) -> Scene {
        if self.drawing.is_on() {
            return self.drawing.scene(desk);
        }
        let palette = desk.palette();
        let mut scene = Scene::default();
        truths::draw_density(&mut scene, desk);
        if let Some(data) = &self.data {
            let points = Layer::Points {
                key: "data",
                cloud: data.cloud.clone(),
                version: data.version,
                dots: Dots {
                    color: palette.data.gamma_multiply(0.38),
                    radius: 0.8,
                },
            };
            scene.push(Role::Data, points);
        }
        scene.name(Role::Data, Mark::Dot, palette.data, "data");
        samples::draw(&mut scene, desk, &self.at_clip);
        truths::name_density(&mut scene, desk);
        scene
    }

    fn overlay_ui(&self, ui: &mut Ui, view: &View, desk: &Desk) {
        if self.drawing.is_on() {
            return self.drawing.overlay_ui(ui, view, desk);
        }
        let snapshot = &desk.here.snapshot;
        let Some(point) = snapshot.quality.last() else {
            return;
        };
        let name = snapshot.experiment.sampler.words().short;
        let (mut sentence, tip) = verdict::verdict(point, name, snapshot.experiment.sampler_steps);
        if desk.is_split() {
            sentence = format!("{}: {sentence}", desk.side().letter());
        }
        remark_ui(ui, view.rect, view.canvas, &sentence, &tip, desk.palette());
    }

    fn home(&self, desk: &Desk) -> Bounds {
        // A margin for the samples that have not yet found the data.
        let data = || desk.here.snapshot.dataset.clip.scaled(1.22);
        self.drawing.home().unwrap_or_else(data)
    }

    fn density_tau(&self, _desk: &Desk) -> Option<f64> {
        (!self.drawing.is_on()).then_some(0.0)
    }

    fn plots_height(&self, available: f32) -> f32 {
        (0.32 * available).clamp(130.0, 380.0)
    }

    fn plots_ui(&mut self, ui: &mut Ui, desk: &mut Desk, _twin: Option<&mut Self>) {
        let rect = ui.max_rect();
        let [first, second] =
            [0.38, 0.69].map(|share| (rect.left() + share * rect.width()).round());
        plots::loss_ui(ui, rect.with_max_x(first), desk);
        plots::timestep_loss_ui(ui, rect.with_min_x(first).with_max_x(second), desk);
        plots::quality_ui(ui, rect.with_min_x(second), desk);
    }

    fn play(&mut self, desk: &mut Desk) {
        desk.toggle_training();
    }

    fn reset(&mut self, desk: &mut Desk) {
        desk.order(Command::Reset);
    }

    fn try_it(&mut self, index: usize, desk: &mut Desk) {
        match index {
            0 => {
                desk.order(Command::Reset);
                desk.order(Order::StopAt(Some(200)));
                desk.order(Order::Speed(Some(10.0)));
                desk.order(Command::Play);
            }
            1 => {
                desk.order(Order::StopAt(None));
                desk.order(Order::Speed(None));
                desk.choose_data(DataSource::Shape(Shape::Moons));
                desk.order(Command::Play);
            }
            _ => {
                desk.here.draft.sampler = Sampler::Ddim { eta: 0.0 };
                desk.here.draft.sampler_steps = 20;
                desk.configure(Restart::Keep);
            }
        }
    }

    fn is_tried(&self, index: usize, desk: &Desk) -> bool {
        let snapshot = &desk.here.snapshot;
        let experiment = &snapshot.experiment;
        match index {
            // It stops there by itself.
            0 => snapshot.step == 200 && !desk.here.is_training(),
            1 => {
                let since = snapshot.step - snapshot.changed_at.unwrap_or(0).min(snapshot.step);
                experiment.data == DataSource::Shape(Shape::Moons) && since >= 500
            }
            _ => {
                let first_order = matches!(experiment.sampler, Sampler::Ddim { .. });
                first_order && snapshot.samples_of.is_some()
            }
        }
    }
}
