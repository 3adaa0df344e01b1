// What is chosen of a section; changing it draws its charts again.
function makeState(section) {
  const state = {
    metric: section.metrics.find((metric) => metric.name === section.headline) || section.metrics[0],
    hidden: new Set(),
    filtered: new Set(),
    everySeed: false,
    everyRow: false,
    log: false,
    listeners: [],
    visible: () => section.rows.filter((row) => !state.hidden.has(row.key) && !state.filtered.has(row.key)),
    changed: () => state.listeners.forEach((listener) => listener()),
  };
  state.choose = (metric) => {
    state.metric = metric;
    const values = section.rows.filter((row) => !row.baseline)
      .flatMap((row) => row.seeds.flatMap((seed) => (seed.curve ? seed.curve.values[metric.name] || [] : [])))
      .filter((value) => value !== null);
    state.log = wantsLog(values);
  };
  if (state.metric) state.choose(state.metric);
  return state;
}

function radios(host, name, choices, chosen, choose) {
  const group = fresh(name);
  host.setAttribute("role", "radiogroup");
  host.setAttribute("aria-label", name);
  for (const choice of choices) {
    const id = fresh("choice");
    const input = html("input", { type: "radio", name: group, id, checked: choice === chosen(), onchange: () => choose(choice) });
    host.append(input, html("label", { for: id }, choice.label));
    host.addEventListener("sync", () => { input.checked = choice === chosen(); });
  }
}

function checkbox(host, label, get, set) {
  const box = html("input", { type: "checkbox", onchange: () => set(box.checked) });
  box.checked = get();
  host.append(html("label", { class: "box" }, box, label));
  host.addEventListener("sync", () => { box.checked = get(); });
}

function buildSection(section) {
  const find = (suffix) => document.getElementById(`${section.key}-${suffix}`);
  const controls = (kind) => [...document.querySelectorAll(`[data-control="${kind}"][data-for="${section.key}"]`)];
  const state = makeState(section);
  const table = document.querySelector(`table[data-table="${section.key}"]`);
  buildTable(table, state);
  buildFilter(document.querySelector(`[data-filter="${section.key}"]`), document.querySelector(`[data-count="${section.key}"]`), table, state);

  const all = [...controls("metric"), ...controls("curves")];
  for (const host of controls("metric")) {
    if (section.metrics.length < 2) continue;
    radios(host, "score", section.metrics, () => state.metric, (metric) => { state.choose(metric); state.changed(); });
  }
  for (const host of controls("curves")) {
    checkbox(host, "logarithmic", () => state.log, (on) => { state.log = on; state.changed(); });
    checkbox(host, "every seed", () => state.everySeed, (on) => { state.everySeed = on; state.changed(); });
  }
  if (state.metric) for (const host of controls("limit")) buildLimit(host, state, host.dataset.others);
  state.listeners.push(() => all.forEach((host) => host.dispatchEvent(new Event("sync"))));

  const conclusions = document.querySelector(`#${section.key}-answer .conclusions`);
  if (conclusions) {
    state.listeners.push(() => {
      const sentences = section.conclusions[state.metric.name] || [];
      conclusions.replaceChildren(...sentences.map((sentence) => html("li", {}, sentence)));
    });
  }
  const charts = [
    [find("intervals"), (host) => drawIntervals(host, section, state)],
    [find("by-images"), (host) => drawCurves(host, section, state, "images")],
    [find("by-time"), (host) => drawCurves(host, section, state, "seconds")],
    [find("loss-charts"), (host) => drawLosses(host, section, state)],
  ].filter(([host]) => host && state.metric);
  for (const [host, draw] of charts) {
    // Drawn at once, so that nothing moves after the page is shown.
    let width = host.clientWidth;
    draw(host);
    state.listeners.push(() => draw(host));
    new ResizeObserver(() => {
      if (Math.abs(host.clientWidth - width) < 2) return;
      width = host.clientWidth;
      draw(host);
    }).observe(host);
  }
  if (section.film) buildFilm(find("frames"), document.querySelector(`[data-player="${section.key}"]`), section);
  buildSheets(section, state, find("sheets"), controls("seed")[0]);
  state.listeners.push(() => {
    const shown = new Set(state.visible().map((row) => row.key));
    for (const figure of document.querySelectorAll(`#${section.key} .film figure[data-row]`)) figure.hidden = !shown.has(figure.dataset.row);
  });
  return state;
}

function buildSheets(section, state, host, control) {
  if (!host) return;
  const figures = [...host.querySelectorAll("figure[data-row]")];
  const seeds = [...new Set(figures.map((figure) => Number(figure.dataset.seed)))].sort((a, b) => a - b);
  const baselines = new Set(section.rows.filter((row) => row.baseline).map((row) => row.key));
  const choices = seeds.map((seed) => ({ seed, label: `seed ${seed}` }));
  let chosen = choices[0];
  const apply = () => {
    const shown = new Set(state.visible().map((row) => row.key));
    for (const figure of figures) {
      const right = baselines.has(figure.dataset.row) || Number(figure.dataset.seed) === chosen.seed;
      figure.hidden = !right || !shown.has(figure.dataset.row);
    }
  };
  if (choices.length > 1) radios(control, "seed", choices, () => chosen, (choice) => { chosen = choice; apply(); });
  state.listeners.push(apply);
  apply();
}

function buildTheme(button) {
  const themes = ["auto", "light", "dark"];
  let index = 0;
  button.addEventListener("click", () => {
    index = (index + 1) % themes.length;
    document.documentElement.dataset.theme = themes[index];
    button.textContent = `Theme: ${themes[index]}`;
  });
}

// On paper everything is open, and charts are drawn for its width, so that their text keeps its size.
function prepareForPrint(states) {
  let closed = [];
  const draw = (width) => {
    document.body.style.width = width;
    for (const state of states) if (state.metric) state.changed();
  };
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    for (const details of closed) details.open = true;
    draw("46rem");
  });
  window.addEventListener("afterprint", () => {
    for (const details of closed) details.open = false;
    draw("");
  });
}

document.documentElement.classList.add("scripted");
buildTheme(document.getElementById("theme"));
prepareForPrint(JSON.parse(document.getElementById("data").textContent).sections.map(buildSection));
