// Folds what arrives in a timeline as the server folds what was there (templatetags/timeline.py):
// tasks of one node that ended alike one after another are one line, which opens, and so are the
// threads that a node starts. What differs among them is put as data-folded says. The events
// stay in the page with their ids, inside it. Without this script they stand one by one.
(() => {
  const FEWEST = 4;
  const mould = document.getElementById("timeline-fold");
  const timeline = document.getElementById("timeline");
  if (!mould || !timeline) return;

  const sharedBy = (element) => element.dataset.fold || element.dataset.alike || "";
  const listOf = (fold) => fold.querySelector("ol");
  const made = (first) => {
    const fold = mould.content.firstElementChild.cloneNode(true);
    fold.dataset.fold = first.dataset.alike;
    for (const part of [".event-mark", ".event-line", ".event-time"]) {
      const words = first.querySelector(part);
      if (words) fold.querySelector(part).replaceChildren(...[...words.childNodes].map((node) => node.cloneNode(true)));
    }
    for (const part of fold.querySelectorAll("summary [data-folded]")) part.replaceWith(part.dataset.folded);
    first.before(fold);
    return fold;
  };
  const fold = (run) => {
    const old = run.find((each) => each.dataset.fold);
    if (run.length < (old ? 2 : FEWEST)) return;
    const into = old || made(run[0]);
    for (const each of run) if (each !== into) listOf(into).append(each);
    into.querySelector("[data-fold-count]").textContent = String(listOf(into).childElementCount);
  };
  const foldAll = () => {
    let run = [];
    for (const each of [...timeline.children, null]) {
      if (each && run.length && sharedBy(each) && sharedBy(each) === sharedBy(run[0])) {
        run.push(each);
      } else {
        fold(run);
        run = each ? [each] : [];
      }
    }
  };
  foldAll();
  new MutationObserver(foldAll).observe(timeline, { childList: true });
})();
