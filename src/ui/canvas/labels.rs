//! Names of marks on a canvas: each beside its mark, none over another, all within what is seen.

use egui::{Pos2, Rect, Vec2, pos2, vec2};

/// From a mark's middle to the near edge of its name, in points.
const GAP: f32 = 9.0;
/// How much farther out the next ring of places lies.
const RING: f32 = 12.0;
const RINGS: usize = 7;
/// Directions of a ring.
const TURNS: usize = 16;
/// Between places of the search over all that is seen.
const LATTICE: f32 = 4.0;
/// What two names leave between them.
const APART: f32 = 5.0;

/// A name that looks for a place.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// The middle of what it names.
    pub at: Pos2,
    /// Where it would best stand, seen from there.
    pub towards: Vec2,
    /// Its size.
    pub size: Vec2,
}

/// A place for each name within `bounds`, the first come first: none over another or over what is `taken`, and as long as there
/// is room none over what it should `avoid`. `None` where there is no room at all.
pub fn place(bounds: Rect, taken: &[Rect], avoid: &[Rect], wishes: &[Wish]) -> Vec<Option<Rect>> {
    let mut taken = taken.to_vec();
    let mut placed = Vec::with_capacity(wishes.len());
    for wish in wishes {
        let fits = |rect: &Rect| {
            let wide = rect.expand(APART);
            bounds.contains_rect(*rect) && !taken.iter().any(|other| other.intersects(wide))
        };
        let free = |rect: &Rect| fits(rect) && !avoid.iter().any(|other| other.intersects(*rect));
        let found = around(bounds, wish)
            .find(free)
            .or_else(|| around(bounds, wish).find(fits))
            .or_else(|| anywhere(bounds, wish, fits));
        taken.extend(found);
        placed.push(found);
    }
    placed
}

/// Places about the mark: the wished side first, then ever farther round, then ever farther out.
fn around(bounds: Rect, wish: &Wish) -> impl Iterator<Item = Rect> {
    let Wish { at, towards, size } = *wish;
    let at = at.clamp(bounds.min, bounds.max);
    let wished = if towards.length() > 1e-3 {
        towards.angle()
    } else {
        -std::f32::consts::FRAC_PI_4
    };
    (0..RINGS).flat_map(move |ring| {
        (0..TURNS).map(move |turn| {
            let sixteenths = turn.div_ceil(2) as f32 * if turn % 2 == 0 { 1.0 } else { -1.0 };
            let along = Vec2::angled(wished + sixteenths * std::f32::consts::TAU / TURNS as f32);
            // As far as the box reaches back towards the mark.
            let reach = 0.5 * (along.x.abs() * size.x + along.y.abs() * size.y);
            let away = GAP + RING * ring as f32 + reach;
            Rect::from_center_size(at + away * along, size)
        })
    })
}

/// The place nearest to the mark of all that is seen.
fn anywhere(bounds: Rect, wish: &Wish, fits: impl Fn(&Rect) -> bool) -> Option<Rect> {
    let room = bounds.size() - wish.size;
    if room.x < 0.0 || room.y < 0.0 {
        return None;
    }
    let [columns, rows] = [room.x, room.y].map(|room| (room / LATTICE) as usize);
    let places = (0..=rows).flat_map(|row| (0..=columns).map(move |column| (column, row)));
    places
        .map(|(column, row)| {
            let corner = bounds.min + LATTICE * vec2(column as f32, row as f32);
            Rect::from_min_size(corner, wish.size)
        })
        .filter(fits)
        .min_by(|a, b| {
            let away = |rect: &Rect| rect.center().distance_sq(wish.at);
            away(a).total_cmp(&away(b))
        })
}

/// The part of a straight line that lies within a rectangle; `None` where it passes by (Liang & Barsky 1984).
pub fn clipped(rect: Rect, from: Pos2, to: Pos2) -> Option<[Pos2; 2]> {
    let along = to - from;
    if !(from.is_finite() && along.is_finite()) {
        return None;
    }
    let (mut enter, mut leave) = (0.0_f32, 1.0_f32);
    for (start, step, low, high) in [
        (from.x, along.x, rect.left(), rect.right()),
        (from.y, along.y, rect.top(), rect.bottom()),
    ] {
        if step == 0.0 {
            if start < low || start > high {
                return None;
            }
            continue;
        }
        let (a, b) = ((low - start) / step, (high - start) / step);
        (enter, leave) = (enter.max(a.min(b)), leave.min(a.max(b)));
    }
    let point = |share: f32| pos2(from.x + share * along.x, from.y + share * along.y);
    (enter <= leave).then(|| [point(enter), point(leave)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use maths::philox::{Stream, draw, uniform};

    /// Names of marks that are thrown anywhere, also on top of one another and beyond the edge: as long as there is room, each
    /// has its place, within what is seen and clear of all others.
    #[test]
    fn no_two_names_overlap_and_none_leaves_the_view() {
        let bounds = Rect::from_min_size(pos2(40.0, 30.0), vec2(420.0, 300.0));
        let plate = Rect::from_min_size(pos2(50.0, 40.0), vec2(300.0, 60.0));
        for trial in 0..2000 {
            let number = |index: u32| {
                let [x, y, w, d] = draw(7, Stream::Forward, trial, index).map(uniform);
                // A third of the trials crowd all marks into one place, a third throw some beyond the edge.
                let spread = [6.0, 420.0, 700.0][trial as usize % 3];
                Wish {
                    at: pos2(250.0 + spread * (x - 0.5), 180.0 + spread * (y - 0.5)),
                    towards: 10.0 * Vec2::angled(6.3 * d),
                    size: vec2(12.0 + 70.0 * w, 17.0),
                }
            };
            let wishes: Vec<Wish> = (0..9).map(number).collect();
            let marks: Vec<Rect> = wishes
                .iter()
                .map(|wish| Rect::from_center_size(wish.at, vec2(15.0, 15.0)))
                .collect();
            let places: Vec<Rect> = place(bounds, &[plate], &marks, &wishes)
                .into_iter()
                .map(|place| place.expect("there is room"))
                .collect();
            for (index, rect) in places.iter().enumerate() {
                assert!(bounds.contains_rect(*rect), "trial {trial}: {rect:?}");
                assert!(!plate.intersects(*rect), "trial {trial}: over the plate");
                for other in &places[..index] {
                    assert!(
                        !other.intersects(*rect),
                        "trial {trial}: {rect:?} {other:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_lone_name_stands_where_it_was_wished() {
        let bounds = Rect::from_min_size(pos2(0.0, 0.0), vec2(400.0, 300.0));
        let wish = Wish {
            at: pos2(200.0, 150.0),
            towards: vec2(0.0, -5.0),
            size: vec2(30.0, 16.0),
        };
        let place = place(bounds, &[], &[], &[wish])[0].unwrap();
        assert!((place.center().x - 200.0).abs() < 0.01 && (place.bottom() - 141.0).abs() < 0.01);
        // Where nothing fits there is no name.
        let crumb = Rect::from_min_size(pos2(0.0, 0.0), vec2(20.0, 10.0));
        assert_eq!(super::place(crumb, &[], &[], &[wish]), [None]);
    }

    #[test]
    fn a_line_is_cut_at_the_edges() {
        let rect = Rect::from_min_max(pos2(0.0, 0.0), pos2(10.0, 10.0));
        let cut = clipped(rect, pos2(5.0, 5.0), pos2(1e7, 5.0)).unwrap();
        assert!(cut[0] == pos2(5.0, 5.0) && cut[1].distance(pos2(10.0, 5.0)) < 0.6);
        assert_eq!(clipped(rect, pos2(-5.0, 20.0), pos2(20.0, 20.0)), None);
        assert_eq!(clipped(rect, pos2(-5.0, 5.0), pos2(-1.0, 20.0)), None);
        assert_eq!(clipped(rect, pos2(5.0, 5.0), pos2(f32::NAN, 5.0)), None);
    }
}
