// The list of decisions: `z` takes back the one under the cursor, without one the newest of one's own.
(() => {
  const undo = () => {
    const row = document.activeElement?.closest("[data-row]");
    return row ? row.querySelector("[data-undo-row]") : document.querySelector("[data-undo-row][data-mine]");
  };
  document.addEventListener("durableweb:key", (event) => {
    if (event.detail !== "z") return;
    const button = undo();
    if (!button) return;
    event.preventDefault();
    button.form.requestSubmit(button);
  });
})();
