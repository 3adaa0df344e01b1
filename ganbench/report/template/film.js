// Snapshots over the training: all rows side by side, moved by one slider.
const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const SIZE = 200;

function unpackPath(text, size) {
  const level = (index) => (DIGITS.indexOf(text[index]) * 64 + DIGITS.indexOf(text[index + 1])) / 4095;
  let path = "";
  for (let index = 0; index + 3 < text.length; index += 4) {
    path += `M${(level(index) * size).toFixed(1)} ${((1 - level(index + 2)) * size).toFixed(1)}h0`;
  }
  return path;
}

function buildFilm(host, player, section) {
  const film = section.film;
  const rows = section.rows.filter((row) => row.key in film.rows);
  const steps = [...new Set(Object.values(film.rows).flatMap((row) => row.frames.map((one) => one.step)))].sort((a, b) => a - b);
  const setters = [];
  if (film.real) host.append(panel(film, null, null));
  for (const row of rows) host.append(panel(film, row, setters));
  const show = (index) => {
    const step = steps[index];
    for (const set of setters) set(step);
    slider.value = index;
    slider.setAttribute("aria-valuetext", `step ${step}`);
    label.textContent = `step ${step.toLocaleString("en")} of ${steps[steps.length - 1].toLocaleString("en")}`;
  };
  let timer = null;
  const stop = () => {
    clearInterval(timer);
    timer = null;
    button.textContent = "▶ Play";
  };
  const play = () => {
    let index = Number(slider.value) >= steps.length - 1 ? 0 : Number(slider.value);
    show(index);
    button.textContent = "❚❚ Pause";
    timer = setInterval(() => {
      index += 1;
      if (index >= steps.length) stop();
      else show(index);
    }, Math.max(90, Math.min(400, 5000 / steps.length)));
  };
  const button = html("button", { type: "button", onclick: () => (timer ? stop() : play()) }, "▶ Play");
  const slider = html("input", {
    type: "range", min: 0, max: steps.length - 1, value: steps.length - 1, "aria-label": "training step",
    oninput: () => { stop(); show(Number(slider.value)); },
  });
  const label = html("output", {});
  player.append(button, slider, label);
  show(steps.length - 1);
}

function panel(film, row, setters) {
  const note = html("small", {}, row ? ` seed ${film.rows[row.key].seed}` : "");
  const title = row ? html("h4", {}, chip(row), row.name, note) : html("h4", {}, "real data");
  const figure = html("figure", row ? { "data-row": row.key } : { "data-real": true }, title);
  const frames = row ? film.rows[row.key].frames : [];
  // A trial that ended early, or still runs, stays at its last snapshot and says so.
  const last = frames.length ? frames[frames.length - 1].step : 0;
  if (row) setters.push((step) => { note.textContent = ` seed ${film.rows[row.key].seed}${step > last ? `, only to step ${last}` : ""}`; });
  const latest = (step) => frames.filter((one) => one.step <= step).pop() || frames[0];
  if (film.kind === "pictures") {
    const picture = html("img", { class: "pixelated", width: film.width, height: film.height, alt: row ? `samples of ${row.name}` : "real samples" });
    figure.append(picture);
    if (row) setters.push((step) => { picture.src = latest(step).source; });
    else picture.src = film.real;
    return figure;
  }
  const place = ([x, y]) => [((x / film.span + 1) / 2) * SIZE, ((1 - y / film.span) / 2) * SIZE];
  const radius = film.sigma ? Math.max(4, (3 * film.sigma / film.span / 2) * SIZE) : 4;
  const dots = svg("path", { class: row ? `points c${row.colour % 8}` : "points", d: row ? null : unpackPath(film.real, SIZE) });
  figure.append(svg("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, role: "img", "aria-label": row ? `points of ${row.name}` : "real points" },
    film.means.map((mean) => svg("circle", { class: "mode", cx: place(mean)[0], cy: place(mean)[1], r: radius })), dots));
  if (row) setters.push((step) => dots.setAttribute("d", unpackPath(latest(step).points, SIZE)));
  return figure;
}
