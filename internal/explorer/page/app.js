// The frame: which view is shown, and what all views know.

import { h, api, takeToken, failed, seen, idle, plural } from "./dom.js";
import { askView } from "./ask.js";

// views are what can be shown. All but the first are read when they are asked for, or
// once the first is there, and know the organizations.
const views = {
  ask: { title: "Ask", make: askView },
  who: { title: "Who and what", read: async () => (await import("./matrix.js")).matrixView },
  policies: { title: "Policies", read: async () => (await import("./policies.js")).policiesView },
  change: { title: "Change", read: async () => (await import("./change.js")).changeView },
  now: { title: "Now", read: async () => (await import("./now.js")).nowView },
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
let listed = null; // a promise of the organizations
let close = null;
let shows = 0;

async function show() {
  const mine = ++shows;
  const [name, content] = location.hash.slice(1).split("=", 2);
  const view = views[name] ? name : "ask";
  close?.();
  close = null;
  for (const a of nav.querySelectorAll("a")) {
    if (a.dataset.view === view) a.setAttribute("aria-current", "page");
    else a.removeAttribute("aria-current");
  }
  const { title, read } = views[view];
  document.title = title + " - postern explorer";
  try {
    if (read) [views[view].make, known.organizations] = await Promise.all([read(), listed || list()]);
    if (mine !== shows) return; // another one was asked for meanwhile
    const made = views[view].make(known, content ? decode(content) : null);
    close = made.close || null;
    main.replaceChildren(h("h1", null, title), ...made.elements);
    if (read) seen(); // Ask tells it by itself, once there is an answer
  } catch (error) {
    main.replaceChildren(h("h1", null, title), failed(error, show));
  }
}

// list reads the organizations.
function list() {
  listed = api("documents", { side: 0, organization: "" }).then((tree) => tree.organizations);
  listed.catch(() => { listed = null; }); // the next view tries it again
  return listed;
}

async function start() {
  for (const [name, view] of Object.entries(views)) nav.append(h("a", { href: "#" + name, "data-view": name }, view.title));
  if (!takeToken()) {
    main.replaceChildren(h("h1", null, "No token"), h("p", null, "Open the page by the URL that postern printed: its end has the token that the page needs."));
    return;
  }
  const begun = list();
  try {
    known = await api("start");
  } catch (error) {
    main.replaceChildren(h("h1", null, "No answer"), failed(error));
    return;
  }
  state.textContent = known.version;
  known.listed = begun.then((organizations) => {
    state.textContent += ` · ${plural(organizations.length, "organization")}`;
    return organizations;
  }, () => []); // the views that need the list show why it is not there
  addEventListener("hashchange", show);
  show();
  idle(() => { for (const { read } of Object.values(views)) read?.().catch(() => {}); });
}

start();
