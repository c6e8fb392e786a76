// Keeps the overview fresh: fetches the live part every few seconds and puts it in place of the old one.
// Without this script the page works the same; it is then as fresh as its last load.
"use strict";

(() => {
  const live = document.getElementById("live");
  const freshness = document.getElementById("freshness");
  if (!live || !freshness) return;

  const status = freshness.querySelector("[role=status]");
  const button = freshness.querySelector("button");
  const pauseMilliseconds = 1000 * Number(live.dataset.everySeconds);
  const limitMilliseconds = 15000;
  let paused = false;
  let over = false;
  let failures = 0;
  let timer = 0;

  const clock = () => new Date().toLocaleTimeString(document.documentElement.lang, { hour12: false });

  function say(text, troubled) {
    if (status.textContent !== text) status.textContent = text;
    freshness.classList.toggle("troubled", troubled);
  }

  // Reading, selecting and moving by keyboard must survive the exchange.
  function replace(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html").body;
    const opened = [...live.querySelectorAll("details[open][id]")].map((each) => each.id);
    const focused = live.contains(document.activeElement) ? document.activeElement : null;
    const wanted = focused && (focused.id ? `#${CSS.escape(focused.id)}`
      : focused.getAttribute("href") ? `a[href="${CSS.escape(focused.getAttribute("href"))}"]` : null);
    const scrolled = [...live.querySelectorAll(".scroll")].map((each) => each.scrollLeft);
    live.replaceChildren(...fresh.childNodes);
    for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
    live.querySelectorAll(".scroll").forEach((each, index) => { each.scrollLeft = scrolled[index] ?? 0; });
    if (wanted) live.querySelector(wanted)?.focus({ preventScroll: true });
  }

  function selecting() {
    const selection = document.getSelection();
    return selection !== null && !selection.isCollapsed && live.contains(selection.anchorNode);
  }

  async function refresh() {
    if (document.hidden || selecting()) return;
    const answer = await fetch(live.dataset.source, {
      credentials: "same-origin", cache: "no-store", signal: AbortSignal.timeout(limitMilliseconds),
    });
    if (answer.status === 401) {
      over = true;
      say(status.dataset.over, true);
      return;
    }
    if (!answer.ok) throw new Error(String(answer.status));
    const html = await answer.text();
    if (paused) return;
    replace(html);
    say(`${status.dataset.updated} ${clock()}`, false);
  }

  async function turn() {
    try {
      await refresh();
      failures = 0;
    } catch {
      failures += 1;
      say(status.dataset.lost, true);
    }
    schedule();
  }

  function schedule() {
    clearTimeout(timer);
    // A hub in trouble is not asked more often: the pause grows to a minute.
    if (!paused && !over) timer = setTimeout(turn, Math.min(pauseMilliseconds * 2 ** Math.min(failures, 4), 60000));
  }

  button.addEventListener("click", () => {
    paused = !paused;
    button.setAttribute("aria-pressed", String(paused));
    button.textContent = paused ? button.dataset.goOn : button.dataset.pause;
    if (paused) {
      clearTimeout(timer);
      say(status.dataset.paused, false);
    } else {
      turn();
    }
  });

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && !paused && !over) turn();
  });

  say(`${status.dataset.updated} ${clock()}`, false);
  freshness.hidden = false;
  schedule();
})();
