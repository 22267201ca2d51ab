//! The tags of one model, and which of them suits an instance best.

use corral_contract::{
    WireError,
    catalogue::{CatalogueTag, SizeBasis, TagList, TagsOf, call},
    downloads::Fit,
    name::ModelName,
};

use super::{
    Known,
    hub::{self, without_tag},
    list::EntryTag,
    whole,
};
use crate::{Core, Result, instances, router::Handle};

/// Hosts of one service whose repositories can be looked into.
const HUB: [&str; 2] = ["hf.co", "huggingface.co"];

impl Handle<call::Tags> for Core {
    async fn handle(&self, TagsOf { instance, name }: TagsOf) -> Result<TagList> {
        let name = ModelName::parse_loose(&name)
            .map_err(|error| WireError::field("name", error.as_str()))?;
        instances::client(self, instance)?;
        let known = Known::of(self, instance).await?;
        let mut list = TagList {
            name: without_tag(&name),
            tags: Vec::new(),
            best: None,
            as_of: None,
            problem: None,
        };
        if HUB.contains(&name.host.to_ascii_lowercase().as_str()) {
            let quants = hub::quants(self, &name).await?;
            (list.as_of, list.problem) = (quants.at, quants.problem);
            for quant in quants.value {
                let tag = EntryTag {
                    quantization: Some(quant.name.clone()),
                    bytes: quant.bytes,
                    ..EntryTag::default()
                };
                let name = ModelName { tag: quant.name, ..name.clone() };
                let mut shown = known.shown(self, &name, &tag);
                if shown.basis == SizeBasis::Listed {
                    shown.basis = SizeBasis::Files;
                }
                shown.split = quant.split;
                list.tags.push(shown);
            }
        } else {
            let (entries, _) = whole(self).await?;
            let key = without_tag(&name);
            let found = entries.iter().find(|(entry, _)| entry.name.eq_ignore_ascii_case(&key));
            if let Some((entry, _)) = found {
                list.name.clone_from(&entry.name);
                list.tags =
                    entry.tags.iter().filter_map(|tag| known.tag(self, entry, tag)).collect();
                list.tags.sort_by_key(|tag| tag.bytes.unwrap_or(u64::MAX));
                list.as_of = list.tags.iter().filter_map(|tag| tag.checked_at).min();
            }
        }
        list.best = best(&list.tags).map(|tag| tag.tag.clone());
        Ok(list)
    }
}

/// The largest one that runs on the GPU as a whole, else the largest that does so partly, else the
/// largest that fits into memory now, else once memory was let go. Full precision only where there
/// is nothing else.
fn best(tags: &[CatalogueTag]) -> Option<&CatalogueTag> {
    let can_be_had = |tag: &&CatalogueTag| !tag.gone && !tag.split && tag.bytes.is_some();
    let full = |tag: &CatalogueTag| {
        matches!(tag.quantization.as_deref(), Some("F16" | "BF16" | "F32" | "FP16" | "FP32"))
    };
    for with_full in [false, true] {
        for fit in [Fit::Gpu, Fit::Split, Fit::Cpu, Fit::Later] {
            let these = tags.iter().filter(can_be_had);
            let these = these.filter(|tag| tag.fit == fit && (with_full || !full(tag)));
            if let Some(best) = these.max_by_key(|tag| tag.bytes) {
                return Some(best);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(name: &str, bytes: u64, fit: Fit) -> CatalogueTag {
        CatalogueTag {
            tag: name.to_owned(),
            name: name.to_owned(),
            parameters: None,
            quantization: Some(name.to_owned()),
            bytes: Some(bytes),
            basis: SizeBasis::Listed,
            checked_at: None,
            digest: None,
            gone: false,
            installed: false,
            fit,
            split: false,
        }
    }

    // criterion: 12.2
    #[test]
    fn the_largest_that_runs_best_is_proposed() {
        let chosen = |tags: &[CatalogueTag]| best(tags).map(|tag| tag.tag.clone());
        let (small, large) = (tag("Q4_0", 4, Fit::Gpu), tag("Q8_0", 8, Fit::Gpu));
        let split = tag("Q8_1", 16, Fit::Split);
        assert_eq!(chosen(&[small.clone(), large.clone(), split.clone()]).as_deref(), Some("Q8_0"));
        assert_eq!(chosen(&[split.clone(), tag("x", 40, Fit::TooLarge)]).as_deref(), Some("Q8_1"));
        let full = tag("F16", 9, Fit::Gpu);
        assert_eq!(chosen(&[small.clone(), full.clone()]).as_deref(), Some("Q4_0"));
        assert_eq!(chosen(&[full]).as_deref(), Some("F16"));
        let gone = CatalogueTag { gone: true, ..large.clone() };
        let cut = CatalogueTag { split: true, ..large };
        assert_eq!(chosen(&[small, gone, cut]).as_deref(), Some("Q4_0"));
        assert_eq!(chosen(&[tag("x", 40, Fit::TooLarge), tag("y", 1, Fit::Unknown)]), None);
    }
}
