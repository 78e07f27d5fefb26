// The frame: which view is shown, and what all views know.

import { h, api, takeToken, failed, plural } from "./dom.js";
import { askView } from "./ask.js";
import { matrixView } from "./matrix.js";
import { policiesView } from "./policies.js";
import { changeView } from "./change.js";
import { nowView } from "./now.js";

const views = {
  ask: { title: "Ask", make: askView },
  who: { title: "Who and what", make: matrixView },
  policies: { title: "Policies", make: policiesView },
  change: { title: "Change", make: changeView },
  now: { title: "Now", make: nowView },
};

const main = document.getElementById("main");
const nav = document.getElementById("views");
const state = document.getElementById("state");

// decode reads the question that a link holds.
function decode(text) {
  try {
    const bytes = Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

// link returns the fragment that shows a view with what it is to show. It never has
// the token.
export function link(view, content) {
  if (!content) return "#" + view;
  const bytes = new TextEncoder().encode(JSON.stringify(content));
  let text = "";
  for (const b of bytes) text += String.fromCharCode(b);
  return "#" + view + "=" + btoa(text).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

let known;
let close = null;

function show() {
  const [name, content] = location.hash.slice(1).split("=", 2);
  const view = views[name] ? name : "ask";
  close?.();
  close = null;
  for (const a of nav.querySelectorAll("a")) {
    if (a.dataset.view === view) a.setAttribute("aria-current", "page");
    else a.removeAttribute("aria-current");
  }
  document.title = views[view].title + " - postern explorer";
  const made = views[view].make(known, content ? decode(content) : null);
  close = made.close || null;
  main.replaceChildren(h("h1", null, views[view].title), ...made.elements);
}

async function start() {
  for (const [name, view] of Object.entries(views)) nav.append(h("a", { href: "#" + name, "data-view": name }, view.title));
  if (!takeToken()) {
    main.replaceChildren(h("h1", null, "No token"), h("p", null, "Open the page by the URL that postern printed: its end has the token that the page needs."));
    return;
  }
  try {
    let tree;
    [known, tree] = await Promise.all([api("start"), api("documents", { side: 0, organization: "" })]);
    known.organizations = tree.organizations;
  } catch (error) {
    main.replaceChildren(h("h1", null, "No answer"), failed(error));
    return;
  }
  state.textContent = `${known.version} · ${plural(known.organizations.length, "organization")}`;
  addEventListener("hashchange", show);
  show();
}

start();
