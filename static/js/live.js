// Keeps a page true while it is open: fragments from a websocket, put in place by id.
//
// Own code instead of htmx's ws extension, because that one knows no sequence number (so a
// reconnect has a gap), swaps rows under the cursor, and closes in hidden tabs.
//
// In the page:
//   data-live="/ws/..." data-after="<seq>"   what to watch, and the last number the page holds
//   data-live-list="run-" data-live-new="append|prepend|hold|ignore"   where a new element of
//       such an id goes; "hold" keeps it aside behind [data-live-pill] until somebody asks
//   data-live-part (with an id)              is taken from a page that is fetched again
//   data-announce="words" in a fragment      is read out, politely and not too often
//   [data-live-light][data-state=live|connecting|polling|lost] with [data-live-word]
// A frame is {seq, html, gone: {id: words}, count, waiting} or {ping} or {refresh}.
(() => {
  const DEFAULT_LISTS = { "event-": ["timeline", "append"], "run-": ["run-rows", "prepend"], "item-": ["queue-rows", "hold"] };
  const SIGNED_OUT = 4401;
  const BEHIND = 4408;
  const SILENCE_MS = 60000;
  const POLL_MS = 5000;
  const TRIES_BEFORE_POLLING = 3;
  const GONE_MS = 6000;
  const REFRESH_MS = 1000;
  const CAUGHT_UP_MS = 3000;
  const WORDS = { live: "Live", connecting: "Connecting…", polling: "Refreshing every 5 s", lost: "Signed out: reload the page" };

  const byId = (id) => document.getElementById(id);
  const one = (selector) => document.querySelector(selector);

  // What is read out: the last words of every few seconds, never a flood.
  const announcer = one("[data-live-announce]") || byId("announcer");
  let words = "";
  let announcing = 0;
  const announce = (text) => {
    if (!announcer || !text) return;
    words = text;
    if (announcing) return;
    announcing = setTimeout(() => { announcing = 0; announcer.textContent = words; }, announcer.textContent ? 3000 : 300);
  };

  // One light for all sockets of the page: it shows the worst.
  const ORDER = ["live", "connecting", "polling", "lost"];
  const states = new Map();
  const setState = (watch, its) => {
    states.set(watch, its);
    const state = ORDER[Math.max(...[...states.values()].map((name) => ORDER.indexOf(name)))];
    for (const light of document.querySelectorAll("[data-live-light]")) {
      light.dataset.state = state;
      const word = light.querySelector("[data-live-word]");
      if (word && word.textContent !== WORDS[state]) word.textContent = WORDS[state];
    }
  };

  const process = (element) => { if (window.htmx?.process) window.htmx.process(element); };

  // Where an element with a new id belongs: its container and how it is put there.
  const placeOf = (id) => {
    for (const list of document.querySelectorAll("[data-live-list]")) {
      if (id.startsWith(list.dataset.liveList)) return [list, list.dataset.liveNew || "append"];
    }
    for (const [prefix, [name, way]] of Object.entries(DEFAULT_LISTS)) {
      if (id.startsWith(prefix) && byId(name)) return [byId(name), byId(name).dataset.liveNew || way];
    }
    return [null, "ignore"];
  };

  // Take the old one's place without taking the focus or closing what is open.
  const replace = (old, fresh) => {
    if (old.isEqualNode(fresh)) return false;
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const open = [...old.querySelectorAll("details")].map((details) => details.open);
    old.replaceWith(fresh);
    fresh.querySelectorAll("details").forEach((details, index) => { if (index in open) details.open = open[index]; });
    if (focused) {
      const again = focused.id ? byId(focused.id) : focused.matches("[data-row-link]") ? fresh.querySelector("[data-row-link]") : null;
      again?.focus({ preventScroll: true });
    }
    process(fresh);
    return true;
  };

  // New rows wait behind a pill, so that nothing moves under a pointer or a screen reader.
  const held = new Map();
  const pill = one("[data-live-pill]");
  const showPill = () => {
    if (!pill) return;
    const text = pill.querySelector("[data-live-pill-text]") || pill;
    text.textContent = `${held.size} new`;
    pill.hidden = held.size === 0;
  };
  const insert = (list, element, way) => {
    list.closest("table[hidden]")?.removeAttribute("hidden");
    one(`#${list.id.replace("-rows", "")}-empty`)?.remove();
    if (way === "prepend") list.prepend(element); else list.append(element);
    element.classList.add("is-new");
    process(element);
  };
  pill?.addEventListener("click", () => {
    // In a view with filters or an order of its own, only the server knows the place.
    if (one("[data-live-reload]")) { location.reload(); return; }
    const rows = [...held.values()];
    held.clear();
    for (const row of rows) insert(placeOf(row.id)[0], row, "append");
    showPill();
    (rows[0]?.querySelector("[data-row-link]") || rows[0])?.focus();
  });

  const openedAt = Date.now();
  const put = (element) => {
    if (element.dataset.announce) announce(element.dataset.announce);
    const old = byId(element.id);
    if (old) return replace(old, element);
    const [list, way] = placeOf(element.id);
    if (!list || way === "ignore") return false;
    // The first frames tell of the last minute, of every row: a view with filters was drawn since.
    if (one("[data-live-reload]") && Date.now() - openedAt < CAUGHT_UP_MS) return false;
    if (way !== "hold" || !pill || !list.childElementCount) {
      insert(list, element, way);
    } else {
      held.set(element.id, element);
      showPill();
    }
    return true;
  };

  const elementsOf = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return [...template.content.children];
  };

  const take = (row) => {
    if (row.contains(document.activeElement)) {
      row.addEventListener("focusout", () => setTimeout(take, 100, row), { once: true });
      return;
    }
    row.remove();
  };
  const markGone = (id, why) => {
    if (held.delete(id)) showPill();
    const row = byId(id);
    if (!row || row.classList.contains("is-gone")) return;
    row.classList.add("is-gone");
    const tag = document.createElement("span");
    tag.className = "tag";
    tag.textContent = why;
    (row.querySelector("[data-row-link]")?.parentElement || row).append(" ", tag);
    announce(`${row.querySelector("[data-row-link]")?.textContent || id}: ${why}`);
    setTimeout(take, GONE_MS, row);
  };

  const setNumber = (element, number) => {
    if (!element) return;
    const text = [...element.childNodes].find((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (text) text.data = number; else if (!element.childElementCount) element.textContent = number;
  };

  class Watch {
    constructor(root) {
      this.root = root;
      this.seq = root.dataset.after || "";
      this.tries = 0;
      this.lostAt = 0;
      this.timer = 0;
      this.poller = 0;
      this.heardAt = 0;
      this.isOver = false;
      this.connect();
    }

    url() {
      const url = new URL(this.root.dataset.live, location.href);
      url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
      const workflow = new URLSearchParams(location.search).get("workflow");
      if (workflow && !url.searchParams.has("workflow")) url.searchParams.set("workflow", workflow);
      if (this.seq !== "") url.searchParams.set("after", this.seq);
      return url.href;
    }

    connect() {
      clearTimeout(this.timer);
      this.timer = 0;
      if (this.isOver) return;
      if (!this.poller) setState(this, "connecting");
      const socket = new WebSocket(this.url());
      this.socket = socket;
      this.heardAt = Date.now();
      socket.addEventListener("open", () => {
        this.tries = 0;
        this.lostAt = 0;
        clearInterval(this.poller);
        this.poller = 0;
        setState(this, "live");
      });
      socket.addEventListener("message", (event) => {
        if (socket !== this.socket) return;
        this.heardAt = Date.now();
        this.hear(JSON.parse(event.data));
      });
      socket.addEventListener("close", (event) => { if (socket === this.socket) this.lose(event.code); });
    }

    lose(code) {
      this.socket = null;
      if (code === SIGNED_OUT) {
        this.end();
        return;
      }
      this.tries += 1;
      this.lostAt ||= Date.now();
      if (!this.poller) setState(this, "connecting");
      if (this.tries >= TRIES_BEFORE_POLLING && !this.poller) {
        setState(this, "polling");
        this.refresh();
        this.poller = setInterval(() => { if (!document.hidden) this.refresh(); }, POLL_MS);
      }
      const longest = Date.now() - this.lostAt < 30000 ? 2000 : 15000;
      const wait = code === BEHIND ? 0 : Math.min(longest, 250 * 2 ** this.tries) * (0.5 + Math.random() / 2);
      this.timer = setTimeout(() => this.connect(), wait);
    }

    end() {
      this.isOver = true;
      clearInterval(this.poller);
      clearTimeout(this.timer);
      setState(this, "lost");
      announce(WORDS.lost);
    }

    hear(frame) {
      if (frame.ping) {
        this.socket.send("pong");
        return;
      }
      for (const element of elementsOf(frame.html || "")) {
        const isNews = element.id && put(element);
        if (isNews && element.id === "thread-status") this.refreshSoon();
      }
      for (const [id, why] of Object.entries(frame.gone || {})) markGone(id, why);
      // It counts the whole queue, not a view of it.
      if ("count" in frame && !one("[data-live-reload]")) setNumber(byId("queue-total"), frame.count);
      if ("waiting" in frame) setNumber(byId("queue-count"), frame.waiting);
      if (frame.seq !== undefined) this.seq = String(frame.seq);
      if (frame.refresh) this.refresh();
      if (frame.html || frame.gone) document.dispatchEvent(new CustomEvent("durableweb:live", { detail: frame }));
    }

    // What depends on who looks (state, buttons) is not in frames: it comes with the page.
    refreshSoon() {
      this.refreshTimer ||= setTimeout(() => { this.refreshTimer = 0; this.refresh(); }, REFRESH_MS);
    }

    // The page without sockets: fetch it again and take over its rows and parts.
    async refresh() {
      if (this.refreshing) {
        this.again = true; // what is on its way may be older than what was just heard
        return;
      }
      this.refreshing = true;
      try {
        const answer = await fetch(location.href, { credentials: "same-origin", cache: "no-store" });
        if (answer.redirected && new URL(answer.url).pathname !== location.pathname) {
          this.end();
          return;
        }
        if (answer.ok) this.takeOver(new DOMParser().parseFromString(await answer.text(), "text/html"));
      } catch {
        // The server is away; the next try tells.
      } finally {
        this.refreshing = false;
        if (this.again) {
          this.again = false;
          this.refreshSoon();
        }
      }
    }

    takeOver(fresh) {
      const root = fresh.querySelector(`[data-live="${CSS.escape(this.root.dataset.live)}"]`);
      const age = root?.dataset.after;
      if (age && Number(age) < Number(this.seq)) {
        this.refreshSoon(); // made before the newest frame: it would take that back
        return;
      }
      for (const part of fresh.querySelectorAll("[data-live-part][id], #thread-status")) {
        const old = byId(part.id);
        if (old) replace(old, document.adoptNode(part));
      }
      for (const prefix of Object.keys(DEFAULT_LISTS)) {
        const rows = [...fresh.querySelectorAll(`[id^="${prefix}"]`)];
        const ids = new Set(rows.map((row) => row.id));
        for (const row of rows) put(document.adoptNode(row));
        const [list, way] = placeOf(prefix);
        if (list && way === "hold") {
          for (const row of [...list.children]) if (!ids.has(row.id)) markGone(row.id, "no longer waits");
        }
      }
      for (const id of ["queue-total", "queue-count"]) {
        const now = fresh.getElementById(id);
        if (now) byId(id)?.replaceChildren(...now.childNodes);
      }
      if (age && Number(age) > Number(this.seq)) this.seq = age;
    }

    // A line can die without a word: sleep, a changed network, a proxy.
    check() {
      if (this.isOver) return;
      const socket = this.socket;
      if (socket && Date.now() - this.heardAt > SILENCE_MS) {
        this.lose(0);
        socket.close();
      } else if (socket?.readyState === WebSocket.OPEN) {
        socket.send("ping");
      } else if (this.timer) {
        this.connect();
      }
    }
  }

  const watches = [...document.querySelectorAll("[data-live]")].map((root) => new Watch(root));
  if (!watches.length) return;
  const checkAll = () => watches.forEach((watch) => watch.check());
  document.addEventListener("visibilitychange", () => { if (!document.hidden) checkAll(); });
  addEventListener("online", checkAll);
  addEventListener("pageshow", (event) => { if (event.persisted) checkAll(); });
  setInterval(checkAll, SILENCE_MS / 2);
})();
