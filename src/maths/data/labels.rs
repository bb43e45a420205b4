//! Classes of a data set: which class each component and each point is of, and the closed forms that follow.

use std::sync::Arc;

use super::mixture::Mixture;
use crate::diffusion::exact::Marginal;
use crate::diffusion::schedule::Scales;
use crate::names::same;

/// The classes of a data set.
#[derive(Clone, Debug, PartialEq)]
pub struct Labels {
    /// What they are called; their numbers are their places here.
    pub names: Vec<String>,
    /// The class of each component of the mixture.
    pub of_components: Arc<Vec<u32>>,
    /// The class of each training point.
    pub of_points: Arc<Vec<u32>>,
}

impl Labels {
    /// How many classes.
    pub fn count(&self) -> u32 {
        self.names.len() as u32
    }

    /// The number of a class by its name or its number.
    ///
    /// # Errors
    /// One sentence with the names that there are.
    pub fn find(&self, text: &str) -> Result<u32, String> {
        let named = self.names.iter().position(|name| same(name, text));
        let numbered = || text.parse().ok().filter(|n| *n < self.names.len());
        named.or_else(numbered).map(|n| n as u32).ok_or_else(|| {
            let names = self.names.join(", ");
            format!("'{text}' is no label of these data: use {names}, or a number from 0")
        })
    }

    /// The distribution of one class: its components alone. `None` where it has none.
    pub fn mixture_of(&self, mixture: &Mixture, class: u32) -> Option<Mixture> {
        let own = std::iter::zip(&mixture.components, self.of_components.iter())
            .filter(|(_, of)| **of == class)
            .map(|(component, _)| *component);
        Mixture::new(own.collect()).ok()
    }

    /// p(y | x_t = x) of every class y, in closed form: the shares of its components in the density there.
    pub fn posterior(&self, marginal: &Marginal, x: [f64; 2]) -> Vec<f64> {
        marginal.shares(x, &self.of_components, self.names.len())
    }

    /// The same of a mixture at one noise level.
    pub fn posterior_at(&self, mixture: &Mixture, scales: Scales, x: [f64; 2]) -> Vec<f64> {
        self.posterior(&mixture.marginal(scales), x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::dataset::Dataset;
    use crate::data::shapes::Shape;
    use crate::diffusion::schedule::Schedule;

    fn labelled() -> impl Iterator<Item = (Shape, Dataset, Labels)> {
        let all = Shape::ALL.into_iter();
        all.filter_map(|shape| {
            let dataset = Dataset::of_shape(shape, 2000, 4);
            let labels = dataset.labels.clone()?;
            Some((shape, dataset, labels))
        })
    }

    /// Bayes: Σ_y p(y) p_t(x | y) = p_t(x), and p(y | x) = p(y) p_t(x | y)/p_t(x), for every class at every noise level.
    #[test]
    fn posteriors_are_those_of_bayes() {
        let mut seen = 0;
        for (shape, dataset, labels) in labelled() {
            seen += 1;
            let classes: Vec<Mixture> = (0..labels.count())
                .map(|y| labels.mixture_of(&dataset.mixture, y).unwrap())
                .collect();
            let weight = |y: usize| {
                let own = std::iter::zip(&dataset.mixture.components, labels.of_components.iter());
                let own = own.filter(|(_, of)| **of as usize == y);
                own.map(|(component, _)| f64::from(component.weight))
                    .sum::<f64>()
            };
            for tau in [0.02, 0.3, 0.9] {
                let scales = Schedule::Cosine.scales(tau, 1000);
                let marginal = dataset.mixture.marginal(scales);
                for x in [[0.1, 0.2], [-1.0, 0.8], [1.4, -1.1]] {
                    let found = labels.posterior_at(&dataset.mixture, scales, x);
                    assert!((found.iter().sum::<f64>() - 1.0).abs() < 1e-9);
                    for (y, class) in classes.iter().enumerate() {
                        let log = class.marginal(scales).log_density(x) - marginal.log_density(x);
                        let expected = weight(y) * log.exp();
                        assert!(
                            (found[y] - expected).abs() < 1e-5,
                            "{shape:?}, {y}: {}, not {expected}",
                            found[y]
                        );
                    }
                }
            }
        }
        assert_eq!(
            seen, 6,
            "moons, rings, figure-8, 8 Gaussians, spirals, pinwheel"
        );
    }

    /// Each training point lies nearest to a component of its own class, but where classes meet; and each class has its share.
    #[test]
    fn points_bear_the_class_of_the_component_that_they_were_drawn_from() {
        for (shape, dataset, labels) in labelled() {
            assert_eq!(labels.of_points.len(), dataset.points.len());
            let scales = Schedule::Linear.scales(1e-4, 1000);
            let marginal = dataset.mixture.marginal(scales);
            let mut agreed = 0;
            let mut counts = vec![0_f64; labels.names.len()];
            for (point, &label) in std::iter::zip(dataset.points.iter(), labels.of_points.iter()) {
                let shares = labels.posterior(&marginal, point.map(f64::from));
                let likeliest = (0..shares.len()).max_by(|a, b| shares[*a].total_cmp(&shares[*b]));
                agreed += usize::from(likeliest == Some(label as usize));
                counts[label as usize] += 1.0;
            }
            assert!(agreed > 1940, "{shape:?}: {agreed} of 2000");
            for (y, count) in counts.iter().enumerate() {
                let class = labels.of_components.iter().zip(&dataset.mixture.components);
                let weight: f32 = class
                    .filter(|(of, _)| **of as usize == y)
                    .map(|(_, component)| component.weight)
                    .sum();
                let expected = 2000.0 * f64::from(weight);
                assert!(
                    (count - expected).abs() < 5.0 * expected.sqrt(),
                    "{shape:?}, {y}"
                );
            }
        }
    }

    /// Names mean what they say: where the points of each class lie.
    #[test]
    fn names_say_where_the_points_are() {
        let mean = |shape: Shape, name: &str, of: fn([f32; 2]) -> f32| {
            let dataset = Dataset::of_shape(shape, 4000, 1);
            let labels = dataset.labels.unwrap();
            let class = labels.find(name).unwrap();
            let own = std::iter::zip(dataset.points.iter(), labels.of_points.iter());
            let own: Vec<f32> = own
                .filter(|(_, label)| **label == class)
                .map(|(point, _)| of(*point))
                .collect();
            own.iter().sum::<f32>() / own.len() as f32
        };
        let x: fn([f32; 2]) -> f32 = |p| p[0];
        let y: fn([f32; 2]) -> f32 = |p| p[1];
        assert!(mean(Shape::Moons, "upper", y) > 0.2 && mean(Shape::Moons, "lower", y) < -0.2);
        assert!(mean(Shape::Figure8, "right", x) > 0.5 && mean(Shape::Figure8, "left", x) < -0.5);
        let radius: fn([f32; 2]) -> f32 = |p| p[0].hypot(p[1]);
        let rings = ["inner", "middle", "outer"].map(|name| mean(Shape::Rings, name, radius));
        assert!((rings[1] / rings[0] - 2.0).abs() < 0.1 && (rings[2] / rings[0] - 3.0).abs() < 0.1);
        // Even ones lie on the axes, odd ones on the diagonals.
        let off_axis: fn([f32; 2]) -> f32 = |p| p[0].abs().min(p[1].abs());
        assert!(mean(Shape::EightGaussians, "even", off_axis) < 0.2);
        assert!(mean(Shape::EightGaussians, "odd", off_axis) > 0.8);
    }

    #[test]
    fn classes_are_found_by_name_and_number() {
        let labels = Dataset::of_shape(Shape::Moons, 10, 0).labels.unwrap();
        assert_eq!(labels.find("upper"), Ok(0));
        assert_eq!(labels.find("1"), Ok(1));
        let told = labels.find("2").unwrap_err();
        assert_eq!(
            told,
            "'2' is no label of these data: use upper, lower, or a number from 0"
        );
    }
}
