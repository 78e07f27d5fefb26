// Policies: what is in the directory, and each file with what is known of it.

import { h, api, code, virtual, failed, field, later, plural, fill } from "./dom.js";
import { link } from "./app.js";

export function policiesView(known, content) {
  let org = content?.organization || known.organizations[0]?.name || "";
  const tree = h("div", { class: "tree" });
  const file = h("section", { "aria-live": "polite", "aria-label": "File" }, h("p", { class: "faint" }, "Choose a file, or a bucket that has a policy."));
  const filter = h("input", { type: "search", placeholder: "part of a name", spellcheck: "false" });

  const organizations = virtual(34, async (from, limit) => ({ total: known.organizations.length, rows: known.organizations.slice(from, from + limit) }), (o) =>
    h("div", null, h("button", { type: "button", class: "item", "aria-pressed": String(o.name === org), onclick: () => { org = o.name; organizations.again(); choose(); } },
      o.name, h("small", null, ` ${plural(o.statements, "statement")}, ${plural(o.buckets, "bucket")}`), o.quarantined > 0 && h("b", { class: "bad" }, ` ${o.quarantined} quarantined`))), { "aria-label": "Organizations", class: "virtual short" });

  const buckets = virtual(34, async (from, limit) => {
    const out = await api("buckets", { side: 0, organization: org, filter: filter.value, from, limit });
    count.textContent = plural(out.total, "bucket");
    return { total: out.total, rows: out.buckets };
  }, (b) => h("div", null, h("button", { type: "button", class: "item", disabled: !b.policy && !b.broken, onclick: () => show({ bucket: b.name }) },
    b.name, h("small", null, b.policy ? " " + plural(b.statements, "statement") : " no policy"), b.broken && h("b", { class: "bad" }, " broken"), b.contested && h("b", { class: "bad" }, " claimed by several"))), { "aria-label": "Buckets" });
  // warn shows what validate warns of in the organization's files, which takes a while
  // where there are many.
  const found = h("div", { class: "found", "aria-live": "polite" });
  async function warn(organizations) {
    found.replaceChildren(h("p", { class: "faint" }, "Looking at the files ..."));
    try {
      const out = { warnings: [], left: 0 };
      for (const organization of organizations) {
        const part = await api("warnings", { side: 0, organization }, "warnings");
        out.warnings.push(...part.warnings.map((w) => ({ ...w, organization })));
        out.left += part.left;
      }
      found.replaceChildren(
        h("p", { class: "faint" }, plural(out.warnings.length, "warning") + (out.left ? `; ${plural(out.left, "bucket")} not looked at` : "")),
        ...out.warnings.slice(0, 200).map((w) => h("button", { type: "button", class: "item wrap", onclick: () => show({ organization: w.organization, ...(w.bucket ? { bucket: w.bucket } : { folder: w.folder, name: w.name }) }, w) },
          h("b", { class: "warn" }, w.code), ` ${w.file}:${w.line} `, h("small", null, w.text))));
    } catch (error) {
      if (error.name !== "AbortError") found.replaceChildren(failed(error));
    }
  }

  const count = h("p", { class: "faint", role: "status" });
  filter.addEventListener("input", later(150, () => { buckets.scrollTop = 0; buckets.again(); }));

  async function choose() {
    try {
      const out = await api("documents", { side: 0, organization: org }, "documents");
      known.organizations = out.organizations;
      tree.replaceChildren(...out.files.map((f) => h("button", { type: "button", class: "item", onclick: () => show({ folder: f.folder, name: f.name }) },
        f.folder ? f.folder + "/" + f.name : f.name, f.broken && h("b", { class: "bad" }, " quarantined"), f.warnings > 0 && h("b", { class: "warn" }, " " + plural(f.warnings, "warning")))));
      found.replaceChildren();
      buckets.scrollTop = 0;
      await buckets.again();
    } catch (error) {
      tree.replaceChildren(failed(error));
    }
  }

  async function show(what, warning) {
    try {
      const d = await api("document", { side: 0, organization: org, bucket: "", folder: "", name: "", ...what }, "document");
      if (warning && !d.notes.some((n) => n.line === warning.line)) d.notes.push({ line: warning.line, severity: "warning", text: warning.text });
      const at = {};
      for (const n of d.notes) (at[n.line] ||= []).push(n);
      const lines = d.text.split("\n").slice(0, 5000);
      const use = h("p", { class: "faint", role: "status" });
      fill(file,
        h("h2", null, d.file),
        d.notes.length > 0 && h("ul", { class: "notes" }, d.notes.map((n) => h("li", { class: n.severity }, h("b", null, `${n.severity}, line ${n.line}: `), n.text))),
        d.statements.length > 0 && h("details", { open: d.statements.length <= 12 }, h("summary", null, `${plural(d.statements.length, "statement")}, what they mean today`),
          h("ul", null, d.statements.map((s) => h("li", null, h("b", null, s.effect), ` ${s.name || "statement " + s.index} (line ${s.line}): ${s.matches}`, h("span", { class: "use faint" })))), use),
        what.bucket && h("p", null, h("a", { href: link("who", { organization: org, bucket: what.bucket }) }, "Who can reach this bucket")),
        code(lines, 1, (i) => at[i + 1], d.file),
        (d.cut || lines.length === 5000) && h("p", { class: "faint" }, "The file goes on."));
      if (file.getBoundingClientRect().top > innerHeight - 100) file.scrollIntoView();
      if (d.statements.length) await uses(what, use);
    } catch (error) {
      if (error.name !== "AbortError") file.replaceChildren(failed(error));
    }
  }

  // uses tells of each statement whether a test or the log ever determined by it.
  async function uses(what, told) {
    const u = await api("uses", { organization: org, bucket: "", folder: "", name: "", ...what }, "uses");
    const of = [u.tested && plural(u.tests, "request") + " of tests", u.logged && plural(u.lines, "line") + ` of the decision log${u.cut ? "'s end" : ""}`].filter(Boolean);
    told.textContent = of.length ? `Looked at: ${of.join(" and ")}.` : "No tests and no decision log are known: -explore-tests and -decision-log say where they are.";
    if (!of.length) return;
    const spans = file.querySelectorAll(".use");
    u.statements.forEach((s, i) => {
      const by = [u.tested && plural(s.tests, "test"), u.logged && plural(s.lines, "line") + " of the log"].filter(Boolean).join(" and ");
      if (spans[i]) spans[i].replaceChildren(s.tests + s.lines ? ` Determined ${by}.` : h("b", { class: "warn" }, " Never determined a decision there."));
    });
  }

  queueMicrotask(() => { organizations.again(); if (org) choose(); });
  return { elements: [h("div", { class: "policies" },
    h("div", { class: "side" }, h("h2", null, "Organizations"), organizations, h("h2", null, "Files"), tree, h("h2", null, "Warnings"), h("button", { type: "button", onclick: () => warn([org]) }, "Look for mistakes and dead statements"), " ",
      known.organizations.length > 1 && h("button", { type: "button", onclick: () => warn(known.organizations.map((o) => o.name)) }, "Look in all organizations"), found, h("h2", null, "Buckets"), field("Filter", filter), count, buckets),
    file)] };
}
