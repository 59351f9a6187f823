// What Python writes short, as scripts use it.

/** The whole numbers that a list of differences stands for; texts are numbers that are too large to add up. */
function summed(differences) {
  let sum = 0;
  return differences.map((each) => (typeof each === "number" ? (sum += each) : each));
}

function column(values, length) {
  return Array.isArray(values) ? values : new Array(length).fill(values);
}

/** The distinct frames of a page: {name, file, line, url, editor, module}. */
function framesOf(beside) {
  return beside.frames.map(([name, file, line, module, url, editor]) => ({
    name, file, line, url, editor, module: beside.modules[module],
  }));
}
