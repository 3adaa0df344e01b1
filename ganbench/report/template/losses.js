// The two players' losses, a small chart for each row.
function drawLosses(host, section, state) {
  const rows = parted(state).best.filter((row) => row.seeds.some((seed) => seed.losses && seed.losses.step.length));
  if (!rows.length) {
    host.replaceChildren(html("p", { class: "muted" }, "No row that is shown has reported its losses."));
    return;
  }
  const steps = rows.flatMap((row) => row.seeds.flatMap((seed) => (seed.losses ? seed.losses.step : [])));
  const cells = rows.map((row) => html("figure", {}, html("h4", {}, chip(row), row.name), html("div", { class: "chart" })));
  host.replaceChildren(...cells);
  rows.forEach((row, index) => {
    const players = { d: "", g: "5 3" };
    const drawn = Object.keys(players).map((player) => [player, overSeeds(row.seeds, "losses", (lines) => lines.step, (lines) => lines[player])]);
    const values = drawn.flatMap(([, points]) => points.flatMap((point) => [point.low, point.high])).sort((a, b) => a - b);
    const quantile = (share) => values[Math.round(share * (values.length - 1))];
    const chart = frame(cells[index].lastChild, {
      height: 150, margin: [8, 18, 22, 40], x: [0, Math.max(...steps)], y: padded([quantile(0.02), quantile(0.98)], 0.12),
      yTicks: 4, xTicks: 3, label: `losses of discriminator and generator of ${row.name}`,
    });
    for (const [player, points] of drawn) {
      const at = (point) => chart.x(point.step);
      if (row.seeds.length > 1) {
        chart.area.append(svg("path", { class: `band c${row.colour % 8}`, d: bandPath(points.map((point) => [at(point), chart.y(point.low), chart.y(point.high)])) }));
      }
      chart.area.append(svg("path", { class: `line thin c${row.colour % 8}`, "stroke-dasharray": players[player] || null, d: linePath(points.map((point) => [at(point), chart.y(point.y)])) }));
    }
  });
}
