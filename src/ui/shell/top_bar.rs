//! The bar at the top: the name, what is trained and on what, the engine, and what is saved.

use egui::{Align, Align2, Layout, Rect, Ui, pos2};

use crate::desk::Desk;
use crate::settings::data;
use crate::settings::network;
use crate::settings::save;
use crate::settings::schedule;
use crate::settings::target;
use crate::shell::compare;
use crate::shell::lessons::Lesson;
use crate::theme::strong_font;
use crate::widgets::icon::Icon;
use crate::widgets::row::row_in;
use crate::widgets::text;
use crate::widgets::{button, pill};
use engine::{EngineChoice, EngineInfo, EngineKind};
use lab::message::{Command, Side};

/// Name, what is trained, and on what. While the lab is split, of the experiment in `focus`.
pub fn top_bar_ui(
    ui: &mut Ui,
    rect: Rect,
    desk: &mut Desk,
    focus: &mut Side,
    open: &mut Option<Lesson>,
    help: &mut bool,
) {
    let palette = desk.palette();
    // In a small window the pills bear their values alone.
    let narrow = rect.width() < 1180.0;
    let label = |text: &'static str| if narrow { "" } else { text };
    let name = pos2(rect.left() + 14.0, rect.center().y);
    if !narrow {
        ui.painter().text(
            name,
            Align2::LEFT_CENTER,
            "Noise Compass",
            strong_font(13.0),
            palette.ink,
        );
    }
    let left = rect.with_min_x(rect.left() + if narrow { 14.0 } else { 146.0 });
    row_in(
        ui,
        left,
        Layout::left_to_right(Align::Center),
        "settings",
        |ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            if desk.is_split() {
                compare::focus_ui(ui, desk, focus);
                desk.turn_to(*focus);
                ui.add_space(2.0);
            }
            let palette = desk.palette();
            let data = data::data_title(&desk.here.draft.data);
            pill::menu(
                ui,
                ["Data", label("Data"), &data],
                "What is learned",
                palette,
                |ui| data::data_menu(ui, desk),
            );
            let schedule = format!(
                "{}, T {}",
                desk.here.draft.schedule.words().title,
                desk.here.draft.timesteps
            );
            pill::menu(
                ui,
                ["Schedule", label("Schedule"), &schedule],
                "The way from data to noise: a, s and T",
                palette,
                |ui| {
                    ui.set_width(330.0);
                    schedule::schedule_row(ui, desk);
                    schedule::timesteps_row(ui, desk);
                },
            );
            let target = desk.here.draft.target.words().symbol;
            pill::menu(
                ui,
                ["Target", label("Target"), target],
                "What the network predicts",
                palette,
                |ui| {
                    target::target_menu(ui, desk);
                },
            );
            let net = network::network_title(desk.here.draft.shape());
            pill::menu(
                ui,
                ["Net", label("Net"), &net],
                "The network: depth × width, activation",
                palette,
                |ui| {
                    ui.set_width(330.0);
                    network::network_rows(ui, desk);
                    network::octaves_row(ui, desk);
                    network::network_question(ui, desk);
                },
            );
            if !desk.is_split() {
                compare::begin_ui(ui, desk, open);
            }
        },
    );
    let right = rect.with_max_x(rect.right() - 13.0);
    row_in(
        ui,
        right,
        Layout::right_to_left(Align::Center),
        "machine",
        |ui| {
            ui.spacing_mut().item_spacing.x = 8.0;
            engine_pill(ui, desk);
            let (icon, name, tip) = if desk.light {
                (Icon::Moon, "Dark theme", "Change to the dark theme")
            } else {
                (Icon::Sun, "Light theme", "Change to the light theme")
            };
            if button::round(ui, icon, name, tip, palette).clicked() {
                desk.light = !desk.light;
            }
            if button::round(
                ui,
                Icon::Question,
                "Help",
                "Keys, symbols and words (F1)",
                palette,
            )
            .clicked()
            {
                *help = true;
            }
            let tip = "Open a model or a schedule; save the model with its experiment and losses, or this chapter as a picture";
            pill::menu(ui, ["File", "", "File"], tip, palette, |ui| {
                save::file_menu(ui, desk);
            });
        },
    );
}

/// What an engine is called where there is little room.
fn engine_title(info: &EngineInfo) -> (&'static str, String) {
    let adapter = info.adapter.split(" (").next().unwrap_or(&info.adapter);
    match info.kind {
        _ if info.adapter == "starting" => ("Engine", "starting…".to_owned()),
        EngineKind::Gpu => ("WGSL", text::ellipsis(adapter, 22)),
        EngineKind::Cpu => ("Rust", text::ellipsis(adapter, 22)),
    }
}

fn engine_pill(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let info = desk.here.snapshot.engine.clone();
    let (kind, adapter) = engine_title(&info);
    let tip = format!("{} ({})", info.adapter, info.backend);
    pill::menu(ui, ["Engine", kind, &adapter], &tip, palette, |ui| {
        ui.set_width(270.0);
        text::note(ui, &tip, palette);
        let software = match (info.software, info.kind) {
            (false, _) => "It has its own processor.",
            (true, EngineKind::Cpu) => "It shares the processor with painting.",
            (true, EngineKind::Gpu) => {
                "This adapter is software: shaders run on the processor, where plain Rust trains several times faster."
            }
        };
        text::note(ui, software, palette);
        ui.separator();
        for (choice, name, running) in [
            (
                EngineChoice::Gpu,
                "GPU: WGSL compute shaders",
                info.kind == EngineKind::Gpu,
            ),
            (
                EngineChoice::Cpu,
                "CPU: plain Rust",
                info.kind == EngineKind::Cpu,
            ),
            (
                EngineChoice::Auto,
                "Auto: a graphics card, else plain Rust",
                false,
            ),
        ] {
            if pill::choice(ui, running, name, name, palette).clicked() {
                desk.send(Command::SwitchEngine(choice));
                ui.close();
            }
        }
        if let Some((kind, why)) = &desk.auto {
            let taken = if *kind == EngineKind::Gpu {
                "the GPU"
            } else {
                "plain Rust"
            };
            text::note(ui, &format!("Here auto takes {taken}: {why}."), palette);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_adapters_name_fits_the_pill() {
        let info = |adapter: &str| EngineInfo {
            kind: EngineKind::Gpu,
            adapter: adapter.into(),
            backend: "Vulkan".into(),
            software: false,
        };
        assert_eq!(
            engine_title(&info("llvmpipe (LLVM 15.0.6, 256 bits)")).1,
            "llvmpipe"
        );
        assert_eq!(
            engine_title(&info("AMD Radeon Graphics and more words (RADV)")).1,
            "AMD Radeon Graphics a…"
        );
    }
}
