// Keeps the page up to date. Everything works without it; it only saves pressing Refresh.
// Every 2 s, while the page is visible, it fetches the page's own fragment and brings the regions marked data-live in line with it, node by node:
// what did not change is not touched, so focus, selection, scroll positions, open details and typed text stay.
"use strict";

const everyMs = 2000;
const patienceMs = 10000;
const slowestMs = 15000;
const pausedKey = "recourse-paused";

const connection = document.getElementById("connection");
let paused = sessionStorage.getItem(pausedKey) === "1";
let failures = 0;
let timer = 0;
let asking = false;

function schedule(delay) {
  clearTimeout(timer);
  if (!paused && !document.hidden) timer = setTimeout(update, delay);
}

async function update() {
  if (asking) return;
  asking = true;
  try {
    const address = new URL(location.href);
    address.hash = "";
    address.searchParams.set("fragment", "1");
    const answer = await fetch(address, { cache: "no-store", redirect: "error", signal: AbortSignal.timeout(patienceMs) });
    const text = await answer.text();
    // The session is over: the page itself leads to where one signs in.
    if (answer.status === 401) return location.reload();
    if (answer.status >= 500) throw new Error(`status ${answer.status}`);
    if (!paused && answer.ok) merge(new DOMParser().parseFromString(text, "text/html"));
    failures = 0;
    say("");
  } catch {
    failures++;
    say("Connection lost, retrying. The figures above are from before.");
  } finally {
    asking = false;
    schedule(Math.min(everyMs * 2 ** Math.max(0, failures - 1), slowestMs));
  }
}

// Said once when it changes: the element is a status that screen readers announce.
function say(text) {
  if (connection.textContent !== text) connection.textContent = text;
}

function merge(fresh) {
  for (const region of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(region.id);
    if (next && !holdsSelection(region)) align(region, next);
  }
  document.dispatchEvent(new CustomEvent("recourse:updated"));
}

// Someone is marking text in it to copy: it is left alone until they are done.
function holdsSelection(region) {
  const selection = getSelection();
  return selection !== null && !selection.isCollapsed && region.contains(selection.anchorNode);
}

// Makes `old` like `next` with as few changes as can be.
function align(old, next) {
  if (old.isEqualNode(next)) return;
  alignAttributes(old, next);
  const keyed = new Map();
  for (const child of old.children) if (child.dataset.key) keyed.set(child.dataset.key, child);
  let place = old.firstChild;
  for (const wanted of [...next.childNodes]) {
    const kept = partner(place, wanted, keyed);
    if (!kept) {
      old.insertBefore(document.importNode(wanted, true), place);
      continue;
    }
    if (kept === place) place = place.nextSibling;
    else old.insertBefore(kept, place);
    if (kept.nodeType === Node.ELEMENT_NODE) align(kept, wanted);
    else if (kept.nodeValue !== wanted.nodeValue) kept.nodeValue = wanted.nodeValue;
  }
  while (place) {
    const gone = place;
    place = place.nextSibling;
    gone.remove();
  }
}

// The node on the page that stands for `wanted`: the one with its key, else the one in its place if it is of its sort.
function partner(place, wanted, keyed) {
  const key = wanted.dataset?.key;
  if (key) return keyed.get(key);
  return place && place.nodeName === wanted.nodeName && !place.dataset?.key ? place : null;
}

// What a person set is theirs: whether details are open, what stands in a field.
function alignAttributes(old, next) {
  for (const { name, value } of [...next.attributes])
    if (old.getAttribute(name) !== value && !isTheirs(old, name)) old.setAttribute(name, value);
  for (const { name } of [...old.attributes])
    if (!next.hasAttribute(name) && !isTheirs(old, name)) old.removeAttribute(name);
}

function isTheirs(element, attribute) {
  return (element.localName === "details" && attribute === "open") || (element.localName === "input" && element.type !== "hidden" && attribute === "value");
}

// Content that moves by itself must be stoppable.
function addPause() {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  const show = () => { button.textContent = paused ? "Resume updates" : "Pause updates"; };
  button.addEventListener("click", () => {
    paused = !paused;
    if (paused) sessionStorage.setItem(pausedKey, "1");
    else sessionStorage.removeItem(pausedKey);
    show();
    schedule(0);
  });
  show();
  document.querySelector(".controls").append(button);
}

document.addEventListener("visibilitychange", () => schedule(0));
addPause();
schedule(everyMs);
