// Single keys: what each one does on this page, in the words of its reader.
//
// Pages name keys as they are at first: data-key="a" is pressed by `a`, data-go="g q" by `g`
// and then `q`. What a person has chosen instead stands in data-keys of the body, as JSON from
// the first key to their own. Keys that no element claims are sent as "durableweb:key".
(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const one = (selector) => document.querySelector(selector);
  const SECOND_KEY_MS = 1200;
  const own = JSON.parse(document.body.dataset.keys || "{}");
  const meant = (pressed) => {
    const found = Object.entries(own).find(([, key]) => key === pressed);
    if (found) return found[0];
    return pressed in own ? "" : pressed;
  };
  const keyFor = (first) => (first in own ? own[first] : first);
  const keysOn = () => !document.documentElement.classList.contains("no-keys");

  // What is printed on buttons is what is to be pressed
  const printed = (first) => keyFor(first).split(" ").join(" then ");
  const printKeys = () => {
    for (const hint of all("kbd")) {
      const first = hint.dataset.keyHint || hint.closest("[data-key]")?.dataset.key;
      if (!first || hint.closest("dialog")) continue;
      hint.hidden = !printed(first);
      if (hint.textContent !== printed(first)) hint.textContent = printed(first);
    }
  };
  if (Object.keys(own).length) {
    printKeys();
    for (const name of ["durableweb:pane", "durableweb:strips", "durableweb:parts"]) document.addEventListener(name, printKeys);
  }

  const isWriting = (target) => target instanceof HTMLElement
    && (target.isContentEditable || target.matches("input:not([type=checkbox]):not([type=radio]):not([type=button]):not([type=submit]), textarea, select")
      || target.closest("[data-own-keys]") !== null);
  const isSeen = (element) => element.offsetParent !== null || element.getClientRects().length > 0;

  // Rows
  const links = () => all("[data-row] [data-row-link]").filter(isSeen);
  const currentLink = () => {
    const row = document.activeElement?.closest("[data-row]") || one("[data-row][aria-current]");
    return row?.querySelector("[data-row-link]");
  };
  const step = (by) => {
    const found = links();
    if (!found.length) return;
    const at = found.indexOf(currentLink());
    const next = at < 0 ? (by > 0 ? 0 : found.length - 1) : Math.min(Math.max(at + by, 0), found.length - 1);
    found[next].focus();
    found[next].scrollIntoView({ block: "nearest" });
  };
  document.addEventListener("durableweb:step", (event) => step(event.detail));

  // Parts that open to be written in
  const write = (selector) => {
    const field = one(selector);
    for (let folded = field?.closest("details:not([open])"); folded; folded = folded.closest("details:not([open])")) folded.open = true;
    const part = field && !isSeen(field) && field.closest(".side-part");
    if (part) one(`#${[...part.classList].find((name) => name.startsWith("side-") && name !== "side-part")}`)?.click();
    field?.focus();
    field?.scrollIntoView({ block: "center" });
  };
  document.addEventListener("durableweb:write", (event) => write(event.detail));
  // The link that the row leads to; without a row, that of the page.
  const copyLink = async () => {
    const say = (words) => document.dispatchEvent(new CustomEvent("durableweb:announce", { detail: words }));
    const row = currentLink()?.closest("[data-row]");
    try {
      await navigator.clipboard.writeText(currentLink()?.href || location.href);
    } catch {
      say("The link could not be copied: the browser does not allow it here.");
      return;
    }
    say("Link copied");
    row?.classList.add("is-copied");
    setTimeout(() => row?.classList.remove("is-copied"), 1200);
  };
  const help = one("#keys-help");
  const doings = {
    j: () => step(1),
    k: () => step(-1),
    o: () => (currentLink() || links()[0])?.click(),
    u: () => currentLink()?.focus(),
    c: () => write("#comment-text"),
    s: () => write("#arrange-snooze"),
    E: () => one("[data-edit-state]")?.click(),
    y: copyLink,
    "?": () => help?.showModal(),
  };
  one("[data-keys-help]")?.addEventListener("click", () => { one("[data-menu]").open = false; help.showModal(); });

  // Usual reasons have numbers while their box is open
  const reason = (key) => {
    const offered = all("details[open] [data-canned]").filter(isSeen);
    return /^[1-9]$/.test(key) ? offered[Number(key) - 1] : undefined;
  };

  const press = (element) => {
    if (element.matches("input:not([type=checkbox], [type=radio], [type=submit]), textarea, select")) {
      element.focus();
      element.select?.();
    } else {
      element.click();
    }
  };
  const act = (key, event) => {
    const marked = reason(key) || all(`[data-key="${CSS.escape(key)}"], [data-go="${CSS.escape(key)}"]`).find((element) => isSeen(element) && !element.disabled);
    if (marked) {
      event.preventDefault();
      press(marked);
    } else if (doings[key]) {
      event.preventDefault();
      doings[key]();
    } else if (!document.dispatchEvent(new CustomEvent("durableweb:key", { detail: key, cancelable: true }))) {
      event.preventDefault();
    }
  };

  let first = "";
  let firstAt = 0;
  const pairs = () => [...Object.values(own), ...all("[data-go]").map((element) => keyFor(element.dataset.go))];
  const begins = (key) => pairs().some((pair) => pair.startsWith(`${key} `));
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (!keysOn() || isWriting(event.target) || one("dialog[open]") || event.key === "Shift") return;
    if (event.repeat && !["j", "k"].includes(meant(event.key))) return;
    const pair = first && Date.now() - firstAt < SECOND_KEY_MS ? `${first} ${event.key}` : "";
    first = "";
    if (pair && pairs().includes(pair)) {
      act(meant(pair), event);
    } else if (begins(event.key)) {
      event.preventDefault();
      first = event.key;
      firstAt = Date.now();
    } else if (meant(event.key)) {
      act(meant(event.key), event);
    }
  });
})();
