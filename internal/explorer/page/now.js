// Now: figures of this moment, and what was denied last.

import { h, svg, api, failed } from "./dom.js";
import { link } from "./app.js";

const every = 2000; // milliseconds
const kept = 90; // points of the curves

// samples reads Prometheus' text: [{name, labels, value}].
function samples(text) {
  const out = [];
  for (const m of text.matchAll(/^(\w+)(?:\{([^}]*)\})? (\S+)$/gm)) {
    const labels = Object.fromEntries([...(m[2] || "").matchAll(/(\w+)="([^"]*)"/g)].map((l) => [l[1], l[2]]));
    out.push({ name: m[1], labels, value: Number(m[3]) });
  }
  return out;
}

export function nowView(known) {
  const out = h("div", { class: "now" });
  const history = [];
  let before = null, timer = 0, closed = false;

  async function look() {
    try {
      const n = await api("now", {}, "now");
      if (closed) return;
      draw(n);
    } catch (error) {
      if (error.name !== "AbortError") out.replaceChildren(failed(error));
    }
    if (!closed) timer = setTimeout(look, every);
  }

  function draw(n) {
    const parts = [];
    const since = (t) => new Date(t).toLocaleTimeString();
    if (known.served) parts.push(...traffic(n));
    parts.push(h("section", null, h("h2", null, "Policies in force"), h("dl", null, [
      ["Generation", n.generation], ["Digest", n.digest],
      n.revision && ["Fleet revision", `${n.revision.epoch}.${n.revision.revision}, applied ${new Date(n.revision.applied).toLocaleString()}`], ["Last look", `${since(n.lastReload)}, ${n.result}, ${(n.reloadSeconds * 1000).toFixed(1)} ms`],
      ["Organizations", n.organizations], ["Buckets", n.buckets], ["Files", n.files],
      ["Statements", Object.entries(n.statements).filter(([, v]) => v).map(([k, v]) => `${k} ${v}`).join(", ")], ["Warnings", n.warnings],
      ["Memory of the snapshot", `${(n.snapshotBytes / 1048576).toFixed(1)} MiB`],
      n.heldSince && ["Held since", since(n.heldSince) + (n.transaction ? " (a transaction)" : "")],
      n.failure && ["Failure", n.failure], n.stateFailure && ["State directory", n.stateFailure],
    ].filter(Boolean).map(([k, v]) => [h("dt", null, k), h("dd", null, String(v))]))));
    parts.push(h("section", null, h("h2", null, "Generations"), n.looks.length ? h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Generations" }, h("table", null, h("caption", null, "The last looks that changed something, newest first"),
      h("thead", null, h("tr", null, ["At", "Generation", "Result", "Took", "Quarantined"].map((t) => h("th", { scope: "col" }, t)))),
      h("tbody", null, n.looks.slice(0, 12).map((l) => h("tr", { title: "digest " + l.digest }, h("td", null, since(l.at)), h("td", null, String(l.generation)), h("td", null, l.result), h("td", null, `${(l.seconds * 1000).toFixed(1)} ms`), h("td", null, String(l.quarantined))))))) : h("p", { class: "faint" }, "None yet.")));
    parts.push(h("section", null, h("h2", null, `Quarantined units (${n.quarantined.length})`), n.quarantined.length ? n.quarantined.map((q) => h("div", { class: "card" }, h("b", null, q.unit), h("p", null, q.lastGood ? "its last good content is in force" : "what it could speak of is denied", ` since ${since(q.since)}`), h("ul", null, q.errors.map((e) => h("li", null, e))))) : h("p", { class: "faint" }, "None.")));
    parts.push(h("section", null, h("h2", null, "Last denials"), known.logged ? denials(n.denials, n.at) : h("p", { class: "faint" }, "There is no decision log; start with -decision-log FILE.")));
    parts.push(h("section", null, h("h2", null, "Flags in force"), !known.flags.length ? h("p", { class: "faint" }, "No sidecar runs here: this page reads the directory.") : h("ul", null, known.flags.map((f) => h("li", null, h("code", null, f))))));
    out.replaceChildren(...parts);
  }

  function traffic(n) {
    const all = samples(n.metrics);
    const at = Date.parse(n.at) / 1000;
    const decisions = all.filter((s) => s.name === "postern_decisions_total");
    const buckets = all.filter((s) => s.name === "postern_request_duration_seconds_bucket");
    const sum = (list, label) => { const o = {}; for (const s of list) o[s.labels[label]] = (o[s.labels[label]] || 0) + s.value; return o; };
    const now = { at, outcome: sum(decisions, "outcome"), reason: sum(decisions, "reason"), le: sum(buckets, "le") };
    const since = before || now;
    before = now;
    const seconds = now.at - since.at || 1;
    const rate = (kind) => Object.entries(now[kind]).map(([k, v]) => [k, (v - (since[kind][k] || 0)) / seconds]);
    const outcomes = Object.fromEntries(rate("outcome"));
    const allow = outcomes.Allow || 0, total = Object.values(outcomes).reduce((a, b) => a + b, 0);
    history.push({ allow, deny: total - allow });
    if (history.length > kept) history.shift();
    const bounds = Object.entries(now.le).map(([le, v]) => [le === "+Inf" ? Infinity : Number(le), v - (since.le[le] || 0)]).sort((a, b) => a[0] - b[0]);
    const counted = bounds.length ? bounds[bounds.length - 1][1] : 0;
    const within = (q) => { const b = bounds.find(([, v]) => v >= q * counted); return !counted ? "–" : b[0] === Infinity ? "over 2.5 s" : `≤ ${b[0] < 0.001 ? (b[0] * 1e6).toFixed(0) + " µs" : (b[0] * 1e3).toFixed(1) + " ms"}`; };
    return [h("section", null, h("h2", null, "Decisions a second"),
      h("p", { class: "sentence" }, `${total.toFixed(0)} a second, ${allow.toFixed(0)} allowed, ${(total - allow).toFixed(0)} denied`), curve(),
      h("table", null, h("caption", null, "By reason"), h("thead", null, h("tr", null, h("th", { scope: "col" }, "Reason"), h("th", { scope: "col" }, "a second"), h("th", { scope: "col" }, "in all"))),
        h("tbody", null, rate("reason").filter(([k]) => now.reason[k] > 0).sort((a, b) => b[1] - a[1]).map(([k, v]) => h("tr", null, h("th", { scope: "row", title: known.reasons[k] || "" }, k), h("td", null, v.toFixed(1)), h("td", null, String(now.reason[k]))))))),
      h("section", null, h("h2", null, "Time to answer"), h("dl", null, [["p50", 0.5], ["p90", 0.9], ["p99", 0.99], ["p99.9", 0.999]].map(([k, q]) => [h("dt", null, k), h("dd", null, within(q))])))];
  }

  function curve() {
    const most = Math.max(1, ...history.map((p) => p.allow + p.deny));
    const x = (i) => ((i / (kept - 1)) * 600).toFixed(1), y = (v) => (100 - (v / most) * 95).toFixed(1);
    const path = (f) => history.map((p, i) => `${i ? "L" : "M"}${x(i)} ${y(f(p))}`).join("");
    const last = history[history.length - 1];
    return svg("svg", { viewBox: "0 0 600 104", class: "curve", role: "img", "aria-label": `Decisions a second over the last three minutes; now ${last.allow.toFixed(0)} allowed and ${last.deny.toFixed(0)} denied` },
      svg("path", { d: path((p) => p.allow + p.deny), class: "all" }), svg("path", { d: path((p) => p.deny), class: "denied" }));
  }

  function denials(list, at) {
    if (!list.length) return h("p", { class: "faint" }, "Nothing was denied of late.");
    const minute = list.filter((d) => Date.parse(at) - Date.parse(d.time) < 60000).length;
    return [h("p", null, `In the last minute: ${minute}${minute === 50 ? " or more" : ""}.`), h("ul", { class: "denials" }, list.map((d) => {
      const r = d.request;
      const what = r ? `${r.subject?.type}/${r.subject?.id} ${r.action?.name} ${r.resource?.type}:${r.resource?.id}` : "request not logged";
      return h("li", null, h("time", { datetime: d.time || "", title: d.time || "" }, d.time ? new Date(d.time).toLocaleTimeString() : ""), " ", r ? h("a", { href: link("ask", { side: 0, evaluation: r }) }, what) : what, " ", h("code", { title: known.reasons[d.reason] || "" }, d.reason || ""));
    }))];
  }

  look();
  return { elements: [out], close: () => { closed = true; clearTimeout(timer); } };
}
