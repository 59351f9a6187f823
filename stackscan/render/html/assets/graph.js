// Boxes of a wait-for graph are buttons: a key does what a click does.

function pressedBox(event) {
  const box = event.target.closest("svg [role=button][data-do]");
  if (!box || (event.key !== "Enter" && event.key !== " ")) return;
  event.preventDefault();
  ACTIONS[box.dataset.do]?.(box);
}

document.addEventListener("keydown", pressedBox);
