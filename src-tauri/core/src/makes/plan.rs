//! What making a model takes, looked at before anything is done.

use std::path::{Path, PathBuf};

use corral_contract::{
    ErrorCode, WireError,
    checks::Structure,
    makes::{FileKind, FoundFile, MakeCheck, MakeModel, Quantize, Replaced, Way},
    modelfile::{self, Modelfile, Source},
    name::ModelName,
    status::Run,
};

use super::{blobs, chain, files, folder};
use crate::{
    Core, Result, instances,
    models::{self, store::StoredModel},
    ollama::TagsModel,
};

const MEGABYTE: u64 = 1_000_000;

/// Everything that is known before the first byte moves.
pub(super) struct Plan {
    pub(super) name: ModelName,
    pub(super) file: Modelfile,
    /// The model that it is made from, as the server calls it.
    pub(super) from: Option<String>,
    pub(super) weights: Vec<Part>,
    pub(super) adapters: Vec<Part>,
    /// The row that goes.
    pub(super) replaces: Option<StoredModel>,
    pub(super) quantize: Option<Quantize>,
    /// Where files are put; `None` = they are uploaded.
    pub(super) blobs: Option<PathBuf>,
    taken: Option<String>,
    choices: Vec<Quantize>,
    way: Way,
    bytes: u64,
    rewritten: u64,
    short: Option<WireError>,
}

/// One file, or the files of one folder.
#[derive(Debug, Clone)]
pub(super) struct Part {
    pub(super) found: FoundFile,
    /// The name that the server sees, and the path.
    pub(super) files: Vec<(String, PathBuf)>,
}

impl Plan {
    /// Why it cannot be made as it was asked for.
    pub(super) fn refusal(&self, _: &Core, overwrite: bool) -> Option<WireError> {
        if let (Some(name), false) = (&self.taken, overwrite) {
            return Some(WireError::new(ErrorCode::AlreadyExists).with("name", name));
        }
        self.short.clone()
    }

    /// All files, weights first.
    pub(super) fn files(&self) -> impl Iterator<Item = &(String, PathBuf)> {
        self.weights.iter().chain(&self.adapters).flat_map(|part| &part.files)
    }

    /// What the history says.
    pub(super) fn note(&self) -> String {
        match (&self.from, self.weights.first()) {
            (Some(from), _) => format!("made from {from}"),
            (None, Some(part)) => format!("made from {}", part.found.path),
            (None, None) => "made".to_owned(),
        }
    }
}

/// The answer of `makes.check`: a refusal is part of it.
pub(super) async fn check(core: &Core, request: &MakeModel) -> Result<MakeCheck> {
    let plan = match plan(core, request).await {
        Ok(plan) => plan,
        Err(refusal) => {
            return Ok(MakeCheck {
                name: request.name.clone(),
                files: Vec::new(),
                way: Way::Nothing,
                bytes: 0,
                rewritten: 0,
                quantize: Vec::new(),
                replaces: None,
                refusal: Some(refusal),
            });
        }
    };
    let refusal = plan.refusal(core, request.overwrite);
    Ok(MakeCheck {
        name: plan.name.display(),
        way: plan.way,
        bytes: plan.bytes,
        rewritten: plan.rewritten,
        replaces: plan.replaces.as_ref().map(|model| Replaced {
            id: model.id,
            name: model.name.clone(),
            bytes: model.bytes,
            running: matches!(model.run, Run::Running | Run::Starting | Run::Stopping),
        }),
        files: plan.weights.into_iter().chain(plan.adapters).map(|part| part.found).collect(),
        quantize: plan.choices,
        refusal,
    })
}

/// Looks at everything that is named.
///
/// # Errors
/// `INVALID_INPUT` with the field, for the Modelfile also with the line; whatever asking the
/// server says.
pub(super) async fn plan(core: &Core, request: &MakeModel) -> Result<Plan> {
    let name = ModelName::parse(request.name.trim())
        .map_err(|why| WireError::field("name", why.as_str()))?;
    let parsed = modelfile::parse(&request.modelfile);
    let Some(file) = parsed.modelfile else {
        let first = parsed.problems.iter().find(|problem| !problem.why.is_warning());
        return Err(match first {
            Some(first) => WireError::field("modelfile", first.why.as_str())
                .with("line", first.line)
                .with("what", &first.what),
            None => WireError::field("modelfile", "malformed"),
        });
    };
    let tags = instances::client(core, request.instance)?.tags().await?.models;
    let base = request.base.as_deref().map(files::full).transpose()?;
    let looked = file.clone();
    let (from, weights, adapters) =
        super::blocking(move || sources(&looked, base.as_deref())).await?;
    let from = match from {
        Some((wanted, line)) => Some(known_model(&tags, &wanted, &name, line)?),
        None => None,
    };
    let choices = choices(from.as_ref(), &weights);
    if request.quantize.is_some_and(|form| !choices.contains(&form)) {
        return Err(WireError::field("quantize", "sourceQuantised"));
    }
    let taken = tags.iter().find(|model| same(&model.name, &name)).map(|model| model.name.clone());
    let replaces = models::find(core, request.instance, &name).await?;
    let mut plan = Plan {
        from: from.map(|model| model.name.clone()),
        replaces: replaces.filter(|_| taken.is_some()),
        quantize: request.quantize,
        blobs: None,
        way: Way::Nothing,
        bytes: 0,
        rewritten: 0,
        short: None,
        name,
        file,
        weights,
        adapters,
        taken,
        choices,
    };
    weigh(core, request, &mut plan).await?;
    Ok(plan)
}

/// Whether a listed name is this one.
pub(super) fn same(listed: &str, name: &ModelName) -> bool {
    ModelName::parse(listed).is_ok_and(|listed| listed.key() == name.key())
}

fn at_line(error: WireError, line: u32) -> WireError {
    error.with("line", line)
}

fn known_model<'a>(
    tags: &'a [TagsModel],
    wanted: &ModelName,
    name: &ModelName,
    line: u32,
) -> Result<&'a TagsModel> {
    let refused = |reason: &str| {
        at_line(WireError::field("modelfile", reason).with("what", wanted.display()), line)
    };
    if wanted.key() == name.key() {
        return Err(refused("fromItself"));
    }
    // The server would fetch it, without a word about size or room: that is what pulling is for.
    tags.iter().find(|model| same(&model.name, wanted)).ok_or_else(|| refused("fromMissing"))
}

type Sources = (Option<(ModelName, u32)>, Vec<Part>, Vec<Part>);

/// Finds the files. Blocks.
fn sources(file: &Modelfile, base: Option<&Path>) -> Result<Sources> {
    let (mut model, mut weights, mut adapters) = (None, Vec::new(), Vec::new());
    for from in &file.from {
        match source(&from.text, base) {
            Source::Model(name) => model = Some((name, from.line)),
            Source::Path(path) => {
                let part = part(Path::new(&path), FileKind::Gguf);
                weights.push(part.map_err(|error| at_line(error, from.line))?);
            }
            Source::Nothing => return Err(WireError::field("modelfile", "badFrom")),
        }
    }
    for adapter in &file.adapters {
        let path = placed(&adapter.text, base);
        let part = path.and_then(|path| part(&path, FileKind::Adapter));
        adapters.push(part.map_err(|error| at_line(error, adapter.line))?);
    }
    unique(&mut weights);
    Ok((model, weights, adapters))
}

/// As Ollama does, a file of that name beside the Modelfile comes before a model of that name.
fn source(text: &str, base: Option<&Path>) -> Source {
    match Source::of(text) {
        Source::Path(path) => match placed(&path, base) {
            Ok(path) => Source::Path(path.display().to_string()),
            Err(_) => Source::Path(path),
        },
        Source::Model(name) => {
            let beside = base.map(|base| base.join(text)).filter(|path| path.exists());
            beside.map_or(Source::Model(name), |path| Source::Path(path.display().to_string()))
        }
        Source::Nothing => Source::Nothing,
    }
}

fn placed(text: &str, base: Option<&Path>) -> Result<PathBuf> {
    let path = Path::new(text);
    match base {
        _ if path.is_absolute() => Ok(path.to_owned()),
        Some(base) if !text.starts_with('~') => Ok(base.join(path)),
        _ => Err(files::wrong(path, "notAbsolute")),
    }
}

fn part(path: &Path, wanted: FileKind) -> Result<Part> {
    if !path.is_absolute() {
        return Err(files::wrong(path, "notAbsolute"));
    }
    let facts = std::fs::metadata(path).map_err(|error| files::refused(path, &error))?;
    let found = if facts.is_dir() { folder::safetensors(path)? } else { folder::one(path)? };
    let Some(found) = found else {
        if facts.is_file() {
            chain::refuse_texts(path)?;
        }
        return Err(files::wrong(path, "notWeights"));
    };
    if found.structure == Structure::Broken {
        let error = files::wrong(path, "brokenFile");
        return Err(error.detail(found.detail.unwrap_or_default()));
    }
    if wanted == FileKind::Gguf && found.kind == FileKind::Adapter {
        return Err(files::wrong(path, "adapterAsFrom"));
    }
    let place = PathBuf::from(&found.path);
    let paths = if place.is_dir() { folder::parts(&place)? } else { vec![place] };
    let named = |path: PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        (name, path)
    };
    Ok(Part { found, files: paths.into_iter().map(named).collect() })
}

/// The server knows files by their names alone: two of the same name get a number.
fn unique(parts: &mut [Part]) {
    let mut seen = std::collections::HashSet::new();
    for (number, (name, _)) in parts.iter_mut().flat_map(|part| &mut part.files).enumerate() {
        if !seen.insert(name.clone()) {
            *name = format!("{number}-{name}");
        }
    }
}

/// Forms that the weights can be brought into: only from one that lost nothing yet.
fn choices(from: Option<&&TagsModel>, weights: &[Part]) -> Vec<Quantize> {
    let form = match from {
        Some(model) => model.details.quantization.clone(),
        None => {
            let main = weights.iter().find(|part| part.found.kind != FileKind::Projector);
            let Some(main) = main else { return Vec::new() };
            if main.found.kind == FileKind::Safetensors {
                return Quantize::ALL.to_vec();
            }
            main.found.quantization.clone()
        }
    };
    let form = form.unwrap_or_default();
    if !matches!(form.as_str(), "F32" | "F16" | "BF16") {
        return Vec::new();
    }
    Quantize::ALL.iter().copied().filter(|each| each.as_str() != form).collect()
}

/// How the files reach the server, and whether there is room for them.
async fn weigh(core: &Core, request: &MakeModel, plan: &mut Plan) -> Result<()> {
    let paths: Vec<PathBuf> = plan.files().map(|(_, path)| path.clone()).collect();
    let store = instances::store_now(core, request.instance).await?;
    let total: u64 = plan.weights.iter().chain(&plan.adapters).map(|part| part.found.bytes).sum();
    if let (Some(path), Some(true)) = (&store.path, store.writable) {
        plan.blobs = Some(PathBuf::from(path).join("blobs"));
    }
    if !paths.is_empty() {
        plan.way = match plan.blobs.clone() {
            None => Way::Upload,
            Some(blobs) => {
                let all = move || Ok(paths.iter().all(|path| blobs::can_link(path, &blobs)));
                if super::blocking(all).await? { Way::Link } else { Way::Copy }
            }
        };
        plan.bytes = if plan.way == Way::Link { 0 } else { total };
        plan.rewritten = rewritten(core, request, plan);
    }
    // What is sent to a store of this machine lies there, too.
    let Some(free) = store.free else { return Ok(()) };
    let smaller = plan.quantize.is_some();
    let needed = plan.bytes + if smaller { 0 } else { plan.rewritten };
    let reserve = u64::from(core.settings().disk_reserve_mb) * MEGABYTE;
    if needed > 0 && free < needed.saturating_add(reserve) {
        plan.short = Some(
            WireError::new(ErrorCode::DiskShort)
                .with("name", plan.name.display())
                .with("needed", needed)
                .with("free", free)
                .with("reserve", reserve)
                .with("missing", needed.saturating_add(reserve) - free),
        );
    }
    Ok(())
}

/// Bytes of files that the server writes once more: all that it converts, and since 0.30 every
/// GGUF without eyes.
fn rewritten(core: &Core, request: &MakeModel, plan: &Plan) -> u64 {
    let version = instances::version(core, request.instance).unwrap_or_default();
    let mut numbers = version.split(['.', '-']).map(|part| part.parse::<u32>().unwrap_or(0));
    let (major, minor) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    // Versions that developers build say 0.0.0 and are new.
    let rewrites = (major, minor) >= (0, 30) || (major, minor) == (0, 0);
    let sees = plan.weights.iter().any(|part| part.found.kind == FileKind::Projector);
    let again = |part: &&Part| match part.found.kind {
        FileKind::Safetensors => true,
        FileKind::Gguf => (rewrites && !sees) || plan.quantize.is_some(),
        FileKind::Projector | FileKind::Adapter => false,
    };
    plan.weights.iter().filter(again).map(|part| part.found.bytes).sum()
}
