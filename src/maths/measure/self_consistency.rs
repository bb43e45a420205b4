//! How far a consistency model is from saying one and the same point all along a path (Song et al. 2023, section 3).

/// At each time the root mean square distance, over particles, of the point that is said there to where its path ends. `said` is one frame of
/// all particles a time; a frame of another length counts as unknown, NaN.
pub fn errors(said: &[Vec<[f32; 2]>], ends: &[[f32; 2]]) -> Vec<f64> {
    let of_frame = |frame: &Vec<[f32; 2]>| {
        if frame.len() != ends.len() || ends.is_empty() {
            return f64::NAN;
        }
        let squares = frame.iter().zip(ends).map(|(said, end)| {
            let off = |axis: usize| f64::from(said[axis]) - f64::from(end[axis]);
            off(0).powi(2) + off(1).powi(2)
        });
        (squares.sum::<f64>() / ends.len() as f64).sqrt()
    };
    said.iter().map(of_frame).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_distances_to_the_ends() {
        let ends = vec![[1.0, 0.0], [0.0, 2.0]];
        let off = vec![[4.0, 4.0], [0.0, 2.0]];
        assert_eq!(errors(&[ends.clone(), off], &ends), [0.0, 12.5_f64.sqrt()]);
        assert!(errors(&[vec![]], &ends)[0].is_nan());
    }
}
