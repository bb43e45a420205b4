//! The numbers of the followed points, a row each.

use egui::{Align2, Color32, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::theme::{Palette, SMALL, strong_font, text_font};
use crate::widgets::maths;
use crate::widgets::number::{fixed, grouped};
use crate::widgets::tip::Tip as _;

/// Height of the title and the heads together, and of a row.
const HEAD: f32 = 46.0;
const ROW: f32 = 20.0;
/// Width of the number of a row.
const NUMBER: f32 = 26.0;

/// Height of a table with so many rows.
pub(super) fn height(rows: u32) -> f32 {
    HEAD + ROW * rows as f32 + 10.0
}

/// A column.
pub(super) struct Column {
    pub(super) head: &'static str,
    pub(super) color: Color32,
    pub(super) tip: &'static str,
}

/// What a cell holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell {
    /// A number without digits behind the point.
    Count(f64),
    /// A number.
    Number(f64),
    /// A point.
    Vector([f64; 2]),
    /// Not known yet; as wide as what will be there.
    Later(bool),
}

/// A point.
pub(super) fn vector(v: [f64; 2]) -> Cell {
    Cell::Vector(v)
}

impl Cell {
    pub(super) fn count(v: f64) -> Self {
        Self::Count(v)
    }

    pub(super) fn number(v: f64) -> Self {
        Self::Number(v)
    }

    /// Nothing, where it is not known yet.
    pub(super) fn when(self, known: bool) -> Self {
        if known {
            self
        } else {
            Self::Later(matches!(self, Self::Vector(_)))
        }
    }

    fn text(self, decimals: usize) -> String {
        match self {
            Self::Count(v) => grouped(v),
            Self::Number(v) => fixed(v, decimals),
            Self::Vector([x, y]) => format!("{}, {}", fixed(x, decimals), fixed(y, decimals)),
            Self::Later(_) => "–".to_owned(),
        }
    }

    /// Its width beside those of the others.
    fn share(self) -> f32 {
        match self {
            Self::Vector(_) | Self::Later(true) => 2.1,
            _ => 1.0,
        }
    }
}

/// A table.
pub(super) struct Table {
    pub(super) title: String,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Cell>>,
    /// What is told of a row beside its cells, as read by a screen reader and under the pointer: names and points.
    pub(super) more: Vec<Vec<(&'static str, [f64; 2])>>,
}

impl Table {
    /// Draw it. Screen readers hear each row as `Point 1: t 312; a 0.8123; …`.
    pub(super) fn show(&self, ui: &mut Ui, title_color: Color32, palette: &Palette) {
        let rect = ui.max_rect().shrink2(vec2(14.0, 6.0));
        let title = Rect::from_min_size(rect.min, vec2(rect.width(), 20.0));
        let response = ui.interact(title, ui.make_persistent_id("title"), Sense::hover());
        response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &self.title));
        let painter = ui.painter();
        painter.text(
            title.left_center(),
            Align2::LEFT_CENTER,
            &self.title,
            strong_font(12.0),
            title_color,
        );
        let Some(first) = self.rows.first() else {
            return;
        };
        let shares: Vec<f32> = first.iter().map(|cell| cell.share()).collect();
        let unit = (rect.width() - NUMBER) / shares.iter().sum::<f32>();
        let rights: Vec<f32> = shares
            .iter()
            .scan(rect.left() + NUMBER, |right, share| {
                *right += share * unit;
                Some(*right)
            })
            .collect();
        // As many digits as two numbers of a point leave room for.
        let decimals = match 2.1 * unit {
            width if width > 122.0 => 4,
            width if width > 104.0 => 3,
            _ => 2,
        };
        let size = if decimals < 3 { 11.0 } else { 12.5 };
        for (column, &right) in self.columns.iter().zip(&rights) {
            let place = Rect::from_min_max(
                pos2(right - unit, rect.top() + 20.0),
                pos2(right, rect.top() + HEAD - 6.0),
            );
            let painter = ui.painter();
            let job = maths::job(painter, column.head, &text_font(SMALL), palette.faint);
            let head = painter.layout_job(job);
            let at = Align2::RIGHT_CENTER.anchor_size(place.right_center(), head.size());
            painter.galley(at.min, head, palette.faint);
            let id = ui.make_persistent_id(("head", column.head));
            ui.interact(place, id, Sense::hover()).tip(column.tip);
        }
        for (index, row) in self.rows.iter().enumerate() {
            let top = rect.top() + HEAD - 6.0 + ROW * index as f32;
            let line = Rect::from_min_size(pos2(rect.left(), top), vec2(rect.width(), ROW));
            let texts: Vec<String> = row.iter().map(|cell| cell.text(decimals)).collect();
            let each: Vec<String> = self
                .columns
                .iter()
                .zip(&texts)
                .map(|(column, text)| format!("{} {text}", column.head))
                .collect();
            let more = self.more.get(index).map_or(&[][..], Vec::as_slice);
            let more: Vec<String> = more
                .iter()
                .map(|(name, v)| format!("{name} {}", vector(*v).text(decimals)))
                .collect();
            let all = [&each[..], &more].concat().join("; ");
            let spoken = format!("Point {}: {all}", index + 1);
            let response = ui.interact(line, ui.make_persistent_id(("row", index)), Sense::hover());
            response.widget_info(|| WidgetInfo::labeled(Role::Label, true, &spoken));
            if !more.is_empty() {
                response.tip(more.join("; "));
            }
            let painter = ui.painter();
            painter.text(
                line.left_center(),
                Align2::LEFT_CENTER,
                (index + 1).to_string(),
                strong_font(12.0),
                palette.ink,
            );
            for ((text, column), &right) in texts.iter().zip(&self.columns).zip(&rights) {
                painter.text(
                    pos2(right, line.center().y),
                    Align2::RIGHT_CENTER,
                    text,
                    text_font(size),
                    column.color,
                );
            }
        }
    }
}
