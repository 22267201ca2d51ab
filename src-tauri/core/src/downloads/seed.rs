//! Downloads that a new database begins with: the demo has some under way at once.

use corral_contract::{
    ErrorCode, WireError,
    audit::Actor,
    downloads::Priority,
    models::{CreateModel, call},
};

use crate::{Core, Result, config::SeedDownload, instances};

/// Asks for them in the background, in their order.
pub(crate) fn seed(core: &Core) {
    let asker = core.clone();
    core.supervisor.run("seed", async move {
        for wish in &asker.config.seed_downloads {
            if let Err(error) = ask(&asker, wish).await {
                tracing::warn!(%error, ?wish, "a download to begin with was refused");
            }
        }
    });
}

async fn ask(core: &Core, wish: &SeedDownload) -> Result<()> {
    let known = instances::views(core).await?;
    let instance = known
        .iter()
        .find(|instance| instance.name == wish.instance)
        .ok_or_else(|| WireError::new(ErrorCode::NotFound).with("name", &wish.instance))?;
    let request = CreateModel {
        instance: instance.id,
        name: wish.model.clone(),
        priority: Priority::Normal,
        start_when_done: false,
        update: false,
        insecure: false,
        // A demo begins with a download that fails, too.
        force: true,
    };
    // In the name of the person who wrote the list: nobody else may ask for a model.
    core.run::<call::Create>(Actor::Window, request).await.map(|_| ())
}
