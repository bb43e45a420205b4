//! A data set ready for use: its mixture, its finite training points, its outline and bounds.

mod rows;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::bounds::Bounds;
pub use super::error::DataError;
use super::kernels::kernels;
use super::labels::Labels;
use super::mixture::{Mixture, Standardisation};
use super::reference::Reference;
use super::shapes::Shape;
use super::table::Classes;
use rows::{StandardRows, classes_of_kernels, standard_rows};

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
    /// The names of its classes; none where its points bear no labels.
    pub fn classes(&self) -> &'static [&'static str] {
        match self {
            Self::Shape(shape) => shape.classes(),
            Self::Csv(_) => &[],
        }
    }

    /// The name for people: a shape's title, or the file's name.
    pub fn title(&self) -> String {
        match self {
            Self::Shape(shape) => shape.title().to_owned(),
            Self::Csv(path) => path.file_name().map_or_else(
                || path.display().to_string(),
                |name| name.to_string_lossy().into_owned(),
            ),
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
        if Path::new(text)
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("csv"))
        {
            return Ok(Self::Csv(PathBuf::from(text)));
        }
        let names: Vec<_> = Shape::ALL.into_iter().map(Shape::name).collect();
        Err(format!(
            "'{text}' is neither a built-in data set ({}) nor a .csv file",
            names.join(", ")
        ))
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

/// What the mixture of a data set is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Truth {
    /// The distribution that the points were drawn from, in closed form.
    Exact,
    /// Gaussian kernels on the rows that are trained on, see [`kernels`].
    Kernels {
        /// Rows that carry a kernel: distinct ones.
        rows: usize,
        /// Distinct rows in the training set.
        of: usize,
        /// h, standardised units.
        bandwidth: f32,
    },
}

impl Truth {
    /// In words that follow upon the name of something: `density, `…
    pub fn words(self) -> String {
        match self {
            Self::Exact => "closed form".to_owned(),
            Self::Kernels {
                rows,
                of,
                bandwidth,
            } if rows < of => {
                format!("kernels on {rows} of {of} distinct rows, bandwidth {bandwidth:.3}")
            }
            Self::Kernels {
                rows, bandwidth, ..
            } => {
                format!("kernels on {rows} distinct rows, bandwidth {bandwidth:.3}")
            }
        }
    }

    /// The bandwidth in use; `None` for a closed form.
    pub fn bandwidth(self) -> Option<f32> {
        match self {
            Self::Exact => None,
            Self::Kernels { bandwidth, .. } => Some(bandwidth),
        }
    }
}

/// Data in standardised units (average variance per axis 1).
#[derive(Clone, Debug)]
pub struct Dataset {
    /// The distribution, in closed form. For a file: kernels on the rows of `points`.
    pub mixture: Arc<Mixture>,
    /// What that mixture is.
    pub truth: Truth,
    /// The finite training set (or, for fresh training, a draw of the same size, for the picture). Of a file those rows
    /// that are not held out.
    pub points: Arc<Vec<[f32; 2]>>,
    /// The manifold as polylines, for the dashed outline; empty for a CSV.
    pub outline: Arc<Vec<Vec<[f32; 2]>>>,
    /// Bounding box of `points` × 1.1 about its centre: the box of the samplers' clip where `points` are trained on. See
    /// [`Dataset::clip_box`].
    pub clip: Bounds,
    /// How the units of the source became these: nothing to do for a built-in shape. Of a file by mean and variance of
    /// the rows that are trained on.
    pub standardisation: Standardisation,
    /// What samples are judged against: rows of a file that are not in `points`, where it has enough of them, else the
    /// mixture.
    pub reference: Reference,
    /// The file as it was when it was read.
    pub file: Option<FileStamp>,
    /// What was taken for granted of the file, each a sentence for people.
    pub notices: Vec<String>,
    /// The classes of components and points, where the data have any.
    pub labels: Option<Labels>,
    /// Pairs that a model made of these data, where reflow trains on any.
    pub pairs: Option<Arc<Pairs>>,
}

/// Where a model led each start: the coupling of reflow (Liu et al. 2023).
#[derive(Clone, Debug, PartialEq)]
pub struct Pairs {
    /// Points of the source.
    pub starts: Arc<Vec<[f32; 2]>>,
    /// Of each, where its path ended: a point like the data.
    pub ends: Arc<Vec<[f32; 2]>>,
}

impl Pairs {
    /// As many starts as ends, all finite; `None` else.
    pub fn new(starts: Vec<[f32; 2]>, ends: Vec<[f32; 2]>) -> Option<Self> {
        let finite = |points: &[[f32; 2]]| points.iter().flatten().all(|x| x.is_finite());
        let sound = !starts.is_empty() && starts.len() == ends.len();
        (sound && finite(&starts) && finite(&ends)).then(|| Self {
            starts: Arc::new(starts),
            ends: Arc::new(ends),
        })
    }
}

/// What has become of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileNow {
    /// It holds the same rows.
    Same,
    /// It holds others, or none that can be used.
    Changed,
    /// It is not there.
    Missing,
}

/// What tells one version of a file from another without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileStamp {
    path: PathBuf,
    bytes: u64,
    modified: Option<SystemTime>,
    /// Written anew in the same instant and with the same length, a file still has another number or time of change.
    #[cfg(unix)]
    inode_and_change: [i64; 3],
}

impl FileStamp {
    /// Of a file of which nothing is known: whatever is there is another version.
    pub fn unknown(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            bytes: u64::MAX,
            modified: None,
            #[cfg(unix)]
            inode_and_change: [0; 3],
        }
    }

    /// Of the file as it is now; `None` where it is not there, or is not a file but a pipe.
    pub fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path)
            .ok()
            .filter(std::fs::Metadata::is_file)?;
        Some(Self {
            path: path.to_owned(),
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
            #[cfg(unix)]
            inode_and_change: {
                use std::os::unix::fs::MetadataExt;
                [
                    metadata.ino() as i64,
                    metadata.ctime(),
                    metadata.ctime_nsec(),
                ]
            },
        })
    }
}

/// Room around the points in the samplers' clip.
const CLIP_MARGIN: f32 = 1.1;
/// Where draws never end, the clip leaves out nothing nearer to a component than this many of its standard deviations.
const CLIP_SIGMAS: f32 = 4.0;
/// Mixed into the seed of the training points ("data"), so that other draws from the mixture with the same seed, to
/// measure against, are not the training points themselves.
const DATA_SALT: u64 = 0x6461_7461;

impl Dataset {
    /// A built-in shape, or a file. `points` is the size of a shape's training set and `seed` draws it; a file is taken
    /// whole, and `bandwidth` is that of its kernels (`None`: the likeliest).
    ///
    /// # Errors
    /// A file that cannot be used.
    pub fn load(
        source: &DataSource,
        points: u32,
        seed: u64,
        bandwidth: Option<f32>,
    ) -> Result<Self, DataError> {
        match source {
            DataSource::Shape(shape) => Ok(Self::of_shape(*shape, points, seed)),
            DataSource::Csv(path) => Self::from_csv(path, bandwidth),
        }
    }

    /// `points` draws from a built-in shape.
    pub fn of_shape(shape: Shape, points: u32, seed: u64) -> Self {
        let mixture = Arc::new(shape.mixture());
        let drawn = mixture.draw_with_components(points as usize, seed ^ DATA_SALT);
        let of_components = shape.classes_of_components();
        let labels = (!shape.classes().is_empty()).then(|| Labels {
            names: shape
                .classes()
                .iter()
                .map(|name| (*name).to_owned())
                .collect(),
            of_points: Arc::new(drawn.iter().map(|(_, k)| of_components[*k]).collect()),
            of_components: Arc::new(of_components),
        });
        let points: Vec<[f32; 2]> = drawn.into_iter().map(|(point, _)| point).collect();
        Self {
            labels,
            pairs: None,
            clip: Bounds::around(&points)
                .unwrap_or_else(|| mixture.bounds())
                .scaled(CLIP_MARGIN),
            truth: Truth::Exact,
            points: Arc::new(points),
            outline: Arc::new(shape.outline()),
            standardisation: Standardisation::default(),
            reference: Reference::Mixture(mixture.clone()),
            mixture,
            file: None,
            notices: Vec::new(),
        }
    }

    /// The points of a CSV: an eighth of its distinct rows held out ([`held_out`](super::held_out)), standardised by the others.
    ///
    /// # Errors
    /// A file that cannot be used.
    pub fn from_csv(path: &Path, bandwidth: Option<f32>) -> Result<Self, DataError> {
        // A pipe can be read once, and a device may have no end.
        if std::fs::metadata(path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
            return Err(DataError::NotAFile(path.into()));
        }
        // Before it is read: what is written meanwhile makes another file of it.
        let file = FileStamp::of(path);
        let StandardRows {
            training,
            held_out,
            map,
            notices,
            classes,
        } = standard_rows(path)?;
        let dataset = Self {
            file,
            notices,
            ..Self::of_rows(training, held_out, map, bandwidth)
        };
        Ok(dataset.with_classes(classes))
    }

    /// Rows of a file, already in standardised units: those to train on, and those held out, of which there may be none.
    pub fn of_rows(
        training: Vec<[f32; 2]>,
        held_out: Vec<[f32; 2]>,
        standardisation: Standardisation,
        bandwidth: Option<f32>,
    ) -> Self {
        let (mixture, truth) = truth_of(&training, bandwidth);
        Self {
            clip: Bounds::around(&training)
                .unwrap_or_else(|| mixture.bounds())
                .scaled(CLIP_MARGIN),
            truth,
            points: Arc::new(training),
            outline: Arc::default(),
            standardisation,
            reference: if held_out.is_empty() {
                Reference::Mixture(mixture.clone())
            } else {
                Reference::HeldOut(Arc::new(held_out))
            },
            mixture,
            file: None,
            notices: Vec::new(),
            labels: None,
            pairs: None,
        }
    }

    /// With the classes of its training points: their names and the number of each point's. A kernel is of the class of its row; of equal
    /// rows of several classes, of the first one's.
    #[must_use]
    pub fn with_classes(self, classes: Option<Classes>) -> Self {
        let labels = classes
            .filter(|classes| classes.of_rows.len() == self.points.len())
            .map(|Classes { names, of_rows }| Labels {
                of_components: Arc::new(classes_of_kernels(&self.points, &of_rows)),
                of_points: Arc::new(of_rows),
                names,
            });
        Self { labels, ..self }
    }

    /// The same rows under kernels of another bandwidth; a built-in shape has none, and stays as it is.
    #[must_use]
    pub fn with_bandwidth(&self, bandwidth: Option<f32>) -> Self {
        if self.truth == Truth::Exact {
            return self.clone();
        }
        let (mixture, truth) = truth_of(&self.points, bandwidth);
        let reference = match &self.reference {
            Reference::Mixture(_) => Reference::Mixture(mixture.clone()),
            held_out @ Reference::HeldOut(_) => held_out.clone(),
        };
        Self {
            mixture,
            truth,
            reference,
            ..self.clone()
        }
    }

    /// One class of it, in closed form: what samples of that class are judged by.
    ///
    /// # Errors
    /// One sentence: data without labels, or a name that is none of theirs.
    pub fn of_class(&self, label: &str) -> Result<Self, String> {
        let labels = self.labels.as_ref();
        let labels = labels.ok_or("these data have no labels; leave out --label")?;
        let class = labels.find(label)?;
        let mixture = labels.mixture_of(&self.mixture, class);
        let mixture = Arc::new(mixture.ok_or("that class has no points; take another --label")?);
        Ok(Self {
            reference: Reference::Mixture(mixture.clone()),
            mixture,
            labels: None,
            pairs: None,
            ..self.clone()
        })
    }

    /// The box of the samplers' clip: `clip` where the points are trained on. Fresh draws end nowhere: theirs is the
    /// mixture's.
    pub fn clip_box(&self, fresh: bool) -> Bounds {
        if fresh {
            self.mixture.bounds_at(CLIP_SIGMAS).scaled(CLIP_MARGIN)
        } else {
            self.clip
        }
    }

    /// How the file that this was read from stands to it now, and its version if that holds the same rows; `None` for a
    /// built-in shape. Where its version is another, it is read.
    pub fn file_now(&self) -> Option<(FileNow, Option<FileStamp>)> {
        let then = self.file.as_ref()?;
        let Some(now) = FileStamp::of(&then.path) else {
            return Some((FileNow::Missing, None));
        };
        let same = now == *then
            || standard_rows(&then.path).is_ok_and(|rows| {
                let held_out = match &self.reference {
                    Reference::HeldOut(rows) => rows.as_slice(),
                    Reference::Mixture(_) => &[],
                };
                let own = self.labels.as_ref();
                let own = own.map(|labels| (&labels.names, &*labels.of_points));
                let classes = rows.classes.as_ref();
                rows.training == *self.points
                    && rows.held_out == held_out
                    && rows.map == self.standardisation
                    && classes.map(|classes| (&classes.names, &classes.of_rows)) == own
            });
        Some(if same {
            (FileNow::Same, Some(now))
        } else {
            (FileNow::Changed, None)
        })
    }

    /// True where the file that this was read from is there and has changed since.
    pub fn is_outdated(&self) -> bool {
        self.file
            .as_ref()
            .is_some_and(|then| FileStamp::of(&then.path).is_some_and(|now| now != *then))
    }
}

fn truth_of(training: &[[f32; 2]], bandwidth: Option<f32>) -> (Arc<Mixture>, Truth) {
    let made = kernels(training, bandwidth);
    let truth = Truth::Kernels {
        rows: made.mixture.components.len(),
        of: made.distinct,
        bandwidth: made.bandwidth,
    };
    (Arc::new(made.mixture), truth)
}

#[cfg(test)]
mod tests;
