//! The window's icon: a compass whose needle points out of the noise.

use egui::IconData;

/// Pixels along a side.
const SIDE: u32 = 128;
/// Samples along a pixel's side, for smooth edges.
const FINE: u32 = 4;

/// Drawn, so that there is no file to be missing.
pub fn icon() -> IconData {
    let fine = f64::from(SIDE * FINE);
    let mut rgba = Vec::with_capacity((SIDE * SIDE * 4) as usize);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let mut sum = [0.0; 4];
            for k in 0..FINE * FINE {
                let at =
                    |pixel: u32, sub: u32| 2.0 * (f64::from(pixel * FINE + sub) + 0.5) / fine - 1.0;
                let color = color_at(at(x, k % FINE), at(y, k / FINE));
                for (sum, part) in sum.iter_mut().zip(color) {
                    *sum += part;
                }
            }
            let alpha = sum[3].max(1e-9);
            let samples = f64::from(FINE * FINE);
            rgba.extend((0..3).map(|i| (255.0 * sum[i] / alpha).round() as u8));
            rgba.push((255.0 * sum[3] / samples).round() as u8);
        }
    }
    IconData {
        rgba,
        width: SIDE,
        height: SIDE,
    }
}

/// Colour, multiplied by its alpha, at a place of the square from −1 to 1; y downwards.
fn color_at(x: f64, y: f64) -> [f64; 4] {
    const GROUND: [f64; 3] = [0.10, 0.115, 0.135];
    const RING: [f64; 3] = [0.62, 0.65, 0.69];
    const LEARNED: [f64; 3] = [0.34, 0.65, 0.93];
    const NOISE: [f64; 3] = [0.59, 0.61, 0.64];
    let radius = x.hypot(y);
    if radius > 0.96 {
        return [0.0; 4];
    }
    // The needle points to the upper right.
    let (along, across) = ((x - y) / 2.0_f64.sqrt(), (x + y) / 2.0_f64.sqrt());
    let half = 0.2 * (1.0 - along.abs() / 0.74);
    let color = if along.abs() < 0.74 && across.abs() < half {
        if along > 0.0 { LEARNED } else { NOISE }
    } else if radius > 0.84 {
        RING
    } else {
        GROUND
    };
    [color[0], color[1], color[2], 1.0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_icon_is_a_disc_with_a_needle() {
        let IconData {
            rgba,
            width,
            height,
        } = icon();
        assert_eq!(rgba.len() as u32, 4 * width * height);
        let pixel = |x: u32, y: u32| &rgba[(4 * (y * width + x)) as usize..][..4];
        assert_eq!(pixel(0, 0)[3], 0, "the corners are clear");
        assert_eq!(pixel(64, 64)[3], 255);
        let (head, tail) = (pixel(84, 44), pixel(44, 84));
        assert!(head[2] > head[0] + 80, "the head is blue: {head:?}");
        assert!(tail[2].abs_diff(tail[0]) < 30, "the tail is grey: {tail:?}");
    }
}
