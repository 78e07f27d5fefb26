// Change: which decisions differ between two directories.

import { h, api, field, failed, given, plural } from "./dom.js";
import { link } from "./app.js";

export function changeView(known) {
  if (!known.compare) {
    return { elements: [h("p", null, "There is nothing to compare with. Start with ", h("code", null, "-explore-compare NAME=DIR"), " to name a directory, or ", h("code", null, "serve"), " with ", h("code", null, "-shadow DIR"), ".")] };
  }
  const sides = () => known.sides.map((name, i) => h("option", { value: String(i) }, name));
  const old = h("select", null, sides()), next = h("select", null, sides());
  next.value = "1";
  const out = h("section", { "aria-live": "polite", "aria-label": "Changes" });

  async function compare() {
    out.replaceChildren(h("p", { role: "status" }, "Comparing; large directories take some seconds ..."));
    try {
      const d = await api("change", { old: Number(old.value), new: Number(next.value) }, "change");
      out.replaceChildren(...show(d));
    } catch (error) {
      if (!given(error)) out.replaceChildren(failed(error));
    }
  }

  function show(d) {
    const count = ["gained", "lost", "changed", "unknown"].map((k) => `${(d[k] || []).length} ${k}`).join(", ");
    return [h("p", { class: "sentence" }, count),
      ...section("Gained", `denied by "${known.sides[old.value]}", allowed by "${known.sides[next.value]}"`, d.gained, "deny"),
      ...section("Lost", `allowed by "${known.sides[old.value]}", denied by "${known.sides[next.value]}"`, d.lost, "allow"),
      ...section("Changed", "allowed on both sides, with other obligations", d.changed, "conditional"),
      ...(d.unknown?.length ? [h("h2", null, "Unknown"), h("ul", null, d.unknown.map((u) => h("li", null, where(u), " ", because(u.cause), " ", (u.why || []).join("; "))))] : [])];
  }

  function section(title, meaning, list) {
    if (!list?.length) return [];
    return [h("h2", null, `${title} (${list.length})`), h("p", { class: "faint" }, meaning), h("ul", { class: "changes" }, first(list, (c) => {
      const w = c.witness;
      return h("li", { class: title.toLowerCase() },
        h("p", null, where(c)), h("p", null, because(c.cause)),
        h("p", null, "As in ", h("code", null, `${w.subject.type}/${w.subject.id} ${w.action.name} ${w.resource.type}:${w.resource.id}`)),
        h("div", { class: "pair" }, verdict(known.sides[old.value], c.old, w, Number(old.value)), verdict(known.sides[next.value], c.new, w, Number(next.value))));
    }))];
  }

  // first draws the beginning of a long list, and the rest when asked for.
  function first(list, draw) {
    const shown = list.slice(0, 50).map(draw);
    if (list.length <= 50) return shown;
    const more = h("li", null, h("button", { type: "button", onclick: () => more.replaceWith(...list.slice(50).map(draw)) }, `Show ${list.length - 50} more`));
    return [...shown, more];
  }

  function verdict(name, answer, witness, side) {
    return h("div", { class: "card" }, h("b", null, name), h("p", null, h("b", { class: answer.decision ? "good" : "bad" }, answer.decision ? "allowed" : "denied"), answer.decision ? "" : ": " + (known.reasons[answer.reason] || answer.reason)),
      h("a", { href: link("ask", { side, evaluation: witness }) }, "Ask this here"));
  }

  const where = (c) => ["callers", c.organization && "of " + c.organization, c.bucket && "on bucket " + c.bucket, c.buckets && `on ${plural(c.buckets.count, "bucket")}`, c.owner && c.owner !== c.organization && "of owner " + c.owner].filter(Boolean).join(" ");
  const because = (cause) => (cause?.fact ? "because " + cause.fact : cause ? `because only "${known.sides[(cause.side === "old" ? old : next).value]}" has ${cause.effect || ""} "${cause.statement || "statement " + cause.index}" at ${cause.file}:${cause.line}` : "");

  return { elements: [
    h("form", { class: "bar", onsubmit: (e) => { e.preventDefault(); compare(); } }, field("From", old), field("To", next), h("button", { type: "submit" }, "Compare")), out] };
}
