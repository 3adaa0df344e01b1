"use strict";

// Elements are built from names and texts, never from markup: a text from a trial stays a text.
function make(create, tag, attributes, children) {
  const element = create(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat()) if (child !== null && child !== undefined) element.append(child);
  return element;
}

function html(tag, attributes, ...children) {
  return make((name) => document.createElement(name), tag, attributes, children);
}

function svg(tag, attributes, ...children) {
  return make((name) => document.createElementNS("http://www.w3.org/2000/svg", name), tag, attributes, children);
}

function chip(row) {
  const kind = row.baseline ? " none" : row.colour >= 8 ? " hollow" : "";
  return html("span", { class: `chip c${row.colour % 8}${kind}`, "aria-hidden": "true" });
}

// Lines of more than eight rows repeat the colours with other dashes.
function stroke(row) {
  return { class: `line c${row.colour % 8}`, "stroke-dasharray": [null, "7 3", "2 3", "9 3 2 3"][(row.colour >> 3) % 4] };
}

let serial = 0;
function fresh(prefix) {
  serial += 1;
  return `${prefix}-${serial}`;
}
