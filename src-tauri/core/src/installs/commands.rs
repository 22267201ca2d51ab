use corral_contract::{
    ErrorCode, WireError,
    command::Nothing,
    installs::{InstallOllama, InstallsView, PinVersion, RemoveOllama, UpdateOllama, call},
    instances,
    models::OpRef,
    tasks::TaskKind,
};

use super::{
    child::{self, blocking},
    job, parts, places, release, run,
    store::{self, Server, Wish},
    switch, view,
};
use crate::{
    Core, Result,
    router::Handle,
    tasks::{self, NewTask},
};

impl Handle<call::List> for Core {
    async fn handle(&self, _: Nothing) -> Result<InstallsView> {
        view(self).await
    }
}

impl Handle<call::Check> for Core {
    async fn handle(&self, _: Nothing) -> Result<InstallsView> {
        super::look(self).await?;
        view(self).await
    }
}

impl Handle<instances::call::Install> for Core {
    async fn handle(&self, request: InstallOllama) -> Result<OpRef> {
        if store::server(&self.db).await?.is_some() {
            return Err(WireError::new(ErrorCode::AlreadyExists).with("name", "Ollama"));
        }
        check_version(request.version.as_deref())?;
        if request.file.is_none() && parts(self).is_empty() {
            return Err(WireError::new(ErrorCode::PlatformUnsupported)
                .with("platform", format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)));
        }
        if request.name.chars().count() > 80 {
            return Err(WireError::field("name", "tooLong").with("max", 80));
        }
        let (models, port) = (request.models.clone(), request.port);
        blocking(move || {
            if let Some(models) = models {
                places::models_folder(models.as_ref())?;
            }
            match port {
                Some(0) => Err(WireError::field("port", "malformed")),
                Some(port) if !child::is_free(port) => Err(child::taken(port)),
                _ => Ok(()),
            }
        })
        .await?;
        if let Some(file) = &request.file {
            check_file(file).await?;
        }
        let task = job::begin(self, Wish::Install(request)).await?;
        Ok(OpRef { task })
    }
}

impl Handle<call::Update> for Core {
    async fn handle(&self, request: UpdateOllama) -> Result<OpRef> {
        run::server(self).await?;
        check_version(request.version.as_deref())?;
        if let Some(file) = &request.file {
            check_file(file).await?;
        }
        Ok(OpRef { task: job::begin(self, Wish::Update(request)).await? })
    }
}

impl Handle<call::RollBack> for Core {
    async fn handle(&self, _: Nothing) -> Result<OpRef> {
        let server = run::server(self).await?;
        let previous = server.previous.ok_or_else(|| WireError::new(ErrorCode::WrongState))?;
        job::turn(self)?;
        let new = NewTask {
            kind: TaskKind::Downgrade,
            instance: server.instance,
            model: None,
            target: format!("Ollama {previous}"),
            can_cancel: false,
        };
        // Without a row of its own: the active version changes only at the end, so that an
        // interruption leaves it as it was.
        let task = match tasks::begin(self, new).await {
            Ok(task) => task,
            Err(error) => {
                self.installs.change(|live| live.turn = None);
                return Err(error);
            }
        };
        let id = task.id();
        self.installs.change(|live| live.turn = Some(id));
        let core = self.clone();
        self.supervisor.run("roll back", async move {
            let done = async {
                switch::over(&core, &previous, &task).await?;
                // Who goes back wants to stay there until he says otherwise.
                let server = run::server(&core).await?;
                store::put_server(&core.db, &Server { pinned: true, ..server }).await
            }
            .await;
            core.installs.change(|live| live.turn = None);
            task.finish(&done).await;
            super::publish(&core).await;
        });
        Ok(OpRef { task: id })
    }
}

impl Handle<call::Pin> for Core {
    async fn handle(&self, PinVersion { pinned }: PinVersion) -> Result<InstallsView> {
        let server = run::server(self).await?;
        store::put_server(&self.db, &Server { pinned, ..server }).await?;
        super::publish(self).await;
        view(self).await
    }
}

impl Handle<call::Remove> for Core {
    async fn handle(&self, request: RemoveOllama) -> Result<OpRef> {
        run::server(self).await?;
        Ok(OpRef { task: job::begin(self, Wish::Remove(request)).await? })
    }
}

fn check_version(version: Option<&str>) -> Result<()> {
    match version {
        Some(version) if !release::is_version(version) => {
            Err(WireError::field("version", "malformed"))
        }
        _ => Ok(()),
    }
}

async fn check_file(file: &str) -> Result<()> {
    let facts = tokio::fs::metadata(file).await;
    let facts =
        facts.map_err(|error| WireError::field("file", "notReadable").detail(error.to_string()))?;
    if facts.is_file() { Ok(()) } else { Err(WireError::field("file", "notReadable")) }
}
