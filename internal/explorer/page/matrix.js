// Who and what: principals against actions, or against buckets.

import { h, api, field, failed, given, later, choices, download, plural } from "./dom.js";
import { link } from "./app.js";

const common = ["s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:GetObjectVersion", "s3:DeleteObjectVersion", "s3:GetObjectTagging", "s3:PutObjectTagging", "s3:AbortMultipartUpload", "s3:GetBucketPolicy", "s3:PutBucketPolicy", "s3:DeleteBucket", "s3:CreateBucket"];
const rowHeight = 30;

// safe is a cell of a CSV that no program takes for a formula.
export const safe = (s) => '"' + (/^[=+\-@\t\r]/.test(s) ? "'" + s : s).replace(/"/g, '""') + '"';

export function matrixView(known, content) {
  const organizations = known.organizations;
  const org = h("select", null, organizations.map((o) => h("option", { value: o.name }, o.name)));
  const by = h("select", null, h("option", { value: "actions" }, "actions of one bucket"), h("option", { value: "buckets" }, "buckets for one action"));
  const bucket = h("input", { list: "matrix-buckets", autocomplete: "off", spellcheck: "false" });
  const names = choices("matrix-buckets", []);
  const key = h("input", { value: "any/key", spellcheck: "false" });
  const action = h("input", { list: "matrix-actions", value: "s3:GetObject", spellcheck: "false" });
  const columns = h("select", null, h("option", { value: "common" }, "common actions"), h("option", { value: "all" }, "all actions of S3"));
  const filter = h("input", { type: "search", placeholder: "part of a name", spellcheck: "false" });
  const only = h("select", null, ["every row", "rows that allow something", "rows that depend on the context"].map((t, i) => h("option", { value: String(i) }, t)));
  const sort = h("select", null, ["wildcards first", "most allowed first"].map((t, i) => h("option", { value: String(i) }, t)));
  const note = h("p", { class: "faint", role: "status" });
  const box = h("div", { class: "matrix", tabindex: "0", role: "region", "aria-label": "Matrix" });
  const csv = h("button", { type: "button", disabled: true }, "Export as CSV");
  let shown = null;

  // complete fills the completions of the bucket's name.
  const complete = later(150, async () => {
    try {
      const out = await api("buckets", { side: 0, organization: org.value, filter: bucket.value, from: 0, limit: 50 }, "names");
      names.replaceChildren(...out.buckets.map((b) => h("option", { value: b.name })));
    } catch { /* the next keystroke asks again */ }
  });

  async function firstBuckets(limit) {
    return (await api("buckets", { side: 0, organization: org.value, filter: "", from: 0, limit })).buckets.map((b) => b.name);
  }

  const ask = later(150, async () => {
    const byBuckets = by.value === "buckets";
    for (const [e, off] of [[bucket, byBuckets], [columns, byBuckets], [action, !byBuckets]]) e.closest(".field").hidden = off;
    note.textContent = "Asking ...";
    try {
      if (!byBuckets && !bucket.value) bucket.value = (await firstBuckets(1))[0] || "";
      const actions = byBuckets ? [action.value.trim()] : columns.value === "common" ? common : known.actions.map((a) => a.name).filter((n) => n.startsWith("s3:")).slice(0, 200);
      const body = { side: 0, organization: org.value, bucket: byBuckets ? "" : bucket.value.trim(), key: key.value || "key", actions, buckets: byBuckets ? await firstBuckets(50) : [], filter: filter.value.trim() };
      shown = await api("matrix", body, "matrix");
      shown.byBuckets = byBuckets;
      shown.of = byBuckets ? actions[0] : body.bucket;
      draw();
    } catch (error) {
      if (given(error)) return;
      note.textContent = "";
      box.replaceChildren(failed(error));
    }
  });

  const marks = { allow: ["✓", "allowed"], deny: ["✗", "denied"], conditional: ["◐", "depends on the context"] };

  function text(kind) {
    const keys = kind.keys?.length ? ` (${kind.keys.join(", ")}; without it ${kind.allowed ? "allowed" : "denied"})` : "";
    return `${marks[kind.decision][1]}${keys}: ${kind.reason}${kind.layer === "none" ? "" : ", " + kind.layer}`;
  }

  function draw() {
    const kinds = shown.kinds || [];
    const allowed = (row) => row.cells.filter((c) => kinds[c]?.decision === "allow").length;
    let rows = shown.rows.filter((row) => only.value === "0" || row.cells.some((c) => kinds[c] && (only.value === "1" ? kinds[c].allowed || kinds[c].decision === "conditional" : kinds[c].decision === "conditional")));
    if (sort.value === "1") rows = [...rows].sort((a, b) => allowed(b) - allowed(a));
    const title = (c) => (shown.byBuckets ? c.resource.split("/")[0] : c.action.replace(/^s3:/, ""));
    const head = h("tr", null, h("th", { scope: "col" }, "Principal"), shown.columns.map((c) => h("th", { scope: "col", class: "turned", title: c.problem || `${c.action} on ${c.resource}` }, h("span", null, title(c)))));
    const body = h("tbody");
    const table = h("table", null, h("caption", { class: "hidden" }, "Who may do what"), h("thead", null, head), body);
    const width = shown.columns.length + 1;
    const make = (row) => h("tr", { class: row.wide ? "wide" : "" }, h("th", { scope: "row", title: row.name }, h("span", null, row.name)), row.cells.map((c, i) => {
      const column = shown.columns[i];
      if (c < 0) return h("td", { title: column.problem }, "–");
      const kind = kinds[c];
      return h("td", { class: kind.decision }, h("a", { href: question(row, column), title: text(kind), "aria-label": `${row.name}, ${title(column)}: ${text(kind)}` }, marks[kind.decision][0]));
    }));
    // Only the rows in sight exist.
    const fill = () => {
      const first = Math.max(0, Math.floor(box.scrollTop / rowHeight) - 10);
      const seen = rows.slice(first, first + Math.ceil((box.clientHeight || 600) / rowHeight) + 20);
      const gap = (n) => h("tr", { "aria-hidden": "true" }, h("td", { colspan: String(width), class: "gap", height: String(n * rowHeight) }));
      body.replaceChildren(...[first > 0 && gap(first), ...seen.map(make), first + seen.length < rows.length && gap(rows.length - first - seen.length)].filter(Boolean));
    };
    box.onscroll = () => requestAnimationFrame(fill);
    box.replaceChildren(table);
    fill();
    const wide = shown.rows.filter((r) => r.wide).length;
    note.textContent = `${shown.of}: ${rows.length} of ${shown.rows.length} rows × ${shown.columns.length} columns. ${plural(wide, "row")} for what wildcards let in, each tried with a name that no policy has; other principals are those that the policies name.` +
      (shown.more ? ` ${shown.more} more rows are not listed: narrow them by a part of the name.` : "") + (shown.byBuckets ? " The first 50 buckets are shown." : "");
    csv.disabled = false;
    csv.onclick = () => download("postern.csv", "text/csv", table_csv(rows, title));
  }

  // question is a link that asks a cell in full.
  function question(row, column) {
    const [type, ...id] = row.id.split("/");
    const evaluation = structuredClone(column.evaluation);
    evaluation.subject = { type, id: id.join("/"), properties: { org: org.value } };
    return link("ask", { side: 0, evaluation });
  }

  function table_csv(rows, title) {
    const lines = [["principal", ...shown.columns.map(title)], ...rows.map((r) => [r.name, ...r.cells.map((c) => (c < 0 ? "" : text(shown.kinds[c])))])];
    return lines.map((l) => l.map(safe).join(",")).join("\r\n") + "\r\n";
  }

  bucket.addEventListener("input", () => { complete(); ask(); });
  for (const e of [bucket, key, action, filter]) e.addEventListener("change", ask);
  for (const e of [by, columns]) e.addEventListener("change", ask);
  org.addEventListener("change", () => { bucket.value = ""; complete(); ask(); });
  for (const e of [only, sort]) e.addEventListener("change", () => shown && draw());
  if (content?.organization) org.value = content.organization;
  if (content?.bucket) bucket.value = content.bucket;
  if (organizations.length) {
    complete();
    queueMicrotask(() => ask.now()); // once the fields are in the page
  } else {
    note.textContent = "No organization has a folder.";
  }

  return { elements: [
    names, choices("matrix-actions", known.actions.map((a) => a.name)),
    h("form", { class: "bar", onsubmit: (e) => { e.preventDefault(); ask(); } },
      field("Callers of", org), field("Principals against", by), field("Bucket", bucket), field("Action", action), field("Key", key), field("Columns", columns),
      field("Principals", filter), field("Rows", only), field("Order", sort), csv),
    note, box,
    h("p", { class: "legend" }, Object.values(marks).map(([sign, meaning]) => h("span", null, `${sign} ${meaning}`))),
  ] };
}
