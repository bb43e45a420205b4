//! Samples as CSV, in standardised units or in those of the data. The header is `x,y` in both: the file does not say
//! which, whoever reads it must.

use std::io::{self, BufRead};
use std::path::PathBuf;

use maths::atomic::Destination;
use maths::data::csv_io::{HEADER, is_table, points_csv, rows_csv};
use maths::data::mixture::Standardisation;

/// The units of points in a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Units {
    /// Those of the data file that a model was trained on; a built-in shape has none but the standardised ones.
    Data,
    /// Mean 0 and average variance per axis 1.
    #[default]
    Standard,
}

impl Units {
    /// The map from these units into standardised ones.
    pub fn standardisation(self, of_data: Standardisation) -> Standardisation {
        match self {
            Self::Data => of_data,
            Self::Standard => Standardisation::default(),
        }
    }
}

/// Samples as CSV with header `x,y`, each number in the fewest digits that read back the same. In the data's units they
/// have the digits of an f64: standardised again they are the same f32, up to 2⁻⁵³ of the data's distance from 0.
pub fn samples_csv(samples: &[[f32; 2]], units: Units, of_data: Standardisation) -> Vec<u8> {
    if units == Units::Standard {
        return points_csv(samples);
    }
    rows_csv(samples.iter().map(|&sample| of_data.restore(sample)))
}

/// A place for samples: a file that [`samples_csv`] could have made, in whatever units, is replaced there.
pub fn samples_file(path: impl Into<PathBuf>, force: bool) -> Destination {
    Destination::new(path, is_samples, force)
}

fn is_samples(file: &mut dyn BufRead) -> io::Result<bool> {
    is_table::<f64, 2>(file, HEADER)
}

#[cfg(test)]
mod tests {
    use super::*;
    use maths::data::shapes::Shape;
    use maths::data::table;

    /// Far from the origin and at scales from tiny to huge, the digits lead back; the bound is that of two roundings.
    #[test]
    fn samples_in_the_datas_units_are_the_same_standardised_again() {
        let samples = Shape::Moons.mixture().draw(500, 1);
        let file = tempfile::NamedTempFile::new().unwrap();
        for map in [
            Standardisation {
                mean: [0.1, -7.25],
                scale: 1.0 / 3.0,
            },
            Standardisation {
                mean: [1e6, -3e-9],
                scale: 2.5,
            },
            Standardisation {
                mean: [12.0, 5e4],
                scale: 1e-3,
            },
        ] {
            let text = samples_csv(&samples, Units::Data, map);
            assert!(is_samples(&mut &text[..]).unwrap());
            std::fs::write(file.path(), text).unwrap();
            let rows = table::read(file.path()).unwrap().rows;
            let mean = rows.iter().map(|row| row[1]).sum::<f64>() / 500.0;
            assert!(
                (mean - map.mean[1]).abs() < 0.2 * map.scale,
                "{mean} in the units of {map:?}"
            );
            for (row, sample) in rows.into_iter().zip(&samples) {
                let back = map.apply(row);
                for axis in 0..2 {
                    let bound = f64::EPSILON * (map.mean[axis].abs() / map.scale + 4.0);
                    let error = (f64::from(back[axis]) - f64::from(sample[axis])).abs();
                    assert!(
                        back[axis] == sample[axis] || error < bound,
                        "{error} of {bound}, {map:?}"
                    );
                }
            }
        }
        assert_eq!(
            samples_csv(&samples, Units::Standard, Standardisation::default()),
            points_csv(&samples)
        );
        assert!(is_samples(&mut &points_csv(&samples)[..]).unwrap());
        for other in ["a,b\n1,2\n", "x,y\n1.50,2\n", "x,y\n1,2,3\n"] {
            assert!(!is_samples(&mut other.as_bytes()).unwrap(), "{other}");
        }
    }
}
