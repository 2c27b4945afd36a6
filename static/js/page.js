// Behaviour that every page shares: menu, colours, shortcuts, relative times.
(() => {
  const store = (name, value) => { try { localStorage.setItem(name, value); } catch { /* private mode */ } };
  const read = (name) => { try { return localStorage.getItem(name); } catch { return null; } };
  const all = (selector) => [...document.querySelectorAll(selector)];
  const one = (selector) => document.querySelector(selector);

  // Colours
  for (const input of all("[data-theme-switch] input")) {
    input.checked = input.value === (read("durableweb.theme") || "system");
    input.addEventListener("change", () => {
      store("durableweb.theme", input.value);
      dispatchEvent(new Event("durableweb:theme"));
    });
  }

  // Menu: closes on Escape and on a click elsewhere
  const menu = one("[data-menu]");
  if (menu) {
    document.addEventListener("click", (event) => { if (!menu.contains(event.target)) menu.open = false; });
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  }

  // Filters answer to a choice; their button is for those without scripts
  for (const select of all("[data-submit-on-change]")) select.addEventListener("change", () => select.form.requestSubmit());

  // What a page wants to be read first
  one("[data-take-focus]")?.focus();

  // Relative times stay true while the page is open
  const units = [[86400, "d"], [3600, "h"], [60, "min"]];
  const since = (date) => {
    const seconds = (Date.now() - date) / 1000;
    if (seconds < -1) return null;
    if (seconds < 10) return "just now";
    for (const [size, unit] of units) if (seconds >= size) return `${Math.floor(seconds / size)} ${unit} ago`;
    return `${Math.floor(seconds)} s ago`;
  };
  const refreshTimes = () => {
    for (const time of all("time[data-since]")) {
      const text = since(new Date(time.getAttribute("datetime")));
      if (text && time.textContent !== text) time.textContent = text;
    }
  };
  setInterval(refreshTimes, 15000);

  // A decision can be taken back until its workflow goes on
  for (const form of all("[data-undo]")) {
    const left = form.querySelector("[data-undo-left]");
    const count = () => {
      const seconds = Math.ceil((Number(form.dataset.undo) - Date.now()) / 1000);
      if (seconds <= 0) { form.remove(); clearInterval(timer); return; }
      left.textContent = `${seconds} s`;
    };
    const timer = setInterval(count, 500);
    count();
  }

  // Shortcuts
  const keysSwitch = one("[data-keys-switch]");
  const keysOn = () => read("durableweb.keys") !== "off";
  if (keysSwitch) {
    keysSwitch.checked = keysOn();
    keysSwitch.addEventListener("change", () => {
      store("durableweb.keys", keysSwitch.checked ? "on" : "off");
      document.documentElement.classList.toggle("no-keys", !keysSwitch.checked);
    });
  }
  const help = one("#keys-help");
  one("[data-keys-help]")?.addEventListener("click", () => { menu.open = false; help.showModal(); });

  const isWriting = (target) => target instanceof HTMLElement
    && (target.isContentEditable || target.matches("input:not([type=checkbox]):not([type=radio]):not([type=button]):not([type=submit]), textarea, select")
      || target.closest("[data-own-keys]") !== null);
  const rows = () => all("[data-row] [data-row-link]").filter((link) => link.offsetParent !== null);
  const step = (by) => {
    const links = rows();
    if (!links.length) return;
    const at = links.indexOf(document.activeElement);
    const next = at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + by, 0), links.length - 1);
    links[next].focus();
    links[next].scrollIntoView({ block: "nearest" });
  };
  const go = { q: "/queue/", r: "/runs/", d: "/decisions/", s: "/start/" };
  let afterG = 0;
  const global = {
    j: () => step(1),
    k: () => step(-1),
    o: () => document.activeElement?.matches("[data-row-link]") && document.activeElement.click(),
    ".": () => one("[data-live-pill]:not([hidden])")?.click(),
    "?": () => help?.showModal(),
    g: () => { afterG = Date.now(); },
  };

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (!keysOn() || isWriting(event.target) || one("dialog[open]")) return;
    if (event.repeat && !"jk".includes(event.key)) return;
    if (Date.now() - afterG < 1200 && go[event.key]) {
      event.preventDefault();
      afterG = 0;
      location.href = go[event.key];
      return;
    }
    const marked = all(`[data-key="${CSS.escape(event.key)}"]`).find((element) => element.offsetParent !== null);
    if (marked) {
      event.preventDefault();
      if (marked.matches("input[type=search]")) marked.focus(); else marked.click();
    } else if (global[event.key]) {
      event.preventDefault();
      global[event.key]();
    }
  });
})();
