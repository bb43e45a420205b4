//! Where x_t lies: where the hand put it, on this side or on the other, as near as noise can bring the x_0 that it is taken to
//! come from.

use std::sync::Arc;

use crate::chapters::compass::needle::{nearest, noise_of, posterior_draw, practical};
use crate::chapters::shared::field_time::field_scales;
use crate::desk::Desk;
use maths::diffusion::schedule::Scales;
use maths::philox::{Stream, draw};

/// Where x_t lies until the hand places it.
pub const OPENING: [f64; 2] = [-0.15, -1.6];

/// Data points, shared with the data set that they are of.
type Points = Arc<Vec<[f32; 2]>>;

/// Which clean point x_t is taken to come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The data point nearest to x_t/a, now.
    Nearest,
    /// A data point drawn from the posterior p(x_0 | x_t), anew with each point that is placed.
    Drawn,
    /// The one there was when this was chosen, whatever moves.
    Held,
}

/// A clean point and its noise: x_t = a x_0 + s ε.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    /// Data units.
    pub x_0: [f64; 2],
    /// No longer than is practical.
    pub epsilon: [f64; 2],
    /// Where the hand put x_t.
    pub hand: [f64; 2],
    /// Length of the noise that would bring x_0 there.
    pub wanted: f64,
}

impl Placed {
    /// True where x_t does not stand where the hand put it: no practical noise brings x_0 there.
    pub fn is_pulled(&self) -> bool {
        self.wanted > crate::chapters::compass::needle::LONGEST
    }
}

/// What the hand does to x_t.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A new point, which asks for a new draw.
    Place,
    /// The point goes elsewhere.
    Drag,
}

/// What the hand did, on this side or on the other: each follows it with its own data at its own time.
#[derive(Clone, Debug, Default)]
pub struct Hand {
    /// Where it put x_t.
    at: Option<[f64; 2]>,
    /// Counts the points placed: the counter of the draws from the posterior.
    placements: u32,
    /// The x_0 that is held, and the data that it is of.
    held: Option<([f64; 2], Points)>,
}

impl Hand {
    /// Put x_t somewhere.
    pub fn put(&mut self, deed: Deed, at: [f64; 2]) {
        self.at = Some(at);
        if deed == Deed::Place {
            self.placements = self.placements.wrapping_add(1);
        }
    }

    /// Where it put x_t.
    pub fn at(&self) -> [f64; 2] {
        self.at.unwrap_or(OPENING)
    }
}

/// What a point follows from, beside the data.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cause {
    at: [f64; 2],
    placements: u32,
    held: Option<[f64; 2]>,
    origin: Origin,
    scales: Scales,
    seed: u64,
}

/// The point of one side.
#[derive(Debug, Default)]
pub struct Point {
    placed: Option<Placed>,
    /// What it was placed by, and the data that x_0 was chosen from.
    by: Option<(Cause, Points)>,
}

impl Point {
    /// Where it is, once it is placed.
    pub fn placed(&self) -> Option<Placed> {
        self.placed
    }

    /// Follow the hand, the clock and the data. The place of the hand stays; x_0 and its noise follow from it.
    pub fn keep(&mut self, desk: &Desk, hand: &mut Hand, origin: Origin) {
        let points = &desk.here.snapshot.dataset.points;
        if origin != Origin::Held {
            hand.held = None;
        }
        let cause = |hand: &Hand| Cause {
            at: hand.at(),
            placements: hand.placements,
            held: hand.held.as_ref().map(|(x_0, _)| *x_0),
            origin,
            scales: field_scales(desk),
            seed: desk.here.snapshot.experiment.seed,
        };
        let now = cause(hand);
        if let Some((before, of)) = &self.by
            && *before == now
            && Arc::ptr_eq(of, points)
        {
            return;
        }
        let Cause { at, scales, .. } = now;
        let x_0 = match origin {
            Origin::Nearest => nearest(points, at, scales),
            Origin::Drawn => {
                let number = |index| {
                    let step = now.placements.wrapping_add(1);
                    let [word, ..] = draw(now.seed, Stream::Forward, step, index);
                    (f64::from(word) + 0.5) / 4_294_967_296.0
                };
                posterior_draw(points, at, scales, number)
            }
            Origin::Held => self.held(points, hand, at, scales),
        };
        self.by = Some((cause(hand), points.clone()));
        self.placed = x_0.map(|x_0| {
            let epsilon = noise_of(at, x_0, scales);
            Placed {
                x_0,
                epsilon: practical(epsilon),
                hand: at,
                wanted: epsilon[0].hypot(epsilon[1]),
            }
        });
    }

    /// The held x_0: of the same data that of the hand, else the one there is, else the nearest.
    fn held(
        &self,
        points: &Points,
        hand: &mut Hand,
        at: [f64; 2],
        scales: Scales,
    ) -> Option<[f64; 2]> {
        if let Some((x_0, of)) = &hand.held
            && (Arc::ptr_eq(of, points) || of == points)
        {
            return Some(*x_0);
        }
        let own = self.by.as_ref().filter(|(_, of)| Arc::ptr_eq(of, points));
        let own = own.and(self.placed).map(|placed| placed.x_0);
        let x_0 = own.or_else(|| nearest(points, at, scales));
        if hand.held.is_none() {
            hand.held = x_0.map(|x_0| (x_0, points.clone()));
        }
        x_0
    }
}
