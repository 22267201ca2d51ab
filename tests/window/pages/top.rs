//! The bar at the top: instance, language, theme.

use anyhow::Result;
use corral_testbed::window::Window;
use thirtyfour::Key;

/// The bar.
pub(crate) struct Top<'a>(pub(crate) &'a Window);

impl Top<'_> {
    /// Waits until the instance answers.
    pub(crate) async fn well(&self) -> Result<()> {
        self.api("dot").await
    }

    /// Waits until the instance is shown as not answering.
    pub(crate) async fn broken(&self) -> Result<()> {
        self.api("dot dot--bad").await
    }

    /// Waits until the second fact of the chip, the API, looks like this.
    async fn api(&self, look: &str) -> Result<()> {
        let body = "const dots = document.querySelectorAll(\"[data-testid='instance-chip'] .dot\");\
                    return dots[1]?.className ?? ''";
        self.0
            .wait_for(&format!("the API of the instance shows as {look:?}"), async |window| {
                Ok(window.script(body, Vec::new()).await? == look)
            })
            .await
    }

    /// Chooses a language: `zh-CN`, `en` or `system`.
    pub(crate) async fn language(&self, language: &str) -> Result<()> {
        self.choose("lang-switch", &format!("lang-{language}")).await
    }

    /// Chooses a theme: `dark`, `light` or `system`.
    pub(crate) async fn theme(&self, theme: &str) -> Result<()> {
        self.choose("theme-switch", &format!("theme-{theme}")).await
    }

    async fn choose(&self, switch: &str, entry: &str) -> Result<()> {
        self.0.click(switch).await?;
        self.0.click_css(&format!(".menu [data-testid='{entry}']")).await?;
        // A menu of choices stays open, so that one can look at the others too.
        if self.0.script("return !!document.querySelector('.menu')", Vec::new()).await? == true {
            self.0.press(Key::Escape + "").await?;
        }
        Ok(())
    }
}
