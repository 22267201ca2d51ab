//! The bar at the top: instance, language, theme.

use anyhow::Result;
use corral_testbed::window::Window;

/// The bar.
pub(crate) struct Top<'a>(pub(crate) &'a Window);

impl Top<'_> {
    /// Waits until the instance answers.
    pub(crate) async fn well(&self) -> Result<()> {
        self.dots("the instance answers", "[data-testid='instance-chip'] .dot--bad", false).await
    }

    /// Waits until the instance is shown as not answering.
    pub(crate) async fn broken(&self) -> Result<()> {
        self.dots("the instance is broken", "[data-testid='instance-chip'] .dot--bad", true).await
    }

    async fn dots(&self, what: &str, selector: &str, there: bool) -> Result<()> {
        self.0.find("instance-chip").await?;
        self.0
            .wait_for(what, async |window| {
                let body = "const chip = document.querySelector(\"[data-testid='instance-chip']\");\
                            return [!!document.querySelector(arguments[0]), chip?.innerText ?? '']";
                let seen = window.script(body, vec![selector.into()]).await?;
                // Well means that it also says how fast it answered.
                let latency = seen[1].as_str().is_some_and(|text| text.contains("ms"));
                Ok(seen[0] == there && latency != there)
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
            self.0.click_css(".menu__away").await?;
        }
        Ok(())
    }
}
