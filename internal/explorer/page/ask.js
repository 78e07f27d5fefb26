// Ask: one question, what it came to, and why.

import { h, api, field, fill, choices, seen, later, excerpt, failed, given } from "./dom.js";
import { link } from "./app.js";

// example is a question to begin with: of a bucket that there is, if there is one.
function example({ organization, bucket }) {
  return { subject: { type: "role", id: "Admin", properties: { org: organization } }, action: { name: "s3:GetObject" }, resource: { type: "object", id: (bucket || "bucket") + "/key" } };
}

// list reads names that are separated by commas.
const list = (text) => text.split(",").map((s) => s.trim()).filter(Boolean);

// written is a value of the context as it is typed, and read is what is typed as a value.
const written = (value) => (typeof value === "string" ? value : JSON.stringify(value));
function read(text) {
  if (/^(\[.*\]|\{.*\}|true|false|-?\d+(\.\d+)?)$/.test(text.trim())) {
    try { return JSON.parse(text); } catch { /* it is a text */ }
  }
  return text;
}

export function askView(known, content) {
  let evaluation = content?.evaluation || {};
  const side = h("select", null, known.sides.map((name, i) => h("option", { value: String(i) }, name)));
  side.value = String(content?.side || 0);
  const org = h("input", { list: "organizations", autocomplete: "off", spellcheck: "false" });
  const who = h("input", { autocomplete: "off", spellcheck: "false" });
  const groups = h("input", { autocomplete: "off", spellcheck: "false" });
  const action = h("input", { list: "actions", autocomplete: "off", spellcheck: "false" });
  const type = h("input", { list: "types", autocomplete: "off", spellcheck: "false" });
  const id = h("input", { autocomplete: "off", spellcheck: "false" });
  const owner = h("input", { list: "organizations", autocomplete: "off", spellcheck: "false" });
  const rows = h("div", { class: "rows" });
  const json = h("textarea", { rows: "18", spellcheck: "false" });
  const problem = h("p", { class: "error", role: "alert", hidden: true });
  const decision = h("section", { class: "decision", "aria-live": "polite", "aria-label": "Decision" });
  const result = h("section", { "aria-label": "Why" });
  const permalink = h("a", { href: "#ask" }, "Link to this question");

  const typeOf = {};
  for (const a of known.actions) typeOf[a.name.toLowerCase()] = a.on;

  function row(key, value) {
    const k = h("input", { list: "keys", "aria-label": "Condition key", value: key, oninput: fromForm, spellcheck: "false" });
    const v = h("input", { "aria-label": "Value of " + (key || "the key"), value, oninput: fromForm, spellcheck: "false" });
    const e = h("div", { class: "row" }, k, v, h("button", { type: "button", "aria-label": "Remove " + (key || "this key"), onclick: () => { e.remove(); fromForm(); } }, "×"));
    e.read = () => [k.value.trim(), read(v.value)];
    return e;
  }

  function toForm() {
    const s = evaluation.subject || {}, p = s.properties || {}, r = evaluation.resource || {};
    org.value = p.org || "";
    who.value = [s.type && `${s.type}/${s.id}`, ...(p.principals || [])].filter(Boolean).join(", ");
    groups.value = (p.groups || []).join(", ");
    action.value = evaluation.action?.name || "";
    type.value = r.type || "";
    id.value = r.id || "";
    owner.value = r.properties?.org || "";
    rows.replaceChildren(...Object.entries(evaluation.context || {}).map(([k, v]) => row(k, written(v))));
  }

  // put sets a member, or takes an empty one away.
  function put(object, name, value) {
    if (value === "" || Array.isArray(value) && !value.length) delete object[name];
    else object[name] = value;
  }

  function fromForm() {
    const [first = "", ...more] = list(who.value);
    const cut = first.indexOf("/");
    const s = { ...evaluation.subject, type: cut < 0 ? "role" : first.slice(0, cut), id: first.slice(cut + 1), properties: { ...evaluation.subject?.properties } };
    put(s.properties, "org", org.value.trim());
    put(s.properties, "principals", more);
    put(s.properties, "groups", list(groups.value));
    const r = { ...evaluation.resource, type: type.value.trim(), id: id.value, properties: { ...evaluation.resource?.properties } };
    put(r.properties, "org", owner.value.trim());
    if (!Object.keys(r.properties).length) delete r.properties;
    const context = Object.fromEntries([...rows.children].map((e) => e.read()).filter(([k]) => k));
    evaluation = { ...evaluation, subject: s, action: { ...evaluation.action, name: action.value.trim() }, resource: r };
    put(evaluation, "context", Object.keys(context).length ? context : "");
    json.value = JSON.stringify(evaluation, null, 2);
    ask();
  }

  function fromJSON() {
    try {
      const read = JSON.parse(json.value);
      if (read === null || typeof read !== "object" || Array.isArray(read)) throw new Error("an evaluation is an object");
      evaluation = read;
    } catch (error) {
      tell("The JSON cannot be read: " + error.message);
      return;
    }
    toForm();
    ask();
  }

  function tell(text) {
    problem.hidden = !text;
    problem.textContent = text;
  }

  const ask = later(200, async () => {
    permalink.href = link("ask", { side: Number(side.value), evaluation });
    try {
      const a = await api("ask", { side: Number(side.value), evaluation }, "ask");
      tell(a.problem ? [a.problem.path, a.problem.message].filter(Boolean).join(": ") : "");
      fill(decision, !a.problem && verdict(a));
      fill(result, !a.problem && reasons(a));
    } catch (error) {
      if (given(error)) return;
      fill(decision, failed(error, ask.now));
      fill(result);
    }
    seen();
  });

  for (const e of [org, who, groups, type, id, owner]) e.addEventListener("input", fromForm);
  action.addEventListener("input", () => {
    const on = typeOf[action.value.trim().toLowerCase()];
    if (on && on !== type.value) {
      type.value = on;
      if (on === "organization") id.value = "*";
      else if (on === "bucket") id.value = id.value.split("/")[0];
      else if (!id.value.includes("/")) id.value += "/key";
    }
    fromForm();
  });
  side.addEventListener("change", ask);
  json.addEventListener("input", fromJSON);
  const begin = () => {
    toForm();
    json.value = JSON.stringify(evaluation, null, 2);
    ask.now();
  };
  if (!content?.evaluation) evaluation = example(known.example);
  begin();

  return { elements: [
    choices("organizations", known.listed.then((list) => list.map((o) => o.name))),
    choices("actions", known.actions.map((a) => a.name)),
    choices("types", ["bucket", "object", "organization"]),
    choices("keys", known.keys),
    decision,
    h("div", { class: "asking" }, h("div", { class: "ask" },
      h("form", { onsubmit: (e) => e.preventDefault(), "aria-label": "Question" },
        known.sides.length > 1 && field("Policies", side),
        field("Organization of the caller", org),
        field("Principals", who, "provider/name, the first one first; commas between several"),
        field("Groups", groups),
        field("Action", action),
        h("div", { class: "pair" }, field("Resource type", type), field("Resource", id)),
        field("Owner of the resource", owner, "where the policies do not say"),
        h("fieldset", null, h("legend", null, "Context"), rows,
          h("button", { type: "button", onclick: () => { rows.append(row("", "")); rows.lastChild.firstChild.focus(); } }, "Add a condition key"))),
      h("div", { class: "json" }, field("The same as JSON (an AuthZEN evaluation)", json), problem, h("p", null, permalink))),
    result),
  ] };
}

// failures says in words what of the nearest Allow failed.
const failures = { principal: "it is for other principals", action: "it is for other actions", resource: "it is for other resources", condition: "a condition does not hold" };

// verdict shows what a question came to.
function verdict(a) {
  return [
    h("p", { class: "verdict " + (a.decision ? "allow" : "deny") }, a.decision ? "Allowed" : "Denied"),
    h("p", { class: "sentence" }, a.sentence, " ", h("code", null, a.reason)),
    (a.answer?.hint || []).map((text) => h("p", { class: "hint" }, "Hint: " + text)),
  ];
}

// reasons shows why a question came to what it did.
function reasons(a) {
  const context = a.answer || {};
  const steps = a.steps.map((s) => h("li", { class: "step " + s.outcome.toLowerCase() },
    h("h3", null, `${s.layer}${s.organization ? " of " + s.organization : ""}: `, h("b", null, words[s.outcome] || s.outcome)),
    s.note && h("p", null, s.note),
    s.statements.length ? s.statements.map(excerpt) : h("p", { class: "faint" }, s.outcome === "Allow" ? (a.decision ? "It allows without a statement." : "It is no reason for the denial.") : "No statement of it holds.")));
  const near = context.nearest;
  return [
    a.steps.length > 0 && h("h2", null, "Steps"),
    h("ol", { class: "steps" }, steps),
    a.nearest && h("section", null, h("h2", null, "The nearest Allow"),
      h("ul", null, a.failed.map((f) => h("li", null, failures[f] || f)),
        (near?.conditions || []).map((c) => h("li", null, h("code", null, `${c.operator} ${c.key}`), ` wants ${c.values.join(" or ")}, and the request has ${Array.isArray(c.had) ? c.had.join(", ") : "it " + c.had}`)),
        (near?.variables || []).map((v) => h("li", null, h("code", null, v), " has no value in this request"))),
      excerpt(a.nearest)),
  ];
}

const words = { Allow: "allows", ExplicitDeny: "denies", ImplicitDeny: "does not allow" };
