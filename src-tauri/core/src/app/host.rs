//! Memory and graphics cards of this machine, measured on a thread of their own.

use std::{
    sync::{Mutex, PoisonError, mpsc},
    time::Duration,
};

use corral_contract::{ErrorCode, WireError, app::HostFacts, event::AppEvent, instances::Gpu};
use sysinfo::{MemoryRefreshKind, System};

use tokio::sync::oneshot;

use super::{gpus::Cards, load::Load};
use crate::{Core, Result};

/// Between two looks. Slow, because it must not show in the idle CPU of a hidden window.
const EVERY: Duration = Duration::from_secs(5);
/// A change below this share of all memory is not worth an event.
const STEP: u64 = 200;
/// The same of the processors, in percent.
const CPU_STEP: u8 = 5;

/// The last measurement.
#[derive(Default)]
pub(crate) struct Host(Mutex<HostFacts>);

impl Host {
    pub(crate) fn facts(&self) -> HostFacts {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Measures until Corral ends and tells windows about what changed.
pub(super) fn start(core: &Core) {
    let core_of_worker = core.clone();
    core.supervisor.spawn("host", move |token| {
        let core = core_of_worker.clone();
        async move {
            let looks = look_thread()?;
            loop {
                let (reply, facts) = oneshot::channel();
                let gone = |what: &str| WireError::new(ErrorCode::Internal).detail(what);
                looks.send(reply).map_err(|_| gone("the measuring thread ended"))?;
                let facts = facts.await.map_err(|_| gone("the measuring thread ended"))?;
                let changed = {
                    let mut last = core.host.0.lock().unwrap_or_else(PoisonError::into_inner);
                    let changed = differs(&last, &facts);
                    if changed {
                        *last = facts.clone();
                    }
                    changed
                };
                if changed {
                    core.bus.send(AppEvent::Host(facts));
                }
                tokio::select! {
                    () = token.cancelled() => return Ok(()),
                    () = tokio::time::sleep(EVERY) => {}
                }
            }
        }
    });
}

/// A thread that measures when asked: the driver's handles may not change threads. It ends when
/// the returned sender is dropped.
fn look_thread() -> Result<mpsc::Sender<oneshot::Sender<HostFacts>>> {
    let (ask, asked) = mpsc::channel::<oneshot::Sender<HostFacts>>();
    std::thread::Builder::new()
        .name("host".to_owned())
        .spawn(move || {
            let mut probe = Probe::new();
            while let Ok(reply) = asked.recv() {
                // Nobody waits any more when Corral ends in between.
                let _ = reply.send(probe.measure());
            }
        })
        .map_err(|error| WireError::new(ErrorCode::Internal).detail(error.to_string()))?;
    Ok(ask)
}

/// What is kept between two looks: loading the graphics driver's library each time would cost
/// more than the look itself.
struct Probe {
    system: Option<System>,
    load: Load,
    cards: Cards,
}

impl Probe {
    fn new() -> Self {
        Probe { system: System::new().ok(), load: Load::default(), cards: Cards::default() }
    }

    fn measure(&mut self) -> HostFacts {
        let ram = self.system.as_mut().map(|system| {
            system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
            (system.used_memory(), system.total_memory())
        });
        let cpu = self.system.as_mut().and_then(|system| self.load.look(system));
        let gpus = self.cards.look();
        let sum = |part: fn(&Gpu) -> Option<u64>| {
            let known: Vec<u64> = gpus.iter().filter_map(part).collect();
            (!known.is_empty()).then(|| known.iter().sum())
        };
        HostFacts {
            ram_used: ram.map(|(used, _)| used),
            ram_total: ram.map(|(_, total)| total).filter(|total| *total > 0),
            cpu,
            vram_used: sum(|gpu| gpu.used),
            vram_total: sum(|gpu| gpu.memory),
            gpus,
        }
    }
}

/// One look at everything.
pub(super) fn look() -> HostFacts {
    Probe::new().measure()
}

/// Graphics cards as they are now, for one look outside the worker. Blocks while the driver
/// answers.
pub(crate) fn look_for_gpus() -> Vec<Gpu> {
    Cards::default().look()
}

/// Whether the difference can be seen in the status bar.
fn differs(last: &HostFacts, now: &HostFacts) -> bool {
    let far = |last: Option<u64>, now: Option<u64>, total: Option<u64>| match (last, now) {
        (Some(last), Some(now)) => last.abs_diff(now) > total.unwrap_or(0) / STEP,
        (last, now) => last != now,
    };
    far(last.ram_used, now.ram_used, now.ram_total)
        || far(last.vram_used, now.vram_used, now.vram_total)
        || last.cpu.unwrap_or(0).abs_diff(now.cpu.unwrap_or(0)) >= CPU_STEP
        || last.gpus.len() != now.gpus.len()
        || last.ram_total != now.ram_total
}
