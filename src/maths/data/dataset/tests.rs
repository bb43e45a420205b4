use super::*;
use crate::data::csv_io::points_csv;
use crate::diffusion::schedule::Scales;
use crate::measure::entropy::differential_entropy;
use crate::measure::wasserstein2;

fn csv(text: &str) -> Result<Dataset, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("points.csv");
    std::fs::write(&path, text).unwrap();
    Dataset::load(&DataSource::Csv(path), 8192, 0, None).map_err(|error| {
        error
            .to_string()
            .replace(&format!("{}/", directory.path().display()), "")
    })
}

#[test]
fn a_shape_gives_its_points_by_seed_and_a_clip_around_them() {
    let data = Dataset::of_shape(Shape::Moons, 1000, 3);
    assert_eq!(data.points.len(), 1000);
    assert_eq!(data.points, Dataset::of_shape(Shape::Moons, 1000, 3).points);
    assert_ne!(data.points, Dataset::of_shape(Shape::Moons, 1000, 4).points);
    assert_ne!(
        *data.points,
        data.mixture.draw(1000, 3),
        "a draw to measure against is not the training set"
    );
    let tight = Bounds::around(&data.points).unwrap();
    for axis in 0..2 {
        let (clip, points) = (
            data.clip.max[axis] - data.clip.min[axis],
            tight.max[axis] - tight.min[axis],
        );
        assert!((clip / points - 1.1).abs() < 1e-5);
    }
    assert_eq!(data.outline.len(), 2);
}

#[test]
fn a_csv_is_standardised_with_its_proportions_and_an_offset_does_not_hurt() {
    // A 4×2 rectangle of corners, a million away from the origin: variances 4 and 1, scale √2.5.
    let data = csv("x,y\n1000000,0\n1000004,0\n1000000,2\n1000004,2\n").unwrap();
    let scale = 2.5_f32.sqrt();
    let expected =
        [[-2.0, -1.0], [2.0, -1.0], [-2.0, 1.0], [2.0, 1.0]].map(|p| p.map(|c: f32| c / scale));
    for (point, expected) in data.points.iter().zip(expected) {
        assert!((point[0] - expected[0]).abs() < 1e-6 && (point[1] - expected[1]).abs() < 1e-6);
    }
    assert_eq!(data.mixture.components.len(), 4);
    assert!(data.outline.is_empty());
}

#[test]
fn points_without_spread_are_refused() {
    let message =
        "points.csv needs at least two different points; all of its rows are the same point";
    for text in ["x,y\n1,2\n", "x,y\n0.1,0.2\n0.1,0.2\n0.1,0.2\n"] {
        assert_eq!(csv(text).unwrap_err(), message);
    }
}

/// Fresh draws of the figure-8 are as near to a file of the figure-8 as its rows are to each other, and what they are
/// judged against is as thick as the figure-8: the density estimate that stood there before, of 512 kernels, was twice
/// as thick, which the density in closed form shows.
#[test]
fn a_file_is_judged_against_draws_of_what_it_was_drawn_from() {
    const PAIRS: u64 = 8;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("points.csv");
    let figure8 = Shape::Figure8.mixture();
    std::fs::write(&path, points_csv(&figure8.draw(4096, 1))).unwrap();
    let data = Dataset::from_csv(&path, None).unwrap();
    assert_eq!(data.points.len(), 3584);
    let size = 256;
    let (mut distance, mut floor, mut surprises) = (0.0, 0.0, Vec::new());
    let known = figure8.marginal(Scales { a: 1.0, s: 0.0 });
    for seed in 0..PAIRS {
        let drawn = figure8.draw(size, 100 + seed).into_iter();
        let fresh: Vec<_> = drawn
            .map(|p| data.standardisation.apply(p.map(f64::from)))
            .collect();
        let [left, right] = data.reference.pair(size, seed);
        distance += wasserstein2(&fresh, &left).unwrap();
        floor += wasserstein2(&left, &right).unwrap();
        let restored = left.iter().map(|p| data.standardisation.restore(*p));
        surprises.extend(restored.map(|p| -known.log_density(p)));
    }
    assert!(
        (0.75..1.25).contains(&(distance / floor)),
        "{}",
        distance / floor
    );
    let entropy = differential_entropy(&figure8, Scales { a: 1.0, s: 0.0 }, 8192, 1);
    let surprise = surprises.iter().sum::<f64>() / surprises.len() as f64 - entropy.nats;
    // −ln p_0 of a curve varies by about 1; there are 512 rows.
    let error = 1.0 / 512.0_f64.sqrt() + entropy.error;
    assert!(
        surprise.abs() < 3.0 * error,
        "{surprise} nats, of which {error} are chance"
    );
}

#[test]
fn held_out_rows_are_neither_trained_on_nor_in_the_truth() {
    let rows = Shape::Moons.mixture().draw(1000, 5);
    let text = String::from_utf8(points_csv(&rows)).unwrap();
    let data = csv(&text).unwrap();
    let Reference::HeldOut(kept) = &data.reference else {
        panic!("{:?}", data.reference)
    };
    assert_eq!(
        (kept.len(), data.points.len(), data.mixture.components.len()),
        (125, 875, 875)
    );
    assert!(kept.iter().all(|row| !data.points.contains(row)));
    assert!((data.mixture.covariance_trace() - 2.0).abs() < 1e-5);
    // Back in the file's units both together are the file.
    let mut restored: Vec<_> = data
        .points
        .iter()
        .chain(kept.iter())
        .collect::<Vec<_>>()
        .into_iter()
        .map(|p| data.standardisation.restore(*p).map(|c| (c * 1e4).round()))
        .collect();
    let mut expected: Vec<_> = rows
        .iter()
        .map(|p| p.map(|c| (f64::from(c) * 1e4).round()))
        .collect();
    for list in [&mut restored, &mut expected] {
        list.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    }
    let far = restored
        .iter()
        .zip(&expected)
        .filter(|(a, b)| (0..2).any(|i| (a[i] - b[i]).abs() > 1.0))
        .count();
    assert_eq!(far, 0);
    // Another bandwidth is another truth of the same rows.
    let wider = data.with_bandwidth(Some(0.5));
    assert!(Arc::ptr_eq(&wider.points, &data.points) && wider.mixture != data.mixture);
    assert_eq!(wider.truth.bandwidth(), Some(0.5));
    assert_eq!(
        wider.truth.words(),
        "kernels on 875 distinct rows, bandwidth 0.500"
    );
    assert_eq!(wider.with_bandwidth(None).mixture, data.mixture);
    // Of few rows none is held out, and they are judged against their kernels.
    let few = csv("x,y\n0,0\n1,0\n0,1\n").unwrap();
    assert!(matches!(&few.reference, Reference::Mixture(mixture) if *mixture == few.mixture));
}

/// `--data gaussian --fresh --points 2` sampled 0.53 × 0.28 instead of 1 × 1: the clip was that of two points.
#[test]
fn fresh_draws_are_clipped_by_the_mixtures_box() {
    let data = Dataset::of_shape(Shape::Gaussian, 2, 0);
    let of_mixture = data.clip_box(true);
    for axis in 0..2 {
        assert!(
            (of_mixture.max[axis] - 4.4).abs() < 1e-5 && (of_mixture.min[axis] + 4.4).abs() < 1e-5
        );
    }
    assert_eq!(data.clip_box(false), data.clip);
    for shape in Shape::ALL {
        let data = Dataset::of_shape(shape, 64, 0);
        let clip = data.clip_box(true);
        let inside = |p: &[f32; 2]| {
            (0..2).all(|axis| clip.min[axis] <= p[axis] && p[axis] <= clip.max[axis])
        };
        let outside = data
            .mixture
            .draw(100_000, 3)
            .iter()
            .filter(|p| !inside(p))
            .count();
        assert!(outside < 10, "{shape:?}: {outside} of 100,000");
    }
}

#[test]
fn a_file_that_was_written_anew_is_outdated() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("points.csv");
    std::fs::write(&path, "x,y\n1,2\n3,4\n").unwrap();
    let data = Dataset::from_csv(&path, None).unwrap();
    assert!(!data.is_outdated());
    std::fs::write(&path, "x,y\n1,2\n3,4\n5,7\n").unwrap();
    assert!(data.is_outdated());
    // A file that is gone has no newer rows.
    std::fs::remove_file(&path).unwrap();
    assert!(!data.is_outdated());
    assert!(!Dataset::of_shape(Shape::Moons, 8, 0).is_outdated());
}

#[test]
fn sources_are_read_back_as_they_are_shown() {
    for text in ["figure8", "8gaussians", "some/where.csv", "UPPER.CSV"] {
        assert_eq!(
            text.parse::<DataSource>().map(|source| source.to_string()),
            Ok(text.into())
        );
    }
    assert!(
        "figure9"
            .parse::<DataSource>()
            .unwrap_err()
            .contains("figure8, circle")
    );
}

/// Points of a file keep the class of their row, kernels that of the row on which they stand: also where rows are held out, equal, or
/// under another bandwidth. Read again, the same file has the same classes, and one whose labels were changed is another file.
#[test]
fn the_classes_of_a_file_are_those_of_its_rows() {
    let shape = Dataset::of_shape(Shape::Moons, 600, 2);
    let of_points = shape.labels.unwrap().of_points;
    let row = |(point, class): (&[f32; 2], &u32)| {
        format!(
            "{},{},{}\n",
            point[0],
            point[1],
            ["up", "down"][*class as usize]
        )
    };
    let rows: String = shape.points.iter().zip(of_points.iter()).map(row).collect();
    let text = format!("x,y,label\n{rows}{}", rows.lines().next().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("points.csv");
    std::fs::write(&path, &text).unwrap();
    let data = Dataset::load(&DataSource::Csv(path.clone()), 0, 0, None).unwrap();
    let check = |data: &Dataset| {
        let labels = data.labels.as_ref().unwrap();
        assert_eq!(labels.names, ["down", "up"]);
        assert!(matches!(data.reference, Reference::HeldOut(_)));
        assert_eq!(labels.of_points.len(), data.points.len());
        assert_eq!(labels.of_components.len(), data.mixture.components.len());
        let kernels = crate::data::kernels::kernels(&data.points, data.truth.bandwidth());
        assert_eq!(kernels.mixture, *data.mixture);
        let class_at = |x: [f32; 2]| {
            let raw = data.standardisation.restore(x);
            let near = |p: &&[f32; 2]| (0..2).all(|i| (f64::from(p[i]) - raw[i]).abs() < 1e-5);
            let index = shape.points.iter().position(|p| near(&p)).unwrap();
            1 - of_points[index]
        };
        for (point, class) in data.points.iter().zip(labels.of_points.iter()) {
            assert_eq!(*class, class_at(*point));
        }
        let carrying = crate::data::kernels::carrying_rows(&data.points);
        for (kernel, (row, class)) in data
            .mixture
            .components
            .iter()
            .zip(carrying.into_iter().zip(labels.of_components.iter()))
        {
            assert_eq!(*class, class_at(row));
            // Drawn together about the middle: no other row is so near to its direction from there.
            let cross = kernel.mean[0] * row[1] - kernel.mean[1] * row[0];
            assert!(cross.abs() < 1e-3, "{kernel:?} does not stand on {row:?}");
        }
    };
    check(&data);
    check(&data.with_bandwidth(Some(0.4)));
    assert!(matches!(data.file_now(), Some((FileNow::Same, _))));
    let swapped = text
        .replace("up", "UP")
        .replace("down", "up")
        .replace("UP", "down");
    std::fs::write(&path, swapped).unwrap();
    assert!(matches!(data.file_now(), Some((FileNow::Changed, _))));
}
