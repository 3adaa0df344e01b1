// The frame of a chart: axes, grid, and a drawing area that cuts what is beyond it.
function frame(host, { height, margin, label, x, y, xTicks, yTicks, xTitle, yTitle, log }) {
  const width = Math.max(240, Math.round(host.clientWidth || 600));
  const [top, right, bottom, left] = margin;
  const clip = fresh("clip");
  const xScale = linearScale(x, [left, width - right]);
  const yScale = (log ? logScale : linearScale)(y, [height - bottom, top]);
  const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  root.append(
    svg("clipPath", { id: clip }, svg("rect", {
      x: left, y: top, width: Math.max(1, width - left - right), height: Math.max(1, height - top - bottom),
    })),
  );
  const axes = svg("g", { class: "axes" });
  for (const tick of yScale.ticks(yTicks || 5)) {
    const at = yScale(tick);
    axes.append(svg("line", { class: "grid", x1: left, x2: width - right, y1: at, y2: at }));
    axes.append(svg("text", { x: left - 7, y: at, dy: "0.32em", "text-anchor": "end" }, short(tick)));
  }
  for (const tick of xScale.ticks(xTicks || Math.max(2, Math.floor(width / 110)))) {
    const at = xScale(tick);
    axes.append(svg("line", { class: "tick", x1: at, x2: at, y1: height - bottom, y2: height - bottom + 4 }));
    axes.append(svg("text", { x: at, y: height - bottom + 17, "text-anchor": "middle" }, short(tick)));
  }
  axes.append(svg("line", { class: "axis", x1: left, x2: width - right, y1: height - bottom, y2: height - bottom }));
  if (xTitle) {
    axes.append(svg("text", { class: "title", x: width - right, y: height - 4, "text-anchor": "end" }, xTitle));
  }
  if (yTitle) axes.append(svg("text", { class: "title", x: 0, y: 11 }, yTitle));
  const area = svg("g", { "clip-path": `url(#${clip})` });
  root.append(axes, area);
  host.replaceChildren(root);
  return { root, area, x: xScale, y: yScale, width, left, right: width - right, top, bottom: height - bottom };
}

function linePath(points) {
  return points.map(([x, y], index) => `${index ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
}

function bandPath(points) {
  const upper = points.map(([x, , high]) => [x, high]);
  const lower = points.map(([x, low]) => [x, low]).reverse();
  return points.length ? `${linePath(upper)}L${linePath(lower).slice(1)}Z` : "";
}

// Several seeds of one row at the same steps: mean, lowest, highest, and how many have a value there.
function overSeeds(seeds, curve, at, value) {
  const bySteps = new Map();
  for (const seed of seeds) {
    const lines = seed[curve];
    if (!lines) continue;
    lines.step.forEach((step, index) => {
      const y = value(lines)[index];
      const x = at(lines)[index];
      if (y === null || y === undefined || x === null || x === undefined) return;
      if (!bySteps.has(step)) bySteps.set(step, { step, xs: [], ys: [] });
      bySteps.get(step).xs.push(x);
      bySteps.get(step).ys.push(y);
    });
  }
  // A mean over other seeds at every step would zigzag: a step counts where each seed that was under way has it.
  const spans = seeds.map((seed) => seed[curve]).filter((lines) => lines && lines.step.length)
    .map(({ step }) => ({ has: new Set(step), first: Math.min(...step), last: Math.max(...step) }));
  const shared = [...bySteps.values()].filter(({ step }) =>
    spans.every(({ has, first, last }) => step < first || step > last || has.has(step)));
  const mean = (values) => values.reduce((sum, one) => sum + one, 0) / values.length;
  return (shared.length ? shared : [...bySteps.values()]).sort((a, b) => a.step - b.step).map(({ step, xs, ys }) => ({
    step, x: mean(xs), y: mean(ys), low: Math.min(...ys), high: Math.max(...ys), n: ys.length,
  }));
}

function legend(rows, others) {
  return html("ul", { class: "legend" }, rows.map((row) => html("li", {}, chip(row), row.name)),
    others ? html("li", { class: "muted" }, html("span", { class: "chip other", "aria-hidden": "true" }), others) : null);
}
