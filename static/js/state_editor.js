// The editor of a state: the JSON editor when it is asked for, its key, and nothing lost on leaving.
(() => {
  const form = document.querySelector("[data-state-form]");
  if (!form) return;

  // The JSON editor has keys of its own, and tells of what was typed a moment later: when it
  // is left it tells at once, in a task of its own, so the button is pressed in the next one.
  const press = (event, button) => {
    event.preventDefault();
    event.stopPropagation();
    const inEditor = document.activeElement?.closest("[data-json-editor]");
    if (!inEditor) { button.click(); return; }
    document.activeElement.blur();
    setTimeout(() => button.click());
  };
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    // Ctrl or Cmd with J changes between form and JSON; the server carries the words over
    if (event.key.toLowerCase() === "j") {
      const button = form.querySelector("[name=_mode]:not([disabled])");
      if (button && button.offsetParent !== null) press(event, button);
    // Ctrl or Cmd with Enter is "Save and resume", where there is such a button
    } else if (event.key === "Enter") {
      const button = document.querySelector("[data-send]");
      if (button) press(event, button);
    }
  }, true);

  // When the thread moves on, the preview says so
  let asking = 0;
  document.addEventListener("durableweb:live", () => {
    asking ||= setTimeout(() => { asking = 0; form.dispatchEvent(new Event("durableweb:recheck")); }, 500);
  });

  // One press, one save; what is not saved is asked about before leaving
  let dirty = document.querySelector("#preview .diff-row") !== null;
  let sending = false;
  document.addEventListener("input", (event) => { if (event.target.form === form && event.target.name) dirty = true; });
  form.addEventListener("submit", (event) => {
    if (sending) { event.preventDefault(); return; }
    sending = true;
    dirty = false;
  });
  addEventListener("pageshow", () => { sending = false; });
  addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });

  // The JSON editor: fetched only now, over the text area that is there without it
  const place = form.querySelector("[data-json-editor]");
  const area = form.querySelector("#state-values");
  if (!place || !area || matchMedia("(width < 768px)").matches) return;

  // The page's policy takes style elements with its word only
  const make = document.createElement.bind(document);
  document.createElement = (name, options) => {
    const element = make(name, options);
    if (String(name).toLowerCase() === "style") element.nonce = place.dataset.styleNonce;
    return element;
  };

  // Numbers keep every digit through "format": where the browser cannot, that button goes
  const exact = typeof JSON.rawJSON === "function";
  const parser = {
    parse: (text) => JSON.parse(text, (key, value, context) => (
      exact && typeof value === "number" && context?.source !== undefined && String(value) !== context.source ? JSON.rawJSON(context.source) : value)),
    stringify: (value, replacer, space) => JSON.stringify(value, replacer, space),
  };
  const KEPT = ["jse-search", "jse-undo", "jse-redo", ...(exact ? ["jse-format", "jse-compact"] : [])];
  const isKept = (item) => item.type === "space" || KEPT.includes(item.className);

  import(place.dataset.jsonEditor).then(({ createJSONEditor }) => {
    // Whoever types in the text area meanwhile goes on in the editor, at the same place
    const caret = document.activeElement === area ? [area.selectionStart, area.selectionEnd] : null;
    place.hidden = false;
    const editor = createJSONEditor({
      target: place,
      props: {
        content: { text: area.value },
        mode: "text",
        parser,
        mainMenuBar: true,
        askToFormat: false,
        onRenderMenu: (items) => items.filter(isKept),
        onChange: (content) => {
          area.value = content.text ?? parser.stringify(content.json, null, 2);
          area.dispatchEvent(new Event("input", { bubbles: true }));
        },
      },
    });
    // Its icons are marked as decoration and named with nothing, which is one too many
    for (const drawing of place.querySelectorAll("svg[aria-label='']")) drawing.removeAttribute("aria-label");
    area.classList.add("visually-hidden");
    area.tabIndex = -1;
    area.setAttribute("aria-hidden", "true");
    if (caret) {
      editor.select({ type: "text", main: 0, ranges: [{ anchor: caret[0], head: caret[1] }] });
      editor.focus();
    }
  }).catch(() => { place.hidden = true; });
})();
