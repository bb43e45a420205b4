//! A data set ready for use: its mixture, its finite training points, its outline and bounds.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rand::SeedableRng;
use rand::rngs::StdRng;
use rand::seq::index;
use serde::{Deserialize, Serialize};

use super::bounds::Bounds;
pub use super::csv_io::DataError;
use super::csv_io::read_rows;
use super::mixture::{Component, Mixture, Standardisation};
use super::reference::Reference;
use super::shapes::{MAX_COMPONENTS, Shape};

/// What is learned: a built-in shape or a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataSource {
    /// A built-in mixture.
    Shape(Shape),
    /// Points in a CSV file with header `x,y`.
    Csv(PathBuf),
}

impl DataSource {
    /// The name for people: a shape's title, or the file's name.
    pub fn title(&self) -> String {
        match self {
            Self::Shape(shape) => shape.title().to_owned(),
            Self::Csv(path) => {
                path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
            }
        }
    }
}

impl std::str::FromStr for DataSource {
    type Err = String;

    /// A built-in's name, or a path that ends in `.csv`.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(shape) = text.parse() {
            return Ok(Self::Shape(shape));
        }
        if Path::new(text).extension().is_some_and(|e| e.eq_ignore_ascii_case("csv")) {
            return Ok(Self::Csv(PathBuf::from(text)));
        }
        let names: Vec<_> = Shape::ALL.into_iter().map(Shape::name).collect();
        Err(format!("'{text}' is neither a built-in data set ({}) nor a .csv file", names.join(", ")))
    }
}

impl std::fmt::Display for DataSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Shape(shape) => f.write_str(shape.name()),
            Self::Csv(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Data in standardised units (average variance per axis 1).
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The distribution, in closed form. For a CSV: a kernel density estimate of its points.
    pub mixture: Arc<Mixture>,
    /// The finite training set (or, for fresh training, a draw of the same size, for the picture).
    pub points: Arc<Vec<[f32; 2]>>,
    /// The manifold as polylines, for the dashed outline; empty for a CSV.
    pub outline: Arc<Vec<Vec<[f32; 2]>>>,
    /// Bounding box of `points` × 1.1 about its centre: the box of the samplers' clip.
    pub clip: Bounds,
    /// How the units of the source became these: nothing to do for a built-in shape.
    pub standardisation: Standardisation,
    /// What samples are judged against.
    pub reference: Reference,
}

/// Room around the points in the samplers' clip.
const CLIP_MARGIN: f32 = 1.1;
/// Mixed into the seed of the training points ("data"), so that other draws from the mixture with the same seed, to
/// measure against, are not the training points themselves.
const DATA_SALT: u64 = 0x6461_7461;

impl Dataset {
    /// A built-in shape, or a file. `points` is the size of a shape's training set; a file's is the whole file.
    pub fn load(source: &DataSource, points: u32, seed: u64) -> Result<Self, DataError> {
        match source {
            DataSource::Shape(shape) => Ok(Self::of_shape(*shape, points, seed)),
            DataSource::Csv(path) => Self::from_csv(path, seed),
        }
    }

    /// `points` draws from a built-in shape.
    pub fn of_shape(shape: Shape, points: u32, seed: u64) -> Self {
        let mixture = shape.mixture();
        let points = mixture.draw(points as usize, seed ^ DATA_SALT);
        Self::new(mixture, points, shape.outline(), Standardisation::default())
    }

    /// The points of a CSV, standardised. The seed chooses the kernels of the density estimate where there are more
    /// points than kernels.
    pub fn from_csv(path: &Path, seed: u64) -> Result<Self, DataError> {
        let rows = read_rows(path)?;
        let map = standardisation(&rows).ok_or_else(|| DataError::AllEqual(path.into()))?;
        let points: Vec<[f32; 2]> = rows.into_iter().map(|row| map.apply(row)).collect();
        let mixture = kernel_density(&points, seed ^ DATA_SALT);
        Ok(Self::new(mixture, points, Vec::new(), map))
    }

    fn new(
        mixture: Mixture,
        points: Vec<[f32; 2]>,
        outline: Vec<Vec<[f32; 2]>>,
        standardisation: Standardisation,
    ) -> Self {
        let clip = Bounds::around(&points).unwrap_or_else(|| mixture.bounds()).scaled(CLIP_MARGIN);
        let mixture = Arc::new(mixture);
        let reference = Reference::Mixture(mixture.clone());
        let (points, outline) = (Arc::new(points), Arc::new(outline));
        Self { mixture, points, outline, clip, standardisation, reference }
    }
}

/// The map that gives points mean 0 and an average variance per axis of 1; `None` where there is no spread.
fn standardisation(points: &[[f64; 2]]) -> Option<Standardisation> {
    let first = *points.first()?;
    if points.iter().all(|point| *point == first) {
        return None;
    }
    let count = points.len() as f64;
    let mean = [0, 1].map(|axis| points.iter().map(|p| p[axis]).sum::<f64>() / count);
    let spread = |p: &[f64; 2]| (p[0] - mean[0]).powi(2) + (p[1] - mean[1]).powi(2);
    let scale = (0.5 * points.iter().map(spread).sum::<f64>() / count).sqrt();
    scale.is_normal().then_some(Standardisation { mean, scale })
}

/// A kernel density estimate of standardised points: equal Gaussian kernels on at most [`MAX_COMPONENTS`] of them.
///
/// Scott's bandwidth, m^(−1/6) in two dimensions at unit variance (Scott 1992, section 6.3), is right for one Gaussian
/// blob and washes curves out. It is the widest tried; taken is the one of its halvings by √2 under which every kernel's
/// point is likeliest given the others (leave-one-out likelihood, Duin 1976).
fn kernel_density(points: &[[f32; 2]], seed: u64) -> Mixture {
    let chosen: Vec<[f32; 2]> = if points.len() > MAX_COMPONENTS {
        let mut rng = StdRng::seed_from_u64(seed);
        index::sample(&mut rng, points.len(), MAX_COMPONENTS).into_iter().map(|i| points[i]).collect()
    } else {
        points.to_vec()
    };
    let scott = (chosen.len() as f64).powf(-1.0 / 6.0);
    let candidates = (0..=BANDWIDTH_HALVINGS).map(|k| scott * 2.0_f64.powf(-0.5 * f64::from(k)));
    let (bandwidth, _) = candidates
        .map(|bandwidth| (bandwidth, leave_one_out(&chosen, bandwidth)))
        .fold((scott, f64::NEG_INFINITY), |best, next| if next.1 > best.1 { next } else { best });
    let weight = 1.0 / chosen.len() as f32;
    let component = |mean| Component { mean, sigma: bandwidth as f32, weight };
    Mixture { components: chosen.into_iter().map(component).collect() }
}

/// How many times Scott's bandwidth is divided by √2: to a sixteenth, so that duplicate points, whose likelihood
/// grows without bound, still get a visible kernel.
const BANDWIDTH_HALVINGS: u32 = 8;

/// Σ_i ln (mean over j ≠ i of N(x_i; x_j, h² I)), less constants. A floor far below any neighbour keeps one outlier from
/// deciding alone.
fn leave_one_out(points: &[[f32; 2]], bandwidth: f64) -> f64 {
    let inverse = 0.5 / (bandwidth * bandwidth);
    let likelihood = |i: usize| {
        let [x, y] = points[i];
        let others = points.iter().enumerate().filter(|(j, _)| *j != i);
        let sum: f64 = others.map(|(_, p)| (-f64::from((p[0] - x).powi(2) + (p[1] - y).powi(2)) * inverse).exp()).sum();
        sum.max(1e-6).ln() - 2.0 * bandwidth.ln()
    };
    (0..points.len()).map(likelihood).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn csv(text: &str) -> Result<Dataset, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("points.csv");
        std::fs::write(&path, text).unwrap();
        Dataset::load(&DataSource::Csv(path), 8192, 0)
            .map_err(|error| error.to_string().replace(&format!("{}/", directory.path().display()), ""))
    }

    #[test]
    fn a_shape_gives_its_points_by_seed_and_a_clip_around_them() {
        let data = Dataset::of_shape(Shape::Moons, 1000, 3);
        assert_eq!(data.points.len(), 1000);
        assert_eq!(data.points, Dataset::of_shape(Shape::Moons, 1000, 3).points);
        assert_ne!(data.points, Dataset::of_shape(Shape::Moons, 1000, 4).points);
        assert_ne!(*data.points, data.mixture.draw(1000, 3), "a draw to measure against is not the training set");
        let tight = Bounds::around(&data.points).unwrap();
        for axis in 0..2 {
            let (clip, points) = (data.clip.max[axis] - data.clip.min[axis], tight.max[axis] - tight.min[axis]);
            assert!((clip / points - 1.1).abs() < 1e-5);
        }
        assert_eq!(data.outline.len(), 2);
    }

    #[test]
    fn a_csv_is_standardised_with_its_proportions_and_an_offset_does_not_hurt() {
        // A 4×2 rectangle of corners, a million away from the origin: variances 4 and 1, scale √2.5.
        let data = csv("x,y\n1000000,0\n1000004,0\n1000000,2\n1000004,2\n").unwrap();
        let scale = 2.5_f32.sqrt();
        let expected = [[-2.0, -1.0], [2.0, -1.0], [-2.0, 1.0], [2.0, 1.0]].map(|p| p.map(|c: f32| c / scale));
        for (point, expected) in data.points.iter().zip(expected) {
            assert!((point[0] - expected[0]).abs() < 1e-6 && (point[1] - expected[1]).abs() < 1e-6);
        }
        assert_eq!(data.mixture.components.len(), 4);
        assert!(data.outline.is_empty());
    }

    #[test]
    fn points_without_spread_are_refused() {
        let message = "points.csv needs at least two different points; all of its rows are the same point";
        for text in ["x,y\n1,2\n", "x,y\n0.1,0.2\n0.1,0.2\n0.1,0.2\n"] {
            assert_eq!(csv(text).unwrap_err(), message);
        }
    }

    #[test]
    fn the_density_estimate_of_a_curve_follows_the_curve() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("points.csv");
        let figure8 = Shape::Figure8.mixture();
        std::fs::write(&path, crate::data::csv_io::points_csv(&figure8.draw(3000, 1))).unwrap();
        let data = Dataset::from_csv(&path, 0).unwrap();
        assert_eq!((data.points.len(), data.mixture.components.len()), (3000, MAX_COMPONENTS));
        assert!((data.mixture.total_weight() - 1.0).abs() < 1e-5);
        // Scott alone gives 0.35 where the curve is 0.036 thick.
        let sigma = data.mixture.components[0].sigma;
        assert!((0.02..0.1).contains(&sigma), "{sigma}");
    }

    #[test]
    fn the_density_estimate_of_one_gaussian_is_near_scotts() {
        let points = Shape::Gaussian.mixture().draw(400, 2);
        let sigma = f64::from(kernel_density(&points, 0).components[0].sigma);
        let scott = 400.0_f64.powf(-1.0 / 6.0);
        assert!(sigma <= 1.0001 * scott && sigma > 0.6 * scott, "{sigma} against {scott}");
    }

    #[test]
    fn sources_are_read_back_as_they_are_shown() {
        for text in ["figure8", "8gaussians", "some/where.csv", "UPPER.CSV"] {
            assert_eq!(text.parse::<DataSource>().map(|source| source.to_string()), Ok(text.into()));
        }
        assert!("figure9".parse::<DataSource>().unwrap_err().contains("figure8, circle"));
    }
}
