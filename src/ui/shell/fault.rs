//! The banner of a fault over a canvas.

use egui::{Align, Layout, Rect, Role, Sense, Ui, WidgetInfo, pos2, vec2};

use crate::desk::Desk;
use crate::theme::text_font;
use crate::widgets::button;
use crate::widgets::row::row_in;
use engine::{EngineChoice, EngineKind};
use lab::message::{Command, Status};

/// The banner of a fault, over the canvas: what happened, and the ways out.
pub fn fault_ui(ui: &mut Ui, canvas: Rect, desk: &mut Desk) {
    let Status::Fault {
        message,
        can_restore,
    } = desk.here.snapshot.status.clone()
    else {
        return;
    };
    let palette = desk.palette();
    let width = (canvas.width() - 24.0).min(620.0);
    let message = if desk.is_split() {
        format!("{}: {message}", desk.side().letter())
    } else {
        message
    };
    let text = ui
        .painter()
        .layout(message.clone(), text_font(13.0), palette.ink, width - 32.0);
    let height = text.size().y + 60.0;
    let plate = Rect::from_min_size(
        pos2(canvas.center().x - 0.5 * width, canvas.top() + 48.0),
        vec2(width, height),
    );
    // The plate takes the pointer, so that the canvas beneath stays still.
    let response = ui.interact(
        plate,
        ui.make_persistent_id(("fault", desk.side().letter())),
        Sense::click_and_drag(),
    );
    response.widget_info(|| WidgetInfo::labeled(Role::Alert, true, &message));
    ui.painter().rect(
        plate,
        8.0,
        palette.panel,
        (1.5, palette.fault),
        egui::StrokeKind::Inside,
    );
    let size = text.size();
    ui.painter()
        .galley(plate.min + vec2(16.0, 12.0), text, palette.ink);
    let buttons = Rect::from_min_max(
        pos2(plate.left() + 16.0, plate.top() + size.y + 20.0),
        plate.max - vec2(16.0, 8.0),
    );
    let salt = ["ways out", "ways out of B"][desk.side().index()];
    row_in(
        ui,
        buttons,
        Layout::left_to_right(Align::Center),
        salt,
        |ui| {
            if can_restore {
                let tip = "Go back to the last weights whose loss was finite";
                if button::text(ui, "Restore last good weights", tip, 0.0, palette).clicked() {
                    desk.send(Command::RestoreLastGood);
                }
            }
            if desk.here.snapshot.engine.kind == EngineKind::Gpu
                && button::text(
                    ui,
                    "Switch to CPU",
                    "Go on with the plain-Rust engine",
                    0.0,
                    palette,
                )
                .clicked()
            {
                desk.send(Command::SwitchEngine(EngineChoice::Cpu));
            }
        },
    );
}
