//! Editing: points go up to their noise and back, two are joined through it, a cloud is let go from some t, a coordinate is held.

mod charts;
mod controls;
mod drawing;
mod findings;
mod placing;
mod runs;
mod sheet;

pub use sheet::SHEET;

use egui::{Context, Response, Ui};

use crate::canvas::{Scene, View};
use crate::chapters::Page;
use crate::desk::Desk;
use crate::widgets::equation::{Equation, Piece};
use findings::Findings;
use lab::message::fresh_version;
use maths::data::bounds::Bounds;
use maths::diffusion::solver::{Wanted, slerp};
use maths::names::Words;
use maths::philox::{Stream, normal};
use runs::{EditRuns, Job, METHODS, Wish, latents, round_trip_errors};

/// Points that go there and back before any is placed.
const DRAWN: usize = 24;
/// Points between two.
const PLACES: usize = 129;
/// Steps along which the error of there and back is measured.
const ERROR_STEPS: [u32; 6] = [5, 10, 20, 40, 80, 160];
/// t/T along which a cloud is measured.
const CLOUD_TAUS: [f64; 10] = [0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0];
/// Points of the cloud that is there before one is placed, and how thick it is.
const STROKE: u32 = 400;
const THICK: f32 = 0.06;

/// How the chapter is called.
pub const WORDS: Words = Words {
    name: "editing",
    title: "Editing",
    symbol: "Editing",
    short: "editing",
    help: "points to their noise and back, a placed cloud, a coordinate that is held",
};

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edit {
    /// Up to the noise and down again.
    Invert,
    /// A curve between two points, through their noise.
    Join,
    /// A placed cloud, noised to t and let go.
    Cloud,
    /// A coordinate that is held.
    Fix,
}

/// How the chapter shows things.
#[derive(Clone, Copy)]
pub(super) struct Show {
    edit: Edit,
    /// Chosen when the chapter opens: an untrained network leads nowhere.
    exact: Option<bool>,
    follow: bool,
    method: usize,
    steps: u32,
    spherical: bool,
    tau: f64,
    axis: usize,
    region: bool,
    times: u32,
}

impl Default for Show {
    fn default() -> Self {
        Self {
            edit: Edit::Invert,
            exact: None,
            follow: true,
            method: 1,
            steps: 40,
            spherical: true,
            tau: 0.15,
            axis: 0,
            region: false,
            times: 5,
        }
    }
}

/// What the hand placed.
#[derive(Clone, Debug)]
pub(super) struct Hand {
    /// Points that go there and back; none for draws of the data.
    points: Vec<[f32; 2]>,
    /// The two that are joined; `None` until a click: then two of the data.
    ends: Option<[[f32; 2]; 2]>,
    /// The cloud, and a number that changes with it.
    cloud: Vec<[f32; 2]>,
    version: u64,
    /// Where a coordinate is held, and half the width of a region there.
    at: f32,
    half: f32,
}

impl Default for Hand {
    fn default() -> Self {
        let along = |index: u32| {
            let z = normal(0, Stream::Forward, 0, index).map(|z| THICK * z);
            let share = (index as f32 + 0.5) / STROKE as f32;
            [2.4 * share - 1.2 + z[0], 0.9 + z[1]]
        };
        Self {
            points: Vec::new(),
            ends: None,
            cloud: (0..STROKE).map(along).collect(),
            version: fresh_version(),
            at: 0.3,
            half: 0.25,
        }
    }
}

/// A place between two, in the plane or along the circle about 0.
fn between(a: [f32; 2], b: [f32; 2], share: f32, spherical: bool) -> [f32; 2] {
    if spherical {
        let [a, b] = [a, b].map(|p| p.map(f64::from));
        slerp(a, b, f64::from(share)).map(|v| v as f32)
    } else {
        [0, 1].map(|i| a[i] + share * (b[i] - a[i]))
    }
}

/// The chapter's state.
#[derive(Default)]
pub struct Editing {
    pub(super) show: Show,
    pub(super) hand: Hand,
    runs: EditRuns,
    findings: Findings,
    /// What the runs are of.
    shown: Option<Edit>,
    /// Which of the placed points the hand holds.
    held: Option<usize>,
}

impl Editing {
    fn exact(&self, desk: &Desk) -> bool {
        self.show.exact.unwrap_or(desk.here.snapshot.step == 0)
    }

    /// The points that go there and back.
    fn points(&self, desk: &Desk) -> Vec<[f32; 2]> {
        let drawn = || {
            let data = desk.here.snapshot.dataset.points.iter();
            data.take(DRAWN).copied().collect()
        };
        match &self.hand.points[..] {
            [] => drawn(),
            placed => placed.to_vec(),
        }
    }

    /// The two points that are joined.
    fn ends(&self, desk: &Desk) -> Option<[[f32; 2]; 2]> {
        // Of the data, the first and the one farthest from it among some.
        let drawn = || {
            let data = &desk.here.snapshot.dataset.points;
            let first = *data.first()?;
            let far = |p: &[f32; 2]| (p[0] - first[0]).hypot(p[1] - first[1]);
            let among = data.iter().take(200);
            let last = among.max_by(|a, b| far(a).total_cmp(&far(b)))?;
            Some([first, *last])
        };
        self.hand.ends.or_else(drawn)
    }

    /// What is asked of the coordinates.
    fn wanted(&self) -> [Wanted; 2] {
        let (at, half) = (f64::from(self.hand.at), f64::from(self.hand.half));
        let mut wanted = [Wanted::Any; 2];
        wanted[self.show.axis] = if self.show.region {
            Wanted::Between([at - half, at + half])
        } else {
            Wanted::At(at)
        };
        wanted
    }

    /// Ask for the runs of the edit on show, and say what is drawn.
    fn ask(&mut self, desk: &Desk) -> Option<Job> {
        let by = (self.exact(desk), self.show.follow);
        let (steps, method) = (self.show.steps, METHODS[self.show.method]);
        let wish = |job: Job| Wish::new(desk, job, steps, by);
        match self.show.edit {
            Edit::Invert => {
                let job = Job::RoundTrip(method, self.points(desk));
                self.runs.want(desk, &wish(job.clone()));
                let timesteps = desk.here.snapshot.experiment.timesteps;
                let counts = ERROR_STEPS.into_iter().filter(|steps| *steps <= timesteps);
                let wishes = counts.map(|steps| Wish::new(desk, job.clone(), steps, by).once());
                self.runs
                    .series
                    .follow(desk, wishes.collect(), round_trip_errors);
                Some(job)
            }
            Edit::Join => {
                let ends = self.ends(desk)?;
                let first = wish(Job::RoundTrip(method, ends.to_vec()));
                self.runs.want_beside(desk, &first);
                let found = self.runs.beside.shown()?;
                let [a, b] = latents(found) else { return None };
                let at = |k: usize| {
                    let share = k as f32 / (PLACES - 1) as f32;
                    between(*a, *b, share, self.show.spherical)
                };
                let job = Job::Down(method, (0..PLACES).map(at).collect());
                self.runs.want(desk, &wish(job.clone()));
                Some(job)
            }
            Edit::Cloud => {
                let job = |tau| Job::FromCloud(tau, self.hand.cloud.clone());
                self.runs.want(desk, &wish(job(self.show.tau)));
                let taus = CLOUD_TAUS.iter().filter(|_| !self.hand.cloud.is_empty());
                let wishes = taus.map(|tau| wish(job(*tau)).once()).collect();
                let (findings, placed) = (&self.findings, &self.hand.cloud);
                let measure = |result: &_| findings.measure_cloud(result, placed);
                self.runs.series.follow(desk, wishes, measure);
                Some(job(self.show.tau))
            }
            Edit::Fix => {
                let wanted = self.wanted();
                let job = |times| Job::Held(wanted, times);
                self.runs.want(desk, &wish(job(self.show.times)));
                self.runs.want_beside(desk, &wish(job(1)));
                Some(job(self.show.times))
            }
        }
    }
}

impl Page for Editing {
    fn hint(&self) -> &'static str {
        match self.show.edit {
            Edit::Invert => {
                "Click points: each goes up to its noise and comes back. More steps bring it nearer."
            }
            Edit::Join => "Drag the two ends: the curve between them goes through the noise.",
            Edit::Cloud => {
                "Paint a cloud by dragging, then choose t: little noise keeps it, much makes it data."
            }
            Edit::Fix => {
                "Drag the line: the other coordinate is filled in, here by taking steps again."
            }
        }
    }

    fn equation(&self, _desk: &Desk) -> Equation {
        let sub = |symbol, of| [Piece::Var(symbol), Piece::Sub(vec![Piece::Var(of)])];
        let mut pieces = Vec::new();
        let spoken = match self.show.edit {
            Edit::Invert | Edit::Join => {
                pieces.extend([
                    Piece::Var("dx"),
                    Piece::Sign(" = ["),
                    Piece::Var("f x"),
                    Piece::Sign(" − ½ "),
                    Piece::Var("g"),
                    Piece::Sup(vec![Piece::Sign("2")]),
                    Piece::Sign(" ∇ log "),
                    Piece::Var("p"),
                    Piece::Sign("] "),
                    Piece::Var("dt"),
                ]);
                "d x is f x minus half of g squared times the score, times d t, upwards and downwards"
            }
            Edit::Cloud => {
                pieces.extend(sub("x", "t"));
                pieces.push(Piece::Sign(" = "));
                pieces.extend(sub("a", "t"));
                pieces.push(Piece::Sign(" "));
                pieces.push(Piece::Var("y"));
                pieces.push(Piece::Sign(" + "));
                pieces.extend(sub("s", "t"));
                pieces.push(Piece::Sign(" "));
                pieces.push(Piece::Var("ε"));
                "x t, from which the sampler goes on, is a t times y, the placed cloud, plus s t times noise"
            }
            Edit::Fix if self.show.region => {
                pieces.extend([Piece::Hat("x"), Piece::Sub(vec![Piece::Sign("0")])]);
                pieces.push(Piece::Sign(" → the nearest that is wanted"));
                "the estimate of x 0 is taken to the nearest that is wanted"
            }
            Edit::Fix => {
                pieces.extend(sub("x", "r"));
                pieces.push(Piece::Sign(" = "));
                pieces.extend(sub("a", "r"));
                pieces.push(Piece::Sign(" "));
                pieces.push(Piece::Var("c"));
                pieces.push(Piece::Sign(" + "));
                pieces.extend(sub("s", "r"));
                pieces.push(Piece::Sign(" "));
                pieces.push(Piece::Var("z"));
                "after each step the known coordinate is a r times its value c plus s r times fresh noise"
            }
        };
        Equation { pieces, spoken }
    }

    fn controls_ui(&mut self, ui: &mut Ui, desk: &mut Desk) {
        self.controls(ui, desk);
    }

    fn home(&self, _desk: &Desk) -> Bounds {
        Bounds {
            min: [-3.2, -2.5],
            max: [3.2, 2.5],
        }
    }

    fn takes_drags(&self) -> bool {
        true
    }

    fn take_hand(&mut self, ui: &Ui, view: &View, response: &Response, desk: &mut Desk) {
        self.use_hand(ui, view, response, desk);
    }

    fn prepare(&mut self, _ctx: &Context, desk: &mut Desk) {
        self.show.exact.get_or_insert(desk.here.snapshot.step == 0);
        if self.shown.replace(self.show.edit) != Some(self.show.edit) {
            self.runs.turn_to(self.show.edit as usize, desk);
        }
        self.runs.main.take_news(desk);
        self.runs.beside.take_news(desk);
        if let Some(job) = self.ask(desk) {
            self.findings.read(desk, &self.runs, &job);
        }
    }

    fn scene(&self, _canvas: usize, desk: &Desk) -> Scene {
        self.drawn(desk)
    }

    fn overlay_ui(&self, ui: &mut Ui, view: &View, desk: &Desk) {
        self.sketch(ui, view, desk);
    }

    fn density_tau(&self, _desk: &Desk) -> Option<f64> {
        Some(0.0)
    }

    fn plots_height(&self, available: f32) -> f32 {
        (0.34 * available).clamp(150.0, 300.0)
    }

    fn plots_ui(&mut self, ui: &mut Ui, desk: &mut Desk, twin: Option<&mut Self>) {
        self.charts(ui, desk, twin.as_deref());
    }

    fn leave(&mut self, desk: &mut Desk) {
        self.runs.end(desk);
        self.shown = None;
    }

    fn reset(&mut self, _desk: &mut Desk) {
        self.hand = Hand::default();
    }

    fn try_it(&mut self, index: usize, _desk: &mut Desk) {
        match index {
            0 => (self.show.edit, self.show.method) = (Edit::Invert, 2),
            1 => (self.show.edit, self.show.tau) = (Edit::Cloud, 0.8),
            _ => {
                self.show.edit = Edit::Fix;
                (self.show.axis, self.show.region, self.show.times) = (0, false, 10);
            }
        }
    }

    fn is_tried(&self, index: usize, _desk: &Desk) -> bool {
        let Show {
            edit,
            method,
            tau,
            times,
            axis,
            region,
            ..
        } = self.show;
        match index {
            0 => edit == Edit::Invert && method == 2 && self.findings.errors.is_some(),
            1 => edit == Edit::Cloud && tau >= 0.75 && self.findings.cloud.is_some(),
            _ => edit == Edit::Fix && axis == 0 && !region && times >= 10,
        }
    }

    fn show_learned(&mut self) {
        self.show.exact = Some(false);
    }
}
