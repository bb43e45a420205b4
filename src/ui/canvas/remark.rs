//! A sentence at the lower left of a canvas, on a plate that keeps it legible over points.

use egui::{Context, Rect, Role, Sense, Ui, WidgetInfo, vec2};

use super::paint_plate;
use crate::theme::{Palette, text_font};
use crate::widgets::tip::Tip as _;

/// Above the sentences of this frame that lie here already: those of both experiments on one canvas.
fn free_place(ctx: &Context, mut plate: Rect) -> Rect {
    let frame = ctx.cumulative_pass_nr();
    ctx.data_mut(|data| {
        let id = egui::Id::unique("sentences on canvases");
        let (of, taken) = data.get_temp_mut_or_default::<(u64, Vec<Rect>)>(id);
        if *of != frame {
            (*of, *taken) = (frame, Vec::new());
        }
        for other in taken.iter() {
            if other.intersects(plate) {
                plate = plate.translate(vec2(0.0, other.top() - 6.0 - plate.bottom()));
            }
        }
        taken.push(plate);
    });
    plate
}

/// Say something of what a canvas shows; the whole of it where the pointer rests on it. `salt` tells the canvases apart.
pub fn remark_ui(ui: &Ui, canvas: Rect, salt: egui::Id, text: &str, tip: &str, palette: &Palette) {
    let seen = canvas.intersect(ui.clip_rect());
    // The numbers of the axes stand beneath it.
    let (margin, above) = (12.0, 24.0);
    let room = seen.width() - 2.0 * margin - 20.0;
    if text.is_empty() || room < 80.0 {
        return;
    }
    let mut job = egui::text::LayoutJob::simple(
        text.to_owned(),
        text_font(13.0),
        palette.ink,
        room.min(640.0),
    );
    job.wrap.max_rows = 3;
    let galley = ui.painter().layout_job(job);
    let size = galley.size() + vec2(20.0, 10.0);
    let corner = seen.left_bottom() + vec2(margin, -above - size.y);
    let plate = free_place(ui.ctx(), Rect::from_min_size(corner, size));
    let painter = ui.painter_at(seen);
    paint_plate(&painter, plate, palette);
    painter.galley(plate.min + vec2(10.0, 5.0), galley, palette.ink);
    let response = ui.interact(plate, salt.with("remark"), Sense::hover());
    response.widget_info(|| WidgetInfo::labeled(Role::Status, true, text));
    if !tip.is_empty() {
        response.tip(tip);
    }
}
