"use strict";
// The hosts as they are now: the list by REST, what changes by WebSocket, with a list again now and then.
const hosts = new Map();
const cards = new Map();
const changed = new Set(); // hosts whose card is not drawn yet
const SHOWN = 120000;
const LATE = 5000; // ms that the stream may be behind the list
let lastEvent = null;
let pause = 1000;
let ahead = 0; // of this clock, the hub's, in ms
let barred = false; // whether a token is wanted first

const byId = (id) => document.getElementById(id);
const percent = (value) => (value === null || value === undefined ? "–" : value.toFixed(value < 10 ? 1 : 0) + " %");

function chip(id, text, good) {
  const node = byId(id);
  node.textContent = text;
  node.className = "chip " + (good ? "good" : "bad");
}

async function get(path) {
  const answer = await fetch(path, { credentials: "same-origin" });
  ahead = Date.parse(answer.headers.get("date")) - Date.now() || 0;
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok && path !== "/api/v1/health") {
    const fault = new Error(body.error || answer.statusText);
    fault.status = answer.status;
    throw fault;
  }
  return body;
}

function note(text) {
  byId("note").textContent = text;
  byId("note").hidden = !text;
}

function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let n = bytes, unit = 0;
  while (n >= 1000 && unit < units.length - 1) { n /= 1000; unit += 1; }
  return n.toFixed(n < 10 && unit ? 1 : 0) + " " + units[unit];
}

function card(id) {
  let node = cards.get(id);
  if (!node) {
    node = byId("host").content.firstElementChild.cloneNode(true);
    cards.set(id, node);
  }
  return node;
}

function draw(id) {
  const host = hosts.get(id);
  const node = card(id);
  const metrics = host.metrics;
  node.className = "host " + host.health;
  node.querySelector(".name").textContent = host.display;
  node.querySelector(".dot").title = host.health;
  const meters = node.querySelectorAll("meter");
  if (!metrics) {
    node.querySelector(".facts").textContent = host.error || "no reading yet";
    return;
  }
  const system = metrics.system;
  const memory = metrics.memory.total ? (100 * metrics.memory.used) / metrics.memory.total : 0;
  const disk = Math.max(-1, ...(metrics.disks || []).map((d) => d.percent ?? -1));
  node.querySelector(".facts").textContent = host.error ||
    [system.name, system.os_version, metrics.cpus.arch, metrics.cpus.total + " CPUs"].filter(Boolean).join(" · ");
  meters[0].value = metrics.cpus.average_usage;
  meters[1].value = memory;
  meters[2].value = Math.max(0, disk);
  node.querySelector(".cpu").textContent = percent(metrics.cpus.average_usage);
  node.querySelector(".memory").textContent = percent(memory);
  node.querySelector(".disk").textContent = disk < 0 ? "–" : percent(disk);
  const more = [size(metrics.memory.used) + " of " + size(metrics.memory.total)];
  if (metrics.components.average_temperature !== null) more.push(metrics.components.average_temperature.toFixed(0) + " °C");
  if (metrics.load && metrics.load[0] !== null) more.push("load " + metrics.load[0].toFixed(2));
  if (host.seen) more.push(new Date(host.seen).toLocaleTimeString());
  node.querySelector(".more").textContent = more.join(" · ");
  const from = Date.now() - SHOWN;
  host.points = host.points.filter((p) => p[0] > from);
  node.querySelector("polyline").setAttribute("points",
    host.points.map((p) => ((p[0] - from) / 1000).toFixed(1) + "," + (30 - 0.29 * p[1]).toFixed(1)).join(" "));
}

function heard(id, display, metrics, timestamp) {
  const host = hosts.get(id) || { points: [] };
  const at = Date.parse(timestamp);
  if (host.at && at < host.at) return;
  Object.assign(host, { display, metrics, at, seen: Date.now(), came: Date.now(), health: "up", error: null });
  // A host's clock may be set anyhow: then what counts is when its reading came.
  const then = at - ahead;
  host.points.push([Math.abs(Date.now() - then) < SHOWN ? then : Date.now(), metrics.cpus.average_usage]);
  const known = hosts.has(id);
  hosts.set(id, host);
  if (!known) byId("hosts").append(card(id));
  changed.add(id);
}

// What many hosts tell each on its own is drawn together: the browser lays the page out anew for each time.
function drawChanged() {
  changed.forEach(draw);
  changed.clear();
}

// What is not up stands first, then all by their names, web-2 before web-10.
function inOrder(a, b) {
  const isUp = (one) => one.health_status === "up";
  const name = (one) => one.display_name || one.name;
  return isUp(a) - isUp(b) || name(a).localeCompare(name(b), undefined, { numeric: true, sensitivity: "base" });
}

async function list() {
  try {
    const [servers, services, health] = await Promise.all(
      [get("/api/v1/servers"), get("/api/v1/services"), get("/api/v1/health")]);
    barred = false;
    byId("enter").hidden = true;
    document.body.className = "";
    note(servers.count ? "" : "No host has reported yet.");
    const nodes = servers.servers.sort(inOrder).map((server) => {
      const host = hosts.get(server.server_id) || { points: [] };
      Object.assign(host, { display: server.display_name, health: server.health_status, error: server.last_poll_error,
        seen: server.last_seen && Date.parse(server.last_seen) });
      const came = Date.parse(server.last_poll_success) - ahead;
      if (server.latest_metrics && (!host.metrics || came > (host.came || 0) + LATE)) {
        // The stream did not tell it, or it seemed to be of the past: whatever comes next is newer.
        if (host.metrics) host.points.push([came, server.latest_metrics.cpus.average_usage]);
        Object.assign(host, { metrics: server.latest_metrics, at: 0, came });
      }
      hosts.set(server.server_id, host);
      draw(server.server_id);
      return card(server.server_id);
    });
    const shown = byId("hosts").children;
    if (nodes.length !== shown.length || nodes.some((node, i) => node !== shown[i])) byId("hosts").replaceChildren(...nodes);
    drawServices(services.services);
    await alarms();
    const wrong = Object.entries(health.checks || {}).filter(([, part]) => part.status !== "ok");
    chip("hub", wrong.length ? wrong.map(([name, part]) => name + " " + part.status).join(", ") : "hub ok", !wrong.length);
    return true;
  } catch (fault) {
    barred = fault.status === 401 || fault.status === 403;
    byId("enter").hidden = !barred;
    note(fault.status === 401 ? "A token is needed." : told(fault));
    // What the page shows was so when the hub told it last.
    document.body.className = "past";
    document.title = "Guardia";
    chip("hub", "hub not known", false);
    chip("fires", "alarms not known", false);
    return false;
  }
}

const told = (fault) => (fault.status ? fault.message : "The hub does not answer.");

// A token that is taken is a cookie from then on, and stands in no address; one that is not leaves the page as it is.
byId("enter").addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await get("/?token=" + encodeURIComponent(new FormData(event.target).get("token")));
    location.reload();
  } catch (fault) {
    note(told(fault));
  }
});

// What the charts would show, had this page been open for longer.
async function past() {
  const start = new Date(Date.now() + ahead - SHOWN).toISOString();
  let cursor = "";
  do {
    const page = await get("/api/v1/series?metric=cpu.percent&agg=mean&step=5s&limit=100&start=" + start + cursor);
    for (const found of page.servers) {
      const host = hosts.get(found.server_id);
      if (!host || !found.series.length) continue;
      const upto = host.points.length ? host.points[0][0] : Infinity;
      const points = found.times.map((time, i) => [time - ahead, found.series[0].mean[i]]);
      host.points.unshift(...points.filter((p) => p[0] < upto && p[1] !== null));
      draw(found.server_id);
    }
    cursor = page.next ? "&cursor=" + encodeURIComponent(page.next) : "";
  } while (cursor);
}

function drawServices(services) {
  byId("services-section").hidden = !services.length;
  byId("services").replaceChildren(...services.sort(inOrder).map((service) => {
    const row = document.createElement("tr");
    row.className = service.health_status;
    const cells = [service.name, service.health_status,
      service.response_time_ms === null ? "–" : service.response_time_ms + " ms",
      service.last_check ? new Date(service.last_check).toLocaleTimeString() : "never", service.reason || ""];
    return filled(row, cells);
  }));
}

function filled(row, cells) {
  row.append(...cells.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
  row.firstChild.prepend(Object.assign(document.createElement("span"), { className: "dot" }));
  return row;
}

// What fires, and what is about to. A notice's link, #alerts/ID, leads to its line.
async function alarms() {
  let found;
  try {
    found = (await get("/api/v1/alerts")).alerts;
  } catch (fault) {
    chip("fires", "alarms are not known: " + fault.message, false);
    byId("alarms-section").hidden = true;
    return;
  }
  const firing = found.filter((alarm) => alarm.state !== "pending").length;
  chip("fires", firing ? firing + " firing" : "nothing fires", !firing);
  document.title = (firing ? "(" + firing + ") " : "") + "Guardia";
  byId("alarms-section").hidden = !found.length;
  const meant = location.hash.startsWith("#alerts/") ? location.hash.slice(8) : "";
  byId("alarms").replaceChildren(...found.map((alarm) => {
    const row = document.createElement("tr");
    const colours = { critical: "down", warning: "stale" };
    row.className = alarm.state === "pending" ? "unknown" : colours[alarm.severity] || "unknown";
    if (meant && alarm.id === meant) row.className += " meant";
    const cares = [alarm.acknowledged && alarm.acknowledged.owner, ...alarm.holds.map((hold) => hold.detail)];
    return filled(row, [alarm.state === "firing" ? alarm.severity : alarm.severity + ", " + alarm.state,
      alarm.display + (alarm.instance ? " [" + alarm.instance + "]" : ""), alarm.rule,
      new Date(alarm.started_at || alarm.since).toLocaleString(), alarm.reason, cares.filter(Boolean).join("; ")]);
  }));
  if (meant && !found.some((alarm) => alarm.id === meant)) note("The alarm of this link is over.");
}

function listen() {
  if (barred) {
    chip("link", "not let in", false);
    setTimeout(listen, 1000);
    return;
  }
  const after = lastEvent ? "&after=" + encodeURIComponent(lastEvent) : "";
  const scheme = location.protocol === "https:" ? "wss://" : "ws://";
  const socket = new WebSocket(scheme + location.host + "/api/v1/stream?kinds=metric" + after);
  socket.onopen = () => { pause = 1000; chip("link", "live", true); };
  socket.onmessage = (message) => {
    const event = JSON.parse(message.data);
    if (event.id) lastEvent = event.id;
    if (event.type === "metric") heard(event.server_id, event.display_name, event.metrics, event.timestamp);
  };
  socket.onclose = (end) => {
    chip("link", end.reason || "not connected", false);
    setTimeout(listen, pause);
    pause = Math.min(30000, pause * 2);
  };
}

list().then((known) => { listen(); return known && past(); }).catch(() => {}); // charts may begin empty
setInterval(list, 10000);
setInterval(drawChanged, 500);
