// Compiled while it arrives and while everything below goes on. An engine that cannot is left to the
// module's own script, which knows other ways.
const module = WebAssembly.compileStreaming(fetch("corral_bg.wasm")).catch(() => undefined);

// Before the first paint: the theme of last time, so that the window never flashes in the other one.
const kept = localStorage.getItem("corral.theme");
const dark = matchMedia("(prefers-color-scheme: dark)").matches;
document.documentElement.dataset.theme =
  kept === "light" || kept === "dark" ? kept : dark ? "dark" : "light";

// What the window asks first is asked while its module is still being compiled; `ipc/early.rs`
// finds the answers here. Whatever is not picked up there is asked again.
const { invoke, Channel } = window.__TAURI__.core;
const early = { answers: new Map(), channel: new Channel(), heard: [] };
early.channel.onmessage = (message) => early.heard.push(message);
const ask = (route, request, after) => {
  const command = () => invoke(route, { request });
  const answer = after ? after.then(command) : command();
  answer.catch(() => {});
  early.answers.set(route + JSON.stringify(request), answer);
  return answer;
};
ask("plugin:desktop|facts", {});
ask("plugin:desktop|load_preferences", {});
const attached = ask("plugin:desktop|subscribe", { channel: early.channel.toJSON() });
ask("plugin:app|snapshot", {}, attached);
try {
  const first = JSON.parse(localStorage.getItem("corral.first-rows"));
  if (first) ask("plugin:models|search", first, attached);
} catch {
  // A spoiled note costs a moment, not the window.
}
window.corralEarly = early;

const [{ default: start }] = await Promise.all([import("./corral.js"), import("./texts.js")]);
await start({ module_or_path: await module });
