//! Few steps: how straight the paths from a source to the data are, and what one step gives.

mod consistency;
mod measured;
mod sheet;
mod table;

pub use sheet::SHEET;

use egui::{Context, Stroke, Ui};

use crate::canvas::device::Dots;
use crate::canvas::motion::{FrameAt, Motion, MotionStyle, Projection};
use crate::canvas::paint::Layer;
use crate::canvas::{Mark, Role, Scene};
use crate::chapters::Page;
use crate::desk::Desk;
use crate::desk::run_slot::LOOK_EVERY;
use crate::settings::coupling::coupling_rows;
use crate::settings::student::student_rows;
use crate::widgets::equation::{Equation, Piece};
use crate::widgets::{button, progress, text};
use consistency::Said;
use lab::message::Side;
use maths::data::bounds::Bounds;
use maths::diffusion::schedule::Schedule;
use maths::names::Words;
use maths::transport::Source;
use measured::Measured;

/// How the chapter is called.
pub const WORDS: Words = Words {
    name: "few-steps",
    title: "Few steps",
    symbol: "Few steps",
    short: "few steps",
    help: "how straight the paths from source to data are, and what one step gives",
};

/// How the chapter shows things.
#[derive(Clone, Copy)]
pub(super) struct Show {
    /// The straight line from each start to its end.
    chords: bool,
}

impl Default for Show {
    fn default() -> Self {
        Self { chords: true }
    }
}

/// The chapter's state.
#[derive(Default)]
pub struct FewSteps {
    pub(super) show: Show,
    pub(super) hand: (),
    measured: Measured,
    said: Said,
}

impl FewSteps {
    fn reflow_row(&mut self, ui: &mut Ui, desk: &Desk) {
        let palette = desk.palette();
        let experiment = &desk.here.snapshot.experiment;
        let refusal = if experiment.schedule != Schedule::Flow {
            Some("Reflow is of straight paths: take them first.")
        } else if experiment.labels {
            Some("Reflow makes pairs without labels: learn none.")
        } else if desk.here.snapshot.step == 0 {
            Some("Train first: reflow learns from where the model leads.")
        } else if experiment.objective.is_consistency() {
            Some("A student has no flow to be straightened: reflow its teacher.")
        } else if !desk.here.snapshot.experiment.could_reflow() {
            Some(
                "The sampler adds noise, which no pairs lead by: choose Heun or another of the ODE first.",
            )
        } else {
            None
        };
        let share = self.measured.pairs_progress(desk);
        let wide = ui.available_width();
        let tip = "Lead 8192 starts to the data by this model, and let B train on these pairs from its weights on; A stays as it is";
        if share.is_some() {
            ui.ctx().request_repaint_after(LOOK_EVERY);
            if button::text(ui, "Stop the pairs", "Give up the pairs", wide, palette).clicked() {
                self.measured.stop_pairs(desk);
            }
        } else {
            let label = "Reflow into B";
            let reflow = |ui: &mut Ui| button::text(ui, label, tip, wide, palette);
            if ui.add_enabled_ui(refusal.is_none(), reflow).inner.clicked() {
                self.measured.want_pairs();
            }
        }
        progress::bar(ui, "Progress of the pairs", wide, share, palette);
        if let Some(why) = self.measured.why_not() {
            text::warning(ui, why, palette);
        }
        if let Some(refusal) = refusal {
            text::note(ui, refusal, palette);
        }
    }
}

impl Page for FewSteps {
    fn hint(&self) -> &'static str {
        "Train from a source to the data, press Reflow into B, train on: the paths of B straighten, and one step does."
    }

    fn equation(&self, _desk: &Desk) -> Equation {
        let sub = |letter, below| [Piece::Var(letter), Piece::Sub(vec![Piece::Sign(below)])];
        let mut pieces = vec![Piece::Var("S"), Piece::Sign(" = ∫ E ‖("), Piece::Var("x")];
        pieces.push(Piece::Sub(vec![Piece::Sign("1")]));
        pieces.push(Piece::Sign(" − "));
        pieces.extend(sub("x", "0"));
        pieces.push(Piece::Sign(") − "));
        pieces.extend([Piece::Var("u"), Piece::Sign("("), Piece::Var("x")]);
        pieces.extend([
            Piece::Sub(vec![Piece::Var("t")]),
            Piece::Sign(", "),
            Piece::Var("t"),
            Piece::Sign(")‖"),
            Piece::Sup(vec![Piece::Sign("2")]),
            Piece::Sign(" "),
            Piece::Var("dt"),
        ]);
        Equation {
            pieces,
            spoken: "S is the integral over t of the mean squared distance of the chord from x zero to x one to the velocity on the way",
        }
    }

    fn controls_ui(&mut self, ui: &mut Ui, desk: &mut Desk) {
        coupling_rows(ui, desk);
        ui.separator();
        self.reflow_row(ui, desk);
        ui.separator();
        student_rows(ui, desk);
        ui.separator();
        let palette = desk.palette();
        let tip = "The straight line from each start to where it ends";
        crate::widgets::row::named(ui, "Chords", tip, palette, |ui| {
            crate::widgets::segmented::choose(
                ui,
                "Chords",
                &mut self.show.chords,
                &[(false, "Hide"), (true, "Show")],
                palette,
            );
        });
    }

    fn home(&self, _desk: &Desk) -> Bounds {
        Bounds {
            min: [-3.4, -2.8],
            max: [3.4, 2.8],
        }
    }

    fn prepare(&mut self, ctx: &Context, desk: &mut Desk) {
        desk.here.clock.speed = -1.0;
        self.measured.keep(ctx, desk);
        self.said.keep(desk);
    }

    fn scene(&self, _canvas: usize, desk: &Desk) -> Scene {
        let palette = desk.palette();
        let mut scene = Scene {
            outline: desk.here.snapshot.dataset.outline.clone(),
            ..Scene::default()
        };
        let Some(result) = self.measured.paths() else {
            return scene;
        };
        let (view, now) = (Projection::PLANE, desk.here.clock.tau);
        let color = palette
            .learned
            .gamma_multiply(desk.here.strength_of(result));
        if self.show.chords
            && let Some(host) = &result.host
        {
            let count = result.recording.particles;
            let ends = &host[host.len().saturating_sub(count)..];
            let stroke = Stroke::new(1.0, palette.noise.gamma_multiply(0.7));
            let chords = host
                .iter()
                .zip(ends)
                .map(|(start, end)| (vec![*start, *end], stroke));
            scene.lines_behind = chords.collect();
            scene.name(Role::Other, Mark::Line, palette.noise, "chords");
        }
        let style = MotionStyle::Paths {
            color,
            width: 1.6,
            ahead: 0.5,
        };
        let paths = Motion::of("few paths", result, view, now, style);
        scene.push(Role::Learned, Layer::Motion(paths));
        let style = MotionStyle::Frame {
            at: FrameAt::between(&result.recording.taus, now),
            dots: Dots { color, radius: 3.0 },
            origin: None,
        };
        let heads = Motion::of("few heads", result, view, now, style);
        scene.push(Role::Learned, Layer::Motion(heads));
        let source = match &desk.here.snapshot.experiment.source {
            Source::Noise => "noise".to_owned(),
            other => other.title(),
        };
        let of = desk.here.update_of(result);
        let words = format!("{} paths from {source}{of}", result.recording.particles);
        scene.name(Role::Learned, Mark::Line, palette.learned, words);
        scene.name(Role::Other, Mark::Dashes, palette.outline, "data");
        self.said.draw(&mut scene, desk);
        scene
    }

    fn waiting(&self) -> &'static str {
        "the paths are being run"
    }

    fn density_tau(&self, _desk: &Desk) -> Option<f64> {
        None
    }

    fn generates(&self) -> bool {
        true
    }

    fn plots_height(&self, _available: f32) -> f32 {
        206.0
    }

    fn plots_ui(&mut self, ui: &mut Ui, desk: &mut Desk, twin: Option<&mut Self>) {
        let palette = desk.palette();
        let own = self.measured.numbers();
        let twin = twin.map(|twin| &*twin);
        let columns = match twin {
            None => vec![("", palette.ink, own)],
            Some(twin) => {
                let theirs = twin.measured.numbers();
                let [a, b] = if desk.side() == Side::A {
                    [own, theirs]
                } else {
                    [theirs, own]
                };
                vec![("A", desk.color(Side::A), a), ("B", desk.color(Side::B), b)]
            }
        };
        let rect = ui.max_rect().shrink2(egui::vec2(16.0, 10.0));
        let said = twin.map(|twin| &twin.said);
        let has_chart = self.said.is_known() || said.is_some_and(Said::is_known);
        let share = if has_chart { 0.6 } else { 1.0 };
        let middle = rect.left() + share * rect.width();
        let left = egui::UiBuilder::new().max_rect(rect.with_max_x(middle));
        table::table_ui(&mut ui.new_child(left), &columns, palette);
        if has_chart {
            self.said.chart_ui(ui, rect.with_min_x(middle), desk, said);
        }
    }

    fn leave(&mut self, desk: &mut Desk) {
        self.measured.leave(desk);
        self.said.leave(desk);
        desk.here.clock.speed = 1.0;
    }

    fn tried_taus(&self) -> &'static [f64] {
        &[0.5, 0.0]
    }

    fn is_busy(&self) -> bool {
        self.measured.is_busy() || self.said.is_busy()
    }
}
