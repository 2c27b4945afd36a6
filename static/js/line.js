// What the page says of itself: the light of its lines, when it last heard something, and
// what is read out to those who do not see it change.
//
//   "durableweb:announce" (detail: words)      read out in [data-live-announce] or #announcer
//   [data-live-light][data-state=live|connecting|polling|lost] with [data-live-word]
//   [data-live-stale] with [data-live-good]   shown while the page has heard nothing for long
// live.js sends "durableweb:line" (detail: {of, state, goodAt}) for each line of the page; a
// line without a state is over.
(() => {
  const STALE_MS = 20000;
  const ORDER = ["live", "connecting", "polling", "lost"];
  const WORDS = { live: "Live", connecting: "Connecting…", polling: "Refreshing every 5 s", lost: "Signed out" };
  const lines = new Map();

  // What is read out: the last words of every few seconds, never a flood.
  const announcer = document.querySelector("[data-live-announce]") || document.getElementById("announcer");
  let words = "";
  let announcing = 0;
  const announce = (text) => {
    if (!announcer || !text) return;
    words = text;
    if (announcing) return;
    announcing = setTimeout(() => { announcing = 0; announcer.textContent = words; }, announcer.textContent ? 3000 : 300);
  };
  document.addEventListener("durableweb:announce", (event) => announce(event.detail));

  // One light for all lines of the page: it shows the worst.
  const showLight = () => {
    if (!lines.size) return;
    const state = ORDER[Math.max(...[...lines.values()].map((line) => ORDER.indexOf(line.state)))];
    for (const light of document.querySelectorAll("[data-live-light]")) {
      if (state === "lost" && light.dataset.state !== "lost") announce(WORDS.lost);
      light.dataset.state = state;
      const word = light.querySelector("[data-live-word]");
      if (word && word.textContent !== WORDS[state]) word.textContent = WORDS[state];
    }
  };

  // A line that is open is true now; the others are as old as what they last heard.
  const showStale = () => {
    const banner = document.querySelector("[data-live-stale]");
    if (!banner || !lines.size) return;
    const oldest = Math.min(...[...lines.values()].map((line) => (line.state === "live" ? Date.now() : line.goodAt)));
    const isStale = Date.now() - oldest > STALE_MS;
    if (isStale === !banner.hidden) return;
    const time = banner.querySelector("[data-live-good]");
    time.dateTime = new Date(oldest).toISOString();
    time.textContent = new Date(oldest).toLocaleTimeString();
    banner.hidden = !isStale;
    if (isStale) announce(banner.textContent.trim());
  };

  document.addEventListener("durableweb:line", ({ detail }) => {
    if (detail.state) lines.set(detail.of, detail); else lines.delete(detail.of);
    showLight();
    showStale();
  });
  setInterval(showStale, STALE_MS / 4);
})();
