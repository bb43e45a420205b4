//! The middle of the window: the canvases of one or two experiments, and the plots beneath them.

use egui::{CursorIcon, Pos2, Rect, Response, Sense, Ui, UiBuilder, WidgetInfo, pos2, vec2};

use crate::canvas::camera::Camera;
use crate::canvas::{self, Entry, Mark, Painting, Role, View, empty_ui};
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

/// A canvas of this frame.
struct Canvas {
    side: Side,
    view: View,
    response: Response,
    clip: Rect,
    over: bool,
    /// The pointer on the other side, carried over to here.
    mark: Option<Pos2>,
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
            other.show_as(own, self.chapters[0]);
            if points {
                other.follow_hand(own, self.chapters[0]);
            }
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
        let mut canvases = Self::canvases(ui, desk, book, &regions);
        carry_pointer(&mut canvases, desk.links.cursor && book.same_chapter());
        Self::take_hand(ui, desk, book, &canvases);
        let legends = Self::paint(ui, desk, book, &canvases);
        if one_canvas && self.arrangement == Arrangement::Divider {
            self.divider_ui(ui, canvas, desk);
        }
        Self::overlays_ui(ui, desk, book, &canvases, &legends);
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
            && book.page(Side::A).canvases(desk) == 1
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

    /// Where all canvases lie and look, after the hand has moved them.
    fn canvases(ui: &mut Ui, desk: &mut Desk, book: &mut Book<'_>, regions: &[Region]) -> Vec<Canvas> {
        let mut canvases: Vec<Canvas> = Vec::new();
        let mut home: Option<Bounds> = None;
        if desk.links.camera && book.same_chapter() {
            // Both look at the same place: at what is home to either.
            for region in regions {
                desk.turn_to(region.side);
                let own = book.page(region.side).home(desk);
                home = Some(home.map_or(own, |home| home.joined(own)));
            }
        }
        for region in regions {
            let Region { side, rect, clip, over, hand } = *region;
            desk.turn_to(side);
            let (chapter, split) = (book.chapter(side), desk.is_split());
            let page = book.page(side);
            let count = page.canvases(desk);
            // Two canvases of each of two experiments make four quarters.
            let share = 1.0 / count as f32;
            let (size, step) = if split {
                (vec2(rect.width(), share * rect.height()), vec2(0.0, share * rect.height()))
            } else {
                (vec2(share * rect.width(), rect.height()), vec2(share * rect.width(), 0.0))
            };
            let first = Rect::from_min_size(rect.min, size);
            let home = Camera::fit(home.unwrap_or_else(|| page.home(desk)), first);
            let mut camera = desk.here.cameras.get(chapter.name()).copied().unwrap_or(home);
            let before = camera;
            let mut child = ui.new_child(UiBuilder::new().max_rect(rect).id_salt(("side", side.letter())));
            child.set_clip_rect(clip.intersect(ui.clip_rect()));
            for index in 0..count {
                let rect = first.translate(step * index as f32);
                let second = if index == 0 { "" } else { ", second" };
                let letter = if split { format!(", {}", side.letter()) } else { String::new() };
                let name = format!("{} canvas{second}{letter}", chapter.title());
                let response = if hand {
                    canvas::hand_ui(&child, &name, rect, &mut camera, page.takes_drags())
                } else {
                    canvas::no_hand_ui(&child, &name, rect)
                };
                if response.double_clicked() {
                    desk.here.cameras.remove(chapter.name());
                    camera = before;
                }
                if response.has_focus() {
                    ui.ctx().memory_mut(|memory| memory.surrender_focus(response.id));
                }
                let view = View { index, rect, camera, pointer: None, canvas: response.id };
                canvases.push(Canvas { side, view, response, clip, over, mark: None });
            }
            if camera != before {
                desk.here.cameras.insert(chapter.name(), camera);
            }
            // Any of them may have been moved: all of a side look alike.
            for canvas in canvases.iter_mut().filter(|canvas| canvas.side == side) {
                canvas.view.camera = camera;
            }
        }
        canvases
    }

    /// Let the pages do what the hand asks for, the other side's follow, and all start what is missing.
    fn take_hand(ui: &mut Ui, desk: &mut Desk, book: &mut Book<'_>, canvases: &[Canvas]) {
        for Canvas { side, view, response, .. } in canvases {
            desk.turn_to(*side);
            book.page(*side).take_hand(ui, view, response, desk);
            if response.contains_pointer() || response.is_pointer_button_down_on() || response.clicked() {
                book.spread(*side, desk.links.points);
            }
        }
        for &side in desk.sides() {
            desk.turn_to(side);
            book.page(side).prepare(ui.ctx(), desk);
        }
        for Canvas { side, view, .. } in canvases.iter().filter(|canvas| canvas.view.index == 0) {
            desk.turn_to(*side);
            if let Some(tau) = book.page(*side).density_tau(desk) {
                let moving = desk.here.clock.playing || ui.ctx().egui_is_using_pointer();
                desk.want_density(tau, view.camera.visible(view.rect), moving);
            }
        }
    }

    /// Paint all canvases. Returns their legends, which lie over what all of them painted.
    fn paint(ui: &Ui, desk: &mut Desk, book: &mut Book<'_>, canvases: &[Canvas]) -> Vec<Vec<Entry>> {
        let overlaid = canvases.iter().any(|canvas| canvas.over);
        let one_truth = truths::are_one(desk);
        let mut legends = Vec::with_capacity(canvases.len());
        for Canvas { side, view, clip, over, .. } in canvases {
            desk.turn_to(*side);
            let (palette, split) = (desk.palette(), desk.is_split());
            let page = book.page(*side);
            let mut scene = page.scene(view.index, desk);
            if split && view.index == 0 {
                let letter = Entry {
                    role: Role::Other,
                    mark: Mark::Letter,
                    color: palette.learned,
                    text: side.letter().to_owned(),
                };
                scene.legend.insert(0, letter);
            }
            // A file has no outline.
            if scene.outline.is_empty() {
                scene.legend.retain(|entry| entry.mark != Mark::Dashes);
            }
            let empty = scene.layers.is_empty();
            if overlaid && !one_truth {
                truths::tint(&mut scene, palette);
            } else if *over {
                truths::leave_out(&mut scene);
            }
            let painter = ui.painter_at(clip.intersect(ui.clip_rect()));
            legends.push(std::mem::take(&mut scene.legend));
            canvas::paint_scene(&painter, view, scene, Painting { over: *over, format: desk.format, palette });
            if empty && view.index == 0 {
                empty_ui(&painter, view.rect.intersect(*clip), page.waiting(), palette);
            }
            if view.index > 0 {
                let end = if split { view.rect.right_top() } else { view.rect.left_bottom() };
                painter.line_segment([view.rect.left_top(), end], (1.0, palette.line));
            }
        }
        legends
    }

    /// What lies over the canvases: the pages' own, and the pointer on the other side.
    fn overlays_ui(ui: &mut Ui, desk: &mut Desk, book: &mut Book<'_>, canvases: &[Canvas], legends: &[Vec<Entry>]) {
        let mut legend_above = 0.0;
        for (Canvas { side, view, clip, over, mark, .. }, legend) in canvases.iter().zip(legends) {
            desk.turn_to(*side);
            let palette = desk.palette();
            let lower = if *over { legend_above } else { 0.0 };
            let seen = view.rect.intersect(*clip);
            legend_above = canvas::legend_ui(&ui.painter_at(seen), seen, lower, legend, palette);
            let mut child = ui.new_child(UiBuilder::new().max_rect(view.rect).id_salt(("over", side.letter())));
            child.set_clip_rect(clip.intersect(ui.clip_rect()));
            book.page(*side).overlay_ui(&mut child, view, desk);
            let Some(at) = *mark else { continue };
            let painter = child.painter_at(view.rect);
            for (arm, width, color) in [(9.0, 3.5, palette.canvas), (8.0, 1.5, palette.ink)] {
                painter.hline(at.x - arm..=at.x + arm, at.y, (width, color));
                painter.vline(at.x, at.y - arm..=at.y + arm, (width, color));
            }
            let place = Rect::from_center_size(at, vec2(2.0, 2.0));
            let name = format!("Pointer on {}", side.letter());
            let id = child.make_persistent_id(("pointer", view.index));
            let response = child.interact(place, id, Sense::hover());
            response.widget_info(|| WidgetInfo::labeled(egui::Role::Image, true, &name));
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
            own.plots_ui(chapter, &mut child, desk, twin);
            return;
        }
        let (left, right) = rect.split_left_right_at_fraction(0.5);
        for (side, place) in [(Side::A, left), (Side::B, right)] {
            desk.turn_to(side);
            let mut child = child(ui, place, side);
            let chapter = book.chapter(side);
            book.pages[side.index()].plots_ui(chapter, &mut child, desk, None);
        }
        ui.painter().vline(right.left(), rect.y_range(), (1.0, palette.line));
    }
}

/// Let the pointer be known on the canvas that it is over, on those that lie over or under that one, and where linked at the
/// same place of the plane on the other side.
fn carry_pointer(canvases: &mut [Canvas], linked: bool) {
    let under_hand = canvases.iter().find_map(|canvas| {
        let at = canvas.response.hover_pos().filter(|_| canvas.response.contains_pointer())?;
        Some((canvas.side, canvas.view.index, canvas.view.rect, at, canvas.view.to_data(at)))
    });
    let Some((hovered, index, rect, at, point)) = under_hand else { return };
    for canvas in canvases.iter_mut().filter(|canvas| canvas.view.index == index) {
        if canvas.side == hovered {
            canvas.view.pointer = Some(at);
        } else if linked && rect != canvas.view.rect {
            canvas.mark = Some(canvas.view.to_screen(point));
            canvas.view.pointer = canvas.mark;
        }
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
