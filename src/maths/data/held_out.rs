//! Which rows of a file are kept from the training, to judge samples by.
//!
//! An eighth of the distinct rows. The choice follows from the values in the file and nothing else, so that a model
//! trained under any seed, and a measurement under any other, agree upon it; equal rows go the same way, and neither
//! the order of the rows nor giving all of them twice makes a difference.

use rayon::prelude::*;

/// One of so many distinct rows is kept from the training.
pub const SHARE: usize = 8;
/// Where fewer than this many would be kept, none is: they could tell nothing.
pub const LEAST: usize = 32;

/// For each row whether it is kept from the training. All false for files of fewer than [`SHARE`] · [`LEAST`]
/// distinct rows.
pub fn choose(rows: &[[f64; 2]]) -> Vec<bool> {
    let mut order: Vec<(u64, usize)> = rows.iter().map(|&row| hash(row)).zip(0..).collect();
    let bits = |i: usize| rows[i].map(plain);
    order.par_sort_unstable_by_key(|&(hash, i)| (hash, bits(i), i));
    let distinct = order.chunk_by(|a, b| bits(a.1) == bits(b.1)).count();
    let kept = match distinct / SHARE {
        few if few < LEAST => 0,
        kept => kept,
    };
    let mut chosen = vec![false; rows.len()];
    for (_, i) in order
        .chunk_by(|a, b| bits(a.1) == bits(b.1))
        .take(kept)
        .flatten()
    {
        chosen[*i] = true;
    }
    chosen
}

/// The bits of a number; 0 and −0 are one.
fn plain(value: f64) -> u64 {
    (value + 0.0).to_bits()
}

/// SplitMix64's finaliser (Steele, Lea & Flood 2014) over both coordinates.
fn hash(row: [f64; 2]) -> u64 {
    let mix = |z: u64| {
        let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    let [x, y] = row.map(plain);
    mix(mix(x.wrapping_add(0x9E37_79B9_7F4A_7C15)).wrapping_add(y))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::shapes::Shape;
    use std::collections::HashSet;

    fn rows(n: usize, seed: u64) -> Vec<[f64; 2]> {
        Shape::Moons
            .mixture()
            .draw(n, seed)
            .into_iter()
            .map(|p| p.map(f64::from))
            .collect()
    }

    fn kept(rows: &[[f64; 2]]) -> HashSet<[u64; 2]> {
        rows.iter()
            .zip(choose(rows))
            .filter(|(_, kept)| *kept)
            .map(|(row, _)| row.map(f64::to_bits))
            .collect()
    }

    #[test]
    fn an_eighth_is_kept_and_of_few_rows_none() {
        for (n, expected) in [(2, 0), (255, 0), (256, 32), (4096, 512), (4100, 512)] {
            assert_eq!(
                choose(&rows(n, 1)).into_iter().filter(|kept| *kept).count(),
                expected,
                "{n}"
            );
        }
    }

    /// No row that was kept is trained on under another place or as a copy.
    #[test]
    fn the_choice_is_the_values_alone() {
        let once = rows(1000, 2);
        let backwards: Vec<_> = once.iter().rev().copied().collect();
        assert_eq!(kept(&backwards), kept(&once));
        let twice: Vec<_> = once.iter().chain(&backwards).copied().collect();
        assert_eq!(kept(&twice), kept(&once));
        assert_eq!(choose(&twice).into_iter().filter(|kept| *kept).count(), 250);
        assert_eq!(choose(&[[0.0, -0.0], [-0.0, 0.0]]).len(), 2);
    }

    /// Whether a row lies on a side.
    type Side = fn(&[f64; 2]) -> bool;

    /// The kept rows are like the others: as many of them to the right, above, far out, and on either diagonal, within three
    /// standard errors.
    #[test]
    fn the_choice_does_not_look_at_where_a_row_lies() {
        let all = rows(8000, 3);
        let chosen = choose(&all);
        let sides: [(&str, Side); 4] = [
            ("right", |row| row[0] > 0.0),
            ("above", |row| row[1] > 0.0),
            ("far out", |row| row[0].hypot(row[1]) > 1.4),
            ("diagonal", |row| row[0] * row[1] > 0.0),
        ];
        for (name, there) in sides {
            let kept = all
                .iter()
                .zip(&chosen)
                .filter(|(row, kept)| **kept && there(row))
                .count();
            let share = all.iter().filter(|row| there(row)).count() as f64 / 8000.0;
            let error = (share * (1.0 - share) / 1000.0).sqrt();
            assert!(
                (kept as f64 / 1000.0 - share).abs() < 3.0 * error,
                "{name}: {kept} of 1000, {share}"
            );
        }
    }
}
