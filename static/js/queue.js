// The queue as a split view: the open question stands beside the list, and after a decision
// the next one takes its place.
//
// The server answers requests with the header X-Queue-View by parts of a page: X-Part tells
// whether it is a "question" or, as JSON, what was "done". Without this script the rows lead to
// pages of their own. Events for others: see review.js and live.js.
(() => {
  const pane = document.getElementById("pane");
  if (!pane) return;
  const strips = document.getElementById("strips");
  const FRESH_MS = 60000;
  const AHEAD = 2;
  const SOON_MS = 50;
  const AHEAD_AGAIN_MS = 600;
  const FEW = 8;
  const QUESTION = /^\/review\/(\d+)\/$/;
  const SENT_HERE = /^\/(?:review\/\d+\/[a-z_-]+|decisions\/\d+\/undo)$/;

  const one = (selector, root = document) => root.querySelector(selector);
  const tell = (name, detail) => document.dispatchEvent(new CustomEvent(`durableweb:${name}`, { detail }));
  const announce = (words) => tell("announce", words);
  const headers = (more) => ({ "X-Queue-View": pane.dataset.view, ...more });
  const base = document.body.dataset.base || "/";
  const row = (number) => document.getElementById(`item-${number}`);
  const rows = () => [...document.querySelectorAll("[data-row][data-number]")];
  const numberOf = (element) => Number(element.dataset.number);
  const open = () => Number(one("[data-item]", pane)?.dataset.item || 0);

  const addressOf = (number) => {
    const url = new URL(location.href);
    url.pathname = `${base}queue/`;
    url.hash = "";
    if (number) url.searchParams.set("item", number); else url.searchParams.delete("item");
    return url.href;
  };

  // Which question comes next: this thread's own, then down the list, then from its top.
  const isOpenToMe = (each) => !each.classList.contains("is-gone") && !("notMine" in each.dataset)
    && (!each.dataset.claimed || each.dataset.claimed === pane.dataset.person);
  const following = (number, count) => {
    const all = rows();
    const at = all.findIndex((each) => numberOf(each) === number);
    const ordered = [...all.slice(at + 1), ...all.slice(0, Math.max(at, 0))];
    const sibling = Number(one("[data-item]", pane)?.dataset.sibling || 0);
    const down = ordered.filter((each) => isOpenToMe(each)).map(numberOf);
    return [...new Set([sibling, ...down])].filter((each) => each && each !== number).slice(0, count);
  };

  // The next ones are fetched before somebody asks; one of which there is news is forgotten.
  const ahead = new Map();
  let aheadTimer = 0;
  const ask = async (number, more) => {
    const answer = await fetch(`/review/${number}/`, { headers: headers(more), credentials: "same-origin", cache: "no-store", priority: more ? "low" : "high" });
    return { answer, html: await answer.text() };
  };
  const lookAhead = () => {
    clearTimeout(aheadTimer);
    aheadTimer = 0;
    const number = open();
    if (!number) return;
    const wanted = following(number, AHEAD);
    for (const [kept, each] of ahead) if (!wanted.includes(kept) || Date.now() - each.at > FRESH_MS) ahead.delete(kept);
    for (const next of wanted) {
      if (ahead.has(next)) continue;
      const entry = { at: Date.now(), thread: row(next)?.dataset.thread };
      entry.part = ask(next, { "X-Prefetch": "1" }).then(
        ({ answer, html }) => (answer.ok && answer.headers.get("X-Part") === "question" ? html : null),
        () => null,
      );
      ahead.set(next, entry);
    }
  };
  const lookAheadSoon = (wait = AHEAD_AGAIN_MS) => { aheadTimer ||= setTimeout(lookAhead, wait); };

  // What was fetched for the log-in before has the token of that one in its forms.
  document.addEventListener("durableweb:signed-in", () => { ahead.clear(); lookAheadSoon(0); });

  // A list that runs out goes on with its next page, at its end: no row above moves.
  const list = () => { const lists = document.querySelectorAll(".q-rows"); return lists.length === 1 ? lists[0] : null; };
  let toppingUp = false;
  const topUp = async (number) => {
    const link = one(".more a");
    const all = rows();
    const below = all.length - 1 - all.findIndex((each) => numberOf(each) === number);
    if (!link || !list() || toppingUp || below >= FEW) return;
    toppingUp = true;
    try {
      const answer = await fetch(link.href, { credentials: "same-origin", cache: "no-store" });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const each of page.querySelectorAll("[data-row][data-number]")) {
        if (!document.getElementById(each.id)) list().append(document.adoptNode(each));
      }
      const more = one(".more", page);
      if (more) link.parentElement.replaceWith(document.adoptNode(more)); else link.parentElement.remove();
      tell("rows");
      lookAheadSoon(0);
    } catch {
      // The link is still there.
    } finally {
      toppingUp = false;
    }
  };
  document.addEventListener("durableweb:live", ({ detail }) => {
    const moved = [...(detail.html || "").matchAll(/id="item-(\d+)"/g)].map((found) => Number(found[1]));
    for (const id of Object.keys(detail.gone || {})) moved.push(Number(id.replace("item-", "")));
    for (const number of moved) ahead.delete(number);
    if (moved.length) lookAheadSoon();
  });

  // What the pane shows
  const mark = (number) => {
    for (const each of document.querySelectorAll("[data-row][aria-current]")) each.removeAttribute("aria-current");
    row(number)?.setAttribute("aria-current", "true");
    document.body.classList.toggle("has-item", Boolean(number) || one("[data-missing]", pane) !== null);
  };
  const addStrips = (html) => {
    const said = document.createElement("div");
    said.innerHTML = html;
    tell("said", said);
  };
  const put = (html, focus = "heading") => {
    tell("pane-leave");
    const kept = focus === "keep" ? [pane.scrollTop, document.activeElement?.id] : null;
    const template = document.createElement("template");
    template.innerHTML = html;
    const said = one("[data-strips]", template.content);
    if (said) {
      tell("said", said);
      said.remove();
    }
    pane.replaceChildren(template.content);
    // What stands in the way of a decision is at the top, and is read first
    const first = one("[data-take-focus]", pane);
    pane.scrollTop = kept && !first ? kept[0] : 0;
    window.htmx?.process(pane);
    const item = one("[data-item]", pane);
    document.title = `${item ? item.dataset.title : "Queue"} · durableweb`;
    mark(item ? Number(item.dataset.item) : 0);
    tell("pane");
    const target = first || (kept?.[1] && document.getElementById(kept[1])) || one("#question-title", pane);
    if (focus !== "none") target?.focus({ preventScroll: Boolean(kept) && !first });
    lookAheadSoon(SOON_MS);
    if (item) topUp(Number(item.dataset.item));
  };

  let turn = 0;
  const fail = (words) => {
    const strip = document.createElement("div");
    strip.className = "strip strip-error";
    strip.textContent = words;
    for (const old of strips.querySelectorAll(".strip-error")) if (old.textContent === words) old.remove();
    strips.prepend(strip);
    announce(words);
  };
  const show = async (number, { push = true, focus = "heading" } = {}) => {
    const mine = ++turn;
    const kept = ahead.get(number);
    ahead.delete(number);
    let html = kept && Date.now() - kept.at < FRESH_MS ? await kept.part : null;
    const wasAhead = html !== null;
    if (html === null) {
      pane.setAttribute("aria-busy", "true");
      try {
        const { answer, html: text } = await ask(number);
        if (answer.headers.get("X-Part") !== "question") {
          location.assign(addressOf(number)); // the page says what is the matter
          return false;
        }
        html = text;
      } catch {
        if (mine === turn) fail(`#${number} could not be fetched: the server does not answer. Try again.`);
        return false;
      } finally {
        if (mine === turn) pane.removeAttribute("aria-busy");
      }
    }
    if (mine !== turn) return false;
    if (push) history.pushState({ item: number }, "", addressOf(number)); else history.replaceState({ item: number }, "", addressOf(number));
    put(html, focus);
    row(number)?.scrollIntoView({ block: "nearest" });
    if (wasAhead) freshen(number);
    return true;
  };
  // A question that was fetched ahead may tell of its siblings as they were, and is read only now.
  const freshen = async (number) => {
    const isRead = !one("[data-unread]", pane);
    const steps = one(".stepper", pane);
    if (isRead && !steps) return;
    const { answer, html } = await ask(number).catch(() => ({ answer: { ok: false } }));
    if (!answer.ok || !steps?.isConnected) return;
    const template = document.createElement("template");
    template.innerHTML = html;
    const now = one(".stepper", template.content);
    one("[data-item]", pane).dataset.sibling = one("[data-item]", template.content)?.dataset.sibling || "";
    if (now) steps.replaceWith(now); else steps.remove();
  };
  const close = ({ push = true, focus = true, shows = "pane-empty" } = {}) => {
    turn += 1;
    const was = open();
    tell("pane-leave");
    pane.replaceChildren(document.getElementById(shows).content.cloneNode(true));
    document.title = "Queue · durableweb";
    mark(0);
    tell("pane");
    if (push) history.pushState({}, "", addressOf(0));
    if (focus) (one("[data-row-link]", row(was) || document.createElement("p")) || one("[data-row-link]") || document.getElementById("main")).focus();
  };

  addEventListener("popstate", () => {
    const number = Number(new URLSearchParams(location.search).get("item") || 0);
    if (number === open()) return;
    if (number) show(number, { push: false }); else close({ push: false });
  });

  document.addEventListener("durableweb:open", (event) => {
    event.preventDefault();
    show(event.detail);
  });
  const isPlain = (event) => event.button === 0 && !(event.ctrlKey || event.metaKey || event.shiftKey || event.altKey);
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    if (!link || event.defaultPrevented || !isPlain(event) || link.target) return;
    if (link.matches("[data-close-pane]")) {
      event.preventDefault();
      close();
      return;
    }
    const found = QUESTION.exec(new URL(link.href).pathname);
    if (!found || new URL(link.href).origin !== location.origin || !link.closest(".split")) return;
    event.preventDefault();
    show(Number(found[1]));
  });

  // What is sent from here is answered here
  const bodyOf = (form, submitter) => {
    const data = new FormData(form, submitter);
    return [...data.values()].some((value) => typeof value !== "string") ? data : new URLSearchParams(data);
  };
  const count = (selector, by) => {
    const element = one(selector);
    if (element && /^\d+$/.test(element.textContent.trim())) element.textContent = String(Math.max(Number(element.textContent) + by, 0));
  };
  const done = ({ html, done: words, next, open: waits }, number) => {
    if (!waits) tell("gone", { id: `item-${number}`, words: words.replace(/:? #\d+$/, "").toLowerCase() });
    count("[data-today-done]", 1);
    const wanted = following(number, 1)[0] || next;
    const showing = wanted ? show(wanted, { push: false }) : Promise.resolve(close({ push: false, focus: false, shows: "pane-done" }));
    if (!wanted) history.replaceState({}, "", addressOf(0));
    addStrips(html);
    showing.then((shown) => {
      const title = shown ? one("[data-item]", pane)?.dataset.title : "";
      announce(title ? `${words}. Next: ${title}` : `${words}. Nothing more waits in this view.`);
      if (!wanted) one("#question-title", pane).focus();
    });
  };
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    const submitter = event.submitter;
    const action = new URL(submitter?.getAttribute("formaction") || form.getAttribute("action") || "", location.href);
    if (event.defaultPrevented || form.method !== "post" || !SENT_HERE.test(action.pathname) || !form.closest(".split")) return;
    event.preventDefault();
    const number = open();
    const [next] = following(number, 1);
    try {
      const answer = await fetch(action, { method: "POST", body: bodyOf(form, submitter), headers: headers(next ? { "X-Next": String(next) } : {}), credentials: "same-origin" });
      const part = answer.headers.get("X-Part");
      if (part === "done") {
        done(await answer.json(), number);
      } else if (part === "question") {
        ahead.clear();
        if (action.pathname.startsWith(`${base}decisions/`)) {
          form.closest(".strip")?.remove();
          count("[data-today-done]", -1);
        }
        const isSame = answer.status !== 200 || action.pathname.startsWith(`${base}review/${number}/`);
        put(await answer.text(), isSame ? "keep" : "heading");
        const shown = open();
        if (shown && shown !== number) history.pushState({ item: shown }, "", addressOf(shown));
        announce(one(".strip span", strips)?.textContent || "");
      } else if (answer.status === 401) {
        tell("not-sent");
        tell("signed-out");
      } else if (answer.redirected) {
        location.assign(answer.url);
      } else {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const isStale = page.body.matches(".stale-form");
        if (isStale) tell("stale-form");
        const said = answer.status === 404 ? "this question is gone, or not open to you any more. What you typed is still here, to be copied." : isStale ? "you have logged in since this page was opened. What you typed is still here; send it again." : [...page.querySelectorAll("main h1, main h1 + p")].map((each) => each.textContent.trim()).join(". ");
        tell("not-sent");
        fail(`Not done: ${said || `the server answered ${answer.status}`}`);
      }
    } catch {
      tell("not-sent");
      fail("Not sent: the server does not answer. What you typed is still here; send it again.");
    }
  });

  history.replaceState({ item: open() }, "", location.href);
  mark(open());
  if (open()) {
    row(open())?.scrollIntoView({ block: "nearest" });
    lookAheadSoon();
    topUp(open());
  }
})();
