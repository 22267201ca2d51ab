//! The picture of a disk: a tile for each of the larger models and for every other part. The same
//! figures stand beside it as a table.

use corral_contract::{
    ModelId,
    disk::{DiskModel, DiskPart, DiskSource, DiskView, PartKind},
    size,
};
use leptos::prelude::*;

use super::tiles::{Place, places};
use crate::words::use_words;

/// Models with a tile of their own.
const TILES: usize = 24;
/// Width of the picture over its height, roughly.
const RATIO: f64 = 3.4;

/// What the picture shows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Picture {
    parts: Vec<DiskPart>,
    /// Those that may have a tile.
    models: Vec<DiskModel>,
}

impl Picture {
    /// `None` where the files are not to be seen.
    pub(super) fn of(view: &DiskView) -> Option<Picture> {
        let models = view.models.iter().take(TILES).cloned().collect();
        let files = view.source == DiskSource::Files;
        files.then(|| Picture { parts: view.parts.clone(), models })
    }
}

/// What a tile stands for.
#[derive(Debug, Clone, PartialEq)]
enum Subject {
    Model(ModelId),
    Part(PartKind),
}

#[derive(Debug, Clone, PartialEq)]
struct Tile {
    subject: Subject,
    /// The name of a model; parts have theirs in the language of the window.
    name: String,
    bytes: u64,
}

/// The tiles of a look, the largest first.
fn tiles(view: &Picture) -> Vec<Tile> {
    let own = view.models.iter().filter_map(|model| {
        let (id, bytes) = (model.id?, model.exclusive.filter(|bytes| *bytes > 0)?);
        Some(Tile { subject: Subject::Model(id), name: model.name.clone(), bytes })
    });
    let mut tiles: Vec<Tile> = own.collect();
    let told: u64 = tiles.iter().map(|tile| tile.bytes).sum();
    for part in &view.parts {
        let bytes = match part.kind {
            PartKind::Models => part.bytes.saturating_sub(told),
            _ => part.bytes,
        };
        if bytes > 0 {
            tiles.push(Tile { subject: Subject::Part(part.kind), name: String::new(), bytes });
        }
    }
    tiles.sort_by_key(|tile| std::cmp::Reverse(tile.bytes));
    tiles
}

fn class(subject: &Subject) -> &'static str {
    match subject {
        Subject::Model(_) => "tile tile--model",
        Subject::Part(PartKind::Models) => "tile tile--model tile--rest",
        Subject::Part(PartKind::Shared) => "tile tile--shared",
        Subject::Part(PartKind::Partials) => "tile tile--partials",
        Subject::Part(PartKind::Staging) => "tile tile--staging",
        Subject::Part(PartKind::Orphans) => "tile tile--orphans",
        Subject::Part(PartKind::Trash) => "tile tile--trash",
        Subject::Part(PartKind::Other) => "tile tile--other",
    }
}

/// The picture and its table.
#[component]
pub(super) fn DiskMap(
    picture: Picture,
    /// Bytes free and in all.
    room: Signal<Option<(Option<u64>, Option<u64>)>>,
    /// A part was chosen.
    #[prop(into)]
    on_part: Callback<PartKind>,
    /// A model was chosen.
    #[prop(into)]
    on_model: Callback<ModelId>,
) -> impl IntoView {
    let words = use_words();
    let tiles = tiles(&picture);
    let values: Vec<u64> = tiles.iter().map(|tile| tile.bytes).collect();
    let placed: Vec<(Tile, Place)> = tiles.into_iter().zip(places(&values, RATIO)).collect();
    view! {
        <section class="disk__overview" aria-label=words.signal("disk.map")>
            <div class="disk__map" role="group" aria-label=words.signal("disk.map") data-testid="disk-map">
                {placed
                    .into_iter()
                    .map(|(tile, place)| view! { <TileView tile place on_part on_model /> })
                    .collect_view()}
            </div>
            <Parts parts=picture.parts room on_part />
        </section>
    }
}

#[component]
fn TileView(
    tile: Tile,
    place: Place,
    on_part: Callback<PartKind>,
    on_model: Callback<ModelId>,
) -> impl IntoView {
    let words = use_words();
    let Tile { subject, name, bytes } = tile;
    let class = class(&subject);
    let testid = match &subject {
        Subject::Model(_) => "disk-tile-model".to_owned(),
        Subject::Part(kind) => format!("disk-tile-{}", kind.as_str()),
    };
    let key = match &subject {
        Subject::Part(kind) => Some(format!("partKind.{}", kind.as_str())),
        Subject::Model(_) => None,
    };
    let shown =
        Signal::derive(move || key.as_ref().map_or_else(|| name.clone(), |key| words.get(key)));
    let bytes = size::format(bytes);
    let amount = bytes.clone();
    let label = Signal::derive(move || {
        words.fill("disk.part", &[("name", &shown.get()), ("bytes", &amount)])
    });
    view! {
        <button
            type="button"
            class=class
            class:tile--narrow=place.width < 9.0 || place.height < 16.0
            aria-label=label
            title=label
            data-testid=testid
            style:left=format!("{:.3}%", place.left)
            style:top=format!("{:.3}%", place.top)
            style:width=format!("{:.3}%", place.width)
            style:height=format!("{:.3}%", place.height)
            on:click=move |_| match &subject {
                Subject::Model(id) => on_model.run(*id),
                Subject::Part(kind) => on_part.run(*kind),
            }
        >
            <span class="tile__name cut">{shown}</span>
            <span class="tile__bytes num">{bytes}</span>
        </button>
    }
}

/// The same figures for those who do not see the picture.
#[component]
fn Parts(
    parts: Vec<DiskPart>,
    room: Signal<Option<(Option<u64>, Option<u64>)>>,
    on_part: Callback<PartKind>,
) -> impl IntoView {
    let words = use_words();
    let used: u64 = parts.iter().map(|part| part.bytes).sum();
    let free = move || room.get().and_then(|(free, _)| free);
    let elsewhere = move || {
        let (free, total) = room.get()?;
        Some(total?.saturating_sub(free?).saturating_sub(used))
    };
    let line = move |name: &'static str, bytes: Option<u64>| {
        bytes.map(|bytes| {
            view! {
                <tr class="dim">
                    <td>{words.signal(name)}</td>
                    <td></td>
                    <td class="num">{size::format(bytes)}</td>
                </tr>
            }
        })
    };
    let parts = parts.into_iter().map(move |part| {
        let key = format!("partKind.{}", part.kind.as_str());
        view! {
            <tr>
                <td>
                    <button
                        type="button"
                        class="disk__part"
                        data-testid=format!("disk-part-{}", part.kind.as_str())
                        on:click=move |_| on_part.run(part.kind)
                    >
                        <span class=format!("disk__key {}", class(&Subject::Part(part.kind)))></span>
                        {words.signal_of(key)}
                    </button>
                </td>
                <td class="num">{crate::format::count(part.count)}</td>
                <td class="num">{size::format(part.bytes)}</td>
            </tr>
        }
    });
    view! {
        <table class="disk__parts" aria-label=words.signal("disk.table") data-testid="disk-parts">
            <thead>
                <tr>
                    <th>{words.signal("disk.colPart")}</th>
                    <th class="num">{words.signal("disk.colCount")}</th>
                    <th class="num">{words.signal("disk.colBytes")}</th>
                </tr>
            </thead>
            <tbody>
                {parts.collect_view()}
                {move || line("disk.elsewhere", elsewhere())}
                {move || line("disk.freeSpace", free())}
            </tbody>
        </table>
    }
}
