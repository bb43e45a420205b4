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
}

impl Default for Starts {
    fn default() -> Self {
        Self {
            kind: Kind::Line,
            count: 24,
            seed: 0,
            placed: Vec::new(),
            bundle: [0.25, 0.1],
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
            self.placed.clear();
        }
        if self.placed.len() < MOST as usize && self.placed.last() != Some(&at) {
            self.placed.push(at);
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
