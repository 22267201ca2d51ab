// Before the first paint: the theme of last time, so that the window never flashes in the other one.
const kept = localStorage.getItem("corral.theme");
const dark = matchMedia("(prefers-color-scheme: dark)").matches;
document.documentElement.dataset.theme =
  kept === "light" || kept === "dark" ? kept : dark ? "dark" : "light";

const { default: start } = await import("./corral-ui.js");
await start();
