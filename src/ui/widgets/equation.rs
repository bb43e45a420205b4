//! A line of mathematics: variables in italics, sub- and superscripts, roots and bars.

use egui::{
    Align2, Color32, FontId, Painter, Rect, Response, Role, Sense, Shape, Stroke, Ui, Vec2,
    WidgetInfo, pos2, vec2,
};

use crate::glossary::meaning;
use crate::theme::{Palette, SMALL, sign_font, strong_font, text_font, variable_font};
use crate::widgets::tip::Tip as _;

/// A piece of a formula.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// Variables, in italics.
    Var(&'static str),
    /// Signs, numbers and words, upright.
    Sign(&'static str),
    /// Lower and smaller.
    Sub(Vec<Piece>),
    /// Higher and smaller.
    Sup(Vec<Piece>),
    /// Under a root.
    Root(Vec<Piece>),
    /// A variable with a bar above.
    Bar(&'static str),
    /// A variable with a hat: an estimate.
    Hat(&'static str),
    /// A variable with a tilde.
    Tilde(&'static str),
    /// What follows stands on a line of its own. Between others, not within them.
    Break,
}

impl Piece {
    /// As plain text: `x_t = √(ᾱ_t) x_0`, `σ_{t|r}²`.
    fn text(&self) -> String {
        let text = |pieces: &[Self]| pieces.iter().map(Self::text).collect::<String>();
        match self {
            Self::Var(text) | Self::Sign(text) => (*text).to_owned(),
            Self::Sub(inner) if inner.len() == 1 => format!("_{}", text(inner)),
            Self::Sub(inner) => format!("_{{{}}}", text(inner)),
            Self::Sup(inner) if *inner == [Self::Sign("2")] => "²".to_owned(),
            Self::Sup(inner) => format!("^{{{}}}", text(inner)),
            Self::Root(inner) => format!("√({})", text(inner)),
            Self::Bar(letter) => format!("{letter}\u{304}"),
            Self::Hat(letter) => format!("{letter}\u{302}"),
            Self::Tilde(letter) => format!("{letter}\u{303}"),
            Self::Break => "\n".to_owned(),
        }
    }
}

/// A formula and how it is read aloud.
#[derive(Clone, Debug, PartialEq)]
pub struct Equation {
    /// Its pieces, left to right.
    pub pieces: Vec<Piece>,
    /// For screen readers.
    pub spoken: &'static str,
}

impl Equation {
    /// As plain text, a line each.
    pub fn text(&self) -> String {
        self.pieces.iter().map(Piece::text).collect()
    }
}

/// Size of the formula's letters, in points.
const SIZE: f32 = 19.0;
/// That of every line but the first, which says what a letter of the first stands for.
const SIZE_BELOW: f32 = 16.0;
/// Height of the first line, and of every other.
const HEIGHT: f32 = 34.0;
const HEIGHT_BELOW: f32 = 27.0;
/// Room for a root's sign, and after what is under it, in letter sizes.
const ROOT_BEFORE: f32 = 0.56;
const ROOT_AFTER: f32 = 0.1;
/// Of the lines of a program, which are smaller.
const PROGRAM: Sizes = Sizes {
    letters: [15.5, 15.5],
    heights: [25.0, 23.0],
};
/// Of formulas that stand by themselves.
const ALONE: Sizes = Sizes {
    letters: [SIZE, SIZE_BELOW],
    heights: [HEIGHT, HEIGHT_BELOW],
};
/// Width of the number beside a line of a program.
const NUMBER: f32 = 24.0;
/// Width of the name beside a formula.
const NAME: f32 = 66.0;

/// Draw a formula at the cursor, over the width that is left.
pub fn equation_ui(ui: &mut Ui, equation: &Equation, palette: &Palette) {
    draw_ui(ui, equation, None, palette);
}

/// The same with the name of what it is the formula of before it, in the name's colour.
pub fn named_equation_ui(
    ui: &mut Ui,
    name: &str,
    color: Color32,
    equation: &Equation,
    palette: &Palette,
) {
    draw_ui(ui, equation, Some((name, color)), palette);
}

/// How large the first line of a formula is, and every other.
#[derive(Clone, Copy)]
struct Sizes {
    letters: [f32; 2],
    heights: [f32; 2],
}

/// How a line of a program stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lit {
    /// It waits.
    Off,
    /// It is one of many that run too fast to be told apart.
    Faint,
    /// It runs.
    Now,
}

/// A line of a program with its number. Screen readers hear `Line 3: …`, and `Line 3, runs now: …`.
pub fn program_line_ui(
    ui: &mut Ui,
    number: usize,
    equation: &Equation,
    lit: Lit,
    palette: &Palette,
) -> Response {
    let height = height_of(equation, PROGRAM);
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    let runs = if lit == Lit::Now { ", runs now" } else { "" };
    let spoken = format!("Line {number}{runs}: {}", equation.spoken);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &spoken));
    let painter = ui.painter();
    match lit {
        Lit::Off => {}
        Lit::Faint => drop(painter.rect_filled(rect, 5.0, palette.raised.gamma_multiply(0.55))),
        Lit::Now => {
            painter.rect_filled(rect, 5.0, palette.raised);
            let mark = rect.with_max_x(rect.left() + 3.0);
            painter.rect_filled(mark, 1.5, palette.learned);
        }
    }
    let ink = if lit == Lit::Now {
        palette.ink
    } else {
        palette.weak
    };
    let at = pos2(
        rect.left() + NUMBER - 8.0,
        rect.top() + 0.5 * PROGRAM.heights[0],
    );
    painter.text(
        at,
        Align2::RIGHT_CENTER,
        number.to_string(),
        strong_font(12.0),
        ink,
    );
    let place = rect
        .with_min_x(rect.left() + NUMBER)
        .with_max_x(rect.right() - 2.0);
    lines_ui(ui, response.id, place, equation, PROGRAM, palette);
    response
}

/// What stands in the place of a program's line here, beneath it. Screen readers hear `Here: …`.
pub fn here_ui(ui: &mut Ui, equation: &Equation, palette: &Palette) -> Response {
    let height = height_of(equation, PROGRAM);
    let (rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    let spoken = format!("Here: {}", equation.spoken);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &spoken));
    let painter = ui.painter();
    let left = rect.left() + NUMBER;
    let at = pos2(left, rect.top() + 0.5 * PROGRAM.heights[0]);
    let word = painter.text(
        at,
        Align2::LEFT_CENTER,
        "here",
        text_font(SMALL),
        palette.weak,
    );
    let place = rect
        .with_min_x(word.right() + 8.0)
        .with_max_x(rect.right() - 2.0);
    lines_ui(ui, response.id, place, equation, PROGRAM, palette);
    response
}

fn lines(equation: &Equation) -> Vec<&[Piece]> {
    equation
        .pieces
        .split(|piece| *piece == Piece::Break)
        .collect()
}

fn height_of(equation: &Equation, sizes: Sizes) -> f32 {
    sizes.heights[0] + sizes.heights[1] * lines(equation).len().saturating_sub(1) as f32
}

/// Draw the lines of a formula into a place, one beneath the other.
fn lines_ui(
    ui: &Ui,
    id: egui::Id,
    rect: Rect,
    equation: &Equation,
    Sizes { letters, heights }: Sizes,
    palette: &Palette,
) {
    let painter = ui.painter();
    let pointed = ui.rect_contains_pointer(rect);
    let mut middle = rect.top() + 0.5 * heights[0];
    for (index, line) in lines(equation).into_iter().enumerate() {
        let wanted = letters[index.min(1)];
        let mut shapes = Vec::new();
        let width = measure_and_draw(painter, line, wanted, palette.ink, &mut shapes);
        // A formula wider than its panel is made smaller rather than cut.
        let size = wanted * (rect.width() / width.max(1.0)).min(1.0);
        if size < wanted {
            shapes.clear();
            measure_and_draw(painter, line, size, palette.ink, &mut shapes);
        }
        let baseline = vec2(rect.left(), middle + 0.3 * size);
        if pointed {
            symbols_ui(ui, line, size, (rect.left(), middle), (id, index), palette);
        }
        painter.extend(shapes.into_iter().map(|mut shape| {
            shape.translate(baseline);
            shape
        }));
        middle += if index == 0 {
            0.5 * (heights[0] + heights[1])
        } else {
            heights[1]
        };
    }
}

fn draw_ui(ui: &mut Ui, equation: &Equation, name: Option<(&str, Color32)>, palette: &Palette) {
    let height = height_of(equation, ALONE);
    let (mut rect, response) =
        ui.allocate_exact_size(vec2(ui.available_width(), height), Sense::hover());
    let spoken = name.map_or_else(
        || equation.spoken.to_owned(),
        |(name, _)| format!("{name}: {}", equation.spoken),
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &spoken));
    if let Some((name, color)) = name {
        let at = pos2(rect.left(), rect.top() + 0.5 * HEIGHT);
        ui.painter()
            .text(at, Align2::LEFT_CENTER, name, strong_font(13.0), color);
        rect = rect.with_min_x(rect.left() + NAME);
    }
    lines_ui(ui, response.id, rect, equation, ALONE, palette);
}

/// What each symbol of a line means, where the pointer rests on it.
fn symbols_ui(
    ui: &Ui,
    line: &[Piece],
    size: f32,
    (left, middle): (f32, f32),
    (id, index): (egui::Id, usize),
    palette: &Palette,
) {
    let mut unseen = Vec::new();
    let mut pen = Pen {
        painter: ui.painter(),
        color: palette.ink,
        shapes: &mut unseen,
        x: 0.0,
        y: 0.0,
    };
    let mut spots = Vec::new();
    pen.spots(line, size, &mut spots);
    for (place, (from, to, name)) in spots.into_iter().enumerate() {
        let Some(meaning) = meaning(&name) else {
            continue;
        };
        let rect = egui::Rect::from_x_y_ranges(
            left + from..=left + to,
            middle - 0.8 * size..=middle + 0.8 * size,
        );
        let spot = ui.interact(rect, id.with((index, place)), Sense::hover());
        spot.tip(format!("{}: {meaning}", plain(&name)));
    }
}

/// A name without the braces that hold its index together.
fn plain(name: &str) -> String {
    name.replace(['{', '}'], "")
}

/// Draw with the baseline's left end at the origin. Returns the width.
fn measure_and_draw(
    painter: &Painter,
    pieces: &[Piece],
    size: f32,
    color: Color32,
    shapes: &mut Vec<Shape>,
) -> f32 {
    let mut pen = Pen {
        painter,
        color,
        shapes,
        x: 0.0,
        y: 0.0,
    };
    pen.draw(pieces, size);
    pen.x
}

struct Pen<'a> {
    painter: &'a Painter,
    color: Color32,
    shapes: &'a mut Vec<Shape>,
    x: f32,
    /// Of the baseline, downwards.
    y: f32,
}

impl Pen<'_> {
    fn draw(&mut self, pieces: &[Piece], size: f32) {
        for piece in pieces {
            match piece {
                Piece::Var(text) => self.text(text, variable_font(size)),
                Piece::Sign(text) => self.text(text, sign_font(size)),
                Piece::Sub(inner) => self.shifted(inner, 0.22 * size, 0.68 * size),
                Piece::Sup(inner) => self.shifted(inner, -0.36 * size, 0.68 * size),
                Piece::Root(inner) => self.root(inner, size),
                Piece::Bar(text) => {
                    let left = self.x;
                    self.text(text, variable_font(size));
                    let height = self.y - 0.54 * size;
                    let (from, to) = (left + 0.12 * size, self.x + 0.02 * size);
                    self.line(&[vec2(from, height), vec2(to, height)]);
                }
                // Lines are told apart before.
                Piece::Break => {}
                Piece::Hat(text) => {
                    let left = self.x;
                    self.text(text, variable_font(size));
                    let (middle, foot) =
                        (0.5 * (left + self.x) + 0.05 * size, self.y - 0.52 * size);
                    let side = 0.15 * size;
                    let peak = vec2(middle, foot - 0.14 * size);
                    self.line(&[vec2(middle - side, foot), peak, vec2(middle + side, foot)]);
                }
                Piece::Tilde(text) => {
                    let left = self.x;
                    self.text(text, variable_font(size));
                    let middle = 0.5 * (left + self.x) + 0.06 * size;
                    let wave = [-2.0_f32, -1.0, 0.0, 1.0, 2.0].map(|step| {
                        let up = 0.05 * size * (-std::f32::consts::FRAC_PI_2 * step).sin();
                        vec2(middle + 0.09 * size * step, self.y - 0.78 * size - up)
                    });
                    self.line(&wave);
                }
            }
        }
    }

    /// Where each symbol lies, with what hangs on it, and its name.
    fn spots(&mut self, pieces: &[Piece], size: f32, spots: &mut Vec<(f32, f32, String)>) {
        let mut rest = pieces;
        while let Some((piece, after)) = rest.split_first() {
            let mut used = 1;
            match piece {
                Piece::Var(_) | Piece::Bar(_) | Piece::Hat(_) | Piece::Tilde(_) => {
                    let from = self.x;
                    used += after
                        .iter()
                        .take_while(|piece| matches!(piece, Piece::Sub(_)))
                        .count();
                    self.draw(&rest[..used], size);
                    let name = rest[..used].iter().map(Piece::text).collect();
                    spots.push((from, self.x, name));
                }
                Piece::Root(inner) => {
                    self.x += ROOT_BEFORE * size;
                    self.spots(inner, size, spots);
                    self.x += ROOT_AFTER * size;
                }
                _ => self.draw(&rest[..1], size),
            }
            rest = &rest[used..];
        }
    }

    fn text(&mut self, text: &str, font: FontId) {
        let galley = self
            .painter
            .layout_no_wrap(text.to_owned(), font, self.color);
        let ascent = galley
            .rows
            .first()
            .and_then(|row| row.glyphs.first())
            .map_or(0.0, |glyph| glyph.pos.y);
        let width = galley.size().x;
        self.shapes.push(Shape::galley(
            pos2(self.x, self.y - ascent),
            galley,
            self.color,
        ));
        self.x += width;
    }

    fn shifted(&mut self, inner: &[Piece], down: f32, size: f32) {
        self.x += 0.03 * size;
        self.y += down;
        self.draw(inner, size);
        self.y -= down;
        self.x += 0.06 * size;
    }

    fn root(&mut self, inner: &[Piece], size: f32) {
        let left = self.x;
        let (top, bottom) = (self.y - 0.82 * size, self.y + 0.2 * size);
        self.x += ROOT_BEFORE * size;
        self.draw(inner, size);
        let end = self.x + 0.05 * size;
        let middle = self.y - 0.28 * size;
        self.line(&[
            vec2(left + 0.06 * size, middle + 0.06 * size),
            vec2(left + 0.18 * size, middle),
            vec2(left + 0.34 * size, bottom),
            vec2(left + 0.54 * size, top),
            vec2(end, top),
        ]);
        self.x = end + (ROOT_AFTER - 0.05) * size;
    }

    fn line(&mut self, points: &[Vec2]) {
        let points = points.iter().map(|p| p.to_pos2()).collect();
        self.shapes
            .push(Shape::line(points, Stroke::new(1.0, self.color)));
    }
}
