"use strict";
// A page to read the description and to try each call.
const make = (tag, text, ...children) => {
  const node = document.createElement(tag);
  if (text) node.textContent = text;
  node.append(...children);
  return node;
};

function field(parameter) {
  const input = make("input");
  input.name = parameter.name;
  input.placeholder = parameter.schema.default ?? "";
  input.required = parameter.in === "path";
  return make("label", parameter.name + " ", input, make("small", parameter.description || ""));
}

function url(path, form, parameters) {
  const query = new URLSearchParams();
  let address = path;
  for (const parameter of parameters) {
    const value = form.elements[parameter.name].value;
    if (parameter.in === "path") address = address.replace("{" + parameter.name + "}", encodeURIComponent(value));
    else if (value && parameter.schema.type === "array") value.split(/\s+/).forEach((v) => query.append(parameter.name, v));
    else if (value) query.append(parameter.name, value);
  }
  return query.size ? address + "?" + query : address;
}

// A body to begin with: what it must have, empty.
function skeleton(schema, schemas) {
  if (schema.$ref) return skeleton(schemas[schema.$ref.split("/").pop()], schemas);
  if (schema.type === "array") return [skeleton(schema.items, schemas)];
  if (schema.type !== "object") return { string: "", boolean: false }[schema.type] ?? 0;
  return Object.fromEntries(schema.required.map((name) => [name, skeleton(schema.properties[name], schemas)]));
}

async function call(method, address, body, output) {
  const token = document.getElementById("token").value;
  const headers = token ? { Authorization: "Bearer " + token } : {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  output.textContent = "…";
  try {
    const answer = await fetch(address, { method, headers, body });
    const type = answer.headers.get("content-type") || "";
    const text = type.includes("msgpack") ? (await answer.arrayBuffer()).byteLength + " bytes of " + type : await answer.text();
    const shown = type.includes("json") ? JSON.stringify(JSON.parse(text), null, 2) : text;
    output.textContent = answer.status + " " + address + "\n\n" + shown;
  } catch (fault) {
    output.textContent = String(fault);
  }
}

function listen(address, output) {
  const token = document.getElementById("token").value;
  const scheme = location.protocol === "https:" ? "wss://" : "ws://";
  const socket = new WebSocket(scheme + location.host + address);
  const lines = [];
  const show = (line) => { lines.unshift(line); lines.length = Math.min(lines.length, 20); output.textContent = lines.join("\n\n"); };
  socket.onopen = () => { if (token) socket.send(JSON.stringify({ type: "auth", token })); };
  socket.onmessage = (message) => show(message.data);
  socket.onclose = (end) => show("closed: " + end.code + " " + end.reason);
  return socket;
}

function operation(path, method, spec, schemas) {
  const parameters = spec.parameters || [];
  const output = make("pre");
  output.hidden = true;
  const form = make("form", "", ...parameters.map(field));
  const body = spec.requestBody ? make("textarea") : null;
  if (body) {
    body.value = JSON.stringify(skeleton(spec.requestBody.content["application/json"].schema, schemas), null, 2);
    body.rows = body.value.split("\n").length;
    form.append(make("label", "body ", body));
  }
  form.append(make("button", "Try"));
  let socket = null;
  form.onsubmit = (event) => {
    event.preventDefault();
    output.hidden = false;
    const address = url(path, form, parameters);
    if (socket) socket.close();
    if (spec.operationId === "Stream") socket = listen(address, output);
    else call(method, address, body ? body.value : undefined, output);
  };
  const shape = make("details", "", make("summary", "Shape of the answer"), make("pre", JSON.stringify(spec.responses, null, 2)));
  const node = make("details", "", make("summary", "", make("code", method + " " + path), " — " + spec.summary), form, output, shape);
  node.className = "operation";
  return node;
}

fetch("/api/v1/openapi.json").then((answer) => answer.json()).then((spec) => {
  const list = document.getElementById("operations");
  const schemas = spec.components.schemas;
  for (const [path, methods] of Object.entries(spec.paths))
    for (const [method, one] of Object.entries(methods)) list.append(operation(path, method.toUpperCase(), one, schemas));
  const shapes = make("details", "", make("summary", "Shapes"), make("pre", JSON.stringify(schemas, null, 2)));
  shapes.className = "operation";
  list.append(shapes);
});
