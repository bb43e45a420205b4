//! Where paths begin: drawn from the noise, on a line, all at one point, or placed by hand.

use maths::philox::{Stream, normal};

/// Paths of the SDE that leave one start together.
pub const BUNDLE: usize = 50;
/// Most paths of a set.
pub const MOST: u32 = 200;
/// The line reaches so many standard deviations either way.
const LINE_REACH: f32 = 2.2;

/// How the starts are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Draws of the noise that a sampler starts from.
    Noise,
    /// Evenly along the coordinate on show, the other one 0.
    Line,
    /// One start of the ODE, and a bundle of SDE paths from it.
    Bundle,
    /// Placed by hand, one a click.
    Placed,
}

/// The noise at t = T, and the coordinate that is looked along.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// Standard deviation, data units.
    pub std: f32,
    /// The coordinate along the line of starts.
    pub coordinate: usize,
}

/// The starts of both sets of paths, in data units at t = T.
#[derive(Clone, Debug, PartialEq)]
pub struct Starts {
    /// How they are chosen.
    pub kind: Kind,
    /// How many, on the line and from the noise.
    pub count: u32,
    /// Key of the draws and of the SDE's noise.
    pub seed: u64,
    /// Those placed by hand.
    pub placed: Vec<[f32; 2]>,
    /// Where the bundle begins.
    pub bundle: [f32; 2],
    /// Those placed by hand before the last were taken away.
    pub before: Vec<[f32; 2]>,
}

impl Default for Starts {
    fn default() -> Self {
        Self {
            kind: Kind::Line,
            count: 24,
            seed: 0,
            placed: Vec::new(),
            bundle: [0.25, 0.1],
            before: Vec::new(),
        }
    }
}

impl Starts {
    /// The hand puts the bundle here.
    pub fn place_bundle(&mut self, at: [f32; 2]) {
        (self.kind, self.bundle) = (Kind::Bundle, at);
    }

    /// The hand puts a start here.
    pub fn place(&mut self, at: [f32; 2]) {
        if self.kind != Kind::Placed {
            self.kind = Kind::Placed;
            self.clear();
        }
        if self.placed.len() < MOST as usize && self.placed.last() != Some(&at) {
            self.placed.push(at);
        }
    }

    /// Those that the hand placed and can move.
    pub fn held(&self) -> &[[f32; 2]] {
        match self.kind {
            Kind::Placed => &self.placed,
            Kind::Bundle => std::slice::from_ref(&self.bundle),
            Kind::Noise | Kind::Line => &[],
        }
    }

    /// The hand drags one of them.
    pub fn move_to(&mut self, index: usize, at: [f32; 2]) {
        let held = match self.kind {
            Kind::Placed => self.placed.get_mut(index),
            Kind::Bundle => Some(&mut self.bundle),
            Kind::Noise | Kind::Line => None,
        };
        if let Some(start) = held {
            *start = at;
        }
    }

    /// The hand takes one away.
    pub fn remove(&mut self, index: usize) {
        if index < self.placed.len() {
            self.before.clone_from(&self.placed);
            self.placed.remove(index);
        }
    }

    /// The hand takes all away that it placed.
    pub fn clear(&mut self) {
        if !self.placed.is_empty() {
            self.before = std::mem::take(&mut self.placed);
        }
    }

    /// Bring back what was taken away last; what is placed by now can be brought back in turn.
    pub fn bring_back(&mut self) {
        self.kind = Kind::Placed;
        std::mem::swap(&mut self.placed, &mut self.before);
    }

    /// Paths of the ODE and of the SDE.
    pub fn counts(&self) -> [usize; 2] {
        match self.kind {
            Kind::Noise | Kind::Line => [self.count as usize; 2],
            Kind::Bundle => [1, BUNDLE],
            Kind::Placed => [self.placed.len(); 2],
        }
    }

    /// True where nothing is placed yet.
    pub fn is_empty(&self) -> bool {
        self.kind == Kind::Placed && self.placed.is_empty()
    }

    /// Starts of the ODE.
    pub fn ode(&self, noise: Noise) -> Vec<[f32; 2]> {
        match self.kind {
            Kind::Noise => {
                let draw = |i| normal(self.seed, Stream::SamplerStart, 0, i).map(|z| z * noise.std);
                (0..self.count).map(draw).collect()
            }
            Kind::Line => {
                let middle = 0.5 * (self.count.max(2) - 1) as f32;
                let at = |i: u32| {
                    let mut point = [0.0; 2];
                    point[noise.coordinate] = LINE_REACH * noise.std * (i as f32 - middle) / middle;
                    point
                };
                (0..self.count).map(at).collect()
            }
            Kind::Bundle => vec![self.bundle],
            Kind::Placed => self.placed.clone(),
        }
    }

    /// Starts of the SDE: the same, but every path of a bundle has its own.
    pub fn sde(&self, noise: Noise) -> Vec<[f32; 2]> {
        if self.kind == Kind::Bundle {
            vec![self.bundle; BUNDLE]
        } else {
            self.ode(noise)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sets_begin_alike_and_a_bundle_shares_its_start() {
        let mut starts = Starts {
            count: 5,
            ..Starts::default()
        };
        let noise = Noise {
            std: 2.0,
            coordinate: 1,
        };
        assert_eq!(starts.ode(noise), starts.sde(noise));
        assert_eq!(
            starts.ode(noise),
            [[0.0, -4.4], [0.0, -2.2], [0.0, 0.0], [0.0, 2.2], [0.0, 4.4]]
        );
        starts.kind = Kind::Noise;
        let few = starts.ode(noise);
        starts.count = 9;
        assert_eq!(starts.ode(noise)[..5], few[..], "the first ones stay");
        starts.place_bundle([1.0, 2.0]);
        assert_eq!(
            (starts.ode(noise), starts.sde(noise)),
            (vec![[1.0, 2.0]], vec![[1.0, 2.0]; BUNDLE])
        );
    }

    #[test]
    fn what_is_taken_away_can_be_brought_back() {
        let mut starts = Starts::default();
        let [a, b, c] = [[0.0, 1.0], [0.5, 1.0], [1.0, 1.0]];
        for at in [a, b] {
            starts.place(at);
        }
        starts.move_to(1, c);
        starts.move_to(7, b);
        assert_eq!(starts.placed, [a, c]);
        starts.remove(0);
        assert_eq!((starts.held(), starts.counts()), (&[c][..], [1, 1]));
        starts.bring_back();
        assert_eq!(starts.placed, [a, c]);
        starts.clear();
        assert!(starts.is_empty());
        starts.clear();
        starts.bring_back();
        assert_eq!(starts.placed, [a, c], "clearing nothing forgets nothing");
        // A click among other starts begins anew, and that is taken back, too.
        starts.kind = Kind::Line;
        starts.place(b);
        assert_eq!(starts.placed, [b]);
        starts.bring_back();
        assert_eq!(starts.placed, [a, c]);
        starts.place_bundle(b);
        starts.move_to(0, c);
        assert_eq!((starts.held(), starts.counts()), (&[c][..], [1, BUNDLE]));
    }

    #[test]
    fn clicks_add_starts_and_the_first_one_clears_what_was_drawn() {
        let mut starts = Starts::default();
        for at in [[0.0, 1.0], [0.5, 1.0], [0.5, 1.0]] {
            starts.place(at);
        }
        let noise = Noise {
            std: 1.0,
            coordinate: 0,
        };
        assert_eq!(
            starts.ode(noise),
            [[0.0, 1.0], [0.5, 1.0]],
            "a double click is one start"
        );
    }
}
