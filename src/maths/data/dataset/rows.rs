//! The rows of a file: those to train on, those held out, and the classes of both rows and kernels.

use std::collections::HashMap;
use std::path::Path;

use crate::data::error::DataError;
use crate::data::held_out;
use crate::data::kernels::carrying_rows;
use crate::data::mixture::Standardisation;
use crate::data::table::{self, Classes, Table};

/// The rows of a file in standardised units.
pub(super) struct StandardRows {
    /// Those to train on.
    pub training: Vec<[f32; 2]>,
    /// Those held out.
    pub held_out: Vec<[f32; 2]>,
    /// How they became these.
    pub map: Standardisation,
    /// What was taken for granted.
    pub notices: Vec<String>,
    /// The classes of those to train on.
    pub classes: Option<Classes>,
}

pub(super) fn standard_rows(path: &Path) -> Result<StandardRows, DataError> {
    let Table {
        rows,
        notices,
        classes,
    } = table::read(path)?;
    let kept = held_out::choose(&rows);
    let side = |out: bool| {
        rows.iter()
            .zip(&kept)
            .filter(move |(_, kept)| **kept == out)
            .map(|(row, _)| *row)
    };
    let map = standardisation(side(false)).ok_or_else(|| DataError::AllEqual(path.into()))?;
    let standard = |out: bool| side(out).map(|row| map.apply(row)).collect::<Vec<_>>();
    let trained = |Classes { names, of_rows }| Classes {
        names,
        of_rows: std::iter::zip(of_rows, &kept)
            .filter(|(_, kept)| !**kept)
            .map(|(class, _)| class)
            .collect(),
    };
    Ok(StandardRows {
        training: standard(false),
        held_out: standard(true),
        map,
        notices,
        classes: classes.map(trained),
    })
}

/// The class of each kernel on these rows: that of the row on which it stands.
pub(super) fn classes_of_kernels(rows: &[[f32; 2]], of_rows: &[u32]) -> Vec<u32> {
    // 0 and −0 are one.
    let bits = |point: [f32; 2]| point.map(|c| (c + 0.0).to_bits());
    let mut known: HashMap<[u32; 2], u32> = HashMap::new();
    for (row, class) in std::iter::zip(rows, of_rows) {
        known.entry(bits(*row)).or_insert(*class);
    }
    let class = |row: [f32; 2]| known.get(&bits(row)).copied();
    // Every kernel stands on a row.
    let carrying = carrying_rows(rows).into_iter().map(class);
    carrying.map(Option::unwrap_or_default).collect()
}

/// The map that gives rows mean 0 and an average variance per axis of 1; `None` where there is no spread.
fn standardisation(rows: impl Iterator<Item = [f64; 2]> + Clone) -> Option<Standardisation> {
    let first = rows.clone().next()?;
    if rows.clone().all(|row| row == first) {
        return None;
    }
    let count = rows.clone().count() as f64;
    // About the first row, so that an offset takes no digits.
    let mean = [0, 1]
        .map(|axis| first[axis] + rows.clone().map(|r| r[axis] - first[axis]).sum::<f64>() / count);
    let spread = |r: [f64; 2]| (r[0] - mean[0]).powi(2) + (r[1] - mean[1]).powi(2);
    let scale = (0.5 * rows.map(spread).sum::<f64>() / count).sqrt();
    scale.is_normal().then_some(Standardisation { mean, scale })
}
