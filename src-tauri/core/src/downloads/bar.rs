//! The bar of one job: a fold over what a fetch reports that never walks back.
//!
//! Each layer keeps the furthest it ever came, over retries and restarts. Where the fetch is now
//! may lie below that; the bytes in between count as fetched again when they come.

use corral_contract::progress::{LayerProgress, LayerState};

use super::fetch::{LayerReport, PlannedLayer};

/// Layers of one job, in the order they were named.
#[derive(Debug, Clone, Default)]
pub struct Bar {
    layers: Vec<Layer>,
    again: u64,
    /// Bytes that really moved, the repeated ones included.
    moved: u64,
    /// Those of them that no other job counts.
    own: u64,
    /// All layers were known before the first byte.
    planned: bool,
    finished: bool,
}

#[derive(Debug, Clone)]
struct Layer {
    digest: String,
    kind: Option<String>,
    total: Option<u64>,
    state: LayerState,
    /// The furthest it ever came.
    high: u64,
    /// Where this attempt is; `None` until it says so.
    now: Option<u64>,
    connections: u32,
}

impl Bar {
    /// As it was kept in the database.
    #[must_use]
    pub fn restored(layers: Vec<LayerProgress>, again: u64) -> Bar {
        let layers = layers
            .into_iter()
            .map(|layer| Layer {
                digest: layer.digest,
                kind: layer.kind,
                total: layer.total,
                state: layer.state,
                high: layer.done,
                now: None,
                connections: 0,
            })
            .collect();
        Bar { layers, again, ..Bar::default() }
    }

    /// A new attempt begins: where it starts from is not known yet.
    pub fn begin(&mut self) {
        for layer in &mut self.layers {
            layer.now = None;
            if layer.state != LayerState::Present {
                layer.state = LayerState::Waiting;
            }
        }
    }

    /// All layers are known before the first byte.
    pub fn plan(&mut self, layers: &[PlannedLayer]) {
        self.planned = true;
        for layer in layers {
            self.report(LayerReport {
                kind: layer.kind.as_deref(),
                total: Some(layer.size),
                state: Some(if layer.there { LayerState::Present } else { LayerState::Waiting }),
                there: Some(layer.present),
                ..LayerReport::of(&layer.digest)
            });
        }
    }

    /// Takes in what the fetch says about a layer; answers whether anything visible changed.
    pub fn report(&mut self, report: LayerReport<'_>) -> bool {
        let index = self.layers.iter().position(|layer| layer.digest == report.digest);
        let index = index.unwrap_or_else(|| {
            self.layers.push(Layer {
                digest: report.digest.to_owned(),
                kind: None,
                total: None,
                state: LayerState::Waiting,
                high: 0,
                now: None,
                connections: 0,
            });
            self.layers.len() - 1
        });
        let layer = &mut self.layers[index];
        let before = (layer.high, layer.total, layer.state, layer.connections, self.again);
        layer.connections = report.connections;
        if let Some(kind) = report.kind {
            layer.kind = Some(kind.to_owned());
        }
        if let Some(total) = report.total {
            // A total that shrinks would push the bar beyond its end.
            layer.total = Some(total.max(layer.high));
        }
        if let Some(state) = report.state {
            layer.state = state;
        }
        if let Some(there) = report.there {
            let there = there.min(layer.total.unwrap_or(u64::MAX));
            if let Some(now) = layer.now {
                let came = there.saturating_sub(now);
                self.moved += came;
                self.own += if report.shared { 0 } else { came };
                self.again += there.min(layer.high).saturating_sub(now);
            }
            layer.now = Some(there);
            layer.high = layer.high.max(there);
        }
        before != (layer.high, layer.total, layer.state, layer.connections, self.again)
    }

    /// Everything is there.
    pub fn finish(&mut self) {
        self.finished = true;
        for layer in &mut self.layers {
            layer.high = layer.total.unwrap_or(layer.high);
            if layer.state != LayerState::Present {
                layer.state = LayerState::Verified;
            }
        }
    }

    /// Bytes there; never less than before.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.layers.iter().map(|layer| layer.high).sum()
    }

    /// Bytes in all, as far as layers are known.
    #[must_use]
    pub fn total(&self) -> Option<u64> {
        let sum = self.layers.iter().map(Layer::total).sum();
        (sum > 0).then_some(sum)
    }

    /// Bytes fetched more than once.
    #[must_use]
    pub fn again(&self) -> u64 {
        self.again
    }

    /// Bytes that moved while this was watched.
    #[must_use]
    pub fn moved(&self) -> u64 {
        self.moved
    }

    /// Those of the moved bytes that no other job counts.
    #[must_use]
    pub fn own(&self) -> u64 {
        self.own
    }

    /// Bytes still to be moved, those that were lost included.
    #[must_use]
    pub fn left(&self) -> Option<u64> {
        let left = |layer: &Layer| layer.total().saturating_sub(layer.now.unwrap_or(layer.high));
        self.total().map(|_| self.layers.iter().map(left).sum())
    }

    /// Whole percent to show; never less than before, and 100 only when the job is finished.
    ///
    /// Where layers are named one after another, a new one makes the total grow. The bar then
    /// stands until the new layer has caught up: it shows the best of what it would have shown
    /// with the first one, two, … layers.
    #[must_use]
    pub fn percent(&self) -> Option<u8> {
        if self.finished {
            // Also when every layer was too small to be named.
            return Some(100);
        }
        self.total()?;
        let (mut done, mut total, mut best) = (0_u128, 0_u128, 0);
        for (index, layer) in self.layers.iter().enumerate() {
            done += u128::from(layer.high);
            total += u128::from(layer.total());
            let last = index + 1 == self.layers.len();
            if total > 0 && (last || !self.planned) {
                best = best.max((done * 100 / total).min(99) as u8);
            }
        }
        Some(best)
    }

    /// The layers as windows and database see them.
    #[must_use]
    pub fn layers(&self) -> Vec<LayerProgress> {
        let layer = |layer: &Layer| LayerProgress {
            digest: layer.digest.clone(),
            kind: layer.kind.clone(),
            done: layer.high,
            total: layer.total,
            state: layer.state,
            connections: layer.connections,
        };
        self.layers.iter().map(layer).collect()
    }
}

impl Layer {
    fn total(&self) -> u64 {
        self.total.unwrap_or(self.high)
    }
}

#[cfg(test)]
#[path = "bar_test.rs"]
mod tests;
