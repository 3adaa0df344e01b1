// The answer in one picture: every seed a dot, the mean and its interval, the tie group's number.
function drawIntervals(host, section, state) {
  const metric = state.metric;
  const rows = parted(state).best.filter((row) => metric.name in row.means);
  if (!rows.length) {
    host.replaceChildren(html("p", { class: "muted" }, "No row that is shown has a score."));
    return;
  }
  const baselines = state.visible().filter((row) => row.baseline && metric.name in row.means);
  const width = Math.max(260, Math.round(host.clientWidth || 600));
  const narrow = width < 560;
  const rowHeight = narrow ? 50 : 34;
  // Names stand beside the plot, a character of a wide bold font 9.2 pixels wide.
  const most = narrow ? Infinity : width < 900 ? 28 : 33;
  const left = narrow ? 30 : 40 + 9.2 * Math.min(most, Math.max(...rows.map((row) => row.name.length)));
  const right = narrow ? 12 : 26 + 7 * Math.max(...rows.map((row) => valueText(row, metric).length));
  const top = baselines.length ? 34 : 14;
  const bottom = top + rows.length * rowHeight;
  const log = wantsLog(rows.flatMap((row) => pointsOf(row, metric)));
  const domain = intervalsDomain(rows, baselines, metric, log);
  const x = (log ? logScale : linearScale)(domain, [left, width - right]);
  const plot = { x, domain, log, width, narrow, most, rowHeight, left, right: width - right, top, bottom };
  const root = svg("svg", {
    viewBox: `0 0 ${width} ${bottom + 40}`, role: "img", class: "intervals",
    "aria-label": `${metric.label} of every row with its interval`,
  });
  root.append(
    intervalAxes(plot, metric),
    ...baselines.flatMap((row) => baselineMark(plot, row, metric)),
    ...rows.map((row, index) => intervalRow(plot, row, index, metric)),
    svg("line", { class: "rule", x1: 0, x2: width, y1: bottom, y2: bottom }),
  );
  host.replaceChildren(root);
}

function seedValues(row, metric) {
  return row.seeds.map((seed) => seed.values[metric.name]).filter((value) => value !== undefined);
}

// What the plot must hold of a row: its seeds and their mean.
function pointsOf(row, metric) {
  return [...seedValues(row, metric), row.means[metric.name]];
}

function valueText(row, metric) {
  return row.texts[metric.name].join("  ");
}

// An interval of two or three seeds can be far wider than the seeds: it may leave the plot, the dots may not.
function intervalsDomain(rows, baselines, metric, log) {
  const points = rows.flatMap((row) => pointsOf(row, metric));
  const ends = rows.flatMap((row) => row.intervals[metric.name] || []);
  const [low, high] = [Math.min(...points), Math.max(...points)];
  const spread = high - low || Math.abs(high) || 1;
  const reach = log ? [low / 1.5, high * 1.5] : [low - spread * 0.6, high + spread * 0.6];
  const within = (value) => value > reach[0] && value < reach[1];
  const inside = ends.filter(within);
  const cut = inside.length < ends.length ? reach : [];
  const real = baselines.filter((row) => row.baseline === "real").map((row) => row.means[metric.name]).filter(within);
  const domain = padded([...points, ...inside, ...cut, ...real], 0.03);
  if (log) domain[0] = Math.max(domain[0], Math.min(low, ...inside.filter((end) => end > 0)) / 1.15);
  else if (low >= 0) domain[0] = Math.max(0, domain[0]);
  return domain;
}

function intervalAxes({ x, log, left, right, top, bottom }, metric) {
  const axes = svg("g", { class: "axes" });
  for (const tick of x.ticks(Math.max(3, Math.floor((right - left) / 90)))) {
    axes.append(svg("line", { class: "grid", x1: x(tick), x2: x(tick), y1: top, y2: bottom }));
    axes.append(svg("text", { x: x(tick), y: bottom + 17, "text-anchor": "middle" }, metric.percent ? `${short(tick * 100)} %` : short(tick)));
  }
  axes.append(svg("text", { class: "title", x: right, y: bottom + 34, "text-anchor": "end" },
    `${metric.label}, ${metric.direction} is better${log ? ", logarithmic" : ""}`));
  return axes;
}

// A line through the plot; an arrow at its edge where the baseline is beyond it.
function baselineMark({ x, domain, left, right, top, bottom }, row, metric) {
  const mean = row.means[metric.name];
  const text = `${row.name.replace(/[()]/g, "")} ${row.texts[metric.name][0]}`;
  if (mean < domain[0]) return [svg("text", { class: "reference", x: left, y: top - 14, "text-anchor": "start" }, `← ${text}`)];
  if (mean > domain[1]) return [svg("text", { class: "reference", x: right, y: top - 14, "text-anchor": "end" }, `${text} →`)];
  const at = x(mean);
  const end = at > right - 110;
  return [
    svg("line", { class: "reference", x1: at, x2: at, y1: top - 8, y2: bottom }),
    svg("text", { class: "reference", x: at + (end ? 3 : -3), y: top - 14, "text-anchor": end ? "end" : "start" }, text),
  ];
}

function intervalRow({ x, domain, log, width, narrow, most, rowHeight, left, right, top }, row, index, metric) {
  const edge = top + index * rowHeight;
  const middle = edge + rowHeight * (narrow ? 0.72 : 0.5);
  const text = narrow ? edge + 14 : middle;
  const mean = row.means[metric.name];
  const interval = row.intervals[metric.name];
  const tie = row.ties[metric.name];
  const lost = row.seeds.filter((seed) => seed.status === "diverged").length;
  const values = valueText(row, metric);
  const line = svg("g", { class: `c${row.colour % 8}` });
  line.append(svg("line", { class: "rule", x1: 0, x2: width, y1: edge, y2: edge }));
  if (tie) {
    line.append(svg("circle", { class: tie === 1 ? "group first" : "group", cx: 13, cy: text, r: 10 }));
    line.append(svg("text", { class: tie === 1 ? "number first" : "number", x: 13, y: text, dy: "0.35em", "text-anchor": "middle" }, String(tie)));
  }
  line.append(svg("text", { class: "name", x: 31, y: text, dy: "0.35em" }, row.name.length > most ? `${row.name.slice(0, most - 1)}…` : row.name));
  if (narrow) line.append(svg("text", { class: "value", x: width, y: text, dy: "0.35em", "text-anchor": "end" }, values));
  else line.append(svg("text", { class: "value", x: right + 14, y: lost ? middle - 7 : middle, dy: "0.35em" }, values));
  if (interval) {
    const [from, to] = interval.map((end) => Math.min(right, Math.max(left, x(log ? Math.max(end, domain[0]) : end))));
    line.append(svg("line", { class: "interval", x1: from, x2: to, y1: middle, y2: middle }));
    if (interval[0] < domain[0]) line.append(svg("path", { class: "beyond", d: `M${left} ${middle}l6 -4v8z` }));
    if (interval[1] > domain[1]) line.append(svg("path", { class: "beyond", d: `M${right} ${middle}l-6 -4v8z` }));
  }
  for (const value of seedValues(row, metric)) line.append(svg("circle", { class: "dot", cx: x(value), cy: middle, r: 4 }));
  line.append(svg("line", { class: "mean", x1: x(mean), x2: x(mean), y1: middle - 9, y2: middle + 9 }));
  if (lost) line.append(svg("text", { class: "lost", x: narrow ? left : right + 14, y: narrow ? middle + 4 : middle + 12 }, `× ${lost} diverged`));
  return line;
}
