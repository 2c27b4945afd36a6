// What stands beside a question: the part that was chosen stays chosen with the next question.
//
// Where the room is too narrow for a column it is one line above the form ([data-side], a
// <details>). At first it is open where the state has facts to show ([data-side-first]) and
// they fit side by side, and folded on a phone; then it is as its reader left it. A comment that
// was begun waits for its question to come back.
//
// What others do around the open question (claim it, arrange it, comment on it) comes with the
// events of its thread: then each [data-desk-part] (with an id) is drawn anew, but for one in
// which somebody writes. "durableweb:parts" tells of it.
(() => {
  const TWO_CARDS_REM = 34;
  let chosen = "";
  let isOpen = null;

  const begin = () => {
    const fold = document.querySelector("[data-side]");
    if (!fold) return;
    const line = fold.querySelector("summary");
    const isColumn = () => getComputedStyle(line).display === "none";
    const tab = chosen && document.getElementById(chosen);
    if (tab) tab.checked = true;
    const item = fold.closest("[data-item]");
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const isFirst = () => fold.hasAttribute("data-side-first") && item.clientWidth >= TWO_CARDS_REM * rem;
    const settle = () => { fold.open = isColumn() || (isOpen ?? isFirst()); };
    settle();
    fold.dataset.begun = "";
    line.addEventListener("click", () => { isOpen = !fold.open; });
    let was = isColumn();
    new ResizeObserver(() => {
      if (isColumn() === was) return;
      was = isColumn();
      settle();
    }).observe(item);
  };

  // A comment that was begun stays with its question until it is sent
  const begun = new Map();
  const comment = () => document.getElementById("comment-text");
  const itemOf = (field) => field.closest("[data-item]")?.dataset.item;
  const keep = () => {
    const field = comment();
    if (!field) return;
    if (field.value.trim()) begun.set(itemOf(field), field.value); else begun.delete(itemOf(field));
  };
  const giveBack = () => {
    const field = comment();
    const words = field && begun.get(itemOf(field));
    if (words && !field.value) field.value = words;
  };
  document.addEventListener("input", (event) => { if (event.target === comment()) keep(); });
  document.addEventListener("htmx:after:swap", keep);
  document.addEventListener("submit", (event) => { if (!event.defaultPrevented && event.target.contains(comment())) begun.delete(itemOf(comment())); });
  document.addEventListener("durableweb:pane", giveBack);
  addEventListener("beforeunload", (event) => { if (begun.size) event.preventDefault(); });

  // What others do around it
  const FIELDS = "input:not([type=hidden]), select, textarea";
  const isChanged = (field) => (field.matches("select")
    ? field.selectedIndex !== Math.max([...field.options].findIndex((option) => option.defaultSelected), 0)
    : field.value !== field.defaultValue);
  const isWritten = (part) => document.activeElement?.matches(FIELDS) && part.contains(document.activeElement) || [...part.querySelectorAll(FIELDS)].some(isChanged);
  const withoutTokens = (part) => {
    const copy = part.cloneNode(true);
    for (const token of copy.querySelectorAll("[name=csrfmiddlewaretoken]")) token.remove();
    return copy;
  };
  const replace = (old, fresh, isSent) => {
    if (!isSent && isWritten(old) || withoutTokens(old).isEqualNode(withoutTokens(fresh))) return;
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const open = [old, ...old.querySelectorAll("details")].map((each) => each.open);
    old.replaceWith(fresh);
    [fresh, ...fresh.querySelectorAll("details")].forEach((each, index) => { if (open[index] !== undefined) each.open = open[index]; });
    window.htmx?.process(fresh);
    // Never to another button: the next Enter would press it.
    if (focused) (document.getElementById(focused.id) || document.querySelector("#question-title"))?.focus({ preventScroll: true });
  };
  const address = () => document.querySelector("[data-review]")?.getAttribute("action").replace(/decision$/, "");
  const holder = () => document.querySelector("#bar-holder p")?.textContent || "";
  const take = (page, sent) => {
    const before = holder();
    for (const fresh of page.querySelectorAll("[data-desk-part]")) {
      const old = document.getElementById(fresh.id);
      if (old) replace(old, fresh, old === sent);
    }
    const words = holder() || "Nobody else has this question any more.";
    if (holder() !== before) document.dispatchEvent(new CustomEvent("durableweb:announce", { detail: words }));
    document.dispatchEvent(new CustomEvent("durableweb:parts"));
  };
  const ask = async (url, more) => {
    const headers = { "X-Queue-View": document.getElementById("pane")?.dataset.view || "", ...more.headers };
    const answer = await fetch(url, { ...more, headers, credentials: "same-origin", cache: "no-store" });
    const template = document.createElement("template");
    const isQuestion = answer.ok && answer.headers.get("X-Part") === "question";
    if (isQuestion) template.innerHTML = await answer.text();
    return isQuestion ? template.content : null;
  };
  let looking = false;
  let again = false;
  const look = async () => {
    again = looking;
    if (looking) return;
    looking = true;
    const asked = address();
    // As if fetched ahead: nobody has read anything by it.
    const page = await ask(asked, { headers: { "X-Prefetch": "1" } }).catch(() => null);
    looking = false;
    if (page && asked === address()) take(page);
    if (again) look();
  };
  document.addEventListener("durableweb:live", ({ detail }) => {
    const here = address();
    if (!here || !(detail.html || "").includes("event-desk")) return;
    const template = document.createElement("template");
    template.innerHTML = detail.html;
    if (template.content.querySelector(`.event-desk a[href="${CSS.escape(here)}"]`)) look();
  });

  // What is done here around it leaves the words of its form where they are. Where it is refused
  // it is sent once more in the usual way, which tells why.
  const refused = new WeakSet();
  document.addEventListener("submit", async (event) => {
    const { target: form, submitter } = event;
    if (event.defaultPrevented || refused.delete(form) || !form.closest("[data-desk-part]") || document.querySelector("#conflict")) return;
    event.preventDefault();
    const asked = address();
    const body = new URLSearchParams(new FormData(form, submitter));
    const part = form.closest("[data-desk-part]").id;
    const page = await ask(form.action, { method: "POST", body }).catch(() => null);
    if (asked !== address()) return;
    if (page && !page.querySelector("[data-decision-bar]")) {
      location.reload(); // it is no longer this person's to decide
    } else if (page) {
      take(page, document.getElementById(part)); // the news of it may have been here first
      document.dispatchEvent(new CustomEvent("durableweb:said", { detail: page.querySelector("[data-strips]") }));
    } else if (form.isConnected) {
      refused.add(form);
      form.requestSubmit(submitter);
    }
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-side] [name=side]")) chosen = event.target.id;
  });
  document.addEventListener("durableweb:pane", begin);
  begin();
})();
