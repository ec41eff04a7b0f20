// One socket for each page: it says what it looks at and is told what changed. No other host is ever asked.
import { follow } from "./power.js";
import { explore } from "./explorer.js";

const page = document.body.dataset;
const line = document.getElementById("line");
const look = { view: page.view, args: [page.device ?? null, page.dataset ?? null] };
let socket = null;
let patience_ms = 500;
let draw = null;

const say = (words, state) => {
  if (line.textContent !== words) line.textContent = words;
  line.className = state;
};

const tell = () => { if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(look)); };

// Rows that stay go from their old place to their new one, so that the eye can follow them.
const places = (root) => new Map([...root.querySelectorAll("tr[data-key]")].map((row) => [row.dataset.key, row.getBoundingClientRect().top]));
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const renew = (root, html) => {
  const focused = root.contains(document.activeElement) ? document.activeElement : null;
  const again = focused && (focused.dataset.replay ? `[data-replay="${focused.dataset.replay}"]` : focused.getAttribute("href") && `a[href="${CSS.escape(focused.getAttribute("href"))}"]`);
  const open = new Set([...root.querySelectorAll("details[open] > summary")].map((each) => each.textContent));
  const scrolled = [...root.querySelectorAll(".scroll")].map((each) => each.scrollLeft);
  const before = places(root);
  root.innerHTML = html;
  root.querySelectorAll(".scroll").forEach((each, at) => { each.scrollLeft = scrolled[at] ?? 0; });
  root.querySelectorAll("details > summary").forEach((each) => { each.parentElement.open = open.has(each.textContent); });
  if (again) root.querySelector(again)?.focus({ preventScroll: true });
  if (calm.matches) return;
  for (const row of root.querySelectorAll("tr[data-key]")) {
    const moved = before.has(row.dataset.key) ? before.get(row.dataset.key) - row.getBoundingClientRect().top : 0;
    if (Math.abs(moved) > 2) row.animate([{ transform: `translateY(${moved}px)` }, { transform: "none" }], { duration: 500, easing: "ease-out" });
  }
};

const take = (news) => {
  for (const [id, html] of Object.entries(news.pieces ?? {})) {
    const root = document.getElementById(id);
    if (root) renew(root, html);
  }
  if (news.power && draw) draw(news.power);
};

const connect = () => {
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`);
  socket.onopen = () => { patience_ms = 500; say("live", "on"); tell(); };
  socket.onmessage = (event) => take(JSON.parse(event.data));
  socket.onclose = () => {
    say("the server does not answer; trying again", "off");
    setTimeout(connect, patience_ms);
    patience_ms = Math.min(2 * patience_ms, 10_000);
  };
};

// A message in the page's own words after a letter was sent through the line again.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-replay]");
  if (!button) return;
  button.disabled = true;
  const answer = await fetch(`/api/letters/${button.dataset.replay}/replay`, { method: "POST", headers: { "x-e3p": "1" } });
  const told = await answer.json();
  document.getElementById("replayed").textContent = `Letter ${button.dataset.replay.slice(0, 12)}: ${told.words ?? told.error}`;
  button.disabled = false;
});

if (page.view === "node") {
  look.node = page.node;
  look.stream = page.stream;
  draw = follow(look, tell);
}
if (page.view === "window") {
  look.node = page.node;
  look.args = [page.link ?? null, null];
  explore(page);
}
if (page.view !== "message") connect();
else say("", "");
