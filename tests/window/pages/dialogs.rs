//! The dialogs.

use anyhow::{Result, ensure};
use corral_testbed::window::Window;

/// The dialog that asks for a model's name.
pub(crate) struct Create<'a>(pub(crate) &'a Window);

impl<'a> Create<'a> {
    /// Opens it from the Models page.
    pub(crate) async fn open(window: &'a Window) -> Result<Self> {
        window.click("models-new").await?;
        window.find("dialog-create").await?;
        Ok(Create(window))
    }

    /// Writes the name.
    pub(crate) async fn name(&self, name: &str) -> Result<()> {
        self.0.fill("create-name", name).await
    }

    /// Sends it and waits until the dialog is gone.
    pub(crate) async fn submit(&self) -> Result<()> {
        self.0.click("create-submit").await?;
        self.0.gone_from_view("dialog-create").await
    }
}

/// The dialog before a delete.
pub(crate) struct Delete<'a>(pub(crate) &'a Window);

impl<'a> Delete<'a> {
    /// Waits for it, with the figures it has to name.
    pub(crate) async fn shown(window: &'a Window) -> Result<Self> {
        window.find("dialog-delete").await?;
        window.find("delete-freed").await?;
        Ok(Delete(window))
    }

    /// Agrees, and waits until the dialog is gone.
    pub(crate) async fn confirm(&self) -> Result<()> {
        self.0.click("delete-confirm").await?;
        self.0.gone_from_view("dialog-delete").await
    }

    /// Goes back.
    pub(crate) async fn cancel(&self) -> Result<()> {
        self.0.click("delete-cancel").await?;
        self.0.gone_from_view("dialog-delete").await
    }
}

/// The report of a sync.
pub(crate) struct SyncReport<'a>(pub(crate) &'a Window);

impl<'a> SyncReport<'a> {
    /// Opens it from the message that a sync leaves.
    pub(crate) async fn open(window: &'a Window) -> Result<Self> {
        window.click("toast-details").await?;
        window.find("sync-report").await?;
        Ok(SyncReport(window))
    }

    /// All it says.
    pub(crate) async fn text(&self) -> Result<String> {
        self.0.text("sync-report").await
    }

    /// Closes it.
    pub(crate) async fn close(&self) -> Result<()> {
        self.0.click("sync-report-close").await?;
        self.0.gone_from_view("sync-report").await
    }
}

/// Opens the result of a batch from the message that it leaves, and reads it.
pub(crate) async fn batch_result(window: &Window) -> Result<String> {
    window.click("toast-details").await?;
    window.text("batch-result").await
}

/// Fails unless the element of that `data-testid` has the focus.
pub(crate) async fn focused(window: &Window, testid: &str) -> Result<()> {
    let body = "return document.activeElement?.dataset?.testid ?? ''";
    let now = window.script(body, Vec::new()).await?;
    ensure!(now == testid, "the focus is on {now} and not on {testid}");
    Ok(())
}
