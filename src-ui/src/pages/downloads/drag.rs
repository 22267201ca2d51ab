use corral_contract::JobId;
use leptos::prelude::*;
use wasm_bindgen::JsCast;

use super::{back, order};
use crate::{pages::sending::Sending, state::Stores};

/// Where a dragged job would land.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) on: JobId,
    pub(super) below: bool,
}

/// Moving jobs by hand: with the pointer on a handle, or with keys.
#[derive(Clone, Copy)]
pub(super) struct Drag {
    /// The job in hand.
    pub(super) held: RwSignal<Option<JobId>>,
    /// Where it would land; `None` where a drop changes nothing.
    pub(super) target: RwSignal<Option<Target>>,
    stores: Stores,
    sending: Sending,
}

impl Drag {
    pub(super) fn new(stores: Stores, sending: Sending) -> Drag {
        Drag { held: RwSignal::new(None), target: RwSignal::new(None), stores, sending }
    }

    /// The handle of a job was pressed.
    pub(super) fn take(self, id: JobId, event: &web_sys::PointerEvent) {
        if event.button() != 0 {
            return;
        }
        let handle = event.current_target().and_then(|it| it.dyn_into::<web_sys::Element>().ok());
        if let Some(handle) = handle {
            // Without the capture the drag only follows the pointer over the handle.
            let _ = handle.set_pointer_capture(event.pointer_id());
        }
        self.held.set(Some(id));
    }

    /// The pointer moved with the job in hand.
    pub(super) fn follow(self, event: &web_sys::PointerEvent) {
        let Some(held) = self.held.get_untracked() else {
            return;
        };
        let target = under(event.client_x(), event.client_y()).filter(|target| {
            self.stores.downloads.with_untracked(|all| {
                order::dropped(all.jobs(), held, target.on, target.below).is_some()
            })
        });
        if self.target.get_untracked() != target {
            self.target.set(target);
        }
    }

    /// The pointer let go.
    pub(super) fn drop(self) {
        let held = self.held.get_untracked();
        let target = self.target.get_untracked();
        self.let_go();
        let Some((held, target)) = held.zip(target) else {
            return;
        };
        let request = self
            .stores
            .downloads
            .with_untracked(|all| order::dropped(all.jobs(), held, target.on, target.below));
        if let Some(request) = request {
            back::move_job(self.sending, self.stores, request);
        }
    }

    /// The drag ends without a move.
    pub(super) fn let_go(self) {
        self.held.set(None);
        self.target.set(None);
    }

    /// One place up or down, by a key.
    pub(super) fn step(self, id: JobId, up: bool) {
        let request = self.stores.downloads.with_untracked(|all| order::step(all.jobs(), id, up));
        if let Some(request) = request {
            back::move_job(self.sending, self.stores, request);
        }
    }
}

/// The job whose row lies at a point of the window, and whether in its lower half.
fn under(x: i32, y: i32) -> Option<Target> {
    let element = document().element_from_point(x as f32, y as f32)?;
    let row = element.closest("[data-job]").ok().flatten()?;
    let id = row.get_attribute("data-job")?.parse().ok()?;
    let place = row.get_bounding_client_rect();
    let below = f64::from(y) > place.top() + place.height() / 2.0;
    Some(Target { on: JobId(id), below })
}
