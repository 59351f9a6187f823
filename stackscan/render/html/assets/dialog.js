// A dialog that shows one goroutine: its anchor is in the address while it is open.

function goroutineDialog(id, anchor, ...content) {
  const open = document.querySelector("dialog.goroutine");
  const from = open ? open.from : { focus: document.activeElement, address: address.text() };
  open?.remove();
  const dialog = h(
    "dialog",
    { class: "goroutine", "aria-labelledby": "goroutine-title", close: () => closed(dialog) },
    h("form", { method: "dialog", class: "close" }, h("button", { "aria-label": "Close" }, "Close")),
    h("h2", { id: "goroutine-title" }, `Goroutine ${id}`),
    content,
  );
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.from = from;
  document.body.append(dialog);
  dialog.showModal();
  address.write(anchor);
}

/** Back to where the reader came from, unless a link has led elsewhere. */
function closed(dialog) {
  dialog.remove();
  if (dialog.left) return;
  const before = dialog.from.address;
  address.set(before.includes("goroutine-") ? "" : before);
  dialog.from.focus?.focus();
}

function leaveDialog() {
  const dialog = document.querySelector("dialog.goroutine");
  if (!dialog) return;
  dialog.left = true;
  address.forget();
  dialog.close();
}
