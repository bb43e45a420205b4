//! Where x_t lies: put there by the hand, on this side or on the other, with the x_0 that it is taken to come from.

use std::sync::Arc;

use crate::chapters::compass::needle::{combine, nearest, noise_of, posterior_draw};
use crate::chapters::shared::field_time::field_scales;
use crate::desk::Desk;
use maths::philox::{Stream, draw, uniform};

/// Where x_t lies until the hand places it.
pub const OPENING: [f64; 2] = [-0.15, -1.6];

/// Data points, shared with the data set that they are of.
type Points = Arc<Vec<[f32; 2]>>;

/// Which clean point a placed x_t is taken to come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The data point nearest to x_t/a.
    Nearest,
    /// A data point drawn from the posterior p(x_0 | x_t).
    Drawn,
}

/// A clean point and its noise: at every time x_t = a x_0 + s ε.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placed {
    /// Data units.
    pub x_0: [f64; 2],
    /// Of unit variance where x_t is likely.
    pub epsilon: [f64; 2],
}

/// What the hand does to x_t.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// A new point, which asks for a new x_0.
    Place,
    /// The point goes elsewhere and keeps its x_0.
    Drag,
}

/// Something that the hand did to x_t.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Done {
    deed: Deed,
    x_t: [f64; 2],
    /// Counts what was done.
    number: u64,
}

/// What the hand did last, on this side or on the other: each does it with its own data at its own time.
#[derive(Clone, Debug, Default)]
pub struct Hand {
    done: Option<Done>,
    /// The point of the side where it was done, and the data that its x_0 was chosen from.
    point: Option<(Placed, Points)>,
    /// Counts the points placed: the counter of the draws from the posterior.
    placements: u32,
}

/// The point of one side.
#[derive(Debug, Default)]
pub struct Point {
    placed: Option<Placed>,
    /// The data that x_0 was chosen from.
    of: Option<Points>,
    /// What the hand did that was done here too.
    followed: Option<Done>,
}

impl Point {
    /// Where it is, once it is placed.
    pub fn placed(&self) -> Option<Placed> {
        self.placed
    }

    /// The hand does something with it here.
    pub fn put(&mut self, desk: &Desk, hand: &mut Hand, origin: Origin, deed: Deed, x_t: [f64; 2]) {
        let done = Done {
            deed,
            x_t,
            number: hand.done.map_or(0, |done| done.number) + 1,
        };
        (hand.done, self.followed) = (Some(done), Some(done));
        match deed {
            Deed::Place => self.place(desk, hand, origin, x_t),
            Deed::Drag => self.drag(desk, x_t),
        }
        hand.point = self.placed.zip(self.of.clone());
    }

    /// Follow the hand where it did something on the other side. A point is always placed; other data ask for another x_0.
    pub fn keep(&mut self, desk: &Desk, hand: &mut Hand, origin: Origin) {
        if hand.done != self.followed || self.placed.is_none() {
            self.follow(desk, hand, origin);
            // Who comes next takes this side's point after it, at this side's time.
            hand.point = self.placed.zip(self.of.clone());
        }
        let points = &desk.here.snapshot.dataset.points;
        if self.of.as_ref().is_some_and(|of| Arc::ptr_eq(of, points)) && self.placed.is_some() {
            return;
        }
        let scales = field_scales(desk);
        let x_t = self.placed.map_or(OPENING, |placed| {
            combine(scales.a, placed.x_0, scales.s, placed.epsilon)
        });
        self.place(desk, hand, origin, x_t);
        hand.point = self.placed.zip(self.of.clone());
    }

    fn follow(&mut self, desk: &Desk, hand: &mut Hand, origin: Origin) {
        let points = &desk.here.snapshot.dataset.points;
        let number = |done: Option<Done>| done.map_or(0, |done| done.number);
        // More was done there than this, while points were not linked or before this side was there.
        let missed = self.placed.is_none() || number(self.followed) + 1 != number(hand.done);
        self.followed = hand.done;
        match (hand.done, &hand.point) {
            // Of the same data the same x_0.
            (done, Some((point, of))) if Arc::ptr_eq(of, points) || of == points => {
                let epsilon = match done {
                    Some(Done { x_t, .. }) if !missed => {
                        noise_of(x_t, point.x_0, field_scales(desk))
                    }
                    _ => point.epsilon,
                };
                (self.placed, self.of) = (Some(Placed { epsilon, ..*point }), Some(points.clone()));
            }
            (
                Some(Done {
                    x_t,
                    deed: Deed::Drag,
                    ..
                }),
                _,
            ) if !missed => self.drag(desk, x_t),
            (Some(Done { x_t, .. }), _) => self.place(desk, hand, origin, x_t),
            (None, _) => {}
        }
    }

    /// Put x_t somewhere and choose the x_0 that it comes from.
    fn place(&mut self, desk: &Desk, hand: &mut Hand, origin: Origin, x_t: [f64; 2]) {
        let points = &desk.here.snapshot.dataset.points;
        let scales = field_scales(desk);
        hand.placements = hand.placements.wrapping_add(1);
        let word = draw(
            desk.here.snapshot.experiment.seed,
            Stream::Forward,
            1,
            hand.placements,
        )[0];
        let x_0 = match origin {
            Origin::Nearest => nearest(points, x_t, scales),
            Origin::Drawn => posterior_draw(points, x_t, scales, f64::from(uniform(word))),
        };
        self.of = Some(points.clone());
        self.placed = x_0.map(|x_0| Placed {
            x_0,
            epsilon: noise_of(x_t, x_0, scales),
        });
    }

    /// Move x_t; its x_0 stays.
    fn drag(&mut self, desk: &Desk, x_t: [f64; 2]) {
        if let Some(placed) = &mut self.placed {
            placed.epsilon = noise_of(x_t, placed.x_0, field_scales(desk));
        }
    }
}
