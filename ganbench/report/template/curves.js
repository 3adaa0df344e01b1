// A score during training, against images or time, with a cursor that follows the pointer or the arrow keys.
function drawCurves(host, section, state, axis) {
  const metric = state.metric;
  const at = (lines) => lines[axis];
  const value = (lines) => lines.values[metric.name] || [];
  const { best, others } = parted(state);
  const curvesOf = (wanted) => wanted.map((row) => ({ row, points: overSeeds(row.seeds, "curve", at, value) }))
    .filter(({ points }) => points.length);
  const [rows, grey] = [curvesOf(best), curvesOf(others)];
  if (!rows.length) {
    host.replaceChildren(html("p", { class: "muted" }, "No evaluation of this score during training."));
    return;
  }
  // The scale is the drawn rows': what is grey may leave the plot.
  const all = rows.flatMap(({ points }) => points);
  const extremes = all.flatMap((point) => [point.low, point.high]);
  const log = state.log && Math.min(...extremes) > 0;
  let y = padded(extremes, 0.05);
  if (log) y = [Math.min(...extremes) / 1.1, Math.max(...extremes) * 1.1];
  else if (Math.min(...extremes) >= 0) y[0] = Math.max(0, y[0]);
  const time = axis === "seconds";
  const chart = frame(host, {
    height: 300, margin: [22, 14, 38, 46], x: [0, Math.max(...all.map((point) => point.x)) || 1], y, log,
    label: `${metric.label} against ${time ? "training time" : "real images seen"}, ${rows.length} rows`,
    xTitle: time ? "seconds of training" : "real images seen", yTitle: metric.label + (metric.percent ? " (share)" : ""),
  });
  const real = state.visible().find((row) => row.baseline === "real" && metric.name in row.means);
  if (real && real.means[metric.name] > y[0] && real.means[metric.name] < y[1]) {
    const level = chart.y(real.means[metric.name]);
    chart.area.append(svg("line", { class: "reference", x1: chart.left, x2: chart.right, y1: level, y2: level }));
    chart.area.append(svg("text", { class: "reference", x: chart.right, y: level - 5, "text-anchor": "end" }, "real data"));
  }
  const path = (points) => linePath(points.map((point) => [chart.x(point.x), chart.y(point.y)]));
  const band = (points) => bandPath(points.map((point) => [chart.x(point.x), chart.y(point.low), chart.y(point.high)]));
  for (const { points } of grey) chart.area.append(svg("path", { class: "line other", d: path(points) }));
  for (const { row, points } of rows) {
    if (row.seeds.length > 1 && !state.everySeed) chart.area.append(svg("path", { class: `band c${row.colour % 8}`, d: band(points) }));
  }
  for (const { row, points } of rows) {
    if (state.everySeed) {
      for (const seed of row.seeds) {
        const own = overSeeds([seed], "curve", at, value);
        chart.area.append(svg("path", { ...stroke(row), class: `line seed c${row.colour % 8}`, d: path(own) }));
      }
    } else {
      chart.area.append(svg("path", { ...stroke(row), d: path(points) }));
      if (points.length === 1) chart.area.append(svg("circle", { class: `dot c${row.colour % 8}`, cx: chart.x(points[0].x), cy: chart.y(points[0].y), r: 3.5 }));
    }
    for (const seed of row.seeds.filter((one) => one.status === "diverged")) {
      const own = overSeeds([seed], "curve", at, value);
      const end = own[own.length - 1];
      if (!end) continue;
      const [cx, cy] = [chart.x(end.x), chart.y(end.y)];
      chart.area.append(svg("path", { class: `cross c${row.colour % 8}`, d: `M${cx - 5} ${cy - 5}l10 10m0 -10l-10 10` }));
    }
  }
  host.append(legend(rows.map(({ row }) => row), grey.length ? `${grey.length} other rows` : ""));
  addCursor(host, chart, rows, metric, time);
}

// Where the cursor stops: each step with the rows that have a point there, and where it is on average.
function cursorStops(chart, rows) {
  const stops = new Map();
  for (const { row, points } of rows) {
    for (const point of points) {
      if (!stops.has(point.step)) stops.set(point.step, { step: point.step, found: [] });
      stops.get(point.step).found.push({ row, point });
    }
  }
  for (const stop of stops.values()) {
    stop.x = chart.x(stop.found.reduce((sum, { point }) => sum + point.x, 0) / stop.found.length);
  }
  return [...stops.values()].sort((a, b) => a.step - b.step);
}

function addCursor(host, chart, rows, metric, time) {
  const stops = cursorStops(chart, rows);
  const line = svg("line", { class: "cursor", y1: chart.top, y2: chart.bottom, visibility: "hidden" });
  const note = html("div", { class: "tooltip", hidden: true, role: "status" });
  chart.root.append(line);
  chart.root.setAttribute("tabindex", "0");
  host.append(note);
  let current = -1;
  const hide = () => {
    current = -1;
    note.hidden = true;
    line.setAttribute("visibility", "hidden");
  };
  const show = (index) => {
    current = Math.min(stops.length - 1, Math.max(0, index));
    const { step, x } = stops[current];
    const found = [...stops[current].found].sort((a, b) => (metric.direction === "lower" ? 1 : -1) * (a.point.y - b.point.y));
    line.setAttribute("x1", x);
    line.setAttribute("x2", x);
    line.setAttribute("visibility", "visible");
    note.replaceChildren(
      html("b", {}, `step ${step.toLocaleString("en")}`),
      ...found.slice(0, 12).map(({ row, point }) => html("div", {}, chip(row), `${row.name} ${score(point.y, metric)}`,
        html("small", {}, point.n > 1 ? ` ${score(point.low, metric)} to ${score(point.high, metric)}` : "",
          time ? ` at ${seconds(point.x)}` : ""))),
      ...(found.length > 12 ? [html("div", { class: "muted" }, `and ${found.length - 12} more`)] : []),
    );
    note.hidden = false;
    const scale = host.clientWidth / chart.width;
    const wide = note.offsetWidth;
    note.style.left = `${Math.max(0, Math.min(host.clientWidth - wide, x * scale > host.clientWidth / 2 ? x * scale - wide - 12 : x * scale + 12))}px`;
  };
  chart.root.addEventListener("pointermove", (event) => {
    const box = chart.root.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * chart.width;
    const distances = stops.map((stop) => Math.abs(stop.x - x));
    show(distances.indexOf(Math.min(...distances)));
  });
  chart.root.addEventListener("pointerleave", hide);
  chart.root.addEventListener("blur", hide);
  chart.root.addEventListener("keydown", (event) => {
    if (event.key === "ArrowRight") show(current + 1);
    else if (event.key === "ArrowLeft") show(current < 0 ? stops.length - 1 : current - 1);
    else if (event.key === "Home") show(0);
    else if (event.key === "End") show(stops.length - 1);
    else if (event.key === "Escape") hide();
    else return;
    event.preventDefault();
  });
}
