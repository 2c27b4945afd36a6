// Behaviour that every page shares: menu, colours, relative times, what is said, the time to undo.
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

  // What a page wants to be read first; what went wrong comes before all. Whoever was quicker
  // than this script and types already is left alone: the next letter would be a shortcut.
  const isTyping = document.activeElement?.matches("input, textarea, select");
  if (!isTyping) (one("[role=alert][data-take-focus]") || one("[data-take-focus]"))?.focus();

  // What was typed goes to the clipboard; where there is none for us, it is selected to be copied
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    const source = document.getElementById(button.dataset.copy);
    const told = one("#announcer");
    try {
      await navigator.clipboard.writeText(source.innerText);
      told.textContent = button.lastChild.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(source);
      told.textContent = button.lastChild.textContent = "Selected: copy it with Ctrl C";
    }
  });

  // What was typed or chosen before the scripts came is told to them as if it were now: to
  // those of the page when all of them have begun, and to htmx when it listens. It begins
  // later than they do, and after the page's "load" (readyState is "interactive" in it).
  // Some types write a value in their own way: 10:00:00 is 10:00 without anybody's doing.
  const asDrawn = (field) => {
    const drawn = document.createElement("template");
    drawn.innerHTML = field.outerHTML;
    return drawn.content.firstElementChild.value;
  };
  const isChanged = (field) => {
    if (field.type === "radio") return field.checked && !field.defaultChecked;
    if (field.type === "checkbox") return field.checked !== field.defaultChecked;
    if (field.type !== "select-one") return field.value !== field.defaultValue && field.value !== asDrawn(field);
    const first = [...field.options].find((option) => option.defaultSelected) || field.options[0];
    return Boolean(first) && !first.selected;
  };
  const tellAgain = (root) => {
    for (const field of root.querySelectorAll("input:not([type=hidden]), textarea, select:not([multiple])")) {
      if (!isChanged(field)) continue;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      if (field.matches("select, [type=radio], [type=checkbox]")) field.dispatchEvent(new Event("change", { bubbles: true }));
    }
  };
  document.addEventListener("DOMContentLoaded", () => tellAgain(document));
  document.addEventListener("htmx:after:init", (event) => { if (event.target.matches("form")) tellAgain(event.target); });

  // Relative times stay true while the page is open
  const units = [[86400, "d"], [3600, "h"], [60, "min"]];
  const length = (seconds) => {
    const [size, unit] = units.find(([size]) => seconds >= size) || [1, "s"];
    return `${Math.floor(seconds / size)} ${unit}`;
  };
  const since = (date) => {
    const seconds = (Date.now() - date) / 1000;
    if (seconds < -1) return `in ${length(-seconds)}`;
    return seconds < 10 ? "just now" : `${length(seconds)} ago`;
  };
  const refreshTimes = () => {
    for (const time of all("time[data-since]")) {
      const text = since(new Date(time.getAttribute("datetime")));
      if (time.textContent !== text) time.textContent = text;
    }
  };
  setInterval(refreshTimes, 15000);

  // A decision can be taken back until its workflow goes on
  const countDown = (form) => {
    if (form.dataset.counting) return;
    form.dataset.counting = "yes";
    const left = form.querySelector("[data-undo-left]");
    const count = () => {
      const seconds = Math.ceil((Number(form.dataset.undo) - Date.now()) / 1000);
      if (seconds <= 0) { form.remove(); clearInterval(timer); return; }
      left.textContent = `${seconds} s`;
    };
    const timer = setInterval(count, 500);
    count();
  };
  const countAll = () => { for (const form of all("[data-undo]")) countDown(form); };
  countAll();
  document.addEventListener("durableweb:strips", countAll);
  for (const name of ["durableweb:pane", "durableweb:parts"]) document.addEventListener(name, refreshTimes);

  // What the server says of something that was sent without leaving the page
  document.addEventListener("durableweb:said", ({ detail: said }) => {
    const strips = one("#strips");
    const fresh = [...(said?.querySelectorAll(".strip") || [])];
    if (!fresh.length || !strips) return;
    for (const old of [...strips.children]) if (!old.querySelector("[data-undo]")) old.remove();
    strips.prepend(...fresh);
    for (const old of [...strips.children].slice(2)) old.remove();
    document.dispatchEvent(new CustomEvent("durableweb:strips"));
  });

  // Single-key shortcuts can be switched off; the server keeps that for all devices
  const keysSwitch = one("[data-keys-switch]");
  keysSwitch?.addEventListener("change", () => {
    document.documentElement.classList.toggle("no-keys", !keysSwitch.checked);
    fetch(keysSwitch.form.action, { method: "POST", body: new URLSearchParams(new FormData(keysSwitch.form)), credentials: "same-origin" }).catch(() => {});
  });
})();
