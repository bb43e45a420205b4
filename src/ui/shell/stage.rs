//! The middle of the window: the canvases of one or two experiments, and the plots beneath them.

use egui::{Color32, CursorIcon, Pos2, Rect, Response, Role, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};

use crate::canvas::camera::Camera;
use crate::canvas::{self, Mark, Place, Scene, View, canvas_ui, empty_ui};
use crate::chapters::{Chapter, Page, Pages};
use crate::desk::Desk;
use crate::shell::fault;
use crate::truths;
use crate::widgets::icon::Icon;
use crate::widgets::{button, hand};
use lab::message::Side;
use maths::data::bounds::Bounds;

/// How two experiments share the canvas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Arrangement {
    /// Each its own.
    #[default]
    Beside,
    /// One canvas, A left of a line and B right of it.
    Divider,
    /// One canvas, B drawn over A.
    Overlay,
}

/// What the stage remembers.
#[derive(Clone, Copy, Debug)]
pub struct Stage {
    /// How two experiments share the canvas.
    pub arrangement: Arrangement,
    /// Where the divider stands, of the canvas's width.
    pub divider: f32,
}

impl Default for Stage {
    fn default() -> Self {
        Self { arrangement: Arrangement::Beside, divider: 0.5 }
    }
}

/// Half the width of the strip in which the divider is taken hold of.
const GRIP: f32 = 6.0;

/// A canvas that was drawn.
struct DrawnCanvas {
    side: Side,
    view: View,
    response: Response,
    clip: Rect,
    over: bool,
    legend: Vec<(Mark, Color32, String)>,
}

/// Where one side's canvases go.
#[derive(Clone, Copy)]
struct Region {
    side: Side,
    rect: Rect,
    clip: Rect,
    over: bool,
    hand: bool,
}

/// The pages of all sides, and which chapter each shows.
pub struct Book<'a> {
    /// Of A and of B.
    pub pages: &'a mut [Pages; 2],
    /// What A and B show.
    pub chapters: [Chapter; 2],
    /// The side whose settings are on show.
    pub focus: Side,
}

impl Book<'_> {
    /// One side's open page.
    fn page(&mut self, side: Side) -> &mut dyn Page {
        self.pages[side.index()].page(self.chapters[side.index()])
    }

    fn chapter(&self, side: Side) -> Chapter {
        self.chapters[side.index()]
    }

    fn same_chapter(&self) -> bool {
        self.chapters[0] == self.chapters[1]
    }

    /// Let the other side show things as this one does.
    pub fn spread(&mut self, from: Side, points: bool) {
        if self.same_chapter() {
            let [a, b] = &mut *self.pages;
            let (own, other) = if from == Side::A { (a, b) } else { (b, a) };
            other.take_after(own, self.chapters[0], points);
        }
    }
}

impl Stage {
    /// Draw everything into a place of the window.
    pub fn show(&mut self, ui: &mut Ui, rect: Rect, desk: &mut Desk, book: &mut Book<'_>) {
        let sides = desk.sides();
        let mut height = 0.0_f32;
        for &side in sides {
            desk.turn_to(side);
            height = height.max(book.page(side).plots_height(rect.height()).round());
        }
        let (canvas, plots) = rect.split_top_bottom_at_y(rect.bottom() - height);
        let one_canvas = self.one_canvas(desk, book);
        // What lies on one canvas looks at one place.
        let links = desk.links;
        desk.links.camera |= one_canvas;
        desk.one_canvas = one_canvas;
        let regions = self.regions(canvas, desk, book, one_canvas);
        let drawn = Self::canvases_ui(ui, desk, book, &regions);
        if one_canvas && self.arrangement == Arrangement::Divider {
            self.divider_ui(ui, canvas, desk);
        }
        Self::overlays_ui(ui, desk, book, &drawn);
        desk.turn_to(book.focus);
        reset_view_ui(ui, canvas, desk, book);
        for region in &regions {
            desk.turn_to(region.side);
            fault::fault_ui(ui, region.clip, desk);
        }
        desk.turn_to(book.focus);
        desk.links = links;
        if regions.len() > 1 && !one_canvas {
            ui.painter().vline(regions[1].rect.left(), canvas.y_range(), (1.0, desk.palette().line));
        }
        if height > 0.0 {
            Self::plots_ui(ui, plots, desk, book);
        }
        desk.turn_to(book.focus);
    }

    /// True where both experiments are drawn on one canvas.
    fn one_canvas(self, desk: &mut Desk, book: &mut Book<'_>) -> bool {
        desk.turn_to(Side::A);
        self.arrangement != Arrangement::Beside
            && desk.is_split()
            && book.same_chapter()
            && book.page(Side::A).beside(desk).is_none()
    }

    fn regions(self, canvas: Rect, desk: &Desk, book: &Book<'_>, one_canvas: bool) -> Vec<Region> {
        let whole = |side| Region { side, rect: canvas, clip: canvas, over: false, hand: true };
        if !desk.is_split() {
            return vec![whole(Side::A)];
        }
        let middle = if one_canvas { self.divider } else { 0.5 };
        let (left, right) = canvas.split_left_right_at_fraction(middle);
        match self.arrangement {
            Arrangement::Overlay if one_canvas => Side::BOTH
                .map(|side| Region { over: side == Side::B, hand: side == book.focus, ..whole(side) })
                .to_vec(),
            Arrangement::Divider if one_canvas => {
                vec![Region { clip: left, ..whole(Side::A) }, Region { clip: right, ..whole(Side::B) }]
            }
            _ => [(Side::A, left), (Side::B, right)]
                .map(|(side, rect)| Region { rect, clip: rect, ..whole(side) })
                .to_vec(),
        }
    }

    /// Draw all canvases and let the hand move them.
    fn canvases_ui(ui: &mut Ui, desk: &mut Desk, book: &mut Book<'_>, regions: &[Region]) -> Vec<DrawnCanvas> {
        let mut drawn = Vec::new();
        let mut home: Option<Bounds> = None;
        if desk.links.camera && book.same_chapter() {
            // Both look at the same place: at what is home to either.
            for region in regions {
                desk.turn_to(region.side);
                let own = book.page(region.side).home(desk);
                home = Some(home.map_or(own, |home| home.joined(own)));
            }
        }
        let overlaid = regions.iter().any(|region| region.over);
        let one_truth = truths::are_one(desk);
        for region in regions {
            let Region { side, rect, clip, over, hand } = *region;
            desk.turn_to(side);
            let palette = desk.palette();
            let chapter = book.chapter(side);
            let split = desk.is_split();
            let page = book.page(side);
            let mut scenes: Vec<Scene> = std::iter::once(page.scene(desk)).chain(page.beside(desk)).collect();
            if split {
                scenes[0].legend.insert(0, (Mark::Letter, palette.learned, side.letter().to_owned()));
            }
            for scene in &mut scenes {
                // A file has no outline.
                if scene.outline.is_empty() {
                    scene.legend.retain(|(mark, ..)| *mark != Mark::Dashes);
                }
            }
            let empty = scenes[0].layers.is_empty();
            if overlaid && !one_truth {
                for scene in &mut scenes {
                    truths::tint(scene, palette);
                }
            } else if over {
                truths::leave_out(&mut scenes[0], palette);
            }
            let count = scenes.len() as f32;
            // Two canvases of each of two experiments make four quarters.
            let (size, step) = if split {
                (vec2(rect.width(), rect.height() / count), vec2(0.0, rect.height() / count))
            } else {
                (vec2(rect.width() / count, rect.height()), vec2(rect.width() / count, 0.0))
            };
            let first = Rect::from_min_size(rect.min, size);
            let home = Camera::fit(home.unwrap_or_else(|| page.home(desk)), first);
            let mut camera = desk.here.cameras.get(chapter.name()).copied().unwrap_or(home);
            let before = camera;
            let mut child = ui.new_child(UiBuilder::new().max_rect(rect).id_salt(("side", side.letter())));
            child.set_clip_rect(clip.intersect(ui.clip_rect()));
            for (index, mut scene) in scenes.into_iter().enumerate() {
                let rect = first.translate(step * index as f32);
                let legend = std::mem::take(&mut scene.legend);
                let second = if index == 0 { "" } else { ", second" };
                let letter = if split { format!(", {}", side.letter()) } else { String::new() };
                let name = format!("{} canvas{second}{letter}", chapter.title());
                let place = Place { name: &name, rect, over, hand };
                let response = canvas_ui(&mut child, place, scene, &mut camera, desk.format, palette);
                if empty {
                    empty_ui(&child, rect.intersect(clip), page.waiting(), palette);
                }
                if index > 0 {
                    let edge = [rect.left_top(), if split { rect.right_top() } else { rect.left_bottom() }];
                    child.painter().line_segment(edge, (1.0, palette.line));
                }
                if response.double_clicked() {
                    desk.here.cameras.remove(chapter.name());
                    camera = before;
                }
                if response.has_focus() {
                    ui.ctx().memory_mut(|memory| memory.surrender_focus(response.id));
                }
                let view = View { index, rect, camera, pointer: None, canvas: response.id };
                drawn.push(DrawnCanvas { side, view, response, clip, over, legend });
            }
            if camera != before {
                desk.here.cameras.insert(chapter.name(), camera);
            }
            // The second canvas may have been moved: all of a side look alike.
            for canvas in drawn.iter_mut().filter(|d| d.side == side) {
                canvas.view.camera = camera;
            }
            if let Some(tau) = page.density_tau(desk) {
                let moving = desk.here.clock.playing || ui.ctx().egui_is_using_pointer();
                desk.want_density(tau, camera.visible(first), moving);
            }
        }
        drawn
    }

    /// What lies over the canvases: the pages' own, and the pointer on the other side.
    fn overlays_ui(ui: &mut Ui, desk: &mut Desk, book: &mut Book<'_>, drawn: &[DrawnCanvas]) {
        let linked = desk.links.cursor && book.same_chapter();
        let under_hand = drawn.iter().find_map(|d| {
            let at = d.response.hover_pos().filter(|_| d.response.contains_pointer())?;
            Some((d.side, d.view.index, d.view.rect, at, d.view.to_data(at)))
        });
        // Legends lie over what all experiments painted.
        let mut legend_above = 0.0;
        for canvas in drawn {
            let DrawnCanvas { side, view, response, clip, over, legend } = canvas;
            desk.turn_to(*side);
            let lower = if *over { legend_above } else { 0.0 };
            let seen = view.rect.intersect(*clip);
            legend_above = canvas::legend_ui(&ui.painter_at(seen), seen, lower, legend, desk.palette());
            let mut view = *view;
            let mut mark: Option<Pos2> = None;
            if let Some((hovered, index, rect, at, point)) = under_hand
                && index == view.index
            {
                if hovered == *side {
                    view.pointer = Some(at);
                } else if linked && rect != view.rect {
                    mark = Some(view.to_screen(point));
                    view.pointer = mark;
                }
            }
            let mut child = ui.new_child(UiBuilder::new().max_rect(view.rect).id_salt(("over", side.letter())));
            child.set_clip_rect(clip.intersect(ui.clip_rect()));
            book.page(*side).overlay_ui(&mut child, &view, response, desk);
            if let Some(at) = mark {
                let palette = desk.palette();
                let painter = child.painter_at(view.rect);
                for (arm, width, color) in [(9.0, 3.5, palette.canvas), (8.0, 1.5, palette.ink)] {
                    painter.hline(at.x - arm..=at.x + arm, at.y, (width, color));
                    painter.vline(at.x, at.y - arm..=at.y + arm, (width, color));
                }
                let place = Rect::from_center_size(at, vec2(2.0, 2.0));
                let name = format!("Pointer on {}", side.letter());
                let id = child.make_persistent_id(("pointer", view.index));
                let response = child.interact(place, id, Sense::hover());
                response.widget_info(|| WidgetInfo::labeled(Role::Image, true, &name));
            }
            if response.contains_pointer() || response.is_pointer_button_down_on() || response.clicked() {
                book.spread(*side, desk.links.points);
            }
        }
    }

    /// The line between A and B, dragged left and right.
    fn divider_ui(&mut self, ui: &mut Ui, canvas: Rect, desk: &Desk) {
        let x = canvas.left() + self.divider * canvas.width();
        let strip = Rect::from_center_size(pos2(x, canvas.center().y), vec2(2.0 * GRIP, canvas.height()));
        let response = ui.interact(strip, ui.make_persistent_id("divider"), Sense::click_and_drag());
        response.widget_info(|| WidgetInfo::slider(true, f64::from(self.divider), "Divider between A and B"));
        let keys = |key| ui.input(|i| i.num_presses(key)) as f32;
        let mut moved = 0.0;
        if response.has_focus() {
            moved = 0.02 * (keys(egui::Key::ArrowRight) - keys(egui::Key::ArrowLeft));
        }
        if let Some(pointer) = hand::pulled_to(&response) {
            moved = (pointer.x - canvas.left()) / canvas.width() - self.divider;
        }
        if response.double_clicked() {
            moved = 0.5 - self.divider;
        }
        self.divider = (self.divider + moved).clamp(0.04, 0.96);
        let active = response.hovered() || response.dragged() || response.has_focus();
        if active {
            ui.ctx().set_cursor_icon(CursorIcon::ResizeHorizontal);
        }
        let x = canvas.left() + self.divider * canvas.width();
        let ink = desk.palette();
        let painter = ui.painter_at(canvas);
        painter.vline(x, canvas.y_range(), (if active { 2.5 } else { 1.5 }, ink.weak));
        let knob = Rect::from_center_size(pos2(x, canvas.center().y), vec2(10.0, 34.0));
        painter.rect(knob, 5.0, ink.panel, (1.5, ink.weak), egui::StrokeKind::Inside);
        for (side, left) in Side::BOTH.into_iter().zip([true, false]) {
            let align = if left { egui::Align2::RIGHT_CENTER } else { egui::Align2::LEFT_CENTER };
            let at = knob.center() + vec2(if left { -11.0 } else { 11.0 }, 0.0);
            let color = desk.color(side);
            painter.text(at, align, side.letter(), crate::theme::strong_font(13.0), color);
        }
    }

    fn plots_ui(ui: &mut Ui, rect: Rect, desk: &mut Desk, book: &mut Book<'_>) {
        let palette = desk.palette();
        ui.painter().rect_filled(rect, 0.0, palette.canvas);
        ui.painter().hline(rect.x_range(), rect.top(), (1.0, palette.line));
        let child = |ui: &mut Ui, rect: Rect, side: Side| {
            let mut child =
                ui.new_child(UiBuilder::new().max_rect(rect).id_salt(("plots", side.letter())).sense(Sense::hover()));
            child.set_clip_rect(rect.intersect(ui.clip_rect()));
            child
        };
        let focus = book.focus;
        desk.turn_to(focus);
        if !desk.is_split() || book.same_chapter() {
            let mut child = child(ui, rect, Side::A);
            let chapter = book.chapter(focus);
            let [a, b] = &mut *book.pages;
            let (own, other) = if focus == Side::A { (a, b) } else { (b, a) };
            let twin = desk.is_split().then_some(other);
            own.page(chapter).plots_ui(&mut child, desk, twin);
            return;
        }
        let (left, right) = rect.split_left_right_at_fraction(0.5);
        for (side, place) in [(Side::A, left), (Side::B, right)] {
            desk.turn_to(side);
            let mut child = child(ui, place, side);
            book.page(side).plots_ui(&mut child, desk, None);
        }
        ui.painter().vline(right.left(), rect.y_range(), (1.0, palette.line));
    }
}

/// The button that brings the camera home.
fn reset_view_ui(ui: &mut Ui, canvas: Rect, desk: &mut Desk, book: &Book<'_>) {
    let corner = Rect::from_min_size(canvas.right_top() + vec2(-42.0, 9.0), vec2(30.0, 30.0));
    let mut child = ui.new_child(UiBuilder::new().max_rect(corner).id_salt("reset view"));
    let tip = "Show all (double click on the canvas). Drag to pan, wheel or pinch to zoom";
    if button::round(&mut child, Icon::Frame, "Reset view", tip, false, desk.palette()).clicked() {
        for &side in desk.sides() {
            desk.turn_to(side);
            desk.here.cameras.remove(book.chapter(side).name());
        }
    }
}
