// Elements, questions to the server, and lists of which only what is seen is drawn.

// h makes an element. Attributes that begin with "on" are listeners; everything
// from policies is put in as text, never as markup.
export function h(tag, attributes, ...children) {
  const e = document.createElement(tag);
  set(e, attributes);
  e.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return e;
}

// fill puts children, of which some may be left out, in the place of what an element has.
export function fill(e, ...children) {
  e.replaceChildren(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
}

// svg is h for drawings.
export function svg(tag, attributes, ...children) {
  const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
  set(e, attributes);
  e.append(...children);
  return e;
}

function set(e, attributes) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) e.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "disabled") e[name] = value;
    else if (value !== false && value !== null && value !== undefined) e.setAttribute(name, value === true ? "" : value);
  }
}

const tokenKey = "postern-token";

// takeToken moves the token of the first URL out of the address bar.
export function takeToken() {
  const m = /^#token=([\w-]+)/.exec(location.hash);
  if (m) {
    sessionStorage.setItem(tokenKey, m[1]);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem(tokenKey);
}

// api asks the server. A newer question with the same lane takes the place of an
// older one, which is given up.
const lanes = {};
export async function api(path, body, lane) {
  if (lane) {
    lanes[lane]?.abort();
    lanes[lane] = new AbortController();
  }
  const answer = await fetch("/api/" + path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Postern-Token": sessionStorage.getItem(tokenKey) || "" },
    body: JSON.stringify(body || {}),
    signal: lane ? lanes[lane].signal : undefined,
  });
  const type = answer.headers.get("Content-Type") || "";
  if (!type.startsWith("application/json")) throw new Error((await answer.text()).trim());
  const out = await answer.json();
  if (!answer.ok) throw new Error(out.error);
  return out;
}

// given reports that a question was given up for a newer one.
export const given = (error) => error.name === "AbortError";

// failed shows an error in place of what could not be shown. again, if there is one,
// tries it once more.
export function failed(error, again) {
  return h("p", { class: "error", role: "alert" }, error.message, again && " ", again && h("button", { type: "button", onclick: again }, "Try again"));
}

// seen tells that the first view is there, for which idle waits.
let seen;
const first = new Promise((done) => {
  seen = () => {
    if (!performance.getEntriesByName("first view").length) performance.mark("first view");
    done();
  };
});
export { seen };

// idle calls a function when the first view is there and the page has nothing else to do.
export const idle = (f) => first.then(() => (window.requestIdleCallback ? requestIdleCallback(f, { timeout: 1000 }) : setTimeout(f, 50)));

// field is a labelled control; its hint, if it has one, stands below.
let fields = 0;
export function field(label, control, hint) {
  control.id ||= "f" + ++fields;
  const parts = [h("label", { for: control.id }, label), control];
  if (hint) {
    const id = control.id + "h";
    control.setAttribute("aria-describedby", id);
    parts.push(h("small", { id }, hint));
  }
  return h("div", { class: "field" }, parts);
}

// choices is a list of completions for an input. names, or a promise of them, fill it
// once the page is drawn.
export function choices(id, names) {
  const list = h("datalist", { id });
  Promise.resolve(names).then((names) => idle(() => list.append(...names.map((value) => h("option", { value })))));
  return list;
}

// later calls a function once things have been quiet for some milliseconds, and its
// now calls it at once.
export function later(wait, call) {
  let timer;
  const f = (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => call(...args), wait);
  };
  f.now = (...args) => {
    clearTimeout(timer);
    return call(...args);
  };
  return f;
}

// virtual is a scrolling list of which only the rows in sight exist. part(from, limit)
// returns a promise of {total, rows}; draw makes the element of a row. A part that
// cannot be had is an error in its place, from which it is tried again.
export function virtual(height, part, draw, attributes) {
  const space = h("div", { class: "space" });
  const box = h("div", { class: "virtual", tabindex: "0", role: "list", ...attributes }, space);
  let version = 0;
  let shown = "";
  const fill = async () => {
    const first = Math.max(0, Math.floor(box.scrollTop / height) - 10);
    const count = Math.min(500, Math.ceil(box.clientHeight / height) + 20);
    const want = first + "+" + count;
    if (want === shown) return;
    shown = want;
    const mine = ++version;
    let total, rows;
    try {
      ({ total, rows } = await part(first, count));
    } catch (error) {
      if (mine === version) space.replaceChildren(h("div", { class: "here" }, failed(error, box.again)));
      return;
    }
    if (mine !== version) return;
    space.style.height = total * height + "px";
    space.replaceChildren(...rows.map((row, i) => {
      const e = draw(row);
      e.style.position = "absolute";
      e.style.top = (first + i) * height + "px";
      e.style.height = height + "px";
      e.setAttribute("role", "listitem");
      return e;
    }));
  };
  box.addEventListener("scroll", () => requestAnimationFrame(fill));
  box.again = () => {
    shown = "";
    return fill();
  };
  return box;
}

// code shows lines of a file with their numbers, and marks those that mark picks.
export function code(lines, first, mark, label) {
  return h("pre", { class: "code", tabindex: "0", role: "region", "aria-label": label }, lines.map((text, i) => h("span", { class: "line" + (mark?.(i) ? " marked" : "") },
    h("span", { class: "number", "aria-hidden": "true" }, first ? String(first + i) : ""), text + "\n")));
}

// excerpt shows a statement where it stands.
export function excerpt(x) {
  const name = x.statement ? `"${x.statement}"` : `statement ${x.index}`;
  const place = x.line ? `${x.file}:${x.line}` : x.file;
  return h("figure", { class: "excerpt " + x.effect.toLowerCase() },
    h("figcaption", null, h("b", null, x.effect), ` ${name} at `, h("code", null, place)),
    x.missing ? h("p", { class: "faint" }, x.missing) : code(x.lines, x.first, null, `${x.effect} ${name}`),
    !x.missing && !x.first && h("p", { class: "faint" }, "It stands on one line of the file, and is laid out here."),
    x.cut && h("p", { class: "faint" }, "It goes on in the file."));
}

// download gives the user a file.
export function download(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

// plural counts things in words.
export const plural = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;
