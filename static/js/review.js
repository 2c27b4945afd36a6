// The review page: what is typed is never lost, and no key decides from a text field.
//
// It begins anew with every question that comes into the page ("durableweb:pane"), and ends
// what it did for the last one before that goes ("durableweb:pane-leave").
let endReview = () => {};
const beginReview = () => {
  endReview();
  // After a decision the question on the page is read first, then the strip that tells of the last
  const isTyping = document.activeElement?.matches("input, textarea, select");
  if (!isTyping && document.querySelector(".page-review .strip") && !document.querySelector("[data-take-focus]")) {
    document.querySelector("#question-title")?.focus();
  }
  const form = document.querySelector("[data-review]");
  const bar = document.querySelector("[data-decision-bar]");
  if (!form || !bar) return;
  const life = new AbortController();
  const { signal } = life;

  const edit = document.querySelector("#edit");
  const diff = document.querySelector("#diff");
  const approve = bar.querySelector("[data-approve]");
  const approveEdit = bar.querySelector("[data-approve-edit]");
  let sending = false;

  // The edit form opens from its button and takes the focus
  bar.querySelector("[data-open-edit]")?.addEventListener("click", (event) => {
    event.preventDefault();
    edit.open = true;
    const first = edit.querySelector("input:not([type=hidden]), textarea, select");
    first?.focus({ preventScroll: true });
    edit.scrollIntoView({ block: "start" });
  });

  // A panel takes the focus when it opens and gives it back on Escape. Where there are usual
  // reasons it goes to them, so that a digit chooses one.
  const start = (panel) => {
    const box = panel.querySelector("textarea");
    box.setSelectionRange(box.value.length, box.value.length); // after the words of a draft
    (panel.querySelector("[data-canned]") || box).focus();
  };
  for (const panel of bar.querySelectorAll(".bar-panel")) {
    let wasOpen = panel.open; // with a draft: the question is read first
    panel.addEventListener("toggle", () => {
      // It comes late: whoever was quick has chosen a reason already.
      const isIn = panel.querySelector(".bar-sheet").contains(document.activeElement);
      if (wasOpen) wasOpen = false; else if (panel.open && !isIn) start(panel);
    });
    panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape") {
        panel.open = false;
        panel.querySelector("summary").focus();
      }
    });
  }

  // Of many calls most are approved: one press chooses that for the rest, and sends nothing
  form.querySelector("[data-approve-rest]")?.addEventListener("click", () => {
    let count = 0;
    for (const group of form.querySelectorAll(".batch-card fieldset[id$='-decision']")) {
      const choice = group.querySelector(":checked") ? null : group.querySelector("[type=radio][value=approve]");
      if (!choice) continue;
      choice.checked = true;
      choice.dispatchEvent(new Event("input", { bubbles: true }));
      count += 1;
    }
    document.dispatchEvent(new CustomEvent("durableweb:announce", { detail: `${count} chosen to be approved, nothing sent yet` }));
  });

  // A usual reason is one press; it stands in the box, where it can be changed, and Enter sends it
  for (const button of bar.querySelectorAll("[data-canned]")) {
    button.addEventListener("click", () => {
      const panel = button.closest(".bar-panel");
      const box = panel.querySelector("textarea");
      const said = box.value.trim();
      const reason = button.dataset.canned.trim();
      if (!said.includes(reason)) box.value = [said, reason].filter(Boolean).join(". ");
      panel.querySelector("[type=submit]").focus();
      box.dispatchEvent(new Event("input", { bubbles: true }));
    });
  }

  // Changes: the server lists them, and the button says what it would do
  const showChanges = () => {
    const changed = diff?.querySelector(".diff-row") !== null && diff !== null;
    diff?.closest(".diff-card")?.toggleAttribute("data-empty", !changed && !diff.querySelector("[data-unreadable]"));
    if (approveEdit && !approveEdit.classList.contains("hide-always")) {
      approveEdit.hidden = !changed;
      if (approve) approve.hidden = changed;
    }
  };
  document.addEventListener("htmx:after:swap", showChanges, { signal });
  showChanges();

  // Somebody else was first, or it takes no answer any more, or has changed: say so at once, and
  // leave the draft as it is
  const note = bar.querySelector("[data-decided-note]");
  document.addEventListener("durableweb:live", (event) => {
    const template = document.createElement("template");
    template.innerHTML = event.detail.html || "";
    const own = note.dataset.decidedNote;
    const about = (kind) => [...template.content.querySelectorAll(kind)]
      .filter((item) => [...item.querySelectorAll("a")].some((link) => link.getAttribute("href") === own)).pop();
    const decision = about(".event-decision");
    const told = decision || about(".event-interrupt");
    if (!told || sending) return;
    const line = (decision || told.querySelector(".status")).cloneNode(true);
    for (const place of line.querySelectorAll("a, .event-time")) place.remove(); // "question #7" is this one
    const words = line.textContent.replace(/\s+/g, " ").trim();
    const waits = !decision && told.querySelector(".status-is-waiting");
    const link = document.createElement("a");
    link.href = own;
    link.textContent = decision ? "Show the decision" : "Show it as it is now";
    const happened = decision ? `Decided meanwhile: ${words}` : waits ? "The question has changed meanwhile" : `It takes no answer any more: ${words.toLowerCase()}`;
    note.replaceChildren(`${happened}. What you typed is still here. `, link);
    note.hidden = false;
  }, { signal });

  let dirty = false;
  // Ctrl or Cmd with Enter sends the decision that is open
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    const panel = event.target.closest?.(".bar-panel[open]");
    // The list of changes may still be on its way: what was typed in the edit is sent as an edit.
    const isEdit = approveEdit && dirty && event.target.closest?.("#edit");
    const button = isEdit ? approveEdit : panel ? panel.querySelector("[type=submit]") : (approveEdit && !approveEdit.hidden ? approveEdit : approve);
    if (!button) return;
    event.preventDefault();
    button.click();
  }, { signal });

  // One press, one decision; what is not sent is asked about before leaving
  document.addEventListener("input", (event) => {
    if (event.target.form === form && event.target.name) dirty = true;
  }, { signal });
  // What is typed is kept on the server too, so that another device or a crash loses nothing
  let keeping = 0;
  const keepDraft = () => {
    keeping = 0;
    if (!sending) fetch(form.dataset.draft, { method: "POST", body: new FormData(form), credentials: "same-origin", keepalive: true })
      .then((answer) => { if (answer.status === 401) document.dispatchEvent(new CustomEvent("durableweb:signed-out")); })
      .catch(() => {});
  };
  if (form.dataset.draft) {
    document.addEventListener("input", (event) => {
      if (event.target.form === form && event.target.name && event.target.type !== "file") keeping ||= setTimeout(keepDraft, 1500);
    }, { signal });
  }
  form.addEventListener("submit", (event) => {
    clearTimeout(keeping);
    keeping = 0;
    if (sending) {
      event.preventDefault();
      return;
    }
    sending = true;
    dirty = false;
    setTimeout(() => { for (const button of bar.querySelectorAll("[type=submit]")) button.setAttribute("aria-disabled", "true"); });
  });
  const sendAgain = () => {
    sending = false;
    dirty = true;
    for (const button of bar.querySelectorAll("[aria-disabled]")) button.removeAttribute("aria-disabled");
  };
  addEventListener("pageshow", (event) => { if (event.persisted) sendAgain(); }, { signal });
  for (const name of ["durableweb:not-sent", "durableweb:signed-out"]) document.addEventListener(name, () => { if (sending) sendAgain(); }, { signal });
  addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); }, { signal });
  endReview = () => {
    if (keeping) {
      clearTimeout(keeping);
      keepDraft();
    }
    life.abort();
    endReview = () => {};
  };
};
beginReview();
document.addEventListener("durableweb:pane", beginReview);
document.addEventListener("durableweb:pane-leave", () => endReview());
