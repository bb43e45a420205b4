//! Text in which symbols are set as in a formula: the letter in the maths face, its index lower and smaller.

use egui::text::{LayoutJob, TextFormat};
use egui::{Color32, FontId, Painter};

use crate::theme::{sign_font, variable_font};

/// A piece of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part<'a> {
    /// As it stands.
    Plain(&'a str),
    /// A letter with its marks.
    Letter(&'a str),
    /// What hangs on it.
    Index(&'a str),
}

fn is_mark(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

/// Parts a text: `x_t`, `x_{t−1}` and `x̂_0` are letters with an index; a name such as `my_file` is none.
fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut plain_from, mut from) = (0, 0);
    while let Some(underscore) = text[from..].find('_').map(|at| from + at) {
        from = underscore + 1;
        let before = &text[plain_from..underscore];
        let letter_from = before
            .char_indices()
            .rev()
            .find(|(_, c)| !is_mark(*c))
            .filter(|(_, c)| c.is_alphabetic())
            .map(|(at, _)| plain_from + at);
        let Some(letter_from) = letter_from else {
            continue;
        };
        let alone = text[..letter_from]
            .chars()
            .next_back()
            .is_none_or(|c| !c.is_alphanumeric() && c != '_');
        let after = &text[underscore + 1..];
        let braced = after.strip_prefix('{').and_then(|rest| rest.find('}'));
        let index = if let Some(length) = braced {
            Some((&after[1..=length], length + 2))
        } else {
            let length = after
                .find(|c: char| !c.is_alphanumeric())
                .unwrap_or(after.len());
            (1..=3)
                .contains(&length)
                .then_some((&after[..length], length))
        };
        let (true, Some((index, length))) = (alone, index) else {
            continue;
        };
        parts.push(Part::Plain(&text[plain_from..letter_from]));
        parts.push(Part::Letter(&text[letter_from..underscore]));
        parts.push(Part::Index(index));
        plain_from = underscore + 1 + length;
        from = plain_from;
    }
    parts.push(Part::Plain(&text[plain_from..]));
    parts.retain(|part| *part != Part::Plain(""));
    parts
}

/// Lay a text out; `font` is that of what is no symbol.
pub fn job(painter: &Painter, text: &str, font: &FontId, color: Color32) -> LayoutJob {
    // What is written with the small sign of Unicode is set alike.
    let text = &text.replace('₀', "_0");
    let mut job = LayoutJob::default();
    for part in parts(text) {
        let (text, face, lower) = match part {
            Part::Plain(text) => (text, font.clone(), 0.0),
            // The maths face has no marks to put above a letter.
            Part::Letter(text) if text.chars().any(is_mark) => (text, font.clone(), 0.0),
            Part::Letter(text) => (text, variable_font(1.08 * font.size), 0.0),
            Part::Index(text) => {
                let size = 0.76 * font.size;
                let upright = text.chars().all(|c| c.is_ascii_digit());
                let face = if upright {
                    sign_font(size)
                } else {
                    variable_font(size)
                };
                (text, face, 0.2 * font.size)
            }
        };
        // Most texts have no symbol, and then no font is measured.
        let line_height = (face != *font)
            .then(|| Metrics::of(painter, font).on_one_line(Metrics::of(painter, &face), lower));
        let format = TextFormat {
            line_height,
            ..TextFormat::simple(face, color)
        };
        job.append(text, 0.0, format);
    }
    job
}

/// How a font stands on its line, in points.
#[derive(Clone, Copy)]
struct Metrics {
    /// From the top of the line to the baseline.
    ascent: f32,
    height: f32,
}

impl Metrics {
    fn of(painter: &Painter, font: &FontId) -> Self {
        let galley = painter.layout_no_wrap("x".to_owned(), font.clone(), Color32::PLACEHOLDER);
        let glyph = galley.rows.first().and_then(|row| row.glyphs.first());
        Self {
            ascent: glyph.map_or(0.0, |glyph| glyph.pos.y),
            height: galley.size().y,
        }
    }

    /// The line height at which another font, aligned at the bottom, has its baseline on this one's, or so much beneath it. Half of
    /// what a line is higher or lower than its font goes to either side.
    fn on_one_line(self, other: Self, lower: f32) -> f32 {
        2.0 * (other.ascent - 0.5 * other.height - self.ascent + self.height - lower)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_with_an_index_are_found_and_names_of_files_are_left_alone() {
        use Part::{Index, Letter, Plain};
        assert_eq!(
            parts("under p_t, x_{t−1} and x\u{302}_0"),
            [
                Plain("under "),
                Letter("p"),
                Index("t"),
                Plain(", "),
                Letter("x"),
                Index("t−1"),
                Plain(" and "),
                Letter("x\u{302}"),
                Index("0"),
            ]
        );
        for text in [
            "my_file_x",
            "no index",
            "_t",
            "x_",
            "lab_notes/a",
            "1_t",
            "",
        ] {
            let whole: Vec<_> = [Plain(text)]
                .into_iter()
                .filter(|p| *p != Plain(""))
                .collect();
            assert_eq!(parts(text), whole, "{text}");
        }
    }
}
