//! Training: watch noise become data while the network learns.

use egui::{Context, Ui};
use lab::message::Restart;

use crate::canvas::device::Dots;
use crate::canvas::paint::Layer;
use crate::canvas::{Mark, Role, Scene};
use crate::chapters::Page;
use crate::desk::Desk;
use crate::plots;
use crate::settings::data;
use crate::settings::network;
use crate::settings::sampler;
use crate::settings::schedule;
use crate::settings::training;
use crate::truths;
use crate::widgets::equation::{Equation, Piece};
use crate::widgets::number::grouped;
use crate::widgets::row::{self, Track};
use crate::widgets::{button, pill, segmented};
use lab::experiment::{DataSource, limits};
use lab::message::Command;
use maths::data::bounds::Bounds;
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
        let palette = desk.palette();
        row::named(
            ui,
            "Data",
            "What is learned. Other data keep the weights",
            palette,
            |ui| {
                let title = data::data_title(&desk.here.draft.data);
                pill::menu(
                    ui,
                    ["Data set", "", &title],
                    "Choose the data",
                    palette,
                    |ui| data::data_menu(ui, desk),
                );
            },
        );
        data::bandwidth_rows(ui, desk);
        row::named(
            ui,
            "Training set",
            "N points again and again, or fresh draws from the mixture",
            palette,
            |ui| {
                let options = [(false, "Finite"), (true, "Fresh")];
                if segmented::choose(
                    ui,
                    "Training set",
                    &mut desk.here.draft.fresh,
                    &options,
                    palette,
                )
                .changed()
                {
                    desk.configure(Restart::Keep);
                }
            },
        );
        // A file has as many points as it has.
        if matches!(desk.here.draft.data, DataSource::Shape(_)) {
            ui.add_enabled_ui(!desk.here.draft.fresh, |ui| {
                let tip = "N: the size of the finite training set";
                let points = &mut desk.here.draft.points;
                if row::slider(
                    ui,
                    ["Points", tip],
                    points,
                    Track::logarithmic(limits::POINTS),
                    grouped,
                    palette,
                )
                .done
                {
                    desk.configure(Restart::Keep);
                }
            });
        }
        ui.separator();
        schedule::schedule_row(ui, desk);
        schedule::timesteps_row(ui, desk);
        ui.separator();
        let shape = desk.here.draft_shape;
        network::network_rows(ui, desk);
        let chosen = desk.here.draft_shape != shape;
        ui.separator();
        training::batch_row(ui, desk);
        training::learning_rate_row(ui, desk);
        row::named(
            ui,
            "Seed",
            "Of data, first weights, batches and noise",
            palette,
            |ui| {
                if row::whole_number(
                    ui,
                    ["Seed", "Click, type, and press Enter"],
                    &mut desk.here.draft.seed,
                ) {
                    desk.configure(Restart::Keep);
                }
            },
        );
        ui.add_space(4.0);
        // At the end of the panel, so that nothing moves when the question comes.
        if desk.here.draft_shape == desk.here.draft.shape() {
            let tip = "New weights from the seed. Data, schedule, batch and rate change without it, under the same weights";
            if button::text(ui, "Start anew", tip, ui.available_width(), palette).clicked() {
                desk.send(Command::Reset);
            }
        } else {
            let question = ui.scope(|ui| network::network_question(ui, desk)).response;
            if chosen {
                question.scroll_to_me(None);
            }
        }
        ui.separator();
        sampler::sampler_rows(ui, desk);
        let tip = "Clip every estimate of x_0 to the data's box × 1.1. Off shows what 1/a makes of a small error";
        row::named(ui, "Clip x₀", tip, palette, |ui| {
            let options = [(false, "Off"), (true, "On")];
            if segmented::choose(ui, "Clip", &mut desk.here.draft.clip, &options, palette).changed()
            {
                desk.configure(Restart::Keep);
            }
        });
        sampler::clip_warning(ui, desk);
    }

    fn prepare(&mut self, _ctx: &Context, desk: &mut Desk) {
        self.thin_data(desk);
    }

    fn scene(&self, _canvas: usize, desk: &Desk) -> Scene {
        let palette = desk.palette();
        let snapshot = &desk.here.snapshot;
        let mut scene = Scene::default();
        if let Some(field) = &snapshot.density {
            scene.push(
                Role::Exact,
                Layer::Density {
                    field: field.clone(),
                    color: palette.glow,
                },
            );
        }
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
        if let Some(samples) = &snapshot.samples {
            let points = Layer::Points {
                key: "samples",
                cloud: samples.clone(),
                version: snapshot.samples_version,
                dots: Dots {
                    color: palette.learned.gamma_multiply(0.9),
                    radius: 1.5,
                },
            };
            scene.push(Role::Learned, points);
        }
        scene.name(Role::Data, Mark::Dot, palette.data, "data");
        scene.name(Role::Learned, Mark::Dot, palette.learned, "samples");
        scene.name(
            Role::Exact,
            Mark::Area,
            palette.glow.to_opaque(),
            truths::exact(desk, "density"),
        );
        scene
    }

    fn home(&self, desk: &Desk) -> Bounds {
        // A margin for the samples that have not yet found the data.
        desk.here.snapshot.dataset.clip.scaled(1.22)
    }

    fn density_tau(&self, _desk: &Desk) -> Option<f64> {
        Some(0.0)
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
}
