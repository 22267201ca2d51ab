//! The graphics cards of this machine.
//!
//! The system tells about most of them. It looks for NVIDIA's in the kernel's list of displays, in
//! which a machine without a display, or a container, may not have them; those are asked for at
//! NVIDIA's own library.

use corral_contract::instances::Gpu;
use nvml_wrapper::Nvml;
use sysinfo::Gpus;

/// What is kept between two looks: loading the drivers' libraries each time would cost more than
/// the look itself.
#[derive(Default)]
pub(super) struct Cards {
    looked: bool,
    system: Option<Gpus>,
    nvidia: Option<Nvml>,
}

impl Cards {
    /// The cards with their memory as it is now. Blocks while the drivers answer.
    pub(super) fn look(&mut self) -> Vec<Gpu> {
        let told = self.of_system();
        let complete = told.iter().any(|card| card.memory.is_some() && is_nvidia(card));
        let own = if complete { Vec::new() } else { self.of_nvidia() };
        self.looked = true;
        if own.is_empty() {
            return told;
        }
        // What the library tells about its cards is more than the system does.
        told.into_iter().filter(|card| !is_nvidia(card)).chain(own).collect()
    }

    fn of_system(&mut self) -> Vec<Gpu> {
        if !self.looked {
            self.system = Gpus::new_with_refreshed_list()
                .inspect_err(|error| tracing::info!(%error, "graphics cards cannot be seen"))
                .ok();
        }
        let Some(cards) = &mut self.system else { return Vec::new() };
        cards.refresh(true);
        cards
            .iter()
            .map(|card| Gpu {
                name: card.model().unwrap_or("GPU").to_owned(),
                vendor: card.vendor().unwrap_or_default().to_owned(),
                memory: card.total_memory(),
                used: card.used_memory(),
            })
            .collect()
    }

    fn of_nvidia(&mut self) -> Vec<Gpu> {
        if !self.looked {
            self.nvidia = Nvml::init()
                .inspect_err(|error| tracing::debug!(%error, "no library of NVIDIA's"))
                .ok();
        }
        let Some(nvidia) = &self.nvidia else { return Vec::new() };
        let count = nvidia.device_count().unwrap_or(0);
        (0..count)
            .filter_map(|index| {
                let card = nvidia.device_by_index(index).ok()?;
                let memory = card.memory_info().ok();
                Some(Gpu {
                    name: card.name().unwrap_or_else(|_| "GPU".to_owned()),
                    vendor: "NVIDIA".to_owned(),
                    memory: memory.as_ref().map(|memory| memory.total),
                    used: memory.as_ref().map(|memory| memory.used),
                })
            })
            .collect()
    }
}

fn is_nvidia(card: &Gpu) -> bool {
    card.vendor.to_ascii_lowercase().contains("nvidia")
        || card.name.to_ascii_lowercase().contains("nvidia")
}
