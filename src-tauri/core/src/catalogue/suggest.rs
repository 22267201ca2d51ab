//! Names that may be meant by what is typed.

use std::collections::HashSet;

use corral_contract::{
    catalogue::{About, SuggestFor, SuggestedBy, Suggestion, Suggestions, call},
    name::ModelName,
};

use super::{store, whole};
use crate::{Core, Result, instances, router::Handle};

/// Suggestions in all, and of names that were used before.
const MOST: usize = 8;
const MOST_RECENT: i64 = 3;

impl Handle<call::Suggest> for Core {
    async fn handle(&self, SuggestFor { instance, text }: SuggestFor) -> Result<Suggestions> {
        instances::client(self, instance)?;
        let text = text.trim().to_lowercase();
        let installed = store::installed(self, instance).await?;
        let has = |name: &str| ModelName::parse(name).is_ok_and(|it| installed.contains(&it.key()));
        let mut seen = HashSet::new();
        let mut items = Vec::new();
        for name in store::recent(self, &text, MOST_RECENT).await? {
            if seen.insert(name.to_lowercase()) {
                let (by, about) = (SuggestedBy::Recent, About::default());
                items.push(Suggestion { installed: has(&name), name, by, about });
            }
        }
        let (entries, _) = whole(self).await?;
        let mut ranked: Vec<_> = entries
            .iter()
            .filter_map(|(entry, _)| {
                let name = entry.name.to_lowercase();
                let about = |line: &str| line.to_lowercase().contains(&text);
                let rank = if name.starts_with(&text) {
                    0
                } else if name.contains(&text) {
                    1
                } else if about(&entry.about.en) || about(&entry.about.zh) {
                    2
                } else {
                    return None;
                };
                Some((rank, entry))
            })
            .collect();
        // Stable: equals stay in the order of the list.
        ranked.sort_by_key(|(rank, _)| *rank);
        for (_, entry) in ranked {
            if items.len() >= MOST {
                break;
            }
            if seen.insert(entry.name.to_lowercase()) {
                let any = |tag: &super::list::EntryTag| has(&format!("{}:{}", entry.name, tag.tag));
                items.push(Suggestion {
                    name: entry.name.clone(),
                    by: SuggestedBy::Catalogue,
                    about: entry.about.clone(),
                    installed: entry.tags.iter().any(any),
                });
            }
        }
        Ok(Suggestions { items })
    }
}
