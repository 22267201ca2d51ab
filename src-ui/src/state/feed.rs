//! Feeds the stores: attaches the channel, takes the snapshot, applies events in their order.

use std::time::Duration;

use corral_contract::{app, command::Nothing, event::Envelope};
use leptos::{prelude::*, task::spawn_local};

use super::{
    Link, Stores,
    order::{Order, Step},
};
use crate::{format, frame::outcomes::Outcomes, ipc};

/// Seconds before the next try after so many failures.
const BACK_OFF: [u64; 4] = [1, 2, 5, 10];

/// Follows the core as long as the window lives.
#[derive(Clone, Copy)]
pub struct Feed {
    stores: Stores,
    outcomes: Outcomes,
    order: StoredValue<Order>,
    /// Rises with each snapshot asked for, so that an answer overtaken by a later one is dropped.
    round: StoredValue<u32>,
    failures: StoredValue<usize>,
}

impl Feed {
    /// Attaches to the core and keeps `stores` true from then on.
    pub fn start(stores: Stores, outcomes: Outcomes) {
        let feed = Feed {
            stores,
            outcomes,
            order: StoredValue::default(),
            round: StoredValue::new(0),
            failures: StoredValue::new(0),
        };
        feed.reload(true);
        // The window came back from sleep or from behind: whatever was missed is asked for.
        let shown = move || {
            let visible = !document().hidden();
            spawn_local(async move {
                let _ = ipc::call::<app::call::SetVisible>(app::Visible { visible }).await;
            });
            if visible {
                stores.now.set(format::now());
            }
        };
        let _ = window_event_listener_untyped("visibilitychange", move |_| shown());
        set_interval(
            move || {
                if !document().hidden() {
                    stores.tick(format::now());
                }
            },
            Duration::from_secs(1),
        );
    }

    /// Takes a new snapshot; `attach` also opens a new channel.
    fn reload(self, attach: bool) {
        let round = self.round.get_value() + 1;
        self.round.set_value(round);
        self.order.update_value(Order::wait);
        spawn_local(async move {
            let answer = async {
                if attach {
                    ipc::subscribe(move |message| self.receive(message)).await?;
                }
                ipc::call::<app::call::Snapshot>(Nothing {}).await
            }
            .await;
            if self.round.get_value() != round {
                return;
            }
            match answer {
                Ok(snapshot) => {
                    self.failures.set_value(0);
                    self.stores.now.set(format::now());
                    self.stores.load(&snapshot);
                    self.stores.link.set(Link::Live);
                    let step = self.order.try_update_value(|order| order.start(snapshot.seq));
                    self.follow(step.unwrap_or(Step::Nothing));
                }
                Err(problem) => {
                    self.stores.link.set(Link::Lost(problem));
                    let failures = self.failures.get_value();
                    self.failures.set_value(failures + 1);
                    let seconds = BACK_OFF[failures.min(BACK_OFF.len() - 1)];
                    set_timeout(move || self.reload(true), Duration::from_secs(seconds));
                }
            }
        });
    }

    fn receive(self, message: Option<Envelope>) {
        let step = match message {
            Some(envelope) => self
                .order
                .try_update_value(|order| order.receive(envelope))
                .unwrap_or(Step::Nothing),
            None => Step::Reload,
        };
        self.follow(step);
    }

    fn follow(self, step: Step) {
        match step {
            Step::Apply(envelopes) => {
                for Envelope { seq, event } in envelopes {
                    self.outcomes.before(&event);
                    self.stores.apply(seq, &event);
                }
            }
            Step::Reload => self.reload(false),
            Step::Nothing => {}
        }
    }
}
