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
  if (film.real) host.append(realPanel(film));
  for (const row of rows) host.append(rowPanel(film, row, setters));
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

function realPanel(film) {
  const { element, put } = canvas(film, "points", `real ${shown(film)}`);
  put(film.real);
  return html("figure", { "data-real": true }, html("h4", {}, "real data"), element);
}

function rowPanel(film, row, setters) {
  const { seed, frames } = film.rows[row.key];
  const note = html("small", {});
  const { element, put } = canvas(film, `points c${row.colour % 8}`, `${shown(film)} of ${row.name}`);
  // A trial that ended early, or still runs, stays at its last snapshot and says so.
  const last = frames[frames.length - 1].step;
  setters.push((step) => {
    note.textContent = ` seed ${seed}${step > last ? `, only to step ${last}` : ""}`;
    const latest = frames.filter((one) => one.step <= step).pop() || frames[0];
    put(film.kind === "pictures" ? latest.source : latest.points);
  });
  return html("figure", { "data-row": row.key }, html("h4", {}, chip(row), row.name, note), element);
}

function shown(film) {
  return film.kind === "pictures" ? "samples" : "points";
}

// A picture or a plot, and what puts a snapshot into it.
function canvas(film, look, label) {
  if (film.kind === "pictures") {
    const picture = html("img", { class: "pixelated", width: film.width, height: film.height, alt: label });
    return { element: picture, put: (source) => { picture.src = source; } };
  }
  const place = ([x, y]) => [((x / film.span + 1) / 2) * SIZE, ((1 - y / film.span) / 2) * SIZE];
  const radius = film.sigma ? Math.max(4, (3 * film.sigma / film.span / 2) * SIZE) : 4;
  const modes = film.means.map((mean) => svg("circle", { class: "mode", cx: place(mean)[0], cy: place(mean)[1], r: radius }));
  const dots = svg("path", { class: look });
  const plot = svg("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, role: "img", "aria-label": label }, modes, dots);
  return { element: plot, put: (points) => dots.setAttribute("d", unpackPath(points, SIZE)) };
}
