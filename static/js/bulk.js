// The sheet of a bulk decision: count what is left, and put a usual reason into its box.
(() => {
  const form = document.querySelector("[data-bulk]");
  if (!form) return;
  const total = Number(form.dataset.bulk);
  const recount = () => {
    const left = total - form.querySelectorAll("[data-bulk-out]:checked").length;
    for (const place of form.querySelectorAll("[data-bulk-count]")) place.textContent = left;
  };
  form.addEventListener("change", (event) => { if (event.target.matches("[data-bulk-out]")) recount(); });
  form.addEventListener("click", (event) => {
    const reason = event.target.closest("[data-bulk-canned]");
    if (!reason) return;
    const box = form.querySelector("#bulk-reason");
    box.value = reason.textContent;
    box.focus();
  });
  recount();
})();
