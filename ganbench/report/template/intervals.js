// The answer in one picture: every seed a dot, the mean and its interval, the tie group's number.
function drawIntervals(host, section, state) {
  const metric = state.metric;
  const rows = parted(state).best.filter((row) => metric.name in row.means);
  if (!rows.length) {
    host.replaceChildren(html("p", { class: "muted" }, "No row that is shown has a score."));
    return;
  }
  const width = Math.max(260, Math.round(host.clientWidth || 600));
  const narrow = width < 560;
  const longest = Math.max(...rows.map((row) => row.name.length));
  const left = narrow ? 30 : Math.min(300, 48 + longest * 7.4);
  const valueText = (row) => {
    const interval = row.intervals[metric.name];
    return score(row.means[metric.name], metric) + (interval ? `  [${interval.map((end) => score(end, metric)).join(", ")}]` : "");
  };
  const right = narrow ? 12 : 26 + 7 * Math.max(...rows.map((row) => valueText(row).length));
  const rowHeight = narrow ? 50 : 34;
  const baselines = state.visible().filter((row) => row.baseline && metric.name in row.means);
  const top = baselines.length ? 34 : 14;
  const height = top + rows.length * rowHeight + 40;
  const dots = rows.map((row) => row.seeds.map((seed) => seed.values[metric.name]).filter((value) => value !== undefined));
  const everything = rows.flatMap((row, index) => [...dots[index], row.means[metric.name]]);
  const ends = rows.flatMap((row) => row.intervals[metric.name] || []);
  const log = wantsLog(everything);
  // An interval of two or three seeds can be far wider than the seeds: it may leave the plot, the dots may not.
  const [low, high] = [Math.min(...everything), Math.max(...everything)];
  const reach = log ? [low / 1.5, high * 1.5] : [low - (high - low || Math.abs(high) || 1) * 0.6, high + (high - low || Math.abs(high) || 1) * 0.6];
  const inside = ends.filter((end) => end > reach[0] && end < reach[1]);
  const cut = inside.length < ends.length ? reach : [];
  const real = baselines.filter((row) => row.baseline === "real").map((row) => row.means[metric.name])
    .filter((value) => value > reach[0] && value < reach[1]);
  let domain = padded([...everything, ...inside, ...cut, ...real], 0.03);
  if (log) domain = [Math.max(domain[0], Math.min(...everything, ...inside.filter((end) => end > 0)) / 1.15), domain[1]];
  else if (Math.min(...everything) >= 0) domain[0] = Math.max(0, domain[0]);
  const x = (log ? logScale : linearScale)(domain, [left, width - right]);
  const root = svg("svg", {
    viewBox: `0 0 ${width} ${height}`, role: "img", class: "intervals",
    "aria-label": `${metric.label} of every row with its interval`,
  });
  const bottom = top + rows.length * rowHeight;
  const axes = svg("g", { class: "axes" });
  for (const tick of x.ticks(Math.max(3, Math.floor((width - left - right) / 90)))) {
    axes.append(svg("line", { class: "grid", x1: x(tick), x2: x(tick), y1: top, y2: bottom }));
    axes.append(svg("text", { x: x(tick), y: bottom + 17, "text-anchor": "middle" }, metric.percent ? `${short(tick * 100)} %` : short(tick)));
  }
  axes.append(svg("text", { class: "title", x: width - right, y: bottom + 34, "text-anchor": "end" },
    `${metric.label}, ${metric.direction} is better${log ? ", logarithmic" : ""}`));
  root.append(axes);
  for (const row of baselines) {
    const mean = row.means[metric.name];
    const text = `${row.name.replace(/[()]/g, "")} ${score(mean, metric)}`;
    if (mean >= domain[0] && mean <= domain[1]) {
      const at = x(mean);
      const end = at > width - right - 110;
      root.append(svg("line", { class: "reference", x1: at, x2: at, y1: top - 8, y2: bottom }));
      root.append(svg("text", { class: "reference", x: at + (end ? 3 : -3), y: top - 14, "text-anchor": end ? "end" : "start" }, text));
    } else {
      const beyond = mean > domain[1];
      root.append(svg("text", {
        class: "reference", x: beyond ? width - right : left, y: top - 14, "text-anchor": beyond ? "end" : "start",
      }, beyond ? `${text} →` : `← ${text}`));
    }
  }
  rows.forEach((row, index) => {
    const middle = top + index * rowHeight + rowHeight * (narrow ? 0.72 : 0.5);
    const text = narrow ? top + index * rowHeight + 14 : middle;
    const mean = row.means[metric.name];
    const interval = row.intervals[metric.name];
    const tie = row.ties[metric.name];
    const lost = row.seeds.filter((seed) => seed.status === "diverged").length;
    const values = valueText(row);
    const line = svg("g", { class: `c${row.colour % 8}` });
    line.append(svg("line", { class: "rule", x1: 0, x2: width, y1: top + index * rowHeight, y2: top + index * rowHeight }));
    if (tie) {
      line.append(svg("circle", { class: tie === 1 ? "group first" : "group", cx: 13, cy: text, r: 10 }));
      line.append(svg("text", { class: tie === 1 ? "number first" : "number", x: 13, y: text, dy: "0.35em", "text-anchor": "middle" }, String(tie)));
    }
    line.append(svg("text", { class: "name", x: 31, y: text, dy: "0.35em" }, row.name.length * 7.4 > 260 && !narrow ? `${row.name.slice(0, 34)}…` : row.name));
    if (narrow) line.append(svg("text", { class: "value", x: width, y: text, dy: "0.35em", "text-anchor": "end" }, values));
    else line.append(svg("text", { class: "value", x: width - right + 14, y: lost ? middle - 7 : middle, dy: "0.35em" }, values));
    if (interval) {
      const [from, to] = interval.map((end) => Math.min(width - right, Math.max(left, x(log ? Math.max(end, domain[0]) : end))));
      line.append(svg("line", { class: "interval", x1: from, x2: to, y1: middle, y2: middle }));
      if (interval[0] < domain[0]) line.append(svg("path", { class: "beyond", d: `M${left} ${middle}l6 -4v8z` }));
      if (interval[1] > domain[1]) line.append(svg("path", { class: "beyond", d: `M${width - right} ${middle}l-6 -4v8z` }));
    }
    for (const value of dots[index]) line.append(svg("circle", { class: "dot", cx: x(value), cy: middle, r: 4 }));
    line.append(svg("line", { class: "mean", x1: x(mean), x2: x(mean), y1: middle - 9, y2: middle + 9 }));
    if (lost) line.append(svg("text", { class: "lost", x: narrow ? left : width - right + 14, y: narrow ? middle + 4 : middle + 12 }, `× ${lost} diverged`));
    root.append(line);
  });
  root.append(svg("line", { class: "rule", x1: 0, x2: width, y1: bottom, y2: bottom }));
  host.replaceChildren(root);
}
