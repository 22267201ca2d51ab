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

/// Looks through the list of past syncs until a report names this. That list is the way to a report
/// that never goes away; the message that a sync leaves does.
pub(crate) async fn some_report_names(window: &Window, text: &str) -> Result<()> {
    window.click("status-synced").await?;
    window
        .wait_for(&format!("a report names {text}"), async |window| {
            for place in 0..window.all("sync-open").await?.len() {
                window.click_nth("[data-testid='sync-open']", place).await?;
                window.find_css("[data-testid='sync-report'] .facts").await?;
                let report = window.text("sync-report").await?;
                window.click("sync-report-close").await?;
                window.gone_from_view("sync-report").await?;
                if report.contains(text) {
                    return Ok(true);
                }
            }
            Ok(false)
        })
        .await
}

/// Opens the result of the last batch from the list of tasks, the way there that never goes away,
/// and reads it.
pub(crate) async fn batch_result(window: &Window) -> Result<String> {
    window.click("task-center").await?;
    window.click("task-batch").await?;
    window.text("batch-result").await
}

/// Fails unless the element of that `data-testid` has the focus.
pub(crate) async fn focused(window: &Window, testid: &str) -> Result<()> {
    let body = "return document.activeElement?.dataset?.testid ?? ''";
    let now = window.script(body, Vec::new()).await?;
    ensure!(now == testid, "the focus is on {now} and not on {testid}");
    Ok(())
}
