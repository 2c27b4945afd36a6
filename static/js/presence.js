// Who else is here: told and asked in one call every ten seconds, while the page is seen.
//
//   [data-presence-at="12"]  the question that is open; gets "Ana is answering, Ben looks"
//   [data-presence="12"]     its place in a list; gets a dot with the names
//   [data-presence-url]      on the body: where to ask
//   [data-claim-until]       a <time>: until when the open question is one's own; typing renews it
//   [data-claim-note]        is told before that ends, and when it has
(() => {
  const EVERY_MS = 10000;
  const WARN_MS = 120000;
  const url = document.body.dataset.presenceUrl;
  if (!url) return;

  const open = () => document.querySelector("[data-presence-at]");
  const token = () => document.querySelector("[name=csrfmiddlewaretoken]")?.value || "";
  let at = "";
  let edits = false;

  const list = new Intl.ListFormat("en", { type: "conjunction" });
  const sentence = (people) => {
    const editors = people.filter(([, editing]) => editing).map(([name]) => name);
    const lookers = people.filter(([, editing]) => !editing).map(([name]) => name);
    const parts = [];
    if (editors.length) parts.push(`${list.format(editors)} ${editors.length > 1 ? "are" : "is"} answering`);
    if (lookers.length) parts.push(`${list.format(lookers)} ${lookers.length > 1 ? "look" : "looks"} at this`);
    return parts.length ? `${parts.join(", ")}.` : "";
  };

  const put = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
    element.hidden = text === "";
  };
  const show = (found) => {
    const here = open();
    if (here) put(here, sentence(found[here.dataset.presenceAt] || []));
    for (const place of document.querySelectorAll("[data-presence]")) {
      const people = found[place.dataset.presence] || [];
      const names = people.map(([name]) => name).join(", ");
      place.classList.toggle("is-edited", people.some(([, editing]) => editing));
      place.title = sentence(people);
      put(place, names);
    }
  };

  // One's own claim on the open question: it is said before it ends, and that what is typed stays
  const renew = (number, claim) => {
    const shown = document.querySelector("[data-claim-until]");
    if (!shown || open()?.dataset.presenceAt !== number) return;
    // Without one it has ended, or somebody else has taken it over.
    shown.dateTime = claim ? claim.until : new Date().toISOString();
    if (claim) put(shown, claim.words);
  };
  const tellOfClaim = () => {
    const note = document.querySelector("[data-claim-note]");
    const until = document.querySelector("[data-claim-until]");
    if (!note) return;
    if (!until) {
      put(note, "");
      return;
    }
    const left = Date.parse(until.dateTime) - Date.now();
    if (left <= 0) put(note, "Your claim has ended: somebody else may take this question. What you typed is kept.");
    else if (left <= WARN_MS) put(note, `Your claim ends ${left > WARN_MS / 2 ? "in less than two minutes" : "within a minute"}. Typing renews it; under “Hold it longer” it lasts for hours.`);
    else put(note, "");
  };

  const call = (fields, more = {}) => {
    const body = new URLSearchParams(fields);
    body.append("csrfmiddlewaretoken", token());
    return fetch(url, { method: "POST", body, credentials: "same-origin", ...more });
  };
  const leave = () => {
    if (at) call([["at", at], ["leaves", "1"]], { keepalive: true }).catch(() => {});
    at = "";
    edits = false;
  };
  const beat = async () => {
    if (document.hidden) return;
    tellOfClaim();
    const here = open()?.dataset.presenceAt || "";
    if (here !== at) leave();
    at = here;
    const items = [...document.querySelectorAll("[data-presence]")].slice(0, 200).map((place) => ["item", place.dataset.presence]);
    if (!at && !items.length) return;
    const fields = [...(at ? [["at", at]] : []), ...(edits ? [["edits", "1"]] : []), ...items];
    edits = false;
    try {
      const answer = await call(fields);
      if (answer.status === 401) document.dispatchEvent(new CustomEvent("durableweb:signed-out"));
      if (!answer.ok || answer.redirected) return;
      const told = await answer.json();
      if (here) renew(here, told.claim);
      show(told);
      tellOfClaim();
    } catch {
      // The server is away; the next call tells.
    }
  };

  document.addEventListener("input", (event) => {
    if (!event.target.closest?.("[data-review], [data-decision-bar], [data-state-form]")) return;
    const isFirst = !edits;
    edits = true;
    if (isFirst && Date.now() - beat.editedAt > EVERY_MS) { beat.editedAt = Date.now(); beat(); }
  });
  beat.editedAt = 0;
  // Another question in the pane is another place.
  for (const name of ["htmx:after:swap", "durableweb:pane"]) document.addEventListener(name, () => { if ((open()?.dataset.presenceAt || "") !== at) beat(); });
  document.addEventListener("visibilitychange", () => { if (document.hidden) leave(); else beat(); });
  addEventListener("pagehide", leave);
  setInterval(beat, EVERY_MS);
  beat();
})();
