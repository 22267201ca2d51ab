//! Two things that break nothing and cost much: models that left the graphics card, and models that
//! became slower.

use corral_contract::{
    InstanceId, ModelId,
    app::NoticeKind,
    health::{Finding, FindingKind, IncidentKind},
    name::ModelName,
};

use super::{incidents, store};
use crate::{Core, models, models::StoredModel, notices, ollama::LoadedModel, running};

/// Measurements before that make a history.
const HISTORY: usize = 5;
/// So much of the usual speed is slow, and so many times the usual time to load.
const SLOW: f64 = 0.6;
const SLOW_LOAD: f64 = 2.0;
/// Loads shorter than this say nothing, in ms.
const SHORT_LOAD: f64 = 3000.0;

/// What is loaded, as the server lists it. Returns at once.
pub(crate) fn loaded(core: &Core, instance: InstanceId, loaded: &[LoadedModel]) {
    let (mut lost, mut seen) = (Vec::new(), Vec::new());
    {
        let mut lives = core.health.lock();
        let live = lives.entry(instance).or_default();
        let names: Vec<&str> = loaded.iter().map(|each| each.name.as_str()).collect();
        live.on_cpu.retain(|name| names.contains(&name.as_str()));
        for each in loaded.iter().filter(|each| each.size > 0) {
            let before = live.on_gpu.get(&each.name).copied();
            if each.size_vram > 0 {
                live.on_cpu.remove(&each.name);
                if before.is_none() {
                    live.on_gpu.insert(each.name.clone(), each.size_vram);
                    seen.push((each.name.clone(), each.size_vram));
                }
            } else if let Some(before) = before
                && live.on_cpu.insert(each.name.clone())
            {
                lost.push((each.clone(), before));
            }
        }
    }
    if lost.is_empty() && seen.is_empty() {
        return;
    }
    let owner = core.clone();
    core.supervisor.run("models on the graphics card", async move {
        for (name, vram) in seen {
            if let Err(error) = store::speeds::seen_on_gpu(&owner.db, instance, &name, vram).await {
                tracing::warn!(%error, "a model on the graphics card not noted");
            }
        }
        for (model, before) in lost {
            gpu_lost(&owner, instance, &model, before).await;
        }
    });
}

async fn gpu_lost(core: &Core, instance: InstanceId, model: &LoadedModel, before: u64) {
    // Who asked for no layer on the card gets none.
    if let Ok(Some(stored)) = of_name(core, instance, &model.name).await
        && let Ok(options) = running::options_of(core, &stored).await
        && options.num_gpu == Some(0)
    {
        return;
    }
    let finding = Finding {
        kind: FindingKind::GpuLost,
        at: core.now(),
        subject: Some(model.name.clone()),
        line: None,
        now: Some(corral_contract::size::format(model.size_vram)),
        before: Some(corral_contract::size::format(before)),
    };
    found(core, instance, finding, IncidentKind::GpuLost, NoticeKind::GpuLost).await;
}

/// A model answered: how fast, in tokens per second, and how long its load took. Returns at once.
pub(crate) fn measured(core: &Core, model: ModelId, speed: Option<f64>, load_ms: Option<u64>) {
    // Of one that was loaded already the load says nothing.
    let load_ms = load_ms.filter(|ms| *ms >= SHORT_LOAD as u64);
    if speed.is_none() && load_ms.is_none() {
        return;
    }
    let owner = core.clone();
    core.supervisor.run("speed of a model", async move {
        let Ok(stored) = models::get(&owner, model).await else { return };
        let (instance, key) = (stored.instance, &stored.key);
        let before =
            store::speeds::add(&owner.db, instance, key, owner.now(), speed, load_ms).await;
        let before = match before {
            Ok(before) => before,
            Err(error) => return tracing::warn!(%error, "speed of a model not kept"),
        };
        let Some((now, usual)) = slower(speed, load_ms, &before) else { return };
        let finding = Finding {
            kind: FindingKind::Slower,
            at: owner.now(),
            subject: Some(stored.name.clone()),
            line: None,
            now: Some(now),
            before: Some(usual),
        };
        found(&owner, instance, finding, IncidentKind::Slower, NoticeKind::ModelSlower).await;
    });
}

/// What it is now and what is usual, when this and the measurement before are both slow: one slow
/// answer is a busy machine.
fn slower(
    speed: Option<f64>,
    load_ms: Option<u64>,
    before: &[(Option<f64>, Option<u64>)],
) -> Option<(String, String)> {
    let speeds: Vec<f64> = before.iter().filter_map(|(speed, _)| *speed).collect();
    if let (Some(now), Some((last, usual))) = (speed, history(&speeds))
        && now < usual * SLOW
        && last < usual * SLOW
    {
        return Some((format!("{now:.1} tokens/s"), format!("{usual:.1} tokens/s")));
    }
    let loads: Vec<f64> = before.iter().filter_map(|(_, load)| Some((*load)? as f64)).collect();
    if let (Some(now), Some((last, usual))) = (load_ms.map(|ms| ms as f64), history(&loads))
        && now > usual * SLOW_LOAD
        && last > usual * SLOW_LOAD
    {
        return Some((format!("{:.1} s", now / 1000.0), format!("{:.1} s", usual / 1000.0)));
    }
    None
}

/// The newest of them, and the median of those before it; `None` while there are too few.
fn history(newest_first: &[f64]) -> Option<(f64, f64)> {
    let (last, rest) = newest_first.split_first()?;
    if rest.len() < HISTORY {
        return None;
    }
    let mut sorted = rest.to_vec();
    sorted.sort_by(f64::total_cmp);
    Some((*last, sorted[sorted.len() / 2]))
}

async fn of_name(
    core: &Core,
    instance: InstanceId,
    name: &str,
) -> crate::Result<Option<StoredModel>> {
    match ModelName::parse(name) {
        Ok(name) => models::find(core, instance, &name).await,
        Err(_) => Ok(None),
    }
}

/// Keeps a finding; one that is new is an incident and worth a notice.
async fn found(
    core: &Core,
    instance: InstanceId,
    finding: Finding,
    incident: IncidentKind,
    notice: NoticeKind,
) {
    let subject = finding.subject.clone().unwrap_or_default();
    match store::find(&core.db, instance, &finding).await {
        Ok(true) => {
            tracing::warn!(instance = %instance, model = %subject, finding = finding.kind.as_str(), "worse than it was");
            incidents::note(core, instance, incident, Some(subject.clone()), None).await;
            notices::tell(core, notice, subject, None).await;
        }
        Ok(false) => {}
        Err(error) => tracing::warn!(%error, "a finding was not kept"),
    }
    super::changed(core, instance);
}

/// Takes up which models were seen on a card.
///
/// # Errors
/// Database errors.
pub(super) async fn recover(core: &Core) -> crate::Result<()> {
    let seen = store::speeds::on_gpu(&core.db).await?;
    let mut lives = core.health.lock();
    for (instance, name, vram) in seen {
        lives.entry(instance).or_default().on_gpu.insert(name, vram);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::slower;

    #[test]
    fn slow_is_slower_than_usual_twice() {
        let usual = |last: f64| {
            let mut before = vec![(Some(last), None)];
            before.extend([(Some(40.0), None); 5]);
            before
        };
        assert_eq!(slower(Some(20.0), None, &usual(38.0)), None, "once is a busy machine");
        assert_eq!(
            slower(Some(20.0), None, &usual(21.0)),
            Some(("20.0 tokens/s".to_owned(), "40.0 tokens/s".to_owned()))
        );
        assert_eq!(slower(Some(30.0), None, &usual(21.0)), None);
        assert_eq!(slower(Some(1.0), None, &usual(1.0)[..4]), None, "no history yet");
        let mut loads = vec![(None, Some(20_000))];
        loads.extend([(None, Some(5_000)); 5]);
        assert_eq!(
            slower(None, Some(15_000), &loads),
            Some(("15.0 s".to_owned(), "5.0 s".to_owned()))
        );
    }
}
