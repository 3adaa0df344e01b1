// Of many rows, the charts draw the best ones in colour; the others are grey or left out until they are asked for.
const DRAWN = 12;

// The best row first: by tie group, then by its mean; rows without a score last.
function byRank(metric) {
  const sign = metric.direction === "lower" ? 1 : -1;
  const place = (row) => [row.ties[metric.name] ?? Infinity, metric.name in row.means ? sign * row.means[metric.name] : Infinity];
  return (a, b) => {
    const [x, y] = [place(a), place(b)];
    return x[0] === y[0] ? (x[1] === y[1] ? 0 : x[1] - y[1]) : x[0] - y[0];
  };
}

// What is compared and visible, in two parts: the rows that charts draw, and the others.
function parted(state) {
  const rows = state.visible().filter((row) => !row.baseline).sort(byRank(state.metric));
  const most = state.everyRow ? rows.length : DRAWN;
  return { best: rows.slice(0, most), others: rows.slice(most) };
}

// A sentence over a chart that says what it leaves out, with a box that shows everything; nothing where all fit.
function buildLimit(host, state, words) {
  const apply = () => {
    const { best, others } = parted(state);
    const count = best.length + others.length;
    host.hidden = count <= DRAWN;
    const tied = others.filter((row) => row.ties[state.metric.name] === 1).length;
    const too = tied ? `, of which ${tied} ${tied === 1 ? "is" : "are"} in group 1 too` : "";
    sentence.textContent = others.length
      ? `The best ${best.length} of ${count} rows by ${state.metric.label}; the others are ${words}${too}.` : `All ${count} rows.`;
    box.checked = state.everyRow;
  };
  const box = html("input", { type: "checkbox", onchange: () => { state.everyRow = box.checked; state.changed(); } });
  const sentence = html("span", { class: "muted", role: "status" });
  host.append(html("label", { class: "box" }, box, "every row"), sentence);
  state.listeners.push(apply);
  apply();
}
