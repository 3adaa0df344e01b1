// Sorting by a click or by Enter on a heading; filtering by words; boxes that choose what the charts show.
function buildTable(table, state) {
  const body = table.tBodies[0];
  const headings = [...table.tHead.rows[0].cells];
  const original = [...body.rows];
  headings.forEach((heading, column) => {
    if (!heading.hasAttribute("aria-sort")) return;
    const button = html("button", { type: "button" }, ...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const next = { none: "ascending", ascending: "descending", descending: "none" }[heading.getAttribute("aria-sort")];
      for (const other of headings) if (other.hasAttribute("aria-sort")) other.setAttribute("aria-sort", "none");
      heading.setAttribute("aria-sort", next);
      body.append(...(next === "none" ? original : sortedRows(original, column, next)));
    });
  });
  for (const row of original) {
    const box = row.querySelector("input[type=checkbox]");
    box.addEventListener("change", () => {
      if (box.checked) state.hidden.delete(row.dataset.row);
      else state.hidden.add(row.dataset.row);
      state.changed();
    });
  }
}

// What has no value stands last, whichever way the others are sorted; baselines stay below the rows they frame.
function sortedRows(rows, column, direction) {
  const sign = direction === "ascending" ? 1 : -1;
  const key = (row) => {
    const cell = row.cells[column];
    return "sort" in cell.dataset ? (cell.dataset.sort === "" ? null : Number(cell.dataset.sort)) : cell.textContent.trim();
  };
  return [...rows].sort((a, b) => {
    const frames = a.classList.contains("baseline") - b.classList.contains("baseline");
    const [x, y] = [key(a), key(b)];
    if (frames) return frames;
    if (x === null || y === null) return (x === null) - (y === null);
    return sign * (typeof x === "number" ? x - y : x.localeCompare(y, "en", { numeric: true }));
  });
}

function buildFilter(input, output, table, state) {
  const rows = [...table.tBodies[0].rows];
  const apply = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    state.filtered.clear();
    for (const row of rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
      if (row.hidden) state.filtered.add(row.dataset.row);
    }
    const shown = rows.filter((row) => !row.hidden).length;
    output.textContent = `${shown} of ${rows.length} rows`;
    state.changed();
  };
  input.addEventListener("input", apply);
  output.textContent = `${rows.length} rows`;
}
