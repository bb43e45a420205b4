//! The parts around the chapter: top bar, rail, clock bar, training strip, and the banner of a fault.

use egui::{Align, Align2, Layout, Rect, Role, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};

use super::bring_back;
use super::chapters::Chapter;
use super::compare;
use super::controls;
use super::desk::Desk;
use super::theme::{SMALL, strong_font, text_font};
use super::widgets::icon::Icon;
use super::widgets::number::{fixed, short};
use super::widgets::time_slider::time_slider;
use super::widgets::{button, pill, readout};
use engine::{EngineChoice, EngineInfo, EngineKind};
use lab::message::{Command, Side, Status};

/// A child in a place of the window, laid out in a row.
pub(super) fn row_in(ui: &mut Ui, rect: Rect, layout: Layout, salt: &str, content: impl FnOnce(&mut Ui)) {
    let mut child = ui.new_child(UiBuilder::new().max_rect(rect).layout(layout).id_salt(salt));
    content(&mut child);
}

/// Name, what is trained, and on what. While the lab is split, of the experiment in `focus`.
pub fn top_bar_ui(ui: &mut Ui, rect: Rect, desk: &mut Desk, focus: &mut Side, open: &mut Option<Chapter>) {
    let palette = desk.palette();
    // In a small window the pills bear their values alone.
    let narrow = rect.width() < 1180.0;
    let label = |text: &'static str| if narrow { "" } else { text };
    let name = pos2(rect.left() + 14.0, rect.center().y);
    if !narrow {
        ui.painter().text(name, Align2::LEFT_CENTER, "Noise Compass", strong_font(13.0), palette.ink);
    }
    let left = rect.with_min_x(rect.left() + if narrow { 14.0 } else { 146.0 });
    row_in(ui, left, Layout::left_to_right(Align::Center), "settings", |ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        if desk.is_split() {
            compare::focus_ui(ui, desk, focus);
            desk.turn_to(*focus);
            ui.add_space(2.0);
        }
        let palette = desk.palette();
        let data = controls::data_title(&desk.draft.data);
        pill::menu(ui, ["Data", label("Data"), &data], "What is learned", palette, |ui| controls::data_menu(ui, desk));
        let path = format!("{}, T {}", controls::path_title(desk.draft.path), desk.draft.timesteps);
        pill::menu(ui, ["Path", label("Path"), &path], "The way from data to noise: a, s and T", palette, |ui| {
            ui.set_width(330.0);
            controls::path_row(ui, desk);
            controls::timesteps_row(ui, desk);
        });
        let target = controls::target_symbol(desk.draft.target);
        pill::menu(ui, ["Target", label("Target"), target], "What the network predicts", palette, |ui| {
            controls::target_menu(ui, desk);
        });
        let net = controls::network_title(desk.draft.shape());
        pill::menu(ui, ["Net", label("Net"), &net], "The network: depth × width, activation", palette, |ui| {
            ui.set_width(330.0);
            controls::network_rows(ui, desk);
            controls::octaves_row(ui, desk);
            controls::network_question(ui, desk);
        });
        if !desk.is_split() {
            compare::begin_ui(ui, desk, open);
        }
    });
    let right = rect.with_max_x(rect.right() - 13.0);
    row_in(ui, right, Layout::right_to_left(Align::Center), "machine", |ui| {
        ui.spacing_mut().item_spacing.x = 8.0;
        engine_pill(ui, desk);
        let (icon, name, tip) = if desk.light {
            (Icon::Moon, "Dark theme", "Change to the dark theme")
        } else {
            (Icon::Sun, "Light theme", "Change to the light theme")
        };
        if button::round(ui, icon, name, tip, false, palette).clicked() {
            desk.light = !desk.light;
        }
        let tip = "The model with its experiment and losses as a directory, or this chapter as a picture";
        pill::menu(ui, ["Save", "", "Save"], tip, palette, |ui| controls::save_menu(ui, desk));
    });
}

/// What an engine is called where there is little room.
fn engine_title(info: &EngineInfo) -> (&'static str, String) {
    let adapter = info.adapter.split(" (").next().unwrap_or(&info.adapter);
    match info.kind {
        _ if info.adapter == "starting" => ("Engine", "starting…".to_owned()),
        EngineKind::Gpu => ("WGSL", controls::ellipsis(adapter, 22)),
        EngineKind::Cpu => ("Rust", controls::ellipsis(adapter, 22)),
    }
}

fn engine_pill(ui: &mut Ui, desk: &mut Desk) {
    let palette = desk.palette();
    let info = desk.snapshot.engine.clone();
    let (kind, adapter) = engine_title(&info);
    let tip = format!("{} ({})", info.adapter, info.backend);
    pill::menu(ui, ["Engine", kind, &adapter], &tip, palette, |ui| {
        ui.set_width(270.0);
        controls::note(ui, &tip, palette);
        let software = match (info.software, info.kind) {
            (false, _) => "It has its own processor.",
            (true, EngineKind::Cpu) => "It shares the processor with painting.",
            (true, EngineKind::Gpu) => {
                "This adapter is software: shaders run on the processor, where plain Rust trains several times faster."
            }
        };
        controls::note(ui, software, palette);
        ui.separator();
        for (choice, name, running) in [
            (EngineChoice::Gpu, "GPU: WGSL compute shaders", info.kind == EngineKind::Gpu),
            (EngineChoice::Cpu, "CPU: plain Rust", info.kind == EngineKind::Cpu),
            (EngineChoice::Auto, "Auto: a graphics card, else plain Rust", false),
        ] {
            if pill::choice(ui, running, name, name, palette).clicked() {
                desk.send(Command::SwitchEngine(choice));
                ui.close();
            }
        }
        if let Some((kind, why)) = &desk.auto {
            let taken = if *kind == EngineKind::Gpu { "the GPU" } else { "plain Rust" };
            controls::note(ui, &format!("Here auto takes {taken}: {why}."), palette);
        }
    });
}

/// The chapters, in their groups.
pub fn rail_ui(ui: &mut Ui, rect: Rect, chapters: &mut [Chapter; 2], focus: Side, desk: &Desk) {
    let palette = desk.palette();
    let mut y = rect.top() + 20.0;
    let mut group = "";
    for entry in Chapter::ALL {
        if entry.group() != group {
            if !group.is_empty() {
                y += 8.0;
            }
            group = entry.group();
            ui.painter().text(pos2(rect.left() + 18.0, y), Align2::LEFT_TOP, group, text_font(SMALL), palette.faint);
            y += 20.0;
        }
        let place = Rect::from_min_size(pos2(rect.left() + 8.0, y), vec2(rect.width() - 16.0, 28.0));
        let response = ui.interact(place, ui.make_persistent_id(("chapter", entry.name())), Sense::click());
        let chosen = chapters[focus.index()] == entry;
        response.widget_info(|| WidgetInfo::selected(Role::Tab, true, chosen, entry.title()));
        if response.clicked() {
            chapters[focus.index()] = entry;
            if desk.links.chapter {
                *chapters = [entry; 2];
            }
        }
        if chosen || response.hovered() || response.has_focus() {
            ui.painter().rect_filled(place, 6.0, palette.raised);
        }
        let (font, color) = if chosen { (strong_font(13.0), palette.ink) } else { (text_font(13.0), palette.weak) };
        let at = pos2(place.left() + 10.0, place.center().y);
        ui.painter().text(at, Align2::LEFT_CENTER, entry.title(), font, color);
        if desk.is_split() && chapters[0] != chapters[1] {
            for side in Side::BOTH.into_iter().filter(|side| chapters[side.index()] == entry) {
                let at = pos2(place.right() - 9.0, place.center().y);
                let color = desk.color(side);
                ui.painter().text(at, Align2::RIGHT_CENTER, side.letter(), strong_font(13.0), color);
            }
        }
        y += 30.0;
    }
    bring_back::menu_ui(ui, rect, desk);
}

/// The clock: play, the slider from data to noise, and what it means.
pub fn clock_bar_ui(ui: &mut Ui, rect: Rect, desk: &mut Desk) {
    let palette = desk.palette();
    let inner = rect.shrink2(vec2(14.0, 0.0));
    row_in(ui, inner, Layout::left_to_right(Align::Center), "clock", |ui| {
        ui.spacing_mut().item_spacing.x = 16.0;
        let (icon, name) =
            if desk.clock.playing { (Icon::Pause, "Pause the clock") } else { (Icon::Play, "Play the clock") };
        let tip = if desk.clock.speed > 0.0 { "Let t run from data to noise" } else { "Let t run from noise to data" };
        if button::round(ui, icon, name, tip, false, palette).clicked() {
            desk.clock.toggle();
        }
        ui.label(egui::RichText::new("data").color(palette.weak));
        let numbers = if desk.is_split() { 388.0 } else { 330.0 };
        let width = (ui.available_width() - numbers).max(120.0);
        let mut tau = desk.clock.tau;
        if time_slider(ui, width, &mut tau, palette).changed() {
            desk.clock.set(tau);
        }
        ui.label(egui::RichText::new("noise").color(palette.weak));
        let scales = desk.scales();
        ui.spacing_mut().item_spacing.x = 6.0;
        readout::stacked(ui, 66.0, "t / T", &fixed(desk.clock.tau, 3), "The clock: 0 is data, 1 is noise", palette);
        let signal = |a: f64| fixed(a.powi(2), 3);
        if desk.is_split() {
            let each: Vec<_> = desk.benches().map(|(_, bench, color)| (signal(bench.scales().a), color)).collect();
            readout::stacked_each(ui, 92.0, "ᾱ", &each, "ᾱ = a², the signal's variance, of A and of B", palette);
            let each: Vec<_> = desk.benches().map(|(_, bench, color)| (short(bench.scales().snr()), color)).collect();
            readout::stacked_each(ui, 108.0, "SNR", &each, "Signal-to-noise ratio a²/s², of A and of B", palette);
        } else {
            readout::stacked(ui, 66.0, "ᾱ", &signal(scales.a), "ᾱ = a², the signal's variance", palette);
            readout::stacked(ui, 76.0, "SNR", &short(scales.snr()), "Signal-to-noise ratio a²/s²", palette);
        }
    });
}

/// The banner of a fault, over the canvas: what happened, and the ways out.
pub fn fault_ui(ui: &mut Ui, canvas: Rect, desk: &mut Desk) {
    let Status::Fault { message, can_restore } = desk.snapshot.status.clone() else { return };
    let palette = desk.palette();
    let width = (canvas.width() - 24.0).min(620.0);
    let message = if desk.is_split() { format!("{}: {message}", desk.side().letter()) } else { message };
    let text = ui.painter().layout(message.clone(), text_font(13.0), palette.ink, width - 32.0);
    let height = text.size().y + 60.0;
    let plate = Rect::from_min_size(pos2(canvas.center().x - 0.5 * width, canvas.top() + 48.0), vec2(width, height));
    // The plate takes the pointer, so that the canvas beneath stays still.
    let response = ui.interact(plate, ui.make_persistent_id(("fault", desk.side().letter())), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Alert, true, &message));
    ui.painter().rect(plate, 8.0, palette.panel, (1.5, palette.fault), egui::StrokeKind::Inside);
    let size = text.size();
    ui.painter().galley(plate.min + vec2(16.0, 12.0), text, palette.ink);
    let buttons =
        Rect::from_min_max(pos2(plate.left() + 16.0, plate.top() + size.y + 20.0), plate.max - vec2(16.0, 8.0));
    let salt = ["ways out", "ways out of B"][desk.side().index()];
    row_in(ui, buttons, Layout::left_to_right(Align::Center), salt, |ui| {
        if can_restore {
            let tip = "Go back to the last weights whose loss was finite";
            if button::text(ui, "Restore last good weights", tip, 0.0, palette).clicked() {
                desk.send(Command::RestoreLastGood);
            }
        }
        if desk.snapshot.engine.kind == EngineKind::Gpu
            && button::text(ui, "Switch to CPU", "Go on with the plain-Rust engine", 0.0, palette).clicked()
        {
            desk.send(Command::SwitchEngine(EngineChoice::Cpu));
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
        assert_eq!(engine_title(&info("llvmpipe (LLVM 15.0.6, 256 bits)")).1, "llvmpipe");
        assert_eq!(engine_title(&info("AMD Radeon Graphics and more words (RADV)")).1, "AMD Radeon Graphics a…");
    }
}
