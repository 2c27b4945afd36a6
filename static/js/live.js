// Keeps a page true while it is open: fragments from a websocket, put in place by id.
//
// Own code instead of htmx's ws extension, because that one knows no sequence number (so a
// reconnect has a gap), swaps rows under the cursor, and closes in hidden tabs.
//
// In the page:
//   data-live="/ws/..." data-after="<seq>"   what to watch, and the last number the page holds
//   data-begun="<time>"   when the thread was made that the page shows
//   data-live-list="run-" data-live-new="append|prepend|hold|ignore"   where a new element of
//       such an id goes; "hold" keeps it aside behind [data-live-pill] until somebody asks
//   data-live-view                           a list with filters or an order of its own: only
//       the server knows which new rows belong to it and where
//   data-no-news on a row                    it is drawn anew where it stands, and nowhere else
//   data-live-part (with an id)              is taken from a page that is fetched again
//   data-announce="words" in a fragment      is read out, politely and not too often
// A frame is {seq, html, gone: {id: words}, count, waiting} or {ping} or {refresh}.
//
// Other scripts: "durableweb:gone" (detail: {id, words}) marks a row, "durableweb:pane" tells
// that roots may have come or gone, and "durableweb:live" (detail: the frame) is sent for every
// frame that changed something. line.js shows how the lines are and reads out.
(() => {
  const DEFAULT_LISTS = { "event-": ["timeline", "append"], "run-": ["run-rows", "prepend"], "item-": ["queue-rows", "hold"] };
  const SIGNED_OUT = 4401;
  const BEHIND = 4408;
  const SILENCE_MS = 60000;
  const POLL_MS = 5000;
  const TRIES_BEFORE_POLLING = 3;
  const GONE_MS = 6000;
  const REFRESH_MS = 1000;
  const LOOK_MS = 300;
  const LOOK_AGAIN_MS = 3000;

  const byId = (id) => document.getElementById(id);
  const one = (selector) => document.querySelector(selector);
  const say = (name, detail) => document.dispatchEvent(new CustomEvent(`durableweb:${name}`, { detail }));
  const announce = (text) => say("announce", text);
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

  // What a row holds of this page: chosen, open beside the list, who else looks at it.
  const keepOwn = (old, fresh) => {
    for (const name of ["aria-current", "data-not-mine"]) {
      if (old.hasAttribute(name)) fresh.setAttribute(name, old.getAttribute(name));
    }
    const picked = old.querySelector("[data-pick]");
    if (picked?.checked) fresh.querySelector("[data-pick]").checked = true;
    const present = old.querySelector("[data-presence]");
    if (present?.textContent) fresh.querySelector("[data-presence]")?.replaceWith(present);
  };
  // Take the old one's place without taking the focus or closing what is open.
  const replace = (old, fresh) => {
    if (old.isEqualNode(fresh)) return false;
    if (old.matches("[data-row]")) keepOwn(old, fresh);
    if (old.matches("[data-row].is-gone") && !fresh.classList.contains("is-gone")) countView(1);
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const wasPick = focused?.matches("[data-pick]");
    const open = [...old.querySelectorAll("details")].map((details) => details.open);
    old.replaceWith(fresh);
    fresh.querySelectorAll("details").forEach((details, index) => { if (index in open) details.open = open[index]; });
    if (focused) {
      const again = focused.id ? byId(focused.id) : wasPick ? fresh.querySelector("[data-pick]") : focused.matches("[data-row-link]") ? fresh.querySelector("[data-row-link]") : null;
      again?.focus({ preventScroll: true });
    }
    process(fresh);
    return true;
  };

  // New rows wait behind a pill; held.js keeps them.
  const pill = one("[data-live-pill]");
  const insert = (list, element, way) => {
    list.closest("[hidden]")?.removeAttribute("hidden");
    one(`#${list.id.replace("-rows", "")}-empty`)?.remove();
    if (way === "prepend") list.prepend(element); else list.append(element);
    element.classList.add("is-new");
    process(element);
  };
  // A row from the socket is drawn for everybody: what one has claimed oneself is one's own.
  const person = one("[data-person]")?.dataset.person;
  const own = (row) => {
    const words = row.dataset.claimed && row.dataset.claimed === person && row.querySelector("[data-holder]");
    if (words) words.textContent = "yours";
  };

  const put = (element) => {
    own(element);
    if (element.dataset.announce) announce(element.dataset.announce);
    const old = byId(element.id);
    if (old) return replace(old, element);
    const [list, way] = placeOf(element.id);
    if (!list || way === "ignore") return false;
    const isHeld = way === "hold" && pill && (list.childElementCount || list.matches("[data-grouped]"));
    if (isHeld) say("hold", element); else insert(list, element, way);
    return true;
  };

  const elementsOf = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return [...template.content.children];
  };

  // A view is counted by the server when it is asked, and by what goes and comes back since.
  const countView = (by) => {
    const total = one("[data-live-view]") && byId("queue-total");
    if (total && /^\d+$/.test(total.textContent.trim())) total.textContent = String(Math.max(Number(total.textContent) + by, 0));
  };
  const take = (row) => {
    if (row.contains(document.activeElement)) {
      row.addEventListener("focusout", () => setTimeout(take, 100, row), { once: true });
      return;
    }
    row.remove();
  };
  const markGone = (id, why, isTold = false) => {
    say("unhold", id);
    const row = byId(id);
    if (!row || row.classList.contains("is-gone")) return;
    row.classList.add("is-gone");
    countView(-1);
    const tag = document.createElement("span");
    tag.className = "tag";
    tag.textContent = why;
    (row.querySelector("[data-row-link]")?.parentElement || row).append(" ", tag);
    if (!isTold) announce(`${row.querySelector("[data-row-link]")?.textContent || id}: ${why}`);
    setTimeout(take, GONE_MS, row);
  };
  document.addEventListener("durableweb:gone", (event) => markGone(event.detail.id, event.detail.words, true));

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
      this.goodAt = Date.now();
      this.lookedAt = 0;
      this.isOver = false;
      this.connect();
    }

    get isView() {
      return this.root.hasAttribute("data-live-view");
    }

    url() {
      const url = new URL(this.root.dataset.live, location.href);
      url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
      const workflow = new URLSearchParams(location.search).get("workflow");
      if (workflow && !url.searchParams.has("workflow")) url.searchParams.set("workflow", workflow);
      if (this.seq !== "") url.searchParams.set("after", this.seq);
      if (this.root.dataset.begun) url.searchParams.set("begun", this.root.dataset.begun);
      return url.href;
    }

    connect() {
      clearTimeout(this.timer);
      this.timer = 0;
      if (this.isOver) return;
      if (!this.poller) this.tell("connecting");
      const socket = new WebSocket(this.url());
      this.socket = socket;
      this.heardAt = Date.now();
      socket.addEventListener("open", () => {
        this.good();
        this.tries = 0;
        this.lostAt = 0;
        clearInterval(this.poller);
        this.poller = 0;
        this.tell("live");
      });
      socket.addEventListener("message", (event) => {
        if (socket !== this.socket) return;
        this.heardAt = Date.now();
        this.good();
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
      if (!this.poller) this.tell("connecting");
      if (this.tries >= TRIES_BEFORE_POLLING && !this.poller) {
        this.tell("polling");
        this.refresh();
        this.poller = setInterval(() => { if (!document.hidden) this.refresh(); }, POLL_MS);
      }
      const longest = Date.now() - this.lostAt < 30000 ? 2000 : 15000;
      const wait = code === BEHIND ? 0 : Math.min(longest, 250 * 2 ** this.tries) * (0.5 + Math.random() / 2);
      this.timer = setTimeout(() => this.connect(), wait);
    }

    end() {
      this.stop();
      this.tell("lost");
    }

    resume() {
      this.isOver = false;
      this.tries = 0;
      this.lostAt = 0;
      this.connect();
    }

    // What it watched has left the page.
    stop() {
      this.isOver = true;
      clearInterval(this.poller);
      clearTimeout(this.timer);
      const socket = this.socket;
      this.socket = null;
      socket?.close();
      this.tell("");
    }

    tell(state) {
      this.state = state;
      document.dispatchEvent(new CustomEvent("durableweb:line", { detail: { of: this, state, goodAt: this.goodAt } }));
    }

    // The page was true at this moment.
    good() {
      this.goodAt = Date.now();
      if (!this.isOver) this.tell(this.state);
    }

    hear(frame) {
      if (frame.ping) {
        this.socket.send("pong");
        return;
      }
      if (Number(frame.seq) < Number(this.seq)) this.forget();
      for (const element of elementsOf(frame.html || "")) {
        if (element.matches("[data-row]") && !byId(element.id)) {
          if (element.matches("[data-no-news]")) continue;
          if (this.isView) {
            this.lookSoon();
            continue;
          }
        }
        if (!this.isView && element.matches("[data-put-off]")) {
          markGone(element.id, "put off");
          continue;
        }
        const isNews = element.id && put(element);
        if (isNews && element.id === "thread-status") this.refreshSoon();
      }
      for (const [id, why] of Object.entries(frame.gone || {})) markGone(id, why);
      // It counts the whole queue, not a view of it.
      if ("count" in frame && !this.isView) setNumber(byId("queue-total"), frame.count);
      if ("waiting" in frame) setNumber(byId("queue-count"), frame.waiting);
      if (frame.seq !== undefined) this.seq = String(frame.seq);
      if (frame.refresh) this.refresh();
      if (frame.html || frame.gone) document.dispatchEvent(new CustomEvent("durableweb:live", { detail: frame }));
    }

    // The thread was deleted, and another has begun under its name.
    forget() {
      placeOf("event-")[0]?.replaceChildren();
    }

    // Only the server knows whether a row belongs to this view, and where.
    lookSoon() {
      const wait = Math.max(LOOK_MS, this.lookedAt + LOOK_AGAIN_MS - Date.now());
      this.lookTimer ||= setTimeout(() => {
        this.lookTimer = 0;
        this.lookedAt = Date.now();
        if (!this.isOver) this.refresh();
      }, wait);
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
        const url = new URL(location.href);
        url.searchParams.delete("item"); // what stands beside the list has a line of its own
        // What was just done is told to whoever comes with the next page, not to this.
        const answer = await fetch(url, { headers: { "X-Refresh": "1" }, credentials: "same-origin", cache: "no-store" });
        if (answer.redirected && new URL(answer.url).pathname !== location.pathname) {
          this.end();
          return;
        }
        if (answer.ok) {
          this.takeOver(new DOMParser().parseFromString(await answer.text(), "text/html"));
          this.good();
        }
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
      if (root?.dataset.begun) this.root.dataset.begun = root.dataset.begun;
      if (age && Number(age) < Number(this.seq)) {
        this.refreshSoon(); // made before the newest frame: it would take that back
        return;
      }
      for (const part of fresh.querySelectorAll("[data-live-part][id], #thread-status")) {
        const old = byId(part.id);
        if (old) replace(old, document.adoptNode(part));
      }
      say("list", fresh);
      for (const prefix of Object.keys(DEFAULT_LISTS)) {
        const rows = [...fresh.querySelectorAll(`[id^="${prefix}"]`)];
        const ids = new Set(rows.map((row) => row.id));
        for (const row of rows) put(document.adoptNode(row));
        const [list, way] = placeOf(prefix);
        if (list && way === "hold" && !fresh.querySelector(".more")) {
          const why = this.isView ? "no longer in this view" : "no longer waits";
          for (const row of document.querySelectorAll(`[data-row][id^="${prefix}"]`)) if (!ids.has(row.id)) markGone(row.id, why);
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

  let watches = [];
  const follow = () => {
    for (const watch of watches) if (!watch.root.isConnected) watch.stop();
    watches = watches.filter((watch) => watch.root.isConnected);
    const known = new Set(watches.map((watch) => watch.root));
    for (const root of document.querySelectorAll("[data-live]")) if (!known.has(root)) watches.push(new Watch(root));
  };

  follow();
  document.addEventListener("durableweb:pane", follow);
  // A line that was lost with the session is taken up with the next one.
  document.addEventListener("durableweb:signed-in", () => { for (const watch of watches) if (watch.isOver) watch.resume(); });
  const checkAll = () => watches.forEach((watch) => watch.check());
  document.addEventListener("visibilitychange", () => { if (!document.hidden) checkAll(); });
  addEventListener("online", checkAll);
  addEventListener("pageshow", (event) => { if (event.persisted) checkAll(); });
  setInterval(checkAll, SILENCE_MS / 2);
})();
