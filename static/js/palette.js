// The command palette (Ctrl or Cmd with K): pages, views, a question by its number, and what
// can be done with what is open. It lists what the page offers and presses that for you, so it
// never does what a button would not.
(() => {
  const dialog = document.getElementById("palette");
  if (!dialog) return;
  const text = document.getElementById("palette-text");
  const list = document.getElementById("palette-list");
  const told = dialog.querySelector("[data-palette-count]");
  const all = (selector) => [...document.querySelectorAll(selector)];
  const MOST = 12;
  const PATIENCE_MS = 5000;

  const isSeen = (element) => element.getClientRects().length > 0 && !element.disabled && !element.closest("dialog");
  // The words of a button as they are seen: without its key, and without what is folded away.
  const wordsOf = (element) => {
    const copy = element.cloneNode(true);
    for (const part of copy.querySelectorAll("kbd, .when-open, .count, [aria-hidden=true]")) part.remove();
    return (element.dataset.command || element.getAttribute("aria-label") || copy.textContent).replace(/\s+/g, " ").trim();
  };
  const ownKeys = JSON.parse(document.body.dataset.keys || "{}");
  const hintOf = ({ dataset }) => ownKeys[dataset.key] ?? dataset.key;

  let views = [];
  // Runs while the views are being asked for; whoever has pressed Enter meanwhile waits for it.
  let asked = null;
  let own = [];
  const gather = () => {
    const offered = [...new Set([...all("[data-decision-bar] [data-key]"), ...all("[data-key]")])];
    const acts = offered.filter((element) => isSeen(element) && wordsOf(element)).map((element) => ({
      kind: "Do", words: wordsOf(element), hint: hintOf(element),
      run: () => { if (element.matches("input, textarea")) element.focus(); else element.click(); },
    }));
    for (const [selector, words] of [["#comment-text", "Comment"], ["#arrange-snooze", "Put off"]]) {
      if (document.querySelector(selector)) acts.push({ kind: "Do", words, hint: "", run: () => document.dispatchEvent(new CustomEvent("durableweb:write", { detail: selector })) });
    }
    const editor = document.querySelector("[data-edit-state]");
    if (editor) acts.push({ kind: "Do", words: wordsOf(editor), hint: ownKeys.E ?? "E", run: () => editor.click() });
    const links = all(".rail-nav a, .menu-sheet a.menu-row");
    const isFirst = (link, index) => links.findIndex((other) => other.href === link.href) === index;
    const pages = links.filter(isFirst).map((link) => ({ kind: "Go to", words: wordsOf(link), hint: "", run: () => { location.href = link.href; } }));
    const help = { kind: "Do", words: "Show shortcuts", hint: "", run: () => document.querySelector("[data-keys-help]").click() };
    own = [...acts, ...pages, help];
  };
  const fetchViews = async () => {
    try {
      const answer = await fetch(dialog.dataset.views, { credentials: "same-origin", signal: AbortSignal.timeout(PATIENCE_MS) });
      if (!answer.ok) return;
      views = (await answer.json()).views.map(({ name, query }) => ({ kind: "View", words: name, hint: "", run: () => { location.href = `${dialog.dataset.queue}?${query}`; } }));
      if (dialog.open) showMore();
    } catch {
      // Without them the palette still has the rest.
    } finally {
      asked = null;
    }
  };

  let found = [];
  let at = 0;
  const matching = (typed) => {
    const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
    const fits = (each) => words.every((word) => `${each.kind} ${each.words}`.toLowerCase().includes(word));
    const some = [...own, ...views].filter(fits).slice(0, MOST);
    const number = /^#?(\d{1,18})$/.exec(typed.trim());
    if (number) some.unshift({ kind: "Question", words: `#${number[1]}`, hint: "", run: () => open(number[1]) });
    else if (typed.trim()) some.push({ kind: "Search", words: `the queue for “${typed.trim()}”`, hint: "", run: () => { location.href = `${dialog.dataset.queue}?${new URLSearchParams({ q: typed.trim(), sort: "age" })}`; } });
    return some;
  };
  const open = (number) => {
    const wanted = new CustomEvent("durableweb:open", { detail: Number(number), cancelable: true });
    if (document.dispatchEvent(wanted)) location.href = `${dialog.dataset.queue}?item=${number}`;
  };
  const point = (index) => {
    at = found.length ? (index + found.length) % found.length : 0;
    [...list.children].forEach((option, place) => option.setAttribute("aria-selected", String(place === at)));
    const option = list.children[at];
    if (option) text.setAttribute("aria-activedescendant", option.id); else text.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  };
  const show = () => {
    found = matching(text.value);
    list.replaceChildren(...found.map((each, index) => {
      const option = document.createElement("li");
      option.id = `palette-option-${index}`;
      option.setAttribute("role", "option");
      const kind = document.createElement("span");
      kind.className = "palette-kind";
      kind.textContent = each.kind;
      const words = document.createElement("span");
      words.textContent = each.words;
      option.append(kind, " ", words);
      if (each.hint) {
        const hint = document.createElement("kbd");
        hint.textContent = each.hint;
        option.append(hint);
      }
      return option;
    }));
    told.textContent = found.length === 1 ? "1 command" : `${found.length || "No"} commands`;
    point(0);
  };
  // Nothing fits but a search: what is meant may come with the views.
  const isLastResort = () => found.length === 1 && found[0].kind === "Search";
  const showMore = () => {
    const { kind, words } = isLastResort() ? {} : (found[at] ?? {});
    show();
    // What was chosen with the arrows stays chosen.
    point(Math.max(0, found.findIndex((each) => each.kind === kind && each.words === words)));
  };
  const run = (index) => {
    const chosen = found[index];
    dialog.close();
    chosen?.run();
  };
  // The words may be those of a view that the server has not told yet.
  const runWhenTold = async () => {
    if (asked && isLastResort()) await asked;
    if (dialog.open) run(at);
  };

  text.addEventListener("input", show);
  text.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const moves = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: found.length - 1, PageUp: 0 };
    if (event.key in moves) {
      event.preventDefault();
      point(moves[event.key]);
    } else if (event.key === "Enter") {
      event.preventDefault();
      runWhenTold();
    }
  });
  list.addEventListener("click", (event) => {
    const index = [...list.children].indexOf(event.target.closest("[role=option]"));
    if (index >= 0) run(index);
  });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
    event.preventDefault();
    if (dialog.open) { dialog.close(); return; }
    if (document.querySelector("dialog[open]")) return;
    text.value = "";
    gather();
    dialog.showModal();
    show();
    if (!views.length) asked ??= fetchViews();
  });
})();
