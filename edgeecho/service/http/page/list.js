// The studies, the last one first.
import { nameOf } from "/names.js";

const list = document.getElementById("list");
const none = document.getElementById("none");
const rows = new Map(); // by job id
const jobs = new Map();
let picked = null;

export const jobOf = (id) => jobs.get(id);
export const oldest = () => Math.min(...[...jobs.values()].map((job) => job.received));

export const unfinished = () =>
  [...jobs.values()].filter((job) => job.finished === null).map((job) => job.id);

export function stateOf(job) {
  const { status, place, progress } = job;
  if (status === "queued") return place ? `waits, ${place} before it` : "is next";
  if (status === "running") {
    if (progress?.of && !progress.done) return `${progress.of} clips are answered`;
    return progress?.of ? `clip ${progress.done} of ${progress.of}` : "is being read";
  }
  const words = {
    answered: job.summary && (rangeOf(job.summary) ?? job.summary.band),
    refused: job.summary?.refusals.join(", ").replaceAll("-", " "),
    failed: "no answer",
    cancelled: "cancelled",
  };
  return words[status];
}

// Without a value it moves, and says that nobody knows how far it is.
export function fill(bar, { progress }) {
  if (progress?.done) bar.value = progress.done / progress.of;
  else bar.removeAttribute("value");
}

// A row that is no job yet.
export function addRow(name, onCancel) {
  const row = document.getElementById("row").content.firstElementChild.cloneNode(true);
  row.querySelector(".name").textContent = name;
  const cancel = row.querySelector(".cancel");
  cancel.setAttribute("aria-label", `Cancel ${name}`);
  cancel.hidden = false;
  cancel.addEventListener("click", onCancel, { once: true });
  row.querySelector(".pick").disabled = true;
  list.prepend(row);
  none.hidden = true;
  return row;
}

// A job that is new or has changed.
export function show(job, { onPick, onCancel }) {
  const known = rows.has(job.id);
  jobs.set(job.id, job);
  if (!known) rows.set(job.id, make(job, onPick, onCancel));
  const row = rows.get(job.id);
  const name = nameOf(job.id);
  const badge = row.querySelector(".badge");
  row.querySelector(".name").textContent = name;
  row.querySelector(".state").textContent = [time(job), stateOf(job), job.review?.decision]
    .filter(Boolean)
    .join(" · ");
  badge.textContent = badgeOf(job);
  badge.classList.toggle("word", job.status === "refused" || job.status === "failed");
  const progress = row.querySelector("progress");
  progress.hidden = job.status !== "running";
  progress.setAttribute("aria-label", `Progress of ${name}`);
  fill(progress, job);
  const cancel = row.querySelector(".cancel");
  cancel.hidden = job.finished !== null;
  cancel.setAttribute("aria-label", `Cancel ${name}`);
  none.hidden = true;
}

export function pick(id) {
  rows.get(picked)?.querySelector(".pick").removeAttribute("aria-current");
  picked = id;
  rows.get(id)?.querySelector(".pick").setAttribute("aria-current", "true");
}

export const isPicked = (id) => picked === id;
export const anyPicked = () => picked !== null;

function make(job, onPick, onCancel) {
  const row = document.getElementById("row").content.firstElementChild.cloneNode(true);
  row.dataset.id = job.id;
  row.querySelector(".pick").addEventListener("click", () => onPick(job.id));
  row.querySelector(".cancel").addEventListener("click", () => onCancel(job.id));
  const later = [...list.children].filter((other) => {
    const at = jobs.get(other.dataset.id)?.received;
    return at === undefined || at > job.received;
  });
  if (later.length) later.at(-1).after(row);
  else list.prepend(row);
  return row;
}

const rangeOf = ({ interval }) =>
  interval && `${interval.low.toFixed(0)} to ${interval.high.toFixed(0)} %`;

const badgeOf = ({ status, summary }) =>
  status === "answered" ? `${summary.ef.toFixed(0)} %` : { refused: "refused", failed: "no answer" }[status] ?? "";

function time(job) {
  const at = new Date(1000 * job.received);
  const today = at.toDateString() === new Date().toDateString();
  const format = today ? { timeStyle: "short" } : { dateStyle: "short", timeStyle: "short" };
  return at.toLocaleString([], format);
}
